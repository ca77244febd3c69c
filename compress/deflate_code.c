// Huffman codes out of frequencies.
//
// Any encoder must find code lengths of least total cost; ours must find the same among several equally good ones.
// Three things decide that:
//
//  1. The order of the symbols: by frequency, then by symbol. The more frequent get the shorter codes, and of equally
//     frequent ones the larger symbol does.
//  2. Ties in building the tree: a pair that weighs as much as a leaf is taken before it. The reference builds its
//  trees
//     by package-merge with the limit built in. As long as no code is longer than the limit, that comes to the same
//     numbers of codes of each length as Huffman's own construction with the same rule for ties (both read off the
//     same merged list of leaves and pairs), which is several times as fast. Only a tree that turns out too deep is
//     built again by package-merge.
//  3. A quirk: the reference sorts by a quicksort that, after too many uneven partitions, sorts what is left by heap
//     sort, and that heap sort orders by symbol alone. Frequencies chosen with malice reach it. So the sort here
//     follows the same choice of pivots and counts the same depth. Because no two keys are equal, the reference's
//     provisions for runs of equal elements never act, and are not here.
#include "deflate_internal.h"

// ---- Sorting --------------------------------------------------------------------------------------------------------

// A symbol to be sorted: frequency above, symbol below, so that keys compare as numbers.
#define KEY(frequency, symbol) ((uint32_t)(frequency) << 16 | (symbol))
#define KEY_FREQUENCY(key) ((key) >> 16)
#define KEY_SYMBOL(key) ((key)&0xffff)

#define SORT_SMALL 12   // ranges up to this are sorted by insertion
#define SORT_NINTHER 40 // ranges above this take their pivot from nine elements rather than three

static void sort_by_insertion(uint32_t *a, size_t n, uint32_t mask)
{
    for (size_t i = 1; i < n; i++) {
        uint32_t key = a[i];
        size_t j = i;
        for (; j > 0 && (a[j - 1] & mask) > (key & mask); j--)
            a[j] = a[j - 1];
        a[j] = key;
    }
}

static inline void order(uint32_t *a, uint32_t *b)
{
    uint32_t x = *a, y = *b;
    *a = x < y ? x : y;
    *b = x < y ? y : x;
}

static inline void order3(uint32_t *low, uint32_t *middle, uint32_t *high)
{
    order(low, middle);
    order(middle, high);
    order(low, middle);
}

// Partitions a[0, n) around a pivot; returns where the pivot ends up.
static size_t partition(uint32_t *a, size_t n)
{
    size_t half = n / 2;
    if (n > SORT_NINTHER) {
        size_t s = n / 8;
        order3(&a[s], &a[0], &a[2 * s]);
        order3(&a[half - s], &a[half], &a[half + s]);
        order3(&a[n - 1 - s], &a[n - 1], &a[n - 1 - 2 * s]);
    }
    order3(&a[half], &a[0], &a[n - 1]);

    uint32_t pivot = a[0];
    size_t i = 1, j = n - 1;
    for (;;) {
        while (i < j && a[i] < pivot)
            i++;
        while (i < j && a[j - 1] > pivot)
            j--;
        if (i >= j)
            break;
        uint32_t t = a[i];
        a[i++] = a[--j];
        a[j] = t;
    }
    a[0] = a[i - 1];
    a[i - 1] = pivot;
    return i - 1;
}

static void sort_range(uint32_t *a, size_t n, int depth)
{
    while (n > SORT_SMALL) {
        if (depth-- == 0) {
            sort_by_insertion(a, n, KEY_SYMBOL(~0u));
            return;
        }
        size_t p = partition(a, n);
        sort_range(a, p, depth);
        a += p + 1;
        n -= p + 1;
    }
    sort_by_insertion(a, n, ~0u);
}

static void sort_symbols(uint32_t *keys, uint32_t n)
{
    int log2 = 0;
    for (uint32_t i = n; i > 0; i >>= 1)
        log2++;
    sort_range(keys, n, 2 * log2);
}

// ---- Code lengths ---------------------------------------------------------------------------------------------------

// Huffman's construction with two queues, leaves and pairs. Sets counts[k] to the number of codes of k bits; false if
// there would be codes longer than limit. Needs n >= 3.
static bool count_lengths(const uint32_t *keys, uint32_t n, uint32_t limit,
                          uint16_t counts[CB_DEFLATE_MAX_CODE_BITS + 1])
{
    uint32_t weight[CB_DEFLATE_LITLEN_SYMBOLS + 1];
    uint16_t parent[CB_DEFLATE_LITLEN_SYMBOLS], depth[CB_DEFLATE_LITLEN_SYMBOLS];
    uint32_t leaf = 0, pair = 0;
    for (uint32_t made = 0; made < n - 1; made++) {
        uint32_t sum = 0;
        weight[made] = UINT32_MAX; // a pair is not ready before it is made
        for (int child = 0; child < 2; child++) {
            uint32_t of_leaf = leaf < n ? KEY_FREQUENCY(keys[leaf]) : UINT32_MAX, of_pair = weight[pair];
            bool take_leaf = of_leaf < of_pair;
            sum += take_leaf ? of_leaf : of_pair;
            parent[pair] = (uint16_t)made; // overwritten until the pair is taken
            leaf += take_leaf;
            pair += !take_leaf;
        }
        weight[made] = sum;
    }

    // Every pair has two children: so pairs on one level tell how many leaves there are on the next.
    uint32_t pairs[CB_DEFLATE_MAX_CODE_BITS + 1] = {1};
    depth[n - 2] = 0;
    for (uint32_t i = n - 2; i-- > 0;) {
        depth[i] = (uint16_t)(depth[parent[i]] + 1);
        if (depth[i] >= limit)
            return false;
        pairs[depth[i]]++;
    }
    for (uint32_t k = 1; k <= limit; k++)
        counts[k] = (uint16_t)(2 * pairs[k - 1] - pairs[k]);
    return true;
}

// Package-merge: the same where codes may not be longer than limit. Level 0 is the list of leaves; each further level
// merges the leaves with pairs of neighbours of the level before. The 2n - 2 first items of the last level are taken,
// and what their pairs are made of on the level before, and so on down; a symbol's length is the number of levels on
// which its leaf is taken.
static void count_lengths_limited(const uint32_t *keys, uint32_t n, uint32_t limit,
                                  uint16_t counts[CB_DEFLATE_MAX_CODE_BITS + 1])
{
    enum { ITEMS = 2 * CB_DEFLATE_LITLEN_SYMBOLS };
    uint16_t leaves_before[CB_DEFLATE_MAX_CODE_BITS][ITEMS + 1]; // leaves among the first so many items of a level
    uint32_t list[2][ITEMS];
    uint32_t length = 0;
    for (uint32_t level = 0; level < limit; level++) {
        const uint32_t *below = list[level & 1];
        uint32_t *items = list[~level & 1], pairs = length / 2, leaf = 0, pair = 0;
        length = 0;
        leaves_before[level][0] = 0;
        while (length < 2 * n - 2 && (leaf < n || pair < pairs)) {
            uint32_t of_leaf = leaf < n ? KEY_FREQUENCY(keys[leaf]) : UINT32_MAX;
            uint32_t of_pair = pair < pairs ? below[2 * pair] + below[2 * pair + 1] : UINT32_MAX;
            bool take_leaf = of_leaf < of_pair;
            items[length++] = take_leaf ? of_leaf : of_pair;
            leaf += take_leaf;
            pair += !take_leaf;
            leaves_before[level][length] = (uint16_t)leaf;
        }
    }
    uint32_t taken = 2 * n - 2;
    uint16_t at_least[CB_DEFLATE_MAX_CODE_BITS + 2] = {0};
    for (uint32_t level = limit; level-- > 0;) {
        uint32_t leaves = leaves_before[level][taken];
        at_least[limit - level] = (uint16_t)leaves;
        taken = 2 * (taken - leaves);
    }
    for (uint32_t k = 1; k <= limit; k++)
        counts[k] = (uint16_t)(at_least[k] - at_least[k + 1]);
}

// ---- Codes ----------------------------------------------------------------------------------------------------------

static uint32_t reversed(uint32_t code, uint32_t length)
{
    uint32_t r = 0;
    for (uint32_t i = 0; i < length; i++)
        r |= ((code >> i) & 1) << (length - 1 - i);
    return r;
}

void cb_code_assign(struct cb_code *c, uint32_t n_symbols)
{
    uint32_t counts[CB_DEFLATE_MAX_CODE_BITS + 1] = {0}, next[CB_DEFLATE_MAX_CODE_BITS + 2];
    for (uint32_t s = 0; s < n_symbols; s++)
        counts[cb_code_length(c->entry[s])]++;
    counts[0] = 0;
    next[0] = 0;
    for (uint32_t k = 0; k <= CB_DEFLATE_MAX_CODE_BITS; k++)
        next[k + 1] = (next[k] + counts[k]) << 1;
    for (uint32_t s = 0; s < n_symbols; s++) {
        uint32_t length = cb_code_length(c->entry[s]);
        c->entry[s] = length ? cb_code_entry(reversed(next[length]++, length), length) : 0;
    }
}

void cb_code_build(struct cb_code *c, const uint32_t *frequency, uint32_t n_symbols, uint32_t limit)
{
    uint32_t keys[CB_DEFLATE_LITLEN_SYMBOLS];
    uint32_t n = 0;
    for (uint32_t s = 0; s < n_symbols; s++) {
        c->entry[s] = 0;
        keys[n] = KEY(frequency[s], s);
        n += frequency[s] != 0;
    }
    if (n <= 2) {
        for (uint32_t i = 0; i < n; i++)
            c->entry[KEY_SYMBOL(keys[i])] = cb_code_entry(i, 1);
        return;
    }
    sort_symbols(keys, n);
    uint16_t counts[CB_DEFLATE_MAX_CODE_BITS + 1];
    if (!count_lengths(keys, n, limit, counts))
        count_lengths_limited(keys, n, limit, counts);
    uint32_t i = n;
    for (uint32_t length = 1; length <= limit; length++) {
        for (uint32_t k = 0; k < counts[length]; k++)
            c->entry[KEY_SYMBOL(keys[--i])] = length;
    }
    cb_code_assign(c, n_symbols);
}
