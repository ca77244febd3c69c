// Keys that servers offer: those of an Alpine release, and those behind apk-configuration (a JWKS).
#include "fetcher.h"

#include "cbuild/base/log.h"
#include "cbuild/crypto/key.h"
#include "cbuild/net/url.h"
#include "cbuild/text/json_read.h"

#define RELEASES "https://alpinelinux.org/releases.json"

// A name that a server chooses becomes a file in the image: one file, in the folder meant for it.
bool cb_key_name_is_safe(struct cb_str name)
{
    if (name.n == 0 || name.n > 200 || *name.p == '.' || !cb_str_ends(name, ".rsa.pub"))
        return false;
    for (size_t i = 0; i < name.n; i++)
        if ((uint8_t)name.p[i] < 0x20 || name.p[i] == 0x7f || name.p[i] == '/' || name.p[i] == '\\')
            return false;
    return true;
}

// ---- apk-configuration

// One JWK as "<kid>.rsa.pub", a line break, and PEM.
static int add_jwk(struct json_t *jwk, struct cb_buf *out, struct cb_error *err)
{
    struct cb_str kid, kty, n, e;
    if (cb_json_need_str(jwk, "kid", &kid, err) || cb_json_need_str(jwk, "kty", &kty, err))
        return -1;
    CB_AUTOFREE char *name = cb_format("%.*s.rsa.pub", CB_STR_ARG(kid));
    if (!cb_key_name_is_safe(cb_str(name)))
        return cb_fail(err, CB_E_TRUST, "the key's \"kid\" \"%.*s\" cannot be the name of a file",
                       CB_STR_ARG(cb_str_head(kid, 80)));
    if (!cb_str_is(kty, "RSA") || cb_json_has(jwk, "d"))
        return cb_fail(err, CB_E_UNSUPPORTED, "key \"%s\" is not a public RSA key", name);
    if (cb_json_need_str(jwk, "n", &n, err) || cb_json_need_str(jwk, "e", &e, err))
        return -1;
    CB_KEY_AUTO *key = cb_key_from_rsa_jwk(n, e, err);
    if (!key)
        return cb_context(err, "key \"%s\"", name);
    cb_buf_addf(out, "%s\n", name);
    cb_key_add_pem(key, out);
    return 0;
}

static int add_jwks(struct cb_str text, struct cb_buf *out, struct cb_error *err)
{
    struct json_t *keys;
    CB_JSON_AUTO *root = cb_json_read(text, "the JWKS", CB_JSON_ANSWER_MAX, err);
    if (!root || cb_json_get_array(root, "keys", &keys, err))
        return -1;
    if (cb_json_count(keys) > CB_KEYRING_MAX)
        return cb_fail(err, CB_E_LIMIT, "the JWKS has %zu keys, the limit is %u", cb_json_count(keys), CB_KEYRING_MAX);
    for (size_t i = 0; i < cb_json_count(keys); i++)
        if (add_jwk(cb_json_at(keys, i), out, err))
            return -1;
    return 0;
}

// The JWKS must be where the configuration was had from: otherwise whoever may write one small file on a repository's
// server could have keys taken from anywhere.
static int check_jwks_origin(const char *jwks, const char *configuration, const char *answered, struct cb_error *err)
{
    CB_URL_AUTO to = {0};
    CB_URL_AUTO from = {0};
    CB_URL_AUTO final = {0};
    if (cb_url_parse(&to, jwks, err) || cb_url_parse(&from, configuration, err))
        return cb_context(err, "jwks_uri");
    CB_ERROR_AUTO quiet = CB_ERROR_INIT;
    if (cb_url_same_origin(&to, &from) ||
        (answered && !cb_url_parse(&final, answered, &quiet) && cb_url_same_origin(&to, &final)))
        return 0;
    CB_AUTOFREE char *shown = cb_url_redact(jwks);
    return cb_fail(err, CB_E_TRUST, "its jwks_uri %s is on another server", shown);
}

static int ask(struct cb_fetcher *f, const char *repository, struct cb_buf *out, struct cb_error *err)
{
    struct cb_str base = cb_str(repository);
    if (cb_str_ends(base, "/"))
        base.n--;
    CB_AUTOFREE char *url = cb_format("%.*s/apk-configuration", CB_STR_ARG(base));
    struct cb_http_request q = {.url = url, .max_body = CB_JSON_ANSWER_MAX};
    CB_HTTP_ANSWER_AUTO a = {0};
    if (cb_http_send(f->o.http, &q, &a, err))
        return -1;
    if (a.status == 404)
        return 0;
    struct cb_str jwks;
    if (cb_http_check(&q, &a, err))
        return -1;
    CB_JSON_AUTO *root = cb_json_read(cb_buf_str(&a.text), "apk-configuration", CB_JSON_ANSWER_MAX, err);
    if (!root || cb_json_need_str(root, "jwks_uri", &jwks, err) || check_jwks_origin(jwks.p, url, a.url, err))
        return -1;
    struct cb_http_request keys = {.url = jwks.p, .max_body = CB_JSON_ANSWER_MAX};
    CB_HTTP_ANSWER_AUTO b = {0};
    if (cb_http_fetch(f->o.http, &keys, &b, err))
        return -1;
    return add_jwks(cb_buf_str(&b.text), out, err);
}

// The reference cannot discover keys offline, so that its offline images lack them. Ours are to be the same with and
// without a network: what was found is kept (under a name that the reference does not look at).
static void remember(struct cb_fetcher *f, const char *repository, struct cb_str keys)
{
    CB_AUTOFREE char *path = f->cache ? cb_cache_keys_path(repository) : NULL;
    struct cb_cache_file file = CB_CACHE_FILE_INIT;
    if (path)
        cb_cache_create(f->cache, &file);
    if (file.fd < 0)
        return;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_fd_sink to = cb_fd_sink(file.fd, "a file of the cache");
    if (cb_write(&to.sink, keys.p, keys.n, &err))
        cb_cache_abort(f->cache, &file);
    else
        cb_cache_commit(f->cache, &file, path, &err);
    if (err.kind)
        cb_log(CB_WARN, "%s", err.message);
}

static int recall(struct cb_fetcher *f, const char *repository, struct cb_buf *out, struct cb_error *err)
{
    CB_AUTOFREE char *path = f->cache ? cb_cache_keys_path(repository) : NULL;
    if (!path)
        return 0;
    uint64_t size = 0;
    CB_FD_AUTO fd = cb_cache_open(f->cache, path, &size, err);
    if (fd < 0 && err->kind == CB_E_NOT_FOUND) {
        cb_error_clear(err);
        return 0;
    }
    if (fd < 0)
        return -1;
    struct cb_fd_source in = cb_fd_source(fd, "a file of the cache");
    return cb_read_all(&in.source, out, CB_JSON_ANSWER_MAX, "the keys remembered in the cache", err);
}

// Each key must come out as it went in, so that nothing but keys gets into an image from a
// cache that somebody else may have written to.
int cb_keys_parse(struct cb_str text, struct cb_keyring *k, struct cb_error *err)
{
    while (text.n > 0) {
        struct cb_str name, body;
        CB_BUF_AUTO der = {0};
        CB_BUF_AUTO again = {0};
        if (!cb_str_cut(&text, '\n', &name) || !cb_key_name_is_safe(name) || !text.p)
            return cb_fail(err, CB_E_TRUST, "malformed list of keys");
        body = text;
        if (cb_pem_next(&text, NULL, &der) != 1)
            return cb_fail(err, CB_E_TRUST, "malformed list of keys");
        body.n -= text.n;
        CB_KEY_AUTO *key = cb_key_from_der(cb_buf_str(&der), err);
        if (!key)
            return -1;
        cb_key_add_pem(key, &again);
        if (cb_key_kind(key) != CB_KEY_RSA || !cb_str_eq(cb_buf_str(&again), body))
            return cb_fail(err, CB_E_TRUST, "malformed list of keys");
        cb_keyring_put(k, name, body, (struct cb_str){0});
    }
    return 0;
}

static int discover(struct cb_fetcher *f, const char *repository, struct cb_buf *out, struct cb_error *err)
{
    CB_KEYRING_AUTO keys = {0};
    bool offline = f->o.offline;
    if ((offline ? recall : ask)(f, repository, out, err) || cb_keys_parse(cb_buf_str(out), &keys, err))
        return -1;
    if (!offline)
        remember(f, repository, cb_buf_str(out));
    CB_AUTOFREE char *shown = cb_url_redact(repository);
    for (size_t i = 0; i < keys.n; i++)
        cb_log(CB_INFO, "key discovery: added key %.*s that %s %s", CB_STR_ARG(keys.v[i].name), shown,
               offline ? "offered earlier" : "offers");
    return 0;
}

int cb_keys_discover(struct cb_fetcher *f, const char *repository, struct cb_buf *out, struct cb_error *err)
{
    struct cb_str keys;
    CB_AUTOFREE char *key = cb_format("keys of %s", repository);
    if (cb_fetch_once(f, key, discover, repository, &keys, err))
        return -1;
    cb_buf_addstr(out, keys);
    return 0;
}

// ---- Alpine

// The release that a repository belongs to, "v3.21" of "https://host/alpine/v3.21/main"; false where it is none.
static bool alpine_release(struct cb_str repository, struct cb_str *release)
{
    if (!cb_is_remote(repository))
        return false;
    struct cb_str rest = cb_str_skip(repository, (size_t)cb_str_find(repository, ':') + 3);
    ptrdiff_t slash = cb_str_rfind(rest, '/');
    if (slash < 0 || (size_t)slash + 1 == rest.n)
        return false;
    rest = cb_str_head(rest, (size_t)slash);
    slash = cb_str_rfind(rest, '/');
    if (slash < 0 || (size_t)slash + 1 == rest.n)
        return false;
    *release = cb_str_skip(rest, (size_t)slash + 1);
    rest = cb_str_head(rest, (size_t)slash);
    return cb_str_ends(rest, "/alpine") && rest.n > strlen("/alpine");
}

// Seconds since 1970 of the beginning of a "YYYY-MM-DD" (Howard Hinnant's days_from_civil); false where it is no date.
static bool read_date(struct cb_str s, int64_t *out)
{
    uint64_t y, m, d;
    if (s.n != 10 || s.p[4] != '-' || s.p[7] != '-' || !cb_str_u64(cb_str_head(s, 4), 10, &y) ||
        !cb_str_u64(cb_strn(s.p + 5, 2), 10, &m) || !cb_str_u64(cb_strn(s.p + 8, 2), 10, &d) || m < 1 || m > 12 ||
        d < 1 || d > 31)
        return false;
    int64_t year = (int64_t)y - (m <= 2), era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
    int64_t day = (153 * ((int64_t)m + (m > 2 ? -3 : 9)) + 2) / 5 + (int64_t)d - 1;
    *out = (era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + day - 719468) * 86400;
    return true;
}

static int is_current(struct json_t *key, int64_t now, bool *current, struct cb_error *err)
{
    struct cb_str since;
    int64_t from = 0;
    if (cb_json_get_str(key, "deprecated_since", &since, err))
        return -1;
    if (since.n > 0 && !read_date(since, &from))
        return cb_fail(err, CB_E_INPUT, "deprecated_since: \"%.*s\" is no date", CB_STR_ARG(cb_str_head(since, 40)));
    *current = since.n == 0 || from > now;
    return 0;
}

static int percent_decoded(struct cb_str s, struct cb_buf *out)
{
    for (size_t i = 0; i < s.n; i++) {
        uint8_t byte = (uint8_t)s.p[i];
        if (byte == '%') {
            if (s.n - i < 3 || !cb_unhex(&byte, 1, cb_strn(s.p + i + 1, 2)))
                return -1;
            i += 2;
        }
        cb_buf_addc(out, (char)byte);
    }
    return 0;
}

// releases.json has %20 where the file's name has an "@".
static void mend_url(struct cb_str url, struct cb_buf *out)
{
    for (size_t i = 0; i < url.n; i++) {
        bool space = url.n - i >= 3 && memcmp(url.p + i, "%20", 3) == 0;
        cb_buf_addc(out, space ? '@' : url.p[i]);
        i += space ? 2 : 0;
    }
}

static int add_alpine_key(struct cb_fetcher *f, struct cb_str written, struct cb_keyring *k, struct cb_error *err)
{
    CB_BUF_AUTO url = {0};
    CB_BUF_AUTO name = {0};
    struct cb_str bytes;
    mend_url(written, &url);
    struct cb_str whole = cb_buf_str(&url);
    if (percent_decoded(cb_str_skip(whole, (size_t)(cb_str_rfind(whole, '/') + 1)), &name) ||
        !cb_key_name_is_safe(cb_buf_str(&name)))
        return cb_fail(err, CB_E_TRUST, "\"%.*s\" does not name a key file", CB_STR_ARG(cb_str_head(whole, 200)));
    if (cb_fetch_small(f, url.p, &bytes, err))
        return cb_context(err, "fetching key %s", url.p);
    cb_keyring_put(k, cb_buf_str(&name), bytes, whole);
    cb_log(CB_INFO, "Alpine's releases.json: added key %s", name.p);
    return 0;
}

// Keys of the branch for the architecture; nothing where either is unknown, as in the reference.
static int add_branch_keys(struct cb_fetcher *f, struct json_t *branch, const struct cb_keyring_request *q,
                           struct cb_keyring *k, struct cb_error *err)
{
    struct json_t *by_arch, *keys;
    CB_AUTOFREE char *arch = cb_strndup(q->arch.p, q->arch.n);
    if (cb_json_get_object(branch, "keys", &by_arch, err) || cb_json_get_array(by_arch, arch, &keys, err))
        return -1;
    for (size_t i = 0; i < cb_json_count(keys) && i < CB_KEYRING_MAX; i++) {
        struct json_t *key = cb_json_at(keys, i);
        struct cb_str url;
        bool current = false;
        if (cb_json_need_str(key, "url", &url, err) || is_current(key, q->now, &current, err) ||
            (current && add_alpine_key(f, url, k, err)))
            return -1;
    }
    return 0;
}

int cb_keys_alpine(struct cb_fetcher *f, const char *repository, const struct cb_keyring_request *q,
                   struct cb_keyring *k, struct cb_error *err)
{
    struct cb_str release, text;
    struct json_t *branches;
    if (!alpine_release(cb_str(repository), &release))
        return 0;
    if (cb_fetch_small(f, RELEASES, &text, err))
        return -1;
    CB_JSON_AUTO *root = cb_json_read(text, RELEASES, CB_JSON_ANSWER_MAX, err);
    if (!root || cb_json_get_array(root, "release_branches", &branches, err))
        return -1;
    for (size_t i = 0; i < cb_json_count(branches); i++) {
        struct cb_str name;
        if (cb_json_get_str(cb_json_at(branches, i), "rel_branch", &name, err))
            return -1;
        if (cb_str_eq(name, release))
            return add_branch_keys(f, cb_json_at(branches, i), q, k, err);
    }
    return 0;
}
