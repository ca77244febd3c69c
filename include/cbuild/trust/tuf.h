// The Update Framework: how the trusted root comes from a repository that is not itself trusted, only its keys are.
//
// A repository's first root names the keys of the next, and so on; the last names those of the timestamp, the snapshot
// and the targets. What was accepted is kept in a folder, so that nothing older is accepted later (rollback), and so
// that it is at hand without a network. All of the specification's client workflow but its optional parts: mirrors are
// one URL, and of key kinds there are ECDSA, Ed25519 and RSA.
// Source: The Update Framework Specification v1.0.33, section 5; https://github.com/sigstore/root-signing.
#ifndef CB_TRUST_TUF_H
#define CB_TRUST_TUF_H

#include "cbuild/base/arena.h"
#include "cbuild/base/buf.h"

#define CB_TUF_MIRROR "https://tuf-repo-cdn.sigstore.dev"
#define CB_TUF_TRUSTED_ROOT "trusted_root.json" // the target that Sigstore's clients use

#define CB_TUF_ROOT_MAX 512000u       // bytes
#define CB_TUF_TIMESTAMP_MAX 16384u   // bytes
#define CB_TUF_SNAPSHOT_MAX 2000000u  // bytes
#define CB_TUF_TARGETS_MAX 5000000u   // bytes
#define CB_TUF_TARGET_MAX (32u << 20) // bytes of a target
#define CB_TUF_ROOTS_MAX 256u         // new roots at one update
#define CB_TUF_SIGNATURES_MAX 256u    // of one document
#define CB_TUF_DELEGATIONS_MAX 32u    // documents looked at for one target

// Where documents come from: name is a path below the repository ("5.root.json", "targets/<hash>.x"). CB_E_NOT_FOUND
// where there is none, CB_E_LIMIT above limit bytes.
typedef int cb_tuf_fetch(void *ctx, const char *name, size_t limit, struct cb_buf *out, struct cb_error *err);

struct cb_tuf_options {
    const char *folder;         // what was accepted; made where it does not exist
    struct cb_str initial_root; // used where the folder holds no root yet
    int64_t now;                // seconds since 1970
    cb_tuf_fetch *fetch;        // NULL: offline
    void *ctx;
};

struct cb_tuf;

// Reads what the folder holds, and verifies it. CB_E_TRUST where it is not what it was.
struct cb_tuf *cb_tuf_open(const struct cb_tuf_options *o, struct cb_error *err);
void cb_tuf_free(struct cb_tuf *t);
void cb_tuf_free_p(struct cb_tuf **t);
#define CB_TUF_AUTO __attribute__((cleanup(cb_tuf_free_p))) struct cb_tuf

// Brings everything up to date and keeps it. What was accepted before stays where something is refused:
// CB_E_TRUST (wrongly signed, rolled back, expired, of different points in time), CB_E_LIMIT, CB_E_NETWORK.
int cb_tuf_refresh(struct cb_tuf *t, struct cb_error *err);

// Appends a target, from the folder or else from the repository; verified. CB_E_NOT_FOUND where no document that is
// responsible for it names it, or there is nothing in the folder and no network.
int cb_tuf_target(struct cb_tuf *t, const char *name, struct cb_buf *out, struct cb_error *err);

// What is accepted now, for people; false where there is nothing of that role yet.
struct cb_tuf_role_state {
    uint64_t version;
    int64_t expires;
};
enum cb_tuf_role { CB_TUF_ROOT, CB_TUF_TIMESTAMP, CB_TUF_SNAPSHOT, CB_TUF_TARGETS, CB_TUF_ROLES };
bool cb_tuf_role_state(const struct cb_tuf *t, enum cb_tuf_role role, struct cb_tuf_role_state *out);

// The first root of Sigstore's public instance.
struct cb_str cb_tuf_public_root(void);

#endif
