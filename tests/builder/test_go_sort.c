// golden/builder/go_sort.txt: for patterns of keys, what order Go 1.26's slices.SortFunc leaves equal ones in, as an
// FNV-1a of the positions they came from.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../builder/go_sort.h"
#include "golden_lines.h"

struct item {
    int64_t key;
    uint32_t id;
};

static int by_key(const void *a, const void *b)
{
    int64_t x = ((const struct item *)a)->key, y = ((const struct item *)b)->key;
    return (x > y) - (x < y);
}

// Not an order at all: the sort must come to an end, within its array, where Go's does.
static int badly(const void *a, const void *b)
{
    int64_t x = ((const struct item *)a)->key, y = ((const struct item *)b)->key;
    return (x + y) % 5 == 0 ? 1 : (x > y) - (x < y);
}

static int64_t key(struct cb_str pattern, int64_t i, int64_t n, int64_t distinct, uint64_t *random)
{
    if (cb_str_is(pattern, "random")) {
        *random = *random * 6364136223846793005u + 1442695040888963407u;
        return (int64_t)(*random >> 33) % distinct;
    }
    if (cb_str_is(pattern, "descending") || (cb_str_is(pattern, "organ") && i > n / 2))
        return (n - i) * distinct / n;
    if (cb_str_is(pattern, "saw"))
        return i % distinct;
    if (cb_str_is(pattern, "bad"))
        return i * 7919 % distinct;
    int64_t k = i * distinct / n;
    return cb_str_is(pattern, "nearly") && i % 37 == 5 ? k * 7 % distinct : k;
}

static uint64_t sort_and_hash(struct cb_str pattern, uint64_t n, uint64_t distinct)
{
    struct item *items = cb_realloc_array(NULL, n + 1, sizeof *items);
    void **sorted = cb_realloc_array(NULL, n + 1, sizeof *sorted);
    uint64_t random = n * 2862933555777941757u + distinct, hash = 14695981039346656037u;
    for (uint64_t i = 0; i < n; i++) {
        items[i] = (struct item){key(pattern, (int64_t)i, (int64_t)n, (int64_t)distinct, &random), (uint32_t)i};
        sorted[i] = &items[i];
    }
    cb_go_sort(sorted, n, cb_str_is(pattern, "bad") ? badly : by_key);
    for (uint64_t i = 0; i < n; i++)
        for (unsigned shift = 0; shift < 24; shift += 8)
            hash = (hash ^ (((struct item *)sorted[i])->id >> shift & 0xFF)) * 1099511628211u;
    free(items);
    free(sorted);
    return hash;
}

static void equal_keys(void **state)
{
    (void)state;
    CB_BUF_AUTO golden = {0};
    read_data("golden/builder/go_sort.txt", &golden);
    struct cb_str rest = cb_buf_str(&golden), f[4];
    size_t cases = 0;
    for (; next_fields(&rest, ' ', f, 4) == 4; cases++) {
        uint64_t n = 0, distinct = 0, expected = 0;
        assert_true(cb_str_u64(f[1], 10, &n) && cb_str_u64(f[2], 10, &distinct) && cb_str_u64(f[3], 16, &expected));
        if (sort_and_hash(f[0], n, distinct) != expected)
            fail_msg("%.*s, %d elements, %d keys", CB_STR_ARG(f[0]), (int)n, (int)distinct);
    }
    assert_int_equal(cases, 490);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(equal_keys)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
