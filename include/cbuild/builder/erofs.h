// The EROFS images behind what a user names: one image file, or the layers of an image in an OCI layout.
// Source: apko pkg/erofsmount/source.go, oci.go, openlayers.go.
#ifndef CB_BUILDER_EROFS_H
#define CB_BUILDER_EROFS_H

#include "cbuild/base/vec.h"
#include "cbuild/oci/digest.h"

struct cb_erofs_layer {
    char *path;              // absolute; owned
    int fd;                  // open for reading
    uint64_t size;           // bytes
    struct cb_digest digest; // "" for an image file
};

struct cb_erofs_layers { // zero-initialise to start
    bool is_image;       // of an OCI layout
    struct cb_erofs_layer *v;
    size_t n, cap; // lowest first
};

// Opens what source names:
//   PATH                       an EROFS image (a file), or an OCI layout (a folder with an oci-layout file)
//   PATH:TAG                   where there is no PATH with that very name: a layout, and in it the image whose
//                              org.opencontainers.image.ref.name is TAG
//   erofs:PATH                 an EROFS image
//   oci:PATH[:TAG], oci-dir:PATH[:TAG]   a layout
// arch picks among the images of an index: an architecture's name, "" or "host" for this machine's. Layers were held
// against their digests. CB_E_NOT_FOUND: no such file, tag or architecture. CB_E_INPUT: neither an image file nor a
// layout; several images fit; the image has layers that are not EROFS. CB_E_UNSUPPORTED: layers that are compressed, or
// that are no layers of an overlay. Otherwise the errors of the layout.
int cb_erofs_layers_open(struct cb_erofs_layers *l, const char *source, struct cb_str arch, struct cb_error *err);
void cb_erofs_layers_release(struct cb_erofs_layers *l);

#endif
