// The SPDX documents of a build: one for each image, from its tree and packages, and one for the index.
#ifndef CB_BUILDER_DOCUMENTS_H
#define CB_BUILDER_DOCUMENTS_H

#include "arch_build.h"
#include "cbuild/sbom/spdx.h"

// What an image's document is made of. Borrowed.
struct cb_document_facts {
    struct cb_tree *tree; // with the installed database, etc/os-release, and the packages' own documents
    const char *tool, *tag;
    struct cb_created created;
    struct cb_str digest, arch; // of the image; of its platform
    const struct cb_spdx_part *layers;
    size_t nlayers;
};

// The document's text. CB_E_INPUT for a malformed etc/os-release, or a package's own document that the reference
// refuses, too.
int cb_document_text(const struct cb_document_facts *f, struct cb_buf *out, struct cb_error *err);

// sbom-<arch>.spdx.json into a->document. The tree must still be there. Errors: those of cb_document_text.
int cb_document_of_image(struct cb_arch_build *a, struct cb_error *err);

// sbom-index.spdx.json.
int cb_document_of_index(const struct cb_build_options *o, const struct cb_index_image *idx, struct cb_created created,
                         struct cb_str vcs_url, struct cb_document *out, struct cb_error *err);

void cb_document_release(struct cb_document *d);

#endif
