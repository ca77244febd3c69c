// Test data for the encoder, made from a seed alone, so that a golden digest can name its input in a few numbers.
// Tools outside this project make the same bytes from the same numbers; a change here makes every digest in
// golden/deflate/ void.
#ifndef CB_TESTS_COMPRESS_SAMPLE_H
#define CB_TESTS_COMPRESS_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

#define SAMPLE_KINDS 14   // each a kind of data, see sample.c
#define SAMPLE_MIXTURE 14 // short stretches of all kinds
#define SAMPLE_SIZE_MAX (4u << 20)

// Writes size bytes.
void sample_make(uint8_t *out, size_t size, uint64_t seed, unsigned kind);

// The kind and size that a seed stands for in a list of many samples.
void sample_pick(uint64_t seed, unsigned *kind, size_t *size);

// Data in which byte i occurs counts[i] times, shuffled, with a match or so; returns its size, the sum of the counts.
size_t sample_from_counts(uint8_t *out, const unsigned *counts, unsigned n);

#endif
