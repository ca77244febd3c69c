// An image wherever it is: in a registry, an OCI layout, an archive, or Docker's daemon.
//
// Names are skopeo's: docker://REF, oci:FOLDER[:NAME], oci-archive:FILE[:NAME], docker-archive:FILE[:NAME],
// docker-daemon:REF. Without such a prefix, a folder is a layout, a file is an archive (which kind is found out), what
// begins with "/", "./" or "../" is a path that does not exist, and all else is a reference to a registry.
// "FOLDER@sha256:..." names one manifest of a layout or archive.
//
// Nothing is believed: whatever has a digest is held against it before it is given out, sizes are bounded before
// anything is read, and what a registry or the daemon sends is spooled into unnamed files, not into memory.
// Source: containers-transports(5); OCI image-spec image-layout.md; docker save.
#ifndef CB_OCI_IMAGE_SOURCE_H
#define CB_OCI_IMAGE_SOURCE_H

#include "cbuild/oci/docker_daemon.h"
#include "cbuild/oci/layout.h"
#include "cbuild/oci/registry.h"

#define CB_SOURCE_IMAGES_MAX 4096u // of one source
#define CB_SOURCE_NESTING_MAX 4u   // indexes within indexes
#define CB_REF_NAME "org.opencontainers.image.ref.name"

enum cb_image_place {
    CB_PLACE_REGISTRY,
    CB_PLACE_LAYOUT,
    CB_PLACE_ARCHIVE,        // whichever kind it turns out to be
    CB_PLACE_OCI_ARCHIVE,    // a layout in a tar
    CB_PLACE_DOCKER_ARCHIVE, // as "docker save" writes it
    CB_PLACE_DAEMON,
    CB_PLACE_BUILT, // what was just built, and is not written anywhere
};

struct cb_image_name {
    enum cb_image_place place;
    struct cb_str where;  // the path, or the reference
    struct cb_str select; // which of a layout's or archive's images: its name, or "sha256:..."; empty: the only one
};

// What a word means, by its prefix and by what is there. Slices are the word's own.
struct cb_image_name cb_image_name_parse(struct cb_str word);

// The same of a word that says where an image goes to: there a path need not exist.
struct cb_image_name cb_image_target_parse(struct cb_str word);

// What sources are reached by. Borrowed; registry and http may be NULL where only files are meant.
struct cb_image_access {
    struct cb_registry *registry;
    struct cb_http *http; // for the daemon
    const struct cb_docker_env *docker;
};

struct cb_image_archive; // the members of an archive

struct cb_source_layer {
    struct cb_descriptor descriptor; // digest unset where nothing names it (docker archives without manifests)
    struct cb_digest diff_id;
    uint64_t at; // in an archive without digests: where the bytes are
};

struct cb_source_image {
    struct cb_str label;             // "linux/arm64"
    struct cb_descriptor descriptor; // of the manifest; digest unset where there is none
    struct cb_str manifest;          // empty where there is none
    struct cb_str config;
    struct cb_image_file file;
    struct cb_source_layer *layers;
    size_t nlayers;
};

// Owns what it points to through its arena and its handles.
struct cb_image_source {
    struct cb_arena arena;
    const char *name; // as given, for messages
    enum cb_image_place place;
    struct cb_registry *registry;
    struct cb_reference ref; // of a registry
    struct cb_layout layout;
    struct cb_image_archive *archive;
    const struct cb_index_image *built; // borrowed
    struct cb_descriptor root;          // of the manifest or index; digest unset where there is none
    struct cb_str root_bytes;
    struct cb_index_manifest top; // of a layout or archive: what its index.json lists
    struct {
        struct cb_source_image *v;
        size_t n, cap;
    } images; // filled by cb_image_source_images
};

// Opens what `word` names, and reads its root. CB_E_NOT_FOUND where nothing is there; CB_E_TRUST where bytes are not
// those of their digest.
int cb_image_source_open(struct cb_image_source *s, const char *word, const struct cb_image_access *access,
                         struct cb_error *err);
void cb_image_source_close(struct cb_image_source *s);

// The images of a build as a source; idx and name are borrowed.
void cb_image_source_built(struct cb_image_source *s, const struct cb_index_image *idx, const char *name);
#define CB_IMAGE_SOURCE_AUTO __attribute__((cleanup(cb_image_source_close))) struct cb_image_source

// A manifest or index, verified, in *a.
int cb_image_source_document(struct cb_image_source *s, const struct cb_descriptor *d, struct cb_arena *a,
                             struct cb_str *bytes, struct cb_error *err);

// A small blob, verified, appended to *b.
int cb_image_source_read_blob(struct cb_image_source *s, const struct cb_descriptor *d, size_t limit, struct cb_buf *b,
                              struct cb_error *err);

// All images below the root, in the order of the index, into s->images. What is no image (an attestation of BuildKit's
// with platform unknown/unknown) is left out. Once only; calling it again does nothing.
int cb_image_source_images(struct cb_image_source *s, struct cb_error *err);

// The image for an architecture ("amd64", "arm/v7"); the only one whatever it is where arch is empty. CB_E_NOT_FOUND
// names those that are there.
int cb_image_source_pick(struct cb_image_source *s, struct cb_str arch, const struct cb_source_image **out,
                         struct cb_error *err);

// Bytes of a blob or layer, as a part of a file: read with pread, from any thread. Close when done.
struct cb_blob_file {
    int fd;
    uint64_t at, size;
    bool verified; // the bytes were held against their digest already
};
int cb_image_source_open_blob(struct cb_image_source *s, const struct cb_descriptor *d, struct cb_blob_file *out,
                              struct cb_error *err);
int cb_image_source_open_layer(struct cb_image_source *s, const struct cb_source_layer *l, struct cb_blob_file *out,
                               struct cb_error *err);

// What is kept beside an image: under a tag (1 and its descriptor and bytes, or 0), and what names a digest as its
// subject: the referrers API, the fallback tag, or the other manifests of a layout. Everything lives in *a.
int cb_image_source_tagged(struct cb_image_source *s, struct cb_str tag, struct cb_arena *a, struct cb_descriptor *d,
                           struct cb_str *bytes, struct cb_error *err);
int cb_image_source_referrers(struct cb_image_source *s, const struct cb_digest *subject, struct cb_arena *a,
                              struct cb_index_manifest *out, struct cb_error *err);

// Whether a name is that of a tag under which something is kept beside an image: "sha256-<hex>", "sha256-<hex>.sig".
bool cb_is_attached_name(struct cb_str name);

// Whether a descriptor says that it leads to something else than an image. (The type of an image's config is what
// go-containerregistry writes as an image's artifactType.)
bool cb_is_artifact(const struct cb_descriptor *d);

// Whether an index.json is itself an image's index, as apko writes it; else it lists images, by name.
bool cb_index_is_image(const struct cb_index_manifest *m);

// "os/architecture/variant", in *a.
struct cb_str cb_image_label(struct cb_arena *a, const struct cb_image_file *f);

#endif
