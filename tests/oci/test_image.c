// Images, indexes and docker archives against what the reference makes of the same configurations.
#include "golden.h"

#include <unistd.h>

#include "cbuild/base/file.h"
#include "cbuild/oci/docker_archive.h"

#define MAX 16

struct fixture {
    struct cb_arena arena;
    struct cb_image images[MAX];
    const struct cb_image *made[MAX];
    size_t nmade;
};

static int64_t number(const json_t *row, const char *key)
{
    return json_integer_value(json_object_get(row, key));
}

static struct cb_string_map pairs(struct cb_arena *a, const json_t *row, const char *key)
{
    struct cb_string_map m = {0};
    json_t *pair;
    size_t i;

    json_array_foreach(json_object_get(row, key), i, pair)
        cb_string_map_set(a, &m, golden_str(json_array_get(pair, 0)), golden_str(json_array_get(pair, 1)));
    return m;
}

// A temporary file with the bytes that the golden's README describes.
static int layer_bytes(uint32_t seed, size_t size)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_AUTOFREE char *bytes = cb_alloc(size + 1);
    int fd = cb_temp_fd(NULL, &err);

    assert_true(fd >= 0);
    for (size_t i = 0; i < size; i++) {
        seed = seed * 1103515245u + 12345u;
        bytes[i] = (char)(seed >> 16);
    }
    assert_int_equal(cb_pwrite_full(fd, bytes, size, 0, "layer", &err), 0);
    return fd;
}

static size_t read_layers(struct cb_arena *a, const json_t *row, struct cb_layer_blob layers[MAX])
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    json_t *item;
    size_t i;

    memset(layers, 0, MAX * sizeof *layers);
    json_array_foreach(json_object_get(row, "Layers"), i, item)
    {
        struct cb_layer_blob *l = &layers[i];
        l->descriptor.media_type = golden_get(item, "MediaType");
        l->descriptor.size = (uint64_t)number(item, "Size");
        l->descriptor.annotations = pairs(a, item, "Annotations");
        assert_int_equal(cb_digest_parse(&l->descriptor.digest, golden_get(item, "Digest"), &err), 0);
        assert_int_equal(cb_digest_parse(&l->diff_id, golden_get(item, "DiffID"), &err), 0);
        l->has_fd = true;
        l->fd = layer_bytes((uint32_t)number(item, "Seed"), l->descriptor.size);
    }
    return json_array_size(json_object_get(row, "Layers"));
}

static struct cb_image_params read_params(struct cb_arena *a, const json_t *row)
{
    struct cb_image_params p = {
        .arch = golden_get(row, "Arch"),
        .created = {number(row, "Sec"), (int32_t)number(row, "Nsec"), (int32_t)number(row, "Offset")},
        .annotations = pairs(a, row, "Annotations"),
        .environment = pairs(a, row, "Environment"),
        .entrypoint_shell = golden_get(row, "Shell"),
        .entrypoint_command = golden_get(row, "Command"),
        .cmd = golden_get(row, "Cmd"),
        .work_dir = golden_get(row, "WorkDir"),
        .user = golden_get(row, "User"),
        .stop_signal = golden_get(row, "StopSignal"),
        .erofs = json_is_true(json_object_get(row, "Erofs")),
    };
    json_t *item;
    size_t i;

    json_array_foreach(json_object_get(row, "Volumes"), i, item) cb_strs_add(&p.volumes, golden_str(item));
    return p;
}

static void check_image(struct fixture *f, const json_t *row)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_image *img = &f->images[f->nmade], base = {0};
    struct cb_image_params p = read_params(&f->arena, row);
    struct cb_layer_blob layers[MAX];
    size_t n = read_layers(&f->arena, row, layers), nbase = 0;
    int result;

    if (golden_get(row, "BaseManifest").n > 0) {
        assert_int_equal(
            cb_image_parse(&base, golden_get(row, "BaseManifest"), CB_STR(""), golden_get(row, "BaseConfig"), &err), 0);
        for (nbase = 0; nbase < base.nlayers; nbase++) {
            base.layers[nbase].has_fd = true;
            base.layers[nbase].fd = layers[nbase].fd;
        }
        p.base = &base;
    }
    result = cb_image_build(img, &p, layers + nbase, n - nbase, &err);
    assert_int_equal(result < 0, json_is_true(json_object_get(row, "Err")));
    cb_strs_release(&p.volumes);
    cb_image_release(&base);
    if (result < 0)
        return;
    assert_str(img->config, golden_get(row, "Config"));
    assert_str(img->manifest, golden_get(row, "Manifest"));
    f->made[f->nmade++] = img;
}

static void check_archive(const struct cb_index_image *idx, const json_t *row)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO bytes = {0};
    char path[] = "/tmp/cbuild-test-XXXXXX";
    struct cb_strs tags = {0};
    struct cb_digest got;
    json_t *tag;
    size_t i;

    close(mkstemp(path));
    json_array_foreach(json_object_get(row, "Tags"), i, tag) cb_strs_add(&tags, golden_str(tag));
    if (cb_docker_archive_write(path, idx, &tags, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(cb_read_file(path, &bytes, 1u << 24, &err), 0);
    got = cb_digest_of(cb_buf_str(&bytes));
    if (json_is_true(json_object_get(row, "ArchiveDet")))
        assert_str(cb_str(cb_digest_hex(&got)), golden_get(row, "ArchiveSha"));
    cb_strs_release(&tags);
    unlink(path);
}

static void check_index(struct fixture *f, const json_t *row)
{
    json_t *first = json_array_get(json_object_get(row, "Images"), 0);
    struct cb_index_params p = {
        .annotations = pairs(&f->arena, row, "IdxAnn"),
        .vcs_url = golden_get(row, "Vcs"),
        .created = {number(first, "Sec"), (int32_t)number(first, "Nsec"), (int32_t)number(first, "Offset")},
    };
    struct cb_index_image idx;

    cb_index_image_build(&idx, &p, f->made, f->nmade);
    assert_str(idx.bytes, golden_get(row, "Index"));
    check_archive(&idx, row);
    cb_index_image_release(&idx);
}

static void check_row(json_t *row)
{
    struct fixture *f = cb_zalloc(sizeof *f);
    json_t *images = json_object_get(row, "Images"), *item;
    size_t i;

    json_array_foreach(images, i, item) check_image(f, item);
    if (f->nmade == json_array_size(images))
        check_index(f, row);
    for (i = 0; i < f->nmade; i++) {
        for (size_t k = 0; k < f->images[i].nlayers; k++)
            close(f->images[i].layers[k].fd);
        cb_image_release(&f->images[i]);
    }
    cb_arena_release(&f->arena);
    free(f);
}

static void test_golden(void **state)
{
    (void)state;
    golden_each("images.jsonl", check_row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_golden)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
