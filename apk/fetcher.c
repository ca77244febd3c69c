#include "fetcher.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "cbuild/base/log.h"
#include "cbuild/base/map.h"
#include "cbuild/net/url.h"

struct once_result {
    enum { RUNNING, DONE, FAILED } state;
    struct cb_buf bytes;
};

struct cb_once {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct cb_arena arena; // keys and results
    struct cb_map results;
};

static struct cb_once *once_new(void)
{
    struct cb_once *o = cb_zalloc(sizeof *o);
    pthread_mutex_init(&o->lock, NULL);
    pthread_cond_init(&o->changed, NULL);
    return o;
}

static void once_free(struct cb_once *o)
{
    for (size_t i = 0; i < o->results.n; i++)
        cb_buf_release(&((struct once_result *)o->results.items[i].value)->bytes);
    cb_map_release(&o->results);
    cb_arena_release(&o->arena);
    pthread_cond_destroy(&o->changed);
    pthread_mutex_destroy(&o->lock);
    free(o);
}

static uint64_t limit_of(int64_t asked, uint64_t otherwise)
{
    return asked == 0 ? otherwise : asked < 0 ? CB_NO_LIMIT : (uint64_t)asked;
}

struct cb_fetcher *cb_fetcher_new(const struct cb_fetcher_options *o, struct cb_error *err)
{
    const struct cb_size_limits *l = &o->limits;
    if (l->index < -1 || l->control < -1 || l->data < -1 || l->http < -1) {
        cb_fail(err, CB_E_USAGE, "a size limit is negative: -1 means none, 0 the default");
        return NULL;
    }
    struct cb_fetcher *f = cb_zalloc(sizeof *f);
    f->o = *o;
    f->limits.index = limit_of(l->index, 300ull << 20);
    f->limits.control = limit_of(l->control, 10ull << 20);
    f->limits.data = limit_of(l->data, 16ull << 30);
    f->limits.http = limit_of(l->http, 8ull << 30);
    if (o->cache_dir && *o->cache_dir)
        f->cache = cb_cache_new(o->cache_dir, o->offline);
    unsigned threads = cb_pool_threads(o->pool) * 2;
    f->at_once = o->at_once ? o->at_once : threads < 4 ? 4 : threads > 16 ? 16 : threads;
    f->temp_in_cache = cb_format("a temporary file in the cache %s", o->cache_dir ? o->cache_dir : "");
    f->temp_elsewhere = cb_format("a temporary file in %s", o->temp_dir ? o->temp_dir : cb_temp_folder());
    f->once = once_new();
    f->indexes = cb_share_new(&cb_index_kind);
    struct cb_share_kind packages = cb_package_kind;
    packages.most_idle = o->keep_packages;
    packages.most_idle_weight = o->keep_package_bytes;
    f->packages = cb_share_new(&packages);
    return f;
}

void cb_fetcher_free(struct cb_fetcher *f)
{
    if (!f)
        return;
    cb_share_free(f->packages);
    cb_share_free(f->indexes);
    cb_cache_free(f->cache);
    once_free(f->once);
    free(f->temp_in_cache);
    free(f->temp_elsewhere);
    free(f);
}

// The result for key, waiting for one that is being made; NULL where the caller is to make it.
static struct once_result *once_begin(struct cb_once *o, const char *key)
{
    for (;;) {
        struct once_result *r = cb_map_get(&o->results, cb_str(key));
        if (r && r->state == DONE)
            return r;
        if (r && r->state == RUNNING) {
            pthread_cond_wait(&o->changed, &o->lock);
            continue;
        }
        if (!r) {
            r = cb_arena_alloc(&o->arena, sizeof *r);
            cb_map_put(&o->results, cb_arena_str(&o->arena, cb_str(key)), r, NULL);
        }
        r->state = RUNNING;
        return NULL;
    }
}

int cb_fetch_once(struct cb_fetcher *f, const char *key, cb_once_fn *make, const char *arg, struct cb_str *out,
                  struct cb_error *err)
{
    struct cb_once *o = f->once;
    pthread_mutex_lock(&o->lock);
    struct once_result *r = once_begin(o, key);
    if (!r) {
        pthread_mutex_unlock(&o->lock);
        struct cb_buf bytes = {0};
        int failed = make(f, arg, &bytes, err);
        pthread_mutex_lock(&o->lock);
        r = cb_map_get(&o->results, cb_str(key));
        r->state = failed ? FAILED : DONE;
        if (failed)
            cb_buf_release(&bytes);
        r->bytes = bytes;
        pthread_cond_broadcast(&o->changed);
    }
    bool done = r->state == DONE;
    *out = cb_buf_str(&r->bytes);
    pthread_mutex_unlock(&o->lock);
    return done ? 0 : -1;
}

int cb_fetcher_temp(struct cb_fetcher *f, const char **name, struct cb_error *err)
{
    *name = f->temp_in_cache;
    if (!f->o.temp_dir && f->cache) {
        struct cb_cache_file file;
        cb_cache_create(f->cache, &file);
        if (file.fd >= 0 && !file.temp)
            return file.fd;
        cb_cache_abort(f->cache, &file);
    }
    *name = f->temp_elsewhere;
    return cb_temp_fd(f->o.temp_dir, err);
}

void cb_fetched_release(struct cb_fetched *g)
{
    cb_close_p(&g->fd);
    free(g->entry);
    *g = (struct cb_fetched)CB_FETCHED_INIT;
}

bool cb_is_remote(struct cb_str url)
{
    return cb_str_starts(url, "https://") || cb_str_starts(url, "http://");
}

int cb_fetch_copy(struct cb_fetcher *f, int from, const char *name, uint64_t size, struct cb_fetched *out,
                  struct cb_error *err)
{
    const char *temp;
    out->fd = cb_fetcher_temp(f, &temp, err);
    if (out->fd < 0)
        return -1;
    struct cb_range_source in = cb_range_source(from, name, 0, size);
    struct cb_fd_sink to = cb_fd_sink(out->fd, temp);
    return cb_copy(&to.sink, &in.source, &out->size, err);
}

// An entry of the cache as a copy of our own; takes its descriptor.
static int take_entry(struct cb_fetcher *f, int entry, uint64_t size, uint64_t limit, struct cb_fetched *out,
                      struct cb_error *err)
{
    CB_FD_AUTO fd = entry;
    if (fd < 0)
        return -1;
    if (size > limit)
        return cb_fail(err, CB_E_LIMIT, "%llu bytes in the cache, the limit is %llu", (unsigned long long)size,
                       (unsigned long long)limit);
    return cb_fetch_copy(f, fd, "an entry of the cache", size, out, err);
}

// Asks the server what is current and takes that from the cache. 1 where it is there, 0 where it is to be fetched.
static int ask_cache(struct cb_fetcher *f, const char *url, const char *path, uint64_t limit, struct cb_fetched *out)
{
    CB_ERROR_AUTO quiet = CB_ERROR_INIT;
    uint64_t size;
    CB_FD_AUTO any = cb_cache_open_newest(f->cache, path, &size, &quiet);
    if (any < 0)
        return 0; // nothing to ask about: one request instead of two
    struct cb_http_request q = {.method = "HEAD", .url = url};
    CB_HTTP_ANSWER_AUTO a = {0};
    CB_BUF_AUTO entry = {0};
    cb_error_clear(&quiet);
    if (cb_http_fetch(f->o.http, &q, &a, &quiet))
        return 0; // the request that follows fails in the same way, or not
    const char *etag = cb_http_header(&a, "etag");
    if (!etag || !cb_cache_etag_path(path, etag, &entry))
        return 0;
    int fd = cb_cache_open(f->cache, entry.p, &size, &quiet);
    if (fd < 0 || take_entry(f, fd, size, limit, out, &quiet)) {
        cb_fetched_release(out);
        return 0;
    }
    out->entry = cb_buf_take(&entry);
    return 1;
}

// The cache is a help, not a need: that something cannot be kept is said and no more.
static void keep_fetched(struct cb_fetcher *f, const char *path, const char *etag, const struct cb_fetched *g)
{
    CB_BUF_AUTO entry = {0};
    if (!etag || !cb_cache_etag_path(path, etag, &entry))
        return;
    struct cb_cache_file file;
    cb_cache_create(f->cache, &file);
    if (file.fd < 0)
        return;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_range_source in = cb_range_source(g->fd, "a temporary file", 0, g->size);
    struct cb_fd_sink to = cb_fd_sink(file.fd, "a file of the cache");
    if (cb_copy(&to.sink, &in.source, NULL, &err))
        cb_cache_abort(f->cache, &file);
    else
        cb_cache_commit(f->cache, &file, entry.p, &err);
    if (err.kind)
        cb_log(CB_WARN, "%s", err.message);
}

static int restart_file(void *ctx, struct cb_error *err)
{
    int fd = *(int *)ctx;
    if (ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0)
        return 0;
    return cb_fail_errno(err, errno, "emptying a temporary file");
}

// Which host refused, and whether it was given anything; never what.
static int hint_credentials(const char *url, bool given, struct cb_error *err)
{
    CB_ERROR_AUTO none = CB_ERROR_INIT;
    struct cb_url u;
    if (cb_url_parse(&u, url, &none))
        return -1;
    if (given)
        cb_hint(err, "%s refuses the credentials that it was given, those of HTTP_AUTH, the URL or netrc", u.host);
    else if (!u.explicit_port)
        cb_hint(err, "no credentials for %s were found: HTTP_AUTH=basic:%s:USER:PASSWORD or a netrc file give some",
                u.host, u.host);
    else
        cb_hint(err, "no credentials for %s were found: a netrc file, or the URL, gives some", u.host);
    cb_url_release(&u);
    return -1;
}

static int get(struct cb_fetcher *f, const char *url, const char *path, uint64_t limit, struct cb_fetched *out,
               struct cb_error *err)
{
    const char *temp;
    out->fd = cb_fetcher_temp(f, &temp, err);
    if (out->fd < 0)
        return -1;
    struct cb_fd_sink sink = cb_fd_sink(out->fd, temp);
    struct cb_http_request q = {
        .url = url, .sink = &sink.sink, .restart = restart_file, .ctx = &out->fd, .max_body = limit};
    CB_HTTP_ANSWER_AUTO a = {0};
    if (cb_http_fetch(f->o.http, &q, &a, err))
        return err->kind == CB_E_AUTH ? hint_credentials(url, a.authorized, err) : -1;
    out->size = a.length;
    if (path)
        keep_fetched(f, path, cb_http_header(&a, "etag"), out);
    return 0;
}

int cb_fetch_url(struct cb_fetcher *f, const char *url, bool anew, uint64_t limit, struct cb_fetched *out,
                 struct cb_error *err)
{
    if (limit > f->limits.http)
        limit = f->limits.http;
    CB_AUTOFREE char *path = f->cache ? cb_cache_path(url, err) : NULL;
    if (f->cache && !path)
        return -1;
    if (f->o.offline) {
        uint64_t size = 0;
        if (!f->cache)
            return cb_fail(err, CB_E_NETWORK, "offline and without a cache");
        int fd = cb_cache_open_newest(f->cache, path, &size, err);
        if (fd < 0 && err->kind == CB_E_NOT_FOUND)
            cb_hint(err, "build once without --offline to fill the cache");
        return fd < 0 ? cb_context(err, "offline") : take_entry(f, fd, size, limit, out, err);
    }
    if (path && !anew && ask_cache(f, url, path, limit, out) == 1)
        return 0;
    return get(f, url, path, limit, out, err);
}

static int fetch_into_memory(struct cb_fetcher *f, const char *url, struct cb_buf *out, struct cb_error *err)
{
    CB_FETCHED_AUTO g = CB_FETCHED_INIT;
    if (cb_fetch_url(f, url, false, CB_JSON_ANSWER_MAX, &g, err))
        return -1;
    struct cb_range_source in = cb_range_source(g.fd, "a temporary file", 0, g.size);
    return cb_read_all(&in.source, out, CB_JSON_ANSWER_MAX, "the answer", err);
}

int cb_fetch_small(struct cb_fetcher *f, const char *url, struct cb_str *out, struct cb_error *err)
{
    CB_AUTOFREE char *key = cb_format("GET %s", url);
    return cb_fetch_once(f, key, fetch_into_memory, url, out, err);
}
