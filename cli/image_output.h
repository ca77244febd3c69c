// Where a built image goes: an OCI layout or an archive for the Docker daemon.
#ifndef CB_CLI_IMAGE_OUTPUT_H
#define CB_CLI_IMAGE_OUTPUT_H

#include "cbuild/builder/build.h"

// What can be known to fail before the build: a malformed tag; an output that cannot be created or written to.
int cb_image_check_tag(const char *tag, struct cb_error *err);
int cb_image_check_output(const char *tag, const char *output, struct cb_error *err);

// An output that is a folder, or ends in a slash, becomes a layout.
int cb_image_write(const struct cb_build *b, const char *tag, const char *output, struct cb_pool *pool,
                   struct cb_error *err);

#endif
