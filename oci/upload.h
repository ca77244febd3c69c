// One blob into one repository.
#ifndef CB_OCI_UPLOAD_H
#define CB_OCI_UPLOAD_H

#include "remote.h"

struct cb_upload {
    struct cb_remote *remote;
    struct cb_digest digest;
    uint64_t size;
    struct cb_http_body body; // CB_BODY_MEMORY or CB_BODY_FILE, the whole blob
    bool mount_only;          // where it neither is there nor can be mounted, nothing is sent: CB_PUSH_UPLOADED
    const char *mount_from;   // another repository of the registry that has the blob; NULL: none
    void (*sent)(void *ctx, int64_t bytes);
    void *ctx;
    const atomic_bool *cancel;
};

// Sends it unless it is there; *event tells which.
int cb_upload_blob(const struct cb_upload *u, enum cb_push_event *event, struct cb_error *err);

// Whether a blob or manifest is there: 1 or 0, or -1.
int cb_remote_has_blob(struct cb_remote *m, const struct cb_digest *d, const atomic_bool *cancel, struct cb_error *err);

// PUT of a manifest under a tag or digest. *answer (zeroed by the caller, may be NULL) is the registry's.
int cb_remote_put_manifest(struct cb_remote *m, struct cb_str identifier, struct cb_str media_type, struct cb_str bytes,
                           const atomic_bool *cancel, struct cb_http_answer *answer, struct cb_error *err);

// HEAD of a manifest: 1 and its digest (empty where the registry does not say), 0 where there is none, or -1. A refusal
// (403) counts as none: some registries give it for what does not exist.
int cb_remote_has_manifest(struct cb_remote *m, struct cb_str identifier, struct cb_digest *digest,
                           const atomic_bool *cancel, struct cb_error *err);

#endif
