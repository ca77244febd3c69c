// The image index over the images of a build, one per architecture.
// Source: apko pkg/build/oci/index.go (GenerateIndex), go-containerregistry pkg/v1/mutate.
#ifndef CB_OCI_INDEX_H
#define CB_OCI_INDEX_H

#include "cbuild/oci/image.h"

struct cb_index_image {
    struct cb_arena arena;
    struct cb_str bytes; // of the index
    struct cb_digest digest;
    struct cb_index_manifest parsed;
    const struct cb_image **images; // in the order of the index; borrowed
    size_t nimages;
};

struct cb_index_params {
    struct cb_string_map annotations;
    struct cb_str vcs_url;     // URL@revision; without '@' nothing is said
    struct cb_created created; // the greatest of the images', or what the user said
};

// Sorts the images by the name of their architecture. They must outlive the index.
void cb_index_image_build(struct cb_index_image *out, const struct cb_index_params *p,
                          const struct cb_image *const *images, size_t n);
void cb_index_image_release(struct cb_index_image *idx);

// The image for a platform, as `publish --local` chooses: the last that matches os and architecture, else the first;
// NULL where there is none at all.
const struct cb_image *cb_index_image_pick(const struct cb_index_image *idx, struct cb_str os, struct cb_str arch);

#endif
