// The steps of installing one package, each in a file of its own. Private to apk/.
#ifndef CB_APK_INSTALL_STEPS_H
#define CB_APK_INSTALL_STEPS_H

#include "cbuild/apk/install.h"
#include "cbuild/base/map.h"

struct files_step {
    struct cb_tree *tree;
    struct cb_map owners; // entry names as spelled, of regular files → the struct cb_package that wrote them last
};

// Puts the package's entries into the tree. owner lives in the tree.
int files_install(struct files_step *s, const struct cb_apk_file *file, const struct cb_package *owner,
                  struct cb_error *err);
// The first entry of the data: those before it are control files (".name" without a slash) and not installed.
size_t files_first(const struct cb_apk_file *file);
// Adds the package's record, without the files that another package has overwritten. *record lives in the tree.
int files_record(struct files_step *s, const struct cb_apk_file *file, const struct cb_package *owner,
                 struct cb_str *record, struct cb_error *err);

// Adds the package's scripts to scripts.tar, its triggers to triggers.
int scripts_install(struct cb_tree *t, const struct cb_apk_file *file, const struct cb_package *p,
                    struct cb_time source_date_epoch, struct cb_error *err);
int triggers_install(struct cb_tree *t, const struct cb_apk_file *file, const struct cb_package *p,
                     struct cb_error *err);

// Makes lib/apk lead to usr/lib/apk.
int lib_apk_link(struct cb_tree *t, struct cb_error *err);

#endif
