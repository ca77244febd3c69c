// Public keys as Sigstore, in-toto and their logs use them, with every way of signing that they have been seen to take.
//
// Kinds: ECDSA P-256, P-384 and P-521 (ASN.1 signatures), Ed25519, RSA from 2,048 bits (PKCS#1 v1.5 and PSS). A kind
// does not fix the hash: cosign signs with SHA-256 whatever the curve, Sigstore's other clients with the curve's own.
// So ECDSA and RSA take SHA-256, SHA-384 and SHA-512; nothing weaker. A signature is good on one answer of OpenSSL, 1.
#ifndef CB_TRUST_VERIFIER_H
#define CB_TRUST_VERIFIER_H

#include "cbuild/crypto/hash.h"

#define CB_SIGNATURE_MAX 4096u      // bytes of one signature
#define CB_VERIFIER_RSA_MIN 2048u   // bits
#define CB_KEY_TEXT_MAX (64u << 10) // bytes of a key's file

struct cb_verifier; // read-only once made

// The one PEM block of a public key's file. CB_E_INPUT for anything else, CB_E_UNSUPPORTED for other kinds of keys.
struct cb_verifier *cb_verifier_from_pem(struct cb_str text, struct cb_error *err);

// A SubjectPublicKeyInfo in DER, without bytes after it.
struct cb_verifier *cb_verifier_from_spki(struct cb_str der, struct cb_error *err);

void cb_verifier_free(struct cb_verifier *v);
void cb_verifier_free_p(struct cb_verifier **v);
#define CB_VERIFIER_AUTO __attribute__((cleanup(cb_verifier_free_p))) struct cb_verifier

struct cb_str cb_verifier_spki(const struct cb_verifier *v); // lives as long as v
const char *cb_verifier_name(const struct cb_verifier *v);   // "ECDSA P-256 key sha256:<first 16 digits of the SPKI's>"

// What a signature is over: the digests of the message, and the message itself where it is in memory.
struct cb_signed_data {
    uint8_t sha256[32], sha384[48], sha512[64];
    bool sha256_only;      // only the SHA-256 is known
    struct cb_str message; // p == NULL where only digests are known
};
void cb_signed_data_of(struct cb_signed_data *d, struct cb_str message); // borrows message

// Digests of a stream read to its end; message stays NULL.
struct cb_source;
int cb_signed_data_read(struct cb_signed_data *d, struct cb_source *s, struct cb_error *err);

// 0, or -1: CB_E_TRUST where it is no signature of that data by that key, CB_E_UNSUPPORTED for Ed25519 where only the
// digest is known.
int cb_verifier_check(const struct cb_verifier *v, const struct cb_signed_data *d, struct cb_str sig,
                      struct cb_error *err);

#endif
