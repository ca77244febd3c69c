// Where a configuration comes from: the remote and the commit of the git checkout around it, read from git's own files.
// The reference asks go-git, whose view of a repository is followed:
//   - a folder with ".git", or one with a HEAD of its own, is a repository;
//   - any extension (a partial clone, a worktree's own configuration, SHA-256) makes it none;
//   - a linked worktree has no configuration, hence no remote;
//   - includes, and the user's and the system's configuration, are not read;
//   - a [url] section without insteadOf matches every address.
#include <stdlib.h>
#include <sys/stat.h>

#include "cbuild/base/file.h"
#include "cbuild/base/log.h"
#include "cbuild/builder/config.h"
#include "cbuild/text/gourl.h"
#include "git_config.h"

#define CONFIG_BYTES (4u << 20)
#define REF_BYTES 4096u
#define PACKED_REFS_BYTES (256u << 20)
#define REF_STEPS 16

static bool is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

static struct cb_str trim_last(struct cb_str path)
{
    ptrdiff_t slash = cb_str_rfind(path, '/');
    return slash <= 0 ? CB_STR("/") : cb_str_head(path, (size_t)slash);
}

// ---- References ----

// "refs/..." without odd components, or a name such as HEAD: nothing that leads out of the repository.
static bool is_ref_name(struct cb_str name)
{
    bool upper = name.n > 0;
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        if (c < 0x20 || c == 0x7F || c == '\\')
            return false;
        upper = upper && ((c >= 'A' && c <= 'Z') || c == '_');
    }
    for (struct cb_str rest = name, part; cb_str_cut(&rest, '/', &part);)
        if (!part.n || cb_str_is(part, ".") || cb_str_is(part, ".."))
            return false;
    return upper || cb_str_starts(name, "refs/");
}

static bool is_commit(struct cb_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
            return false;
    }
    return s.n == 40;
}

static int read_packed_ref(const char *repo, struct cb_str name, struct cb_buf *out, struct cb_error *err)
{
    CB_BUF_AUTO text = {0};
    char *path CB_AUTOFREE = cb_path_join(repo, "packed-refs");
    if (cb_read_file(path, &text, PACKED_REFS_BYTES, err))
        return -1;
    struct cb_str rest = cb_buf_str(&text), line, hash;
    while (cb_str_cut(&rest, '\n', &line)) {
        if (!line.n || line.p[0] == '#' || line.p[0] == '^')
            continue;
        struct cb_str ref = line;
        cb_str_cut(&ref, ' ', &hash);
        if (!cb_str_eq(ref, name))
            continue;
        cb_buf_reset(out);
        cb_buf_addstr(out, hash);
        return 0;
    }
    return cb_fail(err, CB_E_NOT_FOUND, "%s: no reference \"%.*s\"", repo, CB_STR_ARG(name));
}

// What a reference holds: a commit, or "ref: " and the name of another.
static int read_ref(const char *repo, struct cb_str name, struct cb_buf *out, struct cb_error *err)
{
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;
    char *ref CB_AUTOFREE = cb_strndup(name.p, name.n);
    char *path CB_AUTOFREE = cb_path_join(repo, ref);
    cb_buf_reset(out);
    if (cb_read_file(path, out, REF_BYTES, &ignored) == 0 && out->n)
        return 0;
    return read_packed_ref(repo, name, out, err);
}

static int resolve_head(const char *repo, struct cb_buf *commit, struct cb_error *err)
{
    CB_BUF_AUTO name = {0};
    CB_BUF_AUTO value = {0};
    cb_buf_adds(&name, "HEAD");
    for (int steps = 0; steps < REF_STEPS; steps++) {
        if (!is_ref_name(cb_buf_str(&name)))
            return cb_fail(err, CB_E_INPUT, "%s: \"%s\" is no name of a reference", repo, name.p);
        if (read_ref(repo, cb_buf_str(&name), &value, err))
            return -1;
        struct cb_str target = cb_str_trim(cb_buf_str(&value));
        if (cb_str_starts(target, "ref: ")) {
            cb_buf_reset(&name);
            cb_buf_addstr(&name, cb_str_skip(target, 5));
            continue;
        }
        if (!is_commit(target))
            return cb_fail(err, CB_E_INPUT, "%s: \"%s\" holds no commit", repo, name.p);
        for (size_t i = 0; i < target.n; i++)
            cb_buf_addc(commit, (char)(target.p[i] | 0x20));
        return 0;
    }
    return cb_fail(err, CB_E_LIMIT, "%s: HEAD leads from reference to reference without end", repo);
}

// ---- Repositories ----

// The folder with git's files for a checkout at dir; NULL where there is none.
static char *git_dir(const char *dir)
{
    CB_BUF_AUTO text = {0};
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;
    char *dot = cb_path_join(dir, ".git");
    if (is_dir(dot))
        return dot;
    if (!exists(dot)) { // a bare repository, perhaps
        free(dot);
        return cb_strdup(dir);
    }
    bool read = cb_read_file(dot, &text, REF_BYTES, &ignored) == 0;
    free(dot);
    struct cb_str rest = cb_buf_str(&text), line;
    if (!read || !cb_str_starts(rest, "gitdir: ") || !cb_str_cut(&rest, '\n', &line))
        return NULL;
    char *target CB_AUTOFREE = NULL;
    struct cb_str to = cb_str_trim(cb_str_skip(line, 8));
    target = cb_strndup(to.p, to.n);
    return target[0] == '/' ? cb_strdup(target) : cb_path_join(dir, target);
}

// Opens what may be a repository; false where it is none.
static bool open_repository(const char *dir, char **repo, struct git_config *config)
{
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;
    CB_BUF_AUTO head = {0};
    CB_BUF_AUTO text = {0};
    *repo = git_dir(dir);
    if (!*repo)
        return false;
    char *path CB_AUTOFREE = cb_path_join(*repo, "config");
    bool fine = read_ref(*repo, CB_STR("HEAD"), &head, &ignored) == 0;
    if (fine && exists(path))
        fine = cb_read_file(path, &text, CONFIG_BYTES, &ignored) == 0 && git_config_parse(config, cb_buf_str(&text));
    if (fine && !config->has_extension)
        return true;
    free(*repo);
    *repo = NULL;
    git_config_release(config);
    return false;
}

// From dir upwards, as long as the path begins with top. That is a comparison of texts, as in the reference: /a/bc is
// taken to lie within /a/b.
static bool find_repository(const char *dir, const char *top, char **repo, struct git_config *config)
{
    struct cb_str at = cb_str(dir);
    while (cb_str_starts(at, top)) {
        char *here CB_AUTOFREE = cb_strndup(at.p, at.n);
        if (open_repository(here, repo, config))
            return true;
        if (cb_str_is(at, "/") || cb_str_is(at, top))
            return false;
        at = trim_last(at);
    }
    return false;
}

// The address without user and password; "user@host:path" becomes git+ssh://host/path.
static int print_remote(struct cb_str remote, struct cb_buf *out, struct cb_error *err)
{
    CB_ARENA_AUTO arena = {0};
    struct cb_gourl url;
    if (cb_gourl_parse(remote, &arena, &url, err)) {
        ptrdiff_t colon = cb_str_find(remote, ':');
        struct cb_str host = colon < 0 ? remote : cb_str_head(remote, (size_t)colon);
        struct cb_str path = colon < 0 ? CB_STR("") : cb_str_skip(remote, (size_t)colon + 1);
        struct cb_str ssh =
            cb_arena_format(&arena, "git+ssh://%.*s%s%.*s", CB_STR_ARG(host), colon < 0 ? "" : "/", CB_STR_ARG(path));
        cb_error_clear(err);
        if (cb_gourl_parse(ssh, &arena, &url, err))
            return cb_context(err, "remote \"origin\"");
    }
    url.has_user = url.has_password = false;
    cb_gourl_print(&url, false, out);
    return 0;
}

static int probe(const char *dir, const char *top, struct cb_buf *out, struct cb_error *err)
{
    struct git_config config = {0};
    CB_BUF_AUTO commit = {0};
    char *repo CB_AUTOFREE = NULL;
    if (!find_repository(dir, top, &repo, &config))
        return cb_fail(err, CB_E_NOT_FOUND, "%s is not in a git checkout within %s", dir, top);
    struct cb_str remote;
    int result = 0;
    if (!git_config_origin(&config, &remote))
        result = cb_fail(err, CB_E_NOT_FOUND, "%s: no remote \"origin\"", repo);
    else if (print_remote(remote, out, err) || resolve_head(repo, &commit, err))
        result = -1;
    else
        cb_buf_addf(out, "@%s", commit.p);
    git_config_release(&config);
    return result;
}

void cb_vcs_probe(const char *path, const char *work_dir, struct cb_buf *out)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO url = {0};
    char *joined CB_AUTOFREE = path[0] == '/' ? cb_strdup(path) : cb_path_join(work_dir, path);
    char *absolute CB_AUTOFREE = cb_path_clean(cb_str(joined));
    char *top CB_AUTOFREE = cb_path_clean(cb_str(work_dir));
    if (!exists(absolute)) {
        cb_log(CB_DEBUG, "no VCS address: %s does not exist", absolute);
        return;
    }
    struct cb_str dir = is_dir(absolute) ? cb_str(absolute) : trim_last(cb_str(absolute));
    char *start CB_AUTOFREE = cb_strndup(dir.p, dir.n);
    if (probe(start, top, &url, &err)) {
        cb_log(CB_DEBUG, "no VCS address: %s", err.message);
        return;
    }
    cb_buf_addstr(out, cb_buf_str(&url));
}
