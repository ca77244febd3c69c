// The layout of an image that is to be written: what erofs_plan.c decides and erofs_writer.c writes.
#ifndef CB_FS_EROFS_PLAN_H
#define CB_FS_EROFS_PLAN_H

#include "cbuild/base/vec.h"
#include "cbuild/fs/erofs.h"
#include "erofs_format.h"

enum {
    PLAN_BLOCK = 4096,
    PLAN_NAME_MAX = PLAN_BLOCK - EROFS_DIRENT_SIZE, // bytes of a name: it must fit a folder's block
};

struct plan_inode {
    const struct cb_node *node;
    struct cb_str name;         // in its folder, "" of the root
    uint32_t parent, end;       // its folder; what follows all that is below it
    uint32_t nlink, xattr_size; // bytes with the header; 0 where there are no attributes
    uint64_t size;              // of its data: contents, target, a folder's blocks
    uint64_t nid, block;        // block: of data that is not inline
    bool compact, inlined;
};

// Inodes stand in the order of the walk: a folder before what is in it, names in byte order. That is the order of nids
// and of data blocks too.
struct erofs_plan {
    struct cb_arena arena; // names that are not their node's own
    struct {
        struct plan_inode *v;
        size_t n, cap;
    } inodes;
    struct cb_time build_time;
    uint64_t meta_block, meta_size; // inodes: first block, and bytes
    uint64_t blocks;                // of the whole image
};

int erofs_plan_make(struct erofs_plan *p, struct cb_tree *t, struct cb_time build_time, struct cb_error *err);
void erofs_plan_release(struct erofs_plan *p);

// The path of an inode from the root, appended to *out.
void erofs_plan_path(const struct erofs_plan *p, size_t inode, struct cb_buf *out);

static inline uint32_t plan_core_size(const struct plan_inode *i)
{
    return i->compact ? EROFS_COMPACT_SIZE : EROFS_EXTENDED_SIZE;
}

static inline uint64_t plan_inline_size(const struct plan_inode *i)
{
    return i->inlined ? i->size : 0;
}

static inline bool plan_has_blocks(const struct plan_inode *i)
{
    return i->size > 0 && !i->inlined;
}

// A folder's entries in byte order, "." and ".." among them.
struct plan_dirents {
    const struct erofs_plan *plan;
    uint32_t dir, child; // child: the next one
    unsigned dots;       // of "." and "..", how many are behind us
};

struct plan_dirent {
    struct cb_str name;
    const struct plan_inode *inode;
};

struct plan_dirents plan_dirents(const struct erofs_plan *p, size_t dir);
bool plan_next_dirent(struct plan_dirents *d, struct plan_dirent *out);

// As many of the next entries as fit one block: their number (0 at the end) and the bytes they take.
size_t plan_next_block(struct plan_dirents *d, size_t *bytes);

// The number and the rest of an attribute's name.
unsigned plan_split_xattr(struct cb_str name, struct cb_str *rest);
size_t plan_xattr_size(const struct cb_xattr *x); // of its entry, filled up

#endif
