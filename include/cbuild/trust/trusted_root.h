// The trusted root: which certificate authorities, transparency logs, certificate transparency logs and timestamp
// authorities are believed, and for which spans of time.
// Source: github.com/sigstore/protobuf-specs sigstore_trustroot.proto (trusted_root.json, media types 0.1 and 0.2).
#ifndef CB_TRUST_TRUSTED_ROOT_H
#define CB_TRUST_TRUSTED_ROOT_H

#include "cbuild/trust/verifier.h"

#include "cbuild/base/arena.h"

#define CB_TRUSTED_ROOT_MAX (4u << 20) // bytes
#define CB_TRUSTED_PARTIES_MAX 256u    // of each sort
#define CB_TRUSTED_CHAIN_MAX 10u       // certificates of an authority

// Seconds since 1970, both ends included. Without a start nothing is within: start is INT64_MAX then.
struct cb_window {
    int64_t start, end;
};
static inline bool cb_window_has(struct cb_window w, int64_t t)
{
    return w.start <= t && t <= w.end;
}

struct cb_log {
    struct cb_str base_url, key_id;
    struct cb_verifier *key; // NULL where the key is of a kind that is not supported: nothing verifies by it
    struct cb_window window;
};

struct cb_authority {
    struct cb_str uri;
    struct cb_str *certificates; // DER, the root last
    size_t ncertificates;        // at least 1
    struct cb_window window;
};

// Owns what it points to; zero-initialise, release in any case.
struct cb_trusted_root {
    struct cb_arena arena;
    struct cb_log *logs, *ct_logs;
    size_t nlogs, nct_logs;
    struct cb_authority *certificate_authorities, *timestamp_authorities;
    size_t ncertificate_authorities, ntimestamp_authorities;
};

// CB_E_INPUT for a document of another type or form, CB_E_LIMIT above the limits.
int cb_trusted_root_parse(struct cb_trusted_root *out, struct cb_str text, const char *what, struct cb_error *err);
// Instead of its certificate authorities: the one whose certificates are the PEM blocks of text, the root last, at any
// time.
int cb_trusted_root_use_chain(struct cb_trusted_root *root, struct cb_str text, const char *what, struct cb_error *err);
void cb_trusted_root_release(struct cb_trusted_root *root);
#define CB_TRUSTED_ROOT_AUTO __attribute__((cleanup(cb_trusted_root_release))) struct cb_trusted_root

// "2022-12-31T23:59:59.999Z" to seconds since 1970, fractions dropped; false for anything else.
bool cb_timestamp_parse(struct cb_str text, int64_t *out);

#endif
