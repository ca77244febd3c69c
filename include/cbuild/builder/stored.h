// What an image that apko built says of itself: its configuration, the packages in it, and from them its SBOM.
#ifndef CB_BUILDER_STORED_H
#define CB_BUILDER_STORED_H

#include "cbuild/apk/installed.h"
#include "cbuild/builder/config.h"
#include "cbuild/oci/image_files.h"

#define CB_STORED_CONFIG "etc/apko.json"
#define CB_STORED_CONFIG_MAX (16u << 20)

// Zero-initialise to start.
struct cb_stored {
    struct cb_image_files files;
    struct cb_str config;    // the text of etc/apko.json; p == NULL where there is none
    struct cb_time epoch;    // what the build took for now (SOURCE_DATE_EPOCH, --build-date): etc/apko.json's mtime
    struct cb_str installed; // the text of the installed database; p == NULL where there is none
};
void cb_stored_release(struct cb_stored *s);
#define CB_STORED_AUTO __attribute__((cleanup(cb_stored_release))) struct cb_stored

enum cb_stored_parts {
    CB_STORED_CONFIG_ONLY,
    CB_STORED_PACKAGES,  // and the installed database
    CB_STORED_DOCUMENTS, // and what an SBOM is made of: reads every layer
};

// Reads it from the image's layers.
int cb_stored_read(struct cb_image_source *source, const struct cb_source_image *img, enum cb_stored_parts parts,
                   struct cb_stored *out, struct cb_error *err);

// The image's SPDX document, made from what its layers hold as the build made it, appended to *out. tool and tag are
// what the build was told (struct cb_build_options). CB_E_NOT_FOUND where the image has no installed database.
int cb_stored_sbom(const struct cb_stored *s, const struct cb_source_image *img, const char *tool, const char *tag,
                   struct cb_buf *out, struct cb_error *err);

#endif
