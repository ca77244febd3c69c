// One image: its layers, its configuration and its manifest; and how the reference makes the last two from the first
// and the image configuration.
// Source: apko pkg/build/oci/image.go.
#ifndef CB_OCI_IMAGE_H
#define CB_OCI_IMAGE_H

#include "cbuild/oci/image_config.h"

// A layer and where its bytes are. Contents stay in their file and stream from there.
struct cb_layer_blob {
    struct cb_descriptor descriptor; // media_type, digest and size of the bytes as stored; annotations
    struct cb_digest diff_id;        // of the uncompressed archive
    const char *path;                // the file that holds exactly the bytes; NULL where fd is it
    bool has_fd;                     // fd is used, with pread from offset 0; borrowed, must outlive the use
    int fd;
    // path == NULL and no fd: the bytes are elsewhere, such as in a registry
    bool trusted; // this process hashed the bytes as it wrote them: copied without hashing them again
};

// A descriptor of one's own to read [0, descriptor.size) from with pread; -1 on failure. CB_E_INPUT where the file's
// size is not the descriptor's.
int cb_layer_blob_open(const struct cb_layer_blob *l, struct cb_error *err);

// Owns what it points to through its arena, but for layers' descriptors (fd). Zero-initialise to start.
struct cb_image {
    struct cb_arena arena;
    struct cb_str arch; // as the image configuration names it: "amd64", "arm/v7"; of a read image, from its config
    struct cb_platform platform;
    struct cb_str media_type; // of the manifest
    struct cb_str config;     // the bytes
    struct cb_str manifest;   // the bytes
    struct cb_digest config_digest;
    struct cb_digest digest;      // of the manifest
    struct cb_layer_blob *layers; // lowest first
    size_t nlayers;
    struct cb_image_file file; // what config says
    struct cb_manifest parsed; // what manifest says
};

void cb_image_release(struct cb_image *img);

// What the image configuration and the build say about an image. All slices are borrowed for the call.
struct cb_image_params {
    struct cb_str arch;               // OCI name: "amd64", "arm64", "arm/v6", "arm/v7", "386", ...
    struct cb_created created;        // the build date epoch of this architecture
    struct cb_string_map annotations; // also become the config's labels
    struct cb_string_map environment; // PATH and SSL_CERT_FILE are added where missing
    // URL@revision for the source and revision annotations. The reference does not put it on images (its merge drops
    // the field), only on indexes: leave it empty to equal it.
    struct cb_str vcs_url;
    struct cb_str entrypoint_shell;   // shell-fragment; wins over the command
    struct cb_str entrypoint_command; // split as a shell would
    struct cb_str cmd;                // split as a shell would
    struct cb_str work_dir, user, stop_signal;
    struct cb_strs volumes;
    bool erofs;                  // adds "erofs" to os.features
    const struct cb_image *base; // the base image below, or NULL
};

// Layers are copied into the image's arena (their descriptors' slices too), after those of the base.
// CB_E_CONFIG for an entrypoint or cmd that cannot be split, or a time that cannot be written.
int cb_image_build(struct cb_image *out, const struct cb_image_params *p, const struct cb_layer_blob *layers, size_t n,
                   struct cb_error *err);

// An image from the bytes of its manifest and config, both of them already verified against their digests. Layers have
// neither path nor fd. CB_E_INPUT where the config's diff IDs and the manifest's layers differ in number.
int cb_image_parse(struct cb_image *out, struct cb_str manifest, struct cb_str media_type, struct cb_str config,
                   struct cb_error *err);

// The OCI platform of an architecture's OCI name: "arm/v7" is arm with variant v7. os is "linux".
struct cb_platform cb_platform_of_arch(struct cb_str arch);

#endif
