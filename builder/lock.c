// Unifying what the architectures resolved to.
//
// Every architecture gets its own list, so unifying changes none of them. What it decides is whether the build goes on:
// each package that the configuration names must be in all lists in the same version, or be provided by a package that
// stands for it in what all agree on.
#include <stdlib.h>

#include "cbuild/apk/dependency.h"
#include "cbuild/base/map.h"
#include "cbuild/builder/lock.h"

// A package of the list that all agree on, as the list of the first architecture is narrowed to the others'.
struct agreed {
    const struct cb_package *pkg;
    bool listed;             // still in the common list
    bool provides_count;     // its provides may stand for missing packages
    struct cb_strs provides; // names; narrowed to what all have
};

struct unifying {
    const struct cb_lock_input *inputs;
    size_t ninputs;
    struct cb_map *packages; // per input: name to struct cb_package
    struct cb_map agreed;    // name to struct agreed
    struct cb_map pins;      // name to struct cb_str: "@tag" of the configuration's entry
    struct cb_map originals; // names that the configuration asks for
    struct cb_arena *arena;
};

void cb_locked_release(struct cb_locked *l)
{
    cb_arena_release(&l->arena);
    *l = (struct cb_locked){0};
}

// The entries of the configuration

static struct cb_str without_suffix(struct cb_str s, struct cb_str suffix)
{
    if (s.n >= suffix.n && cb_str_eq(cb_str_skip(s, s.n - suffix.n), suffix))
        s.n -= suffix.n;
    return s;
}

static void take_originals(struct unifying *u, const struct cb_strs *originals)
{
    for (size_t i = 0; i < originals->n; i++) {
        struct cb_str text = originals->v[i];
        ptrdiff_t at = cb_str_find(text, '@'), op = cb_str_find_any(text, "=<>~");
        struct cb_str *pin = cb_arena_alloc(u->arena, sizeof *pin);
        *pin = at < 0 ? (struct cb_str){0} : cb_str_skip(text, (size_t)at);
        struct cb_str name = without_suffix(op < 0 ? text : cb_str_head(text, (size_t)op), *pin);
        cb_map_put(&u->originals, name, u, NULL);
        cb_map_put(&u->pins, name, pin, NULL);
    }
}

// What the architectures resolved to

static struct cb_strs names_provided(struct unifying *u, const struct cb_package *p)
{
    struct cb_strs names = {.v = cb_arena_alloc(u->arena, (p->provides.n + 1) * sizeof *names.v)};
    for (size_t i = 0; i < p->provides.n; i++)
        if (cb_dependency_name(p->provides.v[i], &names.v[names.n]))
            names.n++;
    cb_strs_sort(&names);
    cb_strs_unique(&names);
    return names;
}

static void take_inputs(struct unifying *u)
{
    for (size_t k = 0; k < u->ninputs; k++) {
        const struct cb_resolution *r = u->inputs[k].resolution;
        for (size_t i = 0; i < r->packages.n; i++) {
            const struct cb_package *p = r->packages.v[i].pkg;
            cb_map_put(&u->packages[k], p->name, (void *)(uintptr_t)p, NULL);
            if (k)
                continue;
            struct agreed *a = cb_arena_alloc(u->arena, sizeof *a);
            *a = (struct agreed){p, true, true, names_provided(u, p)};
            cb_map_put(&u->agreed, p->name, a, NULL);
        }
    }
}

// Both sorted.
static void narrow(struct cb_strs *to, const struct cb_strs *other)
{
    size_t kept = 0, j = 0;
    for (size_t i = 0; i < to->n; i++) {
        while (j < other->n && cb_str_cmp(other->v[j], to->v[i]) < 0)
            j++;
        if (j < other->n && cb_str_eq(other->v[j], to->v[i]))
            to->v[kept++] = to->v[i];
    }
    to->n = kept;
}

// The reference starts from the architecture that a Go map gives first. It matters in one case only: a package that
// another architecture lacks altogether still counts with its provides, one that differs in version does not. Here the
// first input is the first.
static void agree_with(struct unifying *u, const struct cb_map *packages)
{
    for (size_t i = 0; i < u->agreed.n; i++) {
        struct agreed *a = u->agreed.items[i].value;
        const struct cb_package *theirs = cb_map_get(packages, a->pkg->name);
        if (!a->listed)
            continue;
        if (!theirs) {
            a->listed = false;
        } else if (!cb_str_eq(a->pkg->version, theirs->version)) {
            a->listed = a->provides_count = false;
        } else {
            struct cb_strs provides = names_provided(u, theirs);
            narrow(&a->provides, &provides);
        }
    }
}

// Whether the name that the configuration asks for is missing in what all agree on.
static bool is_missing(const struct unifying *u, struct cb_str name)
{
    const struct agreed *named = cb_map_get(&u->agreed, name);
    if (named && named->listed)
        return false;
    for (size_t i = 0; i < u->agreed.n; i++) {
        const struct agreed *a = u->agreed.items[i].value;
        if (a->provides_count && cb_strs_has(&a->provides, name))
            return false;
    }
    return true;
}

static void add_versions(const struct unifying *u, struct cb_str name, struct cb_buf *b)
{
    for (size_t k = 0; k < u->ninputs; k++) {
        const struct cb_package *p = cb_map_get(&u->packages[k], name);
        cb_buf_addf(b, "%s%.*s has ", k ? ", " : "", CB_STR_ARG(u->inputs[k].arch));
        cb_buf_addstr(b, p ? p->version : CB_STR("none"));
    }
}

static int check_missing(struct unifying *u, struct cb_error *err)
{
    CB_BUF_AUTO lines = {0};
    struct cb_str first = {0};
    cb_map_sort(&u->originals);
    for (size_t i = 0; i < u->originals.n; i++) {
        struct cb_str name = u->originals.items[i].key;
        if (!is_missing(u, name))
            continue;
        if (!first.p)
            first = name;
        cb_buf_addf(&lines, "%s%.*s: ", lines.n ? "\n" : "", CB_STR_ARG(name));
        add_versions(u, name, &lines);
    }
    if (!first.p)
        return 0;
    cb_fail(err, CB_E_CONFLICT, "the architectures do not agree on a version of \"%.*s\"", CB_STR_ARG(first));
    cb_detail(err, "%s", lines.p);
    return cb_hint(err, "ask for a version that all have (\"%.*s=<version>\"), or build fewer architectures",
                   CB_STR_ARG(first));
}

// The lists

static struct cb_str locked_entry(struct unifying *u, const struct cb_package *p)
{
    const struct cb_str *pin = cb_map_get(&u->pins, p->name);
    struct cb_str tag = pin ? *pin : (struct cb_str){0};
    return cb_arena_format(u->arena, "%.*s=%.*s%.*s", CB_STR_ARG(p->name), CB_STR_ARG(p->version), CB_STR_ARG(tag));
}

static void list_arch(struct unifying *u, size_t k, struct cb_locked_arch *out)
{
    const struct cb_resolution *r = u->inputs[k].resolution;
    size_t room = (r->packages.n + 1) * sizeof(struct cb_str);
    *out = (struct cb_locked_arch){.arch = cb_arena_str(u->arena, u->inputs[k].arch)};
    out->packages.v = cb_arena_alloc(u->arena, room);
    out->missing.v = cb_arena_alloc(u->arena, room);
    for (size_t i = 0; i < r->packages.n; i++) {
        const struct cb_package *p = r->packages.v[i].pkg;
        const struct agreed *a = cb_map_get(&u->agreed, p->name);
        out->packages.v[out->packages.n++] = locked_entry(u, p);
        if (!a || !a->listed)
            out->missing.v[out->missing.n++] = cb_arena_str(u->arena, p->name);
    }
    cb_strs_sort(&out->packages);
    cb_strs_sort(&out->missing);
}

static void list_common(struct unifying *u, struct cb_strs *out)
{
    out->v = cb_arena_alloc(u->arena, (u->agreed.n + 1) * sizeof *out->v);
    for (size_t i = 0; i < u->agreed.n; i++) {
        const struct agreed *a = u->agreed.items[i].value;
        if (a->listed)
            out->v[out->n++] = locked_entry(u, a->pkg);
    }
    cb_strs_sort(out);
}

static int unify(struct unifying *u, struct cb_locked *out, struct cb_error *err)
{
    take_inputs(u);
    for (size_t k = 1; k < u->ninputs; k++)
        agree_with(u, &u->packages[k]);
    if (check_missing(u, err))
        return -1;
    out->archs.v = cb_arena_alloc(u->arena, u->ninputs * sizeof *out->archs.v);
    for (size_t k = 0; k < u->ninputs; k++)
        list_arch(u, k, &out->archs.v[out->archs.n++]);
    list_common(u, &out->common);
    return 0;
}

int cb_lock_unify(const struct cb_strs *originals, const struct cb_lock_input *inputs, size_t n, struct cb_locked *out,
                  struct cb_error *err)
{
    *out = (struct cb_locked){0};
    if (!originals->n || !n)
        return 0;
    struct unifying u = {.inputs = inputs, .ninputs = n, .arena = &out->arena};
    u.packages = cb_zalloc(n * sizeof *u.packages);
    take_originals(&u, originals);
    int failed = unify(&u, out, err);
    for (size_t k = 0; k < n; k++)
        cb_map_release(&u.packages[k]);
    free(u.packages);
    cb_map_release(&u.agreed);
    cb_map_release(&u.pins);
    cb_map_release(&u.originals);
    if (failed)
        cb_locked_release(out);
    return failed ? -1 : 0;
}
