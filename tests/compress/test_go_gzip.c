// Go's own gzip, against digests of what Go makes of the same data.
#include "testing.h"

#include "cbuild/compress/go_gzip.h"
#include "cbuild/crypto/hash.h"
#include "sample.h"

enum { WRITE = 32768 }; // bytes of one write: the goldens' too

static void pack(const uint8_t *in, size_t n, char hex[CB_SHA256_HEX])
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_HASH_AUTO *hash = cb_hash_new(CB_SHA256);
    struct cb_hash_sink sink = cb_hash_sink(hash);
    struct cb_go_gzip *z = cb_go_gzip_new(&sink.sink);
    uint8_t sum[CB_HASH_MAX];
    for (size_t at = 0; at < n; at += WRITE)
        assert_int_equal(cb_write(cb_go_gzip_sink(z), in + at, n - at < WRITE ? n - at : WRITE, &err), 0);
    assert_int_equal(cb_go_gzip_finish(z, &err), 0);
    cb_go_gzip_free(z);
    cb_hex(hex, sum, cb_hash_sum(hash, sum));
}

static void samples(void **state)
{
    (void)state;
    CB_AUTOFREE char *text = golden_text("go_gzip.tsv");
    unsigned checked = 0;
    for (char *at = text, *line; (line = golden_line(&at)); checked++) {
        uint64_t seed = strtoull(strsep(&line, "\t"), NULL, 10);
        unsigned kind = (unsigned)strtoul(strsep(&line, "\t"), NULL, 10);
        size_t size = strtoull(strsep(&line, "\t"), NULL, 10);
        char hex[CB_SHA256_HEX];
        CB_AUTOFREE uint8_t *in = cb_alloc(size + !size);
        sample_make(in, size, seed, kind);
        pack(in, size, hex);
        if (strcmp(hex, line))
            fail_msg("seed %llu kind %u size %zu: %s, expected %s", (unsigned long long)seed, kind, size, hex, line);
    }
    assert_true(checked > 50);
}

static void nothing(void **state)
{
    (void)state;
    static const char want[] = "\x1f\x8b\x08\0\0\0\0\0\0\xff\x01\0\0\xff\xff\0\0\0\0\0\0\0";
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO out = {0};
    struct cb_buf_sink sink = cb_buf_sink(&out);
    struct cb_go_gzip *z = cb_go_gzip_new(&sink.sink);
    assert_int_equal(cb_go_gzip_finish(z, &err), 0);
    cb_go_gzip_free(z);
    assert_int_equal(out.n, sizeof want);
    assert_memory_equal(out.p, want, sizeof want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(samples), cmocka_unit_test(nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
