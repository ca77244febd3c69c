// verify-attestation, with cosign's flags and output.
#include <stdio.h>
#include <stdlib.h>

#include "cbuild/base/file.h"
#include "cbuild/oci/registry.h"
#include "cbuild/trust/attestation.h"
#include "command.h"
#include "environment.h"
#include "output.h"

static const char *type = "custom", *key = "", *root_path = "", *identity = "", *issuer = "";
static bool ignore_tlog;

static struct cb_flag flags[] = {
    {"certificate-identity", 0, CB_FLAG_STRING, &identity, NULL, "whom the signer's certificate must name", 0, 0},
    {"certificate-oidc-issuer", 0, CB_FLAG_STRING, &issuer, "URL", "who must have vouched for that identity", 0, 0},
    {"insecure-ignore-tlog", 0, CB_FLAG_BOOL, &ignore_tlog, NULL,
     "do not ask for an entry in a transparency log: the signature by --key is enough", 0, 0},
    {"key", 0, CB_FLAG_STRING, &key, "FILE", "public key (PEM) that must have signed", 0, 0},
    {"trusted-root", 0, CB_FLAG_STRING, &root_path, "FILE", "the logs and authorities to believe (trusted_root.json)",
     0, 0},
    {"type", 0, CB_FLAG_STRING, &type, NULL,
     "predicate type: a URI, or custom, slsaprovenance, slsaprovenance1, spdxjson, cyclonedx, link, vuln, openvex", 0,
     0},
};

static struct cb_flags own_flags(void)
{
    return CB_FLAGS(flags);
}

static struct cb_verifier *load_key(struct cb_error *err)
{
    CB_BUF_AUTO text = {0};
    struct cb_verifier *v =
        cb_read_file(key, &text, CB_KEY_FILE_MAX, err) ? NULL : cb_verifier_from_pem(cb_buf_str(&text), err);
    if (!v)
        cb_context(err, "--key %s", key);
    return v;
}

static int check_flags(const struct cb_invocation *in, struct cb_error *err)
{
    if (in->args.n != 1)
        return cb_fail(err, CB_E_USAGE, "verify-attestation takes one image, not %zu arguments", in->args.n);
    if (*key ? *identity || *issuer : !*identity || !*issuer) {
        cb_fail(err, CB_E_USAGE, "who must have signed is said by a key, or by identity and issuer");
        return cb_hint(err, "--key FILE, or --certificate-identity and --certificate-oidc-issuer");
    }
    if (ignore_tlog && !*key)
        return cb_fail(err, CB_E_USAGE,
                       "--insecure-ignore-tlog needs --key: a certificate says nothing without a time");
    if (!ignore_tlog && !*root_path) {
        cb_fail(err, CB_E_USAGE, "nothing says which transparency logs to believe");
        return cb_hint(err, "--trusted-root FILE; with --key, --insecure-ignore-tlog takes the signature alone");
    }
    return 0;
}

static int load_root(struct cb_trusted_root *root, struct cb_error *err)
{
    CB_BUF_AUTO text = {0};
    return cb_read_file(root_path, &text, CB_TRUSTED_ROOT_MAX, err) ||
                   cb_trusted_root_parse(root, cb_buf_str(&text), root_path, err)
               ? cb_context(err, "--trusted-root")
               : 0;
}

static int find(struct cb_environment *e, struct cb_arena *a, const char *image, struct cb_attestations *all,
                struct cb_error *err)
{
    struct cb_reference ref, repository;
    const char *elsewhere = getenv("COSIGN_REPOSITORY");
    if (cb_reference_parse(a, cb_str(image), &ref, err))
        return -1;
    if (elsewhere && *elsewhere && cb_reference_parse_repository(a, cb_str(elsewhere), &repository, err))
        return cb_context(err, "COSIGN_REPOSITORY");
    const struct cb_http_options options = {.env = e->http, .user_agent = "cbuild/" CBUILD_VERSION};
    struct cb_http *http = cb_http_new(&options);
    struct cb_registry *r = cb_registry_new(http, &e->credentials);
    int failed = cb_attestations_find(r, a, &ref, elsewhere && *elsewhere ? &repository : NULL, all, err);
    cb_registry_free(r);
    cb_http_free(http);
    return failed ? cb_context(err, "%s", image) : 0;
}

static int report(const char *image, const struct cb_attestations *all, size_t accepted, struct cb_error *err)
{
    CB_BUF_AUTO out = {0};
    if (!all->n)
        return cb_fail(err, CB_E_NOT_FOUND, "%s (%s) has no attestation", image, all->image.text);
    if (!accepted) {
        cb_attestations_explain(all, &out);
        cb_fail(err, CB_E_TRUST, "none of the %zu attestations of %s (%s) is what you asked for", all->n, image,
                all->image.text);
        return cb_detail(err, "%s", out.p);
    }
    for (size_t i = 0; i < all->n; i++)
        if (!all->v[i].refusal.n && !all->v[i].repeated) {
            cb_envelope_write(&all->v[i].envelope, &out);
            cb_buf_addc(&out, '\n');
        }
    fwrite(out.p, 1, out.n, stdout);
    return 0;
}

static int run(const struct cb_invocation *in, struct cb_error *err)
{
    CB_ENVIRONMENT_AUTO e = {0};
    CB_ARENA_AUTO arena = {0};
    CB_TRUSTED_ROOT_AUTO root = {0};
    struct cb_attestation_policy policy = {0};
    struct cb_attestations all;
    if (check_flags(in, err))
        return -1;
    if (cb_predicate_type(cb_str(type), &policy.predicate_type, err))
        return cb_context(err, "--type");
    CB_VERIFIER_AUTO *v = *key ? load_key(err) : NULL;
    const struct cb_bundle_policy bundle = {
        .root = &root, .key = v, .identity = cb_str(identity), .issuer = cb_str(issuer)};
    policy.key = v;
    policy.bundle = ignore_tlog ? NULL : &bundle;
    if ((*key && !v) || (!ignore_tlog && load_root(&root, err)) || cb_environment_read(&e, err) ||
        find(&e, &arena, in->args.v[0], &all, err))
        return -1;
    size_t accepted = cb_attestations_verify(&arena, &all, &policy);
    return report(in->args.v[0], &all, accepted, err);
}

const struct cb_command cb_command_verify_attestation = {
    .name = "verify-attestation",
    .usage = "IMAGE [flags]",
    .summary = "Verify an image's attestations and print them",
    .text =
        "Verify the attestations of an image, and print the envelope (DSSE) of each that is what was asked for, one "
        "a line.\n\nThey are looked for among the image's referrers and under its tag sha256-....att, or in "
        "COSIGN_REPOSITORY.\nWhere none is accepted, each that was found is listed with the reason.",
    .example = "  cbuild verify-attestation --type https://apko.dev/image-configuration --key cosign.pub \\\n"
               "    --insecure-ignore-tlog registry.example.com/image | jq -r .payload | base64 -d | jq .predicate",
    .flags = own_flags,
    .run = run,
};
