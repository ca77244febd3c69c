#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proxy.h"

static void chooses(void **state)
{
    (void)state;
    static const struct {
        const char *http, *https, *all, *no, *url, *want;
    } cases[] = {
        {"http://p:1", "http://q:2", NULL, NULL, "http://h/", "http://p:1"},
        {"http://p:1", "http://q:2", NULL, NULL, "https://h/", "http://q:2"},
        {NULL, "q:2", NULL, NULL, "https://h/", "http://q:2"},
        {NULL, NULL, "socks5://s:3", NULL, "https://h/", "socks5h://s:3"},
        {"http://p:1", NULL, NULL, NULL, "https://h/", NULL},
        {"http://p:1", NULL, NULL, NULL, "http://localhost/", NULL},
        {"http://p:1", NULL, NULL, NULL, "http://127.0.0.9:81/", NULL},
        {"http://p:1", NULL, NULL, NULL, "http://[::1]:81/", NULL},
        {"http://p:1", NULL, NULL, NULL, "http://x.localhost/", "http://p:1"},
        {"http://p:1", NULL, NULL, "*", "http://h/", NULL},
        {"http://p:1", NULL, NULL, "h.com", "http://h.com/", NULL},
        {"http://p:1", NULL, NULL, "h.com", "http://a.H.com/", NULL},
        {"http://p:1", NULL, NULL, ".h.com", "http://h.com/", "http://p:1"},
        {"http://p:1", NULL, NULL, " x, *.h.com ", "http://a.h.com/", NULL},
        {"http://p:1", NULL, NULL, "h.com", "http://ah.com/", "http://p:1"},
        {"http://p:1", NULL, NULL, "h.com:80", "http://h.com/", NULL},
        {"http://p:1", NULL, NULL, "h.com:81", "http://h.com/", "http://p:1"},
        {"http://p:1", NULL, NULL, "10.0.0.0/8", "http://10.2.3.4/", NULL},
        {"http://p:1", NULL, NULL, "10.0.0.0/8", "http://11.2.3.4/", "http://p:1"},
        {"http://p:1", NULL, NULL, "10.2.3.4", "http://10.2.3.4/", NULL},
        {"http://p:1", NULL, NULL, "fd00::/8", "http://[fd00::1]/", NULL},
        {"http://p:1", NULL, NULL, "[fd00::1]:80", "http://[fd00::1]/", NULL},
        {"http://p:1", NULL, NULL, "10.0.0.0/99,,/", "http://10.2.3.4/", "http://p:1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        CB_URL_AUTO u = {0};
        const struct cb_http_env env = {.http_proxy = cases[i].http,
                                        .https_proxy = cases[i].https,
                                        .all_proxy = cases[i].all,
                                        .no_proxy = cases[i].no};
        assert_int_equal(cb_url_parse(&u, cases[i].url, &err), 0);
        char *got CB_AUTOFREE = cb_proxy_for(&env, &u);
        assert_string_equal(got ? got : "direct", cases[i].want ? cases[i].want : "direct");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(chooses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
