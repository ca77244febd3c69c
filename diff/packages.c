#include "packages.h"

#include "cbuild/base/vec.h"
#include "cbuild/oci/image_files.h"

#define OLD_INSTALLED "lib/apk/db/installed"
#define DATABASE_MAX (256u << 20)     // bytes
#define UNKNOWN_IMAGE_MAX (64u << 20) // bytes of layers that are read for a database that may not be there

// ---- reading ------------------------------------------------------------------------------------------------------

// An image that apko built has its database in its top layer. In others it may be anywhere or nowhere: then all layers
// are read for it, unless they are large.
static bool is_worth_reading(const struct side_image *img)
{
    const struct cb_image_file *f = &img->from->file;
    uint64_t total = 0;
    for (size_t i = 0; i < img->nlayers; i++)
        total += img->layers[i].size;
    return total <= UNKNOWN_IMAGE_MAX || cb_str_has(f->author, CB_STR("apko")) ||
           (f->nhistory && cb_str_has(f->history[f->nhistory - 1].author, CB_STR("apko")));
}

static int read_database(struct packages *p, struct package_side *out, const struct side_image *img,
                         struct cb_image_source *source, struct cb_error *err)
{
    static const struct cb_str both[] = {{CB_APK_INSTALLED, sizeof CB_APK_INSTALLED - 1},
                                         {OLD_INSTALLED, sizeof OLD_INSTALLED - 1}};
    if (!is_worth_reading(img))
        return 0;
    for (size_t i = 0; i < 2 && !out->text.p; i++) {
        CB_IMAGE_FILES_AUTO files = {0};
        if (cb_image_files_collect(source, img->from, &both[i], 1, DATABASE_MAX, &files, err))
            return -1;
        const struct cb_image_content *found = cb_image_files_get(&files, both[i].p);
        if (found)
            out->text = cb_arena_str(&p->arena, found->bytes);
    }
    return 0;
}

static void index_side(struct package_side *s)
{
    for (size_t i = 0; i < s->installed.n; i++) {
        const struct cb_installed_package *pkg = &s->installed.v[i];
        void *id = (void *)(uintptr_t)(i + 1);
        cb_map_put(&s->by_name, pkg->pkg.name, id, NULL);
        for (size_t k = 0; k < pkg->nfiles; k++)
            if (!pkg->files[k].is_dir)
                cb_map_put(&s->owners, pkg->files[k].name, id, NULL);
    }
}

// A database that cannot be read is no reason to compare nothing: it then says nothing.
static void parse_side(struct report *r, struct package_side *s, int side)
{
    CB_ERROR_AUTO why = CB_ERROR_INIT;
    if (!s->text.p)
        return;
    if (cb_installed_parse(s->text, &s->installed, &why)) {
        report_note(r, "%c: the database of installed packages cannot be read: %s", 'A' + side, why.message);
        cb_installed_release(&s->installed);
        s->installed = (struct cb_installed){0};
    }
    index_side(s);
}

static const struct cb_installed_package *find(const struct package_side *s, struct cb_str name)
{
    size_t id = (size_t)(uintptr_t)cb_map_get(&s->by_name, name);
    return id ? &s->installed.v[id - 1] : NULL;
}

// ---- comparing ----------------------------------------------------------------------------------------------------

static struct cb_str cause_of(const struct cb_installed_package *a, const struct cb_installed_package *b)
{
    if (!a || !b)
        return a ? CB_STR("only in A") : CB_STR("only in B");
    if (!cb_str_eq(a->pkg.version, b->pkg.version))
        return CB_STR("another package version");
    if (!cb_str_eq(a->pkg.checksum, b->pkg.checksum))
        return CB_STR("the same version with other contents: the package was built anew or replaced");
    return CB_STR("");
}

static uint64_t count_files(const struct cb_installed_package *p)
{
    uint64_t n = 0;
    for (size_t i = 0; i < p->nfiles; i++)
        n += !p->files[i].is_dir;
    return n;
}

static void fill_change(struct packages *p, struct package_change *c, const struct cb_installed_package *pkg, int side)
{
    if (!pkg)
        return;
    c->versions[side] = cb_arena_str(&p->report->arena, pkg->pkg.version);
    c->files[side] = count_files(pkg);
    c->bytes[side] = pkg->pkg.installed_size;
}

static void add_change(struct packages *p, struct cb_str image, struct cb_str name)
{
    const struct cb_installed_package *a = find(&p->sides[0], name), *b = find(&p->sides[1], name);
    struct cb_str cause = cause_of(a, b);
    if (!cause.n)
        return;
    struct package_change *c = cb_vec_add(&p->report->packages);
    c->image = cb_arena_str(&p->report->arena, image);
    c->name = cb_arena_str(&p->report->arena, name);
    c->cause = cause;
    fill_change(p, c, a, 0);
    fill_change(p, c, b, 1);
}

static int by_name(const void *a, const void *b)
{
    const struct package_change *x = a, *y = b;
    return cb_str_cmp(x->name, y->name);
}

// Databases of one side only say nothing about the other.
static void compare(struct packages *p, struct cb_str image)
{
    struct report *r = p->report;
    if (!p->sides[0].text.p || !p->sides[1].text.p)
        return;
    for (size_t i = 0; i < p->sides[0].installed.n; i++)
        add_change(p, image, p->sides[0].installed.v[i].pkg.name);
    for (size_t i = 0; i < p->sides[1].installed.n; i++)
        if (!find(&p->sides[0], p->sides[1].installed.v[i].pkg.name))
            add_change(p, image, p->sides[1].installed.v[i].pkg.name);
    if (r->packages.n > p->first)
        qsort(r->packages.v + p->first, r->packages.n - p->first, sizeof *r->packages.v, by_name);
}

int packages_read(struct packages *p, struct report *r, const struct side_image *a, const struct side_image *b,
                  struct cb_image_source *const sources[2], struct cb_error *err)
{
    const struct side_image *const images[2] = {a, b};
    *p = (struct packages){.report = r, .first = r->packages.n};
    for (int i = 0; i < 2; i++) {
        if (read_database(p, &p->sides[i], images[i], sources[i], err))
            return -1;
        parse_side(r, &p->sides[i], i);
    }
    compare(p, a->label);
    return 0;
}

void packages_release(struct packages *p)
{
    for (int i = 0; i < 2; i++) {
        cb_map_release(&p->sides[i].by_name);
        cb_map_release(&p->sides[i].owners);
        cb_installed_release(&p->sides[i].installed);
    }
    cb_arena_release(&p->arena);
}

// ---- asking -------------------------------------------------------------------------------------------------------

struct cb_str packages_owner(const struct packages *p, int side, struct cb_str path)
{
    const struct package_side *s = &p->sides[side];
    size_t id = (size_t)(uintptr_t)cb_map_get(&s->owners, path);
    return id ? s->installed.v[id - 1].pkg.name : (struct cb_str){NULL, 0};
}

struct cb_str packages_cause(const struct packages *p, struct cb_str package)
{
    return cause_of(find(&p->sides[0], package), find(&p->sides[1], package));
}

void packages_count(struct packages *p, struct cb_str package, uint64_t bytes)
{
    struct report *r = p->report;
    const struct package_change key = {.name = package};
    struct package_change *c =
        r->packages.n == p->first
            ? NULL
            : bsearch(&key, r->packages.v + p->first, r->packages.n - p->first, sizeof *r->packages.v, by_name);
    if (!c)
        return;
    c->changed_files++;
    c->changed_bytes += bytes;
}
