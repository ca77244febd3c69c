// What the process's environment says, read once, in one place. Everything below cli/ gets it as values.
#ifndef CB_CLI_ENVIRONMENT_H
#define CB_CLI_ENVIRONMENT_H

#include "cbuild/apk/chainguard.h"
#include "cbuild/net/http.h"
#include "cbuild/oci/credentials.h"
#include "cbuild/oci/docker_daemon.h"

struct cb_environment {
    struct cb_http_env http;
    struct cb_credentials_env credentials;
    struct cb_docker_env docker;
    struct cb_chainguard_env chainguard;
    char *cache_dir;             // owned; the system's cache folder for packages, NULL where there is none (no HOME)
    char *netrc;                 // owned
    char *work_dir;              // owned; absolute, "" where it cannot be told (it was removed)
    bool epoch_given, epoch_set; // SOURCE_DATE_EPOCH is there; and is not blank
    int64_t epoch;
    int64_t now;
};

// The working folder, absolute and owned; NULL with errno set where it cannot be told.
char *cb_work_dir(void);

// CB_E_USAGE for a malformed SOURCE_DATE_EPOCH.
int cb_environment_read(struct cb_environment *e, struct cb_error *err);
void cb_environment_release(struct cb_environment *e);
#define CB_ENVIRONMENT_AUTO __attribute__((cleanup(cb_environment_release))) struct cb_environment

#endif
