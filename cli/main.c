// cbuild: one command a run. Parses the command line, opens the environment's doors, runs the command, says how it
// ended.
#include <errno.h>
#include <locale.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cbuild/base/file.h"
#include "cbuild/base/nearest.h"
#include "command.h"
#include "output.h"

static const struct cb_command *const commands[] = {
    &cb_command_attest,
    &cb_command_build,
    &cb_command_build_all,
    &cb_command_build_cpio,
    &cb_command_build_minirootfs,
    &cb_command_clean,
    &cb_command_completion,
    &cb_command_config,
    &cb_command_copy,
    &cb_command_diff,
    &cb_command_dot,
    &cb_command_erofs,
    &cb_command_install_keys,
    &cb_command_lock,
    &cb_command_login,
    &cb_command_publish,
    &cb_command_publish_all,
    &cb_command_reproduce,
    &cb_command_resolve,
    &cb_command_sbom,
    &cb_command_show_config,
    &cb_command_show_packages,
    &cb_command_sign,
    &cb_command_trust,
    &cb_command_verify,
    &cb_command_verify_attestation,
    &cb_command_verify_bundle,
    &cb_command_version,
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static const char *workdir = "", *log_level = "info";
static int64_t threads;
static bool help;

static struct cb_flag global_flags[] = {
    {"help", 'h', CB_FLAG_BOOL, &help, NULL, "help for this command", false, false},
    {"log-level", 0, CB_FLAG_STRING, &log_level, NULL, "log level (e.g. debug, info, warn, error, fatal, panic)", false,
     false},
    {"threads", 0, CB_FLAG_INT, &threads, NULL, "threads to work with (0: one for each core)", false, false},
    {"workdir", 'C', CB_FLAG_STRING, &workdir, NULL, "working dir (default is current dir where executed)", false,
     false},
};

const struct cb_command *const *cb_commands(size_t *n)
{
    *n = COMMANDS;
    return commands;
}

struct cb_flags cb_global_flags(void)
{
    return CB_FLAGS(global_flags);
}

void cb_be_brief(void)
{
    if (!cb_flag_given(cb_global_flags(), "log-level"))
        cb_print_logs("warn");
}

static void add_command_list(struct cb_buf *out)
{
    cb_buf_adds(out, "cbuild builds, publishes and proves container images, byte for byte as apko does.\n\nUsage:\n"
                     "  cbuild [command]\n\nAvailable Commands:\n");
    for (size_t i = 0; i < COMMANDS; i++)
        if (!commands[i]->hidden)
            cb_buf_addf(out, "  %-16s %s\n", commands[i]->name, commands[i]->summary);
    cb_buf_addf(out, "  %-16s %s\n\nFlags:\n", "help", "Help about any command");
    cb_flags_help(CB_FLAGS(global_flags), out);
    cb_buf_adds(out, "\nUse \"cbuild [command] --help\" for more information about a command.\n");
}

static void add_command_help(const struct cb_command *c, struct cb_buf *out)
{
    cb_buf_addf(out, "%s\n\nUsage:\n  cbuild %s %s\n", c->text ? c->text : c->summary, c->name, c->usage);
    if (c->alias)
        cb_buf_addf(out, "\nAliases:\n  %s, %s\n", c->name, c->alias);
    if (c->example)
        cb_buf_addf(out, "\nExamples:\n%s\n", c->example);
    struct cb_flags own = c->flags();
    if (own.n) {
        cb_buf_adds(out, "\nFlags:\n");
        cb_flags_help(own, out);
    }
    cb_buf_adds(out, "\nGlobal Flags:\n");
    cb_flags_help(CB_FLAGS(global_flags), out);
}

static int print_help(const struct cb_command *c, struct cb_error *err)
{
    CB_BUF_AUTO out = {0};
    if (c)
        add_command_help(c, &out);
    else
        add_command_list(&out);
    fwrite(out.p, 1, out.n, stdout);
    return cb_flush_stdout(err);
}

// Whether a word may be the flag -h or --help.
static bool may_ask_for_help(int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        if (!strncmp(argv[i], "--help", 6) || (argv[i][0] == '-' && argv[i][1] != '-' && strchr(argv[i], 'h')))
            return true;
    return false;
}

const struct cb_command *cb_find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (!strcmp(name, commands[i]->name) || (commands[i]->alias && !strcmp(name, commands[i]->alias)))
            return commands[i];
    return NULL;
}

static int unknown_command(const char *name, struct cb_error *err)
{
    const char *names[COMMANDS];
    for (size_t i = 0; i < COMMANDS; i++)
        names[i] = commands[i]->name;
    const char *nearest = cb_nearest(name, names, COMMANDS);
    cb_fail(err, CB_E_USAGE, "unknown command \"%s\"", name);
    return nearest ? cb_hint(err, "did you mean %s?", nearest) : cb_hint(err, "cbuild --help lists the commands");
}

static const struct cb_flag *find_flag(struct cb_flags flags, const char *word)
{
    for (size_t i = 0; i < flags.n; i++)
        if (word[1] == '-' ? !strcmp(flags.v[i].name, word + 2) : flags.v[i].letter == word[1])
            return &flags.v[i];
    return NULL;
}

bool cb_takes_next(const char *word)
{
    if (strchr(word, '=') || (word[1] != '-' && strlen(word) != 2))
        return false;
    const struct cb_flag *flag = find_flag(CB_FLAGS(global_flags), word);
    for (size_t i = 0; i < COMMANDS && !flag; i++)
        flag = find_flag(commands[i]->flags(), word);
    return !flag || flag->type != CB_FLAG_BOOL;
}

int cb_command_at(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-')
            return i;
        i += cb_takes_next(argv[i]);
    }
    return 0;
}

static unsigned count_cores(void)
{
    cpu_set_t cores;
    int n = sched_getaffinity(0, sizeof cores, &cores) == 0 ? CPU_COUNT(&cores) : 1;
    return n > 0 ? (unsigned)n : 1;
}

// Bytes do not depend on the user's mask, locale or limits: what would make them depend on it is settled here.
static void settle_process(void)
{
    struct rlimit files;
    umask(umask(022) | 022); // never writable by others, stricter where the user is
    setlocale(LC_ALL, "C");
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); // a file that may not grow is an error with its name, not a death without a word
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files); // a package is a descriptor; where this fails the old limit holds
    }
    const char *folder = getenv("TMPDIR");
    if (folder && *folder)
        cb_temp_set_folder(folder);
}

static int start(struct cb_invocation *in, struct cb_error *err)
{
    if (!cb_print_logs(log_level)) {
        cb_fail(err, CB_E_USAGE, "--log-level: \"%s\" is not a level", log_level);
        return cb_hint(err, "one of debug, info, warn, error, fatal, panic");
    }
    if (threads < 0 || threads > 256)
        return cb_fail(err, CB_E_USAGE, "--threads: %lld is not from 0 to 256", (long long)threads);
    if (*workdir && chdir(workdir))
        return cb_fail_errno(err, errno, "--workdir %s", workdir);
    in->threads = threads ? (unsigned)threads : count_cores();
    in->pool = cb_pool_new(in->threads);
    int result = in->command->run(in, err);
    cb_pool_free(in->pool);
    return result < 0 || cb_flush_stdout(err) ? -1 : result;
}

static const char *program_name(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    return path && !strcmp(slash ? slash + 1 : path, "apko") ? "apko" : "cbuild";
}

// With the words after the command's name, those before it among them.
static int run_command(struct cb_invocation *in, int argc, char **argv, struct cb_error *err)
{
    CB_BUF_AUTO text = {0}; // of the help: made before flags are read, since it shows their defaults
    if (in->command->words || may_ask_for_help(argc, argv))
        add_command_help(in->command, &text);
    if (cb_flags_parse(in->command->flags(), CB_FLAGS(global_flags), argc, argv, &in->args, err))
        return err->kind == CB_E_USAGE ? cb_hint(err, "cbuild %s --help lists the flags", in->command->name) : -1;
    if (!help && (!in->command->words || in->args.n))
        return start(in, err);
    fwrite(text.p, 1, text.n, stdout);
    return cb_flush_stdout(err);
}

// Without a command there is nothing but help, and flags that must be known.
static int run_without_command(int argc, char **argv, struct cb_error *err)
{
    struct cb_args args = {0};
    int failed = cb_flags_parse((struct cb_flags){0}, CB_FLAGS(global_flags), argc, argv, &args, err);
    cb_args_release(&args);
    return failed ? -1 : print_help(NULL, err);
}

// What follows "help": a command's name, or nothing.
static int run_help(int argc, char **argv, struct cb_error *err)
{
    struct cb_args args = {0};
    int failed = cb_flags_parse((struct cb_flags){0}, CB_FLAGS(global_flags), argc, argv, &args, err);
    const char *topic = args.n ? args.v[0] : "help";
    const struct cb_command *c = cb_find_command(topic);
    cb_args_release(&args);
    if (failed)
        return -1;
    return !c && strcmp(topic, "help") ? unknown_command(topic, err) : print_help(c, err);
}

static int run(int argc, char **argv, int *failure_status, struct cb_error *err)
{
    if (argc > 1 && cb_str_starts(cb_str(argv[1]), "__complete"))
        return cb_complete(argc - 1, argv + 1, err);
    int at = cb_command_at(argc, argv);
    if (!at)
        return run_without_command(argc - 1, argv + 1, err);
    if (!strcmp(argv[at], "help"))
        return run_help(argc - at - 1, argv + at + 1, err);
    struct cb_invocation in = {.program = program_name(argv[0]), .command = cb_find_command(argv[at])};
    if (!in.command)
        return unknown_command(argv[at], err);
    if (in.command->failure_status)
        *failure_status = in.command->failure_status;
    for (int i = at; i > 1; i--)
        argv[i] = argv[i - 1]; // flags before the command's name are like those after it
    int result = run_command(&in, argc - 2, argv + 2, err);
    cb_args_release(&in.args);
    return result;
}

int main(int argc, char **argv)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    int failure_status = 1;
    settle_process();
    int result = run(argc, argv, &failure_status, &err);
    if (result >= 0)
        return result;
    cb_print_error(&err);
    return failure_status;
}
