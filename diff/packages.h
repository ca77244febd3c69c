// Which packages are in the images, and which of them a file belongs to.
#ifndef DIFF_PACKAGES_H
#define DIFF_PACKAGES_H

#include "cbuild/apk/installed.h"
#include "cbuild/base/map.h"
#include "report.h"
#include "side.h"

// A side's installed database, taken apart for looking things up. Zero where the image has none.
struct package_side {
    struct cb_str text;
    struct cb_installed installed;
    struct cb_map by_name; // index + 1 into installed
    struct cb_map owners;  // of paths: index + 1 into installed
};

struct packages {
    struct cb_arena arena;
    struct package_side sides[2];
    struct report *report;
    size_t first; // of the report's changes: those of this pair of images
};

// Reads both sides' databases, and reports which packages differ.
int packages_read(struct packages *p, struct report *r, const struct side_image *a, const struct side_image *b,
                  struct cb_image_source *const sources[2], struct cb_error *err);
void packages_release(struct packages *p);

// The package that owns a path on a side (0 or 1); p == NULL where none does.
struct cb_str packages_owner(const struct packages *p, int side, struct cb_str path);

// Why the files of a package differ, as far as the databases tell: empty where the package is the same on both sides.
struct cb_str packages_cause(const struct packages *p, struct cb_str package);

// Counts a file of that package that differs.
void packages_count(struct packages *p, struct cb_str package, uint64_t bytes);

#endif
