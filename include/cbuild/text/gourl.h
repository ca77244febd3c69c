// URLs as Go's net/url parses and prints them, as far as apko's output depends on it: repositories in show-config are
// parsed, redacted and printed again, and so is the address of a git remote.
#ifndef CB_TEXT_GOURL_H
#define CB_TEXT_GOURL_H

#include "cbuild/base/arena.h"
#include "cbuild/base/buf.h"
#include "cbuild/base/error.h"

struct cb_gourl {
    struct cb_str scheme;         // lower case; empty: none
    struct cb_str opaque;         // of "scheme:opaque"
    bool has_user, has_password;  // "user:password@"
    struct cb_str user, password; // decoded
    struct cb_str host;           // with its port and, for IPv6, brackets
    struct cb_str path, raw_path; // decoded; as written, where that is not how path would be printed
    bool omit_host, force_query;  // "scheme:/path"; a "?" with nothing after it
    struct cb_str query;          // as written, without "?"
    struct cb_str fragment, raw_fragment;
};

// Parts live in the arena. CB_E_INPUT for what Go's url.Parse refuses; the message never holds the userinfo.
int cb_gourl_parse(struct cb_str raw, struct cb_arena *a, struct cb_gourl *out, struct cb_error *err);

// Appends the URL as Go's URL.String prints it; with redact, the password (if any) is "xxxxx", as URL.Redacted.
void cb_gourl_print(const struct cb_gourl *url, bool redact, struct cb_buf *out);

// raw with its password as "xxxxx", for messages and logs: what cannot be parsed comes back without anything
// before an "@", and what holds no userinfo comes back unchanged, byte for byte.
struct cb_str cb_gourl_safe(struct cb_str raw, struct cb_arena *a);

// Overwrites with "*" whatever stands between "://" and "@" in a text that may hold addresses: what is shown of a file
// in a message must not show passwords.
void cb_gourl_mask(char *text, size_t n);

#endif
