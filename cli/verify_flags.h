// The flags by which a user says who must have signed and whom to believe about it (cosign's), and what they stand for.
#ifndef CB_CLI_VERIFY_FLAGS_H
#define CB_CLI_VERIFY_FLAGS_H

#include "cbuild/trust/attestation.h"
#include "command.h"
#include "environment.h"

struct cb_verify_flags {
    const char *key, *identity, *identity_regexp, *issuer, *issuer_regexp, *workflow[CB_WORKFLOW_CLAIMS];
    const char *certificate, *chain, *trusted_root;
    bool ignore_tlog, ignore_sct, use_timestamps, offline;
    const char *output;
    bool json;
    // of verify-attestation
    const char *type;
    bool predicate_only;
    // of verify
    struct cb_strs annotations;
};
extern struct cb_verify_flags cb_verify_flags;

struct cb_flags cb_verify_flag_table(void);
struct cb_flags cb_verify_attestation_flag_table(void);

// What is asked, with all that it rests on. Zero-initialise; release in any case.
struct cb_asked {
    struct cb_environment environment;
    struct cb_http *http;
    struct cb_registry *registry;
    struct cb_arena arena;
    struct cb_trusted_root root;
    struct cb_verifier *key;
    struct cb_regexp *identity, *issuer;
    struct cb_bundle_policy bundle; // borrows the above
    struct cb_attestation_policy policy;
};

// Checks the flags and loads what they name.
int cb_asked_open(struct cb_asked *q, struct cb_error *err);
void cb_asked_release(struct cb_asked *q);
#define CB_ASKED_AUTO __attribute__((cleanup(cb_asked_release))) struct cb_asked

// What is attached to an image, there or in COSIGN_REPOSITORY, verified; *accepted of them are what was asked for.
int cb_asked_find(struct cb_asked *q, const char *image, unsigned which, struct cb_attestations *all, size_t *accepted,
                  struct cb_error *err);

// 0 where at least one was accepted; else CB_E_NOT_FOUND or CB_E_TRUST with the table. what: "attestation",
// "signature".
int cb_asked_explain(const char *image, const char *what, const struct cb_attestations *all, size_t accepted,
                     struct cb_error *err);

// Writes to --output, else to stdout.
int cb_verify_print(struct cb_str text, struct cb_error *err);

// The URI of COSIGN_REPOSITORY as a reference: 1, or 0 where it is not set, -1 on failure.
int cb_cosign_repository(struct cb_arena *a, struct cb_reference *out, struct cb_error *err);

// The public key that --key names: a file, an http(s) URL, or env://NAME. NULL on failure.
struct cb_verifier *cb_public_key_load(struct cb_http *http, const char *name, struct cb_error *err);

#endif
