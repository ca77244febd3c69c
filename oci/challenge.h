// WWW-Authenticate: what a server wants to be shown (RFC 9110, 11.6.1).
#ifndef CB_OCI_CHALLENGE_H
#define CB_OCI_CHALLENGE_H

#include "cbuild/base/arena.h"

#define CB_CHALLENGES 16u       // in one header; further ones are not looked at
#define CB_CHALLENGE_MAX 16384u // bytes of a header; a longer one counts as malformed

enum cb_challenge_scheme { CB_CHALLENGE_OTHER, CB_CHALLENGE_BASIC, CB_CHALLENGE_BEARER };

struct cb_challenge {
    enum cb_challenge_scheme scheme;
    struct cb_str realm, service, scope, error; // p == NULL where absent
};

// Reads one header, which may hold several challenges; how many there were, in order. What is malformed ends the
// reading, and what stood before it counts. Slices live in *a.
size_t cb_challenge_parse(struct cb_arena *a, struct cb_str header, struct cb_challenge out[CB_CHALLENGES]);

#endif
