// netrc files: any text ends, and no entry without a password is ever found.
#undef NDEBUG // here assert is the point
#include <assert.h>

#include "cbuild/net/netrc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cb_netrc n = {0};
    cb_netrc_parse(&n, cb_strn(data, size));
    for (size_t i = 0; i < n.n; i++) {
        const struct cb_netrc_entry *e = cb_netrc_find(&n, n.v[i].machine ? n.v[i].machine : "no.such.host");
        assert(!e || e->password);
    }
    const struct cb_netrc_entry *e = cb_netrc_find(&n, "host");
    assert(!e || (e->password && (!e->machine || strcasecmp(e->machine, "host") == 0)));
    cb_netrc_release(&n);
    return 0;
}
