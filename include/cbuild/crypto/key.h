// Public keys and signatures by OpenSSL's EVP.
//
// A key is accepted in one encoding only: DER that OpenSSL reads is written again and must come out as it went in, so
// that trailing bytes, BER and missing parameters are refused. Verification answers yes to one result, 1.
#ifndef CB_CRYPTO_KEY_H
#define CB_CRYPTO_KEY_H

#include "cbuild/crypto/hash.h"

enum cb_key_kind { CB_KEY_RSA, CB_KEY_EC_P256, CB_KEY_EC_P384, CB_KEY_EC_P521, CB_KEY_ED25519 };

#define CB_RSA_MIN_BITS 1024u  // as Go's crypto/rsa
#define CB_RSA_MAX_BITS 16384u // work that one signature may cause

struct cb_key; // a public key; read-only once made, so that threads may share it

// The key in a SubjectPublicKeyInfo. CB_E_INPUT for what is no key or carries more than one, CB_E_UNSUPPORTED for kinds
// not named above and for RSA outside its limits (even modulus or exponent, exponent above 2^31 - 1).
struct cb_key *cb_key_from_der(struct cb_str der, struct cb_error *err);

// The one PEM block in text, which must be labelled "PUBLIC KEY" with nothing but white space around it.
struct cb_key *cb_key_from_pem(struct cb_str text, struct cb_error *err);

// The first PEM block in text as Go's pem.Decode finds it: any label, text before it and further blocks after it are
// skipped. How apk's key files are read; not for anything else.
struct cb_key *cb_key_from_pem_loose(struct cb_str text, struct cb_error *err);

// An RSA key from a JWK's "n" and "e" (base64url, big endian, no padding).
struct cb_key *cb_key_from_rsa_jwk(struct cb_str n, struct cb_str e, struct cb_error *err);

void cb_key_free(struct cb_key *k);
void cb_key_free_p(struct cb_key **k);
#define CB_KEY_AUTO __attribute__((cleanup(cb_key_free_p))) struct cb_key

enum cb_key_kind cb_key_kind(const struct cb_key *k);
const char *cb_key_kind_name(enum cb_key_kind kind); // "RSA", "ECDSA P-256", ...

void cb_key_add_der(const struct cb_key *k, struct cb_buf *b); // appends the SubjectPublicKeyInfo
void cb_key_add_pem(const struct cb_key *k, struct cb_buf *b); // the same as PEM, byte for byte as Go writes it

// Whether sig is a signature of a message with that digest (which holds the kind's size): RSASSA-PKCS1-v1_5 for RSA,
// ASN.1 ECDSA for EC. 0, or -1 with CB_E_TRUST. Ed25519 keys sign messages, not digests: CB_E_UNSUPPORTED.
int cb_key_verify_digest(const struct cb_key *k, enum cb_hash_kind hash, const uint8_t *digest, struct cb_str sig,
                         struct cb_error *err);

// The same for a message; hash is not used for Ed25519.
int cb_key_verify(const struct cb_key *k, enum cb_hash_kind hash, struct cb_str message, struct cb_str sig,
                  struct cb_error *err);

// Decodes the first PEM block of text into *der (appended), as cb_key_from_pem_loose finds it; *label (may be NULL) is
// a slice of text. 0, or -1 with *der unchanged where there is none.
int cb_pem_decode(struct cb_str text, struct cb_str *label, struct cb_buf *der);

// The next PEM block: *rest is moved behind it. 1, or 0 where there is no further block (*rest is then unchanged).
int cb_pem_next(struct cb_str *rest, struct cb_str *label, struct cb_buf *der);

void cb_pem_add(struct cb_buf *b, const char *label, struct cb_str der); // lines of 64, as Go and OpenSSL write them

#endif
