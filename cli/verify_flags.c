#include "verify_flags.h"

#include <stdio.h>
#include <stdlib.h>

#include "cbuild/base/file.h"
#include "cbuild/base/log.h"
#include "cbuild/crypto/key.h"
#include "output.h"
#include "trust_state.h"

struct cb_verify_flags cb_verify_flags = {
    .key = "",
    .identity = "",
    .identity_regexp = "",
    .issuer = "",
    .issuer_regexp = "",
    .workflow = {"", "", "", "", ""},
    .certificate = "",
    .chain = "",
    .trusted_root = "",
    .output = "",
    .type = "custom",
};

#define F cb_verify_flags

static const char *rekor_url = "", *payload = "", *signature = "";
static struct cb_strs policies;
static int64_t max_workers;
static bool check_claims = true, bundle_format = true, oci11, private_infrastructure;

// Who takes a flag.
enum { SIGNATURES = 1, ATTESTATIONS = 2, BOTH = 3 };

static const struct cb_shared_flag known[] = {
    {SIGNATURES,
     {"annotations", 'a', CB_FLAG_LIST, &F.annotations, "KEY=VALUE", "annotations that a signature's payload must have",
      0, 0}},
    {BOTH,
     {"certificate", 0, CB_FLAG_STRING, &F.certificate, "FILE",
      "the signer's certificate (PEM), for signatures that bring none", 0, 0}},
    {BOTH,
     {"certificate-chain", 0, CB_FLAG_STRING, &F.chain, "FILE",
      "certificate authority to believe instead of the trusted root's: intermediates first, the root last (PEM)", 0,
      0}},
    {BOTH,
     {"certificate-github-workflow-name", 0, CB_FLAG_STRING, &F.workflow[CB_WORKFLOW_NAME], NULL,
      "name of the GitHub workflow that must have signed", 0, 0}},
    {BOTH,
     {"certificate-github-workflow-ref", 0, CB_FLAG_STRING, &F.workflow[CB_WORKFLOW_REF], NULL,
      "git ref that the GitHub workflow must have run on", 0, 0}},
    {BOTH,
     {"certificate-github-workflow-repository", 0, CB_FLAG_STRING, &F.workflow[CB_WORKFLOW_REPOSITORY], "OWNER/NAME",
      "repository that the GitHub workflow must have run on", 0, 0}},
    {BOTH,
     {"certificate-github-workflow-sha", 0, CB_FLAG_STRING, &F.workflow[CB_WORKFLOW_SHA], NULL,
      "commit that the GitHub workflow must have run on", 0, 0}},
    {BOTH,
     {"certificate-github-workflow-trigger", 0, CB_FLAG_STRING, &F.workflow[CB_WORKFLOW_TRIGGER], NULL,
      "event that must have triggered the GitHub workflow", 0, 0}},
    {BOTH,
     {"certificate-identity", 0, CB_FLAG_STRING, &F.identity, NULL, "whom the signer's certificate must name", 0, 0}},
    {BOTH,
     {"certificate-identity-regexp", 0, CB_FLAG_STRING, &F.identity_regexp, "PATTERN",
      "the same as a pattern (Go's regexp); it matches anywhere, anchor it with ^ and $", 0, 0}},
    {BOTH,
     {"certificate-oidc-issuer", 0, CB_FLAG_STRING, &F.issuer, "URL", "who must have vouched for that identity", 0, 0}},
    {BOTH,
     {"certificate-oidc-issuer-regexp", 0, CB_FLAG_STRING, &F.issuer_regexp, "PATTERN", "the same as a pattern", 0, 0}},
    {BOTH,
     {"check-claims", 0, CB_FLAG_BOOL, &check_claims, NULL, "always on: what is signed must be about the image", 1, 0}},
    {BOTH, {"experimental-oci11", 0, CB_FLAG_BOOL, &oci11, NULL, "always on: referrers are looked for", 1, 0}},
    {BOTH,
     {"insecure-ignore-sct", 0, CB_FLAG_BOOL, &F.ignore_sct, NULL,
      "do not ask for a certificate transparency log's promise in the certificate", 0, 0}},
    {BOTH,
     {"insecure-ignore-tlog", 0, CB_FLAG_BOOL, &F.ignore_tlog, NULL, "do not ask for an entry in a transparency log", 0,
      0}},
    {BOTH,
     {"json", 0, CB_FLAG_BOOL, &F.json, NULL, "print all that was found, accepted or refused, and why, as JSON", 0, 0}},
    {BOTH,
     {"key", 0, CB_FLAG_STRING, &F.key, "FILE|URL", "public key (PEM) that must have signed; also env://NAME", 0, 0}},
    {BOTH, {"max-workers", 0, CB_FLAG_INT, &max_workers, NULL, "taken for cosign's sake", 1, 0}},
    {BOTH, {"new-bundle-format", 0, CB_FLAG_BOOL, &bundle_format, NULL, "always on: every form is looked for", 1, 0}},
    {BOTH,
     {"offline", 0, CB_FLAG_BOOL, &F.offline, NULL,
      "take the trusted root as it was last updated, without asking its repository", 0, 0}},
    {BOTH,
     {"output", 'o', CB_FLAG_STRING, &F.output, "FILE",
      "where to write instead of stdout (\"json\" and \"text\": stdout)", 0, 0}},
    {SIGNATURES, {"payload", 0, CB_FLAG_STRING, &payload, NULL, "not supported", 1, 0}},
    {BOTH, {"policy", 0, CB_FLAG_LIST, &policies, NULL, "not supported: CUE and Rego policies", 1, 0}},
    {ATTESTATIONS,
     {"predicate-only", 0, CB_FLAG_BOOL, &F.predicate_only, NULL, "print the predicate instead of the envelope", 0, 0}},
    {BOTH, {"private-infrastructure", 0, CB_FLAG_BOOL, &private_infrastructure, NULL, "--insecure-ignore-tlog", 1, 0}},
    {BOTH,
     {"rekor-url", 0, CB_FLAG_STRING, &rekor_url, "URL",
      "taken for cosign's sake: no log is asked, what is attached is verified", 0, 0}},
    {SIGNATURES, {"signature", 0, CB_FLAG_STRING, &signature, NULL, "not supported", 1, 0}},
    {BOTH,
     {"trusted-root", 0, CB_FLAG_STRING, &F.trusted_root, "FILE",
      "the logs and authorities to believe (trusted_root.json)", 0, 0}},
    {ATTESTATIONS,
     {"type", 0, CB_FLAG_STRING, &F.type, NULL,
      "predicate type: a URI, or custom, slsaprovenance, slsaprovenance1, spdxjson, cyclonedx, link, vuln, openvex", 0,
      0}},
    {BOTH,
     {"use-signed-timestamps", 0, CB_FLAG_BOOL, &F.use_timestamps, NULL, "ask for a signed timestamp (RFC 3161)", 0,
      0}},
};

static struct cb_flags flags_of(unsigned user)
{
    static struct cb_flag table[sizeof known / sizeof *known];
    return cb_flags_of(known, sizeof known / sizeof *known, user, table);
}

struct cb_flags cb_verify_flag_table(void)
{
    return flags_of(SIGNATURES);
}

struct cb_flags cb_verify_attestation_flag_table(void)
{
    return flags_of(ATTESTATIONS);
}

static int check_unsupported(struct cb_error *err)
{
    if (policies.n) {
        cb_fail(err, CB_E_UNSUPPORTED, "--policy: CUE and Rego policies are not supported");
        return cb_hint(err,
                       "print the predicates with --predicate-only and hold them against the policy with its own tool");
    }
    if (*payload || *signature)
        return cb_fail(err, CB_E_UNSUPPORTED, "--payload and --signature: signatures are taken from the registry only");
    if (!check_claims)
        return cb_fail(err, CB_E_UNSUPPORTED,
                       "--check-claims=false: that a signature is about the image is always checked");
    return 0;
}

static bool names_workflow(void)
{
    for (size_t i = 0; i < CB_WORKFLOW_CLAIMS; i++)
        if (*F.workflow[i])
            return true;
    return false;
}

static int check_flags(struct cb_error *err)
{
    bool identity = *F.identity || *F.identity_regexp, issuer = *F.issuer || *F.issuer_regexp;
    if (check_unsupported(err))
        return -1;
    if (*F.key && (identity || issuer || *F.certificate || *F.chain || names_workflow()))
        return cb_fail(err, CB_E_USAGE, "--key and what a certificate must say exclude each other");
    if (!*F.key && (!identity || !issuer)) {
        cb_fail(err, CB_E_USAGE, "who must have signed is said by a key, or by identity and issuer");
        return cb_hint(err, "--key FILE, or --certificate-identity and --certificate-oidc-issuer");
    }
    if ((*F.identity && *F.identity_regexp) || (*F.issuer && *F.issuer_regexp))
        return cb_fail(err, CB_E_USAGE, "both a text and a pattern for one thing");
    F.ignore_tlog |= private_infrastructure;
    return 0;
}

// ---- loading -------------------------------------------------------------------------------------------------------

static int fetch_key(struct cb_http *http, const char *url, struct cb_buf *out, struct cb_error *err)
{
    CB_HTTP_ANSWER_AUTO a = {0};
    struct cb_http_request q = {.url = url, .max_body = CB_KEY_TEXT_MAX};
    if (cb_http_fetch(http, &q, &a, err))
        return -1;
    cb_buf_addstr(out, cb_buf_str(&a.text));
    return 0;
}

static int read_key(struct cb_http *http, const char *name, struct cb_buf *text, struct cb_error *err)
{
    struct cb_str s = cb_str(name);
    if (cb_str_starts(s, "https://") || cb_str_starts(s, "http://"))
        return fetch_key(http, name, text, err);
    if (cb_str_starts(s, "env://")) {
        const char *value = getenv(name + 6);
        if (!value)
            return cb_fail(err, CB_E_USAGE, "the environment has no %s", name + 6);
        cb_buf_adds(text, value);
        return 0;
    }
    if (cb_str_has(s, CB_STR("://")))
        return cb_fail(err, CB_E_UNSUPPORTED, "keys are read from files, http(s) URLs and env://NAME");
    return cb_read_file(name, text, CB_KEY_TEXT_MAX, err);
}

struct cb_verifier *cb_public_key_load(struct cb_http *http, const char *name, struct cb_error *err)
{
    CB_BUF_AUTO text = {0};
    struct cb_verifier *v = read_key(http, name, &text, err) ? NULL : cb_verifier_from_pem(cb_buf_str(&text), err);
    if (!v)
        cb_context(err, "--key %s", name);
    return v;
}

static int load_certificate(struct cb_asked *q, struct cb_error *err)
{
    CB_BUF_AUTO text = {0};
    CB_BUF_AUTO der = {0};
    struct cb_str label;
    if (cb_read_file(F.certificate, &text, CB_KEY_TEXT_MAX, err))
        return -1;
    struct cb_str rest = cb_buf_str(&text);
    if (cb_pem_next(&rest, &label, &der) != 1 || !cb_str_is(label, "CERTIFICATE") || cb_str_trim(rest).n)
        return cb_fail(err, CB_E_INPUT, "%s: not one certificate (PEM)", F.certificate);
    q->policy.certificate = cb_arena_str(&q->arena, cb_buf_str(&der));
    return 0;
}

static int load_pattern(const char *flag, const char *text, struct cb_regexp **out, struct cb_error *err)
{
    if (!*text)
        return 0;
    *out = cb_regexp_new(cb_str(text), err);
    if (!*out)
        return cb_context(err, "--%s", flag);
    if (!cb_regexp_is_anchored(*out))
        cb_log(CB_WARN, "--%s is not anchored with ^ and $: it is content with a match anywhere in the text", flag);
    return 0;
}

// A key whose signature alone is enough needs no logs and no authorities.
static bool needs_root(void)
{
    return !F.ignore_tlog || F.use_timestamps || (!*F.key && (!*F.chain || !F.ignore_sct));
}

static int load_root(struct cb_asked *q, struct cb_error *err)
{
    CB_BUF_AUTO text = {0};
    if (!*F.trusted_root && !needs_root())
        return 0;
    if (!*F.trusted_root)
        return cb_trust_root_load(q->http, q->environment.now, F.offline, &q->root, err);
    return cb_read_file(F.trusted_root, &text, CB_TRUSTED_ROOT_MAX, err) ||
                   cb_trusted_root_parse(&q->root, cb_buf_str(&text), F.trusted_root, err)
               ? cb_context(err, "--trusted-root")
               : 0;
}

static int load_chain(struct cb_asked *q, struct cb_error *err)
{
    CB_BUF_AUTO text = {0};
    if (!*F.chain)
        return 0;
    return cb_read_file(F.chain, &text, CB_KEY_TEXT_MAX, err) ||
                   cb_trusted_root_use_chain(&q->root, cb_buf_str(&text), F.chain, err)
               ? cb_context(err, "--certificate-chain")
               : 0;
}

static int split_annotations(struct cb_asked *q, struct cb_error *err)
{
    struct cb_string_map *m = cb_arena_alloc(&q->arena, sizeof *m);
    for (size_t i = 0; i < F.annotations.n; i++) {
        struct cb_str rest = F.annotations.v[i], key;
        if (!cb_str_cut(&rest, '=', &key) || !key.n || !rest.p)
            return cb_fail(err, CB_E_USAGE, "--annotations: \"%.*s\" is not KEY=VALUE", CB_STR_ARG(F.annotations.v[i]));
        cb_string_map_set(&q->arena, m, cb_arena_str(&q->arena, key), rest);
    }
    q->policy.annotations = m;
    return 0;
}

static void make_policy(struct cb_asked *q)
{
    q->bundle = (struct cb_bundle_policy){
        .root = &q->root,
        .key = q->key,
        .identity = cb_str(F.identity),
        .issuer = cb_str(F.issuer),
        .identity_pattern = q->identity,
        .issuer_pattern = q->issuer,
        .ignore_log = F.ignore_tlog,
        .ignore_sct = F.ignore_sct,
        .needs_timestamp = F.use_timestamps,
        .now = q->environment.now,
    };
    for (size_t i = 0; i < CB_WORKFLOW_CLAIMS; i++)
        q->bundle.workflow[i] = cb_str(F.workflow[i]);
    q->policy.bundle = &q->bundle;
}

int cb_asked_open(struct cb_asked *q, struct cb_error *err)
{
    if (check_flags(err) || cb_environment_read(&q->environment, err))
        return -1;
    const struct cb_http_options options = {.env = q->environment.http, .user_agent = "cbuild/" CBUILD_VERSION};
    q->http = cb_http_new(&options);
    q->registry = cb_registry_new(q->http, &q->environment.credentials);
    if (load_pattern("certificate-identity-regexp", F.identity_regexp, &q->identity, err) ||
        load_pattern("certificate-oidc-issuer-regexp", F.issuer_regexp, &q->issuer, err) ||
        (*F.certificate && load_certificate(q, err)) || split_annotations(q, err))
        return -1;
    if (*F.key && !(q->key = cb_public_key_load(q->http, F.key, err)))
        return -1;
    if (load_root(q, err) || load_chain(q, err))
        return -1;
    make_policy(q);
    return 0;
}

void cb_asked_release(struct cb_asked *q)
{
    cb_regexp_free(q->identity);
    cb_regexp_free(q->issuer);
    cb_verifier_free(q->key);
    cb_trusted_root_release(&q->root);
    cb_registry_free(q->registry);
    cb_http_free(q->http);
    cb_environment_release(&q->environment);
    cb_arena_release(&q->arena);
}

// ---- asking --------------------------------------------------------------------------------------------------------

int cb_cosign_repository(struct cb_arena *a, struct cb_reference *out, struct cb_error *err)
{
    const char *elsewhere = getenv("COSIGN_REPOSITORY");
    if (!elsewhere || !*elsewhere)
        return 0;
    return cb_reference_parse_repository(a, cb_str(elsewhere), out, err) ? cb_context(err, "COSIGN_REPOSITORY") : 1;
}

static void tell(const struct cb_attestations *all)
{
    for (size_t i = 0; i < all->n; i++) {
        const struct cb_attestation *at = &all->v[i];
        struct cb_str type = at->predicate_type.n ? at->predicate_type : CB_STR("signature");
        if (at->refusal.n)
            cb_log(CB_DEBUG, "%.*s, %.*s: refused: %.*s", CB_STR_ARG(at->place), CB_STR_ARG(type),
                   CB_STR_ARG(at->refusal));
        else
            cb_log(CB_INFO, "%.*s, %.*s: signed by %.*s%s%.*s", CB_STR_ARG(at->place), CB_STR_ARG(type),
                   CB_STR_ARG(at->signer), at->issuer.n ? ", vouched for by " : "", CB_STR_ARG(at->issuer));
    }
}

int cb_asked_find(struct cb_asked *q, const char *image, unsigned which, struct cb_attestations *all, size_t *accepted,
                  struct cb_error *err)
{
    struct cb_reference ref, repository;
    int elsewhere = cb_cosign_repository(&q->arena, &repository, err);
    if (elsewhere < 0 || cb_reference_parse(&q->arena, cb_str(image), &ref, err))
        return -1;
    if (cb_attestations_find(q->registry, &q->arena, &ref, elsewhere ? &repository : NULL, which, all, err))
        return cb_context(err, "%s", image);
    *accepted = cb_attestations_verify(&q->arena, all, &q->policy);
    tell(all);
    return 0;
}

int cb_asked_explain(const char *image, const char *what, const struct cb_attestations *all, size_t accepted,
                     struct cb_error *err)
{
    CB_BUF_AUTO table = {0};
    if (accepted)
        return 0;
    if (!all->n)
        return cb_fail(err, CB_E_NOT_FOUND, "%s (%s) has no %s", image, all->image.text, what);
    cb_attestations_explain(all, &table);
    cb_fail(err, CB_E_TRUST, "nothing that is attached to %s (%s) is the %s you asked for", image, all->image.text,
            what);
    return cb_detail(err, "%s", table.p);
}

int cb_verify_print(struct cb_str text, struct cb_error *err)
{
    if (*F.output && strcmp(F.output, "json") && strcmp(F.output, "text"))
        return cb_write_file(F.output, text, 0644, err) ? cb_context(err, "--output") : 0;
    struct cb_sink out = cb_stdout_sink();
    return cb_write(&out, text.p, text.n, err);
}
