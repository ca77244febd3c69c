#include "trust_state.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "cbuild/base/file.h"
#include "cbuild/base/log.h"

static int find_folder(struct cb_trust_state *s, struct cb_error *err)
{
    const char *own = getenv("CBUILD_TRUST_DIR"), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (own && *own)
        s->folder = cb_strdup(own);
    else if (cache && *cache == '/')
        s->folder = cb_path_join(cache, "cbuild/trust");
    else if (home && *home)
        s->folder = cb_path_join(home, ".cache/cbuild/trust");
    if (s->folder)
        return 0;
    cb_fail(err, CB_E_USAGE, "nothing says where to keep the trusted root");
    return cb_hint(err, "set CBUILD_TRUST_DIR, XDG_CACHE_HOME or HOME");
}

static int forget(const struct cb_trust_state *s, struct cb_error *err)
{
    static const char *const names[] = {"root.json", "timestamp.json", "snapshot.json", "targets.json", "mirror"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        CB_AUTOFREE char *path = cb_path_join(s->folder, names[i]);
        if (unlink(path) && errno != ENOENT)
            return cb_fail_errno(err, errno, "removing %s", path);
    }
    return 0;
}

static int find_mirror(struct cb_trust_state *s, const char *mirror, struct cb_error *err)
{
    CB_BUF_AUTO text = {0};
    CB_AUTOFREE char *path = cb_path_join(s->folder, "mirror");
    if (mirror && *mirror) {
        s->mirror = cb_strdup(mirror);
        return 0;
    }
    if (cb_read_file(path, &text, 4096, err)) {
        if (err->kind != CB_E_NOT_FOUND)
            return -1;
        cb_error_clear(err);
        s->mirror = cb_strdup(CB_TUF_MIRROR);
        return 0;
    }
    struct cb_str line = cb_str_trim(cb_buf_str(&text));
    s->mirror = cb_strndup(line.p, line.n);
    return 0;
}

static int fetch(void *ctx, const char *name, size_t limit, struct cb_buf *out, struct cb_error *err)
{
    const struct cb_trust_state *s = ctx;
    CB_HTTP_ANSWER_AUTO a = {0};
    size_t n = strlen(s->mirror);
    while (n && s->mirror[n - 1] == '/')
        n--;
    CB_AUTOFREE char *url = cb_format("%.*s/%s", (int)n, s->mirror, name);
    struct cb_http_request q = {.url = url, .max_body = limit};
    if (cb_http_send(s->http, &q, &a, err))
        return -1;
    if (a.status == 403) // what some stores say of what they do not have
        return cb_fail(err, CB_E_NOT_FOUND, "%s: the server answered 403", url);
    if (cb_http_check(&q, &a, err))
        return -1;
    cb_buf_addstr(out, cb_buf_str(&a.text));
    return 0;
}

int cb_trust_state_open(struct cb_trust_state *s, const char *mirror, const char *initial_root, struct cb_error *err)
{
    if (find_folder(s, err))
        return -1;
    if (initial_root && *initial_root &&
        (cb_read_file(initial_root, &s->first, CB_TUF_ROOT_MAX, err) || forget(s, err)))
        return cb_context(err, "--initial-root");
    if (find_mirror(s, mirror, err))
        return -1;
    const struct cb_tuf_options options = {
        .folder = s->folder,
        .initial_root = s->first.n ? cb_buf_str(&s->first) : cb_tuf_public_root(),
        .now = s->now,
        .fetch = s->offline ? NULL : fetch,
        .ctx = s,
    };
    s->tuf = cb_tuf_open(&options, err);
    return s->tuf ? 0 : -1;
}

void cb_trust_state_release(struct cb_trust_state *s)
{
    cb_tuf_free(s->tuf);
    cb_buf_release(&s->first);
    free(s->mirror);
    free(s->folder);
}

int cb_trust_state_update(struct cb_trust_state *s, struct cb_error *err)
{
    CB_AUTOFREE char *path = cb_path_join(s->folder, "mirror");
    CB_AUTOFREE char *line = cb_format("%s\n", s->mirror);
    if (cb_tuf_refresh(s->tuf, err))
        return cb_context(err, "%s", s->mirror);
    return cb_write_file(path, cb_str(line), 0644, err);
}

static bool has_expired(const struct cb_trust_state *s)
{
    struct cb_tuf_role_state state;
    for (enum cb_tuf_role role = CB_TUF_ROOT; role < CB_TUF_ROLES; role++)
        if (!cb_tuf_role_state(s->tuf, role, &state) || state.expires <= s->now)
            return true;
    return false;
}

// Where it cannot be updated, what is there may do.
static int settle_for_less(const struct cb_trust_state *s, struct cb_error *err)
{
    if (err->kind != CB_E_NETWORK || has_expired(s))
        return -1;
    cb_log(CB_WARN, "the trusted root could not be updated, it is taken as it was last: %s", err->message);
    cb_error_clear(err);
    return 0;
}

int cb_trust_root_load(struct cb_http *http, int64_t now, bool offline, struct cb_trusted_root *out,
                       struct cb_error *err)
{
    CB_BUF_AUTO text = {0};
    CB_TRUST_STATE_AUTO s = {.http = http, .now = now, .offline = offline};
    if (cb_trust_state_open(&s, NULL, NULL, err) ||
        (!offline && cb_trust_state_update(&s, err) && settle_for_less(&s, err)) ||
        cb_tuf_target(s.tuf, CB_TUF_TRUSTED_ROOT, &text, err)) {
        cb_hint(err, "--trusted-root FILE names one to use instead");
        return cb_context(err, "the trusted root");
    }
    if (offline && has_expired(&s))
        cb_log(CB_WARN, "what is known of the trusted root has expired; `cbuild trust update` updates it");
    return cb_trusted_root_parse(out, cb_buf_str(&text), CB_TUF_TRUSTED_ROOT, err);
}
