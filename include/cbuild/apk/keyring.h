// The keys that indexes are verified with, which are also the files in the image's etc/apk/keys.
//
// Where they come from, in this order, later ones of the same name in the place of earlier ones (as the reference
// does):
//   1. for each build repository, in the order given: the keys of its Alpine release, then the keys its server offers
//      (apk-configuration and JWKS, "key discovery");
//   2. the files and URLs of the configuration's keyring and of -k, sorted.
//
// Sources: apko pkg/apk/apk/implementation.go (InitDB, InitKeyring, DiscoverKeys), releases.go; RFC 7517.
#ifndef CB_APK_KEYRING_H
#define CB_APK_KEYRING_H

#include "cbuild/base/arena.h"

#define CB_KEY_FILE_MAX (1u << 20) // bytes of one key file; apk's are below 1 KiB
#define CB_KEYRING_MAX 1000u       // keys in a ring, and in one answer of a server

struct cb_keyring_key {
    struct cb_str name;   // of the file; no slash in it, not "." or ".."
    struct cb_str bytes;  // of the file, whatever they are
    struct cb_str origin; // for messages: the file or URL, "discovered at ..."
};

// Zero-initialise to start. Sorted by name, each name once. Owns what it points to.
struct cb_keyring {
    struct cb_arena arena;
    struct cb_keyring_key *v;
    size_t n, cap;
};

// Copies; replaces.
void cb_keyring_put(struct cb_keyring *k, struct cb_str name, struct cb_str bytes, struct cb_str origin);
const struct cb_keyring_key *cb_keyring_get(const struct cb_keyring *k, struct cb_str name); // NULL where absent
void cb_keyring_release(struct cb_keyring *k);
#define CB_KEYRING_AUTO __attribute__((cleanup(cb_keyring_release))) struct cb_keyring

struct cb_fetcher;

struct cb_keyring_request {
    const struct cb_strs *repositories; // build repositories as they stand in the configuration, sorted; "@tag url" and
                                        // local ones are not asked for keys
    const struct cb_strs *files;        // paths and http(s) URLs, sorted
    struct cb_str arch;                 // apk's name: "x86_64"
    int64_t now;                        // seconds since 1970: Alpine keys deprecated by then are left out
};

// Fills *k, which must be empty. With the fetcher's no_key_discovery only the files are read. Each key found by
// discovery is logged. A server without discovery (404) is no error; nor is one whose answer cannot be had or is
// refused (foreign or insecure jwks_uri, a key that is not RSA, a kid that is no file name): that is logged as a
// warning and none of its keys are taken. Offline, discovered keys are those that earlier builds left in the cache.
//
// Fails where a file or URL of the keyring, or the keys of an Alpine release, cannot be had: CB_E_NOT_FOUND, CB_E_IO,
// CB_E_NETWORK, CB_E_LIMIT, CB_E_INPUT.
int cb_keyring_load(struct cb_fetcher *f, const struct cb_keyring_request *q, struct cb_keyring *k,
                    struct cb_error *err);

// The keys that the server of one repository offers, into *k; none where it offers none (404) or the repository is not
// remote. Here, an answer that cannot be had or is refused is an error.
int cb_keyring_discover(struct cb_fetcher *f, struct cb_str repository, struct cb_keyring *k, struct cb_error *err);

#endif
