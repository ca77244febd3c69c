// The tar reader against Go's: tar_archives.tsv holds archives, many of them damaged, and the members that archive/tar
// (Go 1.26) finds in each, with "error" where it gives up and "end" where it does not. A longer file can be given in
// CBUILD_TAR_ARCHIVES.
#include "cases.h"

#include "cbuild/crypto/hash.h"
#include "cbuild/fs/tar.h"

static int add_data(struct cb_tar_reader *r, struct cb_buf *out, struct cb_error *err)
{
    struct cb_hash *hash = cb_hash_new(CB_SHA256);
    uint8_t sum[CB_HASH_MAX];
    uint64_t size = 0;
    char buf[700], hex[9];
    ssize_t n;

    while ((n = cb_tar_read(r, buf, sizeof buf, err)) > 0) {
        cb_hash_add(hash, buf, (size_t)n);
        size += (uint64_t)n;
    }
    cb_hash_sum(hash, sum);
    cb_hash_free(hash);
    cb_hex(hex, sum, 4);
    if (n == 0)
        cb_buf_addf(out, "|%llu:%s", (unsigned long long)size, hex);
    return (int)n;
}

static void add_header(struct cb_buf *out, const struct cb_tar_header *h, uint64_t at)
{
    const struct cb_str texts[] = {h->name, h->linkname, h->uname, h->gname};

    for (size_t i = 0; i < 4; i++) {
        cb_buf_addstr(out, texts[i]);
        cb_buf_addc(out, '|');
    }
    cb_buf_addf(out, "%d|%d|%lld|%lld|%lld|%lld|%lld.%09d|%lld|%lld|%llu", h->type, h->format, (long long)h->mode,
                (long long)h->uid, (long long)h->gid, (long long)h->size, (long long)h->mtime.sec, h->mtime.nsec,
                (long long)h->devmajor, (long long)h->devminor, (unsigned long long)at);
    for (size_t i = 0; i < h->npax; i++) {
        cb_buf_addc(out, ',');
        cb_buf_addstr(out, h->pax[i].key);
        cb_buf_addc(out, '=');
        cb_buf_addstr(out, h->pax[i].value);
    }
}

// Members as the case file writes them, each followed by a tab.
static void list(struct cb_str archive, struct cb_buf *out, struct cb_error *err)
{
    struct cb_mem_source source = cb_mem_source(archive.p, archive.n);
    struct cb_tar_reader *r = cb_tar_reader_new(&source.source, "archive");
    int rc;

    do {
        CB_ARENA_AUTO arena = {0};
        struct cb_tar_header h;
        rc = cb_tar_next(r, &arena, &h, err);
        if (rc == 1) {
            add_header(out, &h, cb_tar_data_offset(r));
            if (h.size <= 1 << 20 && add_data(r, out, err) != 0)
                rc = -2;
            cb_buf_addc(out, '\t');
        }
    } while (rc == 1);
    cb_buf_adds(out, rc == 0 ? "end" : "error");
    if (rc < 0) { // failed once, failed for good
        CB_ERROR_AUTO again = CB_ERROR_INIT;
        CB_ARENA_AUTO arena = {0};
        struct cb_tar_header h;
        assert_int_equal(cb_tar_next(r, &arena, &h, &again), -1);
    }
    cb_tar_reader_free(r);
}

static struct cb_str expected(struct cb_str *line, struct cb_arena *a)
{
    struct cb_buf out = {0};
    struct cb_str f;

    for (bool first = true; line->p; first = false) {
        if (!first)
            cb_buf_addc(&out, '\t');
        f = text_field(line, a);
        cb_buf_addstr(&out, f);
    }
    f = cb_arena_str(a, cb_buf_str(&out));
    cb_buf_release(&out);
    return f;
}

static void test_archives(void **state)
{
    CB_BUF_AUTO cases = {0};
    struct cb_str rest, line;
    size_t number = 0, refused = 0;

    (void)state;
    read_cases("CBUILD_TAR_ARCHIVES", "tar_archives.tsv", &cases);
    rest = cb_buf_str(&cases);
    while (cb_str_cut(&rest, '\n', &line) && line.n > 0) {
        CB_ARENA_AUTO a = {0};
        CB_BUF_AUTO got = {0};
        CB_ERROR_AUTO err = CB_ERROR_INIT;

        number++;
        struct cb_str archive = text_field(&line, &a), want = expected(&line, &a);
        list(archive, &got, &err);
        if (cb_str_eq(cb_buf_str(&got), want))
            continue;
        // A global header with a record that makes no sense: the reference ignores it.
        if (cb_str_ends(cb_buf_str(&got), "error") && err.message && strstr(err.message, "PAX record with a number") &&
            cb_str_has(want, CB_STR("|103|"))) {
            refused++;
            continue;
        }
        fail_msg("case %zu:\ngot  %.*s (%s)\nwant %.*s", number, CB_STR_ARG(cb_buf_str(&got)),
                 err.message ? err.message : "", CB_STR_ARG(want));
    }
    print_message("%zu archives, %zu refused beyond the reference\n", number, refused);
    assert_true(number > 100 && refused * 20 < number);
}

// --- What past flaws of tar readers were about; each refusal has a twin that is read

struct archive {
    struct cb_buf bytes;
};

static void seal(char *block)
{
    unsigned sum = 0;

    memset(block + 148, ' ', 8);
    for (size_t i = 0; i < 512; i++)
        sum += (unsigned char)block[i];
    snprintf(block + 148, 8, "%06o", sum);
}

// A member with its data and padding; size says how many bytes the header promises.
static void add_member(struct archive *a, const char *name, char type, const char *size, struct cb_str data)
{
    static const char zeros[512];
    char block[512] = {0};

    snprintf(block, 100, "%s", name);
    memcpy(block + 100, "0000644", 8);
    memcpy(block + 124, size, 12);
    block[156] = type;
    memcpy(block + 257, "ustar\00000", 8);
    seal(block);
    cb_buf_add(&a->bytes, block, sizeof block);
    if (data.n > 0)
        cb_buf_addstr(&a->bytes, data);
    cb_buf_add(&a->bytes, zeros, -data.n & 511);
}

static void add_sized(struct archive *a, const char *name, char type, struct cb_str data)
{
    char size[32];

    snprintf(size, sizeof size, "%011zo", data.n);
    add_member(a, name, type, size, data);
}

// What the reader makes of the archive and a plain member after it: the members' names, then "end" or "error".
static void expect(struct archive *a, const char *want)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO got = {0};

    add_sized(a, "after", '0', CB_STR("text"));
    struct cb_mem_source in = cb_mem_source(a->bytes.p, a->bytes.n);
    struct cb_tar_reader *r = cb_tar_reader_new(&in.source, "archive");
    int rc;
    do {
        CB_ARENA_AUTO arena = {0};
        struct cb_tar_header h;
        rc = cb_tar_next(r, &arena, &h, &err);
        if (rc == 1)
            cb_buf_addf(&got, "%.*s:%lld ", CB_STR_ARG(h.name), (long long)h.size);
    } while (rc == 1);
    cb_buf_adds(&got, rc == 0 ? "end" : err.kind == CB_E_LIMIT ? "limit" : "error");
    assert_string_equal(got.p, want);
    cb_tar_reader_free(r);
    cb_buf_release(&a->bytes);
}

static void test_records(void **state)
{
    static const struct {
        const char *record, *want;
    } cases[] = {
        {"9 path=b\n", "b:1 after:4 end"},
        {"09 path=b\n", "error"}, // the size counts its own digits
        {"011 path=b\n", "b:1 after:4 end"},
        {"8 path=b\n", "error"},  // one short: no line end where it should be
        {"11 path=b\n", "error"}, // one long
        {"0 path=b\n", "error"},
        {"-9 path=b\n", "error"},
        {"99999999999999999999 path=b\n", "error"},
        {"4294967305 path=b\n", "error"}, // 9, if it were cut to 32 bits
        {"9 path:b\n", "error"},
        {"path=b\n", "error"},
        {"4 =\n", "error"},
        {"7 path\n", "error"},
        {"8 path=\n", "a:1 after:4 end"},   // empty: the header's own name
        {"12 size=513\n", "a:513 error"},   // swallows what follows
        {"10 size=4\n", "a:4 after:4 end"}, // counts, not the header's 1; both fit in one block
        {"11 size=-1\n", "error"},
        {"11 size=0x\n", "error"},
        {"28 size=9223372036854775808\n", "error"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct archive a = {0};
        add_sized(&a, "PaxHeaders.0/a", 'x', cb_str(cases[i].record));
        add_sized(&a, "a", '0', CB_STR("x"));
        expect(&a, cases[i].want);
    }
}

static void test_nul_in_name(void **state)
{
    struct archive a = {0};

    (void)state;
    add_sized(&a, "PaxHeaders.0/a", 'x', CB_STR("11 path=b\0c\n"));
    add_sized(&a, "a", '0', CB_STR("x"));
    expect(&a, "error");
    add_sized(&a, "PaxHeaders.0/a", 'x', CB_STR("15 comment=b\0c\n")); // no name: may hold what it likes
    add_sized(&a, "a", '0', CB_STR("x"));
    expect(&a, "a:1 after:4 end");
    add_sized(&a, "././@LongLink", 'L', CB_STR("long\0er")); // ends at the NUL
    add_sized(&a, "a", '0', CB_STR("x"));
    expect(&a, "long:1 after:4 end");
}

// The order of the describing members does not matter, and GNU's name wins over PAX's.
static void test_describing_members(void **state)
{
    struct archive a = {0};

    (void)state;
    add_sized(&a, "x", 'x', CB_STR("9 path=b\n"));
    add_sized(&a, "././@LongLink", 'L', CB_STR("c"));
    add_sized(&a, "a", '0', CB_STR("x"));
    expect(&a, "c:1 after:4 end");
    add_sized(&a, "././@LongLink", 'L', CB_STR("c"));
    add_sized(&a, "x", 'x', CB_STR("10 size=4\n"));
    add_sized(&a, "a", '0', CB_STR("x"));
    expect(&a, "c:4 after:4 end");
    add_sized(&a, "x", 'x', CB_STR("12 size=600\n")); // meant for the file, not for the long name before it
    add_sized(&a, "././@LongLink", 'L', CB_STR("c"));
    add_sized(&a, "a", '0', CB_STR("x"));
    expect(&a, "c:600 error");
}

static void test_sizes(void **state)
{
    struct archive a = {0};

    (void)state;
    add_member(&a, "a", '0', "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", CB_STR("")); // -1
    expect(&a, "error");
    add_member(&a, "a", '0', "\x80\0\0\0\0\0\0\0\0\0\0\x01", CB_STR("x"));
    expect(&a, "a:1 after:4 end");
    add_member(&a, "a", '0', "\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", CB_STR("")); // 2^64 - 1
    expect(&a, "error");
    add_member(&a, "a", '0', "0000000001x", CB_STR("x"));
    expect(&a, "error");
    add_member(&a, "a", '0', "   1 \0\0\0\0\0\0", CB_STR("x"));
    expect(&a, "a:1 after:4 end");
    add_member(&a, "a", '2', "77777777777", CB_STR("")); // a link has no data, whatever it says
    expect(&a, "a:8589934591 after:4 end");
    add_member(&a, "a", '0', "77777777777", CB_STR("x"));
    expect(&a, "a:8589934591 error");
}

// PAX headers, long names and sparse maps of more than 1 MiB; up to that, they are read.
static void test_large_members(void **state)
{
    static const char map[] = "22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n";
    CB_AUTOFREE char *text = cb_zalloc(CB_TAR_SPECIAL_MAX + 1);
    struct archive a = {0};

    (void)state;
    memset(text, 'n', CB_TAR_SPECIAL_MAX + 1);
    add_sized(&a, "././@LongLink", 'L', cb_strn(text, CB_TAR_SPECIAL_MAX + 1));
    expect(&a, "limit");
    add_sized(&a, "././@LongLink", 'K', cb_strn(text, CB_TAR_SPECIAL_MAX));
    add_sized(&a, "a", '2', CB_STR(""));
    expect(&a, "a:0 after:4 end");
    memcpy(text, "1048577 k=", 10);
    text[CB_TAR_SPECIAL_MAX] = '\n';
    add_sized(&a, "x", 'x', cb_strn(text, CB_TAR_SPECIAL_MAX + 1));
    expect(&a, "limit");
    memcpy(text, "1048576 k=", 10);
    text[CB_TAR_SPECIAL_MAX - 1] = '\n';
    add_sized(&a, "x", 'x', cb_strn(text, CB_TAR_SPECIAL_MAX));
    add_sized(&a, "a", '0', CB_STR("x"));
    expect(&a, "a:1 after:4 end");
    memset(text, '0', CB_TAR_SPECIAL_MAX + 1); // one number without end
    add_sized(&a, "x", 'x', cb_str(map));
    add_sized(&a, "a", '0', cb_strn(text, CB_TAR_SPECIAL_MAX + 1));
    expect(&a, "limit");
    add_sized(&a, "x", 'x', cb_str(map));
    memset(text, 0, 512);
    memcpy(text, "1\n0\n1\n", 6);
    add_sized(&a, "a", '0', cb_strn(text, 513));
    expect(&a, "a:513 after:4 end");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_archives),           cmocka_unit_test(test_records), cmocka_unit_test(test_nul_in_name),
        cmocka_unit_test(test_describing_members), cmocka_unit_test(test_sizes),   cmocka_unit_test(test_large_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
