#include "cbuild/trust/signing_key.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "cbuild/crypto/key.h"
#include "cbuild/crypto/seal.h"
#include "cbuild/text/json_read.h"
#include "decode.h"

struct cb_signing_key {
    EVP_PKEY *pkey;
    struct cb_verifier *verifier;
};

// ---- cosign's encryption -------------------------------------------------------------------------------------------

struct sealed {
    uint64_t n, r, p;
    struct cb_str salt, nonce, box;
};

static int read_sealed(struct cb_arena *a, const struct json_t *json, struct sealed *out, struct cb_error *err)
{
    struct json_t *root, *kdf, *params, *cipher;
    struct cb_str kdf_name, cipher_name;
    if (cb_json_as_object(json, "key", &root, err) || cb_json_need_object(root, "kdf", &kdf, err) ||
        cb_json_need_str(kdf, "name", &kdf_name, err) || cb_json_need_object(kdf, "params", &params, err) ||
        cb_json_need_size(params, "N", &out->n, err) || cb_json_need_size(params, "r", &out->r, err) ||
        cb_json_need_size(params, "p", &out->p, err) || cb_need_base64(a, kdf, "salt", 256, &out->salt, err) ||
        cb_json_need_object(root, "cipher", &cipher, err) || cb_json_need_str(cipher, "name", &cipher_name, err) ||
        cb_need_base64(a, cipher, "nonce", CB_SECRETBOX_NONCE, &out->nonce, err) ||
        cb_need_base64(a, root, "ciphertext", CB_KEY_TEXT_MAX, &out->box, err))
        return -1;
    if (!cb_str_is(kdf_name, "scrypt") || !cb_str_is(cipher_name, "nacl/secretbox") ||
        out->nonce.n != CB_SECRETBOX_NONCE)
        return cb_fail(err, CB_E_UNSUPPORTED, "sealed by %.*s and %.*s; scrypt and nacl/secretbox are known",
                       CB_STR_ARG(kdf_name), CB_STR_ARG(cipher_name));
    return 0;
}

static int unseal(struct cb_str text, struct cb_str password, struct cb_buf *der, struct cb_error *err)
{
    CB_ARENA_AUTO a = {0};
    struct sealed s;
    uint8_t key[CB_SECRETBOX_KEY];
    CB_JSON_AUTO *json = cb_json_read(text, "sealed key", CB_KEY_TEXT_MAX, err);
    if (!json || read_sealed(&a, json, &s, err) || cb_scrypt(password, s.salt, s.n, s.r, s.p, key, err))
        return -1;
    int failed = cb_secretbox_open(key, (const uint8_t *)s.nonce.p, s.box, der, err);
    cb_wipe(key, sizeof key);
    return failed ? cb_context(err, "the password is not the key's") : 0;
}

// ---- PEM -----------------------------------------------------------------------------------------------------------

static int give_password(char *out, int size, int writing, void *ctx)
{
    const struct cb_str *password = ctx;
    (void)writing;
    if (password->n > (size_t)size)
        return -1;
    memcpy(out, password->p, password->n);
    return (int)password->n;
}

static EVP_PKEY *read_pem(struct cb_str text, struct cb_str password, struct cb_error *err)
{
    BIO *in = BIO_new_mem_buf(text.p, (int)text.n);
    EVP_PKEY *key = in ? PEM_read_bio_PrivateKey(in, NULL, give_password, &password) : NULL;
    BIO_free(in);
    ERR_clear_error();
    if (!key && password.p)
        cb_fail(err, CB_E_TRUST, "no private key, or the password is not the key's");
    else if (!key)
        cb_fail(err, CB_E_INPUT, "no private key that can be read");
    return key;
}

static EVP_PKEY *read_der(struct cb_str der, struct cb_error *err)
{
    const unsigned char *at = (const unsigned char *)der.p;
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &at, (long)der.n);
    ERR_clear_error();
    if (!key)
        cb_fail(err, CB_E_INPUT, "no private key that can be read");
    return key;
}

static EVP_PKEY *read_key(struct cb_str text, struct cb_str password, struct cb_error *err)
{
    struct cb_buf body = {0}, der = {0};
    struct cb_str label;
    EVP_PKEY *key = NULL;
    if (cb_pem_decode(text, &label, &body))
        cb_fail(err, CB_E_INPUT, "not PEM");
    else if (cb_str_starts(label, "ENCRYPTED ") && !password.p)
        cb_fail(err, CB_E_USAGE, "the key is encrypted");
    else if (!cb_str_is(label, "ENCRYPTED SIGSTORE PRIVATE KEY") && !cb_str_is(label, "ENCRYPTED COSIGN PRIVATE KEY"))
        key = read_pem(text, password, err);
    else if (unseal(cb_buf_str(&body), password, &der, err) == 0)
        key = read_der(cb_buf_str(&der), err);
    cb_buf_wipe_release(&body);
    cb_buf_wipe_release(&der);
    return key;
}

struct cb_signing_key *cb_signing_key_from_pem(struct cb_str text, struct cb_str password, struct cb_error *err)
{
    unsigned char *spki = NULL;
    EVP_PKEY *pkey = read_key(text, password, err);
    if (!pkey)
        return NULL;
    int n = i2d_PUBKEY(pkey, &spki);
    struct cb_verifier *v = NULL;
    if (n > 0)
        v = cb_verifier_from_spki(cb_strn(spki, (size_t)n), err);
    else
        cb_fail(err, CB_E_INPUT, "a private key without a public one");
    OPENSSL_free(spki);
    if (!v) {
        EVP_PKEY_free(pkey);
        return NULL;
    }
    struct cb_signing_key *k = cb_zalloc(sizeof *k);
    *k = (struct cb_signing_key){pkey, v};
    return k;
}

void cb_signing_key_free(struct cb_signing_key *k)
{
    if (!k)
        return;
    EVP_PKEY_free(k->pkey);
    cb_verifier_free(k->verifier);
    free(k);
}

void cb_signing_key_free_p(struct cb_signing_key **k)
{
    cb_signing_key_free(*k);
}

const struct cb_verifier *cb_signing_key_public(const struct cb_signing_key *k)
{
    return k->verifier;
}

int cb_signing_key_sign(const struct cb_signing_key *k, struct cb_str message, struct cb_buf *out, struct cb_error *err)
{
    const EVP_MD *md = EVP_PKEY_get_id(k->pkey) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();
    const unsigned char *m = (const unsigned char *)(message.n ? message.p : "");
    unsigned char sig[CB_SIGNATURE_MAX];
    size_t n = sizeof sig;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool made =
        ctx && EVP_DigestSignInit(ctx, NULL, md, NULL, k->pkey) == 1 && EVP_DigestSign(ctx, sig, &n, m, message.n) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    if (!made)
        return cb_fail(err, CB_E_INPUT, "signing by %s failed", cb_verifier_name(k->verifier));
    struct cb_signed_data data;
    cb_signed_data_of(&data, message);
    if (cb_verifier_check(k->verifier, &data, cb_strn(sig, n), err))
        return cb_context(err, "the signature just made");
    cb_buf_add(out, sig, n);
    return 0;
}
