// Finding what is attached to an image.

#include "cbuild/trust/attestation.h"

#define MEDIA_BUNDLE "application/vnd.dev.sigstore.bundle"
#define MEDIA_ENVELOPE "application/vnd.dsse.envelope.v1+json"
#define MEDIA_PAYLOAD "application/vnd.dev.cosign.simplesigning.v1+json"
#define MEDIA_EMPTY "application/vnd.oci.empty.v1+json"

struct search {
    struct cb_registry *registry;
    struct cb_arena *arena;
    struct cb_reference repository;
    struct cb_attestations *out;
    size_t bytes;
};

static int read_layer(struct search *s, const struct cb_descriptor *d, struct cb_str place, struct cb_error *err)
{
    enum cb_attestation_form form = CB_FORM_BUNDLE;
    if (cb_str_is(d->media_type, MEDIA_ENVELOPE))
        form = CB_FORM_ENVELOPE;
    else if (cb_str_is(d->media_type, MEDIA_PAYLOAD))
        form = CB_FORM_PAYLOAD;
    else if (!cb_str_starts(d->media_type, MEDIA_BUNDLE))
        return 0;
    if (s->out->n >= CB_ATTESTATIONS_MAX)
        return cb_fail(err, CB_E_LIMIT, "more than %u attestations are attached to the image", CB_ATTESTATIONS_MAX);
    CB_BUF_AUTO bytes = {0};
    if (cb_registry_read_blob(s->registry, &s->repository, d, CB_ENVELOPE_MAX, &bytes, err))
        return cb_context(err, "attestation %s", d->digest.text);
    s->bytes += bytes.n;
    if (s->bytes > CB_ATTESTATIONS_BYTES_MAX)
        return cb_fail(err, CB_E_LIMIT, "the image's attestations have more than %u bytes", CB_ATTESTATIONS_BYTES_MAX);
    struct cb_attestation *v = cb_arena_alloc(s->arena, (s->out->n + 1) * sizeof *v);
    if (s->out->n)
        memcpy(v, s->out->v, s->out->n * sizeof *v);
    v[s->out->n++] = (struct cb_attestation){.place = place,
                                             .bytes = cb_arena_str(s->arena, cb_buf_str(&bytes)),
                                             .form = form,
                                             .annotations = d->annotations};
    s->out->v = v;
    return 0;
}

// A manifest's layers. One that says what it is about must be about the image: a registry's list of referrers is only
// the registry's word.
static int read_manifest(struct search *s, const struct cb_reference *ref, bool needs_subject, const char *how,
                         struct cb_error *err)
{
    struct cb_descriptor d;
    struct cb_str bytes;
    struct cb_manifest m;
    if (cb_registry_get_manifest(s->registry, s->arena, ref, &d, &bytes, err) ||
        cb_manifest_parse(s->arena, bytes, d.media_type, &m, err))
        return cb_context(err, "%s %.*s", how, CB_STR_ARG(cb_reference_identifier(ref)));
    if (m.subject ? !cb_digest_eq(&m.subject->digest, &s->out->image) : needs_subject)
        return 0;
    struct cb_str place = cb_arena_format(s->arena, "%s %.*s", how, CB_STR_ARG(cb_reference_identifier(ref)));
    for (size_t i = 0; i < m.nlayers; i++)
        if (read_layer(s, &m.layers[i], place, err))
            return -1;
    return 0;
}

static bool may_attest(const struct cb_descriptor *d)
{
    return cb_media_type_is_image(d->media_type) &&
           (d->artifact_type.n == 0 || cb_str_starts(d->artifact_type, MEDIA_BUNDLE) ||
            cb_str_starts(d->artifact_type, "application/vnd.dev.cosign.artifact.") ||
            cb_str_is(d->artifact_type, MEDIA_ENVELOPE) || cb_str_is(d->artifact_type, MEDIA_EMPTY) ||
            cb_str_is(d->artifact_type, CB_IN_TOTO_TYPE));
}

static int search_referrers(struct search *s, struct cb_error *err)
{
    struct cb_index_manifest index;
    struct cb_reference subject = cb_reference_with_digest(s->arena, &s->repository, cb_digest_str(&s->out->image));
    if (cb_registry_referrers(s->registry, s->arena, &subject, CB_STR(""), &index, err))
        return cb_context(err, "what refers to the image");
    for (size_t i = 0; i < index.nmanifests; i++) {
        if (!may_attest(&index.manifests[i]))
            continue;
        struct cb_reference ref =
            cb_reference_with_digest(s->arena, &s->repository, cb_digest_str(&index.manifests[i].digest));
        if (read_manifest(s, &ref, true, "referrer", err))
            return -1;
    }
    return 0;
}

static int search_tag(struct search *s, const char *suffix, struct cb_error *err)
{
    struct cb_str tag = cb_arena_format(s->arena, "sha256-%s.%s", cb_digest_hex(&s->out->image), suffix);
    struct cb_reference ref = cb_reference_with_tag(s->arena, &s->repository, tag);
    if (read_manifest(s, &ref, false, "tag", err) == 0)
        return 0;
    if (err->kind != CB_E_NOT_FOUND)
        return -1;
    cb_error_clear(err);
    return 0;
}

int cb_attestations_find(struct cb_registry *r, struct cb_arena *a, const struct cb_reference *image,
                         const struct cb_reference *repository, unsigned which, struct cb_attestations *out,
                         struct cb_error *err)
{
    struct cb_descriptor d;
    struct cb_str bytes;
    *out = (struct cb_attestations){0};
    if (cb_registry_get_manifest(r, a, image, &d, &bytes, err))
        return -1;
    out->image = d.digest;
    struct search s = {r, a, repository ? *repository : *image, out, 0};
    return search_referrers(&s, err) || ((which & CB_ATTACHED_ATTESTATIONS) && search_tag(&s, "att", err)) ||
                   ((which & CB_ATTACHED_SIGNATURES) && search_tag(&s, "sig", err))
               ? -1
               : 0;
}
