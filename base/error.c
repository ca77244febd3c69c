#include "cbuild/base/error.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cbuild/base/alloc.h"

int cb_fail(struct cb_error *err, enum cb_kind kind, const char *fmt, ...)
{
    assert(err->kind == CB_OK && kind != CB_OK);
    va_list ap;
    va_start(ap, fmt);
    err->kind = kind;
    err->message = cb_vformat(fmt, ap);
    va_end(ap);
    return -1;
}

int cb_fail_errno(struct cb_error *err, int errnum, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    CB_AUTOFREE char *what = cb_vformat(fmt, ap);
    va_end(ap);
    char text[128];
    enum cb_kind kind = errnum == ENOENT ? CB_E_NOT_FOUND : CB_E_IO;
    return cb_fail(err, kind, "%s: %s", what, strerror_r(errnum, text, sizeof text));
}

int cb_context(struct cb_error *err, const char *fmt, ...)
{
    assert(err->kind != CB_OK);
    va_list ap;
    va_start(ap, fmt);
    CB_AUTOFREE char *context = cb_vformat(fmt, ap);
    va_end(ap);
    char *cause = err->message;
    err->message = cb_format("%s: %s", context, cause);
    free(cause);
    return -1;
}

int cb_context_at(struct cb_error *err, const char *what, const char *place)
{
    assert(err->kind != CB_OK);
    return strstr(err->message, place) ? cb_context(err, "%s", what) : cb_context(err, "%s %s", what, place);
}

int cb_hint(struct cb_error *err, const char *fmt, ...)
{
    assert(err->kind != CB_OK);
    if (err->hint)
        return -1;
    va_list ap;
    va_start(ap, fmt);
    err->hint = cb_vformat(fmt, ap);
    va_end(ap);
    return -1;
}

int cb_detail(struct cb_error *err, const char *fmt, ...)
{
    assert(err->kind != CB_OK);
    if (err->detail)
        return -1;
    va_list ap;
    va_start(ap, fmt);
    err->detail = cb_vformat(fmt, ap);
    va_end(ap);
    return -1;
}

void cb_error_clear(struct cb_error *err)
{
    free(err->message);
    free(err->detail);
    free(err->hint);
    *err = (struct cb_error)CB_ERROR_INIT;
}

void cb_error_move(struct cb_error *dst, struct cb_error *src)
{
    assert(dst->kind == CB_OK);
    *dst = *src;
    *src = (struct cb_error)CB_ERROR_INIT;
}
