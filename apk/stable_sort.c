// Insertion sort of blocks of 20, then merging them in place by SymMerge (Kim and Kutzner, "Stable Minimum Storage
// Merging by Symmetric Comparisons", ESA 2004). To merge two neighbouring runs, the middle of the whole is taken; a
// binary search finds how far around the border the runs' elements change sides of it, that part is rotated, and
// the two halves are merged in the same way.
#include "stable_sort.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cbuild/base/alloc.h"

#define RUN 20u // elements of an insertion-sorted block; part of what decides the result

struct sort {
    const void **v, **room; // room: for rotations, as many as v
    stable_less *less;
};

static void insert_all(struct sort *s, size_t a, size_t b)
{
    for (size_t i = a + 1; i < b; i++)
        for (size_t j = i; j > a && s->less(s->v[j], s->v[j - 1]); j--) {
            const void *moved = s->v[j];
            s->v[j] = s->v[j - 1];
            s->v[j - 1] = moved;
        }
}

// [a, m) and [m, b) change places.
static void rotate(struct sort *s, size_t a, size_t m, size_t b)
{
    memcpy(s->room, s->v + a, (m - a) * sizeof *s->v);
    memmove(s->v + a, s->v + m, (b - m) * sizeof *s->v);
    memcpy(s->v + a + (b - m), s->room, (m - a) * sizeof *s->v);
}

// A run of one element before the other: it goes to where none before it is less.
static void merge_first(struct sort *s, size_t a, size_t m, size_t b)
{
    size_t low = m, high = b;

    while (low < high) {
        size_t h = low + (high - low) / 2;
        if (s->less(s->v[h], s->v[a]))
            low = h + 1;
        else
            high = h;
    }
    if (low > a + 1)
        rotate(s, a, a + 1, low);
}

// A run of one element behind the other: it goes to before the first that is greater.
static void merge_last(struct sort *s, size_t a, size_t m)
{
    size_t low = a, high = m;

    while (low < high) {
        size_t h = low + (high - low) / 2;
        if (!s->less(s->v[m], s->v[h]))
            low = h + 1;
        else
            high = h;
    }
    if (low < m)
        rotate(s, low, m, m + 1);
}

static void merge(struct sort *s, size_t a, size_t m, size_t b)
{
    if (m - a == 1) {
        merge_first(s, a, m, b);
        return;
    }
    if (b - m == 1) {
        merge_last(s, a, m);
        return;
    }
    size_t mid = (a + b) / 2, sum = mid + m;
    size_t start = m > mid ? sum - b : a, right = m > mid ? mid : m;

    while (start < right) {
        size_t c = start + (right - start) / 2;
        if (!s->less(s->v[sum - 1 - c], s->v[c]))
            start = c + 1;
        else
            right = c;
    }
    size_t end = sum - start;
    if (start < m && m < end)
        rotate(s, start, m, end);
    if (a < start && start < mid)
        merge(s, a, start, mid);
    if (mid < end && end < b)
        merge(s, mid, end, b);
}

void stable_sort(const void **v, size_t n, stable_less *less)
{
    CB_AUTOFREE const void **room = cb_realloc_array(NULL, n + 1, sizeof *room);
    struct sort s = {v, room, less};

    for (size_t a = 0; a < n; a += RUN)
        insert_all(&s, a, n - a < RUN ? n : a + RUN);
    for (size_t size = RUN; size < n; size *= 2)
        for (size_t a = 0; a + size < n; a += 2 * size)
            merge(&s, a, a + size, n - a < 2 * size ? n : a + 2 * size);
}
