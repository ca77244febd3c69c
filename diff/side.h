// One side of a comparison: the images of an OCI layout or of a docker archive, and their layers as streams.
#ifndef DIFF_SIDE_H
#define DIFF_SIDE_H

#include "cbuild/compress/inflate.h"
#include "cbuild/oci/layout.h"

struct side_layer {
    struct cb_str media_type;
    struct cb_digest digest; // of the stored bytes; unset where nothing names it
    struct cb_digest diff_id;
    const char *path; // the file that holds the bytes
    uint64_t at, size;
};

struct side_image {
    struct cb_str label;    // its platform, "linux/arm64"
    struct cb_str manifest; // empty where the archive has none
    struct cb_str config;
    struct side_layer *layers;
    size_t nlayers;
};

struct side {
    struct cb_arena arena;
    const char *path;
    struct cb_str index; // empty where the archive has none
    struct {
        struct side_image *v;
        size_t n, cap;
    } images;
};

int side_open(struct side *s, const char *path, struct cb_error *err);
void side_close(struct side *s);

// In side_archive.c: fills *s (zeroed but for path) from a docker archive.
int side_read_archive(struct side *s, struct cb_error *err);
// "os/architecture/variant" of a config, in the side's memory.
struct cb_str side_label(struct side *s, const struct cb_image_file *f);

// A layer's bytes: as stored, and unpacked where they are gzip. Verified against the digest where there is one.
struct layer_stream {
    int fd;
    struct cb_range_source file;
    struct cb_digest_source checked;
    bool has_checked;
    struct cb_source *stored;
    bool is_gzip;
    struct cb_inflate *inflate;
};
int layer_stream_open(struct layer_stream *s, const struct side_layer *l, struct cb_error *err);
// Two at once: both are open, or neither.
int layer_streams_open(struct layer_stream s[2], const struct side_layer *const layers[2], struct cb_error *err);
void layer_streams_close(struct layer_stream s[2]);
// The unpacked bytes; not together with reading `stored`.
struct cb_source *layer_stream_plain(struct layer_stream *s);
// Reads stored bytes to the end, so that the digest is checked.
int layer_stream_finish(struct layer_stream *s, struct cb_error *err);
void layer_stream_close(struct layer_stream *s);

#endif
