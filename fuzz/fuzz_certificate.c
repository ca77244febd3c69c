// Any bytes as a text with a certificate, as a certificate's DER, and as a Java keystore. What is accepted comes out in
// a form that is accepted again and comes out the same.
#undef NDEBUG // here assert is the point
#include <assert.h>

#include "../builder/certificates.h"
#include "../builder/keystore.h"
#include "../builder/x509_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void text(struct cb_str s)
{
    struct cb_certificate once = {0}, twice = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    if (cb_certificate_read(s, &once, &err))
        return;
    assert(cb_certificate_read(cb_buf_str(&once.pem), &twice, &err) == 0);
    assert(strcmp(once.fingerprint, twice.fingerprint) == 0);
    assert(cb_str_eq(cb_buf_str(&once.pem), cb_buf_str(&twice.pem)));
    cb_certificate_release(&once);
    cb_certificate_release(&twice);
}

static void store(struct cb_str s)
{
    CB_KEYSTORE_AUTO once = {0};
    CB_KEYSTORE_AUTO twice = {0};
    CB_BUF_AUTO a = {0};
    CB_BUF_AUTO b = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    if (cb_keystore_read(&once, s, "changeit", &err)) {
        // Nearly all fail at the digest. So that writing is reached, its entries are taken all the same.
        if (!strstr(err.message, "digest"))
            return;
        cb_error_clear(&err);
    }
    cb_keystore_trust(&once, CB_STR("Added"), CB_STR("der"), 1);
    assert(cb_keystore_write(&once, "changeit", &a, &err) == 0);
    assert(cb_keystore_read(&twice, cb_buf_str(&a), "changeit", &err) == 0);
    assert(twice.entries.n == once.entries.n);
    assert(cb_keystore_write(&twice, "changeit", &b, &err) == 0);
    assert(cb_str_eq(cb_buf_str(&a), cb_buf_str(&b)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_str s = cb_strn(data, size);
    text(s);
    (void)cb_x509_check(s, &err);
    store(s);
    return 0;
}
