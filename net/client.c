#include "client.h"
#include "roots.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <time.h>

#include "cbuild/base/file.h"
#include "cbuild/base/log.h"
#include "cbuild/base/vec.h"

#define IDLE_HANDLES 32u
#define KEYCHAIN_MS 600000u // tokens live longer, but not for ever

uint64_t cb_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void lock_share(CURL *easy, curl_lock_data data, curl_lock_access access, void *ctx)
{
    (void)easy;
    (void)access;
    struct cb_http *h = ctx;
    pthread_mutex_lock(&h->share_locks[data]);
}

static void unlock_share(CURL *easy, curl_lock_data data, void *ctx)
{
    (void)easy;
    struct cb_http *h = ctx;
    pthread_mutex_unlock(&h->share_locks[data]);
}

// With the lock held, before the first request: a client that sends none does without libcurl.
static void open_share(struct cb_http *h)
{
    h->share = curl_share_init();
    if (!h->share)
        return; // so each handle remembers for itself
    curl_share_setopt(h->share, CURLSHOPT_LOCKFUNC, lock_share);
    curl_share_setopt(h->share, CURLSHOPT_UNLOCKFUNC, unlock_share);
    curl_share_setopt(h->share, CURLSHOPT_USERDATA, h);
    curl_share_setopt(h->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
    curl_share_setopt(h->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
}

static const char *copy(const char *s)
{
    return s && s[0] ? cb_strdup(s) : NULL;
}

static struct cb_http_env copy_env(const struct cb_http_env *e)
{
    return (struct cb_http_env){
        .http_proxy = copy(e->http_proxy),
        .https_proxy = copy(e->https_proxy),
        .all_proxy = copy(e->all_proxy),
        .no_proxy = copy(e->no_proxy),
        .ssl_cert_file = copy(e->ssl_cert_file),
        .ssl_cert_dir = copy(e->ssl_cert_dir),
        .http_auth = copy(e->http_auth),
        .netrc = copy(e->netrc),
    };
}

static void release_env(struct cb_http_env *e)
{
    const char *all[] = {e->http_proxy,    e->https_proxy,  e->all_proxy, e->no_proxy,
                         e->ssl_cert_file, e->ssl_cert_dir, e->http_auth, e->netrc};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free((void *)(uintptr_t)all[i]);
}

static struct cb_http_limits with_defaults(struct cb_http_limits l)
{
    static const struct cb_http_limits defaults = {
        .connect_ms = 15000,
        .answer_ms = 60000,
        .stall_ms = 20000,
        .stall_bytes = 4096,
        .retry_ms = 40000,
        .retries = 8,
        .pause_ms = 200,
        .pause_max_ms = 10000,
        .redirects = 10,
        .header_bytes = 256u << 10,
    };
    unsigned *fields[] = {&l.connect_ms, &l.answer_ms, &l.stall_ms,     &l.stall_bytes, &l.retry_ms,
                          &l.retries,    &l.pause_ms,  &l.pause_max_ms, &l.redirects,   &l.header_bytes};
    const unsigned values[] = {defaults.connect_ms, defaults.answer_ms,   defaults.stall_ms, defaults.stall_bytes,
                               defaults.retry_ms,   defaults.retries,     defaults.pause_ms, defaults.pause_max_ms,
                               defaults.redirects,  defaults.header_bytes};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (*fields[i] == 0)
            *fields[i] = values[i];
    return l;
}

static bool split_http_auth(const char *text, struct cb_str part[4])
{
    struct cb_str rest = cb_str(text), extra;
    for (size_t i = 0; i < 4; i++)
        if (!cb_str_cut(&rest, ':', &part[i]))
            return false;
    return !cb_str_cut(&rest, ':', &extra) && cb_str_is(part[0], "basic");
}

struct cb_http *cb_http_new(const struct cb_http_options *options)
{
    struct cb_http *h = cb_zalloc(sizeof *h);
    struct cb_str part[4];
    h->env = copy_env(&options->env);
    if (h->env.http_auth && *h->env.http_auth && !split_http_auth(h->env.http_auth, part))
        cb_log(CB_WARN,
               "HTTP_AUTH is not used: it is not of the form basic:HOST:USER:PASSWORD, without further colons");
    h->limits = with_defaults(options->limits);
    h->keychain = options->keychain;
    h->user_agent = cb_strdup(options->user_agent ? options->user_agent : "cbuild");
    h->offline = options->offline;
    for (size_t i = 0; i < CURL_LOCK_DATA_LAST; i++)
        pthread_mutex_init(&h->share_locks[i], NULL);
    pthread_mutex_init(&h->lock, NULL);
    pthread_mutex_init(&h->keychain_lock, NULL);
    return h;
}

static void free_secret(char *s)
{
    if (s)
        explicit_bzero(s, strlen(s));
    free(s);
}

static void forget_known(struct cb_http_known *k)
{
    free(k->host);
    free_secret(k->user);
    free_secret(k->password);
    *k = (struct cb_http_known){0};
}

static void release_handle(struct cb_http_handle *handle)
{
    curl_easy_cleanup(handle->easy);
    free(handle->route);
}

void cb_http_free(struct cb_http *h)
{
    if (!h)
        return;
    for (size_t i = 0; i < h->idle.n; i++)
        release_handle(&h->idle.v[i]);
    cb_vec_release(&h->idle);
    for (size_t i = 0; i < h->known.n; i++)
        forget_known(&h->known.v[i]);
    cb_vec_release(&h->known);
    if (h->share)
        curl_share_cleanup(h->share);
    X509_STORE_free(h->roots);
    cb_netrc_release(&h->netrc);
    for (size_t i = 0; i < CURL_LOCK_DATA_LAST; i++)
        pthread_mutex_destroy(&h->share_locks[i]);
    pthread_mutex_destroy(&h->lock);
    pthread_mutex_destroy(&h->keychain_lock);
    release_env(&h->env);
    free(h->user_agent);
    free(h);
}

bool cb_http_is_offline(const struct cb_http *h)
{
    return h->offline;
}

struct cb_http_handle cb_client_take(struct cb_http *h, const char *route)
{
    struct cb_http_handle handle = {NULL, NULL};
    pthread_mutex_lock(&h->lock);
    if (!h->share)
        open_share(h);
    for (size_t i = h->idle.n; i-- > 0;) // the most recent first: its connection is the likeliest to be alive
        if (strcmp(h->idle.v[i].route, route) == 0) {
            handle = h->idle.v[i];
            memmove(&h->idle.v[i], &h->idle.v[i + 1], (--h->idle.n - i) * sizeof h->idle.v[0]);
            break;
        }
    pthread_mutex_unlock(&h->lock);
    if (!handle.easy) {
        handle.easy = curl_easy_init();
        if (!handle.easy)
            abort(); // out of memory
        handle.route = cb_strdup(route);
    }
    return handle;
}

void cb_client_give(struct cb_http *h, struct cb_http_handle handle)
{
    struct cb_http_handle old = {NULL, NULL};
    curl_easy_reset(handle.easy); // keeps connections
    pthread_mutex_lock(&h->lock);
    if (h->idle.n == IDLE_HANDLES) {
        old = h->idle.v[0];
        memmove(&h->idle.v[0], &h->idle.v[1], --h->idle.n * sizeof h->idle.v[0]);
    }
    *cb_vec_add(&h->idle) = handle;
    pthread_mutex_unlock(&h->lock);
    if (old.easy)
        release_handle(&old);
}

X509_STORE *cb_client_roots(struct cb_http *h)
{
    pthread_mutex_lock(&h->lock);
    if (!h->roots)
        h->roots = cb_roots_load(h->env.ssl_cert_file, h->env.ssl_cert_dir);
    X509_STORE *roots = h->roots;
    pthread_mutex_unlock(&h->lock);
    return roots;
}

static char *basic(struct cb_str user, struct cb_str password)
{
    CB_BUF_AUTO pair = {0};
    cb_buf_addstr(&pair, user);
    cb_buf_addc(&pair, ':');
    cb_buf_addstr(&pair, password);
    char *header = cb_zalloc(strlen("Basic ") + 4 * (pair.n / 3 + 1) + 1);
    memcpy(header, "Basic ", 6);
    EVP_EncodeBlock((unsigned char *)header + 6, (const unsigned char *)pair.p, (int)pair.n);
    explicit_bzero(pair.p, pair.n);
    return header;
}

// HTTP_AUTH=basic:HOST:USER:PASSWORD. Exactly four parts, as in the reference, so that neither the host can have a port
// nor the password a colon.
static char *from_environment(const struct cb_http *h, const struct cb_url *u)
{
    struct cb_str part[4];
    if (!h->env.http_auth || !split_http_auth(h->env.http_auth, part))
        return NULL;
    char *authority CB_AUTOFREE = cb_url_authority(u);
    return cb_str_is(part[1], authority) ? basic(part[2], part[3]) : NULL;
}

// Passwords that were not given for this very URL go over TLS, or to this machine, and nowhere else.
static bool is_private(const struct cb_url *u)
{
    return strcmp(u->scheme, "https") == 0 || cb_host_is_loopback(u->host);
}

static char *from_netrc(struct cb_http *h, const struct cb_url *u)
{
    if (!h->env.netrc || !is_private(u))
        return NULL;
    pthread_mutex_lock(&h->lock);
    if (!h->netrc_read) {
        CB_BUF_AUTO text = {0};
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        h->netrc_read = true;
        if (cb_read_file(h->env.netrc, &text, CB_NETRC_MAX, &err) == 0)
            cb_netrc_parse(&h->netrc, cb_buf_str(&text));
        else if (err.kind != CB_E_NOT_FOUND)
            cb_log(CB_WARN, "netrc: %s", err.message);
        if (text.p)
            explicit_bzero(text.p, text.n);
    }
    const struct cb_netrc_entry *e = cb_netrc_find(&h->netrc, u->host);
    char *out = e ? basic(cb_str(e->login), cb_str(e->password)) : NULL;
    pthread_mutex_unlock(&h->lock);
    return out;
}

// What the keychain gave for a host, asking it where that was never or is too long ago; NULL with *err filled.
static const struct cb_http_known *ask_keychain(struct cb_http *h, const char *host, struct cb_error *err)
{
    struct cb_http_known *k = NULL, found = {.at = cb_now_ms()};
    for (size_t i = 0; i < h->known.n && !k; i++)
        if (strcmp(h->known.v[i].host, host) == 0)
            k = &h->known.v[i];
    if (k && found.at - k->at < KEYCHAIN_MS)
        return k;
    if (h->keychain.lookup(h->keychain.ctx, h, host, &found.user, &found.password, err))
        return NULL;
    if (k)
        forget_known(k);
    else
        k = cb_vec_add(&h->known);
    found.host = cb_strdup(host);
    *k = found;
    return k;
}

static int from_keychain(struct cb_http *h, const struct cb_url *u, char **out, struct cb_error *err)
{
    if (!h->keychain.lookup || !is_private(u))
        return 0;
    char *host CB_AUTOFREE = cb_url_authority(u);
    pthread_mutex_lock(&h->keychain_lock);
    const struct cb_http_known *k = ask_keychain(h, host, err);
    if (k && k->password)
        *out = basic(cb_str(k->user), cb_str(k->password));
    pthread_mutex_unlock(&h->keychain_lock);
    return k ? 0 : -1;
}

int cb_client_authorization(struct cb_http *h, const struct cb_url *u, bool ambient, char **out, struct cb_error *err)
{
    *out = ambient ? from_environment(h, u) : NULL;
    if (!*out && u->user)
        *out = basic(cb_str(u->user), cb_str(u->password ? u->password : ""));
    if (!*out && ambient)
        *out = from_netrc(h, u);
    if (!*out && ambient)
        return from_keychain(h, u, out, err);
    return 0;
}
