#include "side.h"

#include <errno.h>
#include <unistd.h>

#include "cbuild/base/file.h"
#include "cbuild/base/vec.h"

#define NESTING_MAX 4u // indexes within indexes
#define IMAGES_MAX 4096u

struct cb_str side_label(struct side *s, const struct cb_image_file *f)
{
    if (f->variant.n)
        return cb_arena_format(&s->arena, "%.*s/%.*s/%.*s", CB_STR_ARG(f->os), CB_STR_ARG(f->architecture),
                               CB_STR_ARG(f->variant));
    return cb_arena_format(&s->arena, "%.*s/%.*s", CB_STR_ARG(f->os), CB_STR_ARG(f->architecture));
}

static int add_image(struct side *s, const struct cb_layout *l, const struct cb_descriptor *d, struct cb_error *err)
{
    struct cb_image img;
    struct side_image *out;

    if (s->images.n >= IMAGES_MAX)
        return cb_fail(err, CB_E_LIMIT, "%s has more than %u images", s->path, IMAGES_MAX);
    if (cb_layout_read_image(l, d, &img, err) < 0)
        return -1;
    out = cb_vec_add(&s->images);
    out->label = side_label(s, &img.file);
    out->manifest = cb_arena_str(&s->arena, img.manifest);
    out->config = cb_arena_str(&s->arena, img.config);
    out->nlayers = img.nlayers;
    out->layers = cb_arena_alloc(&s->arena, (img.nlayers + 1) * sizeof *out->layers);
    for (size_t i = 0; i < img.nlayers; i++) {
        const struct cb_layer_blob *from = &img.layers[i];
        out->layers[i] = (struct side_layer){.media_type = cb_arena_str(&s->arena, from->descriptor.media_type),
                                             .digest = from->descriptor.digest,
                                             .diff_id = from->diff_id,
                                             .path = cb_arena_cstr(&s->arena, cb_str(from->path)),
                                             .size = from->descriptor.size};
    }
    cb_image_release(&img);
    return 0;
}

static int add_images(struct side *s, const struct cb_layout *l, const struct cb_index_manifest *m, unsigned depth,
                      struct cb_error *err)
{
    if (depth > NESTING_MAX)
        return cb_fail(err, CB_E_LIMIT, "%s has indexes nested more than %u deep", s->path, NESTING_MAX);
    for (size_t i = 0; i < m->nmanifests; i++) {
        const struct cb_descriptor *d = &m->manifests[i];
        struct cb_index_manifest nested;
        if (!cb_media_type_is_index(d->media_type)) {
            if (add_image(s, l, d, err) < 0)
                return -1;
        } else if (cb_layout_read_index(l, d, &s->arena, &nested, err) < 0 ||
                   add_images(s, l, &nested, depth + 1, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int read_layout(struct side *s, struct cb_error *err)
{
    struct cb_layout l = {NULL};
    struct cb_index_manifest m;
    int result = cb_layout_open(&l, s->path, err);

    if (result == 0)
        result = cb_layout_index(&l, &s->arena, &s->index, &m, err);
    if (result == 0)
        result = add_images(s, &l, &m, 0, err);
    cb_layout_close(&l);
    return result;
}

int side_open(struct side *s, const char *path, struct cb_error *err)
{
    struct stat st;
    int result;

    *s = (struct side){.path = path};
    if (stat(path, &st) < 0)
        return cb_fail_errno(err, errno, "%s", path);
    result = S_ISDIR(st.st_mode) ? read_layout(s, err) : side_read_archive(s, err);
    if (result < 0)
        side_close(s);
    return result;
}

void side_close(struct side *s)
{
    cb_vec_release(&s->images);
    cb_arena_release(&s->arena);
}

static int check_size(int fd, const struct side_layer *l, struct cb_error *err)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return cb_fail_errno(err, errno, "%s", l->path);
    if ((uint64_t)st.st_size < l->at + l->size)
        return cb_fail(err, CB_E_INPUT, "%s has %lld bytes, expected %llu at least", l->path, (long long)st.st_size,
                       (unsigned long long)(l->at + l->size));
    return 0;
}

int layer_stream_open(struct layer_stream *s, const struct side_layer *l, struct cb_error *err)
{
    uint8_t magic[2];

    memset(s, 0, sizeof *s);
    s->fd = cb_open_read(l->path, err);
    if (s->fd < 0)
        return -1;
    if (check_size(s->fd, l, err) < 0 ||
        (l->size >= 2 && cb_pread_full(s->fd, magic, sizeof magic, l->at, l->path, err) < 0)) {
        close(s->fd);
        return -1;
    }
    s->is_gzip = l->size >= 2 && magic[0] == 0x1f && magic[1] == 0x8b;
    s->file = cb_range_source(s->fd, l->path, l->at, l->size);
    s->stored = &s->file.source;
    if (cb_digest_is_set(&l->digest)) {
        s->checked = cb_digest_source(s->stored, &l->digest, l->size, l->path);
        s->has_checked = true;
        s->stored = &s->checked.source;
    }
    return 0;
}

struct cb_source *layer_stream_plain(struct layer_stream *s)
{
    if (!s->is_gzip)
        return s->stored;
    s->inflate = cb_inflate_new(s->stored, 0);
    return cb_inflate_stream_source(s->inflate);
}

int layer_stream_finish(struct layer_stream *s, struct cb_error *err)
{
    char rest[4096];
    ssize_t n;

    while ((n = cb_read(s->stored, rest, sizeof rest, err)) > 0)
        ;
    return n < 0 ? -1 : 0;
}

void layer_stream_close(struct layer_stream *s)
{
    cb_inflate_free(s->inflate);
    if (s->has_checked)
        cb_digest_source_release(&s->checked);
    close(s->fd);
}

int layer_streams_open(struct layer_stream s[2], const struct side_layer *const layers[2], struct cb_error *err)
{
    if (layer_stream_open(&s[0], layers[0], err) < 0)
        return -1;
    if (layer_stream_open(&s[1], layers[1], err) == 0)
        return 0;
    layer_stream_close(&s[0]);
    return -1;
}

void layer_streams_close(struct layer_stream s[2])
{
    layer_stream_close(&s[0]);
    layer_stream_close(&s[1]);
}
