// One request over libcurl: what goes out, when it takes too long, and how it ended. What comes in is in answer.c.
#include "transfer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cbuild/base/file.h"
#include "proxy.h"

#define UNSENT_MAX (512 << 10) // see limit_unsent

// ---- the body that goes out ---------------------------------------------------------------------------------------

static void report_sent(struct cb_exchange *x, int64_t n)
{
    x->reported += n;
    if (x->q->sent && n)
        x->q->sent(x->q->ctx, n);
}

static size_t on_read(char *p, size_t size, size_t n, void *ctx)
{
    struct cb_transfer *t = ctx;
    const struct cb_http_body *b = &t->x->q->body;
    size_t room = size * n, got = 0;
    if (t->failed || t->late)
        return CURL_READFUNC_ABORT;
    if (b->kind == CB_BODY_SOURCE) {
        ssize_t r = cb_read(b->source, p, room, t->x->err);
        t->failed = r < 0;
        got = r < 0 ? 0 : (size_t)r;
    } else {
        uint64_t length = b->kind == CB_BODY_FILE ? b->length : b->memory.n;
        got = length - t->read_at < room ? (size_t)(length - t->read_at) : room;
        if (b->kind == CB_BODY_MEMORY)
            memcpy(p, b->memory.p + t->read_at, got);
        else if (got && cb_pread_full(b->fd, p, got, b->offset + t->read_at, "the file that is sent", t->x->err))
            t->failed = true;
    }
    if (t->failed)
        return CURL_READFUNC_ABORT;
    t->read_at += got;
    report_sent(t->x, (int64_t)got);
    return got;
}

// libcurl sends anew what a connection that turned out to be closed has swallowed; not so where a request must not be
// repeated.
static int on_seek(void *ctx, curl_off_t offset, int origin)
{
    struct cb_transfer *t = ctx;
    if (origin != SEEK_SET || offset < 0 || t->x->q->body.kind == CB_BODY_SOURCE || (t->x->q->once && t->read_at)) {
        t->late = "the server closed the connection";
        return CURL_SEEKFUNC_FAIL;
    }
    report_sent(t->x, offset - (int64_t)t->read_at);
    t->read_at = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

// ---- time ---------------------------------------------------------------------------------------------------------

static enum cb_phase phase_of(const struct cb_transfer *t, uint64_t up_total, uint64_t up)
{
    if (t->head_done)
        return CB_RECEIVING;
    return t->hop->body && up < up_total ? CB_ASKING : CB_WAITING;
}

// Called about once a second and whenever something moves. A body must move by stall_bytes (or to its end) within
// stall_ms; the wait for an answer has its own limit, whatever trickles in meanwhile.
static int on_progress(void *ctx, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
    (void)down_total;
    struct cb_transfer *t = ctx;
    const struct cb_http_limits *l = &t->x->h->limits;
    const struct cb_http_request *q = t->x->q;
    if (t->failed || t->late) // libcurl comes by once more on its way out
        return 1;
    if (q->cancel && atomic_load(q->cancel)) {
        CB_TRANSFER_FAIL(t, CB_E_NETWORK, "cancelled");
        return 1;
    }
    uint64_t now = cb_now_ms(), bytes = (uint64_t)(down + up);
    enum cb_phase phase = phase_of(t, q->body.kind == CB_BODY_SOURCE ? UINT64_MAX : (uint64_t)up_total, (uint64_t)up);
    if (phase != t->phase || (phase != CB_WAITING && bytes - t->mark_bytes >= l->stall_bytes)) {
        t->phase = phase;
        t->mark_ms = now;
        t->mark_bytes = bytes;
        t->busy_ms = 0;
        return 0;
    }
    uint64_t idle = now - t->mark_ms, stall = q->stall_ms ? q->stall_ms : l->stall_ms, limit = stall;
    idle -= t->busy_ms < idle ? t->busy_ms : idle;
    if (phase == CB_WAITING)
        limit = q->answer_ms ? q->answer_ms : l->answer_ms;
    else if (phase == CB_ASKING)
        limit = 3 * stall; // the kernel takes bytes in lumps
    if (idle < limit)
        return 0;
    t->late = phase == CB_WAITING ? "the server did not answer in time" : "the transfer stalled";
    return 1;
}

// ---- the request --------------------------------------------------------------------------------------------------

// Without this the kernel swallows megabytes at once, so that neither progress nor a stall could be seen.
static int limit_unsent(void *ctx, curl_socket_t fd, curlsocktype purpose)
{
    (void)ctx;
    int most = UNSENT_MAX;
    if (purpose == CURLSOCKTYPE_IPCXN)
        setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &most, sizeof most); // a unix socket refuses, which is fine
    return CURL_SOCKOPT_OK;
}

static CURLcode trust_roots(CURL *easy, void *ctx, void *client)
{
    (void)easy;
    SSL_CTX_set1_cert_store(ctx, cb_client_roots(client));
    return CURLE_OK;
}

static void add_line(struct cb_transfer *t, const char *name, const char *value)
{
    char *line CB_AUTOFREE = value[0] ? cb_format("%s: %s", name, value) : cb_format("%s;", name);
    struct curl_slist *lines = curl_slist_append(t->lines, line);
    explicit_bzero(line, strlen(line));
    if (!lines)
        abort(); // out of memory
    t->lines = lines;
}

static bool one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcasecmp(name, *names) == 0)
            return true;
    return false;
}

static void set_headers(struct cb_transfer *t)
{
    static const char *const secret[] = {"authorization", "cookie", "proxy-authorization", NULL};
    static const char *const conditions[] = {"if-none-match", "if-modified-since", NULL};
    static const char *const of_body[] = {"content-type", "content-length", "content-range", "expect", NULL};
    const struct cb_http_request *q = t->x->q;
    for (size_t i = 0; i < q->nheaders; i++) {
        const char *name = q->headers[i].name;
        if ((!t->hop->home && one_of(name, secret)) || (t->from && one_of(name, conditions)) ||
            (!t->hop->body && q->body.kind != CB_BODY_NONE && one_of(name, of_body)))
            continue;
        add_line(t, name, q->headers[i].value);
    }
    if (t->hop->authorization)
        add_line(t, "Authorization", t->hop->authorization);
    if (t->from) {
        char *range CB_AUTOFREE = cb_format("bytes=%llu-", (unsigned long long)t->from);
        add_line(t, "Range", range);
        if (t->x->etag && strncmp(t->x->etag, "W/", 2) != 0) // a weak validator cannot hold bytes together
            add_line(t, "If-Range", t->x->etag);
        else if (t->x->modified)
            add_line(t, "If-Range", t->x->modified);
    }
    curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, NULL);
    static const char *const none[] = {"Expect:", "Accept-Encoding:", NULL}; // libcurl's own ideas
    for (size_t i = 0; none[i]; i++)
        t->lines = curl_slist_append(t->lines, none[i]);
    if (!cb_request_has_header(q, "accept"))
        t->lines = curl_slist_append(t->lines, "Accept:");
    curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->lines);
}

static void set_method(struct cb_transfer *t)
{
    const struct cb_http_body *b = &t->x->q->body;
    const char *method = t->hop->method;
    bool puts = strcmp(method, "PUT") == 0 || strcmp(method, "POST") == 0 || strcmp(method, "PATCH") == 0;
    if (strcmp(method, "HEAD") == 0) {
        curl_easy_setopt(t->easy, CURLOPT_NOBODY, 1L);
    } else if (t->hop->body || puts) { // without a body these still have a length: 0
        uint64_t length = b->kind == CB_BODY_FILE ? b->length : b->kind == CB_BODY_MEMORY ? b->memory.n : 0;
        curl_easy_setopt(t->easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(t->easy, CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
        if (!t->hop->body || b->kind != CB_BODY_SOURCE)
            curl_easy_setopt(t->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)(t->hop->body ? length : 0));
        curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, method);
    } else {
        curl_easy_setopt(t->easy, CURLOPT_HTTPGET, 1L);
        if (strcmp(method, "GET") != 0)
            curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, method);
    }
}

static void set_callbacks(struct cb_transfer *t)
{
    CURL *c = t->easy;
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->problem);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, cb_answer_head);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, cb_answer_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(c, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(c, CURLOPT_READDATA, t);
    curl_easy_setopt(c, CURLOPT_SEEKFUNCTION, on_seek);
    curl_easy_setopt(c, CURLOPT_SEEKDATA, t);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, t);
}

// What libcurl must not decide for itself, above all from the environment.
static void set_connection(struct cb_transfer *t, const char *proxy)
{
    CURL *c = t->easy;
    struct cb_http *h = t->x->h;
    curl_easy_setopt(c, CURLOPT_URL, t->hop->url);
    curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(c, CURLOPT_SHARE, h->share);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(c, CURLOPT_PROXY, proxy ? proxy : "");
    curl_easy_setopt(c, CURLOPT_NOPROXY, "");
    curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(c, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(c, CURLOPT_USERAGENT, h->user_agent);
    curl_easy_setopt(c, CURLOPT_BUFFERSIZE, 256L << 10);
    curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)h->limits.connect_ms);
    curl_easy_setopt(c, CURLOPT_SOCKOPTFUNCTION, limit_unsent);
    if (t->x->q->unix_socket)
        curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, t->x->q->unix_socket);
}

static void set_tls(struct cb_transfer *t)
{
    CURL *c = t->easy;
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(c, CURLOPT_CAINFO, NULL); // the roots come from trust_roots
    curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(c, CURLOPT_PROXY_CAINFO, NULL);
    curl_easy_setopt(c, CURLOPT_PROXY_CAPATH, NULL);
    curl_easy_setopt(c, CURLOPT_SSL_CTX_FUNCTION, trust_roots);
    curl_easy_setopt(c, CURLOPT_SSL_CTX_DATA, t->x->h);
}

// ---- the outcome --------------------------------------------------------------------------------------------------

static enum cb_outcome again(struct cb_exchange *x, const char *why)
{
    free(x->why);
    x->why = cb_strdup(why);
    return CB_HOP_AGAIN;
}

static enum cb_outcome refused(struct cb_exchange *x, enum cb_kind kind, const char *why)
{
    cb_fail(x->err, kind, "%s", why);
    return CB_HOP_FAILED;
}

static enum cb_outcome bad_certificate(struct cb_exchange *x, const char *why)
{
    cb_fail(x->err, CB_E_NETWORK, "%s", why);
    cb_hint(x->err,
            "if the server's certificate is signed by an authority of your own, name its file in SSL_CERT_FILE");
    return CB_HOP_FAILED;
}

static enum cb_outcome cut(struct cb_exchange *x, const char *why)
{
    if (!x->given || !x->has_total)
        return again(x, why);
    char *text CB_AUTOFREE =
        cb_format("cut after %llu of %llu bytes (%s)", (unsigned long long)x->given, (unsigned long long)x->total, why);
    return again(x, text);
}

// What became of the transfer, in words of our own; caller frees.
static char *why_failed(struct cb_transfer *t, CURLcode rc)
{
    static const struct {
        CURLcode code;
        const char *text;
    } known[] = {
        {CURLE_COULDNT_RESOLVE_PROXY, "the proxy's name is not known here"},
        {CURLE_COULDNT_RESOLVE_HOST, "the host's name is not known here"},
        {CURLE_GOT_NOTHING, "the server closed the connection without an answer"},
        {CURLE_PARTIAL_FILE, "the answer ends early"},
        {CURLE_RECV_ERROR, "the connection broke while the answer came"},
        {CURLE_SEND_ERROR, "the connection broke while the request was sent"},
        {CURLE_OPERATION_TIMEDOUT, "no answer came in time"},
        {CURLE_SSL_CONNECT_ERROR, "what answers does not speak TLS"},
        {CURLE_UNSUPPORTED_PROTOCOL, "what answers does not speak HTTP"},
        {CURLE_WEIRD_SERVER_REPLY, "what answers does not speak HTTP"},
        {CURLE_HTTP2, "the server broke off the stream of HTTP/2"},
        {CURLE_HTTP2_STREAM, "the server broke off the stream of HTTP/2"},
        {CURLE_BAD_CONTENT_ENCODING, "the answer is encoded in a way that was not asked for"},
    };
    const char *said = t->problem[0] ? t->problem : curl_easy_strerror(rc);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].code == rc)
            return cb_strdup(known[i].text);
    long errnum = 0;
    char text[128];
    curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &errnum);
    if (rc == CURLE_COULDNT_CONNECT)
        return cb_format("no connection to the server%s%s", errnum ? ": " : "",
                         errnum ? strerror_r((int)errnum, text, sizeof text) : "");
    if (rc == CURLE_PEER_FAILED_VERIFICATION || rc == CURLE_SSL_ISSUER_ERROR)
        return cb_format("the server's certificate is not trusted (%s)", said);
    return cb_format("the transfer failed (%s)", said);
}

static enum cb_outcome failed(struct cb_transfer *t, CURLcode rc)
{
    struct cb_exchange *x = t->x;
    char *why CB_AUTOFREE = why_failed(t, rc);
    long proxy_status = 0;
    curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
    switch ((int)rc) {
    case CURLE_UNSUPPORTED_PROTOCOL: // what libcurl says of an HTTP status that it does not understand
        return refused(x, CB_E_NETWORK, why);
    case CURLE_URL_MALFORMAT:
        return refused(x, CB_E_USAGE, why);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return bad_certificate(x, why);
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
        x->unreachable = true;
        return again(x, why);
    default:
        if (proxy_status == 407)
            return refused(x, CB_E_AUTH, "the proxy demands other credentials (407)");
        return cut(x, why);
    }
}

static enum cb_outcome conclude(struct cb_transfer *t, CURLcode rc)
{
    struct cb_exchange *x = t->x;
    if (t->failed)
        return CB_HOP_FAILED;
    if (t->late) {
        x->stalled = !t->head_done || x->ranges; // not where the server merely refused to go on
        return cut(x, t->late);
    }
    if (rc != CURLE_OK && !t->enough)
        return failed(t, rc);
    if (x->a->status < 200 || x->a->status > 599)
        return again(x, "the answer has no valid status");
    x->a->authorized = t->hop->authorization != NULL;
    if (x->a->authorized && x->a->status >= 300)
        cb_answer_mask(x->a, t->hop->authorization);
    return CB_HOP_ANSWER;
}

static uint64_t first_byte(const struct cb_exchange *x, const struct cb_hop *hop)
{
    return x->ranges && strcmp(hop->method, "GET") == 0 ? x->given : 0;
}

// A closed connection must not end the process: TLS is written with write(), which raises SIGPIPE.
static CURLcode perform(CURL *easy)
{
    sigset_t pipe, old, pending;
    const struct timespec now = {0};
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, &old);
    CURLcode rc = curl_easy_perform(easy);
    sigpending(&pending);
    if (sigismember(&pending, SIGPIPE) && !sigismember(&old, SIGPIPE))
        sigtimedwait(&pipe, NULL, &now);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc;
}

enum cb_outcome cb_hop_run(struct cb_exchange *x, const struct cb_hop *hop)
{
    char *proxy CB_AUTOFREE = x->q->unix_socket ? NULL : cb_proxy_for(&x->h->env, &hop->parsed);
    char *route CB_AUTOFREE = cb_format("%s %s %u %s %s", hop->parsed.scheme, hop->parsed.host, hop->parsed.port,
                                        proxy ? proxy : "", x->q->unix_socket ? x->q->unix_socket : "");
    struct cb_http_handle handle = cb_client_take(x->h, route);
    struct cb_transfer t = {
        .x = x, .hop = hop, .easy = handle.easy, .from = first_byte(x, hop), .mark_ms = cb_now_ms()};
    x->stalled = x->unreachable = false;
    x->reported = 0;
    cb_answer_forget(x->a);
    set_connection(&t, proxy);
    set_tls(&t);
    set_callbacks(&t);
    set_method(&t);
    set_headers(&t);
    CURLcode rc = perform(t.easy);
    enum cb_outcome outcome = conclude(&t, rc);
    curl_slist_free_all(t.lines);
    cb_client_give(x->h, handle);
    return outcome;
}
