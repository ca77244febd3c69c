// Opening packages: what is in them, and every way of being wrong that we know of next to one of being right.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "cbuild/apk/repository.h"
#include "cbuild/base/file.h"
#include "cbuild/net/http.h"
#include "make.h"

static char folder[64], path[128];
static struct cb_pool *pool;
static struct cb_http *http;
static struct cb_fetcher *fetcher;

static struct cb_fetcher *new_fetcher(struct cb_size_limits limits)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_fetcher_options o = {.http = http, .pool = pool, .temp_dir = folder, .limits = limits, .offline = true};
    return cb_fetcher_new(&o, &err);
}

static int begin(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/cbuild-test-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/a-1.0-r0.apk", folder);
    pool = cb_pool_new(1);
    http = cb_http_new(&(struct cb_http_options){.offline = true});
    fetcher = new_fetcher((struct cb_size_limits){0});
    return 0;
}

static int end(void **state)
{
    (void)state;
    cb_fetcher_free(fetcher);
    cb_http_free(http);
    cb_pool_free(pool);
    unlink(path);
    return rmdir(folder);
}

static struct cb_apk_file *open_as(struct cb_fetcher *f, const char *name, const uint8_t *sha1, size_t sha1_size,
                                   struct cb_error *err)
{
    struct cb_package pkg = {.name = cb_str(name), .version = CB_STR("1.0-r0"), .checksum = cb_strn(sha1, sha1_size)};
    struct cb_repo_package p = {.pkg = &pkg, .url = cb_str(path)};
    return cb_package_open(f, &p, err);
}

// Opens bytes as the package with that control hash; NULL and *err where it is refused.
static struct cb_apk_file *open_bytes(struct cb_fetcher *f, struct cb_str bytes, const uint8_t *sha1,
                                      struct cb_error *err)
{
    CB_ERROR_AUTO quiet = CB_ERROR_INIT;
    assert_int_equal(cb_write_file(path, bytes, 0644, &quiet), 0);
    return open_as(f, "a", sha1, CB_SHA1_SIZE, err);
}

static void expect_in(struct cb_fetcher *f, struct cb_str bytes, const uint8_t *sha1, enum cb_kind kind,
                      const char *part)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_apk_file *file = open_bytes(f, bytes, sha1, &err);
    if (err.kind != kind || (part && !strstr(err.message, part)))
        fail_msg("wanted kind %d with \"%s\", got %d: %s", (int)kind, part ? part : "", (int)err.kind,
                 err.message ? err.message : "accepted");
    assert_int_equal(file == NULL, kind != CB_OK);
    cb_apk_file_free(file);
}

static void expect(const struct make_package *p, enum cb_kind kind, const char *part)
{
    CB_BUF_AUTO bytes = {0};
    make_package_bytes(p, &bytes);
    expect_in(fetcher, cb_buf_str(&bytes), p->control_sha1, kind, part);
}

static void replace(struct cb_buf *b, struct cb_str bytes)
{
    cb_buf_reset(b);
    cb_buf_addstr(b, bytes);
}

// A data segment of these files, and the control segment that goes with it.
static void pack(struct make_package *p, const struct make_file *files, size_t n)
{
    CB_BUF_AUTO tar = {0};
    make_tar(&tar, files, n, true);
    cb_buf_reset(&p->data);
    make_gzip(&p->data, cb_buf_str(&tar));
    make_control(p, "a", "");
}

static void test_contents(void **state)
{
    (void)state;
    struct make_package p = {0};
    CB_BUF_AUTO bytes = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    make_package(&p, "a", "hello");
    struct make_key *key = make_key_new(1024);
    make_signature_segment(key, CB_SHA256, "RSA256.k.rsa.pub", cb_buf_str(&p.control), &p.signature);
    make_package_bytes(&p, &bytes);
    struct cb_apk_file *f = open_bytes(fetcher, cb_buf_str(&bytes), p.control_sha1, &err);
    assert_non_null(f);
    assert_int_equal(f->signature_size, p.signature.n);
    assert_int_equal(f->control_size, p.control.n);
    assert_int_equal(f->data_size, p.data.n);
    assert_int_equal(f->info.size, bytes.n);
    uint8_t sum[CB_HASH_MAX];
    cb_hash_once(CB_SHA1, p.signature.p, p.signature.n, sum);
    assert_memory_equal(sum, f->signature_sha1, CB_SHA1_SIZE);
    cb_hash_once(CB_SHA256, p.data.p, p.data.n, sum);
    assert_memory_equal(sum, f->data_sha256, CB_SHA256_SIZE);
    assert_true(cb_str_is(f->info.name, "a"));
    assert_true(cb_str_eq(f->info.checksum, cb_strn(p.control_sha1, CB_SHA1_SIZE)));
    assert_int_equal(f->entries.n, 3);
    const struct cb_apk_entry *e = &f->entries.v[2];
    assert_true(cb_str_is(e->header.name, "usr/share/a"));
    assert_true(e->has_checksum);
    assert_int_equal(e->header.npax, 0);
    cb_hash_once(CB_SHA1, "hello", 5, sum);
    assert_memory_equal(e->sha1, sum, CB_SHA1_SIZE);
    char text[5];
    assert_int_equal(pread(f->data_fd, text, 5, (off_t)e->data_at), 5);
    assert_memory_equal(text, "hello", 5);
    cb_apk_file_free(f);
    make_key_free(key);
    make_package_release(&p);
}

static void test_truncated(void **state)
{
    (void)state;
    struct make_package p = {0};
    CB_BUF_AUTO bytes = {0};
    make_package(&p, "a", "hello");
    make_package_bytes(&p, &bytes);
    expect_in(fetcher, cb_buf_str(&bytes), p.control_sha1, CB_OK, NULL);
    for (size_t n = 0; n < bytes.n; n++) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        assert_null(open_bytes(fetcher, cb_strn(bytes.p, n), p.control_sha1, &err));
        assert_true(err.kind == CB_E_INPUT || err.kind == CB_E_TRUST);
    }
    make_package_release(&p);
}

static void test_every_bit_counts(void **state)
{
    (void)state;
    struct make_package p = {0};
    CB_BUF_AUTO bytes = {0};
    make_package(&p, "a", "hello");
    make_package_bytes(&p, &bytes);
    for (size_t i = 0; i < bytes.n; i++) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        bytes.p[i] ^= 0x10;
        assert_null(open_bytes(fetcher, cb_buf_str(&bytes), p.control_sha1, &err));
        bytes.p[i] ^= 0x10;
    }
    make_package_release(&p);
}

static void test_swapped(void **state)
{
    (void)state;
    struct make_package p = {0}, q = {0}, mixed = {0};
    make_package(&p, "a", "hello");
    make_package(&q, "a", "other");
    expect(&p, CB_OK, NULL);
    expect(&q, CB_OK, NULL);
    replace(&mixed.control, cb_buf_str(&p.control));
    replace(&mixed.data, cb_buf_str(&q.data));
    memcpy(mixed.control_sha1, p.control_sha1, CB_SHA1_SIZE);
    expect(&mixed, CB_E_TRUST, "its data segment has the hash");
    memcpy(q.control_sha1, p.control_sha1, CB_SHA1_SIZE);
    expect(&q, CB_E_TRUST, "its control segment has the hash");
    make_package_release(&p);
    make_package_release(&q);
    make_package_release(&mixed);
}

static void test_trailing(void **state)
{
    (void)state;
    struct make_package p = {0};
    make_package(&p, "a", "hello");
    static const char *const tails[] = {"x", "\n", "\x1f", "\x1f\x8b\x08"};
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        size_t n = p.data.n;
        cb_buf_adds(&p.data, tails[i]);
        expect(&p, CB_E_INPUT, NULL);
        p.data.n = n;
    }
    cb_buf_addc(&p.data, 0);
    expect(&p, CB_E_INPUT, NULL); // zeros too
    p.data.n--;
    // A whole package before the segments that the index knows: its data segment takes all the rest.
    CB_BUF_AUTO twice = {0};
    make_package_bytes(&p, &twice);
    make_package_bytes(&p, &twice);
    expect_in(fetcher, cb_buf_str(&twice), p.control_sha1, CB_E_TRUST, "its data segment has the hash");
    // Another member behind the data, known to the hash, is part of it.
    CB_BUF_AUTO more = {0};
    make_gzip(&more, CB_STR(""));
    cb_buf_addstr(&p.data, cb_buf_str(&more));
    expect(&p, CB_E_TRUST, NULL);
    make_control(&p, "a", "");
    expect(&p, CB_OK, NULL);
    make_package_release(&p);
}

static void test_members(void **state)
{
    (void)state;
    struct make_package p = {0};
    make_package(&p, "a", "hello");
    cb_buf_add(&p.data, "\x1f\x8b\x08\x08\0\0\0\0\0\xffname", 14); // as the reference, see cb_gunzip_may_end
    make_control(&p, "a", "");
    expect(&p, CB_OK, NULL);
    p.data.n -= 5;
    make_control(&p, "a", "");
    expect(&p, CB_E_INPUT, "unexpected end");
    make_package(&p, "a", "hello");
    CB_BUF_AUTO empty = {0};
    make_gzip(&empty, CB_STR(""));
    for (int i = 0; i < 20000; i++)
        cb_buf_addstr(&p.data, cb_buf_str(&empty));
    make_control(&p, "a", "");
    expect(&p, CB_OK, NULL);
    // The tar may be cut anywhere between members.
    const struct make_file file = {"f", "0123456789", NULL, NULL};
    CB_BUF_AUTO tar = {0};
    make_tar(&tar, &file, 1, true);
    cb_buf_reset(&p.data);
    make_gzip(&p.data, cb_strn(tar.p, 300));
    make_gzip(&p.data, cb_strn(tar.p + 300, tar.n - 300));
    make_control(&p, "a", "");
    expect(&p, CB_OK, NULL);
    make_package_release(&p);
}

// Damage that the hash does not show, because whoever made the package made the hash after it.
static void test_gzip_frame(void **state)
{
    (void)state;
    struct make_package p = {0};
    const struct {
        size_t from_end;
        const char *part;
    } trailer[] = {{8, "wrong checksum"}, {5, "wrong checksum"}, {4, "wrong size"}, {1, "wrong size"}};
    for (size_t i = 0; i < sizeof trailer / sizeof *trailer; i++) {
        make_package(&p, "a", "hello");
        p.data.p[p.data.n - trailer[i].from_end] ^= 1;
        make_control(&p, "a", "");
        expect(&p, CB_E_INPUT, trailer[i].part);
    }
    make_package(&p, "a", "hello");
    p.data.p[3] = 0x20;
    make_control(&p, "a", "");
    expect(&p, CB_E_INPUT, "reserved flags");
    make_package(&p, "a", "hello");
    p.data.p[2] = 7;
    make_control(&p, "a", "");
    expect(&p, CB_E_INPUT, "something else follows");
    make_package_release(&p);
}

// The data segment with a header of these flags and this text in it.
static void reframe(struct make_package *p, char flags, struct cb_str between)
{
    make_package(p, "a", "hello");
    CB_BUF_AUTO old = {0};
    cb_buf_addstr(&old, cb_buf_str(&p->data));
    replace(&p->data, cb_str_head(cb_buf_str(&old), 10));
    p->data.p[3] = flags;
    cb_buf_addstr(&p->data, between);
    cb_buf_addstr(&p->data, cb_str_skip(cb_buf_str(&old), 10));
    make_control(p, "a", "");
}

static void test_gzip_header(void **state)
{
    (void)state;
    struct make_package p = {0};
    char name[600];
    memset(name, 'n', sizeof name);
    name[511] = 0;
    reframe(&p, 8, cb_strn(name, 512));
    expect(&p, CB_OK, NULL);
    name[511] = 'n';
    name[512] = 0;
    reframe(&p, 8, cb_strn(name, 513));
    expect(&p, CB_E_INPUT, "too long");
    reframe(&p, 16, CB_STR("a comment\0"));
    expect(&p, CB_OK, NULL);
    CB_BUF_AUTO extra = {0};
    cb_buf_add(&extra, "\xff\xff", 2);
    for (int i = 0; i < 65535; i++)
        cb_buf_addc(&extra, 'e');
    reframe(&p, 4, cb_buf_str(&extra));
    expect(&p, CB_OK, NULL);
    reframe(&p, 4, CB_STR("\0\0"));
    expect(&p, CB_OK, NULL);
    // The checksum of a header: of "1f 8b 08 02 ...", low half.
    make_package(&p, "a", "hello");
    CB_BUF_AUTO head = {0};
    cb_buf_addstr(&head, cb_str_head(cb_buf_str(&p.data), 10));
    head.p[3] = 2;
    uint32_t crc = (uint32_t)crc32(0, (const Bytef *)head.p, (uInt)head.n);
    char sum[2] = {(char)(crc & 0xff), (char)(crc >> 8 & 0xff)};
    reframe(&p, 2, cb_strn(sum, 2));
    expect(&p, CB_OK, NULL);
    sum[1] ^= 1;
    reframe(&p, 2, cb_strn(sum, 2));
    expect(&p, CB_E_INPUT, "checksum of a header");
    make_package_release(&p);
}

static void test_promises(void **state)
{
    (void)state;
    struct make_package p = {0};
    make_package(&p, "a", "hello");
    expect(&p, CB_OK, NULL);
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    assert_null(open_as(fetcher, "a", p.control_sha1, 0, &err)); // no C: in the index
    assert_int_equal(err.kind, CB_E_TRUST);
    cb_error_clear(&err);
    assert_null(open_as(fetcher, "a", p.control_sha1, 19, &err));
    assert_int_equal(err.kind, CB_E_TRUST);
    cb_error_clear(&err);
    assert_null(open_as(fetcher, "../../a", p.control_sha1, CB_SHA1_SIZE, &err));
    assert_int_equal(err.kind, CB_E_INPUT);
    // .PKGINFO without datahash, or with something else for one
    static const char *const infos[] = {
        "pkgname = a\n", "datahash = 00\n", "datahash = \n",
        "datahash = zz3351ac6c3ebaf18182efb5390061f50d077ce5ade60a15909d91278f70ada7\n"};
    for (size_t i = 0; i < sizeof infos / sizeof *infos; i++) {
        const struct make_file file = {".PKGINFO", infos[i], NULL, ""};
        CB_BUF_AUTO tar = {0};
        make_tar(&tar, &file, 1, false);
        cb_buf_reset(&p.control);
        make_gzip(&p.control, cb_buf_str(&tar));
        cb_hash_once(CB_SHA1, p.control.p, p.control.n, p.control_sha1);
        expect(&p, CB_E_TRUST, "datahash");
    }
    make_package_release(&p);
}

static void set_control(struct make_package *p, const struct make_file *files, size_t n)
{
    CB_BUF_AUTO tar = {0};
    make_tar(&tar, files, n, false);
    cb_buf_reset(&p->control);
    make_gzip(&p->control, cb_buf_str(&tar));
    cb_hash_once(CB_SHA1, p->control.p, p->control.n, p->control_sha1);
}

static void test_control(void **state)
{
    (void)state;
    struct make_package p = {0};
    char hex[CB_SHA256_HEX];
    uint8_t sum[CB_SHA256_SIZE];
    make_package(&p, "a", "hello");
    cb_hash_once(CB_SHA256, p.data.p, p.data.n, sum);
    cb_hex(hex, sum, sizeof sum);
    CB_AUTOFREE char *info = cb_format("pkgname = a\ndatahash = %s\n", hex);
    const struct make_file none[] = {{"PKGINFO", info, NULL, ""}};
    set_control(&p, none, 1);
    expect(&p, CB_E_INPUT, "no .PKGINFO");
    const struct make_file linked[] = {{".PKGINFO", "", "d/real", ""}, {"d/real", info, NULL, ""}};
    set_control(&p, linked, 2);
    expect(&p, CB_OK, NULL);
    const struct make_file loop[] = {{".PKGINFO", "", ".PKGINFO", ""}};
    set_control(&p, loop, 1);
    expect(&p, CB_E_INPUT, "no .PKGINFO");
    const struct make_file last[] = {{".PKGINFO", "datahash = 00\n", NULL, ""}, {".PKGINFO", info, NULL, ""}};
    set_control(&p, last, 2);
    expect(&p, CB_OK, NULL);
    CB_AUTOFREE char *forged = cb_format("pkgname = a\npkgdesc = `x\n\nP:fake`\ndatahash = %s\n", hex);
    const struct make_file broken[] = {{".PKGINFO", forged, NULL, ""}};
    set_control(&p, broken, 1);
    expect(&p, CB_E_INPUT, "line break");
    make_package_release(&p);
}

static void test_checksums(void **state)
{
    (void)state;
    struct make_package p = {0};
    const char *right = "qvTGHdzF6KLavt4PO0gs2a6pQ00="; // of "hello"
    CB_AUTOFREE char *q1 = cb_format("Q1%s", right);
    CB_AUTOFREE char *forged = cb_format("Q1%s\n\nP:fake", right);
    CB_AUTOFREE char *loose = cb_format("Q1%s", "qvTGHdzF6KLavt4PO0gs2a6pQ01=");
    const struct {
        const char *record;
        enum cb_kind kind;
    } cases[] = {{NULL, CB_OK},
                 {"", CB_OK}, // whoever installs it decides
                 {"aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d", CB_OK},
                 {"AAF4C61DDCC5E8A2DABEDE0F3B482CD9AEA9434D", CB_OK},
                 {q1, CB_OK},
                 {forged, CB_E_INPUT},
                 {loose, CB_E_INPUT},
                 {"aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434e", CB_E_TRUST},
                 {"aaf4c61ddcc5e8a2dabede0f3b482cd9aea943", CB_E_INPUT},
                 {"zzf4c61ddcc5e8a2dabede0f3b482cd9aea9434d", CB_E_INPUT}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct make_file file = {"f", "hello", NULL, cases[i].record};
        pack(&p, &file, 1);
        expect(&p, cases[i].kind, NULL);
    }
    make_package_release(&p);
}

static void test_limits(void **state)
{
    (void)state;
    struct make_package p = {0};
    CB_BUF_AUTO zeros = {0};
    CB_BUF_AUTO bytes = {0};
    cb_buf_reserve(&zeros, 2u << 20);
    memset(zeros.p, ' ', 2u << 20);
    zeros.p[2u << 20] = 0;
    const struct make_file big = {"big", zeros.p, NULL, NULL};
    pack(&p, &big, 1);
    make_package_bytes(&p, &bytes);
    struct cb_fetcher *tight = new_fetcher((struct cb_size_limits){.data = 1 << 20});
    struct cb_fetcher *wide = new_fetcher((struct cb_size_limits){.data = -1, .control = -1});
    expect_in(tight, cb_buf_str(&bytes), p.control_sha1, CB_E_LIMIT, "data segment");
    expect_in(wide, cb_buf_str(&bytes), p.control_sha1, CB_OK, NULL);
    cb_fetcher_free(tight);
    cb_buf_reset(&bytes);
    make_package(&p, "a", "hello");
    CB_BUF_AUTO extra = {0};
    cb_buf_addf(&extra, "x = %s\n", zeros.p);
    make_control(&p, "a", extra.p);
    make_package_bytes(&p, &bytes);
    tight = new_fetcher((struct cb_size_limits){.control = 1 << 20});
    expect_in(tight, cb_buf_str(&bytes), p.control_sha1, CB_E_LIMIT, "limit");
    expect_in(wide, cb_buf_str(&bytes), p.control_sha1, CB_OK, NULL);
    cb_fetcher_free(tight);
    // Empty stored blocks without end inflate to nothing.
    cb_buf_reset(&bytes);
    cb_buf_add(&bytes, "\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
    for (size_t i = 0; i < (3u << 20) / 5; i++)
        cb_buf_add(&bytes, "\0\0\0\xff\xff", 5);
    tight = new_fetcher((struct cb_size_limits){.control = 1 << 20});
    expect_in(tight, cb_buf_str(&bytes), p.control_sha1, CB_E_LIMIT, "larger than the limit");
    cb_fetcher_free(tight);
    cb_fetcher_free(wide);
    make_package_release(&p);
}

static void test_no_file(void **state)
{
    (void)state;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    uint8_t sha1[CB_SHA1_SIZE] = {0};
    unlink(path);
    assert_null(open_as(fetcher, "a", sha1, CB_SHA1_SIZE, &err));
    assert_int_equal(err.kind, CB_E_NOT_FOUND);
    cb_error_clear(&err);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_null(open_as(fetcher, "a", sha1, CB_SHA1_SIZE, &err));
    assert_int_equal(err.kind, CB_E_IO);
    unlink(path);
    expect_in(fetcher, CB_STR(""), sha1, CB_E_INPUT, "no data segment");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contents),   cmocka_unit_test(test_truncated),   cmocka_unit_test(test_every_bit_counts),
        cmocka_unit_test(test_swapped),    cmocka_unit_test(test_trailing),    cmocka_unit_test(test_members),
        cmocka_unit_test(test_gzip_frame), cmocka_unit_test(test_gzip_header), cmocka_unit_test(test_promises),
        cmocka_unit_test(test_control),    cmocka_unit_test(test_checksums),   cmocka_unit_test(test_limits),
        cmocka_unit_test(test_no_file)};
    return cmocka_run_group_tests(tests, begin, end);
}
