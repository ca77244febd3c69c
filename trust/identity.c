// Whether a signer is the one asked for.
#include "parts.h"

static const char *const claim_names[CB_WORKFLOW_CLAIMS] = {
    [CB_WORKFLOW_TRIGGER] = "trigger",       [CB_WORKFLOW_SHA] = "commit", [CB_WORKFLOW_NAME] = "name",
    [CB_WORKFLOW_REPOSITORY] = "repository", [CB_WORKFLOW_REF] = "ref",
};

// `how` is what stands before the value in messages.
static int check(const char *how, struct cb_str value, struct cb_str want, const struct cb_regexp *pattern,
                 struct cb_error *err)
{
    if (!pattern) {
        if (want.n && cb_str_eq(want, value))
            return 0;
        return cb_fail(err, CB_E_TRUST, "%s %.*s, you asked for %.*s", how, CB_STR_ARG(value), CB_STR_ARG(want));
    }
    int matches = cb_regexp_match(pattern, value, err);
    if (matches < 0)
        return -1;
    if (matches)
        return 0;
    return cb_fail(err, CB_E_TRUST, "%s %.*s, you asked for what matches %.*s", how, CB_STR_ARG(value),
                   CB_STR_ARG(cb_regexp_text(pattern)));
}

static int check_workflow(const struct cb_signer *c, const struct cb_bundle_policy *p, struct cb_error *err)
{
    for (size_t i = 0; i < CB_WORKFLOW_CLAIMS; i++) {
        if (!p->workflow[i].n || cb_str_eq(p->workflow[i], c->workflow[i]))
            continue;
        if (!c->workflow[i].n)
            return cb_fail(err, CB_E_TRUST, "the certificate names no GitHub workflow %s, you asked for %.*s",
                           claim_names[i], CB_STR_ARG(p->workflow[i]));
        return cb_fail(err, CB_E_TRUST, "signed by a GitHub workflow with the %s %.*s, you asked for %.*s",
                       claim_names[i], CB_STR_ARG(c->workflow[i]), CB_STR_ARG(p->workflow[i]));
    }
    return 0;
}

int cb_signer_check_identity(const struct cb_signer *c, const struct cb_bundle_policy *p, struct cb_error *err)
{
    return check("signed by", c->identity, p->identity, p->identity_pattern, err) ||
                   check("the signer's identity was vouched for by", c->issuer, p->issuer, p->issuer_pattern, err) ||
                   check_workflow(c, p, err)
               ? -1
               : 0;
}
