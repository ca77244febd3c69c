// Any bytes as an installed database. Records that are written again can be read again, each once.
#undef NDEBUG // here assert is the point
#include <assert.h>
#include <stdlib.h>

#include "cbuild/apk/install.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_installed first, again;

    if (cb_installed_parse(cb_strn(data, size), &first, &err) != 0)
        return 0;
    struct cb_tree *t = cb_tree_new();
    assert(cb_apk_init_db(t, CB_STR("x86_64"), &err) == 0);
    size_t written = 0;
    for (size_t i = 0; i < first.n; i++) {
        written += cb_install_base_record(t, &first.v[i], &err) == 0;
        cb_error_clear(&err);
    }
    assert(cb_installed_read(t, &again, &err) == 0);
    assert(again.n == written);
    cb_installed_release(&again);
    cb_installed_release(&first);
    cb_tree_free(t);
    return 0;
}
