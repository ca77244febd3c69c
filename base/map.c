#include "cbuild/base/map.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

#include "cbuild/base/vec.h"

static uint64_t seed;

static void make_seed(void)
{
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed)
        seed = (uint64_t)(uintptr_t)&seed;
    seed |= 1;
}

// Multiply-fold over 8-byte words: fast for the short keys that names are, and seeded.
static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint32_t hash(struct cb_str key)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_seed);
    uint64_t h = seed ^ key.n;
    const char *p = key.p;
    size_t n = key.n;
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        h = mix(h ^ word, UINT64_C(0x9e3779b97f4a7c15));
    }
    uint64_t last = 0;
    if (n)
        memcpy(&last, p, n);
    h = mix(h ^ last, UINT64_C(0xe7037ed1a0b428db));
    return (uint32_t)(h ^ (h >> 32));
}

// The slot that holds key, or the empty one where it belongs.
static uint32_t *slot_of(const struct cb_map *m, struct cb_str key, uint32_t h)
{
    for (size_t i = h & (m->nslots - 1);; i = (i + 1) & (m->nslots - 1)) {
        uint32_t *slot = &m->slots[i];
        if (!*slot)
            return slot;
        const struct cb_map_item *item = &m->items[*slot - 1];
        if (item->hash == h && cb_str_eq(item->key, key))
            return slot;
    }
}

static void rebuild(struct cb_map *m, size_t nslots)
{
    free(m->slots);
    m->slots = cb_zalloc(nslots * sizeof *m->slots);
    m->nslots = nslots;
    for (size_t i = 0; i < m->n; i++)
        *slot_of(m, m->items[i].key, m->items[i].hash) = (uint32_t)i + 1;
}

struct cb_map_item *cb_map_find(const struct cb_map *m, struct cb_str key)
{
    if (!m->n)
        return NULL;
    uint32_t slot = *slot_of(m, key, hash(key));
    return slot ? &m->items[slot - 1] : NULL;
}

void *cb_map_get(const struct cb_map *m, struct cb_str key)
{
    struct cb_map_item *item = cb_map_find(m, key);
    return item ? item->value : NULL;
}

struct cb_map_item *cb_map_put(struct cb_map *m, struct cb_str key, void *value, bool *added)
{
    if ((m->n + 1) * 4 > m->nslots * 3)
        rebuild(m, m->nslots ? m->nslots * 2 : 16);
    uint32_t h = hash(key);
    uint32_t *slot = slot_of(m, key, h);
    if (added)
        *added = !*slot;
    if (*slot) {
        m->items[*slot - 1].value = value;
        return &m->items[*slot - 1];
    }
    cb_vec_grow(&m->items, m->n, &m->cap, sizeof *m->items);
    struct cb_map_item *item = &m->items[m->n++];
    *item = (struct cb_map_item){key, value, h};
    *slot = (uint32_t)m->n;
    return item;
}

static int by_key(const void *a, const void *b)
{
    const struct cb_map_item *x = a, *y = b;
    return cb_str_cmp(x->key, y->key);
}

void cb_map_sort(struct cb_map *m)
{
    if (!m->n)
        return;
    qsort(m->items, m->n, sizeof *m->items, by_key);
    rebuild(m, m->nslots);
}

void cb_map_release(struct cb_map *m)
{
    free(m->items);
    free(m->slots);
    *m = (struct cb_map){0};
}
