#include "cbuild/builder/erofs.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "cbuild/base/file.h"
#include "cbuild/builder/arch.h"
#include "cbuild/oci/layout.h"

#define REF_NAME "org.opencontainers.image.ref.name"
#define ROLE "org.erofs.role"
#define NESTED_MAX 8u // indexes within indexes

// --- What the user means

struct source {
    const char *text; // as given
    char *path;       // owned
    struct cb_str tag;
    bool is_layout;
};

static bool is_layout(const char *path)
{
    CB_AUTOFREE char *marker = cb_path_join(path, "oci-layout");
    struct stat st;
    return stat(marker, &st) == 0 && S_ISREG(st.st_mode);
}

static int check_kind(struct source *s, bool file, bool layout, struct cb_error *err)
{
    struct stat st;
    if (stat(s->path, &st))
        return cb_fail_errno(err, errno, "%s", s->path);
    if (file && S_ISREG(st.st_mode)) {
        if (!s->tag.p)
            return 0;
        return cb_fail(err, CB_E_INPUT, "%s: %s is a file, and a tag chooses in an OCI layout", s->text, s->path);
    }
    s->is_layout = true;
    if (layout && S_ISDIR(st.st_mode) && is_layout(s->path))
        return 0;
    if (!layout)
        return cb_fail(err, CB_E_INPUT, "%s is no regular file", s->path);
    if (!S_ISDIR(st.st_mode))
        return cb_fail(err, CB_E_INPUT, "%s is %s", s->path, file ? "neither a file nor a folder" : "no folder");
    cb_fail(err, CB_E_INPUT, "%s is no OCI layout: it has no oci-layout file", s->path);
    return cb_hint(err, "name an EROFS image, or the folder that `cbuild build` wrote");
}

static bool exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

// Cuts at the last colon, but not where it is the first character. False where there is none.
static bool cut_tag(struct source *s, struct cb_str text)
{
    ptrdiff_t colon = cb_str_rfind(text, ':');
    if (colon <= 0)
        return false;
    free(s->path);
    s->path = cb_strndup(text.p, (size_t)colon);
    s->tag = cb_str_skip(text, (size_t)colon + 1);
    return true;
}

static void take_whole(struct source *s, struct cb_str text)
{
    free(s->path);
    s->path = cb_strndup(text.p, text.n);
    s->tag = (struct cb_str){0};
}

static int parse_source(struct source *s, struct cb_error *err)
{
    struct cb_str text = cb_str(s->text);
    bool file = true, layout = true;
    if (cb_str_starts(text, "erofs:"))
        layout = false;
    else if (cb_str_starts(text, "oci-dir:") || cb_str_starts(text, "oci:"))
        file = false;
    if (!file || !layout)
        text = cb_str_skip(text, (size_t)cb_str_find(text, ':') + 1);
    take_whole(s, text);
    if (file && layout && !exists(s->path) && cut_tag(s, text)) {
        if (!exists(s->path))
            take_whole(s, text);
        else if (!s->tag.n)
            return cb_fail(err, CB_E_INPUT, "%s: no tag after the colon", s->text);
    } else if (!file && cut_tag(s, text) && !is_layout(s->path)) {
        take_whole(s, text); // the colon belongs to the name
    }
    return check_kind(s, file, layout, err);
}

// --- One image of a layout

struct choice {
    const struct cb_layout *layout;
    struct cb_str tag;
    struct cb_platform platform; // architecture, and variant where one was asked for
    struct cb_arena arena;
};

static bool matches_arch(const struct choice *c, const struct cb_descriptor *d)
{
    const struct cb_platform *p = d->platform;
    if (!p || !p->architecture.n)
        return true;
    return cb_str_eq(p->architecture, c->platform.architecture) &&
           (!c->platform.variant.n || cb_str_eq(p->variant, c->platform.variant));
}

static void add_name(struct cb_buf *list, struct cb_str name)
{
    if (list->n)
        cb_buf_adds(list, ", ");
    cb_buf_addstr(list, name.n ? name : CB_STR("(none)"));
}

// What there would have been to choose from, for messages.
static void list_images(const struct cb_index_manifest *index, bool tags, struct cb_buf *out)
{
    for (size_t i = 0; i < index->nmanifests; i++) {
        const struct cb_descriptor *d = &index->manifests[i];
        if (tags)
            add_name(out, cb_string_map_get(&d->annotations, CB_STR(REF_NAME)));
        else if (cb_media_type_is_image(d->media_type))
            add_name(out, d->platform ? d->platform->architecture : CB_STR(""));
    }
}

static int not_one(const struct choice *c, const struct cb_index_manifest *index, size_t tagged, size_t images,
                   size_t fitting, struct cb_error *err)
{
    CB_BUF_AUTO list = {0};
    struct cb_str arch = c->platform.architecture;
    if (!tagged) {
        list_images(index, true, &list);
        cb_fail(err, CB_E_NOT_FOUND, "no image is tagged \"%.*s\"", CB_STR_ARG(c->tag));
        return cb_hint(err, "the tags (%s) are: %.*s", REF_NAME, CB_STR_ARG(cb_buf_str(&list)));
    }
    if (!images)
        return cb_fail(err, CB_E_NOT_FOUND, "no image in its index, which has %zu entries", tagged);
    list_images(index, fitting > 0, &list);
    if (!fitting) {
        cb_fail(err, CB_E_NOT_FOUND, "no image for architecture %.*s", CB_STR_ARG(arch));
        return cb_hint(err, "choose with --arch; there are: %.*s", CB_STR_ARG(cb_buf_str(&list)));
    }
    cb_fail(err, CB_E_INPUT, "%zu images are for architecture %.*s", fitting, CB_STR_ARG(arch));
    return cb_hint(err, "choose one by SOURCE:TAG; the tags are: %.*s", CB_STR_ARG(cb_buf_str(&list)));
}

// The descriptor of the image that fits. Without a tag, an index with nothing but another index is looked into.
static const struct cb_descriptor *choose(struct choice *c, const struct cb_index_manifest *index, unsigned depth,
                                          struct cb_error *err)
{
    const struct cb_descriptor *found = NULL, *last = NULL;
    size_t tagged = 0, images = 0, fitting = 0;
    for (size_t i = 0; i < index->nmanifests; i++) {
        const struct cb_descriptor *d = &index->manifests[i];
        if (c->tag.n && !cb_str_eq(cb_string_map_get(&d->annotations, CB_STR(REF_NAME)), c->tag))
            continue;
        tagged++;
        last = d;
        if (!cb_media_type_is_image(d->media_type))
            continue;
        images++;
        if (!matches_arch(c, d))
            continue;
        fitting++;
        found = d;
    }
    if (!c->tag.n && tagged == 1 && cb_str_is(last->media_type, CB_MEDIA_OCI_INDEX) && depth < NESTED_MAX) {
        struct cb_index_manifest *nested = cb_arena_alloc(&c->arena, sizeof *nested);
        if (cb_layout_read_index(c->layout, last, &c->arena, nested, err))
            return NULL;
        return choose(c, nested, depth + 1, err);
    }
    if (fitting == 1)
        return found;
    not_one(c, index, tagged, images, fitting, err);
    return NULL;
}

// --- Its layers

static int check_layer(const struct cb_descriptor *d, struct cb_error *err)
{
    struct cb_str role = cb_string_map_get(&d->annotations, CB_STR(ROLE));
    if (cb_str_starts(d->media_type, CB_MEDIA_EROFS_LAYER "+"))
        return cb_fail(err, CB_E_UNSUPPORTED, "a compressed EROFS image (%.*s)", CB_STR_ARG(d->media_type));
    if (!cb_str_is(d->media_type, CB_MEDIA_EROFS_LAYER)) {
        cb_fail(err, CB_E_INPUT, "its media type is %.*s; expected %s", CB_STR_ARG(d->media_type),
                CB_MEDIA_EROFS_LAYER);
        return cb_hint(err, "only images that were built with --format=erofs have EROFS layers");
    }
    if (!role.n || cb_str_is(role, "overlay-lower"))
        return 0;
    return cb_fail(err, CB_E_UNSUPPORTED, "its role (%s) is %.*s; expected none, or overlay-lower", ROLE,
                   CB_STR_ARG(role));
}

static int verify_layer(const struct cb_erofs_layer *l, struct cb_error *err)
{
    struct cb_range_source file = cb_range_source(l->fd, l->path, 0, l->size);
    struct cb_digest_source checked = cb_digest_source(&file.source, &l->digest, l->size, l->path);
    CB_AUTOFREE char *buf = cb_alloc(256 << 10);
    ssize_t n;
    while ((n = cb_read(&checked.source, buf, 256 << 10, err)) > 0)
        ;
    cb_digest_source_release(&checked);
    return n < 0 ? -1 : 0;
}

static char *absolute(const char *path, struct cb_error *err)
{
    char *full = realpath(path, NULL);
    if (!full)
        cb_fail_errno(err, errno, "%s", path);
    return full;
}

static int open_layer(struct cb_erofs_layers *l, const struct cb_layout *layout, const struct cb_descriptor *d,
                      struct cb_error *err)
{
    struct cb_erofs_layer *layer = cb_vec_add(l);
    CB_AUTOFREE char *path = cb_layout_blob_path(layout, &d->digest);
    layer->digest = d->digest;
    layer->size = d->size;
    layer->fd = cb_layout_open_blob(layout, d, err);
    if (layer->fd < 0 || !(layer->path = absolute(path, err)))
        return -1;
    return verify_layer(layer, err);
}

static int open_image(struct cb_erofs_layers *l, const struct cb_image *image, const struct cb_layout *layout,
                      struct cb_error *err)
{
    if (!image->nlayers)
        return cb_fail(err, CB_E_INPUT, "image %s has no layers", image->digest.text);
    for (size_t i = 0; i < image->nlayers; i++)
        if (check_layer(&image->layers[i].descriptor, err))
            return cb_context(err, "layer %zu", i);
    for (size_t i = 0; i < image->nlayers; i++)
        if (open_layer(l, layout, &image->layers[i].descriptor, err))
            return cb_context(err, "layer %zu", i);
    return 0;
}

static struct cb_platform wanted_platform(struct cb_str arch)
{
    bool host = !arch.n || cb_str_is(arch, "host");
    return cb_platform_of_arch(host ? cb_arch_host() : cb_arch_parse(arch));
}

static int open_layout(struct cb_erofs_layers *l, const struct source *s, struct cb_str arch, struct cb_error *err)
{
    struct cb_layout layout;
    struct cb_image image = {0};
    struct cb_index_manifest index;
    if (cb_layout_open(&layout, s->path, err))
        return -1;
    struct choice c = {.layout = &layout, .tag = s->tag, .platform = wanted_platform(arch)};
    const struct cb_descriptor *d = NULL;
    l->is_image = true;
    if (cb_layout_index(&layout, &c.arena, NULL, &index, err) == 0)
        d = choose(&c, &index, 0, err);
    int failed = !d || cb_layout_read_image(&layout, d, &image, err) || open_image(l, &image, &layout, err);
    cb_image_release(&image);
    cb_arena_release(&c.arena);
    cb_layout_close(&layout);
    return failed ? cb_context(err, "OCI layout %s", s->path) : 0;
}

static int open_file(struct cb_erofs_layers *l, const char *path, struct cb_error *err)
{
    struct cb_erofs_layer *layer = cb_vec_add(l);
    struct stat st;
    layer->fd = cb_open_read(path, err);
    if (layer->fd < 0 || !(layer->path = absolute(path, err)))
        return -1;
    if (fstat(layer->fd, &st))
        return cb_fail_errno(err, errno, "%s", path);
    layer->size = (uint64_t)st.st_size;
    return 0;
}

int cb_erofs_layers_open(struct cb_erofs_layers *l, const char *source, struct cb_str arch, struct cb_error *err)
{
    struct source s = {.text = source};
    int failed = parse_source(&s, err) || (s.is_layout ? open_layout(l, &s, arch, err) : open_file(l, s.path, err));
    free(s.path);
    if (failed)
        cb_erofs_layers_release(l);
    return failed ? -1 : 0;
}

void cb_erofs_layers_release(struct cb_erofs_layers *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->v[i].path);
        cb_close_p(&l->v[i].fd);
    }
    cb_vec_release(l);
}
