// The classic deflate encoder, as Go has it: hash chains over 4-byte strings, lazy matching, a block every 16,384
// tokens, each written in whichever of the three ways is shortest.
//
// A match found at one position is only taken when the next position has no longer one; `available` says that the byte
// before the position is still to be written, as a literal or as the beginning of that match.
#include "cbuild/compress/go_gzip.h"

#include <libdeflate.h>
#include <stdlib.h>

#include "deflate_internal.h"

enum {
    WINDOW = 32768, // bytes that matches may look back; the buffer is twice that
    HASH_BITS = 17,
    MIN_MATCH = 4,
    MAX_MATCH = 258,
    BLOCK_TOKENS = 16384,
    SHORT_REACH = 4096, // a match of MIN_MATCH bytes must not be farther away
    // Of level 6: from LAZY on the next position is not looked at; from NICE on nothing longer is looked for; and a
    // chain is followed so many links. (The level's fourth number never acts: no search begins with a long match.)
    LAZY = 16,
    NICE = 128,
    CHAIN = 128,
};

#define OUT_ROOM (256u << 10) // bytes: a block of tokens of at most 48 bits, with its header, or 64 KiB stored
#define HASH_MULTIPLIER 0x1e35a7bdu

struct token {
    uint16_t distance; // less one
    uint16_t length;   // 0: a literal, its byte in distance
};

struct cb_go_gzip {
    struct cb_sink sink;
    struct cb_sink *to;
    uint32_t crc, size;
    bool begun;
    // The window: bytes before `index` are done, but for the one that `available` says.
    uint8_t window[2 * WINDOW];
    size_t index, end;
    size_t block_start; // where the block's bytes begin; SIZE_MAX where the window has moved past it
    bool available;
    size_t length, distance; // of the match found at the last position; length < MIN_MATCH for none
    // Positions plus one by hash, and before each in the window the one with the same hash; 0 for none.
    uint32_t head[1u << HASH_BITS], previous[WINDOW];
    uint32_t chain; // the head at the last position that was hashed
    struct token tokens[BLOCK_TOKENS];
    size_t ntokens;
    struct cb_bits bits;
    struct cb_code litlen, distances, fixed_litlen, fixed_distances;
    uint8_t out[OUT_ROOM];
};

// --- Blocks

struct block {
    uint32_t litlen[CB_DEFLATE_LITLEN_SYMBOLS], distance[CB_DEFLATE_DISTANCE_SYMBOLS];
    uint32_t nlitlen, ndistance; // symbols that the header tells of
    uint64_t extra;              // bits behind length and distance codes; only counted where storing is possible
    // The header's spelling of the code lengths: symbols, and the number behind 16, 17 and 18.
    uint8_t spelling[2 * (CB_DEFLATE_LITLEN_SYMBOLS + CB_DEFLATE_DISTANCE_SYMBOLS)];
    size_t nspelling;
    uint32_t spelled[CB_DEFLATE_PRECODE_SYMBOLS];
    struct cb_code precode;
    uint32_t nprecode;
};

// Lengths as in tokens, less the 3 that RFC 1951 takes off: code and base are those of the format.
static uint32_t length_code(uint32_t length)
{
    uint32_t code = CB_DEFLATE_LENGTH_CODES - 1;
    while (cb_length_base[code] > length - CB_DEFLATE_MIN_MATCH)
        code--;
    return code;
}

static void count_tokens(struct cb_go_gzip *z, struct block *b)
{
    for (size_t i = 0; i < z->ntokens; i++) {
        const struct token *t = &z->tokens[i];
        if (!t->length) {
            b->litlen[t->distance]++;
            continue;
        }
        b->litlen[CB_DEFLATE_FIRST_LENGTH + length_code(t->length)]++;
        b->distance[cb_distance_code(t->distance)]++;
    }
    b->litlen[CB_DEFLATE_END_OF_BLOCK]++;
    for (b->nlitlen = CB_DEFLATE_LITLEN_SYMBOLS; !b->litlen[b->nlitlen - 1];)
        b->nlitlen--;
    for (b->ndistance = CB_DEFLATE_DISTANCE_SYMBOLS; b->ndistance && !b->distance[b->ndistance - 1];)
        b->ndistance--;
    if (!b->ndistance) // a code of no symbols cannot be told
        b->distance[0] = b->ndistance = 1;
    cb_code_build(&z->litlen, b->litlen, CB_DEFLATE_LITLEN_SYMBOLS, CB_DEFLATE_MAX_CODE_BITS);
    cb_code_build(&z->distances, b->distance, CB_DEFLATE_DISTANCE_SYMBOLS, CB_DEFLATE_MAX_CODE_BITS);
}

static void count_extra(struct block *b)
{
    for (uint32_t i = 0; i < CB_DEFLATE_LENGTH_CODES; i++)
        b->extra += (uint64_t)b->litlen[CB_DEFLATE_FIRST_LENGTH + i] * cb_length_extra[i];
    for (uint32_t i = 0; i < CB_DEFLATE_DISTANCE_SYMBOLS; i++)
        b->extra += (uint64_t)b->distance[i] * cb_distance_extra[i];
}

static void spell(struct block *b, uint8_t symbol)
{
    b->spelling[b->nspelling++] = symbol;
    b->spelled[symbol]++;
}

static void spell_repeat(struct block *b, uint8_t symbol, uint32_t count)
{
    spell(b, symbol);
    b->spelling[b->nspelling++] = (uint8_t)count;
}

// A run of one code length.
static void spell_run(struct block *b, uint8_t length, uint32_t count)
{
    if (length) {
        spell(b, length);
        for (count--; count >= 3;) {
            uint32_t n = count < 6 ? count : 6;
            spell_repeat(b, 16, n - 3);
            count -= n;
        }
    }
    for (; !length && count >= 11;) {
        uint32_t n = count < 138 ? count : 138;
        spell_repeat(b, 18, n - 11);
        count -= n;
    }
    if (!length && count >= 3) {
        spell_repeat(b, 17, count - 3);
        count = 0;
    }
    while (count--)
        spell(b, length);
}

static uint8_t length_at(const struct cb_go_gzip *z, const struct block *b, uint32_t i)
{
    uint32_t entry = i < b->nlitlen ? z->litlen.entry[i] : z->distances.entry[i - b->nlitlen];
    return (uint8_t)cb_code_length(entry);
}

static void spell_lengths(const struct cb_go_gzip *z, struct block *b)
{
    uint32_t n = b->nlitlen + b->ndistance, run = 1;
    for (uint32_t i = 1; i <= n; i++, run++) {
        uint8_t length = length_at(z, b, i - 1);
        if (i < n && length_at(z, b, i) == length)
            continue;
        spell_run(b, length, run);
        run = 0;
    }
    cb_code_build(&b->precode, b->spelled, CB_DEFLATE_PRECODE_SYMBOLS, CB_DEFLATE_MAX_PRECODE_BITS);
    for (b->nprecode = CB_DEFLATE_PRECODE_SYMBOLS; b->nprecode > 4 && !b->spelled[cb_precode_order[b->nprecode - 1]];)
        b->nprecode--;
}

static uint64_t bits_of(const uint32_t *frequency, const struct cb_code *code, uint32_t n)
{
    uint64_t bits = 0;
    for (uint32_t i = 0; i < n; i++)
        bits += (uint64_t)frequency[i] * cb_code_length(code->entry[i]);
    return bits;
}

static uint64_t dynamic_bits(const struct cb_go_gzip *z, const struct block *b)
{
    return 17 + 3 * b->nprecode + bits_of(b->spelled, &b->precode, CB_DEFLATE_PRECODE_SYMBOLS) + b->spelled[16] * 2 +
           b->spelled[17] * 3 + b->spelled[18] * 7 + bits_of(b->litlen, &z->litlen, CB_DEFLATE_LITLEN_SYMBOLS) +
           bits_of(b->distance, &z->distances, CB_DEFLATE_DISTANCE_SYMBOLS) + b->extra;
}

static uint64_t fixed_bits(const struct cb_go_gzip *z, const struct block *b)
{
    return 3 + bits_of(b->litlen, &z->fixed_litlen, CB_DEFLATE_LITLEN_SYMBOLS) +
           bits_of(b->distance, &z->fixed_distances, CB_DEFLATE_DISTANCE_SYMBOLS) + b->extra;
}

static void write_header(struct cb_go_gzip *z, const struct block *b)
{
    static const uint8_t repeat_bits[] = {2, 3, 7};
    cb_bits_put(&z->bits, CB_DEFLATE_DYNAMIC << 1, 3);
    cb_bits_put(&z->bits, b->nlitlen - 257, 5);
    cb_bits_put(&z->bits, b->ndistance - 1, 5);
    cb_bits_put(&z->bits, b->nprecode - 4, 4);
    for (uint32_t i = 0; i < b->nprecode; i++)
        cb_bits_put(&z->bits, cb_code_length(b->precode.entry[cb_precode_order[i]]), 3);
    for (size_t i = 0; i < b->nspelling; i++) {
        uint8_t symbol = b->spelling[i];
        cb_bits_put_code(&z->bits, b->precode.entry[symbol]);
        if (symbol >= 16)
            cb_bits_put(&z->bits, b->spelling[++i], repeat_bits[symbol - 16]);
    }
}

static void write_tokens(struct cb_go_gzip *z, const struct cb_code *litlen, const struct cb_code *distances)
{
    for (size_t i = 0; i < z->ntokens; i++) {
        const struct token *t = &z->tokens[i];
        if (!t->length) {
            cb_bits_put_code(&z->bits, litlen->entry[t->distance]);
            continue;
        }
        uint32_t code = length_code(t->length), distance = cb_distance_code(t->distance);
        cb_bits_put_code(&z->bits, litlen->entry[CB_DEFLATE_FIRST_LENGTH + code]);
        cb_bits_put(&z->bits, t->length - CB_DEFLATE_MIN_MATCH - (uint32_t)cb_length_base[code], cb_length_extra[code]);
        cb_bits_put_code(&z->bits, distances->entry[distance]);
        cb_bits_put(&z->bits, t->distance - (uint32_t)cb_distance_base[distance], cb_distance_extra[distance]);
    }
    cb_bits_put_code(&z->bits, litlen->entry[CB_DEFLATE_END_OF_BLOCK]);
}

static void write_stored(struct cb_go_gzip *z, const uint8_t *p, size_t n, bool last)
{
    cb_bits_put(&z->bits, last, 3);
    cb_bits_put(&z->bits, 0, (8 - z->bits.n) % 8);
    cb_bits_put(&z->bits, n | (~n & 0xffff) << 16, 32);
    memcpy(z->bits.at, p, n);
    z->bits.at += n;
}

static int send_out(struct cb_go_gzip *z, struct cb_error *err)
{
    size_t n = (size_t)(z->bits.at - z->out);
    z->bits.at = z->out;
    return n ? cb_write(z->to, z->out, n, err) : 0;
}

// The tokens so far, which stand for the bytes up to `upto`.
static int write_block(struct cb_go_gzip *z, size_t upto, struct cb_error *err)
{
    struct block b = {0};
    bool known = z->block_start <= upto;
    size_t n = known ? upto - z->block_start : 0;
    bool storable = known && n <= CB_DEFLATE_MAX_STORED;
    if (!upto)
        return 0;
    count_tokens(z, &b);
    if (storable)
        count_extra(&b);
    spell_lengths(z, &b);
    uint64_t fixed = fixed_bits(z, &b), dynamic = dynamic_bits(z, &b), best = dynamic < fixed ? dynamic : fixed;
    if (storable && (n + 5) * 8 < best) {
        write_stored(z, z->window + z->block_start, n, false);
    } else if (dynamic < fixed) {
        write_header(z, &b);
        write_tokens(z, &z->litlen, &z->distances);
    } else {
        cb_bits_put(&z->bits, CB_DEFLATE_FIXED << 1, 3);
        write_tokens(z, &z->fixed_litlen, &z->fixed_distances);
    }
    z->block_start = upto;
    z->ntokens = 0;
    return send_out(z, err);
}

// --- Matches

static uint32_t hash(const uint8_t *p)
{
    uint32_t word = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    return word * HASH_MULTIPLIER >> (32 - HASH_BITS);
}

static void insert(struct cb_go_gzip *z, size_t at)
{
    uint32_t *head = &z->head[hash(z->window + at)];
    z->previous[at % WINDOW] = *head;
    *head = (uint32_t)at + 1;
}

static size_t match_length(const uint8_t *a, const uint8_t *b, size_t most)
{
    size_t n = 0;
    while (n < most && a[n] == b[n])
        n++;
    return n;
}

static void find_match(struct cb_go_gzip *z, size_t lookahead)
{
    const uint8_t *here = z->window + z->index;
    size_t most = lookahead < MAX_MATCH ? lookahead : MAX_MATCH, nice = most < NICE ? most : NICE;
    size_t length = MIN_MATCH - 1, oldest = z->index > WINDOW ? z->index - WINDOW : 0, at = z->chain - 1;
    for (unsigned tries = CHAIN; tries > 0; tries--) {
        if (z->window[at + length] == here[length]) {
            size_t n = match_length(z->window + at, here, most);
            if (n > length && (n > MIN_MATCH || z->index - at <= SHORT_REACH)) {
                z->length = length = n;
                z->distance = z->index - at;
                if (n >= nice)
                    return;
            }
        }
        uint32_t next = z->previous[at % WINDOW];
        if (z->index - at == WINDOW || next == 0 || next - 1 < oldest)
            return;
        at = next - 1;
    }
}

static int add_token(struct cb_go_gzip *z, struct token t, size_t upto, struct cb_error *err)
{
    z->tokens[z->ntokens++] = t;
    return z->ntokens == BLOCK_TOKENS ? write_block(z, upto, err) : 0;
}

static int add_literal(struct cb_go_gzip *z, struct cb_error *err)
{
    return add_token(z, (struct token){.distance = z->window[z->index - 1]}, z->index, err);
}

// The match found at the position before this one.
static int add_match(struct cb_go_gzip *z, size_t length, size_t distance, size_t hashable, struct cb_error *err)
{
    const struct token t = {(uint16_t)(distance - 1), (uint16_t)length};
    size_t upto = z->index + length - 1;
    while (++z->index < upto)
        if (z->index < hashable)
            insert(z, z->index);
    z->available = false;
    z->length = MIN_MATCH - 1;
    return add_token(z, t, z->index, err);
}

// Works off the window, all of it at the end (`last`), else as long as the longest match would fit in what is there.
static int step(struct cb_go_gzip *z, bool last, struct cb_error *err)
{
    size_t hashable = z->end < MIN_MATCH ? 0 : z->end - (MIN_MATCH - 1);
    for (;;) {
        size_t lookahead = z->end - z->index;
        if (lookahead < (last ? 1 : MIN_MATCH + MAX_MATCH))
            return 0;
        if (z->index < hashable) {
            uint32_t before = z->head[hash(z->window + z->index)];
            insert(z, z->index);
            z->chain = before;
        }
        size_t length = z->length, distance = z->distance, oldest = z->index > WINDOW ? z->index - WINDOW : 0;
        z->length = MIN_MATCH - 1;
        if (z->chain && z->chain - 1 >= oldest && lookahead > length && length < LAZY)
            find_match(z, lookahead);
        if (length >= MIN_MATCH && z->length <= length) {
            if (add_match(z, length, distance, hashable, err))
                return -1;
            continue;
        }
        if (z->available && add_literal(z, err))
            return -1;
        z->index++;
        z->available = true;
    }
}

// --- The window

static void move_entries(uint32_t *entries, size_t n)
{
    for (size_t i = 0; i < n; i++)
        entries[i] = entries[i] > WINDOW ? entries[i] - WINDOW : 0;
}

static void move_window(struct cb_go_gzip *z)
{
    memcpy(z->window, z->window + WINDOW, WINDOW);
    z->index -= WINDOW;
    z->end -= WINDOW;
    z->block_start = z->block_start >= WINDOW && z->block_start != SIZE_MAX ? z->block_start - WINDOW : SIZE_MAX;
    move_entries(z->head, sizeof z->head / sizeof *z->head);
    move_entries(z->previous, WINDOW);
    move_entries(&z->chain, 1);
}

static int begin(struct cb_go_gzip *z, struct cb_error *err)
{
    static const uint8_t header[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}; // no time; an unknown system
    z->begun = true;
    return cb_write(z->to, header, sizeof header, err);
}

static int write_plain(struct cb_sink *s, const void *p, size_t n, struct cb_error *err)
{
    struct cb_go_gzip *z = (struct cb_go_gzip *)s;
    const uint8_t *from = p;
    if (!z->begun && begin(z, err))
        return -1;
    for (size_t left = n; left;) {
        if (step(z, false, err))
            return -1;
        if (z->index >= 2 * WINDOW - (MIN_MATCH + MAX_MATCH))
            move_window(z);
        size_t room = sizeof z->window - z->end, part = left < room ? left : room;
        memcpy(z->window + z->end, from, part);
        z->crc = (uint32_t)libdeflate_crc32(z->crc, from, part);
        z->end += part;
        from += part;
        left -= part;
    }
    z->size += (uint32_t)n;
    return 0;
}

struct cb_go_gzip *cb_go_gzip_new(struct cb_sink *to)
{
    struct cb_go_gzip *z = cb_zalloc(sizeof *z);
    z->sink.write = write_plain;
    z->to = to;
    z->length = MIN_MATCH - 1;
    z->bits.at = z->out;
    for (uint32_t s = 0; s < CB_DEFLATE_LITLEN_FIXED; s++)
        z->fixed_litlen.entry[s] = s < 144 ? 8 : s < 256 ? 9 : s < 280 ? 7 : 8;
    for (uint32_t s = 0; s < CB_DEFLATE_DISTANCE_SYMBOLS; s++)
        z->fixed_distances.entry[s] = 5;
    cb_code_assign(&z->fixed_litlen, CB_DEFLATE_LITLEN_FIXED);
    cb_code_assign(&z->fixed_distances, CB_DEFLATE_DISTANCE_SYMBOLS);
    return z;
}

struct cb_sink *cb_go_gzip_sink(struct cb_go_gzip *z)
{
    return &z->sink;
}

int cb_go_gzip_finish(struct cb_go_gzip *z, struct cb_error *err)
{
    uint8_t trailer[8];
    if ((!z->begun && begin(z, err)) || step(z, true, err) || (z->available && add_literal(z, err)) ||
        (z->ntokens && write_block(z, z->index, err)))
        return -1;
    write_stored(z, z->window, 0, true);
    for (unsigned i = 0; i < 4; i++) {
        trailer[i] = (uint8_t)(z->crc >> 8 * i);
        trailer[4 + i] = (uint8_t)(z->size >> 8 * i);
    }
    return send_out(z, err) || cb_write(z->to, trailer, sizeof trailer, err) ? -1 : 0;
}

void cb_go_gzip_free(struct cb_go_gzip *z)
{
    free(z);
}
