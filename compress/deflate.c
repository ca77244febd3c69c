// One chunk of a pgzip stream: its dictionary, its blocks, its end.
//
// A full chunk of 1 MiB comes to 16 blocks of 65,535 bytes and 16 bytes over. Blocks are found matches for, unless they
// are the last of the chunk and short. How many matches there are decides how a block is coded: none, and it is stored;
// few, and its bytes get a Huffman code of their own; else matches and literals are coded.
//
// The dictionary goes through the matcher like a block whose matches nobody wants. That is not the same as entering
// every position: the matcher skips ahead where it finds nothing and enters only some positions of a match, and where
// it has not been, no later match can point.
#include "cbuild/compress/deflate.h"

#include <assert.h>
#include <stdlib.h>

#include "cbuild/base/alloc.h"
#include "deflate_internal.h"

struct cb_deflate {
    struct cb_matcher matcher;
    struct cb_parse parse;
    struct cb_block_writer writer;
};

struct cb_deflate *cb_deflate_new(void)
{
    struct cb_deflate *d = cb_zalloc(sizeof *d);
    cb_block_init(&d->writer);
    return d;
}

void cb_deflate_free(struct cb_deflate *d)
{
    free(d);
}

// A block is stored wherever that is found not to be longer; what is left is that a code's header may be larger than
// was estimated, the framing of stored blocks, the end, and that bits are written eight bytes at a time.
size_t cb_deflate_bound(size_t n)
{
    return n + (n / CB_BLOCK_BYTES + 1) * 512 + 64;
}

static void matcher_reset(struct cb_matcher *m)
{
    for (size_t i = 0; i < CB_HASH_SIZE; i++)
        m->short_table[i] = CB_ENTRY_NONE;
    for (size_t i = 0; i < CB_HASH_SIZE; i++)
        m->long_table[i] = (uint64_t)CB_ENTRY_NONE << 32 | CB_ENTRY_NONE;
}

static void compress_block(struct cb_deflate *d, const uint8_t *base, size_t start, size_t end, bool last)
{
    struct cb_block_writer *w = &d->writer;
    const uint8_t *p = base + start;
    size_t n = end - start;
    if (n <= CB_STORE_AT_MOST) {
        cb_block_stored(w, p, n);
        return;
    }
    if (n < CB_HUFFMAN_BELOW) {
        cb_block_literal(w, p, n, last);
        return;
    }
    cb_match(&d->matcher, base, (uint32_t)start, (uint32_t)end, &d->parse);
    if (d->parse.n_matches == 0)
        cb_block_stored(w, p, n);
    else if (d->parse.n_literals + d->parse.n_matches > n - (n >> CB_FEW_MATCHES_LOG))
        cb_block_literal(w, p, n, last);
    else
        cb_block_dynamic(w, &d->parse, p, n, last);
}

size_t cb_deflate_chunk(struct cb_deflate *d, const uint8_t *in, size_t dictionary, size_t n, bool last, uint8_t *out)
{
    assert(n <= CB_DEFLATE_CHUNK);
    assert(dictionary == 0 || dictionary == CB_DEFLATE_DICTIONARY);
    static_assert(CB_DEFLATE_DICTIONARY + CB_DEFLATE_CHUNK < CB_POSITION_MAX, "an entry holds any position");
    cb_block_reset(&d->writer, out);
    matcher_reset(&d->matcher);
    const uint8_t *base = in - dictionary;
    size_t end = dictionary + n;
    if (dictionary > 0 && n >= CB_HUFFMAN_BELOW)
        cb_match(&d->matcher, base, 0, (uint32_t)dictionary, &d->parse);
    for (size_t at = dictionary; at < end;) {
        size_t length = end - at < CB_BLOCK_BYTES ? end - at : CB_BLOCK_BYTES;
        compress_block(d, base, at, at + length, at + length == end);
        at += length;
    }
    cb_block_sync(&d->writer);
    if (last)
        cb_block_finish(&d->writer);
    return (size_t)(d->writer.bits.at - out);
}
