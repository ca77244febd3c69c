// The tar writer against Go's: tar_headers.tsv holds generated headers and the SHA-256 of what archive/tar (Go 1.26)
// writes for them, or "error" where it refuses. A longer file can be given in CBUILD_TAR_HEADERS.
#include "cases.h"

#include "cbuild/crypto/hash.h"
#include "cbuild/fs/tar.h"

static struct cb_tar_header header_of(struct cb_str *line, struct cb_arena *a)
{
    struct cb_tar_header h = {0};

    h.name = text_field(line, a);
    h.linkname = text_field(line, a);
    h.uname = text_field(line, a);
    h.gname = text_field(line, a);
    h.type = (uint8_t)number_field(line);
    h.format = (uint8_t)number_field(line);
    h.mode = number_field(line);
    h.uid = number_field(line);
    h.gid = number_field(line);
    h.size = number_field(line);
    h.mtime.sec = number_field(line);
    h.mtime.nsec = (int32_t)number_field(line);
    h.devmajor = number_field(line);
    h.devminor = number_field(line);
    h.npax = (size_t)number_field(line);
    h.pax = cb_arena_alloc(a, h.npax * sizeof *h.pax + 1);
    for (size_t i = 0; i < h.npax; i++) {
        h.pax[i].key = text_field(line, a);
        h.pax[i].value = text_field(line, a);
    }
    return h;
}

static void test_headers(void **state)
{
    CB_BUF_AUTO cases = {0};
    struct cb_str rest, line;
    size_t number = 0;

    (void)state;
    read_cases("CBUILD_TAR_HEADERS", "tar_headers.tsv", &cases);
    rest = cb_buf_str(&cases);
    while (cb_str_cut(&rest, '\n', &line) && line.n > 0) {
        CB_ARENA_AUTO a = {0};
        CB_BUF_AUTO bytes = {0};
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        struct cb_buf_sink sink = cb_buf_sink(&bytes);
        struct cb_tar_writer w = cb_tar_writer(&sink.sink);
        uint8_t sum[CB_SHA256_SIZE];
        char got[CB_SHA256_HEX] = "error";

        number++;
        struct cb_tar_header h = header_of(&line, &a);
        if (cb_tar_write_header(&w, &h, &err) == 0) {
            cb_hash_once(CB_SHA256, bytes.p, bytes.n, sum);
            cb_hex(got, sum, sizeof sum);
        } else {
            assert_int_equal(bytes.n, 0); // a refused header leaves nothing behind
        }
        if (!cb_str_is(line, got))
            fail_msg("case %zu: got %s (%s), expected %.*s", number, got, err.message ? err.message : "ok",
                     CB_STR_ARG(line));
    }
    assert_true(number > 100);
}

// Data, padding and the two zero blocks at the end; and the ways to get the sizes wrong.
static void test_members(void **state)
{
    CB_BUF_AUTO bytes = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_buf_sink sink = cb_buf_sink(&bytes);
    struct cb_tar_writer w = cb_tar_writer(&sink.sink);
    struct cb_tar_header h = {.name = CB_STR("a"), .type = CB_TAR_FILE, .mode = 0644, .size = 513};
    char data[513] = {1};

    (void)state;
    assert_int_equal(cb_tar_write_header(&w, &h, &err), 0);
    assert_int_equal(cb_tar_write(&w, data, 512, &err), 0);
    assert_int_equal(cb_tar_write_header(&w, &h, &err), -1); // a byte is missing
    cb_error_clear(&err);
    assert_int_equal(cb_tar_write(&w, data, 2, &err), -1); // a byte too many
    cb_error_clear(&err);
    assert_int_equal(cb_tar_close(&w, &err), -1);
    cb_error_clear(&err);
    assert_int_equal(cb_tar_write(&w, data, 1, &err), 0);
    h.type = CB_TAR_SYMLINK; // no data, though it has a size
    assert_int_equal(cb_tar_write_header(&w, &h, &err), 0);
    assert_int_equal(cb_tar_write(&w, data, 1, &err), -1);
    cb_error_clear(&err);
    assert_int_equal(cb_tar_close(&w, &err), 0);
    assert_int_equal(bytes.n, 512 + 1024 + 512 + 1024);
    for (size_t i = 512 + 513; i < 512 + 1024; i++)
        assert_int_equal(bytes.p[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_headers), cmocka_unit_test(test_members)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
