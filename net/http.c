// Redirects and further attempts around single requests (hop.c).
//
// An attempt is a chain of hops from the request's own URL to an answer that is no redirect; each attempt begins with
// that URL again, because what it redirects to (a signed address of a blob store) may have expired. What the sink was
// given so far lives in the exchange, so that an attempt goes on where the last one was cut.
#include "exchange.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

// A body that grew by so much, or by a part of what was missing, got somewhere. The part is there so that even a
// connection that is cut each time comes to an end.
#define USEFUL_BYTES (64u << 10)
#define USEFUL_PART 8u

#define UNREACHABLE_ATTEMPTS 5u // a host that is not there is not going to be

bool cb_status_is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// ---- retries ------------------------------------------------------------------------------------------------------

struct cb_http_retry cb_http_retry(void)
{
    return (struct cb_http_retry){0, cb_now_ms()};
}

void cb_http_progress(struct cb_http_retry *r)
{
    *r = cb_http_retry();
}

bool cb_http_is_progress(uint64_t before, uint64_t now, uint64_t total)
{
    uint64_t grown = now > before ? now - before : 0, missing = total > before ? total - before : UINT64_MAX;
    return grown >= USEFUL_BYTES || (grown && grown >= missing / USEFUL_PART);
}

bool cb_http_may_pass(const struct cb_http_answer *a)
{
    if (!a || a->status == 0)
        return true;
    switch (a->status) {
    case 408: // request timeout
    case 425: // too early
    case 429: // too many requests
    case 499: // nginx: the client closed the connection
    case 500:
    case 502:
    case 503:
    case 504:
    case 520: // Cloudflare: between it and the server
    case 522:
    case 524:
        return true;
    default:
        return false;
    }
}

// Retry-After in milliseconds: a number of seconds, or a date held against the server's own.
static uint64_t asked_pause(const struct cb_http_answer *a)
{
    const char *v = a ? cb_http_header(a, "retry-after") : NULL;
    uint64_t seconds = 0;
    if (!v)
        return 0;
    if (cb_str_u64(cb_str(v), 10, &seconds))
        return seconds < 86400 ? seconds * 1000 : 86400000;
    const char *date = cb_http_header(a, "date");
    time_t until = curl_getdate(v, NULL), now = date ? curl_getdate(date, NULL) : time(NULL);
    if (until < 0 || now < 0 || until <= now)
        return 0;
    return until - now < 86400 ? (uint64_t)(until - now) * 1000 : 86400000;
}

static bool cancelled(const atomic_bool *cancel)
{
    return cancel && atomic_load(cancel);
}

// Sleeps in short steps, so that a cancelled request ends soon.
static bool pause_for(uint64_t ms, const atomic_bool *cancel)
{
    uint64_t end = cb_now_ms() + ms, now;
    while (!cancelled(cancel) && (now = cb_now_ms()) < end) {
        uint64_t step = end - now < 100 ? end - now : 100;
        struct timespec t = {.tv_sec = 0, .tv_nsec = (long)step * 1000000};
        nanosleep(&t, NULL);
    }
    return !cancelled(cancel);
}

bool cb_http_again(const struct cb_http *h, struct cb_http_retry *r, const struct cb_http_answer *a,
                   const atomic_bool *cancel)
{
    const struct cb_http_limits *l = &h->limits;
    uint64_t pause = l->pause_ms, asked = asked_pause(a);
    for (unsigned i = 0; i < r->attempts && pause < l->pause_max_ms; i++)
        pause *= 2;
    pause = pause > asked ? pause : asked;
    pause = pause < l->pause_max_ms ? pause : l->pause_max_ms;
    if (r->attempts >= l->retries || cb_now_ms() + pause - r->since > l->retry_ms)
        return false;
    r->attempts++;
    return pause_for(pause, cancel);
}

// ---- hops ---------------------------------------------------------------------------------------------------------

static void release_hop(struct cb_hop *hop)
{
    if (hop->authorization)
        explicit_bzero(hop->authorization, strlen(hop->authorization));
    free(hop->authorization);
    free(hop->url);
    cb_url_release(&hop->parsed);
    *hop = (struct cb_hop){0};
}

// Where a hop goes and with which credentials; takes the URL.
static int prepare(struct cb_exchange *x, struct cb_hop *hop, const char *url)
{
    const struct cb_http_request *q = x->q;
    if (cb_url_parse(&hop->parsed, url, x->err))
        return -1;
    hop->url = cb_url_bare(url);
    if (!hop->url)
        return cb_fail(x->err, CB_E_USAGE, "the URL is malformed");
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;
    CB_URL_AUTO first = {0};
    hop->home = cb_url_parse(&first, q->url, &ignored) == 0 && cb_url_same_origin(&first, &hop->parsed);
    if (q->authorization && hop->home) {
        hop->authorization = cb_strdup(q->authorization);
        return 0;
    }
    return cb_client_authorization(x->h, &hop->parsed, !q->no_ambient_auth && !q->unix_socket, &hop->authorization,
                                   x->err);
}

static bool has_secrets(const struct cb_http_request *q, const struct cb_hop *hop)
{
    if (hop->authorization || q->authorization)
        return true;
    for (size_t i = 0; i < q->nheaders; i++)
        if (strcasecmp(q->headers[i].name, "authorization") == 0 || strcasecmp(q->headers[i].name, "cookie") == 0)
            return true;
    return false;
}

// From an answer that is a redirect to the next hop. As in Go and browsers, 301 to 303 turn everything but HEAD into a
// GET without a body; 307 and 308 repeat the request.
static int follow(struct cb_exchange *x, struct cb_hop *hop)
{
    const char *location = cb_http_header(x->a, "location");
    int status = x->a->status;
    if (!location)
        return cb_fail(x->err, CB_E_NETWORK, "the server redirected (%d) without saying where to", status);
    char *url CB_AUTOFREE = cb_url_resolve(hop->url, location, x->err);
    if (!url) {
        x->err->kind = CB_E_NETWORK;
        return cb_context(x->err, "redirected");
    }
    struct cb_hop next = {.method = hop->method, .body = hop->body};
    bool repeats = status == 307 || status == 308;
    if (!repeats && strcmp(hop->method, "HEAD") != 0)
        next.method = "GET", next.body = false;
    if (next.body && x->q->body.kind == CB_BODY_SOURCE)
        return cb_fail(x->err, CB_E_NETWORK, "the server redirected a request whose body can be sent only once");
    if (prepare(x, &next, url)) {
        x->err->kind = x->err->kind == CB_E_USAGE ? CB_E_NETWORK : x->err->kind;
        release_hop(&next);
        return cb_context(x->err, "redirected");
    }
    bool downgrade = strcmp(hop->parsed.scheme, "https") == 0 && strcmp(next.parsed.scheme, "http") == 0;
    if (downgrade && (has_secrets(x->q, hop) || next.authorization)) {
        release_hop(&next);
        return cb_fail(x->err, CB_E_NETWORK, "the server redirected a request with credentials from https to http");
    }
    release_hop(hop);
    *hop = next;
    return 0;
}

static enum cb_outcome attempt(struct cb_exchange *x, struct cb_hop *hop)
{
    hop->method = x->q->method ? x->q->method : "GET";
    hop->body = x->q->body.kind != CB_BODY_NONE;
    if (prepare(x, hop, x->q->url))
        return CB_HOP_FAILED;
    for (unsigned redirects = 0;; redirects++) {
        enum cb_outcome outcome = cb_hop_run(x, hop);
        if (outcome != CB_HOP_ANSWER || !cb_status_is_redirect(x->a->status) || x->q->keep_redirect)
            return outcome;
        if (redirects == x->h->limits.redirects) {
            cb_fail(x->err, CB_E_NETWORK, "the server redirected more than %u times", redirects);
            return CB_HOP_FAILED;
        }
        if (follow(x, hop))
            return CB_HOP_FAILED;
    }
}

// ---- the whole ----------------------------------------------------------------------------------------------------

static int check_request(const struct cb_http *h, const struct cb_http_request *q, struct cb_error *err)
{
    if (h->offline && !q->unix_socket)
        return cb_fail(err, CB_E_NETWORK, "the network is not used in offline mode");
    for (size_t i = 0; i < q->nheaders; i++) {
        const char *name = q->headers[i].name, *value = q->headers[i].value;
        if (!name[0] || strpbrk(name, "\r\n: ") || strpbrk(value, "\r\n"))
            return cb_fail(err, CB_E_USAGE, "a header that is to be sent is malformed");
    }
    if (q->authorization && strpbrk(q->authorization, "\r\n"))
        return cb_fail(err, CB_E_USAGE, "the credentials hold a line break");
    return 0;
}

static bool once(const struct cb_http_request *q)
{
    return q->once || q->body.kind == CB_BODY_SOURCE;
}

// After an attempt that may pass: wait and try again? `before` is what the sink had before the attempt.
static bool try_again(struct cb_exchange *x, struct cb_http_retry *r, enum cb_outcome outcome, uint64_t before)
{
    if (once(x->q))
        return false;
    if (cb_http_is_progress(before, x->given, x->has_total ? x->total : 0) && !x->stalled)
        cb_http_progress(r);
    if (x->unreachable && r->attempts + 1 >= UNREACHABLE_ATTEMPTS)
        return false;
    if (x->q->sent && x->reported)
        x->q->sent(x->q->ctx, -x->reported);
    return cb_http_again(x->h, r, outcome == CB_HOP_ANSWER ? x->a : NULL, x->q->cancel);
}

static int gave_up(struct cb_exchange *x)
{
    if (x->a->attempts > 1)
        return cb_fail(x->err, CB_E_NETWORK, "%s (after %u attempts)", x->why, x->a->attempts);
    return cb_fail(x->err, CB_E_NETWORK, "%s", x->why);
}

static int run(struct cb_exchange *x)
{
    struct cb_http_retry retry = cb_http_retry();
    for (;;) {
        struct cb_hop hop = {0};
        uint64_t before = x->given;
        x->a->attempts++;
        enum cb_outcome outcome = attempt(x, &hop);
        free(x->a->url);
        x->a->url = hop.url;
        hop.url = NULL;
        release_hop(&hop);
        if (outcome == CB_HOP_FAILED)
            return -1;
        if (outcome == CB_HOP_ANSWER && !cb_http_may_pass(x->a))
            return 0;
        if (cancelled(x->q->cancel))
            return cb_fail(x->err, CB_E_NETWORK, "cancelled");
        if (!try_again(x, &retry, outcome, before))
            return outcome == CB_HOP_ANSWER ? 0 : gave_up(x);
    }
}

int cb_http_send(struct cb_http *h, const struct cb_http_request *q, struct cb_http_answer *a, struct cb_error *err)
{
    cb_http_answer_release(a);
    struct cb_exchange x = {.h = h, .q = q, .a = a, .err = err};
    int rc = check_request(h, q, err);
    if (rc == 0)
        rc = run(&x);
    a->length = x.given;
    if (rc == 0 && a->status < 300 && !q->sink) {
        cb_buf_release(&a->text);
        a->text = x.body;
        x.body = (struct cb_buf){0};
    }
    cb_buf_release(&x.body);
    if (rc) {
        char *shown CB_AUTOFREE = cb_url_redact(q->url);
        cb_context(err, "%s %s", q->method ? q->method : "GET", shown);
    }
    free(x.why);
    free(x.etag);
    free(x.modified);
    return rc;
}

// ---- judging an answer --------------------------------------------------------------------------------------------

static const char *status_text(int status)
{
    static const struct {
        int status;
        const char *text;
    } known[] = {
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {407, "Proxy Authentication Required"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {416, "Range Not Satisfiable"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {304, "Not Modified"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].status == status)
            return known[i].text;
    return "";
}

static enum cb_kind status_kind(int status)
{
    if (status == 401 || status == 403 || status == 407)
        return CB_E_AUTH;
    return status == 404 || status == 410 ? CB_E_NOT_FOUND : CB_E_NETWORK;
}

int cb_http_check(const struct cb_http_request *q, const struct cb_http_answer *a, struct cb_error *err)
{
    if (a->status >= 200 && a->status < 300)
        return 0;
    char *shown CB_AUTOFREE = cb_url_redact(q->url);
    const char *text = status_text(a->status);
    cb_fail(err, status_kind(a->status), "%s %s: the server answered %d%s%s", q->method ? q->method : "GET", shown,
            a->status, text[0] ? " " : "", text);
    if (a->attempts > 1) {
        char *with CB_AUTOFREE = cb_format("%s (after %u attempts)", err->message, a->attempts);
        free(err->message);
        err->message = cb_strdup(with);
    }
    if (a->text.n)
        cb_detail(err, "%.*s", a->text.n < 512 ? (int)a->text.n : 512, a->text.p);
    return -1;
}

int cb_http_fetch(struct cb_http *h, const struct cb_http_request *q, struct cb_http_answer *a, struct cb_error *err)
{
    if (cb_http_send(h, q, a, err))
        return -1;
    return cb_http_check(q, a, err);
}
