// The cache of indexes, keys and packages on disk, laid out as the reference lays it out, so that either program uses
// what the other left:
//
//   ROOT/<escaped URL up to the last two parts of its path>/<last but one>/
//     APKINDEX/<base32 of its ETag>.tar.gz
//     NAME.rsa.pub/<base32 of its ETag>.etag        keys, by URL
//     <base32 of its ETag>.etag                     anything else that has an ETag (Alpine's releases.json)
//     NAME-VERSION/<control SHA-1>.sig.tar.gz       the segments of a package as they stand in its file
//     NAME-VERSION/<control SHA-1>.ctl.tar.gz
//     NAME-VERSION/<data SHA-256>.dat.tar.gz
//     NAME-VERSION/<data SHA-256>.dat.tar           inflated; the reference's, neither written nor believed here
//     NAME-VERSION.apk                              a whole package, where somebody put one there
//   ROOT/cbuild-keys/<escaped repository URL>.pem   keys found by discovery, for builds offline (ours alone)
//
// The reference's entries are symlinks to files of temporary names beside them; ours are files. Entries are opened
// below ROOT and nowhere else (a link that leads out of it is refused), must be regular files, and are believed in
// nothing: whoever reads one checks it. They appear complete or not at all, whoever else writes at the same time.
#ifndef CB_APK_CACHE_H
#define CB_APK_CACHE_H

#include "cbuild/base/file.h"

struct cb_cache; // safe for use by several threads at once

// A cache in folder dir, made on the first write. read_only: nothing is ever written or dropped.
struct cb_cache *cb_cache_new(const char *dir, bool read_only);
void cb_cache_free(struct cb_cache *c);
bool cb_cache_is_read_only(const struct cb_cache *c);

// Where the reference keeps the file of a URL, below ROOT: "https%3A%2F%2Fhost%2Fos/x86_64/APKINDEX.tar.gz". NULL and
// CB_E_INPUT for a URL that names no file or one that is no file name. Owned.
char *cb_cache_path(const char *url, struct cb_error *err);

// Where keys discovered for a repository are remembered; NULL where its URL is too long for a file name. Owned.
char *cb_cache_keys_path(const char *repository);

// The folder and the file name under which a body with that ETag header is kept; false where there is no usable ETag.
bool cb_cache_etag_path(const char *path, const char *etag, struct cb_buf *out);

// Opens an entry for reading: a descriptor and its size, or -1 with CB_E_NOT_FOUND where there is none, or CB_E_TRUST
// for what should not be there (a FIFO, a folder, a link out of the cache), which is dropped unless read-only.
int cb_cache_open(struct cb_cache *c, const char *path, uint64_t *size, struct cb_error *err);

// The newest entry for path among those with ETags, as the reference picks one when offline. As cb_cache_open.
int cb_cache_open_newest(struct cb_cache *c, const char *path, uint64_t *size, struct cb_error *err);

void cb_cache_drop(struct cb_cache *c, const char *path); // removes an entry that turned out bad; failure is ignored

// A file on its way into the cache. fd is -1 where the cache is read-only or cannot be written to: then the steps below
// do nothing, and that it is so is logged once.
struct cb_cache_file {
    int fd;
    char *temp; // below ROOT; NULL where the file has no name yet
};
#define CB_CACHE_FILE_INIT                                                                                             \
    {                                                                                                                  \
        -1, 0                                                                                                          \
    }
void cb_cache_create(struct cb_cache *c, struct cb_cache_file *f);
int cb_cache_commit(struct cb_cache *c, struct cb_cache_file *f, const char *path, struct cb_error *err); // closes
void cb_cache_abort(struct cb_cache *c, struct cb_cache_file *f); // closes; nothing where already closed

#endif
