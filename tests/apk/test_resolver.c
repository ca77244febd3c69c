// The resolver, held against golden/resolver (its README has the format). With arguments: checks these files instead,
// and says how often the outcome was the reference's most frequent one.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "cbuild/base/file.h"
#include "resolver_case.h"

static const char *const golden[] = {"archs.txt",      "basics.txt", "conflicts.txt", "indexes.txt",
                                     "install_if.txt", "larger.txt", "pins.txt",      "preference.txt",
                                     "provides.txt",   "random.txt", "versions.txt"};

struct tally {
    size_t first, other, wrong;
};

static void check_case(struct resolver_case *c, struct tally *t)
{
    for (size_t i = 0; i < c->archs.n; i++) {
        CB_BUF_AUTO out = {0};
        CB_ERROR_AUTO why = CB_ERROR_INIT;
        case_run(c, c->archs.v[i], &out, &why);
        int rank = case_rank(c, c->archs.v[i], cb_buf_str(&out));
        t->first += rank == 0;
        t->other += rank > 0;
        t->wrong += rank < 0;
        if (rank < 0)
            print_error("case %.*s, %.*s: %s%s\n", CB_STR_ARG(c->name), CB_STR_ARG(c->archs.v[i]), out.p,
                        why.message ? why.message : "");
    }
}

static void check_file(const char *path)
{
    CB_BUF_AUTO text = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct tally t = {0};
    struct resolver_case c;
    assert_int_equal(cb_read_file(path, &text, SIZE_MAX, &err), 0);
    struct cb_str rest = cb_buf_str(&text);
    while (case_next(&rest, &c)) {
        check_case(&c, &t);
        case_release(&c);
    }
    print_message("%s: %zu as the reference, %zu as it sometimes does, %zu wrong\n", path, t.first, t.other, t.wrong);
    assert_int_equal(t.wrong, 0);
    assert_true(t.first > 0);
}

static const char *const *files;

static void test_golden(void **state)
{
    (void)state;
    for (size_t i = 0; !files && i < sizeof golden / sizeof *golden; i++) {
        CB_AUTOFREE char *path = cb_path_join(CBUILD_SOURCE_DIR "/golden/resolver", golden[i]);
        check_file(path);
    }
    for (size_t i = 0; files && files[i]; i++)
        check_file(files[i]);
}

// Resolves one world over one index, in a small part of the usual limit; the caller clears *err.
static int resolve(const char *index, const char *world, struct cb_str *first, struct cb_error *err)
{
    struct cb_mem_source source = cb_mem_source(index, strlen(index));
    struct cb_index_origin origin = {CB_STR("https://user:secret@r.example/os/x86_64"), CB_STR(""), CB_STR("x86_64")};
    struct cb_index *x;
    assert_int_equal(cb_index_parse(&source.source, &origin, &x, err), 0);
    struct cb_resolver *r = cb_resolver_new((const struct cb_index *const *)&x, 1);
    cb_resolver_limit_steps(r, 5000000);
    struct cb_str entry = cb_str(world);
    struct cb_strs list = {&entry, 1, 1};
    struct cb_resolution out = {0};
    int result = cb_resolve(r, &list, NULL, 0, &out, err);
    static char name[64];
    if (!result) {
        snprintf(name, sizeof name, "%.*s", CB_STR_ARG(out.packages.v[0].pkg->name));
        *first = cb_str(name);
    }
    cb_resolution_release(&out);
    cb_resolver_free(r);
    cb_index_free(x);
    return result;
}

static void test_messages(void **state)
{
    (void)state;
    static const struct {
        const char *index, *world, *message, *hint, *detail;
    } cases[] = {
        {"P:nginx\nV:1-r0\n\n", "ngnix", "solving ngnix: nothing provides \"ngnix\"",
         "did you mean \"nginx\"? searched: https://r.example/os/x86_64"},
        {"P:a\nV:1-r0\nD:b\n\nP:b\nV:2-r0\nD:so:x\n\n", "a",
         "solving a: a-1-r0 needs b: b-2-r0 needs so:x: nothing provides \"so:x\"",
         "searched: https://r.example/os/x86_64"},
        {"P:a\nV:1-r0\n\nP:a\nV:1-r10\n\nP:a\nV:1-r9\n\n", "a>2", "solving a>2: no package satisfies \"a>2\"",
         "there are versions 1-r10, 1-r9, 1-r0; searched: https://r.example/os/x86_64"},
        {"P:a\nV:1\nD:!b>1 c\n\nP:b\nV:1\n\nP:b\nV:2\n\nP:c\nV:1\nD:b=2\n\n", "a",
         "solving a: a-1 needs c: c-1 needs b=2: no candidate for \"b=2\" is left of 2",
         "there are versions 2, 1; searched: https://r.example/os/x86_64",
         "b-1 does not satisfy \"b=2\"\nb-2 is excluded by \"!b>1\" of a-1"},
        {"P:a\nV:1\n\n", "a>2", "solving a>2: no package satisfies \"a>2\"",
         "there is version 1; searched: https://r.example/os/x86_64"},
        {"P:a\nV:x\n\n", "a>2", "solving a>2: no candidate for \"a>2\" is left: a-x has the malformed version \"x\"",
         NULL},
        {"P:a\nV:1\nD:!b b\n\nP:b\nV:1\n\n", "a",
         "solving a: a-1 needs b: no candidate for \"b\" is left: b-1 is excluded by \"!b\" of a-1", NULL},
        {"P:a\nV:1\nD:v=2\n\nP:b\nV:1\np:v=1\n\n", "a",
         "solving a: a-1 needs v=2: no candidate for \"v=2\" is left: b-1 provides \"v=1\", which does not satisfy "
         "\"v=2\"",
         NULL},
        {"P:a\nV:1\nD:b c\n\nP:b\nV:1\np:v=1\n\nP:c\nV:1\np:v=1\n\n", "a",
         "solving a: a-1 needs c: no candidate for \"c\" is left: c-1 gives way to b-1 (needed by a-1), which provides "
         "\"v\" too",
         NULL},
        {"P:a\nV:1\nD:v=2\n\nP:b\nV:1\np:v\n\n", "a", "solving a: a-1 needs v=2: no package satisfies \"v=2\"", NULL},
        {"P:a\nV:1\nD:b c\n\nP:b\nV:1\nD:z\np:v=1\n\nP:c\nV:1\nD:v=2 z\n\nP:z\nV:1\n\nP:d\nV:1\np:v=2\n\n", "a",
         "solving a: a-1 needs c: c-1 needs v=2: b-1 (needed by a-1) was chosen already and does not satisfy \"v=2\"",
         NULL},
        {"P:a\nV:1\np:v=1 v=2\nD:z\n\nP:z\nV:1\n\n", "a", "solving a: a-1 provides \"v\" twice", NULL},
        {"P:a/../b\nV:1\n\n", "a/../b", "the name of package \"a/../b\" in the index has a \"/\" or control character",
         NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        struct cb_str first;
        assert_int_equal(resolve(cases[i].index, cases[i].world, &first, &err), -1);
        assert_string_equal(err.message, cases[i].message);
        if (cases[i].hint)
            assert_string_equal(err.hint, cases[i].hint);
        if (cases[i].detail)
            assert_string_equal(err.detail, cases[i].detail);
    }
}

// Names are refused for what they would do as file names only once they are chosen.
static void test_odd_names(void **state)
{
    (void)state;
    struct cb_str first;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    assert_int_equal(resolve("P:a/../b\nV:1\n\nP:c\nV:1\n\n", "c", &first, &err), 0);
    assert_int_equal(resolve("P:c\nV:1/2\n\nP:c\nV:2\n\n", "c", &first, &err), 0);
    assert_int_equal(resolve("P:c\nV:1\nA:x/y\n\n", "c", &first, &err), -1);
    assert_int_equal(err.kind, CB_E_INPUT);
}

// The same repository with and without a tag is one index, with the tag of the very last line where that is one of
// them, else of the first, as the reference (apko d1b5d5ec) mostly has it.
static void test_repeated_repository(void **state)
{
    (void)state;
    static const struct {
        size_t order[4], n;
        bool solved;
    } cases[] = {
        {{0, 1}, 2, true}, {{1, 0}, 2, false}, {{0, 1, 2}, 3, false}, {{1, 2, 0}, 3, false}, {{1, 0, 2}, 3, true}};
    static const char text[] = "P:a\nV:1\n\n", other[] = "P:b\nV:1\n\n";
    struct cb_index_origin origin[] = {{CB_STR("r/x86_64"), CB_STR("edge"), CB_STR("x86_64")},
                                       {CB_STR("r/x86_64"), CB_STR(""), CB_STR("x86_64")},
                                       {CB_STR("s/x86_64"), CB_STR(""), CB_STR("x86_64")}};
    struct cb_index *x[3];
    struct cb_str entry = CB_STR("a");
    struct cb_strs world = {&entry, 1, 1};
    for (int i = 0; i < 3; i++) {
        struct cb_mem_source source = cb_mem_source(i < 2 ? text : other, sizeof text - 1);
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        assert_int_equal(cb_index_parse(&source.source, &origin[i], &x[i], &err), 0);
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct cb_index *order[3];
        for (size_t k = 0; k < cases[i].n; k++)
            order[k] = x[cases[i].order[k]];
        struct cb_resolver *r = cb_resolver_new(order, cases[i].n);
        struct cb_resolution out = {0};
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        assert_int_equal(cb_resolve(r, &world, NULL, 0, &out, &err), cases[i].solved ? 0 : -1);
        assert_int_equal(out.packages.n, cases[i].solved ? 1 : 0);
        cb_resolution_release(&out);
        cb_resolver_free(r);
    }
    for (int i = 0; i < 3; i++)
        cb_index_free(x[i]);
}

static void test_world(void **state)
{
    (void)state;
    struct cb_str v[] = {CB_STR("zlib"), CB_STR("a > 1"), CB_STR("a@edge"),
                         CB_STR("b\xc2\xa0"
                                "c")};
    struct cb_strs packages = {v, 4, 4}, entries;
    struct cb_str text;
    struct cb_arena a = {0};
    static const char *const expected[] = {"a", ">", "1", "a@edge", "b", "c", "zlib"};
    cb_world(&packages, &a, &text, &entries);
    assert_true(cb_str_is(text, "a > 1\na@edge\nb\xc2\xa0"
                                "c\nzlib\n"));
    assert_int_equal(entries.n, 7);
    for (size_t i = 0; i < 7; i++)
        assert_true(cb_str_is(entries.v[i], expected[i]));
    cb_world(&(struct cb_strs){0}, &a, &text, &entries);
    assert_true(cb_str_is(text, "\n") && entries.n == 0);
    cb_arena_release(&a);
}

// Hostile indexes end in a limit, soon.

// A package on each level provides two unversioned names that the level above asks for: every level doubles the work.
static void test_exponential(void **state)
{
    (void)state;
    CB_BUF_AUTO index = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_str first;
    for (int i = 0; i < 40; i++)
        cb_buf_addf(&index, "P:p%d\nV:1\nD:x%d y%d\np:x%d y%d\n\n", i, i + 1, i + 1, i, i);
    cb_buf_adds(&index, "P:end\nV:1\np:x40 y40\n\n");
    assert_int_equal(resolve(index.p, "p0", &first, &err), -1);
    assert_int_equal(err.kind, CB_E_LIMIT);
}

static void test_long_chain(void **state)
{
    (void)state;
    CB_BUF_AUTO index = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_str first;
    for (int i = 0; i < 2000; i++)
        cb_buf_addf(&index, "P:p%d\nV:1\nD:p%d\n\n", i, i + 1);
    cb_buf_adds(&index, "P:p2000\nV:1\n\n");
    assert_int_equal(resolve(index.p, "p0", &first, &err), 0);
    assert_true(cb_str_is(first, "p2000"));
}

static void test_many_provides(void **state)
{
    (void)state;
    CB_BUF_AUTO index = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_str first;
    for (int i = 0; i < 10; i++) {
        cb_buf_addf(&index, "P:p%d\nV:1\np:v", i);
        for (int k = 0; k < 100000; k++)
            cb_buf_adds(&index, " v");
        cb_buf_adds(&index, "\n\n");
    }
    assert_int_equal(resolve(index.p, "v", &first, &err), -1);
    assert_int_equal(err.kind, CB_E_LIMIT);
}

int main(int argc, char **argv)
{
    files = argc > 1 ? (const char *const *)argv + 1 : NULL;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),     cmocka_unit_test(test_messages),
        cmocka_unit_test(test_odd_names),  cmocka_unit_test(test_repeated_repository),
        cmocka_unit_test(test_world),      cmocka_unit_test(test_exponential),
        cmocka_unit_test(test_long_chain), cmocka_unit_test(test_many_provides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
