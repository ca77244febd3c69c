// The netrc file: "machine HOST login USER password SECRET", one default entry, macdefs skipped; double quotes as curl
// reads them.
#ifndef CB_NET_NETRC_H
#define CB_NET_NETRC_H

#include "cbuild/base/arena.h"

#define CB_NETRC_MAX (1u << 20) // bytes of a netrc file

struct cb_netrc_entry {
    const char *machine;          // NULL for the default entry
    const char *login, *password; // NULL where the file has none
};

struct cb_netrc { // lives in one arena
    struct cb_arena arena;
    struct cb_netrc_entry *v;
    size_t n, cap;
};

// Reads what there is; words that belong nowhere end the reading of their entry, as in curl. Never fails.
void cb_netrc_parse(struct cb_netrc *n, struct cb_str text);
void cb_netrc_release(struct cb_netrc *n);

// The entry for a host, or the default entry, or NULL. An entry without a password is none: it must not send the
// password of another (CVE-2024-11053).
const struct cb_netrc_entry *cb_netrc_find(const struct cb_netrc *n, const char *host);

#endif
