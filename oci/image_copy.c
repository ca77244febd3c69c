#include "cbuild/oci/image_copy.h"

#include <pthread.h>

#include "cbuild/base/file.h"
#include "cbuild/base/map.h"
#include "cbuild/base/vec.h"
#include "copy_target.h"

#define BLOBS_AT_ONCE 4u

struct copying {
    struct cb_image_source *from;
    struct copy_target *to;
    const struct cb_image_copy_options *options;
    struct cb_image_copied *out;
    struct cb_arena arena;
    struct cb_map manifests; // that were copied, by digest
    struct cb_map blobs;     // that were copied, by digest
    pthread_mutex_t lock;    // of the counts
};

// ---- blobs --------------------------------------------------------------------------------------------------------

// The blob at the beginning of a file of its own.
static int open_whole(struct copying *c, const struct cb_descriptor *d, struct cb_blob_file *f, struct cb_error *err)
{
    if (cb_image_source_open_blob(c->from, d, f, err))
        return -1;
    if (f->at == 0 && !c->from->archive)
        return 0;
    struct cb_range_source in = cb_range_source(f->fd, c->from->name, f->at, f->size);
    struct cb_digest_source checked = cb_digest_source(&in.source, &d->digest, d->size, c->from->name);
    CB_FD_AUTO copy = cb_temp_fd(NULL, err);
    struct cb_fd_sink out = cb_fd_sink(copy, "a temporary file");
    int rc = copy < 0 ? -1 : cb_copy(&out.sink, &checked.source, NULL, err);
    cb_digest_source_release(&checked);
    cb_close_p(&f->fd);
    if (rc)
        return -1;
    *f = (struct cb_blob_file){.fd = copy, .at = 0, .size = d->size, .verified = true};
    copy = -1;
    return 0;
}

struct blob_list {
    struct copying *copying;
    struct {
        const struct cb_descriptor **v;
        size_t n, cap;
    } blobs;
};

static int copy_blob(void *ctx, size_t i, struct cb_error *err)
{
    struct blob_list *l = ctx;
    struct copying *c = l->copying;
    const struct cb_descriptor *d = l->blobs.v[i];
    struct cb_blob_file f;
    int has = c->to->has_blob(c->to, d, err);
    if (has)
        return has < 0 ? cb_context(err, "blob %s", d->digest.text) : 0;
    if (open_whole(c, d, &f, err))
        return cb_context(err, "blob %s", d->digest.text);
    int rc = c->to->put_blob(c->to, d, f.fd, f.verified, err);
    cb_close_p(&f.fd);
    pthread_mutex_lock(&c->lock);
    c->out->bytes += d->size;
    pthread_mutex_unlock(&c->lock);
    return rc ? cb_context(err, "blob %s", d->digest.text) : 0;
}

static void add_blob(struct blob_list *l, const struct cb_descriptor *d)
{
    bool added;
    cb_map_put(&l->copying->blobs, cb_arena_str(&l->copying->arena, cb_digest_str(&d->digest)), l, &added);
    if (!added)
        return;
    *cb_vec_add(&l->blobs) = d;
    l->copying->out->blobs++;
}

static int copy_blobs(struct copying *c, const struct cb_manifest *m, struct cb_error *err)
{
    struct blob_list l = {.copying = c};
    int rc = 0;
    add_blob(&l, &m->config);
    for (size_t i = 0; i < m->nlayers; i++)
        add_blob(&l, &m->layers[i]);
    if (c->options->pool)
        rc = cb_parallel(c->options->pool, l.blobs.n, BLOBS_AT_ONCE, copy_blob, &l, err);
    for (size_t i = 0; !c->options->pool && rc == 0 && i < l.blobs.n; i++)
        rc = copy_blob(&l, i, err);
    cb_vec_release(&l.blobs);
    return rc;
}

// ---- manifests ----------------------------------------------------------------------------------------------------

static int copy_tree(struct copying *c, const struct cb_descriptor *d, struct cb_str bytes, struct cb_str name,
                     unsigned depth, struct cb_error *err);

static int copy_children(struct copying *c, const struct cb_descriptor *d, struct cb_str bytes, unsigned depth,
                         struct cb_error *err)
{
    struct cb_index_manifest m;
    if (cb_index_manifest_parse(&c->arena, bytes, d->media_type, &m, err))
        return -1;
    for (size_t i = 0; i < m.nmanifests; i++) {
        struct cb_str child;
        if (cb_map_find(&c->manifests, cb_digest_str(&m.manifests[i].digest)))
            continue;
        if (cb_image_source_document(c->from, &m.manifests[i], &c->arena, &child, err) ||
            copy_tree(c, &m.manifests[i], child, CB_STR(""), depth + 1, err))
            return cb_context(err, "manifest %s", m.manifests[i].digest.text);
    }
    return 0;
}

static int copy_tag(struct copying *c, const struct cb_digest *subject, const char *suffix, unsigned depth,
                    struct cb_error *err)
{
    struct cb_descriptor d;
    struct cb_str bytes, tag = cb_arena_format(&c->arena, "sha256-%s%s", cb_digest_hex(subject), suffix);
    int found = cb_image_source_tagged(c->from, tag, &c->arena, &d, &bytes, err);
    if (found <= 0)
        return found;
    c->out->attached++;
    return copy_tree(c, &d, bytes, tag, depth + 1, err) ? cb_context(err, "tag %.*s", CB_STR_ARG(tag)) : 0;
}

// What is kept beside a manifest. The fallback tag comes after the referrers it lists, as it is at the source.
static int copy_attached(struct copying *c, const struct cb_digest *subject, unsigned depth, struct cb_error *err)
{
    static const char *const suffixes[] = {".sig", ".att", ".sbom", ""};
    struct cb_index_manifest referrers;
    if (cb_image_source_referrers(c->from, subject, &c->arena, &referrers, err))
        return -1;
    for (size_t i = 0; i < referrers.nmanifests; i++) {
        const struct cb_descriptor *d = &referrers.manifests[i];
        struct cb_str bytes;
        if (cb_map_find(&c->manifests, cb_digest_str(&d->digest)))
            continue;
        c->out->attached++;
        if (cb_image_source_document(c->from, d, &c->arena, &bytes, err) ||
            copy_tree(c, d, bytes, CB_STR(""), depth + 1, err))
            return cb_context(err, "referrer %s", d->digest.text);
    }
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (copy_tag(c, subject, suffixes[i], depth, err))
            return -1;
    return 0;
}

// Parts first, then the manifest itself, then what is beside it. The same manifest under a second name is only named.
static int copy_tree(struct copying *c, const struct cb_descriptor *d, struct cb_str bytes, struct cb_str name,
                     unsigned depth, struct cb_error *err)
{
    bool added;
    struct cb_manifest m;
    struct cb_descriptor own = {.media_type = d->media_type, .size = bytes.n, .digest = d->digest};
    if (depth > 2 * CB_SOURCE_NESTING_MAX || c->manifests.n >= CB_COPY_MANIFESTS_MAX)
        return cb_fail(err, CB_E_LIMIT, "more than %u manifests, or nested too deep", CB_COPY_MANIFESTS_MAX);
    cb_map_put(&c->manifests, cb_arena_str(&c->arena, cb_digest_str(&d->digest)), c, &added);
    if (!added)
        return name.n ? c->to->put_manifest(c->to, &own, bytes, name, err) : 0;
    if (cb_media_type_is_index(d->media_type)) {
        if (copy_children(c, d, bytes, depth, err))
            return -1;
    } else if (cb_manifest_parse(&c->arena, bytes, d->media_type, &m, err) || copy_blobs(c, &m, err)) {
        return -1;
    }
    c->out->manifests++;
    if (c->to->put_manifest(c->to, &own, bytes, name, err))
        return -1;
    return c->options->bare ? 0 : copy_attached(c, &d->digest, depth, err);
}

// ---- the whole ----------------------------------------------------------------------------------------------------

static struct copy_target *open_target(struct cb_image_source *from, const char *to,
                                       const struct cb_image_access *access, struct cb_error *err)
{
    struct cb_image_name n = cb_image_target_parse(cb_str(to));
    if (n.place == CB_PLACE_REGISTRY)
        return copy_target_registry(from, n.where, access, err);
    if (n.place == CB_PLACE_LAYOUT)
        return copy_target_layout(from, n.where, n.select, err);
    cb_fail(err, CB_E_UNSUPPORTED, "%s: images are copied to registries and to layouts (oci:FOLDER)", to);
    return NULL;
}

static int choose_root(struct copying *c, struct cb_descriptor *root, struct cb_str *bytes, struct cb_error *err)
{
    const struct cb_source_image *img;
    *root = c->from->root;
    *bytes = c->from->root_bytes;
    if (c->options->arch.n) {
        if (cb_image_source_pick(c->from, c->options->arch, &img, err))
            return -1;
        *root = img->descriptor;
        *bytes = img->manifest;
    }
    if (bytes->n)
        return 0;
    cb_fail(err, CB_E_UNSUPPORTED, "%s holds no manifest, so that there is no digest to keep", c->from->name);
    return cb_hint(err, "an archive of an older \"docker save\" has the files of an image, but not its manifest");
}

static int copy(struct copying *c, struct cb_error *err)
{
    struct cb_descriptor root;
    struct cb_str bytes;
    if (choose_root(c, &root, &bytes, err) || copy_tree(c, &root, bytes, CB_STR(""), 0, err))
        return -1;
    root = (struct cb_descriptor){.media_type = root.media_type, .size = bytes.n, .digest = root.digest};
    if (c->to->name.n && c->to->put_manifest(c->to, &root, bytes, c->to->name, err))
        return -1;
    c->out->root = root;
    return c->to->finish(c->to, &root, err);
}

int cb_image_copy(struct cb_image_source *from, const char *to, const struct cb_image_access *access,
                  const struct cb_image_copy_options *options, struct cb_image_copied *out, struct cb_error *err)
{
    *out = (struct cb_image_copied){0};
    struct copying c = {.from = from, .options = options, .out = out};
    c.to = open_target(from, to, access, err);
    if (!c.to)
        return -1;
    pthread_mutex_init(&c.lock, NULL);
    int rc = copy(&c, err);
    c.to->close(c.to);
    pthread_mutex_destroy(&c.lock);
    cb_map_release(&c.manifests);
    cb_map_release(&c.blobs);
    cb_arena_release(&c.arena);
    return rc ? cb_context(err, "copying %s to %s", from->name, to) : 0;
}
