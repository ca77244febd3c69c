// What the builds of one process share besides the fetcher: resolvers over the same indexes, and finished layers.
//
// A layer is found again by the key of what is in it (cb_layer_key in layers.h), so that images that have the same
// layer have it made once. Bytes never depend on whether there is a workshop.
#ifndef CB_BUILDER_WORKSHOP_H
#define CB_BUILDER_WORKSHOP_H

#include <stddef.h>
#include <stdint.h>

#include "cbuild/base/str.h"

#define CB_SHELF_SECRET_SIZE 32u

// Where finished layers stay between runs: below `dir`/cbuild/layers. Anybody may write to a cache, so what it says of
// a layer is believed only where it is authenticated by the secret, which lies elsewhere; its bytes are held against
// their digest whenever they are had from there.
struct cb_shelf_options {
    const char *dir; // the cache's folder; NULL: layers are not kept
    bool read_only;
    uint8_t secret[CB_SHELF_SECRET_SIZE];
    struct cb_str program; // names the very program that makes layers: another build of it believes nothing of these
    uint64_t most_bytes;   // of all together; those used last stay
};

struct cb_workshop_options {
    size_t keep_layers; // that no build has at the moment; each is an open file
    uint64_t keep_layer_bytes;
    struct cb_shelf_options shelf;
};

struct cb_workshop; // safe for use by several builds at once
struct cb_workshop *cb_workshop_new(const struct cb_workshop_options *o);
void cb_workshop_free(struct cb_workshop *w); // after the builds; NULL is fine

#endif
