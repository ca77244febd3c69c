// What to build so that an image comes out again: its configuration, packages, dates.
#ifndef BUILDER_REPRODUCE_PLAN_H
#define BUILDER_REPRODUCE_PLAN_H

#include "cbuild/builder/lock.h"
#include "cbuild/builder/reproduce.h"
#include "cbuild/builder/stored.h"

// One image of those that are to come out again, and what its layers hold.
struct reproduce_image {
    const struct cb_source_image *image;
    struct cb_str arch; // OCI name
    struct cb_stored stored;
    struct cb_installed installed;
    struct cb_image_config *config; // the stored one; NULL where there is none
};

struct reproduce_plan {
    struct cb_image_source *source;
    const struct cb_reproduce_options *o;
    struct cb_reproduction *out; // takes the notes
    struct {
        struct reproduce_image *v;
        size_t n, cap;
    } images;
    struct cb_image_config *config; // what to build; owned
    struct cb_locked packages;      // exact ones, where the configuration does not name all
    bool has_packages;
    struct cb_build_options build; // borrows from the above
};

int reproduce_plan_make(struct reproduce_plan *p, struct cb_error *err);
void reproduce_plan_release(struct reproduce_plan *p);

// Exact packages for each architecture, where the configuration does not say them all.
int reproduce_pin(struct reproduce_plan *p, struct cb_error *err);

#endif
