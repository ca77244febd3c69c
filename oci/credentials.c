#include "cbuild/oci/credentials.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "cbuild/base/file.h"
#include "cbuild/base/log.h"
#include "cbuild/crypto/hash.h"
#include "cbuild/net/helper.h"
#include "cbuild/text/json_read.h"
#include "credentials_file.h"

static bool given(const char *s)
{
    return s && s[0];
}

static void wipe(char **s)
{
    if (*s)
        explicit_bzero(*s, strlen(*s));
    free(*s);
    *s = NULL;
}

void cb_auth_release(struct cb_auth *a)
{
    wipe(&a->username);
    wipe(&a->password);
    wipe(&a->identity_token);
    wipe(&a->registry_token);
}

bool cb_auth_is_anonymous(const struct cb_auth *a)
{
    return !given(a->username) && !given(a->password) && !given(a->identity_token) && !given(a->registry_token);
}

// ---- one config.json ----------------------------------------------------------------------------------------------

static char *field(const struct json_t *entry, const char *key)
{
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;
    struct cb_str s;
    if (cb_json_get_str(entry, key, &s, &ignored) || s.n == 0)
        return NULL;
    return cb_strndup(s.p, s.n);
}

// "auth": base64 of user:password. The password may end in NULs, which do not count.
static int decode_pair(struct cb_str text, struct cb_auth *out, struct cb_error *err)
{
    CB_BUF_AUTO pair = {0};
    struct cb_str rest, user;
    if (cb_base64_decode(&pair, text))
        return cb_fail(err, CB_E_CONFIG, "\"auth\" is not base64");
    rest = cb_buf_str(&pair);
    if (!cb_str_cut(&rest, ':', &user) || !rest.p || user.n == 0)
        return cb_fail(err, CB_E_CONFIG, "\"auth\" is not base64 of user:password");
    while (rest.n && rest.p[rest.n - 1] == 0)
        rest.n--;
    out->username = cb_strndup(user.p, user.n);
    out->password = cb_strndup(rest.p, rest.n);
    explicit_bzero(pair.p, pair.n);
    return 0;
}

static int read_entry(struct json_t *entry, struct cb_auth *out, struct cb_error *err)
{
    struct cb_str auth;
    if (cb_json_get_str(entry, "auth", &auth, err))
        return -1;
    out->identity_token = field(entry, "identitytoken");
    out->registry_token = field(entry, "registrytoken");
    if (auth.n)
        return decode_pair(auth, out, err);
    out->username = field(entry, "username");
    out->password = field(entry, "password");
    return 0;
}

// What a key of older files ("https://host/v1/") means: its host, with a port where it has one.
static struct cb_str host_of_key(struct cb_str key)
{
    ptrdiff_t colon = cb_str_find(key, ':');
    if (colon > 0 && cb_str_starts(cb_str_skip(key, (size_t)colon), "://"))
        key = cb_str_skip(key, (size_t)colon + 3);
    ptrdiff_t slash = cb_str_find(key, '/');
    return slash < 0 ? key : cb_str_head(key, (size_t)slash);
}

// What an entry of auths says; nothing where it is empty.
static int take_entry(struct json_t *entry, struct cb_str key, struct cb_auth *out, struct cb_error *err)
{
    if (cb_json_as_object(entry, "auths", &entry, err) == 0 && read_entry(entry, out, err) == 0)
        return 0;
    cb_auth_release(out);
    err->kind = CB_E_CONFIG;
    return cb_context(err, "credentials for %.*s", CB_STR_ARG(key));
}

int cb_config_auths_find(struct json_t *root, struct cb_str key, bool exact, struct cb_auth *out, struct cb_error *err)
{
    struct json_t *auths;
    if (cb_json_get_object(root, "auths", &auths, err))
        return -1;
    for (void *at = auths ? cb_json_first(auths) : NULL; at; at = cb_json_next(auths, at))
        if (cb_str_eq(cb_json_key_at(at), key))
            return take_entry(cb_json_value_at(at), key, out, err);
    // The reference takes any one of several that are meant; we the first that says something.
    for (void *at = auths && !exact ? cb_json_first(auths) : NULL; at && cb_auth_is_anonymous(out);
         at = cb_json_next(auths, at))
        if (cb_str_eq(host_of_key(cb_json_key_at(at)), key) && take_entry(cb_json_value_at(at), key, out, err))
            return -1;
    return 0;
}

static int find_in_text(struct cb_str json, struct cb_str key, bool exact, struct cb_auth *out, struct cb_error *err)
{
    CB_JSON_AUTO *root = cb_json_read(json, "config.json", CB_DOCKER_CONFIG_MAX, err);
    struct json_t *object;
    if (!root || cb_json_as_object(root, "config.json", &object, err))
        return -1;
    return cb_config_auths_find(root, key, exact, out, err);
}

int cb_docker_config_find(struct cb_str json, struct cb_str key, struct cb_auth *out, struct cb_error *err)
{
    return find_in_text(json, key, false, out, err);
}

// ---- helpers ------------------------------------------------------------------------------------------------------

int cb_config_helper(struct json_t *root, struct cb_str key, char **name, struct cb_error *err)
{
    struct json_t *helpers;
    struct cb_str helper = {NULL, 0};
    *name = NULL;
    if (cb_json_get_object(root, "credHelpers", &helpers, err))
        return -1;
    for (void *at = helpers ? cb_json_first(helpers) : NULL; at; at = cb_json_next(helpers, at))
        if (cb_str_eq(cb_json_key_at(at), key) && cb_json_as_str(cb_json_value_at(at), "credHelpers", &helper, err))
            return -1;
    if (!helper.p && cb_json_get_str(root, "credsStore", &helper, err))
        return -1;
    if (helper.n == 0)
        return 0;
    if (cb_str_find_any(helper, "/\\") >= 0 || cb_str_has(helper, CB_STR("..")) || memchr(helper.p, 0, helper.n) ||
        helper.n > 100)
        return cb_fail(err, CB_E_CONFIG, "the name of the credential helper \"%.*s\" is not a plain name",
                       helper.n < 100 ? (int)helper.n : 100, helper.p);
    *name = cb_format("docker-credential-%.*s", CB_STR_ARG(helper));
    return 0;
}

int cb_config_run_helper(const struct cb_credentials_env *env, const char *name, const char *action,
                         struct cb_str input, struct cb_buf *output, struct cb_error *err)
{
    const char *const args[] = {action, NULL};
    const struct cb_helper h = {.name = name,
                                .args = args,
                                .path = env->path,
                                .home = env->home,
                                .environ = env->environ,
                                .timeout_ms = env->helper_ms};
    int status = 0;
    if (cb_helper_run(&h, input, output, &status, err)) {
        err->kind = CB_E_CONFIG;
        return cb_context(err, "credential helper");
    }
    if (status == 0)
        return 0;
    struct cb_str said = cb_str_trim(cb_buf_str(output));
    return cb_fail(err, CB_E_CONFIG, "credential helper: %s %s failed with status %d: %.*s", name, action, status,
                   said.n < 200 ? (int)said.n : 200, said.p ? said.p : "");
}

static int read_helper_answer(struct cb_buf *output, struct cb_auth *out, struct cb_error *err)
{
    CB_JSON_AUTO *root = cb_json_read(cb_buf_str(output), "the answer", CB_HELPER_OUTPUT_MAX, err);
    struct cb_str user, secret;
    if (!root || cb_json_get_str(root, "Username", &user, err) || cb_json_get_str(root, "Secret", &secret, err)) {
        cb_error_clear(err); // its text may hold a secret
        return cb_fail(err, CB_E_CONFIG, "its answer is not {\"Username\": ..., \"Secret\": ...}");
    }
    if (cb_str_is(user, "<token>")) {
        out->identity_token = cb_strndup(secret.p, secret.n);
        return 0;
    }
    out->username = cb_strndup(user.p ? user.p : "", user.n);
    out->password = cb_strndup(secret.p ? secret.p : "", secret.n);
    return 0;
}

static int ask_helper(const struct cb_credentials_env *env, const char *name, struct cb_str key, struct cb_auth *out,
                      struct cb_error *err)
{
    CB_BUF_AUTO output = {0};
    int rc = cb_config_run_helper(env, name, "get", key, &output, err);
    if (rc && cb_str_is(cb_str_trim(cb_buf_str(&output)), "credentials not found in native keychain")) {
        cb_error_clear(err);
        return 0;
    }
    if (rc == 0 && read_helper_answer(&output, out, err))
        rc = cb_context(err, "credential helper %s", name);
    if (output.p)
        explicit_bzero(output.p, output.n);
    return rc;
}

// ---- which file ---------------------------------------------------------------------------------------------------

static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

char *cb_config_path(const struct cb_credentials_env *env)
{
    if (given(env->docker_config))
        return cb_path_join(env->docker_config, "config.json");
    return cb_format("%s/.docker/config.json", given(env->home) ? env->home : "");
}

static bool has_docker_config(const struct cb_credentials_env *env)
{
    char *usual CB_AUTOFREE = cb_format("%s/.docker/config.json", given(env->home) ? env->home : "");
    char *named CB_AUTOFREE = cb_config_path(env);
    return is_file(usual) || is_file(named);
}

static char *podman_path(const struct cb_credentials_env *env)
{
    char *path = given(env->xdg_runtime_dir) ? cb_path_join(env->xdg_runtime_dir, "containers/auth.json") : NULL;
    if (path && is_file(path))
        return path;
    free(path);
    if (given(env->xdg_config_home))
        return cb_path_join(env->xdg_config_home, "containers/auth.json");
    return given(env->home) ? cb_path_join(env->home, ".config/containers/auth.json") : NULL;
}

// The file to read, NULL where there is none. DOCKER_CONFIG decides alone once any docker file exists, even if the
// file it names does not: as the reference has it.
static char *choose_file(const struct cb_credentials_env *env)
{
    if (has_docker_config(env)) {
        char *path = cb_config_path(env);
        if (is_file(path))
            return path;
        free(path);
        return NULL;
    }
    if (given(env->registry_auth_file) && is_file(env->registry_auth_file))
        return cb_path_clean(cb_str(env->registry_auth_file));
    char *podman = podman_path(env);
    if (podman && is_file(podman))
        return podman;
    free(podman);
    return NULL;
}

// ---- the lookup ---------------------------------------------------------------------------------------------------

static struct cb_str config_key(struct cb_str name)
{
    if (cb_str_is(name, CB_DEFAULT_REGISTRY) || cb_str_is(name, "docker.io"))
        return CB_STR(CB_DOCKER_HUB_KEY);
    return name;
}

static int find_in_root(const struct cb_credentials_env *env, struct json_t *root, struct cb_str name,
                        struct cb_auth *out, struct cb_error *err)
{
    struct cb_str key = config_key(name);
    char *helper CB_AUTOFREE = NULL;
    if (cb_config_helper(root, key, &helper, err))
        return -1;
    if (!helper)
        return cb_config_auths_find(root, key, false, out, err);
    if (ask_helper(env, helper, key, out, err))
        return -1;
    // docker keeps the e-mail address, and nothing of use, in auths for these; a bare registry token may stand there
    return 0;
}

// DOCKER_AUTH_CONFIG stands above the file. One that does not parse is passed over with a warning, as docker does.
static void find_in_environment(const struct cb_credentials_env *env, struct cb_str name, struct cb_auth *out)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    if (!given(env->docker_auth_config))
        return;
    if (find_in_text(cb_str(env->docker_auth_config), config_key(name), true, out, &err))
        cb_log(CB_WARN, "DOCKER_AUTH_CONFIG is not used: it is malformed");
}

// *root stays NULL where the file is empty.
static int read_root(const char *path, struct json_t **root, struct cb_error *err)
{
    CB_BUF_AUTO text = {0};
    if (cb_read_file(path, &text, CB_DOCKER_CONFIG_MAX, err))
        return -1;
    if (cb_str_trim(cb_buf_str(&text)).n == 0)
        return 0;
    struct json_t *object;
    *root = cb_json_read(cb_buf_str(&text), path, CB_DOCKER_CONFIG_MAX, err);
    explicit_bzero(text.p, text.n);
    if (*root && cb_json_as_object(*root, path, &object, err) == 0)
        return 0;
    err->kind = CB_E_CONFIG;
    return -1;
}

static int bad_config(const char *path, struct cb_error *err)
{
    err->kind = CB_E_CONFIG;
    return cb_context(err, "%s", path);
}

static int find_in_file(const struct cb_credentials_env *env, struct cb_str names[2], struct cb_auth *out,
                        struct cb_error *err)
{
    char *path CB_AUTOFREE = choose_file(env);
    if (!path && !given(env->docker_auth_config))
        return 0;
    CB_JSON_AUTO *root = NULL;
    if (path && read_root(path, &root, err))
        return -1;
    for (size_t i = 0; i < 2 && cb_auth_is_anonymous(out); i++) {
        find_in_environment(env, names[i], out);
        if (root && cb_auth_is_anonymous(out) && find_in_root(env, root, names[i], out, err))
            return bad_config(path, err);
    }
    return 0;
}

static void find_github(const struct cb_credentials_env *env, struct cb_str registry, struct cb_auth *out)
{
    if (!given(env->github_token) || !(cb_str_is(registry, "ghcr.io") || cb_str_starts(registry, "ghcr.io:")))
        return;
    out->username = cb_strdup(given(env->github_actor) ? env->github_actor : "unset");
    out->password = cb_strdup(env->github_token);
}

int cb_credentials_find(const struct cb_credentials_env *env, struct cb_str registry, struct cb_str repository,
                        struct cb_auth *out, struct cb_error *err)
{
    *out = (struct cb_auth){0};
    char *whole CB_AUTOFREE = cb_format("%.*s/%.*s", CB_STR_ARG(registry), CB_STR_ARG(repository));
    struct cb_str names[2] = {repository.n ? cb_str(whole) : registry, registry};
    if (find_in_file(env, names, out, err)) {
        cb_auth_release(out);
        return -1;
    }
    if (cb_auth_is_anonymous(out)) {
        cb_auth_release(out);
        find_github(env, registry, out);
    }
    return 0;
}
