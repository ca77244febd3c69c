// Where a package's bytes come from: the cache, a folder, a server.
#include <stdlib.h>

#include "cbuild/base/log.h"
#include "cbuild/net/url.h"
#include "opening.h"

// The names of a package's segments in the cache.
struct entry {
    char *whole;    // of a complete package, where somebody put one
    char *parts[3]; // by enum cb_segment; that of the data once its hash is known
    char *folder;
};

static void entry_release(struct entry *e)
{
    free(e->whole);
    free(e->folder);
    for (size_t i = 0; i < 3; i++)
        free(e->parts[i]);
}

#define ENTRY_AUTO __attribute__((cleanup(entry_release))) struct entry

static void name_data(struct entry *e, const uint8_t *sha256)
{
    char hex[CB_SHA256_HEX];
    cb_hex(hex, sha256, CB_SHA256_SIZE);
    free(e->parts[CB_SEGMENT_DATA]);
    e->parts[CB_SEGMENT_DATA] = cb_format("%s/%s.dat.tar.gz", e->folder, hex);
}

// False where the package has no place in the cache.
static bool name_entry(struct cb_fetcher *f, const struct cb_repo_package *p, const char *url, struct entry *e)
{
    CB_ERROR_AUTO quiet = CB_ERROR_INIT;
    char hex[2 * CB_SHA1_SIZE + 1];
    if (!f->cache || p->pkg->checksum.n != CB_SHA1_SIZE)
        return false;
    e->whole = cb_cache_path(url, &quiet);
    if (!e->whole || !cb_str_ends(cb_str(e->whole), ".apk"))
        return false;
    e->folder = cb_strndup(e->whole, strlen(e->whole) - strlen(".apk"));
    cb_hex(hex, (const uint8_t *)p->pkg->checksum.p, CB_SHA1_SIZE);
    e->parts[CB_SEGMENT_SIGNATURE] = cb_format("%s/%s.sig.tar.gz", e->folder, hex);
    e->parts[CB_SEGMENT_CONTROL] = cb_format("%s/%s.ctl.tar.gz", e->folder, hex);
    return true;
}

static int feed(struct cb_opening *o, int fd, const char *name, struct cb_error *err)
{
    struct cb_fd_source in = cb_fd_source(fd, name);
    return cb_copy(&o->sink, &in.source, NULL, err);
}

// ---- from the cache

// One segment's file into the sink: 1, 0 where there is none, -1.
static int feed_part(struct cb_fetcher *f, struct cb_opening *o, const char *path, uint64_t *total,
                     struct cb_error *err)
{
    uint64_t size = 0;
    CB_FD_AUTO fd = cb_cache_open(f->cache, path, &size, err);
    if (fd < 0 && err->kind != CB_E_NOT_FOUND)
        return -1;
    if (fd < 0) {
        cb_error_clear(err);
        return 0;
    }
    if (size > f->limits.http)
        return cb_fail(err, CB_E_LIMIT, "the cache has %llu bytes of it, the limit is %llu", (unsigned long long)size,
                       (unsigned long long)f->limits.http);
    *total += size;
    return feed(o, fd, "an entry of the cache", err) ? -1 : 1;
}

static int feed_parts(struct cb_fetcher *f, const struct cb_repo_package *p, struct entry *e, struct cb_opening *o,
                      struct cb_error *err)
{
    uint64_t total = 0;
    int found = feed_part(f, o, e->parts[CB_SEGMENT_SIGNATURE], &total, err);
    if (found < 0)
        return -1;
    if (found && o->segment != CB_SEGMENT_CONTROL)
        return cb_fail(err, CB_E_TRUST, "the signature in the cache is none");
    found = feed_part(f, o, e->parts[CB_SEGMENT_CONTROL], &total, err);
    if (found <= 0)
        return found;
    if (o->segment != CB_SEGMENT_DATA || o->segment_size > 0)
        return cb_fail(err, CB_E_TRUST, "the control segment in the cache is none");
    name_data(e, o->want_data);
    found = feed_part(f, o, e->parts[CB_SEGMENT_DATA], &total, err);
    // No hash covers the signature, whose size is part of what the image's database says of the package.
    if (found == 1 && p->pkg->size != 0 && p->pkg->size != total)
        return cb_fail(err, CB_E_TRUST, "the cache has %llu bytes of it in all, the index says %llu",
                       (unsigned long long)total, (unsigned long long)p->pkg->size);
    return found;
}

static int feed_whole(struct cb_fetcher *f, const struct cb_repo_package *p, struct entry *e, struct cb_opening *o,
                      struct cb_error *err)
{
    uint64_t total = 0;
    (void)p;
    return feed_part(f, o, e->whole, &total, err);
}

typedef int feed_fn(struct cb_fetcher *f, const struct cb_repo_package *p, struct entry *e, struct cb_opening *o,
                    struct cb_error *err);

// The package from one kind of entry: 1, 0 where there is none, -1 where it is not the package.
static int open_entry(struct cb_fetcher *f, const struct cb_repo_package *p, struct entry *e, feed_fn *fill,
                      struct cb_apk_file **out, struct cb_error *err)
{
    struct cb_opening o;
    int found = cb_opening_begin(&o, f, p->pkg->checksum, false, err) ? -1 : fill(f, p, e, &o, err);
    if (found == 1) {
        o.known = fill == feed_parts;
        *out = cb_opening_finish(&o, err);
        found = *out ? 1 : -1;
    }
    cb_opening_release(&o);
    return found;
}

static void drop_entry(struct cb_fetcher *f, const struct entry *e, bool whole)
{
    if (whole)
        cb_cache_drop(f->cache, e->whole);
    for (size_t i = 0; i < 3 && !whole; i++)
        if (e->parts[i])
            cb_cache_drop(f->cache, e->parts[i]);
}

// What is wrong in the cache is dropped and had anew; offline it is the end.
static int open_cached(struct cb_fetcher *f, const struct cb_repo_package *p, struct entry *e, struct cb_apk_file **out,
                       struct cb_error *err)
{
    static feed_fn *const ways[] = {feed_parts, feed_whole};
    for (size_t i = 0; i < 2; i++) {
        int found = open_entry(f, p, e, ways[i], out, err);
        if (found == 1)
            return 1;
        if (found == 0)
            continue;
        if (f->o.offline)
            return cb_context(err, "offline, and the cache is damaged");
        cb_log(CB_WARN, "package %.*s: the cache is damaged, fetching it again: %s", CB_STR_ARG(p->pkg->name),
               err->message);
        cb_error_clear(err);
        drop_entry(f, e, i == 1);
    }
    return 0;
}

// ---- from where it is published

static int open_local(struct cb_opening *o, const char *path, struct cb_error *err)
{
    CB_FD_AUTO fd = cb_open_read(path, err);
    return fd < 0 ? -1 : feed(o, fd, path, err);
}

static int open_remote(struct cb_opening *o, const char *url, struct cb_error *err)
{
    struct cb_http_request q = {.url = url, .sink = &o->sink, .max_body = o->f->limits.http};
    CB_HTTP_ANSWER_AUTO a = {0};
    return cb_http_fetch(o->f->o.http, &q, &a, err);
}

// The control segment comes last: whoever finds it finds the others.
static void keep_segments(struct cb_opening *o, struct entry *e, const struct cb_apk_file *file)
{
    static const enum cb_segment order[] = {CB_SEGMENT_DATA, CB_SEGMENT_SIGNATURE, CB_SEGMENT_CONTROL};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    if (!o->keep)
        return;
    name_data(e, file->data_sha256);
    for (size_t i = 0; i < 3; i++)
        if (cb_cache_commit(o->f->cache, &o->kept[order[i]], e->parts[order[i]], &err)) {
            cb_log(CB_WARN, "%s", err.message);
            return;
        }
}

static struct cb_apk_file *open_published(struct cb_fetcher *f, const struct cb_repo_package *p, struct entry *e,
                                          bool keep, struct cb_error *err)
{
    CB_AUTOFREE char *url = cb_strndup(p->url.p, p->url.n);
    struct cb_opening o;
    struct cb_apk_file *file = NULL;
    if (!cb_opening_begin(&o, f, p->pkg->checksum, keep, err) &&
        !(cb_is_remote(p->url) ? open_remote : open_local)(&o, url, err))
        file = cb_opening_finish(&o, err);
    if (file)
        keep_segments(&o, e, file);
    cb_opening_release(&o);
    return file;
}

// ----

static int check_names(const struct cb_repo_package *p, struct cb_error *err)
{
    if (p->pkg->checksum.n != CB_SHA1_SIZE)
        return cb_fail(err, CB_E_TRUST, "the index has no SHA-1 for it (field C)");
    if (p->url.n == 0 || memchr(p->url.p, 0, p->url.n) || cb_str_find(p->pkg->name, '/') >= 0 ||
        cb_str_find(p->pkg->version, '/') >= 0)
        return cb_fail(err, CB_E_INPUT, "its name, version or address cannot be that of a file");
    return 0;
}

static struct cb_apk_file *open_package(struct cb_fetcher *f, const struct cb_repo_package *p, struct cb_error *err)
{
    ENTRY_AUTO e = {0};
    struct cb_apk_file *file = NULL;
    if (check_names(p, err))
        return NULL;
    CB_AUTOFREE char *url = cb_strndup(p->url.p, p->url.n);
    bool cached = cb_is_remote(p->url) && name_entry(f, p, url, &e);
    int found = cached ? open_cached(f, p, &e, &file, err) : 0;
    if (found == 0 && f->o.offline && cb_is_remote(p->url)) {
        cb_fail(err, CB_E_NOT_FOUND, "offline, and the package is not in the cache");
        cb_hint(err, "build once without --offline to fill the cache");
    } else if (found == 0) {
        file = open_published(f, p, &e, cached, err);
    }
    return file;
}

struct cb_apk_file *cb_package_open(struct cb_fetcher *f, const struct cb_repo_package *p, struct cb_error *err)
{
    struct cb_apk_file *file = open_package(f, p, err);
    if (file)
        return file;
    CB_AUTOFREE char *url = cb_strndup(p->url.p, p->url.n);
    CB_AUTOFREE char *shown = cb_url_redact(url);
    CB_AUTOFREE char *what =
        cb_format("package %.*s (%.*s) from", CB_STR_ARG(p->pkg->name), CB_STR_ARG(p->pkg->version));
    if (err->kind == CB_E_NOT_FOUND)
        cb_hint(err, "the package is listed, but its file is not there: is the repository complete, or does it change "
                     "right now?");
    if (strstr(err->message, shown))
        what[strlen(what) - strlen(" from")] = '\0';
    cb_context_at(err, what, shown);
    return NULL;
}

// ---- sharing

static void destroy_file(void *file)
{
    cb_apk_file_free(file);
}

static uint64_t unpacked_size(const void *file)
{
    struct stat st;
    return fstat(((const struct cb_apk_file *)file)->data_fd, &st) ? 0 : (uint64_t)st.st_size;
}

const struct cb_share_kind cb_package_kind = {destroy_file, unpacked_size, 0, 0};

// What decides the file and the checks that it has passed: the hash that it must have, the size that the index gives it
// (which counts where the cache is read), and where it is.
static char *share_key(const struct cb_repo_package *p, size_t *n)
{
    CB_BUF_AUTO key = {0};
    cb_buf_addf(&key, "%zu %llu ", p->pkg->checksum.n, (unsigned long long)p->pkg->size);
    cb_buf_addstr(&key, p->pkg->checksum);
    cb_buf_addf(&key, "%.*s %.*s %.*s", CB_STR_ARG(p->pkg->name), CB_STR_ARG(p->pkg->version), CB_STR_ARG(p->url));
    *n = key.n;
    return cb_buf_take(&key);
}

struct opening_all {
    struct cb_fetcher *f;
    const struct cb_repo_package *const *packages;
    const struct cb_apk_file **files;
    size_t *order; // in which they are begun
};

struct opening_one {
    struct cb_fetcher *f;
    const struct cb_repo_package *package;
};

static void *open_shared(void *ctx, struct cb_error *err)
{
    const struct opening_one *one = ctx;
    return cb_package_open(one->f, one->package, err);
}

static int open_one(void *ctx, size_t i, struct cb_error *err)
{
    struct opening_all *all = ctx;
    size_t k = all->order[i], n;
    struct opening_one one = {all->f, all->packages[k]};
    CB_AUTOFREE char *key = share_key(one.package, &n);
    all->files[k] = cb_share_take(all->f->packages, cb_strn(key, n), open_shared, &one, err);
    return all->files[k] ? 0 : -1;
}

struct sized {
    uint64_t size;
    size_t i;
};

static int by_size(const void *a, const void *b)
{
    const struct sized *x = a, *y = b;
    if (x->size != y->size)
        return x->size < y->size ? 1 : -1;
    return x->i < y->i ? -1 : x->i > y->i;
}

// The largest first: begun last, it would keep one thread busy when the others have nothing left.
static void order_by_size(const struct cb_repo_package *const *packages, size_t n, size_t *order)
{
    CB_AUTOFREE struct sized *sizes = cb_realloc_array(NULL, n, sizeof *sizes);
    for (size_t i = 0; i < n; i++)
        sizes[i] = (struct sized){packages[i]->pkg->size, i};
    if (n > 0)
        qsort(sizes, n, sizeof *sizes, by_size);
    for (size_t i = 0; i < n; i++)
        order[i] = sizes[i].i;
}

int cb_packages_open(struct cb_fetcher *f, const struct cb_repo_package *const *packages, size_t n,
                     const struct cb_apk_file **files, struct cb_error *err)
{
    CB_AUTOFREE size_t *order = cb_realloc_array(NULL, n, sizeof *order);
    struct opening_all all = {f, packages, files, order};
    order_by_size(packages, n, order);
    for (size_t i = 0; i < n; i++)
        files[i] = NULL;
    if (cb_parallel(f->o.pool, n, f->at_once, open_one, &all, err) == 0)
        return 0;
    cb_packages_close(f, packages, n, files);
    return -1;
}

void cb_packages_close(struct cb_fetcher *f, const struct cb_repo_package *const *packages, size_t n,
                       const struct cb_apk_file **files)
{
    for (size_t i = 0; i < n; i++) {
        size_t size;
        CB_AUTOFREE char *key = share_key(packages[i], &size);
        if (files[i])
            cb_share_give_back(f->packages, cb_strn(key, size));
        files[i] = NULL;
    }
}
