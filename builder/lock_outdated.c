// What the repositories have newer than a lock file.
#include "arch_build.h"
#include "cbuild/apk/version.h"
#include "cbuild/base/map.h"
#include "cbuild/builder/plan.h"

struct candidate {
    const struct cb_lock_package *locked;
    struct cb_str newest, url; // in the arena of the list; newest starts as the locked version
};

void cb_lock_outdated_release(struct cb_lock_outdated *l)
{
    cb_vec_release(l);
    cb_arena_release(&l->arena);
}

// What is no version at all is older than any.
static bool is_newer(struct cb_str a, struct cb_str b)
{
    struct cb_version x, y;
    if (!cb_version_parse(a, &x))
        return false;
    return !cb_version_parse(b, &y) || cb_version_compare(&x, &y) > 0;
}

// A tagged repository only counts for what was locked from it: others are not taken from there unless they are asked
// to.
static bool counts(const struct cb_index_origin *o, const struct cb_lock_package *p)
{
    return !o->tag.n || (p->url.n > o->base.n && cb_str_eq(cb_str_head(p->url, o->base.n), o->base));
}

static void look_through(const struct cb_index *x, const struct cb_map *candidates, struct cb_arena *keep)
{
    for (size_t i = 0; i < cb_index_count(x); i++) {
        CB_ARENA_AUTO arena = {0};
        struct cb_package p;
        cb_index_package(x, i, &arena, &p);
        struct candidate *c = cb_map_get(candidates, p.name);
        if (!c || !counts(cb_index_origin(x), c->locked) || !is_newer(p.version, c->newest))
            continue;
        c->newest = cb_arena_str(keep, p.version);
        c->url = cb_index_package_url(x, &p, keep);
    }
}

static void add_arch(const struct cb_lock_file *f, const struct cb_arch_build *a, struct cb_lock_outdated *out)
{
    __attribute__((cleanup(cb_map_release))) struct cb_map candidates = {0};
    for (size_t i = 0; i < f->packages.n; i++) {
        const struct cb_lock_package *p = &f->packages.v[i];
        if (!cb_str_eq(p->architecture, a->apk_arch))
            continue;
        struct candidate *c = cb_arena_alloc(&out->arena, sizeof *c);
        *c = (struct candidate){.locked = p, .newest = p->version};
        cb_map_put(&candidates, p->name, c, NULL);
    }
    for (size_t i = 0; i < a->indexes.n; i++)
        look_through(a->indexes.v[i], &candidates, &out->arena);
    for (size_t i = 0; i < candidates.n; i++) {
        const struct candidate *c = candidates.items[i].value;
        if (c->url.n)
            *cb_vec_add(out) = (struct cb_lock_newer){c->locked, c->newest, c->url};
    }
}

int cb_lock_find_outdated(const struct cb_build_options *o, const struct cb_lock_file *f, struct cb_lock_outdated *out,
                          struct cb_error *err)
{
    CB_PLAN_AUTO plan = {0};
    CB_CONFIG_AUTO *checked = NULL;
    if (cb_plan_load(&plan, o, err))
        return -1;
    cb_plan_unique(&plan);
    checked = cb_plan_checked_config(&plan, err);
    if (!checked || cb_plan_prepare(&plan, checked, err))
        return -1;
    for (size_t i = 0; i < plan.narchs; i++)
        add_arch(f, &plan.archs[i], out);
    return 0;
}
