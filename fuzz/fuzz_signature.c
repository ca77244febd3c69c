// Any bytes as an index, or, after an 's', as the tar of its signatures: nothing verifies.
#include <stdlib.h>
#include <unistd.h>

#include "../tests/apk/make.h"
#include "cbuild/base/file.h"
#include "fetcher.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct cb_keyring *keys(void)
{
    static struct cb_keyring ring;
    CB_BUF_AUTO pem = {0};
    if (ring.n == 0) {
        struct make_key *key = make_key_new(1024);
        make_key_pem(key, &pem);
        make_key_free(key);
        cb_keyring_put(&ring, CB_STR("k.rsa.pub"), cb_buf_str(&pem), CB_STR("k.rsa.pub"));
    }
    return &ring;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO bytes = {0};
    if (size > 0 && *data == 's') {
        make_gzip(&bytes, cb_strn(data + 1, size - 1));
        cb_buf_adds(&bytes, "index");
    } else {
        cb_buf_add(&bytes, data, size);
    }
    CB_FD_AUTO fd = cb_temp_fd(NULL, &err);
    if (fd < 0 || cb_pwrite_full(fd, bytes.p, bytes.n, 0, "index", &err))
        abort();
    if (cb_index_verify(fd, bytes.n, keys(), &err) == 0)
        abort();
    return 0;
}
