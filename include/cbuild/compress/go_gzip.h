// A gzip stream whose bytes are those of Go's own compress/gzip at its default level (6), with which the reference
// packs cpio archives. On one thread.
#ifndef CB_COMPRESS_GO_GZIP_H
#define CB_COMPRESS_GO_GZIP_H

#include "cbuild/base/stream.h"

struct cb_go_gzip;

// Compressed bytes go to `to`, which is borrowed. About 1.2 MB.
struct cb_go_gzip *cb_go_gzip_new(struct cb_sink *to);

// Where to write the bytes that are to be compressed; belongs to the writer. How the writes are cut matters a little:
// matches are looked for whenever enough has come, and what has come decides when the window moves on. The same bytes
// as the reference's need the same cuts.
struct cb_sink *cb_go_gzip_sink(struct cb_go_gzip *z);

// Writes what is left and the trailer; once, after the last write. Errors come from `to`.
int cb_go_gzip_finish(struct cb_go_gzip *z, struct cb_error *err);
void cb_go_gzip_free(struct cb_go_gzip *z); // NULL is fine

#endif
