// Where an image is copied to: a repository of a registry, or a layout.
#ifndef OCI_COPY_TARGET_H
#define OCI_COPY_TARGET_H

#include "cbuild/oci/image_source.h"

struct copy_target {
    // Whether a blob is there, or could be taken over from where it comes from: 1 or 0, or -1. From several threads.
    int (*has_blob)(struct copy_target *t, const struct cb_descriptor *d, struct cb_error *err);
    // The bytes from offset 0 of a file. From several threads.
    int (*put_blob)(struct copy_target *t, const struct cb_descriptor *d, int fd, bool verified, struct cb_error *err);
    // A manifest or index, whose parts are there; name: its tag, or empty.
    int (*put_manifest)(struct copy_target *t, const struct cb_descriptor *d, struct cb_str bytes, struct cb_str name,
                        struct cb_error *err);
    // The last step.
    int (*finish)(struct copy_target *t, const struct cb_descriptor *root, struct cb_error *err);
    void (*close)(struct copy_target *t);
    struct cb_str name; // of the root: its tag; empty: none
};

// NULL on failure; close() frees it.
struct copy_target *copy_target_registry(const struct cb_image_source *from, struct cb_str where,
                                         const struct cb_image_access *access, struct cb_error *err);
struct copy_target *copy_target_layout(const struct cb_image_source *from, struct cb_str folder, struct cb_str name,
                                       struct cb_error *err);

#endif
