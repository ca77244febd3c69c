// The stable sort of Go's sort.SliceStable, comparison for comparison. Where the order asked for contradicts itself, as
// that of the installed database does, the result is an accident of the algorithm, and digests depend on it.
#ifndef CB_APK_STABLE_SORT_H
#define CB_APK_STABLE_SORT_H

#include <stdbool.h>
#include <stddef.h>

typedef bool stable_less(const void *a, const void *b);

// Sorts the pointers v[0..n) by what they point to. An inconsistent order gives some result, never an access outside v.
void stable_sort(const void **v, size_t n, stable_less *less);

#endif
