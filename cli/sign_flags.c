#include "sign_flags.h"

#include <stdlib.h>

#include "cbuild/base/file.h"
#include "cbuild/crypto/seal.h"
#include "verify_flags.h"

static int read_key(const char *name, struct cb_buf *text, struct cb_error *err)
{
    if (strncmp(name, "env://", 6) != 0)
        return strstr(name, "://") ? cb_fail(err, CB_E_UNSUPPORTED, "keys are read from files and env://NAME")
                                   : cb_read_file(name, text, CB_KEY_TEXT_MAX, err);
    const char *value = getenv(name + 6);
    if (!value)
        return cb_fail(err, CB_E_USAGE, "the environment has no %s", name + 6);
    cb_buf_adds(text, value);
    return 0;
}

struct cb_signing_key *cb_private_key_load(const char *name, struct cb_error *err)
{
    struct cb_buf text = {0};
    const char *password = getenv("COSIGN_PASSWORD");
    struct cb_signing_key *key = NULL;
    if (read_key(name, &text, err) == 0)
        key = cb_signing_key_from_pem(cb_buf_str(&text), cb_str(password), err);
    cb_buf_wipe_release(&text);
    if (key)
        return key;
    if (err->kind == CB_E_USAGE && !password)
        cb_hint(err, "COSIGN_PASSWORD holds the password");
    cb_context(err, "--key %s", name);
    return NULL;
}

int cb_attacher_fill(struct cb_attacher *t, const struct cb_environment *e, const char *key, bool tag,
                     struct cb_error *err)
{
    if (!*key) {
        cb_fail(err, CB_E_USAGE, "--key is missing");
        return cb_hint(err, "a private key: `cosign generate-key-pair`, or `openssl ecparam -name prime256v1 -genkey`");
    }
    int elsewhere = cb_cosign_repository(&t->arena, &t->repository, err);
    if (elsewhere < 0)
        return -1;
    t->key = cb_private_key_load(key, err);
    t->options = (struct cb_attach_options){.key = t->key,
                                            .repository = elsewhere ? &t->repository : NULL,
                                            .tag = tag,
                                            .created = e->epoch_set ? e->epoch : e->now};
    return t->key ? 0 : -1;
}

int cb_attacher_open(struct cb_attacher *t, const char *key, bool tag, struct cb_error *err)
{
    if (cb_environment_read(&t->environment, err) || cb_attacher_fill(t, &t->environment, key, tag, err))
        return -1;
    const struct cb_http_options options = {.env = t->environment.http, .user_agent = "cbuild/" CBUILD_VERSION};
    t->http = cb_http_new(&options);
    t->registry = cb_registry_new(t->http, &t->environment.credentials);
    return 0;
}

void cb_attacher_release(struct cb_attacher *t)
{
    cb_registry_free(t->registry);
    cb_http_free(t->http);
    cb_signing_key_free(t->key);
    cb_environment_release(&t->environment);
    cb_arena_release(&t->arena);
}
