// The encoder against digests of what the reference makes of the same data, and against zlib's inflate.
#include "testing.h"

#include <libdeflate.h>
#include <zlib.h>

#include "cbuild/compress/deflate.h"
#include "cbuild/crypto/hash.h"
#include "sample.h"

// The whole stream by hand. The input stands at the end of its allocation, for a
// sanitizer to see reads beyond it.
static void gzip_by_hand(struct cb_buf *to, struct cb_deflate *d, const uint8_t *in, size_t n)
{
    static const uint8_t header[10] = {0x1f, 0x8b, 8, 0, 0x00, 0x09, 0x6e, 0x88, 0, 255};
    cb_buf_add(to, header, sizeof header);
    for (size_t at = 0;; at += CB_DEFLATE_CHUNK) {
        size_t some = n - at < CB_DEFLATE_CHUNK ? n - at : CB_DEFLATE_CHUNK;
        bool last = some < CB_DEFLATE_CHUNK;
        cb_buf_reserve(to, cb_deflate_bound(some));
        size_t got = cb_deflate_chunk(d, in + at, at ? CB_DEFLATE_DICTIONARY : 0, some, last, (uint8_t *)to->p + to->n);
        assert_true(got + 8 <= cb_deflate_bound(some));
        to->n += got;
        if (last)
            break;
    }
    uint32_t crc = libdeflate_crc32(0, in, n), size = (uint32_t)n;
    for (int i = 0; i < 8; i++)
        cb_buf_addc(to, (char)((i < 4 ? crc : size) >> (8 * (i % 4))));
}

static void assert_digest(struct cb_str s, const char *expected, const char *what)
{
    uint8_t sum[CB_SHA256_SIZE];
    char hex[CB_SHA256_HEX];
    cb_hash_once(CB_SHA256, s.p, s.n, sum);
    cb_hex(hex, sum, sizeof sum);
    if (strcmp(hex, expected))
        fail_msg("%s: %s, expected %s", what, hex, expected);
}

static void assert_inflates_to(struct cb_str gzip, const uint8_t *expected, size_t n)
{
    uint8_t *out = cb_alloc(n + 1);
    z_stream z = {
        .next_in = (Bytef *)(uintptr_t)gzip.p, .avail_in = (uInt)gzip.n, .next_out = out, .avail_out = (uInt)n + 1};
    assert_int_equal(inflateInit2(&z, 16 + MAX_WBITS), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.total_out, n);
    assert_int_equal(z.avail_in, 0);
    assert_true(n == 0 || memcmp(out, expected, n) == 0);
    inflateEnd(&z);
    free(out);
}

static void test_samples(void **state)
{
    (void)state;
    CB_AUTOFREE char *text = golden_text("samples.tsv");
    struct cb_deflate *d = cb_deflate_new();
    unsigned checked = 0;
    for (char *at = text, *line; (line = golden_line(&at)); checked++) {
        uint64_t seed = strtoull(strsep(&line, "\t"), NULL, 10);
        unsigned kind = (unsigned)strtoul(strsep(&line, "\t"), NULL, 10);
        size_t size = strtoull(strsep(&line, "\t"), NULL, 10);
        CB_AUTOFREE char *what = cb_format("seed %llu kind %u size %zu", (unsigned long long)seed, kind, size);
        CB_BUF_AUTO gzip = {0};
        uint8_t *in = cb_alloc(size + !size);
        sample_make(in, size, seed, kind);
        gzip_by_hand(&gzip, d, in, size);
        assert_digest(cb_buf_str(&gzip), line, what);
        assert_inflates_to(cb_buf_str(&gzip), in, size);
        free(in);
    }
    assert_true(checked > 400);
    cb_deflate_free(d);
}

static void test_sort_limit(void **state)
{
    (void)state;
    CB_AUTOFREE char *text = golden_text("sort_limit.tsv");
    struct cb_deflate *d = cb_deflate_new();
    unsigned checked = 0;
    for (char *at = text, *line; (line = golden_line(&at)); checked++) {
        const char *expected = strsep(&line, "\t");
        unsigned counts[256], n = 0;
        size_t size = 0;
        for (char *count; n < 256 && (count = strsep(&line, " "));)
            size += counts[n++] = (unsigned)strtoul(count, NULL, 10);
        CB_BUF_AUTO gzip = {0};
        CB_AUTOFREE uint8_t *in = cb_alloc(size);
        assert_int_equal(sample_from_counts(in, counts, n), size);
        gzip_by_hand(&gzip, d, in, size);
        assert_digest(cb_buf_str(&gzip), expected, "counts");
        assert_inflates_to(cb_buf_str(&gzip), in, size);
    }
    assert_int_equal(checked, 8);
    cb_deflate_free(d);
}

// What an encoder did before leaves no trace.
static void test_reuse(void **state)
{
    (void)state;
    enum { SIZE = 700000 };
    CB_AUTOFREE uint8_t *a = cb_alloc(SIZE), *b = cb_alloc(SIZE);
    sample_make(a, SIZE, 1, SAMPLE_MIXTURE);
    sample_make(b, SIZE, 2, SAMPLE_MIXTURE);
    CB_BUF_AUTO fresh = {0}, used = {0}, dropped = {0};
    struct cb_deflate *d = cb_deflate_new();
    gzip_by_hand(&fresh, d, a, SIZE);
    gzip_by_hand(&dropped, d, b, SIZE);
    gzip_by_hand(&used, d, a, SIZE);
    cb_deflate_free(d);
    assert_int_equal(fresh.n, used.n);
    assert_memory_equal(fresh.p, used.p, fresh.n);
}

// Every length around the limits that decide how the end of a chunk is coded.
static void test_round_trip_of_every_small_size(void **state)
{
    (void)state;
    struct cb_deflate *d = cb_deflate_new();
    for (size_t n = 0; n < 1200; n++) {
        CB_AUTOFREE uint8_t *in = cb_alloc(n + !n);
        CB_BUF_AUTO gzip = {0};
        sample_make(in, n, n, (unsigned)n % (SAMPLE_KINDS + 1));
        gzip_by_hand(&gzip, d, in, n);
        assert_inflates_to(cb_buf_str(&gzip), in, n);
    }
    cb_deflate_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_sort_limit),
        cmocka_unit_test(test_reuse),
        cmocka_unit_test(test_round_trip_of_every_small_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
