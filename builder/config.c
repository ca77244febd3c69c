#include "cbuild/builder/config.h"

#include <assert.h>
#include <stdlib.h>

#include "cbuild/base/map.h"

// ---- Life ----

struct cb_image_config *cb_config_new(void)
{
    return cb_zalloc(sizeof(struct cb_image_config));
}

void cb_config_free(struct cb_image_config *c)
{
    if (!c)
        return;
    cb_strs_release(&c->contents.build_repositories);
    cb_strs_release(&c->contents.runtime_repositories);
    cb_strs_release(&c->contents.repositories);
    cb_strs_release(&c->contents.keyring);
    cb_strs_release(&c->contents.packages);
    cb_vec_release(&c->contents.runtime_keyring);
    cb_pairs_release(&c->entrypoint.services);
    cb_vec_release(&c->accounts.users);
    for (size_t i = 0; i < c->accounts.groups.n; i++)
        cb_strs_release(&c->accounts.groups.v[i].members);
    cb_vec_release(&c->accounts.groups);
    cb_strs_release(&c->archs);
    cb_pairs_release(&c->environment);
    cb_vec_release(&c->paths);
    cb_pairs_release(&c->annotations);
    cb_strs_release(&c->volumes);
    cb_vec_release(&c->certificates.additional);
    cb_strs_release(&c->certificates.providers);
    cb_arena_release(&c->arena);
    free(c);
}

void cb_config_free_p(struct cb_image_config **c)
{
    cb_config_free(*c);
}

struct cb_str cb_config_str(struct cb_image_config *c, struct cb_str s)
{
    return cb_arena_str(&c->arena, s);
}

// ---- Maps ----

// Where key stands or would stand.
static size_t pairs_at(const struct cb_pairs *m, struct cb_str key)
{
    size_t low = 0, high = m->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (cb_str_cmp(m->v[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct cb_str *cb_pairs_get(const struct cb_pairs *m, struct cb_str key)
{
    size_t at = pairs_at(m, key);
    return at < m->n && cb_str_eq(m->v[at].key, key) ? &m->v[at].value : NULL;
}

void cb_pairs_set(struct cb_pairs *m, struct cb_str key, struct cb_str value)
{
    size_t at = pairs_at(m, key);
    if (at == m->n || !cb_str_eq(m->v[at].key, key)) {
        cb_vec_add(m);
        memmove(m->v + at + 1, m->v + at, (m->n - 1 - at) * sizeof *m->v);
    }
    m->v[at] = (struct cb_pair){key, value};
}

void cb_pairs_release(struct cb_pairs *m)
{
    cb_vec_release(m);
}

// ---- Merging ----

static void merge_str(struct cb_image_config *to, struct cb_str *s, struct cb_str from)
{
    if (s->n == 0)
        *s = cb_config_str(to, from);
}

// from's items before those that are there.
static void prepend_strs(struct cb_image_config *to, struct cb_strs *l, const struct cb_strs *from)
{
    struct cb_strs all = {0};
    for (size_t i = 0; i < from->n; i++)
        cb_strs_add(&all, cb_config_str(to, from->v[i]));
    for (size_t i = 0; i < l->n; i++)
        cb_strs_add(&all, l->v[i]);
    cb_strs_release(l);
    *l = all;
}

static void copy_strs(struct cb_image_config *to, struct cb_strs *l, const struct cb_strs *from)
{
    for (size_t i = 0; i < from->n; i++)
        cb_strs_add(l, cb_config_str(to, from->v[i]));
}

// Adds what is not there yet; both are in order.
static void merge_pairs(struct cb_image_config *to, struct cb_pairs *m, const struct cb_pairs *from)
{
    struct cb_pairs all = {0};
    size_t i = 0, j = 0;
    while (i < m->n || j < from->n) {
        int order = i == m->n ? 1 : j == from->n ? -1 : cb_str_cmp(m->v[i].key, from->v[j].key);
        struct cb_pair *pair = cb_vec_add(&all);
        if (order <= 0)
            *pair = m->v[i++];
        else
            *pair = (struct cb_pair){cb_config_str(to, from->v[j].key), cb_config_str(to, from->v[j].value)};
        j += order >= 0;
    }
    cb_pairs_release(m);
    *m = all;
}

// Makes room for n elements before those of a list of any type; gives where they go.
static void *prepend(void *list, size_t n, size_t size)
{
    struct {
        char *v;
        size_t n, cap;
    } *l = list;
    if (n == 0)
        return l->v;
    l->v = cb_realloc_array(l->v, l->n + n, size);
    memmove(l->v + n * size, l->v, l->n * size);
    l->n += n;
    l->cap = l->n;
    return memset(l->v, 0, n * size);
}

#define PREPEND(to, from) (assert(sizeof *(to)->v == sizeof *(from)->v), prepend(to, (from)->n, sizeof *(to)->v))

static void copy_named(struct cb_image_config *to, struct cb_named_content *v, const struct cb_named_content *from,
                       size_t n)
{
    for (size_t i = 0; i < n; i++)
        v[i] = (struct cb_named_content){cb_config_str(to, from[i].name), cb_config_str(to, from[i].content)};
}

static void merge_contents(const struct cb_image_config *from, struct cb_image_config *to)
{
    prepend_strs(to, &to->contents.keyring, &from->contents.keyring);
    prepend_strs(to, &to->contents.build_repositories, &from->contents.build_repositories);
    prepend_strs(to, &to->contents.runtime_repositories, &from->contents.runtime_repositories);
    prepend_strs(to, &to->contents.repositories, &from->contents.repositories);
    prepend_strs(to, &to->contents.packages, &from->contents.packages);
    copy_named(to, PREPEND(&to->contents.runtime_keyring, &from->contents.runtime_keyring),
               from->contents.runtime_keyring.v, from->contents.runtime_keyring.n);
    if (!to->contents.has_baseimage && from->contents.has_baseimage) {
        to->contents.has_baseimage = true;
        to->contents.baseimage.image = cb_config_str(to, from->contents.baseimage.image);
        to->contents.baseimage.apkindex = cb_config_str(to, from->contents.baseimage.apkindex);
    }
}

static void merge_accounts(const struct cb_image_config *from, struct cb_image_config *to)
{
    merge_str(to, &to->accounts.run_as, from->accounts.run_as);
    struct cb_user *users = PREPEND(&to->accounts.users, &from->accounts.users);
    for (size_t i = 0; i < from->accounts.users.n; i++) {
        const struct cb_user *u = &from->accounts.users.v[i];
        users[i] = *u;
        users[i].username = cb_config_str(to, u->username);
        users[i].shell = cb_config_str(to, u->shell);
        users[i].homedir = cb_config_str(to, u->homedir);
    }
    struct cb_group_entry *groups = PREPEND(&to->accounts.groups, &from->accounts.groups);
    for (size_t i = 0; i < from->accounts.groups.n; i++) {
        const struct cb_group_entry *g = &from->accounts.groups.v[i];
        groups[i] = (struct cb_group_entry){.groupname = cb_config_str(to, g->groupname), .gid = g->gid};
        copy_strs(to, &groups[i].members, &g->members);
    }
    to->accounts.has_users = to->accounts.users.n > 0;
    to->accounts.has_groups = to->accounts.groups.n > 0;
}

// The entrypoint is taken as a whole or not at all.
static void merge_entrypoint(const struct cb_image_config *from, struct cb_image_config *to)
{
    if (to->entrypoint.type.n || to->entrypoint.command.n || to->entrypoint.shell_fragment.n ||
        to->entrypoint.has_services)
        return;
    to->entrypoint.type = cb_config_str(to, from->entrypoint.type);
    to->entrypoint.command = cb_config_str(to, from->entrypoint.command);
    to->entrypoint.shell_fragment = cb_config_str(to, from->entrypoint.shell_fragment);
    to->entrypoint.has_services = from->entrypoint.has_services;
    merge_pairs(to, &to->entrypoint.services, &from->entrypoint.services);
}

static void merge_paths(const struct cb_image_config *from, struct cb_image_config *to)
{
    struct cb_path_mutation *paths = PREPEND(&to->paths, &from->paths);
    for (size_t i = 0; i < from->paths.n; i++) {
        paths[i] = from->paths.v[i];
        paths[i].path = cb_config_str(to, from->paths.v[i].path);
        paths[i].type = cb_config_str(to, from->paths.v[i].type);
        paths[i].source = cb_config_str(to, from->paths.v[i].source);
    }
}

static void merge_certificates(const struct cb_image_config *from, struct cb_image_config *to)
{
    if (to->has_certificates || !from->has_certificates)
        return;
    to->has_certificates = true;
    copy_named(to, PREPEND(&to->certificates.additional, &from->certificates.additional),
               from->certificates.additional.v, from->certificates.additional.n);
    copy_strs(to, &to->certificates.providers, &from->certificates.providers);
}

void cb_config_merge(const struct cb_image_config *from, struct cb_image_config *to)
{
    merge_entrypoint(from, to);
    merge_str(to, &to->cmd, from->cmd);
    merge_str(to, &to->stop_signal, from->stop_signal);
    merge_str(to, &to->work_dir, from->work_dir);
    merge_str(to, &to->format, from->format);
    if (!to->has_layering && from->has_layering) {
        to->has_layering = true;
        to->layering.strategy = cb_config_str(to, from->layering.strategy);
        to->layering.budget = from->layering.budget;
    }
    merge_certificates(from, to);
    if (to->archs.n == 0)
        copy_strs(to, &to->archs, &from->archs);
    merge_accounts(from, to);
    merge_pairs(to, &to->environment, &from->environment);
    merge_paths(from, to);
    merge_pairs(to, &to->annotations, &from->annotations);
    prepend_strs(to, &to->volumes, &from->volumes);
    merge_contents(from, to);
}

struct cb_image_config *cb_config_clone(const struct cb_image_config *c)
{
    struct cb_image_config *copy = cb_config_new();
    cb_config_merge(c, copy);
    copy->accounts.has_users = c->accounts.has_users;
    copy->accounts.has_groups = c->accounts.has_groups;
    copy->vcs_url = cb_config_str(copy, c->vcs_url);
    copy->include = cb_config_str(copy, c->include);
    copy->file = cb_config_str(copy, c->file);
    copy->checksum = cb_config_str(copy, c->checksum);
    return copy;
}

// ---- Annotations of the command line ----

static bool is_annotation_key(struct cb_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'))
            return false;
    }
    return s.n > 0;
}

int cb_annotations_parse(const struct cb_strs *texts, struct cb_arena *a, struct cb_pairs *out, struct cb_error *err)
{
    for (size_t i = 0; i < texts->n; i++) {
        struct cb_str text = texts->v[i];
        ptrdiff_t colon = cb_str_find(text, ':');
        if (colon < 0)
            return cb_fail(err, CB_E_USAGE, "annotation \"%.*s\": expected key:value", CB_STR_ARG(text));
        struct cb_str key = cb_str_head(text, (size_t)colon), value = cb_str_skip(text, (size_t)colon + 1);
        if (cb_pairs_get(out, key))
            return cb_fail(err, CB_E_USAGE, "annotation \"%.*s\" is given more than once", CB_STR_ARG(key));
        if (!is_annotation_key(key))
            return cb_fail(err, CB_E_USAGE,
                           "annotation \"%.*s\": a key is made of lower-case letters, digits, \"-\" and \".\"",
                           CB_STR_ARG(key));
        if (!value.n)
            return cb_fail(err, CB_E_USAGE, "annotation \"%.*s\" has no value", CB_STR_ARG(key));
        cb_pairs_set(out, cb_arena_str(a, key), cb_arena_str(a, value));
    }
    return 0;
}

void cb_config_annotate(struct cb_image_config *c, const struct cb_pairs *more)
{
    for (size_t i = 0; i < more->n; i++)
        cb_pairs_set(&c->annotations, cb_config_str(c, more->v[i].key), cb_config_str(c, more->v[i].value));
}
