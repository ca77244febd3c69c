#include <stdlib.h>

#include "build_flags.h"
#include "cbuild/base/file.h"
#include "cbuild/base/log.h"
#include "cbuild/builder/lock.h"
#include "cbuild/text/gojson.h"
#include "output.h"

// "image.yaml" -> "image.lock.json"
static char *default_output(const char *config, const char *extension)
{
    const char *slash = strrchr(config, '/'), *dot = strrchr(config, '.');
    int n = dot && (!slash || dot > slash) ? (int)(dot - config) : (int)strlen(config);
    return cb_format("%.*s.%s", n, config, extension);
}

static int read_lock(const char *path, struct cb_lock_file *out, struct cb_error *err)
{
    CB_BUF_AUTO text = {0};
    if (cb_read_named(path, &text, CB_LOCK_FILE_MAX, err) == 0 &&
        cb_lock_file_parse(cb_buf_str(&text), path, out, err) == 0)
        return 0;
    cb_hint(err, "a lock file is what `cbuild lock` writes; --output says where it is");
    return -1;
}

static int print_escaped(struct cb_str text, struct cb_error *err)
{
    CB_BUF_AUTO safe = {0};
    struct cb_sink out = cb_stdout_sink();
    cb_escape(&safe, text, SIZE_MAX, true);
    return safe.n ? cb_write(&out, safe.p, safe.n, err) : 0;
}

static int check_lock(const struct cb_session *s, const char *path, struct cb_error *err)
{
    CB_BUF_AUTO lines = {0};
    CB_LOCK_FILE_AUTO before = {0};
    CB_LOCK_FILE_AUTO now = {0};
    if (read_lock(path, &before, err) || cb_lock_make(&s->options, &now, err))
        return -1;
    if (!cb_lock_file_compare(&before, &now, &lines))
        return 0;
    return print_escaped(cb_buf_str(&lines), err) ? -1 : 1;
}

static int make_lock(const struct cb_session *s, const char *output, struct cb_error *err)
{
    const struct cb_strs *names = &cb_build_flags.update_packages;
    CB_BUF_AUTO text = {0};
    CB_LOCK_FILE_AUTO old = {0};
    CB_LOCK_FILE_AUTO lock = {0};
    if (names->n && read_lock(output, &old, err))
        return -1;
    if (names->n ? cb_lock_update(&s->options, &old, names, &lock, err) : cb_lock_make(&s->options, &lock, err))
        return -1;
    cb_lock_file_write(&lock, &text);
    return cb_write_file(output, cb_buf_str(&text), 0644, err);
}

static void write_newer(struct cb_json *j, const struct cb_lock_newer *x)
{
    cb_json_object(j);
    cb_json_field(j, "name", x->locked->name);
    cb_json_field(j, "architecture", x->locked->architecture);
    cb_json_field(j, "locked", x->locked->version);
    cb_json_field(j, "newest", x->version);
    cb_json_field(j, "url", x->url);
    cb_json_end(j);
}

static int print_outdated(const struct cb_lock_outdated *l, struct cb_error *err)
{
    CB_BUF_AUTO text = {0};
    if (!cb_build_flags.json) {
        for (size_t i = 0; i < l->n; i++)
            cb_buf_addf(&text, "%.*s: %.*s %.*s -> %.*s\n", CB_STR_ARG(l->v[i].locked->architecture),
                        CB_STR_ARG(l->v[i].locked->name), CB_STR_ARG(l->v[i].locked->version),
                        CB_STR_ARG(l->v[i].version));
        return print_escaped(cb_buf_str(&text), err);
    }
    struct cb_json j = cb_json(&text, "", "  ");
    struct cb_sink out = cb_stdout_sink();
    cb_json_array(&j);
    for (size_t i = 0; i < l->n; i++)
        write_newer(&j, &l->v[i]);
    cb_json_end(&j);
    cb_buf_addc(&text, '\n');
    return cb_write(&out, text.p, text.n, err);
}

static int list_outdated(const struct cb_session *s, const char *path, struct cb_error *err)
{
    CB_LOCK_FILE_AUTO lock = {0};
    CB_LOCK_OUTDATED_AUTO newer = {0};
    if (read_lock(path, &lock, err) || cb_lock_find_outdated(&s->options, &lock, &newer, err) ||
        print_outdated(&newer, err))
        return -1;
    return newer.n ? 1 : 0;
}

static int check_modes(struct cb_error *err)
{
    const struct cb_build_flags *f = &cb_build_flags;
    if (f->check + f->outdated + (f->update_packages.n > 0) > 1)
        return cb_fail(err, CB_E_USAGE, "only one of --check, --outdated and --update-package can be done at a time");
    if (f->json && !f->outdated)
        return cb_fail(err, CB_E_USAGE, "--json goes with --outdated");
    return 0;
}

static int run(const struct cb_invocation *in, struct cb_error *err)
{
    if (in->args.n < 1) {
        cb_fail(err, CB_E_USAGE, "%s takes a configuration", in->command->name);
        return cb_hint(err, "cbuild %s CONFIG", in->command->name);
    }
    bool is_resolve = in->command == &cb_command_resolve;
    if (is_resolve)
        cb_log(CB_WARN, "resolve is the old name of lock, and will be gone one day");
    CB_AUTOFREE char *output = *cb_build_flags.output
                                   ? cb_strdup(cb_build_flags.output)
                                   : default_output(in->args.v[0], is_resolve ? "resolved.json" : "lock.json");
    CB_SESSION_AUTO s = {0};
    bool writes = !cb_build_flags.check && !cb_build_flags.outdated;
    if (check_modes(err) || (writes && cb_check_output(output, err)) || cb_session_open(&s, in, in->args.v[0], err))
        return -1;
    s.options.vcs = false;
    if (cb_build_flags.outdated)
        return list_outdated(&s, output, err);
    if (cb_build_flags.check)
        return check_lock(&s, output, err);
    return make_lock(&s, output, err);
}

const struct cb_command cb_command_lock = {
    .name = "lock",
    .usage = "CONFIG [flags]",
    .summary = "Write down the exact packages of a configuration",
    .text =
        "Resolve a configuration for each architecture and write the exact packages, with the hashes of their parts, "
        "to a\nlock file, from which `build --lockfile` builds the same image later.\n\n"
        "--check writes nothing: it lists what a new lock file would have otherwise than the one that is there. "
        "--outdated lists\nthe locked packages of which the repositories have newer versions, whether or not the "
        "configuration lets them be taken;\nwith --json as objects with name, architecture, locked, newest and url. "
        "Both exit with 0 where there is nothing to\nlist, and with 1 where there is (or something is wrong).\n\n"
        "--update-package locks anew with all other packages held at their locked versions. Where that leaves nothing "
        "to choose,\nas few of them as it takes move too, and a warning names them.",
    .example = "  cbuild lock <config.yaml>\n"
               "  cbuild lock --check <config.yaml>\n"
               "  cbuild lock --update-package openssl,libssl3 <config.yaml>",
    .flags = cb_lock_flag_table,
    .run = run,
};

const struct cb_command cb_command_resolve = {
    .name = "resolve",
    .usage = "CONFIG [flags]",
    .summary = "The old name of lock",
    .example = "  cbuild resolve <config.yaml>",
    .hidden = true,
    .flags = cb_lock_flag_table,
    .run = run,
};
