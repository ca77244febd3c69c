// Archives of images: a layout in a tar, or what "docker save" writes, which since Docker 25 is both.
#ifndef OCI_IMAGE_ARCHIVE_H
#define OCI_IMAGE_ARCHIVE_H

#include "cbuild/oci/image_source.h"

// Takes over fd, and reads through it once to learn where its members are. One that is packed with gzip is unpacked
// into an unnamed file first. name is borrowed.
struct cb_image_archive *cb_image_archive_open(int fd, const char *name, struct cb_error *err);
void cb_image_archive_free(struct cb_image_archive *ar);

bool cb_image_archive_has(const struct cb_image_archive *ar, struct cb_str member);

// A member, in *a; CB_E_LIMIT above limit bytes.
int cb_image_archive_member(const struct cb_image_archive *ar, struct cb_str member, size_t limit, struct cb_arena *a,
                            struct cb_str *out, struct cb_error *err);

// Where the blob with a digest is: under blobs/sha256/, or as apko names its members (a manifest by its digest, a layer
// as <hex>.tar.gz). CB_E_NOT_FOUND; CB_E_INPUT where its size is not the descriptor's.
int cb_image_archive_blob(const struct cb_image_archive *ar, const struct cb_descriptor *d, struct cb_blob_file *out,
                          struct cb_error *err);

// The images that manifest.json names, into s->images; `index` (may be NULL) is searched for their manifests.
int cb_image_archive_images(struct cb_image_source *s, const struct cb_index_manifest *index, struct cb_error *err);

// A descriptor of one's own.
int cb_image_archive_fd(const struct cb_image_archive *ar, struct cb_error *err);

#endif
