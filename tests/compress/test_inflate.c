// The gzip reader: members and where they lie, streams, limits, and everything that is wrong with a gzip file.
#include "testing.h"

#include <zlib.h>

#include "cbuild/compress/inflate.h"
#include "sample.h"

// ---- Making gzip files ----

struct member {
    const void *data;
    size_t n;
    unsigned flags; // header flags
    unsigned extra; // bytes of FEXTRA
    unsigned name;  // bytes of FNAME, without the NUL
    unsigned comment;
    bool wrong_header_crc, wrong_crc, wrong_size;
};

static void add_le(struct cb_buf *b, uint64_t v, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        cb_buf_addc(b, (char)(v >> (8 * i)));
}

static void add_text(struct cb_buf *b, unsigned n)
{
    while (n-- > 0)
        cb_buf_addc(b, 'n');
    cb_buf_addc(b, '\0');
}

static void add_member(struct cb_buf *b, const struct member *m)
{
    size_t begin = b->n;
    add_le(b, 0x088b1f | (uint64_t)m->flags << 24, 4);
    add_le(b, 0xff0000000000, 6);
    if (m->flags & 4) {
        add_le(b, m->extra, 2);
        for (unsigned i = 0; i < m->extra; i++)
            cb_buf_addc(b, (char)i);
    }
    if (m->flags & 8)
        add_text(b, m->name);
    if (m->flags & 16)
        add_text(b, m->comment);
    if (m->flags & 2)
        add_le(b, crc32(0, (Bytef *)b->p + begin, (uInt)(b->n - begin)) ^ m->wrong_header_crc, 2);

    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, -MAX_WBITS, 8, 0), Z_OK);
    cb_buf_reserve(b, deflateBound(&z, m->n) + 1);
    z.next_in = (Bytef *)(uintptr_t)m->data;
    z.avail_in = (uInt)m->n;
    z.next_out = (Bytef *)b->p + b->n;
    z.avail_out = (uInt)deflateBound(&z, m->n);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    b->n += z.total_out;
    deflateEnd(&z);
    add_le(b, crc32(0, m->data, (uInt)m->n) ^ m->wrong_crc, 4);
    add_le(b, m->n + m->wrong_size, 4);
}

// A source that gives at most so many bytes at a time.
struct slow_source {
    struct cb_source source;
    struct cb_mem_source mem;
    size_t step;
};

static ssize_t slow_read(struct cb_source *s, void *p, size_t n, struct cb_error *err)
{
    struct slow_source *slow = (struct slow_source *)s;
    return cb_read(&slow->mem.source, p, n < slow->step ? n : slow->step, err);
}

static struct slow_source slow_source(const struct cb_buf *b, size_t step)
{
    return (struct slow_source){{slow_read}, cb_mem_source(b->p, b->n), step};
}

// ---- What comes out ----

// Reads the whole file as one stream.
static int read_stream(const struct cb_buf *gzip, unsigned flags, size_t step, struct cb_buf *out, struct cb_error *err)
{
    struct slow_source source = slow_source(gzip, step);
    struct cb_inflate *z = cb_inflate_new(&source.source, flags);
    int result = cb_read_all(cb_inflate_stream_source(z), out, SIZE_MAX, "it", err);
    cb_inflate_free(z);
    return result;
}

static void assert_stream(const struct cb_buf *gzip, unsigned flags, const char *expected)
{
    for (size_t step = 1; step < 100000; step = step * 7 + 1) {
        CB_BUF_AUTO out = {0};
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        if (read_stream(gzip, flags, step, &out, &err))
            fail_msg("%s", err.message);
        assert_int_equal(out.n, strlen(expected));
        assert_memory_equal(out.p, expected, out.n);
    }
}

// The text of the error must have this in it.
static void assert_bad(const struct cb_buf *gzip, unsigned flags, const char *expected)
{
    for (size_t step = 1; step < 100000; step = step * 7 + 1) {
        CB_BUF_AUTO out = {0};
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        assert_int_equal(read_stream(gzip, flags, step, &out, &err), -1);
        assert_int_equal(err.kind, CB_E_INPUT);
        if (!strstr(err.message, expected))
            fail_msg("\"%s\" has no \"%s\"", err.message, expected);
    }
}

static void test_streams(void **state)
{
    (void)state;
    CB_BUF_AUTO gzip = {0};
    add_member(&gzip, &(struct member){.data = "one", .n = 3});
    assert_stream(&gzip, 0, "one");
    add_member(&gzip, &(struct member){.data = "", .n = 0});
    assert_stream(&gzip, 0, "one");
    add_member(&gzip, &(struct member){.data = "two", .n = 3, .flags = 31, .extra = 7, .name = 3, .comment = 9});
    assert_stream(&gzip, 0, "onetwo");
    add_member(&gzip,
               &(struct member){.data = "!", .n = 1, .flags = 4 | 8 | 16, .extra = 65535, .name = 511, .comment = 511});
    assert_stream(&gzip, 0, "onetwo!");
}

// A decoder looks ahead of what it gives: however the input is cut and however little room there is, the members end
// where they end.
static void test_input_and_room_of_any_size(void **state)
{
    (void)state;
    enum { N = 70000, ROOM = 65536 };
    static const size_t steps[] = {1, 2, 3, 7, 8, 9, 300, N}, rooms[] = {1, 2, 3, 8, 255, 4096, ROOM};
    CB_AUTOFREE uint8_t *data = cb_alloc(N);
    CB_AUTOFREE char *got = cb_alloc(ROOM);
    CB_BUF_AUTO gzip = {0};
    static const size_t sizes[] = {N, 0, 1, 5, 32768, 3, N};
    sample_make(data, N, 7, SAMPLE_MIXTURE);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        add_member(&gzip,
                   &(struct member){.data = data, .n = sizes[i], .flags = i % 3 ? 16 : 0, .comment = (unsigned)i});
    for (size_t i = 0; i < sizeof steps / sizeof *steps * (sizeof rooms / sizeof *rooms); i++) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        struct slow_source source = slow_source(&gzip, steps[i % (sizeof steps / sizeof *steps)]);
        struct cb_inflate *z = cb_inflate_new(&source.source, 0);
        size_t room = rooms[i / (sizeof steps / sizeof *steps)], members = 0;
        while (cb_inflate_next(z, &err) == 1) {
            size_t n = 0;
            ssize_t some;
            while ((some = cb_inflate_read(z, got, room, &err)) > 0) {
                assert_memory_equal(got, data + n, (size_t)some);
                n += (size_t)some;
            }
            assert_int_equal(some, 0);
            assert_int_equal(n, sizes[members++]);
        }
        assert_int_equal(err.kind, CB_OK);
        assert_int_equal(members, sizeof sizes / sizeof *sizes);
        assert_int_equal(cb_inflate_member_end(z), gzip.n);
        cb_inflate_free(z);
    }
}

static void test_no_bytes(void **state)
{
    (void)state;
    CB_BUF_AUTO gzip = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct slow_source source = slow_source(&gzip, 1);
    struct cb_inflate *z = cb_inflate_new(&source.source, 0);
    assert_int_equal(cb_inflate_next(z, &err), 0);
    cb_inflate_free(z);
    assert_bad(&gzip, 0, "no gzip data");
}

static void test_headers_that_must_fail(void **state)
{
    (void)state;
    static const struct {
        struct member m;
        unsigned flags;
        const char *expected; // NULL: it is fine
    } cases[] = {
        {{.data = "x", .n = 1, .flags = 8, .name = 512}, 0, "file name in the header is too long"},
        {{.data = "x", .n = 1, .flags = 16, .comment = 512}, 0, "comment in the header is too long"},
        {{.data = "x", .n = 1, .flags = 2, .wrong_header_crc = true}, 0, "header does not match its checksum"},
        {{.data = "x", .n = 1, .flags = 0x20}, 0, "reserved flag"},
        {{.data = "x", .n = 1, .flags = 0x40}, 0, "reserved flag"},
        {{.data = "x", .n = 1, .flags = 0x80 | 8, .name = 5}, 0, "reserved flag"},
        {{.data = "x", .n = 1, .flags = 0xe0}, CB_INFLATE_IGNORE_RESERVED, NULL},
        {{.data = "x", .n = 1, .wrong_crc = true}, 0, "does not match its checksum"},
        {{.data = "x", .n = 1, .wrong_size = true}, 0, "length that the trailer says"},
        {{.data = "x", .n = 1, .wrong_crc = true, .wrong_size = true}, CB_INFLATE_IGNORE_TRAILER, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CB_BUF_AUTO gzip = {0};
        add_member(&gzip, &cases[i].m);
        if (cases[i].expected)
            assert_bad(&gzip, cases[i].flags, cases[i].expected);
        else
            assert_stream(&gzip, cases[i].flags, "x");
    }
}

static void test_cut_short_anywhere(void **state)
{
    (void)state;
    CB_BUF_AUTO whole = {0};
    add_member(&whole, &(struct member){.data = "some data, data, data", .n = 21, .flags = 31, .extra = 3, .name = 3});
    for (size_t n = 1; n < whole.n; n++) {
        struct cb_buf cut = {whole.p, n, n};
        assert_bad(&cut, 0, "the input ends within the ");
        assert_bad(&cut, CB_INFLATE_IGNORE_TRAILER | CB_INFLATE_IGNORE_GARBAGE, "the input ends within the ");
    }
}

static void test_garbage_behind(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
    } garbage[] = {{"\0", 1}, {"\0\0\0\0\0\0\0\0\0\0\0\0", 12}, {"garbage, and more", 17}, {"\x1f\x8b\x09garbage", 10}};
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        CB_BUF_AUTO gzip = {0};
        add_member(&gzip, &(struct member){.data = "x", .n = 1});
        cb_buf_add(&gzip, garbage[i].bytes, garbage[i].n);
        assert_bad(&gzip, 0, garbage[i].n < 10 ? "ends within the header" : "not gzip data behind it");
        assert_stream(&gzip, CB_INFLATE_IGNORE_GARBAGE, "x");
    }
    CB_BUF_AUTO only = {0};
    cb_buf_adds(&only, "garbage, and nothing else");
    assert_bad(&only, 0, "not gzip data");
    assert_bad(&only, CB_INFLATE_IGNORE_GARBAGE, "not gzip data");
}

static void test_damaged_data(void **state)
{
    (void)state;
    CB_BUF_AUTO gzip = {0};
    add_member(&gzip, &(struct member){.data = "x", .n = 1});
    gzip.p[10] = (char)(gzip.p[10] | 6); // a block of the reserved type
    assert_bad(&gzip, 0, "the data is damaged");
}

// ---- Members ----

static void test_members_and_offsets(void **state)
{
    (void)state;
    enum { N = 4 };
    static const size_t sizes[N] = {10, 0, 300000, 70000};
    uint8_t *data[N];
    size_t begin[N + 1] = {0};
    CB_BUF_AUTO gzip = {0};
    for (unsigned i = 0; i < N; i++) {
        data[i] = cb_alloc(sizes[i] + 1);
        sample_make(data[i], sizes[i], i, SAMPLE_MIXTURE);
        add_member(&gzip, &(struct member){.data = data[i], .n = sizes[i], .flags = i % 2 ? 8 : 0, .name = 4});
        begin[i + 1] = gzip.n;
    }
    for (size_t step = 1; step < 1000000; step = step * 13 + 5) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        struct slow_source source = slow_source(&gzip, step);
        struct cb_inflate *z = cb_inflate_new(&source.source, 0);
        for (unsigned i = 0; i < N; i++) {
            CB_BUF_AUTO raw = {0}, out = {0};
            struct cb_buf_sink sink = cb_buf_sink(&raw);
            cb_inflate_raw(z, &sink.sink);
            assert_int_equal(cb_inflate_next(z, &err), 1);
            assert_int_equal(cb_inflate_member_begin(z), begin[i]);
            if (i == 2 && step == 1)
                assert_int_equal(cb_inflate_skip(z, &err), 0);
            else
                assert_int_equal(cb_read_all(cb_inflate_member_source(z), &out, SIZE_MAX, "it", &err), 0);
            assert_int_equal(cb_inflate_member_end(z), begin[i + 1]);
            assert_true(out.n == sizes[i] || (i == 2 && step == 1));
            assert_true(out.n == 0 || memcmp(out.p, data[i], out.n) == 0);
            assert_int_equal(raw.n, begin[i + 1] - begin[i]);
            assert_memory_equal(raw.p, gzip.p + begin[i], raw.n);
        }
        assert_int_equal(cb_inflate_next(z, &err), 0);
        cb_inflate_free(z);
    }
    for (unsigned i = 0; i < N; i++)
        free(data[i]);
}

// ---- Limits ----

static void test_limit(void **state)
{
    (void)state;
    enum { SIZE = 100000 };
    CB_AUTOFREE uint8_t *data = cb_zalloc(SIZE);
    CB_BUF_AUTO gzip = {0};
    add_member(&gzip, &(struct member){.data = data, .n = SIZE});
    static const struct {
        uint64_t limit;
        bool fits;
    } cases[] = {{0, false}, {1, false}, {SIZE - 1, false}, {SIZE, true}, {SIZE + 1, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CB_BUF_AUTO out = {0};
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        struct slow_source source = slow_source(&gzip, 4096);
        struct cb_inflate *z = cb_inflate_new(&source.source, 0);
        cb_inflate_limit(z, cases[i].limit, "the control section");
        int result = cb_read_all(cb_inflate_stream_source(z), &out, SIZE_MAX, "it", &err);
        assert_int_equal(result, cases[i].fits ? 0 : -1);
        if (!cases[i].fits) {
            CB_AUTOFREE char *expected = cb_format("the control section is larger than the limit of %llu bytes",
                                                   (unsigned long long)cases[i].limit);
            assert_int_equal(err.kind, CB_E_LIMIT);
            assert_string_equal(err.message, expected);
            assert_true(out.n <= cases[i].limit);
            CB_ERROR_AUTO again = CB_ERROR_INIT; // and it stays that way
            assert_int_equal(cb_inflate_read(z, data, 1, &again), -1);
        }
        cb_inflate_free(z);
    }
}

static void test_limit_per_member(void **state)
{
    (void)state;
    CB_BUF_AUTO gzip = {0};
    add_member(&gzip, &(struct member){.data = "12345", .n = 5});
    add_member(&gzip, &(struct member){.data = "12345", .n = 5});
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct slow_source source = slow_source(&gzip, 3);
    struct cb_inflate *z = cb_inflate_new(&source.source, 0);
    for (int i = 0; i < 2; i++) {
        cb_inflate_limit(z, 5, "a member");
        assert_int_equal(cb_inflate_next(z, &err), 1);
        assert_int_equal(cb_inflate_skip(z, &err), 0);
    }
    assert_int_equal(cb_inflate_next(z, &err), 0);
    cb_inflate_free(z);
}

// The data comes out before what is wrong with its trailer does: a reader that has what it wants never hears of it.
static void test_trailer_is_judged_last(void **state)
{
    (void)state;
    CB_BUF_AUTO gzip = {0};
    char out[8];
    add_member(&gzip, &(struct member){.data = "data", .n = 4, .wrong_crc = true});
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct slow_source source = slow_source(&gzip, 100);
    struct cb_inflate *z = cb_inflate_new(&source.source, 0);
    assert_int_equal(cb_inflate_next(z, &err), 1);
    assert_int_equal(cb_inflate_read(z, out, sizeof out, &err), 4);
    assert_memory_equal(out, "data", 4);
    assert_int_equal(cb_inflate_read(z, out, sizeof out, &err), -1);
    cb_inflate_free(z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_input_and_room_of_any_size),
        cmocka_unit_test(test_no_bytes),
        cmocka_unit_test(test_headers_that_must_fail),
        cmocka_unit_test(test_cut_short_anywhere),
        cmocka_unit_test(test_garbage_behind),
        cmocka_unit_test(test_damaged_data),
        cmocka_unit_test(test_members_and_offsets),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_limit_per_member),
        cmocka_unit_test(test_trailer_is_judged_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
