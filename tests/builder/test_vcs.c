// Addresses as apko d1b5d5ec finds them in checkouts made of the same files.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cbuild/base/file.h"
#include "cbuild/builder/config.h"

#define COMMIT "b22d067195952557157286dea0ebbd24f0676dca"

static char folder[] = "/tmp/test_vcs.XXXXXX";

static int enter_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int leave_folder(void **state)
{
    (void)state;
    char *command CB_AUTOFREE = cb_format("rm -rf '%s'", folder);
    return chdir("/") || system(command);
}

static void put(const char *path, const char *text)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    char *parent CB_AUTOFREE = cb_strdup(path);
    *strrchr(parent, '/') = '\0';
    assert_int_equal(cb_mkdirs(parent, &err), 0);
    assert_int_equal(cb_write_file(path, cb_str(text), 0644, &err), 0);
}

static void checkout(const char *dir, const char *config, const char *head)
{
    char *config_path CB_AUTOFREE = cb_format("%s/.git/config", dir);
    char *head_path CB_AUTOFREE = cb_format("%s/.git/HEAD", dir);
    char *ref_path CB_AUTOFREE = cb_format("%s/.git/refs/heads/main", dir);
    char *image CB_AUTOFREE = cb_format("%s/sub/image.yaml", dir);
    put(config_path, config);
    put(head_path, head);
    put(ref_path, COMMIT "\n");
    put(image, "cmd: x\n");
}

static void found(const char *path, const char *expected)
{
    CB_BUF_AUTO out = {0};
    cb_vcs_probe(path, folder, &out);
    if (strcmp(out.p ? out.p : "", expected) != 0)
        fail_msg("%s: \"%s\", not \"%s\"", path, out.p ? out.p : "", expected);
}

#define ORIGIN "[core]\n\tbare = false\n[remote \"origin\"]\n\turl = "

static void addresses(void **state)
{
    (void)state;
    static const struct {
        const char *config, *expected;
    } cases[] = {
        {ORIGIN "https://h/x\n", "https://h/x@" COMMIT},
        {ORIGIN "https://user:password@h/x.git\n", "https://h/x.git@" COMMIT},
        {ORIGIN "git@github.com:foo/bar.git\n", "git+ssh://github.com/foo/bar.git@" COMMIT},
        {ORIGIN "ssh://git@h:22/x\n", "ssh://h:22/x@" COMMIT},
        {ORIGIN "/srv/git/x\n", "/srv/git/x@" COMMIT},
        {ORIGIN "host:path/x\n", "host:path/x@" COMMIT},
        {ORIGIN "\"https://q/ #z\" ; comment\n", "https://q/%20#z@" COMMIT},
        {ORIGIN "https://a/\n\turl = https://b/\n", "https://a/@" COMMIT},
        {ORIGIN "https://h/x\n[url \"https://m/\"]\n\tinsteadOf = https://h/\n", "https://m/x@" COMMIT},
        {ORIGIN "https://h/x\n[url \"git@h:\"]\n\tpushInsteadOf = https://h/\n", "git+ssh://h/https://h/x@" COMMIT},
        {ORIGIN "https://h/x\n[extensions]\n\tnoop = 1\n[alias]\n\tx = \"a\\\"b\" # c\n", "https://h/x@" COMMIT},
        {ORIGIN "https://h/x\n[extensions]\n\tworktreeConfig = true\n", ""},
        {ORIGIN "https://h/x\n[broken\n", ""},
        {"[remote \"upstream\"]\n\turl = https://h/x\n", ""},
        {"[remote \"origin\"]\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *dir CB_AUTOFREE = cb_format("a%zu", i);
        char *image CB_AUTOFREE = cb_format("a%zu/sub/image.yaml", i);
        checkout(dir, cases[i].config, "ref: refs/heads/main\n");
        found(image, cases[i].expected);
    }
}

static void references(void **state)
{
    (void)state;
    checkout("detached", ORIGIN "https://h/x\n", COMMIT "\n");
    found("detached/sub/image.yaml", "https://h/x@" COMMIT);
    checkout("packed", ORIGIN "https://h/x\n", "ref: refs/heads/packed\n");
    put("packed/.git/packed-refs", "# pack-refs with: peeled\n" COMMIT " refs/heads/packed\n^" COMMIT "\n");
    found("packed/sub", "https://h/x@" COMMIT);
    checkout("unborn", ORIGIN "https://h/x\n", "ref: refs/heads/none\n");
    found("unborn/sub/image.yaml", "");
    checkout("climbing", ORIGIN "https://h/x\n", "ref: refs/heads/../../../../detached/.git/HEAD\n");
    found("climbing/sub/image.yaml", "");
    checkout("circle", ORIGIN "https://h/x\n", "ref: refs/heads/circle\n");
    put("circle/.git/refs/heads/circle", "ref: refs/heads/circle\n");
    found("circle/sub/image.yaml", "");
}

static void places(void **state)
{
    (void)state;
    checkout("outer", ORIGIN "https://h/outer\n", "ref: refs/heads/main\n");
    put("outer/link/.git", "gitdir: ../.git\n");
    put("outer/link/image.yaml", "cmd: x\n");
    put("outer/broken/.git", "nothing\n");
    put("outer/broken/image.yaml", "cmd: x\n");
    put("alone/image.yaml", "cmd: x\n");
    found("outer/link/image.yaml", "https://h/outer@" COMMIT);
    found("outer/broken/image.yaml", "https://h/outer@" COMMIT);
    found("alone/image.yaml", "");
    found("outer/none.yaml", "");
    found("/etc/passwd", "");
    char *absolute CB_AUTOFREE = cb_format("%s/outer/sub/image.yaml", folder);
    found(absolute, "https://h/outer@" COMMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),
        cmocka_unit_test(references),
        cmocka_unit_test(places),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
