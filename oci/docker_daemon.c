#include "cbuild/oci/docker_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "cbuild/base/file.h"
#include "cbuild/net/url.h"
#include "cbuild/oci/docker_archive.h"
#include "cbuild/oci/reference.h"
#include "cbuild/text/json_read.h"

#define LOCAL_REPOSITORY "apko.local/cache" // the reference's, so that both find each other's images
#define LOCAL_DOMAIN "apko.local"
#define PATIENCE_MS 600000u // a daemon that unpacks a large layer has nothing to say
#define ANSWER_MAX (4u << 20)
#define SAVED_MAX (1ull << 40) // bytes of an image that is got

struct daemon {
    struct cb_http *http;
    char *base;   // "http://host", with the version of the API where it is known
    char *socket; // NULL for tcp
};

static bool given(const char *s)
{
    return s && s[0];
}

// ---- finding it ---------------------------------------------------------------------------------------------------

static int parse_host(struct daemon *d, const struct cb_docker_env *env, struct cb_error *err)
{
    const char *host = given(env->docker_host) ? env->docker_host : "unix:///var/run/docker.sock";
    if (cb_str_starts(cb_str(host), "unix://")) {
        d->socket = cb_strdup(host + strlen("unix://"));
        d->base = cb_strdup("http://localhost");
        return 0;
    }
    bool tcp = cb_str_starts(cb_str(host), "tcp://"), http = cb_str_starts(cb_str(host), "http://");
    if (tcp && (given(env->docker_tls_verify) || given(env->docker_cert_path)))
        return cb_fail(err, CB_E_UNSUPPORTED, "DOCKER_HOST: a daemon that is reached by TLS is not supported");
    if (!tcp && !http)
        return cb_fail(err, CB_E_USAGE, "DOCKER_HOST is \"%s\", not unix:///path or tcp://host:port", host);
    d->base = cb_format("http://%s", strstr(host, "://") + 3);
    return 0;
}

static int send(const struct daemon *d, struct cb_http_request *q, const char *path, struct cb_http_answer *a,
                struct cb_error *err)
{
    char *url CB_AUTOFREE = cb_format("%s%s", d->base, path);
    q->url = url;
    q->unix_socket = d->socket;
    q->no_ambient_auth = true;
    if (!q->max_body)
        q->max_body = ANSWER_MAX;
    q->answer_ms = q->stall_ms = PATIENCE_MS;
    q->once = true;
    int rc = cb_http_send(d->http, q, a, err);
    q->url = NULL;
    return rc;
}

// What the daemon says of a refusal is {"message": ...}.
static int refuse(const char *what, const struct cb_http_answer *a, struct cb_error *err)
{
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;
    CB_JSON_AUTO *root = cb_json_read(cb_buf_str(&a->text), "", ANSWER_MAX, &ignored);
    struct cb_str message = {NULL, 0};
    if (root)
        cb_json_get_str(root, "message", &message, &ignored);
    message = cb_str_head(message, 400);
    return cb_fail(err, CB_E_NETWORK, "%s: the Docker daemon answered %d%s%.*s", what, a->status, message.n ? ": " : "",
                   CB_STR_ARG(message));
}

static int find_daemon(struct daemon *d, const struct cb_docker_env *env, struct cb_error *err)
{
    CB_HTTP_ANSWER_AUTO a = {0};
    struct cb_http_request q = {0};
    if (parse_host(d, env, err))
        return -1;
    CB_ERROR_AUTO why = CB_ERROR_INIT;
    if (send(d, &q, "/_ping", &a, &why)) {
        cb_fail(err, CB_E_NETWORK, "the Docker daemon at %s cannot be reached", d->socket ? d->socket : d->base);
        cb_detail(err, "%s", why.message);
        return cb_hint(err, "is it running, and may this user use it? DOCKER_HOST names another one");
    }
    const char *version = given(env->docker_api_version) ? env->docker_api_version : cb_http_header(&a, "api-version");
    if (a.status != 200 || !version || strspn(version, "0123456789.") != strlen(version))
        return 0; // without a version in the path the daemon takes its own
    char *base = cb_format("%s/v%s", d->base, version);
    free(d->base);
    d->base = base;
    return 0;
}

// ---- sending the image --------------------------------------------------------------------------------------------

// The archive is written by a thread into a pipe that the request reads.
struct stream {
    struct cb_source source;
    const struct cb_image *image;
    struct cb_str tag;
    int in, out; // ends of the pipe
    pthread_t thread;
    bool running;
    struct cb_error failed;
};

static void *write_archive(void *ctx)
{
    struct stream *s = ctx;
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE); // the daemon may have had enough
    pthread_sigmask(SIG_BLOCK, &pipe, NULL);
    struct cb_fd_sink sink = cb_fd_sink(s->in, "the Docker daemon");
    (void)cb_docker_archive_stream(&sink.sink, s->image, s->tag, &s->failed);
    cb_close_p(&s->in);
    return NULL;
}

static void end_stream(struct stream *s)
{
    if (s->running)
        pthread_join(s->thread, NULL);
    s->running = false;
}

// The end of the pipe is the end of the archive only if the thread says so.
static ssize_t read_archive(struct cb_source *source, void *p, size_t n, struct cb_error *err)
{
    struct stream *s = (struct stream *)source;
    ssize_t got;
    while ((got = read(s->out, p, n)) < 0 && errno == EINTR)
        ;
    if (got < 0)
        return cb_fail_errno(err, errno, "pipe");
    if (got > 0)
        return got;
    end_stream(s);
    if (s->failed.kind == CB_OK)
        return 0;
    cb_error_move(err, &s->failed);
    return -1;
}

static int begin_stream(struct stream *s, struct cb_error *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return cb_fail_errno(err, errno, "pipe");
    s->out = ends[0];
    s->in = ends[1];
    int rc = pthread_create(&s->thread, NULL, write_archive, s);
    if (rc)
        return cb_fail_errno(err, rc, "starting a thread");
    s->running = true;
    return 0;
}

// The answer is a list of JSON objects, one a line; one of them may be {"error": ...} although the status was 200.
static int check_progress(const struct cb_http_answer *a, struct cb_error *err)
{
    struct cb_str rest = cb_buf_str(&a->text), line;
    while (rest.p && cb_str_cut(&rest, '\n', &line)) {
        CB_ERROR_AUTO ignored = CB_ERROR_INIT;
        CB_JSON_AUTO *root = cb_json_read(cb_str_trim(line), "", ANSWER_MAX, &ignored);
        struct cb_str why = {NULL, 0};
        if (root && cb_json_get_str(root, "error", &why, &ignored) == 0 && why.n)
            return cb_fail(err, CB_E_NETWORK, "loading the image: the Docker daemon says: %.*s",
                           CB_STR_ARG(cb_str_head(why, 400)));
    }
    return 0;
}

static int load(const struct daemon *d, const struct cb_image *img, const char *name, struct cb_error *err)
{
    static const struct cb_http_header type = {"Content-Type", "application/x-tar"};
    CB_HTTP_ANSWER_AUTO a = {0};
    struct stream s = {.source = {read_archive}, .image = img, .tag = cb_str(name), .in = -1, .out = -1};
    s.failed = (struct cb_error)CB_ERROR_INIT;
    struct cb_http_request q = {
        .method = "POST", .headers = &type, .nheaders = 1, .body = {.kind = CB_BODY_SOURCE, .source = &s.source}};
    int rc = begin_stream(&s, err);
    if (rc == 0)
        rc = send(d, &q, "/images/load?quiet=0", &a, err);
    cb_close_p(&s.out); // ends a thread that still writes
    end_stream(&s);
    cb_close_p(&s.in);
    cb_error_clear(&s.failed);
    if (rc)
        return cb_context(err, "loading the image");
    return a.status == 200 ? check_progress(&a, err) : refuse("loading the image", &a, err);
}

static int tag_image(const struct daemon *d, const char *source, const char *repository, struct cb_str tag,
                     struct cb_error *err)
{
    CB_HTTP_ANSWER_AUTO a = {0};
    CB_BUF_AUTO path = {0};
    cb_buf_addf(&path, "/images/%s/tag?repo=", source);
    cb_url_escape(&path, cb_str(repository));
    cb_buf_adds(&path, "&tag=");
    cb_url_escape(&path, tag);
    struct cb_http_request q = {.method = "POST"};
    if (send(d, &q, path.p, &a, err))
        return cb_context(err, "tagging %s", repository);
    return a.status == 201 ? 0 : refuse("tagging the image", &a, err);
}

// Whether the daemon has an image by its ID: 1 or 0, or -1; *tagged tells whether it already has the name.
static int has_image(const struct daemon *d, const struct cb_image *img, const char *name, bool *tagged,
                     struct cb_error *err)
{
    CB_HTTP_ANSWER_AUTO a = {0};
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;
    char *path CB_AUTOFREE = cb_format("/images/%s/json", img->config_digest.text);
    struct cb_http_request q = {0};
    struct cb_strs tags = {0};
    *tagged = false;
    if (send(d, &q, path, &a, err))
        return -1;
    if (a.status != 200)
        return 0;
    CB_JSON_AUTO *root = cb_json_read(cb_buf_str(&a.text), "", ANSWER_MAX, &ignored);
    if (root && cb_json_get_strs(root, "RepoTags", &tags, &ignored) == 0)
        *tagged = cb_strs_has(&tags, cb_str(name));
    cb_strs_release(&tags);
    return 1;
}

static int put_image(const struct daemon *d, const struct cb_image *img, const char *name, struct cb_error *err)
{
    bool tagged;
    int has = has_image(d, img, name, &tagged, err);
    if (has <= 0)
        return has < 0 ? -1 : load(d, img, name, err);
    return tagged ? 0
                  : tag_image(d, img->config_digest.text, LOCAL_REPOSITORY, cb_str(cb_digest_hex(&img->digest)), err);
}

// ---- the whole ----------------------------------------------------------------------------------------------------

// Before anything is loaded.
static int check_tags(const struct cb_str *tags, size_t n, struct cb_error *err)
{
    CB_ARENA_AUTO arena = {0};
    struct cb_reference ref;
    for (size_t i = 0; i < n; i++)
        if (cb_reference_parse_tag(&arena, tags[i], &ref, err))
            return -1;
    return 0;
}

static int add_tag(const struct daemon *d, const char *name, struct cb_str tag, struct cb_error *err)
{
    CB_ARENA_AUTO arena = {0};
    struct cb_reference ref;
    if (cb_reference_parse_tag(&arena, tag, &ref, err))
        return -1;
    if (cb_str_is(ref.registry, LOCAL_DOMAIN))
        return 0;
    bool hub = cb_str_is(ref.registry, CB_DEFAULT_REGISTRY);
    struct cb_str registry = hub ? CB_STR("docker.io") : ref.registry;
    struct cb_str repository = cb_arena_format(&arena, "%.*s/%.*s", CB_STR_ARG(registry), CB_STR_ARG(ref.repository));
    return tag_image(d, name, repository.p, ref.tag, err);
}

int cb_docker_load(struct cb_http *http, const struct cb_docker_env *env, const struct cb_index_image *idx,
                   const struct cb_str *tags, size_t ntags, char **name, struct cb_error *err)
{
    struct daemon d = {.http = http};
    const struct cb_image *img = cb_index_image_pick(idx, cb_str(given(env->goos) ? env->goos : "linux"),
                                                     cb_str(given(env->goarch) ? env->goarch : "amd64"));
    if (!img)
        return cb_fail(err, CB_E_USAGE, "there is no image to load");
    char *own = cb_format(LOCAL_REPOSITORY ":%s", cb_digest_hex(&img->digest));
    int rc = check_tags(tags, ntags, err) || find_daemon(&d, env, err) || put_image(&d, img, own, err) ? -1 : 0;
    for (size_t i = 0; i < ntags && rc == 0; i++)
        rc = add_tag(&d, own, tags[i], err);
    free(d.base);
    free(d.socket);
    if (rc)
        free(own);
    else
        *name = own;
    return rc;
}

// ---- getting an image ---------------------------------------------------------------------------------------------

static int save(const struct daemon *d, struct cb_str image, int fd, struct cb_error *err)
{
    CB_HTTP_ANSWER_AUTO a = {0};
    CB_BUF_AUTO path = {0};
    struct cb_fd_sink sink = cb_fd_sink(fd, "a temporary file");
    cb_buf_adds(&path, "/images/get?names=");
    cb_url_escape(&path, image);
    struct cb_http_request q = {.sink = &sink.sink, .max_body = SAVED_MAX};
    if (send(d, &q, path.p, &a, err))
        return cb_context(err, "getting the image");
    if (a.status == 200)
        return 0;
    refuse("getting the image", &a, err);
    if (a.status == 404)
        err->kind = CB_E_NOT_FOUND;
    return -1;
}

int cb_docker_save(struct cb_http *http, const struct cb_docker_env *env, struct cb_str image, int fd,
                   struct cb_error *err)
{
    struct daemon d = {.http = http};
    int rc = find_daemon(&d, env, err) || save(&d, image, fd, err) ? -1 : 0;
    free(d.base);
    free(d.socket);
    return rc;
}
