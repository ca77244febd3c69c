// Golden strings: encoding/json of Go 1.26.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cbuild/text/gojson.h"
#include "cbuild/text/utf8.h"

static void quoted_is(struct cb_str in, bool plain_html, const char *expected)
{
    CB_BUF_AUTO out = {0};
    struct cb_json j = cb_json(&out, NULL, NULL);
    j.plain_html = plain_html;
    cb_json_str(&j, in);
    assert_string_equal(out.p, expected);
}

static void strings(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"", "\"\""},
        {"plain", "\"plain\""},
        {"\"\\", "\"\\\"\\\\\""},
        {"\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\""},
        {"\x01\x0b\x1b\x1f", "\"\\u0001\\u000b\\u001b\\u001f\""},
        {"\x7f", "\"\x7f\""},
        {"<a href='x'>&</a>", "\"\\u003ca href='x'\\u003e\\u0026\\u003c/a\\u003e\""},
        {"é 漢 😀", "\"é 漢 😀\""},
        {"\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xAA", "\"\\u2028\\u2029\xE2\x80\xAA\""},
        {"a\xFFz", "\"a\\ufffdz\""},
        {"\xEF\xBF\xBD", "\"\xEF\xBF\xBD\""},                     // U+FFFD itself stays
        {"\xC0\x80", "\"\\ufffd\\ufffd\""},                       // overlong
        {"\xED\xA0\x80", "\"\\ufffd\\ufffd\\ufffd\""},            // a surrogate
        {"\xF4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""}, // past U+10FFFF
        {"\xE2\x82", "\"\\ufffd\\ufffd\""},                       // cut off
        {"\xF0\x9F\x98", "\"\\ufffd\\ufffd\\ufffd\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        quoted_is(cb_str(cases[i].in), false, cases[i].out);
    quoted_is(CB_STR("a\0b"), false, "\"a\\u0000b\"");
    quoted_is(CB_STR("<>&\xE2\x80\xA8"), true, "\"<>&\\u2028\"");
}

static void compact(void **state)
{
    (void)state;
    CB_BUF_AUTO out = {0};
    struct cb_json j = cb_json(&out, NULL, NULL);
    cb_json_object(&j);
    cb_json_key(&j, "a");
    cb_json_array(&j);
    cb_json_int(&j, -1);
    cb_json_uint(&j, UINT64_MAX);
    cb_json_bool(&j, true);
    cb_json_bool(&j, false);
    cb_json_null(&j);
    cb_json_raw(&j, CB_STR("{\"x\":1}"));
    cb_json_object(&j);
    cb_json_end(&j);
    cb_json_array(&j);
    cb_json_end(&j);
    cb_json_end(&j);
    cb_json_field(&j, "left out", CB_STR(""));
    cb_json_field(&j, "<", CB_STR("s"));
    cb_json_end(&j);
    assert_string_equal(out.p, "{\"a\":[-1,18446744073709551615,true,false,null,{\"x\":1},{},[]],\"\\u003c\":\"s\"}");
}

static void indented(void **state)
{
    (void)state;
    CB_BUF_AUTO out = {0};
    struct cb_json j = cb_json(&out, ">", "  ");
    cb_json_object(&j);
    cb_json_key(&j, "a");
    cb_json_array(&j);
    cb_json_int(&j, 1);
    cb_json_array(&j);
    cb_json_end(&j);
    cb_json_end(&j);
    cb_json_key(&j, "b");
    cb_json_object(&j);
    cb_json_end(&j);
    cb_json_key(&j, "c");
    cb_json_object(&j);
    cb_json_key(&j, "d");
    cb_json_cstr(&j, "e");
    cb_json_end(&j);
    cb_json_end(&j);
    assert_string_equal(
        out.p, "{\n>  \"a\": [\n>    1,\n>    []\n>  ],\n>  \"b\": {},\n>  \"c\": {\n>    \"d\": \"e\"\n>  }\n>}");
}

static void utf8_round_trip(void **state)
{
    (void)state;
    static const uint32_t runes[] = {0, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF};
    for (size_t i = 0; i < sizeof runes / sizeof *runes; i++) {
        CB_BUF_AUTO out = {0};
        size_t width;
        cb_utf8_add(&out, runes[i]);
        assert_int_equal(cb_utf8_decode(cb_buf_str(&out), &width), runes[i]);
        assert_int_equal(width, out.n);
        assert_true(cb_utf8_valid(cb_buf_str(&out)));
    }
    CB_BUF_AUTO out = {0};
    cb_utf8_add(&out, 0xD800);
    cb_utf8_add(&out, 0x110000);
    assert_string_equal(out.p, "\xEF\xBF\xBD\xEF\xBF\xBD");
    assert_false(cb_utf8_valid(CB_STR("a\x80")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings),
        cmocka_unit_test(compact),
        cmocka_unit_test(indented),
        cmocka_unit_test(utf8_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
