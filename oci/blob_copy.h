// Putting a layer's bytes where they belong, with as little copying as the file system allows.
#ifndef OCI_BLOB_COPY_H
#define OCI_BLOB_COPY_H

#include "cbuild/oci/image.h"

// The layer's bytes as a file at path, which appears complete or not at all. A file that is there and has the right
// bytes is left alone. CB_E_TRUST where the bytes are not those of the layer's digest (trusted layers are not hashed).
int cb_blob_copy(const struct cb_layer_blob *l, const char *path, mode_t mode, struct cb_error *err);

// Writes the layer's bytes to a sink; the same check, made while they pass.
int cb_blob_send(const struct cb_layer_blob *l, struct cb_sink *to, struct cb_error *err);

#endif
