#include "cbuild/apk/chainguard.h"

#include <stdlib.h>

#include "cbuild/base/file.h"
#include "cbuild/base/log.h"
#include "cbuild/net/helper.h"
#include "cbuild/net/url.h"
#include "cbuild/text/json_read.h"

#define APK_HOST "apk.cgr.dev"
#define ISSUER "https://issuer.enforce.dev"
#define TOKEN_MAX (64u << 10)
#define CHAINCTL_MS 30000u
#define CHAINCTL_TALKING_MS 300000u

static bool given(const char *s)
{
    return s && s[0];
}

static void wipe(struct cb_buf *b)
{
    if (b->p)
        explicit_bzero(b->p, b->n);
    cb_buf_release(b);
}

// ---- an identity --------------------------------------------------------------------------------------------------

static int read_token(const struct cb_http_answer *a, char **out, struct cb_error *err)
{
    CB_ERROR_AUTO ignored = CB_ERROR_INIT; // may quote the token
    CB_JSON_AUTO *root = cb_json_read(cb_buf_str(&a->text), "token", TOKEN_MAX, &ignored);
    struct cb_str token;
    if (!root || cb_json_get_str(root, "token", &token, &ignored) || token.n == 0)
        return cb_fail(err, CB_E_AUTH, "the answer of " ISSUER " holds no token");
    *out = cb_strndup(token.p, token.n);
    return 0;
}

// A token of somebody else's for one of Chainguard's, for the identity.
static int exchange(const struct cb_chainguard_env *env, struct cb_http *h, const char *theirs, char **out,
                    struct cb_error *err)
{
    static const struct cb_http_header type = {"Content-Type", "application/x-www-form-urlencoded"};
    CB_HTTP_ANSWER_AUTO a = {0};
    CB_BUF_AUTO form = {0};
    cb_buf_adds(&form, "aud=" APK_HOST "&identity=");
    cb_url_escape(&form, cb_str(env->identity));
    char *bearer CB_AUTOFREE = cb_format("Bearer %s", theirs);
    const struct cb_http_request q = {.method = "POST",
                                      .url = ISSUER "/sts/exchange",
                                      .headers = &type,
                                      .nheaders = 1,
                                      .authorization = bearer,
                                      .no_ambient_auth = true,
                                      .keep_redirect = true,
                                      .body = {.kind = CB_BODY_MEMORY, .memory = cb_buf_str(&form)},
                                      .max_body = TOKEN_MAX};
    int rc = cb_http_fetch(h, &q, &a, err);
    explicit_bzero(bearer, strlen(bearer));
    if (rc || read_token(&a, out, err)) {
        err->kind = err->kind == CB_E_NETWORK ? CB_E_NETWORK : CB_E_AUTH;
        return cb_context(err, "assuming the identity %s", env->identity);
    }
    return 0;
}

static int from_kubernetes(const struct cb_chainguard_env *env, struct cb_http *h, char **out, struct cb_error *err)
{
    struct cb_buf token = {0};
    int rc = cb_read_file(env->k8s_token_path, &token, TOKEN_MAX, err);
    if (rc == 0) {
        struct cb_str text = cb_str_trim(cb_buf_str(&token));
        char *theirs = cb_strndup(text.p ? text.p : "", text.n);
        rc = exchange(env, h, theirs, out, err);
        explicit_bzero(theirs, strlen(theirs));
        free(theirs);
    } else {
        cb_context(err, "K8S_TOKEN_PATH");
    }
    wipe(&token);
    return rc;
}

static bool on_google(void)
{
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;
    CB_BUF_AUTO name = {0};
    return cb_read_file("/sys/class/dmi/id/product_name", &name, 4096, &ignored) == 0 &&
           cb_str_has(cb_buf_str(&name), CB_STR("Google"));
}

// The metadata server of a Google machine vouches for it.
static int from_google(const struct cb_chainguard_env *env, struct cb_http *h, char **out, struct cb_error *err)
{
    static const struct cb_http_header flavor = {"Metadata-Flavor", "Google"};
    CB_HTTP_ANSWER_AUTO a = {0};
    if (!given(env->metadata_host) && !on_google())
        return cb_fail(err, CB_E_AUTH, "CHAINGUARD_IDENTITY is given, but neither K8S_TOKEN_PATH nor a Google machine");
    char *url CB_AUTOFREE =
        cb_format("http://%s/computeMetadata/v1/instance/service-accounts/default/identity?audience="
                  "https%%3A%%2F%%2Fissuer.enforce.dev&format=full",
                  given(env->metadata_host) ? env->metadata_host : "169.254.169.254");
    const struct cb_http_request q = {
        .url = url, .headers = &flavor, .nheaders = 1, .no_ambient_auth = true, .max_body = TOKEN_MAX};
    if (cb_http_fetch(h, &q, &a, err))
        return cb_context(err, "asking the machine for an identity token");
    return exchange(env, h, a.text.p ? a.text.p : "", out, err);
}

static int assume_identity(const struct cb_chainguard_env *env, struct cb_http *h, char **out, struct cb_error *err)
{
    CB_ERROR_AUTO first = CB_ERROR_INIT;
    if (given(env->k8s_token_path) && from_kubernetes(env, h, out, &first) == 0)
        return 0;
    if (from_google(env, h, out, err) == 0)
        return 0;
    if (first.kind != CB_OK) { // what the user asked for is the better message
        cb_error_clear(err);
        cb_error_move(err, &first);
    }
    return -1;
}

// ---- chainctl -----------------------------------------------------------------------------------------------------

static void from_chainctl(const struct cb_chainguard_env *env, const char *host, char **out)
{
    const char *const args[] = {"auth", "token", "--audience", host, NULL};
    const struct cb_helper program = {.name = "chainctl",
                                      .args = args,
                                      .path = env->path,
                                      .home = env->home,
                                      .environ = env->environ,
                                      .quiet = !env->interactive,
                                      .timeout_ms = env->interactive ? CHAINCTL_TALKING_MS : CHAINCTL_MS};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_buf output = {0};
    int status = 0;
    int rc = cb_helper_run(&program, (struct cb_str){NULL, 0}, &output, &status, &err);
    struct cb_str token = cb_str_trim(cb_buf_str(&output));
    if (rc == 0 && status == 0 && token.n)
        *out = cb_strndup(token.p, token.n);
    else
        cb_log(CB_INFO, "no credentials for %s: `chainctl auth token --audience %s` would tell why", host, host);
    wipe(&output);
}

int cb_chainguard_lookup(void *ctx, struct cb_http *h, const char *host, char **user, char **password,
                         struct cb_error *err)
{
    const struct cb_chainguard_env *env = ctx;
    CB_ERROR_AUTO refused = CB_ERROR_INIT;
    if (given(env->identity) && strcmp(host, APK_HOST) == 0)
        (void)assume_identity(env, h, password, &refused);
    if (!*password && strcmp(host, given(env->apk_host) ? env->apk_host : APK_HOST) == 0)
        from_chainctl(env, host, password);
    if (*password) {
        *user = cb_strdup("user");
        return 0;
    }
    if (refused.kind == CB_OK)
        return 0;
    cb_error_move(err, &refused);
    return -1;
}
