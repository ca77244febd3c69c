#include "build_flags.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cbuild/base/file.h"
#include "cbuild/base/log.h"
#include "cbuild/builder/arch.h"
#include "layer_cache.h"

static struct cb_str default_formats[] = {{"spdx", 4}};

struct cb_build_flags cb_build_flags = {
    .sbom_formats = {default_formats, 1, 0},
    .build_date = "",
    .cache_dir = "",
    .format = "",
    .lockfile = "",
    .sbom_path = "",
    .sbom = true,
    .layer_cache = true,
    .layer_cache_size = INT64_C(10) << 30,
    .vcs = true,
    .limits = {300 << 20, 10 << 20, INT64_C(16) << 30, INT64_C(8) << 30},
    .image_refs = "",
    .key = "",
    .output = "",
    .outputs = "",
    .tags = "{name}:latest",
    .build_arch = "",
    .format_string = "{{ .Name }} {{ .Version }}",
    .explorer = "apk.dag.dev",
};

#define F cb_build_flags

// Who takes a flag.
enum {
    BUILD = 1,
    PUBLISH = 2,
    LOCK = 4,
    CONFIG = 8,
    PACKAGES = 16,
    ROOT = 32,
    DOT = 64,
    BUILD_ALL = 128,
    PUBLISH_ALL = 256,
    REPRODUCE = 512,
    MANY = BUILD_ALL | PUBLISH_ALL,
    IMAGE = BUILD | PUBLISH | MANY,
    ALL = IMAGE | LOCK | CONFIG | PACKAGES | ROOT | DOT,
    FETCHING = ALL | REPRODUCE,
};

static const struct cb_shared_flag known[] = {
    {IMAGE,
     {"annotations", 0, CB_FLAG_LIST, &F.annotations, NULL, "OCI annotations to add. Separate with colon (key:value)",
      0, 0}},
    {IMAGE | LOCK | PACKAGES | DOT,
     {"arch", 0, CB_FLAG_LIST, &F.archs, NULL,
      "architectures to build for (e.g., x86_64,ppc64le,arm64) -- default is all, unless specified in config. Can also "
      "use 'host' to indicate arch of host this is running on",
      0, 0}},
    {IMAGE | ROOT,
     {"build-date", 0, CB_FLAG_STRING, &F.build_date, NULL,
      "date used for the timestamps of the files inside the image in RFC3339 format", 0, 0}},
    {ALL,
     {"build-repository-append", 'b', CB_FLAG_LIST, &F.extra_build_repositories, NULL,
      "path to extra repositories to include", 0, 0}},
    {FETCHING,
     {"cache-dir", 0, CB_FLAG_STRING, &F.cache_dir, NULL,
      "directory to use for caching apk packages and indexes (default '' means to use system-defined cache directory)",
      0, 0}},
    {IMAGE,
     {"format", 0, CB_FLAG_STRING, &F.format, NULL, "layer payload format: 'tar' (default) or 'erofs' (experimental)",
      0, 0}},
    {FETCHING,
     {"ignore-signatures", 0, CB_FLAG_BOOL, &F.ignore_signatures, NULL, "ignore repository signature verification", 0,
      0}},
    {ALL,
     {"include-paths", 0, CB_FLAG_LIST, &F.include_paths, NULL,
      "additional paths where to look for input files (config, includes, base image)", 0, 0}},
    {ALL,
     {"keyring-append", 'k', CB_FLAG_LIST, &F.extra_keys, NULL, "path to extra keys to include in the keyring", 0, 0}},
    {IMAGE,
     {"lockfile", 0, CB_FLAG_STRING, &F.lockfile, NULL,
      "a path to .lock.json file (e.g. produced by apko lock) that constraints versions of packages to the listed ones "
      "(default '' means no additional constraints)",
      0, 0}},
    {IMAGE,
     {"layer-cache", 0, CB_FLAG_BOOL, &F.layer_cache, NULL, "keep finished layers in the cache for later builds", 0,
      0}},
    {IMAGE,
     {"layer-cache-size", 0, CB_FLAG_INT, &F.layer_cache_size, NULL,
      "bytes of finished layers to keep; those used longest ago go first", 0, 0}},
    {FETCHING,
     {"max-apk-control-size", 0, CB_FLAG_INT, &F.limits.control, NULL,
      "maximum decompressed size for APK control sections in bytes (0=default, -1=no limit)", 0, 0}},
    {FETCHING,
     {"max-apk-data-size", 0, CB_FLAG_INT, &F.limits.data, NULL,
      "maximum decompressed size for APK data sections in bytes, protects against gzip bombs (0=default, -1=no limit)",
      0, 0}},
    {FETCHING,
     {"max-apkindex-decompressed-size", 0, CB_FLAG_INT, &F.limits.index, NULL,
      "maximum decompressed size for APKINDEX archives in bytes, protects against gzip bombs (0=default, -1=no limit)",
      0, 0}},
    {FETCHING,
     {"max-http-response-size", 0, CB_FLAG_INT, &F.limits.http, NULL,
      "maximum size for HTTP responses in bytes (0=default, -1=no limit)", 0, 0}},
    {FETCHING,
     {"no-key-discovery", 0, CB_FLAG_BOOL, &F.no_key_discovery, NULL,
      "do not ask repositories for their keys: only those of the keyring count", 0, 0}},
    {FETCHING,
     {"offline", 0, CB_FLAG_BOOL, &F.offline, NULL,
      "do not use network to fetch packages (cache must be pre-populated)", 0, 0}},
    {IMAGE | ROOT, {"package-append", 'p', CB_FLAG_LIST, &F.extra_packages, NULL, "extra packages to include", 0, 0}},
    {ALL,
     {"repository-append", 'r', CB_FLAG_LIST, &F.extra_repositories, NULL, "path to extra repositories to include", 0,
      0}},
    {IMAGE, {"sbom", 0, CB_FLAG_BOOL, &F.sbom, NULL, "generate SBOMs", 0, 0}},
    {IMAGE, {"sbom-formats", 0, CB_FLAG_LIST, &F.sbom_formats, NULL, "SBOM formats to output", 0, 0}},
    {IMAGE | ROOT,
     {"sbom-path", 0, CB_FLAG_STRING, &F.sbom_path, NULL, "generate SBOMs in dir (defaults to image directory)", 0, 0}},
    {IMAGE, {"vcs", 0, CB_FLAG_BOOL, &F.vcs, NULL, "detect and embed VCS URLs", 0, 0}},
    {LOCK, {"output", 0, CB_FLAG_STRING, &F.output, NULL, "path to file where lock file will be written", 0, 0}},
    {LOCK, {"json", 0, CB_FLAG_BOOL, &F.json, NULL, "with --outdated: a JSON array instead of lines", 0, 0}},
    {LOCK,
     {"outdated", 0, CB_FLAG_BOOL, &F.outdated, NULL,
      "write nothing: list the locked packages of which repositories have newer versions, exit status 1 if any", 0, 0}},
    {LOCK,
     {"update-package", 0, CB_FLAG_LIST, &F.update_packages, "NAMES",
      "lock anew, but let only the packages of these names move, and what they need", 0, 0}},
    {LOCK,
     {"check", 0, CB_FLAG_BOOL, &F.check, NULL,
      "write nothing: list what a new lock file would have otherwise than the one that is there, exit status 1 if "
      "anything",
      0, 0}},
    {PUBLISH | PUBLISH_ALL,
     {"image-refs", 0, CB_FLAG_STRING, &F.image_refs, NULL,
      "path to file where a list of the published image references will be written", 0, 0}},
    {PUBLISH | PUBLISH_ALL,
     {"attest", 0, CB_FLAG_BOOL, &F.attest, NULL,
      "attest the stored configurations and the SBOMs of what was published, signed with --key", 0, 0}},
    {PUBLISH | PUBLISH_ALL,
     {"cosign-tag", 0, CB_FLAG_BOOL, &F.cosign_tag, NULL,
      "put attestations also under the tag that cosign v2 reads (sha256-....att)", 0, 0}},
    {PUBLISH | PUBLISH_ALL,
     {"key", 0, CB_FLAG_STRING, &F.key, "FILE",
      "private key to attest with (PEM, or cosign's, which COSIGN_PASSWORD opens)", 0, 0}},
    {PUBLISH | PUBLISH_ALL,
     {"local", 0, CB_FLAG_BOOL, &F.local, NULL, "publish image just to local Docker daemon", 0, 0}},
    {MANY, {"keep-going", 0, CB_FLAG_BOOL, &F.keep_going, NULL, "go on with the others where one fails", 0, 0}},
    {BUILD_ALL,
     {"output", 0, CB_FLAG_STRING, &F.outputs, NULL,
      "folder to write the images to, each under its name; or a pattern such as 'out/{name}.tar'", 0, 0}},
    {BUILD_ALL, {"tag", 0, CB_FLAG_STRING, &F.tags, NULL, "pattern of the images' tags", 0, 0}},
    {ROOT,
     {"build-arch", 0, CB_FLAG_STRING, &F.build_arch, NULL,
      "architecture to build for -- default is that of this machine", 0, 0}},
    {PACKAGES,
     {"format", 0, CB_FLAG_STRING, &F.format_string, NULL,
      "one of the pre-defined formats, or a Go template with .Name, .Version and .Source", 0, 0}},
    {DOT,
     {"registry-explorer", 'e', CB_FLAG_STRING, &F.explorer, NULL,
      "FQDN of the registry explorer that rendered nodes in SVG will link to", 0, 0}},
    {DOT,
     {"spanning-tree", 'S', CB_FLAG_BOOL, &F.spanning_tree, NULL,
      "does something like a spanning tree to avoid a huge number of edges", 0, 0}},
    {DOT, {"web", 0, CB_FLAG_BOOL, &F.web, NULL, "launch a browser", 0, 0}},
};

static struct cb_flags flags_of(unsigned user)
{
    static struct cb_flag table[sizeof known / sizeof *known];
    return cb_flags_of(known, sizeof known / sizeof *known, user, table);
}

struct cb_flags cb_build_flag_table(void)
{
    return flags_of(BUILD);
}

struct cb_flags cb_publish_flag_table(void)
{
    return flags_of(PUBLISH);
}

struct cb_flags cb_build_all_flag_table(void)
{
    return flags_of(BUILD_ALL);
}

struct cb_flags cb_publish_all_flag_table(void)
{
    return flags_of(PUBLISH_ALL);
}

struct cb_flags cb_lock_flag_table(void)
{
    return flags_of(LOCK);
}

struct cb_flags cb_show_config_flag_table(void)
{
    return flags_of(CONFIG);
}

struct cb_flags cb_show_packages_flag_table(void)
{
    return flags_of(PACKAGES);
}

struct cb_flags cb_root_flag_table(void)
{
    return flags_of(ROOT);
}

struct cb_flags cb_dot_flag_table(void)
{
    return flags_of(DOT);
}

struct cb_flags cb_reproduce_flag_table(void)
{
    return flags_of(REPRODUCE);
}

static int check_flags(const struct cb_build_flags *f, struct cb_error *err)
{
    const struct {
        const char *flag;
        int64_t bytes;
    } limits[] = {{"max-apk-control-size", f->limits.control},
                  {"max-apk-data-size", f->limits.data},
                  {"max-apkindex-decompressed-size", f->limits.index},
                  {"max-http-response-size", f->limits.http}};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (limits[i].bytes < -1)
            return cb_fail(err, CB_E_USAGE, "--%s is %lld: give bytes, 0 for the default or -1 for none",
                           limits[i].flag, (long long)limits[i].bytes);
    if (f->layer_cache_size < 0)
        return cb_fail(err, CB_E_USAGE, "--layer-cache-size is %lld: give bytes", (long long)f->layer_cache_size);
    if (*f->format && strcmp(f->format, "tar") && strcmp(f->format, "erofs"))
        return cb_fail(err, CB_E_USAGE, "--format: \"%s\" is neither \"tar\" nor \"erofs\"", f->format);
    return 0;
}

#define KEPT_BYTES (UINT64_C(8) << 30) // of unpacked packages, and of layers, on disk while many images are built

// A package or layer that is kept for other images is an open file: they may have half of those that there can be.
static size_t descriptors_to_keep(void)
{
    struct rlimit files;
    return getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur > 40000 ? 10000 : (size_t)(files.rlim_cur / 4);
}

static struct cb_workshop *open_workshop(const struct cb_session *s, const char *cache)
{
    struct cb_workshop_options o = {.shelf = {.dir = cache, .read_only = F.offline}};
    o.shelf.most_bytes = (uint64_t)F.layer_cache_size;
    if (!s->images || !F.layer_cache || !cache || !cb_layer_cache_fill(&o.shelf))
        o.shelf.dir = NULL;
    if (!s->shares && !o.shelf.dir)
        return NULL;
    o.keep_layers = s->shares ? descriptors_to_keep() : 0;
    o.keep_layer_bytes = s->shares ? KEPT_BYTES : 0;
    return cb_workshop_new(&o);
}

static int open_fetching(struct cb_session *s, struct cb_pool *pool, struct cb_error *err)
{
    struct cb_environment *e = &s->environment;
    const char *cache = *F.cache_dir ? F.cache_dir : s->uncached ? NULL : e->cache_dir;
    if (!cache && !s->uncached)
        cb_log(CB_WARN,
               "no cache: --cache-dir was not given, and neither XDG_CACHE_HOME nor HOME says where one could be");
    const struct cb_http_options http = {
        .env = e->http,
        .keychain = {cb_chainguard_lookup, &e->chainguard},
        .user_agent = "cbuild/" CBUILD_VERSION,
        .offline = F.offline,
    };
    s->http = cb_http_new(&http);
    const struct cb_fetcher_options fetcher = {
        .http = s->http,
        .pool = pool,
        .cache_dir = cache,
        .limits = F.limits,
        .offline = F.offline,
        .ignore_signatures = F.ignore_signatures,
        .no_key_discovery = F.no_key_discovery,
        .keep_packages = s->shares ? descriptors_to_keep() : 0,
        .keep_package_bytes = s->shares ? KEPT_BYTES : 0,
    };
    s->fetcher = cb_fetcher_new(&fetcher, err);
    if (s->fetcher)
        s->workshop = open_workshop(s, cache);
    return s->fetcher ? 0 : -1;
}

static void fill_options(struct cb_session *s, const char *config, struct cb_pool *pool)
{
    struct cb_build_options *o = &s->options;
    o->config_path = config;
    o->include_paths = F.include_paths;
    o->archs = s->archs;
    o->extra_keys = F.extra_keys;
    o->extra_build_repositories = F.extra_build_repositories;
    o->extra_repositories = F.extra_repositories;
    o->extra_packages = F.extra_packages;
    o->annotations = &s->annotations;
    o->lockfile = F.lockfile;
    o->format = F.format;
    o->vcs = F.vcs;
    o->work_dir = s->environment.work_dir;
    o->epoch_given = s->environment.epoch_given;
    o->epoch_set = s->environment.epoch_set;
    o->epoch = s->environment.epoch;
    o->now = s->environment.now;
    o->sbom = F.sbom && cb_strs_has(&F.sbom_formats, CB_STR("spdx"));
    o->tool = "cbuild (" CBUILD_VERSION ")";
    o->fetcher = s->fetcher;
    o->workshop = s->workshop;
    o->pool = pool;
}

int cb_session_open(struct cb_session *s, const struct cb_invocation *in, const char *config, struct cb_error *err)
{
    if (check_flags(&F, err) || cb_environment_read(&s->environment, err))
        return -1;
    if (*F.build_date && cb_created_parse(cb_str(F.build_date), &s->options.build_date, err))
        return cb_context(err, "--build-date");
    if (cb_annotations_parse(&F.annotations, &s->arena, &s->annotations, err))
        return cb_context(err, "--annotations");
    cb_arch_list(&F.archs, &s->archs);
    if (open_fetching(s, in->pool, err))
        return -1;
    fill_options(s, config, in->pool);
    return 0;
}

void cb_session_close(struct cb_session *s)
{
    cb_workshop_free(s->workshop);
    cb_fetcher_free(s->fetcher);
    cb_http_free(s->http);
    cb_strs_release(&s->archs);
    cb_pairs_release(&s->annotations);
    cb_arena_release(&s->arena);
    cb_environment_release(&s->environment);
}

static int write_document(const struct cb_document *d, const char *folder, struct cb_error *err)
{
    CB_AUTOFREE char *path = cb_path_join(folder, d->name);
    struct cb_atomic f = CB_ATOMIC_INIT;
    if (cb_atomic_open(&f, path, 0644, err))
        return -1;
    struct cb_range_source in = cb_range_source(d->fd, d->name, 0, d->size);
    struct cb_fd_sink out = cb_fd_sink(f.fd, path);
    if (cb_copy(&out.sink, &in.source, NULL, err)) {
        cb_atomic_abort(&f);
        return -1;
    }
    return cb_atomic_commit(&f, err);
}

int cb_documents_write(const struct cb_build *b, const char *folder, struct cb_error *err)
{
    for (size_t i = 0; i < cb_build_document_count(b); i++)
        if (write_document(cb_build_document(b, i), folder, err))
            return cb_context(err, "writing SBOM");
    return 0;
}

int cb_check_documents_folder(const char *folder, struct cb_error *err)
{
    struct stat st;
    const char *where = *folder ? folder : ".";
    if (stat(where, &st) == 0 && !S_ISDIR(st.st_mode))
        return cb_fail(err, CB_E_IO, "--sbom-path: %s is not a folder", where);
    if (access(where, W_OK | X_OK) == 0)
        return 0;
    int errnum = errno;
    cb_fail_errno(err, errnum, "SBOMs cannot be written to %s", where);
    return errnum == ENOENT ? cb_hint(err, "create the folder first")
                            : cb_hint(err, "--sbom-path says where to, --sbom=false that there are to be none");
}

int cb_check_args_are_meant(const struct cb_args *args, struct cb_error *err)
{
    for (size_t i = 0; i < args->n; i++) {
        const char *word = args->v[i];
        if (strcmp(word, "true") && strcmp(word, "false"))
            continue;
        cb_fail(err, CB_E_USAGE, "\"%s\" stands where a configuration, a tag or a path is expected", word);
        return cb_hint(err, "a flag's value needs an equals sign: --flag=%s, not --flag %s", word, word);
    }
    return 0;
}

int cb_check_argument_count(const struct cb_invocation *in, size_t n, struct cb_error *err)
{
    const struct cb_command *c = in->command;
    if (cb_check_args_are_meant(&in->args, err))
        return -1;
    if (in->args.n == n)
        return 0;
    cb_fail(err, CB_E_USAGE, "%s takes %zu argument%s, not %zu", c->name, n, n == 1 ? "" : "s", in->args.n);
    return cb_hint(err, "cbuild %s %s", c->name, c->usage);
}

int cb_check_output(const char *path, struct cb_error *err)
{
    struct stat st;
    bool there = stat(path, &st) == 0;
    if (there && S_ISDIR(st.st_mode))
        return cb_fail(err, CB_E_IO, "%s is a folder", path);
    if (there && access(path, W_OK) == 0)
        return 0;
    const char *slash = strrchr(path, '/');
    CB_AUTOFREE char *folder = slash ? cb_strndup(path, (size_t)(slash - path) + 1) : cb_strdup(".");
    if (access(folder, W_OK | X_OK) == 0)
        return 0;
    int errnum = errno;
    cb_fail_errno(err, errnum, "%s cannot be created in %s", path, folder);
    return errnum == ENOENT ? cb_hint(err, "create the folder first") : -1;
}
