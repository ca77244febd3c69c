#include "cbuild/base/buf.h"

#include <stdio.h>
#include <stdlib.h>

void cb_buf_reserve(struct cb_buf *b, size_t more)
{
    size_t need = b->n + more + 1;
    if (need < b->n)
        need = SIZE_MAX; // the allocator aborts
    if (need <= b->cap)
        return;
    size_t cap = b->cap ? b->cap : 64;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    b->p = cb_realloc(b->p, cap);
    b->cap = cap;
}

void cb_buf_add(struct cb_buf *b, const void *p, size_t n)
{
    cb_buf_reserve(b, n);
    if (n)
        memcpy(b->p + b->n, p, n);
    b->n += n;
    b->p[b->n] = '\0';
}

void cb_buf_addc(struct cb_buf *b, char c)
{
    cb_buf_add(b, &c, 1);
}

void cb_buf_adds(struct cb_buf *b, const char *s)
{
    cb_buf_add(b, s, strlen(s));
}

void cb_buf_addstr(struct cb_buf *b, struct cb_str s)
{
    cb_buf_add(b, s.p, s.n);
}

void cb_buf_addf(struct cb_buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    CB_AUTOFREE char *text = cb_vformat(fmt, ap);
    va_end(ap);
    cb_buf_adds(b, text);
}

void cb_buf_reset(struct cb_buf *b)
{
    b->n = 0;
    if (b->p)
        b->p[0] = '\0';
}

void cb_buf_release(struct cb_buf *b)
{
    free(b->p);
    *b = (struct cb_buf){0};
}

char *cb_buf_take(struct cb_buf *b)
{
    if (!b->p)
        return cb_strdup("");
    char *text = b->p;
    *b = (struct cb_buf){0};
    return text;
}
