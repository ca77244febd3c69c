// Finished layers in the cache folder, for later runs; see struct cb_shelf_options. Two files each: the blob, named by
// its digest, and an entry, named by the layer's key, that says which blob it is:
//     cbuild layer 1
//     <digest> <diff ID> <bytes> <bytes of the tar>
//     <HMAC of the entry's name and the lines above, in hex>
// A file that another user owns or may write to is not looked at, so that nobody else changes a blob after it was
// checked. Whatever is not as it should be is as if it were not there: the layer is made anew.
#ifndef CB_BUILDER_SHELF_H
#define CB_BUILDER_SHELF_H

#include "cbuild/builder/workshop.h"
#include "layers.h"

struct cb_shelf; // safe for use by several threads at once
struct cb_shelf *cb_shelf_new(const struct cb_shelf_options *o);
void cb_shelf_free(struct cb_shelf *s); // and throws away what the limit leaves no room for

// The layer with that key into *out, checked: true where there is one.
bool cb_shelf_take(struct cb_shelf *s, const uint8_t key[CB_LAYER_KEY_SIZE], struct cb_layer *out);
void cb_shelf_put(struct cb_shelf *s, const uint8_t key[CB_LAYER_KEY_SIZE], const struct cb_layer *l);

#endif
