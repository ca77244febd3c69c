#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cbuild/net/netrc.h"

static void finds(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host, *login, *password; // password NULL: no entry
    } cases[] = {
        {"machine h login u password p", "h", "u", "p"},
        {"machine h\n\tlogin u\n\tpassword p\n", "H", "u", "p"},
        {"machine a login x password y machine h login u password p", "h", "u", "p"},
        {"machine h password p", "h", NULL, "p"},
        {"machine h login u password \"a b\\\"c\\\\n\"", "h", "u", "a b\"c\\n"},
        {"# machine h login no password no\nmachine h login u password #p", "h", "u", "#p"},
        {"macdef init\nmachine h login no password no\n\nmachine h login u password p", "h", "u", "p"},
        {"default login u password p", "anything", "u", "p"},
        {"machine h account x login u password p", "h", "u", "p"},
        {"machine h login u", "h", NULL, NULL},
        {"machine h login u machine other login v password p", "h", NULL, NULL}, // CVE-2024-11053
        {"machine h login u\ndefault login v password p", "h", NULL, NULL},
        {"machine other login u password p", "h", NULL, NULL},
        {"machine", "", NULL, NULL},
        {"machine \"", "h", NULL, NULL},
        {"login u password p", "h", NULL, NULL},
        {"", "h", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cb_netrc n = {0};
        cb_netrc_parse(&n, cb_str(cases[i].text));
        const struct cb_netrc_entry *e = cb_netrc_find(&n, cases[i].host);
        if (cases[i].password) {
            assert_non_null(e);
            assert_string_equal(e->password, cases[i].password);
            assert_string_equal(e->login ? e->login : "-", cases[i].login ? cases[i].login : "-");
        } else {
            assert_null(e);
        }
        cb_netrc_release(&n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(finds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
