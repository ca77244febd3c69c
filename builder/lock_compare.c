// Lock files held against each other, and against a configuration.
#include "cbuild/apk/dependency.h"
#include "cbuild/base/map.h"
#include "cbuild/builder/arch.h"
#include "cbuild/builder/lock.h"

// One list of each kind by key, so that long lists are compared in one pass. Keys live in the arena.
struct listing {
    struct cb_arena arena;
    struct cb_map items; // to whatever the list is of
};

static void listing_release(struct listing *l)
{
    cb_map_release(&l->items);
    cb_arena_release(&l->arena);
}
#define LISTING_AUTO __attribute__((cleanup(listing_release))) struct listing

static struct cb_str package_key(struct cb_arena *a, const struct cb_lock_package *p)
{
    return cb_arena_format(a, "%.*s: %.*s", CB_STR_ARG(p->architecture), CB_STR_ARG(p->name));
}

static void list_packages(const struct cb_lock_file *f, struct listing *out)
{
    for (size_t i = 0; i < f->packages.n; i++)
        cb_map_put(&out->items, package_key(&out->arena, &f->packages.v[i]), &f->packages.v[i], NULL);
}

static size_t tell_change(struct cb_buf *out, struct cb_str key, const char *what, struct cb_str from, struct cb_str to)
{
    if (cb_str_eq(from, to))
        return 0;
    cb_buf_addf(out, "%.*s%s %.*s -> %.*s\n", CB_STR_ARG(key), what, CB_STR_ARG(from), CB_STR_ARG(to));
    return 1;
}

static bool same_part(const struct cb_lock_part *a, const struct cb_lock_part *b)
{
    return cb_str_eq(a->range, b->range) && cb_str_eq(a->checksum, b->checksum);
}

static size_t compare_package(struct cb_str key, const struct cb_lock_package *a, const struct cb_lock_package *b,
                              struct cb_buf *out)
{
    if (!cb_str_eq(a->version, b->version)) {
        cb_buf_addf(out, "%.*s %.*s -> %.*s\n", CB_STR_ARG(key), CB_STR_ARG(a->version), CB_STR_ARG(b->version));
        return 1;
    }
    CB_ARENA_AUTO arena = {0};
    struct cb_str full = cb_arena_format(&arena, "%.*s %.*s", CB_STR_ARG(key), CB_STR_ARG(a->version));
    size_t n = tell_change(out, full, ": checksum", a->checksum, b->checksum) +
               tell_change(out, full, ": URL", a->url, b->url);
    if (n || (same_part(&a->signature, &b->signature) && same_part(&a->control, &b->control) &&
              same_part(&a->data, &b->data)))
        return n;
    cb_buf_addf(out, "%.*s: another package file of the same checksum\n", CB_STR_ARG(full));
    return 1;
}

// Packages of a that b does not have.
static size_t tell_only(const struct cb_map *a, const struct cb_map *b, const char *what, struct cb_buf *out)
{
    size_t n = 0;
    for (size_t i = 0; i < a->n; i++) {
        const struct cb_lock_package *p = a->items[i].value;
        if (cb_map_get(b, a->items[i].key))
            continue;
        cb_buf_addf(out, "%.*s %.*s %s\n", CB_STR_ARG(a->items[i].key), CB_STR_ARG(p->version), what);
        n++;
    }
    return n;
}

static size_t compare_packages(const struct cb_lock_file *a, const struct cb_lock_file *b, struct cb_buf *out)
{
    LISTING_AUTO before = {0};
    LISTING_AUTO now = {0};
    size_t n = 0;
    list_packages(a, &before);
    list_packages(b, &now);
    for (size_t i = 0; i < before.items.n; i++) {
        struct cb_str key = before.items.items[i].key;
        const struct cb_lock_package *theirs = cb_map_get(&now.items, key);
        if (theirs)
            n += compare_package(key, before.items.items[i].value, theirs, out);
    }
    return n + tell_only(&before.items, &now.items, "removed", out) +
           tell_only(&now.items, &before.items, "added", out);
}

static void list_others(const struct cb_lock_file *f, struct listing *out)
{
    struct cb_arena *a = &out->arena;
    const struct {
        const char *kind;
        const struct cb_lock_repository *v;
        size_t n;
    } lists[] = {{"build repository", f->build_repositories.v, f->build_repositories.n},
                 {"runtime repository", f->runtime_repositories.v, f->runtime_repositories.n},
                 {"repository", f->repositories.v, f->repositories.n}};
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++)
        for (size_t i = 0; i < lists[l].n; i++)
            cb_map_put(&out->items, cb_arena_format(a, "%s %.*s", lists[l].kind, CB_STR_ARG(lists[l].v[i].url)), out,
                       NULL);
    for (size_t i = 0; i < f->keyring.n; i++)
        cb_map_put(&out->items, cb_arena_format(a, "key %.*s", CB_STR_ARG(f->keyring.v[i].url)), &f->keyring.v[i],
                   NULL);
}

// Those of a that b does not have.
static size_t tell_missing(const struct listing *a, const struct listing *b, const char *what, struct cb_buf *out)
{
    size_t n = 0;
    for (size_t i = 0; i < a->items.n; i++)
        if (!cb_map_get(&b->items, a->items.items[i].key)) {
            cb_buf_addf(out, "%.*s %s\n", CB_STR_ARG(a->items.items[i].key), what);
            n++;
        }
    return n;
}

static size_t compare_others(const struct cb_lock_file *a, const struct cb_lock_file *b, struct cb_buf *out)
{
    LISTING_AUTO before = {0};
    LISTING_AUTO now = {0};
    list_others(a, &before);
    list_others(b, &now);
    return tell_missing(&before, &now, "removed", out) + tell_missing(&now, &before, "added", out);
}

size_t cb_lock_file_compare(const struct cb_lock_file *a, const struct cb_lock_file *b, struct cb_buf *out)
{
    CB_BUF_AUTO before = {0};
    CB_BUF_AUTO now = {0};
    size_t n = compare_packages(a, b, out) + compare_others(a, b, out);
    n += tell_change(out, CB_STR("configuration"), "", a->config_name, b->config_name);
    n += tell_change(out, CB_STR("configuration"), ": checksum", a->config_checksum, b->config_checksum);
    cb_lock_file_write(a, &before);
    cb_lock_file_write(b, &now);
    if (n || cb_str_eq(cb_buf_str(&before), cb_buf_str(&now)))
        return n;
    cb_buf_adds(out, "the same packages, repositories and keys, but in another order or with other contents\n");
    return 1;
}

// The configuration's entries

enum { MISFITS_MAX = 8 };

static bool satisfied(const struct cb_dependency *d, struct cb_str version)
{
    struct cb_version have, want;
    if (!cb_dependency_has_version(d))
        return true;
    if (!cb_version_parse(version, &have) || !cb_dependency_version(d, &want))
        return cb_dependency_version_is(d, version);
    return cb_version_satisfies(d->op, &have, &want);
}

static const struct cb_lock_package *locked_package(const struct cb_lock_file *f, struct cb_str arch,
                                                    struct cb_str name)
{
    for (size_t i = 0; i < f->packages.n; i++)
        if (cb_str_eq(f->packages.v[i].name, name) && cb_str_eq(cb_arch_parse(f->packages.v[i].architecture), arch))
            return &f->packages.v[i];
    return NULL;
}

// What is wrong with an entry in the list of one architecture; empty where nothing is. A lock file does not say what
// its packages provide, so that names of that kind ("so:...", "cmd:...") cannot be looked up.
static struct cb_str misfit(const struct cb_lock_file *f, struct cb_str arch, struct cb_str entry, struct cb_arena *a)
{
    bool unwanted = cb_str_starts(entry, "!");
    struct cb_dependency d = cb_dependency_parse(cb_str_skip(entry, unwanted), a);
    const struct cb_lock_package *p = locked_package(f, arch, d.name);
    if (!p)
        return unwanted || cb_str_find(d.name, ':') >= 0
                   ? CB_STR("")
                   : cb_arena_format(a, "%.*s: no package of that name is locked", CB_STR_ARG(entry));
    if (satisfied(&d, p->version) != unwanted)
        return CB_STR("");
    return cb_arena_format(a, "%.*s: version %.*s is locked", CB_STR_ARG(entry), CB_STR_ARG(p->version));
}

// The architectures of each thing that is wrong, so that it is told once.
static void add_misfits(const struct cb_lock_file *f, struct cb_str entry, const struct cb_strs *archs,
                        struct cb_arena *a, struct cb_map *wrong)
{
    for (size_t i = 0; i < archs->n; i++) {
        struct cb_str text = misfit(f, archs->v[i], entry, a);
        if (!text.n)
            continue;
        struct cb_str *in = cb_map_get(wrong, text);
        struct cb_str arch = cb_arch_to_apk(archs->v[i]);
        if (in) {
            *in = cb_arena_format(a, "%.*s, %.*s", CB_STR_ARG(*in), CB_STR_ARG(arch));
            continue;
        }
        in = cb_arena_alloc(a, sizeof *in);
        *in = arch;
        cb_map_put(wrong, text, in, NULL);
    }
}

size_t cb_lock_file_misfits(const struct cb_lock_file *f, const struct cb_strs *packages, const struct cb_strs *archs,
                            struct cb_buf *out)
{
    CB_ARENA_AUTO arena = {0};
    __attribute__((cleanup(cb_map_release))) struct cb_map wrong = {0};
    struct cb_strs entries; // in the arena
    struct cb_str text;
    cb_world(packages, &arena, &text, &entries);
    for (size_t i = 0; i < entries.n; i++)
        add_misfits(f, entries.v[i], archs, &arena, &wrong);
    for (size_t i = 0; i < wrong.n && i < MISFITS_MAX; i++) {
        const struct cb_str *in = wrong.items[i].value;
        cb_buf_addf(out, "%s%.*s (%.*s)", i ? "\n" : "", CB_STR_ARG(wrong.items[i].key), CB_STR_ARG(*in));
    }
    if (wrong.n > MISFITS_MAX)
        cb_buf_addf(out, "\nand %zu more", wrong.n - MISFITS_MAX);
    return wrong.n;
}
