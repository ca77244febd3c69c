// Having indexes and packages: from a folder or over http(s), through the cache, verified.
//
// Nothing that is returned from here was taken on trust: an index is parsed only after a key of the ring verified its
// signature (unless signatures are to be ignored), a package is opened only when its control segment has the hash that
// the index promises and its data segment the hash that its .PKGINFO promises, from the cache as from the network.
//
// Sources: apko pkg/apk/apk/index.go, cache.go, package_getter.go, pkg/apk/expandapk.
#ifndef CB_APK_REPOSITORY_H
#define CB_APK_REPOSITORY_H

#include "cbuild/apk/keyring.h"
#include "cbuild/apk/package_file.h"
#include "cbuild/base/pool.h"

struct cb_http;
struct cb_index; // see apk/index.h

// In bytes; 0 means the default in brackets, -1 no limit.
struct cb_size_limits {
    int64_t index;   // inflated APKINDEX.tar.gz [300 MiB]
    int64_t control; // inflated control segment, and signature segment, of a package [10 MiB]
    int64_t data;    // inflated data segment of a package [16 GiB]
    int64_t http;    // body of an http answer [8 GiB]
};

// Everything is borrowed and must outlive the fetcher.
struct cb_fetcher_options {
    struct cb_http *http; // carries proxies, credentials and timeouts
    struct cb_pool *pool;
    const char *cache_dir; // NULL or "": no cache. Need not exist; with `offline` it is never written to
    const char *temp_dir;  // for unnamed files of unpacked data; NULL: the cache's folder where it can be written to,
                           // else $TMPDIR or /tmp
    struct cb_size_limits limits;
    bool offline;           // no socket is opened
    bool ignore_signatures; // of indexes
    bool no_key_discovery;
    unsigned at_once; // downloads at a time; 0: twice the pool's threads, 4 to 16
    // Opened packages that are kept for whoever asks for them next: how many, and bytes of their unpacked data. 0:
    // none.
    size_t keep_packages;
    uint64_t keep_package_bytes;
};

// Safe for use by several threads at once. Remembers, as long as it lives, what it asked servers about (discovered
// keys) and the indexes that it verified, so that every architecture of an image, and every image, sees the same. An
// index is remembered for the very keys that it was verified with.
struct cb_fetcher;
struct cb_fetcher *cb_fetcher_new(const struct cb_fetcher_options *o, struct cb_error *err);
void cb_fetcher_free(struct cb_fetcher *f);

// One repository of a list: "url", "/path", or "@tag url".
struct cb_repository {
    struct cb_str tag; // without the '@'; empty where there is none
    struct cb_str url; // or path; without a trailing arch
};
// CB_E_CONFIG "invalid repository line" where a tag stands alone. Slices of line.
int cb_repository_parse(struct cb_repository *r, struct cb_str line, struct cb_error *err);

struct cb_index_request {
    const struct cb_strs *repositories; // lines, in the order in which the resolver is to see them
    struct cb_str arch;                 // apk's name
    const struct cb_keyring *keys;
    const struct cb_strs *unsigned_repositories; // whose index is not signed (a base image's); may be NULL
};

// The indexes of the repositories, in their order; a local one that does not exist is left out with a warning. They
// belong to the fetcher and live as long as it does.
struct cb_indexes {
    const struct cb_index **v;
    size_t n, cap;
};
void cb_indexes_release(struct cb_indexes *x); // the list only

// Kinds: CB_E_TRUST (no or no good signature), CB_E_LIMIT, CB_E_INPUT, CB_E_NETWORK, CB_E_AUTH, CB_E_NOT_FOUND (a
// remote index), CB_E_IO. The message names the index.
int cb_indexes_fetch(struct cb_fetcher *f, const struct cb_index_request *q, struct cb_indexes *x,
                     struct cb_error *err);

// The package's file: from the cache where it is there and good, else from its url (path, http or https), and then kept
// in the cache. The caller frees it with cb_apk_file_free. Kinds as above; CB_E_TRUST for a wrong hash, with the hashes
// wanted and found and the source in the message.
struct cb_apk_file *cb_package_open(struct cb_fetcher *f, const struct cb_repo_package *p, struct cb_error *err);

// n packages at once, files[i] belonging to packages[i]. They are shared: others may have the same files, which are
// opened and verified once as long as somebody has them (or the fetcher keeps them). On failure none is left open and
// the error is that of the first package in the list that failed.
int cb_packages_open(struct cb_fetcher *f, const struct cb_repo_package *const *packages, size_t n,
                     const struct cb_apk_file **files, struct cb_error *err);
// Gives them back; files[i] may be NULL.
void cb_packages_close(struct cb_fetcher *f, const struct cb_repo_package *const *packages, size_t n,
                       const struct cb_apk_file **files);

#endif
