// What the parts of fetching share; private to apk/.
#ifndef CB_APK_FETCHER_H
#define CB_APK_FETCHER_H

#include "cbuild/apk/cache.h"
#include "cbuild/apk/repository.h"
#include "cbuild/base/share.h"
#include "cbuild/net/http.h"

#define CB_JSON_ANSWER_MAX (16u << 20)    // releases.json, apk-configuration, JWKS
#define CB_INDEX_SIGNATURE_MAX (1u << 20) // inflated signature member of an index; one signature has below 2 KiB
#define CB_NO_LIMIT UINT64_MAX

struct cb_once; // results of requests that are made once

struct cb_fetcher {
    struct cb_fetcher_options o;
    struct cb_cache *cache; // NULL: none
    struct {
        uint64_t index, control, data, http; // CB_NO_LIMIT: none
    } limits;
    unsigned at_once;
    char *temp_in_cache, *temp_elsewhere; // what messages call temporary files
    struct cb_once *once;
    struct cb_share *indexes, *packages;
};

// Runs make for key unless an earlier call did so successfully, and gives the bytes it made; they live as long as the
// fetcher. Callers that come while it runs wait for it. A failure is not remembered.
typedef int cb_once_fn(struct cb_fetcher *f, const char *arg, struct cb_buf *out, struct cb_error *err);
int cb_fetch_once(struct cb_fetcher *f, const char *key, cb_once_fn *make, const char *arg, struct cb_str *out,
                  struct cb_error *err);

// A file that was had from a URL through the part of the cache that goes by ETags: a copy of our own, so that nobody
// changes it between check and use.
struct cb_fetched {
    int fd;
    uint64_t size;
    char *entry; // of the cache where it came from; NULL where it came from the network
};
#define CB_FETCHED_INIT                                                                                                \
    {                                                                                                                  \
        -1, 0, 0                                                                                                       \
    }
void cb_fetched_release(struct cb_fetched *g);
#define CB_FETCHED_AUTO __attribute__((cleanup(cb_fetched_release))) struct cb_fetched

// With `anew` the cache is not asked, only filled. limit is of the file in bytes.
int cb_fetch_url(struct cb_fetcher *f, const char *url, bool anew, uint64_t limit, struct cb_fetched *out,
                 struct cb_error *err);

// The same into memory, once.
int cb_fetch_small(struct cb_fetcher *f, const char *url, struct cb_str *out, struct cb_error *err);

// Copies a descriptor's first size bytes, read from its start, into a file of our own.
int cb_fetch_copy(struct cb_fetcher *f, int from, const char *name, uint64_t size, struct cb_fetched *out,
                  struct cb_error *err);

// An unnamed file: its descriptor, or -1. *name tells messages in which folder it is; it lives as long as the fetcher.
int cb_fetcher_temp(struct cb_fetcher *f, const char **name, struct cb_error *err);

bool cb_is_remote(struct cb_str url); // begins with http:// or https://

// Keys that the repository's server offers, as text: for each its name, a line break, its PEM.
int cb_keys_discover(struct cb_fetcher *f, const char *repository, struct cb_buf *out, struct cb_error *err);
int cb_keys_parse(struct cb_str text, struct cb_keyring *k, struct cb_error *err);
// The keys of the repository's Alpine release into *k; nothing where it is not Alpine's.
int cb_keys_alpine(struct cb_fetcher *f, const char *repository, const struct cb_keyring_request *q,
                   struct cb_keyring *k, struct cb_error *err);
bool cb_key_name_is_safe(struct cb_str name);

// What fetcher->indexes and fetcher->packages hold.
extern const struct cb_share_kind cb_index_kind, cb_package_kind;

// Whether one of the keys signed the index in fd (size bytes): 0, or CB_E_TRUST, CB_E_INPUT, CB_E_LIMIT, CB_E_IO.
int cb_index_verify(int fd, uint64_t size, const struct cb_keyring *keys, struct cb_error *err);

#endif
