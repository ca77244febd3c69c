#include "remote.h"

#include <stdlib.h>
#include <time.h>

#include "cbuild/base/vec.h"
#include "cbuild/crypto/hash.h"
#include "cbuild/text/json_read.h"

#define PING_TEXT_MAX (64u << 10)
#define TOKENS_A_REQUEST 6u // 401 after each of so many new tokens is the registry's last word
#define WORDS_MAX 400       // bytes of what a registry says that a message repeats

uint64_t cb_remote_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

// ---- life ---------------------------------------------------------------------------------------------------------

static bool is_remote(const struct cb_remote *m, const struct cb_reference *ref, bool push)
{
    return m->push == push && cb_str_is(ref->registry, m->registry) && cb_str_is(ref->repository, m->repository);
}

struct cb_remote *cb_remote_get(struct cb_registry *r, const struct cb_reference *ref, bool push)
{
    struct cb_remote *m = NULL;
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < r->remotes.n && !m; i++)
        if (is_remote(r->remotes.v[i], ref, push))
            m = r->remotes.v[i];
    if (!m) {
        m = cb_zalloc(sizeof *m);
        m->owner = r;
        m->registry = cb_strndup(ref->registry.p, ref->registry.n);
        m->repository = cb_strndup(ref->repository.p, ref->repository.n);
        m->push = push;
        pthread_mutex_init(&m->lock, NULL);
        *cb_vec_add(&m->scopes) = cb_format("repository:%s:%s", m->repository, push ? "push,pull" : "pull");
        *cb_vec_add(&r->remotes) = m;
    }
    pthread_mutex_unlock(&r->lock);
    return m;
}

void cb_remote_free(struct cb_remote *m)
{
    for (size_t i = 0; i < m->scopes.n; i++)
        free(m->scopes.v[i]);
    cb_vec_release(&m->scopes);
    if (m->header)
        explicit_bzero(m->header, strlen(m->header));
    free(m->header);
    cb_auth_release(&m->auth);
    cb_url_release(&m->origin);
    pthread_mutex_destroy(&m->lock);
    free(m->registry);
    free(m->repository);
    free(m->base);
    free(m->realm);
    free(m->service);
    free(m);
}

char *cb_remote_url(const struct cb_remote *m, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *tail CB_AUTOFREE = cb_vformat(fmt, ap);
    va_end(ap);
    return cb_format("%s/v2/%s/%s", m->base, m->repository, tail);
}

// ---- what the registry wants --------------------------------------------------------------------------------------

static char *take(struct cb_str s)
{
    return s.p ? cb_strndup(s.p, s.n) : NULL;
}

// The first challenge that we can meet; CB_CHALLENGE_OTHER where there is none.
static struct cb_challenge find_challenge(struct cb_arena *arena, const struct cb_http_answer *a)
{
    struct cb_challenge found[CB_CHALLENGES];
    for (size_t i = 0; i < a->nheaders; i++) {
        if (strcmp(a->headers[i].name, "www-authenticate") != 0)
            continue;
        size_t n = cb_challenge_parse(arena, cb_str(a->headers[i].value), found);
        for (size_t k = 0; k < n; k++)
            if (found[k].scheme != CB_CHALLENGE_OTHER)
                return found[k];
    }
    return (struct cb_challenge){.scheme = CB_CHALLENGE_OTHER};
}

static void set_basic(struct cb_remote *m)
{
    CB_BUF_AUTO pair = {0}, header = {0};
    free(m->header);
    m->header = NULL;
    if (m->auth.registry_token) {
        m->header = cb_format("Bearer %s", m->auth.registry_token);
    } else if (m->auth.username && m->auth.password) {
        cb_buf_addf(&pair, "%s:%s", m->auth.username, m->auth.password);
        cb_buf_adds(&header, "Basic ");
        cb_base64_add(&header, pair.p, pair.n);
        explicit_bzero(pair.p, pair.n);
        m->header = cb_buf_take(&header);
    }
    m->generation++;
}

// Adopts a challenge; with the lock held.
static int meet(struct cb_remote *m, const struct cb_challenge *ch, struct cb_error *err)
{
    if (ch->scheme == CB_CHALLENGE_OTHER)
        return 0;
    if (!m->known_auth) {
        if (cb_credentials_find(m->owner->env, cb_str(m->registry), cb_str(m->repository), &m->auth, err))
            return cb_context(err, "credentials for %s", m->registry);
        m->known_auth = true;
    }
    m->wants = ch->scheme;
    if (ch->scheme == CB_CHALLENGE_BASIC) {
        set_basic(m);
        return 0;
    }
    free(m->realm);
    free(m->service);
    m->realm = take(ch->realm);
    m->service = take(ch->service);
    return cb_remote_fetch_token(m, err);
}

static int set_base(struct cb_remote *m, const char *scheme, struct cb_error *err)
{
    free(m->base);
    cb_url_release(&m->origin);
    m->base = cb_format("%s://%s", scheme, m->registry);
    return cb_url_parse(&m->origin, m->base, err);
}

static int ping(struct cb_remote *m, const char *scheme, bool once, struct cb_http_answer *a, struct cb_error *err)
{
    if (set_base(m, scheme, err))
        return -1;
    char *url CB_AUTOFREE = cb_format("%s/v2/", m->base);
    const struct cb_http_request q = {.url = url, .no_ambient_auth = true, .once = once, .max_body = PING_TEXT_MAX};
    return cb_http_send(m->owner->http, &q, a, err);
}

// https; and for names of this machine or a private network http where nothing answers to https.
static int ping_any(struct cb_remote *m, struct cb_http_answer *a, struct cb_error *err)
{
    bool local = strcmp(cb_registry_scheme(cb_str(m->registry)), "http") == 0;
    if (!local)
        return ping(m, "https", false, a, err);
    CB_ERROR_AUTO first = CB_ERROR_INIT;
    if (ping(m, "https", true, a, &first) == 0)
        return cb_http_may_pass(a) ? ping(m, "https", false, a, err) : 0;
    if (cb_http_is_offline(m->owner->http)) {
        cb_error_move(err, &first);
        return -1;
    }
    if (ping(m, "http", false, a, err) == 0)
        return 0;
    return cb_detail(err, "by https: %s", first.message);
}

static int open_locked(struct cb_remote *m, struct cb_error *err)
{
    CB_HTTP_ANSWER_AUTO a = {0};
    CB_ARENA_AUTO arena = {0};
    if (ping_any(m, &a, err))
        return -1;
    char *url CB_AUTOFREE = cb_format("%s/v2/", m->base);
    const struct cb_http_request q = {.url = url};
    if (a.status != 401 && cb_http_check(&q, &a, err) == 0)
        return 0;
    if (a.status != 401)
        return err->kind == CB_E_NOT_FOUND ? cb_hint(err, "what answers at %s is no registry", m->registry) : -1;
    struct cb_challenge ch = find_challenge(&arena, &a);
    if (ch.scheme == CB_CHALLENGE_OTHER)
        return cb_fail(err, CB_E_AUTH, "%s demands credentials in a way that is not known here", m->registry);
    return meet(m, &ch, err);
}

int cb_remote_open(struct cb_remote *m, struct cb_error *err)
{
    int rc = 0;
    pthread_mutex_lock(&m->lock);
    if (!m->open) {
        rc = open_locked(m, err);
        m->open = rc == 0;
    }
    pthread_mutex_unlock(&m->lock);
    return rc ? cb_context(err, "registry %s", m->registry) : 0;
}

// ---- requests -----------------------------------------------------------------------------------------------------

static void add_scope_first(struct cb_remote *m, struct cb_str scope)
{
    for (size_t i = 0; i < m->scopes.n; i++)
        if (cb_str_is(scope, m->scopes.v[i]))
            return;
    if (scope.n == 0 || m->scopes.n >= 64)
        return;
    cb_vec_add(&m->scopes);
    memmove(&m->scopes.v[1], &m->scopes.v[0], (m->scopes.n - 1) * sizeof m->scopes.v[0]);
    m->scopes.v[0] = cb_strndup(scope.p, scope.n); // some token servers look at the first scope only
}

void cb_remote_add_pull_scope(struct cb_remote *m, const char *repository)
{
    char *scope CB_AUTOFREE = cb_format("repository:%s:pull", repository);
    bool known = false;
    pthread_mutex_lock(&m->lock);
    for (size_t i = 0; i < m->scopes.n; i++)
        known = known || strcmp(m->scopes.v[i], scope) == 0;
    if (!known) {
        *cb_vec_add(&m->scopes) = cb_strdup(scope);
        m->renew_at = 1; // with the next request
    }
    pthread_mutex_unlock(&m->lock);
}

// The header to send now, owned; a token that is about to end is replaced first.
static int current_header(struct cb_remote *m, char **header, uint64_t *generation, struct cb_error *err)
{
    int rc = 0;
    pthread_mutex_lock(&m->lock);
    if (m->wants == CB_CHALLENGE_BEARER && m->renew_at && cb_remote_now_ms() >= m->renew_at)
        rc = cb_remote_fetch_token(m, err);
    *header = m->header ? cb_strdup(m->header) : NULL;
    *generation = m->generation;
    pthread_mutex_unlock(&m->lock);
    return rc;
}

// After 401: 1 where another attempt makes sense, 0 where not, -1 on failure. Another thread may have renewed the token
// in the meantime.
static int renew(struct cb_remote *m, const struct cb_http_answer *a, uint64_t generation, struct cb_error *err)
{
    CB_ARENA_AUTO arena = {0};
    struct cb_challenge ch = find_challenge(&arena, a);
    int rc = 1;
    pthread_mutex_lock(&m->lock);
    if (m->generation == generation) {
        bool same = ch.scheme == m->wants;
        if (ch.scheme == CB_CHALLENGE_OTHER || (same && ch.scheme == CB_CHALLENGE_BASIC)) {
            rc = 0;
        } else {
            add_scope_first(m, ch.scope);
            if (same ? cb_remote_fetch_token(m, err) : meet(m, &ch, err))
                rc = -1;
        }
    }
    pthread_mutex_unlock(&m->lock);
    return rc;
}

static bool at_home(const struct cb_remote *m, const char *url)
{
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;
    CB_URL_AUTO u = {0};
    return cb_url_parse(&u, url, &ignored) == 0 && cb_url_same_origin(&u, &m->origin);
}

// A registry that redirected us to another one, which wants a token of its own: anybody's will do.
static int ask_elsewhere(struct cb_remote *m, struct cb_http_request *q, struct cb_http_answer *a, struct cb_error *err)
{
    CB_ARENA_AUTO arena = {0};
    CB_URL_AUTO there = {0};
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;
    struct cb_challenge ch = find_challenge(&arena, a);
    bool reads = !q->method || strcmp(q->method, "GET") == 0 || strcmp(q->method, "HEAD") == 0;
    if (!reads || !a->url || cb_url_parse(&there, a->url, &ignored))
        return 0;
    char *token CB_AUTOFREE = cb_remote_anonymous_token(m->owner, &there, &ch);
    if (!token)
        return 0;
    char *url CB_AUTOFREE = cb_strdup(a->url);
    struct cb_http_request other = *q;
    other.url = url;
    other.authorization = token;
    return cb_http_send(m->owner->http, &other, a, err);
}

int cb_remote_send(struct cb_remote *m, struct cb_http_request *q, struct cb_http_answer *a, struct cb_error *err)
{
    bool home = at_home(m, q->url);
    q->no_ambient_auth = true;
    for (unsigned tokens = 0;; tokens++) {
        char *header CB_AUTOFREE = NULL;
        uint64_t generation = 0;
        if (home && current_header(m, &header, &generation, err))
            return -1;
        q->authorization = header;
        int rc = cb_http_send(m->owner->http, q, a, err);
        q->authorization = NULL;
        if (header)
            explicit_bzero(header, strlen(header));
        if (rc || a->status != 401 || !home || tokens == TOKENS_A_REQUEST)
            return rc;
        if (!at_home(m, a->url))
            return ask_elsewhere(m, q, a, err);
        rc = renew(m, a, generation, err);
        if (rc <= 0)
            return rc;
    }
}

// ---- where uploads go ---------------------------------------------------------------------------------------------

// Behind a proxy that ends TLS, registries give their own name with http: the scheme is what we found out, not that.
static char *own_scheme(const struct cb_remote *m, char *url, const struct cb_url *u)
{
    bool default_port = !u->explicit_port;
    bool same_port = default_port ? !m->origin.explicit_port : u->port == m->origin.port;
    if (strcmp(u->host, m->origin.host) != 0 || !same_port || strcmp(u->scheme, m->origin.scheme) == 0)
        return url;
    char *out = cb_format("%s%s", m->origin.scheme, strstr(url, "://"));
    free(url);
    return out;
}

static const char *why_not(const struct cb_remote *m, const struct cb_url *u)
{
    if (strcmp(m->origin.scheme, "https") == 0 && strcmp(u->scheme, "http") == 0)
        return "that is not reached by https";
    if (strcmp(u->host, m->origin.host) != 0 && (cb_host_is_loopback(u->host) || cb_host_is_private(u->host) ||
                                                 cb_host_is_link_local(u->host) || cb_host_is_unspecified(u->host)))
        return "that is a loopback, private or link-local address";
    return NULL;
}

char *cb_remote_location(struct cb_remote *m, const struct cb_http_answer *a, struct cb_error *err)
{
    const char *location = cb_http_header(a, "location");
    if (!location) {
        cb_fail(err, CB_E_NETWORK, "%s does not say where an upload goes (no Location)", m->registry);
        return NULL;
    }
    char *url = cb_url_resolve(a->url, location, err);
    CB_URL_AUTO u = {0}, final = {0};
    if (!url || cb_url_parse(&u, url, err)) {
        free(url);
        cb_context(err, "where %s sends an upload", m->registry);
        return NULL;
    }
    url = own_scheme(m, url, &u);
    const char *why = cb_url_parse(&final, url, err) ? "it is malformed" : why_not(m, &final);
    if (!why)
        return url;
    cb_error_clear(err);
    cb_fail(err, CB_E_TRUST, "%s sends an upload to %s://%s, where it does not go: %s", m->registry, u.scheme, u.host,
            why);
    free(url);
    return NULL;
}

// ---- refusals -----------------------------------------------------------------------------------------------------

// {"errors": [{"code": ..., "message": ...}]}: the first error's, as "CODE: message". Empty where there is none.
static void registry_words(struct cb_str text, struct cb_buf *out)
{
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;
    CB_JSON_AUTO *root = cb_json_read(text, "", 64u << 10, &ignored);
    struct json_t *errors, *first;
    struct cb_str code, message;
    if (!root || cb_json_get_array(root, "errors", &errors, &ignored) || cb_json_count(errors) == 0 ||
        cb_json_as_object(cb_json_at(errors, 0), "errors", &first, &ignored) ||
        cb_json_get_str(first, "code", &code, &ignored) || cb_json_get_str(first, "message", &message, &ignored))
        return;
    cb_buf_addf(out, "%.*s%s%.*s", CB_STR_ARG(code), message.n ? ": " : "", CB_STR_ARG(message));
    if (out->n > WORDS_MAX) {
        out->n = WORDS_MAX;
        out->p[WORDS_MAX] = 0;
    }
}

int cb_remote_check(struct cb_remote *m, const struct cb_http_request *q, const struct cb_http_answer *a,
                    struct cb_error *err)
{
    if (cb_http_check(q, a, err) == 0)
        return 0;
    CB_BUF_AUTO words = {0};
    registry_words(cb_buf_str(&a->text), &words);
    if (words.n) {
        char *with CB_AUTOFREE = cb_format("%s: %s", err->message, words.p);
        enum cb_kind kind = err->kind;
        cb_error_clear(err);
        cb_fail(err, kind, "%s", with);
    }
    if (err->kind == CB_E_AUTH && cb_auth_is_anonymous(&m->auth))
        cb_hint(err, "no credentials for %s were found; `cbuild login %s` stores some", m->registry, m->registry);
    else if (err->kind == CB_E_AUTH)
        cb_hint(err, "the credentials for %s are refused, or do not suffice for %s", m->registry, m->repository);
    return -1;
}
