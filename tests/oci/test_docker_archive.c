// Docker archives: what does not come from the reference's bytes (test_image.c compares those).
#include "golden.h"

#include <unistd.h>

#include "cbuild/base/file.h"
#include "cbuild/oci/docker_archive.h"

#define NONE                                                                                                           \
    {                                                                                                                  \
        NULL, 0                                                                                                        \
    }

static char folder[] = "/tmp/cbuild-test-XXXXXX";

// An image with one layer of the given bytes, which lie in a file.
static void make_image(struct cb_image *img, const char *arch, const char *bytes)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_AUTOFREE char *path = cb_format("%s/%zu", folder, strlen(bytes));
    struct cb_image_params p = {.arch = cb_str(arch)};
    struct cb_layer_blob layer = {.path = path};

    assert_int_equal(cb_write_file(path, cb_str(bytes), 0644, &err), 0);
    layer.descriptor.media_type = CB_STR(CB_MEDIA_OCI_LAYER);
    layer.descriptor.digest = layer.diff_id = cb_digest_of(cb_str(bytes));
    layer.descriptor.size = strlen(bytes);
    assert_int_equal(cb_image_build(img, &p, &layer, 1, &err), 0);
}

// The archive of some images under some tags.
static int write_archive(struct cb_image *images, size_t n, const char *const *names, struct cb_buf *out,
                         struct cb_error *err)
{
    CB_AUTOFREE char *path = cb_format("%s/archive", folder);
    const struct cb_image *list[4];
    struct cb_index_params p = {.created = {0}};
    struct cb_index_image idx;
    struct cb_strs tags = {0};
    int result;

    for (size_t i = 0; i < n; i++)
        list[i] = &images[i];
    for (; *names; names++)
        cb_strs_add(&tags, cb_str(*names));
    cb_index_image_build(&idx, &p, list, n);
    result = cb_docker_archive_write(path, &idx, &tags, err);
    if (result == 0)
        assert_int_equal(cb_read_file(path, out, 1u << 20, err), 0);
    else
        assert_int_equal(access(path, F_OK), -1);
    unlink(path);
    cb_strs_release(&tags);
    cb_index_image_release(&idx);
    return result;
}

#define TAGS(...) ((const char *const[]){__VA_ARGS__, NULL})

// The contents of the n-th member of a name (counted from 0); p == NULL where there is none. Fails the test where the
// members do not follow each other without a gap up to two blocks of zeros at the very end.
static struct cb_str member(const struct cb_buf *tar, const char *name, size_t n)
{
    static const char zeros[1024];
    struct cb_str found = NONE;
    size_t at = 0;

    while (tar->p[at]) {
        size_t size = strtoul(tar->p + at + 124, NULL, 8);
        assert_true(at + 512 + size <= tar->n);
        if (strcmp(tar->p + at, name) == 0 && n-- == 0)
            found = cb_strn(tar->p + at + 512, size);
        at += 512 + (size + 511) / 512 * 512;
    }
    assert_int_equal(tar->n, at + sizeof zeros);
    assert_memory_equal(tar->p + at, zeros, sizeof zeros);
    return found;
}

static void assert_manifest(const struct cb_buf *tar, const char *const *texts)
{
    struct cb_str manifest = member(tar, "manifest.json", 0);

    assert_non_null(manifest.p);
    for (; *texts; texts++)
        if (!cb_str_has(manifest, cb_str(*texts)))
            fail_msg("\"%s\" is not in %.*s", *texts, CB_STR_ARG(manifest));
}

static void test_members(void **state)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO tar = {0};
    struct cb_image images[2];
    CB_AUTOFREE char *shared = NULL;

    (void)state;
    make_image(&images[0], "arm64", "shared");
    make_image(&images[1], "amd64", "shared");
    assert_int_equal(write_archive(images, 2, TAGS("x/y:1", "docker.io/x/y:1", "z.example/ww"), &tar, &err), 0);
    shared = cb_format("%s.tar.gz", cb_digest_hex(&images[0].layers[0].descriptor.digest));
    assert_str(member(&tar, shared, 0), CB_STR("shared"));
    assert_null(member(&tar, shared, 1).p);
    for (size_t i = 0; i < 2; i++) {
        assert_str(member(&tar, images[i].config_digest.text, 0), images[i].config);
        assert_str(member(&tar, images[i].digest.text, 0), images[i].manifest);
    }
    assert_non_null(member(&tar, "index.json", 0).p);
    assert_manifest(&tar, TAGS("\"RepoTags\":[\"index.docker.io/x/y:1-amd64\",\"z.example/ww:latest-amd64\"]",
                               "\"RepoTags\":[\"index.docker.io/x/y:1-arm64\",\"z.example/ww:latest-arm64\"]"));
    cb_image_release(&images[0]);
    cb_image_release(&images[1]);
}

// Both would be called "-arm": the reference keeps the later one's config and layers, and the manifests of both.
static void test_two_arms(void **state)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO tar = {0};
    struct cb_image images[2];

    (void)state;
    make_image(&images[0], "arm/v7", "seven");
    make_image(&images[1], "arm/v6", "six");
    assert_int_equal(write_archive(images, 2, TAGS("x/y:1"), &tar, &err), 0);
    assert_non_null(member(&tar, images[0].config_digest.text, 0).p);
    assert_null(member(&tar, images[1].config_digest.text, 0).p);
    assert_non_null(member(&tar, images[0].digest.text, 0).p);
    assert_non_null(member(&tar, images[1].digest.text, 0).p);
    assert_manifest(&tar, TAGS("[{\"Config\":", "\"RepoTags\":[\"index.docker.io/x/y:1-arm\"]"));
    cb_image_release(&images[0]);
    cb_image_release(&images[1]);
}

// Where manifest.json fills its block, the reference's archive has a hole in it; member() looks for holes.
static void test_full_block(void **state)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_image img;
    size_t full = 0;
    char name[240] = "x/";

    (void)state;
    make_image(&img, "amd64", "bytes");
    memset(name + 2, 'y', sizeof name - 2);
    for (size_t n = 60; n < sizeof name; n++) {
        CB_BUF_AUTO tar = {0};
        CB_AUTOFREE char *tag = cb_strndup(name, n);
        assert_int_equal(write_archive(&img, 1,
                                       TAGS(tag, "x/another-tag-that-makes-it-longer-than-one-block-can-be:"
                                                 "0123456789012345678901234567890123456789"),
                                       &tar, &err),
                         0);
        full += member(&tar, "manifest.json", 0).n % 512 == 0;
        assert_non_null(member(&tar, "index.json", 0).p);
    }
    assert_true(full > 0);
    cb_image_release(&img);
}

static void test_refusals(void **state)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO tar = {0};
    struct cb_image img;
    char longest[129];

    (void)state;
    make_image(&img, "amd64", "bytes");
    memset(longest, 't', sizeof longest - 1);
    longest[128] = 0;
    CB_AUTOFREE char *too_long = cb_format("x/y:%s", longest); // a good tag, but not with "-amd64" behind it
    CB_AUTOFREE char *fits = cb_format("x/y:%s", longest + 6);
    assert_fails(write_archive(&img, 1, TAGS(too_long), &tar, &err), &err, CB_E_USAGE, "134 characters, more than 128");
    assert_int_equal(write_archive(&img, 1, TAGS(fits), &tar, &err), 0);
    assert_fails(write_archive(&img, 1, TAGS("X/y"), &tar, &err), &err, CB_E_USAGE, "'X'");
    assert_fails(write_archive(&img, 1, TAGS(NULL), &tar, &err), &err, CB_E_USAGE, "at least one image and one tag");
    CB_AUTOFREE char *path = cb_strdup(img.layers[0].path);
    assert_int_equal(cb_write_file(path, CB_STR("bytEs"), 0644, &err), 0);
    assert_fails(write_archive(&img, 1, TAGS("x/y"), &tar, &err), &err, CB_E_TRUST, "has digest");
    cb_image_release(&img);
}

static int setup(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
    CB_AUTOFREE char *command = cb_format("rm -rf %s", folder);
    (void)state;
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_two_arms),
        cmocka_unit_test(test_full_block),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
