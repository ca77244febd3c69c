// Counting the symbols of a parse, and writing them.
#include "deflate_internal.h"

void cb_count_bytes(const uint8_t *p, size_t n, uint32_t frequency[CB_DEFLATE_LITERALS])
{
    // Runs of one byte would make every increment wait for the one before: spread over four tables.
    uint32_t f[4][CB_DEFLATE_LITERALS] = {{0}};
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t v = cb_load64(p + i);
        f[0][v & 0xff]++;
        f[1][v >> 8 & 0xff]++;
        f[2][v >> 16 & 0xff]++;
        f[3][v >> 24 & 0xff]++;
        f[0][v >> 32 & 0xff]++;
        f[1][v >> 40 & 0xff]++;
        f[2][v >> 48 & 0xff]++;
        f[3][v >> 56]++;
    }
    for (; i < n; i++)
        f[0][p[i]]++;
    for (uint32_t s = 0; s < CB_DEFLATE_LITERALS; s++)
        frequency[s] += f[0][s] + f[1][s] + f[2][s] + f[3][s];
}

static uint32_t length_code(uint32_t length)
{
    uint32_t base = length - CB_DEFLATE_MIN_MATCH;
    if (base < 8)
        return base;
    if (length == CB_DEFLATE_MAX_MATCH)
        return CB_DEFLATE_LENGTH_CODES - 1;
    uint32_t log2 = 31 - (uint32_t)__builtin_clz(base);
    return 4 * (log2 - 1) + ((base >> (log2 - 2)) & 3);
}

void cb_count_parse(struct cb_parse *p, struct cb_frequencies *f)
{
    memset(f, 0, sizeof *f);
    cb_count_bytes(p->literals, p->n_literals, f->litlen);
    uint32_t length[CB_DEFLATE_MAX_MATCH + 1] = {0}, distance[2][CB_DEFLATE_DISTANCE_SYMBOLS] = {{0}};
    for (uint32_t i = 0; i < p->n_sequences; i++) {
        struct cb_sequence *q = &p->sequences[i];
        uint32_t left = q->length, code = cb_distance_code(q->distance);
        q->distance_code = (uint16_t)code;
        for (; left > CB_DEFLATE_MAX_MATCH; left -= cb_match_split(left)) {
            length[cb_match_split(left)]++;
            distance[1][code]++;
        }
        length[left]++;
        distance[i & 1][code]++;
    }
    for (uint32_t n = CB_DEFLATE_MIN_MATCH; n <= CB_DEFLATE_MAX_MATCH; n++)
        f->litlen[CB_DEFLATE_FIRST_LENGTH + length_code(n)] += length[n];
    for (uint32_t k = 0; k < CB_DEFLATE_DISTANCE_SYMBOLS; k++)
        f->distance[k] = distance[0][k] + distance[1][k];
}

// ---- Writing --------------------------------------------------------------------------------------------------------

static CB_ALWAYS_INLINE void add_entry(struct cb_bits *b, uint32_t entry)
{
    cb_bits_add(b, cb_code_bits(entry), cb_code_length(entry));
}

static_assert(3 * CB_DEFLATE_MAX_CODE_BITS <= CB_BITS_ROOM, "three literals at a time");

static CB_ALWAYS_INLINE void put_bytes(struct cb_bits *b, const uint8_t *p, size_t n, const uint32_t *entry)
{
    for (; n >= 3; n -= 3, p += 3) {
        add_entry(b, entry[p[0]]);
        add_entry(b, entry[p[1]]);
        add_entry(b, entry[p[2]]);
        cb_bits_flush(b);
    }
    for (; n > 0; n--, p++)
        cb_bits_put_code(b, entry[*p]);
}

// The first three literals of a run, or as many as it has: without a branch, for how many is hard to predict. Reads
// three.
static CB_ALWAYS_INLINE void put_few_bytes(struct cb_bits *b, const uint8_t *p, size_t n, const uint32_t *entry)
{
    static const uint32_t keep[4][3] = {{0, 0, 0}, {~0u, 0, 0}, {~0u, ~0u, 0}, {~0u, ~0u, ~0u}};
    const uint32_t *k = keep[n < 3 ? n : 3];
    add_entry(b, entry[p[0]] & k[0]);
    add_entry(b, entry[p[1]] & k[1]);
    add_entry(b, entry[p[2]] & k[2]);
    cb_bits_flush(b);
}

static_assert(CB_DEFLATE_MAX_CODE_BITS + CB_DEFLATE_MAX_LENGTH_EXTRA + CB_DEFLATE_MAX_CODE_BITS +
                      CB_DEFLATE_MAX_DISTANCE_EXTRA <=
                  CB_BITS_ROOM,
              "a match at a time");

static CB_ALWAYS_INLINE void put_match(struct cb_bits *b, uint32_t length_entry, uint32_t distance_entry,
                                       const struct cb_sequence *q)
{
    uint32_t code = q->distance_code;
    add_entry(b, length_entry);
    add_entry(b, distance_entry);
    cb_bits_add(b, (uint32_t)(q->distance - cb_distance_base[code]), cb_distance_extra[code]);
    cb_bits_flush(b);
}

// For every length its code and extra bits put together.
static void join_lengths(const struct cb_code *litlen, uint32_t joined[CB_DEFLATE_MAX_MATCH + 1])
{
    for (uint32_t k = 0; k < CB_DEFLATE_LENGTH_CODES; k++) {
        uint32_t entry = litlen->entry[CB_DEFLATE_FIRST_LENGTH + k];
        uint32_t n = cb_code_length(entry), extra = cb_length_extra[k];
        uint32_t *to = joined + CB_DEFLATE_MIN_MATCH + cb_length_base[k];
        for (uint32_t i = 0; i < 1u << extra && cb_length_base[k] + i <= 255; i++)
            to[i] = cb_code_entry(cb_code_bits(entry) | i << n, n + extra);
    }
}

void cb_write_bytes(struct cb_bits *bits, const uint8_t *p, size_t n, const struct cb_code *litlen)
{
    struct cb_bits b = *bits;
    put_bytes(&b, p, n, litlen->entry);
    *bits = b;
}

void cb_write_parse(struct cb_bits *bits, const struct cb_parse *p, const struct cb_code *litlen,
                    const struct cb_code *distance)
{
    uint32_t length[CB_DEFLATE_MAX_MATCH + 1];
    join_lengths(litlen, length);
    struct cb_bits b = *bits;
    const uint8_t *literal = p->literals;
    for (uint32_t i = 0; i < p->n_sequences; i++) {
        const struct cb_sequence *q = &p->sequences[i];
        put_few_bytes(&b, literal, q->literals, litlen->entry);
        if (q->literals > 3)
            put_bytes(&b, literal + 3, q->literals - 3u, litlen->entry);
        literal += q->literals;
        uint32_t entry = distance->entry[q->distance_code], left = q->length;
        for (; left > CB_DEFLATE_MAX_MATCH; left -= cb_match_split(left))
            put_match(&b, length[cb_match_split(left)], entry, q);
        put_match(&b, length[left], entry, q);
    }
    put_bytes(&b, literal, p->n_literals - (size_t)(literal - p->literals), litlen->entry);
    *bits = b;
}
