#include "cbuild/apk/repository.h"

#include <stdlib.h>

#include "cbuild/apk/index.h"
#include "cbuild/base/log.h"
#include "cbuild/base/vec.h"
#include "cbuild/compress/inflate.h"
#include "cbuild/net/url.h"
#include "fetcher.h"

int cb_repository_parse(struct cb_repository *r, struct cb_str line, struct cb_error *err)
{
    struct cb_str rest = line;
    *r = (struct cb_repository){.tag = CB_STR(""), .url = line};
    if (!cb_str_starts(line, "@"))
        return 0;
    if (!cb_str_field(&rest, &r->tag) || !cb_str_field(&rest, &r->url))
        return cb_fail(err, CB_E_CONFIG, "invalid repository line \"%.*s\": expected \"@tag address\"",
                       CB_STR_ARG(cb_str_head(line, 200)));
    r->tag = cb_str_skip(r->tag, 1);
    return 0;
}

void cb_indexes_release(struct cb_indexes *x)
{
    cb_vec_release(x);
}

// ---- one index

struct reading {
    struct cb_fetcher *f;
    const struct cb_index_request *q;
    const struct cb_index **parts; // of each repository; NULL where it is left out
};

struct one_index {
    const struct reading *l;
    struct cb_repository repository;
    struct cb_index_origin origin;
    const char *url, *shown; // shown: without what may be secret
    struct cb_index **out;
};

static int parse_member(const struct one_index *x, struct cb_tar_reader *r, struct cb_error *err)
{
    struct cb_tar_source in = cb_tar_source(r);
    struct cb_index *index;
    if (cb_index_parse(&in.source, &x->origin, &index, err))
        return -1;
    cb_index_free(*x->out); // of two members of this name the last counts, as in the reference
    *x->out = index;
    return 0;
}

static int parse_members(const struct one_index *x, struct cb_source *tar, struct cb_error *err)
{
    struct cb_tar_reader *r = cb_tar_reader_new(tar, "the index");
    int more = 1;
    while (more == 1) {
        CB_ARENA_AUTO a = {0};
        struct cb_tar_header h;
        more = cb_tar_next(r, &a, &h, err);
        if (more != 1)
            break;
        if (cb_str_is(h.name, "APKINDEX"))
            more = parse_member(x, r, err) ? -1 : 1;
        else if (!cb_str_is(h.name, "DESCRIPTION") && !cb_str_starts(h.name, ".SIGN."))
            more = cb_fail(err, CB_E_INPUT, "unexpected file \"%.*s\" in it", CB_STR_ARG(cb_str_head(h.name, 200)));
    }
    cb_tar_reader_free(r);
    return more;
}

static int parse_archive(const struct one_index *x, const struct cb_fetched *g, struct cb_error *err)
{
    struct cb_range_source in = cb_range_source(g->fd, "the index", 0, g->size);
    struct cb_inflate *z = cb_inflate_new(&in.source, CB_INFLATE_IGNORE_RESERVED);
    if (x->l->f->limits.index != CB_NO_LIMIT)
        cb_inflate_limit(z, x->l->f->limits.index, "the inflated index");
    int failed = parse_members(x, cb_inflate_stream_source(z), err);
    cb_inflate_free(z);
    if (!failed && !*x->out) { // as in the reference, an archive without packages is one
        struct cb_mem_source nothing = cb_mem_source("", 0);
        cb_log(CB_WARN, "%s has no APKINDEX in it", x->shown);
        failed = cb_index_parse(&nothing.source, &x->origin, x->out, err);
    }
    if (failed) {
        cb_index_free(*x->out);
        *x->out = NULL;
    }
    return failed ? -1 : 0;
}

static bool is_signed(const struct one_index *x)
{
    const struct cb_strs *without = x->l->q->unsigned_repositories;
    return !x->l->f->o.ignore_signatures && !(without && cb_strs_has(without, x->repository.url));
}

static int fetch(struct cb_fetcher *f, const char *url, bool anew, struct cb_fetched *g, struct cb_error *err)
{
    if (cb_is_remote(cb_str(url)))
        return cb_fetch_url(f, url, anew, f->limits.http, g, err);
    CB_FD_AUTO fd = cb_open_read(url, err);
    struct stat st;
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) || (uint64_t)st.st_size > f->limits.http)
        return cb_fail(err, CB_E_LIMIT, "larger than the limit of %llu bytes", (unsigned long long)f->limits.http);
    return cb_fetch_copy(f, fd, url, (uint64_t)st.st_size, g, err);
}

// Fetched, verified, parsed; nothing is parsed that was not verified. *entry: of the cache, where it came from there.
static int have_index(const struct one_index *x, bool anew, char **entry, struct cb_error *err)
{
    CB_FETCHED_AUTO g = CB_FETCHED_INIT;
    if (fetch(x->l->f, x->url, anew, &g, err))
        return -1;
    *entry = g.entry;
    g.entry = NULL;
    if (is_signed(x) && cb_index_verify(g.fd, g.size, x->l->q->keys, err))
        return -1;
    return parse_archive(x, &g, err);
}

static int read_index(const struct one_index *x, struct cb_error *err)
{
    CB_AUTOFREE char *entry = NULL;
    CB_AUTOFREE char *none = NULL;
    if (have_index(x, false, &entry, err) == 0)
        return 0;
    if (!entry)
        return -1;
    // What came from the cache may be damaged, or somebody's; what comes from the server then decides.
    cb_log(CB_WARN, "%s in the cache is not usable, fetching it again: %s", x->shown, err->message);
    cb_error_clear(err);
    cb_cache_drop(x->l->f->cache, entry);
    return have_index(x, true, &none, err);
}

// ---- sharing

static void destroy_index(void *index)
{
    cb_index_free(index);
}

const struct cb_share_kind cb_index_kind = {destroy_index, NULL, SIZE_MAX, UINT64_MAX};

// The repository, and how its index is verified: with which keys, or not at all.
static void share_key(const struct one_index *x, struct cb_buf *key)
{
    const struct cb_keyring *keys = x->l->q->keys;
    cb_buf_addf(key, "%.*s %.*s %.*s", CB_STR_ARG(x->repository.tag), CB_STR_ARG(x->origin.base),
                CB_STR_ARG(x->origin.arch));
    if (!is_signed(x))
        return;
    CB_HASH_AUTO *hash = cb_hash_new(CB_SHA256);
    uint8_t sum[CB_HASH_MAX];
    char hex[CB_SHA256_HEX];
    for (size_t i = 0; i < keys->n; i++) {
        const uint64_t sizes[] = {keys->v[i].name.n, keys->v[i].bytes.n};
        cb_hash_add(hash, sizes, sizeof sizes);
        cb_hash_add(hash, keys->v[i].name.p, keys->v[i].name.n);
        cb_hash_add(hash, keys->v[i].bytes.p, keys->v[i].bytes.n);
    }
    cb_hash_sum(hash, sum);
    cb_hex(hex, sum, CB_SHA256_SIZE);
    cb_buf_addf(key, " signed %s", hex);
}

static void *read_shared(void *ctx, struct cb_error *err)
{
    struct one_index *x = ctx;
    struct cb_index *index = NULL;
    x->out = &index;
    return read_index(x, err) ? NULL : index;
}

static int read_one(void *ctx, size_t i, struct cb_error *err)
{
    struct reading *l = ctx;
    struct one_index x = {.l = l};
    CB_BUF_AUTO key = {0};
    if (cb_repository_parse(&x.repository, l->q->repositories->v[i], err))
        return -1;
    CB_AUTOFREE char *base = cb_format("%.*s/%.*s", CB_STR_ARG(x.repository.url), CB_STR_ARG(l->q->arch));
    CB_AUTOFREE char *url = cb_format("%s/APKINDEX.tar.gz", base);
    CB_AUTOFREE char *shown = cb_url_redact(url);
    x.origin = (struct cb_index_origin){.base = cb_str(base), .tag = x.repository.tag, .arch = l->q->arch};
    x.url = url;
    x.shown = shown;
    share_key(&x, &key);
    l->parts[i] = cb_share_take(l->f->indexes, cb_buf_str(&key), read_shared, &x, err);
    if (l->parts[i])
        return 0;
    if (!cb_is_remote(x.repository.url) && err->kind == CB_E_NOT_FOUND) {
        cb_log(CB_WARN, "no index at %s: this repository is left out", shown);
        cb_error_clear(err);
        return 0;
    }
    return cb_context_at(err, "index", shown);
}

int cb_indexes_fetch(struct cb_fetcher *f, const struct cb_index_request *q, struct cb_indexes *x, struct cb_error *err)
{
    size_t n = q->repositories->n;
    struct reading l = {f, q, cb_zalloc((n + 1) * sizeof *l.parts)};
    int failed = cb_parallel(f->o.pool, n, f->at_once, read_one, &l, err);
    for (size_t i = 0; i < n; i++)
        if (!failed && l.parts[i])
            *cb_vec_add(x) = l.parts[i];
    free(l.parts);
    return failed ? -1 : 0;
}
