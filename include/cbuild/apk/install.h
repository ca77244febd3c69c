// Installing packages into a file tree: base folders and databases, the packages' files with apk's rules on
// overwriting, scripts and triggers, and the record of each package in the installed database.
// Source: the reference's pkg/apk/apk (implementation.go, install.go, installed.go) and pkg/tarfs.
#ifndef CB_APK_INSTALL_H
#define CB_APK_INSTALL_H

#include "cbuild/apk/installed.h"
#include "cbuild/apk/package_file.h"
#include "cbuild/fs/tree.h"

#define CB_APK_WORLD "etc/apk/world"
#define CB_APK_REPOSITORIES "etc/apk/repositories"
#define CB_APK_KEYS "etc/apk/keys"
#define CB_APK_SCRIPTS "usr/lib/apk/db/scripts.tar"
#define CB_APK_TRIGGERS "usr/lib/apk/db/triggers"

// The base folders, database files and devices of an image with no packages. The tree must be new.
int cb_apk_init_db(struct cb_tree *t, struct cb_str arch, struct cb_error *err);

// etc/apk/keys/<name>, a key of the image's keyring; makes the folder where it is missing. name is a file's name: one
// with a slash in it, "." or ".." is CB_E_INPUT. A key of that name is replaced.
int cb_apk_add_key(struct cb_tree *t, struct cb_str name, struct cb_str pem, struct cb_error *err);

// One item a line; world is sorted (a copy), repositories stay in their order and must not be empty. An item with a
// newline in it is CB_E_CONFIG: it would make lines of its own.
int cb_apk_set_world(struct cb_tree *t, const struct cb_strs *world, struct cb_error *err);
int cb_apk_set_repositories(struct cb_tree *t, const struct cb_strs *repositories, struct cb_error *err);

struct cb_install_item {
    struct cb_repo_package pkg;     // only for messages and for the name by which an installed one is recognised
    const struct cb_apk_file *file; // must outlive the tree: contents stream from it
};

struct cb_install_options {
    struct cb_time source_date_epoch; // mtime of scripts in scripts.tar
    const struct cb_strs *conflicts;  // names that must not be installed already (a base image's); NULL for none
};

struct cb_installed_diff {        // what installing one package added to the installed database
    const struct cb_package *pkg; // nodes' owner points to it; lives in the tree
    struct cb_str record;         // lives in the tree
};

struct cb_install_result { // packages that were installed already are not in it
    struct cb_installed_diff *v;
    size_t n, cap;
};

// Installs the packages in the order given, then adds their records to the installed database in that order, then puts
// lib/apk in its place. The tree must have been through cb_apk_init_db. CB_E_CONFLICT where two packages bring
// different files under one name and neither replaces the other; CB_E_INPUT for entries that cannot be installed. After
// a failure the tree is good for nothing but cb_tree_free. cb_vec_release the result.
int cb_install(struct cb_tree *t, const struct cb_install_item *items, size_t n, const struct cb_install_options *o,
               struct cb_install_result *result, struct cb_error *err);

// Adds the record of a base image's package. *pkg and the files are of cb_installed_parse.
int cb_install_base_record(struct cb_tree *t, const struct cb_installed_package *pkg, struct cb_error *err);

#endif
