// verify: signatures of an image, with cosign's flags and output.
#include "cbuild/text/gojson.h"
#include "cbuild/text/json_read.h"
#include "verify_flags.h"

#include <jansson.h>

// The payload as it was signed, with who signed it among the optional fields.
static void add_payload(struct cb_json *j, const struct cb_attestation *at)
{
    CB_ERROR_AUTO unlike = CB_ERROR_INIT;
    CB_JSON_AUTO *root = cb_json_read(at->bytes, "signed payload", at->bytes.n, &unlike); // it was read before
    json_t *optional = json_object_get(root, "optional");
    if (!json_is_object(optional)) {
        optional = json_object();
        json_object_set_new(root, "optional", optional);
    }
    if (at->issuer.n) {
        json_object_set_new(optional, "Subject", json_stringn(at->signer.p, at->signer.n));
        json_object_set_new(optional, "Issuer", json_stringn(at->issuer.p, at->issuer.n));
    }
    if (!json_object_size(optional))
        json_object_set_new(root, "optional", json_null());
    char *text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
    cb_json_raw(j, cb_str(text));
    free(text);
}

// A bundle says by its statement what a payload says in these words.
static void add_bundle(struct cb_json *j, const struct cb_attestation *at, const struct cb_attestations *all,
                       const char *image)
{
    cb_json_object(j);
    cb_json_key(j, "critical");
    cb_json_object(j);
    cb_json_key(j, "identity");
    cb_json_object(j);
    cb_json_key(j, "docker-reference");
    cb_json_cstr(j, image);
    cb_json_end(j);
    cb_json_key(j, "image");
    cb_json_object(j);
    cb_json_key(j, "docker-manifest-digest");
    cb_json_cstr(j, all->image.text);
    cb_json_end(j);
    cb_json_key(j, "type");
    cb_json_cstr(j, CB_SIGNATURE_PREDICATE);
    cb_json_end(j);
    cb_json_key(j, "optional");
    cb_json_object(j);
    if (at->issuer.n) {
        cb_json_field(j, "Issuer", at->issuer);
        cb_json_field(j, "Subject", at->signer);
    }
    cb_json_end(j);
    cb_json_end(j);
}

static void add_all(const struct cb_attestations *all, const char *image, struct cb_buf *out)
{
    struct cb_json j = cb_json(out, NULL, NULL);
    cb_buf_addc(out, '\n');
    cb_json_array(&j);
    for (size_t i = 0; i < all->n; i++) {
        if (all->v[i].refusal.n)
            continue;
        if (all->v[i].form == CB_FORM_PAYLOAD)
            add_payload(&j, &all->v[i]);
        else
            add_bundle(&j, &all->v[i], all, image);
    }
    cb_json_end(&j);
    cb_buf_addc(out, '\n');
}

static int verify_one(struct cb_asked *q, const char *image, struct cb_buf *out, struct cb_error *err)
{
    struct cb_attestations all;
    size_t accepted;
    if (cb_asked_find(q, image, CB_ATTACHED_SIGNATURES, &all, &accepted, err))
        return -1;
    if (cb_verify_flags.json)
        cb_attestations_report(&all, out);
    else
        add_all(&all, image, out);
    return cb_asked_explain(image, "signature", &all, accepted, err);
}

static int run(const struct cb_invocation *in, struct cb_error *err)
{
    CB_ASKED_AUTO q = {0};
    CB_BUF_AUTO out = {0};
    if (!in->args.n)
        return cb_fail(err, CB_E_USAGE, "verify takes an image");
    if (cb_asked_open(&q, err))
        return -1;
    q.policy.signature = true;
    int failed = 0;
    for (size_t i = 0; i < in->args.n && !failed; i++)
        failed = verify_one(&q, in->args.v[i], &out, err);
    if (failed && !cb_verify_flags.json)
        return -1;
    CB_ERROR_AUTO second = CB_ERROR_INIT;
    return cb_verify_print(cb_buf_str(&out), failed ? &second : err) || failed ? -1 : 0;
}

const struct cb_command cb_command_verify = {
    .name = "verify",
    .usage = "IMAGE... [flags]",
    .summary = "Verify an image's signatures",
    .text =
        "Verify the signatures of an image, and print what each that is what was asked for says, as a JSON list.\n\n"
        "They are looked for among the image's referrers and under its tag sha256-....sig, or in COSIGN_REPOSITORY.\n"
        "Where none is accepted, each that was found is listed with the reason.",
    .example = "  cbuild verify --certificate-identity someone@example.com \\\n"
               "    --certificate-oidc-issuer https://accounts.example.com registry.example.com/image",
    .flags = cb_verify_flag_table,
    .run = run,
};
