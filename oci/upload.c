// Uploading a blob: POST opens an upload, PATCH sends the bytes, PUT closes it under the digest.
//
// The single requests are tried again by cb_http_send where repeating them is harmless (HEAD, POST, PUT). PATCH is not:
// a registry that has taken in half of a body goes on from there. So after a PATCH that failed the upload is asked how
// much it has (GET), and the rest is sent with a Content-Range; where it cannot tell, or no longer knows the upload,
// all begins anew with another POST. Patience is counted over the whole (cb_http_again), and starts anew when bytes
// arrive.
#include "upload.h"

#include <stdlib.h>

#define UPLOAD_ANSWER_MS 180000u // registries over object stores copy the blob before they answer
#define RESTARTS_ON_MISMATCH 2u  // a resumed upload whose digest is wrong may have been put together wrongly

struct state {
    const struct cb_upload *u;
    struct cb_http_retry retry;
    struct cb_http_answer answer;
    char *location;   // of the open upload; NULL: none
    uint64_t offset;  // bytes that it has
    int64_t reported; // what the caller was told of this upload
    bool may_pass;    // whether the last failure is worth another attempt
    unsigned mismatches;
};

static const struct cb_http_header octets = {"Content-Type", "application/octet-stream"};

static void report(struct state *s, int64_t bytes)
{
    s->reported += bytes;
    if (s->u->sent && bytes)
        s->u->sent(s->u->ctx, bytes);
}

static void on_sent(void *ctx, int64_t bytes)
{
    report(ctx, bytes);
}

static void forget_upload(struct state *s)
{
    free(s->location);
    s->location = NULL;
    s->offset = 0;
}

// After a failure with *err filled: is it one that may pass?
static int failed(struct state *s, struct cb_error *err)
{
    bool cancelled = s->u->cancel && atomic_load(s->u->cancel);
    bool answered = s->answer.status != 0;
    s->may_pass = !cancelled && err->kind == CB_E_NETWORK && (!answered || cb_http_may_pass(&s->answer));
    return -1;
}

static int send(struct state *s, struct cb_http_request *q, struct cb_error *err)
{
    cb_http_answer_release(&s->answer);
    q->cancel = s->u->cancel;
    if (cb_remote_send(s->u->remote, q, &s->answer, err)) {
        s->answer.status = 0;
        return failed(s, err);
    }
    return 0;
}

static int send_and_check(struct state *s, struct cb_http_request *q, struct cb_error *err)
{
    if (send(s, q, err))
        return -1;
    return cb_remote_check(s->u->remote, q, &s->answer, err) ? failed(s, err) : 0;
}

int cb_remote_has_blob(struct cb_remote *m, const struct cb_digest *d, const atomic_bool *cancel, struct cb_error *err)
{
    char *url CB_AUTOFREE = cb_remote_url(m, "blobs/%s", d->text);
    CB_HTTP_ANSWER_AUTO a = {0};
    struct cb_http_request q = {.method = "HEAD", .url = url, .cancel = cancel};
    if (cb_remote_send(m, &q, &a, err))
        return -1;
    if (a.status == 404)
        return 0;
    return cb_remote_check(m, &q, &a, err) ? -1 : 1;
}

static int take_location(struct state *s, struct cb_error *err)
{
    char *next = cb_remote_location(s->u->remote, &s->answer, err);
    if (!next) {
        s->may_pass = false;
        return -1;
    }
    free(s->location);
    s->location = next;
    return 0;
}

// Opens an upload. 1: the blob was mounted and there is nothing to send.
static int open_upload(struct state *s, struct cb_error *err)
{
    static const struct cb_http_header json = {"Content-Type", "application/json"};
    const struct cb_upload *u = s->u;
    CB_BUF_AUTO from = {0};
    if (u->mount_from)
        cb_url_escape(&from, cb_str(u->mount_from));
    char *url CB_AUTOFREE = from.n ? cb_remote_url(u->remote, "blobs/uploads/?from=%s&mount=sha256%%3A%s", from.p,
                                                   cb_digest_hex(&u->digest))
                                   : cb_remote_url(u->remote, "blobs/uploads/");
    struct cb_http_request q = {.method = "POST", .url = url, .headers = &json, .nheaders = 1};
    if (send(s, &q, err))
        return -1;
    if (from.n && (s->answer.status < 200 || s->answer.status > 299)) { // mounting is a favour, not a right
        char *plain CB_AUTOFREE = cb_remote_url(u->remote, "blobs/uploads/");
        q.url = plain;
        if (send_and_check(s, &q, err))
            return -1;
    } else if (cb_remote_check(u->remote, &q, &s->answer, err)) {
        return failed(s, err);
    }
    if (s->answer.status == 201)
        return 1;
    s->offset = 0;
    return take_location(s, err);
}

// "0-1023" is 1024 bytes; "0-0" is said of empty uploads as well, so it counts as none.
static bool parse_range(const char *text, uint64_t *bytes)
{
    struct cb_str rest = cb_str(text), first;
    uint64_t start = 0, last = 0;
    if (!text)
        return false;
    if (cb_str_starts(rest, "bytes="))
        rest = cb_str_skip(rest, 6);
    if (!cb_str_cut(&rest, '-', &first) || !cb_str_u64(first, 10, &start) || start != 0 ||
        !cb_str_u64(rest, 10, &last) || last == UINT64_MAX)
        return false;
    *bytes = last ? last + 1 : 0;
    return true;
}

// Asks an upload that was cut how much it has, so that the next attempt goes on there; or forgets it.
static void find_offset(struct state *s)
{
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;
    uint64_t have = 0, before = s->offset;
    struct cb_http_request q = {.url = s->location};
    bool known = send(s, &q, &ignored) == 0 && s->answer.status >= 200 && s->answer.status < 300 &&
                 parse_range(cb_http_header(&s->answer, "range"), &have) && have > 0 && have <= s->u->size;
    if (known && cb_http_header(&s->answer, "location")) {
        cb_error_clear(&ignored);
        known = take_location(s, &ignored) == 0;
    }
    if (!known) {
        forget_upload(s);
        return;
    }
    s->offset = have;
    if (cb_http_is_progress(before, have, s->u->size))
        cb_http_progress(&s->retry);
}

static struct cb_http_body rest_of(const struct cb_http_body *b, uint64_t offset)
{
    struct cb_http_body rest = *b;
    rest.memory = cb_str_skip(b->memory, (size_t)offset);
    rest.offset += offset;
    rest.length -= b->kind == CB_BODY_FILE ? offset : 0;
    return rest;
}

// Sends what the upload does not have yet.
static int send_rest(struct state *s, struct cb_error *err)
{
    const struct cb_upload *u = s->u;
    char *range CB_AUTOFREE = cb_format("%llu-%llu", (unsigned long long)s->offset, (unsigned long long)u->size - 1);
    const struct cb_http_header headers[] = {octets, {"Content-Range", range}};
    struct cb_http_request q = {.method = "PATCH",
                                .url = s->location,
                                .headers = headers,
                                .nheaders = s->offset ? 2 : 1,
                                .body = rest_of(&u->body, s->offset),
                                .sent = on_sent,
                                .ctx = s,
                                .answer_ms = UPLOAD_ANSWER_MS,
                                .once = true};
    if (send(s, &q, err) == 0 && cb_remote_check(u->remote, &q, &s->answer, err) == 0) {
        s->offset = u->size;
        return take_location(s, err);
    }
    int status = s->answer.status;
    failed(s, err);
    // 416: it has something else than we think. 404: it was forgotten, perhaps because a node went away. After 503 and
    // its like it has most likely taken in nothing: then the same is sent again.
    bool passes = s->may_pass || status == 416 || status == 404;
    if (passes && !(status && s->may_pass))
        find_offset(s);
    report(s, (int64_t)s->offset - s->reported);
    s->may_pass = passes;
    return -1;
}

// Closes the upload under the digest. What went wrong may have gone right all the same: so the blob is looked for.
static int commit(struct state *s, struct cb_error *err)
{
    const struct cb_upload *u = s->u;
    char *url CB_AUTOFREE = cb_format("%s%cdigest=sha256%%3A%s", s->location, strchr(s->location, '?') ? '&' : '?',
                                      cb_digest_hex(&u->digest));
    struct cb_http_request q = {
        .method = "PUT", .url = url, .headers = &octets, .nheaders = 1, .answer_ms = UPLOAD_ANSWER_MS};
    if (send_and_check(s, &q, err) == 0)
        return 0;
    int status = s->answer.status;
    bool mismatch = status == 400 && s->mismatches++ < RESTARTS_ON_MISMATCH;
    bool passes = s->may_pass || status == 404 || status == 416 || mismatch;
    if (!passes)
        return -1;
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;
    if (cb_remote_has_blob(u->remote, &u->digest, u->cancel, &ignored) == 1) {
        cb_error_clear(err);
        return 0;
    }
    if (status != 0 && !cb_http_may_pass(&s->answer))
        forget_upload(s);
    s->may_pass = true;
    return -1;
}

static int attempt(struct state *s, enum cb_push_event *event, struct cb_error *err)
{
    const struct cb_upload *u = s->u;
    *event = CB_PUSH_UPLOADED;
    if (!s->location) {
        s->answer.status = 0;
        int has = cb_remote_has_blob(u->remote, &u->digest, u->cancel, err);
        if (has < 0)
            return failed(s, err);
        *event = CB_PUSH_EXISTING;
        if (has)
            return 0;
        *event = CB_PUSH_MOUNTED;
        int mounted = open_upload(s, err);
        if (mounted)
            return mounted < 0 ? -1 : 0;
        *event = CB_PUSH_UPLOADED;
    }
    if (u->mount_only)
        return 0; // the upload that was opened instead is left to the registry to forget
    if (s->offset < u->size && send_rest(s, err))
        return -1;
    return commit(s, err);
}

int cb_upload_blob(const struct cb_upload *u, enum cb_push_event *event, struct cb_error *err)
{
    struct state s = {.u = u, .retry = cb_http_retry()};
    int rc;
    while ((rc = attempt(&s, event, err)) != 0) {
        if (!s.may_pass ||
            !cb_http_again(u->remote->owner->http, &s.retry, s.answer.status ? &s.answer : NULL, u->cancel))
            break;
        cb_error_clear(err);
    }
    // What was there already, or was mounted, counts as sent; what failed does not.
    report(&s, (rc ? 0 : (int64_t)u->size) - s.reported);
    forget_upload(&s);
    cb_http_answer_release(&s.answer);
    return rc ? cb_context(err, "uploading %s", u->digest.text) : 0;
}

// ---- manifests ----------------------------------------------------------------------------------------------------

int cb_remote_put_manifest(struct cb_remote *m, struct cb_str identifier, struct cb_str media_type, struct cb_str bytes,
                           const atomic_bool *cancel, struct cb_http_answer *answer, struct cb_error *err)
{
    CB_HTTP_ANSWER_AUTO own = {0};
    struct cb_http_answer *a = answer ? answer : &own;
    char *url CB_AUTOFREE = cb_remote_url(m, "manifests/%.*s", CB_STR_ARG(identifier));
    char *type CB_AUTOFREE = cb_strndup(media_type.p, media_type.n);
    const struct cb_http_header header = {"Content-Type", type};
    struct cb_http_request q = {.method = "PUT",
                                .url = url,
                                .headers = &header,
                                .nheaders = 1,
                                .body = {.kind = CB_BODY_MEMORY, .memory = bytes},
                                .cancel = cancel};
    if (cb_remote_send(m, &q, a, err) || cb_remote_check(m, &q, a, err))
        return cb_context(err, "writing the manifest %.*s", CB_STR_ARG(identifier));
    return 0;
}

#define ACCEPT_MANIFESTS                                                                                               \
    CB_MEDIA_OCI_INDEX "," CB_MEDIA_OCI_MANIFEST "," CB_MEDIA_DOCKER_LIST "," CB_MEDIA_DOCKER_MANIFEST

int cb_remote_has_manifest(struct cb_remote *m, struct cb_str identifier, struct cb_digest *digest,
                           const atomic_bool *cancel, struct cb_error *err)
{
    static const struct cb_http_header accept = {"Accept", ACCEPT_MANIFESTS};
    CB_HTTP_ANSWER_AUTO a = {0};
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;
    char *url CB_AUTOFREE = cb_remote_url(m, "manifests/%.*s", CB_STR_ARG(identifier));
    struct cb_http_request q = {.method = "HEAD", .url = url, .headers = &accept, .nheaders = 1, .cancel = cancel};
    *digest = (struct cb_digest){0};
    if (cb_remote_send(m, &q, &a, err))
        return -1;
    if (a.status == 404 || a.status == 403)
        return 0;
    if (cb_remote_check(m, &q, &a, err))
        return -1;
    const char *said = cb_http_header(&a, "docker-content-digest");
    if (!said || cb_digest_parse(digest, cb_str(said), &ignored))
        *digest = (struct cb_digest){0};
    return 1;
}
