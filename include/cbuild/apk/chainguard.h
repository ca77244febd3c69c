// Credentials for Chainguard's apk repositories, found as the reference finds them: an identity assumed with a
// Kubernetes or Google token, else whatever `chainctl` says.
// Source: apko pkg/apk/auth.
#ifndef CB_APK_CHAINGUARD_H
#define CB_APK_CHAINGUARD_H

#include "cbuild/net/http.h"

// What the environment says; any may be NULL or "". Borrowed.
struct cb_chainguard_env {
    const char *identity;       // CHAINGUARD_IDENTITY
    const char *k8s_token_path; // K8S_TOKEN_PATH
    const char *metadata_host; // GCE_METADATA_HOST; where it is empty, asked only on a machine that says it is Google's
    const char *apk_host;      // APKO_APK_HOST: whom chainctl is asked for, instead of apk.cgr.dev
    const char *path, *home;   // for chainctl
    char *const *environ;      // the same
    bool interactive;          // chainctl may talk to the user on stderr, and take five minutes instead of 30 s
};

// For struct cb_http_keychain; ctx is a struct cb_chainguard_env. CB_E_AUTH where an identity is given and cannot be
// assumed, and chainctl has nothing either; a chainctl that fails is no error by itself.
int cb_chainguard_lookup(void *ctx, struct cb_http *h, const char *host, char **user, char **password,
                         struct cb_error *err);

#endif
