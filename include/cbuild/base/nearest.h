// "Did you mean": the nearest known name to a word, for hints.
#ifndef CB_BASE_NEAREST_H
#define CB_BASE_NEAREST_H

#include <stddef.h>

// The candidate nearest to word by edit distance (at most 3 edits, and fewer than the word has letters); NULL where
// none is near enough to be meant. The first of equals wins.
const char *cb_nearest(const char *word, const char *const *candidates, size_t n);

#endif
