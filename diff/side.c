#include "side.h"

#include "cbuild/base/file.h"
#include "cbuild/base/vec.h"

static void add_image(struct side *s, const struct cb_source_image *from)
{
    struct side_image *out = cb_vec_add(&s->images);
    out->label = from->label;
    out->manifest = from->manifest;
    out->config = from->config;
    out->from = from;
    out->nlayers = from->nlayers;
    out->layers = cb_arena_alloc(&s->arena, (from->nlayers + 1) * sizeof *out->layers);
    for (size_t i = 0; i < from->nlayers; i++) {
        const struct cb_source_layer *l = &from->layers[i];
        const struct cb_digest *name = cb_digest_is_set(&l->descriptor.digest) ? &l->descriptor.digest : &l->diff_id;
        out->layers[i] = (struct side_layer){
            .media_type = l->descriptor.media_type,
            .digest = l->descriptor.digest,
            .diff_id = l->diff_id,
            .path = cb_arena_format(&s->arena, "%s: layer %s", s->source->name, name->text).p,
            .size = l->descriptor.size,
            .source = s->source,
            .from = l,
            .file = {.fd = -1},
        };
    }
}

int side_open(struct side *s, struct cb_image_source *source, struct cb_error *err)
{
    *s = (struct side){.source = source};
    if (cb_image_source_images(source, err))
        return -1;
    if (cb_media_type_is_index(source->root.media_type))
        s->index = source->root_bytes;
    for (size_t i = 0; i < source->images.n; i++)
        add_image(s, &source->images.v[i]);
    return 0;
}

void side_close(struct side *s)
{
    for (size_t i = 0; i < s->images.n; i++)
        for (size_t k = 0; k < s->images.v[i].nlayers; k++)
            side_layer_close(&s->images.v[i].layers[k]);
    cb_vec_release(&s->images);
    cb_arena_release(&s->arena);
}

int side_layer_open(struct side_layer *l, struct cb_error *err)
{
    if (l->file.fd >= 0)
        return 0;
    if (cb_image_source_open_layer(l->source, l->from, &l->file, err) == 0)
        return 0;
    l->file.fd = -1;
    return cb_context(err, "%s", l->path);
}

void side_layer_close(struct side_layer *l)
{
    cb_close_p(&l->file.fd);
}

int layer_stream_open(struct layer_stream *s, const struct side_layer *l, struct cb_error *err)
{
    uint8_t magic[2];

    memset(s, 0, sizeof *s);
    if (l->size >= 2 && cb_pread_full(l->file.fd, magic, sizeof magic, l->file.at, l->path, err) < 0)
        return -1;
    s->is_gzip = l->size >= 2 && magic[0] == 0x1f && magic[1] == 0x8b;
    s->file = cb_range_source(l->file.fd, l->path, l->file.at, l->size);
    s->stored = &s->file.source;
    if (cb_digest_is_set(&l->digest) && !l->file.verified) {
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
    char rest[65536];
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
