// Versions and dependencies, held against golden/version. With arguments "version FILE" or "dependency FILE": checks a
// file of the same format instead.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cbuild/apk/dependency.h"
#include "cbuild/base/file.h"

static const char *version_file = CBUILD_SOURCE_DIR "/golden/version/version.data";
static const char *dependency_file = CBUILD_SOURCE_DIR "/golden/version/dependency.data";

static void check_lines(const char *path, void (*check)(struct cb_str line))
{
    CB_BUF_AUTO text = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    assert_int_equal(cb_read_file(path, &text, SIZE_MAX, &err), 0);
    struct cb_str rest = cb_buf_str(&text), line;
    size_t n = 0;
    while (rest.n && cb_str_cut(&rest, '\n', &line))
        if (!cb_str_starts(line, "#")) {
            check(line);
            n++;
        }
    print_message("%s: %zu lines\n", path, n);
    assert_true(n > 0);
}

static struct cb_str column(struct cb_str *line)
{
    struct cb_str c = {0};
    cb_str_cut(line, '\t', &c);
    return c;
}

static void check_version(struct cb_str line)
{
    struct cb_str a = column(&line), b = column(&line), first = column(&line), second = column(&line);
    struct cb_version x, y;
    bool is_a = cb_version_parse(a, &x), is_b = cb_version_parse(b, &y);
    if (!is_a || !is_b) {
        assert_true(cb_str_is(first, is_a ? "true" : "false"));
        assert_true(cb_str_is(second, is_b ? "true" : "false"));
        return;
    }
    int order = cb_version_compare(&x, &y);
    assert_true(cb_str_is(first, order < 0 ? "-1" : order > 0 ? "1" : "0"));
    assert_int_equal(order<0, cb_version_compare(&y, &x)> 0);
    for (int op = CB_OP_EQUAL; op <= CB_OP_FUZZY; op++)
        assert_int_equal(cb_version_satisfies((enum cb_version_op)op, &x, &y), second.p[op - CB_OP_EQUAL] == 'y');
    assert_true(cb_version_satisfies(CB_OP_ANY, &x, &y));
}

static void check_dependency(struct cb_str line)
{
    struct cb_str text = column(&line), name = column(&line), version = column(&line), op = column(&line);
    struct cb_str pin = column(&line);
    struct cb_arena a = {0};
    struct cb_dependency d = cb_dependency_parse(text, &a), slice;
    assert_true(cb_str_eq(d.name, name));
    assert_true(cb_dependency_version_is(&d, version));
    assert_int_equal(cb_dependency_has_version(&d), version.n > 0);
    assert_int_equal(d.op, op.p[0] - '0');
    assert_true(cb_str_eq(d.pin, pin));
    if (cb_dependency_slice(text, &slice))
        assert_true(cb_str_eq(slice.name, d.name) && cb_str_eq(slice.version, d.version));
    cb_arena_release(&a);
}

static void test_versions(void **state)
{
    (void)state;
    check_lines(version_file, check_version);
}

static void test_dependencies(void **state)
{
    (void)state;
    check_lines(dependency_file, check_dependency);
}

// "so:" versions without a revision are older than every package version.
static void test_shared_objects(void **state)
{
    (void)state;
    struct cb_arena a = {0};
    struct cb_version old, new;
    struct cb_dependency d = cb_dependency_parse(CB_STR("so:libc.so.6=6"), &a);
    assert_true(d.zero_first && cb_dependency_version(&d, &old));
    assert_true(cb_version_parse(CB_STR("0.1-r0"), &new));
    assert_true(cb_version_compare(&old, &new) > 0); // 0.6 against 0.1-r0: numbers still count
    assert_true(cb_version_parse(CB_STR("1-r0"), &new));
    assert_true(cb_version_compare(&old, &new) < 0);
    assert_true(cb_dependency_version_is(&d, CB_STR("0.6")));
    assert_false(cb_dependency_version_is(&d, CB_STR("6")));
    cb_arena_release(&a);
}

static void test_names(void **state)
{
    (void)state;
    struct cb_str name;
    assert_true(cb_dependency_name(CB_STR("so:a>1=2"), &name) && cb_str_is(name, "so:a"));
    assert_true(cb_dependency_name(CB_STR("a@edge"), &name) && cb_str_is(name, "a"));
    assert_true(cb_dependency_name(CB_STR("a"), &name) && cb_str_is(name, "a"));
    assert_false(cb_dependency_name(CB_STR(""), &name));
    assert_false(cb_dependency_name(CB_STR("so:a="), &name));
    assert_false(cb_dependency_name(CB_STR("a@b-c"), &name));
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "version") == 0)
        version_file = argv[2];
    if (argc == 3 && strcmp(argv[1], "dependency") == 0)
        dependency_file = argv[2];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_dependencies),
        cmocka_unit_test(test_shared_objects),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
