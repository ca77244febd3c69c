#include "cbuild/builder/reproduce.h"

#include "cbuild/base/file.h"
#include "cbuild/oci/image_copy.h"
#include "cbuild/oci/layout.h"
#include "reproduce_plan.h"

static const struct cb_image *built_for(const struct cb_index_image *idx, struct cb_str arch)
{
    for (size_t i = 0; i < idx->nimages; i++)
        if (cb_str_eq(idx->images[i]->arch, arch))
            return idx->images[i];
    return NULL;
}

// An image without a manifest (as docker save gives it) is compared by its config, which names every layer's contents.
static void compare_images(struct reproduce_plan *p, const struct cb_index_image *idx)
{
    struct cb_reproduction *out = p->out;
    out->same = true;
    for (size_t i = 0; i < p->images.n; i++) {
        const struct reproduce_image *img = &p->images.v[i];
        const struct cb_image *built = built_for(idx, img->arch);
        struct cb_reproduced_image *r = cb_vec_add(&out->images);
        bool named = cb_digest_is_set(&img->image->descriptor.digest);
        r->label = cb_arena_str(&out->arena, img->image->label);
        r->wanted = named ? img->image->descriptor.digest : cb_digest_of(img->image->config);
        if (built)
            r->got = named ? built->digest : built->config_digest;
        out->same = out->same && cb_digest_eq(&r->wanted, &r->got);
    }
}

// Of all images and an index, the index's digest is what counts.
static void judge(struct reproduce_plan *p, const struct cb_index_image *idx)
{
    struct cb_reproduction *out = p->out;
    compare_images(p, idx);
    if (!p->o->arch.n && cb_media_type_is_index(p->source->root.media_type)) {
        out->wanted = p->source->root.digest;
        out->got = idx->digest;
        out->same = out->same && cb_digest_eq(&out->wanted, &out->got);
    } else if (out->images.n) {
        out->wanted = out->images.v[0].wanted;
        out->got = out->images.v[0].got;
    }
}

static int report(struct reproduce_plan *p, const struct cb_index_image *idx, struct cb_error *err)
{
    CB_IMAGE_SOURCE_AUTO built = {0};
    struct cb_diff_options options = p->o->diff ? *p->o->diff : (struct cb_diff_options){0};
    struct cb_buf_sink sink = cb_buf_sink(&p->out->report);
    const struct cb_strs only = {(struct cb_str *)&p->o->arch, 1, 0};
    const char *keep = p->o->keep;
    CB_AUTOFREE char *folder = keep && *keep ? cb_path_join(keep, "report") : NULL;
    options.report_dir = folder;
    if (p->o->arch.n)
        options.archs = &only;
    cb_image_source_built(&built, idx, "the image that was built again");
    return cb_diff_sources(p->source, &built, &options, &sink.sink, err) < 0 ? cb_context(err, "comparing") : 0;
}

static int keep(struct reproduce_plan *p, const struct cb_index_image *idx, struct cb_error *err)
{
    const char *folder = p->o->keep;
    if (!folder || !*folder)
        return 0;
    CB_AUTOFREE char *original = cb_format("oci:%s/original", folder);
    CB_AUTOFREE char *rebuilt = cb_path_join(folder, "rebuilt");
    CB_BUF_AUTO json = {0};
    CB_AUTOFREE char *config = cb_path_join(folder, "config.json");
    const struct cb_image_copy_options all = {.bare = true};
    struct cb_image_copied done;
    if (cb_mkdirs(folder, err) || cb_layout_write(rebuilt, idx, NULL, err))
        return -1;
    cb_config_write_json(p->config, &json);
    if (cb_write_file(config, cb_buf_str(&json), 0644, err))
        return -1;
    return p->source->root_bytes.n ? cb_image_copy(p->source, original, NULL, &all, &done, err) : 0;
}

static int reproduce(struct reproduce_plan *p, struct cb_error *err)
{
    CB_BUILD_AUTO *b = NULL;
    if (reproduce_plan_make(p, err))
        return cb_context(err, "%s", p->source->name);
    if (cb_build_run(&p->build, &b, err))
        return cb_context(err, "building %s again", p->source->name);
    const struct cb_index_image *idx = cb_build_index(b);
    judge(p, idx);
    if (keep(p, idx, err))
        return cb_context(err, "--keep %s", p->o->keep);
    return p->out->same && !(p->o->keep && *p->o->keep) ? 0 : report(p, idx, err);
}

int cb_reproduce(struct cb_image_source *source, const struct cb_reproduce_options *o, struct cb_reproduction *out,
                 struct cb_error *err)
{
    struct reproduce_plan p = {.source = source, .o = o, .out = out};
    int rc = reproduce(&p, err);
    reproduce_plan_release(&p);
    return rc;
}

void cb_reproduction_release(struct cb_reproduction *r)
{
    cb_strs_release(&r->notes);
    cb_vec_release(&r->images);
    cb_buf_release(&r->report);
    cb_arena_release(&r->arena);
}
