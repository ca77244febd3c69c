// cb_diff_images on pairs of small images that differ in one known place each.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "cbuild/base/file.h"
#include "cbuild/diff/diff.h"
#include "cbuild/fs/tar.h"
#include "cbuild/oci/docker_archive.h"
#include "cbuild/oci/layout.h"

struct entry {
    const char *name, *contents, *link;
    uint8_t type;
    int mode;
    int64_t mtime;
};

// How an image is made. Zero is the plain one, but for entries.
struct recipe {
    const struct entry *entries;
    size_t n;
    const char *user, *arch, *media_type;
    int level, strategy; // of zlib; level 0 means 6
    int os;              // of the gzip header
    int tail;            // blocks of zeros after the archive's end
    bool wrong_diff_id;
    bool archive;               // a docker archive instead of a layout
    bool daemon;                // as the Docker daemon gets it: without manifest and index
    const struct recipe *below; // what the layer below is made of
};

static const struct entry plain[] = {
    {"bin", NULL, NULL, CB_TAR_DIR, 0755, 0},
    {"bin/a", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbbbbbbbbbb", NULL, CB_TAR_FILE, 0755, 0},
    {"bin/b", NULL, "a", CB_TAR_SYMLINK, 0777, 0},
    {"etc/x", "the quick brown fox", NULL, CB_TAR_FILE, 0644, 0},
};

static char folder[] = "/tmp/cbuild-test-XXXXXX";

static struct cb_str value(const char *s, const char *otherwise)
{
    return cb_str(s ? s : otherwise);
}

static void write_tar(struct cb_buf *out, const struct recipe *r)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_buf_sink sink = cb_buf_sink(out);
    struct cb_tar_writer tar = cb_tar_writer(&sink.sink);

    for (size_t i = 0; i < r->n; i++) {
        const struct entry *e = &r->entries[i];
        struct cb_str contents = cb_str(e->contents);
        struct cb_tar_header h = {.name = cb_str(e->name), .type = e->type, .mode = e->mode, .mtime = {e->mtime, 0}};
        h.linkname = value(e->link, "");
        h.size = (int64_t)contents.n;
        assert_int_equal(cb_tar_write_header(&tar, &h, &err), 0);
        assert_int_equal(cb_tar_write(&tar, contents.p, contents.n, &err), 0);
    }
    assert_int_equal(cb_tar_close(&tar, &err), 0);
    for (int i = 0; i < r->tail * 512; i++)
        cb_buf_addc(out, 0);
}

static void pack(struct cb_buf *out, const struct cb_buf *in, const struct recipe *r)
{
    z_stream z = {0};
    gz_header header = {.os = r->os};

    assert_int_equal(deflateInit2(&z, r->level ? r->level : 6, Z_DEFLATED, 31, 8, r->strategy), Z_OK);
    deflateSetHeader(&z, &header);
    cb_buf_reserve(out, deflateBound(&z, in->n) + 64);
    z.next_in = (unsigned char *)in->p;
    z.avail_in = (unsigned)in->n;
    z.next_out = (unsigned char *)out->p;
    z.avail_out = (unsigned)out->cap;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->n = z.total_out;
    deflateEnd(&z);
}

static void stream_archive(const char *path, const struct cb_image *img)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_atomic f = CB_ATOMIC_INIT;

    assert_int_equal(cb_atomic_open(&f, path, 0644, &err), 0);
    struct cb_fd_sink out = cb_fd_sink(f.fd, path);
    assert_int_equal(cb_docker_archive_stream(&out.sink, img, CB_STR("test"), &err), 0);
    assert_int_equal(cb_atomic_commit(&f, &err), 0);
}

static void write_image(const char *path, const struct recipe *r, const struct cb_layer_blob *layers, size_t n)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_image img = {0};
    const struct cb_image *images[1] = {&img};
    struct cb_index_image idx;
    struct cb_index_params ip = {.created = {0}};
    struct cb_image_params p = {.arch = value(r->arch, "amd64"), .user = value(r->user, "")};
    struct cb_strs tags = {0};

    assert_int_equal(cb_image_build(&img, &p, layers, n, &err), 0);
    cb_index_image_build(&idx, &ip, images, 1);
    cb_strs_add(&tags, CB_STR("test:1"));
    if (r->daemon)
        stream_archive(path, &img);
    else if (r->archive)
        assert_int_equal(cb_docker_archive_write(path, &idx, &tags, &err), 0);
    else
        assert_int_equal(cb_layout_write(path, &idx, NULL, &err), 0);
    cb_strs_release(&tags);
    cb_index_image_release(&idx);
    cb_image_release(&img);
}

static void write_layer(const char *path, const struct recipe *r, struct cb_layer_blob *layer)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO tar = {0};
    CB_BUF_AUTO packed = {0};

    write_tar(&tar, r);
    pack(&packed, &tar, r);
    layer->path = path;
    layer->descriptor.media_type = value(r->media_type, CB_MEDIA_OCI_LAYER);
    layer->descriptor.digest = cb_digest_of(cb_buf_str(&packed));
    layer->descriptor.size = packed.n;
    layer->diff_id = cb_digest_of(r->wrong_diff_id ? CB_STR("x") : cb_buf_str(&tar));
    assert_int_equal(cb_write_file(path, cb_buf_str(&packed), 0644, &err), 0);
}

static char *make(const char *name, const struct recipe *r)
{
    CB_AUTOFREE char *below = cb_format("%s/%s.below", folder, name);
    CB_AUTOFREE char *top = cb_format("%s/%s.layer", folder, name);
    char *path = cb_format("%s/%s", folder, name);
    CB_AUTOFREE char *clean = cb_format("rm -rf %s", path);
    struct cb_layer_blob layers[2] = {0};
    size_t n = 0;

    assert_int_equal(system(clean), 0);
    if (r->below)
        write_layer(below, r->below, &layers[n++]);
    write_layer(top, r, &layers[n++]);
    write_image(path, r, layers, n);
    return path;
}

// The result, and the text in *out.
static int compare(const struct recipe *a, const struct recipe *b, struct cb_buf *out, struct cb_error *err)
{
    CB_AUTOFREE char *left = make("left", a);
    CB_AUTOFREE char *right = make("right", b);
    struct cb_buf_sink sink = cb_buf_sink(out);
    struct cb_diff_options options = {.limit = 3};

    return cb_diff_images(left, right, NULL, &options, &sink.sink, err);
}

static void expect(const struct recipe *a, const struct recipe *b, int want, const char *const *texts)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO out = {0};
    int got = compare(a, b, &out, &err);

    if (got != want)
        fail_msg("result %d, expected %d: %s\n%s", got, want, got < 0 ? err.message : "", out.n ? out.p : "");
    for (; texts && *texts; texts++)
        if (!out.n || !strstr(out.p, *texts))
            fail_msg("\"%s\" is not in:\n%s", *texts, out.n ? out.p : "");
    if (want == 0)
        assert_int_equal(out.n, 0);
}

#define TEXTS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define PLAIN .entries = plain, .n = 4

static void test_same(void **state)
{
    const struct recipe a = {PLAIN}, archive = {PLAIN, .archive = true}, daemon = {PLAIN, .daemon = true};

    (void)state;
    expect(&a, &a, 0, NULL);
    expect(&a, &archive, 0, NULL);
    expect(&archive, &archive, 0, NULL);
    expect(&daemon, &a, 0, NULL);
}

static void test_config(void **state)
{
    const struct recipe a = {PLAIN}, b = {PLAIN, .user = "nobody"}, arm = {PLAIN, .arch = "arm64"};

    (void)state;
    expect(&a, &b, 1,
           TEXTS("index\n", "image linux/amd64\n",
                 "  config\n    .config.User: A (absent), B \"nobody\" [another configuration]\n"));
    expect(&a, &arm, 1, TEXTS("image linux/amd64: only in A\n", "image linux/arm64: only in B\n"));
}

static void one_entry(size_t i, struct entry e, const char *const *texts)
{
    struct entry changed[4];
    const struct recipe a = {PLAIN}, b = {.entries = changed, .n = 4};

    memcpy(changed, plain, sizeof plain);
    changed[i] = e;
    expect(&a, &b, 1, texts);
}

static void test_entries(void **state)
{
    (void)state;
    one_entry(0, (struct entry){"bin", NULL, NULL, CB_TAR_DIR, 0700, 0},
              TEXTS("\"bin\": mode A 0755, B 0700 [other permissions]\n"));
    one_entry(
        1,
        (struct entry){"bin/a", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbBbbbbbbbbbb", NULL, CB_TAR_FILE, 0755, 7},
        TEXTS("\"bin/a\": mtime A 0, B 7 [another time stamp]\n",
              "\"bin/a\": contents differ from byte 44 on: A 0x62 'b', B 0x42 'B' [other contents]\n"));
    one_entry(2, (struct entry){"bin/b", NULL, "../x\n", CB_TAR_SYMLINK, 0777, 0},
              TEXTS("\"bin/b\": link target A \"a\", B \"../x\\n\" [another kind of file]\n"));
    one_entry(2, (struct entry){"bin/b", "", NULL, CB_TAR_FILE, 0777, 0},
              TEXTS("\"bin/b\": type A 2, B 0; link target A \"a\", B \"\" [another kind of file]\n"));
    one_entry(3, (struct entry){"etc/y", "the quick brown fox", NULL, CB_TAR_FILE, 0644, 0},
              TEXTS("\"etc/x\": only in A (type 0, mode 0644, 19 bytes)\n", "\"etc/y\": only in B"));
    one_entry(3, (struct entry){"etc/x", "the quick brown fox!", NULL, CB_TAR_FILE, 0644, 0},
              TEXTS("\"etc/x\": size A 19, B 20 [other contents]\n",
                    "contents differ from byte 19 on: A the end, B 0x21 '!' [other contents]\n"));
}

static void test_order(void **state)
{
    const struct entry swapped[] = {plain[0], plain[2], plain[1], plain[3]};
    const struct entry twice[] = {plain[0], plain[1], plain[2], plain[3], plain[1]};
    const struct recipe a = {PLAIN}, b = {.entries = swapped, .n = 4}, c = {.entries = twice, .n = 5};

    (void)state;
    expect(&a, &b, 1,
           TEXTS("order: \"bin/a\" comes before \"bin/b\" in A, after it in B [another order of entries]\n"));
    expect(&a, &c, 1, TEXTS("\"bin/a\": only in B"));
}

static void test_layers(void **state)
{
    const struct recipe one = {PLAIN}, other = {.entries = plain + 3, .n = 1}, two = {PLAIN, .below = &other};
    const struct recipe swapped = {.entries = plain + 3, .n = 1, .below = &one};

    (void)state;
    expect(&one, &two, 1,
           TEXTS("  layer 0 of A is compared to layer 1 of B [another order of layers]\n",
                 "  layer 0: only in B (diff ID sha256:"));
    expect(&two, &swapped, 1,
           TEXTS("  layer 0 of A is compared to layer 1 of B [another order of layers]\n",
                 "  layer 1 of A is compared to layer 0 of B [another order of layers]\n"));
    expect(&two, &two, 0, NULL);
}

static void test_limit(void **state)
{
    const struct entry none[] = {{"z", NULL, NULL, CB_TAR_DIR, 0755, 0}};
    const struct recipe a = {PLAIN}, b = {.entries = none, .n = 1};

    (void)state;
    expect(&a, &b, 1, TEXTS("\"bin/b\": only in A", "and 2 more differences\n"));
}

static void test_bytes_beyond_entries(void **state)
{
    const struct recipe a = {PLAIN}, b = {PLAIN, .tail = 1};

    (void)state;
    expect(&a, &b, 1, TEXTS("(after the last entry): A the end, B 0x00\n"));
}

static void test_diff_id(void **state)
{
    const struct recipe a = {PLAIN}, b = {PLAIN, .wrong_diff_id = true, .level = 1};

    (void)state;
    expect(&a, &b, 1,
           TEXTS("B: the config's diff ID is sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881, "
                 "but the layer unpacks to"));
}

static void test_gzip(void **state)
{
    const struct recipe a = {PLAIN}, header = {PLAIN, .os = 3}, fixed = {PLAIN, .strategy = Z_FIXED},
                        huffman = {PLAIN, .strategy = Z_HUFFMAN_ONLY}, quick = {PLAIN, .strategy = Z_RLE};

    (void)state;
    expect(&a, &header, 1,
           TEXTS("unpacked, the layers are the same", "A gzip header 1f8b0800000000000000, 10 bytes",
                 "B gzip header 1f8b0800000000000003"));
    expect(&a, &fixed, 1,
           TEXTS("A last, dynamic block (at bit 80), B last, fixed block (at bit 80)", "near entry \"bin\""));
    expect(&a, &huffman, 1, TEXTS("code lengths of a dynamic block", "literal/length symbol", "A match of"));
    expect(&a, &quick, 1, TEXTS("unpacked, the layers are the same", "gzip: "));
}

static void test_not_a_tar(void **state)
{
    const struct recipe a = {PLAIN, .media_type = CB_MEDIA_EROFS_LAYER},
                        b = {PLAIN, .media_type = CB_MEDIA_EROFS_LAYER, .os = 3};

    (void)state;
    expect(&a, &b, 1, TEXTS("first different byte at 9: A 0x00, B 0x03\n"));
}

static void fails(const char *a, const char *b, enum cb_kind kind, const char *text)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO out = {0};
    struct cb_buf_sink sink = cb_buf_sink(&out);

    assert_int_equal(cb_diff_images(a, b, NULL, NULL, &sink.sink, &err), -1);
    if (!strstr(err.message, text) || err.kind != kind)
        fail_msg("%d %s", err.kind, err.message);
}

static void test_unreadable(void **state)
{
    const struct recipe a = {PLAIN};
    CB_AUTOFREE char *good = make("left", &a);
    CB_AUTOFREE char *bad = make("right", &a);
    CB_AUTOFREE char *damage =
        cb_format("cd %s/blobs/sha256; for f in *; do if [ \"$(head -c2 $f | od -An -tx1)\" = \" 1f 8b\" ]; "
                  "then printf '\\000' | dd of=$f bs=1 seek=20 conv=notrunc 2>/dev/null; fi; done",
                  bad);
    CB_AUTOFREE char *junk = cb_format("%s/junk", folder);
    CB_ERROR_AUTO err = CB_ERROR_INIT;

    (void)state;
    fails(good, "/nowhere", CB_E_NOT_FOUND, "/nowhere");
    fails(folder, good, CB_E_NOT_FOUND, "oci-layout");
    assert_int_equal(system(damage), 0);
    fails(good, bad, CB_E_TRUST, "has digest");
    assert_int_equal(cb_write_file(junk, CB_STR("not a tar"), 0644, &err), 0);
    fails(junk, good, CB_E_INPUT, "archive");
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
        cmocka_unit_test(test_same),
        cmocka_unit_test(test_config),
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_layers),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_bytes_beyond_entries),
        cmocka_unit_test(test_diff_id),
        cmocka_unit_test(test_gzip),
        cmocka_unit_test(test_not_a_tar),
        cmocka_unit_test(test_unreadable),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
