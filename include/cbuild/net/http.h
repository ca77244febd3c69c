// HTTP/1.1 and HTTP/2 by libcurl: one blocking call a request, from as many threads as one likes, over a pool of
// connections that the client keeps. What libcurl leaves to taste is settled here:
//
//   - TLS is always verified, against the roots that Go would use (SSL_CERT_FILE, SSL_CERT_DIR, else the system's).
//   - Redirects are followed here, not by libcurl: credentials are derived anew for each hop, an Authorization header
//     never reaches another scheme, host or port, and a request with credentials never goes from https to http.
//   - Failures that may pass (no connection, a cut body, 408, 429, 5xx) are tried again with growing pauses; a cut
//     download goes on where it stopped when the server agrees that the file is still the same.
//   - Every size and every time has a limit. A server that stops, or sends a byte a second, ends as an error within
//     about a minute (cb_http_limits).
//   - Bodies are never decoded: what is written to the sink is what the server stored. No Accept-Encoding is sent.
//   - No text from here holds a secret: URLs appear without user information and query (cb_url_redact).
#ifndef CB_NET_HTTP_H
#define CB_NET_HTTP_H

#include <stdatomic.h>

#include "cbuild/base/stream.h"

// Whose credentials go with a request, first match: `authorization` of the request; HTTP_AUTH where it names the host;
// user information in the URL; netrc; the keychain.

struct cb_http; // a client; safe for use by several threads at once

// What the environment says; cli/ fills it in. Any may be NULL or "". Copied by cb_http_new.
struct cb_http_env {
    const char *http_proxy;    // HTTP_PROXY or http_proxy, and so on; semantics of Go's httpproxy, which also means
    const char *https_proxy;   // that localhost and loopback addresses are never reached through a proxy
    const char *all_proxy;     // where neither of the above is set for the scheme
    const char *no_proxy;      //
    const char *ssl_cert_file; // SSL_CERT_FILE: instead of the system's bundle
    const char *ssl_cert_dir;  // SSL_CERT_DIR: folders separated by ':', instead of the system's folder
    const char *http_auth;     // HTTP_AUTH, "basic:HOST:USER:PASSWORD" (no colons within)
    const char *netrc;         // path of a netrc file (NETRC, or ~/.netrc); an absent file is no error
};

// Times in milliseconds, sizes in bytes; 0 means the default in brackets.
struct cb_http_limits {
    unsigned connect_ms;   // to a connection with TLS [15 s]
    unsigned answer_ms;    // from the request's last byte to the end of the answer's headers [60 s]
    unsigned stall_ms;     // a body slower than stall_bytes in this time is given up [20 s]; time in a sink not counted
    unsigned stall_bytes;  // [4096]
    unsigned retry_ms;     // no new attempt once nothing useful has happened for this long [40 s]
    unsigned retries;      // attempts after the first without progress in between [8]
    unsigned pause_ms;     // before the second attempt, doubled for each further one [200 ms]
    unsigned pause_max_ms; // cap on a pause, and on what Retry-After may ask for [10 s]
    unsigned redirects;    // [10]
    unsigned header_bytes; // of one answer, all header lines together [256 KiB]
};

// Credentials for apk repositories from elsewhere than the environment (apk/chainguard.h), asked last, for https and
// this machine only, and again for an origin after ten minutes. *user and *password are the caller's to free, both NULL
// where there are none. Called by one thread at a time; requests of its own through h must have no_ambient_auth.
struct cb_http_keychain {
    int (*lookup)(void *ctx, struct cb_http *h, const char *host, char **user, char **password, struct cb_error *err);
    void *ctx;
};

struct cb_http_options {
    struct cb_http_env env;
    struct cb_http_keychain keychain;
    struct cb_http_limits limits;
    const char *user_agent; // NULL: "cbuild"
    bool offline;           // every request fails before a socket is opened, CB_E_NETWORK (unix sockets excepted)
};

// Never fails; what is wrong with a proxy's URL or a certificate file is told by the first request that needs it.
struct cb_http *cb_http_new(const struct cb_http_options *options);
void cb_http_free(struct cb_http *h); // no request may be running

struct cb_http_header {
    const char *name, *value; // a line break in either is CB_E_USAGE; a repeated name makes a repeated header
};

enum cb_http_body_kind { CB_BODY_NONE, CB_BODY_MEMORY, CB_BODY_FILE, CB_BODY_SOURCE };

struct cb_http_body {
    enum cb_http_body_kind kind;
    struct cb_str memory;     // borrowed
    int fd;                   // read by pread: many requests may share it
    uint64_t offset, length;  // of the file
    struct cb_source *source; // of unknown length, sent chunked; read once, so such a request is never tried again
};

#define CB_HTTP_NO_LIMIT UINT64_MAX

struct cb_http_request {
    const char *method; // NULL: "GET"
    const char *url;    // http or https; user information in it is sent as Basic credentials
    const struct cb_http_header *headers;
    size_t nheaders;
    const char *authorization; // value of the Authorization header for the URL's origin and no other; NULL: none
    bool no_ambient_auth;      // HTTP_AUTH and netrc are not for this request (registries have their own keychain)
    struct cb_http_body body;

    struct cb_sink *sink; // takes the body of a 2xx answer; NULL: it is kept as the answer's `text` (limit max_body)
    // Called before the body begins anew, because it was cut and the server cannot or will not go on where it stopped:
    // forget what the sink was given. Where it is NULL the bytes already given are skipped instead, and the request
    // fails if the file is known to have changed in between (ETag, Last-Modified or length).
    int (*restart)(void *ctx, struct cb_error *err);
    void *ctx;         // for restart, sent and received
    uint64_t max_body; // more is CB_E_LIMIT; 0: 16 MiB; CB_HTTP_NO_LIMIT where the sink has its own limit

    void (*sent)(void *ctx, int64_t bytes);     // may be NULL: progress, negative when an attempt is taken back
    void (*received)(void *ctx, int64_t bytes); // may be NULL: the same for the body that comes in
    const atomic_bool *cancel; // may be NULL: when it becomes true the request fails soon, CB_E_NETWORK "cancelled"

    const char *unix_socket; // path: connect there whatever the URL's host; no proxy
    unsigned answer_ms;      // instead of the client's, where a server may take long (0: the client's)
    unsigned stall_ms;       // the same for bodies
    bool once;               // no retries (redirects are followed all the same)
    bool keep_redirect;      // a redirect is an answer like any other
};

// An answer. Zero-initialise; cb_http_answer_release when done, after failures too.
struct cb_http_answer {
    int status;                     // of the final answer, 200..599
    char *url;                      // owned: where it came from, after redirects, without user information
    struct cb_http_header *headers; // owned, names in lower case, in the order received
    size_t nheaders;
    struct cb_buf text; // the body where it did not go to the sink; of an answer >= 300 at most its first 64 KiB
    uint64_t length;    // bytes of the complete body that went to the sink or the text
    unsigned attempts;  // how many it took
    bool authorized;    // whether an Authorization header went to the final origin
};
void cb_http_answer_release(struct cb_http_answer *a);
#define CB_HTTP_ANSWER_AUTO __attribute__((cleanup(cb_http_answer_release))) struct cb_http_answer

// The first header of that name (any case), or NULL.
const char *cb_http_header(const struct cb_http_answer *a, const char *name);

// Sends, follows redirects, tries again, and streams the body. 0 with *a filled for *every* status that is an answer,
// 404 and 503 too (the latter after the retries are used up); -1 where there was none:
//   CB_E_NETWORK  no connection, bad TLS, cut, stalled, too many or forbidden redirects, offline, a malformed answer
//                 (206 or 304 that was not asked for, headers above their limit); the message names the URL
//   CB_E_LIMIT    a body above max_body
//   CB_E_USAGE    a malformed URL, another scheme than http(s), a header with a line break
//   and what the sink, the source or restart failed with, unchanged.
int cb_http_send(struct cb_http *h, const struct cb_http_request *q, struct cb_http_answer *a, struct cb_error *err);

// Fails unless the status is 2xx: CB_E_AUTH for 401, 403 and 407, CB_E_NOT_FOUND for 404 and 410, else CB_E_NETWORK.
// The message names method, URL and status; the detail holds the first 512 bytes of the answer's text.
int cb_http_check(const struct cb_http_request *q, const struct cb_http_answer *a, struct cb_error *err);

// cb_http_send and cb_http_check in one.
int cb_http_fetch(struct cb_http *h, const struct cb_http_request *q, struct cb_http_answer *a, struct cb_error *err);

bool cb_http_is_offline(const struct cb_http *h);

// The pauses and the patience of cb_http_send, for operations of several requests that must begin anew as a whole.
struct cb_http_retry {
    unsigned attempts; // that have failed since there was progress
    uint64_t since;    // of the monotonic clock, milliseconds: start, or the last progress
};
struct cb_http_retry cb_http_retry(void);
void cb_http_progress(struct cb_http_retry *r); // something useful has happened: patience starts anew
// Whether a body of `total` bytes (0: unknown) that had `before` and has `now` got on far enough for that.
bool cb_http_is_progress(uint64_t before, uint64_t now, uint64_t total);
// Whether an answer (its status) or the absence of one (NULL) may be different next time.
bool cb_http_may_pass(const struct cb_http_answer *a);
// Waits and returns true, or returns false where retries or time are used up (or *cancel, may be NULL, is set).
// Retry-After of the answer, where there is one, lengthens the pause up to pause_max_ms.
bool cb_http_again(const struct cb_http *h, struct cb_http_retry *r, const struct cb_http_answer *a,
                   const atomic_bool *cancel);

#endif
