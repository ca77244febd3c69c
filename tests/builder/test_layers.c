// Layer blobs: the same bytes at any number of threads, the hashes those of what is in the file, nothing left behind on
// failure. What goes into which layer is in steps/layers-*.case.
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "../../builder/layers.h"
#include "cbuild/base/file.h"
#include "cbuild/crypto/hash.h"

#define BIG (3u << 20) // bytes: several blocks of the parallel gzip

static struct cb_package package = {.name = {"p", 1}, .version = {"1-r0", 4}, .origin = {"o", 1}};
static const struct cb_installed_diff diff = {&package, {"P:p\n\n", 5}};

// One big file of the package, which stands in a descriptor as package files do, and a database.
static struct cb_tree *make_tree(int *fd)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_AUTOFREE char *bytes = cb_alloc(BIG);
    uint32_t x = 1;
    for (size_t i = 0; i < BIG; i++) {
        x = x * 1664525 + 1013904223;
        bytes[i] = (char)("abcdefgh"[x >> 29] + (i % 5000 == 0));
    }
    *fd = cb_temp_fd(NULL, &err);
    assert_true(*fd >= 0);
    assert_int_equal(cb_pwrite_full(*fd, bytes, BIG, 0, "x", &err), 0);
    struct cb_tree *t = cb_tree_new();
    struct cb_node file = {.mode = S_IFREG | 0644, .owner = &package, .checksum = CB_STR("x")};
    struct cb_node *existing;
    enum cb_tree_put what;
    file.content = (struct cb_content){.fd = *fd, .at = 7, .length = BIG - 7};
    assert_int_equal(cb_tree_mkdir_all(t, CB_STR("usr/lib/apk/db"), 0755, &err), 0);
    assert_int_equal(cb_tree_put(t, CB_STR("usr/big"), &file, &what, &existing, &err), 0);
    assert_int_equal(cb_tree_write_file(t, CB_STR("usr/lib/apk/db/installed"), CB_STR("P:p\n\n"), 0644, &err), 0);
    return t;
}

static void sha256_hex(int fd, uint64_t size, char hex[CB_SHA256_HEX])
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_HASH_AUTO *h = cb_hash_new(CB_SHA256);
    struct cb_hash_sink sink = cb_hash_sink(h);
    struct cb_range_source source = cb_range_source(fd, "x", 0, size);
    uint8_t sum[CB_HASH_MAX];
    assert_int_equal(cb_copy(&sink.sink, &source.source, NULL, &err), 0);
    cb_hash_sum(h, sum);
    cb_hex(hex, sum, CB_SHA256_SIZE);
}

// The layer's gzip, inflated by zlib, has the diff ID.
static void check_layer(const struct cb_layer *l)
{
    char hex[CB_SHA256_HEX], buf[65536];
    uint8_t sum[CB_HASH_MAX];
    uint64_t size = 0;
    sha256_hex(l->fd, l->size, hex);
    assert_string_equal(l->digest + 7, hex);
    assert_int_equal(lseek(l->fd, 0, SEEK_SET), 0);
    gzFile gz = gzdopen(dup(l->fd), "r");
    CB_HASH_AUTO *h = cb_hash_new(CB_SHA256);
    for (int n; (n = gzread(gz, buf, sizeof buf)) > 0; size += (uint64_t)n)
        cb_hash_add(h, buf, (size_t)n);
    gzclose(gz);
    cb_hash_sum(h, sum);
    cb_hex(hex, sum, CB_SHA256_SIZE);
    assert_string_equal(l->diff_id + 7, hex);
    assert_int_equal(size, l->tar_size);
    assert_string_equal(l->media_type, "application/vnd.oci.image.layer.v1.tar+gzip");
}

static void threads(void **state)
{
    (void)state;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    int fd;
    struct cb_tree *t = make_tree(&fd);
    struct cb_layer_groups groups = {0};
    assert_int_equal(cb_layer_groups_make(&groups, &diff, 1, 5, &err), 0);
    struct cb_layer_plan *plan = cb_layer_plan_new(t, &groups, &err);
    char first[2][CB_LAYER_DIGEST_SIZE];
    assert_int_equal(cb_layer_plan_count(plan), 2);
    for (unsigned n = 1; n <= 8; n *= 2) {
        struct cb_pool *pool = cb_pool_new(n);
        for (size_t i = 0; i < 2; i++) {
            struct cb_layer l = CB_LAYER_INIT;
            assert_int_equal(cb_layer_write(plan, i, NULL, pool, &l, &err), 0);
            check_layer(&l);
            if (n == 1)
                memcpy(first[i], l.digest, sizeof first[i]);
            assert_string_equal(l.digest, first[i]);
            cb_layer_release(&l);
            assert_int_equal(l.fd, -1);
        }
        cb_pool_free(pool);
    }
    cb_layer_plan_free(plan);
    cb_layer_groups_release(&groups);
    cb_tree_free(t);
    close(fd);
}

static void one_layer(void **state)
{
    (void)state;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    int fd;
    struct cb_tree *t = make_tree(&fd);
    struct cb_layer_plan *plan = cb_layer_plan_new(t, NULL, &err);
    struct cb_layer l = CB_LAYER_INIT;
    assert_int_equal(cb_layer_plan_count(plan), 1);
    assert_int_equal(cb_layer_write(plan, 0, NULL, NULL, &l, &err), 0);
    check_layer(&l);
    cb_layer_release(&l);
    cb_layer_plan_free(plan);
    cb_tree_free(t);
    close(fd);
}

static void failures(void **state)
{
    (void)state;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    int fd;
    struct cb_tree *t = make_tree(&fd);
    struct cb_layer_groups groups = {0};
    struct cb_layer l = CB_LAYER_INIT;
    // A file of a package that is in no group.
    assert_null(cb_layer_plan_new(t, &groups, &err));
    assert_non_null(strstr(err.message, "package p"));
    cb_error_clear(&err);
    assert_int_equal(cb_layer_groups_make(&groups, &diff, 1, -1, &err), -1);
    assert_int_equal(err.kind, CB_E_CONFIG);
    cb_error_clear(&err);
    struct cb_layer_plan *plan = cb_layer_plan_new(t, NULL, &err);
    assert_int_equal(cb_layer_write(plan, 0, "/nowhere/at/all", NULL, &l, &err), -1);
    assert_int_equal(l.fd, -1);
    cb_error_clear(&err);
    // The contents end before their length.
    assert_int_equal(ftruncate(fd, 1000), 0);
    assert_int_equal(cb_layer_write(plan, 0, NULL, NULL, &l, &err), -1);
    assert_non_null(strstr(err.message, "usr/big"));
    assert_int_equal(l.fd, -1);
    cb_layer_plan_free(plan);
    cb_tree_free(t);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads),
        cmocka_unit_test(one_layer),
        cmocka_unit_test(failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
