// steps/*.case against golden/steps/*.golden, which apko d1b5d5ec gave; a case without a golden must be refused (the
// reference accepts it, crashes on it or does not come to an end).
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cbuild/base/file.h"
#include "step_case.h"

#define CASES CBUILD_SOURCE_DIR "/tests/builder/steps"
#define GOLDENS CBUILD_SOURCE_DIR "/golden/steps"

// Fails at the first line that differs. Diff IDs differ wherever anything does, so they are looked at last.
static void compare(struct cb_str got, struct cb_str expected, const char *name, bool diff_ids)
{
    struct cb_str g, e;
    for (size_t line = 1;; line++) {
        bool more = cb_str_cut(&got, '\n', &g), wanted = cb_str_cut(&expected, '\n', &e);
        if (!more && !wanted)
            return;
        if (!diff_ids && cb_str_starts(g, "layer ") && cb_str_starts(e, "layer "))
            continue;
        if (more != wanted || !cb_str_eq(g, e))
            fail_msg("%s, line %zu\ngot      %.*s\nexpected %.*s", name, line, more ? (int)g.n : 0, g.p,
                     wanted ? (int)e.n : 0, e.p);
    }
}

static void run_case(void **state)
{
    const char *name = *state;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO text = {0};
    CB_BUF_AUTO expected = {0};
    CB_BUF_AUTO got = {0};
    CB_AUTOFREE char *path = cb_path_join(CASES, name);
    CB_AUTOFREE char *golden = cb_format("%s/%.*s.golden", GOLDENS, (int)(strlen(name) - 5), name);
    assert_int_equal(cb_read_file(path, &text, 1u << 24, &err), 0);
    if (cb_read_file(golden, &expected, 1u << 24, &err))
        cb_buf_adds(&expected, "refused\n");
    step_case_run(cb_buf_str(&text), &got);
    compare(cb_buf_str(&got), cb_buf_str(&expected), name, false);
    compare(cb_buf_str(&got), cb_buf_str(&expected), name, true);
}

static int is_case(const struct dirent *e)
{
    return cb_str_ends(cb_str(e->d_name), ".case");
}

int main(void)
{
    struct dirent **names;
    int n = scandir(CASES, &names, is_case, alphasort);
    if (n <= 0)
        return 1;
    struct CMUnitTest *tests = cb_zalloc((size_t)n * sizeof *tests);
    for (int i = 0; i < n; i++)
        tests[i] = (struct CMUnitTest){names[i]->d_name, run_case, NULL, NULL, names[i]->d_name};
    int failed = _cmocka_run_group_tests("steps", tests, (size_t)n, NULL, NULL);
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
    free(tests);
    return failed;
}
