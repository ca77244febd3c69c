// publish --attest.
#ifndef CB_CLI_PUBLISH_ATTEST_H
#define CB_CLI_PUBLISH_ATTEST_H

#include "cbuild/builder/build.h"
#include "sign_flags.h"

// Attests what a build has made, once it was pushed to these references: of each image and of the index the stored
// configuration and, where there is one, the SPDX document.
int cb_publish_attest(struct cb_registry *r, const struct cb_build *b, const struct cb_reference *refs, size_t n,
                      const struct cb_attach_options *o, struct cb_error *err);

#endif
