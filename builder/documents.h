// The SPDX documents of a build: one for each image, from its tree and packages, and one for the index.
#ifndef CB_BUILDER_DOCUMENTS_H
#define CB_BUILDER_DOCUMENTS_H

#include "arch_build.h"

// sbom-<arch>.spdx.json into a->document. The tree must still be there. CB_E_INPUT for a malformed etc/os-release, or a
// package's own document that the reference refuses, too.
int cb_document_of_image(struct cb_arch_build *a, struct cb_error *err);

// sbom-index.spdx.json.
int cb_document_of_index(const struct cb_build_options *o, const struct cb_index_image *idx, struct cb_created created,
                         struct cb_str vcs_url, struct cb_document *out, struct cb_error *err);

void cb_document_release(struct cb_document *d);

#endif
