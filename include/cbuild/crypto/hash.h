// SHA-1, SHA-256 and SHA-512 by OpenSSL's EVP, streaming. SHA-1 only where apk's formats prescribe it.
#ifndef CB_CRYPTO_HASH_H
#define CB_CRYPTO_HASH_H

#include "cbuild/base/stream.h"

enum cb_hash_kind { CB_SHA1, CB_SHA256, CB_SHA512 };

#define CB_SHA1_SIZE 20u
#define CB_SHA256_SIZE 32u
#define CB_SHA512_SIZE 64u
#define CB_HASH_MAX 64u
#define CB_SHA256_HEX 65u // with the NUL

struct cb_hash; // one running hash; not for two threads at once

struct cb_hash *cb_hash_new(enum cb_hash_kind kind);
void cb_hash_add(struct cb_hash *h, const void *p, size_t n);
size_t cb_hash_sum(struct cb_hash *h, uint8_t out[CB_HASH_MAX]); // its size; the hash then starts anew
void cb_hash_free(struct cb_hash *h);
void cb_hash_free_p(struct cb_hash **h);
size_t cb_hash_size(enum cb_hash_kind kind);

#define CB_HASH_AUTO __attribute__((cleanup(cb_hash_free_p))) struct cb_hash

// In one call; out holds the size of the kind.
void cb_hash_once(enum cb_hash_kind kind, const void *p, size_t n, uint8_t *out);

// HMAC with SHA-256 (RFC 2104).
void cb_hmac_sha256(const uint8_t *key, size_t key_size, const void *p, size_t n, uint8_t out[CB_SHA256_SIZE]);

// Lower-case hex with a NUL: out holds 2 * n + 1.
void cb_hex(char *out, const uint8_t *p, size_t n);
bool cb_unhex(uint8_t *out, size_t size, struct cb_str hex); // false unless hex is exactly 2 * size hex digits, in
                                                             // either case; *out is then not to be used

// RFC 4648 base64 with padding. Decoding is strict: no white space, canonical padding and trailing bits.
void cb_base64_add(struct cb_buf *b, const void *p, size_t n);
int cb_base64_decode(struct cb_buf *b, struct cb_str text);    // appended; 0, or -1 with *b unchanged
int cb_base64url_decode(struct cb_buf *b, struct cb_str text); // the URL-safe alphabet without padding (JWK, JWT)

struct cb_hash_sink { // hashes what is written to it
    struct cb_sink sink;
    struct cb_hash *hash;
};
struct cb_hash_sink cb_hash_sink(struct cb_hash *h);

#endif
