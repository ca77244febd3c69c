// Makes packages, indexes and signatures for tests, sound ones and others.
#ifndef CB_TESTS_APK_MAKE_H
#define CB_TESTS_APK_MAKE_H

#include "cbuild/crypto/hash.h"
#include "cbuild/fs/tar.h"

struct make_file {
    const char *name, *text; // a name that ends in '/' is a folder; NULL text: a link to `link`
    const char *link;
    const char *checksum; // the record; NULL: the right one; "": none
};

void make_tar(struct cb_buf *out, const struct make_file *files, size_t n, bool closed);
void make_gzip(struct cb_buf *out, struct cb_str plain); // one member

struct make_key; // an RSA key pair
struct make_key *make_key_new(unsigned bits);
void make_key_free(struct make_key *k);
void make_key_pem(const struct make_key *k, struct cb_buf *out);
void make_signature(const struct make_key *k, enum cb_hash_kind hash, struct cb_str text, struct cb_buf *out);

// A segment with one signature of `signed_bytes`, in a file named ".SIGN.<name>".
void make_signature_segment(const struct make_key *k, enum cb_hash_kind hash, const char *name,
                            struct cb_str signed_bytes, struct cb_buf *out);

struct make_package {
    struct cb_buf signature, control, data; // segments
    uint8_t control_sha1[CB_SHA1_SIZE];
};

// From data as it stands in p->data: the control segment that goes with it, with extra lines in .PKGINFO.
void make_control(struct make_package *p, const char *name, const char *extra);
// A package with one file, usr/share/<name>.
void make_package(struct make_package *p, const char *name, const char *text);
void make_package_bytes(const struct make_package *p, struct cb_buf *out);
void make_package_release(struct make_package *p);

// Appends the record of a package to the text of an APKINDEX.
void make_record(struct cb_buf *text, const struct make_package *p, const char *name);
// The archive of an index, not signed.
void make_index(struct cb_buf *out, struct cb_str text);

#endif
