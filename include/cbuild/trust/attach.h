// Making statements and signatures, and attaching them to an image in its registry. The image itself never changes.
// Source: in-toto Statement v0.1; cosign specs/BUNDLE_SPEC.md, SIGNATURE_SPEC.md, ATTESTATION_SPEC.md;
// sigstore_bundle.proto.
#ifndef CB_TRUST_ATTACH_H
#define CB_TRUST_ATTACH_H

#include "cbuild/oci/registry.h"
#include "cbuild/trust/attestation.h"
#include "cbuild/trust/signing_key.h"

#define CB_PREDICATE_APKO "https://apko.dev/image-configuration"
#define CB_PREDICATE_SPDX "https://spdx.dev/Document"

// What a statement or signature is about.
struct cb_attach_subject {
    struct cb_reference ref;         // by digest
    struct cb_descriptor descriptor; // of the manifest or index: media type, size, digest
};

// Asks the registry what a reference stands for. Everything lives in *a.
int cb_attach_subject(struct cb_registry *r, struct cb_arena *a, const struct cb_reference *image,
                      struct cb_attach_subject *out, struct cb_error *err);

struct cb_attach_options {
    const struct cb_signing_key *key;
    const struct cb_reference *repository; // where to put it; NULL: the image's
    bool tag;                              // also under the tag that cosign v2 reads, .att or .sig
    int64_t created;                       // seconds since 1970, for the annotation of that name
};

// Signs the statement that predicate (JSON) of that type holds for the subject, and attaches it as a referrer.
// CB_E_INPUT where predicate is not JSON.
int cb_attest(struct cb_registry *r, const struct cb_attach_subject *subject, struct cb_str predicate_type,
              struct cb_str predicate, const struct cb_attach_options *o, struct cb_error *err);

// Signs the subject: a bundle with a statement of type CB_SIGNATURE_PREDICATE as a referrer, and for the tag a payload
// with these annotations (may be NULL).
int cb_sign(struct cb_registry *r, const struct cb_attach_subject *subject, const struct cb_string_map *annotations,
            const struct cb_attach_options *o, struct cb_error *err);

#endif
