#include "cbuild/trust/attestation.h"

#include "cbuild/text/json_read.h"

#define PAYLOAD_MAX (1u << 20) // bytes of a signature's payload

static int open_bundle(struct cb_arena *a, const struct cb_attestation *at, const struct cb_attestation_policy *p,
                       struct cb_bundle *out, struct cb_error *err)
{
    if (at->form == CB_FORM_BUNDLE
            ? cb_bundle_parse(a, at->bytes, "bundle", out, err)
            : cb_bundle_from_annotations(a, at->bytes, at->form == CB_FORM_ENVELOPE, &at->annotations, out, err))
        return -1;
    if (!p->certificate.n)
        return 0;
    if (out->certificate.n && !cb_str_eq(out->certificate, p->certificate))
        return cb_fail(err, CB_E_TRUST, "it is signed by another certificate than the one you gave");
    out->certificate = p->certificate;
    return 0;
}

// What it says of itself, for the report; nothing of it is trusted yet.
static void describe(struct cb_arena *a, struct cb_attestation *at, const struct cb_bundle *b, struct cb_statement *s)
{
    CB_ERROR_AUTO unreadable = CB_ERROR_INIT;
    *s = (struct cb_statement){0};
    if (b->is_envelope && cb_statement_parse(a, &b->envelope, s, &unreadable) == 0)
        at->predicate_type = s->predicate_type;
}

static int read_payload(struct cb_str payload, struct json_t **json, struct json_t **root, struct cb_digest *image,
                        struct cb_error *err)
{
    struct json_t *critical, *named;
    struct cb_str digest, type;
    *json = cb_json_read(payload, "signed payload", PAYLOAD_MAX, err);
    if (!*json || cb_json_as_object(*json, "signed payload", root, err) ||
        cb_json_need_object(*root, "critical", &critical, err) || cb_json_need_str(critical, "type", &type, err) ||
        cb_json_need_object(critical, "image", &named, err) ||
        cb_json_need_str(named, "docker-manifest-digest", &digest, err))
        return -1;
    if (!cb_str_is(type, "cosign container image signature"))
        return cb_fail(err, CB_E_INPUT, "the signed payload is of type \"%.*s\"", CB_STR_ARG(type));
    return cb_digest_parse(image, digest, err);
}

// Once its signature is verified: is the payload about this image, and has it the annotations asked for?
static int check_payload(const struct cb_attestation *at, const struct cb_digest *image,
                         const struct cb_attestation_policy *p, struct cb_error *err)
{
    CB_JSON_AUTO *json = NULL;
    struct json_t *root, *optional;
    struct cb_digest named;
    if (read_payload(at->bytes, &json, &root, &named, err) || cb_json_get_object(root, "optional", &optional, err))
        return -1;
    if (!cb_digest_eq(&named, image))
        return cb_fail(err, CB_E_TRUST, "it is about %s, not about %s", named.text, image->text);
    for (size_t i = 0; p->annotations && i < p->annotations->n; i++) {
        const struct cb_string_pair *want = &p->annotations->v[i];
        struct cb_str value;
        if (cb_json_get_str(optional, want->key.p, &value, err))
            return -1;
        if (!value.p || !cb_str_eq(value, want->value))
            return cb_fail(err, CB_E_TRUST, "its annotation %s is \"%.*s\", you asked for \"%.*s\"", want->key.p,
                           CB_STR_ARG(value), CB_STR_ARG(want->value));
    }
    return 0;
}

static int check_kind(const struct cb_attestation *at, const struct cb_bundle *b, const struct cb_statement *s,
                      const struct cb_attestation_policy *p, struct cb_error *err)
{
    struct cb_str want = p->signature ? CB_STR(CB_SIGNATURE_PREDICATE) : p->predicate_type;
    if (!b->is_envelope)
        return p->signature ? 0 : cb_fail(err, CB_E_TRUST, "it is a signature, you asked for an attestation");
    if (p->signature && at->form == CB_FORM_ENVELOPE)
        return cb_fail(err, CB_E_TRUST, "it is an attestation, you asked for a signature");
    if (!cb_str_eq(s->predicate_type, want))
        return cb_fail(err, CB_E_TRUST, "its predicate is of type %.*s, you asked for %.*s",
                       CB_STR_ARG(s->predicate_type), CB_STR_ARG(want));
    if (p->signature && p->annotations && p->annotations->n)
        return cb_fail(err, CB_E_TRUST, "signatures in bundles carry no annotations, you asked for some");
    return 0;
}

// What is signed: the payload; or, in a bundle, something that is about the image's digest.
static int signed_data(const struct cb_attestation *at, const struct cb_digest *image, struct cb_signed_data *out,
                       struct cb_error *err)
{
    *out = (struct cb_signed_data){.sha256_only = true};
    if (at->form == CB_FORM_PAYLOAD)
        cb_signed_data_of(out, at->bytes);
    else if (!cb_unhex(out->sha256, CB_SHA256_SIZE, cb_str(cb_digest_hex(image))))
        return cb_fail(err, CB_E_INPUT, "the image has no digest");
    return 0;
}

static int verify(struct cb_arena *a, struct cb_attestation *at, const struct cb_digest *image,
                  const struct cb_attestation_policy *p, struct cb_error *err)
{
    struct cb_bundle b;
    struct cb_statement s;
    struct cb_bundle_signer signer;
    struct cb_signed_data data;
    if (open_bundle(a, at, p, &b, err))
        return -1;
    describe(a, at, &b, &s);
    if (signed_data(at, image, &data, err))
        return -1;
    int failed = cb_bundle_verify(a, &b, p->bundle, &data, &signer, err);
    at->signer =
        p->bundle->key && !failed ? cb_arena_str(a, cb_str(cb_verifier_name(p->bundle->key))) : signer.identity;
    at->issuer = signer.issuer;
    at->time = signer.time;
    if (failed || (at->form == CB_FORM_PAYLOAD && check_payload(at, image, p, err)) || check_kind(at, &b, &s, p, err))
        return -1;
    at->envelope = b.envelope;
    at->predicate = s.predicate;
    return 0;
}

static struct cb_str payload_of(const struct cb_attestation *at)
{
    return at->envelope.payload.n ? at->envelope.payload : at->bytes;
}

// The same statement is often there twice, as a referrer and under a tag.
static bool is_repeated(const struct cb_attestations *all, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (!all->v[k].refusal.n && cb_str_eq(payload_of(&all->v[k]), payload_of(&all->v[i])))
            return true;
    return false;
}

size_t cb_attestations_verify(struct cb_arena *a, struct cb_attestations *all, const struct cb_attestation_policy *p)
{
    size_t accepted = 0;
    for (size_t i = 0; i < all->n; i++) {
        CB_ERROR_AUTO refusal = CB_ERROR_INIT;
        if (verify(a, &all->v[i], &all->image, p, &refusal)) {
            all->v[i].refusal = cb_arena_str(a, cb_str(refusal.message));
            continue;
        }
        all->v[i].repeated = is_repeated(all, i);
        accepted++;
    }
    return accepted;
}
