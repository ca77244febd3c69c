#include "cbuild/oci/layout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "blob_copy.h"
#include "cbuild/base/file.h"
#include "cbuild/base/map.h"
#include "cbuild/base/vec.h"
#include "json_table.h"

#define LAYOUT_FILE "{\n    \"imageLayoutVersion\": \"1.0.0\"\n}"
#define LAYOUT_FILE_MAX 4096u
#define FILE_MODE 0644

char *cb_layout_blob_path(const struct cb_layout *l, const struct cb_digest *d)
{
    return cb_format("%s/blobs/sha256/%s", l->path, cb_digest_hex(d));
}

// Writing. Blobs come first and index.json last: until that rename the folder says what it said before.

struct writing {
    struct cb_layout layout;
    struct cb_map seen; // by digest, so that a blob that images share is written once
    struct {
        const struct cb_layer_blob **v;
        size_t n, cap;
    } layers;
    struct {
        char **v;
        size_t n, cap;
    } fresh; // paths that were not there before, each owned: they go again where the layout cannot be finished
};

// Files and folders are named in the order in which they are made.
static void note_fresh(struct writing *w, char *path)
{
    struct stat st;
    if (lstat(path, &st) < 0 && errno == ENOENT)
        *cb_vec_add(&w->fresh) = path;
    else
        free(path);
}

static void note_all_fresh(struct writing *w, const struct cb_index_image *idx)
{
    note_fresh(w, cb_path_join(w->layout.path, "blobs"));
    note_fresh(w, cb_path_join(w->layout.path, "blobs/sha256"));
    for (size_t i = 0; i < w->layers.n; i++)
        note_fresh(w, cb_layout_blob_path(&w->layout, &w->layers.v[i]->descriptor.digest));
    for (size_t i = 0; i < idx->nimages; i++) {
        note_fresh(w, cb_layout_blob_path(&w->layout, &idx->images[i]->config_digest));
        note_fresh(w, cb_layout_blob_path(&w->layout, &idx->images[i]->digest));
    }
    note_fresh(w, cb_path_join(w->layout.path, "oci-layout"));
}

static void forget_fresh(struct writing *w, bool remove_them)
{
    for (size_t i = w->fresh.n; i-- > 0;) {
        if (remove_them)
            remove(w->fresh.v[i]); // a folder only where it is empty
        free(w->fresh.v[i]);
    }
    cb_vec_release(&w->fresh);
}

static int write_layer(void *ctx, size_t i, struct cb_error *err)
{
    const struct writing *w = ctx;
    const struct cb_layer_blob *l = w->layers.v[i];
    CB_AUTOFREE char *path = cb_layout_blob_path(&w->layout, &l->descriptor.digest);

    if (cb_blob_copy(l, path, FILE_MODE, err) < 0)
        return cb_context(err, "layer %s", l->descriptor.digest.text);
    return 0;
}

static int write_bytes(struct writing *w, const struct cb_digest *d, struct cb_str bytes, struct cb_error *err)
{
    CB_AUTOFREE char *path = cb_layout_blob_path(&w->layout, d);
    return cb_write_file(path, bytes, FILE_MODE, err);
}

static void collect_layers(struct writing *w, const struct cb_index_image *idx)
{
    for (size_t i = 0; i < idx->nimages; i++) {
        for (size_t k = 0; k < idx->images[i]->nlayers; k++) {
            const struct cb_layer_blob *l = &idx->images[i]->layers[k];
            bool added;
            cb_map_put(&w->seen, cb_digest_str(&l->descriptor.digest), w, &added);
            if (added)
                *cb_vec_add(&w->layers) = l;
        }
    }
}

static int write_layers(struct writing *w, struct cb_pool *pool, struct cb_error *err)
{
    if (pool)
        return cb_parallel(pool, w->layers.n, 0, write_layer, w, err);
    for (size_t i = 0; i < w->layers.n; i++)
        if (write_layer(w, i, err) < 0)
            return -1;
    return 0;
}

static int write_file(struct writing *w, const char *name, struct cb_str bytes, struct cb_error *err)
{
    CB_AUTOFREE char *path = cb_path_join(w->layout.path, name);
    return cb_write_file(path, bytes, FILE_MODE, err);
}

static int write_all(struct writing *w, const struct cb_index_image *idx, struct cb_pool *pool, struct cb_error *err)
{
    CB_AUTOFREE char *blobs = cb_format("%s/blobs/sha256", w->layout.path);

    collect_layers(w, idx);
    note_all_fresh(w, idx);
    if (cb_mkdirs(blobs, err) < 0)
        return -1;
    if (write_layers(w, pool, err) < 0)
        return -1;
    for (size_t i = 0; i < idx->nimages; i++) {
        const struct cb_image *img = idx->images[i];
        if (write_bytes(w, &img->config_digest, img->config, err) < 0 ||
            write_bytes(w, &img->digest, img->manifest, err) < 0)
            return -1;
    }
    if (write_file(w, "oci-layout", CB_STR(LAYOUT_FILE), err) < 0)
        return -1;
    return write_file(w, "index.json", idx->bytes, err);
}

int cb_layout_write(const char *folder, const struct cb_index_image *idx, struct cb_pool *pool, struct cb_error *err)
{
    struct writing w = {.layout = {cb_strdup(folder)}};
    int result = write_all(&w, idx, pool, err);

    if (result < 0)
        cb_context(err, "writing image layout %s", folder);
    forget_fresh(&w, result < 0);
    free(w.layout.path);
    cb_map_release(&w.seen);
    cb_vec_release(&w.layers);
    return result;
}

// Reading.

struct layout_file {
    struct cb_str version;
};
static const struct cb_json_field layout_fields[] = {
    {"imageLayoutVersion", CB_FIELD_STR, false, offsetof(struct layout_file, version), NULL},
};
static const struct cb_json_table layout_table = {layout_fields, 1, sizeof(struct layout_file)};

static int check_layout_file(struct cb_str bytes, struct cb_error *err)
{
    CB_ARENA_AUTO a = {0};
    struct layout_file file;
    json_t *root = cb_table_load(bytes, LAYOUT_FILE_MAX, err);
    int result = root ? cb_table_decode(&a, root, &layout_table, &file, err) : -1;

    json_decref(root);
    if (result == 0 && !cb_str_is(file.version, "1.0.0"))
        return cb_fail(err, CB_E_INPUT, "imageLayoutVersion is \"%.*s\", expected \"1.0.0\"",
                       CB_STR_ARG(cb_str_head(file.version, 60)));
    return result;
}

int cb_layout_open(struct cb_layout *l, const char *path, struct cb_error *err)
{
    CB_AUTOFREE char *name = cb_path_join(path, "oci-layout");
    CB_BUF_AUTO bytes = {0};
    struct stat st;

    l->path = NULL;
    if (stat(path, &st) < 0)
        return cb_fail_errno(err, errno, "image layout %s", path);
    if (!S_ISDIR(st.st_mode))
        return cb_fail(err, CB_E_INPUT, "image layout %s is not a folder", path);
    if (cb_read_file(name, &bytes, LAYOUT_FILE_MAX, err) < 0) {
        cb_hint(err, "an image layout is a folder with the files oci-layout and index.json, and blobs/sha256/");
        return cb_context(err, "image layout %s", path);
    }
    if (check_layout_file(cb_buf_str(&bytes), err) < 0)
        return cb_context(err, "%s", name);
    l->path = cb_strdup(path);
    return 0;
}

void cb_layout_close(struct cb_layout *l)
{
    free(l->path);
    l->path = NULL;
}

int cb_layout_index(const struct cb_layout *l, struct cb_arena *a, struct cb_str *raw, struct cb_index_manifest *out,
                    struct cb_error *err)
{
    CB_AUTOFREE char *name = cb_path_join(l->path, "index.json");
    CB_BUF_AUTO bytes = {0};

    if (cb_read_file(name, &bytes, CB_MANIFEST_MAX, err) < 0)
        return -1;
    if (cb_index_manifest_parse(a, cb_buf_str(&bytes), CB_STR(""), out, err) < 0)
        return cb_context(err, "%s", name);
    if (raw)
        *raw = cb_arena_str(a, cb_buf_str(&bytes));
    return 0;
}

int cb_layout_open_blob(const struct cb_layout *l, const struct cb_descriptor *d, struct cb_error *err)
{
    CB_AUTOFREE char *path = cb_layout_blob_path(l, &d->digest);
    struct cb_layer_blob blob = {.descriptor = *d, .path = path};

    if (!cb_digest_is_set(&d->digest))
        return cb_fail(err, CB_E_INPUT, "a descriptor without digest");
    return cb_layer_blob_open(&blob, err);
}

int cb_layout_read_blob(const struct cb_layout *l, const struct cb_descriptor *d, size_t limit, struct cb_buf *b,
                        struct cb_error *err)
{
    CB_AUTOFREE char *path = cb_layout_blob_path(l, &d->digest);
    CB_FD_AUTO fd = -1;

    if (d->size > limit)
        return cb_fail(err, CB_E_LIMIT, "%s has %llu bytes, more than %zu", path, (unsigned long long)d->size, limit);
    fd = cb_layout_open_blob(l, d, err);
    if (fd < 0)
        return -1;
    struct cb_fd_source file = cb_fd_source(fd, path);
    struct cb_digest_source checked = cb_digest_source(&file.source, &d->digest, d->size, path);
    int result = cb_read_all(&checked.source, b, limit, path, err);
    cb_digest_source_release(&checked);
    return result;
}

int cb_layout_read_index(const struct cb_layout *l, const struct cb_descriptor *d, struct cb_arena *a,
                         struct cb_index_manifest *out, struct cb_error *err)
{
    CB_BUF_AUTO bytes = {0};

    if (cb_layout_read_blob(l, d, CB_MANIFEST_MAX, &bytes, err) < 0)
        return -1;
    if (cb_index_manifest_parse(a, cb_buf_str(&bytes), d->media_type, out, err) < 0)
        return cb_context(err, "index %s in %s", d->digest.text, l->path);
    return 0;
}

static void place_layers(const struct cb_layout *l, struct cb_image *img)
{
    for (size_t i = 0; i < img->nlayers; i++) {
        CB_AUTOFREE char *path = cb_layout_blob_path(l, &img->layers[i].descriptor.digest);
        img->layers[i].path = cb_arena_cstr(&img->arena, cb_str(path));
    }
}

// The manifest is parsed twice: here to find the config, then by cb_image_parse into the image's own memory.
static int read_image(const struct cb_layout *l, const struct cb_descriptor *d, struct cb_image *out,
                      struct cb_error *err)
{
    CB_ARENA_AUTO a = {0};
    CB_BUF_AUTO manifest = {0};
    CB_BUF_AUTO config = {0};
    struct cb_manifest m;

    if (cb_layout_read_blob(l, d, CB_MANIFEST_MAX, &manifest, err) < 0)
        return -1;
    if (cb_manifest_parse(&a, cb_buf_str(&manifest), d->media_type, &m, err) < 0)
        return cb_context(err, "manifest %s", d->digest.text);
    if (cb_layout_read_blob(l, &m.config, CB_IMAGE_CONFIG_MAX, &config, err) < 0)
        return cb_context(err, "config of manifest %s", d->digest.text);
    return cb_image_parse(out, cb_buf_str(&manifest), d->media_type, cb_buf_str(&config), err);
}

int cb_layout_read_image(const struct cb_layout *l, const struct cb_descriptor *d, struct cb_image *out,
                         struct cb_error *err)
{
    if (read_image(l, d, out, err) < 0)
        return cb_context(err, "image layout %s", l->path);
    place_layers(l, out);
    return 0;
}

static int unnested_index(const struct cb_layout *l, struct cb_arena *a, struct cb_index_manifest *out,
                          struct cb_error *err)
{
    if (cb_layout_index(l, a, NULL, out, err) < 0)
        return -1;
    for (size_t i = 0; i < out->nmanifests; i++) {
        struct cb_descriptor nested = out->manifests[i];
        if (cb_str_is(nested.media_type, CB_MEDIA_OCI_INDEX))
            return cb_layout_read_index(l, &nested, a, out, err);
    }
    return 0;
}

int cb_layout_find_arch(const struct cb_layout *l, struct cb_str arch, struct cb_image *out, struct cb_error *err)
{
    CB_ARENA_AUTO a = {0};
    struct cb_index_manifest index;
    struct cb_platform want = cb_platform_of_arch(arch);

    if (unnested_index(l, &a, &index, err) < 0)
        return -1;
    for (size_t i = 0; i < index.nmanifests; i++) {
        if (cb_layout_read_image(l, &index.manifests[i], out, err) < 0)
            return -1;
        if (cb_str_eq(out->file.architecture, want.architecture))
            return 0;
        cb_image_release(out);
    }
    return cb_fail(err, CB_E_NOT_FOUND, "image layout %s has no image for %.*s", l->path, CB_STR_ARG(arch));
}
