#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <stdlib.h>

#include "cbuild/base/alloc.h"
#include "cbuild/base/pool.h"
#include "cbuild/base/share.h"

static atomic_uint made, destroyed;

static void destroy(void *thing)
{
    destroyed++;
    free(thing);
}

static uint64_t weigh(const void *thing)
{
    return *(const unsigned *)thing;
}

static void *make(void *ctx, struct cb_error *err)
{
    const unsigned *value = ctx;
    if (!*value) {
        cb_fail(err, CB_E_INPUT, "nothing to make");
        return NULL;
    }
    unsigned *thing = cb_alloc(sizeof *thing);
    *thing = *value;
    made++;
    return thing;
}

static unsigned *take(struct cb_share *s, const char *key, unsigned value)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    return cb_share_take(s, cb_str(key), make, &value, &err);
}

static struct cb_share *begin(size_t most_idle, uint64_t most_weight)
{
    made = destroyed = 0;
    return cb_share_new(&(struct cb_share_kind){destroy, weigh, most_idle, most_weight});
}

static void what_is_in_use_is_made_once(void **state)
{
    (void)state;
    struct cb_share *s = begin(0, 0);
    unsigned *a = take(s, "a", 1), *b = take(s, "b", 2);
    assert_ptr_equal(take(s, "a", 7), a);
    assert_int_equal(*a + *b, 3);
    assert_int_equal(made, 2);
    cb_share_give_back(s, CB_STR("a"));
    assert_int_equal(destroyed, 0);
    cb_share_give_back(s, CB_STR("a"));
    assert_int_equal(destroyed, 1);
    assert_int_equal(*take(s, "a", 7), 7);
    cb_share_free(s); // with two things not given back
    assert_int_equal(destroyed, 3);
}

static void a_failure_is_not_remembered(void **state)
{
    (void)state;
    struct cb_share *s = begin(0, 0);
    assert_null(take(s, "a", 0));
    assert_int_equal(*take(s, "a", 3), 3);
    cb_share_free(s);
}

static void the_things_used_last_are_kept(void **state)
{
    (void)state;
    struct cb_share *s = begin(2, 100);
    const char *const keys[] = {"a", "b", "c"};
    for (size_t i = 0; i < 3; i++) {
        take(s, keys[i], 10);
        cb_share_give_back(s, cb_str(keys[i]));
    }
    assert_int_equal(destroyed, 1);
    assert_int_equal(*take(s, "b", 1), 10);
    assert_int_equal(*take(s, "c", 1), 10);
    assert_int_equal(*take(s, "a", 1), 1);
    assert_int_equal(made, 4);
    take(s, "heavy", 101);
    cb_share_give_back(s, CB_STR("heavy"));
    assert_int_equal(destroyed, 2); // too heavy to be kept
    cb_share_free(s);
}

struct crowd {
    struct cb_share *s;
    atomic_uint total;
};

static int use(void *ctx, size_t i, struct cb_error *err)
{
    struct crowd *c = ctx;
    unsigned value = 1 + (unsigned)(i % 3);
    char key[2] = {(char)('a' + i % 3), 0};
    unsigned *thing = cb_share_take(c->s, cb_str(key), make, &value, err);
    c->total += *thing;
    cb_share_give_back(c->s, cb_str(key));
    return 0;
}

static void threads_share(void **state)
{
    (void)state;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_pool *pool = cb_pool_new(8);
    struct crowd c = {.s = begin(3, 100)};
    assert_int_equal(cb_parallel(pool, 3000, 0, use, &c, &err), 0);
    assert_int_equal(c.total, 6000);
    assert_int_equal(made, 3);
    cb_share_free(c.s);
    cb_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_in_use_is_made_once),
        cmocka_unit_test(a_failure_is_not_remembered),
        cmocka_unit_test(the_things_used_last_are_kept),
        cmocka_unit_test(threads_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
