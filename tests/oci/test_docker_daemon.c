// Loading an image into a Docker daemon (docker_daemon.py stands for one).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "../net/server.h"
#include "cbuild/base/file.h"
#include "cbuild/oci/docker_daemon.h"

#define LAYER_BYTES 3000000u // more than a pipe holds

static struct test_server server;
static struct cb_http *http;
static char docker_socket[96], address[112];

static struct {
    struct cb_image images[2];
    struct cb_index_image index;
    struct cb_layer_blob layer;
    char *path;
} built;

static char *page(const char *path)
{
    CB_HTTP_ANSWER_AUTO a = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    char *url CB_AUTOFREE = cb_format("http://localhost%s", path);
    const struct cb_http_request q = {.url = url, .unix_socket = docker_socket};
    if (cb_http_fetch(http, &q, &a, &err))
        fail_msg("%s", err.message);
    return cb_buf_take(&a.text);
}

static void set(const char *options)
{
    char *path CB_AUTOFREE = cb_format("/_set?%s", options);
    free(page(path));
}

static void assert_logged(const char *part, bool there)
{
    char *log CB_AUTOFREE = page("/_log");
    if ((strstr(log, part) != NULL) != there)
        fail_msg("\"%s\" in: %s", part, log);
}

static int load(struct cb_docker_env env, const char *tag, struct cb_error *err)
{
    char *name CB_AUTOFREE = NULL;
    struct cb_str tags[1] = {cb_str(tag)};
    if (!env.docker_host)
        env.docker_host = address;
    if (cb_docker_load(http, &env, &built.index, tags, 1, &name, err))
        return -1;
    assert_true(cb_str_starts(cb_str(name), "apko.local/cache:"));
    return 0;
}

static void must_load(struct cb_docker_env env, const char *tag)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    if (load(env, tag, &err))
        fail_msg("%s", err.message);
}

static void must_fail(struct cb_docker_env env, const char *tag, enum cb_kind kind, const char *words)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    assert_int_equal(load(env, tag, &err), -1);
    if (err.kind != kind || !strstr(err.message, words))
        fail_msg("kind %d: %s", err.kind, err.message);
}

static void loads(void **state)
{
    (void)state;
    set("");
    must_load((struct cb_docker_env){0}, "hello:v1");
    char *own CB_AUTOFREE = cb_format("%s: ['apko.local/cache:%s', 'docker.io/library/hello:v1']",
                                      built.images[0].config_digest.text, cb_digest_hex(&built.images[0].digest));
    char *member CB_AUTOFREE =
        cb_format("member %s.tar.gz %u", cb_digest_hex(&built.layer.descriptor.digest), LAYER_BYTES);
    assert_logged(own, true);
    assert_logged(member, true);
    assert_logged("POST /v1.41/images/load", true);
    set("old=1");
    must_load((struct cb_docker_env){0}, "reg.example.com/a/b:v1");
    assert_logged("POST /images/load", true);
    assert_logged("'reg.example.com/a/b:v1'", true);
}

static void loads_once(void **state)
{
    (void)state;
    set("");
    must_load((struct cb_docker_env){0}, "hello:v1");
    must_load((struct cb_docker_env){0}, "hello:v2");
    char *log CB_AUTOFREE = page("/_log");
    const char *first = strstr(log, "/images/load");
    assert_non_null(first);
    assert_null(strstr(first + 1, "/images/load"));
    assert_logged("hello:v2", true);
}

static void chooses_the_platform(void **state)
{
    (void)state;
    set("");
    must_load((struct cb_docker_env){.goarch = "arm64"}, "hello:v1");
    assert_logged(built.images[1].config_digest.text, true);
    assert_logged(built.images[0].config_digest.text, false);
    set("");
    must_load((struct cb_docker_env){.goarch = "riscv64"}, "hello:v1"); // the first, where there is none
    assert_logged(built.images[0].config_digest.text, true);
}

static void tells_failures(void **state)
{
    (void)state;
    set("refuse=1");
    must_fail((struct cb_docker_env){0}, "hello:v1", CB_E_NETWORK, "answered 500: no space left");
    set("sour=1");
    must_fail((struct cb_docker_env){0}, "hello:v1", CB_E_NETWORK, "says: bad layer");
    set("early=1");
    must_fail((struct cb_docker_env){0}, "hello:v1", CB_E_NETWORK, "loading the image: ");
    set("");
    must_fail((struct cb_docker_env){0}, "Not:a:tag", CB_E_USAGE, "");
    assert_logged("/images/", false); // nothing was done before that
    must_fail((struct cb_docker_env){.docker_host = "unix:///no/such.sock"}, "a/b", CB_E_NETWORK, "cannot be reached");
    must_fail((struct cb_docker_env){.docker_host = "ssh://x"}, "a/b", CB_E_USAGE, "DOCKER_HOST");
    must_fail((struct cb_docker_env){.docker_host = "tcp://127.0.0.1:1", .docker_tls_verify = "1"}, "a/b",
              CB_E_UNSUPPORTED, "TLS");
}

// A layer that cannot be read ends the archive in its middle; the daemon must not take that for the whole.
static void tells_a_missing_layer(void **state)
{
    (void)state;
    set("");
    char *away CB_AUTOFREE = cb_format("%s.away", built.path);
    assert_int_equal(rename(built.path, away), 0);
    must_fail((struct cb_docker_env){0}, "hello:v1", CB_E_NOT_FOUND, "loading the image: ");
    assert_int_equal(rename(away, built.path), 0);
    assert_logged("member", false);
    must_load((struct cb_docker_env){0}, "hello:v1");
}

static void build(void)
{
    static const struct cb_index_params ip;
    const struct cb_image *images[] = {&built.images[0], &built.images[1]};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO b = {0};
    for (size_t n = 0; n < LAYER_BYTES; n++)
        cb_buf_addc(&b, (char)(n * 7 + n / 251));
    built.path = cb_path_join(server.folder, "layer");
    assert_int_equal(cb_write_file(built.path, cb_buf_str(&b), 0644, &err), 0);
    built.layer.path = built.path;
    built.layer.descriptor.media_type = CB_STR(CB_MEDIA_OCI_LAYER);
    built.layer.descriptor.size = LAYER_BYTES;
    built.layer.descriptor.digest = built.layer.diff_id = cb_digest_of(cb_buf_str(&b));
    for (size_t i = 0; i < 2; i++) {
        const struct cb_image_params p = {.arch = i ? CB_STR("arm64") : CB_STR("amd64")};
        assert_int_equal(cb_image_build(&built.images[i], &p, &built.layer, 1, &err), 0);
    }
    cb_index_image_build(&built.index, &ip, images, 2);
}

static int start(void **state)
{
    (void)state;
    if (!test_server_start(&server, CBUILD_SOURCE_DIR "/tests/oci/docker_daemon.py", NULL))
        return -1;
    snprintf(docker_socket, sizeof docker_socket, "%s/docker.sock", server.folder);
    snprintf(address, sizeof address, "unix://%s", docker_socket);
    const struct cb_http_options o = {.offline = true}; // which does not mean this machine
    http = cb_http_new(&o);
    build();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    cb_index_image_release(&built.index);
    for (size_t i = 0; i < 2; i++)
        cb_image_release(&built.images[i]);
    free(built.path);
    cb_http_free(http);
    test_server_stop(&server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads),
        cmocka_unit_test(loads_once),
        cmocka_unit_test(chooses_the_platform),
        cmocka_unit_test(tells_failures),
        cmocka_unit_test(tells_a_missing_layer),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
