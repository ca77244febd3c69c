// What the builds of one process share besides the fetcher: resolvers over the same indexes, and finished layers.
//
// A layer is found again by the key of what is in it (cb_layer_key in layers.h), so that images that have the same
// layer have it made once. Bytes never depend on whether there is a workshop.
#ifndef CB_BUILDER_WORKSHOP_H
#define CB_BUILDER_WORKSHOP_H

#include <stddef.h>
#include <stdint.h>

struct cb_workshop_options {
    size_t keep_layers; // that no build has at the moment; each is an open file
    uint64_t keep_layer_bytes;
};

struct cb_workshop; // safe for use by several builds at once
struct cb_workshop *cb_workshop_new(const struct cb_workshop_options *o);
void cb_workshop_free(struct cb_workshop *w); // after the builds; NULL is fine

#endif
