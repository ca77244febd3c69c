// clean: removes the cache folder.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cbuild/base/file.h"
#include "cbuild/base/log.h"
#include "command.h"
#include "environment.h"

enum { DEPTH_MAX = 256 }; // folders within one another; a cache has five

static const char *cache_dir = "";
static bool dry_run;

static struct cb_flag flags[] = {
    {"cache-dir", 0, CB_FLAG_STRING, &cache_dir, NULL,
     "directory containing the apk cache (defaults to system cache directory)", false, false},
    {"dry-run", 0, CB_FLAG_BOOL, &dry_run, NULL, "show cache size without deleting", false, false},
};

static struct cb_flags own_flags(void)
{
    return CB_FLAGS(flags);
}

struct sweep {
    bool removes;
    int64_t size; // bytes of all files
};

static int sweep_folder(struct sweep *s, int parent, const char *name, unsigned depth, struct cb_error *err);

static int sweep_entry(struct sweep *s, int folder, const char *name, unsigned depth, struct cb_error *err)
{
    struct stat st;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW))
        return errno == ENOENT ? 0 : cb_fail_errno(err, errno, "%s", name);
    if (S_ISDIR(st.st_mode)) {
        if (sweep_folder(s, folder, name, depth, err))
            return cb_context(err, "%s", name);
    } else {
        s->size += st.st_size;
    }
    if (!s->removes || unlinkat(folder, name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0) == 0 || errno == ENOENT)
        return 0;
    return cb_fail_errno(err, errno, "removing %s", name);
}

static int sweep_entries(struct sweep *s, DIR *d, unsigned depth, struct cb_error *err)
{
    struct dirent *entry;
    while ((errno = 0, entry = readdir(d)) != NULL)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
            sweep_entry(s, dirfd(d), entry->d_name, depth + 1, err))
            return -1;
    return errno ? cb_fail_errno(err, errno, "reading the folder") : 0;
}

// What is in the folder; links are not followed.
static int sweep_folder(struct sweep *s, int parent, const char *name, unsigned depth, struct cb_error *err)
{
    if (depth > DEPTH_MAX)
        return cb_fail(err, CB_E_LIMIT, "more than %d folders within one another: this is no cache", DEPTH_MAX);
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        int saved = errno;
        cb_close_p(&fd);
        return cb_fail_errno(err, saved, "opening the folder");
    }
    int failed = sweep_entries(s, d, depth, err);
    closedir(d);
    return failed;
}

// "1.5 MB", as the reference counts: in powers of 1024.
static void log_size(int64_t size)
{
    double shown = (double)size / 1024;
    const char *unit = "KMGTPE";
    if (size < 1024) {
        cb_log(CB_INFO, "Cache size: %lld B", (long long)size);
        return;
    }
    for (int64_t rest = size / 1024; rest >= 1024; rest /= 1024, unit++)
        shown /= 1024;
    cb_log(CB_INFO, "Cache size: %.1f %cB", shown, *unit);
}

// Removing one of these is never what was meant.
static int check_folder(const char *path, const struct stat *st, struct cb_error *err)
{
    const char *const kept[] = {"/", getenv("HOME")};
    struct stat other;
    if (!S_ISDIR(st->st_mode))
        return cb_fail(err, CB_E_USAGE, "cache path is not a directory: %s", path);
    for (size_t i = 0; i < 2; i++)
        if (kept[i] && *kept[i] && stat(kept[i], &other) == 0 && other.st_dev == st->st_dev &&
            other.st_ino == st->st_ino)
            return cb_fail(err, CB_E_USAGE, "%s is %s, not a cache", path, i ? "the home folder" : "the root folder");
    return 0;
}

static int clean(const char *path, struct cb_error *err)
{
    struct stat st;
    struct sweep s = {0};
    cb_log(CB_INFO, "Cleaning cache directory: %s", path);
    if (stat(path, &st)) {
        if (errno != ENOENT)
            return cb_fail_errno(err, errno, "%s", path);
        cb_log(CB_INFO, "Cache directory does not exist, nothing to clean");
        return 0;
    }
    if (check_folder(path, &st, err))
        return -1;
    if (sweep_entry(&s, AT_FDCWD, path, 0, err))
        return -1;
    log_size(s.size);
    if (dry_run) {
        cb_log(CB_INFO, "Dry run mode: cache directory will not be deleted");
        return 0;
    }
    s = (struct sweep){.removes = true};
    if (sweep_entry(&s, AT_FDCWD, path, 0, err))
        return -1;
    cb_log(CB_INFO, "Cache directory cleaned successfully");
    return 0;
}

static int run(const struct cb_invocation *in, struct cb_error *err)
{
    (void)in;
    CB_ENVIRONMENT_AUTO e = {0};
    if (cb_environment_read(&e, err))
        return -1;
    if (*cache_dir) {
        CB_AUTOFREE char *joined = cb_path_join(*cache_dir == '/' ? "" : e.work_dir, cache_dir);
        CB_AUTOFREE char *path = cb_path_clean(cb_str(joined));
        return clean(path, err);
    }
    if (e.cache_dir)
        return clean(e.cache_dir, err);
    cb_fail(err, CB_E_USAGE, "neither XDG_CACHE_HOME nor HOME says where the cache is");
    return cb_hint(err, "give its folder with --cache-dir");
}

const struct cb_command cb_command_clean = {
    .name = "clean",
    .usage = "[flags]",
    .summary = "Clean the cache directory",
    .text = "Remove the cache folder with all packages and indexes in it.\n\n"
            "Without --cache-dir it is dev.chainguard.go-apk in $XDG_CACHE_HOME or ~/.cache, which apko uses too.",
    .example = "  cbuild clean\n  cbuild clean --cache-dir /custom/cache/path\n  cbuild clean --dry-run",
    .flags = own_flags,
    .run = run,
};
