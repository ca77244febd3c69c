// What is kept beside an image.
#include "cbuild/oci/image_source.h"

#define SUBJECTS_MAX 1024u // manifests of a layout that are asked for their subject

bool cb_is_attached_name(struct cb_str name)
{
    return cb_str_starts(name, "sha256-") && name.n >= strlen("sha256-") + 64;
}

bool cb_is_artifact(const struct cb_descriptor *d)
{
    return d->artifact_type.n && !cb_str_is(d->artifact_type, CB_MEDIA_OCI_CONFIG) &&
           !cb_str_is(d->artifact_type, CB_MEDIA_DOCKER_CONFIG);
}

static int tagged_in_registry(struct cb_image_source *s, struct cb_str tag, struct cb_arena *a, struct cb_descriptor *d,
                              struct cb_str *bytes, struct cb_error *err)
{
    struct cb_reference ref = cb_reference_with_tag(a, &s->ref, tag);
    if (cb_registry_get_manifest(s->registry, a, &ref, d, bytes, err) == 0)
        return 1;
    if (err->kind != CB_E_NOT_FOUND)
        return cb_context(err, "tag %.*s", CB_STR_ARG(tag));
    cb_error_clear(err);
    return 0;
}

int cb_image_source_tagged(struct cb_image_source *s, struct cb_str tag, struct cb_arena *a, struct cb_descriptor *d,
                           struct cb_str *bytes, struct cb_error *err)
{
    if (s->place == CB_PLACE_REGISTRY)
        return tagged_in_registry(s, tag, a, d, bytes, err);
    for (size_t i = 0; i < s->top.nmanifests; i++) {
        struct cb_str name = cb_string_map_get(&s->top.manifests[i].annotations, CB_STR(CB_REF_NAME));
        if (!name.p || !cb_str_eq(name, tag))
            continue;
        *d = s->top.manifests[i];
        return cb_image_source_document(s, d, a, bytes, err) ? -1 : 1;
    }
    return 0;
}

// Whether a manifest of a layout names the digest as its subject; adds it to the list then.
static int add_referrer(struct cb_image_source *s, const struct cb_descriptor *d, const struct cb_digest *subject,
                        struct cb_arena *a, struct cb_index_manifest *out, struct cb_error *err)
{
    struct cb_str bytes;
    struct cb_manifest m;
    if (cb_image_source_document(s, d, a, &bytes, err) || cb_manifest_parse(a, bytes, d->media_type, &m, err))
        return -1;
    if (!m.subject || !cb_digest_eq(&m.subject->digest, subject))
        return 0;
    struct cb_descriptor *all = cb_arena_alloc(a, (out->nmanifests + 1) * sizeof *all);
    if (out->nmanifests)
        memcpy(all, out->manifests, out->nmanifests * sizeof *all);
    all[out->nmanifests++] = *d;
    out->manifests = all;
    return 0;
}

int cb_image_source_referrers(struct cb_image_source *s, const struct cb_digest *subject, struct cb_arena *a,
                              struct cb_index_manifest *out, struct cb_error *err)
{
    unsigned asked = 0;
    *out = (struct cb_index_manifest){.schema_version = 2, .media_type = CB_STR(CB_MEDIA_OCI_INDEX)};
    if (s->place == CB_PLACE_REGISTRY) {
        struct cb_reference ref = cb_reference_with_digest(a, &s->ref, cb_digest_str(subject));
        return cb_registry_referrers(s->registry, a, &ref, CB_STR(""), out, err);
    }
    for (size_t i = 0; i < s->top.nmanifests; i++) {
        const struct cb_descriptor *d = &s->top.manifests[i];
        if (!cb_media_type_is_image(d->media_type) || !cb_is_artifact(d))
            continue;
        if (asked++ >= SUBJECTS_MAX)
            return cb_fail(err, CB_E_LIMIT, "%s lists more than %u artifacts", s->name, SUBJECTS_MAX);
        if (add_referrer(s, d, subject, a, out, err))
            return -1;
    }
    return 0;
}
