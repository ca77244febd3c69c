// etc/passwd, etc/group and etc/shadow: reading into entries and writing them again.
//
// Reading normalises: numbers lose signs and leading zeros, lines lose white space at their ends. A line with another
// number of fields ends the reading with an error, and the entries before it stay: what names the owners in tar headers
// uses those (as the reference does), what rewrites the file fails.
// Source: passwd(5), group(5), shadow(5); apko pkg/passwd.
#ifndef CB_BUILDER_PASSWD_H
#define CB_BUILDER_PASSWD_H

#include "cbuild/base/arena.h"
#include "cbuild/base/vec.h"
#include "cbuild/fs/tree.h"

#define CB_ACCOUNTS_MAX (16u << 20) // bytes of one of these files

struct cb_passwd_entry {
    struct cb_str name, password, info, home, shell;
    uint32_t uid, gid;
};

struct cb_group_line {
    struct cb_str name, password, members; // members: separated by commas
    uint32_t gid;
};

struct cb_shadow_line {                 // the date of the last change is not kept: an oddity of the reference
    struct cb_str name, password, rest; // rest: "min:max:warn:inactive:expire:flag"
};

struct cb_accounts { // strings in the arena
    struct cb_arena arena;
    struct {
        struct cb_passwd_entry *v;
        size_t n, cap;
    } users;
    struct {
        struct cb_group_line *v;
        size_t n, cap;
    } groups;
    struct {
        struct cb_shadow_line *v;
        size_t n, cap;
    } shadow;
};
void cb_accounts_release(struct cb_accounts *a);
#define CB_ACCOUNTS_AUTO __attribute__((cleanup(cb_accounts_release))) struct cb_accounts

// Append the lines of a file to the list. CB_E_INPUT: a malformed or overlong line; CB_E_LIMIT: the file is too large,
// or an id fits no 32 bits (the reference would cut it, so that 4294967296 becomes root). Messages begin with the
// line's number.
int cb_passwd_read(struct cb_accounts *a, const struct cb_node *file, struct cb_error *err);
int cb_group_read(struct cb_accounts *a, const struct cb_node *file, struct cb_error *err);
int cb_shadow_read(struct cb_accounts *a, const struct cb_node *file, struct cb_error *err);

void cb_passwd_write(const struct cb_accounts *a, struct cb_buf *out);
void cb_group_write(const struct cb_accounts *a, struct cb_buf *out);
void cb_shadow_write(const struct cb_accounts *a, struct cb_buf *out);

// The names for tar headers from the tree's etc/passwd and etc/group, sorted for cb_node_header. Missing and malformed
// files give the names up to there; CB_E_LIMIT fails as above. The names live in *arena.
int cb_owner_names_read(struct cb_tree *t, struct cb_arena *arena, struct cb_owner_names *out, struct cb_error *err);

#endif
