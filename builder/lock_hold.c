// Locking anew with most packages held at their locked versions.
//
// The resolver gets a second one beside it, as if of another architecture, whose index has just what may be taken: what
// is held in its locked version, what may move in the version that it has where nothing is held. So the world stays
// that of the configuration, and the order of installation what it would be with a repository of just these packages.
// Where nothing can be chosen that way, of the packages that would move by themselves as few are let go as it takes.
#include "lock_hold.h"
#include "arch_build.h"
#include "cbuild/base/log.h"
#include "cbuild/base/map.h"

struct held {
    struct cb_str locked, free; // versions; free is empty where nothing needs the package any more
    bool moves;
};

struct holding {
    struct cb_arch_build *build;
    const struct cb_image_config *config;
    struct cb_arena arena;
    struct cb_map packages; // of the lock file, by name: struct held
};

static void take_locked(struct holding *h, const struct cb_lock_file *old, const struct cb_strs *names)
{
    for (size_t i = 0; i < old->packages.n; i++) {
        const struct cb_lock_package *p = &old->packages.v[i];
        if (!cb_str_eq(p->architecture, h->build->apk_arch))
            continue;
        struct held *x = cb_arena_alloc(&h->arena, sizeof *x);
        *x = (struct held){.locked = p->version, .moves = cb_strs_has(names, p->name)};
        cb_map_put(&h->packages, p->name, x, NULL);
    }
    const struct cb_resolution *r = &h->build->resolution;
    for (size_t i = 0; i < r->packages.n; i++) {
        struct held *x = cb_map_get(&h->packages, r->packages.v[i].pkg->name);
        if (x)
            x->free = cb_arena_str(&h->arena, r->packages.v[i].pkg->version);
    }
}

static bool may_be_taken(const struct holding *h, const struct cb_package *p)
{
    const struct held *x = cb_map_get(&h->packages, p->name);
    if (!x || (x->moves && !x->free.n))
        return true;
    return cb_str_eq(p->version, x->moves ? x->free : x->locked);
}

static void list_index(const struct holding *h, const struct cb_index *x, struct cb_buf *out)
{
    for (size_t i = 0; i < cb_index_count(x); i++) {
        CB_ARENA_AUTO arena = {0};
        struct cb_package p;
        cb_index_package(x, i, &arena, &p);
        if (may_be_taken(h, &p))
            cb_buf_addf(out, "P:%.*s\nV:%.*s\n\n", CB_STR_ARG(p.name), CB_STR_ARG(p.version));
    }
}

static struct cb_index *make_index(const struct holding *h, struct cb_error *err)
{
    CB_BUF_AUTO text = {0};
    struct cb_index *out = NULL;
    const struct cb_arch_build *a = h->build;
    const struct cb_index_origin origin = {CB_STR("locked"), CB_STR(""), a->apk_arch};
    for (size_t i = 0; i < a->indexes.n; i++)
        list_index(h, a->indexes.v[i], &text);
    if (a->base.index)
        list_index(h, a->base.index, &text);
    struct cb_mem_source source = cb_mem_source(text.p, text.n);
    return cb_index_parse(&source.source, &origin, &out, err) ? NULL : out;
}

static int resolve(struct holding *h, struct cb_error *err)
{
    struct cb_index *index = make_index(h, err);
    if (!index)
        return -1;
    const struct cb_index *const indexes[] = {index};
    struct cb_resolver *allowed = cb_resolver_new(indexes, 1);
    const struct cb_resolver *const both[] = {h->build->resolver, allowed};
    cb_resolution_release(&h->build->resolution);
    int failed = cb_arch_build_resolve(h->build, h->config, both, 2, err);
    cb_resolver_free(allowed);
    cb_index_free(index);
    return failed;
}

// Whether something can be chosen; *err is only set where that is not the question.
static int try_resolve(struct holding *h, bool *solved, struct cb_error *err)
{
    CB_ERROR_AUTO why = CB_ERROR_INIT;
    *solved = resolve(h, &why) == 0;
    if (*solved || why.kind == CB_E_NOT_FOUND || why.kind == CB_E_CONFLICT)
        return 0;
    cb_error_move(err, &why);
    return -1;
}

static bool would_move(const struct held *x)
{
    return !x->moves && x->free.n && !cb_str_eq(x->free, x->locked);
}

// All that would move is let go, and then held again one by one, unless that leaves nothing to choose.
static int let_go(struct holding *h, struct cb_error *err)
{
    struct cb_map loose = {0};
    for (size_t i = 0; i < h->packages.n; i++) {
        struct held *x = h->packages.items[i].value;
        if (would_move(x)) {
            cb_map_put(&loose, h->packages.items[i].key, x, NULL);
            x->moves = true;
        }
    }
    bool solved = false;
    int failed = 0;
    for (size_t i = 0; i < loose.n && !failed; i++) {
        struct held *x = loose.items[i].value;
        x->moves = false;
        failed = try_resolve(h, &solved, err);
        x->moves = !solved;
        if (x->moves)
            cb_log(CB_WARN,
                   "%.*s: %.*s cannot stay at %.*s and moves to %.*s: with it held nothing fits what is asked for",
                   CB_STR_ARG(h->build->apk_arch), CB_STR_ARG(loose.items[i].key), CB_STR_ARG(x->locked),
                   CB_STR_ARG(x->free));
    }
    cb_map_release(&loose);
    return failed || resolve(h, err) ? -1 : 0;
}

int cb_lock_hold(struct cb_arch_build *a, const struct cb_image_config *c, const struct cb_lock_file *old,
                 const struct cb_strs *names, struct cb_error *err)
{
    struct holding h = {.build = a, .config = c};
    bool solved = false;
    take_locked(&h, old, names);
    int failed = try_resolve(&h, &solved, err);
    if (!failed && !solved)
        failed = let_go(&h, err);
    cb_map_release(&h.packages);
    cb_arena_release(&h.arena);
    return failed ? -1 : 0;
}
