// Where two layers differ: in their archives' entries, else in how those are packed.
#ifndef DIFF_LAYER_DIFF_H
#define DIFF_LAYER_DIFF_H

#include "cause.h"
#include "keep.h"
#include "listing.h"

// What the comparison of two images goes through with it.
struct comparison {
    struct report *report;
    const struct cb_diff_options *options;
    const struct side *sides[2];
    struct packages packages; // of the pair of images at hand
    struct keep *keep;        // NULL: no file is kept
    unsigned limit;
};

// Opens both for the time of the comparison.
int layer_diff(struct comparison *c, struct side_layer *a, struct side_layer *b, struct cb_error *err);

// In tar_diff.c: both archives' entries, where their unpacked bytes differ.
int tar_diff(struct comparison *c, const struct side_layer *const layers[2], const struct listing *const lists[2],
             struct cb_error *err);

// In gzip_diff.c: the packing of two layers whose unpacked bytes are the same.
int gzip_diff(struct report *r, const struct side_layer *const layers[2], const struct listing *list,
              struct cb_error *err);

// Reads two sources in step up to the first byte that differs. *at is its offset, or the common size where they are the
// same (0 is returned); 1 where they differ: bytes[] are the two bytes, -1 for one that is at its end.
int first_difference(struct cb_source *a, struct cb_source *b, uint64_t *at, int bytes[2], struct cb_error *err);

// "0x41 'A'", or "the end"; into a buffer of 24.
const char *show_byte(char out[24], int byte);

#endif
