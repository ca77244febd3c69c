// Any two lines as dependencies and versions. Comparing is antisymmetric, and a version satisfies itself.
#include <stdlib.h>

#include "cbuild/apk/dependency.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cb_str rest = cb_strn(data, size), line;
    struct cb_arena a = {0};
    if (!cb_str_cut(&rest, '\n', &line))
        return 0;
    struct cb_dependency d = cb_dependency_parse(line, &a), e = cb_dependency_parse(rest, &a);
    struct cb_version x, y;
    bool is_x = cb_dependency_version(&d, &x) || cb_version_parse(line, &x);
    bool is_y = cb_dependency_version(&e, &y) || cb_version_parse(rest, &y);
    if (is_x && is_y) {
        int order = cb_version_compare(&x, &y), back = cb_version_compare(&y, &x);
        check((order < 0) == (back > 0) && (order == 0) == (back == 0));
        check(cb_version_satisfies(CB_OP_FUZZY, &x, &x) && cb_version_satisfies(CB_OP_EQUAL, &y, &y));
        check(cb_version_satisfies(CB_OP_LESS, &x, &y) == (order < 0));
    }
    cb_arena_release(&a);
    return 0;
}
