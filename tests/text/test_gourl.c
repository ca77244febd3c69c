// What net/url of Go 1.26 makes of these: Redacted(), and String() without the user.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cbuild/text/gourl.h"

static void printing(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *redacted, *bare; // redacted NULL: refused
    } cases[] = {
        {"", "", ""},
        {"https://h/p", "https://h/p", "https://h/p"},
        {"HTTPS://Host/%7ep?q#f", "https://Host/%7ep?q#f", "https://Host/%7ep?q#f"},
        {"https://u:p@h/", "https://u:xxxxx@h/", "https://h/"},
        {"https://u@h", "https://u@h", "https://h"},
        {"https://u%20x:p@h", "https://u%20x:xxxxx@h", "https://h"},
        {"http://[::1]:80/", "http://[::1]:80/", "http://[::1]:80/"},
        {"http://[fe80::1%25eth0]/", "http://[fe80::1%25eth0]/", "http://[fe80::1%25eth0]/"},
        {"http://[1.2.3.4]/", NULL, NULL},
        {"http://h:80:90/", NULL, NULL},
        {"ftp://h:x/", NULL, NULL},
        {"http://h/%zz", NULL, NULL},
        {"http://h b/", NULL, NULL},
        {"http://h/a b?c d#e f", "http://h/a%20b?c d#e%20f", "http://h/a%20b?c d#e%20f"},
        {"http://h/%2f%41", "http://h/%2f%41", "http://h/%2f%41"},
        {"/keys/a@b.rsa.pub", "/keys/a@b.rsa.pub", "/keys/a@b.rsa.pub"},
        {"git@h:x", NULL, NULL},
        {"host:x", "host:x", "host:x"},
        {":x", NULL, NULL},
        {"1a:b", NULL, NULL},
        {"./a:b", "./a:b", "./a:b"},
        {"//h/p", "//h/p", "//h/p"},
        {"///p", "///p", "///p"},
        {"x:/p", "x:/p", "x:/p"},
        {"x?", "x?", "x?"},
        {"*", "*", "*"},
        {"a\tb", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CB_ARENA_AUTO arena = {0};
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        CB_BUF_AUTO redacted = {0};
        CB_BUF_AUTO bare = {0};
        struct cb_gourl url;
        if (cb_gourl_parse(cb_str(cases[i].raw), &arena, &url, &err)) {
            if (cases[i].redacted)
                fail_msg("%s: %s", cases[i].raw, err.message);
            continue;
        }
        if (!cases[i].redacted)
            fail_msg("%s: accepted", cases[i].raw);
        cb_gourl_print(&url, true, &redacted);
        url.has_user = url.has_password = false;
        cb_gourl_print(&url, false, &bare);
        assert_string_equal(redacted.p ? redacted.p : "", cases[i].redacted);
        assert_string_equal(bare.p ? bare.p : "", cases[i].bare);
    }
}

static void safe(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"https://u:canary@h/x", "https://u:xxxxx@h/x"},
        {"https://h/%7e", "https://h/%7e"},
        {"u:canary@h", "h"},
        {"://canary@h", "h"},
        {"/keys/a@b", "/keys/a@b"},
        {"https://u:can%zzary@h/x", "h/x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CB_ARENA_AUTO arena = {0};
        struct cb_str got = cb_gourl_safe(cb_str(cases[i][0]), &arena);
        assert_true(cb_str_is(got, cases[i][1]));
    }
}

static void masking(void **state)
{
    (void)state;
    char text[] = "a https://u:canary@h/x@y, http://h/@ \"x://canary@\" ://";
    cb_gourl_mask(text, sizeof text - 1);
    assert_string_equal(text, "a https://********@h/x@y, http://h/@ \"x://******@\" ://");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(printing),
        cmocka_unit_test(safe),
        cmocka_unit_test(masking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
