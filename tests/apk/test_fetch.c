// Indexes, packages and keys over http and through the cache, against a repository on loopback.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../net/server.h"
#include "cbuild/apk/index.h"
#include "cbuild/apk/repository.h"
#include "cbuild/base/file.h"
#include "cbuild/net/http.h"
#include "make.h"

static struct test_server server;
static struct cb_pool *pool;
static struct make_key *key, *other_key;
static struct make_package package;
static char url[64], elsewhere[64]; // of the repository; of the other port
static char cache[128];

struct world { // one fetcher and what it needs
    struct cb_http *http;
    struct cb_fetcher *f;
};

static struct world begin_world(bool offline, bool with_cache)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct world w = {.http = cb_http_new(&(struct cb_http_options){.offline = offline, .limits = {.retries = 1}})};
    struct cb_fetcher_options o = {
        .http = w.http, .pool = pool, .offline = offline, .cache_dir = with_cache ? cache : NULL};
    w.f = cb_fetcher_new(&o, &err);
    return w;
}

static void end_world(struct world *w)
{
    cb_fetcher_free(w->f);
    cb_http_free(w->http);
}

static void run(const char *format, const char *arg)
{
    CB_AUTOFREE char *command = cb_format("%s '%s'", format, arg);
    assert_int_equal(system(command), 0);
}

static char *www(const char *path)
{
    return cb_format("%s/www/%s", server.folder, path);
}

static void serve(const char *path, struct cb_str bytes)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_AUTOFREE char *full = www(path);
    CB_AUTOFREE char *dir = cb_strndup(full, (size_t)(strrchr(full, '/') - full));
    assert_int_equal(cb_mkdirs(dir, &err), 0);
    assert_int_equal(cb_write_file(full, bytes, 0644, &err), 0);
}

static void unserve(const char *path)
{
    CB_AUTOFREE char *full = www(path);
    unlink(full);
}

static void serve_text(const char *path, const char *text)
{
    serve(path, cb_str(text));
}

// The requests since the last call, as "METHOD path" lines.
static char *requests(void)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_http *h = cb_http_new(&(struct cb_http_options){0});
    CB_AUTOFREE char *log = cb_format("http://127.0.0.1:%u/.log", server.ports[0]);
    CB_HTTP_ANSWER_AUTO a = {0};
    assert_int_equal(cb_http_fetch(h, &(struct cb_http_request){.url = log}, &a, &err), 0);
    cb_http_free(h);
    return cb_buf_take(&a.text);
}

static void expect_requests(const char *want)
{
    CB_AUTOFREE char *got = requests();
    assert_string_equal(got, want);
}

// An index with one package, signed with the key under a name.
static void serve_index(const struct make_key *signer, const char *name, const char *description)
{
    CB_BUF_AUTO text = {0};
    CB_BUF_AUTO plain = {0};
    CB_BUF_AUTO whole = {0};
    make_record(&text, &package, "a");
    cb_buf_addf(&text, "C:Q1\nP:%s\nV:1\n\n", description);
    make_index(&plain, cb_buf_str(&text));
    make_signature_segment(signer, CB_SHA256, name, cb_buf_str(&plain), &whole);
    cb_buf_addstr(&whole, cb_buf_str(&plain));
    serve("os/x86_64/APKINDEX.tar.gz", cb_buf_str(&whole));
}

static void serve_package(void)
{
    CB_BUF_AUTO bytes = {0};
    make_package_bytes(&package, &bytes);
    serve("os/x86_64/a-1.0-r0.apk", cb_buf_str(&bytes));
}

static int begin(void **state)
{
    (void)state;
    if (!test_server_start(&server, CBUILD_SOURCE_DIR "/tests/apk/repo_server.py", NULL))
        return -1;
    pool = cb_pool_new(2);
    key = make_key_new(2048);
    other_key = make_key_new(2048);
    make_package(&package, "a", "hello");
    make_signature_segment(key, CB_SHA256, "RSA256.k.rsa.pub", cb_buf_str(&package.control), &package.signature);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/os", server.ports[0]);
    snprintf(elsewhere, sizeof elsewhere, "http://127.0.0.1:%u/os", server.ports[1]);
    snprintf(cache, sizeof cache, "%s/cache", server.folder);
    return 0;
}

static int end(void **state)
{
    (void)state;
    make_package_release(&package);
    make_key_free(key);
    make_key_free(other_key);
    cb_pool_free(pool);
    test_server_stop(&server);
    return 0;
}

// Each test begins with a good repository and without a cache.
static int fresh(void **state)
{
    (void)state;
    run("rm -rf", cache);
    CB_AUTOFREE char *all = www("");
    run("rm -rf", all);
    CB_AUTOFREE char *no_etag = cb_format("%s/no-etag", server.folder);
    unlink(no_etag);
    serve_index(key, "RSA256.k.rsa.pub", "first");
    serve_package();
    free(requests());
    return 0;
}

static void add_key(struct cb_keyring *ring, const struct make_key *k, const char *name)
{
    CB_BUF_AUTO pem = {0};
    make_key_pem(k, &pem);
    cb_keyring_put(ring, cb_str(name), cb_buf_str(&pem), cb_str(name));
}

// Fetches the repository's index; NULL where it is refused. *more: the name of its second package, in *a.
static enum cb_kind fetch_index(struct world *w, const struct cb_keyring *ring, char more[32])
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_str line = cb_str(url);
    struct cb_strs lines = {&line, 1, 1};
    struct cb_index_request q = {.repositories = &lines, .arch = CB_STR("x86_64"), .keys = ring};
    struct cb_indexes x = {0};
    if (cb_indexes_fetch(w->f, &q, &x, &err)) {
        assert_int_equal(x.n, 0);
        assert_non_null(strstr(err.message, "APKINDEX.tar.gz"));
        return err.kind;
    }
    CB_ARENA_AUTO a = {0};
    struct cb_package p;
    assert_int_equal(x.n, 1);
    assert_int_equal(cb_index_count(x.v[0]), 2);
    cb_index_package(x.v[0], 1, &a, &p);
    snprintf(more, 32, "%.*s", CB_STR_ARG(p.name));
    cb_indexes_release(&x);
    return CB_OK;
}

static void expect_index(bool offline, bool with_cache, const char *want)
{
    CB_KEYRING_AUTO ring = {0};
    char more[32] = "";
    add_key(&ring, key, "k.rsa.pub");
    struct world w = begin_world(offline, with_cache);
    assert_int_equal(fetch_index(&w, &ring, more), CB_OK);
    assert_string_equal(more, want);
    end_world(&w);
}

static void expect_no_index(bool offline, enum cb_kind kind)
{
    CB_KEYRING_AUTO ring = {0};
    char more[32];
    add_key(&ring, key, "k.rsa.pub");
    struct world w = begin_world(offline, true);
    assert_int_equal(fetch_index(&w, &ring, more), kind);
    end_world(&w);
}

static void test_index_by_etag(void **state)
{
    (void)state;
    expect_index(false, false, "first");
    expect_requests("GET /os/x86_64/APKINDEX.tar.gz");
    expect_index(false, true, "first");
    expect_requests("GET /os/x86_64/APKINDEX.tar.gz");
    expect_index(false, true, "first");
    expect_requests("HEAD /os/x86_64/APKINDEX.tar.gz");
    expect_index(true, true, "first");
    expect_requests("");
    serve_index(key, "RSA256.k.rsa.pub", "second");
    expect_index(true, true, "first");
    expect_index(false, true, "second");
    expect_requests("GET /os/x86_64/APKINDEX.tar.gz\nHEAD /os/x86_64/APKINDEX.tar.gz");
    expect_index(true, true, "second");
}

static void test_index_without_etag(void **state)
{
    (void)state;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_AUTOFREE char *no_etag = cb_format("%s/no-etag", server.folder);
    assert_int_equal(cb_write_file(no_etag, CB_STR(""), 0644, &err), 0);
    expect_index(false, true, "first");
    expect_index(false, true, "first");
    expect_requests("GET /os/x86_64/APKINDEX.tar.gz\nGET /os/x86_64/APKINDEX.tar.gz");
    expect_no_index(true, CB_E_NOT_FOUND);
}

static char *find_in_cache(const char *pattern)
{
    CB_AUTOFREE char *command = cb_format("find '%s' -name '%s' | head -n 1", cache, pattern);
    FILE *f = popen(command, "r");
    char line[600] = "";
    assert_non_null(fgets(line, sizeof line, f));
    pclose(f);
    line[strcspn(line, "\n")] = 0;
    return cb_strdup(line);
}

static void plant(const char *path, const char *how)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO old = {0};
    assert_int_equal(cb_read_file(path, &old, 1u << 20, &err), 0);
    unlink(path);
    if (strcmp(how, "fifo") == 0)
        assert_int_equal(mkfifo(path, 0600), 0);
    else if (strcmp(how, "link") == 0)
        assert_int_equal(symlink("/dev/zero", path), 0);
    else if (strcmp(how, "empty") == 0)
        assert_int_equal(cb_write_file(path, CB_STR(""), 0644, &err), 0);
    else if (strcmp(how, "folder") == 0)
        assert_int_equal(mkdir(path, 0755), 0);
    else if (strcmp(how, "gone") != 0) {
        if (strcmp(how, "bit") == 0)
            old.p[old.n / 2] ^= 1;
        else if (strcmp(how, "short") == 0)
            old.n--;
        else if (strcmp(how, "long") == 0)
            cb_buf_addc(&old, 0);
        assert_int_equal(cb_write_file(path, cb_buf_str(&old), 0644, &err), 0);
        if (strcmp(how, "sparse") == 0)
            assert_int_equal(truncate(path, (off_t)1 << 40), 0);
    }
}

static const char *const plantings[] = {"fifo", "link", "empty", "folder", "bit", "short", "long", "sparse"};

static void test_index_cache_poisoned(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof plantings / sizeof *plantings; i++) {
        expect_index(false, true, "first");
        CB_AUTOFREE char *entry = find_in_cache("*.tar.gz");
        plant(entry, plantings[i]);
        CB_KEYRING_AUTO ring = {0};
        char more[32];
        add_key(&ring, key, "k.rsa.pub");
        struct world w = begin_world(true, true);
        assert_int_not_equal(fetch_index(&w, &ring, more), CB_OK);
        end_world(&w);
        expect_index(false, true, "first");
        expect_index(true, true, "first");
    }
}

// That an index was once verified, or taken without, is not remembered: the keyring at hand decides.
static void test_index_keys(void **state)
{
    (void)state;
    expect_index(false, true, "first");
    CB_KEYRING_AUTO none = {0};
    CB_KEYRING_AUTO wrong = {0};
    char more[32];
    add_key(&wrong, other_key, "k.rsa.pub");
    struct world w = begin_world(false, true);
    assert_int_equal(fetch_index(&w, &none, more), CB_E_TRUST);
    assert_int_equal(fetch_index(&w, &wrong, more), CB_E_TRUST);
    add_key(&none, key, "another.rsa.pub"); // the right key under another name
    assert_int_equal(fetch_index(&w, &none, more), CB_E_TRUST);
    add_key(&none, key, "k"); // a key that came without its ending
    assert_int_equal(fetch_index(&w, &none, more), CB_OK);
    end_world(&w);
}

// ---- packages

static enum cb_kind open_package(bool offline, bool with_cache, char **message)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct world w = begin_world(offline, with_cache);
    CB_AUTOFREE char *address = cb_format("%s/x86_64/a-1.0-r0.apk", url);
    struct cb_package pkg = {.name = CB_STR("a"),
                             .version = CB_STR("1.0-r0"),
                             .checksum = cb_strn(package.control_sha1, CB_SHA1_SIZE),
                             .size = package.signature.n + package.control.n + package.data.n};
    struct cb_repo_package p = {.pkg = &pkg, .url = cb_str(address)};
    const struct cb_repo_package *list[] = {&p, &p};
    const struct cb_apk_file *files[2];
    if (cb_packages_open(w.f, list, 2, files, &err) == 0) {
        char text[5];
        assert_int_equal(pread(files[1]->data_fd, text, 5, (off_t)files[1]->entries.v[2].data_at), 5);
        assert_memory_equal(text, "hello", 5);
        assert_int_equal(files[0]->signature_size, package.signature.n);
        assert_ptr_equal(files[0], files[1]); // opened once
        cb_packages_close(w.f, list, 2, files);
    }
    if (message)
        *message = cb_strdup(err.message ? err.message : "");
    end_world(&w);
    return err.kind;
}

static void test_package(void **state)
{
    (void)state;
    assert_int_equal(open_package(false, false, NULL), CB_OK);
    assert_int_equal(open_package(true, true, NULL), CB_E_NOT_FOUND);
    assert_int_equal(open_package(false, true, NULL), CB_OK);
    free(requests());
    assert_int_equal(open_package(false, true, NULL), CB_OK);
    assert_int_equal(open_package(true, true, NULL), CB_OK);
    expect_requests("");
    unserve("os/x86_64/a-1.0-r0.apk");
    assert_int_equal(open_package(false, true, NULL), CB_OK);
    assert_int_equal(open_package(false, false, NULL), CB_E_NOT_FOUND);
}

static void test_package_swapped(void **state)
{
    (void)state;
    struct make_package swapped = {0};
    CB_BUF_AUTO bytes = {0};
    make_package(&swapped, "a", "other");
    make_package_bytes(&swapped, &bytes);
    serve("os/x86_64/a-1.0-r0.apk", cb_buf_str(&bytes));
    CB_AUTOFREE char *message = NULL;
    assert_int_equal(open_package(false, true, &message), CB_E_TRUST);
    char want[41], got[41];
    cb_hex(want, package.control_sha1, CB_SHA1_SIZE);
    cb_hex(got, swapped.control_sha1, CB_SHA1_SIZE);
    assert_non_null(strstr(message, want));
    assert_non_null(strstr(message, got));
    assert_non_null(strstr(message, url));
    CB_AUTOFREE char *empty = cb_format("test ! -d '%s' || test -z \"$(find '%s' -type f)\"", cache, cache);
    assert_int_equal(system(empty), 0); // nothing of it was kept
    serve_package();
    assert_int_equal(open_package(false, true, NULL), CB_OK);
    make_package_release(&swapped);
}

static void test_package_cache_poisoned(void **state)
{
    (void)state;
    static const char *const parts[] = {"*.sig.tar.gz", "*.ctl.tar.gz", "*.dat.tar.gz"};
    for (size_t part = 0; part < 3; part++)
        for (size_t i = 0; i <= sizeof plantings / sizeof *plantings; i++) {
            const char *how = i == sizeof plantings / sizeof *plantings ? "gone" : plantings[i];
            if (part == 0 && strcmp(how, "bit") == 0)
                continue; // nothing covers the bytes of the signature
            run("rm -rf", cache);
            assert_int_equal(open_package(false, true, NULL), CB_OK);
            CB_AUTOFREE char *entry = find_in_cache(parts[part]);
            plant(entry, how);
            if (open_package(true, true, NULL) == CB_OK)
                fail_msg("%s: %s is taken offline", parts[part], how);
            if (open_package(false, true, NULL) != CB_OK)
                fail_msg("%s: %s is not had anew", parts[part], how);
            if (open_package(true, true, NULL) != CB_OK)
                fail_msg("%s: %s is not mended", parts[part], how);
        }
}

// A complete package where the reference looks for one before it asks the server.
static void test_package_whole_in_cache(void **state)
{
    (void)state;
    CB_BUF_AUTO bytes = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    make_package_bytes(&package, &bytes);
    CB_AUTOFREE char *folder = cb_format("%s/http%%3A%%2F%%2F127.0.0.1%%3A%u%%2Fos/x86_64", cache, server.ports[0]);
    CB_AUTOFREE char *whole = cb_format("%s/a-1.0-r0.apk", folder);
    assert_int_equal(cb_mkdirs(folder, &err), 0);
    assert_int_equal(cb_write_file(whole, cb_buf_str(&bytes), 0644, &err), 0);
    assert_int_equal(open_package(true, true, NULL), CB_OK);
    bytes.p[bytes.n - 20] ^= 1;
    assert_int_equal(cb_write_file(whole, cb_buf_str(&bytes), 0644, &err), 0);
    assert_int_not_equal(open_package(true, true, NULL), CB_OK);
    assert_int_equal(open_package(false, true, NULL), CB_OK);
}

static void test_package_read_only_cache(void **state)
{
    (void)state;
    assert_int_equal(open_package(false, true, NULL), CB_OK);
    CB_AUTOFREE char *before = cb_format("find '%s' -printf '%%p %%T@\\n' | sort > '%s/before'", cache, server.folder);
    CB_AUTOFREE char *after =
        cb_format("find '%s' -printf '%%p %%T@\\n' | sort | cmp - '%s/before'", cache, server.folder);
    assert_int_equal(system(before), 0);
    assert_int_equal(open_package(true, true, NULL), CB_OK);
    assert_int_equal(system(after), 0);
}

// ---- keys

static enum cb_kind load_keys(bool offline, const char *file, struct cb_keyring *ring)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct world w = begin_world(offline, true);
    struct cb_str repository = cb_str(url), named = cb_str(file);
    struct cb_strs repositories = {&repository, 1, 1}, files = {&named, file ? 1 : 0, 1};
    struct cb_keyring_request q = {&repositories, &files, CB_STR("x86_64"), 0};
    cb_keyring_load(w.f, &q, ring, &err);
    end_world(&w);
    return err.kind;
}

static void serve_jwks(const char *kid, const char *extra)
{
    CB_BUF_AUTO jwks = {0};
    CB_AUTOFREE char *configuration = cb_format("{\"jwks_uri\": \"%s/jwks.json\"}", url);
    // A fixed key, so that its file is known: base64url of a modulus of 2048 bits.
    cb_buf_addf(&jwks, "{\"keys\": [{\"kty\": \"RSA\", \"kid\": \"%s\", \"e\": \"AQAB\", \"n\": \"", kid);
    for (int i = 0; i < 341; i++)
        cb_buf_addc(&jwks, "-_AZaz09"[i % 8]);
    cb_buf_addf(&jwks, "Q\"%s}]}", extra);
    serve("os/jwks.json", cb_buf_str(&jwks));
    serve_text("os/apk-configuration", configuration);
}

static void expect_keys(bool offline, size_t n)
{
    CB_KEYRING_AUTO ring = {0};
    assert_int_equal(load_keys(offline, NULL, &ring), CB_OK);
    assert_int_equal(ring.n, n);
}

static void test_discovery(void **state)
{
    (void)state;
    expect_keys(false, 0); // 404: this server does not offer keys
    expect_keys(true, 0);
    serve_jwks("signer 1", "");
    CB_KEYRING_AUTO ring = {0};
    CB_KEYRING_AUTO offline = {0};
    assert_int_equal(load_keys(false, NULL, &ring), CB_OK);
    assert_int_equal(ring.n, 1);
    assert_true(cb_str_is(ring.v[0].name, "signer 1.rsa.pub"));
    assert_true(cb_str_starts(ring.v[0].bytes, "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A"));
    assert_int_equal(load_keys(true, NULL, &offline), CB_OK); // as an earlier build found them
    assert_int_equal(offline.n, 1);
    assert_true(cb_str_eq(ring.v[0].bytes, offline.v[0].bytes));
    unserve("os/apk-configuration");
    expect_keys(false, 0);
    expect_keys(true, 0); // and forgets them when the server withdraws them
}

static void test_discovery_refused(void **state)
{
    (void)state;
    static const char *const kids[] = {"../../x", "a/b", ".hidden", "", "a\\nb", "a\\u001bb", "a\\\\b"};
    for (size_t i = 0; i < sizeof kids / sizeof *kids; i++) {
        serve_jwks(kids[i], "");
        expect_keys(false, 0);
    }
    serve_jwks("private", ", \"d\": \"AQAB\"");
    expect_keys(false, 0);
    static const char *const sets[] = {
        "{\"keys\": [{\"kty\": \"EC\", \"kid\": \"k\", \"crv\": \"P-256\", \"x\": \"AAAA\", \"y\": \"AAAA\"}]}",
        "{\"keys\": [{\"kty\": \"oct\", \"kid\": \"k\", \"k\": \"AAAA\"}]}",
        "{\"keys\": [{\"kty\": \"RSA\", \"kid\": \"k\", \"n\": \"AQAB\", \"e\": \"AQAB\"}]}",
        "{\"keys\": [{\"kty\": \"RSA\", \"kid\": \"k\"}]}",
        "{\"keys\": [{\"kty\": \"RSA\"}]}",
        "{\"keys\": [null]}",
        "{\"keys\": {}}",
        "[]",
        "",
        "<html>"};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        serve_jwks("good", "");
        serve_text("os/jwks.json", sets[i]);
        expect_keys(false, 0);
    }
    serve_jwks("good", "");
    expect_keys(false, 1);
    CB_AUTOFREE char *foreign = cb_format("{\"jwks_uri\": \"%s/jwks.json\"}", elsewhere);
    const char *const configurations[] = {foreign,
                                          "{\"jwks_uri\": \"file:///etc/passwd\"}",
                                          "{\"jwks_uri\": \"\"}",
                                          "{\"jwks_uri\": \"jwks.json\"}",
                                          "{}",
                                          "x",
                                          "{\"jwks_uri\": 1}"};
    for (size_t i = 0; i < sizeof configurations / sizeof *configurations; i++) {
        serve_text("os/apk-configuration", configurations[i]);
        expect_keys(false, 0);
    }
    serve_jwks("good", "");
    serve_text("os/apk-configuration.status", "403");
    expect_keys(false, 0);
    unserve("os/apk-configuration.status");
    expect_keys(false, 1);
}

// Nothing but keys comes out of the cache.
static void test_discovery_cache_poisoned(void **state)
{
    (void)state;
    serve_jwks("k", "");
    expect_keys(false, 1);
    CB_AUTOFREE char *entry = find_in_cache("*.pem");
    expect_keys(true, 1);
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    static const char *const texts[] = {"x", "k.rsa.pub\n", "k.rsa.pub\nnot a key\n", "../../../k.rsa.pub\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(cb_write_file(entry, cb_str(texts[i]), 0644, &err), 0);
        expect_keys(true, 0);
    }
    expect_keys(false, 1);
}

static void test_named_keys(void **state)
{
    (void)state;
    CB_AUTOFREE char *remote = cb_format("%s/signer.rsa.pub", url);
    CB_AUTOFREE char *local = cb_format("%s/local.rsa.pub", server.folder);
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_KEYRING_AUTO ring = {0};
    serve_text("os/signer.rsa.pub", "any bytes");
    assert_int_equal(cb_write_file(local, CB_STR("local bytes"), 0644, &err), 0);
    assert_int_equal(load_keys(false, remote, &ring), CB_OK);
    assert_int_equal(load_keys(false, local, &ring), CB_OK);
    assert_int_equal(ring.n, 2);
    assert_true(cb_str_is(cb_keyring_get(&ring, CB_STR("signer.rsa.pub"))->bytes, "any bytes"));
    assert_true(cb_str_is(cb_keyring_get(&ring, CB_STR("local.rsa.pub"))->bytes, "local bytes"));
    CB_KEYRING_AUTO offline = {0};
    assert_int_equal(load_keys(true, remote, &offline), CB_OK);
    assert_int_equal(offline.n, 1);
    CB_KEYRING_AUTO none = {0};
    CB_AUTOFREE char *absent = cb_format("%s/absent.rsa.pub", url);
    assert_int_equal(load_keys(false, absent, &none), CB_E_NOT_FOUND);
    assert_int_equal(load_keys(false, "/nonexistent/k.rsa.pub", &none), CB_E_NOT_FOUND);
    assert_int_equal(load_keys(true, absent, &none), CB_E_NOT_FOUND);
    assert_int_equal(none.n, 0);
}

static void put_cached(const char *path, const char *text)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_AUTOFREE char *full = cb_path_join(cache, path);
    CB_AUTOFREE char *dir = cb_strndup(full, (size_t)(strrchr(full, '/') - full));
    assert_int_equal(cb_mkdirs(dir, &err), 0);
    assert_int_equal(cb_write_file(full, cb_str(text), 0644, &err), 0);
}

#define ALPINE "https%3A%2F%2Falpinelinux.org%2F/"

// As the reference leaves them in the cache: releases.json, and a key whose URL has %20 where its name has an "@".
static void test_alpine_keys(void **state)
{
    (void)state;
    put_cached(
        ALPINE "GE======.etag",
        "{\"release_branches\": [{\"rel_branch\": \"v3.20\"}, {\"rel_branch\": \"v3.21\", \"keys\": {\"x86_64\": ["
        "{\"url\": \"https://alpinelinux.org/keys/devel%20x-1.rsa.pub\"},"
        "{\"url\": \"https://alpinelinux.org/keys/devel%20x-2.rsa.pub\", \"deprecated_since\": \"1970-01-03\"},"
        "{\"url\": \"https://alpinelinux.org/keys/old.rsa.pub\", \"deprecated_since\": \"1970-01-02\"}]}}]}");
    put_cached(ALPINE "keys/devel@x-1.rsa.pub/GE======.etag", "one");
    put_cached(ALPINE "keys/devel@x-2.rsa.pub/GE======.etag", "two");
    const struct {
        const char *repository;
        size_t n;
    } cases[] = {{"https://dl-cdn.alpinelinux.org/alpine/v3.21/main", 2},
                 {"http://mirror.example/pub/alpine/v3.21/community", 2},
                 {"https://dl-cdn.alpinelinux.org/alpine/v3.20/main", 0},
                 {"https://dl-cdn.alpinelinux.org/alpine/v9/main", 0},
                 {"https://alpine/v3.21/main", 0},
                 {"https://dl-cdn.alpinelinux.org/alpine/v3.21/main/", 0},
                 {"https://dl-cdn.alpinelinux.org/alpine/v3.21", 0},
                 {"/local/alpine/v3.21/main", 0},
                 {"@edge https://dl-cdn.alpinelinux.org/alpine/v3.21/main", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        CB_KEYRING_AUTO ring = {0};
        struct world w = begin_world(true, true);
        struct cb_str repository = cb_str(cases[i].repository);
        struct cb_strs repositories = {&repository, 1, 1}, none = {0};
        struct cb_keyring_request q = {&repositories, &none, CB_STR("x86_64"), 86400};
        assert_int_equal(cb_keyring_load(w.f, &q, &ring, &err), 0);
        if (ring.n != cases[i].n)
            fail_msg("%s: %zu keys, wanted %zu", cases[i].repository, ring.n, cases[i].n);
        if (ring.n == 2)
            assert_true(cb_str_is(ring.v[0].name, "devel@x-1.rsa.pub"));
        end_world(&w);
    }
}

#define EACH(f) cmocka_unit_test_setup(f, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {EACH(test_index_by_etag),
                                       EACH(test_index_without_etag),
                                       EACH(test_index_cache_poisoned),
                                       EACH(test_index_keys),
                                       EACH(test_package),
                                       EACH(test_package_swapped),
                                       EACH(test_package_cache_poisoned),
                                       EACH(test_package_whole_in_cache),
                                       EACH(test_package_read_only_cache),
                                       EACH(test_discovery),
                                       EACH(test_discovery_refused),
                                       EACH(test_discovery_cache_poisoned),
                                       EACH(test_named_keys),
                                       EACH(test_alpine_keys)};
    return cmocka_run_group_tests(tests, begin, end);
}
