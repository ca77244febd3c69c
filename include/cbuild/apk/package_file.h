// An .apk file, opened and verified: what is in it, without a byte of it unpacked onto the host under its own name.
//
// An .apk is two or three concatenated gzip members: signature (optional), control, data. The control segment holds
// .PKGINFO and scripts; the data segment is a tar of the files (and may itself be several members).
// Source: https://wiki.alpinelinux.org/wiki/Apk_spec; apko pkg/apk/expandapk.
#ifndef CB_APK_PACKAGE_FILE_H
#define CB_APK_PACKAGE_FILE_H

#include "cbuild/apk/package.h"
#include "cbuild/crypto/hash.h"
#include "cbuild/fs/tar.h"

struct cb_apk_entry {            // one member of the data segment
    struct cb_tar_header header; // as read, but for the record of its checksum, which is taken out of pax
    uint64_t data_at;            // where its bytes begin in data_fd
    uint8_t sha1[CB_SHA1_SIZE];  // of a regular file: of its bytes, always; of others: what the record said
    bool has_checksum;           // whether the archive has an APK-TOOLS.checksum.SHA1 record for it
};

// Owns everything it points to. Read-only once made, so that threads may share it.
struct cb_apk_file {
    struct cb_arena arena;
    struct cb_package info;  // from .PKGINFO; `checksum` is the control hash, `size` that of the file
    struct cb_strs triggers; // from .PKGINFO
    struct cb_str control;   // the control segment's tar, inflated
    struct {
        struct cb_apk_entry *v;
        size_t n, cap;
    } entries;   // in the archive's order
    int data_fd; // the data segment's tar, inflated; read with pread only
    // Byte sizes of the segments as they stand in the file, for lock files; signature_size is 0 where there is none.
    uint64_t signature_size, control_size, data_size;
    uint8_t signature_sha1[20]; // of the segments as they stand in the file
    uint8_t control_sha1[20], control_sha256[32], data_sha256[32];
};

void cb_apk_file_free(struct cb_apk_file *f);

// Reads the text of a .PKGINFO into *p and *triggers, whose fields must be empty; slices and lists live in *a. Absent
// fields stay empty. CB_E_INPUT for what the reference cannot read, and for values with a line break or NUL.
int cb_pkginfo_parse(struct cb_str text, struct cb_arena *a, struct cb_package *p, struct cb_strs *triggers,
                     struct cb_error *err);

#endif
