#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "cbuild/crypto/key.h"

static EVP_PKEY *rsa, *rsa_small, *p256, *ed25519;

static int make_keys(void **state)
{
    (void)state;
    rsa = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
    rsa_small = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)768);
    p256 = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    ed25519 = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    return !(rsa && rsa_small && p256 && ed25519);
}

static int free_keys(void **state)
{
    (void)state;
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(rsa_small);
    EVP_PKEY_free(p256);
    EVP_PKEY_free(ed25519);
    return 0;
}

static void add_der(EVP_PKEY *key, struct cb_buf *b)
{
    unsigned char *der = NULL;
    int n = i2d_PUBKEY(key, &der);
    cb_buf_add(b, der, (size_t)n);
    OPENSSL_free(der);
}

static void add_pem(EVP_PKEY *key, struct cb_buf *b)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *p;
    PEM_write_bio_PUBKEY(out, key);
    long n = BIO_get_mem_data(out, &p);
    cb_buf_add(b, p, (size_t)n);
    BIO_free(out);
}

static void sign(EVP_PKEY *key, const EVP_MD *md, const char *text, struct cb_buf *sig)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t n = 0;
    EVP_DigestSignInit(ctx, NULL, md, NULL, key);
    EVP_DigestSign(ctx, NULL, &n, (const unsigned char *)text, strlen(text));
    cb_buf_reserve(sig, n);
    EVP_DigestSign(ctx, (unsigned char *)sig->p, &n, (const unsigned char *)text, strlen(text));
    sig->n = n;
    EVP_MD_CTX_free(ctx);
}

typedef struct cb_key *reader(struct cb_str text, struct cb_error *err);

static void expect(reader *read, struct cb_str text, enum cb_kind kind)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_KEY_AUTO *key = read(text, &err);
    assert_int_equal(err.kind, kind);
    assert_true((key == NULL) == (kind != CB_OK));
}

static void test_der(void **state)
{
    (void)state;
    CB_BUF_AUTO der = {0};
    add_der(rsa, &der);
    expect(cb_key_from_der, cb_buf_str(&der), CB_OK);
    for (size_t n = 0; n < der.n; n++)
        expect(cb_key_from_der, cb_strn(der.p, n), CB_E_INPUT);
    cb_buf_addc(&der, 0);
    expect(cb_key_from_der, cb_buf_str(&der), CB_E_INPUT); // a byte more
    CB_BUF_AUTO small = {0};
    add_der(rsa_small, &small);
    expect(cb_key_from_der, cb_buf_str(&small), CB_E_UNSUPPORTED);
    CB_BUF_AUTO ec = {0};
    add_der(p256, &ec);
    expect(cb_key_from_der, cb_buf_str(&ec), CB_OK);
}

static void test_pem(void **state)
{
    (void)state;
    CB_BUF_AUTO pem = {0};
    CB_BUF_AUTO again = {0};
    add_pem(rsa, &pem);
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_KEY_AUTO *key = cb_key_from_pem(cb_buf_str(&pem), &err);
    assert_non_null(key);
    assert_int_equal(cb_key_kind(key), CB_KEY_RSA);
    cb_key_add_pem(key, &again);
    assert_true(cb_str_eq(cb_buf_str(&pem), cb_buf_str(&again)));
}

// What stands around the block: nothing else for the strict reader; the loose one takes the first block it finds.
static void test_pem_surroundings(void **state)
{
    (void)state;
    CB_BUF_AUTO pem = {0};
    CB_BUF_AUTO other = {0};
    add_pem(rsa, &pem);
    add_pem(p256, &other);
    const struct {
        const char *before, *after;
        enum cb_kind strict, loose;
    } cases[] = {{"", "", CB_OK, CB_OK},
                 {"\n\n", " \n", CB_OK, CB_OK},
                 {"a comment\n", "", CB_E_INPUT, CB_OK},
                 {"x", "", CB_E_INPUT, CB_E_INPUT}, // a block begins at the beginning of a line
                 {"", "more\n", CB_E_INPUT, CB_OK},
                 {"", other.p, CB_E_INPUT, CB_OK},
                 {other.p, "", CB_E_INPUT, CB_OK},
                 {"-----BEGIN PUBLIC KEY-----\n", "", CB_E_INPUT, CB_OK}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CB_BUF_AUTO text = {0};
        cb_buf_addf(&text, "%s%s%s", cases[i].before, pem.p, cases[i].after);
        expect(cb_key_from_pem, cb_buf_str(&text), cases[i].strict);
        expect(cb_key_from_pem_loose, cb_buf_str(&text), cases[i].loose);
    }
}

static void test_pem_label(void **state)
{
    (void)state;
    CB_BUF_AUTO der = {0};
    CB_BUF_AUTO pem = {0};
    add_der(rsa, &der);
    cb_pem_add(&pem, "RSA PUBLIC KEY", cb_buf_str(&der));
    expect(cb_key_from_pem, cb_buf_str(&pem), CB_E_INPUT);
    expect(cb_key_from_pem_loose, cb_buf_str(&pem), CB_OK); // the reference does not look at labels
    CB_BUF_AUTO long_der = {0};
    CB_BUF_AUTO long_pem = {0};
    cb_buf_addstr(&long_der, cb_buf_str(&der));
    cb_buf_addc(&long_der, 0);
    cb_pem_add(&long_pem, "PUBLIC KEY", cb_buf_str(&long_der));
    expect(cb_key_from_pem, cb_buf_str(&long_pem), CB_E_INPUT);
    expect(cb_key_from_pem_loose, cb_buf_str(&long_pem), CB_E_INPUT);
}

static struct cb_key *take(EVP_PKEY *key)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO der = {0};
    add_der(key, &der);
    return cb_key_from_der(cb_buf_str(&der), &err);
}

static int verify(const struct cb_key *key, enum cb_hash_kind hash, const char *text, struct cb_str sig)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    int result = cb_key_verify(key, hash, cb_str(text), sig, &err);
    assert_int_equal(err.kind, result ? CB_E_TRUST : CB_OK);
    return result;
}

static void check_signatures(EVP_PKEY *signer, enum cb_hash_kind kind, const EVP_MD *md)
{
    CB_KEY_AUTO *key = take(signer);
    CB_BUF_AUTO sig = {0};
    sign(signer, md, "text", &sig);
    assert_int_equal(verify(key, kind, "text", cb_buf_str(&sig)), 0);
    assert_int_equal(verify(key, kind, "texT", cb_buf_str(&sig)), -1);
    assert_int_equal(verify(key, kind == CB_SHA1 ? CB_SHA256 : CB_SHA1, "text", cb_buf_str(&sig)),
                     md ? -1 : 0); // Ed25519 has its own hash
    for (size_t n = 0; n < sig.n; n++)
        assert_int_equal(verify(key, kind, "text", cb_strn(sig.p, n)), -1);
    for (size_t i = 0; i < sig.n; i++) { // malformed ASN.1 among them, which EVP answers with -1 and not 0
        sig.p[i] ^= 1;
        assert_int_equal(verify(key, kind, "text", cb_buf_str(&sig)), -1);
        sig.p[i] ^= 1;
    }
    cb_buf_addc(&sig, 0);
    assert_int_equal(verify(key, kind, "text", cb_buf_str(&sig)), -1);
}

static void test_signatures(void **state)
{
    (void)state;
    check_signatures(rsa, CB_SHA1, EVP_sha1());
    check_signatures(rsa, CB_SHA256, EVP_sha256());
    check_signatures(rsa, CB_SHA512, EVP_sha512());
    check_signatures(p256, CB_SHA256, EVP_sha256());
    check_signatures(ed25519, CB_SHA256, NULL);
}

static void test_kinds_not_mixed_up(void **state)
{
    (void)state;
    CB_KEY_AUTO *key = take(p256);
    CB_BUF_AUTO sig = {0};
    sign(rsa, EVP_sha256(), "text", &sig);
    assert_int_equal(verify(key, CB_SHA256, "text", cb_buf_str(&sig)), -1);
    CB_KEY_AUTO *ed = take(ed25519);
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    uint8_t digest[CB_SHA256_SIZE] = {0};
    assert_int_equal(cb_key_verify_digest(ed, CB_SHA256, digest, cb_buf_str(&sig), &err), -1);
    assert_int_equal(err.kind, CB_E_UNSUPPORTED);
}

static void add_url64(struct cb_buf *b, const BIGNUM *n)
{
    CB_BUF_AUTO raw = {0};
    cb_buf_reserve(&raw, (size_t)BN_num_bytes(n));
    raw.n = (size_t)BN_bn2bin(n, (unsigned char *)raw.p);
    CB_BUF_AUTO text = {0};
    cb_base64_add(&text, raw.p, raw.n);
    for (size_t i = 0; i < text.n && text.p[i] != '='; i++)
        cb_buf_addc(b, text.p[i] == '+' ? '-' : text.p[i] == '/' ? '_' : text.p[i]);
    cb_buf_adds(b, "");
}

static void expect_jwk(struct cb_str n, struct cb_str e, enum cb_kind kind)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_KEY_AUTO *key = cb_key_from_rsa_jwk(n, e, &err);
    assert_int_equal(err.kind, kind);
    assert_true((key == NULL) == (kind != CB_OK));
}

static void test_jwk(void **state)
{
    (void)state;
    BIGNUM *n = NULL, *e = NULL;
    EVP_PKEY_get_bn_param(rsa, "n", &n);
    EVP_PKEY_get_bn_param(rsa, "e", &e);
    CB_BUF_AUTO modulus = {0};
    CB_BUF_AUTO exponent = {0};
    add_url64(&modulus, n);
    add_url64(&exponent, e);
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_KEY_AUTO *key = cb_key_from_rsa_jwk(cb_buf_str(&modulus), cb_buf_str(&exponent), &err);
    assert_non_null(key);
    CB_BUF_AUTO want = {0};
    CB_BUF_AUTO got = {0};
    add_pem(rsa, &want);
    cb_key_add_pem(key, &got);
    assert_true(cb_str_eq(cb_buf_str(&want), cb_buf_str(&got)));
    expect_jwk(cb_buf_str(&modulus), CB_STR(""), CB_E_INPUT);
    expect_jwk(CB_STR(""), cb_buf_str(&exponent), CB_E_INPUT);
    expect_jwk(CB_STR("AQAB"), cb_buf_str(&exponent), CB_E_UNSUPPORTED);
    expect_jwk(cb_buf_str(&modulus), CB_STR("AQ"), CB_E_UNSUPPORTED);     // exponent 1
    expect_jwk(cb_buf_str(&modulus), CB_STR("AQAA"), CB_E_UNSUPPORTED);   // even
    expect_jwk(cb_buf_str(&modulus), CB_STR("gAAAAQ"), CB_E_UNSUPPORTED); // above 2^31 - 1
    expect_jwk(cb_buf_str(&modulus), CB_STR("not base64!"), CB_E_INPUT);
    BN_free(n);
    BN_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_der),       cmocka_unit_test(test_pem),        cmocka_unit_test(test_pem_surroundings),
        cmocka_unit_test(test_pem_label), cmocka_unit_test(test_signatures), cmocka_unit_test(test_kinds_not_mixed_up),
        cmocka_unit_test(test_jwk)};
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
