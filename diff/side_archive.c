#include "side.h"

#include <stdlib.h>

#include "cbuild/base/file.h"
#include "cbuild/base/map.h"
#include "cbuild/base/vec.h"
#include "cbuild/fs/tar.h"
#include "cbuild/text/json_read.h"

#define MEMBERS_MAX 100000u
#define NAME_MAX_BYTES 4096u

// A docker archive is read through once to learn where its members are, and then by name. manifest.json says which
// images there are; where the archive came from cbuild or apko, index.json and the manifests are in it, too.

struct member {
    uint64_t at, size;
};

struct archive {
    struct side *side;
    struct cb_map members; // by name; the last of a name counts
    struct cb_index_manifest index;
    int fd;
};

static int list_members(struct archive *ar, struct cb_tar_reader *tar, struct cb_error *err)
{
    struct cb_tar_header h;
    CB_ARENA_AUTO scratch = {0};
    int more;

    while ((more = cb_tar_next(tar, &scratch, &h, err)) == 1) {
        struct member *m;
        if (h.type == CB_TAR_FILE && !h.sparse) {
            if (ar->members.n >= MEMBERS_MAX)
                return cb_fail(err, CB_E_LIMIT, "more than %u members", MEMBERS_MAX);
            m = cb_arena_alloc(&ar->side->arena, sizeof *m);
            *m = (struct member){cb_tar_data_offset(tar), (uint64_t)h.size};
            cb_map_put(&ar->members, cb_arena_str(&ar->side->arena, cb_str_head(h.name, NAME_MAX_BYTES)), m, NULL);
        }
        cb_arena_release(&scratch);
    }
    return more;
}

static int read_member(struct archive *ar, struct cb_str name, size_t limit, struct cb_str *out, struct cb_error *err)
{
    const struct member *m = cb_map_get(&ar->members, name);
    char *bytes;

    if (!m)
        return cb_fail(err, CB_E_INPUT, "it has no member \"%.*s\"", CB_STR_ARG(cb_str_head(name, 200)));
    if (m->size > limit)
        return cb_fail(err, CB_E_LIMIT, "member \"%.*s\" has %llu bytes, more than %zu",
                       CB_STR_ARG(cb_str_head(name, 200)), (unsigned long long)m->size, limit);
    bytes = cb_arena_bytes(&ar->side->arena, (size_t)m->size + 1);
    *out = cb_strn(bytes, (size_t)m->size);
    return cb_pread_full(ar->fd, bytes, (size_t)m->size, m->at, ar->side->path, err);
}

static int fill_layer(struct archive *ar, struct cb_str name, struct side_layer *l, struct cb_error *err)
{
    const struct member *m = cb_map_get(&ar->members, name);

    if (!m)
        return cb_fail(err, CB_E_INPUT, "it has no member \"%.*s\"", CB_STR_ARG(cb_str_head(name, 200)));
    l->path = ar->side->path;
    l->at = m->at;
    l->size = m->size;
    return 0;
}

// The manifest, of those that the index names, whose config this is; what it says of the layers comes with it.
static int find_manifest(struct archive *ar, struct side_image *img, struct cb_error *err)
{
    struct cb_digest config = cb_digest_of(img->config);

    for (size_t i = 0; i < ar->index.nmanifests; i++) {
        struct cb_str bytes;
        struct cb_manifest m;
        if (read_member(ar, cb_digest_str(&ar->index.manifests[i].digest), CB_MANIFEST_MAX, &bytes, err) < 0 ||
            cb_manifest_parse(&ar->side->arena, bytes, CB_STR(""), &m, err) < 0)
            return -1;
        if (!cb_digest_eq(&m.config.digest, &config))
            continue;
        if (m.nlayers != img->nlayers)
            return cb_fail(err, CB_E_INPUT, "manifest.json and manifest %s differ in the number of layers",
                           ar->index.manifests[i].digest.text);
        img->manifest = bytes;
        for (size_t k = 0; k < m.nlayers; k++) {
            img->layers[k].digest = m.layers[k].digest;
            img->layers[k].media_type = m.layers[k].media_type;
        }
        return 0;
    }
    return 0;
}

static int add_image(struct archive *ar, struct json_t *entry, struct cb_error *err)
{
    struct side_image img = {0};
    struct cb_image_file file;
    struct cb_str name;
    struct json_t *layers;

    if (cb_json_need_str(entry, "Config", &name, err) < 0 || cb_json_need_array(entry, "Layers", &layers, err) < 0 ||
        read_member(ar, name, CB_IMAGE_CONFIG_MAX, &img.config, err) < 0 ||
        cb_image_file_parse(&ar->side->arena, img.config, &file, err) < 0)
        return -1;
    img.nlayers = cb_json_count(layers);
    if (img.nlayers != file.ndiff_ids)
        return cb_fail(err, CB_E_INPUT, "the config names %zu diff IDs for %zu layers", file.ndiff_ids, img.nlayers);
    img.label = side_label(ar->side, &file);
    img.layers = cb_arena_alloc(&ar->side->arena, (img.nlayers + 1) * sizeof *img.layers);
    for (size_t i = 0; i < img.nlayers; i++) {
        if (cb_json_as_str(cb_json_at(layers, i), "Layers", &name, err) < 0 ||
            fill_layer(ar, name, &img.layers[i], err) < 0)
            return -1;
        img.layers[i].diff_id = file.diff_ids[i];
    }
    if (find_manifest(ar, &img, err) < 0)
        return -1;
    *cb_vec_add(&ar->side->images) = img;
    return 0;
}

static int read_documents(struct archive *ar, struct cb_error *err)
{
    struct cb_str bytes;
    struct json_t *root;
    int result = 0;

    if (cb_map_find(&ar->members, CB_STR("index.json")) &&
        (read_member(ar, CB_STR("index.json"), CB_MANIFEST_MAX, &ar->side->index, err) < 0 ||
         cb_index_manifest_parse(&ar->side->arena, ar->side->index, CB_STR(""), &ar->index, err) < 0))
        return -1;
    if (read_member(ar, CB_STR("manifest.json"), CB_MANIFEST_MAX, &bytes, err) < 0)
        return -1;
    root = cb_json_read(bytes, "manifest.json", CB_MANIFEST_MAX, err);
    if (!root)
        return -1;
    for (size_t i = 0; result == 0 && i < cb_json_count(root); i++)
        result = add_image(ar, cb_json_at(root, i), err);
    cb_json_free(root);
    return result;
}

int side_read_archive(struct side *s, struct cb_error *err)
{
    struct archive ar = {.side = s, .fd = cb_open_read(s->path, err)};
    struct cb_fd_source file = cb_fd_source(ar.fd, s->path);
    struct cb_tar_reader *tar;
    int result;

    if (ar.fd < 0)
        return -1;
    tar = cb_tar_reader_new(&file.source, s->path);
    result = list_members(&ar, tar, err);
    cb_tar_reader_free(tar);
    if (result == 0)
        result = read_documents(&ar, err);
    cb_map_release(&ar.members);
    cb_close_p(&ar.fd);
    return result < 0 ? cb_context(err, "docker archive %s", s->path) : 0;
}
