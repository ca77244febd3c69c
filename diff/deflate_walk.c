#include "deflate_walk.h"

#include <stdlib.h>

// A decoder for looking at, not for speed: codes are read bit by bit against the counts of each length (canonical
// Huffman codes of one length are consecutive numbers), so that no tables have to be built and checked.

#define MAX_BITS 15
#define MAX_SYMBOLS 288u
#define END_OF_BLOCK 256u

struct code {
    uint16_t count[MAX_BITS + 1];
    uint16_t symbol[MAX_SYMBOLS];
};

enum state { AT_MEMBER, AT_BLOCK, IN_STORED, IN_CODES, AT_TRAILER, AT_EOF };

struct deflate_walk {
    struct cb_source *from;
    uint8_t bytes[32768];
    size_t at, n;
    bool ended;
    uint32_t hold; // bits that were read and not taken; fewer than 8 between calls
    unsigned held;
    uint64_t bit; // bits taken
    enum state state;
    bool final;
    unsigned stored; // bytes left of a stored block
    struct code literals, distances;
    uint64_t position, block;
    bool failed;
    struct cb_error *err;
};

struct deflate_walk *deflate_walk_new(struct cb_source *from)
{
    struct deflate_walk *w = cb_zalloc(sizeof *w);
    w->from = from;
    return w;
}

void deflate_walk_free(struct deflate_walk *w)
{
    free(w);
}

static void malformed(struct deflate_walk *w, const char *what)
{
    if (!w->failed)
        cb_fail(w->err, CB_E_INPUT, "malformed deflate data at bit %llu: %s", (unsigned long long)w->bit, what);
    w->failed = true;
}

// The next byte, or -1 at the end and after a failure.
static int next_byte(struct deflate_walk *w)
{
    ssize_t got;

    if (w->failed || w->ended)
        return -1;
    if (w->at == w->n) {
        got = cb_read(w->from, w->bytes, sizeof w->bytes, w->err);
        w->failed = got < 0;
        w->ended = got == 0;
        if (got <= 0)
            return -1;
        w->at = 0;
        w->n = (size_t)got;
    }
    return w->bytes[w->at++];
}

// At most 16; sticky failure, then 0.
static unsigned bits(struct deflate_walk *w, unsigned n)
{
    unsigned v;

    if (w->failed)
        return 0;
    while (w->held < n) {
        int byte = next_byte(w);
        if (byte < 0) {
            malformed(w, "it ends too early");
            return 0;
        }
        w->hold |= (uint32_t)byte << w->held;
        w->held += 8;
    }
    v = w->hold & ((1u << n) - 1);
    w->hold >>= n;
    w->held -= n;
    w->bit += n;
    return v;
}

static void align(struct deflate_walk *w)
{
    bits(w, w->held % 8);
}

static uint32_t u32(struct deflate_walk *w)
{
    uint32_t low = bits(w, 16);
    return low | (uint32_t)bits(w, 16) << 16;
}

// False where the lengths are over-subscribed.
static bool make_code(struct code *c, const uint8_t *lengths, unsigned n)
{
    uint16_t offsets[MAX_BITS + 2] = {0};
    int left = 1;

    memset(c->count, 0, sizeof c->count);
    for (unsigned i = 0; i < n; i++)
        c->count[lengths[i]]++;
    for (unsigned i = 1; i <= MAX_BITS; i++) {
        left = left * 2 - c->count[i];
        if (left < 0)
            return false;
        offsets[i + 1] = (uint16_t)(offsets[i] + c->count[i]);
    }
    for (unsigned i = 0; i < n; i++)
        if (lengths[i])
            c->symbol[offsets[lengths[i]]++] = (uint16_t)i;
    return true;
}

static unsigned symbol(struct deflate_walk *w, const struct code *c)
{
    int code = 0, first = 0, index = 0;

    for (unsigned length = 1; length <= MAX_BITS; length++) {
        code |= (int)bits(w, 1);
        if (w->failed)
            return 0;
        if (code - c->count[length] < first)
            return c->symbol[index + (code - first)];
        index += c->count[length];
        first = (first + c->count[length]) << 1;
        code <<= 1;
    }
    malformed(w, "a code that is not in the table");
    return 0;
}

static void skip_text(struct deflate_walk *w)
{
    while (!w->failed && bits(w, 8) != 0)
        ;
}

static void read_member(struct deflate_walk *w, struct walk_event *e)
{
    uint64_t begin = w->bit;
    int first = w->held ? (int)bits(w, 8) : next_byte(w);

    if (first < 0) {
        e->kind = WALK_EOF;
        w->state = AT_EOF;
        return;
    }
    w->bit = begin + 8;
    e->kind = WALK_MEMBER;
    e->header[0] = (uint8_t)first;
    for (unsigned i = 1; i < sizeof e->header; i++)
        e->header[i] = (uint8_t)bits(w, 8);
    if (e->header[0] != 0x1f || e->header[1] != 0x8b || e->header[2] != 8)
        malformed(w, "not the beginning of a gzip member");
    if (e->header[3] & 4)
        for (unsigned n = bits(w, 16); n > 0 && !w->failed; n--)
            bits(w, 8);
    if (e->header[3] & 8)
        skip_text(w);
    if (e->header[3] & 16)
        skip_text(w);
    if (e->header[3] & 2)
        bits(w, 16);
    e->header_bytes = (w->bit - begin) / 8;
    w->position = 0;
    w->state = AT_BLOCK;
}

static void read_stored_header(struct deflate_walk *w, struct walk_event *e)
{
    unsigned length, complement;

    align(w);
    length = bits(w, 16);
    complement = bits(w, 16);
    if (length != (complement ^ 0xffff))
        malformed(w, "the length of a stored block contradicts its complement");
    e->length = w->stored = length;
    w->state = IN_STORED;
}

static void use_fixed(struct deflate_walk *w)
{
    uint8_t lengths[MAX_SYMBOLS];

    for (unsigned i = 0; i < MAX_SYMBOLS; i++)
        lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    make_code(&w->literals, lengths, MAX_SYMBOLS);
    memset(lengths, 5, 30);
    make_code(&w->distances, lengths, 30);
    w->state = IN_CODES;
}

// Code lengths are themselves coded, with repetitions.
static void read_lengths(struct deflate_walk *w, struct walk_event *e, const struct code *c, unsigned n)
{
    for (unsigned i = 0; i < n;) {
        unsigned s = symbol(w, c), repeat = 1;
        uint8_t length = (uint8_t)s;
        if (w->failed)
            return;
        if (s == 16 && i == 0)
            malformed(w, "the first code length is a repetition");
        if (s >= 16) {
            length = s == 16 && i > 0 ? e->code_lengths[i - 1] : 0;
            repeat = s == 16 ? 3 + bits(w, 2) : s == 17 ? 3 + bits(w, 3) : 11 + bits(w, 7);
        }
        if (repeat > n - i)
            malformed(w, "more code lengths than announced");
        for (; repeat > 0 && i < n; repeat--)
            e->code_lengths[i++] = length;
    }
}

static void read_dynamic(struct deflate_walk *w, struct walk_event *e)
{
    static const uint8_t order[19] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    uint8_t lengths[19] = {0};
    struct code c;
    unsigned n;

    e->literals = bits(w, 5) + 257;
    e->distances = bits(w, 5) + 1;
    n = bits(w, 4) + 4;
    if (e->literals > 286 || e->distances > 30) {
        malformed(w, "too many codes");
        return;
    }
    for (unsigned i = 0; i < n; i++)
        lengths[order[i]] = (uint8_t)bits(w, 3);
    if (!make_code(&c, lengths, 19)) {
        malformed(w, "impossible code lengths");
        return;
    }
    read_lengths(w, e, &c, e->literals + e->distances);
    if (w->failed)
        return;
    if (!make_code(&w->literals, e->code_lengths, e->literals) ||
        !make_code(&w->distances, e->code_lengths + e->literals, e->distances))
        malformed(w, "impossible code lengths");
    w->state = IN_CODES;
}

static void read_block(struct deflate_walk *w, struct walk_event *e)
{
    e->kind = WALK_BLOCK;
    e->final = w->final = bits(w, 1) != 0;
    e->type = bits(w, 2);
    if (e->type == 0)
        read_stored_header(w, e);
    else if (e->type == 1)
        use_fixed(w);
    else if (e->type == 2)
        read_dynamic(w, e);
    else
        malformed(w, "a block of the reserved type");
}

static void end_block(struct deflate_walk *w, struct walk_event *e)
{
    e->kind = WALK_END;
    w->block++;
    w->state = w->final ? AT_TRAILER : AT_BLOCK;
}

static void read_stored(struct deflate_walk *w, struct walk_event *e)
{
    if (w->stored == 0) {
        end_block(w, e);
        return;
    }
    e->kind = WALK_STORED;
    e->length = w->stored;
    for (; w->stored > 0 && !w->failed; w->stored--)
        bits(w, 8);
    w->position += e->length;
}

static void read_match(struct deflate_walk *w, struct walk_event *e, unsigned s)
{
    static const uint16_t base[29] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                      31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    static const uint8_t extra[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                      2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    static const uint16_t dbase[30] = {1,    2,    3,    4,    5,    7,    9,    13,    17,    25,
                                       33,   49,   65,   97,   129,  193,  257,  385,   513,   769,
                                       1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
    static const uint8_t dextra[30] = {0, 0, 0, 0, 1, 1, 2, 2,  3,  3,  4,  4,  5,  5,  6,
                                       6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};
    unsigned d;

    if (s > 285) {
        malformed(w, "a length that does not exist");
        return;
    }
    e->kind = WALK_MATCH;
    e->length = base[s - 257] + bits(w, extra[s - 257]);
    d = symbol(w, &w->distances);
    if (d > 29) {
        malformed(w, "a distance that does not exist");
        return;
    }
    e->distance = dbase[d] + bits(w, dextra[d]);
    w->position += e->length;
}

static void read_token(struct deflate_walk *w, struct walk_event *e)
{
    unsigned s = symbol(w, &w->literals);

    if (s == END_OF_BLOCK) {
        end_block(w, e);
    } else if (s < END_OF_BLOCK) {
        e->kind = WALK_LITERAL;
        e->byte = s;
        w->position++;
    } else {
        read_match(w, e, s);
    }
}

static void read_trailer(struct deflate_walk *w, struct walk_event *e)
{
    align(w);
    e->kind = WALK_TRAILER;
    e->crc = u32(w);
    e->size = u32(w);
    w->state = AT_MEMBER;
}

int deflate_walk_next(struct deflate_walk *w, struct walk_event *e, struct cb_error *err)
{
    w->err = err;
    e->kind = WALK_EOF;
    e->bit = w->bit;
    e->position = w->position;
    e->block = w->block;
    if (w->failed)
        return cb_fail(err, CB_E_INPUT, "the data could not be read any further");
    if (w->state == AT_MEMBER)
        read_member(w, e);
    else if (w->state == AT_BLOCK)
        read_block(w, e);
    else if (w->state == IN_STORED)
        read_stored(w, e);
    else if (w->state == IN_CODES)
        read_token(w, e);
    else if (w->state == AT_TRAILER)
        read_trailer(w, e);
    return w->failed ? -1 : 0;
}
