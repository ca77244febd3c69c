// Reading a configuration and what it includes.
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cbuild/base/file.h"
#include "cbuild/base/log.h"
#include "cbuild/builder/config.h"
#include "cbuild/crypto/hash.h"
#include "config_decode.h"

#define INCLUDE_DEPTH 64

struct loader {
    const struct cb_strs *include_paths;
    struct cb_hash *hash; // of every text that is read
    struct {
        dev_t dev;
        ino_t ino;
    } open[INCLUDE_DEPTH]; // the files that are being read, each included by the one before
    size_t depth;
};

char *cb_resolve_path(const char *path, const struct cb_strs *include_paths, struct cb_error *err)
{
    struct stat st;
    if (stat(path, &st) == 0)
        return cb_strdup(path);
    for (size_t i = 0; include_paths && i < include_paths->n; i++) {
        char *joined CB_AUTOFREE =
            cb_format("%.*s%s%s", CB_STR_ARG(include_paths->v[i]), include_paths->v[i].n ? "/" : "", path);
        char *clean = cb_path_clean(cb_str(joined));
        if (stat(clean, &st) == 0)
            return clean;
        free(clean);
    }
    cb_fail(err, CB_E_NOT_FOUND, "%s: no such file", path);
    if (include_paths && include_paths->n)
        cb_hint(err, "it is neither below the working directory nor below any of the --include-paths");
    else
        cb_hint(err, "paths begin at the working folder (-C); --include-paths names further ones to look in");
    return NULL;
}

// A file that is already being read would include itself without end.
static int enter(struct loader *l, const char *path, struct cb_error *err)
{
    struct stat st;
    if (stat(path, &st))
        return cb_fail_errno(err, errno, "%s", path);
    for (size_t i = 0; i < l->depth; i++)
        if (l->open[i].dev == st.st_dev && l->open[i].ino == st.st_ino)
            return cb_fail(err, CB_E_CONFIG, "%s includes itself", path);
    if (l->depth == INCLUDE_DEPTH)
        return cb_fail(err, CB_E_LIMIT, "%s: included through more than %d files", path, INCLUDE_DEPTH);
    l->open[l->depth].dev = st.st_dev;
    l->open[l->depth++].ino = st.st_ino;
    return 0;
}

static void trim_slashes(struct cb_strs *repositories)
{
    for (size_t i = 0; i < repositories->n; i++)
        while (cb_str_ends(repositories->v[i], "/"))
            repositories->v[i].n--;
}

// Only what has been tried with a base image is let through. The reference takes an empty list of users or an empty map
// of services for a setting.
static int check_baseimage(const struct cb_image_config *c, const char *path, struct cb_error *err)
{
    if (!c->contents.has_baseimage)
        return 0;
    const struct {
        const char *key;
        bool set;
    } settings[] = {
        {"entrypoint", c->entrypoint.type.n || c->entrypoint.command.n || c->entrypoint.shell_fragment.n ||
                           c->entrypoint.has_services},
        {"cmd", c->cmd.n > 0},
        {"stop-signal", c->stop_signal.n > 0},
        {"work-dir", c->work_dir.n > 0},
        {"accounts", c->accounts.run_as.n || c->accounts.has_users || c->accounts.has_groups},
        {"environment", c->environment.n > 0},
        {"paths", c->paths.n > 0},
        {"annotations", c->annotations.n > 0},
    };
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (settings[i].set) {
            cb_fail(err, CB_E_CONFIG, "%s: \"%s\" does not go together with contents.baseimage", path, settings[i].key);
            return cb_hint(err, "with a base image only contents, archs and include are supported");
        }
    return 0;
}

static int load(struct loader *l, const char *path, struct cb_image_config *c, struct cb_error *err);

static int load_included(struct loader *l, const char *path, struct cb_image_config *c, struct cb_error *err)
{
    CB_CONFIG_AUTO *included = cb_config_new();
    cb_log(CB_INFO, "%s includes %s", path, c->include.p);
    if (load(l, c->include.p, included, err))
        return cb_context(err, "included by %s", path);
    cb_config_merge(included, c);
    return 0;
}

// A pipe will do for the configuration itself, but not for what it includes.
static int read_text(const struct loader *l, const char *path, struct cb_buf *text, struct cb_error *err)
{
    bool is_first = l->depth == 1;
    return is_first ? cb_read_named(path, text, CB_DOC_BYTES, err) : cb_read_file(path, text, CB_DOC_BYTES, err);
}

static int load(struct loader *l, const char *path, struct cb_image_config *c, struct cb_error *err)
{
    CB_DOC_AUTO doc = {0};
    CB_BUF_AUTO text = {0};
    char *resolved CB_AUTOFREE = cb_resolve_path(path, l->include_paths, err);
    if (!resolved || enter(l, resolved, err) || read_text(l, resolved, &text, err))
        return -1;
    cb_hash_add(l->hash, text.p, text.n);
    if (cb_doc_parse(&doc, resolved, cb_buf_str(&text), err) || cb_config_decode(&doc, c, err))
        return -1;
    if (c->include.n && load_included(l, resolved, c, err))
        return -1;
    l->depth--;
    trim_slashes(&c->contents.build_repositories);
    trim_slashes(&c->contents.runtime_repositories);
    trim_slashes(&c->contents.repositories);
    return check_baseimage(c, resolved, err);
}

int cb_config_load(const char *path, const struct cb_strs *include_paths, struct cb_image_config **out,
                   struct cb_error *err)
{
    CB_HASH_AUTO *hash = cb_hash_new(CB_SHA256);
    CB_BUF_AUTO checksum = {0};
    struct loader l = {.include_paths = include_paths, .hash = hash};
    struct cb_image_config *c = cb_config_new();
    if (load(&l, path, c, err)) {
        cb_config_free(c);
        return -1;
    }
    uint8_t sum[CB_HASH_MAX];
    size_t n = cb_hash_sum(hash, sum);
    cb_buf_adds(&checksum, "sha256-");
    cb_base64_add(&checksum, sum, n);
    c->checksum = cb_config_str(c, cb_buf_str(&checksum));
    c->file = cb_config_str(c, cb_str(path));
    *out = c;
    return 0;
}
