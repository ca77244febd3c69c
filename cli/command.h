// A command: its flags, its help, and the function that runs it. cli/ is where the clock, the environment, the locale
// and the number of threads enter; everything below gets them as values.
#ifndef CB_CLI_COMMAND_H
#define CB_CLI_COMMAND_H

#include "cbuild/base/buf.h"
#include "cbuild/base/pool.h"
#include "flags.h"

// What every command gets.
struct cb_invocation {
    const char *program; // what this program was called as: "cbuild" or "apko"
    const struct cb_command *command;
    struct cb_args args;
    unsigned threads;
    struct cb_pool *pool;
};

struct cb_command {
    const char *name;
    const char *alias;   // NULL: none
    const char *usage;   // arguments after the name
    const char *summary; // one line
    const char *text;    // the whole help, NULL: the summary
    const char *example; // NULL: none
    bool hidden;
    const char *const *words; // what its first argument can be, up to NULL; without an argument it prints its help
    struct cb_flags (*flags)(void); // the command's own, with where their values go
    // 0 on success, -1 with *err on failure; a positive number is the exit status, without an error.
    int (*run)(const struct cb_invocation *in, struct cb_error *err);
    int failure_status; // exit status of a failure; 0 means 1
};

extern const struct cb_command cb_command_attest, cb_command_build, cb_command_build_all, cb_command_build_cpio,
    cb_command_build_minirootfs, cb_command_clean, cb_command_completion, cb_command_config, cb_command_copy,
    cb_command_diff, cb_command_dot, cb_command_erofs, cb_command_install_keys, cb_command_lock, cb_command_login,
    cb_command_publish, cb_command_publish_all, cb_command_reproduce, cb_command_resolve, cb_command_sbom,
    cb_command_show_config, cb_command_show_packages, cb_command_sign, cb_command_trust, cb_command_verify,
    cb_command_verify_attestation, cb_command_verify_bundle, cb_command_version;

// The command with that name; NULL: there is none.
const struct cb_command *cb_find_command(const char *name);

// Where in argv the command's name stands: the first word after argv[0] that is neither a flag nor a flag's value. 0:
// nowhere.
int cb_command_at(int argc, char **argv);

// Whether the word after this flag is its value. One that no command knows is taken to have one.
bool cb_takes_next(const char *word);

// Prints what could stand at the end of a command line; argv[0] is "__complete" or "__completeNoDesc".
int cb_complete(int argc, char **argv, struct cb_error *err);

// All commands, in byte order of their names; and the flags that every command has.
const struct cb_command *const *cb_commands(size_t *n);
struct cb_flags cb_global_flags(void);

// For commands with a line for each result: libraries tell only of what is wrong, unless --log-level was given.
void cb_be_brief(void);

#define CB_FLAGS(table) ((struct cb_flags){(table), sizeof(table) / sizeof *(table)})

#endif
