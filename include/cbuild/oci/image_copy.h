// Copying an image with every digest as it is, and with what is kept beside it: what refers to it (signatures,
// attestations, documents), and the tags sha256-<hex>.sig, .att, .sbom and the referrers' fallback tag.
#ifndef CB_OCI_IMAGE_COPY_H
#define CB_OCI_IMAGE_COPY_H

#include "cbuild/base/pool.h"
#include "cbuild/oci/image_source.h"

#define CB_COPY_MANIFESTS_MAX 4096u // of one copy, with all that is attached

struct cb_image_copy_options {
    struct cb_str arch; // only the image for it; empty: everything that is under the root
    bool bare;          // without what is kept beside it
    struct cb_pool *pool;
};

struct cb_image_copied {
    struct cb_descriptor root; // of what was copied; in the source's memory
    size_t manifests, attached, blobs;
    uint64_t bytes; // of blobs that had to be sent or written
};

// `to` names a registry's repository (a tag, a digest that is the image's, or neither), or a layout
// ("oci:FOLDER[:NAME]", a folder that exists, or what begins with "/", "./" or "../"), which is made where it does not
// exist, and added to where it does. In a registry blobs come before the manifests that name them, and the tag last; in
// a layout index.json comes last. A blob that is there is not sent again; between repositories of one registry blobs
// are mounted.
//   CB_E_UNSUPPORTED  a source without manifests (an archive of docker save): there is no digest to keep
int cb_image_copy(struct cb_image_source *from, const char *to, const struct cb_image_access *access,
                  const struct cb_image_copy_options *options, struct cb_image_copied *out, struct cb_error *err);

#endif
