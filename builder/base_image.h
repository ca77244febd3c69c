// A base image: an OCI layout on disk, and beside it a list of what is installed in it, one APKINDEX a architecture
// (<folder>/<arch>/APKINDEX, the text itself). The list is read twice: as an installed database, whose packages are
// already there, and as an index, from which they can be resolved.
// Source: apko pkg/baseimg.
#ifndef CB_BUILDER_BASE_IMAGE_H
#define CB_BUILDER_BASE_IMAGE_H

#include "cbuild/apk/index.h"
#include "cbuild/apk/installed.h"
#include "cbuild/oci/image.h"

#define CB_BASE_INDEX_MAX (64u << 20) // bytes of the APKINDEX

struct cb_base_image { // zero-initialise to start
    struct cb_image image;
    struct cb_installed installed;
    struct cb_index *index; // goes behind those of the repositories; it has no signature
    struct cb_strs world;   // "name=version" of each package, in the list's order, after the configuration's packages
};

// arch is the OCI name. Errors: CB_E_NOT_FOUND for a missing folder, architecture or list; those of the layout, of
// cb_installed_parse and of cb_index_parse.
int cb_base_image_open(struct cb_base_image *b, const char *layout, const char *apkindex, struct cb_str arch,
                       struct cb_error *err);
void cb_base_image_release(struct cb_base_image *b);

#endif
