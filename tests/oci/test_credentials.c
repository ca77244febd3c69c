// Where credentials come from, which of several wins, and how they are written.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cbuild/base/file.h"
#include "cbuild/oci/credentials.h"

// base64 of "user:secret" and "two:other"
#define PAIR "{\"auth\":\"dXNlcjpzZWNyZXQ=\"}"
#define OTHER "{\"auth\":\"dHdvOm90aGVy\"}"

struct home {
    char folder[32];
    char *docker, *runtime, *config_home, *bin, *file; // paths below folder
    struct cb_credentials_env env;
};

static void put(const char *folder, const char *name, const char *text, mode_t mode)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    char *path CB_AUTOFREE = cb_path_join(folder, name), *dir CB_AUTOFREE = cb_strdup(path);
    *strrchr(dir, '/') = 0;
    assert_int_equal(cb_mkdirs(dir, &err), 0);
    assert_int_equal(cb_write_file(path, cb_str(text), mode, &err), 0);
}

static int setup(void **state)
{
    struct home *h = cb_zalloc(sizeof *h);
    strcpy(h->folder, "/tmp/cbuild-test-XXXXXX");
    assert_non_null(mkdtemp(h->folder));
    h->docker = cb_path_join(h->folder, "docker");
    h->runtime = cb_path_join(h->folder, "run");
    h->config_home = cb_path_join(h->folder, "xdg");
    h->bin = cb_format("%s/bin", h->folder);
    h->file = cb_path_join(h->folder, "auth-file.json");
    h->env = (struct cb_credentials_env){.home = h->folder, .helper_ms = 1500};
    *state = h;
    return 0;
}

static int teardown(void **state)
{
    struct home *h = *state;
    char *command CB_AUTOFREE = cb_format("rm -rf %s", h->folder);
    assert_int_equal(system(command), 0);
    free(h->docker);
    free(h->runtime);
    free(h->config_home);
    free(h->bin);
    free(h->file);
    free(h);
    return 0;
}

static void expect(const struct home *h, const char *registry, const char *repository, const char *user)
{
    CB_AUTH_AUTO auth = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    if (cb_credentials_find(&h->env, cb_str(registry), cb_str(repository), &auth, &err))
        fail_msg("%s", err.message);
    if (strcmp(auth.username ? auth.username : "-", user) != 0)
        fail_msg("%s/%s: %s", registry, repository, auth.username ? auth.username : "-");
    assert_int_equal(cb_auth_is_anonymous(&auth), strcmp(user, "-") == 0);
}

static void expect_error(const struct home *h, const char *words)
{
    CB_AUTH_AUTO auth = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    assert_int_equal(cb_credentials_find(&h->env, CB_STR("reg.io"), CB_STR("a/b"), &auth, &err), -1);
    assert_int_equal(err.kind, CB_E_CONFIG);
    if (!strstr(err.message, words))
        fail_msg("%s", err.message);
    assert_true(cb_auth_is_anonymous(&auth));
    assert_null(strstr(err.message, "secret"));
}

static void finds_keys(void **state)
{
    struct home *h = *state;
    put(h->folder, ".docker/config.json",
        "{\"auths\":{\"reg.io\":" PAIR ",\"reg.io/team/app\":" OTHER ",\"https://index.docker.io/v1/\":" PAIR
        ",\"https://old.io:5000/v1/\":" PAIR ",\"odd\":{\"auth\":\"\"},"
        "\"plain.io\":{\"username\":\"u\",\"password\":\"p\"}},\"unknown\":[1,2.5,null]}",
        0600);
    expect(h, "reg.io", "a/b", "user");
    expect(h, "reg.io", "team/app", "two");
    expect(h, "reg.io", "", "user");
    expect(h, "index.docker.io", "library/x", "user");
    expect(h, "old.io:5000", "a", "user");
    expect(h, "old.io", "a", "-");
    expect(h, "plain.io", "a", "u");
    expect(h, "odd", "a", "-");
    expect(h, "none.io", "a/b", "-");
    expect(h, "reg.io.evil", "a/b", "-");
}

static void reads_tokens(void **state)
{
    struct home *h = *state;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_AUTH_AUTO a = {0}, b = {0};
    put(h->folder, ".docker/config.json",
        "{\"auths\":{\"i.io\":{\"identitytoken\":\"it\"},\"r.io\":{\"registrytoken\":\"rt\"}}}", 0600);
    assert_int_equal(cb_credentials_find(&h->env, CB_STR("i.io"), CB_STR("x"), &a, &err), 0);
    assert_string_equal(a.identity_token, "it");
    assert_int_equal(cb_credentials_find(&h->env, CB_STR("r.io"), CB_STR("x"), &b, &err), 0);
    assert_string_equal(b.registry_token, "rt");
}

// DOCKER_CONFIG, REGISTRY_AUTH_FILE, podman's two places, GITHUB_TOKEN, DOCKER_AUTH_CONFIG: which one wins.
static void looks_in_order(void **state)
{
    struct home *h = *state;
    expect(h, "reg.io", "a/b", "-");
    put(h->config_home, "containers/auth.json", "{\"auths\":{\"reg.io\":{\"auth\":\"eGRnOng=\"}}}", 0600);
    h->env.xdg_config_home = h->config_home;
    expect(h, "reg.io", "a/b", "xdg");
    put(h->runtime, "containers/auth.json", "{\"auths\":{\"reg.io\":{\"auth\":\"cnVuOng=\"}}}", 0600);
    h->env.xdg_runtime_dir = h->runtime;
    expect(h, "reg.io", "a/b", "run");
    put(h->folder, "auth-file.json", "{\"auths\":{\"reg.io\":{\"auth\":\"ZmlsZTp4\"}}}", 0600);
    h->env.registry_auth_file = h->file;
    expect(h, "reg.io", "a/b", "file");
    put(h->folder, "docker/config.json", "{\"auths\":{\"reg.io\":" OTHER "}}", 0600);
    h->env.docker_config = h->docker;
    expect(h, "reg.io", "a/b", "two");
    put(h->folder, ".docker/config.json", "{\"auths\":{\"reg.io\":" PAIR "}}", 0600);
    expect(h, "reg.io", "a/b", "two"); // DOCKER_CONFIG names the file that is read
    h->env.docker_config = NULL;
    expect(h, "reg.io", "a/b", "user");
    h->env.docker_auth_config = "{\"auths\":{\"reg.io\":{\"auth\":\"ZW52Ong=\"}}}";
    expect(h, "reg.io", "a/b", "env");
    expect(h, "other.io", "a/b", "-");
    h->env.docker_auth_config = "not json";
    expect(h, "reg.io", "a/b", "user");
}

static void takes_github_tokens(void **state)
{
    struct home *h = *state;
    h->env.github_token = "t";
    expect(h, "ghcr.io", "a/b", "unset");
    h->env.github_actor = "octo";
    expect(h, "ghcr.io", "a/b", "octo");
    expect(h, "ghcr.io.evil.net", "a/b", "-");
    expect(h, "reg.io", "a/b", "-");
    h->env.docker_auth_config = "{\"auths\":{\"ghcr.io\":" PAIR "}}";
    expect(h, "ghcr.io", "a/b", "user");
}

static void refuses_bad_files(void **state)
{
    struct home *h = *state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"{", ""},
        {"[]", ""},
        {"{\"auths\":[]}", "auths"},
        {"{\"auths\":{\"reg.io\":7}}", ""},
        {"{\"auths\":{\"reg.io\":{\"auth\":\"secret!\"}}}", "not base64"},
        {"{\"auths\":{\"reg.io\":{\"auth\":\"c2VjcmV0\"}}}", "user:password"},     // no colon
        {"{\"auths\":{\"reg.io\":{\"auth\":\"OnNlY3JldA==\"}}}", "user:password"}, // no user
        {"{\"credsStore\":\"../../x\"}", "plain name"},
        {"{\"credsStore\":\"/bin/sh\"}", "plain name"},
        {"{\"credsStore\":\"a..b\"}", "plain name"},
        {"{\"credHelpers\":{\"reg.io\":\"x/y\"}}", "plain name"},
        {"{\"credsStore\":\"no-such-helper\"}", "not in PATH"},
        {"{\"credsStore\":7}", "credsStore"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put(h->folder, ".docker/config.json", cases[i].text, 0600);
        expect_error(h, cases[i].words);
    }
    put(h->folder, ".docker/config.json", "", 0600);
    expect(h, "reg.io", "a/b", "-");
    put(h->folder, ".docker/config.json", "{}", 0600);
    expect(h, "reg.io", "a/b", "-");
}

static void use_helper(struct home *h, const char *script)
{
    put(h->bin, "docker-credential-mine", script, 0755);
    put(h->folder, ".docker/config.json", "{\"credHelpers\":{\"reg.io\":\"mine\"},\"auths\":{\"reg.io\":" PAIR "}}",
        0600);
    free(h->bin);
    h->bin = cb_format("%s/bin:/usr/bin:/bin", h->folder);
    h->env.path = h->bin;
}

static void runs_helpers(void **state)
{
    struct home *h = *state;
    use_helper(h, "#!/bin/sh\n[ \"$1\" = get ] && [ \"$(cat)\" = reg.io ] || exit 1\n"
                  "echo '{\"ServerURL\":\"x\",\"Username\":\"helped\",\"Secret\":\"s\"}'\n");
    expect(h, "reg.io", "a/b", "helped");
    expect(h, "other.io", "a/b", "-");
}

static void takes_tokens_from_helpers(void **state)
{
    struct home *h = *state;
    CB_AUTH_AUTO a = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    use_helper(h, "#!/bin/sh\necho '{\"Username\":\"<token>\",\"Secret\":\"it\"}'\n");
    assert_int_equal(cb_credentials_find(&h->env, CB_STR("reg.io"), CB_STR("a"), &a, &err), 0);
    assert_null(a.username);
    assert_string_equal(a.identity_token, "it");
}

static void minds_what_helpers_do(void **state)
{
    struct home *h = *state;
    static const struct {
        const char *script, *words; // words NULL: anonymous
    } cases[] = {
        {"#!/bin/sh\necho credentials not found in native keychain\nexit 1\n", NULL},
        {"#!/bin/sh\necho locked\nexit 1\n", "failed with status 1: locked"},
        {"#!/bin/sh\necho '{\"Username\":\"u\",\"Secret\":\"secret\"'\n", "its answer is not"},
        {"#!/bin/sh\nkill -9 $$\n", "signal 9"},
        {"#!/bin/sh\nsleep 60 & sleep 60\n", "in time"},
        {"#!/bin/sh\nexec 1>&-\nsleep 60\n", "in time"},
        {"#!/bin/sh\nyes\n", "larger than"},
        {"not a program", "starting"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *bin = cb_format("%s/bin", h->folder);
        free(h->bin);
        h->bin = bin;
        time_t begun = time(NULL);
        use_helper(h, cases[i].script);
        if (cases[i].words)
            expect_error(h, cases[i].words);
        else
            expect(h, "reg.io", "a/b", "-");
        assert_true(time(NULL) - begun < 10);
    }
}

static char *read_text(const struct home *h, const char *name)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO b = {0};
    char *path CB_AUTOFREE = cb_path_join(h->folder, name);
    assert_int_equal(cb_read_file(path, &b, 1 << 20, &err), 0);
    return cb_buf_take(&b);
}

static void store(struct home *h, const char *registry, const char *user, const char *password, const char *where)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    char *got CB_AUTOFREE = NULL;
    if (cb_credentials_store(&h->env, cb_str(registry), user, password, &got, &err))
        fail_msg("%s", err.message);
    if (!cb_str_ends(cb_str(got), where))
        fail_msg("%s", got);
}

static void stores(void **state)
{
    struct home *h = *state;
    struct stat st;
    store(h, "reg.io", "user", "secret", "/.docker/config.json");
    char *first CB_AUTOFREE = read_text(h, ".docker/config.json");
    assert_string_equal(first,
                        "{\n\t\"auths\": {\n\t\t\"reg.io\": {\n\t\t\t\"auth\": \"dXNlcjpzZWNyZXQ=\"\n\t\t}\n\t}\n}");
    char *path CB_AUTOFREE = cb_path_join(h->folder, ".docker/config.json");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    expect(h, "reg.io", "a/b", "user");
    store(h, "index.docker.io", "two", "p:w", "/.docker/config.json");
    expect(h, "index.docker.io", "library/x", "two");
    expect(h, "reg.io", "a/b", "user");
    h->env.docker_config = h->docker;
    store(h, "reg.io", "elsewhere", "x", "/docker/config.json");
    expect(h, "reg.io", "a/b", "elsewhere");
}

static void keeps_what_stands_there(void **state)
{
    struct home *h = *state;
    put(h->folder, ".docker/config.json",
        "{\"HttpHeaders\":{\"X\":\"<y>\"},\"z\":[true,null,1,2.5,{}],\"auths\":{\"a.io\":" OTHER ",\"reg.io\":" OTHER
        "},\"a\":1}",
        0640);
    store(h, "reg.io", "user", "secret", "config.json");
    char *text CB_AUTOFREE = read_text(h, ".docker/config.json");
    assert_non_null(strstr(text, "\"HttpHeaders\": {\n\t\t\"X\": \"\\u003cy\\u003e\""));
    assert_non_null(strstr(text, "2.5"));
    assert_non_null(strstr(text, "dHdvOm90aGVy"));
    assert_true(strstr(text, "\"a\": 1") > strstr(text, "\"auths\""));
    expect(h, "reg.io", "x", "user");
    expect(h, "a.io", "x", "two");
}

static void writes_through_links(void **state)
{
    struct home *h = *state;
    struct stat st;
    put(h->folder, "dotfiles/config.json", "{}", 0600);
    put(h->folder, ".docker/other", "", 0600);
    char *link CB_AUTOFREE = cb_path_join(h->folder, ".docker/config.json");
    assert_int_equal(symlink("../dotfiles/config.json", link), 0);
    store(h, "reg.io", "user", "secret", ".docker/config.json");
    assert_int_equal(lstat(link, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    char *text CB_AUTOFREE = read_text(h, "dotfiles/config.json");
    assert_non_null(strstr(text, "dXNlcjpzZWNyZXQ="));
}

static void refuses_to_overwrite(void **state)
{
    struct home *h = *state;
    static const char *const texts[] = {"{", "[]", "{} trailing", "{\"auths\":{\"reg.io\":{}},\"auths\":{}}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        put(h->folder, ".docker/config.json", texts[i], 0600);
        assert_int_equal(cb_credentials_store(&h->env, CB_STR("reg.io"), "user", "secret", NULL, &err), -1);
        assert_int_equal(err.kind, CB_E_CONFIG);
        char *text CB_AUTOFREE = read_text(h, ".docker/config.json");
        assert_string_equal(text, texts[i]);
    }
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    assert_int_equal(cb_credentials_store(&h->env, CB_STR("reg.io"), "us:er", "secret", NULL, &err), -1);
}

static void stores_with_a_helper(void **state)
{
    struct home *h = *state;
    char *script CB_AUTOFREE = cb_format("#!/bin/sh\n[ \"$1\" = store ] && cat > %s/stored\n", h->folder);
    use_helper(h, script);
    store(h, "reg.io", "user", "sec\"ret", "docker-credential-mine");
    char *text CB_AUTOFREE = read_text(h, "stored");
    assert_string_equal(text, "{\"ServerURL\":\"reg.io\",\"Username\":\"user\",\"Secret\":\"sec\\\"ret\"}\n");
    char *config CB_AUTOFREE = read_text(h, ".docker/config.json");
    assert_null(strstr(config, "dXNlcjpz")); // what stood in the file is gone
    use_helper(h, "#!/bin/sh\necho no room\nexit 3\n");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(finds_keys),
        TEST(reads_tokens),
        TEST(looks_in_order),
        TEST(takes_github_tokens),
        TEST(refuses_bad_files),
        TEST(runs_helpers),
        TEST(takes_tokens_from_helpers),
        TEST(minds_what_helpers_do),
        TEST(stores),
        TEST(keeps_what_stands_there),
        TEST(writes_through_links),
        TEST(refuses_to_overwrite),
        TEST(stores_with_a_helper),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
