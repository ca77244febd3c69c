// Layouts: what is written, that it appears whole or not at all, and that a reader trusts nothing.
#include "golden.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cbuild/base/file.h"
#include "cbuild/oci/layout.h"

#define LAYER "layer bytes, not really a tar\n"

struct fixture {
    char folder[32];
    char *layer_path; // of the layer that goes in
    struct cb_image image;
    struct cb_index_image index;
    struct cb_layer_blob layer;
};

static char *in(const struct fixture *f, const char *name)
{
    return cb_format("%s/%s", f->folder, name);
}

static char *blob(const struct fixture *f, const struct cb_digest *d)
{
    return cb_format("%s/out/blobs/sha256/%s", f->folder, cb_digest_hex(d));
}

static void put(const char *path, struct cb_str bytes)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    assert_int_equal(cb_write_file(path, bytes, 0644, &err), 0);
}

static int setup(void **state)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct fixture *f = cb_zalloc(sizeof *f);
    struct cb_image_params p = {.arch = CB_STR("arm/v7")};
    struct cb_index_params ip = {.created = {0}};
    const struct cb_image *images[1] = {&f->image};

    strcpy(f->folder, "/tmp/cbuild-test-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->layer_path = in(f, "layer");
    put(f->layer_path, CB_STR(LAYER));
    f->layer = (struct cb_layer_blob){.path = f->layer_path};
    f->layer.descriptor.media_type = CB_STR(CB_MEDIA_OCI_LAYER);
    f->layer.descriptor.digest = f->layer.diff_id = cb_digest_of(CB_STR(LAYER));
    f->layer.descriptor.size = strlen(LAYER);
    assert_int_equal(cb_image_build(&f->image, &p, &f->layer, 1, &err), 0);
    cb_index_image_build(&f->index, &ip, images, 1);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    CB_AUTOFREE char *command = cb_format("rm -rf %s", f->folder);

    assert_int_equal(system(command), 0);
    cb_index_image_release(&f->index);
    cb_image_release(&f->image);
    free(f->layer_path);
    free(f);
    return 0;
}

static int write_layout(struct fixture *f, struct cb_pool *pool, struct cb_error *err)
{
    CB_AUTOFREE char *out = in(f, "out");
    return cb_layout_write(out, &f->index, pool, err);
}

static void assert_file(const char *path, struct cb_str want)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO bytes = {0};
    struct stat st;

    assert_int_equal(cb_read_file(path, &bytes, 1u << 20, &err), 0);
    assert_str(cb_buf_str(&bytes), want);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
}

static size_t count_files(const char *folder)
{
    DIR *d = opendir(folder);
    size_t n = 0;

    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n - 2;
}

static void check_written(struct fixture *f)
{
    CB_AUTOFREE char *index = in(f, "out/index.json");
    CB_AUTOFREE char *version = in(f, "out/oci-layout");
    CB_AUTOFREE char *folder = in(f, "out/blobs/sha256");
    CB_AUTOFREE char *layer = blob(f, &f->layer.descriptor.digest);
    CB_AUTOFREE char *config = blob(f, &f->image.config_digest);
    CB_AUTOFREE char *manifest = blob(f, &f->image.digest);

    assert_file(index, f->index.bytes);
    assert_file(version, CB_STR("{\n    \"imageLayoutVersion\": \"1.0.0\"\n}"));
    assert_file(layer, CB_STR(LAYER));
    assert_file(config, f->image.config);
    assert_file(manifest, f->image.manifest);
    assert_int_equal(count_files(folder), 3);
}

static void test_write(void **state)
{
    struct fixture *f = *state;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_pool *pool = cb_pool_new(2);
    mode_t before = umask(0);

    assert_int_equal(write_layout(f, NULL, &err), 0);
    check_written(f);
    assert_int_equal(write_layout(f, pool, &err), 0);
    check_written(f);
    umask(before);
    cb_pool_free(pool);
}

// A blob that is there with other bytes, of the same size or not, is put right.
static void test_write_over_wrong_blob(void **state)
{
    struct fixture *f = *state;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_AUTOFREE char *layer = blob(f, &f->layer.descriptor.digest);

    assert_int_equal(write_layout(f, NULL, &err), 0);
    put(layer, CB_STR("layer bytes, not really a tAr\n"));
    assert_int_equal(write_layout(f, NULL, &err), 0);
    check_written(f);
    put(layer, CB_STR("short"));
    assert_int_equal(write_layout(f, NULL, &err), 0);
    check_written(f);
}

static void test_trusted_is_copied(void **state)
{
    struct fixture *f = *state;
    CB_ERROR_AUTO err = CB_ERROR_INIT;

    f->image.layers[0].trusted = true;
    assert_int_equal(write_layout(f, NULL, &err), 0);
    check_written(f);
}

// A layer that is not what its digest says stops the writing, and index.json stays what it was.
static void test_write_refuses_wrong_layer(void **state)
{
    struct fixture *f = *state;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_AUTOFREE char *folder = in(f, "out");
    CB_AUTOFREE char *blobs = in(f, "out/blobs/sha256");
    CB_AUTOFREE char *index = in(f, "out/index.json");

    put(f->layer_path, CB_STR("layer bytes, not really a tAr\n"));
    assert_fails(write_layout(f, NULL, &err), &err, CB_E_TRUST, "expected sha256:");
    put(f->layer_path, CB_STR("shorter"));
    assert_fails(write_layout(f, NULL, &err), &err, CB_E_INPUT, "has 7 bytes, its descriptor says 30");
    unlink(f->layer_path);
    assert_fails(write_layout(f, NULL, &err), &err, CB_E_NOT_FOUND, "layer");
    assert_int_equal(access(blobs, F_OK), -1); // what was made for it went again
    assert_int_equal(count_files(folder), 0);
    put(index, CB_STR("before"));
    assert_fails(write_layout(f, NULL, &err), &err, CB_E_NOT_FOUND, "layer");
    assert_file(index, CB_STR("before"));
}

static int read_first(struct fixture *f, struct cb_image *img, struct cb_error *err)
{
    CB_AUTOFREE char *out = in(f, "out");
    CB_ARENA_AUTO a = {0};
    struct cb_layout l;
    struct cb_index_manifest m;
    int result;

    if (cb_layout_open(&l, out, err) < 0)
        return -1;
    result = cb_layout_index(&l, &a, NULL, &m, err);
    if (result == 0)
        result = cb_layout_read_image(&l, &m.manifests[0], img, err);
    cb_layout_close(&l);
    return result;
}

static void test_read(void **state)
{
    struct fixture *f = *state;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_AUTOFREE char *out = in(f, "out");
    struct cb_layout l;
    struct cb_image img;

    assert_int_equal(write_layout(f, NULL, &err), 0);
    assert_int_equal(read_first(f, &img, &err), 0);
    assert_str(img.config, f->image.config);
    assert_str(img.arch, CB_STR("arm/v7"));
    assert_int_equal(cb_layer_blob_open(&img.layers[0], &err) >= 0, 1);
    cb_image_release(&img);
    assert_int_equal(cb_layout_open(&l, out, &err), 0);
    assert_int_equal(cb_layout_find_arch(&l, CB_STR("arm/v6"), &img, &err), 0); // variants are not compared
    cb_image_release(&img);
    assert_fails(cb_layout_find_arch(&l, CB_STR("amd64"), &img, &err), &err, CB_E_NOT_FOUND, "no image for amd64");
    cb_layout_close(&l);
}

// Each of these is refused; the twin that is accepted is test_read.
static void test_read_refuses(void **state)
{
    struct fixture *f = *state;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_AUTOFREE char *version = in(f, "out/oci-layout");
    CB_AUTOFREE char *index = in(f, "out/index.json");
    CB_AUTOFREE char *config = blob(f, &f->image.config_digest);
    CB_AUTOFREE char *manifest = blob(f, &f->image.digest);
    CB_AUTOFREE char *altered = cb_strndup(f->image.config.p, f->image.config.n);
    struct cb_image img;

    assert_fails(read_first(f, &img, &err), &err, CB_E_NOT_FOUND, "image layout");
    assert_int_equal(write_layout(f, NULL, &err), 0);
    altered[5] ^= 1;
    put(config, cb_str(altered));
    assert_fails(read_first(f, &img, &err), &err, CB_E_TRUST, "has digest");
    put(config, cb_str_head(f->image.config, 10));
    assert_fails(read_first(f, &img, &err), &err, CB_E_INPUT, "has 10 bytes");
    unlink(config);
    assert_int_equal(mkfifo(config, 0644), 0);
    assert_int_equal(read_first(f, &img, &err), -1); // and does not hang
    cb_error_clear(&err);
    unlink(manifest);
    assert_fails(read_first(f, &img, &err), &err, CB_E_NOT_FOUND, "opening");
    put(index, CB_STR("{\"schemaVersion\":2,\"manifests\":[{\"digest\":\"sha256:../../../../layer\",\"size\":1}]}"));
    assert_fails(read_first(f, &img, &err), &err, CB_E_INPUT, "digits");
    put(version, CB_STR("{\"imageLayoutVersion\": \"2.0.0\"}"));
    assert_fails(read_first(f, &img, &err), &err, CB_E_INPUT, "expected \"1.0.0\"");
}

static void test_read_limits(void **state)
{
    struct fixture *f = *state;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_AUTOFREE char *index = in(f, "out/index.json");
    struct cb_image img;

    assert_int_equal(write_layout(f, NULL, &err), 0);
    assert_int_equal(truncate(index, 1ll << 40), 0); // sparse
    assert_fails(read_first(f, &img, &err), &err, CB_E_LIMIT, "index.json");
    put(index, CB_STR("{\"schemaVersion\":2,\"manifests\":[{\"digest\":\"sha256:"
                      "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\",\"size\":5000000}]}"));
    assert_fails(read_first(f, &img, &err), &err, CB_E_LIMIT, "more than 4194304");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_write),
        TEST(test_write_over_wrong_blob),
        TEST(test_trusted_is_copied),
        TEST(test_write_refuses_wrong_layer),
        TEST(test_read),
        TEST(test_read_refuses),
        TEST(test_read_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
