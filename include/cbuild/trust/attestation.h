// Attestations and signatures of an image: finding them beside it in its registry, and holding each against what was
// asked for.
//
// Where they are looked for: among the image's referrers (the API, or the index under the fallback tag), and under the
// tags "sha256-<hex>.att" and "sha256-<hex>.sig". Referrers are Sigstore bundles, or what the tags hold: DSSE
// envelopes, and payloads of signatures ("simple signing"), with all that belongs to them in annotations. All that is
// found is reported, none of it trusted before it was verified. Source: cosign v2 and v3 (specs/ATTESTATION_SPEC.md,
// specs/SIGNATURE_SPEC.md, specs/BUNDLE_SPEC.md), OCI distribution-spec v1.1.
#ifndef CB_TRUST_ATTESTATION_H
#define CB_TRUST_ATTESTATION_H

#include "cbuild/oci/registry.h"
#include "cbuild/trust/bundle.h"

#define CB_ATTESTATIONS_MAX 256u                                     // of one image
#define CB_ATTESTATIONS_BYTES_MAX (1u << 30)                         // all of an image's together
#define CB_SIGNATURE_PREDICATE "https://sigstore.dev/cosign/sign/v1" // of a bundle that is a signature of an image

enum cb_attestation_form {
    CB_FORM_BUNDLE,   // a Sigstore bundle
    CB_FORM_ENVELOPE, // a DSSE envelope
    CB_FORM_PAYLOAD,  // what a signature is over; the signature is an annotation
};

struct cb_attestation {
    struct cb_str place; // where it was found, for people
    struct cb_str bytes; // the blob, as its digest promises
    enum cb_attestation_form form;
    struct cb_string_map annotations; // of the blob's descriptor
    struct cb_str predicate_type;     // as it claims; empty where that cannot be read or it has none
    struct cb_str signer, issuer;     // for people; empty where unknown
    int64_t time;                     // when it was signed, where that is known for sure; else 0
    struct cb_str refusal;            // why it was refused; empty where it was accepted
    bool repeated;                    // accepted, but with the very payload of an accepted one before it
    struct cb_envelope envelope;      // of an accepted one that has one
    struct cb_str predicate;          // the predicate's JSON, of an accepted attestation
};

struct cb_attestations {
    struct cb_digest image; // of what the reference stands for, computed from its bytes
    struct cb_attestation *v;
    size_t n, cap;
};

// What is asked of an attestation, or of a signature. All of it must hold, and that it is about the image always.
struct cb_attestation_policy {
    bool signature; // asked for is a signature of the image; predicate_type is not used then
    struct cb_str predicate_type;
    const struct cb_bundle_policy *bundle;
    struct cb_str certificate;               // DER; the signer's where none stands beside the signature
    const struct cb_string_map *annotations; // that a signature's payload must have; may be NULL
};

enum cb_attached { CB_ATTACHED_ATTESTATIONS = 1, CB_ATTACHED_SIGNATURES = 2 }; // which of the tags to look under

// Finds what is attached to an image. repository (may be NULL: the image's) is where to look for tags and referrers.
// Everything lives in *a. CB_E_NOT_FOUND where the image is not there; an image without attestations is no error.
int cb_attestations_find(struct cb_registry *r, struct cb_arena *a, const struct cb_reference *image,
                         const struct cb_reference *repository, unsigned which, struct cb_attestations *out,
                         struct cb_error *err);

// Fills what each of them is and whether it is what was asked for; the number that was accepted.
size_t cb_attestations_verify(struct cb_arena *a, struct cb_attestations *all, const struct cb_attestation_policy *p);

// A table of those refused, a line each: place, predicate type, signer, issuer, when it was logged, refusal.
void cb_attestations_explain(const struct cb_attestations *all, struct cb_buf *out);

// All of them as a JSON list, refused and accepted.
void cb_attestations_report(const struct cb_attestations *all, struct cb_buf *out);

#endif
