// What the parts of the encoder share. The public face is cbuild/compress/deflate.h.
//
//     deflate.c        cuts a chunk into blocks and frames it
//     deflate_match.c  finds the matches of a block: sequences and literals
//     deflate_code.c   makes Huffman codes out of frequencies
//     deflate_block.c  decides between stored, fixed, dynamic and the previous code; writes headers
//     deflate_parse.c  counts the symbols of a parse, and writes them
#ifndef CB_COMPRESS_DEFLATE_INTERNAL_H
#define CB_COMPRESS_DEFLATE_INTERNAL_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "deflate_format.h"

#define CB_ALWAYS_INLINE inline __attribute__((always_inline))

static CB_ALWAYS_INLINE uint64_t cb_load64(const uint8_t *p) // little-endian
{
    uint64_t v;
    memcpy(&v, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

// ---- Tunables: every one is part of the output ----------------------------------------------------------------------

#define CB_BLOCK_BYTES CB_DEFLATE_MAX_STORED // input of one deflate block

#define CB_HASH_BITS 15
#define CB_HASH_SIZE (1u << CB_HASH_BITS)
#define CB_HASH4_PRIME 2654435761u          // hashes 4 bytes, for the short table
#define CB_HASH7_PRIME 58295818150454627ull // hashes 7 bytes, for the long table
#define CB_MIN_TAKEN_MATCH 4                // the shortest match the matcher takes
#define CB_INPUT_MARGIN 11                  // no match begins this close to the end of a block
#define CB_SKIP_LOG 6                       // after 2^6 literals without a match every second position is tried, ...
#define CB_LAZY_BELOW 30                    // a match this long is not checked for a better one at its end
#define CB_LAZY_SKIP 2                      // bytes at its beginning that such a better one may miss

#define CB_STORE_AT_MOST 32   // last blocks up to this are stored
#define CB_HUFFMAN_BELOW 128  // last blocks below this are not searched for matches
#define CB_FIXED_BELOW 250    // blocks of fewer tokens consider the fixed code
#define CB_FEW_MATCHES_LOG 4  // a block with more than 15/16 as many tokens as bytes has too few matches to code
#define CB_NEW_CODE_PENALTY 7 // an estimate for a new code is raised by 1/2^7

// ---- Sequences ------------------------------------------------------------------------------------------------------

// A match and the literals before it. Lengths are as found, so up to the block; cb_match_split cuts them to 258.
struct cb_sequence {
    uint16_t literals;
    uint16_t length;
    uint16_t distance;      // less one
    uint16_t distance_code; // filled in by cb_count_parse
};

#define CB_SEQUENCES_MAX (CB_BLOCK_BYTES / CB_MIN_TAKEN_MATCH)
#define CB_COPY_SLACK 32 // literals are copied in wide strides

struct cb_parse {
    uint32_t n_sequences;
    uint32_t n_literals; // all of them, those behind the last match included
    uint32_t n_matches;  // tokens: a sequence longer than 258 counts for several
    struct cb_sequence sequences[CB_SEQUENCES_MAX];
    uint8_t literals[CB_BLOCK_BYTES + CB_COPY_SLACK];
};

// The length of the next token of a match that has `left` bytes to go: 258, but never so that fewer than 3 remain.
static inline uint32_t cb_match_split(uint32_t left)
{
    if (left <= CB_DEFLATE_MAX_MATCH)
        return left;
    return left > CB_DEFLATE_MAX_MATCH + CB_DEFLATE_MIN_MATCH ? CB_DEFLATE_MAX_MATCH
                                                              : CB_DEFLATE_MAX_MATCH - CB_DEFLATE_MIN_MATCH;
}

// ---- The matcher ----------------------------------------------------------------------------------------------------

// Entries hold positions in their low bits; deflate_match.c says what is above.
#define CB_POSITION_BITS 21
#define CB_POSITION_MASK ((1u << CB_POSITION_BITS) - 1)
#define CB_POSITION_MAX (CB_ENTRY_NONE - CB_DEFLATE_WINDOW)
#define CB_ENTRY_NONE 0x1f0000u // a position no block reaches: at a distance that is never in the window

struct cb_matcher {
    uint64_t long_table[CB_HASH_SIZE]; // the newer entry below, the older above
    uint32_t short_table[CB_HASH_SIZE];
};

// Finds the matches of base[start, end), looking back into base[0, start) as far as the window goes. At least
// 2 * CB_INPUT_MARGIN bytes long.
void cb_match(struct cb_matcher *m, const uint8_t *base, uint32_t start, uint32_t end, struct cb_parse *p);

// ---- Codes ----------------------------------------------------------------------------------------------------------

// The code of each symbol: its bits as they are sent, lowest first, above its length.
struct cb_code {
    uint32_t entry[CB_DEFLATE_LITLEN_FIXED];
};

static CB_ALWAYS_INLINE uint32_t cb_code_entry(uint32_t bits, uint32_t length)
{
    return bits << 8 | length;
}

static CB_ALWAYS_INLINE uint32_t cb_code_length(uint32_t entry)
{
    return entry & 0xff;
}

static CB_ALWAYS_INLINE uint32_t cb_code_bits(uint32_t entry)
{
    return entry >> 8;
}

// Builds the code for these frequencies, none longer than limit; symbols of frequency 0 get no code (entry 0).
void cb_code_build(struct cb_code *c, const uint32_t *frequency, uint32_t n_symbols, uint32_t limit);

// Gives out the bits of a canonical code whose entries hold lengths only.
void cb_code_assign(struct cb_code *c, uint32_t n_symbols);

// ---- Bits -----------------------------------------------------------------------------------------------------------

#define CB_BITS_ROOM 56 // bits that may be added before cb_bits_flush, which leaves fewer than 8

// Bits go out lowest first.
struct cb_bits {
    uint64_t held;
    uint32_t n;
    uint8_t *at; // 8 bytes may be written here, whatever is held
};

static CB_ALWAYS_INLINE void cb_bits_add(struct cb_bits *b, uint64_t bits, uint32_t n)
{
    b->held |= bits << b->n;
    b->n += n;
}

static CB_ALWAYS_INLINE void cb_bits_flush(struct cb_bits *b)
{
    uint64_t v = b->held;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    memcpy(b->at, &v, 8);
    b->at += b->n >> 3;
    b->held >>= b->n & ~7u;
    b->n &= 7;
}

static CB_ALWAYS_INLINE void cb_bits_put(struct cb_bits *b, uint64_t bits, uint32_t n)
{
    cb_bits_add(b, bits, n);
    cb_bits_flush(b);
}

static CB_ALWAYS_INLINE void cb_bits_put_code(struct cb_bits *b, uint32_t entry)
{
    cb_bits_put(b, cb_code_bits(entry), cb_code_length(entry));
}

// ---- Symbols --------------------------------------------------------------------------------------------------------

struct cb_frequencies {
    uint32_t litlen[CB_DEFLATE_LITLEN_SYMBOLS];
    uint32_t distance[CB_DEFLATE_DISTANCE_SYMBOLS];
};

// Adds up the bytes.
void cb_count_bytes(const uint8_t *p, size_t n, uint32_t frequency[CB_DEFLATE_LITERALS]);

// Sets *f to the symbols of a parse, with no end-of-block, and fills in the distance codes of its sequences.
void cb_count_parse(struct cb_parse *p, struct cb_frequencies *f);

// Writes the symbols in these codes, with no end-of-block. cb_count_parse comes before.
void cb_write_parse(struct cb_bits *b, const struct cb_parse *p, const struct cb_code *litlen,
                    const struct cb_code *distance);
void cb_write_bytes(struct cb_bits *b, const uint8_t *p, size_t n, const struct cb_code *litlen);

// ---- Blocks ---------------------------------------------------------------------------------------------------------

// The code that is in force lives on from block to block: a block may go on with it instead of starting its own.
struct cb_block_writer {
    struct cb_bits bits;
    uint32_t open_header; // bits that the header in force took; 0: none, the next block must start its own
    bool open_literal;    // the code in force has literals only
    struct cb_frequencies frequency;
    struct cb_code litlen, distance;
    struct cb_code fixed_litlen, fixed_distance;
};

void cb_block_init(struct cb_block_writer *w);
void cb_block_reset(struct cb_block_writer *w, uint8_t *out);
void cb_block_stored(struct cb_block_writer *w, const uint8_t *p, size_t n);
void cb_block_literal(struct cb_block_writer *w, const uint8_t *p, size_t n, bool sync);
void cb_block_dynamic(struct cb_block_writer *w, struct cb_parse *parse, const uint8_t *p, size_t n, bool sync);
void cb_block_sync(struct cb_block_writer *w);
void cb_block_finish(struct cb_block_writer *w);

#endif
