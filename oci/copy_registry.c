#include <stdlib.h>

#include "copy_target.h"
#include "upload.h"

#define FALLBACK_TAG (sizeof "sha256-" - 1 + 64) // bytes of its name

struct registry_target {
    struct copy_target target;
    struct cb_arena arena;
    struct cb_registry *registry;
    struct cb_reference ref;
    const char *mount_from; // a repository of the same registry; NULL: none
};

static int has_blob(struct copy_target *target, const struct cb_descriptor *d, struct cb_error *err)
{
    struct registry_target *t = (struct registry_target *)target;
    return cb_registry_has_blob(t->registry, &t->ref, d, t->mount_from, err);
}

static int discard(struct cb_sink *sink, const void *p, size_t n, struct cb_error *err)
{
    (void)sink;
    (void)p;
    (void)n;
    (void)err;
    return 0;
}

// What is damaged here is told here, not by the registry after everything was sent.
static int verify(const struct cb_descriptor *d, int fd, struct cb_error *err)
{
    struct cb_range_source in = cb_range_source(fd, d->digest.text, 0, d->size);
    struct cb_digest_source checked = cb_digest_source(&in.source, &d->digest, d->size, d->digest.text);
    struct cb_sink nowhere = {discard};
    int rc = cb_copy(&nowhere, &checked.source, NULL, err);
    cb_digest_source_release(&checked);
    return rc;
}

static int put_blob(struct copy_target *target, const struct cb_descriptor *d, int fd, bool verified,
                    struct cb_error *err)
{
    struct registry_target *t = (struct registry_target *)target;
    const struct cb_layer_blob blob = {.descriptor = *d, .has_fd = true, .fd = fd};
    if (!verified && verify(d, fd, err))
        return -1;
    return cb_registry_put_blob(t->registry, &t->ref, &blob, NULL, err);
}

static bool lists(const struct cb_index_manifest *m, const struct cb_digest *d)
{
    for (size_t i = 0; i < m->nmanifests; i++)
        if (cb_digest_eq(&m->manifests[i].digest, d))
            return true;
    return false;
}

// Whether the list of referrers that is there under the fallback tag has more than the one that would take its place:
// 1 or 0, or -1.
static int has_more(struct registry_target *t, const struct cb_reference *ref, const struct cb_descriptor *d,
                    struct cb_str bytes, struct cb_error *err)
{
    CB_ARENA_AUTO a = {0};
    struct cb_descriptor there;
    struct cb_index_manifest old, new;
    struct cb_str text;
    if (cb_registry_get_manifest(t->registry, &a, ref, &there, &text, err)) {
        if (err->kind != CB_E_NOT_FOUND)
            return -1;
        cb_error_clear(err);
        return 0;
    }
    if (!cb_media_type_is_index(there.media_type))
        return 0;
    if (cb_index_manifest_parse(&a, text, there.media_type, &old, err) ||
        cb_index_manifest_parse(&a, bytes, d->media_type, &new, err))
        return -1;
    for (size_t i = 0; i < old.nmanifests; i++)
        if (!lists(&new, &old.manifests[i].digest))
            return 1;
    return 0;
}

static int put_manifest(struct copy_target *target, const struct cb_descriptor *d, struct cb_str bytes,
                        struct cb_str name, struct cb_error *err)
{
    struct registry_target *t = (struct registry_target *)target;
    CB_ARENA_AUTO a = {0};
    struct cb_reference ref = name.n ? cb_reference_with_tag(&a, &t->ref, name)
                                     : cb_reference_with_digest(&a, &t->ref, cb_digest_str(&d->digest));
    if (name.n == FALLBACK_TAG && cb_is_attached_name(name) && cb_media_type_is_index(d->media_type)) {
        int more = has_more(t, &ref, d, bytes, err); // those that were copied were added to it one by one
        if (more)
            return more < 0 ? -1 : 0;
    }
    return cb_registry_put_manifest(t->registry, &ref, d->media_type, bytes, err);
}

static int finish(struct copy_target *target, const struct cb_descriptor *root, struct cb_error *err)
{
    (void)target;
    (void)root;
    (void)err;
    return 0;
}

static void close_target(struct copy_target *target)
{
    struct registry_target *t = (struct registry_target *)target;
    cb_arena_release(&t->arena);
    free(t);
}

static int open_target(struct registry_target *t, const struct cb_image_source *from, struct cb_str where,
                       const struct cb_image_access *access, struct cb_error *err)
{
    if (!access || !access->registry)
        return cb_fail(err, CB_E_UNSUPPORTED, "registries are not reached from here");
    if (cb_reference_parse(&t->arena, where, &t->ref, err))
        return -1;
    if (t->ref.digest.n && !cb_str_eq(t->ref.digest, cb_digest_str(&from->root.digest)))
        return cb_fail(err, CB_E_USAGE, "%.*s is to become %.*s, but %s is %s", CB_STR_ARG(where),
                       CB_STR_ARG(t->ref.digest), from->name, from->root.digest.text);
    t->registry = access->registry;
    t->target.name = t->ref.tag;
    if (from->place == CB_PLACE_REGISTRY && cb_str_eq(from->ref.registry, t->ref.registry) &&
        !cb_str_eq(from->ref.repository, t->ref.repository))
        t->mount_from = cb_arena_cstr(&t->arena, from->ref.repository);
    return 0;
}

struct copy_target *copy_target_registry(const struct cb_image_source *from, struct cb_str where,
                                         const struct cb_image_access *access, struct cb_error *err)
{
    struct registry_target *t = cb_zalloc(sizeof *t);
    t->target = (struct copy_target){.has_blob = has_blob,
                                     .put_blob = put_blob,
                                     .put_manifest = put_manifest,
                                     .finish = finish,
                                     .close = close_target};
    if (open_target(t, from, where, access, err) == 0)
        return &t->target;
    close_target(&t->target);
    return NULL;
}
