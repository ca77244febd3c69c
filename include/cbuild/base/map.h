// A map from strings to pointers that remembers the order of insertion. Iterate with `items`, never by hash: no
// output order comes from a hash table. Keys are slices that must outlive the map (arena or constant); values are
// borrowed. Zero-initialise to start. Hashing is seeded per process, so chosen keys cannot make it slow.
#ifndef CB_BASE_MAP_H
#define CB_BASE_MAP_H

#include "cbuild/base/str.h"

struct cb_map_item {
    struct cb_str key;
    void *value;
    uint32_t hash;
};

struct cb_map {
    struct cb_map_item *items; // in order of insertion
    size_t n, cap;
    uint32_t *slots; // index + 1 into items; 0 is empty
    size_t nslots;
};

void *cb_map_get(const struct cb_map *m, struct cb_str key); // NULL where absent
struct cb_map_item *cb_map_find(const struct cb_map *m, struct cb_str key);
// Sets and returns the item; *added (may be NULL) tells whether the key is new. The pointer is good until the next put.
struct cb_map_item *cb_map_put(struct cb_map *m, struct cb_str key, void *value, bool *added);
void cb_map_sort(struct cb_map *m); // items in byte order of their keys, for ordered output
void cb_map_release(struct cb_map *m);

#endif
