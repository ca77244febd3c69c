// The matcher: finds what of a block was there before.
//
// What it must find is laid down by the reference (klauspost/compress flate, level 5); how is ours.
//
// Two hash tables of 2^15 rows look for earlier occurrences: the short one by 4 bytes, keeping the newest position
// only; the long one by 7 bytes, keeping the two newest. Either gives a candidate once the first 4 bytes are equal: so
// a row of the long table may well give one that differs in its 5th byte, which is part of the contract. Greedy: the
// first position that has a match takes it, but for three looks around: at the next position, when the match is from
// the short table; at the end of the match, whether something longer began near its beginning; and before its
// beginning. Within a match only some positions are entered, and where nothing is found, positions are skipped: both
// shape every match to come.
//
// An entry is a position in its low 21 bits and a tag in its upper 11. The tag is a hash of the first *three* bytes at
// that position (it falls out of the 7-byte hash: the low 32 bits of that product know only three bytes). Subtract an
// entry from the tagged position that looks it up: where the tags are equal, the difference is the distance; where they
// are not, it is 2^21 or more. So one comparison with the window size answers both "near enough" and "probably equal"
// (all but one in a thousand), and memory at the candidate is touched only when a match is nearly certain. Three bytes
// rather than four, because the look at the end of a match only knows three. An entry never written holds a position
// beyond any block, which is near to none.
//
// Most of the time goes into branches that nobody can predict. So where two candidates are to be compared, or equal
// bytes counted, it is done for both or for eight at once, and the answer is chosen without a branch.
#include "deflate_internal.h"

#if defined(__SSE2__) && !defined(CB_DEFLATE_NO_SIMD)
#define HAVE_SSE2
#include <emmintrin.h>
#endif

#define NOINLINE __attribute__((noinline))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

// The block being parsed.
struct block {
    struct cb_matcher *m;
    const uint8_t *base; // of all positions
    uint32_t end;        // behind the block
    uint32_t limit;      // no search goes on from here
};

struct match {
    uint32_t at;
    uint32_t length; // 0: none
    uint32_t distance;
    uint32_t next; // the position to be tried after the one where it was found, had there been no match
};

// What is known of the bytes at a position before it is looked up.
struct probe {
    uint32_t tag;
    size_t short_row, long_row;
};

static CB_ALWAYS_INLINE uint32_t tag_of(uint64_t bytes)
{
    return (uint32_t)(bytes << 8) * (uint32_t)CB_HASH7_PRIME & ~CB_POSITION_MASK;
}

static CB_ALWAYS_INLINE uint32_t short_row(uint64_t bytes)
{
    return ((uint32_t)bytes * CB_HASH4_PRIME) >> (32 - CB_HASH_BITS);
}

static CB_ALWAYS_INLINE struct probe probe_of(uint64_t bytes)
{
    uint64_t product = (bytes << 8) * CB_HASH7_PRIME;
    return (struct probe){
        .tag = (uint32_t)product & ~CB_POSITION_MASK,
        .short_row = short_row(bytes),
        .long_row = product >> (64 - CB_HASH_BITS),
    };
}

static CB_ALWAYS_INLINE void put_long(struct cb_matcher *m, size_t row, uint32_t entry)
{
    m->long_table[row] = m->long_table[row] << 32 | entry;
}

static CB_ALWAYS_INLINE void put_both(struct cb_matcher *m, struct probe p, uint32_t position)
{
    m->short_table[p.short_row] = p.tag | position;
    put_long(m, p.long_row, p.tag | position);
}

static CB_ALWAYS_INLINE uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

// How many bytes at a and b, which is before it, are equal, up to `end` of a.
static NOINLINE uint32_t common_far(const uint8_t *a, const uint8_t *b, const uint8_t *end)
{
    const uint8_t *from = a;
    for (; end - a >= 8; a += 8, b += 8) {
        uint64_t differ = cb_load64(a) ^ cb_load64(b);
        if (differ)
            return (uint32_t)(a - from) + ((uint32_t)__builtin_ctzll(differ) >> 3);
    }
    while (a < end && *a == *b)
        a++, b++;
    return (uint32_t)(a - from);
}

#ifdef HAVE_SSE2
#define STRIDE 32

// How many of the first STRIDE bytes are equal before two differ; STRIDE if none do.
static CB_ALWAYS_INLINE uint32_t common_near(const uint8_t *a, const uint8_t *b)
{
    const __m128i *x = (const void *)a, *y = (const void *)b;
    __m128i low = _mm_cmpeq_epi8(_mm_loadu_si128(x), _mm_loadu_si128(y));
    __m128i high = _mm_cmpeq_epi8(_mm_loadu_si128(x + 1), _mm_loadu_si128(y + 1));
    uint32_t differ = ~((uint32_t)_mm_movemask_epi8(low) | (uint32_t)_mm_movemask_epi8(high) << 16);
    return differ ? (uint32_t)__builtin_ctz(differ) : STRIDE;
}
#else
#define STRIDE 8

static CB_ALWAYS_INLINE uint32_t common_near(const uint8_t *a, const uint8_t *b)
{
    uint64_t differ = cb_load64(a) ^ cb_load64(b);
    return differ ? (uint32_t)__builtin_ctzll(differ) >> 3 : STRIDE;
}
#endif

// The same for position and position - distance in a block, up to `most` or the end of the block. Most matches are
// short: the first stride is looked at here.
static CB_ALWAYS_INLINE uint32_t common(const struct block *b, uint32_t position, uint32_t distance, uint32_t most)
{
    const uint8_t *p = b->base + position, *q = p - distance;
    if (LIKELY(b->end - position >= STRIDE)) {
        uint32_t n = common_near(p, q);
        if (LIKELY(n < STRIDE))
            return n;
    }
    return common_far(p, q, p + min_u32(b->end - position, most));
}

static CB_ALWAYS_INLINE uint32_t common258(const struct block *b, uint32_t position, uint32_t distance)
{
    return common(b, position, distance, CB_DEFLATE_MAX_MATCH);
}

static CB_ALWAYS_INLINE bool near(uint32_t difference)
{
    return difference < CB_DEFLATE_WINDOW;
}

static CB_ALWAYS_INLINE bool in_window(uint32_t difference)
{
    return (difference & CB_POSITION_MASK) < CB_DEFLATE_WINDOW;
}

// One or the other without a branch, for where that would be hard to predict.
static CB_ALWAYS_INLINE uint32_t choose(bool first, uint32_t a, uint32_t b)
{
    uint32_t mask = 0u - (uint32_t)first;
    return (a & mask) | (b & ~mask);
}

// Makes a match of a candidate if it is longer than the match is, and long enough.
static CB_ALWAYS_INLINE void take_longer(const struct block *b, struct match *x, uint32_t at, uint32_t distance)
{
    uint32_t n = common258(b, at, distance);
    if (n > x->length && n >= CB_MIN_TAKEN_MATCH) {
        x->at = at;
        x->length = n;
        x->distance = distance;
    }
}

// The candidates of the long table at x->at, of which the newer is near: it, unless the older is longer.
static CB_ALWAYS_INLINE void take_long(const struct block *b, struct match *x, uint32_t newer, uint32_t older)
{
    older = choose(near(older), older, newer);
    uint32_t n = common258(b, x->at, newer), n_older = common258(b, x->at, older);
    bool better = n_older > n;
    x->length = choose(better, n_older, n);
    x->distance = choose(better, older, newer);
    if (UNLIKELY(x->length < CB_MIN_TAKEN_MATCH))
        x->length = 0;
}

// The entries found at a position's rows, when it was entered there.
struct found {
    uint32_t entry; // its own
    uint32_t in_short;
    uint64_t in_long;
};

// The candidates at x->at: of the long table the newer, unless the older is longer; else of the short table. In the
// last case the next position may do better: by the newer candidate that the long table has for it, else the older. An
// older one counts only where the newer is within the window, be it a match or not. If there is a match, the next
// position is entered too.
static CB_ALWAYS_INLINE bool take(const struct block *b, struct match *x, struct found f)
{
    uint32_t newer = f.entry - (uint32_t)f.in_long, older = f.entry - (uint32_t)(f.in_long >> 32);
    uint32_t shorter = f.entry - f.in_short;
    struct probe next = probe_of(cb_load64(b->base + x->next));
    x->length = 0;
    if (near(newer))
        take_long(b, x, newer, older);
    else if (near(older) && in_window(newer))
        take_longer(b, x, x->at, older);
    if (x->length == 0) {
        if (!near(shorter))
            return false;
        take_longer(b, x, x->at, shorter);
        if (x->length == 0)
            return false;
        uint64_t row = b->m->long_table[next.long_row];
        uint32_t entry = next.tag | x->next, length = x->length;
        newer = entry - (uint32_t)row;
        older = entry - (uint32_t)(row >> 32);
        if (near(newer))
            take_longer(b, x, x->next, newer);
        if (UNLIKELY(near(older)) && x->length == length && in_window(newer))
            take_longer(b, x, x->next, older);
    }
    put_both(b->m, next, x->next);
    return true;
}

static CB_ALWAYS_INLINE struct found look_up(struct cb_matcher *m, struct probe p, uint32_t position)
{
    struct found f = {p.tag | position, m->short_table[p.short_row], m->long_table[p.long_row]};
    m->short_table[p.short_row] = f.entry;
    m->long_table[p.long_row] = f.in_long << 32 | f.entry;
    return f;
}

static CB_ALWAYS_INLINE bool promising(struct found f)
{
    return near(f.entry - (uint32_t)f.in_long) || near(f.entry - (uint32_t)(f.in_long >> 32)) ||
           near(f.entry - f.in_short);
}

// Where nothing was found for 64 bytes: in ever longer steps.
static NOINLINE struct match find_skipping(const struct block b, uint32_t at, uint32_t emitted)
{
    struct match x = {.at = at};
    for (;;) {
        x.next = x.at + 1 + ((x.at - emitted) >> CB_SKIP_LOG);
        if (x.next > b.limit)
            break;
        struct found f = look_up(b.m, probe_of(cb_load64(b.base + x.at)), x.at);
        if (promising(f) && take(&b, &x, f))
            return x;
        x.at = x.next;
    }
    x.length = 0;
    return x;
}

// The first match from `at` on, of which p is the probe.
static CB_ALWAYS_INLINE struct match find(const struct block *b, size_t at, struct probe p, uint32_t emitted)
{
    struct cb_matcher *m = b->m;
    const uint8_t *base = b->base;
    size_t stop = min_u32(b->limit, emitted + (1u << CB_SKIP_LOG));
    while (at < stop) {
        struct found f = look_up(m, p, (uint32_t)at);
        if (promising(f)) {
            struct match x = {.at = (uint32_t)at, .next = (uint32_t)at + 1};
            if (LIKELY(take(b, &x, f)))
                return x;
        }
        at++;
        p = probe_of(cb_load64(base + at));
    }
    return find_skipping(*b, (uint32_t)at, emitted);
}

// A short match may hide a longer one that begins a little later: look up the position behind its end, and see how
// far that candidate reaches when the first two bytes of the match are left out. p: the probe of that end.
static CB_ALWAYS_INLINE void improve(const struct block *b, struct match *x, struct probe p)
{
    uint32_t end = x->at + x->length, from = x->at + CB_LAZY_SKIP;
    uint32_t distance = (p.tag | end) - (uint32_t)b->m->long_table[p.long_row];
    if (distance - 1 < CB_DEFLATE_WINDOW - 1 && from >= distance) {
        uint32_t n = common(b, from, distance, UINT32_MAX);
        if (n > x->length) {
            x->at = from;
            x->length = n;
            x->distance = distance;
        }
    }
}

// A match may have begun before it was found. Eight bytes are compared at once, for their number is hard to predict.
static CB_ALWAYS_INLINE void extend_back(const struct block *b, struct match *x, uint32_t emitted)
{
    for (;;) {
        uint32_t before = x->at - x->distance, most = min_u32(x->at - emitted, before), n = 0;
        const uint8_t *p = b->base + x->at, *q = p - x->distance;
        if (LIKELY(before >= 8)) {
            uint64_t differ = cb_load64(p - 8) ^ cb_load64(q - 8);
            n = differ ? (uint32_t)__builtin_clzll(differ) >> 3 : 8;
            n = min_u32(n, most);
        } else {
            while (n < most && p[-1 - (int)n] == q[-1 - (int)n])
                n++;
        }
        x->at -= n;
        x->length += n;
        if (LIKELY(n < 8))
            return;
    }
}

// Where the parse goes.
struct output {
    struct cb_sequence *sequence;
    uint8_t *literal;
    uint32_t split; // tokens beyond one for each sequence
};

static CB_ALWAYS_INLINE void emit(struct output *o, const struct block *b, uint32_t emitted, const struct match *x)
{
    uint32_t run = x->at - emitted;
    const uint8_t *from = b->base + emitted;
    if (LIKELY(run <= 16 && b->end - emitted >= 16)) {
        memcpy(o->literal, from, 8);
        memcpy(o->literal + 8, from + 8, 8);
    } else {
        memcpy(o->literal, from, run);
    }
    o->literal += run;
    o->sequence->literals = (uint16_t)run;
    o->sequence->length = (uint16_t)x->length;
    o->sequence->distance = (uint16_t)(x->distance - 1);
    o->sequence++;
    if (UNLIKELY(x->length > CB_DEFLATE_MAX_MATCH))
        o->split += (x->length - 1) / CB_DEFLATE_MAX_MATCH;
}

// Enters positions of a match of that length which ended before `at`: sparsely, but the last.
static CB_ALWAYS_INLINE void enter_match(const struct block *b, uint32_t at, uint32_t length)
{
    struct cb_matcher *m = b->m;
    uint32_t last = at - 1, i = at - length + 1;
    if (LIKELY(i < last)) {
        uint64_t bytes = cb_load64(b->base + i);
        struct probe p = probe_of(bytes >> 8);
        put_both(m, probe_of(bytes), i);
        put_long(m, p.long_row, p.tag | (i + 1));
        m->short_table[short_row(bytes >> 16)] = tag_of(bytes >> 16) | (i + 2);
        for (i += 4; i < last; i += 3) {
            bytes = cb_load64(b->base + i);
            p = probe_of(bytes);
            put_long(m, p.long_row, p.tag | i);
            m->short_table[short_row(bytes >> 8)] = tag_of(bytes >> 8) | (i + 1);
        }
    }
    put_both(m, probe_of(cb_load64(b->base + last)), last);
}

void cb_match(struct cb_matcher *m, const uint8_t *base, uint32_t start, uint32_t end, struct cb_parse *parse)
{
    const struct block b = {.m = m, .base = base, .end = end, .limit = end - CB_INPUT_MARGIN};
    struct output o = {parse->sequences, parse->literals, 0};
    uint32_t emitted = start, at = start;
    struct probe p = probe_of(cb_load64(base + start));
    while (at < b.limit) {
        struct match x = find(&b, at, p, emitted);
        if (x.length == 0)
            break;
        if (UNLIKELY(x.length == CB_DEFLATE_MAX_MATCH))
            x.length += common(&b, x.at + x.length, x.distance, UINT32_MAX);
        uint32_t behind = x.at + x.length;
        if (LIKELY(behind < b.limit)) {
            p = probe_of(cb_load64(base + behind));
            __builtin_prefetch(&m->short_table[p.short_row]);
            if (x.length < CB_LAZY_BELOW)
                improve(&b, &x, p);
        }
        extend_back(&b, &x, emitted);
        emit(&o, &b, emitted, &x);
        emitted = at = x.at + x.length;
        if (UNLIKELY(x.next >= at))
            at = x.next + 1;
        if (UNLIKELY(at >= b.limit))
            break;
        enter_match(&b, at, x.length);
        if (UNLIKELY(at != behind))
            p = probe_of(cb_load64(base + at));
    }
    memcpy(o.literal, base + emitted, end - emitted);
    parse->n_literals = (uint32_t)(o.literal - parse->literals) + end - emitted;
    parse->n_sequences = (uint32_t)(o.sequence - parse->sequences);
    parse->n_matches = parse->n_sequences + o.split;
}
