#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <stdlib.h>

#include "cbuild/base/alloc.h"
#include "cbuild/base/pool.h"

static const unsigned thread_counts[] = {1, 2, 8};

struct sum {
    struct cb_pool *pool;
    atomic_uint total;
};

static int add(void *ctx, size_t i, struct cb_error *err)
{
    (void)err;
    atomic_fetch_add(&((struct sum *)ctx)->total, (unsigned)i);
    return 0;
}

static int add_nested(void *ctx, size_t i, struct cb_error *err)
{
    struct sum *s = ctx;
    (void)i;
    return cb_parallel(s->pool, 10, 0, add, s, err);
}

static void every_job_runs_once(void **state)
{
    (void)state;
    for (size_t t = 0; t < 3; t++) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        struct sum s = {cb_pool_new(thread_counts[t]), 0};
        assert_int_equal(cb_parallel(s.pool, 1000, 0, add, &s, &err), 0);
        assert_int_equal(s.total, 499500);
        assert_int_equal(cb_parallel(s.pool, 1000, 3, add, &s, &err), 0);
        assert_int_equal(s.total, 999000);
        s.total = 0;
        assert_int_equal(cb_parallel(s.pool, 20, 0, add_nested, &s, &err), 0);
        assert_int_equal(s.total, 20 * 45);
        cb_pool_free(s.pool);
    }
}

static int fail_late(void *ctx, size_t i, struct cb_error *err)
{
    (void)ctx;
    return i >= 7 ? cb_fail(err, CB_E_INPUT, "job %zu", i) : 0;
}

static void the_first_error_is_kept(void **state)
{
    (void)state;
    for (size_t t = 0; t < 3; t++) {
        struct cb_pool *p = cb_pool_new(thread_counts[t]);
        for (int round = 0; round < 50; round++) {
            CB_ERROR_AUTO err = CB_ERROR_INIT;
            assert_int_equal(cb_parallel(p, 40, 0, fail_late, NULL, &err), -1);
            assert_string_equal(err.message, "job 7");
        }
        cb_pool_free(p);
    }
}

static int square(void *ctx, struct cb_error *err)
{
    unsigned *n = ctx;
    (void)err;
    *n *= *n;
    return 0;
}

static void results_leave_in_order(void **state)
{
    (void)state;
    enum { RING = 4, JOBS = 200 };
    for (size_t t = 0; t < 3; t++) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        struct cb_pool *p = cb_pool_new(thread_counts[t]);
        struct cb_group *g = cb_group_new(p);
        unsigned slots[RING];
        for (unsigned i = 0; i < JOBS + RING; i++) {
            if (i >= RING) {
                assert_int_equal(cb_group_wait_one(g, i - RING, &err), 0);
                assert_int_equal(slots[i % RING], (i - RING) * (i - RING));
            }
            slots[i % RING] = i;
            if (i < JOBS)
                cb_group_submit(g, square, &slots[i % RING]);
        }
        cb_group_free(g);
        cb_pool_free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_runs_once),
        cmocka_unit_test(the_first_error_is_kept),
        cmocka_unit_test(results_leave_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
