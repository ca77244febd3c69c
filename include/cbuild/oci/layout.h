// OCI image layouts: a folder with oci-layout, index.json and blobs/sha256/.
//
// Writing gives the files that go-containerregistry's layout.Write gives: index.json is the image index itself. Every
// file appears by rename when it is complete, index.json last, so that a reader of the folder sees either what was
// there before or all of the new image. Blobs that are there already are kept if their bytes are right.
//
// Reading trusts nothing: every blob is held against its descriptor's size and digest, digests are checked before they
// become part of a path, files must be regular, and sizes are bounded before anything is read.
// Source: OCI image-spec image-layout.md.
#ifndef CB_OCI_LAYOUT_H
#define CB_OCI_LAYOUT_H

#include "cbuild/base/pool.h"
#include "cbuild/oci/index.h"

// folder is created where it does not exist. pool may be NULL; with one, layers are written at the same time.
int cb_layout_write(const char *folder, const struct cb_index_image *idx, struct cb_pool *pool, struct cb_error *err);

struct cb_layout {
    char *path;
};

// CB_E_NOT_FOUND where there is no folder, CB_E_INPUT where it has no oci-layout file with version 1.0.0.
int cb_layout_open(struct cb_layout *l, const char *path, struct cb_error *err);
void cb_layout_close(struct cb_layout *l);

// index.json; its bytes in *raw (may be NULL). Everything in *a.
int cb_layout_index(const struct cb_layout *l, struct cb_arena *a, struct cb_str *raw, struct cb_index_manifest *out,
                    struct cb_error *err);

// A whole small blob, appended to *b, verified; more than limit bytes is CB_E_LIMIT.
int cb_layout_read_blob(const struct cb_layout *l, const struct cb_descriptor *d, size_t limit, struct cb_buf *b,
                        struct cb_error *err);

// The path of a blob, owned by the caller.
char *cb_layout_blob_path(const struct cb_layout *l, const struct cb_digest *d);

// Opens a blob for reading with pread and checks its size; the digest is for whoever reads it (cb_digest_source).
int cb_layout_open_blob(const struct cb_layout *l, const struct cb_descriptor *d, struct cb_error *err);

// The nested index or the image that a descriptor names. An image's layers have their paths set; their bytes are not
// read yet.
int cb_layout_read_index(const struct cb_layout *l, const struct cb_descriptor *d, struct cb_arena *a,
                         struct cb_index_manifest *out, struct cb_error *err);
int cb_layout_read_image(const struct cb_layout *l, const struct cb_descriptor *d, struct cb_image *out,
                         struct cb_error *err);

// The image of an architecture ("amd64", "arm/v7") as the reference looks a base image up: in the first nested OCI
// index where there is one, by the architecture that the image's own config names (variants are not compared).
int cb_layout_find_arch(const struct cb_layout *l, struct cb_str arch, struct cb_image *out, struct cb_error *err);

#endif
