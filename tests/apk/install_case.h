// Packages made from the text of a case, without an archive: as cb_package_open would give them.
#ifndef CB_TESTS_APK_INSTALL_CASE_H
#define CB_TESTS_APK_INSTALL_CASE_H

#include "cbuild/apk/install.h"

struct made_package {
    struct cb_apk_file file;
    struct cb_buf data, control; // file's bytes until made_finish
};

struct made_packages {
    struct made_package **v;
    size_t n, cap;
};

// A package with that name, version 1, origin as given and nothing in it.
struct made_package *made_new(struct made_packages *all, struct cb_str name, struct cb_str origin);
// Adds an entry with the contents or symlink target as its checksum says.
struct cb_apk_entry *made_entry(struct made_package *p, uint8_t type, const char *name, const char *text);
void made_script(struct made_package *p, struct cb_str name, int64_t mode, struct cb_str text, uint8_t format);
void made_finish(struct made_package *p); // nothing can be added afterwards
void made_release(struct made_packages *all);

// Installs them, in order, into a fresh tree with the key and files that the cases count on.
struct cb_tree *made_tree(void);
int made_install(struct cb_tree *t, const struct made_packages *all, struct cb_install_result *result,
                 struct cb_error *err);

#endif
