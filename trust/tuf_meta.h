// TUF documents: reading them, and who signed them.
#ifndef CB_TRUST_TUF_META_H
#define CB_TRUST_TUF_META_H

#include "cbuild/trust/tuf.h"
#include "cbuild/trust/verifier.h"

struct json_t;

struct cb_tuf_document {
    struct json_t *json;   // owned
    struct json_t *body;   // "signed"
    struct json_t *proofs; // "signatures"
    struct cb_str bytes;   // borrowed
    uint64_t version;
};

// CB_E_INPUT for what is no document of that type, of another specification or without a version.
int cb_tuf_document_parse(struct cb_tuf_document *out, struct cb_str bytes, const char *type, const char *what,
                          struct cb_error *err);
void cb_tuf_document_release(struct cb_tuf_document *d);
#define CB_TUF_DOCUMENT_AUTO __attribute__((cleanup(cb_tuf_document_release))) struct cb_tuf_document

int cb_tuf_expires(const struct cb_tuf_document *d, int64_t *out, struct cb_error *err);

// Whether as many of a role's keys as its threshold says have signed. A key counts once, whatever it is called.
// role: an object with keyids and threshold; keys: by their ID. CB_E_TRUST where they have not.
int cb_tuf_check_signatures(const struct cb_tuf_document *d, const struct json_t *keys, const struct json_t *role,
                            struct cb_error *err);

// Version, length and hashes that one document says of another, or of a target.
struct cb_tuf_claim {
    uint64_t version, length;     // length 0: not said
    struct cb_str sha256, sha512; // hexadecimal; empty: not said. They live as long as the document
};
int cb_tuf_claim_read(const struct json_t *object, struct cb_tuf_claim *out, struct cb_error *err);
int cb_tuf_claim_check(const struct cb_tuf_claim *c, struct cb_str bytes, struct cb_error *err);

void cb_tuf_canonical(const struct json_t *value, struct cb_buf *out); // canonical JSON (OLPC), what is signed

#endif
