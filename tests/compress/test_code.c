// Huffman codes: that the two constructions agree, that limits hold, that codes are complete and cheap.
#include "testing.h"

// White box: the constructions are static.
#include "../../compress/deflate_code.c"

static uint64_t state = 88172645463325252u;

static uint32_t random_below(uint32_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)((state >> 32) % n);
}

// Frequencies of all sorts of slopes, with many ties; returns how many are not 0.
static uint32_t random_frequencies(uint32_t *f, uint32_t n)
{
    uint32_t used = 0, most = 1u << random_below(15), zeros = 1 + random_below(6);
    for (uint32_t s = 0; s < n; s++) {
        f[s] = random_below(zeros) ? 1 + random_below(1 + (most >> random_below(14))) : 0;
        used += f[s] != 0;
    }
    return used;
}

static void test_constructions_agree(void **unused)
{
    (void)unused;
    unsigned compared = 0;
    for (int round = 0; round < 20000; round++) {
        uint32_t f[CB_DEFLATE_LITLEN_SYMBOLS], keys[CB_DEFLATE_LITLEN_SYMBOLS], n = 0;
        uint32_t size = 3 + random_below(CB_DEFLATE_LITLEN_SYMBOLS - 2);
        random_frequencies(f, size);
        for (uint32_t s = 0; s < size; s++) {
            if (f[s])
                keys[n++] = KEY(f[s], s);
        }
        if (n < 3)
            continue;
        sort_symbols(keys, n);
        uint16_t fast[CB_DEFLATE_MAX_CODE_BITS + 1] = {0}, limited[CB_DEFLATE_MAX_CODE_BITS + 1] = {0};
        uint32_t limit = random_below(2) ? CB_DEFLATE_MAX_CODE_BITS : 9;
        if (!count_lengths(keys, n, limit, fast))
            continue;
        count_lengths_limited(keys, n, limit, limited);
        assert_memory_equal(fast, limited, (limit + 1) * sizeof *fast);
        compared++;
    }
    assert_true(compared > 10000);
}

static void check_complete(const struct cb_code *c, const uint32_t *f, uint32_t n, uint32_t used, uint32_t limit)
{
    uint32_t space = 0;
    for (uint32_t s = 0; s < n; s++) {
        uint32_t length = cb_code_length(c->entry[s]);
        assert_int_equal(length > 0, f[s] > 0);
        assert_true(length <= limit);
        if (length)
            space += 1u << (limit - length);
        // The more frequent never gets the longer code.
        for (uint32_t t = 0; t < s; t++)
            assert_true(!f[s] || !f[t] || f[s] == f[t] || (f[s] > f[t]) == (length <= cb_code_length(c->entry[t])) ||
                        length == cb_code_length(c->entry[t]));
    }
    if (used >= 2)
        assert_int_equal(space, 1u << limit);
}

static void test_codes_are_complete(void **unused)
{
    (void)unused;
    for (int round = 0; round < 2000; round++) {
        uint32_t f[CB_DEFLATE_LITLEN_SYMBOLS];
        bool pre = random_below(2);
        uint32_t n = pre ? CB_DEFLATE_PRECODE_SYMBOLS : CB_DEFLATE_LITLEN_SYMBOLS;
        uint32_t limit = pre ? CB_DEFLATE_MAX_PRECODE_BITS : CB_DEFLATE_MAX_CODE_BITS;
        uint32_t used = random_frequencies(f, n);
        struct cb_code c;
        cb_code_build(&c, f, n, limit);
        check_complete(&c, f, n, used, limit);
    }
}

static void test_few_symbols(void **unused)
{
    (void)unused;
    uint32_t f[30] = {0};
    struct cb_code c;
    cb_code_build(&c, f, 30, 15);
    for (uint32_t s = 0; s < 30; s++)
        assert_int_equal(c.entry[s], 0);
    f[7] = 9;
    cb_code_build(&c, f, 30, 15);
    assert_int_equal(c.entry[7], cb_code_entry(0, 1));
    f[20] = 100; // the first in order gets the 0, whatever their frequencies
    cb_code_build(&c, f, 30, 15);
    assert_int_equal(c.entry[7], cb_code_entry(0, 1));
    assert_int_equal(c.entry[20], cb_code_entry(1, 1));
}

static void test_fibonacci_meets_the_limit(void **unused)
{
    (void)unused;
    uint32_t f[19], a = 1, b = 1;
    for (uint32_t s = 0; s < 19; s++) {
        f[s] = a;
        b += a;
        a = b - a;
    }
    struct cb_code c;
    cb_code_build(&c, f, 19, 7);
    check_complete(&c, f, 19, 19, 7);
    cb_code_build(&c, f, 19, 15);
    check_complete(&c, f, 19, 19, 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constructions_agree),
        cmocka_unit_test(test_codes_are_complete),
        cmocka_unit_test(test_few_symbols),
        cmocka_unit_test(test_fibonacci_meets_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
