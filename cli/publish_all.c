// publish-all: many images in one run. Each is built and sent as `publish` would.
#include "batch.h"
#include "cbuild/base/file.h"
#include "publish.h"

struct target {
    struct cb_publication publication;
    const char *lockfile, *documents; // documents: NULL where they are not wanted as files
    struct cb_buf refs;
};

struct publishing {
    struct cb_batch batch;
    struct cb_session session;
    struct cb_registry *registry;
    struct cb_attacher attacher;
    struct target *targets;
};

// The tags on the item's line, else the patterns of the command line.
static int aim(struct publishing *p, const struct cb_invocation *in, const struct cb_batch_item *item, struct target *t,
               struct cb_error *err)
{
    const struct cb_build_flags *f = &cb_build_flags;
    struct cb_strs tags = item->rest;
    if (!tags.n)
        tags.v = cb_arena_alloc(&p->batch.arena, in->args.n * sizeof *tags.v);
    for (size_t i = 1; i < in->args.n && !item->rest.n; i++)
        tags.v[tags.n++] = cb_str(cb_batch_fill(&p->batch, in->args.v[i], item));
    if (!tags.n) {
        cb_batch_misuse(&p->batch, item, "it is not said what it is published as", err);
        return cb_hint(err, "cbuild publish-all %s 'registry.example.com/team/{name}:latest'", in->args.v[0]);
    }
    t->publication.session = &p->session;
    t->publication.attacher = &p->attacher;
    t->lockfile = cb_batch_fill(&p->batch, f->lockfile, item);
    if (*f->sbom_path) {
        CB_AUTOFREE char *below = cb_path_join(f->sbom_path, "{name}");
        t->documents = cb_batch_fill(&p->batch, strstr(f->sbom_path, "{name}") ? f->sbom_path : below, item);
    }
    return cb_publication_set_tags(&t->publication, tags.v, tags.n, err) ? cb_context(err, "%s", item->config) : 0;
}

// The tags of all, which must differ: else one image would take another's.
static int check_tags(struct publishing *p, struct cb_error *err)
{
    const struct cb_batch *b = &p->batch;
    CB_AUTOFREE const char **firsts = cb_realloc_array(NULL, b->items.n, sizeof *firsts);
    for (size_t i = 0; i < b->items.n; i++)
        firsts[i] = p->targets[i].publication.tags.v[0].p;
    return cb_batch_check_unique(b, firsts, "tag", err);
}

static int aim_all(struct publishing *p, const struct cb_invocation *in, struct cb_error *err)
{
    p->targets = cb_arena_alloc(&p->batch.arena, p->batch.items.n * sizeof *p->targets);
    for (size_t i = 0; i < p->batch.items.n; i++)
        if (aim(p, in, &p->batch.items.v[i], &p->targets[i], err))
            return -1;
    if (check_tags(p, err) || cb_check_image_refs(err) || cb_session_open(&p->session, in, NULL, err))
        return -1;
    for (size_t i = 0; i < p->batch.items.n; i++)
        if (cb_publication_check(&p->targets[i].publication, err))
            return -1;
    return cb_check_attesting(&p->attacher, &p->session, err);
}

static int publish_one(void *ctx, size_t i, struct cb_buf *result, struct cb_error *err)
{
    struct publishing *p = ctx;
    struct target *t = &p->targets[i];
    struct cb_build_options options = p->session.options;
    CB_BUILD_AUTO *build = NULL;
    options.config_path = p->batch.items.v[i].config;
    options.lockfile = t->lockfile;
    if (cb_build_run(&options, &build, err) || cb_publish(&t->publication, p->registry, build, result, &t->refs, err))
        return -1;
    result->n -= result->n > 0; // the line break
    if (!t->documents || !cb_build_document_count(build))
        return 0;
    return cb_mkdirs(t->documents, err) || cb_documents_write(build, t->documents, err) ? -1 : 0;
}

static int write_image_refs(const struct publishing *p, struct cb_error *err)
{
    CB_BUF_AUTO all = {0};
    if (!*cb_build_flags.image_refs || cb_build_flags.local)
        return 0;
    for (size_t i = 0; i < p->batch.items.n; i++)
        cb_buf_addstr(&all, cb_buf_str(&p->targets[i].refs));
    return cb_write_file(cb_build_flags.image_refs, cb_buf_str(&all), 0644, err);
}

static int run_batch(struct publishing *p, const struct cb_invocation *in, struct cb_error *err)
{
    p->session.shares = p->session.images = true;
    cb_be_brief();
    if (cb_batch_read(&p->batch, in->args.v[0], err) || aim_all(p, in, err))
        return -1;
    p->registry = cb_registry_new(p->session.http, &p->session.environment.credentials);
    const struct cb_batch_work work = {publish_one, p, cb_build_flags.keep_going, in->threads, "published"};
    int status = cb_batch_run(&p->batch, &work, in->pool);
    return write_image_refs(p, err) ? -1 : status;
}

static int run(const struct cb_invocation *in, struct cb_error *err)
{
    if (cb_check_args_are_meant(&in->args, err))
        return -1;
    if (in->args.n < 1) {
        cb_fail(err, CB_E_USAGE, "publish-all takes a list or folder, and tags with \"{name}\" in them");
        return cb_hint(err, "cbuild publish-all LIST|DIR TAG...");
    }
    struct publishing p = {0};
    int status = run_batch(&p, in, err);
    for (size_t i = 0; p.targets && i < p.batch.items.n; i++) {
        cb_publication_release(&p.targets[i].publication);
        cb_buf_release(&p.targets[i].refs);
    }
    cb_attacher_release(&p.attacher);
    cb_registry_free(p.registry);
    cb_session_close(&p.session);
    cb_batch_release(&p.batch);
    return status;
}

const struct cb_command cb_command_publish_all = {
    .name = "publish-all",
    .usage = "LIST|DIR TAG... [flags]",
    .summary = "Build and publish many images in one run",
    .text =
        "Build the images of many configurations in one run and publish them, each as \"publish\" would.\n\n"
        "DIR: every *.yaml, *.yml and *.json in it. LIST (\"-\": standard input): a line for each image, with its\n"
        "configuration and, where they are not those of the command line, its tags. \"{name}\" in TAG, --lockfile and\n"
        "--sbom-path stands for the image's name (that of its configuration's file).\n\n"
        "A line is printed for each image: its name, a tab, and its reference by digest or what went wrong. What was\n"
        "published stays where others fail.",
    .example = "  cbuild publish-all images/ 'registry.example.com/team/{name}:latest' --keep-going",
    .flags = cb_publish_all_flag_table,
    .run = run,
};
