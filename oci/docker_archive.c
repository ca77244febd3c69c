#include "cbuild/oci/docker_archive.h"

#include <stdlib.h>

#include "blob_copy.h"
#include "cbuild/base/file.h"
#include "cbuild/base/map.h"
#include "cbuild/base/vec.h"
#include "cbuild/oci/reference.h"
#include "json_table.h"
#include "ustar.h"

// The reference writes the images in the order of a Go map, that is in any; here they come in the order of the index.
// It names tags in any order, too; here they come in the order given. With one image and one tag the bytes are the
// reference's, but for one case: where manifest.json fills its last block, the reference leaves a block of zeros behind
// it before it goes on, and the archive cannot be read past that; here it is not left.

struct tagged { // an image that has a tag
    const struct cb_image *img;
    struct cb_strs tags;
    struct cb_str key; // the tags joined with commas: entries of manifest.json are sorted by it
};

struct archive {
    struct cb_arena arena;
    struct cb_sink *out;
    struct cb_map seen; // layers by digest: each is written once
    struct {
        struct tagged *v;
        size_t n, cap;
    } images;
};

static void release(struct archive *ar)
{
    for (size_t i = 0; i < ar->images.n; i++)
        cb_strs_release(&ar->images.v[i].tags);
    cb_vec_release(&ar->images);
    cb_map_release(&ar->seen);
    cb_arena_release(&ar->arena);
}

static const char *extension(struct cb_str media_type)
{
    static const char *const plain[] = {CB_MEDIA_OCI_LAYER_TAR,
                                        "application/vnd.oci.image.layer.nondistributable.v1.tar",
                                        "application/vnd.docker.image.rootfs.diff.tar"};

    if (cb_str_is(media_type, CB_MEDIA_OCI_LAYER_ZSTD))
        return ".tar.zst";
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (cb_str_is(media_type, plain[i]))
            return ".tar";
    return ".tar.gz";
}

static bool is_foreign(struct cb_str media_type)
{
    return cb_str_is(media_type, "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip") ||
           cb_str_is(media_type, "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip") ||
           cb_str_is(media_type, "application/vnd.oci.image.layer.nondistributable.v1.tar");
}

static char *layer_name(const struct cb_layer_blob *l)
{
    return cb_format("%s%s", cb_digest_hex(&l->descriptor.digest), extension(l->descriptor.media_type));
}

static int write_entry(struct archive *ar, const char *name, struct cb_str bytes, struct cb_error *err)
{
    if (cb_ustar_header(ar->out, name, bytes.n, err) < 0 || cb_write(ar->out, bytes.p, bytes.n, err) < 0)
        return -1;
    return cb_ustar_pad(ar->out, bytes.n, err);
}

static int write_layer(struct archive *ar, const struct cb_layer_blob *l, struct cb_error *err)
{
    CB_AUTOFREE char *name = layer_name(l);
    bool added;

    cb_map_put(&ar->seen, cb_digest_str(&l->descriptor.digest), ar, &added);
    if (!added)
        return 0;
    if (cb_ustar_header(ar->out, name, l->descriptor.size, err) < 0 || cb_blob_send(l, ar->out, err) < 0)
        return cb_context(err, "layer %s", l->descriptor.digest.text);
    return cb_ustar_pad(ar->out, l->descriptor.size, err);
}

static int write_image(struct archive *ar, const struct cb_image *img, struct cb_error *err)
{
    if (write_entry(ar, img->config_digest.text, img->config, err) < 0)
        return -1;
    for (size_t i = 0; i < img->nlayers; i++)
        if (write_layer(ar, &img->layers[i], err) < 0)
            return -1;
    return 0;
}

// By diff ID, the descriptors of layers that may not be handed on: Docker fetches those from their URLs.
static void describe_foreign(struct cb_json *j, const struct cb_image *img)
{
    struct cb_map by_diff_id = {0};
    CB_ERROR_AUTO none = CB_ERROR_INIT; // descriptors have nothing that cannot be written

    for (size_t i = 0; i < img->nlayers; i++)
        if (is_foreign(img->layers[i].descriptor.media_type))
            cb_map_put(&by_diff_id, cb_digest_str(&img->layers[i].diff_id), &img->layers[i].descriptor, NULL);
    cb_map_sort(&by_diff_id);
    if (by_diff_id.n > 0) {
        cb_json_key(j, "LayerSources");
        cb_json_object(j);
        for (size_t i = 0; i < by_diff_id.n; i++) {
            cb_json_keystr(j, by_diff_id.items[i].key);
            cb_table_encode(j, &cb_descriptor_table, by_diff_id.items[i].value, &none);
        }
        cb_json_end(j);
    }
    cb_map_release(&by_diff_id);
}

static void describe_image(struct cb_json *j, const struct tagged *t)
{
    cb_json_object(j);
    cb_json_key(j, "Config");
    cb_json_cstr(j, t->img->config_digest.text);
    cb_json_key(j, "RepoTags");
    cb_json_array(j);
    for (size_t i = 0; i < t->tags.n; i++)
        cb_json_str(j, t->tags.v[i]);
    cb_json_end(j);
    cb_json_key(j, "Layers");
    cb_json_array(j);
    for (size_t i = 0; i < t->img->nlayers; i++) {
        CB_AUTOFREE char *name = layer_name(&t->img->layers[i]);
        cb_json_cstr(j, name);
    }
    cb_json_end(j);
    describe_foreign(j, t->img);
    cb_json_end(j);
}

static int compare_tagged(const void *x, const void *y)
{
    const struct tagged *a = x, *b = y;
    return cb_str_cmp(a->key, b->key);
}

static struct cb_str join(struct cb_arena *a, const struct cb_strs *tags)
{
    CB_BUF_AUTO joined = {0};

    for (size_t i = 0; i < tags->n; i++) {
        if (i)
            cb_buf_addc(&joined, ',');
        cb_buf_addstr(&joined, tags->v[i]);
    }
    return cb_arena_str(a, cb_buf_str(&joined));
}

// Configs, layers and manifest.json. Sorts the images by their tags.
static int write_images(struct archive *ar, struct cb_error *err)
{
    CB_BUF_AUTO manifest = {0};
    struct cb_json j = cb_json(&manifest, NULL, NULL);

    for (size_t i = 0; i < ar->images.n; i++)
        if (write_image(ar, ar->images.v[i].img, err) < 0)
            return -1;
    for (size_t i = 0; i < ar->images.n; i++)
        ar->images.v[i].key = join(&ar->arena, &ar->images.v[i].tags);
    qsort(ar->images.v, ar->images.n, sizeof *ar->images.v, compare_tagged);
    cb_json_array(&j);
    for (size_t i = 0; i < ar->images.n; i++)
        describe_image(&j, &ar->images.v[i]);
    cb_json_end(&j);
    return write_entry(ar, "manifest.json", cb_buf_str(&manifest), err);
}

// Names every image of the index by every tag. A name that two images would have goes to the later one, as in the
// reference: with arm/v6 and arm/v7 only the latter can be loaded ("-arm" is all that is added).
static int name_images(struct archive *ar, const struct cb_index_image *idx, const struct cb_strs *tags,
                       struct cb_map *names, struct cb_error *err)
{
    for (size_t i = 0; i < idx->nimages; i++) {
        struct cb_str arch = cb_arena_str(&ar->arena, idx->parsed.manifests[i].platform->architecture);
        for (char *c = (char *)(uintptr_t)arch.p; *c; c++)
            *c = *c == '/' ? '_' : *c;
        for (size_t k = 0; k < tags->n; k++) {
            struct cb_reference ref;
            struct cb_str name;
            if (cb_reference_parse_tag(&ar->arena, tags->v[k], &ref, err) < 0)
                return -1;
            name = cb_arena_format(&ar->arena, "%.*s-%.*s", CB_STR_ARG(cb_reference_name(&ar->arena, &ref)),
                                   CB_STR_ARG(arch));
            if (cb_reference_parse_tag(&ar->arena, name, &ref, err) < 0)
                return -1;
            cb_map_put(names, name, (void *)(uintptr_t)idx->images[i], NULL);
        }
    }
    return 0;
}

static void collect_named(struct archive *ar, const struct cb_index_image *idx, const struct cb_map *names)
{
    for (size_t i = 0; i < idx->nimages; i++) {
        struct tagged t = {.img = idx->images[i]};
        for (size_t k = 0; k < names->n; k++)
            if (names->items[k].value == t.img)
                cb_strs_add(&t.tags, names->items[k].key);
        if (t.tags.n > 0)
            *cb_vec_add(&ar->images) = t;
    }
}

static int write_index(struct archive *ar, const struct cb_index_image *idx, struct cb_error *err)
{
    for (size_t i = 0; i < idx->nimages; i++)
        if (write_entry(ar, idx->images[i]->digest.text, idx->images[i]->manifest, err) < 0)
            return -1;
    if (write_entry(ar, "index.json", idx->bytes, err) < 0)
        return -1;
    return cb_ustar_end(ar->out, err);
}

static int write_archive(struct archive *ar, const struct cb_index_image *idx, const struct cb_strs *tags,
                         struct cb_error *err)
{
    struct cb_map names = {0};
    int result = name_images(ar, idx, tags, &names, err);

    if (result == 0)
        collect_named(ar, idx, &names);
    cb_map_release(&names);
    if (result == 0 && ar->images.n == 0)
        return cb_fail(err, CB_E_USAGE, "a docker archive needs at least one image and one tag");
    if (result < 0 || write_images(ar, err) < 0)
        return -1;
    return write_index(ar, idx, err);
}

int cb_docker_archive_write(const char *path, const struct cb_index_image *idx, const struct cb_strs *tags,
                            struct cb_error *err)
{
    struct cb_atomic f = CB_ATOMIC_INIT;
    struct archive ar = {0};
    struct cb_fd_sink out;
    int result;

    if (cb_atomic_open(&f, path, 0644, err) < 0)
        return -1;
    out = cb_fd_sink(f.fd, path);
    ar.out = &out.sink;
    result = write_archive(&ar, idx, tags, err);
    release(&ar);
    if (result == 0)
        return cb_atomic_commit(&f, err);
    cb_atomic_abort(&f);
    return cb_context(err, "writing docker archive %s", path);
}

// As it stands in manifest.json: what was given, with ":latest" where that is meant but not said.
static int full_tag(struct cb_arena *a, struct cb_str tag, struct cb_str *out, struct cb_error *err)
{
    struct cb_reference ref;

    if (cb_reference_parse_tag(a, tag, &ref, err) < 0)
        return -1;
    *out = ref.original;
    if (cb_str_is(ref.tag, CB_DEFAULT_TAG) && !cb_str_ends(ref.original, ":" CB_DEFAULT_TAG))
        *out = cb_arena_format(a, "%.*s:" CB_DEFAULT_TAG, CB_STR_ARG(ref.original));
    return 0;
}

int cb_docker_archive_stream(struct cb_sink *out, const struct cb_image *img, struct cb_str tag, struct cb_error *err)
{
    struct archive ar = {.out = out};
    struct cb_str full;
    int result = full_tag(&ar.arena, tag, &full, err);

    if (result == 0) {
        struct tagged *t = cb_vec_add(&ar.images);
        t->img = img;
        cb_strs_add(&t->tags, full);
        result = write_images(&ar, err) < 0 ? -1 : cb_ustar_end(out, err);
    }
    release(&ar);
    return result;
}
