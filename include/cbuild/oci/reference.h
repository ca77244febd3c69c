// Image references: "registry/repository:tag" and "registry/repository@sha256:...".
//
// What is accepted, and what it means, is as go-containerregistry's pkg/name has it with weak validation, as the
// reference calls it: no registry is index.docker.io, "docker.io" is rewritten to that, no tag is "latest", a bare name
// on index.docker.io is under "library/". A first part is a registry where it is "localhost" or has a '.' or ':'.
#ifndef CB_OCI_REFERENCE_H
#define CB_OCI_REFERENCE_H

#include "cbuild/base/arena.h"

#define CB_DEFAULT_REGISTRY "index.docker.io"
#define CB_DEFAULT_TAG "latest"
#define CB_REFERENCE_MAX 4096u // bytes; longer input is CB_E_LIMIT

// Slices live in the arena given to the parser.
struct cb_reference {
    struct cb_str original;   // as given
    struct cb_str registry;   // host[:port]
    struct cb_str repository; // as a path on the registry, "library/" included
    struct cb_str tag;        // empty where a digest is given
    struct cb_str digest;     // "sha256:..."; empty where there is none
};

// A tag or a digest reference, whichever it is. Everything malformed is CB_E_USAGE, and the message says which part.
int cb_reference_parse(struct cb_arena *a, struct cb_str s, struct cb_reference *out, struct cb_error *err);

// A tag reference only: "@" is not allowed (name.NewTag).
int cb_reference_parse_tag(struct cb_arena *a, struct cb_str s, struct cb_reference *out, struct cb_error *err);

// A digest reference only (name.NewDigest); a tag beside the digest is allowed and dropped.
int cb_reference_parse_digest(struct cb_arena *a, struct cb_str s, struct cb_reference *out, struct cb_error *err);

// "registry/repository" only (name.NewRepository); tag and digest stay empty.
int cb_reference_parse_repository(struct cb_arena *a, struct cb_str s, struct cb_reference *out, struct cb_error *err);

// A registry alone: host[:port] (name.NewRegistry); an empty one is index.docker.io. CB_E_USAGE for what is none.
int cb_registry_parse(struct cb_arena *a, struct cb_str s, struct cb_str *out, struct cb_error *err);

struct cb_str cb_reference_repository(struct cb_arena *a, const struct cb_reference *r); // registry/repository
struct cb_str cb_reference_name(struct cb_arena *a, const struct cb_reference *r);       // fully qualified
struct cb_str cb_reference_identifier(const struct cb_reference *r);                     // the tag, or the digest

// The same repository with another tag or digest. The slices given must live as long as the result is used.
struct cb_reference cb_reference_with_tag(struct cb_arena *a, const struct cb_reference *r, struct cb_str tag);
struct cb_reference cb_reference_with_digest(struct cb_arena *a, const struct cb_reference *r, struct cb_str digest);

// "http" for localhost:port, *.localhost, loopback and RFC 1918 addresses, "https" for everything else.
const char *cb_registry_scheme(struct cb_str registry);

#endif
