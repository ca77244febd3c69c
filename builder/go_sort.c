// A pattern-defeating quicksort (Peters, arXiv:2106.05123) with the choices of Go 1.19 to 1.26: ranges up to 12 by
// insertion, the pivot a median of three (of three medians of three from 50 elements on), five repairs of a nearly
// sorted range, three pseudo-random swaps after an unbalanced partition, heap sort once the bad partitions are more
// than the bits of n. Each of these numbers decides where equal elements end up, so none of them may change.
#include "go_sort.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    INSERTION_MAX = 12,
    NINTHER_MIN = 50,
    ALL_SWAPPED = 12, // the most swaps that choosing a pivot can count: the range descends
    REPAIRS = 5,
    REPAIR_MIN = 50,
    SCATTER_MIN = 8,
};

struct sort {
    void **v;
    cb_go_cmp *cmp;
};

struct range {
    ptrdiff_t from, to; // [from, to)
};

static bool less(const struct sort *s, ptrdiff_t i, ptrdiff_t j)
{
    return s->cmp(s->v[i], s->v[j]) < 0;
}

static void swap(const struct sort *s, ptrdiff_t i, ptrdiff_t j)
{
    void *t = s->v[i];
    s->v[i] = s->v[j];
    s->v[j] = t;
}

static void insertion_sort(const struct sort *s, struct range r)
{
    for (ptrdiff_t i = r.from + 1; i < r.to; i++)
        for (ptrdiff_t j = i; j > r.from && less(s, j, j - 1); j--)
            swap(s, j, j - 1);
}

// Restores the heap below `root` of the n elements from `base` on.
static void sift_down(const struct sort *s, ptrdiff_t base, ptrdiff_t root, ptrdiff_t n)
{
    for (ptrdiff_t child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && less(s, base + child, base + child + 1))
            child++;
        if (!less(s, base + root, base + child))
            return;
        swap(s, base + root, base + child);
    }
}

static void heap_sort(const struct sort *s, struct range r)
{
    ptrdiff_t n = r.to - r.from;
    for (ptrdiff_t i = (n - 1) / 2; i >= 0; i--)
        sift_down(s, r.from, i, n);
    for (ptrdiff_t i = n - 1; i >= 0; i--) {
        swap(s, r.from, r.from + i);
        sift_down(s, r.from, 0, i);
    }
}

static void order(const struct sort *s, ptrdiff_t *i, ptrdiff_t *j, int *swaps)
{
    if (!less(s, *j, *i))
        return;
    ptrdiff_t t = *i;
    *i = *j;
    *j = t;
    ++*swaps;
}

static ptrdiff_t median(const struct sort *s, ptrdiff_t a, ptrdiff_t b, ptrdiff_t c, int *swaps)
{
    order(s, &a, &b, swaps);
    order(s, &b, &c, swaps);
    order(s, &a, &b, swaps);
    return b;
}

// The pivot's index; *swaps says how the sampled elements stood: 0 ascending, ALL_SWAPPED descending.
static ptrdiff_t choose_pivot(const struct sort *s, struct range r, int *swaps)
{
    ptrdiff_t quarter = (r.to - r.from) / 4;
    ptrdiff_t at[3] = {r.from + quarter, r.from + quarter * 2, r.from + quarter * 3};
    *swaps = 0;
    if (r.to - r.from >= NINTHER_MIN)
        for (int k = 0; k < 3; k++)
            at[k] = median(s, at[k] - 1, at[k], at[k] + 1, swaps);
    return median(s, at[0], at[1], at[2], swaps);
}

static void reverse(const struct sort *s, struct range r)
{
    for (ptrdiff_t i = r.from, j = r.to - 1; i < j; i++, j--)
        swap(s, i, j);
}

// Swaps three elements around the middle with pseudo-random ones (xorshift, seeded by the length).
static void scatter(const struct sort *s, struct range r)
{
    ptrdiff_t n = r.to - r.from;
    if (n < SCATTER_MIN)
        return;
    uint64_t random = (uint64_t)n, mask = 1;
    while (mask <= (uint64_t)n)
        mask <<= 1;
    ptrdiff_t middle = r.from + n / 4 * 2;
    for (ptrdiff_t i = middle - 1; i <= middle + 1; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        ptrdiff_t other = (ptrdiff_t)(random & (mask - 1));
        swap(s, i, r.from + (other >= n ? other - n : other));
    }
}

// Moves a few misplaced elements to where they belong; true where the range is sorted afterwards. The shift to the
// left is bounded by the array, not by the range: what stands before the range is never greater, so it stops in time.
static bool repair(const struct sort *s, struct range r)
{
    ptrdiff_t i = r.from + 1;
    for (int step = 0; step < REPAIRS; step++) {
        while (i < r.to && !less(s, i, i - 1))
            i++;
        if (i == r.to)
            return true;
        if (r.to - r.from < REPAIR_MIN)
            return false;
        swap(s, i, i - 1);
        if (i - r.from >= 2)
            for (ptrdiff_t j = i - 1; j >= 1 && less(s, j, j - 1); j--)
                swap(s, j, j - 1);
        if (r.to - i >= 2)
            for (ptrdiff_t j = i + 1; j < r.to && less(s, j, j - 1); j++)
                swap(s, j, j - 1);
    }
    return false;
}

// Brings the elements less than the pivot before it and the others behind it; its new index. *was_partitioned: nothing
// had to move.
static ptrdiff_t partition(const struct sort *s, struct range r, ptrdiff_t pivot, bool *was_partitioned)
{
    ptrdiff_t i = r.from + 1, j = r.to - 1;
    swap(s, r.from, pivot);
    for (*was_partitioned = true;; *was_partitioned = false) {
        while (i <= j && less(s, i, r.from))
            i++;
        while (i <= j && !less(s, j, r.from))
            j--;
        if (i > j)
            break;
        swap(s, i++, j--);
    }
    swap(s, j, r.from);
    return j;
}

// For a range in which nothing is less than the pivot: brings what equals it to the front; where the greater begin.
static ptrdiff_t partition_equal(const struct sort *s, struct range r, ptrdiff_t pivot)
{
    ptrdiff_t i = r.from + 1, j = r.to - 1;
    swap(s, r.from, pivot);
    for (;;) {
        while (i <= j && !less(s, r.from, i))
            i++;
        while (i <= j && less(s, r.from, j))
            j--;
        if (i > j)
            return i;
        swap(s, i++, j--);
    }
}

// Recursion takes the smaller side, so its depth is at most the bits of n.
static void quick_sort(const struct sort *s, struct range r, int bad_left)
{
    bool balanced = true, partitioned = true;
    while (r.to - r.from > INSERTION_MAX) {
        if (bad_left == 0) {
            heap_sort(s, r);
            return;
        }
        if (!balanced) {
            scatter(s, r);
            bad_left--;
        }
        int swaps;
        ptrdiff_t pivot = choose_pivot(s, r, &swaps);
        if (swaps == ALL_SWAPPED) {
            reverse(s, r);
            pivot = r.to - 1 - (pivot - r.from);
            swaps = 0;
        }
        if (balanced && partitioned && swaps == 0 && repair(s, r))
            return;
        if (r.from > 0 && !less(s, r.from - 1, pivot)) {
            r.from = partition_equal(s, r, pivot);
            continue;
        }
        ptrdiff_t threshold = (r.to - r.from) / 8, middle = partition(s, r, pivot, &partitioned);
        if (middle - r.from < r.to - middle) {
            balanced = middle - r.from >= threshold;
            quick_sort(s, (struct range){r.from, middle}, bad_left);
            r.from = middle + 1;
        } else {
            balanced = r.to - middle >= threshold;
            quick_sort(s, (struct range){middle + 1, r.to}, bad_left);
            r.to = middle;
        }
    }
    insertion_sort(s, r);
}

void cb_go_sort(void **v, size_t n, cb_go_cmp *cmp)
{
    struct sort s = {v, cmp};
    int bits = 0;
    for (size_t rest = n; rest > 0; rest >>= 1)
        bits++;
    quick_sort(&s, (struct range){0, (ptrdiff_t)n}, bits);
}
