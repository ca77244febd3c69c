// What commands that look at images share: the doors through which images are reached.
#ifndef CB_CLI_IMAGE_ACCESS_H
#define CB_CLI_IMAGE_ACCESS_H

#include "cbuild/oci/image_source.h"
#include "environment.h"

// Zero-initialise; release in any case.
struct cb_image_doors {
    struct cb_environment environment;
    struct cb_http *http;
    struct cb_registry *registry;
    struct cb_image_access access;
};

int cb_image_doors_open(struct cb_image_doors *d, bool offline, struct cb_error *err);
void cb_image_doors_close(struct cb_image_doors *d);
#define CB_IMAGE_DOORS_AUTO __attribute__((cleanup(cb_image_doors_close))) struct cb_image_doors

// The architecture that a user means: --arch where it is given ("host" too), else the only one there is, else that of
// this machine where the image has it. CB_E_NOT_FOUND names those that are there.
int cb_image_choose(struct cb_image_source *s, const char *arch, const struct cb_source_image **out,
                    struct cb_error *err);

#endif
