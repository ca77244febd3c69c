// Manifests and image indexes: reading them from untrusted bytes, and writing them byte for byte as the reference
// does (Go's encoding/json over go-containerregistry's structs).
//
// Reading is stricter than the reference where laxness is a hole: a document that has both "layers" and "manifests",
// whose mediaType is not what its place says, that has duplicate keys or keys that differ in case only, digests of
// another form, negative sizes, or more descriptors than the limit is refused (CB_E_INPUT or CB_E_LIMIT).
// Source: OCI image-spec manifest.md, image-index.md, descriptor.md.
#ifndef CB_OCI_MANIFEST_H
#define CB_OCI_MANIFEST_H

#include "cbuild/base/arena.h"
#include "cbuild/oci/digest.h"

#define CB_MEDIA_OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define CB_MEDIA_OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define CB_MEDIA_OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define CB_MEDIA_OCI_LAYER "application/vnd.oci.image.layer.v1.tar+gzip"
#define CB_MEDIA_OCI_LAYER_TAR "application/vnd.oci.image.layer.v1.tar"
#define CB_MEDIA_OCI_LAYER_ZSTD "application/vnd.oci.image.layer.v1.tar+zstd"
#define CB_MEDIA_EROFS_LAYER "application/vnd.erofs"
#define CB_MEDIA_DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define CB_MEDIA_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define CB_MEDIA_DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"
#define CB_MEDIA_DOCKER_LAYER "application/vnd.docker.image.rootfs.diff.tar.gzip"

#define CB_MANIFEST_MAX (4u << 20)     // bytes of a manifest or index; what registries commonly allow
#define CB_IMAGE_CONFIG_MAX (8u << 20) // bytes of an image's configuration
#define CB_DESCRIPTORS_MAX 4096u       // of one manifest or index
#define CB_BLOB_MAX (1ull << 40)       // bytes a descriptor may claim

// A map from strings to strings, in any order; written sorted by key. Duplicate keys: the last one counts.
struct cb_string_pair {
    struct cb_str key, value;
};
struct cb_string_map {
    struct cb_string_pair *v;
    size_t n, cap;
};

struct cb_platform {
    struct cb_str architecture, os, os_version, variant;
    struct cb_strs os_features, features;
};

struct cb_descriptor {
    struct cb_str media_type, artifact_type;
    uint64_t size; // bytes
    struct cb_digest digest;
    struct cb_str data; // decoded; p is NULL where there is none
    struct cb_strs urls;
    struct cb_string_map annotations;
    const struct cb_platform *platform; // NULL where there is none
};

struct cb_manifest {
    int64_t schema_version;
    struct cb_str media_type, artifact_type;
    struct cb_descriptor config;
    struct cb_descriptor *layers;
    size_t nlayers;
    struct cb_string_map annotations;
    const struct cb_descriptor *subject;
};

struct cb_index_manifest {
    int64_t schema_version;
    struct cb_str media_type, artifact_type;
    struct cb_descriptor *manifests;
    size_t nmanifests;
    struct cb_string_map annotations;
    const struct cb_descriptor *subject;
};

// `media_type` is what the document was announced as (descriptor, Content-Type), or empty where nothing did. Everything
// lives in *a (list vectors included: nothing to release). `bytes` need not outlive the call.
int cb_manifest_parse(struct cb_arena *a, struct cb_str bytes, struct cb_str media_type, struct cb_manifest *out,
                      struct cb_error *err);
int cb_index_manifest_parse(struct cb_arena *a, struct cb_str bytes, struct cb_str media_type,
                            struct cb_index_manifest *out, struct cb_error *err);

void cb_manifest_write(struct cb_buf *out, const struct cb_manifest *m);
void cb_index_manifest_write(struct cb_buf *out, const struct cb_index_manifest *m);

bool cb_media_type_is_image(struct cb_str media_type); // OCI manifest or Docker schema 2
bool cb_media_type_is_index(struct cb_str media_type); // OCI index or Docker manifest list

// In the arena's memory; setting a key that exists replaces its value.
void cb_string_map_set(struct cb_arena *a, struct cb_string_map *m, struct cb_str key, struct cb_str value);
struct cb_str cb_string_map_get(const struct cb_string_map *m, struct cb_str key); // p == NULL where absent

#endif
