// Chainguard's credentials: an identity by a Kubernetes or Google token, else chainctl.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "../net/server.h"
#include "cbuild/apk/chainguard.h"
#include "cbuild/base/file.h"

static struct test_server server;
static struct cb_http *http;

static void put(const char *name, const char *text, mode_t mode)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    char *path CB_AUTOFREE = cb_path_join(server.folder, name);
    assert_int_equal(cb_write_file(path, cb_str(text), mode, &err), 0);
}

// The password for a host; "-" where there is none, "!" and the message on failure.
static char *ask(const struct cb_chainguard_env *env, const char *host)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_chainguard_env copy = *env;
    char *user CB_AUTOFREE = NULL, *password = NULL;
    if (cb_chainguard_lookup(&copy, http, host, &user, &password, &err)) {
        assert_null(user);
        assert_null(password);
        return cb_format("! %s", err.message);
    }
    if (!password)
        return cb_strdup("-");
    assert_string_equal(user, "user");
    return password;
}

static void expect(const struct cb_chainguard_env *env, const char *host, const char *want)
{
    char *got CB_AUTOFREE = ask(env, host);
    if (want[0] == '!' ? !cb_str_starts(cb_str(got), want) : strcmp(got, want) != 0)
        fail_msg("%s: %s", host, got);
}

static void asks_chainctl(void **state)
{
    (void)state;
    char *path CB_AUTOFREE = cb_format("%s:/usr/bin:/bin", server.folder);
    struct cb_chainguard_env env = {.path = path};
    expect(&env, "apk.cgr.dev", "-"); // there is none
    put("chainctl", "#!/bin/sh\necho \"$1-$2-$3-$4\"\n", 0755);
    expect(&env, "apk.cgr.dev", "auth-token---audience-apk.cgr.dev");
    expect(&env, "other.example", "-");
    env.apk_host = "other.example";
    expect(&env, "apk.cgr.dev", "-");
    expect(&env, "other.example", "auth-token---audience-other.example");
    put("chainctl", "#!/bin/sh\necho secret\nexit 1\n", 0755);
    expect(&env, "other.example", "-");
}

static void assumes_an_identity(void **state)
{
    (void)state;
    char *file CB_AUTOFREE = cb_path_join(server.folder, "token"),
               *none CB_AUTOFREE = cb_path_join(server.folder, "no");
    char *metadata CB_AUTOFREE = cb_format("127.0.0.1:%u", server.ports[0]);
    struct cb_chainguard_env env = {.identity = "who/ami", .path = "/nowhere", .k8s_token_path = file};
    put("token", "theirs\n", 0600);
    expect(&env, "apk.cgr.dev", "ours");
    expect(&env, "other.example", "-");
    put("token", "wrong", 0600);
    expect(&env, "apk.cgr.dev", "! assuming the identity who/ami: ");
    env.k8s_token_path = none;
    expect(&env, "apk.cgr.dev", "! K8S_TOKEN_PATH: ");
    env.metadata_host = metadata;
    expect(&env, "apk.cgr.dev", "ours");
    env.identity = NULL;
    expect(&env, "apk.cgr.dev", "-");
}

static int start(void **state)
{
    (void)state;
    static char proxy[64], ca[128];
    if (!test_server_start(&server, CBUILD_SOURCE_DIR "/tests/net/fault_server.py", NULL))
        return -1;
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%u", server.ports[0]);
    snprintf(ca, sizeof ca, "%s/ca.pem", server.folder);
    const struct cb_http_options o = {.env = {.https_proxy = proxy, .ssl_cert_file = ca}};
    http = cb_http_new(&o);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    cb_http_free(http);
    test_server_stop(&server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(asks_chainctl), cmocka_unit_test(assumes_an_identity)};
    return cmocka_run_group_tests(tests, start, stop);
}
