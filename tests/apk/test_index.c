// Reading the text of an APKINDEX.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cbuild/apk/index.h"

// Gives the text in pieces of an odd size, so that lines are cut anywhere.
struct slow_source {
    struct cb_source source;
    struct cb_str rest;
    size_t piece;
};

static ssize_t slow_read(struct cb_source *s, void *p, size_t n, struct cb_error *err)
{
    struct slow_source *slow = (struct slow_source *)s;
    (void)err;
    n = n < slow->piece ? n : slow->piece;
    n = n < slow->rest.n ? n : slow->rest.n;
    if (n)
        memcpy(p, slow->rest.p, n);
    slow->rest = cb_str_skip(slow->rest, n);
    return (ssize_t)n;
}

static int parse_str(struct cb_str text, struct cb_index **out, struct cb_error *err)
{
    static const struct cb_index_origin origin = {{"https://r/os/x86_64", 19}, {"edge", 4}, {"x86_64", 6}};
    struct slow_source source = {{slow_read}, text, 7};
    return cb_index_parse(&source.source, &origin, out, err);
}

static int parse(const char *text, struct cb_index **out, struct cb_error *err)
{
    return parse_str(cb_str(text), out, err);
}

static struct cb_package record(const struct cb_index *x, size_t i, struct cb_arena *a)
{
    struct cb_package p;
    cb_index_package(x, i, a, &p);
    return p;
}

static void test_fields(void **state)
{
    (void)state;
    struct cb_index *x;
    struct cb_arena a = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    assert_int_equal(
        parse("C:Q1AAECAwQFBgcICQoLDA0ODxAREhM=\nP:foo\nV:1.2-r3\nA:x86_64\nS:10\nI:20\nT:a b\nU:u\nL:MIT\n"
              "o:src\nm:me\nt:-5\nc:abc\nD:x y=1  z\np:q so:r=1\ni:a b\nk:7\nr:old\nX:?\n\n",
              &x, &err),
        0);
    assert_int_equal(cb_index_count(x), 1);
    struct cb_package p = record(x, 0, &a);
    assert_true(cb_str_is(p.name, "foo") && cb_str_is(p.version, "1.2-r3") && cb_str_is(p.arch, "x86_64"));
    assert_true(cb_str_is(p.description, "a b") && cb_str_is(p.origin, "src"));
    assert_int_equal(p.checksum.n, 20);
    assert_int_equal(p.checksum.p[19], 19);
    assert_int_equal(p.size, 10);
    assert_int_equal(p.installed_size, 20);
    assert_int_equal(p.build_time, -5);
    assert_int_equal(p.provider_priority, 7);
    assert_int_equal(p.depends.n, 4); // the two spaces have an empty item between them
    assert_int_equal(p.depends.v[2].n, 0);
    assert_int_equal(p.provides.n, 2);
    assert_int_equal(p.install_if.n, 2);
    assert_true(cb_str_is(cb_index_package_url(x, &p, &a), "https://r/os/x86_64/foo-1.2-r3.apk"));
    assert_true(cb_str_is(cb_index_origin(x)->tag, "edge"));
    cb_index_free(x);
    cb_arena_release(&a);
}

// What the reference takes, odd as it is: text, how many records, and the last one's name and version.
static void test_accepted(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t n;
        const char *name, *version;
    } cases[] = {
        {"", 0, "", ""},
        {"\n\n\n", 0, "", ""},
        {"P:a\nV:1\n\nP:b\nV:2\n", 1, "a", "1"}, // the last record has no empty line after it
        {"P:a\nV:1\n\nP:b\nV:2", 1, "a", "1"},
        {"P:a\r\nV:1\r\n\r\n", 1, "a", "1"},
        {"V:1\n\nP:b\nV:2\n\n", 1, "b", "2"}, // no name
        {"P:\nV:1\n\n", 0, "", ""},
        {"P:a\nP:b\nV:1\nV:2\n\n", 1, "b", "2"},
        {"P:a\n\n", 1, "a", ""},
        {"P:a\nV:1\nC:X2abc\n\n", 1, "a", "1"}, // not SHA-1: no checksum
        {"P:a\nV:1\nC:Q1\n\n", 1, "a", "1"},
        {"P:a\nV:1\nC:Q1AA==\n\n", 1, "a", "1"},
        {"P:a\nV:1\nC:Q1A\rB==\n\n", 1, "a", "1"}, // carriage returns and unused bits
        {"P:a\nV:1\nt:+5\n\n", 1, "a", "1"},
        {"::\nP:a\nV:1\n?:\n\n", 1, "a", "1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cb_index *x;
        struct cb_arena a = {0};
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        assert_int_equal(parse(cases[i].text, &x, &err), 0);
        assert_int_equal(cb_index_count(x), cases[i].n);
        if (cases[i].n) {
            struct cb_package p = record(x, cases[i].n - 1, &a);
            assert_true(cb_str_is(p.name, cases[i].name));
            assert_true(cb_str_is(p.version, cases[i].version));
        }
        cb_index_free(x);
        cb_arena_release(&a);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"P\n\n", "APKINDEX line 1 is \"P\", expected \"<letter>:<value>\""},
        {"P:a\n\nPa\n", "APKINDEX line 3 is \"Pa\", expected \"<letter>:<value>\""},
        {" \n", "APKINDEX line 1 is \" \", expected \"<letter>:<value>\""},
        {"S:x\n\n", "APKINDEX line 1: the size is \"x\", expected a number"},
        {"S:\n\n", "APKINDEX line 1: the size is \"\", expected a number"},
        {"S:-1\n\n", "APKINDEX line 1: the size is \"-1\", expected a number"},
        {"S:18446744073709551616\n\n", "APKINDEX line 1: the size is \"18446744073709551616\", expected a number"},
        {"I:1.5\n\n", "APKINDEX line 1: the installed size is \"1.5\", expected a number"},
        {"k:+1\n\n", "APKINDEX line 1: the provider priority is \"+1\", expected a number"},
        {"t:9223372036854775808\n\n", "APKINDEX line 1: the build time is \"9223372036854775808\", expected a number"},
        {"C:Q1A\n\n", "APKINDEX line 1: the checksum is \"Q1A\", expected Q1 and base64"},
        {"C:Q1AAA\n\n", "APKINDEX line 1: the checksum is \"Q1AAA\", expected Q1 and base64"},
        {"C:Q1AA=A\n\n", "APKINDEX line 1: the checksum is \"Q1AA=A\", expected Q1 and base64"},
        {"C:Q1AAAA=\n\n", "APKINDEX line 1: the checksum is \"Q1AAAA=\", expected Q1 and base64"},
        {"C:Q1AA==AA==\n\n", "APKINDEX line 1: the checksum is \"Q1AA==AA==\", expected Q1 and base64"},
        {"C:Q1====\n\n", "APKINDEX line 1: the checksum is \"Q1====\", expected Q1 and base64"},
        {"C:Q1A_==\n\n", "APKINDEX line 1: the checksum is \"Q1A_==\", expected Q1 and base64"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cb_index *x = NULL;
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        assert_int_equal(parse(cases[i].text, &x, &err), -1);
        assert_int_equal(err.kind, CB_E_INPUT);
        assert_string_equal(err.message, cases[i].message);
        assert_null(x);
    }
}

// A line of `n` bytes and its line break, if any.
static int parse_long(size_t n, const char *end, struct cb_error *err)
{
    CB_BUF_AUTO text = {0};
    struct cb_index *x = NULL;
    cb_buf_adds(&text, "P:a\nT:");
    for (size_t i = 2; i < n; i++)
        cb_buf_addc(&text, 'x');
    cb_buf_adds(&text, end);
    int result = parse_str(cb_buf_str(&text), &x, err);
    cb_index_free(x);
    return result;
}

// The longest line that the reference takes has 2^20 - 1 bytes; a carriage return counts.
static void test_line_limit(void **state)
{
    (void)state;
    static const struct {
        size_t n;
        const char *end;
        int result;
    } cases[] = {
        {CB_INDEX_LINE_MAX, "\n\n", 0},      {CB_INDEX_LINE_MAX + 1, "\n\n", -1}, {CB_INDEX_LINE_MAX, "", 0},
        {CB_INDEX_LINE_MAX + 1, "", -1},     {CB_INDEX_LINE_MAX, "\r\n\n", -1},   {CB_INDEX_LINE_MAX - 1, "\r\n\n", 0},
        {CB_INDEX_LINE_MAX + 9, "\n\n", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        assert_int_equal(parse_long(cases[i].n, cases[i].end, &err), cases[i].result);
        assert_int_equal(err.kind, cases[i].result ? CB_E_LIMIT : CB_OK);
    }
}

static ssize_t broken_read(struct cb_source *s, void *p, size_t n, struct cb_error *err)
{
    (void)s;
    (void)p;
    (void)n;
    return cb_fail(err, CB_E_NETWORK, "cut");
}

static void test_source_error(void **state)
{
    (void)state;
    struct cb_source source = {broken_read};
    struct cb_index_origin origin = {0};
    struct cb_index *x;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    assert_int_equal(cb_index_parse(&source, &origin, &x, &err), -1);
    assert_int_equal(err.kind, CB_E_NETWORK);
}

// Values that recur, near and far, come out as they went in.
static void test_recurring(void **state)
{
    (void)state;
    CB_BUF_AUTO text = {0};
    struct cb_index *x;
    struct cb_arena a = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    for (int i = 0; i < 3000; i++)
        cb_buf_addf(&text, "P:p%d\nV:%d\nT:text %d\no:o%d\nD:d%d e\np:x%d\n\n", i / 3, i, i % 7, i % 11, i % 5, i % 2);
    assert_int_equal(parse_str(cb_buf_str(&text), &x, &err), 0);
    for (int i = 0; i < 3000; i++) {
        struct cb_package p = record(x, (size_t)i, &a);
        CB_AUTOFREE char *all = cb_format("p%d %d text %d o%d d%d x%d", i / 3, i, i % 7, i % 11, i % 5, i % 2);
        CB_AUTOFREE char *got = cb_format("%.*s %.*s %.*s %.*s %.*s %.*s", CB_STR_ARG(p.name), CB_STR_ARG(p.version),
                                          CB_STR_ARG(p.description), CB_STR_ARG(p.origin), CB_STR_ARG(p.depends.v[0]),
                                          CB_STR_ARG(p.provides.v[0]));
        assert_string_equal(got, all);
    }
    cb_index_free(x);
    cb_arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),     cmocka_unit_test(test_accepted),     cmocka_unit_test(test_refused),
        cmocka_unit_test(test_line_limit), cmocka_unit_test(test_source_error), cmocka_unit_test(test_recurring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
