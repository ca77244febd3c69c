// Exact packages where a configuration leaves them open.
#include "cbuild/builder/arch.h"
#include "reproduce_plan.h"

#define SHOWN 10u // names that a note lists

static struct cb_str name_of(struct cb_str constraint)
{
    ptrdiff_t end = cb_str_find_any(constraint, "=<>~@");
    return end < 0 ? constraint : cb_str_head(constraint, (size_t)end);
}

static bool is_exact(struct cb_str constraint)
{
    struct cb_str name = name_of(constraint);
    return constraint.n > name.n + 1 && constraint.p[name.n] == '=';
}

static bool names(const struct cb_strs *packages, struct cb_str name)
{
    for (size_t i = 0; i < packages->n; i++)
        if (is_exact(packages->v[i]) && cb_str_eq(name_of(packages->v[i]), name))
            return true;
    return false;
}

// A service bundle's configuration gets "s6" again each time it is checked: the stored one has it already.
static size_t without_added(const struct cb_image_config *c)
{
    size_t n = c->contents.packages.n;
    bool added = n && cb_str_is(c->entrypoint.type, "service-bundle") && cb_str_is(c->contents.packages.v[n - 1], "s6");
    return n - added;
}

// Whether a configuration names every package that is installed, exactly, and nothing else but exact packages. *open
// counts those that it leaves open, and lists some.
static bool pins_all(const struct cb_image_config *c, const struct cb_installed *installed, struct cb_buf *open,
                     size_t *count)
{
    const struct cb_strs packages = {c->contents.packages.v, without_added(c), 0};
    *count = 0;
    for (size_t i = 0; i < installed->n; i++) {
        struct cb_str name = installed->v[i].pkg.name;
        if (names(&packages, name))
            continue;
        if ((*count)++ < SHOWN)
            cb_buf_addf(open, "%s%.*s", open->n ? ", " : "", CB_STR_ARG(name));
    }
    for (size_t i = 0; i < packages.n; i++)
        if (!is_exact(packages.v[i]))
            return false;
    return *count == 0;
}

static void note_open(struct reproduce_plan *p, const struct reproduce_image *img, size_t count,
                      const struct cb_buf *open, const char *from)
{
    cb_strs_add(&p->out->notes,
                cb_arena_format(&p->out->arena,
                                "%.*s: the configuration does not pin every package (%zu are left open: %s%s); "
                                "versions are those of %s",
                                CB_STR_ARG(img->image->label), count, open->n ? open->p : "-",
                                count > SHOWN ? ", ..." : "", from));
}

static void take_list(struct reproduce_plan *p, struct cb_locked_arch *to, const struct cb_strs *from, size_t n)
{
    to->packages.v = cb_arena_alloc(&p->packages.arena, (n + 1) * sizeof *to->packages.v);
    for (size_t i = 0; i < n; i++)
        to->packages.v[i] = cb_arena_str(&p->packages.arena, from->v[i]);
    to->packages.n = n;
}

static void take_installed(struct reproduce_plan *p, struct cb_locked_arch *to, const struct cb_installed *from)
{
    struct cb_strs list = {0};
    for (size_t i = 0; i < from->n; i++)
        cb_strs_add(&list, cb_arena_format(&p->packages.arena, "%.*s=%.*s", CB_STR_ARG(from->v[i].pkg.name),
                                           CB_STR_ARG(from->v[i].pkg.version)));
    cb_strs_sort(&list);
    take_list(p, to, &list, list.n);
    cb_strs_release(&list);
}

static int pin_image(struct reproduce_plan *p, const struct reproduce_image *img, struct cb_locked_arch *to,
                     struct cb_error *err)
{
    CB_BUF_AUTO open = {0};
    CB_BUF_AUTO open_stored = {0};
    size_t count = 0, count_stored = 0;
    to->arch = img->arch;
    bool said = pins_all(p->config, &img->installed, &open, &count);
    bool stored = img->config && pins_all(img->config, &img->installed, &open_stored, &count_stored);
    if (!said && !img->installed.n && !stored) {
        cb_fail(err, CB_E_CONFIG,
                "%.*s: the configuration does not pin every package, and the image has no database "
                "of installed packages that would",
                CB_STR_ARG(img->image->label));
        return cb_hint(err, "what is built from it is the newest of each, which need not be what was");
    }
    if (stored) {
        if (!said)
            note_open(p, img, count, &open, "the image's etc/apko.json");
        take_list(p, to, &img->config->contents.packages, without_added(img->config));
    } else {
        note_open(p, img, count, &open, "the image's database of installed packages");
        take_installed(p, to, &img->installed);
    }
    return 0;
}

int reproduce_pin(struct reproduce_plan *p, struct cb_error *err)
{
    bool all = p->o->attested.n > 0; // what was attested stands for all architectures, what is stored for one
    for (size_t i = 0; i < p->images.n && all; i++) {
        CB_BUF_AUTO open = {0};
        size_t count;
        all = pins_all(p->config, &p->images.v[i].installed, &open, &count);
    }
    if (all)
        return 0;
    p->packages.archs.v = cb_arena_alloc(&p->packages.arena, (p->images.n + 1) * sizeof *p->packages.archs.v);
    p->packages.archs.n = p->images.n;
    for (size_t i = 0; i < p->images.n; i++)
        if (pin_image(p, &p->images.v[i], &p->packages.archs.v[i], err))
            return -1;
    p->has_packages = true;
    return 0;
}
