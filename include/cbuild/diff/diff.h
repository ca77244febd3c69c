// Where two images differ: index, manifest, config field, layer, tar entry and field, gzip block, first byte.
//
// Each side is an OCI layout (a folder) or a docker archive (a file); which one is found out. Contents stream: what is
// held is the names and headers of one layer's entries on each side, bounded by CB_DIFF_ENTRIES_MAX.
#ifndef CB_DIFF_DIFF_H
#define CB_DIFF_DIFF_H

#include "cbuild/base/stream.h"

#define CB_DIFF_ENTRIES_MAX 2000000u // entries of one layer

struct cb_diff_options {
    unsigned limit; // differences told in full for each layer; further ones are counted. 0: 20
};

// Writes to *out what differs, as text, the outermost level first; nothing where nothing does. 0 where the images are
// the same, 1 where they differ, -1 where a side cannot be read.
int cb_diff_images(const char *a, const char *b, const struct cb_diff_options *options, struct cb_sink *out,
                   struct cb_error *err);

#endif
