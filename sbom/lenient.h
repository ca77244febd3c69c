// JSON as Go's decoder takes it, made such that jansson takes it too.
#ifndef CB_SBOM_LENIENT_H
#define CB_SBOM_LENIENT_H

#include "cbuild/base/buf.h"

// Appends the text with what Go reads and jansson refuses replaced by what Go makes of it: bytes that are not UTF-8 and
// halves of surrogate pairs are U+FFFD, numbers (no field of an SPDX document is one) are small ones, and a key with
// U+0000 (no field's) has another character there. A malformed text stays malformed.
void cb_lenient_json(struct cb_str text, struct cb_buf *out);

#endif
