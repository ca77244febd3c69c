// DSSE envelopes: a payload, its type, and signatures over both (the pre-authentication encoding, PAE).
// Source: github.com/secure-systems-lab/dsse protocol.md, envelope.md (v1.0).
#ifndef CB_TRUST_DSSE_H
#define CB_TRUST_DSSE_H

#include "cbuild/base/arena.h"
#include "cbuild/base/buf.h"
#include "cbuild/trust/verifier.h"

#define CB_ENVELOPE_MAX (128u << 20)   // bytes of an envelope's JSON; SBOMs are large
#define CB_ENVELOPE_SIGNATURES_MAX 32u // of one envelope
#define CB_IN_TOTO_TYPE "application/vnd.in-toto+json"

struct json_t;

struct cb_envelope {
    struct cb_str payload_type;
    struct cb_str payload;     // decoded
    struct cb_str *signatures; // decoded; at least one
    size_t nsignatures;
};

// Reads an envelope; everything lives in *a. Refused before any signature is looked at: base64 that is not strict
// (alphabet, padding, white space), no signature or more than CB_ENVELOPE_SIGNATURES_MAX (CB_E_LIMIT), duplicate keys,
// anything after the JSON value. what names it in messages.
int cb_envelope_parse(struct cb_arena *a, struct cb_str text, const char *what, struct cb_envelope *out,
                      struct cb_error *err);
int cb_envelope_read(struct cb_arena *a, const struct json_t *object, struct cb_envelope *out, struct cb_error *err);

void cb_envelope_pae(const struct cb_envelope *e, struct cb_buf *out); // appended: what is signed

// One line of JSON without a line break, as cosign prints envelopes.
void cb_envelope_write(const struct cb_envelope *e, struct cb_buf *out);

// 0 where at least one of the signatures is the verifier's; *which (may be NULL) says which. CB_E_TRUST otherwise.
int cb_envelope_verify(const struct cb_envelope *e, const struct cb_verifier *v, size_t *which, struct cb_error *err);

#endif
