#include "cbuild/oci/manifest.h"

#include "cbuild/base/vec.h"
#include "json_table.h"

#define N(array) (sizeof(array) / sizeof *(array))

#define AT(type, member) offsetof(struct type, member)

// Keys stand in the order of go-containerregistry's structs, which is the order in which they are written.

static const struct cb_json_field platform_fields[] = {
    {"architecture", CB_FIELD_STR, false, AT(cb_platform, architecture), NULL},
    {"os", CB_FIELD_STR, false, AT(cb_platform, os), NULL},
    {"os.version", CB_FIELD_STR, true, AT(cb_platform, os_version), NULL},
    {"os.features", CB_FIELD_STRS, true, AT(cb_platform, os_features), NULL},
    {"variant", CB_FIELD_STR, true, AT(cb_platform, variant), NULL},
    {"features", CB_FIELD_STRS, true, AT(cb_platform, features), NULL},
};
static const struct cb_json_table platform_table = {platform_fields, N(platform_fields), sizeof(struct cb_platform)};

static const struct cb_json_field descriptor_fields[] = {
    {"mediaType", CB_FIELD_STR, false, AT(cb_descriptor, media_type), NULL},
    {"size", CB_FIELD_SIZE, false, AT(cb_descriptor, size), NULL},
    {"digest", CB_FIELD_DIGEST, false, AT(cb_descriptor, digest), NULL},
    {"data", CB_FIELD_DATA, true, AT(cb_descriptor, data), NULL},
    {"urls", CB_FIELD_STRS, true, AT(cb_descriptor, urls), NULL},
    {"annotations", CB_FIELD_MAP, true, AT(cb_descriptor, annotations), NULL},
    {"platform", CB_FIELD_PTR, true, AT(cb_descriptor, platform), &platform_table},
    {"artifactType", CB_FIELD_STR, true, AT(cb_descriptor, artifact_type), NULL},
};
const struct cb_json_table cb_descriptor_table = {descriptor_fields, N(descriptor_fields),
                                                  sizeof(struct cb_descriptor)};

static const struct cb_json_field manifest_fields[] = {
    {"schemaVersion", CB_FIELD_INT, false, AT(cb_manifest, schema_version), NULL},
    {"mediaType", CB_FIELD_STR, true, AT(cb_manifest, media_type), NULL},
    {"config", CB_FIELD_STRUCT, false, AT(cb_manifest, config), &cb_descriptor_table},
    {"layers", CB_FIELD_LIST, false, AT(cb_manifest, layers), &cb_descriptor_table},
    {"annotations", CB_FIELD_MAP, true, AT(cb_manifest, annotations), NULL},
    {"subject", CB_FIELD_PTR, true, AT(cb_manifest, subject), &cb_descriptor_table},
    {"artifactType", CB_FIELD_STR, true, AT(cb_manifest, artifact_type), NULL},
};
static const struct cb_json_table manifest_table = {manifest_fields, N(manifest_fields), sizeof(struct cb_manifest)};

static const struct cb_json_field index_fields[] = {
    {"schemaVersion", CB_FIELD_INT, false, AT(cb_index_manifest, schema_version), NULL},
    {"mediaType", CB_FIELD_STR, true, AT(cb_index_manifest, media_type), NULL},
    {"manifests", CB_FIELD_LIST, false, AT(cb_index_manifest, manifests), &cb_descriptor_table},
    {"annotations", CB_FIELD_MAP, true, AT(cb_index_manifest, annotations), NULL},
    {"subject", CB_FIELD_PTR, true, AT(cb_index_manifest, subject), &cb_descriptor_table},
    {"artifactType", CB_FIELD_STR, true, AT(cb_index_manifest, artifact_type), NULL},
};
static const struct cb_json_table index_table = {index_fields, N(index_fields), sizeof(struct cb_index_manifest)};

bool cb_media_type_is_image(struct cb_str media_type)
{
    return cb_str_is(media_type, CB_MEDIA_OCI_MANIFEST) || cb_str_is(media_type, CB_MEDIA_DOCKER_MANIFEST);
}

bool cb_media_type_is_index(struct cb_str media_type)
{
    return cb_str_is(media_type, CB_MEDIA_OCI_INDEX) || cb_str_is(media_type, CB_MEDIA_DOCKER_LIST);
}

// One document must not be a manifest to one reader and an index to another.
static int check_shape(json_t *root, const char *const *foreign, struct cb_error *err)
{
    for (; *foreign; foreign++)
        if (cb_table_key_like(root, *foreign))
            return cb_fail(err, CB_E_INPUT, "it has \"%s\": it could be read as a document of another kind", *foreign);
    return 0;
}

static int check_media_type(struct cb_str found, struct cb_str announced, bool (*fits)(struct cb_str), const char *kind,
                            struct cb_error *err)
{
    if (found.n > 0 && announced.n > 0 && !cb_str_eq(found, announced))
        return cb_fail(err, CB_E_INPUT, "it was announced as %.*s, but its mediaType is %.*s", CB_STR_ARG(announced),
                       CB_STR_ARG(found));
    if (found.n > 0 && !fits(found))
        return cb_fail(err, CB_E_INPUT, "its mediaType %.*s is not that of an %s", CB_STR_ARG(found), kind);
    if (found.n == 0 && announced.n > 0 && !fits(announced))
        return cb_fail(err, CB_E_INPUT, "%.*s is not the media type of an %s", CB_STR_ARG(announced), kind);
    return 0;
}

static int check_version(int64_t version, struct cb_error *err)
{
    if (version != 2)
        return cb_fail(err, CB_E_INPUT, "schemaVersion is %lld, expected 2", (long long)version);
    return 0;
}

static int decode_document(struct cb_arena *a, struct cb_str bytes, const struct cb_json_table *table,
                           const char *const *foreign, void *out, struct cb_error *err)
{
    json_t *root = cb_table_load(bytes, CB_MANIFEST_MAX, err);
    int result;

    if (!root)
        return -1;
    result = cb_table_decode(a, root, table, out, err);
    if (result == 0)
        result = check_shape(root, foreign, err);
    json_decref(root);
    return result;
}

int cb_manifest_parse(struct cb_arena *a, struct cb_str bytes, struct cb_str media_type, struct cb_manifest *out,
                      struct cb_error *err)
{
    static const char *const foreign[] = {"manifests", NULL};

    if (decode_document(a, bytes, &manifest_table, foreign, out, err) < 0 ||
        check_version(out->schema_version, err) < 0 ||
        check_media_type(out->media_type, media_type, cb_media_type_is_image, "image manifest", err) < 0)
        return -1;
    if (!cb_digest_is_set(&out->config.digest))
        return cb_fail(err, CB_E_INPUT, "it names no config");
    for (size_t i = 0; i < out->nlayers; i++)
        if (!cb_digest_is_set(&out->layers[i].digest))
            return cb_fail(err, CB_E_INPUT, "layer %zu has no digest", i);
    return 0;
}

int cb_index_manifest_parse(struct cb_arena *a, struct cb_str bytes, struct cb_str media_type,
                            struct cb_index_manifest *out, struct cb_error *err)
{
    static const char *const foreign[] = {"layers", "config", NULL};

    if (decode_document(a, bytes, &index_table, foreign, out, err) < 0 || check_version(out->schema_version, err) < 0 ||
        check_media_type(out->media_type, media_type, cb_media_type_is_index, "image index", err) < 0)
        return -1;
    for (size_t i = 0; i < out->nmanifests; i++)
        if (!cb_digest_is_set(&out->manifests[i].digest))
            return cb_fail(err, CB_E_INPUT, "manifest %zu has no digest", i);
    return 0;
}

// These tables have no times, the one thing that cannot be written.
static void write_document(struct cb_buf *out, const struct cb_json_table *table, const void *object)
{
    struct cb_json j = cb_json(out, NULL, NULL);
    CB_ERROR_AUTO none = CB_ERROR_INIT;

    cb_table_encode(&j, table, object, &none);
}

void cb_manifest_write(struct cb_buf *out, const struct cb_manifest *m)
{
    write_document(out, &manifest_table, m);
}

void cb_index_manifest_write(struct cb_buf *out, const struct cb_index_manifest *m)
{
    write_document(out, &index_table, m);
}

void cb_string_map_set(struct cb_arena *a, struct cb_string_map *m, struct cb_str key, struct cb_str value)
{
    for (size_t i = 0; i < m->n; i++) {
        if (cb_str_eq(m->v[i].key, key)) {
            m->v[i].value = value;
            return;
        }
    }
    if (m->n == m->cap) {
        size_t cap = m->cap ? m->cap * 2 : 8;
        struct cb_string_pair *v = cb_arena_alloc(a, cap * sizeof *v);
        if (m->n)
            memcpy(v, m->v, m->n * sizeof *v);
        m->v = v;
        m->cap = cap;
    }
    m->v[m->n++] = (struct cb_string_pair){key, value};
}

struct cb_str cb_string_map_get(const struct cb_string_map *m, struct cb_str key)
{
    for (size_t i = m->n; i-- > 0;)
        if (cb_str_eq(m->v[i].key, key))
            return m->v[i].value.p ? m->v[i].value : CB_STR("");
    return (struct cb_str){NULL, 0};
}
