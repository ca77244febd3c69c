// Exchanging credentials for a bearer token: Docker's token protocol, by GET with Basic credentials, or by POST with an
// OAuth2 refresh token where that is what we have.
#include <stdlib.h>

#include "cbuild/base/log.h"
#include "cbuild/base/vec.h"
#include "cbuild/crypto/hash.h"
#include "cbuild/text/json_read.h"
#include "remote.h"

#define TOKEN_ANSWER_MAX (64u << 10)
#define TOKEN_REDIRECTS 5u
#define CLIENT_ID "cbuild"

struct token {
    char *value, *refresh; // owned
    uint64_t seconds;      // that it lives; 0: not said
};

static void release_token(struct token *t)
{
    if (t->value)
        explicit_bzero(t->value, strlen(t->value));
    if (t->refresh)
        explicit_bzero(t->refresh, strlen(t->refresh));
    free(t->value);
    free(t->refresh);
}

// One way of asking: the realm's URL with a query, or a form for it.
struct ask {
    struct cb_registry *r;
    const struct cb_url *registry; // whose credentials these are
    const char *realm, *service;
    char *const *scopes;
    size_t nscopes;
    const struct cb_auth *auth; // NULL: anonymous
};

static void add_pair(struct cb_buf *b, const char *name, const char *value)
{
    if (b->n)
        cb_buf_addc(b, '&');
    cb_buf_adds(b, name);
    cb_buf_addc(b, '=');
    cb_url_escape(b, cb_str(value));
}

static char *basic_header(const struct cb_auth *auth)
{
    CB_BUF_AUTO pair = {0}, header = {0};
    if (!auth || !auth->username || !auth->password || !auth->username[0] || !auth->password[0])
        return NULL;
    cb_buf_addf(&pair, "%s:%s", auth->username, auth->password);
    cb_buf_adds(&header, "Basic ");
    cb_base64_add(&header, pair.p, pair.n);
    explicit_bzero(pair.p, pair.n);
    return cb_buf_take(&header);
}

// Refuses a URL that tokens must not be asked of; tells whether credentials may go along.
static int judge(const struct ask *k, const char *url, bool *trusted, struct cb_error *err)
{
    CB_URL_AUTO u = {0};
    const char *why;
    char *shown CB_AUTOFREE = cb_url_redact(url), *registry CB_AUTOFREE = cb_url_authority(k->registry);
    if (cb_url_parse(&u, url, err)) {
        err->kind = CB_E_TRUST;
        return cb_context(err, "the token server that %s names", registry);
    }
    enum cb_realm_trust trust = cb_realm_trust(&u, k->registry, &why);
    *trusted = trust == CB_REALM_TRUSTED;
    if (trust != CB_REALM_REFUSED)
        return 0;
    return cb_fail(err, CB_E_TRUST, "%s names %s as its token server, which is not asked: %s", registry, shown, why);
}

// Credentials for a token server that is a stranger to the registry: those stored under its own name.
static void own_credentials(const struct ask *k, const char *url, struct cb_auth *out)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_URL_AUTO u = {0};
    if (cb_url_parse(&u, url, &err))
        return;
    char *host CB_AUTOFREE = cb_url_authority(&u);
    if (cb_credentials_find(k->r->env, cb_str(host), (struct cb_str){NULL, 0}, out, &err) == 0 &&
        !cb_auth_is_anonymous(out))
        return;
    cb_log(CB_WARN, "%s, the token server, shares no domain with the registry %s: it is asked without credentials",
           host, k->registry->host);
}

static int ask_once(const struct ask *k, const char *url, const char *authorization, struct cb_str form,
                    struct cb_http_answer *a, struct cb_error *err)
{
    static const struct cb_http_header type = {"Content-Type", "application/x-www-form-urlencoded"};
    struct cb_http_request q = {.url = url,
                                .authorization = authorization,
                                .no_ambient_auth = true,
                                .keep_redirect = true,
                                .max_body = TOKEN_ANSWER_MAX};
    if (form.p) {
        q.method = "POST";
        q.headers = &type;
        q.nheaders = 1;
        q.body = (struct cb_http_body){.kind = CB_BODY_MEMORY, .memory = form};
    }
    return cb_http_send(k->r->http, &q, a, err);
}

// Asks, following redirects under the same rules; credentials go to the realm's own origin only.
static int ask_realm(const struct ask *k, const char *first, const char *authorization, struct cb_str form,
                     struct cb_http_answer *a, struct cb_error *err)
{
    char *url CB_AUTOFREE = cb_strdup(first);
    CB_URL_AUTO home = {0};
    if (cb_url_parse(&home, first, err))
        return -1;
    for (unsigned i = 0; i <= TOKEN_REDIRECTS; i++) {
        CB_URL_AUTO u = {0};
        bool trusted;
        if (judge(k, url, &trusted, err) || cb_url_parse(&u, url, err))
            return -1;
        bool at_home = cb_url_same_origin(&u, &home);
        if (form.p && !at_home)
            return cb_fail(err, CB_E_TRUST, "the token server redirects credentials to another host");
        if (ask_once(k, url, at_home ? authorization : NULL, form, a, err))
            return -1;
        const char *location = cb_http_header(a, "location");
        if (a->status < 300 || a->status > 399 || !location)
            return 0;
        char *next = cb_url_resolve(url, location, err);
        if (!next)
            return cb_context(err, "the token server redirects");
        free(url);
        url = next;
    }
    return cb_fail(err, CB_E_NETWORK, "the token server redirects more than %u times", TOKEN_REDIRECTS);
}

static char *take_string(const struct json_t *root, const char *key)
{
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;
    struct cb_str s;
    if (cb_json_get_str(root, key, &s, &ignored) || s.n == 0 || cb_str_find_any(s, "\r\n") >= 0)
        return NULL;
    return cb_strndup(s.p, s.n);
}

static int read_answer(const struct cb_http_answer *a, struct token *t, struct cb_error *err)
{
    CB_ERROR_AUTO ignored = CB_ERROR_INIT; // what the parser says may quote the token
    CB_JSON_AUTO *root = cb_json_read(cb_buf_str(&a->text), "token", TOKEN_ANSWER_MAX, &ignored);
    if (root) {
        t->value = take_string(root, "access_token");
        if (!t->value)
            t->value = take_string(root, "token");
        t->refresh = take_string(root, "refresh_token");
        cb_error_clear(&ignored);
        if (cb_json_get_size(root, "expires_in", &t->seconds, &ignored))
            t->seconds = 0;
    }
    return t->value ? 0 : cb_fail(err, CB_E_NETWORK, "the token server's answer holds no token");
}

// By GET: the scopes and the service in the query.
static int ask_basic(const struct ask *k, const struct cb_auth *auth, struct cb_http_answer *a, struct cb_error *err)
{
    CB_BUF_AUTO query = {0};
    for (size_t i = 0; i < k->nscopes; i++)
        add_pair(&query, "scope", k->scopes[i]);
    add_pair(&query, "service", k->service ? k->service : "");
    char *url CB_AUTOFREE = cb_format("%s%c%s", k->realm, strchr(k->realm, '?') ? '&' : '?', query.p);
    char *header CB_AUTOFREE = basic_header(auth);
    int rc = ask_realm(k, url, header, (struct cb_str){NULL, 0}, a, err);
    if (header)
        explicit_bzero(header, strlen(header));
    return rc;
}

// By POST: a refresh token in a form.
static int ask_oauth(const struct ask *k, const struct cb_auth *auth, struct cb_http_answer *a, struct cb_error *err)
{
    CB_BUF_AUTO form = {0}, scopes = {0};
    for (size_t i = 0; i < k->nscopes; i++)
        cb_buf_addf(&scopes, "%s%s", i ? " " : "", k->scopes[i]);
    add_pair(&form, "client_id", CLIENT_ID);
    add_pair(&form, "grant_type", "refresh_token");
    add_pair(&form, "refresh_token", auth->identity_token);
    add_pair(&form, "scope", scopes.p ? scopes.p : "");
    if (k->service)
        add_pair(&form, "service", k->service);
    int rc = ask_realm(k, k->realm, NULL, cb_buf_str(&form), a, err);
    explicit_bzero(form.p, form.n);
    return rc;
}

static int check_answer(const struct ask *k, const struct cb_http_answer *a, bool anonymous, struct cb_error *err)
{
    const struct cb_http_request q = {.url = k->realm};
    if (cb_http_check(&q, a, err) == 0)
        return 0;
    cb_context(err, "getting a token for %s", k->registry->host);
    if (err->kind == CB_E_AUTH && anonymous)
        cb_hint(err, "no credentials for %s were found; `cbuild login %s` stores some", k->registry->host,
                k->registry->host);
    else if (err->kind == CB_E_AUTH)
        cb_hint(err, "the credentials for %s are refused; `cbuild login %s` stores others", k->registry->host,
                k->registry->host);
    return -1;
}

static int ask(const struct ask *k, struct token *t, struct cb_error *err)
{
    CB_HTTP_ANSWER_AUTO a = {0};
    CB_AUTH_AUTO other = {0};
    const struct cb_auth *auth = k->auth;
    bool trusted = false;
    if (judge(k, k->realm, &trusted, err))
        return -1;
    if (auth && !trusted && !cb_auth_is_anonymous(auth)) {
        own_credentials(k, k->realm, &other);
        auth = &other;
    }
    bool oauth = auth && auth->identity_token;
    if (oauth && ask_oauth(k, auth, &a, err))
        return -1;
    if ((!oauth || a.status == 404) && ask_basic(k, auth, &a, err)) // not every token server knows OAuth2
        return -1;
    if (check_answer(k, &a, !auth || cb_auth_is_anonymous(auth), err))
        return -1;
    int rc = read_answer(&a, t, err);
    if (a.text.p)
        explicit_bzero(a.text.p, a.text.n);
    return rc;
}

static void set_header(struct cb_remote *m, const char *token)
{
    if (m->header)
        explicit_bzero(m->header, strlen(m->header));
    free(m->header);
    m->header = cb_format("Bearer %s", token);
    m->generation++;
}

int cb_remote_fetch_token(struct cb_remote *m, struct cb_error *err)
{
    if (m->auth.registry_token) {
        set_header(m, m->auth.registry_token);
        return 0;
    }
    if (!m->realm)
        return cb_fail(err, CB_E_NETWORK, "%s demands a token without saying where to get it", m->registry);
    struct token t = {0};
    const struct ask k = {.r = m->owner,
                          .registry = &m->origin,
                          .realm = m->realm,
                          .service = m->service,
                          .scopes = m->scopes.v,
                          .nscopes = m->scopes.n,
                          .auth = &m->auth};
    int rc = ask(&k, &t, err);
    if (rc == 0) {
        set_header(m, t.value);
        // A tenth of its life is left for the request that is about to be sent.
        m->renew_at = t.seconds && t.seconds < 86400 * 365 ? cb_remote_now_ms() + t.seconds * 900 : 0;
        if (t.refresh) {
            free(m->auth.identity_token);
            m->auth.identity_token = t.refresh;
            t.refresh = NULL;
        }
    }
    release_token(&t);
    return rc;
}

char *cb_remote_anonymous_token(struct cb_registry *r, const struct cb_url *origin, const struct cb_challenge *ch)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_ARENA_AUTO arena = {0};
    if (ch->scheme != CB_CHALLENGE_BEARER || !ch->realm.n)
        return NULL;
    char *scope = ch->scope.n ? cb_arena_cstr(&arena, ch->scope) : NULL;
    struct token t = {0};
    const struct ask k = {.r = r,
                          .registry = origin,
                          .realm = cb_arena_cstr(&arena, ch->realm),
                          .service = ch->service.p ? cb_arena_cstr(&arena, ch->service) : NULL,
                          .scopes = &scope,
                          .nscopes = scope != NULL};
    char *out = ask(&k, &t, &err) == 0 ? cb_format("Bearer %s", t.value) : NULL;
    release_token(&t);
    return out;
}
