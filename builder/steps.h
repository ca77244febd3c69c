// The steps that turn a tree of installed packages into the image's file system, in the order in which build.c takes
// them. Each changes the tree and nothing else, but for cb_accounts_apply, which also resolves run-as.
//
// Every step fails with CB_E_INPUT where the tree (that is, a package) is malformed, with CB_E_CONFIG where the
// configuration is, and as the tree's own functions do. After a failure the tree is half changed and good for nothing.
#ifndef CB_BUILDER_STEPS_H
#define CB_BUILDER_STEPS_H

#include "cbuild/apk/installed.h"
#include "cbuild/builder/config.h"
#include "cbuild/fs/tree.h"

// etc/group, etc/passwd, etc/shadow and home directories. Also replaces accounts.run_as by the user's number where it
// names an account of the image (the new text lives in *a). Not for builds on a base image.
// Source: apko pkg/build/accounts.go, pkg/passwd. CB_E_INPUT: a malformed line in one of the files, or an id that does
// not fit 32 bits; CB_E_CONFIG: a name, home directory, shell or member with a colon, newline or NUL.
int cb_accounts_apply(struct cb_tree *t, struct cb_image_config *c, struct cb_arena *a, struct cb_error *err);

// The mutations of `paths`, in their order. Source: apko pkg/build/paths.go.
int cb_paths_apply(struct cb_tree *t, const struct cb_image_config *c, struct cb_error *err);

// `certificates`: inline ones become files, and all of them, those of provider packages too, are appended to the CA
// bundles and Java truststores that exist. Source: apko pkg/build/certificates.go.
int cb_certificates_install(struct cb_tree *t, const struct cb_image_config *c, const struct cb_installed *installed,
                            struct cb_time built, struct cb_error *err);

// A ".<name>.sha256" beside each CA bundle and Java truststore, as sha256sum -c reads it.
int cb_bundle_checksums_write(struct cb_tree *t, struct cb_time built, struct cb_error *err);

// contents.runtime_keyring into etc/apk/keys. Source: apko pkg/build/runtime_keyring.go. CB_E_CONFLICT: a key of that
// name is already there.
int cb_runtime_keyring_install(struct cb_tree *t, const struct cb_image_config *c, struct cb_time built,
                               struct cb_error *err);

// sv/<name>/run for each of entrypoint.services. Source: apko pkg/s6. CB_E_CONFIG: a name with ".." as a component.
int cb_services_write(struct cb_tree *t, const struct cb_image_config *c, struct cb_error *err);

// The links to bin/busybox, where that is there. Source: apko pkg/build/busybox.go.
int cb_busybox_link(struct cb_tree *t, const struct cb_installed *installed, struct cb_error *err);

// dev/null and its kind. Source: apko pkg/build/chardevices.go.
int cb_devices_make(struct cb_tree *t, struct cb_error *err);

// etc/ld.so.cache, where there is an etc/ld.so.conf. Source: apko internal/ldso-cache; the format is glibc's
// glibc-ld.so.cache1.1. CB_E_INPUT: a library for a machine that the format has no flags for; CB_E_LIMIT: includes that
// do not end.
int cb_ldso_cache_write(struct cb_tree *t, struct cb_error *err);

#endif
