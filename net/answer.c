// What comes in: the head of an answer, which decides where its body goes, and the body.
#include <ctype.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <strings.h>

#include "transfer.h"

#define TEXT_MAX (64u << 10) // of the body of an answer that is no success
#define SECRET_LEAST 4u
#define DEFAULT_BODY_MAX (16u << 20)
#define HEADERS_STEP 16u

static uint64_t body_limit(const struct cb_http_request *q)
{
    return q->max_body ? q->max_body : DEFAULT_BODY_MAX;
}

// ---- the answer's head --------------------------------------------------------------------------------------------

void cb_answer_forget(struct cb_http_answer *a)
{
    for (size_t i = 0; i < a->nheaders; i++) {
        free((void *)(uintptr_t)a->headers[i].name);
        free((void *)(uintptr_t)a->headers[i].value);
    }
    free(a->headers);
    a->headers = NULL;
    a->nheaders = 0;
    cb_buf_reset(&a->text);
    a->status = 0;
}

static void mask(struct cb_buf *text, const char *secret, size_t n)
{
    char *at = text->p;
    if (n < SECRET_LEAST)
        return; // too short to be one, and masking would only spell it out
    while ((size_t)(text->p + text->n - at) >= n && (at = memmem(at, (size_t)(text->p + text->n - at), secret, n)))
        memset(at, '*', n);
}

void cb_answer_mask(struct cb_http_answer *a, const char *authorization)
{
    const char *space = strchr(authorization, ' ');
    const char *secret = space ? space + 1 : authorization;
    size_t n = strlen(secret);
    if (!a->text.n)
        return;
    mask(&a->text, secret, n);
    if (strncasecmp(authorization, "basic ", 6) != 0 || n > INT_MAX)
        return;
    char *pair CB_AUTOFREE = cb_zalloc(n + 1);
    int length = EVP_DecodeBlock((unsigned char *)pair, (const unsigned char *)secret, (int)n);
    const char *password = length > 0 ? strchr(pair, ':') : NULL;
    if (password)
        mask(&a->text, password + 1, strlen(password + 1)); // what pads the block is zeros
    explicit_bzero(pair, n);
}

void cb_http_answer_release(struct cb_http_answer *a)
{
    cb_answer_forget(a);
    free(a->url);
    cb_buf_release(&a->text);
    *a = (struct cb_http_answer){0};
}

const char *cb_http_header(const struct cb_http_answer *a, const char *name)
{
    for (size_t i = 0; i < a->nheaders; i++)
        if (strcasecmp(a->headers[i].name, name) == 0)
            return a->headers[i].value;
    return NULL;
}

static void add_header(struct cb_http_answer *a, struct cb_str name, struct cb_str value)
{
    if (a->nheaders % HEADERS_STEP == 0)
        a->headers = cb_realloc_array(a->headers, a->nheaders + HEADERS_STEP, sizeof *a->headers);
    char *lower = cb_strndup(name.p, name.n);
    for (char *p = lower; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    a->headers[a->nheaders++] = (struct cb_http_header){lower, cb_strndup(value.p, value.n)};
}

bool cb_request_has_header(const struct cb_http_request *q, const char *name)
{
    for (size_t i = 0; i < q->nheaders; i++)
        if (strcasecmp(q->headers[i].name, name) == 0)
            return true;
    return false;
}

static bool header_number(const struct cb_http_answer *a, const char *name, uint64_t *out)
{
    const char *v = cb_http_header(a, name);
    return v && cb_str_u64(cb_str(v), 10, out);
}

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

// Whether an answer that can be compared at all is of another body than the one that was begun.
static bool changed(const struct cb_exchange *x, bool has_total, uint64_t total)
{
    const char *etag = cb_http_header(x->a, "etag"), *modified = cb_http_header(x->a, "last-modified");
    if (x->has_total && has_total && x->total != total)
        return true;
    return (x->etag || etag) ? !same(x->etag, etag) : !same(x->modified, modified);
}

static void remember_body(struct cb_exchange *x, bool has_total, uint64_t total)
{
    const char *etag = cb_http_header(x->a, "etag"), *modified = cb_http_header(x->a, "last-modified");
    free(x->etag);
    free(x->modified);
    x->etag = etag ? cb_strdup(etag) : NULL;
    x->modified = modified ? cb_strdup(modified) : NULL;
    x->has_total = has_total;
    x->total = total;
}

// The body comes from its beginning although the sink already has a part of it.
static void begin_anew(struct cb_transfer *t, bool has_total, uint64_t total)
{
    struct cb_exchange *x = t->x;
    if (!x->q->sink) {
        cb_buf_reset(&x->body);
    } else if (x->q->restart) {
        if (x->q->restart(x->q->ctx, x->err)) {
            t->failed = true;
            return;
        }
    } else if (changed(x, has_total, total)) {
        CB_TRANSFER_FAIL(t, CB_E_NETWORK, "the file changed on the server while it was being read");
        return;
    } else {
        t->skip = x->given;
        return;
    }
    if (x->q->received)
        x->q->received(x->q->ctx, -(int64_t)x->given);
    x->given = 0;
}

// "bytes 100-199/200"
static bool content_range(const char *v, uint64_t *first, uint64_t *total, bool *has_total)
{
    struct cb_str s = cb_str(v), range, a;
    if (!v || !cb_str_starts(s, "bytes "))
        return false;
    s = cb_str_skip(s, 6);
    if (!cb_str_cut(&s, '/', &range) || !cb_str_cut(&range, '-', &a) || !cb_str_u64(a, 10, first))
        return false;
    *has_total = cb_str_u64(s, 10, total);
    return *has_total || cb_str_is(s, "*");
}

static void go_on(struct cb_transfer *t)
{
    struct cb_exchange *x = t->x;
    uint64_t first = 0, total = 0;
    bool has_total = false;
    if (!content_range(cb_http_header(x->a, "content-range"), &first, &total, &has_total) || first != t->from ||
        changed(x, has_total, total)) {
        x->ranges = false; // then from the beginning
        t->late = "the rest that the server offered does not fit what it sent before";
        return;
    }
    t->where = x->q->sink ? CB_TO_SINK : CB_TO_TEXT;
    x->a->status = 200; // to whoever asked it is the whole
}

static void whole_body(struct cb_transfer *t)
{
    struct cb_exchange *x = t->x;
    uint64_t total = 0;
    bool has_total = header_number(x->a, "content-length", &total);
    if (cb_http_header(x->a, "content-length") && !has_total) {
        CB_TRANSFER_FAIL(t, CB_E_NETWORK, "the answer's Content-Length is not a number");
        return;
    }
    if (strcmp(t->hop->method, "HEAD") == 0)
        return;
    if (has_total && total > body_limit(x->q)) {
        CB_TRANSFER_FAIL(t, CB_E_LIMIT, "the body of %llu bytes is larger than the limit of %llu",
                         (unsigned long long)total, (unsigned long long)body_limit(x->q));
        return;
    }
    if (x->given)
        begin_anew(t, has_total, total);
    if (t->failed)
        return;
    remember_body(x, has_total, total);
    x->ranges = has_total && !cb_request_has_header(x->q, "range") && strcmp(t->hop->method, "GET") == 0;
    t->where = x->q->sink ? CB_TO_SINK : CB_TO_TEXT;
}

// The head is complete: where does the body go?
static void judge_head(struct cb_transfer *t)
{
    const struct cb_http_request *q = t->x->q;
    int status = t->x->a->status;
    if (status == 206 && t->from) {
        go_on(t);
    } else if (status == 206 && !cb_request_has_header(q, "range")) {
        CB_TRANSFER_FAIL(t, CB_E_NETWORK, "the server sent a part of the file (206) without being asked for one");
    } else if (status == 304 && !cb_request_has_header(q, "if-none-match") &&
               !cb_request_has_header(q, "if-modified-since")) {
        CB_TRANSFER_FAIL(t, CB_E_NETWORK, "the server answered 304 Not Modified to a request without a condition");
    } else if (status == 416 && t->from) {
        t->x->ranges = false;
        t->late = "the server does not go on where it stopped";
    } else if (status < 300) {
        whole_body(t);
    } else {
        t->where = cb_status_is_redirect(status) && !q->keep_redirect ? CB_TO_NOWHERE : CB_TO_EXCERPT;
    }
}

static void status_line(struct cb_transfer *t, struct cb_str line)
{
    struct cb_str rest = line, version, code;
    uint64_t status = 0;
    cb_answer_forget(t->x->a);
    if (cb_str_field(&rest, &version) && cb_str_field(&rest, &code) && code.n == 3)
        cb_str_u64(code, 10, &status);
    t->x->a->status = (int)status;
}

size_t cb_answer_head(char *p, size_t size, size_t n, void *transfer)
{
    struct cb_transfer *t = transfer;
    struct cb_str line = cb_strn(p, size * n);
    size_t all = line.n;
    if (t->failed || t->late)
        return 0;
    if (t->head_done) // a trailer
        return all;
    t->header_bytes += all;
    if (t->header_bytes > t->x->h->limits.header_bytes) {
        CB_TRANSFER_FAIL(t, CB_E_NETWORK, "the answer's headers are larger than %u bytes",
                         t->x->h->limits.header_bytes);
        return 0;
    }
    while (line.n && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
        line.n--;
    ptrdiff_t colon = cb_str_find(line, ':');
    if (cb_str_starts(line, "HTTP/"))
        status_line(t, line);
    else if (colon > 0)
        add_header(t->x->a, cb_str_head(line, (size_t)colon), cb_str_trim(cb_str_skip(line, (size_t)colon + 1)));
    if (line.n == 0 && t->x->a->status >= 200) {
        t->head_done = true;
        judge_head(t);
    }
    return t->failed || t->late ? 0 : all;
}

// ---- the answer's body --------------------------------------------------------------------------------------------

static bool give(struct cb_transfer *t, const char *p, size_t n)
{
    struct cb_exchange *x = t->x;
    size_t old = n < t->skip ? n : (size_t)t->skip;
    t->skip -= old;
    p += old;
    n -= old;
    if (n > body_limit(x->q) - x->given) {
        CB_TRANSFER_FAIL(t, CB_E_LIMIT, "the body is larger than the limit of %llu bytes",
                         (unsigned long long)body_limit(x->q));
        return false;
    }
    if (t->where == CB_TO_TEXT) {
        cb_buf_add(&x->body, p, n);
    } else if (n) {
        uint64_t begun = cb_now_ms();
        if (cb_write(x->q->sink, p, n, x->err)) {
            t->failed = true;
            return false;
        }
        t->busy_ms += cb_now_ms() - begun;
    }
    x->given += n;
    if (x->q->received && n)
        x->q->received(x->q->ctx, (int64_t)n);
    return true;
}

size_t cb_answer_body(char *p, size_t size, size_t n, void *transfer)
{
    struct cb_transfer *t = transfer;
    struct cb_buf *text = &t->x->a->text;
    n *= size;
    if (t->failed || t->late)
        return 0;
    if (t->where == CB_TO_SINK || t->where == CB_TO_TEXT)
        return give(t, p, n) ? n : 0;
    t->skip += n;
    if (t->where == CB_TO_EXCERPT)
        cb_buf_add(text, p, n < TEXT_MAX - text->n ? n : TEXT_MAX - text->n);
    t->enough = t->skip > TEXT_MAX;
    return t->enough ? 0 : n;
}
