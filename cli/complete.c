// __complete: what could stand where a command line ends, for a shell's completion. The form is that of the reference,
// so that scripts of either program go with both:
//
//   word TAB description    one line for each, the description missing for __completeNoDesc
//   :4                      last; or :0 where a file's name could stand
#include <stdio.h>

#include "command.h"

enum { ONLY_THESE = 4, FILES = 0 };

struct completing {
    struct cb_buf *out;
    const char *start; // what the word begins with
    bool descriptions;
};

static void offer(const struct completing *c, const char *word, const char *description)
{
    size_t n = strcspn(description, "\n");
    if (strncmp(word, c->start, strlen(c->start)))
        return;
    cb_buf_adds(c->out, word);
    if (c->descriptions && n)
        cb_buf_addf(c->out, "\t%.*s", (int)n, description);
    cb_buf_addc(c->out, '\n');
}

static void offer_flags(const struct completing *c, struct cb_flags flags)
{
    for (size_t i = 0; i < flags.n; i++) {
        const struct cb_flag *f = &flags.v[i];
        const char letter[] = {'-', f->letter, '\0'};
        if (f->hidden)
            continue;
        CB_AUTOFREE char *word = cb_format("--%s", f->name);
        offer(c, word, f->help);
        if (f->letter)
            offer(c, letter, f->help);
    }
}

static void offer_commands(const struct completing *c)
{
    size_t n;
    const struct cb_command *const *all = cb_commands(&n);
    for (size_t i = 0; i < n; i++)
        if (!all[i]->hidden)
            offer(c, all[i]->name, all[i]->summary);
}

// Completes the last of the words, which follow argv[0].
static int complete(const struct completing *c, int argc, char **argv)
{
    int at = cb_command_at(argc - 1, argv);
    bool is_help = at && !strcmp(argv[at], "help");
    const struct cb_command *command = at && !is_help ? cb_find_command(argv[at]) : NULL;
    if ((at && !is_help && !command) || (argc > 2 && argv[argc - 2][0] == '-' && cb_takes_next(argv[argc - 2])))
        return FILES;
    if (c->start[0] == '-') {
        if (strchr(c->start, '='))
            return FILES;
        offer_flags(c, cb_global_flags());
        if (command)
            offer_flags(c, command->flags());
        return ONLY_THESE;
    }
    if (!command) {
        offer_commands(c);
        if (!is_help)
            offer(c, "help", "Help about any command");
        return ONLY_THESE;
    }
    if (!command->words || cb_command_at(argc - 1 - at, argv + at))
        return FILES;
    for (size_t i = 0; command->words[i]; i++)
        offer(c, command->words[i], "");
    return ONLY_THESE;
}

int cb_complete(int argc, char **argv, struct cb_error *err)
{
    CB_BUF_AUTO out = {0};
    if (argc < 2)
        return cb_fail(err, CB_E_USAGE, "%s takes the words of a command line", argv[0]);
    const struct completing c = {&out, argv[argc - 1], !strcmp(argv[0], "__complete")};
    int directive = complete(&c, argc, argv);
    cb_buf_addf(&out, ":%d\n", directive);
    fwrite(out.p, 1, out.n, stdout);
    return 0;
}
