// The configuration as show-config prints it. What is left out when empty differs from the stored JSON, field by field,
// as the reference's YAML tags differ from its JSON tags.
#include <stdlib.h>

#include "cbuild/builder/config.h"
#include "cbuild/text/gourl.h"
#include "cbuild/text/goyaml.h"

struct writer {
    struct cb_yaml y;
    struct cb_arena arena;
    struct cb_error *err;
};

static void key(struct writer *w, const char *name)
{
    cb_yaml_key(&w->y, cb_str(name));
}

static void field(struct writer *w, const char *name, struct cb_str s)
{
    key(w, name);
    cb_yaml_str(&w->y, s);
}

static void nonempty(struct writer *w, const char *name, struct cb_str s)
{
    if (s.n)
        field(w, name, s);
}

static void number(struct writer *w, const char *name, int64_t v)
{
    key(w, name);
    cb_yaml_int(&w->y, v);
}

static void optional(struct writer *w, const char *name, struct cb_optional_u32 v)
{
    if (v.set)
        number(w, name, v.value);
}

static void list(struct writer *w, const char *name, const struct cb_strs *l)
{
    key(w, name);
    cb_yaml_list(&w->y);
    for (size_t i = 0; i < l->n; i++)
        cb_yaml_str(&w->y, l->v[i]);
    cb_yaml_end(&w->y);
}

static void nonempty_list(struct writer *w, const char *name, const struct cb_strs *l)
{
    if (l->n)
        list(w, name, l);
}

static int by_key(const void *a, const void *b)
{
    const struct cb_pair *x = a, *y = b;
    return cb_yaml_key_less(x->key, y->key) ? -1 : cb_yaml_key_less(y->key, x->key);
}

static void pairs(struct writer *w, const char *name, const struct cb_pairs *m)
{
    struct cb_pairs sorted = {0};
    key(w, name);
    cb_yaml_map(&w->y);
    for (size_t i = 0; i < m->n; i++)
        *cb_vec_add(&sorted) = m->v[i];
    if (sorted.n)
        qsort(sorted.v, sorted.n, sizeof *sorted.v, by_key);
    for (size_t i = 0; i < sorted.n; i++) {
        cb_yaml_key(&w->y, sorted.v[i].key);
        cb_yaml_str(&w->y, sorted.v[i].value);
    }
    cb_yaml_end(&w->y);
    cb_pairs_release(&sorted);
}

static void named(struct writer *w, const char *name, const struct cb_named_content *v, size_t n)
{
    if (!n)
        return;
    key(w, name);
    cb_yaml_list(&w->y);
    for (size_t i = 0; i < n; i++) {
        cb_yaml_map(&w->y);
        nonempty(w, "name", v[i].name);
        nonempty(w, "content", v[i].content);
        cb_yaml_end(&w->y);
    }
    cb_yaml_end(&w->y);
}

// ---- Addresses, without passwords ----

static int redact(struct writer *w, struct cb_str tag, struct cb_str raw, struct cb_str *out)
{
    struct cb_gourl url;
    CB_BUF_AUTO text = {0};
    if (cb_gourl_parse(raw, &w->arena, &url, w->err)) {
        struct cb_str safe = cb_gourl_safe(raw, &w->arena);
        w->err->kind = CB_E_CONFIG;
        return cb_context(w->err, "\"%.*s\"", CB_STR_ARG(safe));
    }
    if (tag.n)
        cb_buf_addf(&text, "%.*s ", CB_STR_ARG(tag));
    cb_gourl_print(&url, true, &text);
    *out = cb_arena_str(&w->arena, cb_buf_str(&text));
    return 0;
}

// "url" or "@tag url".
static int redact_repository(struct writer *w, struct cb_str line, struct cb_str *out)
{
    struct cb_str url = line, tag;
    cb_str_cut(&url, ' ', &tag);
    if (!url.p)
        return redact(w, CB_STR(""), line, out);
    if (cb_str_find(url, ' ') >= 0 || !cb_str_starts(tag, "@") || tag.n < 2) {
        struct cb_str safe = cb_gourl_safe(line, &w->arena);
        cb_fail(w->err, CB_E_CONFIG, "repository \"%.*s\": expected a URL, or \"@tag URL\"", CB_STR_ARG(safe));
        return -1;
    }
    return redact(w, tag, url, out);
}

static int redact_all(struct writer *w, const struct cb_strs *from, struct cb_strs *to, bool repositories)
{
    for (size_t i = 0; i < from->n; i++) {
        struct cb_str safe;
        int failed = repositories ? redact_repository(w, from->v[i], &safe) : redact(w, CB_STR(""), from->v[i], &safe);
        if (failed)
            return -1;
        cb_strs_add(to, safe);
    }
    return 0;
}

// The reference prints these as they are. So do we, but for passwords, which are not for anyone's terminal.
static void redact_runtime(struct writer *w, const struct cb_strs *from, struct cb_strs *to)
{
    for (size_t i = 0; i < from->n; i++) {
        ptrdiff_t space = cb_str_rfind(from->v[i], ' ');
        struct cb_str tag = cb_str_head(from->v[i], (size_t)(space + 1)), url = cb_str_skip(from->v[i], tag.n);
        struct cb_str safe = cb_gourl_safe(url, &w->arena);
        cb_strs_add(to, cb_arena_format(&w->arena, "%.*s%.*s", CB_STR_ARG(tag), CB_STR_ARG(safe)));
    }
}

// ---- Records ----

static void baseimage(struct writer *w, const struct cb_image_config *c)
{
    if (!c->contents.has_baseimage)
        return;
    key(w, "baseimage");
    cb_yaml_map(&w->y);
    nonempty(w, "image", c->contents.baseimage.image);
    nonempty(w, "apkindex", c->contents.baseimage.apkindex);
    cb_yaml_end(&w->y);
}

static bool has_contents(const struct cb_image_config *c)
{
    return c->contents.build_repositories.n || c->contents.runtime_repositories.n || c->contents.repositories.n ||
           c->contents.keyring.n || c->contents.runtime_keyring.n || c->contents.packages.n ||
           c->contents.has_baseimage;
}

static int contents(struct writer *w, const struct cb_image_config *c)
{
    if (!has_contents(c))
        return 0;
    struct cb_strs build = {0}, runtime = {0}, repositories = {0}, keyring = {0};
    int result = -1;
    if (redact_all(w, &c->contents.build_repositories, &build, true) ||
        redact_all(w, &c->contents.repositories, &repositories, true) ||
        redact_all(w, &c->contents.keyring, &keyring, false))
        goto out;
    redact_runtime(w, &c->contents.runtime_repositories, &runtime);
    key(w, "contents");
    cb_yaml_map(&w->y);
    nonempty_list(w, "build_repositories", &build);
    nonempty_list(w, "runtime_repositories", &runtime);
    nonempty_list(w, "repositories", &repositories);
    nonempty_list(w, "keyring", &keyring);
    named(w, "runtime_keyring", c->contents.runtime_keyring.v, c->contents.runtime_keyring.n);
    nonempty_list(w, "packages", &c->contents.packages);
    baseimage(w, c);
    cb_yaml_end(&w->y);
    result = 0;
out:
    cb_strs_release(&build);
    cb_strs_release(&runtime);
    cb_strs_release(&repositories);
    cb_strs_release(&keyring);
    return result;
}

static void entrypoint(struct writer *w, const struct cb_image_config *c)
{
    if (!c->entrypoint.type.n && !c->entrypoint.command.n && !c->entrypoint.shell_fragment.n &&
        !c->entrypoint.services.n)
        return;
    key(w, "entrypoint");
    cb_yaml_map(&w->y);
    field(w, "type", c->entrypoint.type);
    field(w, "command", c->entrypoint.command);
    field(w, "shell-fragment", c->entrypoint.shell_fragment);
    pairs(w, "services", &c->entrypoint.services);
    cb_yaml_end(&w->y);
}

static void user(struct writer *w, const struct cb_user *u)
{
    cb_yaml_map(&w->y);
    field(w, "username", u->username);
    number(w, "uid", u->uid);
    optional(w, "gid", u->gid);
    field(w, "shell", u->shell);
    field(w, "homedir", u->homedir);
    cb_yaml_end(&w->y);
}

static void group(struct writer *w, const struct cb_group_entry *g)
{
    cb_yaml_map(&w->y);
    field(w, "groupname", g->groupname);
    number(w, "gid", g->gid);
    list(w, "members", &g->members);
    cb_yaml_end(&w->y);
}

static void accounts(struct writer *w, const struct cb_image_config *c)
{
    if (!c->accounts.run_as.n && !c->accounts.users.n && !c->accounts.groups.n)
        return;
    key(w, "accounts");
    cb_yaml_map(&w->y);
    field(w, "run-as", c->accounts.run_as);
    key(w, "users");
    cb_yaml_list(&w->y);
    for (size_t i = 0; i < c->accounts.users.n; i++)
        user(w, &c->accounts.users.v[i]);
    cb_yaml_end(&w->y);
    key(w, "groups");
    cb_yaml_list(&w->y);
    for (size_t i = 0; i < c->accounts.groups.n; i++)
        group(w, &c->accounts.groups.v[i]);
    cb_yaml_end(&w->y);
    cb_yaml_end(&w->y);
}

static void paths(struct writer *w, const struct cb_image_config *c)
{
    if (!c->paths.n)
        return;
    key(w, "paths");
    cb_yaml_list(&w->y);
    for (size_t i = 0; i < c->paths.n; i++) {
        const struct cb_path_mutation *p = &c->paths.v[i];
        cb_yaml_map(&w->y);
        field(w, "path", p->path);
        field(w, "type", p->type);
        optional(w, "uid", p->uid);
        optional(w, "gid", p->gid);
        number(w, "permissions", p->permissions);
        field(w, "source", p->source);
        key(w, "recursive");
        cb_yaml_bool(&w->y, p->recursive);
        cb_yaml_end(&w->y);
    }
    cb_yaml_end(&w->y);
}

static void layering(struct writer *w, const struct cb_image_config *c)
{
    if (!c->has_layering)
        return;
    key(w, "layering");
    cb_yaml_map(&w->y);
    nonempty(w, "strategy", c->layering.strategy);
    if (c->layering.budget)
        number(w, "budget", c->layering.budget);
    cb_yaml_end(&w->y);
}

static void certificates(struct writer *w, const struct cb_image_config *c)
{
    if (!c->has_certificates)
        return;
    key(w, "certificates");
    cb_yaml_map(&w->y);
    named(w, "additional", c->certificates.additional.v, c->certificates.additional.n);
    nonempty_list(w, "providers", &c->certificates.providers);
    cb_yaml_end(&w->y);
}

static int whole(struct writer *w, const struct cb_image_config *c)
{
    cb_yaml_map(&w->y);
    if (contents(w, c))
        return -1;
    entrypoint(w, c);
    nonempty(w, "cmd", c->cmd);
    nonempty(w, "stop-signal", c->stop_signal);
    nonempty(w, "work-dir", c->work_dir);
    accounts(w, c);
    nonempty_list(w, "archs", &c->archs);
    if (c->environment.n)
        pairs(w, "environment", &c->environment);
    paths(w, c);
    nonempty(w, "vcs-url", c->vcs_url);
    if (c->annotations.n)
        pairs(w, "annotations", &c->annotations);
    nonempty(w, "include", c->include);
    nonempty_list(w, "volumes", &c->volumes);
    layering(w, c);
    nonempty(w, "format", c->format);
    certificates(w, c);
    cb_yaml_end(&w->y);
    cb_yaml_finish(&w->y);
    return 0;
}

int cb_config_write_yaml(const struct cb_image_config *c, struct cb_buf *out, struct cb_error *err)
{
    struct writer w = {.y = cb_yaml(out), .err = err};
    int result = whole(&w, c);
    cb_arena_release(&w.arena);
    return result;
}
