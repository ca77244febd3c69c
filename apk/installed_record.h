// One package's record in the installed database. Private to apk/.
#ifndef CB_APK_INSTALLED_RECORD_H
#define CB_APK_INSTALLED_RECORD_H

#include "cbuild/apk/installed.h"

struct record_file {
    struct cb_str name; // as the package spells it; folders with or without a slash at the end
    bool is_dir;
    int64_t mode, uid, gid;
    struct cb_str checksum; // raw; empty where the package has none for it
};

// The whole record with its empty line, appended to *out. files are the package's in its own order; they are sorted,
// and those whose folder is missing among them are left out. CB_E_INPUT as cb_installed_package_lines, also for a
// file's name with a newline in it and for a top-level folder that is not 0:0 0755: the format cannot say so.
int record_write(const struct cb_package *p, const struct record_file *files, size_t n, struct cb_buf *out,
                 struct cb_error *err);

#endif
