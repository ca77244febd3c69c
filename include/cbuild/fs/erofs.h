// EROFS images: written as the reference writes them, and read from untrusted bytes.
//
// An image is a superblock, the blocks of what does not fit beside its inode, then the inodes with their attributes and
// with what does fit. Nothing is compressed. Source: the kernel's Documentation/filesystems/erofs.rst and
// fs/erofs/erofs_fs.h; for the choices that decide bytes, go-erofs (mkfs.go, layout.go, writer.go) as apko's
// pkg/build/erofs.go drives it.
#ifndef CB_FS_EROFS_H
#define CB_FS_EROFS_H

#include "cbuild/fs/tree.h"

// --- Writing

// Writes the whole tree as one image. Every name of a file becomes a file of its own: the reference does not keep hard
// links. build_time is stored in the superblock and saves room for the files that have it as their mtime; one before
// 1970 counts as 1970. Contents stream, nothing of them is held.
//
// The layout is made before the first byte is written, and depends on the tree alone. CB_E_INPUT for what an image
// cannot hold without telling a reader something else than the tree does (names over 4084 bytes, attributes whose
// names, values or sum are too long, a block device without numbers), CB_E_LIMIT for an image of 2^32 blocks.
int cb_erofs_write(struct cb_tree *t, struct cb_time build_time, struct cb_sink *out, struct cb_error *err);

// --- Reading
//
// Images of one device whose files are not compressed. All offsets and sizes are held against the image's size before
// they are used; folders must be sorted and their names must be names. CB_E_INPUT for a malformed image,
// CB_E_UNSUPPORTED for features that are known but not read here, CB_E_IO.

struct cb_erofs;

// An image in the first `size` bytes of a descriptor, which is borrowed and read with pread; name is for messages and
// is copied. NULL on failure. One reader is for one thread.
struct cb_erofs *cb_erofs_open(int fd, uint64_t size, const char *name, struct cb_error *err);
void cb_erofs_free(struct cb_erofs *e);

// Inodes are named by their number ("nid"), which is their place in the image.
uint64_t cb_erofs_root(const struct cb_erofs *e);

struct cb_erofs_stat {
    uint64_t nid;
    uint32_t mode; // S_IFMT | permission and special bits
    uint32_t uid, gid, nlink;
    uint32_t rdev; // of devices, as stored: see cb_erofs_major
    uint64_t size; // bytes
    struct cb_time mtime;
};
int cb_erofs_stat(struct cb_erofs *e, uint64_t nid, struct cb_erofs_stat *out, struct cb_error *err);

// The kernel's encoding of device numbers in 32 bits: 12 bits of major, 20 of minor.
static inline uint32_t cb_erofs_major(uint32_t rdev)
{
    return (rdev & 0xfff00) >> 8;
}
static inline uint32_t cb_erofs_minor(uint32_t rdev)
{
    return (rdev & 0xff) | ((rdev >> 12) & 0xfff00);
}

struct cb_erofs_entry {
    struct cb_str name;
    uint64_t nid;
    uint32_t type; // S_IFMT bits, as the folder says
};
struct cb_erofs_entries {
    struct cb_erofs_entry *v;
    size_t n, cap;
};
// The folder's entries but "." and "..", in byte order, appended to *out (cb_vec_release it); names in the arena.
int cb_erofs_list(struct cb_erofs *e, uint64_t nid, struct cb_arena *a, struct cb_erofs_entries *out,
                  struct cb_error *err);

// One entry of a folder: 1 and *out (without its name), 0 where there is none, -1.
int cb_erofs_find(struct cb_erofs *e, uint64_t nid, struct cb_str name, struct cb_erofs_entry *out,
                  struct cb_error *err);

// What a path leads to, symlinks followed within the image: 1, 0 where nothing is there, -1. "" is the root.
int cb_erofs_resolve(struct cb_erofs *e, struct cb_str path, struct cb_erofs_entry *out, struct cb_error *err);

// The symlink's target, appended to *out; at most 4096 bytes.
int cb_erofs_readlink(struct cb_erofs *e, uint64_t nid, struct cb_buf *out, struct cb_error *err);

// An extended attribute by its whole name ("security.capability"): 1 and its value appended to *out, 0, -1.
int cb_erofs_xattr(struct cb_erofs *e, uint64_t nid, struct cb_str name, struct cb_buf *out, struct cb_error *err);

// The contents of a file as a source: of a regular file, a folder (its raw blocks) or a symlink.
struct cb_erofs_source {
    struct cb_source source;
    struct cb_erofs *erofs;
    uint64_t nid, pos;
};
struct cb_erofs_source cb_erofs_source(struct cb_erofs *e, uint64_t nid);

// --- Several images, one over the other

struct cb_erofs_item {
    struct cb_str path; // relative to the root; each folder before what is in it, entries in byte order
    struct cb_erofs_stat stat;
    struct cb_str target; // of a symlink
};
typedef int cb_erofs_walk_fn(void *ctx, const struct cb_erofs_item *item, struct cb_error *err);

// Calls fn for everything below the root, as the n images show it when the kernel lays each over those before it: of
// several entries the uppermost is seen; a character device 0:0 hides what is below it, and a folder with
// trusted.overlay.opaque=y hides the contents of those below it. With one image neither has a meaning of its own.
// A negative result of fn ends the walk with it.
int cb_erofs_walk(struct cb_erofs *const *images, size_t n, cb_erofs_walk_fn *fn, void *ctx, struct cb_error *err);

#endif
