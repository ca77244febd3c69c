// build-all: many images in one run. Each is what `build` would make of it.
#include "batch.h"
#include "build_flags.h"
#include "cbuild/base/file.h"
#include "image_output.h"

struct target {
    const char *tag, *output, *documents, *lockfile;
};

struct building {
    struct cb_batch batch;
    struct cb_session session;
    struct cb_pool *pool;
    struct target *targets;
};

static bool has_place(const char *pattern)
{
    return strstr(pattern, "{name}") != NULL;
}

// A pattern without a place for the name is a folder, in which everything is called so.
static const char *below(struct building *b, const char *pattern, const char *name, const struct cb_batch_item *item)
{
    if (has_place(pattern))
        return cb_batch_fill(&b->batch, pattern, item);
    CB_AUTOFREE char *joined = cb_path_join(pattern, name);
    return cb_batch_fill(&b->batch, joined, item);
}

static int aim(struct building *b, const struct cb_batch_item *item, struct target *t, struct cb_error *err)
{
    const struct cb_build_flags *f = &cb_build_flags;
    if (item->rest.n > 2)
        return cb_batch_misuse(&b->batch, item, "more than a configuration, a tag and an output", err);
    if (item->rest.n < 2 && !*f->outputs) {
        cb_batch_misuse(&b->batch, item, "it is not said where the image goes", err);
        return cb_hint(err, "give --output FOLDER, or --output 'FOLDER/{name}.tar' for archives");
    }
    t->tag = item->rest.n > 0 ? item->rest.v[0].p : cb_batch_fill(&b->batch, f->tags, item);
    t->output = item->rest.n > 1 ? item->rest.v[1].p : below(b, f->outputs, "{name}/", item);
    t->lockfile = cb_batch_fill(&b->batch, f->lockfile, item);
    CB_AUTOFREE char *beside = NULL;
    if (!*f->sbom_path) {
        struct cb_str place = cb_str(t->output);
        while (place.n > 1 && cb_str_ends(place, "/"))
            place.n--;
        beside = cb_format("%.*s.sbom", CB_STR_ARG(place));
    }
    t->documents = beside ? cb_arena_cstr(&b->batch.arena, cb_str(beside)) : below(b, f->sbom_path, "{name}", item);
    return cb_image_check_tag(t->tag, err) ? cb_context(err, "%s", item->config) : 0;
}

static int aim_all(struct building *b, struct cb_error *err)
{
    size_t n = b->batch.items.n;
    b->targets = cb_arena_alloc(&b->batch.arena, n * sizeof *b->targets);
    const char **outputs = cb_arena_alloc(&b->batch.arena, n * sizeof *outputs);
    for (size_t i = 0; i < n; i++) {
        if (aim(b, &b->batch.items.v[i], &b->targets[i], err))
            return -1;
        outputs[i] = b->targets[i].output;
    }
    return cb_batch_check_unique(&b->batch, outputs, "output", err);
}

// The folders that an output needs. One that ends in a slash is a layout.
static int make_folders(const struct target *t, bool documents, struct cb_error *err)
{
    const char *slash = strrchr(t->output, '/');
    CB_AUTOFREE char *folder = cb_strndup(t->output, slash ? (size_t)(slash - t->output) : 0);
    if (*folder && cb_mkdirs(folder, err))
        return -1;
    return documents ? cb_mkdirs(t->documents, err) : 0;
}

static int build_one(void *ctx, size_t i, struct cb_buf *result, struct cb_error *err)
{
    struct building *b = ctx;
    const struct target *t = &b->targets[i];
    struct cb_build_options options = b->session.options;
    CB_BUILD_AUTO *build = NULL;
    options.config_path = b->batch.items.v[i].config;
    options.lockfile = t->lockfile;
    options.tag = t->tag;
    if (cb_build_run(&options, &build, err) || make_folders(t, cb_build_document_count(build) > 0, err) ||
        cb_image_write(build, t->tag, t->output, b->pool, err) || cb_documents_write(build, t->documents, err))
        return -1;
    cb_buf_adds(result, cb_build_index(build)->digest.text);
    return 0;
}

static int run_batch(struct building *b, const struct cb_invocation *in, struct cb_error *err)
{
    b->session.shares = b->session.images = true;
    b->pool = in->pool;
    cb_be_brief();
    if (cb_batch_read(&b->batch, in->args.v[0], err) || aim_all(b, err) || cb_session_open(&b->session, in, NULL, err))
        return -1;
    const struct cb_batch_work work = {build_one, b, cb_build_flags.keep_going, in->threads, "built"};
    return cb_batch_run(&b->batch, &work, in->pool);
}

static int run(const struct cb_invocation *in, struct cb_error *err)
{
    if (cb_check_argument_count(in, 1, err))
        return -1;
    struct building b = {0};
    int status = run_batch(&b, in, err);
    cb_session_close(&b.session);
    cb_batch_release(&b.batch);
    return status;
}

const struct cb_command cb_command_build_all = {
    .name = "build-all",
    .usage = "LIST|DIR [flags]",
    .summary = "Build many images in one run",
    .text =
        "Build the images of many configurations in one run, each as \"build\" would.\n\n"
        "DIR: every *.yaml, *.yml and *.json in it. LIST (\"-\": standard input): a line for each image, with its\n"
        "configuration and, where they are not those of --tag and --output, its tag and its output.\n\n"
        "Indexes, packages and layers that images share are fetched, verified and made once. A line is printed for\n"
        "each image: its name (that of its configuration's file), a tab, and its digest or what went wrong. What was\n"
        "built stays where others fail. \"{name}\" stands for the image's name in --tag, --output, --lockfile and\n"
        "--sbom-path. An output that ends in a slash or is a folder becomes an OCI layout, any other an archive for\n"
        "\"docker load\". SBOMs go into a folder for each image: that of --sbom-path, else OUTPUT.sbom.",
    .example = "  cbuild build-all images/ --output out --keep-going\n"
               "  cbuild build-all images/ --output 'out/{name}.tar' --tag 'registry.example.com/{name}:latest'\n"
               "  git ls-files 'images/*.yaml' | cbuild build-all - --output out",
    .flags = cb_build_all_flag_table,
    .run = run,
};
