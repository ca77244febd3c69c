// What is attached to an image, read without looking at any signature: for showing it, and for finding what an image
// was built from where the proof is that the same bytes come out again. Nothing that is given here is to be believed.
#ifndef CB_TRUST_UNVERIFIED_H
#define CB_TRUST_UNVERIFIED_H

#include "cbuild/oci/image_source.h"

#define CB_UNVERIFIED_MAX (128u << 20) // bytes of an attestation or document

// The predicate of the first attestation of that type which names the digest as its subject, wherever the image is:
// among the referrers, or under the tag sha256-<hex>.att. 1 and its JSON in *a, 0 where there is none, -1. What cannot
// be read is passed over.
int cb_unverified_predicate(struct cb_image_source *s, const struct cb_digest *subject, const char *predicate_type,
                            struct cb_arena *a, struct cb_str *predicate, struct cb_error *err);

// The first attached document of one of the media types, as "oras attach" and "cosign attach sbom" leave it (a referrer
// of that artifactType, or the tag sha256-<hex>.sbom), appended to *out. 1, 0, -1.
int cb_unverified_document(struct cb_image_source *s, const struct cb_digest *subject, const char *const *media_types,
                           size_t n, struct cb_buf *out, struct cb_error *err);

#endif
