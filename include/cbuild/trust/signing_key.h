// Private keys, and signatures by them as cosign makes them: SHA-256 for ECDSA and RSA (PKCS#1 v1.5) whatever the curve
// or size, Ed25519 over the message.
//
// Read from PEM: "PRIVATE KEY" (PKCS#8), "EC PRIVATE KEY", "RSA PRIVATE KEY"; with a password "ENCRYPTED PRIVATE KEY"
// (PKCS#8) and what `cosign generate-key-pair` writes ("ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE
// KEY": JSON that names scrypt and nacl/secretbox, over a PKCS#8 key).
#ifndef CB_TRUST_SIGNING_KEY_H
#define CB_TRUST_SIGNING_KEY_H

#include "cbuild/trust/verifier.h"

struct cb_signing_key; // read-only once made

// password.p == NULL: there is none. CB_E_USAGE for an encrypted key without a password, CB_E_TRUST for a wrong one,
// CB_E_INPUT for what is no private key, CB_E_UNSUPPORTED for kinds that cb_verifier does not know.
struct cb_signing_key *cb_signing_key_from_pem(struct cb_str text, struct cb_str password, struct cb_error *err);
void cb_signing_key_free(struct cb_signing_key *k);
void cb_signing_key_free_p(struct cb_signing_key **k);
#define CB_SIGNING_KEY_AUTO __attribute__((cleanup(cb_signing_key_free_p))) struct cb_signing_key

const struct cb_verifier *cb_signing_key_public(const struct cb_signing_key *k); // lives as long as k

// Appends the signature; it was verified.
int cb_signing_key_sign(const struct cb_signing_key *k, struct cb_str message, struct cb_buf *out,
                        struct cb_error *err);

#endif
