// The local Docker daemon: `publish --local` loads an image by its API and tags it, as the reference does; and images
// can be had from it.
// Source: apko pkg/build/oci/publish.go (LoadIndex, LoadImage); Docker Engine API, POST /images/load and /images/N/tag.
#ifndef CB_OCI_DOCKER_DAEMON_H
#define CB_OCI_DOCKER_DAEMON_H

#include "cbuild/net/http.h"
#include "cbuild/oci/index.h"

struct cb_docker_env {
    const char *docker_host;        // DOCKER_HOST: "unix:///path" or "tcp://host:port"; NULL: /var/run/docker.sock
    const char *docker_api_version; // DOCKER_API_VERSION; NULL: what the daemon offers
    const char *docker_tls_verify;  // DOCKER_TLS_VERIFY, DOCKER_CERT_PATH: not supported, refused where set for tcp
    const char *docker_cert_path;
    const char *goos, *goarch; // GOOS and GOARCH choose the image of an index; NULL: linux, amd64
};

// Loads the image for the platform as "apko.local/cache:<digest>", then gives it each tag. *name (owned) is that name.
// CB_E_NETWORK where there is no daemon, or it refuses; CB_E_USAGE for a malformed tag or DOCKER_HOST.
int cb_docker_load(struct cb_http *http, const struct cb_docker_env *env, const struct cb_index_image *idx,
                   const struct cb_str *tags, size_t ntags, char **name, struct cb_error *err);

// Writes what "docker save" would of an image, by name or ID, into fd from its beginning. CB_E_NOT_FOUND where the
// daemon does not have it.
int cb_docker_save(struct cb_http *http, const struct cb_docker_env *env, struct cb_str image, int fd,
                   struct cb_error *err);

#endif
