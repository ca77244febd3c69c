// The parts of `cbuild erofs`.
#ifndef CB_CLI_EROFS_H
#define CB_CLI_EROFS_H

#include "cbuild/base/arena.h"
#include "cbuild/builder/erofs.h"

// Lists everything in the layers, one line each, on stdout: mode, owner, size, time, path.
int cb_erofs_ls(const struct cb_erofs_layers *l, struct cb_error *err);

struct cb_erofs_mount_options {
    const char *source; // as the user named it, for the record
    const char *mode;   // "auto", "kernel" or "fuse"
    bool writable;
};

// Mounts an image file at dest, or the layers of an image below it. What was mounted is undone where a step fails.
int cb_erofs_mount(const struct cb_erofs_layers *l, const char *dest, const struct cb_erofs_mount_options *o,
                   struct cb_error *err);
int cb_erofs_umount(const char *dest, struct cb_error *err);

// --- How to mount (erofs_driver.c)

// -1 with what is missing, where this machine or this user cannot mount in that mode.
int cb_erofs_check_mode(bool fuse, struct cb_error *err);
int cb_erofs_mount_layer(bool fuse, const struct cb_erofs_layer *l, const char *at, struct cb_error *err);
// lowers: from the top down. upper, work: NULL for a read-only view.
int cb_erofs_mount_overlay(bool fuse, const struct cb_strs *lowers, const char *upper, const char *work, const char *at,
                           struct cb_error *err);
int cb_erofs_unmount(bool fuse, const char *at, struct cb_error *err);

// --- The record of a mount (erofs_state.c), DEST/.apko-erofs-mount.json: the reference's, so that either program
// unmounts what the other mounted.

struct cb_erofs_state {
    const char *source, *dest; // borrowed; dest is absolute
    bool fuse, writable;
    struct cb_strs mounts; // in the order of unmounting
};

// Makes the record as an empty file, so that of two mounts at one place only one goes on.
int cb_erofs_state_claim(const char *dest, struct cb_error *err);
int cb_erofs_state_write(const struct cb_erofs_state *s, struct cb_error *err);
// 1, or 0 where there is no record. Paths in it are those that mounting makes, or it is refused: whoever may write in
// dest could otherwise have root unmount anything.
int cb_erofs_state_read(const char *dest, struct cb_arena *a, struct cb_erofs_state *out, struct cb_error *err);
int cb_erofs_state_remove(const char *dest, struct cb_error *err);

#endif
