// References: what is accepted must be accepted again by its full name, and mean the same.
#undef NDEBUG // here assert is the point
#include <assert.h>

#include "cbuild/oci/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CB_ARENA_AUTO a = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_reference r, again;

    if (cb_reference_parse(&a, cb_strn(data, size), &r, &err) < 0)
        return 0;
    cb_registry_scheme(r.registry);
    // "library/" counts towards the length when a name is read again.
    if (r.repository.n > 255)
        return 0;
    assert(cb_reference_parse(&a, cb_reference_name(&a, &r), &again, &err) == 0);
    assert(cb_str_eq(r.registry, again.registry) && cb_str_eq(r.repository, again.repository));
    assert(cb_str_eq(r.tag, again.tag) && cb_str_eq(r.digest, again.digest));
    return 0;
}
