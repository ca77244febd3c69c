// Pushing an index with all it stands for.
//
// The order is what a reader of the registry may rely on: nothing is named before it is there. So blobs come before the
// manifests that list them, those before the index, and the tags, by which everybody comes in, are the very last, in
// every repository, after all else has succeeded in every repository. Each step is a list of jobs of which several run
// at a time; the next step begins when all of the last are done.
#include <stdlib.h>

#include "cbuild/base/file.h"
#include "cbuild/base/pool.h"
#include "cbuild/base/vec.h"
#include "upload.h"

#define JOBS_MAX 16u

struct repository {
    struct cb_remote *remote;
    const char *mount_from; // another one of the same registry that is filled before; NULL: none
    bool *has_image;        // whether the manifest of image i is there
};

struct blob {
    struct cb_digest digest;
    const struct cb_layer_blob *layer; // NULL: bytes
    struct cb_str bytes;
};

struct blob_job {
    struct repository *to;
    const struct blob *blob;
};

struct push {
    struct cb_registry *r;
    const struct cb_index_image *idx;
    const struct cb_reference *refs;
    size_t nrefs;
    const struct cb_push_options *options;
    struct cb_arena arena;
    struct cb_pool *pool;
    unsigned at_once;

    struct {
        struct repository *v;
        size_t n, cap;
    } repositories;
    size_t *repository_of; // of each reference
    struct {
        struct blob *v;
        size_t n, cap;
    } blobs;
    struct {
        struct blob_job *v;
        size_t n, cap;
    } jobs;

    atomic_bool stop;     // something has failed: what is running ends soon
    pthread_mutex_t lock; // for the listener, and the first failure
    struct cb_error first;
};

// ---- steps --------------------------------------------------------------------------------------------------------

static void tell(struct push *p, enum cb_push_event event, const char *what, uint64_t size)
{
    if (!p->options->event)
        return;
    pthread_mutex_lock(&p->lock);
    p->options->event(p->options->ctx, event, what, size);
    pthread_mutex_unlock(&p->lock);
}

static void sent(void *ctx, int64_t bytes)
{
    struct push *p = ctx;
    if (!p->options->sent)
        return;
    pthread_mutex_lock(&p->lock);
    p->options->sent(p->options->ctx, bytes);
    pthread_mutex_unlock(&p->lock);
}

struct step {
    struct push *p;
    int (*fn)(struct push *p, size_t i, struct cb_error *err);
};

static int run_one(void *ctx, size_t i, struct cb_error *err)
{
    struct step *s = ctx;
    struct push *p = s->p;
    if (!atomic_load(&p->stop) && s->fn(p, i, err) == 0)
        return 0;
    pthread_mutex_lock(&p->lock);
    if (!atomic_exchange(&p->stop, true))
        cb_error_move(&p->first, err);
    cb_error_clear(err);
    pthread_mutex_unlock(&p->lock);
    return cb_fail(err, CB_E_NETWORK, "stopped");
}

// All of a step; the error is the first that happened, not one of those that it caused elsewhere.
static int run_step(struct push *p, int (*fn)(struct push *, size_t, struct cb_error *), size_t n, struct cb_error *err)
{
    struct step s = {p, fn};
    if (n == 0 || cb_parallel(p->pool, n, p->at_once, run_one, &s, err) == 0)
        return 0;
    cb_error_clear(err);
    cb_error_move(err, &p->first);
    return -1;
}

static int open_repository(struct push *p, size_t i, struct cb_error *err)
{
    return cb_remote_open(p->repositories.v[i].remote, err);
}

// i counts all images of all repositories.
static int look_for_image(struct push *p, size_t i, struct cb_error *err)
{
    struct repository *to = &p->repositories.v[i / p->idx->nimages];
    const struct cb_image *img = p->idx->images[i % p->idx->nimages];
    struct cb_digest found;
    int has = cb_remote_has_manifest(to->remote, cb_digest_str(&img->digest), &found, &p->stop, err);
    if (has < 0)
        return -1;
    to->has_image[i % p->idx->nimages] = has && (!cb_digest_is_set(&found) || cb_digest_eq(&found, &img->digest));
    if (has)
        tell(p, CB_PUSH_EXISTING, img->digest.text, img->manifest.n);
    return 0;
}

static int upload(struct push *p, size_t i, struct cb_error *err)
{
    const struct blob *b = p->jobs.v[i].blob;
    const struct repository *to = p->jobs.v[i].to;
    struct cb_upload u = {.remote = to->remote,
                          .digest = b->digest,
                          .size = b->bytes.n,
                          .body = {.kind = CB_BODY_MEMORY, .memory = b->bytes},
                          .mount_from = to->mount_from,
                          .sent = sent,
                          .ctx = p,
                          .cancel = &p->stop};
    CB_FD_AUTO fd = -1;
    if (b->layer) {
        fd = cb_layer_blob_open(b->layer, err);
        if (fd < 0)
            return -1;
        u.size = b->layer->descriptor.size;
        u.body = (struct cb_http_body){.kind = CB_BODY_FILE, .fd = fd, .length = u.size};
    }
    enum cb_push_event event = CB_PUSH_UPLOADED;
    if (cb_upload_blob(&u, &event, err))
        return cb_context(err, "%s/%s", to->remote->registry, to->remote->repository);
    tell(p, event, b->digest.text, u.size);
    return 0;
}

static int put(struct push *p, struct cb_remote *m, struct cb_str identifier, struct cb_str media_type,
               struct cb_str bytes, struct cb_error *err)
{
    if (cb_remote_put_manifest(m, identifier, media_type, bytes, &p->stop, NULL, err))
        return cb_context(err, "%s/%s", m->registry, m->repository);
    return 0;
}

static int put_image(struct push *p, size_t i, struct cb_error *err)
{
    struct repository *to = &p->repositories.v[i / p->idx->nimages];
    const struct cb_image *img = p->idx->images[i % p->idx->nimages];
    if (to->has_image[i % p->idx->nimages])
        return 0;
    if (put(p, to->remote, cb_digest_str(&img->digest), img->media_type, img->manifest, err))
        return -1;
    tell(p, CB_PUSH_MANIFEST, img->digest.text, img->manifest.n);
    return 0;
}

static int put_index(struct push *p, size_t i, struct cb_error *err)
{
    struct cb_remote *m = p->repositories.v[i].remote;
    const struct cb_digest *d = &p->idx->digest;
    struct cb_digest found;
    int has = cb_remote_has_manifest(m, cb_digest_str(d), &found, &p->stop, err);
    if (has < 0)
        return -1;
    if (has) {
        tell(p, CB_PUSH_EXISTING, d->text, p->idx->bytes.n);
        return 0;
    }
    if (put(p, m, cb_digest_str(d), p->idx->parsed.media_type, p->idx->bytes, err))
        return -1;
    tell(p, CB_PUSH_MANIFEST, d->text, p->idx->bytes.n);
    return 0;
}

static int put_tag(struct push *p, size_t i, struct cb_error *err)
{
    const struct cb_reference *ref = &p->refs[i];
    struct cb_remote *m = p->repositories.v[p->repository_of[i]].remote;
    struct cb_str identifier = cb_reference_identifier(ref);
    struct cb_digest found;
    char *name CB_AUTOFREE =
        cb_format("%s/%s%c%.*s", m->registry, m->repository, ref->tag.n ? ':' : '@', CB_STR_ARG(identifier));
    int has = cb_remote_has_manifest(m, identifier, &found, &p->stop, err);
    if (has < 0)
        return -1;
    if (has && cb_digest_eq(&found, &p->idx->digest)) {
        tell(p, CB_PUSH_EXISTING, name, p->idx->bytes.n);
        return 0;
    }
    if (put(p, m, identifier, p->idx->parsed.media_type, p->idx->bytes, err))
        return -1;
    tell(p, CB_PUSH_TAGGED, name, p->idx->bytes.n);
    return 0;
}

// ---- the plan -----------------------------------------------------------------------------------------------------

static const char *mount_source(struct push *p, const struct cb_remote *m)
{
    for (size_t i = 0; i < p->repositories.n; i++)
        if (strcmp(p->repositories.v[i].remote->registry, m->registry) == 0)
            return p->repositories.v[i].remote->repository;
    for (size_t i = 0; i < p->options->nmount_from; i++) {
        const struct cb_reference *from = &p->options->mount_from[i];
        if (cb_str_is(from->registry, m->registry) && !cb_str_is(from->repository, m->repository))
            return cb_arena_cstr(&p->arena, from->repository);
    }
    return NULL;
}

static size_t find_repository(struct push *p, const struct cb_reference *ref)
{
    struct cb_remote *m = cb_remote_get(p->r, ref, true);
    for (size_t i = 0; i < p->repositories.n; i++)
        if (p->repositories.v[i].remote == m)
            return i;
    const char *from = mount_source(p, m);
    if (from)
        cb_remote_add_pull_scope(m, from);
    bool *has = cb_arena_alloc(&p->arena, (p->idx->nimages + 1) * sizeof *has);
    *cb_vec_add(&p->repositories) = (struct repository){.remote = m, .mount_from = from, .has_image = has};
    return p->repositories.n - 1;
}

static int plan_repositories(struct push *p, struct cb_error *err)
{
    p->repository_of = cb_arena_alloc(&p->arena, (p->nrefs + 1) * sizeof *p->repository_of);
    for (size_t i = 0; i < p->nrefs; i++) {
        if (p->refs[i].digest.n && !cb_str_eq(p->refs[i].digest, cb_digest_str(&p->idx->digest)))
            return cb_fail(err, CB_E_USAGE, "%.*s names another digest than the image has, %s",
                           CB_STR_ARG(p->refs[i].original), p->idx->digest.text);
        p->repository_of[i] = find_repository(p, &p->refs[i]);
    }
    return 0;
}

static void add_blob(struct push *p, struct blob b)
{
    for (size_t i = 0; i < p->blobs.n; i++)
        if (cb_digest_eq(&p->blobs.v[i].digest, &b.digest))
            return;
    *cb_vec_add(&p->blobs) = b;
}

// Layers that must not be passed on stay where their maker offers them.
static bool is_distributable(struct cb_str media_type)
{
    return !cb_str_has(media_type, CB_STR(".nondistributable.")) && !cb_str_has(media_type, CB_STR(".foreign."));
}

static void collect_blobs(struct push *p)
{
    for (size_t i = 0; i < p->idx->nimages; i++) {
        const struct cb_image *img = p->idx->images[i];
        for (size_t k = 0; k < img->nlayers; k++)
            if (is_distributable(img->layers[k].descriptor.media_type))
                add_blob(p, (struct blob){.digest = img->layers[k].descriptor.digest, .layer = &img->layers[k]});
        add_blob(p, (struct blob){.digest = img->config_digest, .bytes = img->config});
    }
}

static bool needed(const struct push *p, const struct repository *to, const struct cb_digest *d)
{
    for (size_t i = 0; i < p->idx->nimages; i++) {
        const struct cb_image *img = p->idx->images[i];
        if (to->has_image[i])
            continue;
        if (cb_digest_eq(&img->config_digest, d))
            return true;
        for (size_t k = 0; k < img->nlayers; k++)
            if (cb_digest_eq(&img->layers[k].descriptor.digest, d))
                return true;
    }
    return false;
}

// Whether a repository takes blobs over from another one of this push, which then must be filled before.
static bool waits(const struct push *p, const struct repository *to)
{
    for (const struct repository *r = p->repositories.v; r < to; r++)
        if (strcmp(r->remote->registry, to->remote->registry) == 0)
            return true;
    return false;
}

static int upload_all(struct push *p, bool waiting, struct cb_error *err)
{
    p->jobs.n = 0;
    for (size_t b = 0; b < p->blobs.n; b++)
        for (size_t i = 0; i < p->repositories.n; i++) {
            struct repository *to = &p->repositories.v[i];
            if (waits(p, to) == waiting && needed(p, to, &p->blobs.v[b].digest))
                *cb_vec_add(&p->jobs) = (struct blob_job){to, &p->blobs.v[b]};
        }
    return run_step(p, upload, p->jobs.n, err);
}

static unsigned width(const struct push *p)
{
    unsigned registries = 0, jobs = p->options->jobs ? p->options->jobs : CB_REGISTRY_JOBS;
    for (size_t i = 0; i < p->repositories.n; i++)
        registries += !waits(p, &p->repositories.v[i]);
    jobs *= registries ? registries : 1;
    return jobs < JOBS_MAX ? jobs : JOBS_MAX;
}

static int run(struct push *p, struct cb_error *err)
{
    size_t images = p->repositories.n * p->idx->nimages;
    if (run_step(p, open_repository, p->repositories.n, err) || run_step(p, look_for_image, images, err) ||
        upload_all(p, false, err) || upload_all(p, true, err) || run_step(p, put_image, images, err))
        return -1;
    // With one reference the tag is the index's only name anyway; with several, none is set before the index is
    // accepted everywhere.
    if (p->nrefs > 1 && run_step(p, put_index, p->repositories.n, err))
        return -1;
    return run_step(p, put_tag, p->nrefs, err);
}

int cb_registry_push(struct cb_registry *r, const struct cb_index_image *idx, const struct cb_reference *refs, size_t n,
                     const struct cb_push_options *options, struct cb_error *err)
{
    static const struct cb_push_options none;
    struct push p = {.r = r, .idx = idx, .refs = refs, .nrefs = n, .options = options ? options : &none};
    p.first = (struct cb_error)CB_ERROR_INIT;
    pthread_mutex_init(&p.lock, NULL);
    int rc = plan_repositories(&p, err);
    if (rc == 0) {
        collect_blobs(&p);
        p.at_once = width(&p);
        p.pool = cb_pool_new(p.at_once);
        rc = run(&p, err);
        cb_pool_free(p.pool);
    }
    cb_error_clear(&p.first);
    pthread_mutex_destroy(&p.lock);
    cb_vec_release(&p.repositories);
    cb_vec_release(&p.blobs);
    cb_vec_release(&p.jobs);
    cb_arena_release(&p.arena);
    return rc;
}
