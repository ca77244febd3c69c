// What cosign seals private keys with: scrypt (RFC 7914) for the key, NaCl's secretbox (XSalsa20-Poly1305) for the
// rest.
#ifndef CB_CRYPTO_SEAL_H
#define CB_CRYPTO_SEAL_H

#include "cbuild/base/buf.h"

#define CB_SECRETBOX_KEY 32u
#define CB_SECRETBOX_NONCE 24u
#define CB_SCRYPT_MEMORY_MAX (1ull << 30) // bytes that deriving a key may take

// CB_E_LIMIT for parameters that take more than CB_SCRYPT_MEMORY_MAX, CB_E_INPUT for impossible ones.
int cb_scrypt(struct cb_str password, struct cb_str salt, uint64_t n, uint64_t r, uint64_t p,
              uint8_t key[CB_SECRETBOX_KEY], struct cb_error *err);

// Appends what is in the box. CB_E_TRUST where the key is another or the box was changed.
int cb_secretbox_open(const uint8_t key[CB_SECRETBOX_KEY], const uint8_t nonce[CB_SECRETBOX_NONCE], struct cb_str box,
                      struct cb_buf *out, struct cb_error *err);

void cb_wipe(void *p, size_t n);            // a secret that is no longer needed
void cb_buf_wipe_release(struct cb_buf *b); // the same for a buffer, which is empty afterwards

#endif
