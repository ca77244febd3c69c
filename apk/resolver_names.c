// Who carries which name: built once over all indexes of an architecture.
#include <stdlib.h>

#include "solver.h"

static void push(struct u32s *l, uint32_t n)
{
    *cb_vec_add(l) = n;
}

// The number of a key, given out in order of first appearance.
static uint32_t number_of(struct cb_map *m, struct cb_str key)
{
    struct cb_map_item *item = cb_map_find(m, key);
    if (!item)
        item = cb_map_put(m, key, (void *)(uintptr_t)(m->n + 1), NULL);
    return (uint32_t)((uintptr_t)item->value - 1);
}

uint32_t resolver_name(const struct cb_resolver *r, struct cb_str name)
{
    return (uint32_t)((uintptr_t)cb_map_get(&r->name_ids, name) - 1);
}

// Versions of a package stand side by side in an index and provide the same names, so the names of the package before
// are tried before the map.
static void add_provides(struct cb_resolver *r, struct candidate *c, uint32_t before, uint32_t nbefore)
{
    struct cb_str rest = package_provides(c), item;
    for (uint32_t i = 0; cb_list_next(&rest, &item); i++) {
        struct cb_str name = cb_dependency_parse(item, &r->arena).name;
        uint32_t guess = i < nbefore ? r->provided.v[before + i] : NO_NAME;
        bool right = guess != NO_NAME && cb_str_eq(r->name_ids.items[guess].key, name);
        push(&r->provided, right ? guess : number_of(&r->name_ids, name));
    }
}

static void add_install_if(struct cb_resolver *r, const struct candidate *c, uint32_t package)
{
    struct cb_str rest = cb_list(c->index, c->record->install_if), item;
    while (cb_list_next(&rest, &item)) {
        struct cb_map_item *found = cb_map_find(&r->install_if, item);
        if (!found)
            found = cb_map_put(&r->install_if, item, cb_arena_alloc(&r->arena, sizeof(struct u32s)), NULL);
        push(found->value, package);
    }
}

static uint32_t add_package(struct cb_resolver *r, const struct cb_index *x, const struct cb_record *record)
{
    const struct candidate *before = r->packages.n ? &r->packages.v[r->packages.n - 1] : NULL;
    bool same = before && cb_str_eq(package_name(before), cb_slice_str(x, record->name));
    bool same_origin = before && before->index == x && before->record->origin.at == record->origin.at &&
                       before->record->origin.n == record->origin.n;
    struct candidate c = {
        .record = record,
        .index = x,
        .name = same ? before->name : number_of(&r->name_ids, cb_slice_str(x, record->name)),
        .origin = same_origin ? before->origin : number_of(&r->origin_ids, cb_slice_str(x, record->origin)),
        .provided = (uint32_t)r->provided.n,
    };
    uint32_t from = before ? before->provided : 0;
    add_provides(r, &c, from, (uint32_t)r->provided.n - from);
    *cb_vec_add(&r->packages) = c;
    return (uint32_t)r->packages.n - 1;
}

// The number of the first package of an index that was added before, or NO_NAME.
static uint32_t first_of(const struct cb_resolver *r, const struct cb_index *x)
{
    for (size_t i = 0; i < r->packages.n; i += r->packages.v[i].index->n)
        if (r->packages.v[i].index == x)
            return (uint32_t)i;
    return NO_NAME;
}

static void add_index(struct cb_resolver *r, const struct cb_index *x)
{
    uint32_t first = first_of(r, x);
    for (size_t i = 0; i < x->n; i++) {
        uint32_t package = first == NO_NAME ? add_package(r, x, &x->v[i]) : first + (uint32_t)i;
        push(&r->listed, package);
        add_install_if(r, &r->packages.v[package], package);
    }
}

static uint32_t provided_end(const struct cb_resolver *r, uint32_t package)
{
    return package + 1 < r->packages.n ? r->packages.v[package + 1].provided : (uint32_t)r->provided.n;
}

static void count_entries(struct cb_resolver *r)
{
    r->nnames = r->name_ids.n;
    r->names = cb_zalloc((r->nnames + 1) * sizeof *r->names);
    for (size_t i = 0; i < r->listed.n; i++) {
        const struct candidate *c = &r->packages.v[r->listed.v[i]];
        r->names[c->name].own++;
        uint32_t end = provided_end(r, r->listed.v[i]);
        for (uint32_t k = c->provided; k < end; k++)
            r->names[r->provided.v[k]].all++;
    }
    uint32_t total = 0;
    for (size_t i = 0; i < r->nnames; i++) {
        r->names[i].first = total;
        r->names[i].all += r->names[i].own;
        total += r->names[i].all;
    }
    r->entries = cb_alloc((total + (size_t)1) * sizeof *r->entries);
}

// Puts each package of a name behind the names that it provides.
static void add_to_provided(struct cb_resolver *r, const struct name *n, uint32_t *filled)
{
    for (uint32_t j = 0; j < n->own; j++) {
        uint32_t package = r->entries[n->first + j], end = provided_end(r, package);
        for (uint32_t k = r->packages.v[package].provided; k < end; k++) {
            uint32_t name = r->provided.v[k];
            r->entries[r->names[name].first + filled[name]++] = package;
        }
    }
}

// The reference appends the providers of a name package name by package name, in the order in which a Go map gives
// them, which is random. That order only decides between candidates that are alike to the comparison, or where the
// comparison is not transitive (see resolver_choose.c): for a few such worlds the reference has several results. Here
// package names come in order of first appearance, which gives one of them; in 174 random worlds with more than one
// none was missed that the reference gives in more than four of five runs.
static void fill_entries(struct cb_resolver *r)
{
    uint32_t *filled = cb_zalloc((r->nnames + 1) * sizeof *filled);
    bool *done = cb_zalloc((r->nnames + 1) * sizeof *done);
    for (size_t i = 0; i < r->listed.n; i++) {
        uint32_t name = r->packages.v[r->listed.v[i]].name;
        r->entries[r->names[name].first + filled[name]++] = r->listed.v[i];
    }
    for (size_t i = 0; i < r->listed.n; i++) {
        uint32_t name = r->packages.v[r->listed.v[i]].name;
        if (!done[name])
            add_to_provided(r, &r->names[name], filled);
        done[name] = true;
    }
    free(filled);
    free(done);
}

// A repository that is given more than once, with and without a tag: the reference reads its index once, and for every
// line takes the tag of the line that it happened to begin with. It begins with all lines at once, and what wins is
// mostly the very last line (in 55 of 60 runs), and where that is another repository the first (in 38 of 43).
static const struct cb_index *index_read(const struct cb_index *const *indexes, size_t n, size_t i)
{
    if (cb_str_eq(indexes[n - 1]->origin.base, indexes[i]->origin.base))
        return indexes[n - 1];
    for (size_t k = 0; k < i; k++)
        if (cb_str_eq(indexes[k]->origin.base, indexes[i]->origin.base))
            return indexes[k];
    return indexes[i];
}

struct cb_resolver *cb_resolver_new(const struct cb_index *const *indexes, size_t n)
{
    struct cb_resolver *r = cb_zalloc(sizeof *r);
    r->steps_max = CB_RESOLVE_STEPS_MAX;
    r->indexes = cb_alloc((n + 1) * sizeof *r->indexes);
    for (size_t i = 0; i < n; i++) {
        r->indexes[r->nindexes++] = index_read(indexes, n, i);
        add_index(r, r->indexes[i]);
    }
    count_entries(r);
    fill_entries(r);
    return r;
}

void cb_resolver_limit_steps(struct cb_resolver *r, uint64_t most)
{
    r->steps_max = most;
}

void cb_resolver_free(struct cb_resolver *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->install_if.n; i++)
        cb_vec_release((struct u32s *)r->install_if.items[i].value);
    free(r->indexes);
    free(r->names);
    free(r->entries);
    cb_vec_release(&r->packages);
    cb_vec_release(&r->listed);
    cb_vec_release(&r->provided);
    cb_map_release(&r->name_ids);
    cb_map_release(&r->origin_ids);
    cb_map_release(&r->install_if);
    cb_arena_release(&r->arena);
    free(r);
}
