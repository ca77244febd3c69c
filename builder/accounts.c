#include "go_path.h"
#include "passwd.h"
#include "steps.h"

#include <stdlib.h>

#define GROUP "etc/group"
#define PASSWD "etc/passwd"
#define SHADOW "etc/shadow"

// The file at path, made empty where there is none.
static struct cb_node *open_or_create(struct cb_tree *t, const char *path, uint32_t mode, struct cb_error *err)
{
    struct cb_node *file = cb_tree_open(t, cb_str(path), err);
    if (file || err->kind != CB_E_NOT_FOUND)
        return file;
    cb_error_clear(err);
    return cb_tree_write_file(t, cb_str(path), CB_STR(""), mode, err) ? NULL : cb_tree_open(t, cb_str(path), err);
}

// A colon or newline would make fields or lines of its own, such as one for a second root; the reference lets it.
static int check_text(struct cb_str text, const char *what, struct cb_error *err)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == ':' || text.p[i] == '\n' || text.p[i] == '\0')
            return cb_fail(err, CB_E_CONFIG, "the %s \"%.*s\" has a colon, newline or NUL in it", what,
                           CB_STR_ARG(text));
    return 0;
}

static int add_group(struct cb_accounts *a, const struct cb_group_entry *g, struct cb_error *err)
{
    CB_BUF_AUTO members = {0};
    if (check_text(g->groupname, "group name", err))
        return -1;
    for (size_t i = 0; i < g->members.n; i++) {
        if (check_text(g->members.v[i], "group member", err))
            return -1;
        if (i > 0)
            cb_buf_addc(&members, ',');
        cb_buf_addstr(&members, g->members.v[i]);
    }
    *cb_vec_add(&a->groups) =
        (struct cb_group_line){g->groupname, CB_STR("x"), cb_arena_str(&a->arena, cb_buf_str(&members)), g->gid};
    return 0;
}

static int write_groups(struct cb_tree *t, const struct cb_image_config *c, struct cb_error *err)
{
    CB_ACCOUNTS_AUTO a = {0};
    CB_BUF_AUTO text = {0};
    if (c->accounts.groups.n == 0)
        return 0;
    struct cb_node *file = open_or_create(t, GROUP, 0644, err);
    if (!file || cb_group_read(&a, file, err))
        return cb_context(err, GROUP);
    for (size_t i = 0; i < c->accounts.groups.n; i++)
        if (add_group(&a, &c->accounts.groups.v[i], err))
            return -1;
    cb_group_write(&a, &text);
    return cb_tree_write_file(t, CB_STR(GROUP), cb_buf_str(&text), 0644, err);
}

static int add_user(struct cb_accounts *a, const struct cb_user *u, struct cb_error *err)
{
    struct cb_passwd_entry e = {
        .name = u->username,
        .password = CB_STR("x"),
        .info = CB_STR("Account created by apko"),
        .home = u->homedir.n ? u->homedir : cb_arena_format(&a->arena, "/home/%.*s", CB_STR_ARG(u->username)),
        .shell = u->shell.n ? u->shell : CB_STR("/bin/sh"),
        .uid = u->uid,
        .gid = u->gid.set ? u->gid.value : u->uid,
    };
    if (check_text(e.name, "user name", err) || check_text(e.home, "home directory", err) ||
        check_text(e.shell, "shell", err))
        return -1;
    *cb_vec_add(&a->users) = e;
    return 0;
}

// Folders that are there keep mode and owner: some accounts live in /, /bin or /sbin.
static int make_home(struct cb_tree *t, const struct cb_passwd_entry *e, struct cb_error *err)
{
    if (cb_str_is(e->home, "/dev/null"))
        return 0;
    struct cb_node *there = cb_tree_stat(t, e->home, err);
    if (there && !cb_node_is_dir(there))
        return cb_fail(err, CB_E_CONFLICT, "the home directory \"%.*s\" exists, but is no directory",
                       CB_STR_ARG(e->home));
    if (there)
        return 0;
    if (err->kind != CB_E_NOT_FOUND)
        return -1;
    cb_error_clear(err);
    CB_AUTOFREE char *parent = cb_go_dir(e->home);
    if (cb_tree_mkdir_all(t, cb_str(parent), 0755, err) || cb_tree_mkdir(t, e->home, 0700, err))
        return -1;
    return cb_tree_chown(t, e->home, e->uid, e->gid, err);
}

// etc/shadow gets a locked entry for each new user; images without new users get no etc/shadow.
static int write_shadow(struct cb_tree *t, const struct cb_image_config *c, struct cb_error *err)
{
    CB_ACCOUNTS_AUTO a = {0};
    CB_BUF_AUTO text = {0};
    if (c->accounts.users.n == 0)
        return 0;
    struct cb_node *file = open_or_create(t, SHADOW, 0640, err);
    if (!file || cb_shadow_read(&a, file, err))
        return cb_context(err, SHADOW);
    for (size_t i = 0; i < c->accounts.users.n; i++)
        *cb_vec_add(&a.shadow) = (struct cb_shadow_line){c->accounts.users.v[i].username, CB_STR("!"), CB_STR(":::::")};
    cb_shadow_write(&a, &text);
    return cb_tree_write_file(t, CB_STR(SHADOW), cb_buf_str(&text), 0640, err);
}

static void resolve_run_as(struct cb_image_config *c, const struct cb_accounts *a, struct cb_arena *arena)
{
    if (c->accounts.run_as.n == 0)
        return;
    for (size_t i = 0; i < a->users.n; i++)
        if (cb_str_eq(a->users.v[i].name, c->accounts.run_as)) {
            c->accounts.run_as = cb_arena_format(arena, "%u", a->users.v[i].uid);
            return;
        }
}

static int write_users(struct cb_tree *t, struct cb_image_config *c, struct cb_arena *arena, struct cb_error *err)
{
    CB_ACCOUNTS_AUTO a = {0};
    CB_BUF_AUTO text = {0};
    struct cb_node *file = open_or_create(t, PASSWD, 0644, err);
    if (!file || cb_passwd_read(&a, file, err))
        return cb_context(err, PASSWD);
    for (size_t i = 0; i < c->accounts.users.n; i++)
        if (add_user(&a, &c->accounts.users.v[i], err))
            return -1;
    for (size_t i = 0; i < a.users.n; i++)
        if (make_home(t, &a.users.v[i], err))
            return cb_context(err, "user %.*s", CB_STR_ARG(a.users.v[i].name));
    cb_passwd_write(&a, &text);
    if (cb_tree_write_file(t, CB_STR(PASSWD), cb_buf_str(&text), 0644, err) || write_shadow(t, c, err))
        return -1;
    resolve_run_as(c, &a, arena);
    return 0;
}

int cb_accounts_apply(struct cb_tree *t, struct cb_image_config *c, struct cb_arena *a, struct cb_error *err)
{
    return write_groups(t, c, err) || write_users(t, c, a, err) ? -1 : 0;
}
