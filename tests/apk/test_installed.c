// Reading the installed database and writing its records again, as for a base image: installed.tsv holds databases and
// what apko d1b5d5ec writes after reading them, "error" where it does not read them, "add-error" where it does not
// write them, "long" for a line that makes it stop reading without a word. A longer file can be given in
// CBUILD_INSTALLED_CASES.
#include "../fs/cases.h"

#include "cbuild/apk/install.h"

static void rewrite(struct cb_str text, struct cb_buf *got)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_installed installed;

    if (cb_installed_parse(text, &installed, &err) != 0) {
        cb_buf_adds(got, err.kind == CB_E_LIMIT ? "long" : "error");
        return;
    }
    struct cb_tree *t = cb_tree_new();
    int rc = cb_apk_init_db(t, CB_STR("x"), &err);
    for (size_t i = 0; rc == 0 && i < installed.n; i++) {
        assert_non_null(cb_installed_find(&installed, installed.v[i].pkg.name));
        rc = cb_install_base_record(t, &installed.v[i], &err);
    }
    cb_buf_adds(got, rc == 0 ? "ok " : "add-error");
    if (rc == 0)
        assert_int_equal(cb_tree_read_file(t, CB_STR(CB_APK_INSTALLED), got, 1u << 30, &err), 0);
    cb_installed_release(&installed);
    cb_tree_free(t);
}

static void test_databases(void **state)
{
    CB_BUF_AUTO cases = {0};
    struct cb_str rest, line;
    size_t number = 0;

    (void)state;
    read_cases("CBUILD_INSTALLED_CASES", "../../apk/data/installed.tsv", &cases);
    rest = cb_buf_str(&cases);
    while (cb_str_cut(&rest, '\n', &line) && line.n > 0) {
        CB_ARENA_AUTO a = {0};
        CB_BUF_AUTO got = {0};
        struct cb_str text = text_field(&line, &a), want = text_field(&line, &a);

        number++;
        rewrite(text, &got);
        if (cb_str_is(want, "long") && cb_str_is(cb_buf_str(&got), "error"))
            continue; // another line before it
        if (!cb_str_eq(cb_buf_str(&got), want))
            fail_msg("case %zu:\ngot  %.*s\nwant %.*s", number, CB_STR_ARG(cb_buf_str(&got)), CB_STR_ARG(want));
    }
    assert_true(number > 100);
}

static void test_fields(void **state)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_installed i;

    (void)state;
    assert_int_equal(
        cb_installed_parse(CB_STR("P:p\nV:1\nD:\np:a b\nF:\nR:top\nF:usr\nM:0:0:1777\nR:f\na:1:1:600\nZ:Q1x\n"
                                  "\nV:nameless\n\nP:unfinished\n"),
                           &i, &err),
        0);
    assert_int_equal(i.n, 1);
    assert_int_equal(i.v[0].pkg.build_time, CB_TIME_ZERO.sec);
    assert_int_equal(i.v[0].pkg.depends.n, 1);
    assert_int_equal(i.v[0].pkg.depends.v[0].n, 0);
    assert_int_equal(i.v[0].pkg.provides.n, 2);
    assert_int_equal(i.v[0].nfiles, 3);
    assert_true(cb_str_is(i.v[0].files[0].name, "top") && !i.v[0].files[0].is_dir);
    assert_true(cb_str_is(i.v[0].files[1].name, "usr") && i.v[0].files[1].is_dir);
    assert_true(cb_str_is(i.v[0].files[2].name, "usr/f"));
    assert_null(cb_installed_find(&i, CB_STR("unfinished")));
    cb_installed_release(&i);

    assert_int_equal(cb_installed_parse(CB_STR("P:p\nV:1\n\nX\n"), &i, &err), -1);
    assert_non_null(strstr(err.message, "line 4"));
}

// Fields with newlines would make records of their own; their twins without are written.
static void test_forged_records(void **state)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO out = {0};
    struct cb_str good = CB_STR("text"), bad = CB_STR("text\n\nP:forged\n");
    struct cb_str list_good[] = {CB_STR("a"), CB_STR("b")}, list_bad[] = {CB_STR("a"), CB_STR("b\nP:forged")};
    struct cb_package p = {.name = CB_STR("p")};
    struct cb_str *texts[] = {&p.name,   &p.version,    &p.arch, &p.description, &p.license,
                              &p.origin, &p.maintainer, &p.url,  &p.commit};
    struct cb_strs *lists[] = {&p.depends, &p.provides, &p.install_if, &p.replaces};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        *texts[i] = bad;
        assert_int_equal(cb_installed_package_lines(&p, &out, &err), -1);
        assert_int_equal(err.kind, CB_E_INPUT);
        cb_error_clear(&err);
        *texts[i] = good;
        assert_int_equal(cb_installed_package_lines(&p, &out, &err), 0);
    }
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        *lists[i] = (struct cb_strs){list_bad, 2, 2};
        assert_int_equal(cb_installed_package_lines(&p, &out, &err), -1);
        cb_error_clear(&err);
        *lists[i] = (struct cb_strs){list_good, 2, 2};
        assert_int_equal(cb_installed_package_lines(&p, &out, &err), 0);
    }
    CB_AUTOFREE char *text = cb_zalloc(CB_INSTALLED_LINE_MAX + 1);
    memset(text, 'x', CB_INSTALLED_LINE_MAX);
    p.description = cb_strn(text, CB_INSTALLED_LINE_MAX - 2);
    assert_int_equal(cb_installed_package_lines(&p, &out, &err), 0);
    p.description.n++;
    assert_int_equal(cb_installed_package_lines(&p, &out, &err), -1);
    assert_int_equal(err.kind, CB_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_databases),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_forged_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
