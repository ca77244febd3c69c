// Credentials for registries: where docker, podman and GitHub Actions keep them, looked up as go-containerregistry's
// authn.DefaultKeychain and github.Keychain do, and written as `docker login` does.
//
// Files: $HOME/.docker/config.json or $DOCKER_CONFIG/config.json (if either exists, the one that DOCKER_CONFIG names is
// read); else $REGISTRY_AUTH_FILE; else $XDG_RUNTIME_DIR/containers/auth.json; else $XDG_CONFIG_HOME (~/.config)
// /containers/auth.json. Within one: credHelpers by host, else credsStore, else auths. Keys looked up: the repository
// ("host/a/b"), then the registry ("host"); index.docker.io is "https://index.docker.io/v1/".
// Then ghcr.io: GITHUB_ACTOR and GITHUB_TOKEN. Laxer than the reference in two things: DOCKER_AUTH_CONFIG counts where
// there is no file at all, and an entry that cannot be read fails only who needs it.
#ifndef CB_OCI_CREDENTIALS_H
#define CB_OCI_CREDENTIALS_H

#include "cbuild/oci/reference.h"

#define CB_DOCKER_CONFIG_MAX (4u << 20) // bytes of a config.json

// What the environment says; cli/ fills it in. Any may be NULL or "". Borrowed.
struct cb_credentials_env {
    const char *home;               // HOME
    const char *docker_config;      // DOCKER_CONFIG: a folder
    const char *docker_auth_config; // DOCKER_AUTH_CONFIG: the JSON of "auths", wins over the files
    const char *registry_auth_file; // REGISTRY_AUTH_FILE
    const char *xdg_runtime_dir, *xdg_config_home;
    const char *github_actor, *github_token;
    const char *path;     // PATH: where docker-credential-NAME is looked for
    char *const *environ; // for helper processes; NULL: an empty environment but for PATH and HOME
    unsigned helper_ms;   // how long a helper may take (0: 30 s)
};

// Owned strings, NULL where absent. Zero is "anonymous". Release wipes.
struct cb_auth {
    char *username, *password;
    char *identity_token; // to be exchanged for an access token (OAuth2 refresh token)
    char *registry_token; // a bearer token as it stands
};
void cb_auth_release(struct cb_auth *a);
bool cb_auth_is_anonymous(const struct cb_auth *a);
#define CB_AUTH_AUTO __attribute__((cleanup(cb_auth_release))) struct cb_auth

// The credentials for a repository; anonymous where nothing is known. CB_E_CONFIG for a config.json that cannot be
// read, a helper with a forbidden name, or one that fails otherwise than by "credentials not found".
int cb_credentials_find(const struct cb_credentials_env *env, struct cb_str registry, struct cb_str repository,
                        struct cb_auth *out, struct cb_error *err);

// `cbuild login`: stores into the credential helper that config.json names for the server, else into its auths. Keeps
// everything else that stands in the file; mode 0600. *where (owned, may be NULL) names what was written to.
int cb_credentials_store(const struct cb_credentials_env *env, struct cb_str registry, const char *username,
                         const char *password, char **where, struct cb_error *err);

// Fills *out from the bytes of a config.json for one key ("host" or "https://index.docker.io/v1/"), without helpers.
int cb_docker_config_find(struct cb_str json, struct cb_str key, struct cb_auth *out, struct cb_error *err);

#endif
