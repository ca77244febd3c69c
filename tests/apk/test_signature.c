// Indexes: their signatures, and what may stand around the APKINDEX in the archive.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#include "cbuild/apk/index.h"
#include "cbuild/apk/repository.h"
#include "cbuild/base/file.h"
#include "cbuild/net/http.h"
#include "make.h"

static char folder[64], path[128];
static struct cb_pool *pool;
static struct cb_http *http;
static struct make_key *key, *other;
static struct cb_keyring ring;
static struct cb_buf plain; // an index, not signed

static void add_key(const struct make_key *k, const char *name)
{
    CB_BUF_AUTO pem = {0};
    make_key_pem(k, &pem);
    cb_keyring_put(&ring, cb_str(name), cb_buf_str(&pem), cb_str(name));
}

static int begin(void **state)
{
    (void)state;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    strcpy(folder, "/tmp/cbuild-test-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    CB_AUTOFREE char *arch = cb_format("%s/x86_64", folder);
    snprintf(path, sizeof path, "%s/APKINDEX.tar.gz", arch);
    pool = cb_pool_new(1);
    http = cb_http_new(&(struct cb_http_options){.offline = true});
    key = make_key_new(2048);
    other = make_key_new(2048);
    add_key(key, "k.rsa.pub");
    cb_keyring_put(&ring, CB_STR("broken.rsa.pub"), CB_STR("not a key"), CB_STR("broken.rsa.pub"));
    make_index(&plain, CB_STR("P:a\nV:1\n\n"));
    return cb_mkdirs(arch, &err);
}

static int end(void **state)
{
    (void)state;
    cb_http_free(http);
    cb_pool_free(pool);
    make_key_free(key);
    make_key_free(other);
    cb_keyring_release(&ring);
    cb_buf_release(&plain);
    unlink(path);
    *strrchr(path, '/') = 0;
    rmdir(path);
    return rmdir(folder);
}

// Reads the index; how many packages it has, or -1 and *err.
static int read_index(struct cb_str bytes, struct cb_fetcher_options o, struct cb_error *err)
{
    struct cb_str line = cb_str(folder);
    struct cb_strs lines = {&line, 1, 1};
    struct cb_index_request q = {.repositories = &lines, .arch = CB_STR("x86_64"), .keys = &ring};
    struct cb_indexes x = {0};
    CB_ERROR_AUTO quiet = CB_ERROR_INIT;
    assert_int_equal(cb_write_file(path, bytes, 0644, &quiet), 0);
    o.http = http;
    o.pool = pool;
    struct cb_fetcher *f = cb_fetcher_new(&o, &quiet);
    int count = cb_indexes_fetch(f, &q, &x, err) ? -1 : (int)cb_index_count(x.v[0]);
    cb_indexes_release(&x);
    cb_fetcher_free(f);
    return count;
}

static void expect(struct cb_str bytes, enum cb_kind kind, const char *part)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    int count = read_index(bytes, (struct cb_fetcher_options){0}, &err);
    if (err.kind != kind || (part && !strstr(err.message, part)))
        fail_msg("wanted kind %d, got %d: %s", (int)kind, (int)err.kind, err.message ? err.message : "accepted");
    assert_int_equal(count, kind == CB_OK ? 1 : -1);
}

struct sig {
    const struct make_key *const *key;
    enum cb_hash_kind hash;
    const char *name;
    bool bad;
};

// A first member of these signatures.
static void add_signatures(struct cb_buf *out, const struct sig *sigs, size_t n)
{
    CB_BUF_AUTO tar = {0};
    struct cb_error err = CB_ERROR_INIT;
    struct cb_buf_sink sink = cb_buf_sink(&tar);
    struct cb_tar_writer w = cb_tar_writer(&sink.sink);
    for (size_t i = 0; i < n; i++) {
        CB_BUF_AUTO bytes = {0};
        make_signature(*sigs[i].key, sigs[i].hash, cb_buf_str(&plain), &bytes);
        bytes.p[0] = (char)(bytes.p[0] ^ sigs[i].bad);
        struct cb_tar_header h = {
            .name = cb_str(sigs[i].name), .type = CB_TAR_FILE, .mode = 0644, .size = (int64_t)bytes.n};
        assert_int_equal(cb_tar_write_header(&w, &h, &err), 0);
        assert_int_equal(cb_tar_write(&w, bytes.p, bytes.n, &err), 0);
    }
    cb_tar_close(&w, &err);
    tar.n -= 1024;
    make_gzip(out, cb_buf_str(&tar));
}

static void check(const struct sig *sigs, size_t n, enum cb_kind kind, const char *part)
{
    CB_BUF_AUTO bytes = {0};
    add_signatures(&bytes, sigs, n);
    cb_buf_addstr(&bytes, cb_buf_str(&plain));
    expect(cb_buf_str(&bytes), kind, part);
}

#define CHECK(kind, part, ...)                                                                                         \
    check((const struct sig[]){__VA_ARGS__}, sizeof((const struct sig[]){__VA_ARGS__}) / sizeof(struct sig), kind, part)
#define KEY (const struct make_key *const *)&key
#define OTHER (const struct make_key *const *)&other

static void test_algorithms(void **state)
{
    (void)state;
    CHECK(CB_OK, NULL, {KEY, CB_SHA1, ".SIGN.RSA.k.rsa.pub"});
    CHECK(CB_OK, NULL, {KEY, CB_SHA256, ".SIGN.RSA256.k.rsa.pub"});
    CHECK(CB_OK, NULL, {KEY, CB_SHA512, ".SIGN.RSA512.k.rsa.pub"}); // the reference passes over it
    CHECK(CB_E_TRUST, "verifies", {KEY, CB_SHA256, ".SIGN.RSA512.k.rsa.pub"});
    CHECK(CB_E_TRUST, "no signature of a kind", {KEY, CB_SHA1, ".SIGN.DSA.k.rsa.pub"});
    CHECK(CB_E_TRUST, "verifies", {KEY, CB_SHA256, ".SIGN.RSA.k.rsa.pub"});
    CHECK(CB_E_TRUST, "verifies", {KEY, CB_SHA1, ".SIGN.RSA256.k.rsa.pub"});
    CHECK(CB_E_TRUST, "verifies", {KEY, CB_SHA1, ".SIGN.RSA.k.rsa.pub", true});
    CHECK(CB_E_TRUST, "verifies", {OTHER, CB_SHA1, ".SIGN.RSA.k.rsa.pub"});
    CHECK(CB_E_TRUST, "verifies", {KEY, CB_SHA1, ".SIGN.RSA.broken.rsa.pub"});
}

static void test_names(void **state)
{
    (void)state;
    CHECK(CB_E_TRUST, "not signed", {KEY, CB_SHA1, ".SIGN.RSA.k"});
    CHECK(CB_E_TRUST, "not signed", {KEY, CB_SHA1, ".SIGN.RSA1.k.rsa.pub"});
    CHECK(CB_E_TRUST, "not signed", {KEY, CB_SHA1, "SIGN.RSA.k.rsa.pub"});
    CHECK(CB_E_TRUST, "not signed", {KEY, CB_SHA1, "x.SIGN.RSA.k.rsa.pub"});
    CHECK(CB_E_TRUST, "the keyring has no key of that name", {KEY, CB_SHA1, ".SIGN.RSA.dir/k.rsa.pub"});
    CHECK(CB_E_TRUST, "the keyring has no key of that name", {KEY, CB_SHA1, ".SIGN.RSA...rsa.pub"});
}

static void test_several(void **state)
{
    (void)state;
    CHECK(CB_OK, NULL, {KEY, CB_SHA1, ".SIGN.RSA.k.rsa.pub", true}, {KEY, CB_SHA256, ".SIGN.RSA256.k.rsa.pub"});
    CHECK(CB_OK, NULL, {KEY, CB_SHA1, ".SIGN.RSA.k.rsa.pub"}, {KEY, CB_SHA256, ".SIGN.RSA256.k.rsa.pub", true});
    CHECK(CB_OK, NULL, {OTHER, CB_SHA1, ".SIGN.RSA.unknown.rsa.pub"}, {KEY, CB_SHA1, ".SIGN.RSA.k.rsa.pub"});
    CHECK(CB_E_TRUST, "verifies", {KEY, CB_SHA1, ".SIGN.RSA.k.rsa.pub", true},
          {OTHER, CB_SHA256, ".SIGN.RSA256.k.rsa.pub"});
    CHECK(CB_E_TRUST, "not signed", {KEY, CB_SHA1, ".SIGN.RSA.k.rsa.pub"}, {KEY, CB_SHA1, "another file"});
}

// A segment of signatures has no end of its archive, so that its tar goes on in the next segment.
static void test_closed_segment(void **state)
{
    (void)state;
    for (size_t zeros = 0; zeros <= 4096; zeros += 512) {
        CB_BUF_AUTO tar = {0};
        CB_BUF_AUTO sig = {0};
        CB_BUF_AUTO bytes = {0};
        struct cb_error err = CB_ERROR_INIT;
        make_signature(key, CB_SHA256, cb_buf_str(&plain), &sig);
        struct cb_buf_sink sink = cb_buf_sink(&tar);
        struct cb_tar_writer w = cb_tar_writer(&sink.sink);
        struct cb_tar_header h = {
            .name = CB_STR(".SIGN.RSA256.k.rsa.pub"), .type = CB_TAR_FILE, .mode = 0644, .size = (int64_t)sig.n};
        assert_int_equal(cb_tar_write_header(&w, &h, &err), 0);
        assert_int_equal(cb_tar_write(&w, sig.p, sig.n, &err), 0);
        cb_tar_close(&w, &err);
        tar.n -= 1024;
        for (size_t i = 0; i < zeros; i++)
            cb_buf_addc(&tar, 0);
        make_gzip(&bytes, cb_buf_str(&tar));
        cb_buf_addstr(&bytes, cb_buf_str(&plain));
        int count = read_index(cb_buf_str(&bytes), (struct cb_fetcher_options){0}, &err);
        assert_int_equal(count, zeros < 512 ? 1 : zeros > 1024 ? -1 : zeros == 1024 ? 0 : count);
        assert_int_equal(err.kind, zeros > 1024 ? CB_E_TRUST : err.kind);
        cb_error_clear(&err);
    }
}

static void test_what_is_signed(void **state)
{
    (void)state;
    CB_BUF_AUTO bytes = {0};
    const struct sig sig = {KEY, CB_SHA256, ".SIGN.RSA256.k.rsa.pub"};
    add_signatures(&bytes, &sig, 1);
    size_t signature = bytes.n;
    cb_buf_addstr(&bytes, cb_buf_str(&plain));
    expect(cb_buf_str(&bytes), CB_OK, NULL);
    for (size_t i = signature; i < bytes.n; i++) { // every bit of the rest
        bytes.p[i] ^= 1;
        expect(cb_buf_str(&bytes), CB_E_TRUST, "verifies");
        bytes.p[i] ^= 1;
    }
    for (size_t n = 0; n < bytes.n; n++) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        assert_int_equal(read_index(cb_strn(bytes.p, n), (struct cb_fetcher_options){0}, &err), -1);
    }
    cb_buf_addc(&bytes, 0);
    expect(cb_buf_str(&bytes), CB_E_TRUST, "verifies");
    expect(cb_buf_str(&plain), CB_E_TRUST, "not signed");
}

static void test_bomb(void **state)
{
    (void)state;
    CB_BUF_AUTO zeros = {0};
    CB_BUF_AUTO bytes = {0};
    cb_buf_reserve(&zeros, 64u << 20);
    memset(zeros.p, 0, 64u << 20);
    make_gzip(&bytes, cb_strn(zeros.p, 64u << 20));
    cb_buf_addstr(&bytes, cb_buf_str(&plain));
    expect(cb_buf_str(&bytes), CB_E_LIMIT, "first member");
}

// ---- without signatures

static void expect_plain(struct cb_str bytes, int count, enum cb_kind kind, int64_t limit)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    int got =
        read_index(bytes, (struct cb_fetcher_options){.ignore_signatures = true, .limits = {.index = limit}}, &err);
    if (got != count || err.kind != kind)
        fail_msg("wanted %d packages, kind %d; got %d, %d: %s", count, (int)kind, got, (int)err.kind,
                 err.message ? err.message : "");
}

static void expect_files(const struct make_file *files, size_t n, bool closed, int count, enum cb_kind kind)
{
    CB_BUF_AUTO tar = {0};
    CB_BUF_AUTO bytes = {0};
    make_tar(&tar, files, n, closed);
    make_gzip(&bytes, cb_buf_str(&tar));
    expect_plain(cb_buf_str(&bytes), count, kind, 0);
}

static void test_members(void **state)
{
    (void)state;
    const struct make_file one = {"APKINDEX", "P:a\nV:1\n\n", NULL, ""},
                           two = {"APKINDEX", "P:a\nV:1\n\nP:b\nV:1\n\n", NULL, ""},
                           about = {"DESCRIPTION", "x", NULL, ""}, sig = {".SIGN.RSA.k.rsa.pub", "x", NULL, ""},
                           more = {"evil", "x", NULL, ""};
    expect_files((struct make_file[]){one}, 1, true, 1, CB_OK);
    expect_files((struct make_file[]){about, one}, 2, true, 1, CB_OK);
    expect_files((struct make_file[]){one, two}, 2, true, 2, CB_OK); // the last counts
    expect_files((struct make_file[]){two, one}, 2, true, 1, CB_OK);
    expect_files((struct make_file[]){sig, one}, 2, true, 1, CB_OK);
    expect_files((struct make_file[]){one}, 1, false, 1, CB_OK); // without the end of the archive
    expect_files((struct make_file[]){about}, 1, true, 0, CB_OK);
    expect_files((struct make_file[]){one, more}, 2, true, -1, CB_E_INPUT);
}

// What the reference does not look at in an index: what stands behind the end of the archive, its trailer, and
// reserved flags.
static void test_frame(void **state)
{
    (void)state;
    CB_BUF_AUTO bytes = {0};
    cb_buf_addstr(&bytes, cb_buf_str(&plain));
    bytes.p[bytes.n - 1] ^= 1;
    expect_plain(cb_buf_str(&bytes), 1, CB_OK, 0);
    bytes.p[bytes.n - 8] ^= 1;
    expect_plain(cb_buf_str(&bytes), 1, CB_OK, 0);
    bytes.p[3] = 0x20;
    expect_plain(cb_buf_str(&bytes), 1, CB_OK, 0);
    cb_buf_adds(&bytes, "garbage");
    expect_plain(cb_buf_str(&bytes), 1, CB_OK, 0);
    bytes.p[2] = 9;
    expect_plain(cb_buf_str(&bytes), -1, CB_E_INPUT, 0);
    expect_plain(CB_STR(""), -1, CB_E_INPUT, 0);
}

static void test_limit(void **state)
{
    (void)state;
    CB_BUF_AUTO text = {0};
    CB_BUF_AUTO bytes = {0};
    for (int i = 0; i < 1000; i++)
        cb_buf_addf(&text, "P:p%d\nV:1\n\n", i);
    make_index(&bytes, cb_buf_str(&text));
    expect_plain(cb_buf_str(&bytes), 1000, CB_OK, 0);
    expect_plain(cb_buf_str(&bytes), 1000, CB_OK, -1);
    expect_plain(cb_buf_str(&bytes), 1000, CB_OK, 1 << 20);
    expect_plain(cb_buf_str(&bytes), -1, CB_E_LIMIT, 8192);
}

static void test_repository_lines(void **state)
{
    (void)state;
    const struct {
        const char *line, *tag, *url;
    } cases[] = {{"https://h/os", "", "https://h/os"},
                 {"/path with space", "", "/path with space"},
                 {"@edge https://h/os", "edge", "https://h/os"},
                 {"@edge\t https://h/os more", "edge", "https://h/os"},
                 {"@edge", NULL, NULL},
                 {"@ ", NULL, NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        struct cb_repository r;
        int failed = cb_repository_parse(&r, cb_str(cases[i].line), &err);
        assert_int_equal(failed != 0, cases[i].tag == NULL);
        if (failed)
            continue;
        assert_true(cb_str_is(r.tag, cases[i].tag));
        assert_true(cb_str_is(r.url, cases[i].url));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_algorithms),     cmocka_unit_test(test_names),
                                       cmocka_unit_test(test_several),        cmocka_unit_test(test_closed_segment),
                                       cmocka_unit_test(test_what_is_signed), cmocka_unit_test(test_bomb),
                                       cmocka_unit_test(test_members),        cmocka_unit_test(test_frame),
                                       cmocka_unit_test(test_limit),          cmocka_unit_test(test_repository_lines)};
    return cmocka_run_group_tests(tests, begin, end);
}
