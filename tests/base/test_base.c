#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cbuild/base/arena.h"
#include "cbuild/base/file.h"
#include "cbuild/base/map.h"
#include "cbuild/base/nearest.h"

static void errors_carry_a_path_of_causes(void **state)
{
    (void)state;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    assert_int_equal(cb_fail(&err, CB_E_INPUT, "line %d", 3), -1);
    cb_context(&err, "reading %s", "index");
    cb_hint(&err, "near");
    cb_hint(&err, "far");
    assert_string_equal(err.message, "reading index: line 3");
    assert_string_equal(err.hint, "near");
    assert_int_equal(err.kind, CB_E_INPUT);
    cb_error_clear(&err);
    cb_fail_errno(&err, ENOENT, "opening %s", "x");
    assert_int_equal(err.kind, CB_E_NOT_FOUND);
    assert_string_equal(err.message, "opening x: No such file or directory");
}

static void strings_cut_as_go_splits(void **state)
{
    (void)state;
    struct cb_str rest = cb_str("a,,b,"), part;
    const char *want[] = {"a", "", "b", ""};
    size_t n = 0;
    for (; cb_str_cut(&rest, ',', &part); n++)
        assert_true(cb_str_is(part, want[n]));
    assert_int_equal(n, 4);
    rest = cb_str("");
    assert_true(cb_str_cut(&rest, ',', &part));
    assert_false(cb_str_cut(&rest, ',', &part));
    rest = cb_str(" \t x  yy\n");
    assert_true(cb_str_field(&rest, &part) && cb_str_is(part, "x"));
    assert_true(cb_str_field(&rest, &part) && cb_str_is(part, "yy"));
    assert_false(cb_str_field(&rest, &part));
}

static void numbers_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned base;
        bool ok;
        uint64_t value;
    } cases[] = {
        {"0", 10, true, 0},
        {"18446744073709551615", 10, true, UINT64_MAX},
        {"18446744073709551616", 10, false, 0},
        {"", 10, false, 0},
        {"-1", 10, false, 0},
        {" 1", 10, false, 0},
        {"1 ", 10, false, 0},
        {"0x1", 16, false, 0},
        {"fF", 16, true, 255},
        {"8", 8, false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t value = 0;
        assert_int_equal(cb_str_u64(cb_str(cases[i].text), cases[i].base, &value), cases[i].ok);
        assert_int_equal(value, cases[i].value);
    }
    int64_t number;
    assert_true(cb_str_i64(cb_str("-9223372036854775808"), 10, &number) && number == INT64_MIN);
    assert_false(cb_str_i64(cb_str("9223372036854775808"), 10, &number));
    assert_false(cb_str_i64(cb_str("+-1"), 10, &number));
}

static void paths_are_cleaned_as_go_does(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "."},           {"/", "/"},
        {"//a//b/", "/a/b"}, {"a/../b", "b"},
        {"../a", "../a"},    {"../../a/..", "../.."},
        {"/../a", "/a"},     {"a/./b/.", "a/b"},
        {"a/..", "."},       {"/a/../..", "/"},
        {"./", "."},         {"a/b/../../..", ".."},
        {"...", "..."},      {"/a/b/../c", "/a/c"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CB_AUTOFREE char *clean = cb_path_clean(cb_str(cases[i][0]));
        assert_string_equal(clean, cases[i][1]);
    }
}

static void maps_keep_the_order_of_insertion(void **state)
{
    (void)state;
    struct cb_map m = {0};
    CB_ARENA_AUTO arena = {0};
    for (size_t i = 0; i < 5000; i++) {
        bool added = false;
        cb_map_put(&m, cb_arena_format(&arena, "key-%zu", (i * 7919) % 5000), (void *)(i + 1), &added);
        assert_true(added);
    }
    for (size_t i = 0; i < 5000; i++)
        assert_ptr_equal(m.items[i].value, (void *)(i + 1));
    bool added = true;
    cb_map_put(&m, cb_str("key-7919"), NULL, &added); // 7919 is not below 5000: new
    assert_true(added);
    cb_map_put(&m, cb_str("key-0"), (void *)9, &added);
    assert_false(added);
    assert_ptr_equal(cb_map_get(&m, cb_str("key-0")), (void *)9);
    assert_null(cb_map_get(&m, cb_str("absent")));
    cb_map_sort(&m);
    for (size_t i = 1; i < m.n; i++)
        assert_true(cb_str_cmp(m.items[i - 1].key, m.items[i].key) < 0);
    assert_ptr_equal(cb_map_get(&m, cb_str("key-0")), (void *)9);
    cb_map_release(&m);
}

static void files_appear_whole_or_not_at_all(void **state)
{
    (void)state;
    char dir[] = "/tmp/cbuild-test-XXXXXX";
    assert_non_null(mkdtemp(dir));
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_AUTOFREE char *path = cb_path_join(dir, "a/b/file");
    CB_AUTOFREE char *folder = cb_path_join(dir, "a/b");
    assert_int_equal(cb_mkdirs(folder, &err), 0);
    struct cb_atomic f = CB_ATOMIC_INIT;
    assert_int_equal(cb_atomic_open(&f, path, 0644, &err), 0);
    assert_int_equal(access(path, F_OK), -1);
    cb_atomic_abort(&f);
    assert_int_equal(rmdir(folder), 0); // nothing was left behind
    assert_int_equal(cb_mkdirs(folder, &err), 0);
    assert_int_equal(cb_write_file(path, cb_str("hello"), 0640, &err), 0);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    CB_BUF_AUTO text = {0};
    assert_int_equal(cb_read_file(path, &text, 5, &err), 0);
    assert_string_equal(text.p, "hello");
    assert_int_equal(cb_read_file(path, &text, 4, &err), -1);
    assert_int_equal(err.kind, CB_E_LIMIT);
    cb_error_clear(&err);
    CB_AUTOFREE char *fifo = cb_path_join(dir, "fifo");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(cb_read_file(fifo, &text, 10, &err), -1); // and does not hang
    cb_error_clear(&err);
    CB_AUTOFREE char *writer = cb_format("echo late > '%s' &", fifo);
    assert_int_equal(system(writer), 0);
    cb_buf_reset(&text);
    assert_int_equal(cb_read_named(fifo, &text, 10, &err), 0);
    assert_string_equal(text.p, "late\n");
    assert_int_equal(cb_read_named(dir, &text, 10, &err), -1);
    cb_error_clear(&err);
    CB_AUTOFREE char *command = cb_format("rm -r '%s'", dir);
    assert_int_equal(system(command), 0);
}

static void is_in(const char *path, const char *want)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO text = {0};
    assert_int_equal(cb_read_file(path, &text, 1000, &err), 0);
    assert_string_equal(text.p, want);
}

static void what_is_there_is_replaced(void **state)
{
    (void)state;
    char dir[] = "/tmp/cbuild-test-XXXXXX";
    assert_non_null(mkdtemp(dir));
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_AUTOFREE char *path = cb_path_join(dir, "file");
    CB_AUTOFREE char *link_path = cb_path_join(dir, "link");
    struct stat st;
    assert_int_equal(cb_write_file(path, cb_str("longer than before"), 0644, &err), 0);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(symlink("file", link_path), 0);
    assert_int_equal(cb_write_file(link_path, cb_str("through a link"), 0644, &err), 0);
    is_in(path, "through a link");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600); // as it was

    CB_FD_AUTO fd = open(path, O_RDWR | O_CLOEXEC);
    CB_AUTOFREE char *name = cb_format("/proc/self/fd/%d", fd);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(cb_write_file(name, cb_str("short"), 0644, &err), 0); // a file without a name
    is_in(name, "short");
    assert_int_equal(access(path, F_OK), -1);
    CB_AUTOFREE char *command = cb_format("rm -r '%s'", dir);
    assert_int_equal(system(command), 0);
}

static void streams_report_short_data(void **state)
{
    (void)state;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_FD_AUTO fd = cb_temp_fd(NULL, &err);
    assert_true(fd >= 0);
    assert_int_equal(cb_pwrite_full(fd, "0123456789", 10, 0, "temp", &err), 0);
    char out[4];
    assert_int_equal(cb_pread_full(fd, out, 4, 3, "temp", &err), 0);
    assert_memory_equal(out, "3456", 4);
    assert_int_equal(cb_pread_full(fd, out, 4, 8, "temp", &err), -1);
    cb_error_clear(&err);
    struct cb_mem_source in = cb_mem_source("abc", 3);
    assert_int_equal(cb_read_full(&in.source, out, 4, &err), -1);
    assert_int_equal(err.kind, CB_E_INPUT);
}

static void nearest_names_are_near(void **state)
{
    (void)state;
    static const char *const names[] = {"packages", "paths", "keyring"};
    assert_string_equal(cb_nearest("pakages", names, 3), "packages");
    assert_null(cb_nearest("zzz", names, 3));
    assert_null(cb_nearest("x", names, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_carry_a_path_of_causes),
        cmocka_unit_test(strings_cut_as_go_splits),
        cmocka_unit_test(numbers_are_checked),
        cmocka_unit_test(paths_are_cleaned_as_go_does),
        cmocka_unit_test(maps_keep_the_order_of_insertion),
        cmocka_unit_test(files_appear_whole_or_not_at_all),
        cmocka_unit_test(what_is_there_is_replaced),
        cmocka_unit_test(streams_report_short_data),
        cmocka_unit_test(nearest_names_are_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
