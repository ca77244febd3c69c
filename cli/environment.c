#include "environment.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cbuild/base/file.h"

extern char **environ;

// The first of two spellings that is set to something; as curl, lower case wins for http_proxy and its like.
static const char *either(const char *a, const char *b)
{
    const char *value = getenv(a);
    return value && *value ? value : getenv(b);
}

static void read_http(struct cb_environment *e)
{
    e->http = (struct cb_http_env){
        .http_proxy = either("HTTP_PROXY", "http_proxy"),
        .https_proxy = either("HTTPS_PROXY", "https_proxy"),
        .all_proxy = either("ALL_PROXY", "all_proxy"),
        .no_proxy = either("NO_PROXY", "no_proxy"),
        .ssl_cert_file = getenv("SSL_CERT_FILE"),
        .ssl_cert_dir = getenv("SSL_CERT_DIR"),
        .http_auth = getenv("HTTP_AUTH"),
        .netrc = e->netrc,
    };
}

static void read_credentials(struct cb_environment *e)
{
    e->credentials = (struct cb_credentials_env){
        .home = getenv("HOME"),
        .docker_config = getenv("DOCKER_CONFIG"),
        .docker_auth_config = getenv("DOCKER_AUTH_CONFIG"),
        .registry_auth_file = getenv("REGISTRY_AUTH_FILE"),
        .xdg_runtime_dir = getenv("XDG_RUNTIME_DIR"),
        .xdg_config_home = getenv("XDG_CONFIG_HOME"),
        .github_actor = getenv("GITHUB_ACTOR"),
        .github_token = getenv("GITHUB_TOKEN"),
        .path = getenv("PATH"),
        .environ = environ,
    };
    e->docker = (struct cb_docker_env){
        .docker_host = getenv("DOCKER_HOST"),
        .docker_api_version = getenv("DOCKER_API_VERSION"),
        .docker_tls_verify = getenv("DOCKER_TLS_VERIFY"),
        .docker_cert_path = getenv("DOCKER_CERT_PATH"),
        .goos = getenv("GOOS"),
        .goarch = getenv("GOARCH"),
    };
    e->chainguard = (struct cb_chainguard_env){
        .identity = getenv("CHAINGUARD_IDENTITY"),
        .k8s_token_path = getenv("K8S_TOKEN_PATH"),
        .metadata_host = getenv("GCE_METADATA_HOST"),
        .apk_host = getenv("APKO_APK_HOST"),
        .path = getenv("PATH"),
        .home = getenv("HOME"),
        .environ = environ,
        .interactive = isatty(STDERR_FILENO),
    };
}

// $XDG_CACHE_HOME or ~/.cache, and in it the folder that apko uses.
static char *default_cache_dir(void)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache && cache[0] == '/')
        return cb_path_join(cache, "dev.chainguard.go-apk");
    if ((cache && *cache) || !home || !*home)
        return NULL;
    return cb_path_join(home, ".cache/dev.chainguard.go-apk");
}

static int read_epoch(struct cb_environment *e, struct cb_error *err)
{
    const char *text = getenv("SOURCE_DATE_EPOCH");
    e->epoch_given = text != NULL;
    if (!text || !cb_str_trim(cb_str(text)).n)
        return 0;
    e->epoch_set = cb_str_i64(cb_str(text), 10, &e->epoch);
    if (e->epoch_set)
        return 0;
    cb_fail(err, CB_E_USAGE, "SOURCE_DATE_EPOCH is \"%s\", which is not a whole number", text);
    return cb_hint(err, "give seconds since 1970, as `date +%%s` prints them");
}

// $PWD where it names the working folder, links and all, as Go's os.Getwd has it; else the system's path.
char *cb_work_dir(void)
{
    const char *pwd = getenv("PWD");
    struct stat here, there;
    if (pwd && pwd[0] == '/' && stat(".", &here) == 0 && stat(pwd, &there) == 0 && here.st_dev == there.st_dev &&
        here.st_ino == there.st_ino)
        return cb_strdup(pwd);
    return getcwd(NULL, 0);
}

int cb_environment_read(struct cb_environment *e, struct cb_error *err)
{
    const char *netrc = getenv("NETRC"), *home = getenv("HOME");
    if (netrc && *netrc)
        e->netrc = cb_strdup(netrc);
    else if (home && *home)
        e->netrc = cb_path_join(home, ".netrc");
    read_http(e);
    read_credentials(e);
    e->cache_dir = default_cache_dir();
    e->now = (int64_t)time(NULL);
    e->work_dir = cb_work_dir();
    if (!e->work_dir)
        e->work_dir = cb_strdup("");
    return read_epoch(e, err);
}

void cb_environment_release(struct cb_environment *e)
{
    free(e->cache_dir);
    free(e->netrc);
    free(e->work_dir);
    *e = (struct cb_environment){0};
}
