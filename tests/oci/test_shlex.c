#include "golden.h"

#include "cbuild/oci/shlex.h"

static void check_row(json_t *row)
{
    CB_ARENA_AUTO a = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    json_t *want = json_object_get(row, "words");
    struct cb_strs words;
    int result = cb_shlex_split(&a, golden_get(row, "in"), &words, &err);

    assert_int_equal(result == 0, json_is_array(want));
    if (result < 0)
        return;
    assert_int_equal(words.n, json_array_size(want));
    for (size_t i = 0; i < words.n; i++)
        assert_str(words.v[i], golden_str(json_array_get(want, i)));
}

static void test_golden(void **state)
{
    (void)state;
    golden_each("shlex.jsonl", check_row);
}

static void test_messages(void **state)
{
    CB_ARENA_AUTO a = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_strs words;

    (void)state;
    assert_fails(cb_shlex_split(&a, CB_STR("a 'b"), &words, &err), &err, CB_E_CONFIG, "a single quote is not closed");
    assert_fails(cb_shlex_split(&a, CB_STR("a \"b'"), &words, &err), &err, CB_E_CONFIG, "a double quote is not");
    assert_fails(cb_shlex_split(&a, CB_STR("a \\"), &words, &err), &err, CB_E_CONFIG, "a backslash");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
