// The deflate encoder (RFC 1951) behind cbuild/compress/gzip.h: one chunk of a pgzip stream at a time.
//
// The bytes are part of every image digest: they are those of klauspost/compress 1.19.2 (flate, default level, so 5)
// when klauspost/pgzip 1.2.6 hands it a chunk. An encoder keeps nothing from one chunk to the next, so chunks may be
// compressed in any order, by any encoder, on any thread.
#ifndef CB_COMPRESS_DEFLATE_H
#define CB_COMPRESS_DEFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CB_DEFLATE_CHUNK (1u << 20)       // bytes of input in a chunk
#define CB_DEFLATE_DICTIONARY (16u << 10) // bytes before a chunk that its matches may point into

struct cb_deflate;

// About 600 KB. For one thread at a time.
struct cb_deflate *cb_deflate_new(void);
void cb_deflate_free(struct cb_deflate *d); // NULL is fine

// Bytes that cb_deflate_chunk may write for n bytes of input.
size_t cb_deflate_bound(size_t n);

// Compresses in[0, n), n <= CB_DEFLATE_CHUNK, and returns the number of bytes written to out, which must hold
// cb_deflate_bound(n) and not overlap the input. The `dictionary` bytes before in[0] are the end of the chunk before:
// CB_DEFLATE_DICTIONARY of them, or 0 for the first chunk.
//
// The output ends on a byte boundary (a sync marker); with `last` it also ends the stream. Every chunk but the last is
// full, and the last may be empty: a stream that is a multiple of CB_DEFLATE_CHUNK ends with an empty chunk.
size_t cb_deflate_chunk(struct cb_deflate *d, const uint8_t *in, size_t dictionary, size_t n, bool last, uint8_t *out);

#endif
