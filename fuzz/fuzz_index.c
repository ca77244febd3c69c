// Any text as an APKINDEX: it is read, and every record is looked at.
#include "cbuild/apk/index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cb_mem_source source = cb_mem_source(data, size);
    const struct cb_index_origin origin = {CB_STR("https://r/x86_64"), CB_STR(""), CB_STR("x86_64")};
    struct cb_index *x;
    struct cb_arena a = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    if (cb_index_parse(&source.source, &origin, &x, &err))
        return 0;
    for (size_t i = 0; i < cb_index_count(x); i++) {
        struct cb_package p;
        cb_index_package(x, i, &a, &p);
        cb_index_package_url(x, &p, &a);
    }
    cb_index_free(x);
    cb_arena_release(&a);
    return 0;
}
