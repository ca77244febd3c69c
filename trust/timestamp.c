// RFC 3161 timestamps.
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pkcs7.h>
#include <openssl/ts.h>
#include <time.h>

#include "parts.h"

static TS_RESP *parse(struct cb_str der, struct cb_error *err)
{
    const unsigned char *at = (const unsigned char *)der.p;
    TS_RESP *r = d2i_TS_RESP(NULL, &at, (long)der.n);
    ERR_clear_error();
    if (r && at == (const unsigned char *)der.p + der.n && TS_RESP_get_tst_info(r) && TS_RESP_get_token(r))
        return r;
    TS_RESP_free(r);
    cb_fail(err, CB_E_INPUT, "malformed timestamp");
    return NULL;
}

static int read_time(TS_RESP *r, int64_t *out, struct cb_error *err)
{
    struct tm tm = {0};
    const ASN1_GENERALIZEDTIME *t = TS_TST_INFO_get_time(TS_RESP_get_tst_info(r));
    if (!t || ASN1_TIME_to_tm(t, &tm) != 1)
        return cb_fail(err, CB_E_INPUT, "a timestamp without a time");
    *out = (int64_t)timegm(&tm);
    return 0;
}

static bool hash_is_strong(TS_RESP *r)
{
    const ASN1_OBJECT *algorithm;
    TS_MSG_IMPRINT *imprint = TS_TST_INFO_get_msg_imprint(TS_RESP_get_tst_info(r));
    X509_ALGOR_get0(&algorithm, NULL, NULL, TS_MSG_IMPRINT_get_algo(imprint));
    int nid = OBJ_obj2nid(algorithm);
    return nid == NID_sha256 || nid == NID_sha384 || nid == NID_sha512;
}

// The token may carry certificates. None of them is to be taken for the authority's: the signer must be one of the
// trusted root's.
static bool signed_by_known(TS_RESP *r, STACK_OF(X509) * known)
{
    STACK_OF(X509) *signers = PKCS7_get0_signers(TS_RESP_get_token(r), known, PKCS7_NOINTERN);
    bool found =
        signers && sk_X509_num(signers) == 1 && X509_cmp(sk_X509_value(signers, 0), sk_X509_value(known, 0)) == 0;
    sk_X509_free(signers);
    ERR_clear_error();
    return found;
}

// Takes store and certificates.
static bool verifies(TS_RESP *r, X509_STORE *store, STACK_OF(X509) * known, struct cb_str signature)
{
    TS_VERIFY_CTX *ctx = TS_VERIFY_CTX_new();
    BIO *data = BIO_new_mem_buf(signature.p, (int)signature.n);
    if (!ctx || !data)
        abort(); // out of memory
    TS_VERIFY_CTX_set_flags(ctx, TS_VFY_VERSION | TS_VFY_SIGNATURE | TS_VFY_DATA);
    TS_VERIFY_CTX_set_data(ctx, data);
    TS_VERIFY_CTX_set_store(ctx, store);
    TS_VERIFY_CTS_set_certs(ctx, known);
    int result = TS_RESP_verify_response(ctx, r);
    TS_VERIFY_CTX_free(ctx);
    ERR_clear_error();
    return result == 1;
}

// 1 where that authority made the timestamp, 0 where it did not, -1 on failure.
static int try_authority(TS_RESP *r, const struct cb_authority *authority, int64_t time, struct cb_str signature,
                         struct cb_error *err)
{
    STACK_OF(X509) * known;
    X509_STORE *store = cb_authority_store(authority, time, &known, err);
    if (!store)
        return -1;
    if (sk_X509_num(known) > 0 && signed_by_known(r, known))
        return verifies(r, store, known, signature);
    X509_STORE_free(store);
    sk_X509_pop_free(known, X509_free);
    return 0;
}

static int check(TS_RESP *r, struct cb_str signature, const struct cb_trusted_root *root, int64_t *time,
                 struct cb_error *err)
{
    if (read_time(r, time, err))
        return -1;
    if (!hash_is_strong(r))
        return cb_fail(err, CB_E_TRUST, "the timestamp is over a weak hash");
    for (size_t i = 0; i < root->ntimestamp_authorities; i++) {
        const struct cb_authority *authority = &root->timestamp_authorities[i];
        int result = cb_window_has(authority->window, *time) ? try_authority(r, authority, *time, signature, err) : 0;
        if (result)
            return result < 0 ? -1 : 0;
    }
    return cb_fail(err, CB_E_TRUST,
                   "the timestamp (%lld) is not over this signature by an authority that was trusted "
                   "and valid then",
                   (long long)*time);
}

int cb_timestamp_check(struct cb_str response, struct cb_str signature, const struct cb_trusted_root *root,
                       int64_t *time, struct cb_error *err)
{
    TS_RESP *r = parse(response, err);
    if (!r)
        return -1;
    int result = check(r, signature, root, time, err);
    TS_RESP_free(r);
    return result;
}
