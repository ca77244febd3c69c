// completion: scripts that complete commands and flags in a shell. They ask the program itself: see complete.c.
#include <stdio.h>
#include <stdlib.h>

#include "command.h"

static bool no_descriptions;

static struct cb_flag flags[] = {
    {"no-descriptions", 0, CB_FLAG_BOOL, &no_descriptions, NULL, "disable completion descriptions", false, false},
};

static struct cb_flags own_flags(void)
{
    return CB_FLAGS(flags);
}

// ` stands for the program's name, % for the command that lists completions. What it lists ends in ":" and a number
// whose bit 4 says that no file fits.
static const struct {
    const char *name, *script;
} shells[] = {
    {"bash",
     "# Completes ` in bash:  source <(` completion bash)\n"
     "_`()\n"
     "{\n"
     "    local line directive=0\n"
     "    COMPREPLY=()\n"
     "    while IFS= read -r line; do\n"
     "        case $line in\n"
     "        :*) directive=${line#:} ;;\n"
     "        *) COMPREPLY+=(\"$line\") ;;\n"
     "        esac\n"
     "    done < <(\"${COMP_WORDS[0]/#\\~/$HOME}\" __completeNoDesc \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2> /dev/null)\n"
     "    if ((directive & 4)); then compopt +o default 2> /dev/null; fi\n"
     "}\n"
     "complete -o default -F _` `\n"},
    {"fish", "# Completes ` in fish:  ` completion fish | source\n"
             "function __`_complete\n"
             "    set -l words (commandline -opc)\n"
             "    set -l lines ($words[1] % $words[2..-1] (commandline -ct) 2> /dev/null)\n"
             "    string match -v -r '^:' -- $lines\n"
             "    test \"$lines[-1]\" = :4; or __fish_complete_path (commandline -ct)\n"
             "end\n"
             "complete -c ` -f -a '(__`_complete)'\n"},
    {"zsh", "#compdef `\n"
            "# Completes ` in zsh:  ` completion zsh > \"${fpath[1]}/_`\"\n"
            "_`()\n"
            "{\n"
            "    local line directive=0 tab=$'\\t'\n"
            "    local -a found\n"
            "    while IFS= read -r line; do\n"
            "        case $line in\n"
            "        (:*) directive=${line#:} ;;\n"
            "        (*) found+=(\"${${line//:/\\\\:}/$tab/:}\") ;;\n"
            "        esac\n"
            "    done < <(${(Q)~words[1]} % \"${(@Q)words[2,CURRENT]}\" 2> /dev/null)\n"
            "    if (( $#found )); then\n"
            "        _describe ` found\n"
            "    elif (( !(directive & 4) )); then\n"
            "        _files\n"
            "    fi\n"
            "}\n"
            "if [[ ${funcstack[1]} == _` ]]; then _` \"$@\"; else compdef _` `; fi\n"},
};
enum { SHELLS = sizeof shells / sizeof *shells };

static void add_script(struct cb_buf *out, const char *script, const char *program)
{
    for (; *script; script++) {
        if (*script == '`')
            cb_buf_adds(out, program);
        else if (*script == '%')
            cb_buf_adds(out, no_descriptions ? "__completeNoDesc" : "__complete");
        else
            cb_buf_addc(out, *script);
    }
}

static int run(const struct cb_invocation *in, struct cb_error *err)
{
    size_t i = 0;
    CB_BUF_AUTO script = {0};
    if (in->args.n != 1)
        return cb_fail(err, CB_E_USAGE, "completion takes the name of one shell, not %zu", in->args.n);
    while (i < SHELLS && strcmp(in->args.v[0], shells[i].name))
        i++;
    if (i == SHELLS) {
        cb_fail(err, CB_E_UNSUPPORTED, "there is no completion for \"%s\"", in->args.v[0]);
        return cb_hint(err, "there is one for bash, zsh and fish");
    }
    add_script(&script, shells[i].script, in->program);
    fwrite(script.p, 1, script.n, stdout);
    return 0;
}

static const char *const names[] = {"bash", "fish", "zsh", NULL};

const struct cb_command cb_command_completion = {
    .name = "completion",
    .usage = "SHELL [flags]",
    .summary = "Generate the autocompletion script for the specified shell",
    .text = "Print a script that completes commands and flags in bash, zsh or fish.",
    .example = "  source <(cbuild completion bash)\n  cbuild completion zsh > \"${fpath[1]}/_cbuild\"\n"
               "  cbuild completion fish | source",
    .words = names,
    .flags = own_flags,
    .run = run,
};
