#include "cbuild/oci/image.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cbuild/base/file.h"
#include "cbuild/base/vec.h"
#include "cbuild/oci/shlex.h"

#define ANNOTATION "org.opencontainers.image."
#define SINGLE_LAYER_COMMENT "This is an apko single-layer image"
#define AUTHOR "github.com/chainguard-dev/apko"

// How the two documents come about. The reference stacks mutations on a base image (an empty one where the
// configuration names none): append layers and their history, set annotations, replace fields of the config. What the
// base says stays where the configuration says nothing; the documents' own fields that go-containerregistry does not
// know are lost. Both documents are written first and then read back, so that what the image says of itself lives in
// its own memory and is what a stranger would read.

struct building {
    struct cb_arena arena; // of what lives until the documents are written
    const struct cb_image_params *p;
    const struct cb_layer_blob *layers;
    size_t nlayers;
    struct cb_string_map annotations;
    struct cb_image_file file;
    struct cb_manifest manifest;
};

struct cb_platform cb_platform_of_arch(struct cb_str arch)
{
    struct cb_platform p = {.architecture = arch, .os = CB_STR("linux")};

    if (cb_str_is(arch, "arm/v6") || cb_str_is(arch, "arm/v7")) {
        p.architecture = CB_STR("arm");
        p.variant = cb_str_skip(arch, 4);
    }
    return p;
}

static void copy_map(struct cb_arena *a, struct cb_string_map *to, const struct cb_string_map *from)
{
    for (size_t i = 0; i < from->n; i++)
        cb_string_map_set(a, to, from->v[i].key, from->v[i].value);
}

// a, middle and b in a row; unlike a formatted string, with the NULs that they may have.
static struct cb_str join(struct cb_arena *arena, struct cb_str a, const char *middle, struct cb_str b)
{
    CB_BUF_AUTO joined = {0};

    cb_buf_addstr(&joined, a);
    cb_buf_adds(&joined, middle);
    cb_buf_addstr(&joined, b);
    return cb_arena_str(arena, cb_buf_str(&joined));
}

static void set_annotations(struct building *b)
{
    struct cb_str rest = b->p->vcs_url, url;

    copy_map(&b->arena, &b->annotations, &b->p->annotations);
    if (rest.n > 0 && cb_str_find(rest, '@') >= 0) {
        cb_str_cut(&rest, '@', &url);
        cb_string_map_set(&b->arena, &b->annotations, CB_STR(ANNOTATION "source"), url);
        cb_string_map_set(&b->arena, &b->annotations, CB_STR(ANNOTATION "revision"), rest);
    }
    cb_string_map_set(&b->arena, &b->annotations, CB_STR(ANNOTATION "created"),
                      cb_created_format(&b->arena, b->p->created));
}

static struct cb_str history_comment(struct building *b)
{
    struct cb_str title = cb_string_map_get(&b->p->annotations, CB_STR(ANNOTATION "title"));
    struct cb_str vendor = cb_string_map_get(&b->p->annotations, CB_STR(ANNOTATION "vendor"));

    if (title.p && vendor.p)
        return join(&b->arena, title, " by ", vendor);
    return b->nlayers > 1 ? CB_STR("") : CB_STR(SINGLE_LAYER_COMMENT);
}

static void *extend(struct cb_arena *a, const void *v, size_t n, size_t more, size_t size)
{
    char *wider = cb_arena_alloc(a, (n + more + 1) * size);
    if (n)
        memcpy(wider, v, n * size);
    return wider;
}

static void add_layers(struct building *b)
{
    struct cb_image_file *f = &b->file;
    struct cb_manifest *m = &b->manifest;
    struct cb_str comment = history_comment(b);

    f->history = extend(&b->arena, f->history, f->nhistory, b->nlayers, sizeof *f->history);
    f->diff_ids = extend(&b->arena, f->diff_ids, f->ndiff_ids, b->nlayers, sizeof *f->diff_ids);
    m->layers = extend(&b->arena, m->layers, m->nlayers, b->nlayers, sizeof *m->layers);
    for (size_t i = 0; i < b->nlayers; i++) {
        f->history[f->nhistory++] = (struct cb_history){
            .author = CB_STR("apko"), .created = b->p->created, .created_by = CB_STR("apko"), .comment = comment};
        f->diff_ids[f->ndiff_ids++] = b->layers[i].diff_id;
        m->layers[m->nlayers++] = b->layers[i].descriptor;
    }
}

static int split(struct building *b, struct cb_str text, const char *what, struct cb_strs *out, struct cb_error *err)
{
    if (text.n > 0 && cb_shlex_split(&b->arena, text, out, err) < 0)
        return cb_context(err, "%s \"%.*s\"", what, CB_STR_ARG(cb_str_head(text, 200)));
    return 0;
}

static int set_commands(struct building *b, struct cb_error *err)
{
    struct cb_strs *entrypoint = &b->file.config.entrypoint;

    if (b->p->entrypoint_shell.n > 0) {
        entrypoint->v = cb_arena_alloc(&b->arena, 3 * sizeof *entrypoint->v);
        entrypoint->v[0] = CB_STR("/bin/sh");
        entrypoint->v[1] = CB_STR("-c");
        entrypoint->v[2] = b->p->entrypoint_shell;
        entrypoint->n = entrypoint->cap = 3;
    } else if (split(b, b->p->entrypoint_command, "entrypoint.command", entrypoint, err) < 0) {
        return -1;
    }
    return split(b, b->p->cmd, "cmd", &b->file.config.cmd, err);
}

static void set_environment(struct building *b)
{
    struct cb_string_map env = {0};
    struct cb_strs *out = &b->file.config.env;

    cb_string_map_set(&b->arena, &env, CB_STR("PATH"),
                      CB_STR("/usr/local/sbin:/usr/local/bin:/usr/bin:/usr/sbin:/sbin:/bin"));
    cb_string_map_set(&b->arena, &env, CB_STR("SSL_CERT_FILE"), CB_STR("/etc/ssl/certs/ca-certificates.crt"));
    copy_map(&b->arena, &env, &b->p->environment);
    out->v = cb_arena_alloc(&b->arena, env.n * sizeof *out->v);
    out->n = out->cap = env.n;
    for (size_t i = 0; i < env.n; i++)
        out->v[i] = join(&b->arena, env.v[i].key, "=", env.v[i].value);
    cb_strs_sort(out); // by "key=value", as the reference sorts: "A-B=" stands before "A="
}

static void set_erofs(struct building *b)
{
    struct cb_strs *features = &b->file.os_features;

    if (!b->p->erofs || cb_strs_has(features, CB_STR("erofs")))
        return;
    features->v = extend(&b->arena, features->v, features->n, 1, sizeof *features->v);
    features->v[features->n++] = CB_STR("erofs");
}

static void replace(struct cb_str *field, struct cb_str value)
{
    if (value.n > 0)
        *field = value;
}

static int set_config(struct building *b, struct cb_error *err)
{
    struct cb_image_file *f = &b->file;
    struct cb_platform platform = cb_platform_of_arch(b->p->arch);

    f->author = CB_STR(AUTHOR);
    f->architecture = platform.architecture;
    f->variant = platform.variant;
    f->os = platform.os;
    f->created = b->p->created;
    f->config.labels = b->annotations;
    replace(&f->config.working_dir, b->p->work_dir);
    replace(&f->config.user, b->p->user);
    replace(&f->config.stop_signal, b->p->stop_signal);
    if (b->p->volumes.n > 0)
        f->config.volumes = b->p->volumes;
    set_environment(b);
    set_erofs(b);
    return set_commands(b, err);
}

static void set_manifest(struct building *b, struct cb_str config)
{
    struct cb_manifest *m = &b->manifest;
    struct cb_string_map merged = {0};

    m->media_type = CB_STR(CB_MEDIA_OCI_MANIFEST);
    m->config.media_type = CB_STR(CB_MEDIA_OCI_CONFIG);
    m->config.digest = cb_digest_of(config);
    m->config.size = config.n;
    if (m->config.data.p)
        m->config.data = config;
    m->subject = NULL;
    copy_map(&b->arena, &merged, &m->annotations);
    copy_map(&b->arena, &merged, &b->annotations);
    m->annotations = merged;
}

// After cb_image_parse: where the layers' bytes are, which the documents do not say.
static void place_layers(struct cb_image *out, size_t at, const struct cb_layer_blob *from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct cb_layer_blob *l = &out->layers[at + i];
        l->path = from[i].path ? cb_arena_cstr(&out->arena, cb_str(from[i].path)) : NULL;
        l->has_fd = from[i].has_fd;
        l->fd = from[i].fd;
        l->trusted = from[i].trusted;
    }
}

static int write_documents(struct building *b, struct cb_image *out, struct cb_error *err)
{
    CB_BUF_AUTO config = {0};
    CB_BUF_AUTO manifest = {0};

    if (cb_image_file_write(&config, &b->file, err) < 0)
        return cb_context(err, "image config");
    set_manifest(b, cb_buf_str(&config));
    cb_manifest_write(&manifest, &b->manifest);
    return cb_image_parse(out, cb_buf_str(&manifest), CB_STR(CB_MEDIA_OCI_MANIFEST), cb_buf_str(&config), err);
}

static int build(struct building *b, struct cb_image *out, struct cb_error *err)
{
    const struct cb_image *base = b->p->base;

    b->file.rootfs_type = CB_STR("layers");
    b->manifest.schema_version = 2;
    if (base) {
        b->file = base->file;
        b->manifest = base->parsed;
    }
    set_annotations(b);
    add_layers(b);
    if (set_config(b, err) < 0 || write_documents(b, out, err) < 0)
        return -1;
    out->arch = cb_arena_str(&out->arena, b->p->arch);
    if (base)
        place_layers(out, 0, base->layers, base->nlayers);
    place_layers(out, base ? base->nlayers : 0, b->layers, b->nlayers);
    return 0;
}

int cb_image_build(struct cb_image *out, const struct cb_image_params *p, const struct cb_layer_blob *layers, size_t n,
                   struct cb_error *err)
{
    struct building b = {.p = p, .layers = layers, .nlayers = n};
    int result = build(&b, out, err);

    cb_arena_release(&b.arena);
    if (result < 0)
        cb_image_release(out);
    return result;
}

static int check_layers(const struct cb_image *img, struct cb_error *err)
{
    if (img->file.ndiff_ids != img->parsed.nlayers)
        return cb_fail(err, CB_E_INPUT, "the config names %zu diff IDs for the manifest's %zu layers",
                       img->file.ndiff_ids, img->parsed.nlayers);
    return 0;
}

static void set_platform(struct cb_image *img)
{
    const struct cb_image_file *f = &img->file;

    img->platform = (struct cb_platform){.architecture = f->architecture,
                                         .os = f->os,
                                         .os_version = f->os_version,
                                         .variant = f->variant,
                                         .os_features = f->os_features};
    img->arch = f->variant.n ? join(&img->arena, f->architecture, "/", f->variant) : f->architecture;
}

static int parse(struct cb_image *out, struct cb_str manifest, struct cb_str media_type, struct cb_str config,
                 struct cb_error *err)
{
    out->manifest = cb_arena_str(&out->arena, manifest);
    out->config = cb_arena_str(&out->arena, config);
    out->digest = cb_digest_of(manifest);
    out->config_digest = cb_digest_of(config);
    if (cb_manifest_parse(&out->arena, manifest, media_type, &out->parsed, err) < 0)
        return cb_context(err, "manifest %s", out->digest.text);
    if (cb_image_file_parse(&out->arena, config, &out->file, err) < 0)
        return cb_context(err, "image config %s", out->config_digest.text);
    if (check_layers(out, err) < 0)
        return cb_context(err, "manifest %s", out->digest.text);
    out->media_type = out->parsed.media_type.n ? out->parsed.media_type : cb_arena_str(&out->arena, media_type);
    set_platform(out);
    out->nlayers = out->parsed.nlayers;
    out->layers = cb_arena_alloc(&out->arena, (out->nlayers + 1) * sizeof *out->layers);
    for (size_t i = 0; i < out->nlayers; i++)
        out->layers[i] =
            (struct cb_layer_blob){.descriptor = out->parsed.layers[i], .diff_id = out->file.diff_ids[i], .fd = -1};
    return 0;
}

int cb_image_parse(struct cb_image *out, struct cb_str manifest, struct cb_str media_type, struct cb_str config,
                   struct cb_error *err)
{
    memset(out, 0, sizeof *out);
    if (parse(out, manifest, media_type, config, err) < 0) {
        cb_image_release(out);
        return -1;
    }
    return 0;
}

void cb_image_release(struct cb_image *img)
{
    cb_arena_release(&img->arena);
    memset(img, 0, sizeof *img);
}

static int check_size(int fd, const struct cb_layer_blob *l, const char *name, struct cb_error *err)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return cb_fail_errno(err, errno, "%s", name);
    if ((uint64_t)st.st_size != l->descriptor.size)
        return cb_fail(err, CB_E_INPUT, "%s has %lld bytes, its descriptor says %llu", name, (long long)st.st_size,
                       (unsigned long long)l->descriptor.size);
    return 0;
}

int cb_layer_blob_open(const struct cb_layer_blob *l, struct cb_error *err)
{
    const char *name = l->path ? l->path : l->descriptor.digest.text;
    int fd;

    if (!l->has_fd && !l->path)
        return cb_fail(err, CB_E_NOT_FOUND, "layer %s is not at hand", l->descriptor.digest.text);
    fd = l->has_fd ? fcntl(l->fd, F_DUPFD_CLOEXEC, 0) : cb_open_read(l->path, err);
    if (fd < 0)
        return l->has_fd ? cb_fail_errno(err, errno, "layer %s", name) : -1;
    if (check_size(fd, l, name, err) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}
