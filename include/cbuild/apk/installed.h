// The installed database (usr/lib/apk/db/installed): one record a package, of lines "<letter>:<value>", an empty line
// after each.
// Source: the format of apk-tools 2, as the reference's ParseInstalled and AddInstalledPackage read and write it.
#ifndef CB_APK_INSTALLED_H
#define CB_APK_INSTALLED_H

#include "cbuild/apk/package.h"
#include "cbuild/fs/tree.h"

#define CB_APK_INSTALLED "usr/lib/apk/db/installed"
#define CB_INSTALLED_LINE_MAX 65535u     // bytes of a line; the reference silently stops reading at a longer one
#define CB_INSTALLED_SIZE_MAX (1u << 30) // bytes of the database

struct cb_installed_file {
    struct cb_str name; // "usr/bin/x", no leading slash
    bool is_dir;        // owners and modes ("M:", "a:") are checked and dropped, as the reference drops them
};

struct cb_installed_package {
    struct cb_package pkg; // "D:" alone gives one empty dependency, as "p:" and "r:" do. build_time is
                           // CB_TIME_ZERO's sec where there is no "t:".
    struct cb_installed_file *files;
    size_t nfiles;
};

struct cb_installed {
    struct cb_installed_package *v;
    size_t n, cap;
    struct cb_arena arena; // all slices
};

// Reads records; those without a name, and a last one without an empty line after it, are left out as the reference
// leaves them out. CB_E_INPUT naming the line for what it cannot read; CB_E_LIMIT for a line over
// CB_INSTALLED_LINE_MAX.
int cb_installed_parse(struct cb_str text, struct cb_installed *out, struct cb_error *err);

// Reads the tree's database; CB_E_NOT_FOUND where it has none.
int cb_installed_read(struct cb_tree *t, struct cb_installed *out, struct cb_error *err);
void cb_installed_release(struct cb_installed *i);

// The package of that name, NULL where it is not installed.
const struct cb_installed_package *cb_installed_find(const struct cb_installed *i, struct cb_str name);

// The lines of a package's record up to its files, each with its newline, appended to *out. CB_E_INPUT for a field with
// a newline in it (it would make lines, or whole records, of its own) and for a line over CB_INSTALLED_LINE_MAX.
int cb_installed_package_lines(const struct cb_package *p, struct cb_buf *out, struct cb_error *err);

#endif
