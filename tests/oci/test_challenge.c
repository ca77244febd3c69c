// What registries demand, and which token servers get what for it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "remote.h"

static void assert_text(struct cb_str got, const char *want)
{
    assert_int_equal(got.p != NULL, want != NULL);
    if (want)
        assert_true(cb_str_is(got, want));
}

static void reads_challenges(void **state)
{
    (void)state;
    enum { O = CB_CHALLENGE_OTHER, BA = CB_CHALLENGE_BASIC, BE = CB_CHALLENGE_BEARER };
    static const struct {
        const char *header;
        size_t n;
        int scheme; // of the last
        const char *realm, *service, *scope;
    } cases[] = {
        {"", 0, O, NULL, NULL, NULL},
        {" , ,", 0, O, NULL, NULL, NULL},
        {"Basic", 1, BA, NULL, NULL, NULL},
        {"BASIC realm=\"x\"", 1, BA, "x", NULL, NULL},
        {"Bearer realm=\"https://a/t\",service=\"s\",scope=\"repository:a/b:pull,push\"", 1, BE, "https://a/t", "s",
         "repository:a/b:pull,push"},
        {"bearer REALM = \"a\" , Service=s", 1, BE, "a", "s", NULL},
        {"Bearer realm=\"a\\\"b\\\\c\"", 1, BE, "a\"b\\c", NULL, NULL},
        {"Negotiate, Basic realm=\"x\"", 2, BA, "x", NULL, NULL},
        {"Negotiate YII=, Bearer realm=\"x\"", 2, BE, "x", NULL, NULL},
        {"Basic realm=\"x\", Bearer realm=\"y\",service=\"z\"", 2, BE, "y", "z", NULL},
        {"Digest a=b, Bearer realm=\"y\"", 2, BE, "y", NULL, NULL},
        {"Bearer realm=\"unclosed", 1, BE, NULL, NULL, NULL},
        {"Bearer realm=", 1, BE, NULL, NULL, NULL},
        {"Bearer realm=\"\"", 1, BE, "", NULL, NULL},
        {"Bearer realm=\"a\" service=\"b\"", 1, BE, "a", "b", NULL}, // a comma missing
        {"=", 0, O, NULL, NULL, NULL},
        {"\"x\"", 0, O, NULL, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CB_ARENA_AUTO a = {0};
        struct cb_challenge c[CB_CHALLENGES] = {{0}};
        size_t n = cb_challenge_parse(&a, cb_str(cases[i].header), c);
        if (n != cases[i].n)
            fail_msg("%s: %zu", cases[i].header, n);
        if (n == 0)
            continue;
        assert_int_equal(c[n - 1].scheme, cases[i].scheme);
        assert_text(c[n - 1].realm, cases[i].realm);
        assert_text(c[n - 1].service, cases[i].service);
        assert_text(c[n - 1].scope, cases[i].scope);
    }
}

static void judges_realms(void **state)
{
    (void)state;
    enum { R = CB_REALM_REFUSED, A = CB_REALM_ANONYMOUS, T = CB_REALM_TRUSTED };
    static const struct {
        const char *registry, *realm;
        int trust;
    } cases[] = {
        {"https://index.docker.io", "https://auth.docker.io/token", T},
        {"https://ghcr.io", "https://ghcr.io/token", T},
        {"https://registry.gitlab.com", "https://gitlab.com/jwt/auth", T},
        {"https://registry.example.com:5000", "https://auth.example.com:5001/x", T},
        {"https://registry.example.co.uk", "https://auth.example.co.uk/x", T},
        {"https://rg.fr-par.scw.cloud", "https://api.scaleway.com/t", T},
        {"https://a.test", "https://b.test/", T},
        {"https://10.1.2.3:5000", "https://10.1.2.3:5000/token", T},
        {"http://127.0.0.1:5000", "http://127.0.0.1:5000/token", T},
        {"http://localhost:5000", "http://localhost:5001/token", T},
        {"https://registry.example.co.uk", "https://auth.other.co.uk/x", A},
        {"https://x.github.io", "https://y.github.io/", A},
        {"https://example.com", "https://example.net/", A},
        {"https://example.com", "https://notexample.com/", A},
        {"https://example.com", "https://com/", A},
        {"https://1.2.3.4", "https://9.9.3.4/", A},
        {"https://example.com", "http://example.com/", R},
        {"https://example.com", "http://auth.example.com/", R},
        {"https://example.com", "https://169.254.169.254/", R},
        {"https://example.com", "https://[::ffff:169.254.169.254]/", R},
        {"https://example.com", "https://[fe80::1]/", R},
        {"https://example.com", "https://[fd00:ec2::254]/", R},
        {"https://example.com", "https://127.0.0.1/", R},
        {"https://example.com", "https://localhost/", R},
        {"https://example.com", "https://0.0.0.0/", R},
        {"https://example.com", "https://192.168.1.1/", R},
        {"https://10.1.2.3:5000", "https://10.1.2.3:5001/token", R},
        {"http://127.0.0.1:5000", "http://127.0.0.1:80/token", R},
        {"http://127.0.0.1:5000", "http://169.254.169.254/", R},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        CB_URL_AUTO registry = {0}, realm = {0};
        const char *why;
        assert_int_equal(cb_url_parse(&registry, cases[i].registry, &err), 0);
        assert_int_equal(cb_url_parse(&realm, cases[i].realm, &err), 0);
        int got = (int)cb_realm_trust(&realm, &registry, &why);
        if (got != cases[i].trust)
            fail_msg("%s for %s: %d (%s)", cases[i].realm, cases[i].registry, got, why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_challenges), cmocka_unit_test(judges_realms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
