// Writing credentials: into the helper that config.json names, else into config.json itself.
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cbuild/base/file.h"
#include "cbuild/crypto/hash.h"
#include "cbuild/text/gojson.h"
#include "cbuild/text/json_read.h"
#include "credentials_file.h"

#define DEPTH_MAX 32 // of a config.json that is written back; CB_JSON_DEPTH is what the writer can do

static void write_value(struct cb_json *j, json_t *v, unsigned depth);

static void write_object(struct cb_json *j, json_t *v, unsigned depth)
{
    const char *key;
    json_t *item;
    cb_json_object(j);
    json_object_foreach(v, key, item)
    {
        cb_json_key(j, key);
        write_value(j, item, depth + 1);
    }
    cb_json_end(j);
}

static void write_array(struct cb_json *j, json_t *v, unsigned depth)
{
    cb_json_array(j);
    for (size_t i = 0; i < json_array_size(v); i++)
        write_value(j, json_array_get(v, i), depth + 1);
    cb_json_end(j);
}

static void write_real(struct cb_json *j, json_t *v)
{
    char *text = json_dumps(v, JSON_ENCODE_ANY);
    cb_json_raw(j, cb_str(text ? text : "0"));
    free(text);
}

static void write_value(struct cb_json *j, json_t *v, unsigned depth)
{
    if (depth > DEPTH_MAX)
        cb_json_null(j); // depth_of has refused it
    else if (json_is_object(v))
        write_object(j, v, depth);
    else if (json_is_array(v))
        write_array(j, v, depth);
    else if (json_is_string(v))
        cb_json_str(j, cb_strn(json_string_value(v), json_string_length(v)));
    else if (json_is_integer(v))
        cb_json_int(j, json_integer_value(v));
    else if (json_is_real(v))
        write_real(j, v);
    else if (json_is_boolean(v))
        cb_json_bool(j, json_is_true(v));
    else
        cb_json_null(j);
}

static unsigned depth_of(json_t *v, unsigned above)
{
    unsigned deepest = above;
    const char *key;
    json_t *item;
    size_t i;
    if (above > DEPTH_MAX)
        return above;
    json_object_foreach(v, key, item)
    {
        unsigned d = depth_of(item, above + 1);
        deepest = d > deepest ? d : deepest;
    }
    json_array_foreach(v, i, item)
    {
        unsigned d = depth_of(item, above + 1);
        deepest = d > deepest ? d : deepest;
    }
    return deepest;
}

// The folder of config.json is for its owner alone.
static int make_folder(const char *path, struct cb_error *err)
{
    char *dir CB_AUTOFREE = cb_strdup(path);
    char *slash = strrchr(dir, '/');
    if (!slash || slash == dir)
        return 0;
    *slash = 0;
    char *parent CB_AUTOFREE = cb_strdup(dir);
    slash = strrchr(parent, '/');
    if (slash && slash != parent) {
        *slash = 0;
        if (cb_mkdirs(parent, err))
            return -1;
    }
    if (mkdir(dir, 0700) && errno != EEXIST)
        return cb_fail_errno(err, errno, "%s", dir);
    return 0;
}

// Writes over the file, or over what it is a link to, with the mode that it had.
static int save(json_t *root, const char *path, struct cb_error *err)
{
    struct stat st;
    CB_BUF_AUTO text = {0};
    char *target = realpath(path, NULL);
    struct cb_json j = cb_json(&text, "", "\t");
    write_value(&j, root, 0);
    int rc = make_folder(path, err);
    if (rc == 0)
        rc = cb_write_file(target ? target : path, cb_buf_str(&text),
                           stat(path, &st) == 0 ? st.st_mode & 0777 & ~(mode_t)0022 : 0600, err);
    explicit_bzero(text.p, text.n);
    free(target);
    return rc;
}

// The file as it stands, an empty object where there is none.
static json_t *load(const char *path, struct cb_error *err)
{
    CB_BUF_AUTO text = {0};
    if (access(path, F_OK) && errno == ENOENT)
        return json_object();
    if (cb_read_file(path, &text, CB_DOCKER_CONFIG_MAX, err))
        return NULL;
    if (cb_str_trim(cb_buf_str(&text)).n == 0)
        return json_object();
    json_t *root = cb_json_read(cb_buf_str(&text), path, CB_DOCKER_CONFIG_MAX, err);
    explicit_bzero(text.p, text.n);
    if (root && json_is_object(root) && depth_of(root, 0) <= DEPTH_MAX)
        return root;
    if (root)
        cb_fail(err, CB_E_CONFIG, "%s is not a JSON object, or is nested too deeply", path);
    json_decref(root);
    err->kind = CB_E_CONFIG;
    return NULL;
}

// docker writes auths in the order of their names.
static void sort_fields(json_t *object)
{
    struct cb_strs names = {0};
    const char *key;
    json_t *item;
    json_t *copy = json_copy(object);
    json_object_foreach(copy, key, item) cb_strs_add(&names, cb_str(key));
    cb_strs_sort(&names);
    json_object_clear(object);
    for (size_t i = 0; i < names.n; i++)
        json_object_set(object, names.v[i].p, json_object_get(copy, names.v[i].p));
    json_decref(copy);
    cb_strs_release(&names);
}

// auths[key] = {"auth": ...}, or {} where a helper has the secret.
static int set_entry(json_t *root, struct cb_str key, const char *auth, struct cb_error *err)
{
    json_t *auths = json_object_get(root, "auths");
    if (!json_is_object(auths)) {
        auths = json_object();
        json_object_set_new(root, "auths", auths);
    }
    json_t *entry = json_object();
    if (auth)
        json_object_set_new(entry, "auth", json_string(auth));
    char *name CB_AUTOFREE = cb_strndup(key.p, key.n);
    if (json_object_set_new(auths, name, entry))
        return cb_fail(err, CB_E_USAGE, "the server's name is not UTF-8");
    sort_fields(auths);
    return 0;
}

static int give_to_helper(const struct cb_credentials_env *env, const char *helper, struct cb_str key,
                          const char *username, const char *password, struct cb_error *err)
{
    CB_BUF_AUTO input = {0}, output = {0};
    struct cb_json j = cb_json(&input, NULL, NULL);
    cb_json_object(&j);
    cb_json_key(&j, "ServerURL");
    cb_json_str(&j, key);
    cb_json_key(&j, "Username");
    cb_json_cstr(&j, username);
    cb_json_key(&j, "Secret");
    cb_json_cstr(&j, password);
    cb_json_end(&j);
    cb_buf_addc(&input, '\n');
    int rc = cb_config_run_helper(env, helper, "store", cb_buf_str(&input), &output, err);
    explicit_bzero(input.p, input.n);
    return rc;
}

static char *pair(const char *username, const char *password)
{
    CB_BUF_AUTO plain = {0}, coded = {0};
    cb_buf_addf(&plain, "%s:%s", username, password);
    cb_base64_add(&coded, plain.p, plain.n);
    explicit_bzero(plain.p, plain.n);
    return cb_buf_take(&coded);
}

int cb_credentials_store(const struct cb_credentials_env *env, struct cb_str registry, const char *username,
                         const char *password, char **where, struct cb_error *err)
{
    char *path CB_AUTOFREE = cb_config_path(env), *helper CB_AUTOFREE = NULL, *auth CB_AUTOFREE = NULL;
    bool hub = cb_str_is(registry, CB_DEFAULT_REGISTRY) || cb_str_is(registry, "docker.io");
    struct cb_str key = hub ? CB_STR(CB_DOCKER_HUB_KEY) : registry;
    if (strchr(username, ':'))
        return cb_fail(err, CB_E_USAGE, "a user name cannot hold a colon");
    CB_JSON_AUTO *root = load(path, err);
    if (!root || cb_config_helper(root, key, &helper, err))
        return -1;
    if (helper && give_to_helper(env, helper, key, username, password, err))
        return -1;
    auth = helper ? NULL : pair(username, password);
    int rc = set_entry(root, key, auth, err);
    if (rc == 0)
        rc = save(root, path, err);
    if (auth)
        explicit_bzero(auth, strlen(auth));
    if (rc == 0 && where)
        *where = cb_strdup(helper ? helper : path);
    return rc;
}
