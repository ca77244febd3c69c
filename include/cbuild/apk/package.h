// A package as an index record or a .PKGINFO describes it.
// Source: the APKINDEX and .PKGINFO formats of apk-tools 2, as the reference reads them.
#ifndef CB_APK_PACKAGE_H
#define CB_APK_PACKAGE_H

#include "cbuild/base/arena.h"
#include "cbuild/base/str.h"

struct cb_index;

// All slices live in the arena of whatever made the record (index, lock, installed database). The lists' arrays do too:
// they are not released one by one. From an index, license, maintainer, url, commit and replaces are empty.
struct cb_package {
    struct cb_str name, version, arch, description, license, origin, maintainer, url, commit;
    struct cb_str
        checksum; // raw SHA-1 of the control segment, from "C:Q1..."; empty where absent, any length where forged
    struct cb_strs depends, provides, install_if, replaces;
    uint64_t size;           // of the package file, bytes
    uint64_t installed_size; // bytes
    int64_t build_time;      // seconds since 1970
    uint64_t provider_priority;
    struct cb_str replaces_priority;
    struct cb_str data_hash; // hex SHA-256 of the data segment; from .PKGINFO only
};

// A package that can be had: its record, and where from.
struct cb_repo_package {
    const struct cb_package *pkg;
    const struct cb_index *index; // the index it stands in (see apk/index.h), NULL when from a lock
    struct cb_str url;            // of the package file: repository/arch/name-version.apk, or a local path
};

#endif
