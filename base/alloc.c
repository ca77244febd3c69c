#include "cbuild/base/alloc.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cbuild/base/vec.h"

static void *checked(void *p)
{
    if (!p) {
        static const char text[] = "cbuild: out of memory\n";
        ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
        (void)ignored;
        abort();
    }
    return p;
}

void *cb_alloc(size_t n)
{
    return checked(malloc(n ? n : 1));
}

void *cb_zalloc(size_t n)
{
    return checked(calloc(1, n ? n : 1));
}

void *cb_realloc(void *p, size_t n)
{
    return checked(realloc(p, n ? n : 1));
}

void *cb_realloc_array(void *p, size_t count, size_t size)
{
    size_t n;
    if (__builtin_mul_overflow(count, size, &n))
        checked(NULL);
    return cb_realloc(p, n);
}

char *cb_strndup(const char *s, size_t n)
{
    char *copy = cb_alloc(n + 1);
    if (n)
        memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}

char *cb_strdup(const char *s)
{
    return cb_strndup(s, strlen(s));
}

char *cb_vformat(const char *fmt, va_list ap)
{
    char *text = NULL;
    if (vasprintf(&text, fmt, ap) < 0)
        checked(NULL);
    return text;
}

char *cb_format(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = cb_vformat(fmt, ap);
    va_end(ap);
    return text;
}

void cb_free_p(void *pp)
{
    void *p;
    memcpy(&p, pp, sizeof p); // the attribute hands over a pointer to a pointer of any type
    free(p);
}

void cb_vec_grow(void *vp, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return;
    size_t more = *cap ? *cap * 2 : 8;
    void *v;
    memcpy(&v, vp, sizeof v);
    v = cb_realloc_array(v, more, size);
    memcpy(vp, &v, sizeof v);
    *cap = more;
}
