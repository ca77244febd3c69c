// The unstable sort of Go's slices.SortFunc, swap for swap: where a comparison calls two different elements equal,
// their order in the output is an accident of the algorithm, and the reference's digests depend on it.
#ifndef CB_BUILDER_GO_SORT_H
#define CB_BUILDER_GO_SORT_H

#include <stddef.h>

typedef int cb_go_cmp(const void *a, const void *b);

// Sorts the pointers v[0..n) by what they point to. An inconsistent cmp gives some order, never an access outside v.
void cb_go_sort(void **v, size_t n, cb_go_cmp *cmp);

#endif
