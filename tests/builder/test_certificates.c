// data/certificates.txt: texts with certificates, well-formed and not; golden/builder/certificates.txt: whether apko
// d1b5d5ec (on Go 1.26) takes them, with the fingerprint and the SHA-256 of the PEM that it writes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../../builder/certificates.h"
#include "../../builder/keystore.h"
#include "golden_lines.h"

// The next "=== name" with what stands behind it.
static bool next_text(struct cb_str *rest, struct cb_str *name, struct cb_str *text)
{
    *rest = cb_str_skip(*rest, 4);
    if (!cb_str_cut(rest, '\n', name) || name->n == 0)
        return false;
    const char *end = rest->n ? memmem(rest->p, rest->n, "=== ", 4) : NULL;
    *text = end ? cb_str_head(*rest, (size_t)(end - rest->p)) : *rest;
    *rest = cb_str_skip(*rest, text->n);
    return true;
}

static void describe(struct cb_str name, struct cb_str text, struct cb_buf *out)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_certificate c = {0};
    uint8_t sum[CB_SHA256_SIZE];
    char hex[CB_SHA256_HEX];
    cb_buf_addstr(out, name);
    if (cb_certificate_read(text, &c, &err)) {
        assert_int_equal(err.kind, CB_E_INPUT);
        cb_buf_adds(out, " refused");
        return;
    }
    cb_hash_once(CB_SHA256, c.pem.p, c.pem.n, sum);
    cb_hex(hex, sum, sizeof sum);
    cb_buf_addf(out, " %s %s", c.fingerprint, hex);
    cb_certificate_release(&c);
}

static void verdicts(void **state)
{
    (void)state;
    CB_BUF_AUTO data = {0};
    CB_BUF_AUTO golden = {0};
    read_data("tests/builder/data/certificates.txt", &data);
    read_data("golden/builder/certificates.txt", &golden);
    struct cb_str rest = cb_buf_str(&data), expected = cb_buf_str(&golden), name, text, line;
    size_t cases = 0;
    for (; next_text(&rest, &name, &text); cases++) {
        CB_BUF_AUTO got = {0};
        describe(name, text, &got);
        assert_true(cb_str_cut(&expected, '\n', &line));
        if (!cb_str_eq(cb_buf_str(&got), line))
            fail_msg("got      %.*s\nexpected %.*s", CB_STR_ARG(cb_buf_str(&got)), CB_STR_ARG(line));
    }
    assert_true(cases > 50);
}

// Cut anywhere, a keystore is refused; whole, it comes out as it went in.
static void keystore_cut(void **state)
{
    (void)state;
    CB_KEYSTORE_AUTO empty = {0};
    CB_BUF_AUTO store = {0};
    CB_BUF_AUTO again = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    cb_keystore_trust(&empty, CB_STR("Some-Alias"), CB_STR("der"), 1700000000123);
    cb_keystore_trust(&empty, CB_STR("another"), CB_STR("red"), -1);
    cb_keystore_trust(&empty, CB_STR("some-alias"), CB_STR("new"), 5);
    assert_int_equal(cb_keystore_write(&empty, "changeit", &store, &err), 0);
    for (size_t n = 0; n < store.n; n++) {
        CB_KEYSTORE_AUTO k = {0};
        CB_ERROR_AUTO cut = CB_ERROR_INIT;
        assert_int_equal(cb_keystore_read(&k, cb_strn(store.p, n), "changeit", &cut), -1);
        assert_int_equal(cut.kind, CB_E_INPUT);
    }
    CB_KEYSTORE_AUTO k = {0};
    assert_int_equal(cb_keystore_read(&k, cb_buf_str(&store), "changeit", &err), 0);
    assert_int_equal(k.entries.n, 2);
    assert_int_equal(cb_keystore_write(&k, "changeit", &again, &err), 0);
    assert_true(cb_str_eq(cb_buf_str(&store), cb_buf_str(&again)));
}

static void keystore_password(void **state)
{
    (void)state;
    CB_KEYSTORE_AUTO empty = {0};
    CB_KEYSTORE_AUTO k = {0};
    CB_BUF_AUTO store = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    assert_int_equal(cb_keystore_write(&empty, "changeit", &store, &err), 0);
    assert_int_equal(cb_keystore_read(&k, cb_buf_str(&store), "another", &err), -1);
    assert_non_null(strstr(err.message, "digest"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts),
        cmocka_unit_test(keystore_cut),
        cmocka_unit_test(keystore_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
