// The parts of reading a config.json that writing one needs, too.
#ifndef CB_OCI_CREDENTIALS_FILE_H
#define CB_OCI_CREDENTIALS_FILE_H

#include "cbuild/oci/credentials.h"

struct json_t;

#define CB_DOCKER_HUB_KEY "https://" CB_DEFAULT_REGISTRY "/v1/" // its key in config files, for historical reasons

char *cb_config_path(const struct cb_credentials_env *env); // docker's own file; owned

// What auths says of a key: the entry of that name, else (unless exact) one whose name is a URL or path of that host.
int cb_config_auths_find(struct json_t *root, struct cb_str key, bool exact, struct cb_auth *out, struct cb_error *err);

// The program that config.json names for a key: "docker-credential-NAME", owned; NULL where it names none. CB_E_CONFIG
// for a name that could lead elsewhere than into PATH.
int cb_config_helper(struct json_t *root, struct cb_str key, char **name, struct cb_error *err);

int cb_config_run_helper(const struct cb_credentials_env *env, const char *name, const char *action,
                         struct cb_str input, struct cb_buf *output, struct cb_error *err);

#endif
