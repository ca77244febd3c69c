// Templates against what Go's text/template makes of them: golden/template/cases.jsonl, by Go 1.26.
//   test_template [CASES.jsonl]
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>
#include <jansson.h>

#include "cbuild/text/template.h"

static const char *cases = CBUILD_SOURCE_DIR "/golden/template/cases.jsonl";

static const struct cb_go_field fields[] = {
    {"Name", {"hello", 5}},
    {"Version", {"1.2.3-r0", 8}},
    {"Source", {"https://example.com/repo/x86_64/hello-1.2.3-r0.apk", 50}},
};
static const struct cb_go_struct package = {"main.pkgInfo", fields, 3};

static int execute(struct cb_str text, struct cb_buf *out, struct cb_error *err)
{
    CB_TEMPLATE_AUTO *t = cb_template_parse(text, err);
    struct cb_buf_sink sink = cb_buf_sink(out);
    return t ? cb_template_execute(t, &package, &sink.sink, err) : -1;
}

struct tally {
    size_t unsupported, wrong;
};

static void check_case(const json_t *row, size_t line, struct tally *tally)
{
    CB_BUF_AUTO out = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    const json_t *text = json_object_get(row, "template");
    const char *want = json_string_value(json_object_get(row, "output"));
    bool fails = json_is_true(json_object_get(row, "fails"));
    int result = execute(cb_strn(json_string_value(text), json_string_length(text)), &out, &err);
    tally->unsupported += err.kind == CB_E_UNSUPPORTED;
    if (err.kind == CB_E_UNSUPPORTED)
        return;
    tally->wrong++;
    if ((result != 0) != fails)
        print_error("line %zu: %s: %s\n", line, json_string_value(text), result ? err.message : "did not fail");
    else if (strcmp(out.p ? out.p : "", want))
        print_error("line %zu: %s\ngot  %s\nwant %s\n", line, json_string_value(text), out.p, want);
    else
        tally->wrong--;
}

static void goldens(void **state)
{
    (void)state;
    FILE *f = fopen(cases, "r");
    char *text = NULL;
    struct tally tally = {0};
    size_t cap = 0, line = 0;
    ssize_t n;
    assert_non_null(f);
    while ((n = getline(&text, &cap, f)) > 0) {
        json_t *row = json_loadb(text, (size_t)n, JSON_ALLOW_NUL, NULL);
        assert_non_null(row);
        check_case(row, ++line, &tally);
        json_decref(row);
    }
    free(text);
    fclose(f);
    print_message("%zu cases, %zu of them not supported\n", line, tally.unsupported);
    assert_int_equal(tally.wrong, 0);
    assert_true(line > 0 && tally.unsupported < line / 20);
}

static void refused(const char *text, enum cb_kind kind, const char *message)
{
    CB_BUF_AUTO out = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    assert_int_equal(execute(cb_str(text), &out, &err), -1);
    assert_int_equal(err.kind, kind);
    assert_string_equal(err.message, message);
}

static void messages(void **state)
{
    (void)state;
    refused("a\n{{.Nam}}", CB_E_USAGE, "template:2:3: there is no field \"Nam\" in a main.pkgInfo");
    refused("{{.Name", CB_E_USAGE, "template:1:1: an action without its closing }}");
    refused("{{if .Name}}", CB_E_USAGE, "template:1:13: a block without its {{end}}");
    refused("{{Name}}", CB_E_USAGE, "template:1:3: there is no function \"Name\"");
    refused("{{html .Name}}", CB_E_UNSUPPORTED, "template:1:3: the function \"html\" is not supported");
    refused("{{define \"x\"}}{{end}}", CB_E_UNSUPPORTED, "template:1:3: {{define}} is not supported");
    refused("{{1.5}}", CB_E_UNSUPPORTED, "template:1:3: floating-point numbers are not supported: 1.5");
    refused("{{eq .Name 1}}", CB_E_USAGE, "template:1:3: eq: a string and a int cannot be compared");
}

static void depth(void **state)
{
    (void)state;
    for (unsigned over = 0; over < 2; over++) {
        CB_BUF_AUTO text = {0};
        CB_BUF_AUTO out = {0};
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        unsigned n = CB_TEMPLATE_DEPTH_MAX + over;
        cb_buf_adds(&text, "{{");
        for (unsigned i = 0; i < n; i++)
            cb_buf_addc(&text, '(');
        cb_buf_adds(&text, ".Name");
        for (unsigned i = 0; i < n; i++)
            cb_buf_addc(&text, ')');
        cb_buf_adds(&text, "}}");
        assert_int_equal(execute(cb_buf_str(&text), &out, &err), over ? -1 : 0);
        assert_int_equal(err.kind, over ? CB_E_LIMIT : CB_OK);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1)
        cases = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goldens),
        cmocka_unit_test(messages),
        cmocka_unit_test(depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
