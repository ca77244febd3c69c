#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cbuild/base/buf.h"
#include "cbuild/text/json_read.h"

static void refused(const char *text, enum cb_kind kind, const char *part)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct json_t *root = cb_json_read(cb_str(text), "index.json", 64, &err);
    assert_null(root);
    assert_int_equal(err.kind, kind);
    if (!strstr(err.message, part))
        fail_msg("\"%s\" does not hold \"%s\"", err.message, part);
}

static void accepted(const char *text)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_JSON_AUTO *root = cb_json_read(cb_str(text), "index.json", 64, &err);
    if (!root)
        fail_msg("%s: %s", text, err.message);
}

// Each refusal has a twin that differs only in what it is refused for.
static void refusals(void **state)
{
    (void)state;
    refused("{\"a\":1,\"a\":2}", CB_E_INPUT, "index.json:1:");
    accepted("{\"a\":1,\"b\":2}");
    refused("{\"a\":1,\"\\u0061\":2}", CB_E_INPUT, "duplicate");
    refused("{\"layers\":1,\"Layers\":2}", CB_E_INPUT, "case");
    refused("[{\"x\":{\"layers\":1,\"LAYERS\":2}}]", CB_E_INPUT, "case");
    accepted("[{\"x\":{\"layers\":1}},{\"LAYERS\":2}]");
    refused("{\"a\":1} x", CB_E_INPUT, "index.json:1:9");
    accepted("{\"a\":1} \n");
    refused("{\"a\":\"\xFF\"}", CB_E_INPUT, "the text is not UTF-8");
    accepted("{\"a\":\"\xC3\xA9\"}");
    refused("{\"a\":\"\\u0000\"}", CB_E_INPUT, "\\u0000");
    refused("{\"a\":\"\\ud800\"}", CB_E_INPUT, "invalid Unicode");
    accepted("{\"a\":\"\\ud83d\\ude00\"}");
    refused("", CB_E_INPUT, "index.json:1:1");
    refused("{\"a\":01}", CB_E_INPUT, "index.json");
    refused("{\"a\":9223372036854775808}", CB_E_INPUT, "out of range");
    accepted("{\"a\":9223372036854775807}");
    refused("\"                                                               \"", CB_E_LIMIT, "at most 64");
    accepted("\"                                                              \"");
}

static void nesting(void **state)
{
    (void)state;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO deep = {0};
    for (int i = 0; i < 100000; i++)
        cb_buf_addc(&deep, '[');
    assert_null(cb_json_read(cb_buf_str(&deep), "x", deep.n, &err));
}

static void getters(void **state)
{
    (void)state;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_JSON_AUTO *root = cb_json_read(CB_STR("{\"s\":\"x\",\"i\":-3,\"z\":null,\"b\":true,\"o\":{\"k\":[\"p\",\"q\"]},"
                                             "\"l\":[1]}"),
                                      "x", 1000, &err);
    struct cb_str s;
    int64_t i;
    uint64_t u;
    bool b;
    struct json_t *v;
    assert_int_equal(cb_json_get_str(root, "s", &s, &err), 0);
    assert_string_equal(s.p, "x");
    assert_int_equal(cb_json_get_int(root, "i", &i, &err), 0);
    assert_int_equal(i, -3);
    assert_int_equal(cb_json_get_bool(root, "b", &b, &err), 0);
    assert_true(b);
    assert_int_equal(cb_json_get_str(root, "z", &s, &err), 0);
    assert_null(s.p);
    assert_int_equal(cb_json_get_size(root, "absent", &u, &err), 0);
    assert_int_equal(u, 0);
    assert_true(cb_json_has(root, "z"));
    assert_false(cb_json_has(root, "absent"));
    assert_int_equal(cb_json_get_str(NULL, "s", &s, &err), 0);
    assert_int_equal(cb_json_need_object(root, "o", &v, &err), 0);
    struct cb_strs l = {0};
    assert_int_equal(cb_json_get_strs(v, "k", &l, &err), 0);
    assert_int_equal(l.n, 2);
    cb_strs_release(&l);

    assert_int_equal(cb_json_get_size(root, "i", &u, &err), -1);
    assert_string_equal(err.message, "i: expected a size, found -3");
    cb_error_clear(&err);
    assert_int_equal(cb_json_get_str(root, "l", &s, &err), -1);
    assert_string_equal(err.message, "l: expected a string, found a list");
    cb_error_clear(&err);
    assert_int_equal(cb_json_need_str(root, "z", &s, &err), -1);
    assert_string_equal(err.message, "z: expected a string, found nothing");
    cb_error_clear(&err);
    assert_int_equal(cb_json_get_strs(root, "l", &l, &err), -1);
    cb_strs_release(&l);
}

static void order(void **state)
{
    (void)state;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO keys = {0};
    CB_JSON_AUTO *root = cb_json_read(CB_STR("{\"z\":1,\"a\":2,\"m\":3}"), "x", 1000, &err);
    for (void *at = cb_json_first(root); at; at = cb_json_next(root, at))
        cb_buf_addstr(&keys, cb_json_key_at(at));
    assert_string_equal(keys.p, "zam");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals),
        cmocka_unit_test(nesting),
        cmocka_unit_test(getters),
        cmocka_unit_test(order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
