#include "golden.h"

#include "cbuild/oci/digest.h"

#define HELLO "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

static void test_parse(void **state)
{
    static const struct {
        const char *in, *message; // NULL: accepted
    } cases[] = {
        {"sha256:" HELLO, NULL},
        {"", "missing"},
        {"sha256", "not a sha256 digest"},
        {"SHA256:" HELLO, "not a sha256 digest"},
        {"sha512:" HELLO, "not a sha256 digest"},
        {"sha256:../../etc/passwd", "16 digits"},
        {"sha256:" HELLO "0", "65 digits"},
        {"sha256:2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824", "not one of 0-9 and a-f"},
        {"sha256:../../../../../../../../../../../../../../../../../../../etc/passwd", "digits"},
        {"sha256:./4dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b982400", "not one of 0-9 and a-f"},
    };
    CB_ERROR_AUTO err = CB_ERROR_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cb_digest d;
        int result = cb_digest_parse(&d, cb_str(cases[i].in), &err);
        assert_int_equal(cb_digest_is_set(&d), cases[i].message == NULL);
        if (cases[i].message)
            assert_fails(result, &err, CB_E_INPUT, cases[i].message);
        else
            assert_int_equal(result, 0);
    }
}

static void test_hash(void **state)
{
    struct cb_digest d = cb_digest_of(CB_STR("hello"));

    (void)state;
    assert_string_equal(d.text, "sha256:" HELLO);
    assert_string_equal(cb_digest_hex(&d), HELLO);
}

static int read_checked(const char *bytes, const char *digest_of, uint64_t size, struct cb_error *err)
{
    struct cb_mem_source mem = cb_mem_source(bytes, strlen(bytes));
    struct cb_digest want = cb_digest_of(cb_str(digest_of));
    struct cb_digest_source s = cb_digest_source(&mem.source, &want, size, "blob");
    CB_BUF_AUTO out = {0};
    int result = cb_read_all(&s.source, &out, 1000, "blob", err);

    cb_digest_source_release(&s);
    if (result == 0)
        assert_str(cb_buf_str(&out), cb_str(bytes));
    return result;
}

static void test_source(void **state)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;

    (void)state;
    assert_int_equal(read_checked("hello", "hello", 5, &err), 0);
    assert_int_equal(read_checked("", "", 0, &err), 0);
    assert_fails(read_checked("hello", "hello", 6, &err), &err, CB_E_TRUST, "ends after 5 of 6 bytes");
    assert_fails(read_checked("hello", "hello", 4, &err), &err, CB_E_TRUST, "larger than the 4 bytes");
    assert_fails(read_checked("hellp", "hello", 5, &err), &err, CB_E_TRUST, "expected sha256:" HELLO);
    assert_fails(read_checked("x", "", 0, &err), &err, CB_E_TRUST, "larger than the 0 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_hash),
        cmocka_unit_test(test_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
