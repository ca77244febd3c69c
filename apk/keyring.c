#include "cbuild/apk/keyring.h"

#include <stdlib.h>

#include "cbuild/base/file.h"
#include "cbuild/base/log.h"
#include "cbuild/base/vec.h"
#include "cbuild/net/url.h"
#include "fetcher.h"

static size_t lower_bound(const struct cb_keyring *k, struct cb_str name)
{
    size_t low = 0, high = k->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (cb_str_cmp(k->v[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct cb_keyring_key *cb_keyring_get(const struct cb_keyring *k, struct cb_str name)
{
    size_t i = lower_bound(k, name);
    return i < k->n && cb_str_eq(k->v[i].name, name) ? &k->v[i] : NULL;
}

void cb_keyring_put(struct cb_keyring *k, struct cb_str name, struct cb_str bytes, struct cb_str origin)
{
    size_t i = lower_bound(k, name);
    if (i == k->n || !cb_str_eq(k->v[i].name, name)) {
        cb_vec_grow(&k->v, k->n, &k->cap, sizeof *k->v);
        memmove(&k->v[i + 1], &k->v[i], (k->n - i) * sizeof *k->v);
        k->v[i] = (struct cb_keyring_key){.name = cb_arena_str(&k->arena, name)};
        k->n++;
    }
    k->v[i].bytes = cb_arena_str(&k->arena, bytes);
    k->v[i].origin = cb_arena_str(&k->arena, origin);
}

void cb_keyring_release(struct cb_keyring *k)
{
    cb_vec_release(k);
    cb_arena_release(&k->arena);
}

static void add_all(struct cb_keyring *to, const struct cb_keyring *from)
{
    for (size_t i = 0; i < from->n; i++)
        cb_keyring_put(to, from->v[i].name, from->v[i].bytes, from->v[i].origin);
}

// ---- what servers offer

struct loading {
    struct cb_fetcher *f;
    const struct cb_keyring_request *q;
    struct cb_keyring *parts; // of each repository, then of each file
};

static int offered_keys(struct loading *l, const char *repository, struct cb_keyring *k, struct cb_error *err)
{
    CB_ERROR_AUTO quiet = CB_ERROR_INIT;
    CB_BUF_AUTO text = {0};
    if (cb_keys_alpine(l->f, repository, l->q, k, err)) {
        if (!l->f->o.offline) {
            CB_AUTOFREE char *shown = cb_url_redact(repository);
            return cb_context(err, "fetching the Alpine keys of %s", shown);
        }
        cb_log(CB_DEBUG, "offline, without the keys of an Alpine release: %s", err->message);
        cb_error_clear(err);
    }
    CB_KEYRING_AUTO discovered = {0};
    if (cb_keys_discover(l->f, repository, &text, &quiet) || cb_keys_parse(cb_buf_str(&text), &discovered, &quiet)) {
        CB_AUTOFREE char *shown = cb_url_redact(repository);
        cb_log(CB_WARN, "key discovery: no keys are taken from %s: %s", shown, quiet.message);
        return 0;
    }
    CB_AUTOFREE char *shown = cb_url_redact(repository);
    CB_AUTOFREE char *origin = cb_format("discovered at %s", shown);
    for (size_t i = 0; i < discovered.n; i++)
        cb_keyring_put(k, discovered.v[i].name, discovered.v[i].bytes, cb_str(origin));
    return 0;
}

// ---- what the configuration names

static struct cb_str file_name(struct cb_str path)
{
    while (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    ptrdiff_t slash = path.n > 1 ? cb_str_rfind(path, '/') : -1;
    return cb_str_skip(path, (size_t)(slash + 1));
}

static int named_key(struct loading *l, const char *element, struct cb_keyring *k, struct cb_error *err)
{
    CB_BUF_AUTO local = {0};
    struct cb_str bytes = {0}, name = file_name(cb_str(element));
    CB_AUTOFREE char *shown = cb_url_redact(element);
    bool remote = cb_is_remote(cb_str(element));
    if (remote && cb_fetch_small(l->f, element, &bytes, err))
        return cb_context(err, "key %s", shown);
    if (!remote && cb_read_file(element, &local, CB_KEY_FILE_MAX, err)) {
        cb_hint(err, "keys are named in contents.keyring and with --keyring-append (-k); paths begin at the working "
                     "folder");
        return cb_context(err, "key");
    }
    if (!remote)
        bytes = cb_buf_str(&local);
    if (bytes.n > CB_KEY_FILE_MAX)
        return cb_fail(err, CB_E_LIMIT, "key %s: %zu bytes, the limit is %u", shown, bytes.n, CB_KEY_FILE_MAX);
    if (name.n == 0 || cb_str_find(name, '/') >= 0 || cb_str_is(name, ".") || cb_str_is(name, ".."))
        return cb_fail(err, CB_E_CONFIG, "key %s: this names no file", shown);
    cb_keyring_put(k, name, bytes, cb_str(shown));
    return 0;
}

static int load_one(void *ctx, size_t i, struct cb_error *err)
{
    struct loading *l = ctx;
    bool is_file = i >= l->q->repositories->n;
    struct cb_str item = is_file ? l->q->files->v[i - l->q->repositories->n] : l->q->repositories->v[i];
    CB_AUTOFREE char *text = cb_strndup(item.p, item.n);
    if (is_file)
        return named_key(l, text, &l->parts[i], err);
    if (l->f->o.no_key_discovery || !cb_is_remote(item))
        return 0;
    return offered_keys(l, text, &l->parts[i], err);
}

int cb_keyring_load(struct cb_fetcher *f, const struct cb_keyring_request *q, struct cb_keyring *k,
                    struct cb_error *err)
{
    size_t n = q->repositories->n + q->files->n;
    struct loading l = {f, q, cb_zalloc((n + 1) * sizeof *l.parts)};
    int failed = cb_parallel(f->o.pool, n, f->at_once, load_one, &l, err);
    for (size_t i = 0; i < n; i++) {
        if (!failed)
            add_all(k, &l.parts[i]);
        cb_keyring_release(&l.parts[i]);
    }
    free(l.parts);
    if (!failed && k->n > CB_KEYRING_MAX)
        failed = cb_fail(err, CB_E_LIMIT, "%zu keys, the limit is %u", k->n, CB_KEYRING_MAX);
    return failed;
}

int cb_keyring_discover(struct cb_fetcher *f, struct cb_str repository, struct cb_keyring *k, struct cb_error *err)
{
    CB_BUF_AUTO text = {0};
    CB_AUTOFREE char *url = cb_strndup(repository.p, repository.n);
    if (!cb_is_remote(repository))
        return 0;
    if (cb_keys_discover(f, url, &text, err) || cb_keys_parse(cb_buf_str(&text), k, err)) {
        CB_AUTOFREE char *shown = cb_url_redact(url);
        return cb_context(err, "key discovery at %s", shown);
    }
    return 0;
}
