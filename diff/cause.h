// Why things differ: what is known of causes, and what a comparison is told not to count.
#ifndef DIFF_CAUSE_H
#define DIFF_CAUSE_H

#include "packages.h"

// Whether anything is ignored: then what follows from contents (digests, sizes, packing) does not count either.
bool cause_is_lenient(const struct cb_diff_options *o);

// Whether a path in a layer is one that is ignored. A pattern without a slash is held against every part of the path,
// one with a slash against the whole; what lies below a match matches, too. "*" and "?" stop at slashes, "**" does not.
bool cause_is_ignored_path(const struct cb_diff_options *o, struct cb_str path);

// Whether a field of an index, manifest or config (".config.Labels[\"x\"]", ".layers[0].digest") is to be passed over.
// one_sided: it is absent on one side.
bool cause_is_ignored_field(const struct cb_diff_options *o, const char *path, bool one_sided);

// Why such a field differs; empty where that is not known.
struct cb_str cause_of_field(const char *path);

enum {
    ENTRY_ONLY = 1,         // is in one only
    ENTRY_CONTENTS = 2,     //
    ENTRY_TIME = 4,         //
    ENTRY_MODE = 8,         //
    ENTRY_OWNER = 16,       //
    ENTRY_TYPE = 32,        // or link target, or device numbers
    ENTRY_FORMAT = 64,      // of the archive: tar format, records
    ENTRY_ATTRIBUTES = 128, // extended attributes
};

// Why an entry differs in those ways (ENTRY_*); its owner is empty where no package owns it.
struct cb_str cause_of_entry(const struct packages *p, struct cb_str path, struct cb_str owner, unsigned ways);

#endif
