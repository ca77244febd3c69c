#include "cbuild/builder/build.h"

#include <assert.h>
#include <stdlib.h>

#include "arch_build.h"
#include "cbuild/base/file.h"
#include "cbuild/base/log.h"
#include "cbuild/builder/plan.h"
#include "documents.h"

struct cb_build {
    struct cb_plan plan;
    struct cb_image_config *input; // the configuration with the lists of repositories and keys completed
    struct cb_lock_file lock;
    bool has_lock;
    struct cb_locked locked;
    const struct cb_image **images;
    struct cb_index_image index;
    struct cb_document index_document;
    const struct cb_document **documents;
    size_t ndocuments;
};

static int check_base(const struct cb_build *b, struct cb_error *err)
{
    const struct cb_build_options *o = b->plan.options;
    if (!b->plan.config->contents.has_baseimage || (o->lockfile && *o->lockfile))
        return 0;
    cb_fail(err, CB_E_CONFIG, "%s: contents.baseimage needs a lock file", o->config_path);
    return cb_hint(err, "make one with `cbuild lock` and give it with --lockfile");
}

// Adds what a flag names to a list of the configuration, which becomes a sorted set by it.
static void complete(struct cb_image_config *c, struct cb_strs *list, const struct cb_strs *extra)
{
    for (size_t i = 0; i < extra->n; i++)
        cb_strs_add(list, cb_config_str(c, extra->v[i]));
    cb_strs_sort(list);
    cb_strs_unique(list);
}

// Repositories and keys stand in files of the image, with all that their URLs hold, as the reference writes them.
static void warn_of_passwords(const struct cb_strs *urls)
{
    cb_plan_warn_of_passwords(urls, "image", ", for etc/apko.json and etc/apk/repositories hold it");
}

static void make_input(struct cb_build *b)
{
    const struct cb_build_options *o = b->plan.options;
    b->input = cb_config_clone(b->plan.config);
    complete(b->input, &b->input->contents.build_repositories, &o->extra_build_repositories);
    complete(b->input, &b->input->contents.repositories, &o->extra_repositories);
    complete(b->input, &b->input->contents.keyring, &o->extra_keys);
    warn_of_passwords(&b->input->contents.build_repositories);
    warn_of_passwords(&b->input->contents.repositories);
    warn_of_passwords(&b->input->contents.keyring);
}

// The lock file was made from another state of the configuration: which packages no longer fit.
static int fail_unlike(const struct cb_build *b, struct cb_error *err)
{
    const struct cb_build_options *o = b->plan.options;
    CB_BUF_AUTO lines = {0};
    cb_fail(err, CB_E_CONFLICT, "lock file %s was made from another state of %s: its checksum is %.*s, now it is %.*s",
            o->lockfile, o->config_path, CB_STR_ARG(b->lock.config_checksum), CB_STR_ARG(b->plan.config->checksum));
    if (!cb_lock_file_misfits(&b->lock, &b->plan.config->contents.packages, &b->plan.config->archs, &lines))
        cb_buf_adds(&lines, "each package that the configuration asks for is locked as asked: something else changed");
    CB_AUTOFREE char *detail = cb_buf_take(&lines);
    cb_detail(err, "%s", detail);
    return cb_hint(err, "make the lock file anew with `cbuild lock`; `cbuild lock --check` lists what that changes");
}

static int read_lock(struct cb_build *b, struct cb_error *err)
{
    const char *path = b->plan.options->lockfile;
    CB_BUF_AUTO text = {0};
    b->has_lock = true;
    if (cb_read_named(path, &text, CB_LOCK_FILE_MAX, err) ||
        cb_lock_file_parse(cb_buf_str(&text), path, &b->lock, err)) {
        cb_hint(err, "a lock file is what `cbuild lock` writes");
        return cb_context(err, "--lockfile");
    }
    if (!b->lock.has_config)
        cb_log(CB_WARN, "%s does not say which configuration it was made from; make it anew", path);
    else if (!cb_str_eq(b->lock.config_checksum, b->plan.config->checksum))
        return fail_unlike(b, err);
    cb_lock_file_worlds(&b->lock, &b->input->archs, &b->locked);
    return 0;
}

// The exact packages of every architecture, chosen together.
static int resolve(struct cb_build *b, struct cb_error *err)
{
    struct cb_plan *p = &b->plan;
    CB_CONFIG_AUTO *checked = cb_config_clone(b->input);
    if (cb_config_validate(checked, err))
        return cb_context(err, "%s", p->options->config_path);
    if (cb_plan_resolve(p, checked, err))
        return -1;
    CB_AUTOFREE struct cb_lock_input *inputs = cb_realloc_array(NULL, p->narchs, sizeof *inputs);
    for (size_t i = 0; i < p->narchs; i++)
        inputs[i] = (struct cb_lock_input){p->archs[i].arch, &p->archs[i].resolution};
    return cb_lock_unify(&b->input->contents.packages, inputs, p->narchs, &b->locked, err);
}

static const struct cb_locked_arch *locked_of(const struct cb_build *b, struct cb_str arch)
{
    const struct cb_locked *given = b->plan.options->packages, *locked = given ? given : &b->locked;
    for (size_t i = 0; i < locked->archs.n; i++)
        if (cb_str_eq(locked->archs.v[i].arch, arch))
            return &locked->archs.v[i];
    return NULL;
}

static int build_tree(void *ctx, size_t i, struct cb_error *err)
{
    struct cb_build *b = ctx;
    struct cb_arch_build *a = &b->plan.archs[i];
    const struct cb_locked_arch *locked = locked_of(b, a->arch);
    if (!locked)
        return 0;
    int failed = cb_arch_build_lock(a, b->input, &locked->packages, err) ||
                 cb_arch_build_tree(a, b->has_lock ? &b->lock : NULL, err);
    return failed ? cb_arch_build_context(a, err) : 0;
}

static int build_images(struct cb_build *b, struct cb_error *err)
{
    struct cb_pool *pool = b->plan.options->pool;
    if (cb_parallel(pool, b->plan.narchs, cb_pool_threads(pool), build_tree, b, err))
        return -1;
    // One after the other: compressing a layer uses every thread, and memory stays what one layer needs.
    for (size_t i = 0; i < b->plan.narchs; i++)
        if (b->plan.archs[i].tree && cb_arch_build_image(&b->plan.archs[i], err))
            return cb_arch_build_context(&b->plan.archs[i], err);
    return 0;
}

static int make_documents(struct cb_build *b, struct cb_created created, struct cb_error *err)
{
    if (!b->plan.options->sbom)
        return 0;
    if (cb_document_of_index(b->plan.options, &b->index, created, b->plan.config->vcs_url, &b->index_document, err))
        return -1;
    b->documents = cb_zalloc((b->plan.narchs + 1) * sizeof *b->documents);
    for (size_t i = 0; i < b->plan.narchs; i++)
        if (b->plan.archs[i].document.name)
            b->documents[b->ndocuments++] = &b->plan.archs[i].document;
    b->documents[b->ndocuments++] = &b->index_document;
    return 0;
}

static int make_index(struct cb_build *b, struct cb_error *err)
{
    CB_ARENA_AUTO arena = {0};
    struct cb_index_params p = {.vcs_url = b->plan.config->vcs_url, .created = b->plan.options->build_date};
    size_t n = 0;
    b->images = cb_zalloc((b->plan.narchs + 1) * sizeof *b->images);
    for (size_t i = 0; i < b->plan.narchs; i++) {
        if (!b->plan.archs[i].nlayers)
            continue;
        b->images[n++] = &b->plan.archs[i].image;
        if (cb_created_after(b->plan.archs[i].created, p.created))
            p.created = b->plan.archs[i].created;
    }
    const struct cb_pairs *annotations = &b->plan.config->annotations;
    for (size_t i = 0; i < annotations->n; i++)
        cb_string_map_set(&arena, &p.annotations, annotations->v[i].key, annotations->v[i].value);
    cb_index_image_build(&b->index, &p, b->images, n);
    return make_documents(b, p.created, err);
}

static int run(struct cb_build *b, const struct cb_build_options *o, struct cb_error *err)
{
    bool from_lock = o->lockfile && *o->lockfile;
    if (cb_plan_load(&b->plan, o, err) || check_base(b, err))
        return -1;
    cb_plan_unique(&b->plan);
    make_input(b);
    if ((from_lock && read_lock(b, err)) || cb_plan_prepare(&b->plan, b->input, err))
        return -1;
    if (!from_lock && !o->packages && resolve(b, err))
        return -1;
    return build_images(b, err) || make_index(b, err) ? -1 : 0;
}

int cb_build_run(const struct cb_build_options *o, struct cb_build **out, struct cb_error *err)
{
    CB_BUILD_AUTO *b = cb_zalloc(sizeof *b);
    b->index_document.fd = -1;
    if (run(b, o, err))
        return -1;
    *out = b;
    b = NULL;
    return 0;
}

void cb_build_free(struct cb_build *b)
{
    if (!b)
        return;
    free(b->documents);
    cb_document_release(&b->index_document);
    cb_index_image_release(&b->index);
    free(b->images);
    cb_locked_release(&b->locked);
    cb_lock_file_release(&b->lock);
    cb_config_free(b->input);
    cb_plan_release(&b->plan);
    free(b);
}

void cb_build_free_p(struct cb_build **b)
{
    cb_build_free(*b);
}

const struct cb_index_image *cb_build_index(const struct cb_build *b)
{
    return &b->index;
}

static void common_config(const struct cb_build *b, struct cb_buf *out)
{
    struct cb_image_config *c = cb_config_new();
    cb_config_merge(b->input, c);
    if (b->locked.common.n)
        c->contents.packages.n = 0;
    for (size_t i = 0; i < b->locked.common.n; i++)
        cb_strs_add(&c->contents.packages, cb_config_str(c, b->locked.common.v[i]));
    cb_config_write_json(c, out);
    cb_config_free(c);
}

static const struct cb_arch_build *arch_of(const struct cb_build *b, size_t i)
{
    size_t k = 0;
    while (&b->plan.archs[k].image != b->index.images[i])
        k++;
    assert(k < b->plan.narchs);
    return &b->plan.archs[k];
}

void cb_build_stored_config(const struct cb_build *b, size_t i, struct cb_buf *out)
{
    if (i == b->index.nimages)
        common_config(b, out);
    else
        cb_config_write_json(arch_of(b, i)->config, out);
}

const struct cb_document *cb_build_document_of(const struct cb_build *b, size_t i)
{
    const struct cb_document *d = i == b->index.nimages ? &b->index_document : &arch_of(b, i)->document;
    return d->name ? d : NULL;
}

size_t cb_build_document_count(const struct cb_build *b)
{
    return b->ndocuments;
}

const struct cb_document *cb_build_document(const struct cb_build *b, size_t i)
{
    return b->documents[i];
}
