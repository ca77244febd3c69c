// The client's own state, shared by the files of this folder.
#ifndef CB_NET_CLIENT_H
#define CB_NET_CLIENT_H

#include <curl/curl.h>
#include <openssl/x509.h>
#include <pthread.h>

#include "cbuild/net/http.h"
#include "cbuild/net/netrc.h"
#include "cbuild/net/url.h"

// A connection pool of one: libcurl keeps connections inside a handle. What a handle last talked to decides who gets it
// next, so that connections are used again although handles, not connections, are what threads pass on.
struct cb_http_handle {
    CURL *easy;
    char *route; // scheme, host, port, proxy
};

struct cb_http_known { // credentials that the keychain gave
    char *host, *user, *password;
    uint64_t at; // when, of the monotonic clock
};

struct cb_http {
    struct cb_http_env env; // owned copies
    struct cb_http_limits limits;
    struct cb_http_keychain keychain;
    char *user_agent;
    bool offline;

    CURLSH *share; // names and TLS sessions; connections cannot be shared between threads
    pthread_mutex_t share_locks[CURL_LOCK_DATA_LAST];

    pthread_mutex_t lock; // for all below
    struct {
        struct cb_http_handle *v;
        size_t n, cap;
    } idle;
    X509_STORE *roots; // loaded when first needed
    bool netrc_read;
    struct cb_netrc netrc;

    pthread_mutex_t keychain_lock; // a keychain may take its time
    struct {
        struct cb_http_known *v;
        size_t n, cap;
    } known;
};

struct cb_http_handle cb_client_take(struct cb_http *h, const char *route);
void cb_client_give(struct cb_http *h, struct cb_http_handle handle);
X509_STORE *cb_client_roots(struct cb_http *h);

// The Authorization header for a URL from HTTP_AUTH, its user information, netrc or the keychain, in this order; owned,
// NULL where there is none. ambient: false for user information alone.
int cb_client_authorization(struct cb_http *h, const struct cb_url *u, bool ambient, char **out, struct cb_error *err);

uint64_t cb_now_ms(void); // monotonic

#endif
