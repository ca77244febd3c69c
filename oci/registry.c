#include "cbuild/oci/registry.h"

#include <stdlib.h>

#include "cbuild/base/file.h"
#include "cbuild/base/vec.h"
#include "cbuild/text/json_read.h"
#include "upload.h"

struct cb_registry *cb_registry_new(struct cb_http *http, const struct cb_credentials_env *env)
{
    struct cb_registry *r = cb_zalloc(sizeof *r);
    r->http = http;
    r->env = env;
    pthread_mutex_init(&r->lock, NULL);
    return r;
}

void cb_registry_free(struct cb_registry *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->remotes.n; i++)
        cb_remote_free(r->remotes.v[i]);
    cb_vec_release(&r->remotes);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

static struct cb_remote *open_remote(struct cb_registry *r, const struct cb_reference *ref, bool push,
                                     struct cb_error *err)
{
    struct cb_remote *m = cb_remote_get(r, ref, push);
    return cb_remote_open(m, err) ? NULL : m;
}

// ---- writing ------------------------------------------------------------------------------------------------------

int cb_registry_put_blob(struct cb_registry *r, const struct cb_reference *repository, const struct cb_layer_blob *blob,
                         const struct cb_str *bytes, struct cb_error *err)
{
    CB_FD_AUTO fd = -1;
    struct cb_remote *m = open_remote(r, repository, true, err);
    if (!m)
        return -1;
    struct cb_upload u = {.remote = m};
    if (bytes) {
        u.digest = cb_digest_of(*bytes);
        u.size = bytes->n;
        u.body = (struct cb_http_body){.kind = CB_BODY_MEMORY, .memory = *bytes};
    } else {
        fd = cb_layer_blob_open(blob, err);
        if (fd < 0)
            return -1;
        u.digest = blob->descriptor.digest;
        u.size = blob->descriptor.size;
        u.body = (struct cb_http_body){.kind = CB_BODY_FILE, .fd = fd, .length = u.size};
    }
    enum cb_push_event event;
    return cb_upload_blob(&u, &event, err);
}

int cb_registry_has_blob(struct cb_registry *r, const struct cb_reference *repository, const struct cb_descriptor *d,
                         const char *mount_from, struct cb_error *err)
{
    enum cb_push_event event;
    struct cb_remote *m = cb_remote_get(r, repository, true);
    if (mount_from)
        cb_remote_add_pull_scope(m, mount_from);
    if (cb_remote_open(m, err))
        return -1;
    if (!mount_from)
        return cb_remote_has_blob(m, &d->digest, NULL, err);
    struct cb_upload u = {
        .remote = m, .digest = d->digest, .size = d->size, .mount_from = mount_from, .mount_only = true};
    return cb_upload_blob(&u, &event, err) ? -1 : event != CB_PUSH_UPLOADED;
}

// The descriptor by which a manifest appears among the referrers of its subject.
static void describe_referrer(const struct cb_manifest *m, struct cb_str bytes, struct cb_descriptor *out)
{
    *out = (struct cb_descriptor){
        .media_type = m->media_type, .digest = cb_digest_of(bytes), .size = bytes.n, .annotations = {0}};
    out->artifact_type = m->artifact_type.n ? m->artifact_type : m->config.media_type;
}

static int by_digest(const void *a, const void *b)
{
    const struct cb_descriptor *x = a, *y = b;
    return strcmp(x->digest.text, y->digest.text);
}

static struct cb_str fallback_tag(struct cb_arena *a, const struct cb_digest *d)
{
    return cb_arena_format(a, "sha256-%s", cb_digest_hex(d));
}

// 1 and the index under the fallback tag, 0 and an empty one where there is none, or -1.
static int get_fallback(struct cb_registry *r, struct cb_arena *a, const struct cb_reference *repository,
                        const struct cb_digest *subject, struct cb_index_manifest *out, struct cb_error *err)
{
    struct cb_reference ref = cb_reference_with_tag(a, repository, fallback_tag(a, subject));
    struct cb_descriptor d;
    struct cb_str bytes;
    *out = (struct cb_index_manifest){.schema_version = 2, .media_type = CB_STR(CB_MEDIA_OCI_INDEX)};
    if (cb_registry_get_manifest(r, a, &ref, &d, &bytes, err)) {
        if (err->kind != CB_E_NOT_FOUND)
            return -1;
        cb_error_clear(err);
        return 0;
    }
    if (!cb_str_is(d.media_type, CB_MEDIA_OCI_INDEX))
        return cb_fail(err, CB_E_INPUT, "what refers to %s is not an OCI index but \"%.*s\"", subject->text,
                       CB_STR_ARG(d.media_type));
    return cb_index_manifest_parse(a, bytes, d.media_type, out, err) ? -1 : 1;
}

// For registries without the referrers API: its answer is kept as an index under a tag.
static int add_to_fallback(struct cb_registry *r, struct cb_remote *m, const struct cb_reference *ref,
                           const struct cb_digest *subject, const struct cb_descriptor *add, struct cb_error *err)
{
    CB_ARENA_AUTO a = {0};
    CB_BUF_AUTO text = {0};
    struct cb_index_manifest im;
    if (get_fallback(r, &a, ref, subject, &im, err) < 0)
        return cb_context(err, "what refers to %s", subject->text);
    struct cb_descriptor *all = cb_arena_alloc(&a, (im.nmanifests + 1) * sizeof *all);
    for (size_t i = 0; i < im.nmanifests; i++) {
        all[i] = im.manifests[i];
        if (cb_digest_eq(&all[i].digest, &add->digest))
            return 0;
    }
    all[im.nmanifests++] = *add;
    qsort(all, im.nmanifests, sizeof *all, by_digest);
    im.manifests = all;
    cb_index_manifest_write(&text, &im);
    return cb_remote_put_manifest(m, fallback_tag(&a, subject), CB_STR(CB_MEDIA_OCI_INDEX), cb_buf_str(&text), NULL,
                                  NULL, err);
}

// Whether the registry keeps referrers itself.
static int has_referrers_api(struct cb_remote *m, const struct cb_digest *subject, struct cb_error *err)
{
    static const struct cb_http_header accept = {"Accept", CB_MEDIA_OCI_INDEX};
    CB_HTTP_ANSWER_AUTO a = {0};
    char *url CB_AUTOFREE = cb_remote_url(m, "referrers/%s", subject->text);
    struct cb_http_request q = {.url = url, .headers = &accept, .nheaders = 1, .max_body = CB_MANIFEST_MAX};
    if (cb_remote_send(m, &q, &a, err))
        return -1;
    if (a.status == 400 || a.status == 404 || a.status == 405 || a.status == 406)
        return 0;
    return cb_remote_check(m, &q, &a, err) ? -1 : 1;
}

int cb_registry_put_manifest(struct cb_registry *r, const struct cb_reference *ref, struct cb_str media_type,
                             struct cb_str bytes, struct cb_error *err)
{
    CB_ARENA_AUTO arena = {0};
    CB_HTTP_ANSWER_AUTO a = {0};
    struct cb_manifest parsed = {0};
    struct cb_remote *m = open_remote(r, ref, true, err);
    if (!m)
        return -1;
    if (cb_media_type_is_image(media_type) && cb_manifest_parse(&arena, bytes, media_type, &parsed, err))
        return -1;
    if (cb_remote_put_manifest(m, cb_reference_identifier(ref), media_type, bytes, NULL, &a, err))
        return -1;
    if (!parsed.subject || cb_http_header(&a, "oci-subject"))
        return 0;
    int has = has_referrers_api(m, &parsed.subject->digest, err);
    if (has)
        return has < 0 ? -1 : 0;
    struct cb_descriptor d;
    describe_referrer(&parsed, bytes, &d);
    return add_to_fallback(r, m, ref, &parsed.subject->digest, &d, err);
}

// ---- reading ------------------------------------------------------------------------------------------------------

static const struct cb_http_header accept_manifests = {
    "Accept", CB_MEDIA_OCI_INDEX "," CB_MEDIA_OCI_MANIFEST "," CB_MEDIA_DOCKER_LIST "," CB_MEDIA_DOCKER_MANIFEST};

static struct cb_str content_type(struct cb_arena *arena, const struct cb_http_answer *a)
{
    const char *type = cb_http_header(a, "content-type");
    struct cb_str s = cb_str(type ? type : "");
    ptrdiff_t semicolon = cb_str_find(s, ';'); // "; charset=utf-8"
    return cb_arena_str(arena, cb_str_trim(semicolon < 0 ? s : cb_str_head(s, (size_t)semicolon)));
}

// The digest that the answer claims; none where it does not, or not in a form that we use.
static struct cb_digest claimed_digest(const struct cb_http_answer *a)
{
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;
    struct cb_digest d = {0};
    const char *text = cb_http_header(a, "docker-content-digest");
    if (text && cb_digest_parse(&d, cb_str(text), &ignored))
        d = (struct cb_digest){0};
    return d;
}

static char *manifest_url(const struct cb_remote *m, const struct cb_reference *ref)
{
    return cb_remote_url(m, "manifests/%.*s", CB_STR_ARG(cb_reference_identifier(ref)));
}

int cb_registry_head(struct cb_registry *r, struct cb_arena *a, const struct cb_reference *ref,
                     struct cb_descriptor *out, struct cb_error *err)
{
    struct cb_remote *m = open_remote(r, ref, false, err);
    if (!m)
        return -1;
    CB_HTTP_ANSWER_AUTO answer = {0};
    char *url CB_AUTOFREE = manifest_url(m, ref);
    struct cb_http_request q = {.method = "HEAD", .url = url, .headers = &accept_manifests, .nheaders = 1};
    if (cb_remote_send(m, &q, &answer, err) || cb_remote_check(m, &q, &answer, err))
        return -1;
    const char *length = cb_http_header(&answer, "content-length");
    *out = (struct cb_descriptor){.media_type = content_type(a, &answer), .digest = claimed_digest(&answer)};
    if (!length || !cb_str_u64(cb_str(length), 10, &out->size) || !cb_digest_is_set(&out->digest))
        return cb_fail(err, CB_E_NETWORK, "%s does not tell digest and size of %.*s", m->registry,
                       CB_STR_ARG(ref->original));
    if (ref->digest.n && !cb_str_eq(ref->digest, cb_digest_str(&out->digest)))
        return cb_fail(err, CB_E_TRUST, "%s says that %.*s has the digest %s", m->registry, CB_STR_ARG(ref->digest),
                       out->digest.text);
    return 0;
}

int cb_registry_get_manifest(struct cb_registry *r, struct cb_arena *a, const struct cb_reference *ref,
                             struct cb_descriptor *descriptor, struct cb_str *bytes, struct cb_error *err)
{
    struct cb_remote *m = open_remote(r, ref, false, err);
    if (!m)
        return -1;
    CB_HTTP_ANSWER_AUTO answer = {0};
    char *url CB_AUTOFREE = manifest_url(m, ref);
    struct cb_http_request q = {.url = url, .headers = &accept_manifests, .nheaders = 1, .max_body = CB_MANIFEST_MAX};
    if (cb_remote_send(m, &q, &answer, err) || cb_remote_check(m, &q, &answer, err))
        return -1;
    *bytes = cb_arena_str(a, cb_buf_str(&answer.text));
    *descriptor = (struct cb_descriptor){
        .media_type = content_type(a, &answer), .digest = cb_digest_of(*bytes), .size = bytes->n};
    struct cb_digest claimed = claimed_digest(&answer);
    if (ref->digest.n && !cb_str_eq(ref->digest, cb_digest_str(&descriptor->digest)))
        return cb_fail(err, CB_E_TRUST, "%s sent something with the digest %s for %.*s", m->registry,
                       descriptor->digest.text, CB_STR_ARG(ref->digest));
    if (cb_digest_is_set(&claimed) && !cb_digest_eq(&claimed, &descriptor->digest))
        return cb_fail(err, CB_E_TRUST, "%s sent a manifest with the digest %s and says that it is %s", m->registry,
                       descriptor->digest.text, claimed.text);
    return 0;
}

// Hashes what it hands on; what is past the size is refused by the request's own limit.
struct verifier {
    struct cb_sink sink;
    struct cb_sink *to;
    struct cb_hash *hash;
    int (*restart)(void *ctx, struct cb_error *err);
    void *ctx;
};

static int verify_write(struct cb_sink *s, const void *p, size_t n, struct cb_error *err)
{
    struct verifier *v = (struct verifier *)s;
    cb_hash_add(v->hash, p, n);
    return cb_write(v->to, p, n, err);
}

static int verify_restart(void *ctx, struct cb_error *err)
{
    struct verifier *v = ctx;
    uint8_t unused[CB_HASH_MAX];
    cb_hash_sum(v->hash, unused);
    return v->restart(v->ctx, err);
}

static int get_blob(struct cb_remote *m, const struct cb_descriptor *d, struct verifier *v, struct cb_error *err)
{
    CB_HTTP_ANSWER_AUTO a = {0};
    uint8_t sum[CB_HASH_MAX];
    char *url CB_AUTOFREE = cb_remote_url(m, "blobs/%s", d->digest.text);
    struct cb_http_request q = {.url = url,
                                .sink = &v->sink,
                                .restart = v->restart ? verify_restart : NULL,
                                .ctx = v,
                                .max_body = d->size ? d->size : 1};
    if (cb_remote_send(m, &q, &a, err)) {
        if (err->kind == CB_E_LIMIT)
            err->kind = CB_E_TRUST; // larger than its descriptor says
        return -1;
    }
    if (cb_remote_check(m, &q, &a, err))
        return -1;
    cb_hash_sum(v->hash, sum);
    struct cb_digest got = cb_digest_of_sum(sum);
    if (a.length != d->size)
        return cb_fail(err, CB_E_TRUST, "%s sent %llu bytes for a blob of %llu", m->registry,
                       (unsigned long long)a.length, (unsigned long long)d->size);
    if (!cb_digest_eq(&got, &d->digest))
        return cb_fail(err, CB_E_TRUST, "%s sent something with the digest %s", m->registry, got.text);
    return 0;
}

int cb_registry_get_blob(struct cb_registry *r, const struct cb_reference *repository, const struct cb_descriptor *d,
                         struct cb_sink *sink, int (*restart)(void *ctx, struct cb_error *err), void *ctx,
                         struct cb_error *err)
{
    if (!cb_digest_is_set(&d->digest))
        return cb_fail(err, CB_E_INPUT, "a blob without a digest");
    struct cb_remote *m = open_remote(r, repository, false, err);
    if (!m)
        return -1;
    struct verifier v = {
        .sink = {verify_write}, .to = sink, .hash = cb_hash_new(CB_SHA256), .restart = restart, .ctx = ctx};
    int rc = get_blob(m, d, &v, err);
    cb_hash_free(v.hash);
    return rc ? cb_context(err, "blob %s", d->digest.text) : 0;
}

int cb_registry_read_blob(struct cb_registry *r, const struct cb_reference *repository, const struct cb_descriptor *d,
                          size_t limit, struct cb_buf *b, struct cb_error *err)
{
    struct cb_buf_sink sink = cb_buf_sink(b);
    if (d->size > limit)
        return cb_fail(err, CB_E_LIMIT, "the blob %s of %llu bytes is larger than the limit of %zu", d->digest.text,
                       (unsigned long long)d->size, limit);
    return cb_registry_get_blob(r, repository, d, &sink.sink, NULL, NULL, err);
}

static void filter(struct cb_index_manifest *im, struct cb_str artifact_type)
{
    size_t n = 0;
    for (size_t i = 0; i < im->nmanifests; i++)
        if (artifact_type.n == 0 || cb_str_eq(im->manifests[i].artifact_type, artifact_type))
            im->manifests[n++] = im->manifests[i];
    im->nmanifests = n;
}

int cb_registry_referrers(struct cb_registry *r, struct cb_arena *a, const struct cb_reference *digest,
                          struct cb_str artifact_type, struct cb_index_manifest *out, struct cb_error *err)
{
    static const struct cb_http_header accept = {"Accept", CB_MEDIA_OCI_INDEX};
    struct cb_digest subject;
    struct cb_remote *m = open_remote(r, digest, false, err);
    if (!m || cb_digest_parse(&subject, digest->digest, err))
        return -1;
    CB_HTTP_ANSWER_AUTO answer = {0};
    char *url CB_AUTOFREE = cb_remote_url(m, "referrers/%s", subject.text);
    struct cb_http_request q = {.url = url, .headers = &accept, .nheaders = 1, .max_body = CB_MANIFEST_MAX};
    if (cb_remote_send(m, &q, &answer, err))
        return -1;
    int status = answer.status;
    bool unknown = status == 400 || status == 404 || status == 405 || status == 406;
    if (!unknown && cb_remote_check(m, &q, &answer, err))
        return -1;
    int rc;
    if (!unknown && cb_str_is(content_type(a, &answer), CB_MEDIA_OCI_INDEX))
        rc = cb_index_manifest_parse(a, cb_buf_str(&answer.text), CB_STR(CB_MEDIA_OCI_INDEX), out, err);
    else
        rc = get_fallback(r, a, digest, &subject, out, err) < 0 ? -1 : 0;
    if (rc == 0)
        filter(out, artifact_type);
    return rc ? cb_context(err, "what refers to %s", subject.text) : 0;
}
