#include "cbuild/oci/image_source.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cbuild/base/file.h"
#include "cbuild/base/vec.h"
#include "image_archive.h"

struct cb_str cb_image_label(struct cb_arena *a, const struct cb_image_file *f)
{
    if (f->variant.n)
        return cb_arena_format(a, "%.*s/%.*s/%.*s", CB_STR_ARG(f->os), CB_STR_ARG(f->architecture),
                               CB_STR_ARG(f->variant));
    return cb_arena_format(a, "%.*s/%.*s", CB_STR_ARG(f->os), CB_STR_ARG(f->architecture));
}

// ---- reading, wherever it is --------------------------------------------------------------------------------------

static int read_file_blob(const struct cb_blob_file *f, const struct cb_descriptor *d, const char *name, size_t limit,
                          struct cb_buf *b, struct cb_error *err)
{
    struct cb_range_source in = cb_range_source(f->fd, name, f->at, f->size);
    struct cb_digest_source checked = cb_digest_source(&in.source, &d->digest, d->size, name);
    int rc = cb_read_all(&checked.source, b, limit, name, err);
    cb_digest_source_release(&checked);
    return rc;
}

// A document of a build: a manifest or a config; p == NULL where it is none of them.
static struct cb_str built_document(const struct cb_index_image *idx, const struct cb_digest *d)
{
    for (size_t i = 0; i < idx->nimages; i++) {
        if (cb_digest_eq(&idx->images[i]->digest, d))
            return idx->images[i]->manifest;
        if (cb_digest_eq(&idx->images[i]->config_digest, d))
            return idx->images[i]->config;
    }
    return (struct cb_str){NULL, 0};
}

static int open_built(const struct cb_index_image *idx, const struct cb_descriptor *d, struct cb_blob_file *out,
                      struct cb_error *err)
{
    for (size_t i = 0; i < idx->nimages; i++)
        for (size_t k = 0; k < idx->images[i]->nlayers; k++) {
            const struct cb_layer_blob *l = &idx->images[i]->layers[k];
            if (!cb_digest_eq(&l->descriptor.digest, &d->digest))
                continue;
            *out = (struct cb_blob_file){.fd = cb_layer_blob_open(l, err), .size = d->size, .verified = l->trusted};
            return out->fd < 0 ? -1 : 0;
        }
    return cb_fail(err, CB_E_NOT_FOUND, "the build has no layer %s", d->digest.text);
}

int cb_image_source_read_blob(struct cb_image_source *s, const struct cb_descriptor *d, size_t limit, struct cb_buf *b,
                              struct cb_error *err)
{
    struct cb_blob_file f;
    if (!cb_digest_is_set(&d->digest))
        return cb_fail(err, CB_E_INPUT, "%s: a descriptor without digest", s->name);
    if (d->size > limit)
        return cb_fail(err, CB_E_LIMIT, "%s: %s has %llu bytes, more than %zu", s->name, d->digest.text,
                       (unsigned long long)d->size, limit);
    if (s->place == CB_PLACE_REGISTRY)
        return cb_registry_read_blob(s->registry, &s->ref, d, limit, b, err);
    struct cb_str built = s->built ? built_document(s->built, &d->digest) : (struct cb_str){NULL, 0};
    if (built.p) {
        cb_buf_addstr(b, built);
        return 0;
    }
    if (cb_image_source_open_blob(s, d, &f, err))
        return -1;
    int rc = read_file_blob(&f, d, s->name, limit, b, err);
    cb_close_p(&f.fd);
    return rc;
}

static int check_fetched(const struct cb_descriptor *want, const struct cb_descriptor *got, struct cb_error *err)
{
    if (want->size && want->size != got->size)
        return cb_fail(err, CB_E_TRUST, "%s has %llu bytes, its descriptor says %llu", want->digest.text,
                       (unsigned long long)got->size, (unsigned long long)want->size);
    return 0;
}

int cb_image_source_document(struct cb_image_source *s, const struct cb_descriptor *d, struct cb_arena *a,
                             struct cb_str *bytes, struct cb_error *err)
{
    CB_BUF_AUTO b = {0};
    if (s->place == CB_PLACE_REGISTRY) {
        struct cb_reference ref = cb_reference_with_digest(a, &s->ref, cb_digest_str(&d->digest));
        struct cb_descriptor got;
        return cb_registry_get_manifest(s->registry, a, &ref, &got, bytes, err) || check_fetched(d, &got, err) ? -1 : 0;
    }
    if (cb_image_source_read_blob(s, d, CB_MANIFEST_MAX, &b, err))
        return -1;
    *bytes = cb_arena_str(a, cb_buf_str(&b));
    return 0;
}

static int forget(void *ctx, struct cb_error *err)
{
    const struct cb_fd_sink *sink = ctx;
    if (ftruncate(sink->fd, 0) || lseek(sink->fd, 0, SEEK_SET) < 0)
        return cb_fail_errno(err, errno, "%s", sink->name);
    return 0;
}

static int spool(struct cb_image_source *s, const struct cb_descriptor *d, struct cb_blob_file *out,
                 struct cb_error *err)
{
    CB_FD_AUTO fd = cb_temp_fd(NULL, err);
    if (fd < 0)
        return -1;
    struct cb_fd_sink sink = cb_fd_sink(fd, "a temporary file");
    if (cb_registry_get_blob(s->registry, &s->ref, d, &sink.sink, forget, &sink, err))
        return -1;
    *out = (struct cb_blob_file){.fd = fd, .at = 0, .size = d->size, .verified = true};
    fd = -1;
    return 0;
}

int cb_image_source_open_blob(struct cb_image_source *s, const struct cb_descriptor *d, struct cb_blob_file *out,
                              struct cb_error *err)
{
    if (s->place == CB_PLACE_REGISTRY)
        return spool(s, d, out, err);
    if (s->built)
        return open_built(s->built, d, out, err);
    if (s->archive)
        return cb_image_archive_blob(s->archive, d, out, err);
    *out = (struct cb_blob_file){.fd = cb_layout_open_blob(&s->layout, d, err), .at = 0, .size = d->size};
    return out->fd < 0 ? -1 : 0;
}

int cb_image_source_open_layer(struct cb_image_source *s, const struct cb_source_layer *l, struct cb_blob_file *out,
                               struct cb_error *err)
{
    if (!s->archive || l->at == 0)
        return cb_image_source_open_blob(s, &l->descriptor, out, err);
    *out = (struct cb_blob_file){.fd = cb_image_archive_fd(s->archive, err), .at = l->at, .size = l->descriptor.size};
    return out->fd < 0 ? -1 : 0;
}

// ---- the root of a layout -----------------------------------------------------------------------------------------

static struct cb_str ref_name(const struct cb_descriptor *d)
{
    struct cb_str name = cb_string_map_get(&d->annotations, CB_STR(CB_REF_NAME));
    return name.p ? name : cb_string_map_get(&d->annotations, CB_STR("io.containerd.image.name"));
}

static bool is_selected(const struct cb_descriptor *d, struct cb_str select)
{
    struct cb_str containerd = cb_string_map_get(&d->annotations, CB_STR("io.containerd.image.name"));
    return cb_str_eq(cb_digest_str(&d->digest), select) || cb_str_eq(ref_name(d), select) ||
           (containerd.p && cb_str_eq(containerd, select));
}

bool cb_index_is_image(const struct cb_index_manifest *m)
{
    bool platform = false;
    for (size_t i = 0; i < m->nmanifests; i++) {
        if (ref_name(&m->manifests[i]).p || cb_media_type_is_index(m->manifests[i].media_type))
            return false;
        platform |= m->manifests[i].platform != NULL;
    }
    return platform || m->nmanifests != 1;
}

static int choose(struct cb_image_source *s, const struct cb_index_manifest *m, struct cb_str select,
                  struct cb_descriptor *out, struct cb_error *err)
{
    const struct cb_descriptor *found = NULL;
    CB_BUF_AUTO names = {0};
    size_t n = 0;
    for (size_t i = 0; i < m->nmanifests; i++) {
        const struct cb_descriptor *d = &m->manifests[i];
        bool attached = cb_is_attached_name(ref_name(d)) || cb_is_artifact(d);
        if (select.n ? !is_selected(d, select) : attached)
            continue;
        if (!found || !cb_digest_eq(&found->digest, &d->digest))
            n++;
        found = d;
        struct cb_str name = ref_name(d).p ? ref_name(d) : cb_digest_str(&d->digest);
        cb_buf_addf(&names, "%s%.*s", names.n ? ", " : "", CB_STR_ARG(name));
    }
    if (n == 1) {
        *out = *found;
        return 0;
    }
    if (n == 0 && select.n)
        return cb_fail(err, CB_E_NOT_FOUND, "%s has nothing that is called %.*s", s->name, CB_STR_ARG(select));
    if (n == 0)
        return cb_fail(err, CB_E_INPUT, "%s has no image", s->name);
    cb_fail(err, CB_E_USAGE, "%s has %zu images: %.*s", s->name, n, (int)(names.n > 400 ? 400 : names.n), names.p);
    return cb_hint(err, "say which: oci:FOLDER:NAME or FOLDER@sha256:...");
}

static int find_nested(struct cb_image_source *s, const struct cb_index_manifest *m, struct cb_str select,
                       unsigned depth, struct cb_descriptor *out, struct cb_error *err)
{
    for (size_t i = 0; i < m->nmanifests && depth < CB_SOURCE_NESTING_MAX; i++) {
        struct cb_index_manifest nested;
        struct cb_str bytes;
        const struct cb_descriptor *d = &m->manifests[i];
        if (cb_str_eq(cb_digest_str(&d->digest), select)) {
            *out = *d;
            return 1;
        }
        if (!cb_media_type_is_index(d->media_type))
            continue;
        if (cb_image_source_document(s, d, &s->arena, &bytes, err) ||
            cb_index_manifest_parse(&s->arena, bytes, d->media_type, &nested, err))
            return -1;
        int found = find_nested(s, &nested, select, depth + 1, out, err);
        if (found)
            return found;
    }
    return 0;
}

static int set_root(struct cb_image_source *s, struct cb_str raw, const struct cb_index_manifest *m,
                    struct cb_str select, struct cb_error *err)
{
    struct cb_digest own = cb_digest_of(raw);
    s->top = *m;
    if (cb_str_starts(select, "sha256:") && !cb_str_eq(select, cb_digest_str(&own))) {
        int found = find_nested(s, m, select, 0, &s->root, err);
        if (found == 0)
            return cb_fail(err, CB_E_NOT_FOUND, "%s has no manifest %.*s", s->name, CB_STR_ARG(select));
        return found < 0 ? -1 : cb_image_source_document(s, &s->root, &s->arena, &s->root_bytes, err);
    }
    if (cb_index_is_image(m) || cb_str_starts(select, "sha256:")) {
        struct cb_str type = m->media_type.n ? m->media_type : CB_STR(CB_MEDIA_OCI_INDEX);
        s->root = (struct cb_descriptor){.media_type = type, .digest = own, .size = raw.n};
        s->root_bytes = raw;
        return 0;
    }
    return choose(s, m, select, &s->root, err) ? -1
                                               : cb_image_source_document(s, &s->root, &s->arena, &s->root_bytes, err);
}

// ---- opening ------------------------------------------------------------------------------------------------------

static int open_registry(struct cb_image_source *s, const struct cb_image_name *n, const struct cb_image_access *access,
                         struct cb_error *err)
{
    if (cb_reference_parse(&s->arena, n->where, &s->ref, err))
        return -1;
    if (!access || !access->registry)
        return cb_fail(err, CB_E_UNSUPPORTED, "%s: registries are not reached from here", s->name);
    s->registry = access->registry;
    return cb_registry_get_manifest(s->registry, &s->arena, &s->ref, &s->root, &s->root_bytes, err)
               ? cb_context(err, "%s", s->name)
               : 0;
}

static int open_layout(struct cb_image_source *s, const struct cb_image_name *n, struct cb_error *err)
{
    struct cb_index_manifest m;
    struct cb_str raw;
    CB_AUTOFREE char *path = cb_strndup(n->where.p, n->where.n);
    if (cb_layout_open(&s->layout, path, err) || cb_layout_index(&s->layout, &s->arena, &raw, &m, err))
        return -1;
    return set_root(s, raw, &m, n->select, err);
}

// index.json of an archive: what a layout's is, or (apko) the index over the images of manifest.json.
static int read_archive_index(struct cb_image_source *s, struct cb_str select, bool needed, struct cb_error *err)
{
    struct cb_index_manifest m;
    struct cb_str raw;
    if (!needed && !cb_image_archive_has(s->archive, CB_STR("index.json")))
        return 0;
    if (cb_image_archive_member(s->archive, CB_STR("index.json"), CB_MANIFEST_MAX, &s->arena, &raw, err) ||
        cb_index_manifest_parse(&s->arena, raw, CB_STR(""), &m, err))
        return cb_context(err, "index.json");
    return set_root(s, raw, &m, select, err);
}

static int open_archive(struct cb_image_source *s, const struct cb_image_name *n, int fd, struct cb_error *err)
{
    s->archive = cb_image_archive_open(fd, s->name, err);
    if (!s->archive)
        return -1;
    bool layout = cb_image_archive_has(s->archive, CB_STR("oci-layout"));
    if (s->place == CB_PLACE_ARCHIVE && !layout && !cb_image_archive_has(s->archive, CB_STR("manifest.json")))
        return cb_fail(err, CB_E_INPUT,
                       "%s is no archive of an image: it has neither oci-layout nor manifest.json in it", s->name);
    if (s->place == CB_PLACE_ARCHIVE || s->place == CB_PLACE_DAEMON)
        s->place = layout ? CB_PLACE_OCI_ARCHIVE : CB_PLACE_DOCKER_ARCHIVE;
    // What an apko-made docker archive's index.json is about can be had; that of docker save needs oci-layout.
    return read_archive_index(s, n->select, s->place == CB_PLACE_OCI_ARCHIVE, err) ? cb_context(err, "%s", s->name) : 0;
}

static int open_file(struct cb_image_source *s, const struct cb_image_name *n, struct cb_error *err)
{
    CB_AUTOFREE char *path = cb_strndup(n->where.p, n->where.n);
    int fd = cb_open_read(path, err);
    if (fd < 0)
        return err->kind == CB_E_NOT_FOUND ? cb_hint(err, "an image in a registry is called docker://REFERENCE") : -1;
    return open_archive(s, n, fd, err);
}

static int open_daemon(struct cb_image_source *s, const struct cb_image_name *n, const struct cb_image_access *access,
                       struct cb_error *err)
{
    if (!access || !access->http || !access->docker)
        return cb_fail(err, CB_E_UNSUPPORTED, "%s: the Docker daemon is not reached from here", s->name);
    int fd = cb_temp_fd(NULL, err);
    if (fd < 0)
        return -1;
    if (cb_docker_save(access->http, access->docker, n->where, fd, err)) {
        cb_close_p(&fd);
        return cb_context(err, "%s", s->name);
    }
    return open_archive(s, n, fd, err);
}

static int open_place(struct cb_image_source *s, const struct cb_image_name *n, const struct cb_image_access *access,
                      struct cb_error *err)
{
    switch (n->place) {
    case CB_PLACE_REGISTRY:
        return open_registry(s, n, access, err);
    case CB_PLACE_LAYOUT:
        return open_layout(s, n, err);
    case CB_PLACE_DAEMON:
        return open_daemon(s, n, access, err);
    case CB_PLACE_BUILT: // is no name's
    case CB_PLACE_ARCHIVE:
    case CB_PLACE_OCI_ARCHIVE:
    case CB_PLACE_DOCKER_ARCHIVE:
        break;
    }
    return open_file(s, n, err);
}

int cb_image_source_open(struct cb_image_source *s, const char *word, const struct cb_image_access *access,
                         struct cb_error *err)
{
    struct cb_image_name n = cb_image_name_parse(cb_str(word));
    *s = (struct cb_image_source){.place = n.place};
    s->name = cb_arena_cstr(&s->arena, cb_str(word));
    if (open_place(s, &n, access, err) == 0)
        return 0;
    cb_image_source_close(s);
    return -1;
}

void cb_image_source_built(struct cb_image_source *s, const struct cb_index_image *idx, const char *name)
{
    *s = (struct cb_image_source){.place = CB_PLACE_BUILT, .name = name, .built = idx, .root_bytes = idx->bytes};
    s->root =
        (struct cb_descriptor){.media_type = CB_STR(CB_MEDIA_OCI_INDEX), .digest = idx->digest, .size = idx->bytes.n};
}

void cb_image_source_close(struct cb_image_source *s)
{
    cb_image_archive_free(s->archive);
    if (s->layout.path)
        cb_layout_close(&s->layout);
    cb_vec_release(&s->images);
    cb_arena_release(&s->arena);
    *s = (struct cb_image_source){0};
}

// ---- its images ---------------------------------------------------------------------------------------------------

static int add_image(struct cb_image_source *s, const struct cb_descriptor *d, struct cb_str manifest,
                     struct cb_error *err)
{
    struct cb_source_image img = {.descriptor = *d, .manifest = manifest};
    CB_BUF_AUTO config = {0};
    struct cb_manifest m;
    if (s->images.n >= CB_SOURCE_IMAGES_MAX)
        return cb_fail(err, CB_E_LIMIT, "more than %u images", CB_SOURCE_IMAGES_MAX);
    if (cb_manifest_parse(&s->arena, manifest, d->media_type, &m, err))
        return -1;
    if (cb_image_source_read_blob(s, &m.config, CB_IMAGE_CONFIG_MAX, &config, err))
        return cb_context(err, "config");
    img.config = cb_arena_str(&s->arena, cb_buf_str(&config));
    if (cb_image_file_parse(&s->arena, img.config, &img.file, err))
        return cb_context(err, "config %s", m.config.digest.text);
    if (img.file.ndiff_ids != m.nlayers)
        return cb_fail(err, CB_E_INPUT, "the config names %zu diff IDs for the manifest's %zu layers",
                       img.file.ndiff_ids, m.nlayers);
    img.label = cb_image_label(&s->arena, &img.file);
    img.nlayers = m.nlayers;
    img.layers = cb_arena_alloc(&s->arena, (m.nlayers + 1) * sizeof *img.layers);
    for (size_t i = 0; i < m.nlayers; i++)
        img.layers[i] = (struct cb_source_layer){.descriptor = m.layers[i], .diff_id = img.file.diff_ids[i]};
    *cb_vec_add(&s->images) = img;
    return 0;
}

static bool is_no_image(const struct cb_descriptor *d)
{
    return cb_is_artifact(d) || (d->platform && cb_str_is(d->platform->os, "unknown")) ||
           cb_is_attached_name(ref_name(d));
}

static int add_images(struct cb_image_source *s, const struct cb_descriptor *d, struct cb_str bytes, unsigned depth,
                      struct cb_error *err)
{
    struct cb_index_manifest m;
    if (!cb_media_type_is_index(d->media_type))
        return add_image(s, d, bytes, err) ? cb_context(err, "manifest %s", d->digest.text) : 0;
    if (depth > CB_SOURCE_NESTING_MAX)
        return cb_fail(err, CB_E_LIMIT, "indexes nested more than %u deep", CB_SOURCE_NESTING_MAX);
    if (cb_index_manifest_parse(&s->arena, bytes, d->media_type, &m, err))
        return cb_context(err, "index %s", d->digest.text);
    for (size_t i = 0; i < m.nmanifests; i++) {
        struct cb_str nested;
        if (is_no_image(&m.manifests[i]))
            continue;
        if (cb_image_source_document(s, &m.manifests[i], &s->arena, &nested, err) ||
            add_images(s, &m.manifests[i], nested, depth + 1, err))
            return -1;
    }
    return 0;
}

int cb_image_source_images(struct cb_image_source *s, struct cb_error *err)
{
    struct cb_index_manifest m;
    int rc;
    if (s->images.n)
        return 0;
    if (s->place != CB_PLACE_DOCKER_ARCHIVE)
        rc = add_images(s, &s->root, s->root_bytes, 0, err);
    else if (s->root_bytes.n && cb_media_type_is_index(s->root.media_type))
        rc = cb_index_manifest_parse(&s->arena, s->root_bytes, s->root.media_type, &m, err) ||
             cb_image_archive_images(s, &m, err);
    else
        rc = cb_image_archive_images(s, NULL, err);
    return rc ? cb_context(err, "%s", s->name) : 0;
}

static int none_for(const struct cb_image_source *s, struct cb_str arch, struct cb_error *err)
{
    CB_BUF_AUTO has = {0};
    for (size_t i = 0; i < s->images.n && has.n < 400; i++)
        cb_buf_addf(&has, "%s%.*s", i ? ", " : "", CB_STR_ARG(s->images.v[i].label));
    if (arch.n)
        cb_fail(err, CB_E_NOT_FOUND, "%s has no image for %.*s, but for %s", s->name, CB_STR_ARG(arch),
                has.n ? has.p : "nothing");
    else
        cb_fail(err, CB_E_USAGE, "%s has images for %s", s->name, has.n ? has.p : "nothing");
    return cb_hint(err, "--arch says which one");
}

int cb_image_source_pick(struct cb_image_source *s, struct cb_str arch, const struct cb_source_image **out,
                         struct cb_error *err)
{
    struct cb_platform want = cb_platform_of_arch(arch);
    if (cb_image_source_images(s, err))
        return -1;
    for (size_t i = 0; i < s->images.n; i++) {
        const struct cb_image_file *f = &s->images.v[i].file;
        bool fits = arch.n ? cb_str_eq(f->architecture, want.architecture) &&
                                 (!want.variant.n || !f->variant.n || cb_str_eq(f->variant, want.variant))
                           : s->images.n == 1;
        if (fits) {
            *out = &s->images.v[i];
            return 0;
        }
    }
    return none_for(s, arch, err);
}
