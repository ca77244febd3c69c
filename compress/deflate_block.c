// What each block becomes: stored, the fixed code, a code of its own, or more of the block before.
//
// The last is the reference's way of saving headers: it does not end a block when its 64 KiB are up, but keeps the code
// in force and asks of the next 64 KiB whether they can be said in it as cheaply as an estimate says a code of their
// own would say them. So between calls there may be a block open, whose end-of-block is owed.
//
// The estimate is in single-precision floating point, added up in symbol order. Those roundings are part of the output:
// no fused multiply-add, no reassociation.
#include "deflate_internal.h"

#include <float.h>

static_assert(FLT_EVAL_METHOD == 0, "floats are rounded to float");

// ---- Headers --------------------------------------------------------------------------------------------------------

static void end_open(struct cb_block_writer *w)
{
    if (w->open_header)
        cb_bits_put_code(&w->bits, w->litlen.entry[CB_DEFLATE_END_OF_BLOCK]);
    w->open_header = 0;
}

static void align(struct cb_bits *b)
{
    b->n = (b->n + 7) & ~7u;
    cb_bits_flush(b);
}

static void begin_stored(struct cb_block_writer *w, size_t n)
{
    end_open(w);
    cb_bits_put(&w->bits, CB_DEFLATE_STORED << 1, 3);
    align(&w->bits);
    cb_bits_put(&w->bits, n | (~n & 0xffff) << 16, 32);
}

void cb_block_reset(struct cb_block_writer *w, uint8_t *out)
{
    w->bits = (struct cb_bits){.at = out};
    w->open_header = 0;
    w->open_literal = false;
}

void cb_block_stored(struct cb_block_writer *w, const uint8_t *p, size_t n)
{
    begin_stored(w, n);
    memcpy(w->bits.at, p, n);
    w->bits.at += n;
}

void cb_block_sync(struct cb_block_writer *w)
{
    begin_stored(w, 0);
}

void cb_block_finish(struct cb_block_writer *w)
{
    end_open(w);
    cb_bits_put(&w->bits, 1 | CB_DEFLATE_FIXED << 1, 3);
    cb_bits_put(&w->bits, 0, 7); // end of block, in the fixed code
    align(&w->bits);
}

// The lengths of both codes, one after the other, in run-length form.
struct lengths {
    uint32_t n_litlen, n_distance, n_precode;
    uint32_t n_items;
    struct {
        uint8_t symbol, extra;
    } items[CB_DEFLATE_LITLEN_SYMBOLS + CB_DEFLATE_DISTANCE_SYMBOLS];
    uint32_t frequency[CB_DEFLATE_PRECODE_SYMBOLS];
    struct cb_code precode;
    uint32_t header_bits;
};

static const uint8_t precode_extra[CB_DEFLATE_PRECODE_SYMBOLS] = {[16] = 2, [17] = 3, [18] = 7};

static void lengths_add(struct lengths *l, uint32_t symbol, uint32_t extra)
{
    l->items[l->n_items].symbol = (uint8_t)symbol;
    l->items[l->n_items++].extra = (uint8_t)extra;
    l->frequency[symbol]++;
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void lengths_add_run(struct lengths *l, uint32_t length, uint32_t n)
{
    if (length == 0) {
        for (; n >= 11; n -= min_u32(n, 138))
            lengths_add(l, 18, min_u32(n, 138) - 11);
        if (n >= 3) {
            lengths_add(l, 17, n - 3);
            n = 0;
        }
    } else {
        lengths_add(l, length, 0);
        for (n--; n >= 3; n -= min_u32(n, 6))
            lengths_add(l, 16, min_u32(n, 6) - 3);
    }
    while (n-- > 0)
        lengths_add(l, length, 0);
}

static void lengths_pack(struct lengths *l, const struct cb_code *litlen, const struct cb_code *distance)
{
    uint32_t n = l->n_litlen + l->n_distance, run = 0, previous = 0;
    l->n_items = 0;
    memset(l->frequency, 0, sizeof l->frequency);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t length = cb_code_length(i < l->n_litlen ? litlen->entry[i] : distance->entry[i - l->n_litlen]);
        if (run > 0 && length != previous) {
            lengths_add_run(l, previous, run);
            run = 0;
        }
        previous = length;
        run++;
    }
    lengths_add_run(l, previous, run);

    cb_code_build(&l->precode, l->frequency, CB_DEFLATE_PRECODE_SYMBOLS, CB_DEFLATE_MAX_PRECODE_BITS);
    l->n_precode = CB_DEFLATE_PRECODE_SYMBOLS;
    while (l->n_precode > 4 && l->frequency[cb_precode_order[l->n_precode - 1]] == 0)
        l->n_precode--;
    l->header_bits = 3 + 5 + 5 + 4 + 3 * l->n_precode;
    for (uint32_t s = 0; s < CB_DEFLATE_PRECODE_SYMBOLS; s++)
        l->header_bits += l->frequency[s] * (cb_code_length(l->precode.entry[s]) + precode_extra[s]);
}

static void put_dynamic_header(struct cb_bits *b, const struct lengths *l)
{
    cb_bits_add(b, CB_DEFLATE_DYNAMIC << 1, 3);
    cb_bits_add(b, l->n_litlen - 257, 5);
    cb_bits_add(b, l->n_distance - 1, 5);
    cb_bits_put(b, l->n_precode - 4, 4);
    for (uint32_t i = 0; i < l->n_precode; i++)
        cb_bits_put(b, cb_code_length(l->precode.entry[cb_precode_order[i]]), 3);
    for (uint32_t i = 0; i < l->n_items; i++) {
        cb_bits_put_code(b, l->precode.entry[l->items[i].symbol]);
        cb_bits_put(b, l->items[i].extra, precode_extra[l->items[i].symbol]);
    }
}

// ---- Sizes, in bits -------------------------------------------------------------------------------------------------

static uint64_t stored_bits(size_t n)
{
    return (n + 5) * 8;
}

static uint64_t coded_bits(const struct cb_code *c, const uint32_t *frequency, uint32_t n)
{
    uint64_t bits = 0;
    for (uint32_t s = 0; s < n; s++)
        bits += (uint64_t)frequency[s] * cb_code_length(c->entry[s]);
    return bits;
}

// Whether every symbol that occurs has a code.
static bool covers(const struct cb_code *c, const uint32_t *frequency, uint32_t n)
{
    bool missing = false;
    for (uint32_t s = 0; s < n; s++)
        missing |= frequency[s] && !c->entry[s];
    return !missing;
}

static uint64_t extra_bits(const struct cb_frequencies *f)
{
    uint64_t bits = 0;
    for (uint32_t k = 0; k < CB_DEFLATE_LENGTH_CODES; k++)
        bits += (uint64_t)f->litlen[CB_DEFLATE_FIRST_LENGTH + k] * cb_length_extra[k];
    for (uint32_t k = 0; k < CB_DEFLATE_DISTANCE_SYMBOLS; k++)
        bits += (uint64_t)f->distance[k] * cb_distance_extra[k];
    return bits;
}

static uint64_t symbol_bits(const struct cb_frequencies *f, const struct cb_code *litlen,
                            const struct cb_code *distance)
{
    return coded_bits(litlen, f->litlen, CB_DEFLATE_LITLEN_SYMBOLS) +
           coded_bits(distance, f->distance, CB_DEFLATE_DISTANCE_SYMBOLS);
}

// The reference's rough logarithm to base 2: exponent by bit fiddling, mantissa by a parabola.
static float rough_log2(float v)
{
    uint32_t u;
    memcpy(&u, &v, 4);
    float log2 = (float)((int32_t)(u >> 23 & 255) - 128);
    u = (u & 0x807fffff) + (127u << 23);
    memcpy(&v, &u, 4);
    float t = -0.34484843f * v;
    t = t + 2.02466578f;
    t = t * v;
    t = t - 0.67487759f;
    return log2 + t;
}

// Adds frequency times bits for each symbol, a symbol costing at least 1 bit and at most 15.
static float add_entropy(float sum, const uint32_t *frequency, uint32_t n, float inverse_total)
{
    for (uint32_t s = 0; s < n; s++) {
        if (!frequency[s])
            continue;
        float f = (float)frequency[s], bits = -rough_log2(f * inverse_total);
        bits = bits < 1 ? 1 : bits > 15 ? 15 : bits;
        sum = sum + bits * f;
    }
    return sum;
}

// What the symbols would take in a code made for them, without its header.
static uint64_t estimated_bits(const struct cb_frequencies *f, uint32_t n_tokens, uint32_t n_matches)
{
    float inverse = 1.0f / (float)n_tokens;
    float sum = add_entropy(0, f->litlen, CB_DEFLATE_LITERALS, inverse);
    sum = sum + 15; // the end of the block
    sum = add_entropy(sum, f->litlen + CB_DEFLATE_FIRST_LENGTH, CB_DEFLATE_LENGTH_CODES, inverse);
    if (n_matches)
        sum = add_entropy(sum, f->distance, CB_DEFLATE_DISTANCE_SYMBOLS, 1.0f / (float)n_matches);
    return (uint64_t)sum + (n_matches ? extra_bits(f) : 0);
}

// ---- Blocks ---------------------------------------------------------------------------------------------------------

static void fixed_codes(struct cb_code *litlen, struct cb_code *distance)
{
    for (uint32_t s = 0; s < CB_DEFLATE_LITLEN_FIXED; s++)
        litlen->entry[s] = s < 144 ? 8 : s < 256 ? 9 : s < 280 ? 7 : 8;
    for (uint32_t s = 0; s < CB_DEFLATE_DISTANCE_SYMBOLS; s++)
        distance->entry[s] = 5;
    cb_code_assign(litlen, CB_DEFLATE_LITLEN_FIXED);
    cb_code_assign(distance, CB_DEFLATE_DISTANCE_SYMBOLS);
}

void cb_block_init(struct cb_block_writer *w)
{
    fixed_codes(&w->fixed_litlen, &w->fixed_distance);
}

static void put_fixed(struct cb_block_writer *w, const struct cb_parse *parse)
{
    end_open(w);
    cb_bits_put(&w->bits, CB_DEFLATE_FIXED << 1, 3);
    cb_write_parse(&w->bits, parse, &w->fixed_litlen, &w->fixed_distance);
    cb_bits_put_code(&w->bits, w->fixed_litlen.entry[CB_DEFLATE_END_OF_BLOCK]);
}

static uint32_t symbols_used(const uint32_t *frequency, uint32_t n)
{
    while (n > 0 && frequency[n - 1] == 0)
        n--;
    return n;
}

// Whether the bytes are spread so evenly that no code can help: the squares of the deviations from the mean (here in
// units of 1/256) sum to less than twice the number of bytes.
static bool is_even(const uint32_t *frequency, size_t n)
{
    uint64_t sum = 0;
    for (uint32_t s = 0; s < CB_DEFLATE_LITERALS; s++) {
        int64_t deviation = (int64_t)frequency[s] * 256 - (int64_t)n;
        sum += (uint64_t)(deviation * deviation);
    }
    return sum < (uint64_t)n * 2 * 65536;
}

void cb_block_literal(struct cb_block_writer *w, const uint8_t *p, size_t n, bool sync)
{
    enum { SYMBOLS = CB_DEFLATE_LITERALS + 1, HEADER_GUESS = 70 * 8, EVEN_ABOVE = 1024 };
    uint32_t frequency[SYMBOLS] = {0};
    struct cb_code code = {0};
    cb_count_bytes(p, n, frequency);
    if (n > EVEN_ABOVE && is_even(frequency, n)) {
        cb_block_stored(w, p, n);
        return;
    }
    frequency[CB_DEFLATE_END_OF_BLOCK] = 1;
    cb_code_build(&code, frequency, SYMBOLS, CB_DEFLATE_MAX_CODE_BITS);
    uint64_t estimate = coded_bits(&code, frequency, SYMBOLS) + (w->open_header ? w->open_header : HEADER_GUESS);
    estimate += estimate >> CB_NEW_CODE_PENALTY;
    if (stored_bits(n) <= estimate) {
        cb_block_stored(w, p, n);
        return;
    }
    if (w->open_header && (!covers(&w->litlen, frequency, CB_DEFLATE_LITERALS) ||
                           estimate < coded_bits(&w->litlen, frequency, CB_DEFLATE_LITERALS)))
        end_open(w);
    if (!w->open_header) {
        struct lengths l = {.n_litlen = SYMBOLS, .n_distance = 1};
        w->litlen = code;
        w->distance.entry[0] = cb_code_entry(0, 1); // a distance that is never used: the format wants one
        lengths_pack(&l, &w->litlen, &w->distance);
        put_dynamic_header(&w->bits, &l);
        w->open_header = l.header_bits;
        w->open_literal = true;
    }
    cb_write_bytes(&w->bits, p, n, &w->litlen);
    if (sync) {
        end_open(w);
        w->open_literal = false;
    }
}

// Ends the code in force if one made for this block looks cheaper; returns what the block is then taken to need.
static uint64_t reuse_or_end(struct cb_block_writer *w, uint32_t n_tokens, uint32_t n_matches)
{
    const struct cb_frequencies *f = &w->frequency;
    uint64_t renewed = w->open_header + estimated_bits(f, n_tokens, n_matches);
    renewed += cb_code_length(w->litlen.entry[CB_DEFLATE_END_OF_BLOCK]) + (renewed >> CB_NEW_CODE_PENALTY);
    uint64_t reused = symbol_bits(f, &w->litlen, &w->distance) + extra_bits(f);
    if (renewed >= reused)
        return reused;
    end_open(w);
    return renewed;
}

void cb_block_dynamic(struct cb_block_writer *w, struct cb_parse *parse, const uint8_t *p, size_t n, bool sync)
{
    struct cb_frequencies *f = &w->frequency;
    cb_count_parse(parse, f);
    if (w->open_header && (w->open_literal || !covers(&w->litlen, f->litlen, CB_DEFLATE_LITLEN_SYMBOLS) ||
                           !covers(&w->distance, f->distance, CB_DEFLATE_DISTANCE_SYMBOLS)))
        end_open(w);
    f->litlen[CB_DEFLATE_END_OF_BLOCK] = 1;
    uint32_t n_tokens = parse->n_literals + parse->n_matches + (sync ? 1 : 0);
    uint64_t stored = stored_bits(n), size;
    uint64_t fixed = UINT64_MAX;
    if (n_tokens < CB_FIXED_BELOW)
        fixed = 3 + symbol_bits(f, &w->fixed_litlen, &w->fixed_distance) + extra_bits(f);
    if (w->open_header) {
        size = reuse_or_end(w, n_tokens, parse->n_matches);
        if (stored <= size) {
            cb_block_stored(w, p, n);
            return;
        }
        if (n_tokens < CB_FIXED_BELOW && fixed + 7 < size) {
            put_fixed(w, parse);
            return;
        }
    }
    if (!w->open_header) {
        struct lengths l = {.n_litlen = symbols_used(f->litlen, CB_DEFLATE_LITLEN_SYMBOLS),
                            .n_distance = symbols_used(f->distance, CB_DEFLATE_DISTANCE_SYMBOLS)};
        cb_code_build(&w->litlen, f->litlen, CB_DEFLATE_LITLEN_SYMBOLS, CB_DEFLATE_MAX_CODE_BITS);
        cb_code_build(&w->distance, f->distance, CB_DEFLATE_DISTANCE_SYMBOLS, CB_DEFLATE_MAX_CODE_BITS);
        lengths_pack(&l, &w->litlen, &w->distance);
        size = l.header_bits + symbol_bits(f, &w->litlen, &w->distance) + extra_bits(f);
        if (n_tokens < CB_FIXED_BELOW && fixed <= size)
            size = fixed;
        if (stored <= size) {
            cb_block_stored(w, p, n);
            return;
        }
        if (size == fixed) {
            put_fixed(w, parse);
            return;
        }
        put_dynamic_header(&w->bits, &l);
        w->open_header = l.header_bits;
        w->open_literal = false;
    }
    cb_write_parse(&w->bits, parse, &w->litlen, &w->distance);
    if (sync)
        end_open(w);
}
