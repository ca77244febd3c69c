// Where the trusted root is kept, and how it is brought up to date.
#ifndef CB_CLI_TRUST_STATE_H
#define CB_CLI_TRUST_STATE_H

#include "cbuild/net/http.h"
#include "cbuild/trust/trusted_root.h"
#include "cbuild/trust/tuf.h"

struct cb_trust_state {
    struct cb_http *http; // borrowed
    char *folder;         // CBUILD_TRUST_DIR, else cbuild/trust in the cache folder
    char *mirror;         // the repository's URL
    struct cb_buf first;  // a root of one's own; empty: Sigstore's
    bool offline;
    int64_t now;
    struct cb_tuf *tuf;
};

// Finds the folder and opens it. mirror and initial_root ("" or NULL: as they were before, else Sigstore's) make the
// folder begin anew where a root is given. Release in any case.
int cb_trust_state_open(struct cb_trust_state *s, const char *mirror, const char *initial_root, struct cb_error *err);
void cb_trust_state_release(struct cb_trust_state *s);
#define CB_TRUST_STATE_AUTO __attribute__((cleanup(cb_trust_state_release))) struct cb_trust_state

// Refreshes, and remembers the mirror.
int cb_trust_state_update(struct cb_trust_state *s, struct cb_error *err);

// The trusted root by all this: refreshed unless offline; where the repository cannot be reached, as it was last, with
// a warning, if nothing of it has expired.
int cb_trust_root_load(struct cb_http *http, int64_t now, bool offline, struct cb_trusted_root *out,
                       struct cb_error *err);

#endif
