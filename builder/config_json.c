// The stored configuration, etc/apko.json. Go's omitempty leaves out empty texts, lists and maps, zeros, and pointers
// that are nil; never a struct, so contents, entrypoint and accounts are always there.
#include "cbuild/builder/config.h"
#include "cbuild/text/gojson.h"

static void strs(struct cb_json *j, const char *key, const struct cb_strs *l)
{
    if (!l->n)
        return;
    cb_json_key(j, key);
    cb_json_array(j);
    for (size_t i = 0; i < l->n; i++)
        cb_json_str(j, l->v[i]);
    cb_json_end(j);
}

static void pairs(struct cb_json *j, const char *key, const struct cb_pairs *m)
{
    if (!m->n)
        return;
    cb_json_key(j, key);
    cb_json_object(j);
    for (size_t i = 0; i < m->n; i++) {
        cb_json_keystr(j, m->v[i].key);
        cb_json_str(j, m->v[i].value);
    }
    cb_json_end(j);
}

static void u32(struct cb_json *j, const char *key, uint32_t v)
{
    if (!v)
        return;
    cb_json_key(j, key);
    cb_json_uint(j, v);
}

static void optional(struct cb_json *j, const char *key, struct cb_optional_u32 v)
{
    if (!v.set)
        return;
    cb_json_key(j, key);
    cb_json_uint(j, v.value);
}

static void named(struct cb_json *j, const char *key, const struct cb_named_content *v, size_t n)
{
    if (!n)
        return;
    cb_json_key(j, key);
    cb_json_array(j);
    for (size_t i = 0; i < n; i++) {
        cb_json_object(j);
        cb_json_field(j, "name", v[i].name);
        cb_json_field(j, "content", v[i].content);
        cb_json_end(j);
    }
    cb_json_end(j);
}

static void contents(struct cb_json *j, const struct cb_image_config *c)
{
    cb_json_key(j, "contents");
    cb_json_object(j);
    strs(j, "build_repositories", &c->contents.build_repositories);
    strs(j, "runtime_repositories", &c->contents.runtime_repositories);
    strs(j, "repositories", &c->contents.repositories);
    strs(j, "keyring", &c->contents.keyring);
    named(j, "runtime_keyring", c->contents.runtime_keyring.v, c->contents.runtime_keyring.n);
    strs(j, "packages", &c->contents.packages);
    if (c->contents.has_baseimage) {
        cb_json_key(j, "baseimage");
        cb_json_object(j);
        cb_json_field(j, "image", c->contents.baseimage.image);
        cb_json_field(j, "apkindex", c->contents.baseimage.apkindex);
        cb_json_end(j);
    }
    cb_json_end(j);
}

static void entrypoint(struct cb_json *j, const struct cb_image_config *c)
{
    cb_json_key(j, "entrypoint");
    cb_json_object(j);
    cb_json_field(j, "type", c->entrypoint.type);
    cb_json_field(j, "command", c->entrypoint.command);
    cb_json_field(j, "shell-fragment", c->entrypoint.shell_fragment);
    pairs(j, "services", &c->entrypoint.services);
    cb_json_end(j);
}

static void user(struct cb_json *j, const struct cb_user *u)
{
    cb_json_object(j);
    cb_json_field(j, "username", u->username);
    u32(j, "uid", u->uid);
    optional(j, "gid", u->gid);
    cb_json_field(j, "shell", u->shell);
    cb_json_field(j, "homedir", u->homedir);
    cb_json_end(j);
}

static void group(struct cb_json *j, const struct cb_group_entry *g)
{
    cb_json_object(j);
    cb_json_field(j, "groupname", g->groupname);
    u32(j, "gid", g->gid);
    strs(j, "members", &g->members);
    cb_json_end(j);
}

static void accounts(struct cb_json *j, const struct cb_image_config *c)
{
    cb_json_key(j, "accounts");
    cb_json_object(j);
    cb_json_field(j, "run-as", c->accounts.run_as);
    if (c->accounts.users.n) {
        cb_json_key(j, "users");
        cb_json_array(j);
        for (size_t i = 0; i < c->accounts.users.n; i++)
            user(j, &c->accounts.users.v[i]);
        cb_json_end(j);
    }
    if (c->accounts.groups.n) {
        cb_json_key(j, "groups");
        cb_json_array(j);
        for (size_t i = 0; i < c->accounts.groups.n; i++)
            group(j, &c->accounts.groups.v[i]);
        cb_json_end(j);
    }
    cb_json_end(j);
}

static void paths(struct cb_json *j, const struct cb_image_config *c)
{
    if (!c->paths.n)
        return;
    cb_json_key(j, "paths");
    cb_json_array(j);
    for (size_t i = 0; i < c->paths.n; i++) {
        const struct cb_path_mutation *p = &c->paths.v[i];
        cb_json_object(j);
        cb_json_field(j, "path", p->path);
        cb_json_field(j, "type", p->type);
        optional(j, "uid", p->uid);
        optional(j, "gid", p->gid);
        u32(j, "permissions", p->permissions);
        cb_json_field(j, "source", p->source);
        if (p->recursive) {
            cb_json_key(j, "recursive");
            cb_json_bool(j, true);
        }
        cb_json_end(j);
    }
    cb_json_end(j);
}

static void layering(struct cb_json *j, const struct cb_image_config *c)
{
    if (!c->has_layering)
        return;
    cb_json_key(j, "layering");
    cb_json_object(j);
    cb_json_field(j, "strategy", c->layering.strategy);
    if (c->layering.budget) {
        cb_json_key(j, "budget");
        cb_json_int(j, c->layering.budget);
    }
    cb_json_end(j);
}

static void certificates(struct cb_json *j, const struct cb_image_config *c)
{
    if (!c->has_certificates)
        return;
    cb_json_key(j, "certificates");
    cb_json_object(j);
    named(j, "additional", c->certificates.additional.v, c->certificates.additional.n);
    strs(j, "providers", &c->certificates.providers);
    cb_json_end(j);
}

void cb_config_write_json(const struct cb_image_config *c, struct cb_buf *out)
{
    struct cb_json j = cb_json(out, NULL, NULL);
    cb_json_object(&j);
    contents(&j, c);
    entrypoint(&j, c);
    cb_json_field(&j, "cmd", c->cmd);
    cb_json_field(&j, "stop-signal", c->stop_signal);
    cb_json_field(&j, "work-dir", c->work_dir);
    accounts(&j, c);
    strs(&j, "archs", &c->archs);
    pairs(&j, "environment", &c->environment);
    paths(&j, c);
    cb_json_field(&j, "vcs-url", c->vcs_url);
    pairs(&j, "annotations", &c->annotations);
    cb_json_field(&j, "include", c->include);
    strs(&j, "volumes", &c->volumes);
    layering(&j, c);
    cb_json_field(&j, "format", c->format);
    certificates(&j, c);
    cb_json_end(&j);
    cb_buf_addc(out, '\n');
}
