#include "cbuild/oci/index.h"

#include <stdlib.h>

#define ANNOTATION "org.opencontainers.image."

static void put(struct cb_arena *a, struct cb_string_map *out, struct cb_str key, struct cb_str value)
{
    cb_string_map_set(a, out, cb_arena_str(a, key), cb_arena_str(a, value));
}

static void set_annotations(struct cb_arena *a, struct cb_string_map *out, const struct cb_index_params *p)
{
    struct cb_str rest = p->vcs_url, url;

    for (size_t i = 0; i < p->annotations.n; i++)
        put(a, out, p->annotations.v[i].key, p->annotations.v[i].value);
    if (cb_str_find(rest, '@') >= 0) {
        cb_str_cut(&rest, '@', &url);
        put(a, out, CB_STR(ANNOTATION "source"), url);
        put(a, out, CB_STR(ANNOTATION "revision"), rest);
    }
    put(a, out, CB_STR(ANNOTATION "created"), cb_created_format(a, p->created));
}

static int compare_archs(const void *x, const void *y)
{
    const struct cb_image *const *a = x, *const *b = y;
    return cb_str_cmp((*a)->arch, (*b)->arch);
}

// artifactType is go-containerregistry's doing: where it describes an image, it names the type of its config.
static struct cb_descriptor describe(struct cb_arena *a, const struct cb_image *img)
{
    struct cb_platform *platform = cb_arena_alloc(a, sizeof *platform);

    *platform = cb_platform_of_arch(img->arch);
    platform->os_features = img->file.os_features;
    return (struct cb_descriptor){.media_type = img->media_type,
                                  .size = img->manifest.n,
                                  .digest = img->digest,
                                  .platform = platform,
                                  .artifact_type = img->parsed.artifact_type.n ? img->parsed.artifact_type
                                                                               : img->parsed.config.media_type};
}

void cb_index_image_build(struct cb_index_image *out, const struct cb_index_params *p,
                          const struct cb_image *const *images, size_t n)
{
    struct cb_index_manifest *m = &out->parsed;
    struct cb_buf bytes = {0};

    memset(out, 0, sizeof *out);
    out->images = cb_arena_alloc(&out->arena, (n + 1) * sizeof *out->images);
    out->nimages = n;
    if (n)
        memcpy(out->images, images, n * sizeof *images);
    qsort(out->images, n, sizeof *out->images, compare_archs);
    m->schema_version = 2;
    m->media_type = CB_STR(CB_MEDIA_OCI_INDEX);
    m->manifests = cb_arena_alloc(&out->arena, (n + 1) * sizeof *m->manifests);
    m->nmanifests = n;
    for (size_t i = 0; i < n; i++)
        m->manifests[i] = describe(&out->arena, out->images[i]);
    set_annotations(&out->arena, &m->annotations, p);
    cb_index_manifest_write(&bytes, m);
    out->bytes = cb_arena_str(&out->arena, cb_buf_str(&bytes));
    out->digest = cb_digest_of(out->bytes);
    cb_buf_release(&bytes);
}

void cb_index_image_release(struct cb_index_image *idx)
{
    cb_arena_release(&idx->arena);
    memset(idx, 0, sizeof *idx);
}

const struct cb_image *cb_index_image_pick(const struct cb_index_image *idx, struct cb_str os, struct cb_str arch)
{
    const struct cb_image *picked = idx->nimages ? idx->images[0] : NULL;

    for (size_t i = 0; i < idx->nimages; i++) {
        const struct cb_platform *p = idx->parsed.manifests[i].platform;
        if (cb_str_eq(p->os, os) && cb_str_eq(p->architecture, arch))
            picked = idx->images[i];
    }
    return picked;
}
