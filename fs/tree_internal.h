// The inside of struct cb_tree, shared by the tree's own files.
#ifndef CB_FS_TREE_INTERNAL_H
#define CB_FS_TREE_INTERNAL_H

#include "cbuild/base/buf.h"
#include "cbuild/base/vec.h"
#include "cbuild/fs/tree.h"

// A folder's children: a balanced tree of struct cb_tree_entry by name (tsearch), so that finding one is quick however
// many there are and whatever their order, and walking gives them sorted.
struct cb_tree_dir {
    void *children;
    size_t n;
    uint64_t mark;            // of the last search for cycles that came by
    struct cb_tree_dir *next; // in the tree's list of all folders
};

struct cb_tree_links { // the names under which a header says "hard link"
    struct cb_str path, linkname;
    struct cb_tree_links *next;
};

struct tree_buf {
    struct cb_buf buf;
    struct tree_buf *next;
};

struct cb_tree {
    struct cb_node *root;
    struct cb_arena arena;
    struct cb_tree_dir *dirs; // all, to free their children
    struct tree_buf *bufs;    // all nodes' data
    uint64_t marks;
    _Atomic uint64_t link_steps; // taken within symlinks' targets, in all lookups so far
    // The folder that was last asked for by a change: packages bring files folder by folder.
    struct cb_buf parent_path;
    struct cb_node *parent;
};

struct cb_node *tree_child(const struct cb_node *dir, struct cb_str name);
struct cb_node *tree_new_node(struct cb_tree *t, struct cb_str name, uint32_t mode);
struct cb_node *tree_new_dir(struct cb_tree *t, struct cb_str name, uint32_t mode);
// name must be free, and fit to be a name (tree_check_name).
void tree_add_child(struct cb_tree *t, struct cb_node *dir, struct cb_str name, struct cb_node *child);
void tree_set_child(struct cb_node *dir, struct cb_str name, struct cb_node *child); // name must be taken
void tree_remove_child(struct cb_node *dir, struct cb_str name);
void tree_list(const struct cb_node *dir, struct cb_tree_entries *out); // sorted
int tree_check_name(struct cb_str name, struct cb_str path, struct cb_error *err);

// A path cut into folder and name as Go's filepath.Dir and Base cut it.
struct tree_split {
    struct cb_str dir, base; // dir is clean
    char *own;               // memory of dir, where it had to be cleaned
};
struct tree_split tree_split(struct cb_str path);
void tree_split_release(struct tree_split *s);
#define TREE_SPLIT_AUTO __attribute__((cleanup(tree_split_release))) struct tree_split

struct cb_str tree_join(struct cb_str dir, struct cb_str name, char **own); // Go's filepath.Join; free *own

// What openFile of the reference does: the file's node, through symlinks. create: a file is made where there is none,
// with mode. NULL and an error otherwise.
struct cb_node *tree_open(struct cb_tree *t, struct cb_str path, bool create, uint32_t mode, struct cb_error *err);

// The node of a path's folder (s.dir); NULL and an error where it is missing or no folder.
struct cb_node *tree_parent(struct cb_tree *t, const struct tree_split *s, struct cb_str path, struct cb_error *err);
void tree_forget_parent(struct cb_tree *t); // when names were taken away

#endif
