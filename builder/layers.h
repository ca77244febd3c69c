// From the finished tree to layer blobs.
//
// Which entry goes into which layer is decided in one walk over the tree (the plan); then each layer is streamed on
// its own through tar, SHA-256 (the diff ID), gzip, SHA-256 (the digest) into an unnamed file. Nothing of a file's
// contents or of a layer is held in memory beyond one copy buffer.
// Source: apko pkg/build/layers.go, tarball.go.
#ifndef CB_BUILDER_LAYERS_H
#define CB_BUILDER_LAYERS_H

#include "cbuild/apk/install.h"
#include "cbuild/base/pool.h"
#include "cbuild/base/vec.h"
#include "cbuild/fs/tree.h"

#define CB_LAYER_DIGEST_SIZE 72 // "sha256:" and 64 hex digits, with the NUL

#define CB_LAYER_KEY_SIZE 32u

struct cb_workshop;

struct cb_layer {
    int fd; // the blob as it is stored, from offset 0; an unnamed file, gone when closed
    const char *media_type;
    char digest[CB_LAYER_DIGEST_SIZE];  // of the blob
    char diff_id[CB_LAYER_DIGEST_SIZE]; // of the tar within, or of the EROFS image
    uint64_t size, tar_size;            // bytes, compressed and not
    struct cb_workshop *shop;           // whose layer it is, under that key; NULL: nobody else's
    uint8_t key[CB_LAYER_KEY_SIZE];
};
#define CB_LAYER_INIT                                                                                                  \
    {                                                                                                                  \
        .fd = -1                                                                                                       \
    }
void cb_layer_release(struct cb_layer *l);

// Packages that share a layer, sorted by name.
struct cb_layer_group {
    const struct cb_installed_diff **v; // borrowed
    size_t n, cap;
    uint64_t size; // the sum of their installed sizes, bytes
};

// Groups, largest first; then the remainder that the budget leaves no layers for.
struct cb_layer_groups {
    struct cb_layer_group *v;
    size_t n, cap;
};

// Groups packages by origin, joins groups of which one replaces a package of the other, and keeps the budget - 1
// largest, the others joined into one (budget 0 means 1). CB_E_INPUT: an unreadable version; CB_E_CONFIG: a negative
// budget.
int cb_layer_groups_make(struct cb_layer_groups *out, const struct cb_installed_diff *diffs, size_t n, int64_t budget,
                         struct cb_error *err);
void cb_layer_groups_release(struct cb_layer_groups *g);

// What goes where, for a tree that does not change while the plan lives. With groups == NULL all of it is one layer;
// else one layer a group and a last one for what no package owns. The groups are borrowed.
struct cb_layer_plan;
struct cb_layer_plan *cb_layer_plan_new(struct cb_tree *t, const struct cb_layer_groups *groups, struct cb_error *err);
void cb_layer_plan_free(struct cb_layer_plan *p);
size_t cb_layer_plan_count(const struct cb_layer_plan *p);

// The tar of one layer into a sink.
int cb_layer_write_tar(const struct cb_layer_plan *p, size_t layer, struct cb_sink *out, struct cb_error *err);

// A key of all that decides the layer's bytes, but for the program that writes them: SHA-256 over its tar, in which the
// range of a package's data that a file's contents are stands for these contents. The data is named by the hash that it
// was verified with; contents of any other origin are hashed themselves. So layers with one key have the same bytes.
int cb_layer_key(const struct cb_layer_plan *p, size_t layer, uint8_t key[CB_LAYER_KEY_SIZE], struct cb_error *err);

// One layer as a blob in folder work_dir (NULL: the system's). Compression uses the pool's threads; the bytes do not
// depend on their number.
int cb_layer_write(const struct cb_layer_plan *p, size_t layer, const char *work_dir, struct cb_pool *pool,
                   struct cb_layer *out, struct cb_error *err);

// The whole tree as one EROFS image, which is stored as it is: its digest is its diff ID.
int cb_layer_write_erofs(struct cb_tree *t, struct cb_time build_time, const char *work_dir, struct cb_layer *out,
                         struct cb_error *err);

#endif
