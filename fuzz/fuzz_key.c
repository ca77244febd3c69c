// Any bytes as a key: a key that is accepted comes out as it went in, and the strict reader accepts no more than the
// loose one.
#include <stdlib.h>

#include "cbuild/crypto/key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct cb_key *key)
{
    CB_BUF_AUTO pem = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    uint8_t digest[CB_SHA256_SIZE] = {0};
    cb_key_add_pem(key, &pem);
    CB_KEY_AUTO *again = cb_key_from_pem(cb_buf_str(&pem), &err);
    if (!again || cb_key_kind(again) != cb_key_kind(key))
        abort();
    if (cb_key_kind(key) != CB_KEY_ED25519 && !cb_key_verify_digest(key, CB_SHA256, digest, CB_STR("x"), &err))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cb_error err[4] = {{0}};
    struct cb_str text = cb_strn(data, size), n = cb_str_head(text, size / 2);
    struct cb_key *keys[] = {cb_key_from_der(text, &err[0]), cb_key_from_pem(text, &err[1]),
                             cb_key_from_pem_loose(text, &err[2]),
                             cb_key_from_rsa_jwk(n, cb_str_skip(text, size / 2), &err[3])};
    if (keys[1] && !keys[2])
        abort();
    for (size_t i = 0; i < 4; i++) {
        if (keys[i])
            check(keys[i]);
        cb_key_free(keys[i]);
        cb_error_clear(&err[i]);
    }
    return 0;
}
