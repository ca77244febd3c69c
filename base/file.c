#include "cbuild/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <unistd.h>

int cb_open_read(const char *path, struct cb_error *err)
{
    // O_NONBLOCK: opening a FIFO must not hang before it can be refused.
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return cb_fail_errno(err, errno, "opening %s", path);
    struct stat st;
    bool known = fstat(fd, &st) == 0;
    if (known && S_ISREG(st.st_mode))
        return fd;
    close(fd);
    return cb_fail(err, CB_E_IO, "opening %s: %s, where a file is expected", path,
                   known && S_ISDIR(st.st_mode) ? "a folder" : "a device, pipe or socket");
}

int cb_read_file(const char *path, struct cb_buf *b, size_t limit, struct cb_error *err)
{
    CB_FD_AUTO fd = cb_open_read(path, err);
    if (fd < 0)
        return -1;
    struct cb_fd_source in = cb_fd_source(fd, path);
    return cb_read_all(&in.source, b, limit, path, err);
}

int cb_read_named(const char *path, struct cb_buf *b, size_t limit, struct cb_error *err)
{
    CB_FD_AUTO fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return cb_fail_errno(err, errno, "opening %s", path);
    struct cb_fd_source in = cb_fd_source(fd, path);
    return cb_read_all(&in.source, b, limit, path, err);
}

static int make_dir(const char *path, struct cb_error *err)
{
    struct stat st;
    if (mkdir(path, 0755) == 0)
        return 0;
    int errnum = errno;
    if (errnum == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    if (errnum == EEXIST)
        return cb_fail(err, CB_E_IO, "creating folder %s: something that is no folder is there", path);
    return cb_fail_errno(err, errnum, "creating folder %s", path);
}

int cb_mkdirs(const char *path, struct cb_error *err)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    CB_AUTOFREE char *part = cb_strdup(path);
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int failed = make_dir(part, err);
        *slash = '/';
        if (failed)
            return -1;
    }
    return make_dir(part, err);
}

#define HIDDEN_PREFIX ".cbuild-"
#define HIDDEN_DIGITS 16

// A name beside path for a file that is not to be seen yet.
static char *hidden_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    uint64_t random = 0;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) < 0)
        random = (uint64_t)getpid();
    return cb_format("%.*s" HIDDEN_PREFIX "%0*llx", slash ? (int)(slash + 1 - path) : 0, path, HIDDEN_DIGITS,
                     (unsigned long long)random);
}

static bool is_hidden_name(const char *name)
{
    size_t n = strlen(HIDDEN_PREFIX);
    return strncmp(name, HIDDEN_PREFIX, n) == 0 && strlen(name + n) == HIDDEN_DIGITS &&
           strspn(name + n, "0123456789abcdef") == HIDDEN_DIGITS;
}

// Whose process was killed: the lock on a file under such a name ends with it.
static bool is_abandoned(int folder, const char *name)
{
    struct stat st;
    CB_FD_AUTO fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
           flock(fd, LOCK_EX | LOCK_NB) == 0;
}

// Takes away what killed processes left beside path, before another file gets a hidden name there.
static void sweep(const char *path)
{
    const char *slash = strrchr(path, '/');
    CB_AUTOFREE char *folder = slash ? cb_strndup(path, (size_t)(slash - path) + 1) : cb_strdup(".");
    DIR *d = opendir(folder);
    struct dirent *e;
    while (d && (e = readdir(d)))
        if (is_hidden_name(e->d_name) && is_abandoned(dirfd(d), e->d_name))
            unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        closedir(d);
}

// Without a name the file is gone with the process, however that ends. It needs /proc to be given a name later.
static int open_unnamed(const char *path, mode_t mode)
{
    const char *slash = strrchr(path, '/');
    CB_AUTOFREE char *folder = slash ? cb_strndup(path, (size_t)(slash - path) + 1) : cb_strdup(".");
    if (access("/proc/self/fd", X_OK))
        return -1;
    return open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
}

static int open_hidden(struct cb_atomic *f, mode_t mode)
{
    f->fd = open_unnamed(f->path, mode);
    if (f->fd >= 0)
        return 0;
    sweep(f->path);
    f->temp = hidden_name(f->path);
    f->fd = open(f->temp, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, mode);
    if (f->fd >= 0) {
        flock(f->fd, LOCK_SH);
        return 0;
    }
    free(f->temp);
    f->temp = NULL;
    return -1;
}

static int open_direct(struct cb_atomic *f)
{
    f->direct = true;
    f->fd = open(f->path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY);
    return f->fd < 0 ? -1 : 0;
}

int cb_atomic_open(struct cb_atomic *f, const char *path, mode_t mode, struct cb_error *err)
{
    struct stat st;
    bool there = stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
    char *target = there ? realpath(path, NULL) : NULL; // a link stays, what it leads to is replaced
    f->path = target ? target : cb_strdup(path);
    int failed;
    if (there && (!S_ISREG(st.st_mode) || !target))
        failed = open_direct(f);
    else if ((failed = open_hidden(f, mode)) && there && errno == EACCES)
        failed = open_direct(f);
    else if (!failed && there)
        failed = fchmod(f->fd, st.st_mode & 0777);
    if (!failed)
        return 0;
    int errnum = errno;
    cb_atomic_abort(f);
    return cb_fail_errno(err, errnum, "creating %s", path);
}

static int rename_hidden(struct cb_atomic *f)
{
    if (rename(f->temp, f->path))
        return -1;
    free(f->temp);
    f->temp = NULL;
    return 0;
}

// Puts an unnamed file at its path: at once where nothing is there, else under a hidden name that is then renamed.
static int give_name(struct cb_atomic *f)
{
    char self[64];
    snprintf(self, sizeof self, "/proc/self/fd/%d", f->fd);
    if (linkat(AT_FDCWD, self, AT_FDCWD, f->path, AT_SYMLINK_FOLLOW) == 0)
        return 0;
    if (errno != EEXIST)
        return -1;
    sweep(f->path);
    flock(f->fd, LOCK_SH);
    f->temp = hidden_name(f->path);
    if (linkat(AT_FDCWD, self, AT_FDCWD, f->temp, AT_SYMLINK_FOLLOW) == 0)
        return rename_hidden(f);
    free(f->temp);
    f->temp = NULL;
    return -1;
}

// For a file that is a mount point, as one that a container shares with its host: its name cannot be given away.
static int write_over(const struct cb_atomic *f)
{
    CB_FD_AUTO to = open(f->path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    off_t at = 0;
    ssize_t n = to < 0 ? -1 : 1;
    while (n > 0)
        n = sendfile(to, f->fd, &at, 1 << 30);
    return (int)n;
}

static int appear(struct cb_atomic *f)
{
    int failed = f->temp ? rename_hidden(f) : give_name(f);
    return failed && errno == EBUSY ? write_over(f) : failed;
}

int cb_atomic_commit(struct cb_atomic *f, struct cb_error *err)
{
    int failed = f->direct ? 0 : appear(f);
    int errnum = errno;
    if (close(f->fd) && !failed) {
        failed = -1;
        errnum = errno;
    }
    f->fd = -1;
    if (failed)
        cb_fail_errno(err, errnum, "writing %s", f->path);
    cb_atomic_abort(f); // what is left of it
    return failed;
}

void cb_atomic_abort(struct cb_atomic *f)
{
    cb_close_p(&f->fd);
    if (f->temp)
        unlink(f->temp);
    free(f->temp);
    free(f->path);
    *f = (struct cb_atomic)CB_ATOMIC_INIT;
}

int cb_write_file(const char *path, struct cb_str bytes, mode_t mode, struct cb_error *err)
{
    struct cb_atomic f = CB_ATOMIC_INIT;
    if (cb_atomic_open(&f, path, mode, err))
        return -1;
    struct cb_fd_sink out = cb_fd_sink(f.fd, path);
    if (cb_write(&out.sink, bytes.p, bytes.n, err)) {
        cb_atomic_abort(&f);
        return -1;
    }
    return cb_atomic_commit(&f, err);
}

static const char *temp_folder = "/tmp";

void cb_temp_set_folder(const char *dir)
{
    temp_folder = dir;
}

const char *cb_temp_folder(void)
{
    return temp_folder;
}

int cb_temp_fd(const char *dir, struct cb_error *err)
{
    if (!dir)
        dir = temp_folder;
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    // Not every file system has O_TMPFILE: make one with a name and take the name away.
    CB_AUTOFREE char *name = cb_format("%s/.cbuild-XXXXXX", dir);
    fd = mkostemp(name, O_CLOEXEC);
    if (fd < 0) {
        cb_fail_errno(err, errno, "creating a temporary file in %s", dir);
        return cb_hint(err, "TMPDIR names another folder for temporary files");
    }
    unlink(name);
    return fd;
}

int cb_pwrite_full(int fd, const void *p, size_t n, uint64_t at, const char *name, struct cb_error *err)
{
    const char *from = p;
    while (n) {
        ssize_t done = pwrite(fd, from, n, (off_t)at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return cb_fail_errno(err, errno, "writing %s", name);
        from += done;
        at += (uint64_t)done;
        n -= (size_t)done;
    }
    return 0;
}

int cb_pread_full(int fd, void *p, size_t n, uint64_t at, const char *name, struct cb_error *err)
{
    struct cb_range_source in = cb_range_source(fd, name, at, n);
    return cb_read_full(&in.source, p, n, err);
}

char *cb_path_join(const char *dir, const char *name)
{
    if (!dir || !*dir)
        return cb_strdup(name);
    size_t n = strlen(dir);
    return cb_format("%s%s%s", dir, dir[n - 1] == '/' ? "" : "/", name);
}

// Drops the last component of *out, down to its first `floor` bytes.
static void drop_last(struct cb_buf *out, size_t floor)
{
    ptrdiff_t slash = cb_str_rfind(cb_strn(out->p + floor, out->n - floor), '/');
    out->n = floor + (slash > 0 ? (size_t)slash : 0);
    out->p[out->n] = '\0';
}

char *cb_path_clean(struct cb_str path)
{
    struct cb_buf out = {0};
    bool rooted = path.n && path.p[0] == '/';
    if (rooted)
        cb_buf_addc(&out, '/');
    size_t floor = out.n; // nothing before it can be dropped by ".."
    struct cb_str part, rest = path;
    while (path.n && cb_str_cut(&rest, '/', &part)) {
        if (!part.n || cb_str_is(part, "."))
            continue;
        bool up = cb_str_is(part, "..");
        if (up && out.n > floor) {
            drop_last(&out, floor);
            continue;
        }
        if (up && rooted)
            continue;
        if (out.n && out.p[out.n - 1] != '/')
            cb_buf_addc(&out, '/');
        cb_buf_addstr(&out, part);
        if (up)
            floor = out.n;
    }
    if (!out.n)
        cb_buf_addc(&out, '.');
    return cb_buf_take(&out);
}

void cb_close_p(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}
