// One side of a comparison: the images of a source, and their layers as streams.
#ifndef DIFF_SIDE_H
#define DIFF_SIDE_H

#include "cbuild/compress/inflate.h"
#include "cbuild/oci/image_source.h"

struct side_layer {
    struct cb_str media_type;
    struct cb_digest digest; // of the stored bytes; unset where nothing names it
    struct cb_digest diff_id;
    const char *path; // for messages
    uint64_t size;
    struct cb_image_source *source;
    const struct cb_source_layer *from;
    struct cb_blob_file file; // while it is open
};

struct side_image {
    struct cb_str label;    // its platform, "linux/arm64"
    struct cb_str manifest; // empty where the archive has none
    struct cb_str config;
    const struct cb_source_image *from;
    struct side_layer *layers;
    size_t nlayers;
};

struct side {
    struct cb_arena arena;
    struct cb_image_source *source; // borrowed
    struct cb_str index;            // empty where there is none
    struct {
        struct side_image *v;
        size_t n, cap;
    } images;
};

int side_open(struct side *s, struct cb_image_source *source, struct cb_error *err);
void side_close(struct side *s);

// The bytes of a layer, fetched where need be; then streams may be opened over them, as many as one likes.
int side_layer_open(struct side_layer *l, struct cb_error *err);
void side_layer_close(struct side_layer *l);

// A layer's bytes: as stored, and unpacked where they are gzip. Verified against the digest where there is one.
struct layer_stream {
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
