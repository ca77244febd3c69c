// Registries: pushing images and reading them back, by the OCI distribution protocol as go-containerregistry speaks it
// (pkg/v1/remote).
//
// Credentials: a registry's are sent to that registry, as Basic or as the Bearer token that they were exchanged for,
// and to the token server that its challenge names (the realm), if that is reached by https (http only where the
// registry itself is) and is not a literal loopback, private, link-local or unspecified address other than the
// registry's own. Uploads may be sent to another host when the registry says so (Location), without credentials and
// under the same rule.
//
// Failures: every request is tried again as cb_http_send does; an upload that was cut goes on from where the registry
// says it stopped, or begins anew. Where nothing succeeds any more, push ends as an error within a minute; only a
// registry that has taken a whole blob gets three minutes to say so, as those over object stores copy it first.
//
// A client may be used by several threads at once. Requests run in the calling thread, but for the uploads of
// cb_registry_push, which run in threads of its own.
// Source: OCI distribution-spec v1.1; go-containerregistry v0.21.9.
#ifndef CB_OCI_REGISTRY_H
#define CB_OCI_REGISTRY_H

#include "cbuild/net/http.h"
#include "cbuild/oci/credentials.h"
#include "cbuild/oci/index.h"

#define CB_REGISTRY_JOBS 4u // uploads at a time, as the reference

struct cb_registry;

// http and env are borrowed and must outlive it.
struct cb_registry *cb_registry_new(struct cb_http *http, const struct cb_credentials_env *env);
void cb_registry_free(struct cb_registry *r);

enum cb_push_event {
    CB_PUSH_UPLOADED, // the blob was sent
    CB_PUSH_EXISTING, // the blob or manifest was there
    CB_PUSH_MOUNTED,  // taken over from another repository of the registry
    CB_PUSH_MANIFEST, // a manifest or index was written under its digest
    CB_PUSH_TAGGED,   // a tag was written
};

struct cb_push_options {
    unsigned jobs; // 0: CB_REGISTRY_JOBS
    // Repositories ("registry/repository") to mount blobs from where the registry is the same; may be empty. Besides
    // them, a push to several repositories of a registry mounts from the first.
    const struct cb_reference *mount_from;
    size_t nmount_from;
    // Progress; both may be NULL, called from several threads, one at a time. `what` is a digest, or a whole reference
    // for CB_PUSH_TAGGED. bytes is negative when an attempt is taken back.
    void (*event)(void *ctx, enum cb_push_event event, const char *what, uint64_t size);
    void (*sent)(void *ctx, int64_t bytes);
    void *ctx;
};

// Pushes an index with its images to every reference: blobs first, then the manifests of the images, then the index
// under its digest, and the tags last, when all that they lead to is in place in every repository. What a registry
// already has is not sent again. Layers are read from their path or fd. References with a digest must name the index's.
//   CB_E_AUTH     the registry or its token server refused the credentials
//   CB_E_TRUST    a realm or Location that credentials or contents must not go to
//   CB_E_NETWORK  anything else that a registry did
int cb_registry_push(struct cb_registry *r, const struct cb_index_image *idx, const struct cb_reference *refs, size_t n,
                     const struct cb_push_options *options, struct cb_error *err);

// One blob of a repository: from memory where `bytes` is not NULL, else the layer's file. Nothing is sent if it exists.
int cb_registry_put_blob(struct cb_registry *r, const struct cb_reference *repository, const struct cb_layer_blob *blob,
                         const struct cb_str *bytes, struct cb_error *err);

// Whether a blob is there, or could be mounted from another repository of the registry (its path; NULL: none): 1 or 0,
// or -1.
int cb_registry_has_blob(struct cb_registry *r, const struct cb_reference *repository, const struct cb_descriptor *d,
                         const char *mount_from, struct cb_error *err);

// One manifest under the reference's tag or digest; what it names must be there. Where it has a subject and the
// registry does not keep referrers itself (no OCI-Subject header), the index under the fallback tag is updated.
int cb_registry_put_manifest(struct cb_registry *r, const struct cb_reference *ref, struct cb_str media_type,
                             struct cb_str bytes, struct cb_error *err);

// What a reference stands for, without its contents (HEAD). CB_E_NOT_FOUND where there is nothing. Slices live in *a.
int cb_registry_head(struct cb_registry *r, struct cb_arena *a, const struct cb_reference *ref,
                     struct cb_descriptor *out, struct cb_error *err);

// A manifest or index: its bytes and their descriptor (digest of the very bytes; media_type from the Content-Type).
// CB_E_TRUST where the reference or the answer's Docker-Content-Digest names another digest; CB_E_LIMIT above
// CB_MANIFEST_MAX.
int cb_registry_get_manifest(struct cb_registry *r, struct cb_arena *a, const struct cb_reference *ref,
                             struct cb_descriptor *descriptor, struct cb_str *bytes, struct cb_error *err);

// A blob into a sink. It is verified while it streams: CB_E_TRUST at the end if size or digest differ, so act on what
// the sink was given only after success. restart as in cb_http_request (NULL allowed). urls of the descriptor are
// ignored: contents come from the registry or not at all.
int cb_registry_get_blob(struct cb_registry *r, const struct cb_reference *repository, const struct cb_descriptor *d,
                         struct cb_sink *sink, int (*restart)(void *ctx, struct cb_error *err), void *ctx,
                         struct cb_error *err);

// A small blob, appended to *b; a descriptor above limit is CB_E_LIMIT.
int cb_registry_read_blob(struct cb_registry *r, const struct cb_reference *repository, const struct cb_descriptor *d,
                          size_t limit, struct cb_buf *b, struct cb_error *err);

// What refers to a digest: the referrers API, else the index under the fallback tag "sha256-<hex>", else an empty list.
// artifact_type filters where it is not empty.
int cb_registry_referrers(struct cb_registry *r, struct cb_arena *a, const struct cb_reference *digest,
                          struct cb_str artifact_type, struct cb_index_manifest *out, struct cb_error *err);

#endif
