// A gzip stream whose bytes are those of klauspost/pgzip 1.2.6 over klauspost/compress 1.19.2 at the default level, the
// way the reference compresses its layers: header with Go's zero time and an unknown system, 1 MiB blocks that each
// know the 16 KiB before them, CRC and length behind. The same at any number of threads and however the writes are cut.
#ifndef CB_COMPRESS_GZIP_H
#define CB_COMPRESS_GZIP_H

#include <stdint.h>

#include "cbuild/base/pool.h"
#include "cbuild/base/stream.h"

struct cb_gzip_writer;

// Compressed bytes go to `to`, in order, from whichever thread calls write or finish. Blocks are compressed by the jobs
// of `pool`; NULL compresses in the calling thread alone. Both are borrowed until cb_gzip_writer_free. Memory: about
// 2.7 MiB for each block under way, of which there are never more than the pool has threads and two, and only as many
// as the stream is long.
struct cb_gzip_writer *cb_gzip_writer_new(struct cb_sink *to, struct cb_pool *pool);

// Where to write the bytes that are to be compressed; belongs to the writer.
struct cb_sink *cb_gzip_writer_sink(struct cb_gzip_writer *w);

// Writes what is left and the trailer; to be called once, after the last write. A writer that got no bytes still makes
// a complete stream. An error here or in a write comes from `to`; the stream is then worthless, and the writer good for
// nothing but cb_gzip_writer_free.
int cb_gzip_writer_finish(struct cb_gzip_writer *w, struct cb_error *err);

// At any time, finished or not; waits for blocks under way. NULL is fine.
void cb_gzip_writer_free(struct cb_gzip_writer *w);

#endif
