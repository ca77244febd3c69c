// Attestations of an image: finding them beside it in its registry, and holding each against what was asked for.
//
// Where they are looked for: among the image's referrers (the API, or the index under the fallback tag), and under the
// tag "sha256-<hex>.att". Referrers are Sigstore bundles or bare DSSE envelopes; layers of a ".att" manifest are
// DSSE envelopes. All that is found is reported, none of it trusted before it was verified.
// Source: cosign v2 and v3 (specs/ATTESTATION_SPEC.md, specs/BUNDLE_SPEC.md), OCI distribution-spec v1.1.
#ifndef CB_TRUST_ATTESTATION_H
#define CB_TRUST_ATTESTATION_H

#include "cbuild/oci/registry.h"
#include "cbuild/trust/bundle.h"

#define CB_ATTESTATIONS_MAX 256u             // of one image
#define CB_ATTESTATIONS_BYTES_MAX (1u << 30) // all of an image's together

struct cb_attestation {
    struct cb_str place;          // where it was found, for people
    struct cb_str bytes;          // the blob, as its digest promises
    bool is_bundle;               // a Sigstore bundle; otherwise an envelope
    struct cb_str predicate_type; // as it claims; empty where that cannot be read
    struct cb_str signer;         // for people; empty where unknown
    struct cb_str refusal;        // why it was refused; empty where it was accepted
    bool repeated;                // accepted, but with the very payload of an accepted one before it
    struct cb_envelope envelope;  // of an accepted one
};

struct cb_attestations {
    struct cb_digest image; // of what the reference stands for, computed from its bytes
    struct cb_attestation *v;
    size_t n, cap;
};

// What is asked of an attestation. All of it must hold.
struct cb_attestation_policy {
    struct cb_str predicate_type;
    // The signature by that key alone is enough; NULL where `bundle` says who must have signed.
    const struct cb_verifier *key;
    // All that a bundle rests on must hold; bare envelopes are refused. Its key may be NULL, too.
    const struct cb_bundle_policy *bundle;
};

// Finds what is attached to an image. repository (may be NULL: the image's) is where to look for tags and referrers.
// Everything lives in *a. CB_E_NOT_FOUND where the image is not there; an image without attestations is no error.
int cb_attestations_find(struct cb_registry *r, struct cb_arena *a, const struct cb_reference *image,
                         const struct cb_reference *repository, struct cb_attestations *out, struct cb_error *err);

// Fills predicate_type, signer, refusal and envelope of each; the number that was accepted.
size_t cb_attestations_verify(struct cb_arena *a, struct cb_attestations *all, const struct cb_attestation_policy *p);

// A table of those refused, a line each: place, predicate type, signer, refusal.
void cb_attestations_explain(const struct cb_attestations *all, struct cb_buf *out);

#endif
