// Unifying, held against golden/lock/unify.txt, and the lock file's format.
// With arguments: checks files of cases of the same format instead.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cbuild/base/file.h"
#include "cbuild/builder/lock.h"

// Cases: "%% case N", "%% originals" and entries, "%% input ARCH" and lines of "name version provide...", then
// "%% result unified" and "=ARCH entry", "-ARCH missing", "*common"; or "%% result refused".

struct unify_case {
    struct cb_arena arena;
    struct cb_strs originals;
    struct {
        struct cb_lock_input *v;
        size_t n, cap;
    } inputs;
    struct cb_str expected; // from after "%% result "
};

static struct cb_package *take_package(struct cb_arena *a, struct cb_str line)
{
    struct cb_package *p = cb_arena_alloc(a, sizeof *p);
    struct cb_str word;
    cb_str_field(&line, &p->name);
    cb_str_field(&line, &p->version);
    p->provides.v = cb_arena_alloc(a, (line.n + 1) * sizeof *p->provides.v);
    while (cb_str_field(&line, &word))
        p->provides.v[p->provides.n++] = word;
    return p;
}

static void take_input(struct unify_case *c, struct cb_str arch, struct cb_str *rest)
{
    struct cb_resolution *r = cb_arena_alloc(&c->arena, sizeof *r);
    struct cb_str line;
    r->packages.v = cb_arena_alloc(&c->arena, 1000 * sizeof *r->packages.v);
    while (rest->n && !cb_str_starts(*rest, "%%") && cb_str_cut(rest, '\n', &line))
        r->packages.v[r->packages.n++].pkg = take_package(&c->arena, line);
    *cb_vec_add(&c->inputs) = (struct cb_lock_input){arch, r};
}

static bool next_case(struct cb_str *rest, struct unify_case *c)
{
    struct cb_str line;
    *c = (struct unify_case){0};
    while (rest->n && cb_str_cut(rest, '\n', &line)) {
        if (cb_str_starts(line, "%% originals"))
            while (rest->n && !cb_str_starts(*rest, "%%") && cb_str_cut(rest, '\n', &line))
                cb_strs_add(&c->originals, line);
        else if (cb_str_starts(line, "%% input "))
            take_input(c, cb_str_skip(line, 9), rest);
        else if (cb_str_starts(line, "%% result ")) {
            c->expected = cb_str_skip(line, 10);
            while (rest->n && !cb_str_starts(*rest, "%%"))
                cb_str_cut(rest, '\n', &line);
            c->expected.n = (size_t)(line.p + line.n + 1 - c->expected.p);
            return true;
        }
    }
    return false;
}

static void release_case(struct unify_case *c)
{
    cb_strs_release(&c->originals);
    cb_vec_release(&c->inputs);
    cb_arena_release(&c->arena);
}

static void show(const struct cb_locked *l, struct cb_buf *b)
{
    cb_buf_adds(b, "unified\n");
    for (size_t k = 0; k < l->archs.n; k++) {
        const struct cb_locked_arch *a = &l->archs.v[k];
        for (size_t i = 0; i < a->packages.n; i++)
            cb_buf_addf(b, "=%.*s %.*s\n", CB_STR_ARG(a->arch), CB_STR_ARG(a->packages.v[i]));
        for (size_t i = 0; i < a->missing.n; i++)
            cb_buf_addf(b, "-%.*s %.*s\n", CB_STR_ARG(a->arch), CB_STR_ARG(a->missing.v[i]));
    }
    for (size_t i = 0; i < l->common.n; i++)
        cb_buf_addf(b, "*%.*s\n", CB_STR_ARG(l->common.v[i]));
}

static void check_unify(const char *path)
{
    CB_BUF_AUTO text = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    assert_int_equal(cb_read_file(path, &text, SIZE_MAX, &err), 0);
    struct cb_str rest = cb_buf_str(&text);
    struct unify_case c;
    size_t n = 0;
    for (; next_case(&rest, &c); n++) {
        CB_BUF_AUTO got = {0};
        CB_ERROR_AUTO why = CB_ERROR_INIT;
        struct cb_locked locked;
        if (cb_lock_unify(&c.originals, c.inputs.v, c.inputs.n, &locked, &why)) {
            assert_int_equal(why.kind, CB_E_CONFLICT);
            assert_non_null(why.hint);
            assert_true(cb_str_starts(c.expected, "refused\n"));
        } else {
            show(&locked, &got);
            assert_int_equal(got.n, c.expected.n);
            assert_memory_equal(got.p, c.expected.p, got.n);
            cb_locked_release(&locked);
        }
        release_case(&c);
    }
    assert_true(n > 0);
    print_message("%s: %zu cases\n", path, n);
}

static const char *const *files;

static void test_unify(void **state)
{
    (void)state;
    if (!files)
        check_unify(CBUILD_SOURCE_DIR "/golden/lock/unify.txt");
    for (size_t i = 0; files && files[i]; i++)
        check_unify(files[i]);
}

static void test_unify_message(void **state)
{
    (void)state;
    struct cb_package a = {.name = CB_STR("foo"), .version = CB_STR("1-r0")},
                      b = {.name = CB_STR("foo"), .version = CB_STR("2-r0")};
    struct cb_repo_package pa = {.pkg = &a}, pb = {.pkg = &b};
    struct cb_resolution ra = {.packages = {&pa, 1}}, rb = {.packages = {&pb, 1}};
    struct cb_lock_input in[] = {{CB_STR("amd64"), &ra}, {CB_STR("arm64"), &rb}};
    struct cb_str foo = CB_STR("foo");
    struct cb_strs originals = {&foo, 1, 1};
    struct cb_locked out;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    assert_int_equal(cb_lock_unify(&originals, in, 2, &out, &err), -1);
    assert_string_equal(err.message, "the architectures do not agree on a version of \"foo\"");
    assert_string_equal(err.detail, "foo: amd64 has 1-r0, arm64 has 2-r0");
}

// A configuration without packages gives no images at all, as with the reference.
static void test_unify_nothing(void **state)
{
    (void)state;
    struct cb_resolution r = {0};
    struct cb_lock_input in = {CB_STR("amd64"), &r};
    struct cb_strs none = {0};
    struct cb_locked out;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    assert_int_equal(cb_lock_unify(&none, &in, 1, &out, &err), 0);
    assert_int_equal(out.archs.n, 0);
    cb_locked_release(&out);
}

// What the reference wrote is read and written again byte for byte.
static void test_file_round_trip(void **state)
{
    (void)state;
    static const char *const names[] = {"build.lock.json", "tagged.lock.json", "empty.lock.json"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        CB_AUTOFREE char *path = cb_path_join(CBUILD_SOURCE_DIR "/golden/lock", names[i]);
        CB_BUF_AUTO text = {0};
        CB_BUF_AUTO again = {0};
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        struct cb_lock_file f;
        assert_int_equal(cb_read_file(path, &text, SIZE_MAX, &err), 0);
        assert_int_equal(cb_lock_file_parse(cb_buf_str(&text), path, &f, &err), 0);
        cb_lock_file_write(&f, &again);
        assert_int_equal(again.n, text.n);
        assert_memory_equal(again.p, text.p, text.n);
        cb_lock_file_release(&f);
    }
}

static int parse(const char *text, struct cb_lock_file *f, struct cb_error *err)
{
    return cb_lock_file_parse(cb_str(text), "x.lock.json", f, err);
}

static void test_file_use(void **state)
{
    (void)state;
    struct cb_lock_file f;
    struct cb_locked worlds;
    struct cb_resolution r = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_str archs[] = {CB_STR("amd64"), CB_STR("arm64"), CB_STR("s390x")};
    struct cb_strs list = {archs, 3, 3};
    assert_int_equal(
        parse("{\"unknown\":[1],\"version\":\"v1\",\"contents\":{\"packages\":["
              "{\"name\":\"b\",\"version\":\"1\",\"architecture\":\"aarch64\",\"url\":\"u\"},"
              "{\"name\":\"b\",\"version\":\"2\",\"architecture\":\"x86_64\",\"url\":\"https://r/b-2.apk\","
              "\"checksum\":\"Q1AAECAwQFBgcICQoLDA0ODxAREhM=\"},"
              "{\"name\":\"a\",\"version\":\"3\",\"architecture\":\"x86_64\",\"url\":\"https://r/a-3.apk\","
              "\"checksum\":\"Q1AAECAwQFBgcICQoLDA0ODxAREhM=\"}]}}",
              &f, &err),
        0);
    assert_false(f.has_config);
    cb_lock_file_worlds(&f, &list, &worlds);
    assert_int_equal(worlds.archs.n, 2);
    assert_int_equal(worlds.archs.v[0].packages.n, 2);
    assert_true(cb_str_is(worlds.archs.v[0].packages.v[0], "b=2"));
    assert_true(cb_str_is(worlds.archs.v[1].packages.v[0], "b=1"));
    assert_int_equal(cb_lock_file_packages(&f, CB_STR("x86_64"), &r, &err), 0);
    assert_int_equal(r.packages.n, 2);
    assert_true(cb_str_is(r.packages.v[1].url, "https://r/a-3.apk"));
    assert_int_equal(r.packages.v[1].pkg->checksum.n, 20);
    cb_resolution_release(&r);
    assert_int_equal(cb_lock_file_packages(&f, CB_STR("aarch64"), &r, &err), -1); // of apko before 0.13
    assert_int_equal(err.kind, CB_E_INPUT);
    cb_locked_release(&worlds);
    cb_lock_file_release(&f);
}

static void test_file_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "[]",
        "{",
        "{} x",
        "{\"version\":1}",
        "{\"version\":\"v1\",\"Version\":\"v2\"}",
        "{\"config\":[]}",
        "{\"contents\":{\"packages\":{}}}",
        "{\"contents\":{\"packages\":[1]}}",
        "{\"contents\":{\"packages\":[{\"name\":[]}]}}",
        "{\"contents\":{\"packages\":[{\"control\":\"x\"}]}}",
        "{\"contents\":{\"keyring\":[{\"content\":1}]}}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct cb_lock_file f;
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        assert_int_equal(parse(bad[i], &f, &err), -1);
        assert_int_equal(err.kind, CB_E_INPUT);
    }
}

static void test_repository(void **state)
{
    (void)state;
    static const struct {
        const char *line, *name, *url;
    } cases[] = {
        {"https://h/os", "h/os/x86_64", "https://h/os/x86_64/APKINDEX.tar.gz"},
        {"http://h/os", "h/os/x86_64", "http://h/os/x86_64/APKINDEX.tar.gz"},
        {"./local", "./local/x86_64", "./local/x86_64/APKINDEX.tar.gz"},
        {"@edge https://h/os", "https://h/os/x86_64", "https://h/os/x86_64/APKINDEX.tar.gz"},
    };
    struct cb_arena a = {0};
    struct cb_lock_repository r;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(cb_lock_repository(cb_str(cases[i].line), CB_STR("x86_64"), &a, &r, &err), 0);
        assert_true(cb_str_is(r.name, cases[i].name));
        assert_true(cb_str_is(r.url, cases[i].url));
    }
    assert_int_equal(cb_lock_repository(CB_STR("@edge"), CB_STR("x86_64"), &a, &r, &err), -1);
    cb_arena_release(&a);
}

int main(int argc, char **argv)
{
    files = argc > 1 ? (const char *const *)argv + 1 : NULL;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unify),         cmocka_unit_test(test_unify_message),
        cmocka_unit_test(test_unify_nothing), cmocka_unit_test(test_file_round_trip),
        cmocka_unit_test(test_file_use),      cmocka_unit_test(test_file_refused),
        cmocka_unit_test(test_repository),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
