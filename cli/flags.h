// Command-line flags as users of apko know them: GNU long flags, one-letter ones, flags and arguments in any order,
// `--` ends flags, `--flag=value` and `--flag value`, lists that repeat or are comma-separated.
#ifndef CB_CLI_FLAGS_H
#define CB_CLI_FLAGS_H

#include "cbuild/base/error.h"
#include "cbuild/base/str.h"

enum cb_flag_type {
    CB_FLAG_BOOL,   // bool: --flag, --flag=true, --flag=false
    CB_FLAG_STRING, // const char *
    CB_FLAG_LIST,   // struct cb_strs: the first use replaces the default, others append; a value is one CSV record
    CB_FLAG_INT,    // int64_t
};

struct cb_flag {
    const char *name;
    char letter; // 0: none
    enum cb_flag_type type;
    void *value;             // of the type above; holds the default
    const char *placeholder; // in help, for what is not plain from the type; NULL otherwise
    const char *help;
    bool hidden;
    bool set; // was given
};

struct cb_flags {
    struct cb_flag *v;
    size_t n;
};

// A flag that several commands take: `users` has a bit for each.
struct cb_shared_flag {
    unsigned users;
    struct cb_flag flag;
};

// The flags among the n known ones that a user takes, copied into `table`, which has room for all n.
struct cb_flags cb_flags_of(const struct cb_shared_flag *known, size_t n, unsigned user, struct cb_flag *table);

// What is left of a command line once its flags are taken out. Slices point into argv; release with cb_args_release.
struct cb_args {
    const char **v;
    size_t n, cap;
    struct cb_strs pieces; // owned bytes behind list values
};

// Parses argv (without the command's name) against own and global flags. CB_E_USAGE on an unknown flag (with the
// nearest known one as a hint), a missing or malformed value.
int cb_flags_parse(struct cb_flags own, struct cb_flags global, int argc, char **argv, struct cb_args *args,
                   struct cb_error *err);

// Whether that flag of the table was given.
bool cb_flag_given(struct cb_flags flags, const char *name);

void cb_args_release(struct cb_args *args);

// Appends the flags, one line each, in byte order of their names, as a help text shows them.
struct cb_buf;
void cb_flags_help(struct cb_flags flags, struct cb_buf *out);

#endif
