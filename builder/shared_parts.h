// What a workshop has for the steps of a build; private to builder/.
#ifndef CB_BUILDER_SHARED_PARTS_H
#define CB_BUILDER_SHARED_PARTS_H

#include "cbuild/apk/resolver.h"
#include "cbuild/builder/workshop.h"
#include "layers.h"

// The resolver over those indexes, which must all belong to a fetcher that outlives the workshop. Give it back.
struct cb_resolver *cb_workshop_resolver(struct cb_workshop *w, const struct cb_index *const *indexes, size_t n);
void cb_workshop_return_resolver(struct cb_workshop *w, const struct cb_index *const *indexes, size_t n);

// As cb_layer_write, for a layer that may be there already.
int cb_workshop_layer(struct cb_workshop *w, const struct cb_layer_plan *p, size_t layer, const char *work_dir,
                      struct cb_pool *pool, struct cb_layer *out, struct cb_error *err);
void cb_workshop_return_layer(struct cb_workshop *w, const uint8_t key[CB_LAYER_KEY_SIZE]);

#endif
