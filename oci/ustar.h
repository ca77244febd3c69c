// Just enough of tar to write a docker archive: regular files with short names, as Go's archive/tar writes them from a
// header with a name, a size and mode 0644.
#ifndef OCI_USTAR_H
#define OCI_USTAR_H

#include "cbuild/base/stream.h"

#define USTAR_BLOCK 512u
#define USTAR_NAME_MAX 100u

// name has at most USTAR_NAME_MAX bytes. A size of 8 GiB or more is told in a pax header, as Go tells it.
int cb_ustar_header(struct cb_sink *out, const char *name, uint64_t size, struct cb_error *err);
int cb_ustar_pad(struct cb_sink *out, uint64_t size, struct cb_error *err); // after size bytes of a member
int cb_ustar_end(struct cb_sink *out, struct cb_error *err);

#endif
