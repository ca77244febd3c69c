#include "reproduce_plan.h"

#include "cbuild/builder/arch.h"

static void note(struct reproduce_plan *p, struct cb_str text)
{
    cb_strs_add(&p->out->notes, text);
}

// The OCI name of an image's architecture: "arm/v7", but "arm64" also where its variant is said.
static struct cb_str arch_of(struct reproduce_plan *p, const struct cb_image_file *f)
{
    struct cb_str with =
        cb_arena_format(&p->out->arena, "%.*s/%.*s", CB_STR_ARG(f->architecture), CB_STR_ARG(f->variant));
    return f->variant.n && cb_arch_known(with) ? with : f->architecture;
}

static int read_image(struct reproduce_plan *p, const struct cb_source_image *img, struct cb_error *err)
{
    struct reproduce_image *r = cb_vec_add(&p->images);
    *r = (struct reproduce_image){.image = img, .arch = arch_of(p, &img->file)};
    if (cb_stored_read(p->source, img, CB_STORED_PACKAGES, &r->stored, err))
        return -1;
    if (r->stored.installed.p && cb_installed_parse(r->stored.installed, &r->installed, err))
        return cb_context(err, "%.*s: the database of installed packages", CB_STR_ARG(img->label));
    return 0;
}

static int read_images(struct reproduce_plan *p, struct cb_error *err)
{
    const struct cb_source_image *only;
    if (p->o->arch.n)
        return cb_image_source_pick(p->source, p->o->arch, &only, err) ? -1 : read_image(p, only, err);
    if (cb_image_source_images(p->source, err))
        return -1;
    for (size_t i = 0; i < p->source->images.n; i++)
        if (read_image(p, &p->source->images.v[i], err))
            return -1;
    if (!p->images.n)
        return cb_fail(err, CB_E_NOT_FOUND, "%s has no image", p->source->name);
    return 0;
}

// ---- the configuration --------------------------------------------------------------------------------------------

// Notes on one image's configuration hold for the others', which say the same.
static int read_configs(struct reproduce_plan *p, struct cb_error *err)
{
    for (size_t i = 0; i < p->images.n; i++) {
        struct reproduce_image *img = &p->images.v[i];
        struct cb_strs more = {0};
        if (!img->stored.config.p)
            continue;
        struct cb_str name = cb_arena_format(&p->out->arena, "etc/apko.json of %.*s", CB_STR_ARG(img->image->label));
        int rc = cb_config_read_published(img->stored.config, name.p, &p->out->arena,
                                          i || p->o->attested.n ? &more : &p->out->notes, &img->config, err);
        cb_strs_release(&more);
        if (rc && p->o->attested.n) {
            note(p,
                 cb_arena_format(&p->out->arena, "%s: it cannot be read, and is not needed: %s", name.p, err->message));
            cb_error_clear(err);
        } else if (rc) {
            return -1;
        }
    }
    return 0;
}

static void blank(struct cb_image_config *c, struct cb_buf *out)
{
    c->contents.packages.n = 0;
    c->archs.n = 0;
    cb_config_write_json(c, out);
}

static bool same_but_packages(const struct cb_image_config *a, const struct cb_image_config *b)
{
    CB_BUF_AUTO left = {0};
    CB_BUF_AUTO right = {0};
    CB_CONFIG_AUTO *x = cb_config_clone(a);
    CB_CONFIG_AUTO *y = cb_config_clone(b);
    blank(x, &left);
    blank(y, &right);
    return cb_str_eq(cb_buf_str(&left), cb_buf_str(&right));
}

static int take_stored(struct reproduce_plan *p, struct cb_error *err)
{
    const struct cb_image_config *first = p->images.v[0].config;
    for (size_t i = 0; i < p->images.n; i++) {
        const struct reproduce_image *img = &p->images.v[i];
        if (!img->config) {
            cb_fail(err, CB_E_NOT_FOUND, "%s: image %.*s has no " CB_STORED_CONFIG ", and no configuration is attested",
                    p->source->name, CB_STR_ARG(img->image->label));
            return cb_hint(err, "was it made by apko?");
        }
        if (!same_but_packages(first, img->config))
            note(p, cb_arena_format(&p->out->arena,
                                    "%.*s: its configuration differs from that of %.*s in more than packages; the "
                                    "latter is built for both",
                                    CB_STR_ARG(img->image->label), CB_STR_ARG(p->images.v[0].image->label)));
    }
    p->config = cb_config_clone(first);
    p->config->contents.packages.n -=
        p->config->contents.packages.n && cb_str_is(p->config->entrypoint.type, "service-bundle") &&
        cb_str_is(p->config->contents.packages.v[p->config->contents.packages.n - 1], "s6");
    return 0;
}

static int take_config(struct reproduce_plan *p, struct cb_error *err)
{
    if (p->o->attested.n) {
        if (cb_config_read_published(p->o->attested, "the attested configuration", &p->out->arena, &p->out->notes,
                                     &p->config, err))
            return -1;
    } else if (take_stored(p, err)) {
        return -1;
    }
    if (!p->config->contents.has_baseimage)
        return 0;
    cb_fail(err, CB_E_UNSUPPORTED,
            "the image was built on a base image (contents.baseimage: %.*s), which was a folder of "
            "who built it",
            CB_STR_ARG(p->config->contents.baseimage.image));
    return cb_hint(err, "only who has that base image can build it again, with cbuild build");
}

// ---- dates and sources --------------------------------------------------------------------------------------------

// Files that the build itself writes have the date that it was given; an image whose date is that very one, though its
// packages are younger, was built with SOURCE_DATE_EPOCH.
static void set_dates(struct reproduce_plan *p)
{
    const struct reproduce_image *img = &p->images.v[0];
    int64_t epoch = img->stored.config.p ? img->stored.epoch.sec : 0;
    struct cb_build_options *b = &p->build;
    b->build_date = (struct cb_created){0, 0, 0};
    b->epoch_given = b->epoch_set = img->stored.config.p && img->image->file.created.sec == epoch;
    b->epoch = epoch;
    if (!b->epoch_set)
        b->build_date = (struct cb_created){epoch, 0, 0};
    if (epoch || b->epoch_set)
        note(p, cb_arena_format(&p->out->arena,
                                "built for the date %lld (seconds since 1970), as files of the image have it",
                                (long long)epoch));
}

// Where the sources are is no part of what an image stores; the index has it in annotations.
static void set_vcs(struct reproduce_plan *p)
{
    struct cb_index_manifest m;
    CB_ARENA_AUTO a = {0};
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;
    const struct cb_image_source *s = p->source;
    if (p->config->vcs_url.n || !cb_media_type_is_index(s->root.media_type) ||
        cb_index_manifest_parse(&a, s->root_bytes, s->root.media_type, &m, &ignored))
        return;
    struct cb_str source = cb_string_map_get(&m.annotations, CB_STR("org.opencontainers.image.source"));
    struct cb_str revision = cb_string_map_get(&m.annotations, CB_STR("org.opencontainers.image.revision"));
    if (!source.n || !revision.n || cb_pairs_get(&p->config->annotations, CB_STR("org.opencontainers.image.revision")))
        return;
    CB_AUTOFREE char *url = cb_format("%.*s@%.*s", CB_STR_ARG(source), CB_STR_ARG(revision));
    p->config->vcs_url = cb_config_str(p->config, cb_str(url));
    note(p, cb_arena_format(&p->out->arena, "vcs-url is taken from the index: %s", url));
}

static void set_options(struct reproduce_plan *p)
{
    struct cb_build_options *b = &p->build;
    *b = *p->o->build;
    b->config = p->config;
    b->config_path = p->o->attested.n ? "the attested configuration" : p->config->file.p;
    b->packages = p->has_packages ? &p->packages : NULL;
    b->lockfile = b->format = NULL;
    b->annotations = NULL;
    b->vcs = false;
    b->sbom = false;
    b->archs = (struct cb_strs){0};
    for (size_t i = 0; i < p->images.n; i++)
        cb_strs_add(&b->archs, p->images.v[i].arch);
    cb_strs_sort(&b->archs);
    set_dates(p);
}

int reproduce_plan_make(struct reproduce_plan *p, struct cb_error *err)
{
    if (read_images(p, err) || read_configs(p, err) || take_config(p, err) || reproduce_pin(p, err))
        return -1;
    set_vcs(p);
    set_options(p);
    return 0;
}

void reproduce_plan_release(struct reproduce_plan *p)
{
    for (size_t i = 0; i < p->images.n; i++) {
        cb_stored_release(&p->images.v[i].stored);
        cb_installed_release(&p->images.v[i].installed);
        cb_config_free(p->images.v[i].config);
    }
    cb_vec_release(&p->images);
    cb_config_free(p->config);
    cb_locked_release(&p->packages);
    cb_strs_release(&p->build.archs);
}
