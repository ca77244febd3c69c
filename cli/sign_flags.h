// The flags of commands that sign, and the key that they name.
#ifndef CB_CLI_SIGN_FLAGS_H
#define CB_CLI_SIGN_FLAGS_H

#include "cbuild/trust/attach.h"
#include "environment.h"

// The private key in a file (or env://NAME), opened with COSIGN_PASSWORD where it is encrypted. NULL on failure.
struct cb_signing_key *cb_private_key_load(const char *name, struct cb_error *err);

// What attaching needs: a registry client, the key, and where things go. Zero-initialise; release in any case.
struct cb_attacher {
    struct cb_environment environment;
    struct cb_http *http;
    struct cb_registry *registry;
    struct cb_arena arena;
    struct cb_signing_key *key;
    struct cb_reference repository; // COSIGN_REPOSITORY
    struct cb_attach_options options;
};
int cb_attacher_open(struct cb_attacher *t, const char *key, bool tag, struct cb_error *err);
void cb_attacher_release(struct cb_attacher *t);
#define CB_ATTACHER_AUTO __attribute__((cleanup(cb_attacher_release))) struct cb_attacher

// Fills only options, key and repository, for who has the rest.
int cb_attacher_fill(struct cb_attacher *t, const struct cb_environment *e, const char *key, bool tag,
                     struct cb_error *err);

#endif
