#include "cbuild/compress/gzip.h"

#include <assert.h>
#include <libdeflate.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cbuild/base/alloc.h"
#include "cbuild/compress/deflate.h"

// Blocks stand in a ring: the one being filled, behind it those under way, the oldest first. When the ring is full, the
// oldest is waited for and written. Blocks are made when first needed, so a short stream has few.

#define AT_ONCE (64u << 10) // bytes copied and summed up before more are: they are still in the cache

struct block {
    struct cb_deflate *encoder;
    uint8_t *in; // room for the dictionary, then the block
    uint8_t *out;
    size_t dictionary, n; // bytes of each
    size_t n_out;
    bool last;
    uint64_t ticket; // of the job
};

struct cb_gzip_writer {
    struct cb_sink sink;
    struct cb_sink *to;
    struct cb_group *group; // NULL: no other threads
    struct block *blocks;
    size_t n_blocks;
    uint64_t filling, oldest; // count blocks from the beginning of the stream: their place is modulo n_blocks
    uint32_t crc;
    uint32_t size; // modulo 2^32, as the trailer has it
    bool header_written;
    bool failed; // a write to `to` has
};

static uint8_t *block_bytes(struct block *b)
{
    return b->in + CB_DEFLATE_DICTIONARY;
}

static struct block *block_at(struct cb_gzip_writer *w, uint64_t i)
{
    return &w->blocks[i % w->n_blocks];
}

static int compress_block(void *ctx, struct cb_error *err)
{
    (void)err;
    struct block *b = ctx;
    b->n_out = cb_deflate_chunk(b->encoder, block_bytes(b), b->dictionary, b->n, b->last, b->out);
    return 0;
}

static int put(struct cb_gzip_writer *w, const void *p, size_t n, struct cb_error *err)
{
    if (cb_write(w->to, p, n, err)) {
        w->failed = true;
        return -1;
    }
    return 0;
}

static int put_header(struct cb_gzip_writer *w, struct cb_error *err)
{
    // No flags; the time is the low half of Go's zero time in seconds since 1970; no speed hint; unknown system.
    static const uint8_t header[10] = {0x1f, 0x8b, 8, 0, 0x00, 0x09, 0x6e, 0x88, 0, 255};
    w->header_written = true;
    return put(w, header, sizeof header, err);
}

static int put_oldest(struct cb_gzip_writer *w, struct cb_error *err)
{
    struct block *b = block_at(w, w->oldest++);
    if (w->group && cb_group_wait_one(w->group, b->ticket, err))
        return -1;
    if (!w->header_written && put_header(w, err))
        return -1;
    return put(w, b->out, b->n_out, err);
}

// Makes the block at w->filling ready to be filled: a dictionary from the one before, and no bytes.
static int begin_block(struct cb_gzip_writer *w, struct cb_error *err)
{
    if (w->filling - w->oldest == w->n_blocks && put_oldest(w, err))
        return -1;
    struct block *b = block_at(w, w->filling);
    if (!b->encoder) {
        b->encoder = cb_deflate_new();
        b->in = cb_alloc(CB_DEFLATE_DICTIONARY + CB_DEFLATE_CHUNK);
        b->out = cb_alloc(cb_deflate_bound(CB_DEFLATE_CHUNK));
    }
    b->dictionary = b->n = 0;
    if (w->filling > 0) {
        b->dictionary = CB_DEFLATE_DICTIONARY;
        memmove(b->in, block_at(w, w->filling - 1)->in + CB_DEFLATE_CHUNK, CB_DEFLATE_DICTIONARY);
    }
    return 0;
}

static int end_block(struct cb_gzip_writer *w, bool last, struct cb_error *err)
{
    struct block *b = block_at(w, w->filling++);
    b->last = last;
    if (!w->group)
        return compress_block(b, err);
    b->ticket = cb_group_submit(w->group, compress_block, b);
    return 0;
}

static int gzip_write(struct cb_sink *s, const void *p, size_t n, struct cb_error *err)
{
    struct cb_gzip_writer *w = (struct cb_gzip_writer *)s;
    const uint8_t *at = p;
    if (w->failed)
        return cb_fail(err, CB_E_IO, "an earlier write of this gzip stream failed");
    w->size += (uint32_t)n;
    while (n > 0) {
        struct block *b = block_at(w, w->filling);
        size_t some = CB_DEFLATE_CHUNK - b->n;
        some = some < AT_ONCE ? some : AT_ONCE;
        some = some < n ? some : n;
        memcpy(block_bytes(b) + b->n, at, some);
        w->crc = libdeflate_crc32(w->crc, block_bytes(b) + b->n, some);
        b->n += some;
        at += some;
        n -= some;
        if (b->n == CB_DEFLATE_CHUNK && (end_block(w, false, err) || begin_block(w, err)))
            return -1;
    }
    return 0;
}

static void put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

int cb_gzip_writer_finish(struct cb_gzip_writer *w, struct cb_error *err)
{
    if (w->failed)
        return cb_fail(err, CB_E_IO, "an earlier write of this gzip stream failed");
    if (end_block(w, true, err))
        return -1;
    while (w->oldest < w->filling) {
        if (put_oldest(w, err))
            return -1;
    }
    uint8_t trailer[8];
    put32(trailer, w->crc);
    put32(trailer + 4, w->size);
    return put(w, trailer, sizeof trailer, err);
}

struct cb_gzip_writer *cb_gzip_writer_new(struct cb_sink *to, struct cb_pool *pool)
{
    struct cb_gzip_writer *w = cb_zalloc(sizeof *w);
    unsigned threads = pool ? cb_pool_threads(pool) : 1;
    w->sink.write = gzip_write;
    w->to = to;
    w->group = threads > 1 ? cb_group_new(pool) : NULL;
    w->n_blocks = threads > 1 ? (size_t)threads + 2 : 1;
    w->blocks = cb_zalloc(w->n_blocks * sizeof *w->blocks);
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    if (begin_block(w, &err))
        abort(); // there is nothing yet to be written
    return w;
}

struct cb_sink *cb_gzip_writer_sink(struct cb_gzip_writer *w)
{
    return &w->sink;
}

void cb_gzip_writer_free(struct cb_gzip_writer *w)
{
    if (!w)
        return;
    cb_group_free(w->group);
    for (size_t i = 0; i < w->n_blocks; i++) {
        cb_deflate_free(w->blocks[i].encoder);
        free(w->blocks[i].in);
        free(w->blocks[i].out);
    }
    free(w->blocks);
    free(w);
}
