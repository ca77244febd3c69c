// The image's file tree: what will be in the layers, held in memory as names and attributes. Contents of package
// files stay where they are (a range of a package's unpacked data) and stream from there; only small generated files
// are held as bytes. Nothing here touches the host's file system by a name from a package.
//
// Paths are slash-separated, with or without a leading slash, relative to the image's root. They follow the
// reference's in-memory file system (its pkg/tarfs), so that a build comes to the same tree or the same refusal:
//  - Symlinks are followed inside the root, at most 40 deep, also by stat, chmod and the like on the last component.
//  - "." and ".." are no special names on the way to a node: "./etc" and "usr/../etc" lead nowhere (NOT_FOUND). But
//    calls marked "at parent/base" clean the path first, so that they work there.
//  - A relative symlink's ".." are taken off lexically, from the path as it was asked for; a target that climbs above
//    the root leads nowhere.
// Unlike the reference, nothing can be created under the name ".", ".." or "/" (CB_E_INPUT): such names climb out of
// the layer or make a walk endless.
//
// Error kinds, everywhere: CB_E_NOT_FOUND (nothing there), CB_E_CONFLICT (the name is taken), CB_E_INPUT (not a
// folder, is a folder, not a link, too many links, a name that cannot be), CB_E_LIMIT.
//
// Ownership: nodes and their strings live in the tree; strings given to it are copied, except for contents with a
// descriptor and owners, which must outlive it. Not for two threads at once while one of them changes it; reading and
// walking by several threads is fine.
#ifndef CB_FS_TREE_H
#define CB_FS_TREE_H

#include <sys/stat.h>

#include "cbuild/fs/tar.h"

struct cb_package; // owner of a file; opaque here

// Where the bytes of a file are: in memory, or length bytes at `at` of a descriptor that outlives the tree.
struct cb_content {
    struct cb_str bytes; // in memory where fd < 0
    int fd;
    uint64_t at, length;
    const uint8_t *source; // 32 bytes that stand for all that fd holds, as a hash does; NULL where nothing does.
                           // Outlives the tree
};

struct cb_xattr {
    struct cb_str name, value;
};

// A node may stand under several names (hard links).
struct cb_node {
    struct cb_str name; // the first of its names
    uint32_t mode;      // S_IFMT | permission and special bits. S_IFDIR where dir is NULL: a file that says it is a
                        // folder; the tree holds it, a header cannot (see cb_node_header).
    uint32_t uid, gid;
    struct cb_time mtime;           // CB_TIME_ZERO until somebody says otherwise
    struct cb_str target;           // of a symlink
    uint32_t devmajor, devminor;    // of a device
    struct cb_content content;      // of a file that a package brought; what was written since is in `data`
    struct cb_buf *data;            // bytes written by the build; NULL where none. See cb_node_content.
    struct cb_str checksum;         // raw, as the package says (a SHA-1, for files and symlinks); p == NULL where none
    const struct cb_package *owner; // the package that brought it; NULL for what the build made
    struct cb_xattr *xattrs;        // sorted by name
    size_t nxattrs;
    struct cb_tree_dir *dir; // children, of a folder; NULL for everything else
    struct cb_tree_links *links;
    struct cb_tar_pax *pax; // xattrs as PAX records
};

#define CB_TREE_LINKS_MAX 40u             // symlinks within symlinks
#define CB_TREE_STEPS_MAX (1u << 16)      // path components looked at in one lookup, through all symlinks
#define CB_TREE_LINK_STEPS_MAX (1u << 28) // of them, within symlinks, in all lookups of a tree's life
#define CB_TREE_PATH_MAX 65533u           // bytes of a path: "F:" and it still fit a line of the installed database

struct cb_tree;
struct cb_tree *cb_tree_new(void); // an empty root: 0755, 0:0, no time
void cb_tree_free(struct cb_tree *t);
struct cb_node *cb_tree_root(struct cb_tree *t);
struct cb_arena *cb_tree_arena(struct cb_tree *t); // for things that live as long as the tree

// --- Looking

// The node that path leads to, its last component followed too; NULL and an error. "" , "/" and "." are the root.
struct cb_node *cb_tree_stat(struct cb_tree *t, struct cb_str path, struct cb_error *err);
struct cb_node *cb_tree_find(struct cb_tree *t, struct cb_str path); // the same without a reason; NULL for any error
// Whether the path is as cb_path_clean would leave it, and has no ".." in it either.
bool cb_tree_path_is_clean(struct cb_str path);
bool cb_tree_exists(struct cb_tree *t, struct cb_str path);
// The node under that very name, a symlink as itself. At parent/base.
struct cb_node *cb_tree_lstat(struct cb_tree *t, struct cb_str path, struct cb_error *err);
// The target of the symlink at path; anything else is CB_E_INPUT. At parent/base.
int cb_tree_readlink(struct cb_tree *t, struct cb_str path, struct cb_str *target, struct cb_error *err);

struct cb_tree_entry {
    struct cb_str name;
    struct cb_node *node; // not followed
};
struct cb_tree_entries {
    struct cb_tree_entry *v;
    size_t n, cap;
};
// The folder's entries in byte order of their names, appended to *out (cb_vec_release it).
int cb_tree_list(struct cb_tree *t, struct cb_str path, struct cb_tree_entries *out, struct cb_error *err);

static inline bool cb_node_is_dir(const struct cb_node *n)
{
    return n->dir != NULL;
}
static inline bool cb_node_is_file(const struct cb_node *n)
{
    return S_ISREG(n->mode);
}
static inline bool cb_node_is_symlink(const struct cb_node *n)
{
    return S_ISLNK(n->mode);
}

// What a file holds now. An oddity of the reference, kept: a package's file that was truncated to nothing still has
// the package's contents.
struct cb_content cb_node_content(const struct cb_node *n);
uint64_t cb_node_size(const struct cb_node *n);

// --- Reading files. Open follows symlinks as the reference's OpenFile does: step by step from the link's own folder.

// The node of the file (never a symlink); a folder is CB_E_INPUT. At parent/base.
struct cb_node *cb_tree_open(struct cb_tree *t, struct cb_str path, struct cb_error *err);
// Appends its bytes to *out; more than limit is CB_E_LIMIT.
int cb_tree_read_file(struct cb_tree *t, struct cb_str path, struct cb_buf *out, size_t limit, struct cb_error *err);
int cb_node_read(const struct cb_node *n, struct cb_buf *out, size_t limit, struct cb_error *err);

struct cb_node_source { // a file's bytes as a source; many may read one node, also in several threads
    struct cb_source source;
    struct cb_content content;
    uint64_t pos;
};
struct cb_node_source cb_node_source(const struct cb_node *n);
// n bytes of the contents at offset, for readers of formats such as ELF; beyond the end is CB_E_INPUT.
int cb_node_pread(const struct cb_node *n, void *p, size_t size, uint64_t at, struct cb_error *err);

// --- Changing. Modes are permission and special bits (S_ISUID, S_ISGID, S_ISVTX); types are kept.

int cb_tree_mkdir(struct cb_tree *t, struct cb_str path, uint32_t mode, struct cb_error *err); // at parent/base
// Parents too, symlinks to folders followed; what is there keeps its mode.
int cb_tree_mkdir_all(struct cb_tree *t, struct cb_str path, uint32_t mode, struct cb_error *err);
// Creates with mode, or truncates and keeps the mode; through symlinks, dangling ones too. Nothing else changes: a new
// file has no time and is 0:0. Writing no bytes over a package's file keeps its contents (see cb_node_content).
// At parent/base; bytes are copied.
int cb_tree_write_file(struct cb_tree *t, struct cb_str path, struct cb_str bytes, uint32_t mode, struct cb_error *err);
// The same without truncating: adds to the end.
int cb_tree_append_file(struct cb_tree *t, struct cb_str path, struct cb_str bytes, uint32_t mode,
                        struct cb_error *err);
// The same at offset `at`, which must not lie beyond the end.
int cb_tree_write_at(struct cb_tree *t, struct cb_str path, struct cb_str bytes, uint64_t at, uint32_t mode,
                     struct cb_error *err);
// A symlink has mode 0777 and a device its parent's mtime, as has a symlink. All at parent/base.
int cb_tree_symlink(struct cb_tree *t, struct cb_str target, struct cb_str path, struct cb_error *err);
int cb_tree_mknod(struct cb_tree *t, struct cb_str path, uint32_t mode, uint32_t major, uint32_t minor,
                  struct cb_error *err); // a character device
// newpath becomes a name of what oldpath leads to (symlinks followed), a folder too, unless newpath lies in it
// (CB_E_INPUT: walking would not end). Links made this way are written as files of their own, once per name; those a
// package brings are written as links.
int cb_tree_link(struct cb_tree *t, struct cb_str oldpath, struct cb_str newpath, struct cb_error *err);
// Takes the name away, with all that is under it. At parent/base; not followed.
int cb_tree_remove(struct cb_tree *t, struct cb_str path, struct cb_error *err);

// On what path leads to.
int cb_tree_chmod(struct cb_tree *t, struct cb_str path, uint32_t mode, struct cb_error *err);
int cb_tree_chown(struct cb_tree *t, struct cb_str path, uint32_t uid, uint32_t gid, struct cb_error *err);
int cb_tree_chtimes(struct cb_tree *t, struct cb_str path, struct cb_time mtime, struct cb_error *err);
int cb_tree_set_xattr(struct cb_tree *t, struct cb_str path, struct cb_str name, struct cb_str value,
                      struct cb_error *err);

// --- What packages bring (apk/install.c)

enum cb_tree_put {
    CB_TREE_PUT,    // the name was free, and now has the file
    CB_TREE_EXISTS, // the name is taken: see *existing
};
// Puts a file or symlink described by *proto under path if that name is free. *proto is copied (its strings too, its
// content and owner as they are); NULL dir, data, links. At parent/base. *existing is what stands there, now or before.
int cb_tree_put(struct cb_tree *t, struct cb_str path, const struct cb_node *proto, enum cb_tree_put *what,
                struct cb_node **existing, struct cb_error *err);
// Puts it in the place of what is there.
int cb_tree_replace(struct cb_tree *t, struct cb_str path, const struct cb_node *proto, struct cb_error *err);
// As cb_tree_link, and a header for that path says "hard link to linkname".
int cb_tree_put_link(struct cb_tree *t, struct cb_str linkname, struct cb_str path, struct cb_error *err);

// --- Walking and headers

// Calls fn for the node at root and everything below, a folder before what is in it, entries in byte order of their
// names: the order of Go's fs.WalkDir. Paths are relative without a leading slash where root is "" or "." (the root
// itself comes as "."), else begin with root as given, cleaned. fn may change attributes, not names. A negative result
// of fn ends the walk with it.
typedef int cb_tree_walk_fn(void *ctx, struct cb_str path, struct cb_node *node, struct cb_error *err);
int cb_tree_walk(struct cb_tree *t, struct cb_str root, cb_tree_walk_fn *fn, void *ctx, struct cb_error *err);

struct cb_owner_name {
    uint32_t id;
    struct cb_str name;
};
// Names of users and groups for headers: the image's etc/passwd and etc/group in the order of their lines; of two lines
// with one number the last counts. Zero-initialise for none. sort before use in cb_node_header.
struct cb_owner_names {
    struct {
        struct cb_owner_name *v;
        size_t n, cap;
    } users, groups;
};
void cb_owner_names_sort(struct cb_owner_names *names);
void cb_owner_names_release(struct cb_owner_names *names); // frees the lists only

// The header of the node as it stands at path (relative, as the walk gives it): what the reference's layers hold.
// Slices point into the node, path and names. CB_E_INPUT for a node that no tar header can describe (a socket, or a
// file whose mode says that it is a folder).
int cb_node_header(const struct cb_node *n, struct cb_str path, const struct cb_owner_names *names,
                   struct cb_tar_header *h, struct cb_error *err);
// Writes the bytes that belong after that header (none for links), through buf of size bytes.
int cb_node_write(const struct cb_node *n, const struct cb_tar_header *h, struct cb_tar_writer *w, void *buf,
                  size_t size, struct cb_error *err);

#endif
