// Mounting: by the kernel, which only root may ask for, or by programs in user space (FUSE).
//
// The kernel mounts devices, so an image file gets a loop device first; it goes when it is unmounted. The loop device
// is made over the descriptor whose bytes were verified, not over a path.
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cbuild/base/file.h"
#include "erofs.h"

extern char **environ;

enum {
    LOOP_TRIES = 64,     // somebody else may take the free device first
    SAID_MOST = 4096,    // bytes that are kept of what a program says
    OPTIONS_MOST = 4095, // bytes of a mount's options; the kernel's limit
};

// --- Programs

// What a program says on stderr, its first bytes; the rest is read and dropped.
static void read_said(int fd, struct cb_buf *said)
{
    char piece[1024];
    ssize_t n;
    while ((n = read(fd, piece, sizeof piece)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0 && said->n < SAID_MOST)
            cb_buf_add(said, piece, (size_t)n);
}

static int wait_for(pid_t pid, const char *name, struct cb_str said, struct cb_error *err)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return cb_fail_errno(err, errno, "waiting for %s", name);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    said = cb_str_trim(said);
    return cb_fail(err, CB_E_IO, "%s failed%s%.*s", name, said.n ? ": " : "", CB_STR_ARG(said));
}

static int run_program(const char *const *args, struct cb_error *err)
{
    char *argv[8] = {0};
    int out[2];
    pid_t pid;
    for (size_t i = 0; args[i] && i < 7; i++)
        argv[i] = (char *)(uintptr_t)args[i];
    if (pipe2(out, O_CLOEXEC))
        return cb_fail_errno(err, errno, "pipe");
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&files, out[1], 2);
    int rc = posix_spawnp(&pid, args[0], &files, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    close(out[1]);
    CB_BUF_AUTO said = {0};
    if (rc == 0)
        read_said(out[0], &said);
    close(out[0]);
    return rc ? cb_fail_errno(err, rc, "starting %s", args[0]) : wait_for(pid, args[0], cb_buf_str(&said), err);
}

static bool has_program(const char *name)
{
    const char *path = getenv("PATH");
    struct cb_str rest = cb_str(path ? path : "/usr/local/bin:/usr/bin:/bin"), dir;
    while (cb_str_cut(&rest, ':', &dir)) {
        CB_AUTOFREE char *file = cb_format("%.*s/%s", CB_STR_ARG(dir), name);
        if (dir.n && access(file, X_OK) == 0)
            return true;
    }
    return false;
}

static const char *fusermount(void)
{
    return has_program("fusermount3") ? "fusermount3" : has_program("fusermount") ? "fusermount" : NULL;
}

int cb_erofs_check_mode(bool fuse, struct cb_error *err)
{
    if (!fuse) {
        if (geteuid() == 0)
            return 0;
        cb_fail(err, CB_E_USAGE, "only root may have the kernel mount an image");
        return cb_hint(err, "run as root, or use --mode=fuse");
    }
    if (!has_program("erofsfuse")) {
        cb_fail(err, CB_E_NOT_FOUND, "the program erofsfuse is not in PATH");
        return cb_hint(err, "install erofsfuse (erofs-utils), or run as root and use --mode=kernel");
    }
    if (!fusermount()) {
        cb_fail(err, CB_E_NOT_FOUND, "neither fusermount3 nor fusermount is in PATH");
        return cb_hint(err, "install fuse3");
    }
    return 0;
}

// --- The kernel

// A free loop device over the image, read-only; the descriptor holds it until it is mounted.
static int attach_loop(const struct cb_erofs_layer *l, char device[32], struct cb_error *err)
{
    CB_FD_AUTO control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    struct loop_config config = {.fd = (uint32_t)l->fd, .info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR};
    if (control < 0) {
        cb_fail_errno(err, errno, "/dev/loop-control");
        return cb_hint(err, "the kernel needs loop devices for this (modprobe loop; in a container, pass /dev in)");
    }
    strncpy((char *)config.info.lo_file_name, l->path, LO_NAME_SIZE - 1);
    for (int tries = 0; tries < LOOP_TRIES; tries++) {
        int n = ioctl(control, LOOP_CTL_GET_FREE);
        if (n < 0)
            return cb_fail_errno(err, errno, "finding a free loop device");
        snprintf(device, 32, "/dev/loop%d", n);
        int fd = open(device, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return cb_fail_errno(err, errno, "%s", device);
        if (ioctl(fd, LOOP_CONFIGURE, &config) == 0)
            return fd;
        int problem = errno;
        close(fd);
        if (problem != EBUSY)
            return cb_fail_errno(err, problem, "%s", device);
    }
    return cb_fail(err, CB_E_IO, "every free loop device was taken by somebody else");
}

static int mount_by_kernel(const struct cb_erofs_layer *l, const char *at, struct cb_error *err)
{
    char device[32];
    CB_FD_AUTO loop = attach_loop(l, device, err);
    if (loop < 0)
        return cb_context(err, "mounting %s", l->path);
    if (mount(device, at, "erofs", MS_RDONLY, NULL) == 0)
        return 0;
    int problem = errno;
    cb_fail_errno(err, problem, "mounting %s at %s", l->path, at);
    if (problem == ENODEV)
        return cb_hint(err, "this kernel has no EROFS (CONFIG_EROFS_FS; modprobe erofs), so use --mode=fuse");
    if (problem == EPERM || problem == EACCES)
        return cb_hint(err, "this needs CAP_SYS_ADMIN, which containers commonly lack");
    return -1;
}

// The options of an overlay are separated by commas and its folders by colons.
static void add_escaped(struct cb_buf *out, struct cb_str path)
{
    for (size_t i = 0; i < path.n; i++) {
        if (path.p[i] == '\\' || path.p[i] == ':' || path.p[i] == ',')
            cb_buf_addc(out, '\\');
        cb_buf_addc(out, path.p[i]);
    }
}

static void overlay_options(const struct cb_strs *lowers, const char *upper, const char *work, struct cb_buf *out)
{
    cb_buf_adds(out, "lowerdir=");
    for (size_t i = 0; i < lowers->n; i++) {
        if (i > 0)
            cb_buf_addc(out, ':');
        add_escaped(out, lowers->v[i]);
    }
    if (!upper)
        return;
    cb_buf_adds(out, ",upperdir=");
    add_escaped(out, cb_str(upper));
    cb_buf_adds(out, ",workdir=");
    add_escaped(out, cb_str(work));
}

static int overlay_by_kernel(const char *options, bool writable, const char *at, struct cb_error *err)
{
    if (strlen(options) > OPTIONS_MOST) {
        cb_fail(err, CB_E_LIMIT, "the paths of the layers take %zu bytes; the kernel takes %d", strlen(options),
                OPTIONS_MOST);
        return cb_hint(err, "use a shorter DEST");
    }
    if (mount("overlay", at, "overlay", writable ? 0 : MS_RDONLY, options) == 0)
        return 0;
    int problem = errno;
    cb_fail_errno(err, problem, "mounting an overlay at %s", at);
    if (problem == ENODEV)
        cb_hint(err, "this kernel has no overlayfs (CONFIG_OVERLAY_FS; modprobe overlay)");
    return -1;
}

static int unmount_by_kernel(const char *at, struct cb_error *err)
{
    struct stat st;
    if (umount2(at, UMOUNT_NOFOLLOW) == 0)
        return 0;
    int problem = errno;
    if (lstat(at, &st) == 0 && S_ISLNK(st.st_mode))
        return cb_fail(err, CB_E_INPUT, "%s is a symlink, which is not followed", at);
    cb_fail_errno(err, problem, "unmounting %s", at);
    return problem == EINVAL ? cb_hint(err, "nothing is mounted there") : -1;
}

// --- Either

int cb_erofs_mount_layer(bool fuse, const struct cb_erofs_layer *l, const char *at, struct cb_error *err)
{
    const char *const program[] = {"erofsfuse", l->path, at, NULL};
    if (!fuse)
        return mount_by_kernel(l, at, err);
    return run_program(program, err) ? cb_context(err, "mounting %s at %s", l->path, at) : 0;
}

int cb_erofs_mount_overlay(bool fuse, const struct cb_strs *lowers, const char *upper, const char *work, const char *at,
                           struct cb_error *err)
{
    CB_BUF_AUTO options = {0};
    CB_ERROR_AUTO kernel = CB_ERROR_INIT;
    overlay_options(lowers, upper, work, &options);
    if (!fuse)
        return overlay_by_kernel(options.p, upper != NULL, at, err);
    if (overlay_by_kernel(options.p, upper != NULL, at, &kernel) == 0)
        return 0; // over FUSE too, where the kernel lets us
    if (!has_program("fuse-overlayfs")) {
        cb_fail(err, CB_E_NOT_FOUND, "%s, and the program fuse-overlayfs is not in PATH", kernel.message);
        return cb_hint(err, "install fuse-overlayfs");
    }
    const char *const program[] = {"fuse-overlayfs", "-o", options.p, at, NULL};
    return run_program(program, err) ? cb_context(err, "mounting an overlay at %s", at) : 0;
}

int cb_erofs_unmount(bool fuse, const char *at, struct cb_error *err)
{
    if (unmount_by_kernel(at, err) == 0)
        return 0;
    const char *program = fuse ? fusermount() : NULL;
    const char *const args[] = {program, "-u", at, NULL};
    CB_ERROR_AUTO second = CB_ERROR_INIT;
    if (!program || run_program(args, &second))
        return -1; // the kernel's answer says more
    cb_error_clear(err);
    return 0;
}
