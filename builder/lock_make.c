// Making a lock file: for each architecture in turn, its packages and repositories.
#include <stdlib.h>

#include "arch_build.h"
#include "cbuild/builder/arch.h"
#include "cbuild/builder/plan.h"
#include "lock_hold.h"

struct making {
    struct cb_plan plan;
    struct cb_image_config *checked; // what is resolved
    struct cb_lock_file *out;
    // Of an update: what is held, but for the packages of these names. NULL otherwise.
    const struct cb_lock_file *old;
    const struct cb_strs *names;
};

// The reference prepares a folder for each architecture that is named, and fails at one that is there already.
static int check_archs(const struct cb_plan *p, struct cb_error *err)
{
    for (size_t i = 0; i < p->narchs; i++)
        for (size_t j = 0; j < i; j++)
            if (cb_str_eq(p->archs[i].arch, p->archs[j].arch)) {
                cb_fail(err, CB_E_CONFIG, "%s: architecture %.*s is named twice, and a lock file lists it once",
                        p->options->config_path, CB_STR_ARG(p->archs[i].arch));
                return cb_hint(err, "name it once, or give the architectures with --arch");
            }
    return 0;
}

static int load(struct making *m, const struct cb_build_options *o, struct cb_error *err)
{
    if (cb_plan_load(&m->plan, o, err) || check_archs(&m->plan, err))
        return -1;
    m->out->version = CB_STR("v1");
    m->out->has_config = true;
    m->out->config_name = cb_arena_str(&m->out->arena, m->plan.config->file);
    m->out->config_checksum = cb_arena_str(&m->out->arena, m->plan.config->checksum);
    m->checked = cb_plan_checked_config(&m->plan, err);
    return m->checked ? 0 : -1;
}

// The keys that the configuration names, each as often as it does.
static int add_keys(struct making *m, struct cb_error *err)
{
    const struct cb_strs *keyring = &m->plan.config->contents.keyring, none = {0};
    for (size_t i = 0; i < keyring->n; i++) {
        const struct cb_strs one = {.v = &keyring->v[i], .n = 1};
        const struct cb_keyring_request q = {&none, &one, CB_STR(""), m->plan.options->now};
        CB_KEYRING_AUTO k = {0};
        if (cb_keyring_load(m->plan.options->fetcher, &q, &k, err))
            return -1;
        cb_lock_file_add_key(m->out, keyring->v[i], k.v[0].bytes);
    }
    return 0;
}

// Where the reference says that a discovered key is: below its repository, or with the others of Alpine.
static struct cb_str key_url(struct making *m, struct cb_str repository, struct cb_str name)
{
    struct cb_str base = repository;
    if (cb_str_ends(base, "/"))
        base.n--;
    if (cb_str_has(repository, CB_STR("/alpine/")))
        base = CB_STR("https://alpinelinux.org/keys");
    return cb_arena_format(&m->out->arena, "%.*s/%.*s", CB_STR_ARG(base), CB_STR_ARG(name));
}

static bool is_discovered(const struct making *m, struct cb_str url)
{
    for (size_t i = m->plan.config->contents.keyring.n; i < m->out->keyring.n; i++)
        if (cb_str_eq(m->out->keyring.v[i].url, url))
            return true;
    return false;
}

static int add_discovered(struct making *m, struct cb_str repository, struct cb_error *err)
{
    const struct cb_strs one = {.v = &repository, .n = 1}, none = {0};
    for (size_t arch = 0; arch < m->plan.config->archs.n; arch++) {
        const struct cb_keyring_request q = {&one, &none, cb_arch_to_apk(m->plan.config->archs.v[arch]),
                                             m->plan.options->now};
        CB_KEYRING_AUTO k = {0};
        if (cb_keyring_load(m->plan.options->fetcher, &q, &k, err))
            return -1;
        for (size_t i = 0; i < k.n; i++) {
            struct cb_str url = key_url(m, repository, k.v[i].name);
            if (!is_discovered(m, url))
                cb_lock_file_add_key(m->out, url, k.v[i].bytes);
        }
    }
    return 0;
}

// The keys that the repositories offer, each once.
static int discover_keys(struct making *m, struct cb_error *err)
{
    const struct cb_image_config *c = m->plan.config;
    const struct cb_strs *const lists[] = {&c->contents.build_repositories, &c->contents.runtime_repositories,
                                           &c->contents.repositories};
    for (size_t l = 0; l < 3; l++)
        for (size_t i = 0; i < lists[l]->n; i++)
            if (add_discovered(m, lists[l]->v[i], err))
                return -1;
    return 0;
}

// What is installed in the base image already is resolved with the rest, but not locked.
static bool is_in_base(const struct cb_arch_build *a, struct cb_str name)
{
    for (size_t i = 0; i < a->base.installed.n; i++)
        if (cb_str_eq(a->base.installed.v[i].pkg.name, name))
            return true;
    return false;
}

static int add_packages(struct making *m, struct cb_arch_build *a, struct cb_error *err)
{
    size_t n = 0, found = a->resolution.packages.n;
    CB_AUTOFREE const struct cb_repo_package **packages = cb_realloc_array(NULL, found + 1, sizeof *packages);
    CB_AUTOFREE const struct cb_apk_file **files = cb_zalloc((found + 1) * sizeof *files);
    for (size_t i = 0; i < found; i++)
        if (!is_in_base(a, a->resolution.packages.v[i].pkg->name))
            packages[n++] = &a->resolution.packages.v[i];
    if (cb_packages_open(m->plan.options->fetcher, packages, n, files, err))
        return -1;
    for (size_t i = 0; i < n; i++)
        cb_lock_file_add_package(m->out, packages[i], files[i]);
    cb_packages_close(m->plan.options->fetcher, packages, n, files);
    return 0;
}

static int add_repositories(struct making *m, struct cb_str apk_arch, struct cb_error *err)
{
    struct cb_arena *a = &m->out->arena;
    const struct cb_image_config *c = m->plan.config;
    const struct cb_strs *build = &c->contents.build_repositories, *runtime = &c->contents.runtime_repositories;
    const struct cb_strs *both = &c->contents.repositories;
    for (size_t i = 0; i < build->n; i++)
        if (cb_lock_repository(build->v[i], apk_arch, a, cb_vec_add(&m->out->build_repositories), err))
            return -1;
    for (size_t i = 0; i < runtime->n; i++)
        if (cb_lock_repository(runtime->v[i], apk_arch, a, cb_vec_add(&m->out->runtime_repositories), err))
            return -1;
    for (size_t i = 0; i < both->n; i++)
        if (cb_lock_repository(both->v[i], apk_arch, a, cb_vec_add(&m->out->repositories), err))
            return -1;
    return 0;
}

static int add_arch(struct making *m, struct cb_arch_build *a, struct cb_error *err)
{
    int failed = cb_arch_build_prepare(a, m->checked, err) || cb_arch_build_resolve(a, m->checked, NULL, 0, err) ||
                 (m->old && cb_lock_hold(a, m->checked, m->old, m->names, err)) || add_packages(m, a, err) ||
                 add_repositories(m, a->apk_arch, err);
    return failed ? cb_arch_build_context(a, err) : 0;
}

// The reference writes URLs into the lock file with all that they hold, and so do we.
static void warn_of_passwords(const struct cb_strs *urls)
{
    cb_plan_warn_of_passwords(urls, "lock file", "");
}

static int make(struct making *m, const struct cb_build_options *o, struct cb_error *err)
{
    if (load(m, o, err))
        return -1;
    warn_of_passwords(&m->plan.config->contents.build_repositories);
    warn_of_passwords(&m->plan.config->contents.runtime_repositories);
    warn_of_passwords(&m->plan.config->contents.repositories);
    warn_of_passwords(&m->plan.config->contents.keyring);
    if (add_keys(m, err) || discover_keys(m, err))
        return -1;
    for (size_t i = 0; i < m->plan.narchs; i++)
        if (add_arch(m, &m->plan.archs[i], err))
            return -1;
    cb_lock_file_sort_keyring(m->out);
    return 0;
}

static int make_and_release(struct making *m, const struct cb_build_options *o, struct cb_error *err)
{
    *m->out = (struct cb_lock_file){0};
    int failed = make(m, o, err);
    cb_config_free(m->checked);
    cb_plan_release(&m->plan);
    if (failed)
        cb_lock_file_release(m->out);
    return failed ? -1 : 0;
}

int cb_lock_make(const struct cb_build_options *o, struct cb_lock_file *out, struct cb_error *err)
{
    struct making m = {.out = out};
    return make_and_release(&m, o, err);
}

static bool is_locked(const struct cb_lock_file *f, struct cb_str name)
{
    for (size_t i = 0; i < f->packages.n; i++)
        if (cb_str_eq(f->packages.v[i].name, name))
            return true;
    return false;
}

int cb_lock_update(const struct cb_build_options *o, const struct cb_lock_file *old, const struct cb_strs *names,
                   struct cb_lock_file *out, struct cb_error *err)
{
    struct making m = {.out = out, .old = old, .names = names};
    for (size_t i = 0; i < names->n; i++) {
        if (is_locked(old, names->v[i]))
            continue;
        cb_fail(err, CB_E_NOT_FOUND, "the lock file has no package \"%.*s\" that could be updated",
                CB_STR_ARG(names->v[i]));
        return cb_hint(err, "give the name of a locked package; those that the configuration adds come in anyway");
    }
    return make_and_release(&m, o, err);
}
