// A growable byte buffer, always NUL-terminated past its n bytes once anything was added. Zero-initialise to start.
#ifndef CB_BASE_BUF_H
#define CB_BASE_BUF_H

#include "cbuild/base/alloc.h"
#include "cbuild/base/str.h"

struct cb_buf {
    char *p;
    size_t n, cap;
};

void cb_buf_reserve(struct cb_buf *b, size_t more);
void cb_buf_add(struct cb_buf *b, const void *p, size_t n);
void cb_buf_addc(struct cb_buf *b, char c);
void cb_buf_adds(struct cb_buf *b, const char *s);
void cb_buf_addstr(struct cb_buf *b, struct cb_str s);
void cb_buf_addf(struct cb_buf *b, const char *fmt, ...) CB_PRINTF(2, 3);
void cb_buf_reset(struct cb_buf *b);   // empty, memory kept
void cb_buf_release(struct cb_buf *b); // empty, memory freed
char *cb_buf_take(struct cb_buf *b);   // the bytes as an owned C string ("" where empty); *b is empty afterwards

static inline struct cb_str cb_buf_str(const struct cb_buf *b)
{
    return (struct cb_str){b->p, b->n};
}

#define CB_BUF_AUTO __attribute__((cleanup(cb_buf_release))) struct cb_buf

#endif
