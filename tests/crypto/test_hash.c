#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cbuild/crypto/hash.h"

static void check(enum cb_hash_kind kind, const char *text, const char *want)
{
    uint8_t once[CB_HASH_MAX], streamed[CB_HASH_MAX];
    char hex[2 * CB_HASH_MAX + 1];
    size_t n = strlen(text);
    cb_hash_once(kind, text, n, once);
    cb_hex(hex, once, cb_hash_size(kind));
    assert_string_equal(hex, want);
    CB_HASH_AUTO *h = cb_hash_new(kind);
    for (int round = 0; round < 2; round++) { // a sum leaves the hash ready for the next
        for (size_t i = 0; i < n; i++)
            cb_hash_add(h, text + i, 1);
        assert_int_equal(cb_hash_sum(h, streamed), cb_hash_size(kind));
        assert_memory_equal(once, streamed, cb_hash_size(kind));
    }
}

// FIPS 180-2, appendices A to C.
static void test_known(void **state)
{
    (void)state;
    check(CB_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d");
    check(CB_SHA1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    check(CB_SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check(CB_SHA512, "abc",
          "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
          "454d4423643ce80e2a9ac94fa54ca49f");
}

static void test_hex(void **state)
{
    (void)state;
    uint8_t out[4];
    assert_true(cb_unhex(out, 4, CB_STR("00fFA09c")));
    assert_memory_equal(out, "\x00\xff\xa0\x9c", 4);
    assert_false(cb_unhex(out, 4, CB_STR("00ffa0")));
    assert_false(cb_unhex(out, 4, CB_STR("00ffa09c0")));
    assert_false(cb_unhex(out, 4, CB_STR("00ffa0 c")));
    assert_false(cb_unhex(out, 4, CB_STR("0x00ffa0")));
}

static void test_base64(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"", ""},        {"f", "Zg=="},         {"fo", "Zm8="},
                                           {"foo", "Zm9v"}, {"fooba", "Zm9vYmE="}, {"\xff\xfe\xfb", "//77"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        CB_BUF_AUTO text = {0};
        CB_BUF_AUTO back = {0};
        cb_base64_add(&text, pairs[i][0], strlen(pairs[i][0]));
        cb_buf_adds(&text, "");
        assert_true(cb_str_is(cb_buf_str(&text), pairs[i][1]));
        assert_int_equal(cb_base64_decode(&back, cb_str(pairs[i][1])), 0);
        assert_true(cb_str_is(cb_buf_str(&back), pairs[i][0]));
    }
}

// Each is one step from a text that is accepted, and some of them are accepted by OpenSSL's EVP_DecodeBlock.
static void test_base64_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"Zg=",    "Zg",    "Z===", "====", "=Zg=",     "=QUJ",   "Zh==",    "Zm9=",
                                      "Zm8=\n", " Zm8=", "Zm8 ", "Zm-_", "Zm8=Zm8=", "Zm9vYg", "Zg==Zg=="};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CB_BUF_AUTO out = {0};
        cb_buf_adds(&out, "kept");
        assert_int_equal(cb_base64_decode(&out, cb_str(bad[i])), -1);
        assert_true(cb_str_is(cb_buf_str(&out), "kept"));
    }
    CB_BUF_AUTO out = {0};
    assert_int_equal(cb_base64url_decode(&out, CB_STR("_-77")), 0);
    assert_int_equal(cb_base64url_decode(&out, CB_STR("Zg==")), -1);
    assert_int_equal(cb_base64url_decode(&out, CB_STR("//77")), -1);
    assert_int_equal(cb_base64url_decode(&out, CB_STR("Z")), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_known), cmocka_unit_test(test_hex),
                                       cmocka_unit_test(test_base64), cmocka_unit_test(test_base64_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
