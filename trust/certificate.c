// Signers' certificates, as Fulcio issues them.
#include <openssl/ct.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "parts.h"

#define OID_ISSUER_RAW "1.3.6.1.4.1.57264.1.1" // the text as it is
#define OID_ISSUER "1.3.6.1.4.1.57264.1.8"     // as a UTF8String
#define OID_REPOSITORY_URI "1.3.6.1.4.1.57264.1.12"
#define OID_USER_NAME "1.3.6.1.4.1.57264.1.7" // otherName of names that are no addresses

X509 *cb_x509_parse(struct cb_str der, struct cb_error *err)
{
    const unsigned char *at = (const unsigned char *)der.p;
    X509 *x = d2i_X509(NULL, &at, (long)der.n);
    ERR_clear_error();
    if (x && at == (const unsigned char *)der.p + der.n)
        return x;
    X509_free(x);
    cb_fail(err, CB_E_INPUT, x ? "bytes follow the certificate" : "malformed certificate");
    return NULL;
}

static struct cb_str string_of(const ASN1_STRING *s)
{
    return cb_strn(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

static struct cb_str general_name(const GENERAL_NAME *name)
{
    char oid[80];
    if (name->type == GEN_EMAIL || name->type == GEN_URI)
        return string_of(name->d.ia5);
    if (name->type != GEN_OTHERNAME || name->d.otherName->value->type != V_ASN1_UTF8STRING ||
        OBJ_obj2txt(oid, sizeof oid, name->d.otherName->type_id, 1) <= 0 || strcmp(oid, OID_USER_NAME) != 0)
        return (struct cb_str){0};
    return string_of(name->d.otherName->value->value.utf8string);
}

static int read_identity(struct cb_arena *a, struct cb_signer *c, struct cb_error *err)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(c->x, NID_subject_alt_name, NULL, NULL);
    int n = names ? sk_GENERAL_NAME_num(names) : 0;
    struct cb_str name = n == 1 ? general_name(sk_GENERAL_NAME_value(names, 0)) : (struct cb_str){0};
    bool whole = name.n && !memchr(name.p, 0, name.n);
    if (whole)
        c->identity = cb_arena_str(a, name);
    GENERAL_NAMES_free(names);
    ERR_clear_error();
    return whole ? 0 : cb_fail(err, CB_E_INPUT, "the certificate has %d usable names, wanted one", n == 1 ? 0 : n);
}

// *out stays empty where there is no such extension.
static int read_extension(struct cb_arena *a, const X509 *x, const char *oid, bool wrapped, struct cb_str *out,
                          struct cb_error *err)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    int at = X509_get_ext_by_OBJ(x, object, -1);
    bool twice = at >= 0 && X509_get_ext_by_OBJ(x, object, at) >= 0;
    ASN1_OBJECT_free(object);
    if (at < 0)
        return 0;
    struct cb_str value = string_of(X509_EXTENSION_get_data(X509_get_ext(x, at)));
    const unsigned char *p = (const unsigned char *)value.p;
    ASN1_UTF8STRING *text = wrapped ? d2i_ASN1_UTF8STRING(NULL, &p, (long)value.n) : NULL;
    bool good = !twice && (!wrapped || (text && (const char *)p == value.p + value.n));
    if (good)
        *out = cb_arena_str(a, wrapped ? string_of(text) : value);
    ASN1_UTF8STRING_free(text);
    ERR_clear_error();
    return good ? 0 : cb_fail(err, CB_E_INPUT, "the certificate's extension %s is malformed", oid);
}

static int read_issuer(struct cb_arena *a, struct cb_signer *c, struct cb_error *err)
{
    struct cb_str raw = {0};
    if (read_extension(a, c->x, OID_ISSUER, true, &c->issuer, err) ||
        read_extension(a, c->x, OID_ISSUER_RAW, false, &raw, err))
        return -1;
    if (c->issuer.p && raw.p && !cb_str_eq(c->issuer, raw))
        return cb_fail(err, CB_E_INPUT, "the certificate names two issuers of the identity, \"%.*s\" and \"%.*s\"",
                       CB_STR_ARG(c->issuer), CB_STR_ARG(raw));
    if (!c->issuer.p)
        c->issuer = raw;
    return 0;
}

// The extensions that carry the raw text, and those (as a UTF8String) that came after them.
static const struct {
    const char *raw, *text;
} workflow_oids[CB_WORKFLOW_CLAIMS] = {
    [CB_WORKFLOW_TRIGGER] = {"1.3.6.1.4.1.57264.1.2", "1.3.6.1.4.1.57264.1.20"},
    [CB_WORKFLOW_SHA] = {"1.3.6.1.4.1.57264.1.3", "1.3.6.1.4.1.57264.1.13"},
    [CB_WORKFLOW_NAME] = {"1.3.6.1.4.1.57264.1.4", NULL},
    [CB_WORKFLOW_REPOSITORY] = {"1.3.6.1.4.1.57264.1.5", OID_REPOSITORY_URI},
    [CB_WORKFLOW_REF] = {"1.3.6.1.4.1.57264.1.6", "1.3.6.1.4.1.57264.1.14"},
};

static int read_workflow(struct cb_arena *a, struct cb_signer *c, struct cb_error *err)
{
    static const char github[] = "https://github.com/";
    for (size_t i = 0; i < CB_WORKFLOW_CLAIMS; i++) {
        struct cb_str *out = &c->workflow[i];
        const char *text = workflow_oids[i].text;
        if (read_extension(a, c->x, workflow_oids[i].raw, false, out, err))
            return -1;
        if (out->p || !text)
            continue;
        if (read_extension(a, c->x, text, true, out, err))
            return -1;
        if (i == CB_WORKFLOW_REPOSITORY && cb_str_starts(*out, github))
            *out = cb_str_skip(*out, sizeof github - 1);
    }
    return 0;
}

static int read_key(struct cb_signer *c, struct cb_error *err)
{
    unsigned char *der = NULL;
    int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(c->x), &der);
    c->key = n > 0 ? cb_verifier_from_spki(cb_strn(der, (size_t)n), err) : NULL;
    OPENSSL_free(der);
    if (n <= 0)
        return cb_fail(err, CB_E_INPUT, "the certificate has no key");
    return c->key ? 0 : cb_context(err, "the certificate's key");
}

int cb_signer_open(struct cb_arena *a, struct cb_str der, struct cb_signer *out, struct cb_error *err)
{
    *out = (struct cb_signer){.x = cb_x509_parse(der, err)};
    if (!out->x || read_identity(a, out, err) || read_issuer(a, out, err) || read_workflow(a, out, err) ||
        read_key(out, err))
        return -1;
    if (X509_check_ca(out->x) || (X509_get_extension_flags(out->x) & EXFLAG_CA))
        return cb_fail(err, CB_E_TRUST, "the certificate is an authority's, not a signer's");
    if (!(X509_get_key_usage(out->x) & KU_DIGITAL_SIGNATURE) || X509_get_key_usage(out->x) == UINT32_MAX)
        return cb_fail(err, CB_E_TRUST, "the certificate is not for signing");
    if (X509_get_extended_key_usage(out->x) == UINT32_MAX || !(X509_get_extended_key_usage(out->x) & XKU_CODE_SIGN))
        return cb_fail(err, CB_E_TRUST, "the certificate is not for code signing");
    return 0;
}

void cb_signer_release(struct cb_signer *c)
{
    X509_free(c->x);
    cb_verifier_free(c->key);
    *c = (struct cb_signer){0};
}

X509_STORE *cb_authority_store(const struct cb_authority *authority, int64_t time, STACK_OF(X509) * *between,
                               struct cb_error *err)
{
    X509_STORE *store = X509_STORE_new();
    *between = sk_X509_new_null();
    if (!store || !*between)
        abort(); // out of memory
    for (size_t i = 0; i < authority->ncertificates; i++) {
        X509 *x = cb_x509_parse(authority->certificates[i], err);
        if (!x) {
            X509_STORE_free(store);
            sk_X509_pop_free(*between, X509_free);
            cb_context(err, "trusted root, %.*s", CB_STR_ARG(authority->uri));
            return NULL;
        }
        if (i + 1 < authority->ncertificates) {
            sk_X509_push(*between, x);
        } else {
            X509_STORE_add_cert(store, x);
            X509_free(x);
        }
    }
    X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), (time_t)time);
    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    return store;
}

static bool hash_issuer_key(X509_STORE_CTX *ctx, uint8_t hash[32])
{
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
    X509 *issuer = sk_X509_num(chain) > 1 ? sk_X509_value(chain, 1) : NULL;
    unsigned char *der = NULL;
    int n = issuer ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(issuer), &der) : -1;
    if (n > 0)
        cb_hash_once(CB_SHA256, der, (size_t)n, hash);
    OPENSSL_free(der);
    return n > 0;
}

// 1 where the chain is good, 0 and *why where it is not, -1 on failure.
static int try_authority(const struct cb_signer *c, const struct cb_authority *authority, int64_t time,
                         uint8_t hash[32], const char **why, struct cb_error *err)
{
    STACK_OF(X509) * between;
    X509_STORE *store = cb_authority_store(authority, time, &between, err);
    if (!store)
        return -1;
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    int result = ctx && X509_STORE_CTX_init(ctx, store, c->x, between) == 1 && X509_verify_cert(ctx) == 1 &&
                 hash_issuer_key(ctx, hash);
    if (!result)
        *why = ctx ? X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)) : "out of memory";
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    sk_X509_pop_free(between, X509_free);
    ERR_clear_error();
    return result;
}

int cb_signer_check_chain(const struct cb_signer *c, const struct cb_trusted_root *root, int64_t time,
                          uint8_t issuer_key_hash[32], struct cb_error *err)
{
    const char *why = "no authority was trusted at that time";
    for (size_t i = 0; i < root->ncertificate_authorities; i++) {
        if (!cb_window_has(root->certificate_authorities[i].window, time))
            continue;
        int result = try_authority(c, &root->certificate_authorities[i], time, issuer_key_hash, &why, err);
        if (result)
            return result < 0 ? -1 : 0;
    }
    return cb_fail(err, CB_E_TRUST, "the certificate was not valid when the signature was made (%lld): %s",
                   (long long)time, why);
}

// ---- SCTs: RFC 6962, 3.2 -------------------------------------------------------------------------------------------

static void add_number(struct cb_buf *b, uint64_t v, int bytes)
{
    while (bytes-- > 0)
        cb_buf_addc(b, (char)(v >> (8 * bytes) & 0xff));
}

// What was submitted to the log: the certificate without its SCTs and without signature.
static int add_precertificate(const X509 *x, struct cb_buf *out)
{
    X509 *copy = X509_dup(x);
    unsigned char *der = NULL;
    int at = X509_get_ext_by_NID(copy, NID_ct_precert_scts, -1);
    X509_EXTENSION_free(X509_delete_ext(copy, at));
    int n = i2d_re_X509_tbs(copy, &der);
    if (n > 0) {
        add_number(out, (uint64_t)n, 3);
        cb_buf_add(out, der, (size_t)n);
    }
    OPENSSL_free(der);
    X509_free(copy);
    return n > 0 ? 0 : -1;
}

static bool sct_matches(const struct cb_signer *c, const SCT *sct, const struct cb_log *log,
                        const uint8_t issuer_key_hash[32])
{
    CB_BUF_AUTO signed_bytes = {0};
    CB_ERROR_AUTO unlike = CB_ERROR_INIT;
    struct cb_signed_data data;
    unsigned char *extensions, *sig;
    size_t next = SCT_get0_extensions(sct, &extensions), nsig = SCT_get0_signature(sct, &sig);
    add_number(&signed_bytes, 0, 2); // version 1, certificate timestamp
    add_number(&signed_bytes, SCT_get_timestamp(sct), 8);
    add_number(&signed_bytes, 1, 2); // a precertificate
    cb_buf_add(&signed_bytes, issuer_key_hash, 32);
    if (next > 65535 || add_precertificate(c->x, &signed_bytes))
        return false;
    add_number(&signed_bytes, next, 2);
    cb_buf_add(&signed_bytes, extensions, next);
    cb_signed_data_of(&data, cb_buf_str(&signed_bytes));
    return cb_verifier_check(log->key, &data, cb_strn(sig, nsig), &unlike) == 0;
}

static bool sct_is_good(const struct cb_signer *c, const SCT *sct, const struct cb_trusted_root *root,
                        const uint8_t issuer_key_hash[32])
{
    unsigned char *id;
    size_t nid = SCT_get0_log_id(sct, &id);
    int64_t time = (int64_t)(SCT_get_timestamp(sct) / 1000);
    for (size_t i = 0; i < root->nct_logs; i++) {
        const struct cb_log *log = &root->ct_logs[i];
        if (log->key && cb_str_eq(log->key_id, cb_strn(id, nid)) && cb_window_has(log->window, time) &&
            SCT_get_version(sct) == SCT_VERSION_V1 && sct_matches(c, sct, log, issuer_key_hash))
            return true;
    }
    return false;
}

int cb_signer_check_sct(const struct cb_signer *c, const struct cb_trusted_root *root,
                        const uint8_t issuer_key_hash[32], struct cb_error *err)
{
    STACK_OF(SCT) *list = X509_get_ext_d2i(c->x, NID_ct_precert_scts, NULL, NULL);
    int n = list ? sk_SCT_num(list) : 0;
    bool good = false;
    for (int i = 0; i < n && i < 32 && !good; i++)
        good = sct_is_good(c, sk_SCT_value(list, i), root, issuer_key_hash);
    SCT_LIST_free(list);
    ERR_clear_error();
    if (good)
        return 0;
    return cb_fail(
        err, CB_E_TRUST,
        n ? "none of the certificate's SCTs (%d) is by a log that is trusted" : "the certificate has no SCT (%d)", n);
}
