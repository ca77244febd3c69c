#include "cbuild/trust/verifier.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "cbuild/crypto/key.h"

struct cb_verifier {
    EVP_PKEY *pkey;
    enum cb_key_kind kind;
    struct cb_buf spki;
    char name[80];
};

static void name_verifier(struct cb_verifier *v)
{
    uint8_t sum[CB_SHA256_SIZE];
    char hex[CB_SHA256_HEX];
    cb_hash_once(CB_SHA256, v->spki.p, v->spki.n, sum);
    cb_hex(hex, sum, sizeof sum);
    snprintf(v->name, sizeof v->name, "%s key sha256:%.16s", cb_key_kind_name(v->kind), hex);
}

static struct cb_verifier *wrap(struct cb_key *key, struct cb_error *err)
{
    if (!key)
        return NULL;
    struct cb_verifier *v = cb_zalloc(sizeof *v);
    v->kind = cb_key_kind(key);
    cb_key_add_der(key, &v->spki);
    cb_key_free(key);
    const unsigned char *at = (const unsigned char *)v->spki.p;
    v->pkey = d2i_PUBKEY(NULL, &at, (long)v->spki.n);
    ERR_clear_error();
    if (!v->pkey)
        cb_fail(err, CB_E_INPUT, "malformed public key");
    else if (v->kind == CB_KEY_RSA && EVP_PKEY_get_bits(v->pkey) < (int)CB_VERIFIER_RSA_MIN)
        cb_fail(err, CB_E_UNSUPPORTED, "RSA key of %d bits; %u are the least", EVP_PKEY_get_bits(v->pkey),
                CB_VERIFIER_RSA_MIN);
    else {
        name_verifier(v);
        return v;
    }
    cb_verifier_free(v);
    return NULL;
}

struct cb_verifier *cb_verifier_from_pem(struct cb_str text, struct cb_error *err)
{
    return wrap(cb_key_from_pem(text, err), err);
}

struct cb_verifier *cb_verifier_from_spki(struct cb_str der, struct cb_error *err)
{
    return wrap(cb_key_from_der(der, err), err);
}

void cb_verifier_free(struct cb_verifier *v)
{
    if (!v)
        return;
    EVP_PKEY_free(v->pkey);
    cb_buf_release(&v->spki);
    free(v);
}

void cb_verifier_free_p(struct cb_verifier **v)
{
    cb_verifier_free(*v);
}

struct cb_str cb_verifier_spki(const struct cb_verifier *v)
{
    return cb_buf_str(&v->spki);
}

const char *cb_verifier_name(const struct cb_verifier *v)
{
    return v->name;
}

static EVP_MD_CTX *start_hash(const EVP_MD *md)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx || EVP_DigestInit_ex(ctx, md, NULL) != 1)
        abort(); // out of memory
    return ctx;
}

int cb_signed_data_read(struct cb_signed_data *d, struct cb_source *s, struct cb_error *err)
{
    char block[16384];
    EVP_MD_CTX *contexts[] = {start_hash(EVP_sha256()), start_hash(EVP_sha384()), start_hash(EVP_sha512())};
    uint8_t *sums[] = {d->sha256, d->sha384, d->sha512};
    ssize_t n;
    while ((n = cb_read(s, block, sizeof block, err)) > 0)
        for (int i = 0; i < 3; i++)
            if (EVP_DigestUpdate(contexts[i], block, (size_t)n) != 1)
                abort();
    for (int i = 0; i < 3; i++) {
        if (EVP_DigestFinal_ex(contexts[i], sums[i], NULL) != 1)
            abort();
        EVP_MD_CTX_free(contexts[i]);
    }
    d->sha256_only = false;
    d->message = (struct cb_str){0};
    return n < 0 ? -1 : 0;
}

void cb_signed_data_of(struct cb_signed_data *d, struct cb_str message)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_mem_source in = cb_mem_source(message.p, message.n);
    cb_signed_data_read(d, &in.source, &err); // memory can be read
    d->message = message.p ? message : CB_STR("");
}

static bool check_digest(const struct cb_verifier *v, const EVP_MD *md, const uint8_t *digest, int padding,
                         struct cb_str sig)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(v->pkey, NULL);
    int result = 0;
    if (ctx && EVP_PKEY_verify_init(ctx) == 1 && (!padding || EVP_PKEY_CTX_set_rsa_padding(ctx, padding) == 1) &&
        EVP_PKEY_CTX_set_signature_md(ctx, md) == 1)
        result = EVP_PKEY_verify(ctx, (const unsigned char *)sig.p, sig.n, digest, (size_t)EVP_MD_get_size(md));
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return result == 1;
}

static bool check_hashed(const struct cb_verifier *v, const struct cb_signed_data *d, struct cb_str sig)
{
    const EVP_MD *hashes[] = {EVP_sha256(), EVP_sha384(), EVP_sha512()};
    const uint8_t *digests[] = {d->sha256, d->sha384, d->sha512};
    for (int i = 0; i < (d->sha256_only ? 1 : 3); i++) {
        if (v->kind != CB_KEY_RSA && check_digest(v, hashes[i], digests[i], 0, sig))
            return true;
        if (v->kind == CB_KEY_RSA && (check_digest(v, hashes[i], digests[i], RSA_PKCS1_PADDING, sig) ||
                                      check_digest(v, hashes[i], digests[i], RSA_PKCS1_PSS_PADDING, sig)))
            return true;
    }
    return false;
}

static bool check_ed25519(const struct cb_verifier *v, struct cb_str message, struct cb_str sig)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int result = 0;
    if (ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, v->pkey) == 1)
        result =
            EVP_DigestVerify(ctx, (const unsigned char *)sig.p, sig.n, (const unsigned char *)message.p, message.n);
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return result == 1;
}

int cb_verifier_check(const struct cb_verifier *v, const struct cb_signed_data *d, struct cb_str sig,
                      struct cb_error *err)
{
    if (sig.n == 0 || sig.n > CB_SIGNATURE_MAX)
        return cb_fail(err, CB_E_TRUST, "a signature of %zu bytes", sig.n);
    if (v->kind == CB_KEY_ED25519 && !d->message.p)
        return cb_fail(err, CB_E_UNSUPPORTED, "an Ed25519 key signs contents, and only their digest is at hand");
    if (v->kind == CB_KEY_ED25519 ? check_ed25519(v, d->message, sig) : check_hashed(v, d, sig))
        return 0;
    return cb_fail(err, CB_E_TRUST, "the signature does not match %s", v->name);
}
