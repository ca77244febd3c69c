#include "go_path.h"
#include "steps.h"

#include <stdlib.h>

// Sets mode and, where at least one of uid and gid is given, the owner (the other one is then 0). Symlinks are
// followed, so that "symlink" sets the attributes of what the link leads to.
static int set_attributes(struct cb_tree *t, struct cb_str path, struct cb_node *node, const struct cb_path_mutation *m,
                          struct cb_error *err)
{
    if (!node || cb_node_is_symlink(node))
        node = cb_tree_stat(t, path, err);
    if (!node)
        return -1;
    node->mode = (node->mode & S_IFMT) | (m->permissions & 07777);
    if (m->uid.set || m->gid.set) {
        node->uid = m->uid.set ? m->uid.value : 0;
        node->gid = m->gid.set ? m->gid.value : 0;
    }
    return 0;
}

struct mutating {
    struct cb_tree *tree;
    const struct cb_path_mutation *mutation;
};

static int set_attributes_below(void *ctx, struct cb_str path, struct cb_node *node, struct cb_error *err)
{
    struct mutating *m = ctx;
    if (set_attributes(m->tree, path, node, m->mutation, err))
        return cb_context(err, "%.*s", CB_STR_ARG(path));
    return 0;
}

static int set_permissions(struct cb_tree *t, const struct cb_path_mutation *m, struct cb_error *err)
{
    if (!m->recursive)
        return set_attributes(t, m->path, NULL, m, err);
    struct mutating ctx = {t, m};
    return cb_tree_walk(t, m->path, set_attributes_below, &ctx, err);
}

static int make_directory(struct cb_tree *t, const struct cb_path_mutation *m, struct cb_error *err)
{
    return cb_tree_mkdir_all(t, m->path, m->permissions & 07777, err);
}

static int make_parent(struct cb_tree *t, const struct cb_path_mutation *m, struct cb_error *err)
{
    CB_AUTOFREE char *parent = cb_go_dir(m->path);
    return cb_tree_mkdir_all(t, cb_str(parent), 0755, err) ? cb_context(err, "making its parent") : 0;
}

static int make_empty_file(struct cb_tree *t, const struct cb_path_mutation *m, struct cb_error *err)
{
    return make_parent(t, m, err) || cb_tree_write_file(t, m->path, CB_STR(""), 0644, err) ? -1 : 0;
}

// What stands at the path gives way; unless it is a symlink that leads nowhere, which is then in the way.
static int make_hard_link(struct cb_tree *t, const struct cb_path_mutation *m, struct cb_error *err)
{
    if (make_parent(t, m, err))
        return -1;
    if (cb_tree_find(t, m->path) && cb_tree_remove(t, m->path, err))
        return -1;
    return cb_tree_link(t, m->source, m->path, err);
}

static int make_symlink(struct cb_tree *t, const struct cb_path_mutation *m, struct cb_error *err)
{
    return make_parent(t, m, err) || cb_tree_symlink(t, m->source, m->path, err) ? -1 : 0;
}

static const struct {
    const char *type;
    int (*make)(struct cb_tree *t, const struct cb_path_mutation *m, struct cb_error *err);
    bool sets_attributes; // make does it itself
} mutators[] = {
    {"directory", make_directory, false}, {"empty-file", make_empty_file, false}, {"hardlink", make_hard_link, false},
    {"symlink", make_symlink, false},     {"permissions", set_permissions, true},
};

static int mutate(struct cb_tree *t, const struct cb_path_mutation *m, struct cb_error *err)
{
    for (size_t i = 0; i < sizeof mutators / sizeof *mutators; i++) {
        if (!cb_str_is(m->type, mutators[i].type))
            continue;
        if (mutators[i].make(t, m, err))
            return -1;
        return mutators[i].sets_attributes ? 0 : set_permissions(t, m, err);
    }
    cb_fail(err, CB_E_CONFIG, "unknown type \"%.*s\"", CB_STR_ARG(m->type));
    return cb_hint(err, "use directory, empty-file, hardlink, symlink or permissions");
}

int cb_paths_apply(struct cb_tree *t, const struct cb_image_config *c, struct cb_error *err)
{
    for (size_t i = 0; i < c->paths.n; i++) {
        const struct cb_path_mutation *m = &c->paths.v[i];
        if (mutate(t, m, err))
            return cb_context(err, "paths[%zu]: %.*s %.*s", i, CB_STR_ARG(m->type), CB_STR_ARG(m->path));
    }
    return 0;
}
