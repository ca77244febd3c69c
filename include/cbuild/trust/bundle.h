// Sigstore bundles: a signature, or an envelope, together with all that is needed to verify it offline: the signer's
// certificate or a hint at the key, entries of transparency logs, timestamps.
//
// Everything in a bundle is unverified until cb_bundle_verify has said yes to all of it: an entry, proof, promise,
// checkpoint or timestamp that is there and does not verify is a refusal, also where another one would have been
// enough. Source: github.com/sigstore/protobuf-specs sigstore_bundle.proto v0.1 to v0.3; Sigstore's client
// specification; RFC 6962 (proofs, SCTs), RFC 3161, C2SP tlog-checkpoint and signed-note, Rekor's entry types.
#ifndef CB_TRUST_BUNDLE_H
#define CB_TRUST_BUNDLE_H

#include "cbuild/text/regexp.h"
#include "cbuild/trust/statement.h"
#include "cbuild/trust/trusted_root.h"

#define CB_BUNDLE_ENTRIES_MAX 32u
#define CB_BUNDLE_TIMESTAMPS_MAX 32u
#define CB_BUNDLE_PROOF_MAX 64u // hashes of an inclusion proof
#define CB_BUNDLE_CERTIFICATES_MAX 10u

struct cb_log_entry {
    uint64_t index;
    struct cb_str log_id;
    struct cb_str kind, version;
    struct cb_str body;      // canonicalized, decoded
    int64_t integrated_time; // 0 where there is none
    struct cb_str promise;   // signed entry timestamp; empty where there is none
    bool has_proof;
    bool needs_checkpoint; // the proof alone is not enough, as no promise stands beside it
    uint64_t proof_index, tree_size;
    struct cb_str root_hash, checkpoint;
    struct cb_str *hashes;
    size_t nhashes;
};

struct cb_bundle {
    int version;               // 1, 2, 3: media type v0.1, v0.2, v0.3
    struct cb_str certificate; // DER of the signer's; empty where the bundle is by a key
    struct cb_log_entry *entries;
    size_t nentries;
    struct cb_str *timestamps; // RFC 3161 responses, DER
    size_t ntimestamps;
    bool is_envelope;
    struct cb_envelope envelope;
    struct cb_str envelope_text;    // the envelope's JSON where it stood by itself; p == NULL in a bundle
    struct cb_str signature;        // of the message, or of the envelope where that has exactly one
    struct cb_str digest_algorithm; // as the bundle claims; a consistency check only
    struct cb_str digest;
};

// Everything lives in *a. CB_E_INPUT for what is malformed or not as its version demands, CB_E_LIMIT above the limits.
int cb_bundle_parse(struct cb_arena *a, struct cb_str text, const char *what, struct cb_bundle *out,
                    struct cb_error *err);

// What a certificate says of the GitHub workflow that it was issued to.
enum cb_workflow_claim {
    CB_WORKFLOW_TRIGGER,
    CB_WORKFLOW_SHA,
    CB_WORKFLOW_NAME,
    CB_WORKFLOW_REPOSITORY, // "owner/name"
    CB_WORKFLOW_REF,
    CB_WORKFLOW_CLAIMS,
};

struct cb_bundle_policy {
    const struct cb_trusted_root *root; // may be without logs and authorities where nothing is asked of them
    const struct cb_verifier *key;      // who must have signed, or NULL: a certificate's identity and issuer, both
    struct cb_str identity, issuer;     // as they are; a pattern, where there is one, is held instead
    const struct cb_regexp *identity_pattern, *issuer_pattern;
    struct cb_str workflow[CB_WORKFLOW_CLAIMS]; // empty: anything
    // No log is asked. With a key the signature is then enough, whatever stands beside it. Without one, a certificate
    // that no timestamp speaks for must be valid now.
    bool ignore_log;
    bool ignore_sct;
    bool needs_timestamp; // at least one signed timestamp (RFC 3161)
    int64_t now;          // seconds since 1970
};

struct cb_bundle_signer {
    struct cb_str identity, issuer; // of the certificate; empty for a key
    int64_t time;                   // when it was signed, by a timestamp or a log's promise that holds; 0: unknown
};

// What cosign v2 stores instead of a bundle: a blob (an envelope, or the payload that is signed) and, among the
// annotations of its layer, signature, certificate, log entry and timestamp. The certificates above the signer's that
// stand there are not looked at.
struct cb_string_map;
int cb_bundle_from_annotations(struct cb_arena *a, struct cb_str blob, bool is_envelope,
                               const struct cb_string_map *annotations, struct cb_bundle *out, struct cb_error *err);

// artifact: what the message or statement must be about. *signer (slices in *a) is filled as soon as it is known, so
// that a refusal can be told with it. CB_E_TRUST says which part does not hold, CB_E_INPUT which is malformed.
int cb_bundle_verify(struct cb_arena *a, const struct cb_bundle *b, const struct cb_bundle_policy *p,
                     const struct cb_signed_data *artifact, struct cb_bundle_signer *signer, struct cb_error *err);

#endif
