// The HTTP client against a server that misbehaves on request (fault_server.py). The limits are short here; what they
// are in earnest stands in cbuild/net/http.h.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cbuild/base/file.h"
#include "cbuild/base/log.h"
#include "cbuild/net/http.h"
#include "server.h"

#define MANY (300u * 1000)

static struct test_server server;
static struct cb_http *client;
static char ca[128];

static const struct cb_http_limits quick = {.connect_ms = 2000,
                                            .answer_ms = 600,
                                            .stall_ms = 600,
                                            .stall_bytes = 1000,
                                            .retry_ms = 1500,
                                            .pause_ms = 5,
                                            .pause_max_ms = 300,
                                            .retries = 4};

static struct cb_http *new_client(struct cb_http_env env)
{
    struct cb_http_options o = {.env = env, .limits = quick, .user_agent = "cbuild/test"};
    if (!o.env.ssl_cert_file)
        o.env.ssl_cert_file = ca;
    return cb_http_new(&o);
}

static char *address(unsigned port, const char *path)
{
    return cb_format("%s://127.0.0.1:%u%s", port == 2 ? "https" : "http", server.ports[port], path);
}

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

// What the server's content() gives.
static bool is_content(const struct cb_buf *b, size_t n, unsigned seed)
{
    for (size_t i = 0; i < b->n; i++) {
        size_t k = i & 0xffff;
        if ((unsigned char)b->p[i] != (unsigned char)(k * 7 + seed + k / 251))
            return false;
    }
    return b->n == n;
}

struct collector {
    struct cb_buf buf;
    unsigned restarts;
};

static int restart(void *ctx, struct cb_error *err)
{
    (void)err;
    struct collector *c = ctx;
    c->restarts++;
    cb_buf_reset(&c->buf);
    return 0;
}

static int get(struct cb_http *h, unsigned port, const char *path, struct cb_buf *out, struct cb_error *err)
{
    char *url CB_AUTOFREE = address(port, path);
    struct cb_buf_sink sink = cb_buf_sink(out);
    CB_HTTP_ANSWER_AUTO a = {0};
    struct cb_http_request q = {.url = url, .sink = &sink.sink, .max_body = MANY};
    return cb_http_fetch(h, &q, &a, err);
}

// The text of a page; fails the test where there is none.
static char *text_of(const char *path)
{
    CB_BUF_AUTO b = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    assert_int_equal(get(client, 0, path, &b, &err), 0);
    return cb_buf_take(&b);
}

static void must_get(unsigned port, const char *path, size_t n)
{
    CB_BUF_AUTO b = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    if (get(client, port, path, &b, &err))
        fail_msg("%s: %s", path, err.message);
    assert_true(is_content(&b, n, 0));
}

static void must_fail(const char *path, enum cb_kind kind, const char *words)
{
    CB_BUF_AUTO b = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    uint64_t begun = now_ms();
    assert_int_equal(get(client, 0, path, &b, &err), -1);
    if (err.kind != kind || !strstr(err.message, words))
        fail_msg("%s: kind %d: %s", path, err.kind, err.message);
    assert_true(now_ms() - begun < 5000);
}

static void gets(void **state)
{
    (void)state;
    must_get(0, "/bytes/0", 0);
    must_get(0, "/bytes/1", 1);
    must_get(0, "/bytes/300000", 300000);
    must_get(2, "/bytes/300000", 300000);
    must_get(0, "/slow/1000", 1000);
}

static void tells_about_the_answer(void **state)
{
    (void)state;
    char *url CB_AUTOFREE = address(0, "/bytes/1000");
    CB_HTTP_ANSWER_AUTO a = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_http_request q = {.url = url};
    assert_int_equal(cb_http_send(client, &q, &a, &err), 0);
    assert_int_equal(a.status, 200);
    assert_int_equal(a.text.n, 1000);
    assert_int_equal(a.attempts, 1);
    assert_string_equal(cb_http_header(&a, "ConTent-Length"), "1000");
    assert_non_null(cb_http_header(&a, "etag"));
    assert_null(cb_http_header(&a, "no-such"));
    assert_string_equal(a.url, url);
    q.method = "HEAD";
    assert_int_equal(cb_http_send(client, &q, &a, &err), 0);
    assert_int_equal(a.text.n, 0);
    assert_string_equal(cb_http_header(&a, "content-length"), "1000");
}

static void tells_failures(void **state)
{
    (void)state;
    must_fail("/nothing", CB_E_NOT_FOUND, "/nothing: the server answered 404 Not Found");
    must_fail("/status/401/9/1", CB_E_AUTH, "401 Unauthorized");
    must_fail("/status/403/9/1", CB_E_AUTH, "403 Forbidden");
    must_fail("/status/400/9/1", CB_E_NETWORK, "400 Bad Request");
    must_fail("/status/501/9/1", CB_E_NETWORK, "501");
    must_fail("/status/503/99/1", CB_E_NETWORK, "503 Service Unavailable (after 5 attempts)");
    CB_BUF_AUTO b = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    assert_int_equal(get(client, 0, "/status/503/99/2", &b, &err), -1);
    assert_string_equal(err.detail, "the text of a failure");
    assert_int_equal(b.n, 0);
}

static void tries_again(void **state)
{
    (void)state;
    must_get(0, "/status/503/3/1000", 1000);
    must_get(0, "/status/500/2/1000", 1000);
    must_get(0, "/status/408/2/1000", 1000);
    must_get(0, "/status/429/2/1000", 1000);
    uint64_t begun = now_ms();
    must_get(0, "/status/429/1/1001?after=1", 1001); // bounded by pause_max_ms
    assert_in_range(now_ms() - begun, 290, 1500);
    begun = now_ms();
    must_get(0, "/status/503/1/1002?after=99999999999999999999999999", 1002);
    must_get(0, "/status/503/1/1003?after=Wed,%2021%20Oct%202099%2007:28:00%20GMT", 1003);
    assert_in_range(now_ms() - begun, 290, 2000);
    must_get(0, "/status/503/1/1004?after=Wed,%2021%20Oct%202015%2007:28:00%20GMT", 1004);
}

static void goes_on_after_a_cut(void **state)
{
    (void)state;
    must_get(0, "/cut/1/290000", 290000);
    must_get(0, "/cut/5/290001", 290001); // more often than `retries`, each with progress until the last
    must_get(2, "/cut/3/290002", 290002);
    must_get(0, "/cut/3/1001", 1001);
    must_get(0, "/cutbare/3/1000", 1000); // bytes that the sink has are skipped
    must_get(0, "/weird/wrongrange", 200000);
    must_fail("/cut/99/1000", CB_E_NETWORK, "cut after ");
    must_fail("/cutchange/1/1000", CB_E_NETWORK, "changed");
}

static void begins_anew(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        unsigned seed, restarts;
    } cases[] = {{"/cutchange/1/1010", 1, 1}, {"/cutbare/2/1010", 0, 2}, {"/cut/2/1010", 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct collector c = {0};
        struct cb_buf_sink sink = cb_buf_sink(&c.buf);
        char *url CB_AUTOFREE = address(0, cases[i].path);
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        CB_HTTP_ANSWER_AUTO a = {0};
        struct cb_http_request q = {.url = url, .sink = &sink.sink, .restart = restart, .ctx = &c};
        assert_int_equal(cb_http_fetch(client, &q, &a, &err), 0);
        assert_true(is_content(&c.buf, 1010, cases[i].seed));
        assert_int_equal(c.restarts, cases[i].restarts);
        assert_int_equal(a.length, 1010);
        cb_buf_release(&c.buf);
    }
}

static void has_limits(void **state)
{
    (void)state;
    must_fail("/bytes/300001", CB_E_LIMIT, "300001 bytes is larger than the limit of 300000");
    must_fail("/endless", CB_E_LIMIT, "larger than the limit");
    must_fail("/weird/length", CB_E_NETWORK, "");
}

static struct cb_http *small_heads(void)
{
    struct cb_http_options o = {.limits = quick};
    o.limits.header_bytes = 1000;
    return cb_http_new(&o);
}

static void limits_headers(void **state)
{
    (void)state;
    struct cb_http *h = small_heads();
    CB_BUF_AUTO b = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    assert_int_equal(get(h, 0, "/bytes/10", &b, &err), 0);
    assert_int_equal(get(h, 0, "/bighead", &b, &err), -1);
    assert_non_null(strstr(err.message, "headers are larger than 1000 bytes"));
    cb_http_free(h);
}

static void ends_in_time(void **state)
{
    (void)state;
    must_fail("/hang", CB_E_NETWORK, "did not answer in time");
    must_fail("/drip/head", CB_E_NETWORK, "did not answer in time");
    must_fail("/drip/body", CB_E_NETWORK, "stalled");
}

static void refuses_odd_answers(void **state)
{
    (void)state;
    must_fail("/weird/part", CB_E_NETWORK, "without being asked");
    must_fail("/weird/unchanged", CB_E_NETWORK, "without a condition");
    must_fail("/weird/status", CB_E_NETWORK, "");
    must_fail("/weird/garbage", CB_E_NETWORK, "");
    must_fail("/weird/nowhere", CB_E_NETWORK, "without saying where");
    must_fail("/weird/file", CB_E_NETWORK, "only http and https");
}

static void leaves_encodings_alone(void **state)
{
    (void)state;
    char *raw CB_AUTOFREE = text_of("/weird/gzip");
    assert_memory_equal(raw, "\x1f\x8bnot really", 12);
    char *echo CB_AUTOFREE = text_of("/echo");
    assert_null(strstr(echo, "accept-encoding"));
    assert_non_null(strstr(echo, "user-agent: cbuild/test"));
}

// Twins of refuses_odd_answers: what was asked for is fine.
static void takes_what_was_asked_for(void **state)
{
    (void)state;
    char *part CB_AUTOFREE = address(0, "/weird/part"), *unchanged CB_AUTOFREE = address(0, "/weird/unchanged");
    const struct cb_http_header range = {"Range", "bytes=0-4"}, condition = {"If-None-Match", "\"x\""};
    CB_HTTP_ANSWER_AUTO a = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_http_request q = {.url = part, .headers = &range, .nheaders = 1};
    assert_int_equal(cb_http_send(client, &q, &a, &err), 0);
    assert_int_equal(a.status, 206);
    assert_string_equal(a.text.p, "01234");
    q = (struct cb_http_request){.url = unchanged, .headers = &condition, .nheaders = 1};
    assert_int_equal(cb_http_send(client, &q, &a, &err), 0);
    assert_int_equal(a.status, 304);
}

static void follows(void **state)
{
    (void)state;
    must_get(0, "/redirect/302?to=/bytes/10", 10);
    must_get(0, "/redirect/308?to=../../bytes/10", 10);
    char *other CB_AUTOFREE = cb_format("/redirect/307?to=http://localhost:%u/bytes/10", server.ports[1]);
    must_get(0, other, 10);
    must_get(2, other, 10); // from https to http, without credentials
    must_get(0, "/hops/9", 10);
    must_fail("/hops/10", CB_E_NETWORK, "redirected more than 10 times");
}

// Sends a request and gives what /echo, or the page noted under `note`, saw of it.
static char *seen(struct cb_http *h, struct cb_http_request *q, unsigned port, const char *path, const char *note)
{
    char *url CB_AUTOFREE = address(port, path);
    CB_HTTP_ANSWER_AUTO a = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    q->url = url;
    if (cb_http_fetch(h, q, &a, &err))
        return cb_format("error: %s", err.message);
    if (!note)
        return cb_buf_take(&a.text);
    char *log CB_AUTOFREE = cb_format("/log/%s", note);
    return text_of(log);
}

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no \"%s\" in: %s", part, text);
}

static void assert_lacks(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("\"%s\" in: %s", part, text);
}

static void masks_credentials_that_a_failure_quotes(void **state)
{
    static const struct {
        const char *authorization, *path, *kept, *gone;
    } cases[] = {
        {"Basic dXNlcjpzZWNyZXRwdw==", "/refuse/words", "authorization: Basic ****", "dXNlcj"},
        {"Basic dXNlcjpzZWNyZXRwdw==", "/refuse/secretpw", "GET /refuse/********\n", "secretpw"},
        {"Basic dXNlcjpzZWNyZXRwdw==", "/refuse/secret", "GET /refuse/secret\n", "dXNlcj"}, // another word
        {"Basic dTp3", "/refuse/w", "GET /refuse/w\n", "dTp3"}, // a password of one letter is no secret
        {"Bearer canary-token", "/refuse/words", "authorization: Bearer ****", "canary"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *url CB_AUTOFREE = address(0, cases[i].path);
        struct cb_http_request q = {.url = url, .authorization = cases[i].authorization};
        CB_HTTP_ANSWER_AUTO a = {0};
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        assert_int_equal(cb_http_fetch(client, &q, &a, &err), -1);
        assert_has(err.detail, cases[i].kept);
        assert_lacks(err.detail, cases[i].gone);
    }
}

// Credentials reach the origin they are for, on the first hop and after it, and no other.
static void keeps_credentials_at_home(void **state)
{
    (void)state;
    static const struct {
        unsigned from;
        const char *to;
        unsigned to_port;
        bool carried;
    } cases[] = {
        {0, "http://127.0.0.1", 0, true},   {0, "http://127.0.0.1", 1, false}, {0, "http://localhost", 0, false},
        {0, "https://localhost", 2, false}, {2, "https://127.0.0.1", 2, true}, {2, "https://localhost", 2, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct cb_http_header cookie = {"Cookie", "canary-cookie"};
        struct cb_http_request q = {.authorization = "Bearer canary", .headers = &cookie, .nheaders = 1};
        char *note CB_AUTOFREE = cb_format("home%zu", i);
        char *path CB_AUTOFREE =
            cb_format("/redirect/302?to=%s:%u/note/%s", cases[i].to, server.ports[cases[i].to_port], note);
        char *got CB_AUTOFREE = seen(client, &q, cases[i].from, path, note);
        assert_has(got, "GET /note/home");
        (cases[i].carried ? assert_has : assert_lacks)(got, "authorization: Bearer canary");
        (cases[i].carried ? assert_has : assert_lacks)(got, "canary-cookie");
    }
}

static void refuses_a_downgrade_with_credentials(void **state)
{
    (void)state;
    char *path CB_AUTOFREE = cb_format("/redirect/302?to=http://127.0.0.1:%u/note/down", server.ports[0]);
    struct cb_http_request q = {.authorization = "Bearer canary"};
    char *got CB_AUTOFREE = seen(client, &q, 2, path, NULL);
    assert_has(got, "error: ");
    assert_has(got, "from https to http");
    char *log CB_AUTOFREE = text_of("/log/down");
    assert_string_equal(log, "");
}

static void takes_user_information(void **state)
{
    (void)state;
    CB_HTTP_ANSWER_AUTO a = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    char *url CB_AUTOFREE = cb_format("http://user:p%%40ss@127.0.0.1:%u/echo", server.ports[0]);
    struct cb_http_request q = {.url = url};
    assert_int_equal(cb_http_fetch(client, &q, &a, &err), 0);
    assert_has(a.text.p, "authorization: Basic dXNlcjpwQHNz");
    assert_lacks(a.url, "user");
    char *away CB_AUTOFREE = cb_format("http://user:pass@127.0.0.1:%u/redirect/302?to=http://127.0.0.1:%u/echo",
                                       server.ports[0], server.ports[1]);
    q.url = away;
    assert_int_equal(cb_http_fetch(client, &q, &a, &err), 0);
    assert_lacks(a.text.p, "authorization");
}

static void takes_http_auth(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        bool sent;
    } cases[] = {
        {"basic:localhost:user:pass", true},   {"basic:other:user:pass", false}, {"bearer:localhost:user:pass", false},
        {"basic:localhost:user:pa:ss", false}, {"basic:localhost:user", false},  {"", false},
        {"basic:LOCALHOST:user:pass", false},
    };
    // The host of HTTP_AUTH cannot have a port, so that a proxy stands in for one at port 80.
    char *proxy CB_AUTOFREE = cb_format("http://127.0.0.1:%u", server.ports[0]);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *value CB_AUTOFREE = cb_format("%s", cases[i].value);
        char *at = strstr(value, "localhost");
        if (at)
            memcpy(at, "apk.test.", 9);
        struct cb_http *h = new_client((struct cb_http_env){.http_auth = value, .http_proxy = proxy});
        CB_HTTP_ANSWER_AUTO a = {0};
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        struct cb_http_request q = {.url = "http://apk.test./echo"};
        assert_int_equal(cb_http_fetch(h, &q, &a, &err), 0);
        (cases[i].sent ? assert_has : assert_lacks)(a.text.p, "authorization: Basic dXNlcjpwYXNz");
        q.no_ambient_auth = true;
        assert_int_equal(cb_http_fetch(h, &q, &a, &err), 0);
        assert_lacks(a.text.p, "authorization");
        cb_http_free(h);
    }
}

static void takes_netrc(void **state)
{
    (void)state;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    char *path CB_AUTOFREE = cb_path_join(server.folder, "netrc"),
               *none CB_AUTOFREE = cb_path_join(server.folder, "no");
    const char *text = "machine 127.0.0.1 login user password pass\nmachine localhost login user\n";
    assert_int_equal(cb_write_file(path, cb_str(text), 0600, &err), 0);
    struct cb_http *h = new_client((struct cb_http_env){.netrc = path}), *without = NULL;
    struct cb_http_request q = {0};
    char *got CB_AUTOFREE = seen(h, &q, 0, "/echo", NULL);
    assert_has(got, "authorization: Basic dXNlcjpwYXNz");
    char *to CB_AUTOFREE = cb_format("/redirect/302?to=http://localhost:%u/echo", server.ports[0]);
    char *away CB_AUTOFREE = seen(h, &q, 0, to, NULL);
    assert_has(away, "GET /echo");
    assert_lacks(away, "authorization");
    cb_http_free(h);
    without = new_client((struct cb_http_env){.netrc = none});
    char *bare CB_AUTOFREE = seen(without, &q, 0, "/echo", NULL);
    assert_lacks(bare, "authorization");
    cb_http_free(without);
}

static int look_up(void *ctx, struct cb_http *h, const char *host, char **user, char **password, struct cb_error *err)
{
    unsigned *asked = ctx;
    (void)h;
    (*asked)++;
    if (cb_str_starts(cb_str(host), "localhost"))
        return cb_fail(err, CB_E_AUTH, "no token");
    *user = cb_strdup("user");
    *password = cb_strdup("pass");
    return 0;
}

static void asks_the_keychain_once(void **state)
{
    (void)state;
    unsigned asked = 0;
    struct cb_http_options o = {.limits = quick, .keychain = {look_up, &asked}};
    struct cb_http *h = cb_http_new(&o);
    for (int i = 0; i < 3; i++) {
        struct cb_http_request q = {0};
        char *got CB_AUTOFREE = seen(h, &q, 0, "/echo", NULL);
        assert_has(got, "authorization: Basic dXNlcjpwYXNz");
    }
    assert_int_equal(asked, 1);
    char *to CB_AUTOFREE = cb_format("/redirect/302?to=http://localhost:%u/echo", server.ports[0]);
    struct cb_http_request q = {0};
    char *got CB_AUTOFREE = seen(h, &q, 0, to, NULL);
    assert_has(got, "no token");
    cb_http_free(h);
}

// ---- uploads ------------------------------------------------------------------------------------------------------

static int64_t sent_bytes;

static void count_sent(void *ctx, int64_t n)
{
    (void)ctx;
    sent_bytes += n;
}

static void sends_bodies(void **state)
{
    (void)state;
    static const char *const methods[] = {"PUT", "POST", "PATCH"};
    char name[] = "/tmp/cbuild-test-body-XXXXXX";
    CB_FD_AUTO fd = mkstemp(name);
    unlink(name);
    assert_int_equal(write(fd, "0123456789", 10), 10);
    const char *three = "body: 3 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; // "abc"
    const char *four = "body: 4 38083c7ee9121e17401883566a148aa5c2e2d55dc53bc4a94a026517dbff3c6b";  // "2345"
    for (size_t i = 0; i < 3; i++) {
        struct cb_http_request q = {.method = methods[i], .body = {CB_BODY_MEMORY, .memory = CB_STR("abc")}};
        char *got CB_AUTOFREE = seen(client, &q, 0, "/echo", NULL);
        assert_has(got, three);
        assert_lacks(got, "expect");
        q.body = (struct cb_http_body){CB_BODY_FILE, .fd = fd, .offset = 2, .length = 4};
        char *ranged CB_AUTOFREE = seen(client, &q, 2, "/echo", NULL);
        assert_has(ranged, four);
        struct cb_mem_source source = cb_mem_source("abc", 3);
        q.body = (struct cb_http_body){CB_BODY_SOURCE, .source = &source.source};
        char *streamed CB_AUTOFREE = seen(client, &q, 0, "/echo", NULL);
        assert_has(streamed, three);
        q.body = (struct cb_http_body){0};
        char *empty CB_AUTOFREE = seen(client, &q, 0, "/echo", NULL);
        assert_has(empty, "content-length: 0");
    }
}

static void repeats_bodies(void **state)
{
    (void)state;
    struct cb_http_request q = {.method = "PUT", .body = {CB_BODY_MEMORY, .memory = CB_STR("abc")}, .sent = count_sent};
    sent_bytes = 0;
    char *got CB_AUTOFREE = seen(client, &q, 0, "/redirect/307?to=/echo", NULL);
    assert_has(got, "PUT /echo");
    assert_has(got, "body: 3 ");
    char *turned CB_AUTOFREE = seen(client, &q, 0, "/redirect/303?to=/echo", NULL);
    assert_has(turned, "GET /echo");
    assert_has(turned, "body: 0 ");
    sent_bytes = 0;
    char *again CB_AUTOFREE = seen(client, &q, 0, "/status/503/2/10?id=put", NULL);
    assert_lacks(again, "error");
    assert_int_equal(sent_bytes, 3);
    q.once = true;
    char *one CB_AUTOFREE = seen(client, &q, 0, "/status/503/1/11?id=put", NULL);
    assert_has(one, "error");
    assert_lacks(one, "attempts");
}

// ---- the rest -----------------------------------------------------------------------------------------------------

static void verifies_certificates(void **state)
{
    (void)state;
    struct cb_http *h = new_client((struct cb_http_env){.ssl_cert_file = "/etc/ssl/certs/ca-certificates.crt"});
    CB_BUF_AUTO b = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    assert_int_equal(get(h, 2, "/bytes/10", &b, &err), -1);
    assert_int_equal(err.kind, CB_E_NETWORK);
    assert_has(err.message, "certificate");
    assert_has(err.hint, "SSL_CERT_FILE");
    cb_http_free(h);
    char *certs CB_AUTOFREE = cb_path_join(server.folder, "certs"), *copy CB_AUTOFREE = cb_path_join(certs, "x.pem");
    CB_BUF_AUTO pem = {0};
    cb_error_clear(&err);
    assert_int_equal(cb_mkdirs(certs, &err) | cb_read_file(ca, &pem, 1 << 20, &err), 0);
    assert_int_equal(cb_write_file(copy, cb_buf_str(&pem), 0644, &err), 0);
    h = new_client((struct cb_http_env){.ssl_cert_file = "/dev/null/no", .ssl_cert_dir = certs});
    assert_int_equal(get(h, 2, "/bytes/10", &b, &err), 0);
    cb_http_free(h);
}

static void goes_through_a_proxy(void **state)
{
    (void)state;
    char *proxy CB_AUTOFREE = cb_format("http://proxyuser:canary@127.0.0.1:%u", server.ports[0]);
    struct cb_http *h = new_client((struct cb_http_env){.http_proxy = proxy});
    CB_HTTP_ANSWER_AUTO a = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_http_request q = {.url = "http://example.test/echo"};
    assert_int_equal(cb_http_fetch(h, &q, &a, &err), 0);
    assert_has(a.text.p, "GET http://example.test/echo");
    assert_has(a.text.p, "proxy-authorization: Basic ");
    cb_http_free(h);
}

// What is for the server goes through the tunnel, what is for the proxy does not.
static void tunnels(void **state)
{
    (void)state;
    char *proxy CB_AUTOFREE = cb_format("http://proxyuser:canary@127.0.0.1:%u", server.ports[0]);
    struct cb_http *h = new_client((struct cb_http_env){.https_proxy = proxy});
    CB_HTTP_ANSWER_AUTO a = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    const struct cb_http_header own = {"X-Own", "canary-header"};
    struct cb_http_request q = {
        .url = "https://example.test/echo", .authorization = "Bearer inner", .headers = &own, .nheaders = 1};
    if (cb_http_fetch(h, &q, &a, &err))
        fail_msg("%s", err.message);
    assert_has(a.text.p, "authorization: Bearer inner");
    assert_lacks(a.text.p, "proxy-authorization");
    char *log CB_AUTOFREE = text_of("/log/connect");
    assert_has(log, "CONNECT example.test:443");
    assert_has(log, "proxy-authorization: Basic ");
    assert_lacks(log, "inner");
    assert_lacks(log, "canary-header");
    q.url = "https://wrong.test/echo"; // a name that the certificate does not have
    assert_int_equal(cb_http_fetch(h, &q, &a, &err), -1);
    assert_has(err.message, "certificate");
    cb_http_free(h);
}

static void stays_offline(void **state)
{
    (void)state;
    struct cb_http_options o = {.offline = true};
    struct cb_http *h = cb_http_new(&o);
    CB_BUF_AUTO b = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    assert_true(cb_http_is_offline(h));
    assert_int_equal(get(h, 0, "/note/offline", &b, &err), -1);
    assert_int_equal(err.kind, CB_E_NETWORK);
    assert_has(err.message, "offline");
    char *log CB_AUTOFREE = text_of("/log/offline");
    assert_string_equal(log, "");
    cb_http_free(h);
}

static void finds_no_server(void **state)
{
    (void)state;
    CB_HTTP_ANSWER_AUTO a = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_http_request q = {.url = "http://127.0.0.1:1/x"};
    assert_int_equal(cb_http_send(client, &q, &a, &err), -1);
    assert_int_equal(err.kind, CB_E_NETWORK);
    assert_has(err.message, "GET http://127.0.0.1:1/x: ");
}

static void refuses_bad_requests(void **state)
{
    (void)state;
    const struct cb_http_header bad = {"X", "a\r\nHost: other"};
    CB_HTTP_ANSWER_AUTO a = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT, two = CB_ERROR_INIT, three = CB_ERROR_INIT;
    struct cb_http_request q = {.url = "http://127.0.0.1:1/", .headers = &bad, .nheaders = 1};
    assert_int_equal(cb_http_send(client, &q, &a, &err), -1);
    assert_int_equal(err.kind, CB_E_USAGE);
    q = (struct cb_http_request){.url = "http://127.0.0.1:1/", .authorization = "a\nb"};
    assert_int_equal(cb_http_send(client, &q, &a, &two), -1);
    assert_int_equal(two.kind, CB_E_USAGE);
    q = (struct cb_http_request){.url = "ftp://127.0.0.1/"};
    assert_int_equal(cb_http_send(client, &q, &a, &three), -1);
    assert_int_equal(three.kind, CB_E_USAGE);
}

static void *cancel_soon(void *ctx)
{
    struct timespec t = {.tv_nsec = 100 * 1000 * 1000};
    nanosleep(&t, NULL);
    atomic_store((atomic_bool *)ctx, true);
    return NULL;
}

static void is_cancelled(void **state)
{
    (void)state;
    atomic_bool stop = false;
    pthread_t thread;
    struct cb_http_options o = {0}; // patient
    struct cb_http *h = cb_http_new(&o);
    char *url CB_AUTOFREE = address(0, "/hang");
    CB_HTTP_ANSWER_AUTO a = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_http_request q = {.url = url, .cancel = &stop};
    uint64_t begun = now_ms();
    pthread_create(&thread, NULL, cancel_soon, &stop);
    assert_int_equal(cb_http_send(h, &q, &a, &err), -1);
    assert_has(err.message, "cancelled");
    assert_true(now_ms() - begun < 5000);
    pthread_join(thread, NULL);
    cb_http_free(h);
}

static int full(struct cb_sink *s, const void *p, size_t n, struct cb_error *err)
{
    (void)s;
    (void)p;
    (void)n;
    return cb_fail(err, CB_E_IO, "the disk is full");
}

static void hands_on_the_sinks_error(void **state)
{
    (void)state;
    struct cb_sink sink = {full};
    struct cb_http_request q = {.sink = &sink};
    char *got CB_AUTOFREE = seen(client, &q, 0, "/note/full", NULL);
    assert_has(got, "the disk is full");
    char *log CB_AUTOFREE = text_of("/log/full");
    assert_null(strstr(log + 1, "GET /note/full")); // once
}

static void *get_many(void *ctx)
{
    unsigned *failures = ctx;
    for (unsigned i = 0; i < 12; i++) {
        CB_BUF_AUTO b = {0};
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        char *path CB_AUTOFREE = cb_format(i % 3 ? "/cut/1/%u?t=%p" : "/bytes/%u?t=%p", 100000 + i, ctx);
        if (get(client, i % 2 ? 2 : 0, path, &b, &err) || !is_content(&b, 100000 + i, 0))
            (*failures)++;
    }
    return NULL;
}

static void serves_many_threads(void **state)
{
    (void)state;
    pthread_t threads[8];
    unsigned failures[8] = {0};
    for (size_t i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, get_many, &failures[i]);
    for (size_t i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(failures[i], 0);
    }
}

static void catch (void *ctx, enum cb_level level, const char *text)
{
    (void)level;
    cb_buf_adds(ctx, text);
}

// No secret in any error or log text.
static void keeps_secrets(void **state)
{
    (void)state;
    CB_BUF_AUTO log = {0};
    cb_log_listen(catch, &log, CB_DEBUG);
    static const char *const paths[] = {"/nothing?canary", "/weird/nowhere",
                                        "/hang",           "/cut/99/100",
                                        "/hops/20",        "/redirect/302?to=http://canary:canary@127.0.0.1:1/?canary",
                                        "/status/503/99/7"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        char *url CB_AUTOFREE = cb_format("http://canary:canary@127.0.0.1:%u%s", server.ports[0], paths[i]);
        CB_HTTP_ANSWER_AUTO a = {0};
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        struct cb_http_request q = {.url = url, .authorization = "Bearer canary"};
        assert_int_equal(cb_http_fetch(client, &q, &a, &err), -1);
        assert_lacks(err.message, "canary");
        assert_lacks(err.hint ? err.hint : "", "canary");
    }
    cb_log_listen(NULL, NULL, CB_ERROR);
    assert_lacks(log.p ? log.p : "", "canary");
}

static int start(void **state)
{
    (void)state;
    if (!test_server_start(&server, CBUILD_SOURCE_DIR "/tests/net/fault_server.py", NULL))
        return -1;
    snprintf(ca, sizeof ca, "%s/ca.pem", server.folder);
    client = new_client((struct cb_http_env){0});
    return 0;
}

static int stop(void **state)
{
    (void)state;
    cb_http_free(client);
    test_server_stop(&server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gets),
        cmocka_unit_test(tells_about_the_answer),
        cmocka_unit_test(tells_failures),
        cmocka_unit_test(masks_credentials_that_a_failure_quotes),
        cmocka_unit_test(tries_again),
        cmocka_unit_test(goes_on_after_a_cut),
        cmocka_unit_test(begins_anew),
        cmocka_unit_test(has_limits),
        cmocka_unit_test(limits_headers),
        cmocka_unit_test(ends_in_time),
        cmocka_unit_test(refuses_odd_answers),
        cmocka_unit_test(leaves_encodings_alone),
        cmocka_unit_test(takes_what_was_asked_for),
        cmocka_unit_test(follows),
        cmocka_unit_test(keeps_credentials_at_home),
        cmocka_unit_test(refuses_a_downgrade_with_credentials),
        cmocka_unit_test(takes_user_information),
        cmocka_unit_test(takes_http_auth),
        cmocka_unit_test(takes_netrc),
        cmocka_unit_test(asks_the_keychain_once),
        cmocka_unit_test(sends_bodies),
        cmocka_unit_test(repeats_bodies),
        cmocka_unit_test(verifies_certificates),
        cmocka_unit_test(goes_through_a_proxy),
        cmocka_unit_test(tunnels),
        cmocka_unit_test(stays_offline),
        cmocka_unit_test(finds_no_server),
        cmocka_unit_test(refuses_bad_requests),
        cmocka_unit_test(is_cancelled),
        cmocka_unit_test(hands_on_the_sinks_error),
        cmocka_unit_test(serves_many_threads),
        cmocka_unit_test(keeps_secrets),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
