#include "cbuild/crypto/key.h"

#include <limits.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

struct cb_key {
    EVP_PKEY *pkey;
    enum cb_key_kind kind;
};

#define DER_MAX (1u << 20) // an RSA key of CB_RSA_MAX_BITS has about 2 KiB

const char *cb_key_kind_name(enum cb_key_kind kind)
{
    static const char *const names[] = {[CB_KEY_RSA] = "RSA",
                                        [CB_KEY_EC_P256] = "ECDSA P-256",
                                        [CB_KEY_EC_P384] = "ECDSA P-384",
                                        [CB_KEY_EC_P521] = "ECDSA P-521",
                                        [CB_KEY_ED25519] = "Ed25519"};
    return names[kind];
}

enum cb_key_kind cb_key_kind(const struct cb_key *k)
{
    return k->kind;
}

void cb_key_free(struct cb_key *k)
{
    if (!k)
        return;
    EVP_PKEY_free(k->pkey);
    free(k);
}

void cb_key_free_p(struct cb_key **k)
{
    cb_key_free(*k);
}

// OpenSSL keeps a queue of what went wrong per thread; what is left in it would be taken for the next call's errors.
static int refuse(struct cb_error *err, enum cb_kind kind, const char *what)
{
    ERR_clear_error();
    return cb_fail(err, kind, "%s", what);
}

// The bounds of Go's crypto/rsa, so that both programs refuse the same keys, and one on the work of a verification.
static int check_rsa(EVP_PKEY *pkey, struct cb_error *err)
{
    BIGNUM *n = NULL, *e = NULL;
    int result = -1;
    if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) != 1 ||
        EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) != 1) {
        refuse(err, CB_E_INPUT, "malformed RSA key");
    } else if (BN_num_bits(n) < (int)CB_RSA_MIN_BITS || BN_num_bits(n) > (int)CB_RSA_MAX_BITS) {
        cb_fail(err, CB_E_UNSUPPORTED, "RSA key of %d bits; %u to %u are accepted", BN_num_bits(n), CB_RSA_MIN_BITS,
                CB_RSA_MAX_BITS);
    } else if (!BN_is_odd(n) || !BN_is_odd(e) || BN_is_one(e) || BN_num_bits(e) > 31) {
        cb_fail(err, CB_E_UNSUPPORTED, "RSA key with an impossible modulus or exponent");
    } else {
        result = 0;
    }
    BN_free(n);
    BN_free(e);
    return result;
}

static int ec_kind(EVP_PKEY *pkey, enum cb_key_kind *kind, struct cb_error *err)
{
    static const struct {
        const char *name;
        enum cb_key_kind kind;
    } curves[] = {{"prime256v1", CB_KEY_EC_P256}, {"secp384r1", CB_KEY_EC_P384}, {"secp521r1", CB_KEY_EC_P521}};
    char name[64] = "";
    if (EVP_PKEY_get_group_name(pkey, name, sizeof name, NULL) == 1)
        for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
            if (strcmp(name, curves[i].name) == 0) {
                *kind = curves[i].kind;
                return 0;
            }
    ERR_clear_error();
    return cb_fail(err, CB_E_UNSUPPORTED, "key on an elliptic curve that is not supported%s%s", *name ? ": " : "",
                   name);
}

static int classify(EVP_PKEY *pkey, enum cb_key_kind *kind, struct cb_error *err)
{
    switch (EVP_PKEY_get_base_id(pkey)) {
    case EVP_PKEY_RSA:
        *kind = CB_KEY_RSA;
        return check_rsa(pkey, err);
    case EVP_PKEY_EC:
        return ec_kind(pkey, kind, err);
    case EVP_PKEY_ED25519:
        *kind = CB_KEY_ED25519;
        return 0;
    default:
        return refuse(err, CB_E_UNSUPPORTED, "key of a kind that is not supported; RSA, ECDSA and Ed25519 are");
    }
}

static struct cb_key *wrap(EVP_PKEY *pkey, struct cb_error *err)
{
    enum cb_key_kind kind = CB_KEY_RSA;
    if (classify(pkey, &kind, err)) {
        EVP_PKEY_free(pkey);
        return NULL;
    }
    struct cb_key *k = cb_alloc(sizeof *k);
    *k = (struct cb_key){pkey, kind};
    return k;
}

static bool encodes_back(EVP_PKEY *pkey, struct cb_str der)
{
    unsigned char *again = NULL;
    int n = i2d_PUBKEY(pkey, &again);
    bool same = n > 0 && (size_t)n == der.n && memcmp(again, der.p, der.n) == 0;
    OPENSSL_free(again);
    return same;
}

struct cb_key *cb_key_from_der(struct cb_str der, struct cb_error *err)
{
    const unsigned char *at = (const unsigned char *)der.p;
    EVP_PKEY *pkey = der.n > 0 && der.n <= DER_MAX ? d2i_PUBKEY(NULL, &at, (long)der.n) : NULL;
    if (pkey && encodes_back(pkey, der))
        return wrap(pkey, err);
    EVP_PKEY_free(pkey);
    refuse(err, CB_E_INPUT,
           pkey ? "malformed public key: not encoded as DER, or bytes follow it" : "malformed public key");
    return NULL;
}

struct cb_key *cb_key_from_pem_loose(struct cb_str text, struct cb_error *err)
{
    CB_BUF_AUTO der = {0};
    if (cb_pem_decode(text, NULL, &der)) {
        cb_fail(err, CB_E_INPUT, "no PEM block in the key");
        return NULL;
    }
    return cb_key_from_der(cb_buf_str(&der), err);
}

struct cb_key *cb_key_from_pem(struct cb_str text, struct cb_error *err)
{
    CB_BUF_AUTO der = {0};
    struct cb_str rest = cb_str_trim(text), label;
    const char *start = rest.p;
    bool at_line_start = start == text.p || (start && start[-1] == '\n');
    if (!at_line_start || !cb_str_starts(rest, "-----BEGIN ") || cb_pem_next(&rest, &label, &der) != 1)
        cb_fail(err, CB_E_INPUT, "the key is not one PEM block");
    else if (!cb_str_is(label, "PUBLIC KEY") || label.p != start + strlen("-----BEGIN "))
        cb_fail(err, CB_E_INPUT, "the key is labelled \"%.*s\", wanted \"PUBLIC KEY\"",
                CB_STR_ARG(cb_str_head(label, 60)));
    else if (cb_str_trim(rest).n != 0)
        cb_fail(err, CB_E_INPUT, "text follows the key's PEM block");
    else
        return cb_key_from_der(cb_buf_str(&der), err);
    return NULL;
}

// n and e as unsigned big-endian numbers.
static EVP_PKEY *make_rsa(struct cb_str n, struct cb_str e)
{
    EVP_PKEY *pkey = NULL;
    BIGNUM *modulus = BN_bin2bn((const unsigned char *)n.p, (int)n.n, NULL);
    BIGNUM *exponent = BN_bin2bn((const unsigned char *)e.p, (int)e.n, NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM *params = NULL;
    if (modulus && exponent && build && ctx && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
        params = OSSL_PARAM_BLD_to_param(build);
    if (params && EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        pkey = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(ctx);
    BN_free(modulus);
    BN_free(exponent);
    return pkey;
}

struct cb_key *cb_key_from_rsa_jwk(struct cb_str n, struct cb_str e, struct cb_error *err)
{
    CB_BUF_AUTO modulus = {0};
    CB_BUF_AUTO exponent = {0};
    if (n.n > CB_RSA_MAX_BITS / 4 || e.n > 64 || cb_base64url_decode(&modulus, n) ||
        cb_base64url_decode(&exponent, e) || !modulus.n || !exponent.n) {
        cb_fail(err, CB_E_INPUT, "malformed RSA key: \"n\" and \"e\" must be base64url numbers");
        return NULL;
    }
    EVP_PKEY *pkey = make_rsa(cb_buf_str(&modulus), cb_buf_str(&exponent));
    if (!pkey) {
        refuse(err, CB_E_INPUT, "malformed RSA key");
        return NULL;
    }
    return wrap(pkey, err);
}

void cb_key_add_der(const struct cb_key *k, struct cb_buf *b)
{
    unsigned char *der = NULL;
    int n = i2d_PUBKEY(k->pkey, &der);
    if (n <= 0)
        abort();
    cb_buf_add(b, der, (size_t)n);
    OPENSSL_free(der);
}

void cb_key_add_pem(const struct cb_key *k, struct cb_buf *b)
{
    CB_BUF_AUTO der = {0};
    cb_key_add_der(k, &der);
    cb_pem_add(b, "PUBLIC KEY", cb_buf_str(&der));
}

static int verdict(int result, struct cb_error *err)
{
    ERR_clear_error();
    return result == 1 ? 0 : cb_fail(err, CB_E_TRUST, "the signature does not match");
}

static const EVP_MD *digest_of(enum cb_hash_kind hash)
{
    return hash == CB_SHA1 ? EVP_sha1() : hash == CB_SHA256 ? EVP_sha256() : EVP_sha512();
}

int cb_key_verify_digest(const struct cb_key *k, enum cb_hash_kind hash, const uint8_t *digest, struct cb_str sig,
                         struct cb_error *err)
{
    if (k->kind == CB_KEY_ED25519)
        return cb_fail(err, CB_E_UNSUPPORTED, "an Ed25519 key cannot verify a digest");
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(k->pkey, NULL);
    int result = 0;
    if (ctx && EVP_PKEY_verify_init(ctx) == 1 &&
        (k->kind != CB_KEY_RSA || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1) &&
        EVP_PKEY_CTX_set_signature_md(ctx, digest_of(hash)) == 1)
        result = EVP_PKEY_verify(ctx, (const unsigned char *)sig.p, sig.n, digest, cb_hash_size(hash));
    EVP_PKEY_CTX_free(ctx);
    return verdict(result, err);
}

static int verify_ed25519(const struct cb_key *k, struct cb_str message, struct cb_str sig, struct cb_error *err)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int result = 0;
    if (ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, k->pkey) == 1)
        result =
            EVP_DigestVerify(ctx, (const unsigned char *)sig.p, sig.n, (const unsigned char *)message.p, message.n);
    EVP_MD_CTX_free(ctx);
    return verdict(result, err);
}

int cb_key_verify(const struct cb_key *k, enum cb_hash_kind hash, struct cb_str message, struct cb_str sig,
                  struct cb_error *err)
{
    if (k->kind == CB_KEY_ED25519)
        return verify_ed25519(k, message, sig, err);
    uint8_t digest[CB_HASH_MAX];
    cb_hash_once(hash, message.p, message.n, digest);
    return cb_key_verify_digest(k, hash, digest, sig, err);
}
