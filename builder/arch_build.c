#include "arch_build.h"

#include <stdlib.h>

#include "cbuild/builder/arch.h"
#include "documents.h"
#include "shared_parts.h"
#include "steps.h"

#define STRS_AUTO __attribute__((cleanup(cb_strs_release))) struct cb_strs

// Adds a list to a sorted set. Slices are borrowed.
static void merge_into(struct cb_strs *set, const struct cb_strs *list)
{
    for (size_t i = 0; i < list->n; i++)
        cb_strs_add(set, list->v[i]);
    cb_strs_sort(set);
    cb_strs_unique(set);
}

// Where packages come from.
static void build_repositories(const struct cb_arch_build *a, const struct cb_image_config *c, struct cb_strs *out)
{
    merge_into(out, &c->contents.build_repositories);
    merge_into(out, &c->contents.repositories);
    merge_into(out, &a->options->extra_build_repositories);
    merge_into(out, &a->options->extra_repositories);
}

void cb_arch_build_init(struct cb_arch_build *a, const struct cb_build_options *o, struct cb_str arch)
{
    *a = (struct cb_arch_build){.options = o, .arch = arch, .apk_arch = cb_arch_to_apk(arch), .document.fd = -1};
    a->epoch = o->epoch_set ? (struct cb_created){o->epoch, 0, 0} : o->build_date;
}

int cb_arch_build_context(const struct cb_arch_build *a, struct cb_error *err)
{
    return cb_context(err, "architecture %.*s", CB_STR_ARG(a->apk_arch));
}

int cb_arch_build_load(struct cb_arch_build *a, struct cb_error *err)
{
    const struct cb_build_options *o = a->options;
    if (cb_config_load(o->config_path, &o->include_paths, &a->config, err))
        return -1;
    return cb_config_validate(a->config, err) ? cb_context(err, "%s", o->config_path) : 0;
}

static int open_base(struct cb_arch_build *a, const struct cb_image_config *c, struct cb_error *err)
{
    const struct cb_strs *include_paths = &a->options->include_paths;
    if (!c->contents.has_baseimage)
        return 0;
    CB_AUTOFREE char *image = cb_strndup(c->contents.baseimage.image.p, c->contents.baseimage.image.n);
    CB_AUTOFREE char *list = cb_strndup(c->contents.baseimage.apkindex.p, c->contents.baseimage.apkindex.n);
    CB_AUTOFREE char *image_path = cb_resolve_path(image, include_paths, err);
    if (!image_path)
        return cb_context(err, "contents.baseimage.image");
    CB_AUTOFREE char *list_path = cb_resolve_path(list, include_paths, err);
    if (!list_path)
        return cb_context(err, "contents.baseimage.apkindex");
    return cb_base_image_open(&a->base, image_path, list_path, a->arch, err);
}

int cb_arch_build_start(struct cb_arch_build *a, const struct cb_image_config *c, struct cb_error *err)
{
    STRS_AUTO repositories = {0};
    STRS_AUTO files = {0};
    if (open_base(a, c, err))
        return -1;
    build_repositories(a, c, &repositories);
    if (!repositories.n && !c->contents.has_baseimage) // a base image's list of packages is one, too
        return cb_fail(err, CB_E_CONFIG, "no repositories; at least one is needed");
    merge_into(&files, &c->contents.keyring);
    merge_into(&files, &a->options->extra_keys);
    const struct cb_keyring_request q = {&repositories, &files, a->apk_arch, a->options->now};
    return cb_keyring_load(a->options->fetcher, &q, &a->keys, err);
}

int cb_arch_build_prepare(struct cb_arch_build *a, const struct cb_image_config *c, struct cb_error *err)
{
    const struct cb_build_options *o = a->options;
    STRS_AUTO repositories = {0};
    if (cb_arch_build_start(a, c, err))
        return -1;
    if (o->lockfile && *o->lockfile)
        return 0; // a lock names its packages' files: no index is looked at
    build_repositories(a, c, &repositories);
    const struct cb_index_request q = {&repositories, a->apk_arch, &a->keys, NULL};
    if (cb_indexes_fetch(o->fetcher, &q, &a->indexes, err))
        return -1;
    if (o->workshop && !a->base.index) {
        a->resolver = cb_workshop_resolver(o->workshop, a->indexes.v, a->indexes.n);
        a->resolver_is_shared = true;
        return 0;
    }
    // What a base image has is resolved with the rest, from an index of its own.
    CB_AUTOFREE const struct cb_index **all = cb_realloc_array(NULL, a->indexes.n + 1, sizeof *all);
    size_t n = 0;
    for (; n < a->indexes.n; n++)
        all[n] = a->indexes.v[n];
    if (a->base.index)
        all[n++] = a->base.index;
    a->resolver = cb_resolver_new(all, n);
    return 0;
}

static void world_of(const struct cb_arch_build *a, const struct cb_image_config *c, struct cb_strs *out)
{
    merge_into(out, &c->contents.packages);
    merge_into(out, &a->options->extra_packages);
    for (size_t i = 0; i < a->base.world.n; i++)
        cb_strs_add(out, a->base.world.v[i]);
}

// Nothing was searched: no repository is named, or none has this architecture.
static int hint_no_index(const struct cb_arch_build *a, const struct cb_image_config *c, struct cb_error *err)
{
    STRS_AUTO repositories = {0};
    build_repositories(a, c, &repositories);
    if (!repositories.n)
        return cb_hint(err, "contents.repositories names no repository to search");
    return cb_hint(err, "no repository has an index for %.*s: are their addresses and the architecture's name right?",
                   CB_STR_ARG(a->apk_arch));
}

int cb_arch_build_resolve(struct cb_arch_build *a, const struct cb_image_config *input,
                          const struct cb_resolver *const *siblings, size_t n, struct cb_error *err)
{
    CB_ARENA_AUTO arena = {0};
    STRS_AUTO world = {0};
    struct cb_strs entries; // in the arena
    struct cb_str text;
    world_of(a, input, &world);
    cb_world(&world, &arena, &text, &entries);
    if (cb_resolve(a->resolver, &entries, siblings, n, &a->resolution, err) == 0)
        return 0;
    return a->indexes.n ? -1 : hint_no_index(a, input, err);
}

int cb_arch_build_lock(struct cb_arch_build *a, const struct cb_image_config *input, const struct cb_strs *packages,
                       struct cb_error *err)
{
    a->config = cb_config_new();
    cb_config_merge(input, a->config);
    a->config->contents.packages.n = 0;
    for (size_t i = 0; i < packages->n; i++)
        cb_strs_add(&a->config->contents.packages, cb_config_str(a->config, packages->v[i]));
    a->config->archs.n = 0;
    cb_strs_add(&a->config->archs, cb_config_str(a->config, a->arch));
    return cb_config_validate(a->config, err);
}

static bool is_layered(const struct cb_image_config *c)
{
    return c->has_layering && (c->layering.strategy.n || c->layering.budget);
}

static bool is_erofs(const struct cb_image_config *c)
{
    return cb_str_is(c->format, "erofs");
}

static int check_layering(const struct cb_image_config *c, struct cb_error *err)
{
    if (!is_layered(c))
        return 0;
    if (!cb_str_is(c->layering.strategy, "origin")) {
        cb_fail(err, CB_E_CONFIG, "layering.strategy: \"%.*s\" is not known", CB_STR_ARG(c->layering.strategy));
        return cb_hint(err, "the only strategy is \"origin\"");
    }
    if (c->contents.has_baseimage)
        return cb_fail(err, CB_E_CONFIG, "layering cannot be used together with contents.baseimage");
    return 0;
}

// The tree with what stands before any package: databases, keys, repositories, world.
static int start_tree(struct cb_arch_build *a, const struct cb_strs *world, struct cb_error *err)
{
    STRS_AUTO repositories = {0};
    a->tree = cb_tree_new();
    if (cb_apk_init_db(a->tree, a->apk_arch, err))
        return -1;
    for (size_t i = 0; i < a->keys.n; i++)
        if (cb_apk_add_key(a->tree, a->keys.v[i].name, a->keys.v[i].bytes, err))
            return -1;
    build_repositories(a, a->config, &repositories);
    if (cb_apk_set_repositories(a->tree, &repositories, err) || cb_apk_set_world(a->tree, world, err))
        return -1;
    for (size_t i = 0; i < a->base.installed.n; i++)
        if (cb_install_base_record(a->tree, &a->base.installed.v[i], err))
            return -1;
    return 0;
}

static int resolve_locked(struct cb_arch_build *a, const struct cb_strs *world, struct cb_error *err)
{
    CB_ARENA_AUTO arena = {0};
    struct cb_strs entries; // in the arena
    struct cb_str text;
    cb_world(world, &arena, &text, &entries);
    return cb_resolve(a->resolver, &entries, NULL, 0, &a->locked, err);
}

static int open_and_install(struct cb_arch_build *a, struct cb_error *err)
{
    size_t n = a->locked.packages.n;
    a->packages = cb_realloc_array(NULL, n + 1, sizeof *a->packages);
    a->files = cb_zalloc((n + 1) * sizeof *a->files);
    for (size_t i = 0; i < n; i++)
        a->packages[i] = &a->locked.packages.v[i];
    if (cb_packages_open(a->options->fetcher, a->packages, n, a->files, err))
        return -1;
    CB_AUTOFREE struct cb_install_item *items = cb_realloc_array(NULL, n, sizeof *items);
    for (size_t i = 0; i < n; i++)
        items[i] = (struct cb_install_item){a->locked.packages.v[i], a->files[i]};
    const struct cb_install_options options = {{a->epoch.sec, a->epoch.nsec}, &a->locked.conflicts};
    return cb_install(a->tree, items, n, &options, &a->installed, err);
}

static int store_config(struct cb_arch_build *a, struct cb_error *err)
{
    CB_BUF_AUTO json = {0};
    cb_config_write_json(a->config, &json);
    if (cb_tree_write_file(a->tree, CB_STR("etc/apko.json"), cb_buf_str(&json), 0644, err))
        return -1;
    return cb_tree_chmod(a->tree, CB_STR("etc/apko.json"), 0444, err);
}

static int finish_repositories(struct cb_arch_build *a, struct cb_error *err)
{
    STRS_AUTO repositories = {0};
    merge_into(&repositories, &a->config->contents.repositories);
    merge_into(&repositories, &a->config->contents.runtime_repositories);
    merge_into(&repositories, &a->options->extra_repositories);
    return cb_apk_set_repositories(a->tree, &repositories, err);
}

static void find_created(struct cb_arch_build *a, const struct cb_installed *installed)
{
    a->created = a->epoch;
    if (a->options->epoch_given)
        return;
    for (size_t i = 0; i < installed->n; i++) {
        struct cb_created built = {installed->v[i].pkg.build_time, 0, 0};
        if (cb_created_after(built, a->created))
            a->created = built;
    }
}

// What the configuration asks for beyond packages, in the reference's order: each step sees what those before it made.
static int apply_config(struct cb_arch_build *a, struct cb_error *err)
{
    struct cb_tree *t = a->tree;
    struct cb_image_config *c = a->config;
    const char *config_path = a->options->config_path;
    __attribute__((cleanup(cb_installed_release))) struct cb_installed installed = {0};
    if (cb_installed_read(t, &installed, err))
        return -1;
    find_created(a, &installed);
    struct cb_time built = {a->created.sec, a->created.nsec};
    // A base image's accounts are left as they are.
    if (!c->contents.has_baseimage && cb_accounts_apply(t, c, &c->arena, err))
        return cb_context(err, "%s: accounts", config_path);
    if (store_config(a, err))
        return -1;
    if (cb_paths_apply(t, c, err))
        return cb_context(err, "%s", config_path);
    if (cb_certificates_install(t, c, &installed, built, err) || cb_bundle_checksums_write(t, built, err))
        return cb_context(err, "%s: certificates", config_path);
    if (cb_runtime_keyring_install(t, c, built, err))
        return cb_context(err, "%s: contents.runtime_keyring", config_path);
    if (cb_services_write(t, c, err))
        return cb_context(err, "%s: entrypoint.services", config_path);
    if (cb_busybox_link(t, &installed, err) || cb_devices_make(t, err) || cb_ldso_cache_write(t, err))
        return -1;
    return finish_repositories(a, err);
}

int cb_arch_build_tree(struct cb_arch_build *a, const struct cb_lock_file *lock, struct cb_error *err)
{
    STRS_AUTO world = {0};
    if (check_layering(a->config, err))
        return cb_context(err, "%s", a->options->config_path);
    world_of(a, a->config, &world);
    if (start_tree(a, &world, err))
        return -1;
    if (lock ? cb_lock_file_packages(lock, a->apk_arch, &a->locked, err) : resolve_locked(a, &world, err))
        return -1;
    return open_and_install(a, err) || apply_config(a, err) ? -1 : 0;
}

// A configuration with layering is refused before (cb_config_validate), so this is all of it. The time is that of the
// build's date: the reference does not look at packages' build times here.
static int make_erofs_layer(struct cb_arch_build *a, struct cb_error *err)
{
    struct cb_time built = {a->epoch.sec, a->epoch.nsec};
    a->layers = cb_zalloc(sizeof *a->layers);
    a->layers[0] = (struct cb_layer)CB_LAYER_INIT;
    a->nlayers = 1;
    return cb_layer_write_erofs(a->tree, built, a->options->temp_dir, &a->layers[0], err);
}

static int make_layer(struct cb_arch_build *a, const struct cb_layer_plan *plan, size_t i, struct cb_error *err)
{
    const struct cb_build_options *o = a->options;
    if (o->workshop)
        return cb_workshop_layer(o->workshop, plan, i, o->temp_dir, o->pool, &a->layers[i], err);
    return cb_layer_write(plan, i, o->temp_dir, o->pool, &a->layers[i], err);
}

static int make_layers(struct cb_arch_build *a, struct cb_error *err)
{
    const struct cb_image_config *c = a->config;
    if (is_erofs(c))
        return make_erofs_layer(a, err);
    bool layered = is_layered(c);
    if (layered && cb_layer_groups_make(&a->groups, a->installed.v, a->installed.n, c->layering.budget, err))
        return -1;
    struct cb_layer_plan *plan = cb_layer_plan_new(a->tree, layered ? &a->groups : NULL, err);
    if (!plan)
        return -1;
    a->nlayers = cb_layer_plan_count(plan);
    a->layers = cb_zalloc(a->nlayers * sizeof *a->layers);
    for (size_t i = 0; i < a->nlayers; i++)
        a->layers[i] = (struct cb_layer)CB_LAYER_INIT;
    int failed = 0;
    for (size_t i = 0; i < a->nlayers && !failed; i++)
        failed = make_layer(a, plan, i, err);
    cb_layer_plan_free(plan);
    return failed;
}

static void release_tree(struct cb_arch_build *a)
{
    cb_layer_groups_release(&a->groups);
    cb_vec_release(&a->installed);
    cb_tree_free(a->tree);
    a->tree = NULL;
    if (a->files)
        cb_packages_close(a->options->fetcher, a->packages, a->locked.packages.n, a->files);
    free(a->packages);
    free(a->files);
    a->packages = NULL;
    a->files = NULL;
}

static void to_string_map(const struct cb_pairs *pairs, struct cb_arena *arena, struct cb_string_map *out)
{
    for (size_t i = 0; i < pairs->n; i++)
        cb_string_map_set(arena, out, pairs->v[i].key, pairs->v[i].value);
}

static int describe_layer(const struct cb_layer *l, struct cb_layer_blob *out, struct cb_error *err)
{
    *out = (struct cb_layer_blob){.has_fd = true, .fd = l->fd, .trusted = true};
    out->descriptor.media_type = cb_str(l->media_type);
    out->descriptor.size = l->size;
    if (cb_digest_parse(&out->descriptor.digest, cb_str(l->digest), err))
        return -1;
    return cb_digest_parse(&out->diff_id, cb_str(l->diff_id), err);
}

static int make_image(struct cb_arch_build *a, struct cb_error *err)
{
    const struct cb_image_config *c = a->config;
    CB_ARENA_AUTO arena = {0};
    struct cb_image_params p = {
        .arch = a->arch,
        .created = a->created,
        .entrypoint_shell = c->entrypoint.shell_fragment,
        .entrypoint_command = c->entrypoint.command,
        .cmd = c->cmd,
        .work_dir = c->work_dir,
        .user = c->accounts.run_as,
        .stop_signal = c->stop_signal,
        .volumes = c->volumes,
        .erofs = is_erofs(c),
        .base = c->contents.has_baseimage ? &a->base.image : NULL,
    };
    to_string_map(&c->annotations, &arena, &p.annotations);
    to_string_map(&c->environment, &arena, &p.environment);
    CB_AUTOFREE struct cb_layer_blob *blobs = cb_zalloc(a->nlayers * sizeof *blobs);
    for (size_t i = 0; i < a->nlayers; i++)
        if (describe_layer(&a->layers[i], &blobs[i], err))
            return -1;
    if (cb_image_build(&a->image, &p, blobs, a->nlayers, err) == 0)
        return 0;
    return err->kind == CB_E_CONFIG ? cb_context(err, "%s", a->options->config_path) : -1;
}

int cb_arch_build_image(struct cb_arch_build *a, struct cb_error *err)
{
    int failed = make_layers(a, err) || make_image(a, err) || (a->options->sbom && cb_document_of_image(a, err));
    release_tree(a);
    return failed ? -1 : 0;
}

void cb_arch_build_release(struct cb_arch_build *a)
{
    cb_document_release(&a->document);
    cb_image_release(&a->image);
    for (size_t i = 0; i < a->nlayers; i++)
        cb_layer_release(&a->layers[i]);
    free(a->layers);
    release_tree(a);
    cb_resolution_release(&a->locked);
    cb_resolution_release(&a->resolution);
    if (a->resolver_is_shared)
        cb_workshop_return_resolver(a->options->workshop, a->indexes.v, a->indexes.n);
    else
        cb_resolver_free(a->resolver);
    cb_indexes_release(&a->indexes);
    cb_keyring_release(&a->keys);
    cb_base_image_release(&a->base);
    cb_config_free(a->config);
}
