#include <stdlib.h>

#include "pem_block.h"
#include "steps.h"
#include "x509_check.h"

#define KEYS "etc/apk/keys"

static int by_name(const void *a, const void *b)
{
    return cb_str_cmp((*(const struct cb_named_content *const *)a)->name,
                      (*(const struct cb_named_content *const *)b)->name);
}

// Exactly one public RSA key, written again so that nothing but the key gets into the image.
static int read_key(struct cb_str text, struct cb_buf *out, struct cb_error *err)
{
    CB_PEM_BLOCK_AUTO block = {0};
    CB_PEM_BLOCK_AUTO second = {0};
    if (!cb_pem_block_next(&text, &block))
        return cb_fail(err, CB_E_CONFIG, "no PEM block found; expected a public key");
    if (!cb_str_is(block.type, "PUBLIC KEY"))
        return cb_fail(err, CB_E_CONFIG, "a PEM block of type \"%.*s\" found; expected \"PUBLIC KEY\"",
                       CB_STR_ARG(block.type));
    if (cb_pem_block_next(&text, &second))
        return cb_fail(err, CB_E_CONFIG, "more than one PEM block found; expected one");
    if (!cb_x509_is_rsa_key(cb_buf_str(&block.bytes)))
        return cb_fail(err, CB_E_CONFIG, "the PEM block holds no RSA key; apk verifies with no other kind");
    block.headers.n = 0;
    cb_pem_block_add(out, &block);
    return 0;
}

// An existing key is never replaced: it would change whom the image trusts.
static int install_key(struct cb_tree *t, const struct cb_named_content *key, struct cb_time built,
                       struct cb_error *err)
{
    CB_BUF_AUTO path = {0};
    CB_BUF_AUTO pem = {0};
    if (read_key(key->content, &pem, err))
        return -1;
    cb_buf_addf(&path, "%s/%.*s", KEYS, CB_STR_ARG(key->name));
    if (cb_tree_stat(t, cb_buf_str(&path), err))
        return cb_fail(err, CB_E_CONFLICT, "/%s is there already", path.p);
    if (err->kind != CB_E_NOT_FOUND)
        return -1;
    cb_error_clear(err);
    if (cb_tree_write_file(t, cb_buf_str(&path), cb_buf_str(&pem), 0644, err))
        return -1;
    return cb_tree_chtimes(t, cb_buf_str(&path), built, err);
}

int cb_runtime_keyring_install(struct cb_tree *t, const struct cb_image_config *c, struct cb_time built,
                               struct cb_error *err)
{
    size_t n = c->contents.runtime_keyring.n;
    if (n == 0)
        return 0;
    if (cb_tree_mkdir_all(t, CB_STR(KEYS), 0755, err))
        return -1;
    CB_AUTOFREE const struct cb_named_content **keys = cb_realloc_array(NULL, n, sizeof *keys);
    for (size_t i = 0; i < n; i++)
        keys[i] = &c->contents.runtime_keyring.v[i];
    qsort(keys, n, sizeof *keys, by_name);
    for (size_t i = 0; i < n; i++)
        if (install_key(t, keys[i], built, err))
            return cb_context(err, "runtime key %.*s", CB_STR_ARG(keys[i]->name));
    return 0;
}
