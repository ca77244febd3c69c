#include "cbuild/base/log.h"

#include "cbuild/base/alloc.h"

static struct {
    cb_log_fn *fn;
    void *ctx;
    enum cb_level least;
} listener;

void cb_log_listen(cb_log_fn *fn, void *ctx, enum cb_level least)
{
    listener.fn = fn;
    listener.ctx = ctx;
    listener.least = least;
}

void cb_log(enum cb_level level, const char *fmt, ...)
{
    if (!listener.fn || level < listener.least)
        return;
    va_list ap;
    va_start(ap, fmt);
    CB_AUTOFREE char *text = cb_vformat(fmt, ap);
    va_end(ap);
    listener.fn(listener.ctx, level, text);
}
