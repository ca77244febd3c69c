// Any bytes as etc/passwd, etc/group and etc/shadow. Files that are read come out in a form that is read again and
// comes out the same; adding a user to them adds exactly that one.
#undef NDEBUG // here assert is the point
#include <assert.h>

#include "../builder/passwd.h"
#include "../builder/steps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef int read_fn(struct cb_accounts *a, const struct cb_node *file, struct cb_error *err);
typedef void write_fn(const struct cb_accounts *a, struct cb_buf *out);

static struct cb_node as_file(struct cb_str text)
{
    return (struct cb_node){.mode = S_IFREG | 0644, .content = {.bytes = text, .fd = -1, .length = text.n}};
}

static void round_trip(struct cb_str text, read_fn *read, write_fn *write)
{
    CB_ACCOUNTS_AUTO first = {0};
    CB_ACCOUNTS_AUTO second = {0};
    CB_BUF_AUTO once = {0};
    CB_BUF_AUTO twice = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_node file = as_file(text);
    if (read(&first, &file, &err))
        return;
    write(&first, &once);
    file = as_file(cb_buf_str(&once));
    if (read(&second, &file, &err)) // blanks at the end of a line's field are kept, and may make it too long
        return;
    write(&second, &twice);
    assert(first.users.n == second.users.n && first.groups.n == second.groups.n && first.shadow.n == second.shadow.n);
    if (once.n == twice.n)
        assert(cb_str_eq(cb_buf_str(&once), cb_buf_str(&twice)));
}

static void whole_step(struct cb_str text)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_CONFIG_AUTO *c = cb_config_new();
    struct cb_tree *t = cb_tree_new();
    *cb_vec_add(&c->accounts.users) = (struct cb_user){.username = CB_STR("added"), .uid = 7};
    c->accounts.run_as = CB_STR("added");
    assert(cb_tree_mkdir_all(t, CB_STR("etc"), 0755, &err) == 0);
    assert(cb_tree_write_file(t, CB_STR("etc/passwd"), text, 0644, &err) == 0);
    (void)cb_accounts_apply(t, c, &c->arena, &err);
    cb_tree_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cb_str text = cb_strn(data, size);
    round_trip(text, cb_passwd_read, cb_passwd_write);
    round_trip(text, cb_group_read, cb_group_write);
    round_trip(text, cb_shadow_read, cb_shadow_write);
    whole_step(text);
    return 0;
}
