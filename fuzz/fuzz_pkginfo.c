// Any bytes as a .PKGINFO: what comes out holds no line break.
#include <stdlib.h>

#include "cbuild/apk/package_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CB_ARENA_AUTO a = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_package p = {0};
    struct cb_strs triggers = {0};
    if (cb_pkginfo_parse(cb_strn(data, size), &a, &p, &triggers, &err))
        return 0;
    struct cb_str texts[] = {p.name, p.version, p.description, p.license, p.origin, p.maintainer, p.url};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (cb_str_find(texts[i], '\n') >= 0)
            abort();
    for (size_t i = 0; i < p.provides.n; i++)
        if (cb_str_find(p.provides.v[i], '\n') >= 0)
            abort();
    return 0;
}
