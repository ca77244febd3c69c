#include "golden.h"

#include "cbuild/oci/reference.h"

static void check_reference(json_t *row, const struct cb_reference *r)
{
    json_t *want = json_object_get(row, "reference");
    CB_ARENA_AUTO a = {0};

    assert_str(r->digest.n ? CB_STR("d") : CB_STR("t"), golden_str(json_array_get(want, 0)));
    assert_str(r->registry, golden_str(json_array_get(want, 1)));
    assert_str(r->repository, golden_str(json_array_get(want, 2)));
    assert_str(cb_reference_identifier(r), golden_str(json_array_get(want, 3)));
    assert_str(cb_reference_name(&a, r), golden_str(json_array_get(want, 4)));
    assert_str(cb_str(cb_registry_scheme(r->registry)), golden_str(json_array_get(want, 5)));
    assert_str(r->original, golden_get(row, "in"));
}

static void check_row(json_t *row)
{
    CB_ARENA_AUTO a = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_str in = golden_get(row, "in");
    struct cb_reference r;
    int result = cb_reference_parse(&a, in, &r, &err);

    if ((result == 0) == json_is_null(json_object_get(row, "reference")))
        fail_msg("\"%.*s\": %s", CB_STR_ARG(in), result == 0 ? "accepted" : err.message);
    if (result == 0)
        check_reference(row, &r);
    else
        assert_true(err.kind == CB_E_USAGE);
    cb_error_clear(&err);
    assert_int_equal(cb_reference_parse_tag(&a, in, &r, &err) == 0, json_is_true(json_object_get(row, "tag")));
    cb_error_clear(&err);
    assert_int_equal(cb_reference_parse_digest(&a, in, &r, &err) == 0, json_is_true(json_object_get(row, "digest")));
    cb_error_clear(&err);
    result = cb_reference_parse_repository(&a, in, &r, &err);
    assert_int_equal(result == 0, !json_is_null(json_object_get(row, "repository")));
    if (result == 0)
        assert_str(cb_reference_repository(&a, &r), golden_get(row, "repository"));
}

static void test_golden(void **state)
{
    (void)state;
    golden_each("references.jsonl", check_row);
}

static void test_messages(void **state)
{
    static const struct {
        const char *in, *message, *hint;
    } cases[] = {
        {"Foo/bar", "the repository \"Foo/bar\" has the character 'F'", "repositories are in lower case"},
        {"foo:", "there is no tag after the ':'", NULL},
        {"foo:a b", "the tag \"a b\" has the character ' '", NULL},
        {"x", "has fewer than 2 characters", NULL},
        {"", "there is no repository name", NULL},
        {"a b.c/foo", "the registry \"a b.c\" is not a host name", NULL},
        {"foo@sha256:abc", "has 3 digits after \"sha256:\", not 64", NULL},
        {"foo@md5:abc", "is not a sha256 digest", NULL},
        {"foo@a@b", "exactly one '@'", NULL},
    };
    CB_ERROR_AUTO err = CB_ERROR_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CB_ARENA_AUTO a = {0};
        struct cb_reference r;
        int result = cb_reference_parse(&a, cb_str(cases[i].in), &r, &err);
        assert_int_equal(result, -1);
        if (cases[i].hint)
            assert_string_equal(err.hint, cases[i].hint);
        assert_fails(result, &err, CB_E_USAGE, cases[i].message);
    }
}

static void test_length_limit(void **state)
{
    char long_name[CB_REFERENCE_MAX + 2];
    CB_ARENA_AUTO a = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_reference r;

    (void)state;
    memset(long_name, 'a', sizeof long_name);
    assert_fails(cb_reference_parse(&a, cb_strn(long_name, CB_REFERENCE_MAX + 1), &r, &err), &err, CB_E_LIMIT,
                 "longer than 4096 bytes");
    assert_fails(cb_reference_parse(&a, cb_strn(long_name, CB_REFERENCE_MAX), &r, &err), &err, CB_E_USAGE, "255");
    assert_int_equal(cb_reference_parse(&a, cb_strn(long_name, 255), &r, &err), 0);
}

static void test_with(void **state)
{
    CB_ARENA_AUTO a = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_reference r, other;

    (void)state;
    assert_int_equal(cb_reference_parse(&a, CB_STR("foo:1"), &r, &err), 0);
    other = cb_reference_with_tag(&a, &r, CB_STR("2"));
    assert_str(other.original, CB_STR("index.docker.io/library/foo:2"));
    other = cb_reference_with_digest(&a, &r, CB_STR("sha256:x"));
    assert_str(cb_reference_name(&a, &other), CB_STR("index.docker.io/library/foo@sha256:x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_length_limit),
        cmocka_unit_test(test_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
