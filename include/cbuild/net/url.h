// URLs, parsed by libcurl's own parser so that what is checked here is what is connected to (RFC 3986, http and https).
#ifndef CB_NET_URL_H
#define CB_NET_URL_H

#include "cbuild/base/buf.h"

#define CB_URL_MAX 8192u // bytes of a URL

struct cb_url {
    char *scheme;          // "http" or "https"
    char *user, *password; // decoded; NULL where absent
    char *host;            // lower case; an IPv6 address without brackets
    unsigned port;         // the scheme's own where the URL has none
    bool explicit_port;    // whether the URL names its port
    char *path;            // as written, at least "/"
    char *query;           // as written, NULL where absent
};

// CB_E_USAGE for what is not an absolute http(s) URL; the message does not hold the user information.
int cb_url_parse(struct cb_url *u, const char *text, struct cb_error *err);
void cb_url_release(struct cb_url *u);
#define CB_URL_AUTO __attribute__((cleanup(cb_url_release))) struct cb_url

bool cb_url_same_origin(const struct cb_url *a, const struct cb_url *b); // scheme, host and port

// host, or host:port where the URL names a port: Go's url.URL.Host. Owned.
char *cb_url_authority(const struct cb_url *u);

// The URL without user information and fragment, to be requested; owned, NULL where it is malformed.
char *cb_url_bare(const char *text);

// What a reference (a Location header) in a document at `base` means; owned, NULL on failure. Only http(s) results.
char *cb_url_resolve(const char *base, const char *reference, struct cb_error *err);

// For messages and logs: without user information, query and fragment ("?..." marks that there was a query). Takes any
// text, also one that is no URL. Owned.
char *cb_url_redact(const char *text);

// Appends s percent-encoded for use as a query value: only letters, digits, and -_.~ stay as they are.
void cb_url_escape(struct cb_buf *b, struct cb_str s);

// Whether a host is one of this machine: localhost, *.localhost, 127.0.0.0/8, ::1.
bool cb_host_is_loopback(const char *host);
// Whether a host is the literal address of a link-local network (169.254.0.0/16 with its metadata services, fe80::/10).
bool cb_host_is_link_local(const char *host);
// Whether a host is the literal address of a private network: RFC 1918, fc00::/7.
bool cb_host_is_private(const char *host);
// 0.0.0.0 or ::, which connect to this machine.
bool cb_host_is_unspecified(const char *host);

#endif
