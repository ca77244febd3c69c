#include "passwd.h"

#include "lines.h"

#define FIELDS_MAX 9

void cb_accounts_release(struct cb_accounts *a)
{
    cb_vec_release(&a->users);
    cb_vec_release(&a->groups);
    cb_vec_release(&a->shadow);
    cb_arena_release(&a->arena);
}

// Cuts a line at its colons into exactly `want` fields.
static int split(struct cb_str line, size_t want, struct cb_str fields[FIELDS_MAX], struct cb_error *err)
{
    struct cb_str rest = line, field;
    size_t n = 0;
    while (cb_str_cut(&rest, ':', &field))
        if (n++ < want)
            fields[n - 1] = field;
    if (n != want)
        return cb_fail(err, CB_E_INPUT, "the line has %zu fields between colons; expected %zu", n, want);
    return 0;
}

// Negative numbers down to -2^31 wrap as in the reference: "-2" is an old way to write nobody.
static int parse_id(struct cb_str text, const char *what, uint32_t *id, struct cb_error *err)
{
    int64_t v;
    if (!cb_str_i64(text, 10, &v))
        return cb_fail(err, CB_E_INPUT, "the %s \"%.*s\" is not a number", what, CB_STR_ARG(text));
    if (v > UINT32_MAX || v < INT32_MIN)
        return cb_fail(err, CB_E_LIMIT, "the %s %lld does not fit 32 bits", what, (long long)v);
    *id = (uint32_t)v;
    return 0;
}

static int add_user(struct cb_accounts *a, struct cb_str line, struct cb_error *err)
{
    struct cb_str f[FIELDS_MAX];
    struct cb_passwd_entry e;
    if (split(line, 7, f, err) || parse_id(f[2], "user id", &e.uid, err) || parse_id(f[3], "group id", &e.gid, err))
        return -1;
    e.name = f[0], e.password = f[1], e.info = f[4], e.home = f[5], e.shell = f[6];
    *cb_vec_add(&a->users) = e;
    return 0;
}

static int add_group(struct cb_accounts *a, struct cb_str line, struct cb_error *err)
{
    struct cb_str f[FIELDS_MAX];
    struct cb_group_line g;
    if (split(line, 4, f, err) || parse_id(f[2], "group id", &g.gid, err))
        return -1;
    g.name = f[0], g.password = f[1], g.members = f[3];
    *cb_vec_add(&a->groups) = g;
    return 0;
}

static int add_shadow(struct cb_accounts *a, struct cb_str line, struct cb_error *err)
{
    struct cb_str f[FIELDS_MAX];
    if (split(line, 9, f, err))
        return -1;
    struct cb_str rest = {f[3].p, (size_t)(f[8].p + f[8].n - f[3].p)};
    *cb_vec_add(&a->shadow) = (struct cb_shadow_line){f[0], f[1], rest};
    return 0;
}

static int read_lines(struct cb_accounts *a, const struct cb_node *file,
                      int (*add)(struct cb_accounts *a, struct cb_str line, struct cb_error *err), struct cb_error *err)
{
    if (cb_node_size(file) > CB_ACCOUNTS_MAX)
        return cb_fail(err, CB_E_LIMIT, "the file has more than %u bytes", CB_ACCOUNTS_MAX);
    struct cb_node_source source = cb_node_source(file);
    CB_LINES_AUTO lines = cb_lines(&source.source);
    struct cb_str line;
    for (size_t number = 1;; number++) {
        int got = cb_lines_next(&lines, &line, err);
        if (got == 0)
            return 0;
        if (got < 0 || add(a, cb_arena_str(&a->arena, cb_trim_space(line)), err))
            return cb_context(err, "line %zu", number);
    }
}

int cb_passwd_read(struct cb_accounts *a, const struct cb_node *file, struct cb_error *err)
{
    return read_lines(a, file, add_user, err);
}

int cb_group_read(struct cb_accounts *a, const struct cb_node *file, struct cb_error *err)
{
    return read_lines(a, file, add_group, err);
}

int cb_shadow_read(struct cb_accounts *a, const struct cb_node *file, struct cb_error *err)
{
    return read_lines(a, file, add_shadow, err);
}

// Not by "%.*s", which would end at a NUL.
static void add_field(struct cb_buf *out, struct cb_str field, char after)
{
    cb_buf_addstr(out, field);
    cb_buf_addc(out, after);
}

void cb_passwd_write(const struct cb_accounts *a, struct cb_buf *out)
{
    for (size_t i = 0; i < a->users.n; i++) {
        const struct cb_passwd_entry *e = &a->users.v[i];
        add_field(out, e->name, ':');
        add_field(out, e->password, ':');
        cb_buf_addf(out, "%u:%u:", e->uid, e->gid);
        add_field(out, e->info, ':');
        add_field(out, e->home, ':');
        add_field(out, e->shell, '\n');
    }
}

void cb_group_write(const struct cb_accounts *a, struct cb_buf *out)
{
    for (size_t i = 0; i < a->groups.n; i++) {
        const struct cb_group_line *g = &a->groups.v[i];
        add_field(out, g->name, ':');
        add_field(out, g->password, ':');
        cb_buf_addf(out, "%u:", g->gid);
        add_field(out, g->members, '\n');
    }
}

void cb_shadow_write(const struct cb_accounts *a, struct cb_buf *out)
{
    for (size_t i = 0; i < a->shadow.n; i++) {
        const struct cb_shadow_line *s = &a->shadow.v[i];
        add_field(out, s->name, ':');
        add_field(out, s->password, ':');
        add_field(out, CB_STR(""), ':');
        add_field(out, s->rest, '\n');
    }
}

// Reads one file leniently: only what the reference could not even read by accident is an error.
static int read_if_any(struct cb_tree *t, const char *path, struct cb_accounts *a,
                       int (*read)(struct cb_accounts *a, const struct cb_node *file, struct cb_error *err),
                       struct cb_error *err)
{
    CB_ERROR_AUTO why = CB_ERROR_INIT;
    struct cb_node *file = cb_tree_open(t, cb_str(path), &why);
    if (!file || read(a, file, &why) == 0 || why.kind == CB_E_INPUT)
        return 0;
    cb_error_move(err, &why);
    return cb_context(err, "%s", path);
}

int cb_owner_names_read(struct cb_tree *t, struct cb_arena *arena, struct cb_owner_names *out, struct cb_error *err)
{
    CB_ACCOUNTS_AUTO a = {0};
    if (read_if_any(t, "etc/passwd", &a, cb_passwd_read, err) || read_if_any(t, "etc/group", &a, cb_group_read, err))
        return -1;
    for (size_t i = 0; i < a.users.n; i++)
        *cb_vec_add(&out->users) = (struct cb_owner_name){a.users.v[i].uid, cb_arena_str(arena, a.users.v[i].name)};
    for (size_t i = 0; i < a.groups.n; i++)
        *cb_vec_add(&out->groups) = (struct cb_owner_name){a.groups.v[i].gid, cb_arena_str(arena, a.groups.v[i].name)};
    cb_owner_names_sort(out);
    return 0;
}
