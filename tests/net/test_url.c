#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cbuild/net/url.h"

static void parses(void **state)
{
    (void)state;
    static const struct {
        const char *text, *scheme, *user, *password, *host;
        unsigned port;
        const char *path, *query, *authority;
    } cases[] = {
        {"https://example.com", "https", NULL, NULL, "example.com", 443, "/", NULL, "example.com"},
        {"HTTP://EXAMPLE.com:80/A/%2f?b=c#d", "http", NULL, NULL, "example.com", 80, "/A/%2f", "b=c", "example.com:80"},
        {"https://u%40x:p%3Aw@h:8443/", "https", "u@x", "p:w", "h", 8443, "/", NULL, "h:8443"},
        {"http://[::1]:5000/v2/", "http", NULL, NULL, "::1", 5000, "/v2/", NULL, "[::1]:5000"},
        {"http://127.0.0.1/a b", "http", NULL, NULL, "127.0.0.1", 80, "/a%20b", NULL, "127.0.0.1"},
        {"http://0x7f.1/", "http", NULL, NULL, "127.0.0.1", 80, "/", NULL, "127.0.0.1"}, // no second spelling
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        CB_URL_AUTO u = {0};
        assert_int_equal(cb_url_parse(&u, cases[i].text, &err), 0);
        assert_string_equal(u.scheme, cases[i].scheme);
        assert_string_equal(u.user ? u.user : "-", cases[i].user ? cases[i].user : "-");
        assert_string_equal(u.password ? u.password : "-", cases[i].password ? cases[i].password : "-");
        assert_string_equal(u.host, cases[i].host);
        assert_int_equal(u.port, cases[i].port);
        assert_string_equal(u.path, cases[i].path);
        assert_string_equal(u.query ? u.query : "-", cases[i].query ? cases[i].query : "-");
        char *authority CB_AUTOFREE = cb_url_authority(&u);
        assert_string_equal(authority, cases[i].authority);
    }
}

static void refuses(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "example.com/x",
        "ftp://h/x",
        "file:///etc/passwd",
        "gopher://h",
        "https://",
        "http://h:99999/",
        "http://h\nx/",
        "http://a b/",
        "unix:///x",
        "//h/x",
        "https://canary-user:canary-pw@h:notaport/x",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        CB_URL_AUTO u = {0};
        assert_int_equal(cb_url_parse(&u, cases[i], &err), -1);
        assert_int_equal(err.kind, CB_E_USAGE);
        assert_null(strstr(err.message, "canary"));
    }
}

static void resolves(void **state)
{
    (void)state;
    static const struct {
        const char *base, *reference, *want;
    } cases[] = {
        {"https://h/a/b?x=1", "c", "https://h/a/c"},
        {"https://h/a/b", "/c?d=e", "https://h/c?d=e"},
        {"https://h:8443/a/b", "?d=e", "https://h:8443/a/b?d=e"},
        {"https://h/a", "//other/c", "https://other/c"},
        {"https://h/a", "http://other:81/c", "http://other:81/c"},
        {"https://user:secret@h/a", "/b", "https://h/b"},
        {"https://h/a", "file:///etc/passwd", NULL},
        {"https://h/a", "ftp://x/", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        char *got CB_AUTOFREE = cb_url_resolve(cases[i].base, cases[i].reference, &err);
        if (cases[i].want)
            assert_string_equal(got, cases[i].want);
        else
            assert_null(got);
    }
}

static void redacts(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"https://h/a", "https://h/a"},
        {"https://user:canary@h/a", "https://h/a"},
        {"https://canary@h/a", "https://h/a"},
        {"https://u:can@ry@h/a", "https://h/a"},
        {"https://u:can/ary@h/a", "https://h/a"},
        {"https://u:can#ary@h/a", "https://h/a"},
        {"https://u:can?ary@h/a", "https://h/a"},
        {"https://h/a?X-Amz-Signature=canary", "https://h/a?..."},
        {"https://h:443/a@b/c?d@e#f", "https://h:443/a@b/c?..."},
        {"https://[::1]:5000/a@b", "https://[::1]:5000/a@b"},
        {"http:/user:canary@h/a", "http:/h/a"}, // as lenient as the parser
        {"http:///user:canary@h/a", "http:///h/a"},
        {"relative/path?x", "relative/path?..."},
        {"a/b?c=https://user:canary@h/", "a/b?..."},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *got CB_AUTOFREE = cb_url_redact(cases[i].text);
        assert_string_equal(got, cases[i].want);
    }
}

static void knows_hosts(void **state)
{
    (void)state;
    assert_true(cb_host_is_loopback("localhost"));
    assert_true(cb_host_is_loopback("127.1.2.3"));
    assert_true(cb_host_is_loopback("::1"));
    assert_true(cb_host_is_loopback("::ffff:127.0.0.1"));
    assert_false(cb_host_is_loopback("localhost.example.com"));
    assert_false(cb_host_is_loopback("128.0.0.1"));
    assert_true(cb_host_is_link_local("169.254.169.254"));
    assert_true(cb_host_is_link_local("::ffff:169.254.169.254"));
    assert_true(cb_host_is_link_local("fe80::1%eth0"));
    assert_false(cb_host_is_link_local("169.253.169.254"));
    assert_true(cb_host_is_private("10.1.2.3"));
    assert_true(cb_host_is_private("172.31.0.1"));
    assert_true(cb_host_is_private("192.168.0.1"));
    assert_true(cb_host_is_private("fd00:ec2::254"));
    assert_false(cb_host_is_private("172.32.0.1"));
    assert_false(cb_host_is_private("8.8.8.8"));
    assert_true(cb_host_is_unspecified("0.0.0.0"));
    assert_true(cb_host_is_unspecified("::"));
    assert_false(cb_host_is_unspecified("::1"));
}

static void escapes(void **state)
{
    (void)state;
    CB_BUF_AUTO b = {0};
    cb_url_escape(&b, cb_strn("a-b_c.d~e/f:g@h i\0+", 19));
    assert_string_equal(b.p, "a-b_c.d~e%2Ff%3Ag%40h%20i%00%2B");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses),  cmocka_unit_test(refuses),     cmocka_unit_test(resolves),
        cmocka_unit_test(redacts), cmocka_unit_test(knows_hosts), cmocka_unit_test(escapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
