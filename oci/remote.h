// A repository of a registry as we talk to it: which scheme, which credentials, which token; and requests with all
// that.
#ifndef CB_OCI_REMOTE_H
#define CB_OCI_REMOTE_H

#include <pthread.h>

#include "cbuild/net/url.h"
#include "cbuild/oci/registry.h"
#include "challenge.h"

struct cb_remote {
    struct cb_registry *owner;
    char *registry, *repository;
    bool push; // which scope its tokens ask for

    pthread_mutex_t lock;
    bool open;                      // the registry has told what it wants
    char *base;                     // "https://registry"
    struct cb_url origin;           // of base
    bool known_auth;                // auth is filled
    struct cb_auth auth;            // credentials for the registry, anonymous where there are none
    enum cb_challenge_scheme wants; // CB_CHALLENGE_OTHER: nothing
    char *realm, *service;
    struct {
        char **v;
        size_t n, cap;
    } scopes;
    char *header;        // value of Authorization, NULL: none
    uint64_t generation; // counts changes of header
    uint64_t renew_at;   // of the monotonic clock: when the token is about to end; 0: unknown
};

struct cb_registry {
    struct cb_http *http;
    const struct cb_credentials_env *env;
    pthread_mutex_t lock;
    struct {
        struct cb_remote **v;
        size_t n, cap;
    } remotes;
};

// The one for a repository, made when first asked for; lives as long as the registry client.
struct cb_remote *cb_remote_get(struct cb_registry *r, const struct cb_reference *ref, bool push);
void cb_remote_free(struct cb_remote *m);

// Finds out how to talk to the registry (GET /v2/), and gets the first token. Does nothing the second time.
int cb_remote_open(struct cb_remote *m, struct cb_error *err);

// "<base>/v2/<repository>/<formatted>"; the remote must be open. Owned.
char *cb_remote_url(const struct cb_remote *m, const char *fmt, ...) CB_PRINTF(2, 3);

// cb_http_send with the remote's credentials where the URL is the registry's own; 401 leads to another token and
// another attempt. *again (may be NULL) tells of a failure whether it may pass.
int cb_remote_send(struct cb_remote *m, struct cb_http_request *q, struct cb_http_answer *a, struct cb_error *err);

// Fails unless the status is 2xx, with what the registry says about it in its own words.
int cb_remote_check(struct cb_remote *m, const struct cb_http_request *q, const struct cb_http_answer *a,
                    struct cb_error *err);

// Adds a scope to what tokens ask for: reading another repository of the registry.
void cb_remote_add_pull_scope(struct cb_remote *m, const char *repository);

// Where an answer's Location sends the next request; owned. CB_E_TRUST where it must not go.
char *cb_remote_location(struct cb_remote *m, const struct cb_http_answer *a, struct cb_error *err);

// Whether a realm may be asked for tokens at all, and whether credentials may go along.
enum cb_realm_trust { CB_REALM_REFUSED, CB_REALM_ANONYMOUS, CB_REALM_TRUSTED };
enum cb_realm_trust cb_realm_trust(const struct cb_url *realm, const struct cb_url *registry, const char **why);

// Gets a token for the remote's scopes, with its lock held.
int cb_remote_fetch_token(struct cb_remote *m, struct cb_error *err);

// A token that the server at `origin` demands of anybody, by its own challenge: "Bearer ...", owned; NULL where there
// is none to be had.
char *cb_remote_anonymous_token(struct cb_registry *r, const struct cb_url *origin, const struct cb_challenge *ch);

uint64_t cb_remote_now_ms(void); // monotonic

#endif
