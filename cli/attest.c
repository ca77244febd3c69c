// attest and sign: statements about an image, signed with a key and attached to it.
#include "cbuild/base/file.h"
#include "cbuild/base/log.h"
#include "command.h"
#include "sign_flags.h"

static const char *key = "", *predicate = "", *type = "custom";
static struct cb_strs annotations;
static bool tag, tlog_upload, yes;

enum { ATTEST = 1, SIGN = 2, BOTH = 3 };

static const struct cb_shared_flag known[] = {
    {SIGN,
     {"annotations", 'a', CB_FLAG_LIST, &annotations, "KEY=VALUE", "annotations for the payload under the tag", 0, 0}},
    {BOTH,
     {"cosign-tag", 0, CB_FLAG_BOOL, &tag, NULL,
      "also under the tag that cosign v2 reads (sha256-....att or .sig), besides the referrer", 0, 0}},
    {BOTH,
     {"key", 0, CB_FLAG_STRING, &key, "FILE",
      "private key (PEM, or cosign's), or env://NAME; COSIGN_PASSWORD opens an encrypted one", 0, 0}},
    {ATTEST, {"predicate", 0, CB_FLAG_STRING, &predicate, "FILE", "what is said about the image (JSON)", 0, 0}},
    {BOTH,
     {"tlog-upload", 0, CB_FLAG_BOOL, &tlog_upload, NULL, "not supported: no transparency log is written to", 1, 0}},
    {ATTEST,
     {"type", 0, CB_FLAG_STRING, &type, NULL,
      "predicate type: a URI, or custom, slsaprovenance, slsaprovenance1, spdxjson, cyclonedx, link, vuln, openvex", 0,
      0}},
    {BOTH, {"yes", 'y', CB_FLAG_BOOL, &yes, NULL, "taken for cosign's sake: nothing is asked", 1, 0}},
};

static struct cb_flags flags_of(unsigned user)
{
    static struct cb_flag table[sizeof known / sizeof *known];
    return cb_flags_of(known, sizeof known / sizeof *known, user, table);
}

static struct cb_flags attest_flags(void)
{
    return flags_of(ATTEST);
}

static struct cb_flags sign_flags(void)
{
    return flags_of(SIGN);
}

static int open_subject(const struct cb_invocation *in, struct cb_attacher *t, struct cb_attach_subject *subject,
                        struct cb_error *err)
{
    struct cb_reference image;
    if (in->args.n != 1)
        return cb_fail(err, CB_E_USAGE, "%s takes one image, not %zu arguments", in->command->name, in->args.n);
    if (tlog_upload)
        return cb_fail(err, CB_E_UNSUPPORTED, "--tlog-upload: writing to a transparency log is not supported");
    return cb_attacher_open(t, key, tag, err) || cb_reference_parse(&t->arena, cb_str(in->args.v[0]), &image, err) ||
                   cb_attach_subject(t->registry, &t->arena, &image, subject, err)
               ? -1
               : 0;
}

static int run_attest(const struct cb_invocation *in, struct cb_error *err)
{
    CB_ATTACHER_AUTO t = {0};
    CB_BUF_AUTO text = {0};
    struct cb_attach_subject subject;
    struct cb_str uri;
    if (!*predicate)
        return cb_fail(err, CB_E_USAGE, "--predicate is missing");
    if (cb_predicate_type(cb_str(type), &uri, err))
        return cb_context(err, "--type");
    if (cb_read_file(predicate, &text, CB_ENVELOPE_MAX / 2, err))
        return cb_context(err, "--predicate");
    if (open_subject(in, &t, &subject, err) || cb_attest(t.registry, &subject, uri, cb_buf_str(&text), &t.options, err))
        return -1;
    cb_log(CB_INFO, "attested %.*s of %s", CB_STR_ARG(uri), subject.descriptor.digest.text);
    return 0;
}

static int run_sign(const struct cb_invocation *in, struct cb_error *err)
{
    CB_ATTACHER_AUTO t = {0};
    struct cb_attach_subject subject;
    struct cb_string_map m = {0};
    if (annotations.n && !tag)
        return cb_fail(err, CB_E_USAGE, "--annotations are for the payload under the tag: --cosign-tag");
    if (open_subject(in, &t, &subject, err))
        return -1;
    for (size_t i = 0; i < annotations.n; i++) {
        struct cb_str rest = annotations.v[i], name;
        if (!cb_str_cut(&rest, '=', &name) || !name.n || !rest.p)
            return cb_fail(err, CB_E_USAGE, "--annotations: \"%.*s\" is not KEY=VALUE", CB_STR_ARG(annotations.v[i]));
        cb_string_map_set(&t.arena, &m, name, rest);
    }
    if (cb_sign(t.registry, &subject, &m, &t.options, err))
        return -1;
    cb_log(CB_INFO, "signed %s", subject.descriptor.digest.text);
    return 0;
}

const struct cb_command cb_command_attest = {
    .name = "attest",
    .usage = "IMAGE --predicate FILE --key FILE [flags]",
    .summary = "Attest something about an image",
    .text =
        "Sign the statement that a predicate holds for an image, and attach it to the image in its registry (or in\n"
        "COSIGN_REPOSITORY): as a referrer with a Sigstore bundle, under the fallback tag where the registry has no\n"
        "referrers API. The image itself does not change.",
    .example =
        "  cbuild attest --type https://apko.dev/image-configuration --predicate config.json --key cosign.key \\\n"
        "    registry.example.com/image",
    .flags = attest_flags,
    .run = run_attest,
};

const struct cb_command cb_command_sign = {
    .name = "sign",
    .usage = "IMAGE --key FILE [flags]",
    .summary = "Sign an image",
    .text =
        "Sign an image, and attach the signature to it in its registry (or in COSIGN_REPOSITORY): as a referrer with\n"
        "a Sigstore bundle, under the fallback tag where the registry has no referrers API. The image itself does\n"
        "not change.",
    .example = "  cbuild sign --key cosign.key registry.example.com/image",
    .flags = sign_flags,
    .run = run_sign,
};
