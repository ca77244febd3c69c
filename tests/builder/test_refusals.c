// What must not get into an image by way of a configuration that cb_config_load did not check, and what must come to an
// end. Each refusal has a twin that is accepted.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../builder/steps.h"
#include "cbuild/base/vec.h"

struct account_case {
    const char *user, *home, *shell, *group, *member;
    bool ok;
};

static const struct account_case account_cases[] = {
    {"u", "/home/u", "/bin/sh", "g", "m", true},
    {"u x", "/home/u x", "/bin/sh -l", "g ", "m m", true},
    {"\xc3\xa9", "/\xc3\xa9", "", "\xff", "", true},
    {"u\nroot2:x:0:0::/:/bin/sh", "/h", "", "g", "m", false},
    {"u:x:0:0", "/h", "", "g", "m", false},
    {"u", "/h:0", "", "g", "m", false},
    {"u", "/h\n", "", "g", "m", false},
    {"u", "/h", "/bin/sh\nx", "g", "m", false},
    {"u", "/h", "/bin/sh:x", "g", "m", false},
    {"u", "/h", "", "g\nwheel:x:0:u", "m", false},
    {"u", "/h", "", "g:x", "m", false},
    {"u", "/h", "", "g", "m\nwheel:x:0:u", false},
    {"u", "/h", "", "g", "m:", false},
};

static void accounts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof account_cases / sizeof *account_cases; i++) {
        const struct account_case *k = &account_cases[i];
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        CB_CONFIG_AUTO *c = cb_config_new();
        struct cb_tree *t = cb_tree_new();
        *cb_vec_add(&c->accounts.users) = (struct cb_user){
            .username = cb_str(k->user), .homedir = cb_str(k->home), .shell = cb_str(k->shell), .uid = 5};
        struct cb_group_entry *g = cb_vec_add(&c->accounts.groups);
        g->groupname = cb_str(k->group);
        cb_strs_add(&g->members, cb_str(k->member));
        assert_int_equal(cb_tree_mkdir_all(t, CB_STR("etc"), 0755, &err), 0);
        int failed = cb_accounts_apply(t, c, &c->arena, &err);
        if (!failed != k->ok)
            fail_msg("case %zu: %s", i, failed ? err.message : "accepted");
        assert_true(k->ok || err.kind == CB_E_CONFIG);
        cb_tree_free(t);
    }
}

static void services(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool ok;
    } cases[] = {{"nginx", true}, {"a..b", true}, {"...", true}, {"a b", true},   {"", true},      {".", true},
                 {"a/b", true},   {"/a", true},   {"..", false}, {"../x", false}, {"a/..", false}, {"a/../b", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        CB_CONFIG_AUTO *c = cb_config_new();
        struct cb_tree *t = cb_tree_new();
        cb_pairs_set(&c->entrypoint.services, cb_str(cases[i].name), CB_STR("run"));
        int failed = cb_services_write(t, c, &err);
        if (!failed != cases[i].ok)
            fail_msg("service \"%s\": %s", cases[i].name, failed ? err.message : "accepted");
        assert_true(cases[i].ok || !cb_tree_exists(t, CB_STR("sv")));
        cb_tree_free(t);
    }
}

static int mutate(struct cb_tree *t, const char *type, const char *path, const char *source, bool recursive,
                  struct cb_error *err)
{
    CB_CONFIG_AUTO *c = cb_config_new();
    *cb_vec_add(&c->paths) = (struct cb_path_mutation){.path = cb_str(path),
                                                       .type = cb_str(type),
                                                       .source = cb_str(source),
                                                       .permissions = 0750,
                                                       .recursive = recursive};
    return cb_paths_apply(t, c, err);
}

static void climbing_paths(void **state)
{
    (void)state;
    static const char *const types[] = {"directory", "empty-file", "symlink", "hardlink"};
    static const char *const paths[] = {"../x", "a/../../x", "..", "/..", "./x", "."};
    for (size_t i = 0; i < 4 * 6; i++) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        struct cb_tree *t = cb_tree_new();
        assert_int_equal(cb_tree_write_file(t, CB_STR("file"), CB_STR("x"), 0644, &err), 0);
        int failed = mutate(t, types[i % 4], paths[i / 4], "file", false, &err);
        // "/.." is the root for those that clean a path first
        if (!failed && strcmp(paths[i / 4], "/..") != 0 && cb_tree_exists(t, CB_STR("..")))
            fail_msg("%s %s", types[i % 4], paths[i / 4]);
        assert_false(cb_tree_exists(t, CB_STR("..")));
        cb_tree_free(t);
    }
}

// As deep as a path can be: walks must neither overflow the stack nor take long.
static void deep_tree(void **state)
{
    (void)state;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO path = {0};
    struct cb_tree *t = cb_tree_new();
    for (int i = 0; i < 20000; i++)
        cb_buf_adds(&path, "/d");
    assert_int_equal(mutate(t, "directory", path.p, "", false, &err), 0);
    assert_int_equal(mutate(t, "permissions", "/d", "", true, &err), 0);
    struct cb_node *leaf = cb_tree_stat(t, cb_buf_str(&path), &err);
    assert_non_null(leaf);
    assert_int_equal(leaf->mode & 07777, 0750);
    for (int i = 0; i < 20000; i++)
        cb_buf_adds(&path, "/d");
    assert_int_equal(mutate(t, "directory", path.p, "", false, &err), -1);
    assert_int_equal(err.kind, CB_E_LIMIT);
    cb_tree_free(t);
}

static void symlink_loops(void **state)
{
    (void)state;
    static const char *const types[] = {"directory", "empty-file", "permissions"};
    for (size_t i = 0; i < 3; i++) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        struct cb_tree *t = cb_tree_new();
        assert_int_equal(cb_tree_symlink(t, CB_STR("b"), CB_STR("a"), &err), 0);
        assert_int_equal(cb_tree_symlink(t, CB_STR("a"), CB_STR("b"), &err), 0);
        assert_int_equal(mutate(t, types[i], "/a/x", "", true, &err), -1);
        assert_int_equal(err.kind, CB_E_INPUT);
        cb_tree_free(t);
    }
}

// A conf of a thousand includes of a conf of a thousand includes, ...
static void include_bomb(void **state)
{
    (void)state;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_tree *t = cb_tree_new();
    assert_int_equal(cb_tree_mkdir_all(t, CB_STR("etc"), 0755, &err), 0);
    for (int level = 0; level < 5; level++)
        for (int i = 0; i < 20; i++) {
            CB_AUTOFREE char *path = cb_format("etc/c%d-%d", level, i);
            CB_AUTOFREE char *text = cb_format("include /etc/c%d-*\n", level + 1);
            assert_int_equal(cb_tree_write_file(t, cb_str(path), cb_str(text), 0644, &err), 0);
        }
    assert_int_equal(cb_tree_write_file(t, CB_STR("etc/ld.so.conf"), CB_STR("include /etc/c0-*\n"), 0644, &err), 0);
    assert_int_equal(cb_ldso_cache_write(t, &err), -1);
    assert_int_equal(err.kind, CB_E_LIMIT);
    assert_false(cb_tree_exists(t, CB_STR("etc/ld.so.cache")));
    cb_tree_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accounts),  cmocka_unit_test(services),      cmocka_unit_test(climbing_paths),
        cmocka_unit_test(deep_tree), cmocka_unit_test(symlink_loops), cmocka_unit_test(include_bomb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
