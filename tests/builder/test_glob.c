// golden/builder/match.tsv: patterns and names, and what Go 1.26's path.Match says of them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../../builder/glob.h"
#include "golden_lines.h"

static void match(void **state)
{
    (void)state;
    CB_BUF_AUTO golden = {0};
    read_data("golden/builder/match.tsv", &golden);
    struct cb_str rest = cb_buf_str(&golden), f[3];
    size_t cases = 0;
    for (; next_fields(&rest, '\t', f, 3) == 3; cases++) {
        int got = cb_glob_match(f[0], f[1]);
        if (!cb_str_is(f[2], got < 0 ? "malformed" : got ? "true" : "false"))
            fail_msg("pattern \"%.*s\", name \"%.*s\": %d, expected %.*s", CB_STR_ARG(f[0]), CB_STR_ARG(f[1]), got,
                     CB_STR_ARG(f[2]));
    }
    assert_true(cases > 1500);
}

static int count(struct cb_tree *t, const char *pattern, enum cb_kind *kind)
{
    CB_ARENA_AUTO arena = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_strs found = {0};
    int failed = cb_glob(t, cb_str(pattern), &arena, &found, &err);
    int n = failed ? -1 : (int)found.n;
    *kind = err.kind;
    cb_strs_release(&found);
    return n;
}

static void tree(void **state)
{
    (void)state;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    enum cb_kind kind;
    struct cb_tree *t = cb_tree_new();
    static const char *const files[] = {"etc/a/x.conf", "etc/a/y.conf", "etc/b/x.conf", "etc/b/z", "etc/x.conf"};
    assert_int_equal(cb_tree_mkdir_all(t, CB_STR("etc/a"), 0755, &err), 0);
    assert_int_equal(cb_tree_mkdir_all(t, CB_STR("etc/b"), 0755, &err), 0);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(cb_tree_write_file(t, cb_str(files[i]), CB_STR("x"), 0644, &err), 0);
    assert_int_equal(count(t, "etc/*/*.conf", &kind), 3);
    assert_int_equal(count(t, "etc/[ab]/x*", &kind), 2);
    assert_int_equal(count(t, "e?c/a/x.conf", &kind), 1);
    assert_int_equal(count(t, "etc/a/x.conf", &kind), 1);
    assert_int_equal(count(t, "etc/a/nothing", &kind), 0);
    assert_int_equal(count(t, "etc/*//x.conf", &kind), 0);
    assert_int_equal(count(t, "*", &kind), 1);
    assert_int_equal(count(t, "etc/x.conf/*", &kind), 0);
    assert_int_equal(count(t, "etc/[a/b]*", &kind), -1);
    assert_int_equal(kind, CB_E_INPUT);
    cb_tree_free(t);
}

// A folder that is linked into itself many times over must not multiply without end.
static void many(void **state)
{
    (void)state;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    enum cb_kind kind;
    struct cb_tree *t = cb_tree_new();
    CB_BUF_AUTO pattern = {0};
    assert_int_equal(cb_tree_mkdir(t, CB_STR("d"), 0755, &err), 0);
    for (int i = 0; i < 30; i++) {
        CB_AUTOFREE char *link = cb_format("d/l%d", i);
        assert_int_equal(cb_tree_symlink(t, CB_STR("/d"), cb_str(link), &err), 0);
    }
    cb_buf_adds(&pattern, "d");
    for (int i = 0; i < 10; i++)
        cb_buf_adds(&pattern, "/*");
    assert_int_equal(count(t, pattern.p, &kind), -1);
    assert_int_equal(kind, CB_E_LIMIT);
    assert_int_equal(count(t, "d/*/*", &kind), 900);
    cb_tree_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(match), cmocka_unit_test(tree), cmocka_unit_test(many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
