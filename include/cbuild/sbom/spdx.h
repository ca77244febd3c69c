// SPDX 2.3 documents: one for each image, one for the index. Byte for byte the reference's but for the name of the
// tool. Source: apko pkg/sbom/generator/spdx; SPDX specification 2.3; the purl specification for locators.
#ifndef CB_SBOM_SPDX_H
#define CB_SBOM_SPDX_H

#include "cbuild/base/arena.h"
#include "cbuild/base/buf.h"

#define CB_SPDX_SOURCE_MAX (64u << 20) // bytes of a package's own document

// Of a layer of an image, or of an image of an index.
struct cb_spdx_part {
    struct cb_str digest;     // "sha256:..."
    struct cb_str media_type; // of a layer
    struct cb_str arch;       // of an image: the OCI platform's architecture
};

// All slices are borrowed until the document is written.
struct cb_spdx_subject {
    struct cb_str tool;    // the creator: "cbuild (0.1.0)"
    struct cb_str created; // RFC 3339
    struct cb_str os_id, os_name, os_version;
    struct cb_str name;               // last part of the repository's name; empty where there is none
    struct cb_str digest;             // of the image or the index
    struct cb_str arch;               // of an image: the OCI platform's architecture
    struct cb_str vcs_url;            // "url@commit"; empty: none
    const struct cb_spdx_part *parts; // layers of the image, images of the index
    size_t nparts;
};

struct cb_spdx;
void cb_spdx_free(struct cb_spdx *d);
void cb_spdx_free_p(struct cb_spdx **d);
#define CB_SPDX_AUTO __attribute__((cleanup(cb_spdx_free_p))) struct cb_spdx

// A document about an image (at least one layer), to which its packages' own documents are then added.
struct cb_spdx *cb_spdx_image(const struct cb_spdx_subject *s);

// Adds what a package's own document describes, with what that leads to. A text that is no SPDX JSON is passed over, as
// the reference does, with a notice. CB_E_INPUT: the document's relationships lead to elements that it does not have.
int cb_spdx_add_package(struct cb_spdx *d, struct cb_str text, struct cb_error *err);

// A document about an index (at least one image).
struct cb_spdx *cb_spdx_index(const struct cb_spdx_subject *s);

// Appends the document's text; packages that stand in it twice are written once.
void cb_spdx_write(struct cb_spdx *d, struct cb_buf *out);

#endif
