// The cache: names as the reference gives them, and what may stand where an entry should be.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cbuild/apk/cache.h"

#define ENTRY "https%3A%2F%2Fhost%2Fos/x86_64/a-1/x.ctl.tar.gz"
#define FOLDER "https%3A%2F%2Fhost%2Fos/x86_64/a-1"

static char root[64], outside[64];

static int make_root(void **state)
{
    (void)state;
    strcpy(root, "/tmp/cbuild-test-XXXXXX");
    strcpy(outside, "/tmp/cbuild-test-XXXXXX");
    return !mkdtemp(root) || !mkdtemp(outside);
}

static int remove_root(void **state)
{
    (void)state;
    char *command = cb_format("rm -rf '%s' '%s'", root, outside);
    int failed = system(command);
    free(command);
    return failed;
}

static char *at(const char *path)
{
    return cb_path_join(root, path);
}

static void write_at(const char *path, const char *text)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_AUTOFREE char *full = at(path);
    CB_AUTOFREE char *dir = cb_strndup(full, (size_t)(strrchr(full, '/') - full));
    assert_int_equal(cb_mkdirs(dir, &err), 0);
    assert_int_equal(cb_write_file(full, cb_str(text), 0644, &err), 0);
}

static void link_at(const char *target, const char *path)
{
    CB_AUTOFREE char *full = at(path);
    assert_int_equal(symlink(target, full), 0);
}

static bool exists(const char *path)
{
    struct stat st;
    CB_AUTOFREE char *full = at(path);
    return lstat(full, &st) == 0;
}

// The text of an entry, NULL and *kind where it cannot be had.
static char *read_entry(struct cb_cache *c, const char *path, enum cb_kind *kind)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    uint64_t size = 0;
    CB_FD_AUTO fd = cb_cache_open(c, path, &size, &err);
    *kind = err.kind;
    if (fd < 0)
        return NULL;
    CB_BUF_AUTO b = {0};
    struct cb_fd_source in = cb_fd_source(fd, path);
    assert_int_equal(cb_read_all(&in.source, &b, 1000, "entry", &err), 0);
    assert_int_equal(b.n, size);
    return cb_buf_take(&b);
}

static void expect(struct cb_cache *c, const char *path, const char *text, enum cb_kind want)
{
    enum cb_kind kind;
    CB_AUTOFREE char *got = read_entry(c, path, &kind);
    assert_int_equal(kind, want);
    assert_int_equal(got == NULL, text == NULL);
    if (text)
        assert_string_equal(got, text);
}

static void put(struct cb_cache *c, const char *path, const char *text, int want)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_cache_file f;
    cb_cache_create(c, &f);
    assert_true(f.fd >= 0);
    assert_int_equal(cb_pwrite_full(f.fd, text, strlen(text), 0, "entry", &err), 0);
    assert_int_equal(cb_cache_commit(c, &f, path, &err), want);
}

static void check_name(const char *line, char *const *column, size_t n)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO out = {0};
    if (n == 3 && strcmp(column[0], "path") == 0) {
        CB_AUTOFREE char *got = cb_cache_path(column[1], &err);
        if (!got || strcmp(got, column[2]) != 0)
            fail_msg("%s: got %s", line, got ? got : err.message);
        return;
    }
    assert_int_equal(n, 4);
    bool usable = cb_cache_etag_path(column[1], column[2], &out);
    if (strcmp(column[3], usable ? out.p : "-") != 0)
        fail_msg("%s: got %s", line, usable ? out.p : "-");
}

static void test_names(void **state)
{
    (void)state;
    FILE *f = fopen(CBUILD_SOURCE_DIR "/golden/apk/cache-paths.tsv", "r");
    char line[1000], copy[1000], *column[4];
    size_t checked = 0;
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        if (*line == '#')
            continue;
        strcpy(copy, line);
        size_t n = 0;
        for (char *p = strtok(copy, "\t"); p && n < 4; p = strtok(NULL, "\t"))
            column[n++] = p;
        check_name(line, column, n);
        checked++;
    }
    fclose(f);
    assert_true(checked > 35);
}

static void test_names_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"https://host/os/x86_64/..", "https://host", "https://host/os/x86_64/%2e%2e",
                                      "https://host/os/x86_64/a%00b.apk", "not a url at all\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        CB_AUTOFREE char *path = cb_cache_path(bad[i], &err);
        assert_null(path);
        assert_int_equal(err.kind, CB_E_INPUT);
    }
    CB_BUF_AUTO long_tag = {0};
    CB_BUF_AUTO out = {0};
    for (int i = 0; i < 1000; i++)
        cb_buf_addc(&long_tag, 'a');
    assert_false(cb_cache_etag_path("X/x86_64/APKINDEX.tar.gz", long_tag.p, &out));
}

static void test_kept(void **state)
{
    (void)state;
    struct cb_cache *c = cb_cache_new(root, false);
    expect(c, ENTRY, NULL, CB_E_NOT_FOUND);
    put(c, ENTRY, "first", 0);
    expect(c, ENTRY, "first", CB_OK);
    put(c, ENTRY, "second", 0); // over what is there
    expect(c, ENTRY, "second", CB_OK);
    cb_cache_drop(c, ENTRY);
    expect(c, ENTRY, NULL, CB_E_NOT_FOUND);
    struct cb_cache_file f;
    cb_cache_create(c, &f);
    cb_cache_abort(c, &f);
    CB_AUTOFREE char *ls = cb_format("test -z \"$(find '%s' -type f)\"", root);
    assert_int_equal(system(ls), 0); // nothing is left behind
    cb_cache_free(c);
}

// The reference's entries are links to files beside them.
static void test_reference_links(void **state)
{
    (void)state;
    struct cb_cache *c = cb_cache_new(root, false);
    write_at(FOLDER "/expand-apk1/stream-1.tar.gz", "segment");
    link_at("expand-apk1/stream-1.tar.gz", ENTRY);
    expect(c, ENTRY, "segment", CB_OK);
    put(c, ENTRY, "ours", 0);
    expect(c, ENTRY, "ours", CB_OK);
    expect(c, FOLDER "/expand-apk1/stream-1.tar.gz", "segment", CB_OK); // not written through
    cb_cache_drop(c, ENTRY);
    link_at("expand-apk1/gone", ENTRY);
    expect(c, ENTRY, NULL, CB_E_NOT_FOUND);
    put(c, ENTRY, "ours", 0);
    expect(c, ENTRY, "ours", CB_OK);
    cb_cache_free(c);
}

static void plant(const char *kind)
{
    write_at(FOLDER "/other", "");
    CB_AUTOFREE char *full = at(ENTRY);
    CB_AUTOFREE char *secret = cb_path_join(outside, "secret");
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    assert_int_equal(cb_write_file(secret, CB_STR("secret"), 0600, &err), 0);
    unlink(full);
    if (strcmp(kind, "fifo") == 0)
        assert_int_equal(mkfifo(full, 0600), 0);
    else if (strcmp(kind, "folder") == 0)
        assert_int_equal(mkdir(full, 0700), 0);
    else if (strcmp(kind, "absolute link") == 0)
        assert_int_equal(symlink(secret, full), 0);
    else if (strcmp(kind, "climbing link") == 0)
        assert_int_equal(symlink("../../../../../../../../../../../etc/passwd", full), 0);
    else if (strcmp(kind, "link to itself") == 0)
        assert_int_equal(symlink("x.ctl.tar.gz", full), 0);
    else
        assert_int_equal(symlink("/dev/zero", full), 0);
}

static const char *const planted[] = {"fifo", "folder", "absolute link", "climbing link", "link to itself", "device"};

static void test_planted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof planted / sizeof *planted; i++) {
        struct cb_cache *c = cb_cache_new(root, false);
        plant(planted[i]);
        expect(c, ENTRY, NULL, CB_E_TRUST);
        assert_false(exists(ENTRY)); // dropped
        put(c, ENTRY, "ours", 0);
        expect(c, ENTRY, "ours", CB_OK);
        cb_cache_drop(c, ENTRY);
        cb_cache_free(c);
    }
}

static void test_planted_read_only(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof planted / sizeof *planted; i++) {
        struct cb_cache *c = cb_cache_new(root, true), *writer = cb_cache_new(root, false);
        plant(planted[i]);
        expect(c, ENTRY, NULL, CB_E_TRUST);
        assert_true(exists(ENTRY));
        struct cb_cache_file f;
        cb_cache_create(c, &f);
        assert_int_equal(f.fd, -1);
        cb_cache_drop(writer, ENTRY);
        cb_cache_free(c);
        cb_cache_free(writer);
    }
}

// A link in the place of a folder: nothing is read or written on its other side.
static void test_linked_folder(void **state)
{
    (void)state;
    struct cb_cache *c = cb_cache_new(root, false);
    CB_AUTOFREE char *folder = at("https%3A%2F%2Fhost%2Fos");
    CB_AUTOFREE char *moved = cb_path_join(outside, "x86_64");
    assert_int_equal(mkdir(moved, 0700), 0);
    assert_int_equal(symlink(outside, folder), 0);
    expect(c, ENTRY, NULL, CB_E_TRUST);
    put(c, ENTRY, "ours", -1);
    CB_AUTOFREE char *ls = cb_format("test -z \"$(find '%s' -name '*.gz')\"", outside);
    assert_int_equal(system(ls), 0);
    cb_cache_free(c);
}

static void set_time(const char *path, time_t sec)
{
    struct timespec t[2] = {{sec, 0}, {sec, 0}};
    CB_AUTOFREE char *full = at(path);
    assert_int_equal(utimensat(AT_FDCWD, full, t, AT_SYMLINK_NOFOLLOW), 0);
}

static void test_newest(void **state)
{
    (void)state;
    struct cb_cache *c = cb_cache_new(root, true);
    const char *path = "https%3A%2F%2Fhost%2Fos/x86_64/APKINDEX.tar.gz",
               *dir = "https%3A%2F%2Fhost%2Fos/x86_64/APKINDEX/";
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    uint64_t size;
    assert_int_equal(cb_cache_open_newest(c, path, &size, &err), -1);
    assert_int_equal(err.kind, CB_E_NOT_FOUND);
    const struct {
        const char *name, *text;
        time_t time;
    } files[] = {{"A.tar.gz", "a", 100},
                 {"B.tar.gz", "newest", 300},
                 {"C.tar.gz", "ccc", 200},
                 {"9.tmp", "unfinished", 400},
                 {".cbuild-1.tar.gz", "unfinished", 500}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        CB_AUTOFREE char *name = cb_format("%s%s", dir, files[i].name);
        write_at(name, files[i].text);
        set_time(name, files[i].time);
    }
    cb_error_clear(&err);
    CB_FD_AUTO fd = cb_cache_open_newest(c, path, &size, &err);
    assert_true(fd >= 0);
    assert_int_equal(size, strlen("newest"));
    // Of the reference's links it is their own time that counts.
    CB_AUTOFREE char *link = cb_format("%s%s", dir, "D.tar.gz");
    link_at("A.tar.gz", link);
    set_time(link, 350);
    CB_FD_AUTO linked = cb_cache_open_newest(c, path, &size, &err);
    assert_true(linked >= 0);
    assert_int_equal(size, strlen("a"));
    cb_cache_free(c);
}

static void test_keys_path(void **state)
{
    (void)state;
    CB_AUTOFREE char *path = cb_cache_keys_path("https://host/os");
    assert_string_equal(path, "cbuild-keys/https%3A%2F%2Fhost%2Fos.pem");
    CB_AUTOFREE char *secret = cb_cache_keys_path("https://user:secret@host/os");
    assert_string_equal(secret, path);
    char url[300] = "https://host/";
    memset(url + strlen(url), 'a', sizeof url - strlen(url) - 1);
    url[sizeof url - 1] = 0;
    assert_null(cb_cache_keys_path(url));
}

#define ON_DISK(f) cmocka_unit_test_setup_teardown(f, make_root, remove_root)

// The same where the system has no openat2.
static int without_openat2(void)
{
    struct sock_filter program[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                                    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
                                    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
                                    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog filter = {sizeof program / sizeof *program, program};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names),
                                       cmocka_unit_test(test_names_refused),
                                       ON_DISK(test_kept),
                                       ON_DISK(test_reference_links),
                                       ON_DISK(test_planted),
                                       ON_DISK(test_planted_read_only),
                                       ON_DISK(test_linked_folder),
                                       ON_DISK(test_newest),
                                       cmocka_unit_test(test_keys_path)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (!failed && without_openat2() == 0)
        failed = cmocka_run_group_tests_name("without openat2", tests, NULL, NULL);
    return failed;
}
