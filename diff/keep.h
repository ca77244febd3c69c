// The files that a report folder keeps: those whose contents differ, from each side, below a/ and b/.
#ifndef DIFF_KEEP_H
#define DIFF_KEEP_H

#include "listing.h"

struct keep {
    const char *folder;
    char *below; // "image/layer", of what is compared now; owned
    unsigned files[2];
    uint64_t bytes[2];
    bool full; // a limit was reached, and files were left out
};

// Makes the folder; one that is there must be empty. CB_E_USAGE otherwise.
int keep_open(struct keep *k, const char *folder, struct cb_error *err);
void keep_close(struct keep *k);

// Writes entries of a layer (indexes into its archive, ascending) to <folder>/<a|b>/<below>/<path>. Folders and links
// are not made: what is kept are regular files, wherever their names seem to lead.
int keep_entries(struct keep *k, int side, const struct side_layer *layer, const size_t *entries, size_t n,
                 struct cb_error *err);

#endif
