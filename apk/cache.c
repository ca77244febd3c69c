#include "cbuild/apk/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cbuild/base/arena.h"
#include "cbuild/base/log.h"
#include "cbuild/text/gourl.h"

#define NAME_LIMIT 255u // bytes of a file name
#define LINKS_MAX 4u    // links from an entry to its file; the reference's is one

// Every path from here on is relative to the root's descriptor and opened by openat2 with RESOLVE_BENEATH: the kernel
// follows the links that the reference leaves (to a file beside them) and refuses those that lead out of the cache,
// in whatever component and however late somebody puts them there.
struct cb_cache {
    char *dir;
    bool read_only;
    pthread_mutex_t lock; // of what follows
    int root;             // -1 until the folder is there
    bool unwritable;      // found so, and said so
};

struct cb_cache *cb_cache_new(const char *dir, bool read_only)
{
    struct cb_cache *c = cb_zalloc(sizeof *c);
    c->dir = cb_strdup(dir);
    c->read_only = read_only;
    c->root = -1;
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

void cb_cache_free(struct cb_cache *c)
{
    if (!c)
        return;
    cb_close_p(&c->root);
    pthread_mutex_destroy(&c->lock);
    free(c->dir);
    free(c);
}

bool cb_cache_is_read_only(const struct cb_cache *c)
{
    return c->read_only;
}

// The root's descriptor, -1 with errno where there is none. The user may well have made a link of the root itself.
static int root_fd(struct cb_cache *c, bool make)
{
    pthread_mutex_lock(&c->lock);
    if (c->root < 0 && make) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        cb_mkdirs(c->dir, &err); // open tells whether it worked
    }
    if (c->root < 0)
        c->root = open(c->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd = c->root;
    pthread_mutex_unlock(&c->lock);
    return fd;
}

// For where openat2 is missing (valgrind, gVisor, old seccomp profiles of containers): component by component, with
// links only at the end and only to somewhere below.
static int open_stepwise(int root, const char *path, int flags, mode_t mode, unsigned links)
{
    int at = dup(root);
    struct cb_str rest = cb_str(path), part = {0};
    while (at >= 0 && cb_str_cut(&rest, '/', &part) && rest.p) {
        CB_AUTOFREE char *name = cb_strndup(part.p, part.n);
        int next = cb_str_is(part, "..") ? -1 : openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int errnum = cb_str_is(part, "..") ? EXDEV : errno == ENOTDIR ? ELOOP : errno;
        close(at);
        at = next;
        errno = errnum;
    }
    if (at < 0)
        return -1;
    char target[PATH_MAX];
    int fd = openat(at, part.p, flags | O_NOFOLLOW | O_CLOEXEC, mode), errnum = errno;
    ssize_t n = fd < 0 && errnum == ELOOP ? readlinkat(at, part.p, target, sizeof target - 1) : -1;
    if (n > 0) {
        target[n] = 0;
        bool inside = links > 0 && *target != '/' && !strstr(target, "..");
        fd = inside ? open_stepwise(at, target, flags, mode, links - 1) : -1;
        errnum = inside ? errno : EXDEV;
    }
    close(at);
    errno = errnum;
    return fd;
}

static int open_beneath(int root, const char *path, int flags, mode_t mode)
{
    struct open_how how = {
        .flags = (unsigned)(flags | O_CLOEXEC), .mode = mode, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    long fd;
    do
        fd = syscall(SYS_openat2, root, path, &how, sizeof how);
    while (fd < 0 && (errno == EINTR || errno == EAGAIN)); // EAGAIN: a rename raced with the walk
    return fd < 0 && errno == ENOSYS ? open_stepwise(root, path, flags, mode, LINKS_MAX) : (int)fd;
}

// ---- names

static const char base32_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

static void add_base32(struct cb_buf *b, struct cb_str s)
{
    for (size_t i = 0; i < s.n; i += 5) {
        uint64_t bits = 0;
        size_t have = s.n - i < 5 ? s.n - i : 5;
        for (size_t j = 0; j < 5; j++)
            bits = bits << 8 | (j < have ? (uint8_t)s.p[i + j] : 0);
        size_t digits = (have * 8 + 4) / 5;
        for (size_t j = 0; j < 8; j++)
            cb_buf_addc(b, j < digits ? base32_digits[bits >> (35 - 5 * j) & 31] : '=');
    }
}

// Go's url.QueryEscape.
static void add_query_escaped(struct cb_buf *b, struct cb_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || memchr("-_.~", c, 4))
            cb_buf_addc(b, c);
        else if (c == ' ')
            cb_buf_addc(b, '+');
        else
            cb_buf_addf(b, "%%%02X", (unsigned)(uint8_t)c);
    }
}

static struct cb_str trim_slashes(struct cb_str s)
{
    while (s.n > 1 && s.p[s.n - 1] == '/')
        s.n--;
    return s;
}

// The last element, as Go's path.Base: "/" of "/".
static struct cb_str base_of(struct cb_str path)
{
    path = trim_slashes(path);
    ptrdiff_t slash = path.n > 1 ? cb_str_rfind(path, '/') : -1;
    return slash < 0 ? path : cb_str_skip(path, (size_t)slash + 1);
}

// All but the last element, clean, as Go's path.Dir. Owned.
static char *dir_of(struct cb_str path)
{
    ptrdiff_t slash = cb_str_rfind(path, '/');
    return cb_path_clean(cb_str_head(path, (size_t)(slash + 1)));
}

// A name taken from a URL stands for a file of its own and nothing else.
static bool is_file_name(struct cb_str s)
{
    return s.n > 0 && s.n <= NAME_LIMIT && !cb_str_is(s, ".") && !cb_str_is(s, "..") && cb_str_find(s, '/') < 0 &&
           !memchr(s.p, 0, s.n);
}

char *cb_cache_path(const char *url, struct cb_error *err)
{
    CB_ARENA_AUTO a = {0};
    struct cb_gourl u;
    if (cb_gourl_parse(cb_str(url), &a, &u, err))
        return NULL;
    struct cb_str path = u.path;
    struct cb_str file = base_of(path);
    CB_AUTOFREE char *arch_dir = dir_of(path);
    CB_AUTOFREE char *repo_dir = dir_of(cb_str(arch_dir));
    struct cb_str arch = base_of(cb_str(arch_dir));
    u.path = cb_str(repo_dir);
    u.raw_path = u.query = u.raw_fragment = CB_STR("");
    u.force_query = false;
    CB_BUF_AUTO repo = {0};
    cb_gourl_print(&u, false, &repo);
    CB_BUF_AUTO out = {0};
    add_query_escaped(&out, cb_buf_str(&repo));
    bool has_arch = !cb_str_is(arch, "/") && !cb_str_is(arch, ".");
    if (!is_file_name(file) || out.n > NAME_LIMIT || (has_arch && !is_file_name(arch))) {
        struct cb_str safe = cb_gourl_safe(cb_str(url), &a);
        cb_fail(err, CB_E_INPUT, "%.*s: no file of the cache can be named after this URL", CB_STR_ARG(safe));
        return NULL;
    }
    if (has_arch)
        cb_buf_addf(&out, "/%.*s", CB_STR_ARG(arch));
    cb_buf_addf(&out, "/%.*s", CB_STR_ARG(file));
    return cb_buf_take(&out);
}

char *cb_cache_keys_path(const char *repository)
{
    CB_ERROR_AUTO quiet = CB_ERROR_INIT;
    CB_ARENA_AUTO a = {0};
    CB_BUF_AUTO url = {0};
    CB_BUF_AUTO out = {0};
    struct cb_gourl u;
    if (cb_gourl_parse(cb_str(repository), &a, &u, &quiet))
        return NULL;
    u.has_user = u.has_password = false; // a name of ours: it need not hold a password
    cb_gourl_print(&u, false, &url);
    cb_buf_adds(&out, "cbuild-keys/");
    size_t folder = out.n;
    add_query_escaped(&out, cb_buf_str(&url));
    cb_buf_adds(&out, ".pem");
    return out.n - folder <= NAME_LIMIT ? cb_buf_take(&out) : NULL;
}

// Where the entries with ETags of a path are, and what their names end in.
static const char *etag_folder(const char *path, struct cb_buf *folder)
{
    struct cb_str p = cb_str(path);
    if (cb_str_ends(p, "APKINDEX.tar.gz")) {
        cb_buf_addstr(folder, cb_str_head(p, (size_t)(cb_str_rfind(p, '/') + 1)));
        cb_buf_adds(folder, "APKINDEX");
        return ".tar.gz";
    }
    size_t keep = cb_str_ends(p, ".rsa.pub") ? p.n : (size_t)cb_str_rfind(p, '/');
    cb_buf_addstr(folder, cb_str_head(p, keep));
    return ".etag";
}

bool cb_cache_etag_path(const char *path, const char *etag, struct cb_buf *out)
{
    struct cb_str tag = cb_str(etag);
    while (tag.n > 0 && *tag.p == '"')
        tag = cb_str_skip(tag, 1);
    while (tag.n > 0 && tag.p[tag.n - 1] == '"')
        tag.n--;
    if (tag.n == 0 || tag.n > NAME_LIMIT / 2)
        return false;
    const char *ending = etag_folder(path, out);
    cb_buf_addc(out, '/');
    add_base32(out, tag);
    cb_buf_adds(out, ending);
    return true;
}

// ---- reading

void cb_cache_drop(struct cb_cache *c, const char *path)
{
    int root = c->read_only ? -1 : root_fd(c, false);
    if (root < 0)
        return;
    CB_AUTOFREE char *dir = dir_of(cb_str(path));
    CB_FD_AUTO at = open_beneath(root, dir, O_PATH | O_DIRECTORY, 0);
    if (at < 0)
        return;
    struct cb_str name = base_of(cb_str(path));
    if (unlinkat(at, name.p, 0) && errno == EISDIR)
        unlinkat(at, name.p, AT_REMOVEDIR);
}

// For messages: without the folder of the repository, whose name holds what its URL holds, a password too.
static const char *shown(const char *path)
{
    const char *slash = strchr(path, '/');
    return slash ? slash + 1 : path;
}

static int refuse_entry(struct cb_cache *c, const char *path, const char *why, struct cb_error *err)
{
    cb_cache_drop(c, path);
    return cb_fail(err, CB_E_TRUST, "cache %s: %s: %s", c->dir, shown(path), why);
}

int cb_cache_open(struct cb_cache *c, const char *path, uint64_t *size, struct cb_error *err)
{
    int root = root_fd(c, false);
    // O_NONBLOCK: opening a FIFO must not hang before it can be refused.
    int fd = root < 0 ? -1 : open_beneath(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0 && (errno == EXDEV || errno == ELOOP))
        return refuse_entry(c, path, "a link that leads out of the cache or nowhere", err);
    if (fd < 0)
        return cb_fail_errno(err, errno, "cache %s: %s", c->dir, shown(path));
    struct stat st;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        close(fd);
        return refuse_entry(c, path, "not a regular file", err);
    }
    *size = (uint64_t)st.st_size;
    return fd;
}

static DIR *open_folder(struct cb_cache *c, const char *path)
{
    int root = root_fd(c, false);
    int fd = root < 0 ? -1 : open_beneath(root, path, O_RDONLY | O_DIRECTORY, 0);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d && fd >= 0)
        close(fd);
    return d;
}

// Names of the files in a folder of the cache, sorted; none where there is no such folder.
static int list_folder(struct cb_cache *c, const char *path, struct cb_arena *a, struct cb_strs *names,
                       struct cb_error *err)
{
    DIR *d = open_folder(c, path);
    if (!d)
        return errno == ENOENT || errno == ENOTDIR ? 0 : cb_fail_errno(err, errno, "cache %s: %s", c->dir, shown(path));
    for (struct dirent *e; (e = readdir(d));)
        if (e->d_name[0] != '.')
            cb_strs_add(names, cb_arena_str(a, cb_str(e->d_name)));
    closedir(d);
    cb_strs_sort(names);
    return 0;
}

static bool is_after(struct timespec a, struct timespec b)
{
    return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}

int cb_cache_open_newest(struct cb_cache *c, const char *path, uint64_t *size, struct cb_error *err)
{
    CB_ARENA_AUTO a = {0};
    CB_BUF_AUTO folder = {0};
    struct cb_strs names = {0};
    const char *ending = etag_folder(path, &folder);
    if (list_folder(c, folder.p, &a, &names, err))
        return -1;
    struct timespec newest = {0};
    CB_AUTOFREE char *best = NULL;
    int root = root_fd(c, false);
    for (size_t i = 0; i < names.n; i++) {
        struct stat st;
        CB_AUTOFREE char *entry = cb_path_join(folder.p, names.v[i].p);
        // Of a link, its own time: that of the entry, as the reference compares. Unfinished files have other endings.
        if (!cb_str_ends(names.v[i], ending) || fstatat(root, entry, &st, AT_SYMLINK_NOFOLLOW) ||
            (best && !is_after(st.st_mtim, newest)))
            continue;
        newest = st.st_mtim;
        free(best);
        best = entry;
        entry = NULL;
    }
    cb_strs_release(&names);
    if (!best)
        return cb_fail(err, CB_E_NOT_FOUND, "the cache %s has nothing in %s", c->dir, shown(folder.p));
    return cb_cache_open(c, best, size, err);
}

// ---- writing

static void give_up_writing(struct cb_cache *c, int errnum)
{
    pthread_mutex_lock(&c->lock);
    bool said = c->unwritable;
    c->unwritable = true;
    pthread_mutex_unlock(&c->lock);
    if (!said)
        cb_log(CB_WARN, "the cache %s cannot be written to (%s); nothing will be kept in it", c->dir, strerror(errnum));
}

static void random_name(char out[32])
{
    uint64_t r = 0;
    if (getrandom(&r, sizeof r, 0) != (ssize_t)sizeof r)
        abort();
    snprintf(out, 32, ".cbuild-%016llx", (unsigned long long)r);
}

void cb_cache_create(struct cb_cache *c, struct cb_cache_file *f)
{
    *f = (struct cb_cache_file)CB_CACHE_FILE_INIT;
    pthread_mutex_lock(&c->lock);
    bool hopeless = c->read_only || c->unwritable;
    pthread_mutex_unlock(&c->lock);
    int root = hopeless ? -1 : root_fd(c, true);
    if (root >= 0)
        f->fd = open_beneath(root, ".", O_TMPFILE | O_RDWR, 0644);
    if (f->fd >= 0 || hopeless)
        return;
    // Not every file system has files without a name.
    char name[32];
    random_name(name);
    if (root >= 0)
        f->fd = open_beneath(root, name, O_CREAT | O_EXCL | O_RDWR, 0644);
    if (f->fd >= 0)
        f->temp = cb_strdup(name);
    else
        give_up_writing(c, errno);
}

void cb_cache_abort(struct cb_cache *c, struct cb_cache_file *f)
{
    cb_close_p(&f->fd);
    if (f->temp)
        unlinkat(c->root, f->temp, 0);
    free(f->temp);
    *f = (struct cb_cache_file)CB_CACHE_FILE_INIT;
}

// The folder of an entry, made where it is missing, one component after the other. A descriptor, or -1 with errno.
static int make_folder(int root, const char *path)
{
    int at = open_beneath(root, ".", O_PATH | O_DIRECTORY, 0);
    struct cb_str rest = cb_str(path), part;
    while (at >= 0 && cb_str_cut(&rest, '/', &part)) {
        CB_AUTOFREE char *name = cb_strndup(part.p, part.n);
        int next = open_beneath(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
        if (next < 0 && errno == ENOENT && (mkdirat(at, name, 0755) == 0 || errno == EEXIST))
            next = open_beneath(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
        int errnum = errno;
        close(at);
        at = next;
        errno = errnum;
    }
    return at;
}

// Gives the file its name in the folder: over what stands there, so that an entry that turned out bad is gone.
static int give_name(int root, struct cb_cache_file *f, int folder, const char *name)
{
    if (f->temp)
        return renameat(root, f->temp, folder, name);
    char self[64], temp[32];
    snprintf(self, sizeof self, "/proc/self/fd/%d", f->fd);
    if (linkat(AT_FDCWD, self, folder, name, AT_SYMLINK_FOLLOW) == 0)
        return 0;
    if (errno != EEXIST)
        return -1;
    random_name(temp);
    if (linkat(AT_FDCWD, self, folder, temp, AT_SYMLINK_FOLLOW))
        return -1;
    int failed = renameat(folder, temp, folder, name);
    if (failed)
        unlinkat(folder, temp, 0);
    return failed;
}

int cb_cache_commit(struct cb_cache *c, struct cb_cache_file *f, const char *path, struct cb_error *err)
{
    if (f->fd < 0)
        return 0;
    CB_AUTOFREE char *dir = dir_of(cb_str(path));
    CB_FD_AUTO folder = make_folder(c->root, dir);
    int failed = folder < 0 || give_name(c->root, f, folder, base_of(cb_str(path)).p);
    int errnum = errno;
    if (!failed) {
        free(f->temp);
        f->temp = NULL;
    }
    cb_cache_abort(c, f);
    return failed ? cb_fail_errno(err, errnum, "cache %s: keeping %s", c->dir, shown(path)) : 0;
}
