#include <stdlib.h>

#include "build_flags.h"
#include "cbuild/base/file.h"
#include "cbuild/base/log.h"
#include "cbuild/builder/lock.h"

// "image.yaml" -> "image.lock.json"
static char *default_output(const char *config, const char *extension)
{
    const char *slash = strrchr(config, '/'), *dot = strrchr(config, '.');
    int n = dot && (!slash || dot > slash) ? (int)(dot - config) : (int)strlen(config);
    return cb_format("%.*s.%s", n, config, extension);
}

static int make_lock(const struct cb_session *s, const char *output, struct cb_error *err)
{
    CB_BUF_AUTO text = {0};
    struct cb_lock_file lock;
    if (cb_lock_make(&s->options, &lock, err))
        return -1;
    cb_lock_file_write(&lock, &text);
    cb_lock_file_release(&lock);
    return cb_write_file(output, cb_buf_str(&text), 0644, err);
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
    if (cb_check_output(output, err) || cb_session_open(&s, in, in->args.v[0], err))
        return -1;
    s.options.vcs = false;
    return make_lock(&s, output, err);
}

const struct cb_command cb_command_lock = {
    .name = "lock",
    .usage = "CONFIG [flags]",
    .summary = "Write down the exact packages of a configuration",
    .text =
        "Resolve a configuration for each architecture and write the exact packages, with the hashes of their parts, "
        "to a\nlock file, from which `build --lockfile` builds the same image later.",
    .example = "  cbuild lock <config.yaml>",
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
