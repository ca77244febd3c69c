// Mounting an image: DEST/layers/00, 01, ... the layers, DEST/merged what they show together; a single layer that is
// not written to is mounted at DEST/merged itself. With --rw, DEST/upper gets what is written and stays afterwards.
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cbuild/base/file.h"
#include "cbuild/base/log.h"
#include "environment.h"
#include "erofs.h"

static char *absolute(const char *path, struct cb_error *err)
{
    CB_AUTOFREE char *cwd = path[0] == '/' ? cb_strdup("") : cb_work_dir();
    if (!cwd) {
        cb_fail_errno(err, errno, "finding the working folder");
        return NULL;
    }
    CB_AUTOFREE char *joined = cb_path_join(cwd, path);
    return cb_path_clean(cb_str(joined));
}

// A folder that is no symlink: what is mounted must be found again under the same path.
static int make_folder(const char *path, struct cb_error *err)
{
    struct stat st;
    if (cb_mkdirs(path, err))
        return -1;
    if (lstat(path, &st))
        return cb_fail_errno(err, errno, "%s", path);
    return S_ISDIR(st.st_mode) ? 0 : cb_fail(err, CB_E_CONFLICT, "%s is not a folder", path);
}

static int check_upper(const char *path, struct cb_error *err)
{
    DIR *d = opendir(path);
    size_t n = 0;
    if (!d)
        return errno == ENOENT ? 0 : cb_fail_errno(err, errno, "%s", path);
    while (readdir(d))
        n++;
    closedir(d);
    if (n <= 2)
        return 0;
    cb_fail(err, CB_E_CONFLICT, "%s is not empty: it has what was written through an earlier mount", path);
    return cb_hint(err, "move it away or remove it first");
}

// --- Mounting

struct mounting {
    const struct cb_erofs_layers *layers;
    const struct cb_erofs_mount_options *options;
    struct cb_erofs_state state;
    struct cb_arena arena;
};

static const char *below(struct mounting *m, const char *name)
{
    return cb_arena_format(&m->arena, "%s/%s", m->state.dest, name).p;
}

// What is mounted last is unmounted first.
static void record(struct mounting *m, const char *at)
{
    struct cb_strs *mounts = &m->state.mounts;
    cb_strs_add(mounts, cb_str(at));
    memmove(mounts->v + 1, mounts->v, (mounts->n - 1) * sizeof *mounts->v);
    mounts->v[0] = cb_str(at);
    cb_log(CB_INFO, "mounted %s", at);
}

static int mount_one(struct mounting *m, size_t layer, const char *at, struct cb_error *err)
{
    if (make_folder(at, err) || cb_erofs_mount_layer(m->state.fuse, &m->layers->v[layer], at, err))
        return cb_context(err, "layer %zu", layer);
    record(m, at);
    return 0;
}

static int mount_merged(struct mounting *m, struct cb_error *err)
{
    const char *merged = below(m, "merged"), *upper = below(m, "upper"), *work = below(m, "work");
    bool writable = m->state.writable;
    struct cb_strs lowers = {0};
    for (size_t i = 0; i < m->state.mounts.n; i++)
        cb_strs_add(&lowers, m->state.mounts.v[i]); // the uppermost layer was mounted last, so it comes first
    int failed = make_folder(merged, err) || (writable && (make_folder(upper, err) || make_folder(work, err))) ||
                 cb_erofs_mount_overlay(m->state.fuse, &lowers, writable ? upper : NULL, work, merged, err);
    cb_strs_release(&lowers);
    if (failed)
        return -1;
    record(m, merged);
    return 0;
}

static int mount_image(struct mounting *m, struct cb_error *err)
{
    char name[32];
    if (!m->state.writable && m->layers->n == 1)
        return mount_one(m, 0, below(m, "merged"), err) ? -1 : cb_erofs_state_write(&m->state, err);
    if (m->state.writable && check_upper(below(m, "upper"), err))
        return -1;
    if (make_folder(below(m, "layers"), err))
        return -1;
    for (size_t i = 0; i < m->layers->n; i++) {
        snprintf(name, sizeof name, "layers/%02zu", i);
        if (mount_one(m, i, below(m, name), err))
            return -1;
    }
    return mount_merged(m, err) ? -1 : cb_erofs_state_write(&m->state, err);
}

static void undo(const struct mounting *m)
{
    for (size_t i = 0; i < m->state.mounts.n; i++) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        if (cb_erofs_unmount(m->state.fuse, m->state.mounts.v[i].p, &err))
            cb_log(CB_WARN, "%s", err.message);
    }
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    if (cb_erofs_state_remove(m->state.dest, &err))
        cb_log(CB_WARN, "%s", err.message);
}

static int mount_at(struct mounting *m, struct cb_error *err)
{
    if (make_folder(m->state.dest, err))
        return -1;
    if (!m->layers->is_image) // no record: there is no folder around it to put one in
        return cb_erofs_mount_layer(m->state.fuse, &m->layers->v[0], m->state.dest, err);
    if (cb_erofs_state_claim(m->state.dest, err))
        return -1;
    if (mount_image(m, err) == 0)
        return 0;
    undo(m);
    return -1;
}

int cb_erofs_mount(const struct cb_erofs_layers *l, const char *dest, const struct cb_erofs_mount_options *o,
                   struct cb_error *err)
{
    CB_AUTOFREE char *path = absolute(dest, err);
    struct mounting m = {.layers = l, .options = o};
    bool automatic = !strcmp(o->mode, "auto");
    if (!path)
        return -1;
    m.state = (struct cb_erofs_state){.source = o->source, .dest = path, .writable = o->writable};
    m.state.fuse = automatic ? geteuid() != 0 : !strcmp(o->mode, "fuse");
    if (!automatic && !m.state.fuse && strcmp(o->mode, "kernel"))
        return cb_fail(err, CB_E_USAGE, "--mode: \"%s\" is none of auto, kernel and fuse", o->mode);
    int failed = cb_erofs_check_mode(m.state.fuse, err) || mount_at(&m, err);
    cb_strs_release(&m.state.mounts);
    cb_arena_release(&m.arena);
    return failed ? -1 : 0;
}

// --- Unmounting

// A folder on the way could have become a symlink to somewhere else. The last one is the kernel's to refuse.
static int check_place(const char *real_dest, const struct cb_erofs_state *s, const char *at, struct cb_error *err)
{
    CB_AUTOFREE char *real = realpath(at, NULL);
    CB_AUTOFREE char *want = cb_format("%s%s", real_dest, at + strlen(s->dest));
    if (!real)
        return cb_fail_errno(err, errno, "%s", at);
    return strcmp(real, want) ? cb_fail(err, CB_E_INPUT, "%s is really %s: it is not unmounted", at, real) : 0;
}

static int unmount_all(struct cb_erofs_state *s, struct cb_error *err)
{
    CB_AUTOFREE char *real_dest = realpath(s->dest, NULL);
    if (!real_dest)
        return cb_fail_errno(err, errno, "%s", s->dest);
    while (s->mounts.n > 0) {
        const char *at = s->mounts.v[0].p;
        if (check_place(real_dest, s, at, err))
            return -1;
        if (cb_erofs_unmount(s->fuse, at, err))
            return cb_hint(err, "once it is no longer busy, run `cbuild erofs umount %s` again", s->dest);
        cb_log(CB_INFO, "unmounted %s", at);
        s->mounts.n--;
        memmove(s->mounts.v, s->mounts.v + 1, s->mounts.n * sizeof *s->mounts.v);
    }
    return 0;
}

// Takes away what mounting made: only empty folders go, so that nothing that was written is lost.
static void remove_folders(const char *dest, size_t layers)
{
    static const char *const names[] = {"merged", "work/work", "work/index", "work", "upper", "layers"};
    for (size_t i = 0; i < layers; i++) {
        CB_AUTOFREE char *path = cb_format("%s/layers/%02zu", dest, i);
        rmdir(path);
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        CB_AUTOFREE char *path = cb_path_join(dest, names[i]);
        if (rmdir(path) && errno == ENOTEMPTY)
            cb_log(CB_INFO, "%s is not empty and stays", path);
    }
}

static int unmount_image(struct cb_erofs_state *s, struct cb_error *err)
{
    size_t mounts = s->mounts.n;
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;
    if (unmount_all(s, err)) {
        if (cb_erofs_state_write(s, &ignored)) // what is left, for the next try
            cb_log(CB_WARN, "%s", ignored.message);
        return -1;
    }
    remove_folders(s->dest, mounts);
    return cb_erofs_state_remove(s->dest, err);
}

int cb_erofs_umount(const char *dest, struct cb_error *err)
{
    CB_ARENA_AUTO arena = {0};
    struct cb_erofs_state state = {0};
    CB_AUTOFREE char *path = absolute(dest, err);
    if (!path)
        return -1;
    int found = cb_erofs_state_read(path, &arena, &state, err);
    int failed = found < 0 || (found ? unmount_image(&state, err) : cb_erofs_unmount(true, path, err));
    cb_strs_release(&state.mounts);
    return failed ? -1 : 0;
}
