// A repository's index: the records of an APKINDEX, kept compactly.
//
// A record is lines of "<letter>:<value>", ended by an empty line. Source: apko pkg/apk/apk/apkindex.go
// (ParsePackageIndex), whose verdicts these are: a last record without an empty line after it is dropped (here with a
// warning); a record without a name is dropped; of a field given twice the last counts; unknown letters are ignored; a
// line that is not "<letter>:..." or a malformed number or checksum makes the whole index malformed.
//
// The index keeps what resolving, fetching and drawing need, each distinct value about once. License, maintainer, URL
// and commit are not kept: images take them from the package files.
#ifndef CB_APK_INDEX_H
#define CB_APK_INDEX_H

#include "cbuild/apk/package.h"
#include "cbuild/base/stream.h"

#define CB_INDEX_LINE_MAX 1048575u      // bytes of a line without its line break: the reference's limit
#define CB_INDEX_KEPT_MAX (1024u << 20) // bytes that an index may occupy
#define CB_INDEX_RECORDS_MAX 4000000u   // the largest distributions have some hundred thousand
#define CB_INDEX_PROVIDES_MAX 32000000u // of all records together

struct cb_index_origin {
    struct cb_str base; // "<repository>/<arch>", so that <base>/APKINDEX.tar.gz is the index; no slash at the end
    struct cb_str tag;  // of a tagged repository ("@edge https://..."), without the '@'; empty for others
    struct cb_str arch; // apk's name: "x86_64"
};

struct cb_index;

// Reads the text of the APKINDEX member (already verified and unpacked) to its end. *origin is copied.
// Errors: CB_E_INPUT a malformed line, with its number; CB_E_LIMIT a line or an index too large; the source's own.
// When it fails, *out is not set.
int cb_index_parse(struct cb_source *text, const struct cb_index_origin *origin, struct cb_index **out,
                   struct cb_error *err);
void cb_index_free(struct cb_index *x);

size_t cb_index_count(const struct cb_index *x);
const struct cb_index_origin *cb_index_origin(const struct cb_index *x);

// Record i as a package. Slices borrow from the index or live in *a; so do the lists, which need no release.
void cb_index_package(const struct cb_index *x, size_t i, struct cb_arena *a, struct cb_package *out);

// "<base>/<name>-<version>.apk", in *a.
struct cb_str cb_index_package_url(const struct cb_index *x, const struct cb_package *p, struct cb_arena *a);

#endif
