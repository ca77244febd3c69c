// Which packages share a layer.
//
// Packages of one origin are built together and change together, so they share a layer; so do packages of which one
// replaces files of the other, since the order of layers would decide whose file is seen. The reference joins groups in
// the random order of Go's maps; what comes out is always the connected components, which is what a union-find gives.
#include <stdlib.h>

#include "cbuild/apk/dependency.h"
#include "cbuild/base/map.h"
#include "layers.h"

struct grouping {
    const struct cb_installed_diff *diffs;
    size_t n;
    size_t *parent; // union-find; a root is its own parent
};

static size_t find_root(const struct grouping *g, size_t i)
{
    while (g->parent[i] != i)
        i = g->parent[i] = g->parent[g->parent[i]];
    return i;
}

static void join(const struct grouping *g, size_t a, size_t b)
{
    a = find_root(g, a);
    b = find_root(g, b);
    g->parent[a < b ? b : a] = a < b ? a : b;
}

static void join_origins(const struct grouping *g)
{
    struct cb_map first = {0}; // from origin to the first package's parent slot
    for (size_t i = 0; i < g->n; i++) {
        struct cb_str origin = g->diffs[i].pkg->origin;
        size_t *same = cb_map_get(&first, origin);
        if (same)
            join(g, (size_t)(same - g->parent), i);
        else
            cb_map_put(&first, origin, &g->parent[i], NULL);
    }
    cb_map_release(&first);
}

// 1 where the dependency is on a version that the package has.
static int is_satisfied(const struct cb_dependency *d, const struct cb_package *p, struct cb_error *err)
{
    struct cb_version actual, required;
    if (!cb_version_parse(p->version, &actual))
        return cb_fail(err, CB_E_INPUT, "package %.*s: \"%.*s\" is no version", CB_STR_ARG(p->name),
                       CB_STR_ARG(p->version));
    if (!cb_dependency_has_version(d))
        return 1;
    if (!cb_dependency_version(d, &required))
        return cb_fail(err, CB_E_INPUT, "\"%.*s\" is no version", CB_STR_ARG(d->version));
    return cb_version_satisfies(d->op, &actual, &required);
}

static int join_replaced(const struct grouping *g, const struct cb_map *by_name, size_t i, struct cb_error *err)
{
    CB_ARENA_AUTO arena = {0};
    const struct cb_package *p = g->diffs[i].pkg;
    for (size_t r = 0; r < p->replaces.n; r++) {
        struct cb_dependency d = cb_dependency_parse(p->replaces.v[r], &arena);
        const size_t *replaced = cb_map_get(by_name, d.name);
        if (!replaced)
            continue;
        size_t j = (size_t)(replaced - g->parent);
        int satisfied = is_satisfied(&d, g->diffs[j].pkg, err);
        if (satisfied < 0)
            return cb_context(err, "package %.*s replaces %.*s", CB_STR_ARG(p->name), CB_STR_ARG(p->replaces.v[r]));
        if (satisfied)
            join(g, i, j);
    }
    return 0;
}

static int join_replacing(const struct grouping *g, struct cb_error *err)
{
    struct cb_map by_name = {0};
    int failed = 0;
    for (size_t i = 0; i < g->n; i++)
        cb_map_put(&by_name, g->diffs[i].pkg->name, &g->parent[i], NULL);
    for (size_t i = 0; i < g->n && !failed; i++)
        failed = join_replaced(g, &by_name, i, err);
    cb_map_release(&by_name);
    return failed;
}

static void add_package(struct cb_layer_group *group, const struct cb_installed_diff *diff)
{
    *cb_vec_add(group) = diff;
    group->size += diff->pkg->installed_size; // modulo 2^64, as in the reference
}

static void collect(const struct grouping *g, struct cb_layer_groups *out)
{
    CB_AUTOFREE size_t *place = cb_realloc_array(NULL, g->n + 1, sizeof *place); // of a root's group in *out
    for (size_t i = 0; i < g->n; i++) {
        size_t root = find_root(g, i); // the first of its packages, so it comes before the others
        if (root == i) {
            place[i] = out->n;
            cb_vec_add(out);
        }
        add_package(&out->v[place[root]], &g->diffs[i]);
    }
}

static struct cb_str greatest_name(const struct cb_layer_group *g)
{
    struct cb_str greatest = CB_STR("");
    for (size_t i = 0; i < g->n; i++)
        if (cb_str_cmp(g->v[i]->pkg->name, greatest) > 0)
            greatest = g->v[i]->pkg->name;
    return greatest;
}

static int by_size(const void *a, const void *b)
{
    const struct cb_layer_group *x = a, *y = b;
    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    return cb_str_cmp(greatest_name(x), greatest_name(y));
}

static int by_name(const void *a, const void *b)
{
    return cb_str_cmp((*(const struct cb_installed_diff *const *)a)->pkg->name,
                      (*(const struct cb_installed_diff *const *)b)->pkg->name);
}

// Joins what comes behind the budget's last group with that one.
static void join_remainder(struct cb_layer_groups *groups, size_t budget)
{
    size_t last = budget > 0 ? budget - 1 : 0;
    if (groups->n <= last + 1)
        return;
    struct cb_layer_group *rest = &groups->v[last];
    for (size_t i = last + 1; i < groups->n; i++) {
        for (size_t j = 0; j < groups->v[i].n; j++)
            add_package(rest, groups->v[i].v[j]);
        cb_vec_release(&groups->v[i]);
    }
    groups->n = last + 1;
}

int cb_layer_groups_make(struct cb_layer_groups *out, const struct cb_installed_diff *diffs, size_t n, int64_t budget,
                         struct cb_error *err)
{
    if (budget < 0)
        return cb_fail(err, CB_E_CONFIG, "layering: the budget is %lld; it must not be negative", (long long)budget);
    CB_AUTOFREE size_t *parent = cb_realloc_array(NULL, n + 1, sizeof *parent);
    struct grouping g = {diffs, n, parent};
    for (size_t i = 0; i < n; i++)
        parent[i] = i;
    join_origins(&g);
    if (join_replacing(&g, err))
        return cb_context(err, "layering");
    collect(&g, out);
    if (out->n > 0)
        qsort(out->v, out->n, sizeof *out->v, by_size);
    join_remainder(out, (uint64_t)budget > SIZE_MAX ? SIZE_MAX : (size_t)budget);
    for (size_t i = 0; i < out->n; i++)
        qsort(out->v[i].v, out->v[i].n, sizeof *out->v[i].v, by_name);
    return 0;
}

void cb_layer_groups_release(struct cb_layer_groups *g)
{
    for (size_t i = 0; i < g->n; i++)
        cb_vec_release(&g->v[i]);
    cb_vec_release(g);
}
