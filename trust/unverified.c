#include "cbuild/trust/unverified.h"

#include "cbuild/text/json_read.h"
#include "cbuild/trust/statement.h"

#define MEDIA_BUNDLE "application/vnd.dev.sigstore.bundle"
#define MEDIA_ENVELOPE "application/vnd.dsse.envelope.v1+json"
#define MANIFESTS_MAX 256u // attached ones that are looked into

// One manifest that is attached; 1 where it has what was looked for, 0, -1.
typedef int look_fn(void *ctx, struct cb_image_source *s, struct cb_arena *a, const struct cb_manifest *m,
                    struct cb_error *err);

static int look_into(struct cb_image_source *s, struct cb_arena *a, const struct cb_descriptor *d, struct cb_str bytes,
                     look_fn *look, void *ctx, struct cb_error *err)
{
    struct cb_manifest m;
    if (!cb_media_type_is_image(d->media_type))
        return 0;
    if (cb_manifest_parse(a, bytes, d->media_type, &m, err))
        return -1;
    return look(ctx, s, a, &m, err);
}

static int look_around(struct cb_image_source *s, const struct cb_digest *subject, const char *suffix,
                       struct cb_arena *a, look_fn *look, void *ctx, struct cb_error *err)
{
    struct cb_index_manifest list;
    struct cb_descriptor d;
    struct cb_str bytes;
    int found = cb_image_source_referrers(s, subject, a, &list, err);
    for (size_t i = 0; found == 0 && i < list.nmanifests && i < MANIFESTS_MAX; i++)
        found = cb_image_source_document(s, &list.manifests[i], a, &bytes, err)
                    ? -1
                    : look_into(s, a, &list.manifests[i], bytes, look, ctx, err);
    if (found)
        return found;
    struct cb_str tag = cb_arena_format(a, "sha256-%s%s", cb_digest_hex(subject), suffix);
    found = cb_image_source_tagged(s, tag, a, &d, &bytes, err);
    return found == 1 ? look_into(s, a, &d, bytes, look, ctx, err) : found;
}

// ---- attestations -------------------------------------------------------------------------------------------------

struct wanted {
    const struct cb_digest *subject;
    const char *type;
    struct cb_str predicate;
};

static int read_envelope(struct cb_arena *a, struct cb_str bytes, bool is_bundle, struct cb_envelope *out,
                         struct cb_error *err)
{
    struct json_t *object, *envelope;
    if (!is_bundle)
        return cb_envelope_parse(a, bytes, "envelope", out, err);
    CB_JSON_AUTO *root = cb_json_read(bytes, "bundle", CB_UNVERIFIED_MAX, err);
    if (!root || cb_json_as_object(root, "bundle", &object, err) ||
        cb_json_need_object(object, "dsseEnvelope", &envelope, err))
        return -1;
    return cb_envelope_read(a, envelope, out, err);
}

static bool is_wanted(struct cb_arena *a, struct wanted *w, struct cb_str bytes, bool is_bundle)
{
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;
    struct cb_envelope e;
    struct cb_statement st;
    if (read_envelope(a, bytes, is_bundle, &e, &ignored) || cb_statement_parse(a, &e, &st, &ignored) ||
        !cb_str_is(st.predicate_type, w->type) ||
        cb_statement_has_subject(&st, cb_str(cb_digest_hex(w->subject)), &ignored))
        return false;
    w->predicate = st.predicate;
    return true;
}

static int look_for_predicate(void *ctx, struct cb_image_source *s, struct cb_arena *a, const struct cb_manifest *m,
                              struct cb_error *err)
{
    struct wanted *w = ctx;
    for (size_t i = 0; i < m->nlayers; i++) {
        CB_BUF_AUTO bytes = {0};
        bool is_bundle = cb_str_starts(m->layers[i].media_type, MEDIA_BUNDLE);
        if (!is_bundle && !cb_str_is(m->layers[i].media_type, MEDIA_ENVELOPE))
            continue;
        if (cb_image_source_read_blob(s, &m->layers[i], CB_UNVERIFIED_MAX, &bytes, err))
            return -1;
        if (is_wanted(a, w, cb_arena_str(a, cb_buf_str(&bytes)), is_bundle))
            return 1;
    }
    return 0;
}

int cb_unverified_predicate(struct cb_image_source *s, const struct cb_digest *subject, const char *predicate_type,
                            struct cb_arena *a, struct cb_str *predicate, struct cb_error *err)
{
    struct wanted w = {subject, predicate_type, {NULL, 0}};
    int found = look_around(s, subject, ".att", a, look_for_predicate, &w, err);
    *predicate = w.predicate;
    return found;
}

// ---- documents ----------------------------------------------------------------------------------------------------

struct document {
    const char *const *media_types;
    size_t n;
    struct cb_buf *out;
};

static int look_for_document(void *ctx, struct cb_image_source *s, struct cb_arena *a, const struct cb_manifest *m,
                             struct cb_error *err)
{
    const struct document *w = ctx;
    (void)a;
    for (size_t i = 0; i < m->nlayers; i++)
        for (size_t k = 0; k < w->n; k++)
            if (cb_str_is(m->layers[i].media_type, w->media_types[k]))
                return cb_image_source_read_blob(s, &m->layers[i], CB_UNVERIFIED_MAX, w->out, err) ? -1 : 1;
    return 0;
}

int cb_unverified_document(struct cb_image_source *s, const struct cb_digest *subject, const char *const *media_types,
                           size_t n, struct cb_buf *out, struct cb_error *err)
{
    CB_ARENA_AUTO a = {0};
    struct document w = {media_types, n, out};
    return look_around(s, subject, ".sbom", &a, look_for_document, &w, err);
}
