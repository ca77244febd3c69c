// The gzip writer: the same bytes at any number of threads and however the writes are cut; errors of its sink.
#include "testing.h"

#include "cbuild/crypto/hash.h"
#include "sample.h"

static void test_threads_make_no_difference(void **state)
{
    (void)state;
    // Blocks and bytes beyond them: none, one byte less, exactly, one more; more blocks than any ring has.
    static const size_t sizes[] = {0, 1, 100, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 2 << 20, (3 << 20) + 77, 21 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t n = sizes[i];
        CB_AUTOFREE uint8_t *in = cb_alloc(n + 1);
        CB_BUF_AUTO expected = {0};
        sample_make(in, n, i, SAMPLE_MIXTURE);
        gzip_into(&expected, NULL, in, n, n + 1);
        for (unsigned threads = 1; threads <= 8; threads *= 2) {
            struct cb_pool *pool = cb_pool_new(threads);
            CB_BUF_AUTO got = {0};
            gzip_into(&got, pool, in, n, threads == 2 ? 10007 : n + 1);
            assert_int_equal(got.n, expected.n);
            assert_memory_equal(got.p, expected.p, got.n);
            cb_pool_free(pool);
        }
    }
}

static void test_writes_may_be_cut_anywhere(void **state)
{
    (void)state;
    enum { SIZE = (2 << 20) + 12345 };
    static const size_t pieces[] = {1, 511, 65535, 65536, (1 << 20) - 1, 1 << 20, (1 << 20) + 1};
    CB_AUTOFREE uint8_t *in = cb_alloc(SIZE);
    CB_BUF_AUTO expected = {0};
    sample_make(in, SIZE, 99, SAMPLE_MIXTURE);
    gzip_into(&expected, NULL, in, SIZE, SIZE);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        CB_BUF_AUTO got = {0};
        gzip_into(&got, NULL, in, SIZE, pieces[i]);
        assert_int_equal(got.n, expected.n);
        assert_memory_equal(got.p, expected.p, got.n);
    }
}

static void test_empty_stream(void **state)
{
    (void)state;
    static const uint8_t expected[] = {
        0x1f, 0x8b, 8,    0,    0x00, 0x09, 0x6e, 0x88, 0, 255, // header
        0x00, 0x00, 0x00, 0xff, 0xff,                           // sync marker
        0x03, 0x00,                                             // last block, empty
        0,    0,    0,    0,    0,    0,    0,    0,            // CRC and length
    };
    CB_BUF_AUTO got = {0};
    gzip_into(&got, NULL, NULL, 0, 1);
    assert_int_equal(got.n, sizeof expected);
    assert_memory_equal(got.p, expected, sizeof expected);
}

struct failing_sink {
    struct cb_sink sink;
    size_t left;
};

static int fail_later(struct cb_sink *s, const void *p, size_t n, struct cb_error *err)
{
    (void)p;
    struct failing_sink *f = (struct failing_sink *)s;
    if (n > f->left)
        return cb_fail(err, CB_E_IO, "no space left");
    f->left -= n;
    return 0;
}

static void test_sink_fails(void **state)
{
    (void)state;
    enum { SIZE = 12 << 20 };
    CB_AUTOFREE uint8_t *in = cb_alloc(SIZE);
    sample_make(in, SIZE, 5, 0);
    struct cb_pool *pool = cb_pool_new(3);
    static const size_t room[] = {0, 9, 10, 3 << 20, (size_t)SIZE + 4096};
    for (size_t i = 0; i < sizeof room / sizeof *room; i++) {
        for (int threaded = 0; threaded < 2; threaded++) {
            struct failing_sink sink = {{fail_later}, room[i]};
            CB_ERROR_AUTO err = CB_ERROR_INIT;
            struct cb_gzip_writer *w = cb_gzip_writer_new(&sink.sink, threaded ? pool : NULL);
            int failed = cb_write(cb_gzip_writer_sink(w), in, SIZE, &err) || cb_gzip_writer_finish(w, &err);
            assert_true(failed == (room[i] < SIZE));
            if (failed) {
                assert_int_equal(err.kind, CB_E_IO);
                assert_string_equal(err.message, "no space left");
                CB_ERROR_AUTO again = CB_ERROR_INIT;
                assert_int_equal(cb_write(cb_gzip_writer_sink(w), in, 1, &again), -1);
                assert_int_equal(again.kind, CB_E_IO);
            }
            cb_gzip_writer_free(w);
        }
    }
    cb_pool_free(pool);
}

static void test_freed_unfinished(void **state)
{
    (void)state;
    CB_BUF_AUTO out = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_buf_sink sink = cb_buf_sink(&out);
    struct cb_pool *pool = cb_pool_new(4);
    enum { SIZE = 5 << 20 };
    CB_AUTOFREE uint8_t *in = cb_zalloc(SIZE);
    struct cb_gzip_writer *w = cb_gzip_writer_new(&sink.sink, pool);
    assert_int_equal(cb_write(cb_gzip_writer_sink(w), in, SIZE, &err), 0);
    cb_gzip_writer_free(w);
    cb_gzip_writer_free(NULL);
    cb_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_make_no_difference),
        cmocka_unit_test(test_writes_may_be_cut_anywhere),
        cmocka_unit_test(test_empty_stream),
        cmocka_unit_test(test_sink_fails),
        cmocka_unit_test(test_freed_unfinished),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
