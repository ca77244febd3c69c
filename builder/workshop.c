#include "cbuild/builder/workshop.h"

#include <stdlib.h>

#include "cbuild/base/share.h"
#include "shared_parts.h"
#include "shelf.h"

struct cb_workshop {
    struct cb_share *resolvers, *layers;
    struct cb_shelf *shelf; // NULL: none
};

static void destroy_resolver(void *resolver)
{
    cb_resolver_free(resolver);
}

static void destroy_layer(void *layer)
{
    cb_layer_release(layer);
    free(layer);
}

static uint64_t layer_size(const void *layer)
{
    return ((const struct cb_layer *)layer)->size;
}

struct cb_workshop *cb_workshop_new(const struct cb_workshop_options *o)
{
    static const struct cb_share_kind resolvers = {destroy_resolver, NULL, 16, 0};
    const struct cb_share_kind layers = {destroy_layer, layer_size, o->keep_layers, o->keep_layer_bytes};
    struct cb_workshop *w = cb_zalloc(sizeof *w);
    w->resolvers = cb_share_new(&resolvers);
    w->layers = cb_share_new(&layers);
    w->shelf = o->shelf.dir ? cb_shelf_new(&o->shelf) : NULL;
    return w;
}

void cb_workshop_free(struct cb_workshop *w)
{
    if (!w)
        return;
    cb_share_free(w->resolvers);
    cb_share_free(w->layers);
    cb_shelf_free(w->shelf);
    free(w);
}

// ---- resolvers

struct index_list {
    const struct cb_index *const *v;
    size_t n;
};

static struct cb_str key_of(const struct cb_index *const *indexes, size_t n)
{
    return cb_strn((const char *)indexes, n * sizeof *indexes);
}

static void *make_resolver(void *ctx, struct cb_error *err)
{
    const struct index_list *list = ctx;
    (void)err;
    return cb_resolver_new(list->v, list->n);
}

struct cb_resolver *cb_workshop_resolver(struct cb_workshop *w, const struct cb_index *const *indexes, size_t n)
{
    struct index_list list = {indexes, n};
    CB_ERROR_AUTO never = CB_ERROR_INIT;
    return cb_share_take(w->resolvers, key_of(indexes, n), make_resolver, &list, &never);
}

void cb_workshop_return_resolver(struct cb_workshop *w, const struct cb_index *const *indexes, size_t n)
{
    cb_share_give_back(w->resolvers, key_of(indexes, n));
}

// ---- layers

struct layer_order {
    const struct cb_layer_plan *plan;
    size_t layer;
    const char *work_dir;
    struct cb_pool *pool;
    struct cb_shelf *shelf;
    const uint8_t *key;
};

static void *make_layer(void *ctx, struct cb_error *err)
{
    const struct layer_order *o = ctx;
    struct cb_layer *l = cb_zalloc(sizeof *l);
    *l = (struct cb_layer)CB_LAYER_INIT;
    if (o->shelf && cb_shelf_take(o->shelf, o->key, l))
        return l;

    if (cb_layer_write(o->plan, o->layer, o->work_dir, o->pool, l, err) == 0) {
        if (o->shelf)
            cb_shelf_put(o->shelf, o->key, l);
        return l;
    }
    free(l);
    return NULL;
}

int cb_workshop_layer(struct cb_workshop *w, const struct cb_layer_plan *p, size_t layer, const char *work_dir,
                      struct cb_pool *pool, struct cb_layer *out, struct cb_error *err)
{
    uint8_t key[CB_LAYER_KEY_SIZE];
    struct layer_order order = {p, layer, work_dir, pool, w->shelf, key};
    if (cb_layer_key(p, layer, key, err))
        return -1;
    const struct cb_layer *l =
        cb_share_take(w->layers, cb_strn((const char *)key, sizeof key), make_layer, &order, err);
    if (!l)
        return -1;
    *out = *l;
    out->shop = w;
    memcpy(out->key, key, sizeof key);
    return 0;
}

void cb_workshop_return_layer(struct cb_workshop *w, const uint8_t key[CB_LAYER_KEY_SIZE])
{
    cb_share_give_back(w->layers, cb_strn((const char *)key, CB_LAYER_KEY_SIZE));
}
