// Patterns as Go reads them. The answers are Go's (regexp.MatchString of Go 1.26); what is refused here and not there
// is what the two engines read differently.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cbuild/text/regexp.h"

#define REFUSED -1

static const struct {
    const char *pattern, *text;
    int want;
} cases[] = {
    {"", "", 1},
    {"", "a", 1},
    {"a", "", 0},
    {"b", "abc", 1}, // anywhere
    {"^b", "abc", 0},
    {"c$", "abc", 1},
    {"c$", "abc\n", 0}, // the end of the text, not of a line
    {"(?m)c$", "abc\n", 1},
    {"^https://github\\.com/a/.*@refs/tags/v\\d+$", "https://github.com/a/x@refs/tags/v12", 1},
    {"^https://github\\.com/a/.*@refs/tags/v\\d+$", "https://githubXcom/a/x@refs/tags/v12", 0},
    {"^https://github.com/a/", "https://githubXcom/a/", 1},
    {"a.c", "a\nc", 0},
    {"(?s)a.c", "a\nc", 1},
    {"(?i)GitHub", "gitHUB", 1},
    {"(?i:g)H", "gh", 0},
    {"(?P<x>a)(?:b|c)", "ac", 1},
    {"(?<x>a)", "a", 1},
    {"^a{2,3}$", "aaaa", 0},
    {"^a{2,}$", "aaaa", 1},
    {"a{,2}", "a{,2}", 1}, // a brace is only a brace
    {"x{", "x{", 1},
    {"a+?b", "aab", 1},
    {"^\\Qa.b\\E$", "a.b", 1},
    {"^\\Qa.b\\E$", "axb", 0},
    {"[[:alpha:]]+", "12a", 1},
    {"[^[:alpha:]]", "ab", 0},
    {"[]a]", "]", 1},
    {"[\\d.-]+$", "1.2-3", 1},
    {"\\x41\\x{42}", "AB", 1},
    {"\\pL\\p{Greek}", "a\xce\xb1", 1},
    {"\\d", "\xd9\xa3", 0}, // digits are ASCII
    {"^.$", "\xc3\xa9", 1},
    {"\\bcat\\b", "a cat.", 1},
    {"\\Aa\\z", "a", 1},
    {"a|b$", "ac", 1},
    {"(a)\\1", "aa", REFUSED},
    {"(?=a)", "a", REFUSED},
    {"(?<=a)b", "ab", REFUSED},
    {"(?>a)", "a", REFUSED},
    {"(?#c)a", "a", REFUSED},
    {"(?R)", "a", REFUSED},
    {"(*ACCEPT)", "a", REFUSED},
    {"a**", "a", REFUSED},
    {"a*+", "a", REFUSED},
    {"a++", "a", REFUSED},
    {"*a", "a", REFUSED},
    {"a{1001}", "a", REFUSED},
    {"a\\Z", "a", REFUSED},
    {"\\C", "a", REFUSED},
    {"\\K", "a", REFUSED},
    {"\\R", "\n", REFUSED},
    {"\\h", " ", REFUSED},
    {"[\\b]", "\b", REFUSED},
    {"[[:<:]]a", "a", REFUSED},
    {"[a", "a", REFUSED},
    {"(a", "a", REFUSED},
    {"a)", "a", REFUSED},
    {"a\\", "a", REFUSED},
    {"\xff", "a", REFUSED},
    {"\\v", "\v", REFUSED},     // Go: vertical tab
    {"\\101", "A", REFUSED},    // Go: octal
    {"\\Qabc", "abc", REFUSED}, // Go: to the end
};

static void test_matches(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        CB_REGEXP_AUTO *r = cb_regexp_new(cb_str(cases[i].pattern), &err);
        int got = r ? cb_regexp_match(r, cb_str(cases[i].text), &err) : REFUSED;
        if (got != cases[i].want)
            fail_msg("%s on \"%s\": %d (%s)", cases[i].pattern, cases[i].text, got, err.message ? err.message : "");
        if (!r)
            assert_int_equal(err.kind, CB_E_USAGE);
    }
}

static void test_limits(void **state)
{
    (void)state;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    char text[4000];
    memset(text, 'a', sizeof text);
    CB_REGEXP_AUTO *r = cb_regexp_new(CB_STR("^(a|a)*(a|aa)+(a?a?){50}$"), &err);
    assert_non_null(r);
    text[sizeof text - 1] = 'b';
    assert_int_equal(cb_regexp_match(r, cb_strn(text, sizeof text), &err), -1);
    assert_int_equal(err.kind, CB_E_LIMIT);
    assert_int_equal(cb_regexp_match(r, CB_STR("\xff\xfe"), &err), 0);
}

static void test_anchors(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        bool anchored;
    } anchors[] = {{"^a$", true},    {"^(a|b)$", true}, {"\\Aa\\z", true}, {"a", false},
                   {"^a", false},    {"a$", false},     {"^a|b$", false},  {"(?m)^a$", false},
                   {"^a\\$", false}, {"^(a$)", false},  {"^a[$]", false},  {"^(?m:a)$", false}};
    for (size_t i = 0; i < sizeof anchors / sizeof *anchors; i++) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        CB_REGEXP_AUTO *r = cb_regexp_new(cb_str(anchors[i].pattern), &err);
        if (!r)
            fail_msg("%s", err.message);
        if (cb_regexp_is_anchored(r) != anchors[i].anchored)
            fail_msg("%s", anchors[i].pattern);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_matches), cmocka_unit_test(test_limits),
                                       cmocka_unit_test(test_anchors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
