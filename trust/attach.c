#include "cbuild/trust/attach.h"

#include "cbuild/text/gojson.h"
#include "cbuild/text/json_read.h"

#define MEDIA_BUNDLE "application/vnd.dev.sigstore.bundle.v0.3+json"
#define MEDIA_EMPTY "application/vnd.oci.empty.v1+json"
#define MEDIA_ENVELOPE "application/vnd.dsse.envelope.v1+json"
#define MEDIA_PAYLOAD "application/vnd.dev.cosign.simplesigning.v1+json"

int cb_attach_subject(struct cb_registry *r, struct cb_arena *a, const struct cb_reference *image,
                      struct cb_attach_subject *out, struct cb_error *err)
{
    struct cb_str bytes;
    if (cb_registry_get_manifest(r, a, image, &out->descriptor, &bytes, err))
        return -1;
    struct cb_str digest = cb_arena_str(a, cb_digest_str(&out->descriptor.digest));
    out->ref = cb_reference_with_digest(a, image, digest);
    return 0;
}

static struct cb_reference place_of(const struct cb_attach_subject *s, const struct cb_attach_options *o)
{
    return o->repository ? *o->repository : s->ref;
}

// ---- documents -----------------------------------------------------------------------------------------------------

static void write_statement(struct cb_arena *a, const struct cb_attach_subject *s, struct cb_str type,
                            struct cb_str predicate, struct cb_buf *out)
{
    struct cb_json j = cb_json(out, NULL, NULL);
    cb_json_object(&j);
    cb_json_key(&j, "_type");
    cb_json_cstr(&j, "https://in-toto.io/Statement/v0.1");
    cb_json_key(&j, "predicateType");
    cb_json_str(&j, type);
    cb_json_key(&j, "subject");
    cb_json_array(&j);
    cb_json_object(&j);
    cb_json_key(&j, "name");
    cb_json_str(&j, cb_reference_repository(a, &s->ref));
    cb_json_key(&j, "digest");
    cb_json_object(&j);
    cb_json_key(&j, "sha256");
    cb_json_cstr(&j, cb_digest_hex(&s->descriptor.digest));
    cb_json_end(&j);
    cb_json_end(&j);
    cb_json_end(&j);
    cb_json_key(&j, "predicate");
    cb_json_raw(&j, predicate);
    cb_json_end(&j);
}

static int sign_envelope(struct cb_arena *a, const struct cb_signing_key *key, struct cb_str statement,
                         struct cb_envelope *out, struct cb_error *err)
{
    CB_BUF_AUTO pae = {0};
    CB_BUF_AUTO sig = {0};
    *out = (struct cb_envelope){.payload_type = CB_STR(CB_IN_TOTO_TYPE), .payload = statement, .nsignatures = 1};
    cb_envelope_pae(out, &pae);
    if (cb_signing_key_sign(key, cb_buf_str(&pae), &sig, err))
        return -1;
    out->signatures = cb_arena_alloc(a, sizeof *out->signatures);
    out->signatures[0] = cb_arena_str(a, cb_buf_str(&sig));
    return 0;
}

// A hint at the key is the digest of it, as cosign has it.
static void write_bundle(const struct cb_signing_key *key, const struct cb_envelope *e, struct cb_buf *out)
{
    CB_BUF_AUTO hint = {0};
    CB_BUF_AUTO envelope = {0};
    uint8_t sum[CB_SHA256_SIZE];
    struct cb_str spki = cb_verifier_spki(cb_signing_key_public(key));
    struct cb_json j = cb_json(out, NULL, NULL);
    cb_hash_once(CB_SHA256, spki.p, spki.n, sum);
    cb_base64_add(&hint, sum, sizeof sum);
    cb_envelope_write(e, &envelope);
    cb_json_object(&j);
    cb_json_key(&j, "mediaType");
    cb_json_cstr(&j, MEDIA_BUNDLE);
    cb_json_key(&j, "verificationMaterial");
    cb_json_object(&j);
    cb_json_key(&j, "publicKey");
    cb_json_object(&j);
    cb_json_key(&j, "hint");
    cb_json_str(&j, cb_buf_str(&hint));
    cb_json_end(&j);
    cb_json_end(&j);
    cb_json_key(&j, "dsseEnvelope");
    cb_json_raw(&j, cb_buf_str(&envelope));
    cb_json_end(&j);
}

// ---- as a referrer -------------------------------------------------------------------------------------------------

static struct cb_descriptor describe(const char *media_type, struct cb_str bytes)
{
    return (struct cb_descriptor){.media_type = cb_str(media_type), .size = bytes.n, .digest = cb_digest_of(bytes)};
}

static int attach_bundle(struct cb_registry *r, struct cb_arena *a, const struct cb_attach_subject *s,
                         struct cb_str predicate_type, struct cb_str bundle, const struct cb_attach_options *o,
                         struct cb_error *err)
{
    CB_BUF_AUTO text = {0};
    const struct cb_str empty = CB_STR("{}");
    struct cb_reference at = place_of(s, o);
    struct cb_descriptor layer = describe(MEDIA_BUNDLE, bundle), subject = {.media_type = s->descriptor.media_type,
                                                                            .size = s->descriptor.size,
                                                                            .digest = s->descriptor.digest};
    struct cb_manifest m = {.schema_version = 2,
                            .media_type = CB_STR(CB_MEDIA_OCI_MANIFEST),
                            .artifact_type = CB_STR(MEDIA_BUNDLE),
                            .config = describe(MEDIA_EMPTY, empty),
                            .layers = &layer,
                            .nlayers = 1,
                            .subject = &subject};
    cb_string_map_set(a, &m.annotations, CB_STR("dev.sigstore.bundle.content"), CB_STR("dsse-envelope"));
    cb_string_map_set(a, &m.annotations, CB_STR("dev.sigstore.bundle.predicateType"), predicate_type);
    cb_string_map_set(a, &m.annotations, CB_STR("org.opencontainers.image.created"),
                      cb_created_format(a, (struct cb_created){o->created, 0, 0}));
    cb_manifest_write(&text, &m);
    struct cb_digest digest = cb_digest_of(cb_buf_str(&text));
    struct cb_reference ref = cb_reference_with_digest(a, &at, cb_digest_str(&digest));
    return cb_registry_put_blob(r, &at, NULL, &empty, err) || cb_registry_put_blob(r, &at, NULL, &bundle, err) ||
                   cb_registry_put_manifest(r, &ref, m.media_type, cb_buf_str(&text), err)
               ? cb_context(err, "attaching to %s", s->descriptor.digest.text)
               : 0;
}

// ---- under a tag ---------------------------------------------------------------------------------------------------

// What stands under the tag so far; nothing where it does not exist.
static int get_tagged(struct cb_registry *r, struct cb_arena *a, const struct cb_reference *ref,
                      struct cb_manifest *out, struct cb_error *err)
{
    struct cb_descriptor d;
    struct cb_str bytes;
    *out = (struct cb_manifest){.schema_version = 2, .media_type = CB_STR(CB_MEDIA_OCI_MANIFEST)};
    if (cb_registry_get_manifest(r, a, ref, &d, &bytes, err)) {
        if (err->kind != CB_E_NOT_FOUND)
            return -1;
        cb_error_clear(err);
        return 0;
    }
    return cb_manifest_parse(a, bytes, d.media_type, out, err);
}

// An image's configuration with nothing in it but the layers' digests, which are not compressed.
static int write_config(struct cb_arena *a, const struct cb_manifest *m, struct cb_buf *out, struct cb_error *err)
{
    struct cb_image_file f = {.created = CB_CREATED_ZERO, .rootfs_type = CB_STR("layers"), .ndiff_ids = m->nlayers};
    f.diff_ids = cb_arena_alloc(a, m->nlayers * sizeof *f.diff_ids);
    for (size_t i = 0; i < m->nlayers; i++)
        f.diff_ids[i] = m->layers[i].digest;
    return cb_image_file_write(out, &f, err);
}

// A payload may stand there several times, with a signature each.
static bool add_layer(struct cb_arena *a, struct cb_manifest *m, const struct cb_descriptor *layer)
{
    const struct cb_str key = CB_STR("dev.cosignproject.cosign/signature");
    struct cb_str mine = cb_string_map_get(&layer->annotations, key);
    struct cb_descriptor *all = cb_arena_alloc(a, (m->nlayers + 1) * sizeof *all);
    for (size_t i = 0; i < m->nlayers; i++) {
        all[i] = m->layers[i];
        if (cb_digest_eq(&all[i].digest, &layer->digest) &&
            cb_str_eq(cb_string_map_get(&all[i].annotations, key), mine))
            return false; // there already
    }
    all[m->nlayers++] = *layer;
    m->layers = all;
    return true;
}

static int add_to_tag(struct cb_registry *r, struct cb_arena *a, const struct cb_attach_subject *s, const char *suffix,
                      const struct cb_descriptor *layer, struct cb_str bytes, const struct cb_attach_options *o,
                      struct cb_error *err)
{
    CB_BUF_AUTO config = {0};
    CB_BUF_AUTO text = {0};
    struct cb_manifest m;
    struct cb_reference at = place_of(s, o);
    struct cb_str tag = cb_arena_format(a, "sha256-%s.%s", cb_digest_hex(&s->descriptor.digest), suffix);
    struct cb_reference ref = cb_reference_with_tag(a, &at, tag);
    if (get_tagged(r, a, &ref, &m, err))
        return cb_context(err, "tag %.*s", CB_STR_ARG(tag));
    if (!add_layer(a, &m, layer))
        return 0;
    if (write_config(a, &m, &config, err))
        return -1;
    struct cb_str config_bytes = cb_buf_str(&config);
    m.config = describe(CB_MEDIA_OCI_CONFIG, config_bytes);
    cb_manifest_write(&text, &m);
    return cb_registry_put_blob(r, &at, NULL, &bytes, err) || cb_registry_put_blob(r, &at, NULL, &config_bytes, err) ||
                   cb_registry_put_manifest(r, &ref, m.media_type, cb_buf_str(&text), err)
               ? cb_context(err, "tag %.*s", CB_STR_ARG(tag))
               : 0;
}

// ---- attestations and signatures -----------------------------------------------------------------------------------

// 0 and the JSON without white space around it. CB_E_INPUT where it is none.
static int check_predicate(struct cb_str predicate, struct cb_error *err)
{
    CB_JSON_AUTO *json = cb_json_read(predicate, "predicate", CB_ENVELOPE_MAX / 2, err);
    return json ? 0 : -1;
}

static int attest(struct cb_registry *r, struct cb_arena *a, const struct cb_attach_subject *s, struct cb_str type,
                  struct cb_str predicate, const struct cb_attach_options *o, struct cb_envelope *e,
                  struct cb_error *err)
{
    CB_BUF_AUTO statement = {0};
    CB_BUF_AUTO bundle = {0};
    write_statement(a, s, type, predicate, &statement);
    if (sign_envelope(a, o->key, cb_arena_str(a, cb_buf_str(&statement)), e, err))
        return -1;
    write_bundle(o->key, e, &bundle);
    return attach_bundle(r, a, s, type, cb_buf_str(&bundle), o, err);
}

int cb_attest(struct cb_registry *r, const struct cb_attach_subject *subject, struct cb_str predicate_type,
              struct cb_str predicate, const struct cb_attach_options *o, struct cb_error *err)
{
    CB_ARENA_AUTO a = {0};
    CB_BUF_AUTO text = {0};
    struct cb_envelope e;
    predicate = cb_str_trim(predicate);
    if (check_predicate(predicate, err) || attest(r, &a, subject, predicate_type, predicate, o, &e, err))
        return -1;
    if (!o->tag)
        return 0;
    cb_envelope_write(&e, &text);
    struct cb_descriptor layer = describe(MEDIA_ENVELOPE, cb_buf_str(&text));
    cb_string_map_set(&a, &layer.annotations, CB_STR("dev.cosignproject.cosign/signature"), CB_STR(""));
    cb_string_map_set(&a, &layer.annotations, CB_STR("predicateType"), predicate_type);
    return add_to_tag(r, &a, subject, "att", &layer, cb_buf_str(&text), o, err);
}

static void write_payload(struct cb_arena *a, const struct cb_attach_subject *s,
                          const struct cb_string_map *annotations, struct cb_buf *out)
{
    CB_BUF_AUTO name = {0};
    CB_BUF_AUTO optional = {0};
    struct cb_json j = cb_json(&name, NULL, NULL);
    cb_json_str(&j, cb_reference_repository(a, &s->ref));
    j = cb_json(&optional, NULL, NULL);
    if (!annotations || !annotations->n) {
        cb_json_null(&j);
    } else {
        cb_json_object(&j);
        for (size_t i = 0; i < annotations->n; i++) {
            cb_json_keystr(&j, annotations->v[i].key);
            cb_json_str(&j, annotations->v[i].value);
        }
        cb_json_end(&j);
    }
    cb_buf_addf(out,
                "{\"critical\":{\"identity\":{\"docker-reference\":%s},\"image\":{\"docker-manifest-digest\":\"%s\"},"
                "\"type\":\"cosign container image signature\"},\"optional\":%s}",
                name.p, s->descriptor.digest.text, optional.p);
}

static int tag_signature(struct cb_registry *r, struct cb_arena *a, const struct cb_attach_subject *s,
                         const struct cb_string_map *annotations, const struct cb_attach_options *o,
                         struct cb_error *err)
{
    CB_BUF_AUTO payload = {0};
    CB_BUF_AUTO sig = {0};
    CB_BUF_AUTO text = {0};
    write_payload(a, s, annotations, &payload);
    if (cb_signing_key_sign(o->key, cb_buf_str(&payload), &sig, err))
        return -1;
    cb_base64_add(&text, sig.p, sig.n);
    struct cb_descriptor layer = describe(MEDIA_PAYLOAD, cb_buf_str(&payload));
    cb_string_map_set(a, &layer.annotations, CB_STR("dev.cosignproject.cosign/signature"),
                      cb_arena_str(a, cb_buf_str(&text)));
    return add_to_tag(r, a, s, "sig", &layer, cb_buf_str(&payload), o, err);
}

int cb_sign(struct cb_registry *r, const struct cb_attach_subject *subject, const struct cb_string_map *annotations,
            const struct cb_attach_options *o, struct cb_error *err)
{
    CB_ARENA_AUTO a = {0};
    struct cb_envelope e;
    if (attest(r, &a, subject, CB_STR(CB_SIGNATURE_PREDICATE), CB_STR("{}"), o, &e, err))
        return -1;
    return o->tag ? tag_signature(r, &a, subject, annotations, o, err) : 0;
}
