// The plan behind layers.h: what layer_plan.c decides and layer_writer.c writes.
#ifndef CB_BUILDER_LAYER_PLAN_H
#define CB_BUILDER_LAYER_PLAN_H

#include "layers.h"

#define CB_PLAN_ROOT UINT32_MAX // "no folder"

struct cb_plan_dir { // a folder of the tree, in the order of the walk
    const struct cb_node *node;
    uint32_t parent; // index of the folder it is in
    uint32_t outer;  // the one that the reference's stack has below it: parent, or CB_PLAN_ROOT within a hard link
    uint32_t depth;  // of the stack below it
};

struct cb_plan_item { // an entry of a layer; there is one for every file of the image, so it is kept small
    const struct cb_node *node;
    union {
        const char *alias;          // its name here, where that is not the node's (a hard link)
        const struct cb_node *time; // whose mtime its header has, where that is not its own
    };
    uint32_t parent;
    uint32_t alias_size; // 0: `time` counts, which may be NULL
};

struct cb_plan_layer {
    struct cb_plan_item *v;
    size_t n, cap;
    uint32_t last; // the folder up to which this layer's folders are written
};

struct cb_layer_plan {
    struct cb_tree *tree;
    struct cb_arena arena;
    struct cb_owner_names names;
    const struct cb_layer_groups *groups; // NULL: one layer, written straight from a walk; the rest is then empty
    struct {
        struct cb_plan_dir *v;
        size_t n, cap;
    } dirs;
    struct cb_plan_layer *layers;   // groups->n + 1, the top layer last
    const struct cb_node *database; // the installed database; NULL where there is none
};

// The path of name in folder dir, into *out.
void cb_plan_path(const struct cb_layer_plan *p, uint32_t dir, struct cb_str name, struct cb_buf *out);

#endif
