// The file tree of one architecture without an image around it, for an archive of its own (build-minirootfs,
// build-cpio). Unlike in an image, nothing is locked before: the packages are those that this architecture needs alone,
// and the configuration is stored in the tree as it was given.
// Source: apko internal/cli/build-minirootfs.go, build_cpio.go, pkg/build/build.go (BuildLayer).
#ifndef CB_BUILDER_ROOTFS_H
#define CB_BUILDER_ROOTFS_H

#include "cbuild/builder/build.h"

struct cb_rootfs; // owns the tree and the files of its packages

// arch: the OCI name; the configuration's architectures and the options' do not matter. Errors: those of a build, and
// CB_E_CONFIG for a configuration with layering.
int cb_rootfs_make(const struct cb_build_options *o, struct cb_str arch, struct cb_rootfs **out, struct cb_error *err);
void cb_rootfs_free(struct cb_rootfs *r);
void cb_rootfs_free_p(struct cb_rootfs **r);
#define CB_ROOTFS_AUTO __attribute__((cleanup(cb_rootfs_free_p))) struct cb_rootfs

// As an image's one layer would be, but not compressed: a tar, or an EROFS image where the configuration says so.
int cb_rootfs_write(const struct cb_rootfs *r, struct cb_sink *to, struct cb_error *err);

// As a cpio archive (cb_cpio_write). CB_E_CONFIG for a configuration that says EROFS.
int cb_rootfs_write_cpio(const struct cb_rootfs *r, struct cb_sink *to, struct cb_error *err);

#endif
