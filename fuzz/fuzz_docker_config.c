// config.json: an error leaves no credentials behind, and names none.
#undef NDEBUG // here assert is the point
#include <assert.h>

#include "cbuild/oci/credentials.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const keys[] = {"reg.io", "https://index.docker.io/v1/", "reg.io/a/b"};
    for (size_t i = 0; i < 3; i++) {
        CB_AUTH_AUTO auth = {0};
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        if (cb_docker_config_find(cb_strn(data, size), cb_str(keys[i]), &auth, &err))
            assert(cb_auth_is_anonymous(&auth) && err.kind != CB_OK);
    }
    return 0;
}
