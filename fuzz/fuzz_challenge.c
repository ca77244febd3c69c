// WWW-Authenticate: any text ends, and the slices lie where they should.
#undef NDEBUG // here assert is the point
#include <assert.h>

#include "challenge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t touch(struct cb_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == 0;
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CB_ARENA_AUTO a = {0};
    struct cb_challenge out[CB_CHALLENGES];
    size_t n = cb_challenge_parse(&a, cb_strn(data, size), out);
    assert(n <= CB_CHALLENGES);
    for (size_t i = 0; i < n; i++) {
        assert(out[i].realm.n <= size && out[i].service.n <= size && out[i].scope.n <= size);
        (void)(touch(out[i].realm) + touch(out[i].service) + touch(out[i].scope) + touch(out[i].error));
    }
    return 0;
}
