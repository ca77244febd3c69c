// The parts of verifying a bundle, each of them one question. What they get is unverified unless it says otherwise.
#ifndef CB_TRUST_PARTS_H
#define CB_TRUST_PARTS_H

#include <openssl/x509.h>

#include "cbuild/trust/bundle.h"

// ---- certificate.c

struct cb_signer { // of a signer
    X509 *x;
    struct cb_verifier *key;
    struct cb_str identity, issuer; // what it says of its owner; trusted once the chain is
    struct cb_str workflow[CB_WORKFLOW_CLAIMS];
};

X509 *cb_x509_parse(struct cb_str der, struct cb_error *err); // exactly one certificate, DER

// CB_E_INPUT without exactly one name, or for one that a signer's certificate may not have.
int cb_signer_open(struct cb_arena *a, struct cb_str der, struct cb_signer *out, struct cb_error *err);
void cb_signer_release(struct cb_signer *c);

// Whether a chain leads to one of the authorities at that time. *issuer_key_hash: SHA-256 of the issuer's key.
int cb_signer_check_chain(const struct cb_signer *c, const struct cb_trusted_root *root, int64_t time,
                          uint8_t issuer_key_hash[32], struct cb_error *err);

// Whether a certificate transparency log has promised to log it.
int cb_signer_check_sct(const struct cb_signer *c, const struct cb_trusted_root *root,
                        const uint8_t issuer_key_hash[32], struct cb_error *err);

// A store that trusts the last certificate of an authority, at that time; the others go into *between. NULL on failure.
X509_STORE *cb_authority_store(const struct cb_authority *authority, int64_t time, STACK_OF(X509) * *between,
                               struct cb_error *err);

// ---- identity.c

// Whether it is who was asked for. CB_E_TRUST also where the policy asks for nobody.
int cb_signer_check_identity(const struct cb_signer *c, const struct cb_bundle_policy *p, struct cb_error *err);

// ---- timestamp.c

// The time at which a timestamp authority saw the signature.
int cb_timestamp_check(struct cb_str response, struct cb_str signature, const struct cb_trusted_root *root,
                       int64_t *time, struct cb_error *err);

// ---- log_entry.c

// The log that the entry claims to be in; NULL where the root has none of that ID.
const struct cb_log *cb_entry_log(const struct cb_log_entry *e, const struct cb_trusted_root *root);
int cb_entry_check_promise(const struct cb_log_entry *e, const struct cb_log *log, struct cb_error *err);
int cb_entry_check_proof(const struct cb_log_entry *e, const struct cb_log *log, struct cb_error *err);

// ---- entry_body.c

struct cb_entry_subject {
    struct cb_str certificate; // DER; empty where it is a key
    struct cb_str spki;        // of the key where certificate is empty
    struct cb_str signature;
    const struct cb_signed_data *data;  // what is signed: the artifact, or the envelope's PAE
    const struct cb_envelope *envelope; // NULL for a message
    struct cb_str envelope_text;        // its JSON as it was signed and logged; p == NULL where that is not known
};

// Whether the entry is about just this signature, by just this signer, over just this.
int cb_entry_check_body(const struct cb_log_entry *e, const struct cb_entry_subject *s, struct cb_error *err);

#endif
