#include "image_archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cbuild/base/file.h"
#include "cbuild/base/map.h"
#include "cbuild/base/vec.h"
#include "cbuild/compress/inflate.h"
#include "cbuild/fs/tar.h"
#include "cbuild/text/json_read.h"

#define MEMBERS_MAX 100000u
#define NAME_MAX_BYTES 4096u
#define UNPACKED_MAX (1ull << 40) // bytes of an archive that is packed with gzip
#define LINKS_MAX 4u              // docker save of old links a layer to the one that has the same bytes

struct member {
    uint64_t at, size;
    struct cb_str link; // of a symbolic link: the member that it leads to; else p == NULL
};

struct cb_image_archive {
    struct cb_arena arena;
    const char *name;
    int fd;
    struct cb_map members; // by name; the last of a name counts
};

// ---- its members --------------------------------------------------------------------------------------------------

static struct cb_str link_target(struct cb_arena *a, const struct cb_tar_header *h)
{
    ptrdiff_t slash = cb_str_rfind(h->name, '/');
    CB_AUTOFREE char *joined =
        cb_format("%.*s/%.*s", (int)(slash < 0 ? 0 : slash), h->name.p, CB_STR_ARG(cb_str_head(h->linkname, 4096)));
    CB_AUTOFREE char *clean = cb_path_clean(cb_str(joined[0] == '/' ? joined + 1 : joined));
    return cb_arena_str(a, cb_str(clean));
}

static int add_member(struct cb_image_archive *ar, struct cb_tar_reader *tar, const struct cb_tar_header *h,
                      struct cb_error *err)
{
    bool file = h->type == CB_TAR_FILE && !h->sparse, link = h->type == CB_TAR_SYMLINK;
    if (!file && !link)
        return 0;
    if (ar->members.n >= MEMBERS_MAX)
        return cb_fail(err, CB_E_LIMIT, "more than %u members", MEMBERS_MAX);
    struct member *m = cb_arena_alloc(&ar->arena, sizeof *m);
    *m = (struct member){cb_tar_data_offset(tar), file ? (uint64_t)h->size : 0, {NULL, 0}};
    if (link)
        m->link = link_target(&ar->arena, h);
    struct cb_str name = cb_str_head(h->name, NAME_MAX_BYTES);
    if (cb_str_starts(name, "./"))
        name = cb_str_skip(name, 2);
    cb_map_put(&ar->members, cb_arena_str(&ar->arena, name), m, NULL);
    return 0;
}

static int list_members(struct cb_image_archive *ar, struct cb_error *err)
{
    struct cb_fd_source file = cb_fd_source(ar->fd, ar->name);
    if (lseek(ar->fd, 0, SEEK_SET) < 0)
        return cb_fail_errno(err, errno, "%s", ar->name);
    struct cb_tar_reader *tar = cb_tar_reader_new(&file.source, ar->name);
    struct cb_tar_header h;
    int more;
    do {
        CB_ARENA_AUTO scratch = {0};
        more = cb_tar_next(tar, &scratch, &h, err);
        if (more == 1 && add_member(ar, tar, &h, err))
            more = -1;
    } while (more == 1);
    cb_tar_reader_free(tar);
    return more;
}

// In place of a packed archive, what is in it.
static int unpack(struct cb_image_archive *ar, struct cb_error *err)
{
    unsigned char magic[2];
    if (pread(ar->fd, magic, 2, 0) != 2 || magic[0] != 0x1f || magic[1] != 0x8b)
        return 0;
    int fd = cb_temp_fd(NULL, err);
    if (fd < 0)
        return -1;
    struct cb_fd_source in = cb_fd_source(ar->fd, ar->name);
    struct cb_fd_sink out = cb_fd_sink(fd, "a temporary file");
    struct cb_inflate *z = cb_inflate_new(&in.source, 0);
    cb_inflate_limit(z, UNPACKED_MAX, ar->name);
    int rc = cb_copy(&out.sink, cb_inflate_stream_source(z), NULL, err);
    cb_inflate_free(z);
    cb_close_p(&ar->fd);
    ar->fd = fd;
    return rc;
}

struct cb_image_archive *cb_image_archive_open(int fd, const char *name, struct cb_error *err)
{
    struct cb_image_archive *ar = cb_zalloc(sizeof *ar);
    ar->fd = fd;
    ar->name = name;
    if (unpack(ar, err) || list_members(ar, err)) {
        cb_image_archive_free(ar);
        cb_context(err, "archive %s", name);
        return NULL;
    }
    return ar;
}

void cb_image_archive_free(struct cb_image_archive *ar)
{
    if (!ar)
        return;
    cb_map_release(&ar->members);
    cb_arena_release(&ar->arena);
    cb_close_p(&ar->fd);
    free(ar);
}

int cb_image_archive_fd(const struct cb_image_archive *ar, struct cb_error *err)
{
    int fd = fcntl(ar->fd, F_DUPFD_CLOEXEC, 0);
    return fd < 0 ? cb_fail_errno(err, errno, "%s", ar->name) : fd;
}

static const struct member *find(const struct cb_image_archive *ar, struct cb_str name)
{
    const struct member *m = cb_map_get(&ar->members, name);
    for (unsigned i = 0; m && m->link.p; i++)
        m = i < LINKS_MAX ? cb_map_get(&ar->members, m->link) : NULL;
    return m;
}

bool cb_image_archive_has(const struct cb_image_archive *ar, struct cb_str member)
{
    return find(ar, member) != NULL;
}

static int absent(struct cb_str name, struct cb_error *err)
{
    return cb_fail(err, CB_E_NOT_FOUND, "it has no member \"%.*s\"", CB_STR_ARG(cb_str_head(name, 200)));
}

int cb_image_archive_member(const struct cb_image_archive *ar, struct cb_str name, size_t limit, struct cb_arena *a,
                            struct cb_str *out, struct cb_error *err)
{
    const struct member *m = find(ar, name);
    if (!m)
        return absent(name, err);
    if (m->size > limit)
        return cb_fail(err, CB_E_LIMIT, "member \"%.*s\" has %llu bytes, more than %zu",
                       CB_STR_ARG(cb_str_head(name, 200)), (unsigned long long)m->size, limit);
    char *bytes = cb_arena_bytes(a, (size_t)m->size + 1);
    bytes[m->size] = 0;
    *out = cb_strn(bytes, (size_t)m->size);
    return cb_pread_full(ar->fd, bytes, (size_t)m->size, m->at, ar->name, err);
}

int cb_image_archive_blob(const struct cb_image_archive *ar, const struct cb_descriptor *d, struct cb_blob_file *out,
                          struct cb_error *err)
{
    static const char *const forms[] = {"blobs/sha256/%s", "sha256:%s", "%s.tar.gz", "%s", "%s.json", "%s.tar"};
    const struct member *m = NULL;
    for (size_t i = 0; i < sizeof forms / sizeof *forms && !m; i++) {
        char name[128];
        const char *mark = strstr(forms[i], "%s");
        snprintf(name, sizeof name, "%.*s%s%s", (int)(mark - forms[i]), forms[i], cb_digest_hex(&d->digest), mark + 2);
        m = find(ar, cb_str(name));
    }
    if (!m)
        return cb_fail(err, CB_E_NOT_FOUND, "%s: it does not hold the blob %s", ar->name, d->digest.text);
    if (m->size != d->size)
        return cb_fail(err, CB_E_INPUT, "%s: the blob %s has %llu bytes, expected %llu", ar->name, d->digest.text,
                       (unsigned long long)m->size, (unsigned long long)d->size);
    *out = (struct cb_blob_file){.fd = cb_image_archive_fd(ar, err), .at = m->at, .size = m->size};
    return out->fd < 0 ? -1 : 0;
}

// ---- its images ---------------------------------------------------------------------------------------------------

struct listing {
    struct cb_image_source *s;
    const struct cb_index_manifest *index;
};

// The manifest, of those that the index names, whose config this is; what it says of the layers comes with it.
static int find_manifest(struct listing *l, struct cb_source_image *img, struct cb_error *err)
{
    struct cb_digest config = cb_digest_of(img->config);
    for (size_t i = 0; l->index && i < l->index->nmanifests; i++) {
        const struct cb_descriptor *d = &l->index->manifests[i];
        struct cb_str bytes;
        struct cb_manifest m;
        if (!cb_media_type_is_image(d->media_type))
            continue;
        if (cb_image_source_document(l->s, d, &l->s->arena, &bytes, err) ||
            cb_manifest_parse(&l->s->arena, bytes, d->media_type, &m, err))
            return -1;
        if (!cb_digest_eq(&m.config.digest, &config))
            continue;
        if (m.nlayers != img->nlayers)
            return cb_fail(err, CB_E_INPUT, "manifest.json and manifest %s differ in the number of layers",
                           d->digest.text);
        img->manifest = bytes;
        img->descriptor = *d;
        for (size_t k = 0; k < m.nlayers; k++)
            img->layers[k].descriptor = m.layers[k];
        return 0;
    }
    return 0;
}

// A config whose name is its digest must be what its name says.
static int check_name(struct cb_str name, struct cb_str bytes, struct cb_error *err)
{
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;
    struct cb_digest want, got = cb_digest_of(bytes);
    struct cb_str stem = name;
    if (cb_str_starts(stem, "blobs/sha256/"))
        stem = cb_str_skip(stem, strlen("blobs/sha256/"));
    if (cb_str_starts(stem, "sha256:"))
        stem = cb_str_skip(stem, strlen("sha256:"));
    if (cb_str_ends(stem, ".json"))
        stem = cb_str_head(stem, stem.n - strlen(".json"));
    CB_AUTOFREE char *text = cb_format("sha256:%.*s", CB_STR_ARG(cb_str_head(stem, 65)));
    if (cb_digest_parse(&want, cb_str(text), &ignored) || cb_digest_eq(&want, &got))
        return 0;
    return cb_fail(err, CB_E_TRUST, "the config \"%.*s\" has the digest %s", CB_STR_ARG(cb_str_head(name, 200)),
                   got.text);
}

static int place_layer(struct listing *l, struct json_t *item, struct cb_source_layer *layer, struct cb_error *err)
{
    struct cb_str name;
    if (cb_json_as_str(item, "Layers", &name, err))
        return -1;
    const struct member *m = find(l->s->archive, name);
    if (!m)
        return absent(name, err);
    layer->at = m->at;
    layer->descriptor.size = m->size;
    return 0;
}

static int add_image(struct listing *l, struct json_t *entry, struct cb_error *err)
{
    struct cb_arena *a = &l->s->arena;
    struct cb_source_image img = {0};
    struct cb_str name;
    struct json_t *layers;
    if (cb_json_need_str(entry, "Config", &name, err) || cb_json_get_array(entry, "Layers", &layers, err) ||
        cb_image_archive_member(l->s->archive, name, CB_IMAGE_CONFIG_MAX, a, &img.config, err) ||
        check_name(name, img.config, err) || cb_image_file_parse(a, img.config, &img.file, err))
        return -1;
    img.nlayers = cb_json_count(layers);
    if (img.nlayers != img.file.ndiff_ids)
        return cb_fail(err, CB_E_INPUT, "the config names %zu diff IDs for %zu layers", img.file.ndiff_ids,
                       img.nlayers);
    img.label = cb_image_label(a, &img.file);
    img.layers = cb_arena_alloc(a, (img.nlayers + 1) * sizeof *img.layers);
    for (size_t i = 0; i < img.nlayers; i++) {
        if (place_layer(l, cb_json_at(layers, i), &img.layers[i], err))
            return -1;
        img.layers[i].diff_id = img.file.diff_ids[i];
    }
    if (find_manifest(l, &img, err))
        return -1;
    if (l->s->images.n >= CB_SOURCE_IMAGES_MAX)
        return cb_fail(err, CB_E_LIMIT, "more than %u images", CB_SOURCE_IMAGES_MAX);
    *cb_vec_add(&l->s->images) = img;
    return 0;
}

int cb_image_archive_images(struct cb_image_source *s, const struct cb_index_manifest *index, struct cb_error *err)
{
    struct listing l = {s, index};
    struct cb_str bytes;
    if (cb_image_archive_member(s->archive, CB_STR("manifest.json"), CB_MANIFEST_MAX, &s->arena, &bytes, err))
        return -1;
    CB_JSON_AUTO *root = cb_json_read(bytes, "manifest.json", CB_MANIFEST_MAX, err);
    if (!root)
        return -1;
    for (size_t i = 0; i < cb_json_count(root); i++)
        if (add_image(&l, cb_json_at(root, i), err))
            return -1;
    return 0;
}
