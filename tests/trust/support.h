// Data files of the trust tests, made by make_data.py with OpenSSL 3.0.
#ifndef CB_TESTS_TRUST_SUPPORT_H
#define CB_TESTS_TRUST_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cbuild/base/file.h"
#include "cbuild/trust/verifier.h"

static inline void read_data(const char *name, struct cb_buf *out)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_AUTOFREE char *path = cb_format("%s/tests/trust/data/%s", CBUILD_SOURCE_DIR, name);
    assert_int_equal(cb_read_file(path, out, 1 << 20, &err), 0);
}

static inline struct cb_verifier *read_key(const char *name)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO text = {0};
    read_data(name, &text);
    struct cb_verifier *v = cb_verifier_from_pem(cb_buf_str(&text), &err);
    assert_non_null(v);
    return v;
}

// text with its first `from` replaced, which must be there.
static inline void replace(struct cb_buf *out, struct cb_str text, const char *from, const char *to)
{
    char *at = memmem(text.p, text.n, from, strlen(from));
    assert_non_null(at);
    cb_buf_add(out, text.p, (size_t)(at - text.p));
    cb_buf_adds(out, to);
    at += strlen(from);
    cb_buf_add(out, at, (size_t)(text.p + text.n - at));
}

#endif
