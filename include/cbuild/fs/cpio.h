// A file tree as a cpio archive in the "newc" format, as the kernel unpacks it for an initramfs.
//
// As the reference writes it (u-root's cpio): "." first, with mode 0777; then the tree's entries in the order of a
// walk. Inode numbers, owners, link counts and times are 0; hard links are files of their own; xattrs are left out.
// Source: apko pkg/cpio; the format: Linux, Documentation/driver-api/early-userspace/buffer-format.rst.
#ifndef CB_FS_CPIO_H
#define CB_FS_CPIO_H

#include "cbuild/fs/tree.h"

// CB_E_LIMIT: a file of 4 GiB or more, which the format has no field for. CB_E_INPUT: a file named "TRAILER!!!", which
// would end the archive for its readers; a node that is no file, folder, symlink or character device.
int cb_cpio_write(struct cb_tree *t, struct cb_sink *to, struct cb_error *err);

#endif
