// Command lines: words in single quotes split into themselves.
#undef NDEBUG // here assert is the point
#include <assert.h>

#include "cbuild/base/buf.h"
#include "cbuild/oci/shlex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CB_ARENA_AUTO a = {0};
    CB_BUF_AUTO quoted = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_strs words, again;

    if (cb_shlex_split(&a, cb_strn(data, size), &words, &err) < 0)
        return 0;
    for (size_t i = 0; i < words.n; i++) {
        if (cb_str_find(words.v[i], '\'') >= 0)
            return 0;
        cb_buf_addc(&quoted, '\'');
        cb_buf_addstr(&quoted, words.v[i]);
        cb_buf_adds(&quoted, "' ");
    }
    assert(cb_shlex_split(&a, cb_buf_str(&quoted), &again, &err) == 0 && again.n == words.n);
    for (size_t i = 0; i < words.n; i++)
        assert(cb_str_eq(words.v[i], again.v[i]));
    return 0;
}
