// Files of an image as a container would see them: those of the topmost layer that has them, less what a layer above
// takes away (whiteouts). Layers are read from the top, and no further down than needed.
// Source: OCI image-spec layer.md.
#ifndef CB_OCI_IMAGE_FILES_H
#define CB_OCI_IMAGE_FILES_H

#include "cbuild/base/map.h"
#include "cbuild/fs/tar.h"
#include "cbuild/oci/image_source.h"

#define CB_IMAGE_FILES_MAX 65536u         // files that are kept
#define CB_IMAGE_FILES_BYTES (512u << 20) // bytes of all of them

struct cb_image_content {
    struct cb_str bytes;
    struct cb_time mtime;
};

// Zero-initialise to start.
struct cb_image_files {
    struct cb_arena arena;
    struct cb_map files; // by name ("etc/apko.json"), of struct cb_image_content; in byte order
};

// The regular files that `names` names: "etc/apko.json", or a folder whose files are wanted: "var/lib/db/sbom/". What
// is not there is left out. What is given was held against the layers' digests (of unpacked layers that have none,
// their diff IDs). CB_E_LIMIT for a file over `limit` bytes.
int cb_image_files_collect(struct cb_image_source *s, const struct cb_source_image *img, const struct cb_str *names,
                           size_t nnames, size_t limit, struct cb_image_files *out, struct cb_error *err);

const struct cb_image_content *cb_image_files_get(const struct cb_image_files *f, const char *name);
void cb_image_files_release(struct cb_image_files *f);
#define CB_IMAGE_FILES_AUTO __attribute__((cleanup(cb_image_files_release))) struct cb_image_files

#endif
