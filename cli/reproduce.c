// reproduce: from a published image to the very same bytes, or to what differs and why.
#include "cbuild/builder/reproduce.h"

#include <stdio.h>

#include "build_flags.h"
#include "cbuild/base/log.h"
#include "cbuild/builder/arch.h"
#include "proof.h"
#include "verify_flags.h"

#define FLAGS_MAX 64u

static const char *arch = "", *format = "text", *keep = "";
static int64_t limit = 20;

static struct cb_flag flags[] = {
    {"arch", 0, CB_FLAG_STRING, &arch, NULL, "only the image for this architecture (default: all of the index)", 0, 0},
    {"format", 0, CB_FLAG_STRING, &format, NULL, "of what differs: text, json, markdown or html", 0, 0},
    {"keep", 0, CB_FLAG_STRING, &keep, "DIR", "leave both images, the configuration and the report in this new folder",
     0, 0},
    {"limit", 0, CB_FLAG_INT, &limit, NULL, "differences told in full for each layer; further ones are counted", 0, 0},
};

static struct cb_flags own_flags(void)
{
    static struct cb_flag table[FLAGS_MAX];
    const struct cb_flags parts[] = {CB_FLAGS(flags), cb_verify_flag_table(), cb_reproduce_flag_table()};
    struct cb_flags all = {table, 0};
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++)
        for (size_t i = 0; i < parts[k].n && all.n < FLAGS_MAX; i++)
            if (k != 1 || cb_proof_is_flag(parts[k].v[i].name))
                table[all.n++] = parts[k].v[i];
    return all;
}

static int check_flags(const struct cb_invocation *in, enum cb_diff_format *out, struct cb_error *err)
{
    static const char *const names[] = {"text", "json", "markdown", "html"};
    size_t i = 0;
    if (cb_check_argument_count(in, 1, err))
        return -1;
    while (i < 4 && strcmp(format, names[i]))
        i++;
    if (i == 4)
        return cb_fail(err, CB_E_USAGE, "--format: \"%s\" is none of text, json, markdown, html", format);
    *out = (enum cb_diff_format)i;
    if (limit < 1 || limit > 1000000)
        return cb_fail(err, CB_E_USAGE, "--limit: %lld is not from 1 to 1000000", (long long)limit);
    return 0;
}

// ---- the verdict --------------------------------------------------------------------------------------------------

static int say(const struct cb_reproduction *r, const struct cb_proof *p)
{
    if (r->same) {
        printf("REPRODUCED %s%s\n", r->wanted.text, p->verified ? "" : " (nothing was verified)");
        return 0;
    }
    printf("DIFFERENT %s: built again, it is %s\n", r->wanted.text, *r->got.text ? r->got.text : "not there");
    for (size_t i = 0; i < r->images.n; i++)
        printf("%.*s %s: %s%s\n", CB_STR_ARG(r->images.v[i].label), r->images.v[i].wanted.text,
               cb_digest_eq(&r->images.v[i].wanted, &r->images.v[i].got) ? "the same" : "built again ",
               cb_digest_eq(&r->images.v[i].wanted, &r->images.v[i].got) ? "" : r->images.v[i].got.text);
    fwrite(r->report.p, 1, r->report.n, stdout);
    return 1;
}

static int reproduce(const struct cb_session *session, struct cb_image_source *s, const struct cb_proof *p,
                     enum cb_diff_format as, struct cb_error *err)
{
    CB_REPRODUCTION_AUTO r = {0};
    const struct cb_diff_options diff = {.limit = (unsigned)limit, .format = as};
    const struct cb_reproduce_options o = {
        .build = &session->options,
        .attested = p->config,
        .arch = *arch ? cb_arch_parse(cb_str(arch)) : CB_STR(""),
        .keep = keep,
        .diff = &diff,
    };
    int failed = cb_reproduce(s, &o, &r, err);
    for (size_t i = 0; i < r.notes.n; i++)
        cb_log(CB_INFO, "%.*s", CB_STR_ARG(r.notes.v[i]));
    return failed ? -1 : say(&r, p);
}

static int run(const struct cb_invocation *in, struct cb_error *err)
{
    CB_SESSION_AUTO session = {0};
    CB_IMAGE_SOURCE_AUTO source = {0};
    CB_PROOF_AUTO p = {0};
    enum cb_diff_format as = CB_DIFF_TEXT;
    if (check_flags(in, &as, err) || cb_session_open(&session, in, NULL, err))
        return -1;
    struct cb_registry *r = cb_registry_new(session.http, &session.environment.credentials);
    const struct cb_image_access access = {r, session.http, &session.environment.docker};
    int result = cb_image_source_open(&source, in->args.v[0], &access, err) || cb_proof_find(&p, &source, err)
                     ? -1
                     : reproduce(&session, &source, &p, as, err);
    cb_image_source_close(&source);
    cb_registry_free(r);
    return result;
}

const struct cb_command cb_command_reproduce = {
    .name = "reproduce",
    .usage = "IMAGE [flags]",
    .summary = "Build a published image again, and compare",
    .text =
        "Build a published image again from its attested configuration, or from the one that its layers hold, and "
        "compare:\n\"REPRODUCED sha256:...\" and exit status 0 where the same bytes come out, else what differs and "
        "why, and 1; 2 where\nit cannot be built.\n\nWith --key or --certificate-identity the configuration's "
        "attestation is verified first. What a configuration leaves\nopen is taken from the image: versions of "
        "packages, the date it was built for.",
    .example =
        "  cbuild reproduce registry.example.com/hello:latest --key cosign.pub --insecure-ignore-tlog --keep out",
    .flags = own_flags,
    .run = run,
    .failure_status = 2,
};
