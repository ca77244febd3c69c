#include <errno.h>
#include <stdlib.h>

#include "blob_copy.h"
#include "cbuild/base/file.h"
#include "cbuild/base/vec.h"
#include "copy_target.h"

#define LAYOUT_FILE "{\"imageLayoutVersion\":\"1.0.0\"}"

struct layout_target {
    struct copy_target target;
    struct cb_arena arena;
    struct cb_layout layout;
    struct { // what index.json will list
        struct cb_descriptor *v;
        size_t n, cap;
    } entries;
};

static int has_blob(struct copy_target *target, const struct cb_descriptor *d, struct cb_error *err)
{
    (void)target; // cb_blob_copy looks itself, and at the bytes
    (void)d;
    (void)err;
    return 0;
}

static int put_blob(struct copy_target *target, const struct cb_descriptor *d, int fd, bool verified,
                    struct cb_error *err)
{
    const struct layout_target *t = (struct layout_target *)target;
    const struct cb_layer_blob blob = {.descriptor = *d, .has_fd = true, .fd = fd, .trusted = verified};
    CB_AUTOFREE char *path = cb_layout_blob_path(&t->layout, &d->digest);
    return cb_blob_copy(&blob, path, 0644, err);
}

static struct cb_str name_of(const struct cb_descriptor *d)
{
    return cb_string_map_get(&d->annotations, CB_STR(CB_REF_NAME));
}

// Takes the place of what had the name, or of the same manifest without one.
static void add_entry(struct layout_target *t, const struct cb_descriptor *d)
{
    struct cb_str name = name_of(d);
    for (size_t i = 0; i < t->entries.n; i++) {
        struct cb_descriptor *e = &t->entries.v[i];
        struct cb_str other = name_of(e);
        bool same_name = name.p && other.p && cb_str_eq(name, other);
        bool same_bare = !other.p && cb_digest_eq(&e->digest, &d->digest);
        if (same_name || same_bare) {
            *e = *d;
            return;
        }
        if (!name.p && cb_digest_eq(&e->digest, &d->digest))
            return;
    }
    *cb_vec_add(&t->entries) = *d;
}

static struct cb_descriptor entry(struct layout_target *t, const struct cb_descriptor *d, struct cb_str name)
{
    struct cb_descriptor e = {.media_type = cb_arena_str(&t->arena, d->media_type),
                              .artifact_type = cb_arena_str(&t->arena, d->artifact_type),
                              .size = d->size,
                              .digest = d->digest};
    if (name.n)
        cb_string_map_set(&t->arena, &e.annotations, CB_STR(CB_REF_NAME), cb_arena_str(&t->arena, name));
    return e;
}

// The type by which a manifest with a subject is known as what it is.
static int referrer_type(struct cb_str bytes, const struct cb_descriptor *d, struct cb_arena *a, struct cb_str *out,
                         struct cb_error *err)
{
    struct cb_manifest m;
    *out = CB_STR("");
    if (!cb_media_type_is_image(d->media_type))
        return 0;
    if (cb_manifest_parse(a, bytes, d->media_type, &m, err))
        return -1;
    if (m.subject)
        *out = m.artifact_type.n ? m.artifact_type : m.config.media_type;
    return 0;
}

static int put_manifest(struct copy_target *target, const struct cb_descriptor *d, struct cb_str bytes,
                        struct cb_str name, struct cb_error *err)
{
    struct layout_target *t = (struct layout_target *)target;
    CB_AUTOFREE char *path = cb_layout_blob_path(&t->layout, &d->digest);
    struct cb_descriptor listed = *d;
    if (cb_write_file(path, bytes, 0644, err) || referrer_type(bytes, d, &t->arena, &listed.artifact_type, err))
        return -1;
    if (name.n || listed.artifact_type.n) {
        struct cb_descriptor e = entry(t, &listed, name);
        add_entry(t, &e);
    }
    return 0;
}

static int finish(struct copy_target *target, const struct cb_descriptor *root, struct cb_error *err)
{
    struct layout_target *t = (struct layout_target *)target;
    CB_AUTOFREE char *marker = cb_path_join(t->layout.path, "oci-layout");
    CB_AUTOFREE char *index = cb_path_join(t->layout.path, "index.json");
    CB_BUF_AUTO text = {0};
    struct cb_descriptor e = entry(t, root, t->target.name);
    add_entry(t, &e);
    const struct cb_index_manifest m = {.schema_version = 2,
                                        .media_type = CB_STR(CB_MEDIA_OCI_INDEX),
                                        .manifests = t->entries.v,
                                        .nmanifests = t->entries.n};
    cb_index_manifest_write(&text, &m);
    return cb_write_file(marker, CB_STR(LAYOUT_FILE), 0644, err) || cb_write_file(index, cb_buf_str(&text), 0644, err)
               ? -1
               : 0;
}

static void close_target(struct copy_target *target)
{
    struct layout_target *t = (struct layout_target *)target;
    free(t->layout.path);
    cb_vec_release(&t->entries);
    cb_arena_release(&t->arena);
    free(t);
}

// What is listed already stays. An index.json that is itself an image's index becomes the first entry of a list.
static int read_entries(struct layout_target *t, struct cb_error *err)
{
    CB_AUTOFREE char *index = cb_path_join(t->layout.path, "index.json");
    struct cb_index_manifest m;
    struct cb_str raw;
    struct cb_layout there;
    struct stat st;
    if (stat(index, &st))
        return errno == ENOENT ? 0 : cb_fail_errno(err, errno, "%s", index);
    if (cb_layout_open(&there, t->layout.path, err))
        return -1;
    int rc = cb_layout_index(&there, &t->arena, &raw, &m, err);
    cb_layout_close(&there);
    if (rc)
        return -1;
    if (cb_index_is_image(&m) && m.nmanifests) {
        struct cb_descriptor d = {.media_type = CB_STR(CB_MEDIA_OCI_INDEX), .size = raw.n, .digest = cb_digest_of(raw)};
        return put_manifest(&t->target, &d, raw, CB_STR("latest"), err);
    }
    for (size_t i = 0; i < m.nmanifests; i++)
        *cb_vec_add(&t->entries) = m.manifests[i];
    return 0;
}

static int open_target(struct layout_target *t, struct cb_error *err)
{
    CB_AUTOFREE char *blobs = cb_format("%s/blobs/sha256", t->layout.path);
    return cb_mkdirs(blobs, err) || read_entries(t, err) ? cb_context(err, "image layout %s", t->layout.path) : 0;
}

struct copy_target *copy_target_layout(const struct cb_image_source *from, struct cb_str folder, struct cb_str name,
                                       struct cb_error *err)
{
    struct layout_target *t = cb_zalloc(sizeof *t);
    t->target = (struct copy_target){.has_blob = has_blob,
                                     .put_blob = put_blob,
                                     .put_manifest = put_manifest,
                                     .finish = finish,
                                     .close = close_target};
    t->layout.path = cb_strndup(folder.p, folder.n);
    struct cb_str given = name_of(&from->root);
    t->target.name = cb_arena_str(&t->arena, name.n ? name : given.p ? given : from->ref.tag);
    if (open_target(t, err) == 0)
        return &t->target;
    close_target(&t->target);
    return NULL;
}
