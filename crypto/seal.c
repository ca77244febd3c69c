#include "cbuild/crypto/seal.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <sodium.h>

int cb_scrypt(struct cb_str password, struct cb_str salt, uint64_t n, uint64_t r, uint64_t p,
              uint8_t key[CB_SECRETBOX_KEY], struct cb_error *err)
{
    if (r == 0 || r > 1024 || p == 0 || p > 64 || n < 2 || n > CB_SCRYPT_MEMORY_MAX / (128 * r))
        return cb_fail(err, CB_E_LIMIT, "scrypt with N %llu, r %llu, p %llu", (unsigned long long)n,
                       (unsigned long long)r, (unsigned long long)p);
    int result = EVP_PBE_scrypt(password.n ? password.p : "", password.n, (const unsigned char *)salt.p, salt.n, n, r,
                                p, 2 * CB_SCRYPT_MEMORY_MAX, key, CB_SECRETBOX_KEY);
    ERR_clear_error();
    return result == 1 ? 0 : cb_fail(err, CB_E_INPUT, "scrypt does not take N %llu", (unsigned long long)n);
}

int cb_secretbox_open(const uint8_t key[CB_SECRETBOX_KEY], const uint8_t nonce[CB_SECRETBOX_NONCE], struct cb_str box,
                      struct cb_buf *out, struct cb_error *err)
{
    _Static_assert(CB_SECRETBOX_KEY == crypto_secretbox_KEYBYTES, "key");
    _Static_assert(CB_SECRETBOX_NONCE == crypto_secretbox_NONCEBYTES, "nonce");
    if (sodium_init() < 0)
        abort(); // no source of randomness, which nothing here would use
    if (box.n < crypto_secretbox_MACBYTES)
        return cb_fail(err, CB_E_INPUT, "a box of %zu bytes", box.n);
    size_t n = box.n - crypto_secretbox_MACBYTES;
    cb_buf_reserve(out, n);
    if (crypto_secretbox_open_easy((unsigned char *)out->p + out->n, (const unsigned char *)box.p, box.n, nonce, key))
        return cb_fail(err, CB_E_TRUST, "it does not open");
    out->n += n;
    out->p[out->n] = '\0';
    return 0;
}

void cb_wipe(void *p, size_t n)
{
    if (p)
        OPENSSL_cleanse(p, n);
}

void cb_buf_wipe_release(struct cb_buf *b)
{
    cb_wipe(b->p, b->cap);
    cb_buf_release(b);
}
