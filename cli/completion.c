// completion: scripts that complete the commands and flags of this very program, written from its tables.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "output.h"

static bool no_descriptions;

static struct cb_flag flags[] = {
    {"no-descriptions", 0, CB_FLAG_BOOL, &no_descriptions, NULL, "disable completion descriptions", false, false},
};

static struct cb_flags own_flags(void)
{
    return CB_FLAGS(flags);
}

static const struct cb_command *command_at(size_t i)
{
    size_t n;
    const struct cb_command *const *all = cb_commands(&n);
    return i < n ? all[i] : NULL;
}

// The flags' names with their dashes, separated by spaces.
static void add_flag_words(struct cb_buf *out, struct cb_flags list)
{
    for (size_t i = 0; i < list.n; i++) {
        if (list.v[i].hidden)
            continue;
        cb_buf_addf(out, " --%s", list.v[i].name);
        if (list.v[i].letter)
            cb_buf_addf(out, " -%c", list.v[i].letter);
    }
}

// The patterns of the global flags that take a value, for a shell's case.
static void add_value_patterns(struct cb_buf *out, struct cb_flags list)
{
    const char *bar = "";
    for (size_t i = 0; i < list.n; i++) {
        if (list.v[i].type == CB_FLAG_BOOL)
            continue;
        cb_buf_addf(out, "%s--%s", bar, list.v[i].name);
        bar = "|";
        if (list.v[i].letter)
            cb_buf_addf(out, "|-%c", list.v[i].letter);
    }
}

// A text within single quotes, its line breaks as spaces; colons escaped where `colons`.
static void add_quoted(struct cb_buf *out, const char *text, bool colons)
{
    for (; *text; text++) {
        if (*text == '\'')
            cb_buf_adds(out, "'\\''");
        else if (*text == ':' && colons)
            cb_buf_adds(out, "\\:");
        else
            cb_buf_addc(out, *text == '\n' ? ' ' : *text);
    }
}

// --- bash

static void write_bash(struct cb_buf *out, const char *program)
{
    cb_buf_addf(out,
                "# Completes %s in bash:  source <(%s completion bash)\n"
                "_%s()\n{\n"
                "    local cur=${COMP_WORDS[COMP_CWORD]} command= words= i\n"
                "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                "        case ${COMP_WORDS[i]} in\n"
                "        ",
                program, program, program);
    add_value_patterns(out, cb_global_flags());
    cb_buf_adds(out, ") ((i++)) ;;\n"
                     "        -*) ;;\n"
                     "        *) command=${COMP_WORDS[i]}; break ;;\n"
                     "        esac\n"
                     "    done\n"
                     "    case $command in\n"
                     "    '') words='help");
    const struct cb_command *c;
    for (size_t i = 0; (c = command_at(i)) != NULL; i++)
        if (!c->hidden)
            cb_buf_addf(out, " %s", c->name);
    cb_buf_adds(out, "' ;;\n");
    for (size_t i = 0; (c = command_at(i)) != NULL; i++) {
        cb_buf_addf(out, "    %s) words='", c->name);
        add_flag_words(out, c->flags());
        cb_buf_adds(out, "' ;;\n");
    }
    cb_buf_adds(out, "    esac\n    words+='");
    add_flag_words(out, cb_global_flags());
    cb_buf_addf(out,
                "'\n"
                "    COMPREPLY=()\n"
                "    if [[ -z $command || $cur == -* ]]; then\n"
                "        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
                "    fi\n"
                "}\n"
                "complete -o default -F _%s %s\n",
                program, program);
}

// --- zsh

static void add_zsh_flags(struct cb_buf *out, struct cb_flags list)
{
    for (size_t i = 0; i < list.n; i++) {
        if (list.v[i].hidden)
            continue;
        cb_buf_addf(out, "            '--%s", list.v[i].name);
        if (!no_descriptions) {
            cb_buf_addc(out, ':');
            add_quoted(out, list.v[i].help, true);
        }
        cb_buf_adds(out, "'\n");
    }
}

static void write_zsh(struct cb_buf *out, const char *program)
{
    cb_buf_addf(out,
                "#compdef %s\n"
                "# Completes %s in zsh:  %s completion zsh > \"${fpath[1]}/_%s\"\n"
                "_%s()\n{\n"
                "    local command i\n"
                "    local -a commands flags\n"
                "    for ((i = 2; i < CURRENT; i++)); do\n"
                "        case ${words[i]} in\n"
                "        (",
                program, program, program, program, program);
    add_value_patterns(out, cb_global_flags());
    cb_buf_adds(out, ") ((i++)) ;;\n"
                     "        (-*) ;;\n"
                     "        (*) command=${words[i]}; break ;;\n"
                     "        esac\n"
                     "    done\n"
                     "    commands=(\n");
    const struct cb_command *c;
    for (size_t i = 0; (c = command_at(i)) != NULL; i++) {
        if (c->hidden)
            continue;
        cb_buf_addf(out, "        '%s", c->name);
        if (!no_descriptions) {
            cb_buf_addc(out, ':');
            add_quoted(out, c->summary, true);
        }
        cb_buf_adds(out, "'\n");
    }
    cb_buf_adds(out, "    )\n    case $command in\n");
    for (size_t i = 0; (c = command_at(i)) != NULL; i++) {
        cb_buf_addf(out, "    (%s)\n        flags=(\n", c->name);
        add_zsh_flags(out, c->flags());
        cb_buf_adds(out, "        ) ;;\n");
    }
    cb_buf_adds(out, "    esac\n    flags+=(\n");
    add_zsh_flags(out, cb_global_flags());
    cb_buf_addf(out,
                "    )\n"
                "    if [[ ${words[CURRENT]} == -* ]]; then\n"
                "        _describe -o flag flags\n"
                "    elif [[ -z $command ]]; then\n"
                "        _describe command commands\n"
                "    else\n"
                "        _files\n"
                "    fi\n"
                "}\n"
                "if [[ ${funcstack[1]} == _%s ]]; then _%s \"$@\"; else compdef _%s %s; fi\n",
                program, program, program, program);
}

// --- fish

static void add_fish_flags(struct cb_buf *out, const char *program, const char *condition, struct cb_flags list)
{
    for (size_t i = 0; i < list.n; i++) {
        const struct cb_flag *f = &list.v[i];
        if (f->hidden)
            continue;
        cb_buf_addf(out, "complete -c %s%s -l %s", program, condition, f->name);
        if (f->letter)
            cb_buf_addf(out, " -s %c", f->letter);
        if (f->type != CB_FLAG_BOOL)
            cb_buf_adds(out, " -r");
        if (!no_descriptions) {
            cb_buf_adds(out, " -d '");
            add_quoted(out, f->help, false);
            cb_buf_addc(out, '\'');
        }
        cb_buf_addc(out, '\n');
    }
}

static void write_fish(struct cb_buf *out, const char *program)
{
    cb_buf_addf(out, "# Completes %s in fish:  %s completion fish | source\n", program, program);
    const struct cb_command *c;
    for (size_t i = 0; (c = command_at(i)) != NULL; i++) {
        if (c->hidden)
            continue;
        cb_buf_addf(out, "complete -c %s -n __fish_use_subcommand -f -a %s", program, c->name);
        if (!no_descriptions) {
            cb_buf_adds(out, " -d '");
            add_quoted(out, c->summary, false);
            cb_buf_addc(out, '\'');
        }
        cb_buf_addc(out, '\n');
    }
    for (size_t i = 0; (c = command_at(i)) != NULL; i++) {
        CB_AUTOFREE char *condition = cb_format(" -n '__fish_seen_subcommand_from %s'", c->name);
        add_fish_flags(out, program, condition, c->flags());
    }
    add_fish_flags(out, program, "", cb_global_flags());
}

static int run(const struct cb_invocation *in, struct cb_error *err)
{
    static const struct {
        const char *name;
        void (*write)(struct cb_buf *out, const char *program);
    } shells[] = {{"bash", write_bash}, {"zsh", write_zsh}, {"fish", write_fish}};
    CB_BUF_AUTO script = {0};
    if (in->args.n != 1) {
        cb_fail(err, CB_E_USAGE, "completion takes the name of a shell");
        return cb_hint(err, "cbuild completion bash, zsh or fish");
    }
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
        if (!strcmp(in->args.v[0], shells[i].name))
            shells[i].write(&script, in->program);
    if (!script.n) {
        cb_fail(err, CB_E_UNSUPPORTED, "there is no completion for \"%s\"", in->args.v[0]);
        return cb_hint(err, "there is one for bash, zsh and fish");
    }
    fwrite(script.p, 1, script.n, stdout);
    return 0;
}

const struct cb_command cb_command_completion = {
    .name = "completion",
    .usage = "SHELL [flags]",
    .summary = "Generate the autocompletion script for the specified shell",
    .text = "Print a script that completes commands and flags in bash, zsh or fish.",
    .example = "  source <(cbuild completion bash)\n  cbuild completion zsh > \"${fpath[1]}/_cbuild\"\n"
               "  cbuild completion fish | source",
    .flags = own_flags,
    .run = run,
};
