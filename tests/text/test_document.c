// Documents and scalars as yaml.v3 v3.0.1 reads them, and what must be refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cbuild/base/buf.h"
#include "cbuild/text/document.h"

static void dump(const struct cb_doc_node *n, struct cb_buf *out)
{
    static const char *const tags[] = {"null", "bool",  "int", "float", "str",  "time",
                                       "bin",  "merge", "seq", "map",   "other"};
    if (n->kind == CB_DOC_ALIAS) {
        cb_buf_addf(out, "*%s", n->text.p);
        return;
    }
    if (n->kind == CB_DOC_SCALAR) {
        cb_buf_addf(out, "%s(%s)", tags[n->tag], n->text.p);
        return;
    }
    cb_buf_addc(out, n->kind == CB_DOC_SEQUENCE ? '[' : '{');
    for (size_t i = 0; i < n->n; i++) {
        cb_buf_adds(out, i == 0 ? "" : n->kind == CB_DOC_MAPPING && i % 2 ? ": " : ", ");
        dump(n->v[i], out);
    }
    cb_buf_addc(out, n->kind == CB_DOC_SEQUENCE ? ']' : '}');
}

static void accepted(struct cb_str text, const char *expected)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_DOC_AUTO doc = {0};
    CB_BUF_AUTO out = {0};
    if (cb_doc_parse(&doc, "x.yaml", text, &err))
        fail_msg("%.*s: %s", CB_STR_ARG(text), err.message);
    if (doc.root)
        dump(doc.root, &out);
    assert_string_equal(out.p ? out.p : "", expected);
}

static void refused(struct cb_str text, const char *message)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_DOC_AUTO doc = {0};
    if (cb_doc_parse(&doc, "x.yaml", text, &err) == 0)
        fail_msg("%.*s: accepted", CB_STR_ARG(text));
    if (strncmp(err.message, message, strlen(message)) != 0)
        fail_msg("%.*s: \"%s\", not \"%s\"", CB_STR_ARG(text), err.message, message);
}

static void documents(void **state)
{
    (void)state;
    accepted(CB_STR(""), "");
    accepted(CB_STR("# nothing\n"), "");
    accepted(CB_STR("---\n"), "null()");
    accepted(CB_STR("a: 1\nb: [x, 'y', \"z\", ~]\n"), "{str(a): int(1), str(b): [str(x), str(y), str(z), null(~)]}");
    accepted(CB_STR("a: &x {b: c}\nd: *x\n"), "{str(a): {str(b): str(c)}, str(d): *x}");
    accepted(CB_STR("<<: {a: b}\n\"<<\": c\n"), "{merge(<<): {str(a): str(b)}, str(<<): str(c)}");
    accepted(CB_STR("a: b\n---\nc: [\n"), "{str(a): str(b)}");
    accepted(CB_STR("{\"a\":\"b\"} trailing text"), "{str(a): str(b)}");
    accepted(CB_STR("\xEF\xBB\xBF"
                    "a: b\n"),
             "{str(a): str(b)}");
    accepted(CB_STR("\xFF\xFEk\0:\0 \0\xE9\0"), "{str(k): str(\xC3\xA9)}");
    accepted(CB_STR("\xFE\xFF\0k\0:\0 \xD8\x3D\xDE\0"), "{str(k): str(\xF0\x9F\x98\x80)}");
    accepted(CB_STR("a: !!str 1\nb: !x y\nc: !!binary aGk=\n"),
             "{str(a): str(1), str(b): other(y), str(c): bin(aGk=)}");
    accepted(CB_STR("a: \"it\\'s\"\nb: \"\\'\\\\'\"\n"), "{str(a): str(it's), str(b): str('\\')}");
}

static void refusals(void **state)
{
    (void)state;
    refused(CB_STR("a: [b\n"), "x.yaml:1:4: this \"[\" is not closed");
    refused(CB_STR("a: \"b\\/c\"\n"), "x.yaml:1:6: \"\\/\"");
    refused(CB_STR("[a, b?c]"), "x.yaml:1:5: a \"?\"");
    refused(CB_STR("%YAML 1.2\n---\na: b\n"), "x.yaml:1:1: only \"%YAML 1.1\"");
    refused(CB_STR("a: *b\n"), "x.yaml:1:4: no anchor \"&b\"");
    refused(CB_STR("a: b\nc: \x01\n"), "x.yaml:2:4: a control character");
    refused(CB_STR("a: \xFF\n"), "x.yaml:1:4: the text is not UTF-8");
    refused(CB_STR("{\"a\":\"b\"} @"), "x.yaml:1:11: a value cannot begin with \"@\"");
    refused(CB_STR("\xFF\xFE\0\xD8"), "x.yaml: UTF-16 text ends within a character");
    refused(CB_STR("\xFF\xFE\0\xDC"), "x.yaml: half a surrogate pair");
    refused(CB_STR("a: \"\\q\"\n"), "x.yaml:1:5: this escape sequence is not known");
}

// Without a limit on depth, libyaml needs a minute for this.
static void depth(void **state)
{
    (void)state;
    CB_BUF_AUTO text = {0};
    for (int i = 0; i < 200000; i++)
        cb_buf_addc(&text, '{');
    refused(cb_buf_str(&text), "x.yaml:1:10001: nested deeper than 10000 levels");
    text.n = 0;
    for (int i = 0; i < 9000; i++)
        cb_buf_addc(&text, '[');
    for (int i = 0; i < 9000; i++)
        cb_buf_addc(&text, ']');
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_DOC_AUTO doc = {0};
    assert_int_equal(cb_doc_parse(&doc, "x.yaml", cb_buf_str(&text), &err), 0);
}

static void caret(void **state)
{
    (void)state;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_DOC_AUTO doc = {0};
    assert_int_equal(cb_doc_parse(&doc, "x.yaml", CB_STR("a: b\nk\xC3\xA9y: value\n"), &err), 0);
    cb_doc_fail(&doc, doc.root->v[3], &err, "no good");
    assert_string_equal(err.message, "x.yaml:2:6: no good");
    assert_string_equal(err.detail, "k\xC3\xA9y: value\n     ^~~~~");
}

static void scalars(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum cb_doc_tag tag;
        int64_t i;
        double f;
    } cases[] = {
        {"", CB_TAG_NULL},
        {"~", CB_TAG_NULL},
        {"NULL", CB_TAG_NULL},
        {"nULL", CB_TAG_STR},
        {"true", CB_TAG_BOOL, 1},
        {"FALSE", CB_TAG_BOOL, 0},
        {"yes", CB_TAG_STR},
        {"on", CB_TAG_STR},
        {"0", CB_TAG_INT, 0},
        {"-0", CB_TAG_INT, 0},
        {"+5", CB_TAG_INT, 5},
        {"017", CB_TAG_INT, 15},
        {"0o17", CB_TAG_INT, 15},
        {"0O17", CB_TAG_INT, 15},
        {"0b101", CB_TAG_INT, 5},
        {"0b-11", CB_TAG_INT, -3},
        {"0o-7", CB_TAG_INT, -7},
        {"-0x1F", CB_TAG_INT, -31},
        {"1__0", CB_TAG_INT, 10},
        {"1_", CB_TAG_INT, 1},
        {"0x_1F", CB_TAG_INT, 31},
        {"0x", CB_TAG_STR},
        {"08", CB_TAG_FLOAT, 0, 8},
        {"1.", CB_TAG_FLOAT, 0, 1},
        {".5", CB_TAG_FLOAT, 0, .5},
        {"+.5", CB_TAG_FLOAT, 0, .5},
        {".5e1_0", CB_TAG_FLOAT, 0, .5e10},
        {".1__0", CB_TAG_STR},
        {"._5", CB_TAG_STR},
        {"1e3", CB_TAG_FLOAT, 0, 1000},
        {"1e999", CB_TAG_STR},
        {"1e-999", CB_TAG_FLOAT, 0, 0},
        {"1e", CB_TAG_STR},
        {".", CB_TAG_STR},
        {"-", CB_TAG_STR},
        {"12:30", CB_TAG_STR},
        {"18446744073709551616", CB_TAG_FLOAT, 0, 18446744073709551616.0},
        {"-9223372036854775808", CB_TAG_INT, INT64_MIN},
        {"2001-01-01", CB_TAG_TIMESTAMP},
        {"2001-1-1", CB_TAG_TIMESTAMP},
        {"2001-02-29", CB_TAG_STR},
        {"2000-02-29", CB_TAG_TIMESTAMP},
        {"2001-01-01T00:00:00Z", CB_TAG_TIMESTAMP},
        {"2001-01-01t1:2:3.5+24:60", CB_TAG_TIMESTAMP},
        {"2001-01-01T00:00:00", CB_TAG_STR},
        {"2001-01-01   1:2:3,25", CB_TAG_TIMESTAMP},
        {"2001-01-01 00:00:00Z", CB_TAG_STR},
        {"2001-01-01T24:00:00Z", CB_TAG_STR},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cb_scalar s = cb_scalar_resolve(cb_str(cases[i].text));
        if (s.tag != cases[i].tag)
            fail_msg("%s: tag %d", cases[i].text, (int)s.tag);
        if (s.tag == CB_TAG_INT)
            assert_int_equal(s.i, cases[i].i);
        if (s.tag == CB_TAG_BOOL)
            assert_int_equal(s.b, cases[i].i);
        if (s.tag == CB_TAG_FLOAT)
            assert_true(s.f >= cases[i].f && s.f <= cases[i].f);
    }
    struct cb_scalar big = cb_scalar_resolve(CB_STR("18446744073709551615"));
    assert_true(big.tag == CB_TAG_INT && big.is_unsigned && big.u == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents), cmocka_unit_test(refusals), cmocka_unit_test(depth),
        cmocka_unit_test(caret),     cmocka_unit_test(scalars),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
