// One image on its way to one or more registries, for publish and publish-all.
#ifndef CB_CLI_PUBLISH_H
#define CB_CLI_PUBLISH_H

#include "build_flags.h"
#include "cbuild/oci/registry.h"
#include "sign_flags.h"

struct cb_publication { // zero-initialise to start
    struct cb_session *session;
    const struct cb_attacher *attacher; // where --attest was given; filled
    struct cb_arena arena;
    struct cb_reference *refs;
    struct cb_strs tags;
};

// Its tags, which are borrowed. CB_E_USAGE for a malformed one.
int cb_publication_set_tags(struct cb_publication *p, const struct cb_str *tags, size_t n, struct cb_error *err);
void cb_publication_release(struct cb_publication *p);

// Credentials that cannot be read, and files that cannot be written, are told before the work, not after it. The
// session is open.
int cb_publication_check(const struct cb_publication *p, struct cb_error *err);
int cb_check_image_refs(struct cb_error *err);

// Checks the flags that say how to attest and, with --attest, fills *a.
int cb_check_attesting(struct cb_attacher *a, const struct cb_session *s, struct cb_error *err);

// Sends it: through the registry client, or into the local Docker daemon where that was asked for. The line to print
// goes to *out (the reference of the index by its digest, or the name under which it was loaded, and a line break); the
// references of all that was published, a line each, to *refs: the images' in the order of the index, then the index's.
int cb_publish(const struct cb_publication *p, struct cb_registry *r, const struct cb_build *b, struct cb_buf *out,
               struct cb_buf *refs, struct cb_error *err);

#endif
