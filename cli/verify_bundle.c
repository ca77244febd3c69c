// verify-bundle: a Sigstore bundle against a file, with the command line that Sigstore's conformance suite gives its
// clients.
#include <unistd.h>

#include "cbuild/base/file.h"
#include "cbuild/trust/bundle.h"
#include "command.h"

static const char *bundle_path = "", *identity = "", *issuer = "", *key = "", *root_path = "";

static struct cb_flag flags[] = {
    {"bundle", 0, CB_FLAG_STRING, &bundle_path, "FILE", "the bundle", 0, 0},
    {"certificate-identity", 0, CB_FLAG_STRING, &identity, NULL, "whom the signer's certificate must name", 0, 0},
    {"certificate-oidc-issuer", 0, CB_FLAG_STRING, &issuer, "URL", "who must have vouched for that identity", 0, 0},
    {"key", 0, CB_FLAG_STRING, &key, "FILE", "public key (PEM) that must have signed", 0, 0},
    {"trusted-root", 0, CB_FLAG_STRING, &root_path, "FILE", "the logs and authorities to believe (trusted_root.json)",
     0, 0},
};

static struct cb_flags own_flags(void)
{
    return CB_FLAGS(flags);
}

static int check_flags(const struct cb_invocation *in, struct cb_error *err)
{
    if (in->args.n != 1)
        return cb_fail(err, CB_E_USAGE, "verify-bundle takes one file or digest, not %zu", in->args.n);
    if (!*bundle_path || !*root_path)
        return cb_fail(err, CB_E_USAGE, "--%s is missing", *bundle_path ? "trusted-root" : "bundle");
    if (*key ? *identity || *issuer : !*identity || !*issuer) {
        cb_fail(err, CB_E_USAGE, "who must have signed is said by a key, or by identity and issuer");
        return cb_hint(err, "--key, or --certificate-identity and --certificate-oidc-issuer");
    }
    return 0;
}

// "sha256:<64 digits>" is a digest; everything else is a file.
static int read_artifact(const char *name, struct cb_signed_data *out, struct cb_error *err)
{
    struct cb_str text = cb_str(name);
    *out = (struct cb_signed_data){0};
    if (cb_str_starts(text, "sha256:") && cb_unhex(out->sha256, CB_SHA256_SIZE, cb_str_skip(text, 7))) {
        out->sha256_only = true;
        return 0;
    }
    CB_FD_AUTO fd = cb_open_read(name, err);
    if (fd < 0)
        return -1;
    struct cb_fd_source in = cb_fd_source(fd, name);
    return cb_signed_data_read(out, &in.source, err);
}

static int load(struct cb_arena *a, struct cb_bundle *bundle, struct cb_trusted_root *root, struct cb_verifier **v,
                struct cb_error *err)
{
    CB_BUF_AUTO text = {0};
    CB_BUF_AUTO root_text = {0};
    CB_BUF_AUTO key_text = {0};
    if (cb_read_file(root_path, &root_text, CB_TRUSTED_ROOT_MAX, err) ||
        cb_trusted_root_parse(root, cb_buf_str(&root_text), root_path, err))
        return cb_context(err, "--trusted-root");
    if (*key && (cb_read_file(key, &key_text, CB_KEY_TEXT_MAX, err) ||
                 !(*v = cb_verifier_from_pem(cb_buf_str(&key_text), err))))
        return cb_context(err, "--key %s", key);
    if (cb_read_file(bundle_path, &text, CB_ENVELOPE_MAX, err) ||
        cb_bundle_parse(a, cb_buf_str(&text), bundle_path, bundle, err))
        return cb_context(err, "--bundle");
    return 0;
}

static int run(const struct cb_invocation *in, struct cb_error *err)
{
    CB_ARENA_AUTO arena = {0};
    CB_TRUSTED_ROOT_AUTO root = {0};
    CB_VERIFIER_AUTO *v = NULL;
    struct cb_bundle bundle;
    struct cb_signed_data artifact;
    struct cb_bundle_signer signer;
    if (check_flags(in, err) || load(&arena, &bundle, &root, &v, err) || read_artifact(in->args.v[0], &artifact, err))
        return -1;
    const struct cb_bundle_policy policy = {
        .root = &root, .key = v, .identity = cb_str(identity), .issuer = cb_str(issuer)};
    if (cb_bundle_verify(&arena, &bundle, &policy, &artifact, &signer, err))
        return cb_context(err, "%s", bundle_path);
    return 0;
}

const struct cb_command cb_command_verify_bundle = {
    .name = "verify-bundle",
    .usage = "--bundle FILE --trusted-root FILE [flags] FILE|DIGEST",
    .summary = "Verify a Sigstore bundle against a file",
    .text = "Verify offline that a file (or sha256:DIGEST) is what a Sigstore bundle signs or attests: the signature, "
            "the entry\nin the transparency log, the time, the certificate, and the signer's identity. The exit status "
            "is 0 where all of\nit holds.",
    .example = "  cbuild verify-bundle --bundle a.txt.sigstore.json --trusted-root trusted_root.json \\\n"
               "    --certificate-identity someone@example.com --certificate-oidc-issuer https://accounts.example.com "
               "a.txt",
    .flags = own_flags,
    .run = run,
};
