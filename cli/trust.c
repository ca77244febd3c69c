// trust update, show and export: the trusted root by TUF.
#include <stdio.h>
#include <time.h>

#include "cbuild/base/file.h"
#include "columns.h"
#include "command.h"
#include "environment.h"
#include "output.h"
#include "trust_state.h"

static const char *mirror = "", *initial_root = "", *output = "", *target = CB_TUF_TRUSTED_ROOT;
static bool offline;

static struct cb_flag flags[] = {
    {"initial-root", 0, CB_FLAG_STRING, &initial_root, "FILE",
     "begin anew with this root.json instead of that of Sigstore's public instance", 0, 0},
    {"mirror", 0, CB_FLAG_STRING, &mirror, "URL", "the repository (default: that of the last update, else Sigstore's)",
     0, 0},
    {"offline", 0, CB_FLAG_BOOL, &offline, NULL, "of show and export: what is at hand, without asking the repository",
     0, 0},
    {"output", 'o', CB_FLAG_STRING, &output, "FILE", "of export: where to write instead of stdout", 0, 0},
    {"target", 0, CB_FLAG_STRING, &target, "NAME", "of export: which of the repository's targets", 0, 0},
};

static struct cb_flags own_flags(void)
{
    return CB_FLAGS(flags);
}

static const char *format_time(int64_t t, char out[24])
{
    struct tm tm;
    time_t seconds = (time_t)t;
    if (t == INT64_MAX || t == INT64_MIN || !gmtime_r(&seconds, &tm) || !strftime(out, 24, "%Y-%m-%dT%H:%M:%SZ", &tm))
        return "-";
    return out;
}

static void add_roles(const struct cb_trust_state *s, struct cb_buf *out)
{
    static const char *const names[CB_TUF_ROLES] = {"root", "timestamp", "snapshot", "targets"};
    struct cb_tuf_role_state state;
    char expires[24];
    cb_buf_adds(out, "ROLE\tVERSION\tEXPIRES\t\n");
    for (enum cb_tuf_role role = CB_TUF_ROOT; role < CB_TUF_ROLES; role++)
        if (cb_tuf_role_state(s->tuf, role, &state))
            cb_buf_addf(out, "%s\t%llu\t%s%s\t\n", names[role], (unsigned long long)state.version,
                        format_time(state.expires, expires), state.expires <= s->now ? " (expired)" : "");
}

static void add_party(struct cb_buf *out, const char *sort, struct cb_str url, struct cb_window w)
{
    char start[24], end[24];
    cb_buf_addf(out, "%s\t", sort);
    cb_escape(out, url, 500, false);
    cb_buf_addf(out, "\t%s\t%s\t\n", format_time(w.start, start), format_time(w.end, end));
}

static int add_parties(const struct cb_trust_state *s, struct cb_buf *out, struct cb_error *err)
{
    CB_TRUSTED_ROOT_AUTO root = {0};
    CB_BUF_AUTO text = {0};
    if (cb_tuf_target(s->tuf, CB_TUF_TRUSTED_ROOT, &text, err) ||
        cb_trusted_root_parse(&root, cb_buf_str(&text), CB_TUF_TRUSTED_ROOT, err))
        return -1;
    cb_buf_adds(out, "\nBELIEVED\tWHERE\tFROM\tTO\t\n");
    for (size_t i = 0; i < root.nlogs; i++)
        add_party(out, "log", root.logs[i].base_url, root.logs[i].window);
    for (size_t i = 0; i < root.nct_logs; i++)
        add_party(out, "certificate log", root.ct_logs[i].base_url, root.ct_logs[i].window);
    for (size_t i = 0; i < root.ncertificate_authorities; i++)
        add_party(out, "certificate authority", root.certificate_authorities[i].uri,
                  root.certificate_authorities[i].window);
    for (size_t i = 0; i < root.ntimestamp_authorities; i++)
        add_party(out, "timestamp authority", root.timestamp_authorities[i].uri, root.timestamp_authorities[i].window);
    return 0;
}

static int show(struct cb_trust_state *s, struct cb_error *err)
{
    CB_BUF_AUTO out = {0};
    cb_buf_addf(&out, "repository\t%s\t\nfolder\t%s\t\n\n", s->mirror, s->folder);
    add_roles(s, &out);
    if (add_parties(s, &out, err))
        return -1;
    cb_print_columns(cb_buf_str(&out));
    return 0;
}

static int export(struct cb_trust_state *s, struct cb_error *err)
{
    CB_BUF_AUTO text = {0};
    if (cb_tuf_target(s->tuf, target, &text, err))
        return -1;
    if (*output)
        return cb_write_file(output, cb_buf_str(&text), 0644, err) ? cb_context(err, "--output") : 0;
    struct cb_sink out = cb_stdout_sink();
    return cb_write(&out, text.p, text.n, err);
}

static int update(struct cb_trust_state *s, struct cb_error *err)
{
    CB_BUF_AUTO text = {0};
    CB_BUF_AUTO out = {0};
    if (cb_tuf_target(s->tuf, CB_TUF_TRUSTED_ROOT, &text, err)) // so that it is at hand without a network
        return -1;
    add_roles(s, &out);
    cb_print_columns(cb_buf_str(&out));
    return 0;
}

static const struct verb {
    const char *name;
    int (*run)(struct cb_trust_state *s, struct cb_error *err);
} verbs[] = {{"export", export}, {"show", show}, {"update", update}};

static const struct verb *find_verb(const struct cb_args *args, struct cb_error *err)
{
    for (size_t i = 0; args->n == 1 && i < sizeof verbs / sizeof *verbs; i++)
        if (!strcmp(args->v[0], verbs[i].name))
            return &verbs[i];
    cb_fail(err, CB_E_USAGE, "trust takes one of update, show and export");
    return NULL;
}

static int run_verb(const struct verb *v, struct cb_trust_state *s, struct cb_error *err)
{
    if (cb_trust_state_open(s, mirror, initial_root, err))
        return -1;
    if (!s->offline && cb_trust_state_update(s, err))
        return -1;
    return v->run(s, err);
}

static int run(const struct cb_invocation *in, struct cb_error *err)
{
    CB_ENVIRONMENT_AUTO e = {0};
    const struct verb *v = find_verb(&in->args, err);
    if (!v || cb_environment_read(&e, err))
        return -1;
    if (v->run == update && offline)
        return cb_fail(err, CB_E_USAGE, "trust update --offline: there is nothing to do");
    const struct cb_http_options options = {.env = e.http, .user_agent = "cbuild/" CBUILD_VERSION};
    CB_TRUST_STATE_AUTO s = {.http = cb_http_new(&options), .now = e.now, .offline = offline};
    int failed = run_verb(v, &s, err);
    cb_http_free(s.http);
    return failed;
}

const struct cb_command cb_command_trust = {
    .name = "trust",
    .usage = "update|show|export [flags]",
    .summary = "Keep the trusted root that keyless signatures are verified by",
    .text = "Which certificate authorities and logs are believed is said by the trusted root, which comes by TUF from\n"
            "Sigstore's repository or another. It is kept in CBUILD_TRUST_DIR, else in cbuild/trust of the cache "
            "folder.\n\n"
            "  update  brings it up to date\n  show    lists what is believed, and until when\n"
            "  export  writes trusted_root.json, or another target",
    .example = "  cbuild trust update\n  cbuild trust export -o trusted_root.json\n"
               "  cbuild trust update --mirror https://tuf.example.com --initial-root root.json",
    .flags = own_flags,
    .run = run,
};
