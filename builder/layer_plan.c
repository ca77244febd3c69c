// Deciding what goes into which layer.
//
// The walk over the tree meets each folder before what is in it. A file goes into the layer of the package that owns
// it; folders, and all that no package owns, go into the top layer. Before a file, its layer gets the folders it has
// not yet: those between the folder that the layer saw last and the folder that the walk saw last. The latter is an
// oddity of the reference: of "etc/apk/keys/" and then "etc/motd" the file's layer gets etc, etc/apk and etc/apk/keys,
// since the walk came through them. Such folders have the mtime of the file, so that a layer does not change with the
// folders of others; the real ones are in the top layer, which is laid over the others.
//
// When the walk comes to the installed database, each package layer gets one of its own, with the records of its
// packages only.
#include "layer_plan.h"

#include <stdlib.h>

#include "cbuild/base/map.h"
#include "passwd.h"

#define DATABASE "usr/lib/apk/db/installed"

struct planner {
    struct cb_layer_plan *plan;
    struct cb_map by_package; // from name to struct cb_plan_layer
    struct {
        uint32_t *v; // the folders above the walk's place, outermost first
        size_t n, cap;
    } above;
    uint32_t last; // the folder that the walk saw last
};

static size_t depth_of(struct cb_str path)
{
    size_t n = 0;
    for (size_t i = 0; i < path.n; i++)
        n += path.p[i] == '/';
    return n;
}

static void add_item(struct cb_plan_layer *l, const struct cb_node *node, uint32_t parent)
{
    *cb_vec_add(l) = (struct cb_plan_item){.node = node, .parent = parent};
}

// A file may stand under another name than its node has (a hard link); that is copied.
static void add_file(struct cb_layer_plan *p, struct cb_plan_layer *l, const struct cb_node *node, struct cb_str path,
                     uint32_t parent)
{
    struct cb_str name = cb_str_skip(path, (size_t)(cb_str_rfind(path, '/') + 1));
    add_item(l, node, parent);
    if (cb_str_eq(name, node->name))
        return;
    l->v[l->n - 1].alias = cb_arena_str(&p->arena, name).p;
    l->v[l->n - 1].alias_size = (uint32_t)name.n;
}

static uint32_t up(const struct cb_layer_plan *p, uint32_t dir)
{
    return p->dirs.v[dir].parent;
}

// The innermost folder that both are in or are (CB_PLAN_ROOT: none but the root).
static uint32_t common_folder(const struct cb_layer_plan *p, uint32_t a, uint32_t b)
{
    while (a != b) {
        if (a == CB_PLAN_ROOT || b == CB_PLAN_ROOT)
            return CB_PLAN_ROOT;
        uint32_t depth_a = p->dirs.v[a].depth, depth_b = p->dirs.v[b].depth;
        if (depth_a >= depth_b)
            a = p->dirs.v[a].outer;
        if (depth_b >= depth_a)
            b = p->dirs.v[b].outer;
    }
    return a;
}

// Gives the layer the folders it lacks, up to the one that the walk saw last, with the time of `file`.
static void align(struct planner *w, struct cb_plan_layer *l, const struct cb_node *file)
{
    struct cb_layer_plan *p = w->plan;
    uint32_t stop = common_folder(p, l->last, w->last);
    size_t count = 0;
    for (uint32_t d = w->last; d != stop; d = p->dirs.v[d].outer, count++)
        cb_vec_add(l);
    size_t place = l->n;
    for (uint32_t d = w->last; d != stop; d = p->dirs.v[d].outer) {
        const struct cb_plan_dir *dir = &p->dirs.v[d];
        l->v[--place] = (struct cb_plan_item){.node = dir->node, .time = file, .parent = dir->parent};
    }
    l->last = w->last;
}

static struct cb_plan_layer *top_layer(const struct cb_layer_plan *p)
{
    return &p->layers[p->groups->n];
}

// A folder may stand under another name than its node has; then a copy of the node has that name.
static const struct cb_node *named(struct cb_layer_plan *p, const struct cb_node *node, struct cb_str path)
{
    struct cb_str name = cb_str_skip(path, (size_t)(cb_str_rfind(path, '/') + 1));
    if (cb_str_eq(name, node->name))
        return node;
    struct cb_node *copy = cb_arena_alloc(&p->arena, sizeof *copy);
    *copy = *node;
    copy->name = cb_arena_str(&p->arena, name);
    return copy;
}

// A second name of a folder that a package brings as a hard link is no folder to the reference's stack, and what lies
// in the folders under that name has nothing below it there.
static int plan_dir(struct planner *w, struct cb_str path, const struct cb_node *node, uint32_t parent,
                    struct cb_error *err)
{
    struct cb_layer_plan *p = w->plan;
    struct cb_tar_header h;
    if (cb_node_header(node, path, &p->names, &h, err))
        return -1;
    uint32_t outer = w->last;
    while (outer != CB_PLAN_ROOT && outer != parent)
        outer = p->dirs.v[outer].outer;
    uint32_t here = (uint32_t)p->dirs.n, depth = outer == CB_PLAN_ROOT ? 0 : p->dirs.v[outer].depth + 1;
    node = named(p, node, path);
    *cb_vec_add(&p->dirs) = (struct cb_plan_dir){node, parent, outer, depth};
    *cb_vec_add(&w->above) = here;
    if (h.type == CB_TAR_DIR)
        w->last = here;
    add_item(top_layer(p), node, parent);
    return 0;
}

static int plan_file(struct planner *w, struct cb_str path, const struct cb_node *node, uint32_t parent,
                     struct cb_error *err)
{
    struct cb_plan_layer *l = top_layer(w->plan);
    if (node->owner) {
        l = cb_map_get(&w->by_package, node->owner->name);
        if (!l)
            return cb_fail(err, CB_E_INPUT, "%.*s is of package %.*s, which was not installed", CB_STR_ARG(path),
                           CB_STR_ARG(node->owner->name));
        align(w, l, node);
    }
    add_file(w->plan, l, node, path, parent);
    return 0;
}

static void plan_databases(struct planner *w, struct cb_str path, const struct cb_node *node, uint32_t parent)
{
    struct cb_layer_plan *p = w->plan;
    p->database = node;
    for (size_t i = 0; i < p->groups->n; i++) {
        align(w, &p->layers[i], node);
        add_file(p, &p->layers[i], node, path, parent);
    }
}

static int plan_node(void *ctx, struct cb_str path, struct cb_node *node, struct cb_error *err)
{
    struct planner *w = ctx;
    if (cb_str_is(path, "."))
        return 0;
    w->above.n = depth_of(path);
    uint32_t parent = w->above.n > 0 ? w->above.v[w->above.n - 1] : CB_PLAN_ROOT;
    if (cb_node_is_dir(node))
        return plan_dir(w, path, node, parent, err);
    if (plan_file(w, path, node, parent, err))
        return -1;
    if (cb_str_is(path, DATABASE))
        plan_databases(w, path, node, parent);
    return 0;
}

static int plan_split(struct cb_layer_plan *p, struct cb_error *err)
{
    struct planner w = {.plan = p, .last = CB_PLAN_ROOT};
    p->layers = cb_zalloc((p->groups->n + 1) * sizeof *p->layers);
    for (size_t i = 0; i <= p->groups->n; i++)
        p->layers[i].last = CB_PLAN_ROOT;
    for (size_t i = 0; i < p->groups->n; i++)
        for (size_t j = 0; j < p->groups->v[i].n; j++)
            cb_map_put(&w.by_package, p->groups->v[i].v[j]->pkg->name, &p->layers[i], NULL);
    int failed = cb_tree_walk(p->tree, CB_STR("."), plan_node, &w, err);
    cb_map_release(&w.by_package);
    cb_vec_release(&w.above);
    return failed;
}

struct cb_layer_plan *cb_layer_plan_new(struct cb_tree *t, const struct cb_layer_groups *groups, struct cb_error *err)
{
    struct cb_layer_plan *p = cb_zalloc(sizeof *p);
    p->tree = t;
    p->groups = groups;
    if (cb_owner_names_read(t, &p->arena, &p->names, err) || (groups && plan_split(p, err))) {
        cb_layer_plan_free(p);
        return NULL;
    }
    return p;
}

void cb_layer_plan_free(struct cb_layer_plan *p)
{
    if (!p)
        return;
    for (size_t i = 0; p->layers && i <= p->groups->n; i++)
        cb_vec_release(&p->layers[i]);
    free(p->layers);
    cb_vec_release(&p->dirs);
    cb_owner_names_release(&p->names);
    cb_arena_release(&p->arena);
    free(p);
}

size_t cb_layer_plan_count(const struct cb_layer_plan *p)
{
    return p->groups ? p->groups->n + 1 : 1;
}

void cb_plan_path(const struct cb_layer_plan *p, uint32_t dir, struct cb_str name, struct cb_buf *out)
{
    size_t size = name.n;
    for (uint32_t d = dir; d != CB_PLAN_ROOT; d = up(p, d))
        size += p->dirs.v[d].node->name.n + 1;
    cb_buf_reset(out);
    cb_buf_reserve(out, size + 1);
    char *at = out->p + size;
    struct cb_str part = name;
    for (;;) {
        at -= part.n;
        memcpy(at, part.p, part.n);
        if (dir == CB_PLAN_ROOT)
            break;
        *--at = '/';
        part = p->dirs.v[dir].node->name;
        dir = up(p, dir);
    }
    out->n = size;
    out->p[size] = '\0';
}
