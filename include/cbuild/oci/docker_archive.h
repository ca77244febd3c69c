// The archive that `docker load` takes: configs and layers, manifest.json, then (as the reference appends them) each
// manifest under its digest and index.json.
// Source: apko pkg/build/oci/index.go (BuildIndex); go-containerregistry pkg/v1/tarball.
#ifndef CB_OCI_DOCKER_ARCHIVE_H
#define CB_OCI_DOCKER_ARCHIVE_H

#include "cbuild/oci/index.h"

// All images of an index. Every tag names each image with "-<architecture>" after it, as a loaded tag can name one
// image only. The file appears under its name when it is complete. CB_E_USAGE for a malformed tag.
int cb_docker_archive_write(const char *path, const struct cb_index_image *idx, const struct cb_strs *tags,
                            struct cb_error *err);

// One image under one full tag, as the Docker daemon's image load takes it (no manifests, no index.json).
int cb_docker_archive_stream(struct cb_sink *out, const struct cb_image *img, struct cb_str tag, struct cb_error *err);

#endif
