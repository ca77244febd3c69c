// golden/config: what apko d1b5d5ec makes of configurations (odd.json, include/), and our messages for what is refused
// (errors/). CBUILD_CONFIGS=dir[:dir...] loads every .yaml and .json file of these folders as well.
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "cbuild/base/file.h"
#include "cbuild/builder/arch.h"
#include "cbuild/builder/config.h"
#include "cbuild/text/json_read.h"

#define GOLDEN CBUILD_SOURCE_DIR "/golden/config"

static char folder[] = "/tmp/test_config.XXXXXX";

static int enter_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int leave_folder(void **state)
{
    (void)state;
    unlink("x.yaml");
    return chdir("/") || rmdir(folder);
}

static int load_text(struct cb_str text, struct cb_image_config **c, struct cb_error *err)
{
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;
    assert_int_equal(cb_write_file("x.yaml", text, 0644, &ignored), 0);
    return cb_config_load("x.yaml", NULL, c, err);
}

// Fails naming the place of the first difference.
static void same(struct cb_str got, struct cb_str expected, struct cb_str what)
{
    size_t at = 0;
    if (cb_str_eq(got, expected))
        return;
    while (at < got.n && at < expected.n && got.p[at] == expected.p[at])
        at++;
    fail_msg("%.*s: at byte %zu\ngot      %.*s\nexpected %.*s", CB_STR_ARG(what), at, CB_STR_ARG(cb_str_skip(got, at)),
             CB_STR_ARG(cb_str_skip(expected, at)));
}

static void one_odd(struct json_t *item)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_CONFIG_AUTO *c = NULL;
    CB_BUF_AUTO json = {0};
    CB_BUF_AUTO yaml = {0};
    struct cb_str text, expected, shown;
    assert_int_equal(cb_json_get_str(item, "text", &text, &err), 0);
    assert_int_equal(cb_json_get_str(item, "json", &expected, &err), 0);
    assert_int_equal(cb_json_get_str(item, "yaml", &shown, &err), 0);
    int failed = load_text(text, &c, &err);
    if (!!failed != !expected.p)
        fail_msg("%.*s: %s", CB_STR_ARG(text), failed ? err.message : "accepted");
    if (failed) {
        assert_null(c);
        return;
    }
    cb_config_write_json(c, &json);
    same(cb_str_head(cb_buf_str(&json), json.n - 1), expected, text);
    failed = cb_config_write_yaml(c, &yaml, &err);
    if (!!failed != !shown.p)
        fail_msg("%.*s: %s", CB_STR_ARG(text), failed ? err.message : "shown");
    if (!failed)
        same(cb_buf_str(&yaml), shown, text);
}

static void odd_documents(void **state)
{
    (void)state;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_JSON_AUTO *root = cb_json_read_file(GOLDEN "/odd.json", 8u << 20, &err);
    struct json_t *cases;
    assert_non_null(root);
    assert_int_equal(cb_json_need_array(root, "cases", &cases, &err), 0);
    for (size_t i = 0; i < cb_json_count(cases); i++)
        one_odd(cb_json_at(cases, i));
}

static void one_error(const char *file)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;
    CB_CONFIG_AUTO *c = NULL;
    CB_BUF_AUTO got = {0};
    CB_BUF_AUTO expected = {0};
    char *path CB_AUTOFREE = cb_format("%.*s.expected", (int)(strlen(file) - 5), file);
    if (cb_config_load(file, NULL, &c, &err) == 0)
        fail_msg("%s: accepted", file);
    assert_null(c);
    cb_buf_addf(&got, "%s\n", err.message);
    if (err.detail && *err.detail)
        cb_buf_addf(&got, "%s\n", err.detail);
    if (err.hint)
        cb_buf_addf(&got, "hint: %s\n", err.hint);
    assert_int_equal(cb_read_file(path, &expected, 10000, &ignored), 0);
    same(cb_buf_str(&got), cb_buf_str(&expected), cb_str(file));
}

static void errors(void **state)
{
    (void)state;
    int seen = 0;
    assert_int_equal(chdir(GOLDEN "/errors"), 0);
    DIR *d = opendir(".");
    for (struct dirent *e; (e = readdir(d));)
        if (cb_str_ends(cb_str(e->d_name), ".yaml")) {
            one_error(e->d_name);
            seen++;
        }
    closedir(d);
    assert_true(seen > 50);
    assert_int_equal(chdir(folder), 0);
}

static void includes(void **state)
{
    (void)state;
    static const char *const names[] = {"whole", "empty-services", "with-base", "base", "empty-users"};
    struct cb_str where = CB_STR("sub");
    const struct cb_strs include_paths = {&where, 1, 1};
    assert_int_equal(chdir(GOLDEN "/include"), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        CB_CONFIG_AUTO *c = NULL;
        CB_BUF_AUTO got = {0};
        CB_BUF_AUTO expected = {0};
        char *path CB_AUTOFREE = cb_format("%s.yaml", names[i]);
        char *golden CB_AUTOFREE = cb_format("%s.expected", names[i]);
        if (cb_config_load(path, &include_paths, &c, &err))
            fail_msg("%s", err.message);
        cb_buf_addf(&got, "%s ", c->checksum.p);
        cb_config_write_json(c, &got);
        assert_int_equal(cb_read_file(golden, &expected, 10000, &err), 0);
        same(cb_buf_str(&got), cb_buf_str(&expected), cb_str(path));
        assert_string_equal(c->file.p, path);
    }
    assert_int_equal(chdir(folder), 0);
}

// What is let through stands next to what is refused; errors/ has the messages.
static void twins(void **state)
{
    (void)state;
    static const struct {
        const char *refused, *accepted;
    } cases[] = {
        {"accounts: {users: [{username: 'a:b', uid: 5}]}", "accounts: {users: [{username: 'a.b', uid: 5}]}"},
        {"accounts: {users: [{username: \"a\\n\", uid: 5}]}", "accounts: {users: [{username: \"a\\t\", uid: 5}]}"},
        {"accounts: {users: [{username: a, shell: '/x:/y'}]}", "accounts: {users: [{username: a, shell: '/x,/y'}]}"},
        {"accounts: {users: [{username: a, homedir: \"/\\r\"}]}",
         "accounts: {users: [{username: a, homedir: \"/ \"}]}"},
        {"accounts: {groups: [{groupname: 'a:x'}]}", "accounts: {groups: [{groupname: 'a,x'}]}"},
        {"accounts: {groups: [{groupname: a, members: ['b:c']}]}",
         "accounts: {groups: [{groupname: a, members: ['b,c']}]}"},
        {"contents: {repositories: [\"a\\nb\"]}", "contents: {repositories: [\"@a b\"]}"},
        {"contents: {runtime_repositories: [\"a\\nb\"]}", "contents: {runtime_repositories: [\"a b\"]}"},
        {"contents: {packages: [\"a\\nb\"]}", "contents: {packages: [\"a b\"]}"},
        {"contents: {keyring: [\"a\\nb\"]}", "contents: {keyring: [\"a b\"]}"},
        {"paths: [{path: /a/../b}]", "paths: [{path: /a/..b}]"},
        {"paths: [{path: ..}]", "paths: [{path: ...}]"},
        {"entrypoint: {services: {a/../b: x}}", "entrypoint: {services: {a/b: x}}"},
        {"entrypoint: {services: {'..': x}}", "entrypoint: {services: {'..a': x}}"},
        {"archs: [../x]", "archs: [arm/v7]"},
        {"archs: [/x]", "archs: [x]"},
        {"cmd: \"a\\0b\"", "cmd: \"a\\x01b\""},
        {"environment: {A: \"\\0\"}", "environment: {A: \"\\n\"}"},
        {"include: ../x.yaml", "volumes: [../x.yaml]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        CB_CONFIG_AUTO *c = NULL;
        if (load_text(cb_str(cases[i].accepted), &c, &err))
            fail_msg("%s: %s", cases[i].accepted, err.message);
        struct cb_image_config *none = NULL;
        if (load_text(cb_str(cases[i].refused), &none, &err) == 0)
            fail_msg("%s: accepted", cases[i].refused);
        assert_int_equal(err.kind, CB_E_CONFIG);
    }
}

static void validation(void **state)
{
    (void)state;
    static const struct {
        const char *text, *result; // JSON as apko d1b5d5ec stores it, or a part of our message
    } cases[] = {
        {"accounts: {users: [{username: a, uid: 5}, {username: b, uid: 6, homedir: /x}]}",
         "{\"contents\":{},\"entrypoint\":{},\"accounts\":{\"users\":[{\"username\":\"a\",\"uid\":5,\"homedir\":\"/"
         "home/"
         "a\"},{\"username\":\"b\",\"uid\":6,\"homedir\":\"/x\"}]}}\n"},
        {"{contents: {packages: [a]}, entrypoint: {type: service-bundle, command: x, services: {s: t}}}",
         "{\"contents\":{\"packages\":[\"a\",\"s6\"]},\"entrypoint\":{\"type\":\"service-bundle\",\"command\":\"/bin/"
         "s6-svscan /sv\",\"services\":{\"s\":\"t\"}},\"accounts\":{}}\n"},
        {"accounts: {users: [{uid: 5}]}", "accounts.users[0] (uid 5) has no username"},
        {"accounts: {users: [{username: a}]}", "the user \"a\" has uid 0, or none"},
        {"accounts: {groups: [{gid: 7}]}", "accounts.groups[0] (gid 7) has no groupname"},
        {"format: zip", "unknown layer format \"zip\""},
        {"{format: erofs, layering: {}}", "layering and the format \"erofs\" do not go together"},
        {"{format: tar, layering: {}}",
         "{\"contents\":{},\"entrypoint\":{},\"accounts\":{},\"layering\":{},\"format\":\"tar\"}\n"},
        {"certificates: {additional: [{content: x}]}", "an additional certificate has no name"},
        {"certificates: {additional: [{name: .a}]}", "an additional certificate \".a\" has an invalid name"},
        {"certificates: {additional: [{name: a/b}]}", "an additional certificate \"a/b\" has an invalid name"},
        {"certificates: {additional: [{name: \"a\\n\"}]}", "has an invalid name"},
        {"certificates: {additional: [{name: a.B_-9}]}",
         "{\"contents\":{},\"entrypoint\":{},\"accounts\":{},\"certificates\":{\"additional\":[{\"name\":\"a.B_-9\"}]}}"
         "\n"},
        {"contents: {runtime_keyring: [{name: a}]}", "the key \"a\" of runtime_keyring has no content"},
        {"contents: {runtime_keyring: [{name: a, content: x}, {name: a, content: y}]}", "stands twice"},
        {"contents: {runtime_keyring: [{content: x}]}", "a key of runtime_keyring has no name"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        CB_CONFIG_AUTO *c = NULL;
        CB_BUF_AUTO out = {0};
        if (load_text(cb_str(cases[i].text), &c, &err))
            fail_msg("%s: %s", cases[i].text, err.message);
        if (cb_config_validate(c, &err))
            cb_buf_adds(&out, err.message);
        else
            cb_config_write_json(c, &out);
        if (!strstr(out.p, cases[i].result))
            fail_msg("%s: %s", cases[i].text, out.p);
    }
}

// A merge into an empty configuration drops four fields and nothing else; a clone drops none.
static void copies(void **state)
{
    (void)state;
    struct cb_str where = CB_STR("sub");
    const struct cb_strs include_paths = {&where, 1, 1};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_CONFIG_AUTO *c = NULL;
    CB_CONFIG_AUTO *merged = cb_config_new();
    CB_BUF_AUTO one = {0};
    CB_BUF_AUTO two = {0};
    assert_int_equal(chdir(GOLDEN "/include"), 0);
    assert_int_equal(cb_config_load("whole.yaml", &include_paths, &c, &err), 0);
    assert_int_equal(chdir(folder), 0);
    c->vcs_url = CB_STR("https://example.com@1");
    CB_CONFIG_AUTO *clone = cb_config_clone(c);
    cb_config_write_json(c, &one);
    cb_config_write_json(clone, &two);
    same(cb_buf_str(&two), cb_buf_str(&one), CB_STR("clone"));
    assert_string_equal(clone->checksum.p, c->checksum.p);
    cb_config_merge(c, merged);
    assert_int_equal(merged->vcs_url.n + merged->include.n + merged->file.n + merged->checksum.n, 0);
    c->vcs_url = c->include = CB_STR("");
    cb_buf_reset(&one);
    cb_buf_reset(&two);
    cb_config_write_json(c, &one);
    cb_config_write_json(merged, &two);
    same(cb_buf_str(&two), cb_buf_str(&one), CB_STR("merge"));
}

static void annotations(void **state)
{
    (void)state;
    static const char *const wrong[] = {"a", "A:b", "a_b:c", ":b", "a:", "k:1"};
    CB_ARENA_AUTO arena = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_pairs pairs = {0};
    struct cb_str good[] = {CB_STR("k:1"), CB_STR("a.b-c:https://x:y")};
    const struct cb_strs texts = {good, 2, 2};
    assert_int_equal(cb_annotations_parse(&texts, &arena, &pairs, &err), 0);
    assert_string_equal(cb_pairs_get(&pairs, CB_STR("a.b-c"))->p, "https://x:y");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct cb_str text = cb_str(wrong[i]);
        const struct cb_strs one = {&text, 1, 1};
        assert_int_equal(cb_annotations_parse(&one, &arena, &pairs, &err), -1);
        assert_int_equal(err.kind, CB_E_USAGE);
        cb_error_clear(&err);
    }
    CB_CONFIG_AUTO *c = cb_config_new();
    cb_pairs_set(&c->annotations, CB_STR("k"), CB_STR("old"));
    cb_pairs_set(&c->annotations, CB_STR("z"), CB_STR("kept"));
    cb_config_annotate(c, &pairs);
    assert_int_equal(c->annotations.n, 3);
    assert_string_equal(cb_pairs_get(&c->annotations, CB_STR("k"))->p, "1");
    assert_string_equal(c->annotations.v[0].key.p, "a.b-c");
    cb_pairs_release(&pairs);
}

static void architectures(void **state)
{
    (void)state;
    struct cb_str names[] = {CB_STR("x86_64"), CB_STR("arm64"), CB_STR("aarch64"), CB_STR("armhf"), CB_STR("odd")};
    const struct cb_strs in = {names, 5, 5};
    struct cb_strs out = {0};
    cb_arch_list(&in, &out);
    static const char *const expected[] = {"amd64", "arm/v6", "arm64", "odd"};
    assert_int_equal(out.n, 4);
    for (size_t i = 0; i < 4; i++)
        assert_true(cb_str_is(out.v[i], expected[i]));
    cb_strs_release(&out);
    struct cb_str all = CB_STR("all");
    cb_arch_list(&(struct cb_strs){&all, 1, 1}, &out);
    assert_int_equal(out.n, 9);
    assert_true(cb_str_is(cb_arch_to_apk(out.v[4]), "armv7"));
    cb_strs_release(&out);
    assert_true(cb_arch_known(cb_arch_host()));
    assert_true(cb_str_is(cb_arch_to_apk(CB_STR("loong64")), "loongarch64"));
    assert_true(cb_str_is(cb_arch_to_apk(CB_STR("mips")), "mips"));
}

static void password_is_not_shown(void **state)
{
    (void)state;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_CONFIG_AUTO *c = NULL;
    CB_BUF_AUTO out = {0};
    const char *text = "contents:\n  repositories: ['@t https://u:canary@h/a', 'https://u:canary@h/b']\n"
                       "  runtime_repositories: ['@t https://u:canary@h/c', 'https://h/%7e', 'u:canary@x']\n"
                       "  build_repositories: ['https://u:canary@h/d']\n  keyring: ['https://u:canary@h/e']\n";
    assert_int_equal(load_text(cb_str(text), &c, &err), 0);
    assert_int_equal(cb_config_write_yaml(c, &out, &err), 0);
    assert_null(strstr(out.p, "canary"));
    assert_non_null(strstr(out.p, "- '@t https://u:xxxxx@h/c'\n        - https://h/%7e\n"));
}

static void nested_merges(int levels, enum cb_kind expected)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_CONFIG_AUTO *c = NULL;
    CB_BUF_AUTO text = {0};
    cb_buf_adds(&text, "environment: ");
    for (int i = 0; i < levels; i++)
        cb_buf_adds(&text, "{<<: ");
    cb_buf_adds(&text, "{A: b}");
    for (int i = 0; i < levels; i++)
        cb_buf_adds(&text, "}");
    assert_int_equal(load_text(cb_buf_str(&text), &c, &err), expected == CB_OK ? 0 : -1);
    assert_int_equal(err.kind, expected);
    if (c)
        assert_string_equal(cb_pairs_get(&c->environment, CB_STR("A"))->p, "b");
}

// A chain of included files of some length; each includes the next.
static void nested_includes(int files, enum cb_kind expected)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;
    CB_CONFIG_AUTO *c = NULL;
    for (int i = 0; i < files; i++) {
        char *name CB_AUTOFREE = cb_format("i%d.yaml", i);
        char *text CB_AUTOFREE = i + 1 < files ? cb_format("include: i%d.yaml\n", i + 1) : cb_strdup("cmd: x\n");
        assert_int_equal(cb_write_file(name, cb_str(text), 0644, &ignored), 0);
    }
    assert_int_equal(cb_config_load("i0.yaml", NULL, &c, &err), expected == CB_OK ? 0 : -1);
    assert_int_equal(err.kind, expected);
    if (c)
        assert_string_equal(c->cmd.p, "x");
    for (int i = 0; i < files; i++) {
        char *name CB_AUTOFREE = cb_format("i%d.yaml", i);
        unlink(name);
    }
}

static void depths(void **state)
{
    (void)state;
    nested_merges(250, CB_OK);
    nested_merges(300, CB_E_LIMIT);
    nested_includes(64, CB_OK);
    nested_includes(65, CB_E_LIMIT);
}

static void load_folder(const char *path)
{
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        CB_CONFIG_AUTO *c = NULL;
        char *file CB_AUTOFREE = cb_path_join(path, e->d_name);
        if (!cb_str_ends(cb_str(file), ".yaml") && !cb_str_ends(cb_str(file), ".json"))
            continue;
        if (cb_config_load(file, NULL, &c, &err))
            fail_msg("%s", err.message);
    }
    closedir(d);
}

static void folders(void **state)
{
    (void)state;
    struct cb_str rest = cb_str(getenv("CBUILD_CONFIGS")), path;
    while (cb_str_cut(&rest, ':', &path)) {
        char *text CB_AUTOFREE = cb_strndup(path.p, path.n);
        load_folder(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_documents), cmocka_unit_test(errors),
        cmocka_unit_test(includes),      cmocka_unit_test(twins),
        cmocka_unit_test(validation),    cmocka_unit_test(copies),
        cmocka_unit_test(annotations),   cmocka_unit_test(architectures),
        cmocka_unit_test(folders),       cmocka_unit_test(password_is_not_shown),
        cmocka_unit_test(depths),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
