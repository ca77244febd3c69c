#include "blob_copy.h"

#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cbuild/base/file.h"

#define COPY_CHUNK (1u << 30) // bytes asked of copy_file_range at once

static int send_fd(const struct cb_layer_blob *l, int fd, bool check, struct cb_sink *to, struct cb_error *err)
{
    const struct cb_descriptor *d = &l->descriptor;
    const char *name = l->path ? l->path : d->digest.text;
    struct cb_range_source file = cb_range_source(fd, name, 0, d->size);
    struct cb_digest_source checked;
    int result;

    if (!check)
        return cb_copy(to, &file.source, NULL, err);
    checked = cb_digest_source(&file.source, &d->digest, d->size, name);
    result = cb_copy(to, &checked.source, NULL, err);
    cb_digest_source_release(&checked);
    return result;
}

int cb_blob_send(const struct cb_layer_blob *l, struct cb_sink *to, struct cb_error *err)
{
    CB_FD_AUTO fd = cb_layer_blob_open(l, err);

    return fd < 0 ? -1 : send_fd(l, fd, !l->trusted, to, err);
}

static int discard(struct cb_sink *sink, const void *p, size_t n, struct cb_error *err)
{
    (void)sink;
    (void)p;
    (void)n;
    (void)err;
    return 0;
}

// Whether a file is there and has exactly the descriptor's bytes.
static bool has_bytes(const char *path, const struct cb_descriptor *d)
{
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;
    struct cb_layer_blob there = {.descriptor = *d, .path = path};
    struct cb_sink nowhere = {discard};
    struct stat st;

    if (lstat(path, &st) < 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size != d->size)
        return false;
    return cb_blob_send(&there, &nowhere, &ignored) == 0;
}

// Lets the kernel copy, or share the blocks where the file system can. False where it will not: then nothing was
// written that a plain copy from the start does not overwrite.
static bool copy_in_kernel(int from, int to, uint64_t size)
{
    loff_t at = 0;

    if (ioctl(to, FICLONE, from) == 0)
        return true;
    while ((uint64_t)at < size) {
        uint64_t left = size - (uint64_t)at;
        ssize_t n = copy_file_range(from, &at, to, NULL, left < COPY_CHUNK ? (size_t)left : COPY_CHUNK, 0);
        if (n <= 0)
            return false;
    }
    return true;
}

static int copy_into(const struct cb_layer_blob *l, int to, const char *path, struct cb_error *err)
{
    CB_FD_AUTO from = cb_layer_blob_open(l, err);
    struct cb_fd_sink out = cb_fd_sink(to, path);

    if (from < 0)
        return -1;
    if (l->trusted && copy_in_kernel(from, to, l->descriptor.size))
        return 0;
    if (lseek(to, 0, SEEK_SET) < 0)
        return cb_fail_errno(err, errno, "writing %s", path);
    return send_fd(l, from, !l->trusted, &out.sink, err);
}

int cb_blob_copy(const struct cb_layer_blob *l, const char *path, mode_t mode, struct cb_error *err)
{
    struct cb_atomic f = CB_ATOMIC_INIT;

    if (has_bytes(path, &l->descriptor))
        return 0;
    if (cb_atomic_open(&f, path, mode, err) < 0)
        return -1;
    if (copy_into(l, f.fd, path, err) < 0) {
        cb_atomic_abort(&f);
        return -1;
    }
    return cb_atomic_commit(&f, err);
}
