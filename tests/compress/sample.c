#include "sample.h"

#include <string.h>

struct random {
    uint64_t state;
};

static uint64_t next(struct random *r) // xorshift64*
{
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return r->state * 0x2545F4914F6CDD1D;
}

static unsigned below(struct random *r, unsigned n)
{
    return (unsigned)((next(r) >> 33) % n);
}

static uint8_t byte(struct random *r)
{
    return (uint8_t)(next(r) >> 56);
}

static struct random seeded(uint64_t seed)
{
    return (struct random){seed * 0x9E3779B97F4A7C15 + 1};
}

#define WORDS 64

struct maker {
    struct random r;
    uint8_t *out;
    size_t n, end;
    struct {
        unsigned n;
        char letter[9];
    } words[WORDS];
};

static int full(const struct maker *m)
{
    return m->n >= m->end;
}

static void put(struct maker *m, unsigned byte_value)
{
    if (!full(m))
        m->out[m->n++] = (uint8_t)byte_value;
}

static void put_random(struct maker *m, unsigned n)
{
    for (; n > 0; n--)
        put(m, byte(&m->r));
}

static void put_copy(struct maker *m, unsigned distance, unsigned n)
{
    for (; n > 0; n--)
        put(m, distance > m->n ? byte(&m->r) : m->out[m->n - distance]);
}

static void put_le(struct maker *m, uint64_t v, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        put(m, (uint8_t)(v >> (8 * i)));
}

static void put_word(struct maker *m)
{
    unsigned w = below(&m->r, WORDS);
    for (unsigned i = 0; i < m->words[w].n; i++)
        put(m, (uint8_t)m->words[w].letter[i]);
}

static void put_text(struct maker *m)
{
    put_word(m);
    put(m, below(&m->r, 12) == 0 ? '\n' : ' ');
}

// ---- Kinds: each fills m up to m->end or goes a little further in intent ----

static void make_random(struct maker *m)
{
    put_random(m, 1);
}

static void make_few_symbols(struct maker *m)
{
    unsigned k = 2 + below(&m->r, 14), base = byte(&m->r);
    while (!full(m))
        put(m, base + below(&m->r, k));
}

static void make_far_repeats(struct maker *m)
{
    unsigned n = 3 + below(&m->r, 20);
    if (below(&m->r, 4) == 0)
        put_random(m, n);
    else
        put_copy(m, 32768 - 20 + below(&m->r, 40), n);
}

static void make_runs(struct maker *m)
{
    unsigned n, way = below(&m->r, 3);
    if (way == 0)
        n = 255 + below(&m->r, 8);
    else if (way == 1)
        n = 510 + below(&m->r, 12);
    else
        n = below(&m->r, 600);
    for (unsigned c = byte(&m->r); n > 0; n--)
        put(m, c);
}

static void make_tar_entry(struct maker *m)
{
    static const char modes[] = "0000644\0000000000\0000000000";
    size_t start = m->n;
    put_word(m);
    put(m, '/');
    put_word(m);
    while (m->n < start + 100 && !full(m))
        put(m, 0);
    unsigned n = below(&m->r, 3000);
    for (size_t i = 0; i < sizeof modes; i++)
        put(m, (uint8_t)modes[i]);
    for (int i = 10; i >= 0; i--)
        put(m, '0' + (n >> (3 * i) & 7));
    while (m->n < start + 512 && !full(m))
        put(m, 0);
    int random = below(&m->r, 3) == 0;
    size_t stop = m->n + n;
    while (m->n < stop && !full(m)) {
        if (random)
            put_random(m, 1);
        else
            put_text(m);
    }
    while ((m->n - start) % 512 != 0 && !full(m))
        put(m, 0);
}

static void make_sparse(struct maker *m)
{
    unsigned every = 16 + below(&m->r, 200);
    while (!full(m))
        put(m, below(&m->r, every) == 0 ? byte(&m->r) : 0);
}

static void make_noisy_copies(struct maker *m)
{
    unsigned n = 4 + below(&m->r, 300), distance = 1 + below(&m->r, 40000);
    for (; n > 0; n--) {
        if (below(&m->r, 32) == 0)
            put_random(m, 1);
        else
            put_copy(m, distance, 1);
    }
}

static void make_deep_code(struct maker *m) // each symbol half as frequent as the one before
{
    unsigned factor = 1 + below(&m->r, 40);
    while (!full(m))
        put(m, (unsigned)__builtin_ctzll(next(&m->r) | 1ull << 40) * factor);
}

static void make_periodic(struct maker *m)
{
    unsigned period = 1 + below(&m->r, 300), noise = 2 + below(&m->r, 100);
    while (!full(m)) {
        if (below(&m->r, noise) == 0)
            put_random(m, 1);
        else
            put_copy(m, period, 1);
    }
}

static void make_counters(struct maker *m)
{
    uint64_t v = next(&m->r), step = below(&m->r, 5);
    unsigned width = 4 + 4 * below(&m->r, 2);
    while (!full(m)) {
        put_le(m, v, width);
        v += step;
        if (below(&m->r, 50) == 0)
            v = next(&m->r);
    }
}

static void make_short_matches(struct maker *m)
{
    uint64_t seed = next(&m->r);
    unsigned grams = 16 + below(&m->r, 500);
    while (!full(m)) {
        uint64_t v = (seed + below(&m->r, grams)) * 0x9E3779B97F4A7C15;
        put_le(m, v >> 8, 4 + below(&m->r, 3));
        put_random(m, below(&m->r, 4));
    }
}

static void make_same_prefix(struct maker *m)
{
    uint64_t v = next(&m->r);
    while (!full(m)) {
        put_le(m, v, 4);
        for (unsigned i = below(&m->r, 9); i > 0; i--)
            put(m, below(&m->r, 6));
    }
}

static void make_slanted(struct maker *m) // small bytes more often, hardly a match
{
    uint8_t a = byte(&m->r), b = byte(&m->r), c = byte(&m->r);
    a = b < a ? b : a;
    put(m, c < a ? c : a);
}

static void (*const makers[SAMPLE_KINDS])(struct maker *) = {
    make_random,    make_few_symbols,   make_far_repeats,  make_runs,      put_text,
    make_tar_entry, make_sparse,        make_noisy_copies, make_deep_code, make_periodic,
    make_counters,  make_short_matches, make_same_prefix,  make_slanted,
};

static void make_phase(struct maker *m, unsigned kind, size_t n)
{
    size_t end = m->end;
    if (m->n + n < end)
        m->end = m->n + n;
    while (!full(m))
        makers[kind](m);
    m->end = end;
}

void sample_make(uint8_t *out, size_t size, uint64_t seed, unsigned kind)
{
    struct maker m = {.r = seeded(seed), .out = out, .end = size};
    for (unsigned w = 0; w < WORDS; w++) {
        m.words[w].n = 2 + below(&m.r, 8);
        for (unsigned i = 0; i < m.words[w].n; i++)
            m.words[w].letter[i] = (char)('a' + below(&m.r, 26));
    }
    while (!full(&m)) {
        if (kind < SAMPLE_KINDS) {
            make_phase(&m, kind, size);
        } else {
            unsigned k = below(&m.r, SAMPLE_KINDS);
            make_phase(&m, k, 1 + below(&m.r, 1u << (5 + below(&m.r, 13))));
        }
    }
}

void sample_pick(uint64_t seed, unsigned *kind, size_t *size)
{
    struct random r = seeded(seed ^ 0xabcdef);
    *kind = below(&r, SAMPLE_KINDS + 8);
    if (*kind > SAMPLE_MIXTURE)
        *kind = SAMPLE_MIXTURE;
    switch (below(&r, 12)) {
    case 0:
        *size = below(&r, 41);
        break;
    case 1:
        *size = 118 + below(&r, 24);
        break;
    case 2:
        *size = 16384 - 8 + below(&r, 16);
        break;
    case 3:
        *size = 65535 * (1 + below(&r, 3));
        *size = *size - 20 + below(&r, 160);
        break;
    case 4:
        *size = (1 << 20) - 4 + below(&r, 8);
        break;
    case 5:
        *size = (size_t)(1 + below(&r, 2)) << 20;
        break;
    case 6:
        *size = (1 << 20) + below(&r, 300);
        break;
    case 7:
        *size = below(&r, 2500);
        break;
    case 8:
    case 9:
    case 10:
        *size = below(&r, 200000);
        break;
    default:
        *size = (1 << 20) + below(&r, 1 << 21);
    }
}

size_t sample_from_counts(uint8_t *out, const unsigned *counts, unsigned n)
{
    size_t size = 0;
    for (unsigned i = 0; i < n; i++) {
        memset(out + size, (int)i, counts[i]);
        size += counts[i];
    }
    struct random r = seeded(n);
    for (size_t i = size - 1; i > 0; i--) {
        size_t j = below(&r, (unsigned)i + 1);
        uint8_t t = out[i];
        out[i] = out[j];
        out[j] = t;
    }
    for (size_t k = 0; k < 6; k++) { // the first six bytes again, taken from where they stand
        uint8_t *other = memchr(out + 200, out[k], size - 200);
        if (other) {
            uint8_t t = out[100 + k];
            out[100 + k] = *other;
            *other = t;
        }
    }
    return size;
}
