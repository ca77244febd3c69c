#include "cbuild/trust/attestation.h"

#include "cbuild/text/json_read.h"

// What an attestation says of itself, for the report; nothing of it is trusted.
static void describe(struct cb_arena *a, struct cb_attestation *at, const struct cb_envelope *e)
{
    CB_ERROR_AUTO unreadable = CB_ERROR_INIT;
    struct cb_statement s;
    if (cb_statement_parse(a, e, &s, &unreadable) == 0)
        at->predicate_type = s.predicate_type;
}

static int open_envelope(struct cb_arena *a, const struct cb_attestation *at, struct cb_envelope *out,
                         struct cb_error *err)
{
    struct json_t *object, *envelope;
    if (!at->is_bundle)
        return cb_envelope_parse(a, at->bytes, "envelope", out, err);
    CB_JSON_AUTO *root = cb_json_read(at->bytes, "bundle", CB_ENVELOPE_MAX, err);
    if (!root || cb_json_as_object(root, "bundle", &object, err) ||
        cb_json_get_object(object, "dsseEnvelope", &envelope, err))
        return -1;
    if (!envelope)
        return cb_fail(err, CB_E_INPUT, "a bundle without an envelope: a signature, not an attestation");
    return cb_envelope_read(a, envelope, out, err);
}

static int check_type(const struct cb_statement *s, const struct cb_attestation_policy *p, struct cb_error *err)
{
    if (cb_str_eq(s->predicate_type, p->predicate_type))
        return 0;
    return cb_fail(err, CB_E_TRUST, "its predicate is of type %.*s, you asked for %.*s", CB_STR_ARG(s->predicate_type),
                   CB_STR_ARG(p->predicate_type));
}

static int check_key(struct cb_arena *a, struct cb_attestation *at, const struct cb_verifier *key, struct cb_error *err)
{
    if (cb_envelope_verify(&at->envelope, key, NULL, err))
        return -1;
    at->signer = cb_arena_str(a, cb_str(cb_verifier_name(key)));
    return 0;
}

static int check_bundle(struct cb_arena *a, struct cb_attestation *at, const struct cb_digest *image,
                        const struct cb_bundle_policy *p, struct cb_error *err)
{
    struct cb_bundle b;
    struct cb_bundle_signer signer;
    struct cb_signed_data data = {.sha256_only = true};
    if (!at->is_bundle)
        return cb_fail(err, CB_E_TRUST, "a bare envelope: no entry in a transparency log stands beside it");
    if (!cb_unhex(data.sha256, CB_SHA256_SIZE, cb_str(cb_digest_hex(image))))
        return cb_fail(err, CB_E_INPUT, "the image has no digest");
    if (cb_bundle_parse(a, at->bytes, "bundle", &b, err))
        return -1;
    int failed = cb_bundle_verify(a, &b, p, &data, &signer, err);
    at->signer = p->key && !failed ? cb_arena_str(a, cb_str(cb_verifier_name(p->key))) : signer.identity;
    return failed;
}

static int verify(struct cb_arena *a, struct cb_attestation *at, const struct cb_digest *image,
                  const struct cb_attestation_policy *p, struct cb_error *err)
{
    struct cb_statement s;
    if (open_envelope(a, at, &at->envelope, err))
        return -1;
    describe(a, at, &at->envelope);
    if (p->bundle ? check_bundle(a, at, image, p->bundle, err) : check_key(a, at, p->key, err))
        return -1;
    return cb_statement_parse(a, &at->envelope, &s, err) ||
                   cb_statement_has_subject(&s, cb_str(cb_digest_hex(image)), err) || check_type(&s, p, err)
               ? -1
               : 0;
}

// The same statement is often there twice, as a referrer and under a tag.
static bool is_repeated(const struct cb_attestations *all, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (!all->v[k].refusal.n && cb_str_eq(all->v[k].envelope.payload, all->v[i].envelope.payload))
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

static void add_cell(struct cb_buf *out, struct cb_str text, size_t width)
{
    cb_buf_addstr(out, text.n ? text : CB_STR("unknown"));
    for (size_t n = text.n ? text.n : 7; n < width; n++)
        cb_buf_addc(out, ' ');
    cb_buf_adds(out, "  ");
}

static size_t wider(size_t width, struct cb_str text)
{
    return text.n > width ? text.n : width;
}

void cb_attestations_explain(const struct cb_attestations *all, struct cb_buf *out)
{
    size_t place = 8, type = 14, signer = 7;
    for (size_t i = 0; i < all->n; i++) {
        place = wider(place, all->v[i].place);
        type = wider(type, all->v[i].predicate_type);
        signer = wider(signer, all->v[i].signer);
    }
    add_cell(out, CB_STR("FOUND AT"), place);
    add_cell(out, CB_STR("PREDICATE TYPE"), type);
    add_cell(out, CB_STR("SIGNER"), signer);
    cb_buf_adds(out, "REFUSED BECAUSE\n");
    for (size_t i = 0; i < all->n; i++) {
        const struct cb_attestation *at = &all->v[i];
        if (!at->refusal.n)
            continue;
        add_cell(out, at->place, place);
        add_cell(out, at->predicate_type, type);
        add_cell(out, at->signer, signer);
        cb_buf_addstr(out, at->refusal);
        cb_buf_addc(out, '\n');
    }
}
