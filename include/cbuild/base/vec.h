// Growable arrays of any type: a struct with members v, n, cap, zero-initialised to start.
//     struct { struct thing *v; size_t n, cap; } things = {0};
//     *cb_vec_add(&things) = thing;      // the new last element, zeroed
#ifndef CB_BASE_VEC_H
#define CB_BASE_VEC_H

#include <stdlib.h>

#include "cbuild/base/alloc.h"

void cb_vec_grow(void *vp, size_t n, size_t *cap, size_t size); // *(void **)vp gets room for n + 1 elements

#define cb_vec_add(vec)                                                                                                \
    (cb_vec_grow(&(vec)->v, (vec)->n, &(vec)->cap, sizeof *(vec)->v),                                                  \
     memset(&(vec)->v[(vec)->n], 0, sizeof *(vec)->v), &(vec)->v[(vec)->n++])

#define cb_vec_release(vec) (free((vec)->v), (vec)->v = NULL, (vec)->n = (vec)->cap = 0)

#endif
