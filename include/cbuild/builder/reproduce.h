// Building an image again from what it says of itself, or from what was attested of it, and comparing.
#ifndef CB_BUILDER_REPRODUCE_H
#define CB_BUILDER_REPRODUCE_H

#include "cbuild/builder/build.h"
#include "cbuild/diff/diff.h"

// Everything is borrowed.
struct cb_reproduce_options {
    // How to build: fetcher, pool, time and folder. What is built, for which architectures, with which packages and for
    // which date is found out here.
    const struct cb_build_options *build;
    struct cb_str attested; // an image configuration that was attested (JSON); empty: that of the layers is taken
    struct cb_str arch;     // only the image for it; empty: all that there are
    const char *keep;       // a folder for both images and the report; NULL or "": none
    const struct cb_diff_options *diff;
};

struct cb_reproduced_image {
    struct cb_str label;
    struct cb_digest wanted, got; // of the manifest; of the config where the image has no manifest
};

// Zero-initialise to start; release in any case.
struct cb_reproduction {
    struct cb_arena arena;
    struct cb_strs notes;         // what was left out of the configuration, filled in, and from where
    bool same;                    // the digests are
    struct cb_digest wanted, got; // of the index, or of the only image
    struct {
        struct cb_reproduced_image *v;
        size_t n, cap;
    } images;
    struct cb_buf report; // what differs, in the format asked for; empty where nothing does
};

// 0 where the image was built again, whether or not it is the same. Errors: CB_E_NOT_FOUND where there is no
// configuration, or a package can no longer be had (the message names it, the hint where it was looked for); those of
// cb_build_run otherwise. out->notes are filled as far as it got.
int cb_reproduce(struct cb_image_source *source, const struct cb_reproduce_options *o, struct cb_reproduction *out,
                 struct cb_error *err);
void cb_reproduction_release(struct cb_reproduction *r);
#define CB_REPRODUCTION_AUTO __attribute__((cleanup(cb_reproduction_release))) struct cb_reproduction

#endif
