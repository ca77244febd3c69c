// verify-attestation, with cosign's flags and output.
#include "verify_flags.h"

// An envelope that is stored by itself is printed as it is.
static void add_line(const struct cb_attestation *at, struct cb_buf *out)
{
    if (cb_verify_flags.predicate_only)
        cb_buf_addstr(out, at->predicate);
    else if (at->form == CB_FORM_ENVELOPE && !memchr(at->bytes.p, '\n', at->bytes.n))
        cb_buf_addstr(out, at->bytes);
    else
        cb_envelope_write(&at->envelope, out);
    cb_buf_addc(out, '\n');
}

static int verify_one(struct cb_asked *q, const char *image, struct cb_buf *out, struct cb_error *err)
{
    struct cb_attestations all;
    size_t accepted;
    if (cb_asked_find(q, image, CB_ATTACHED_ATTESTATIONS, &all, &accepted, err))
        return -1;
    if (cb_verify_flags.json)
        cb_attestations_report(&all, out);
    for (size_t i = 0; !cb_verify_flags.json && i < all.n; i++)
        if (!all.v[i].refusal.n && !all.v[i].repeated)
            add_line(&all.v[i], out);
    return cb_asked_explain(image, "attestation", &all, accepted, err);
}

static int run(const struct cb_invocation *in, struct cb_error *err)
{
    CB_ASKED_AUTO q = {0};
    CB_BUF_AUTO out = {0};
    if (!in->args.n)
        return cb_fail(err, CB_E_USAGE, "verify-attestation takes an image");
    if (cb_asked_open(&q, err))
        return -1;
    if (cb_predicate_type(cb_str(cb_verify_flags.type), &q.policy.predicate_type, err))
        return cb_context(err, "--type");
    int failed = 0;
    for (size_t i = 0; i < in->args.n && !failed; i++)
        failed = verify_one(&q, in->args.v[i], &out, err);
    if (failed && !cb_verify_flags.json)
        return -1; // not a line of what the other images have
    CB_ERROR_AUTO second = CB_ERROR_INIT;
    return cb_verify_print(cb_buf_str(&out), failed ? &second : err) || failed ? -1 : 0;
}

const struct cb_command cb_command_verify_attestation = {
    .name = "verify-attestation",
    .usage = "IMAGE... [flags]",
    .summary = "Verify an image's attestations and print them",
    .text =
        "Verify the attestations of an image, and print the envelope (DSSE) of each that is what was asked for, one "
        "a line.\n\nThey are looked for among the image's referrers and under its tag sha256-....att, or in "
        "COSIGN_REPOSITORY.\nWhere none is accepted, each that was found is listed with the reason.",
    .example = "  cbuild verify-attestation --type https://apko.dev/image-configuration --key cosign.pub \\\n"
               "    --insecure-ignore-tlog registry.example.com/image | jq -r .payload | base64 -d | jq .predicate",
    .flags = cb_verify_attestation_flag_table,
    .run = run,
};
