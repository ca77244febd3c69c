#include "cbuild/base/str.h"

#include <stdlib.h>

#include "cbuild/base/vec.h"

int cb_str_cmp(struct cb_str a, struct cb_str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;
    return order ? order : (a.n > b.n) - (a.n < b.n);
}

bool cb_str_starts(struct cb_str s, const char *prefix)
{
    size_t n = strlen(prefix);
    return s.n >= n && (n == 0 || memcmp(s.p, prefix, n) == 0);
}

bool cb_str_ends(struct cb_str s, const char *suffix)
{
    size_t n = strlen(suffix);
    return s.n >= n && (n == 0 || memcmp(s.p + s.n - n, suffix, n) == 0);
}

ptrdiff_t cb_str_find(struct cb_str s, char c)
{
    const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
    return at ? at - s.p : -1;
}

ptrdiff_t cb_str_rfind(struct cb_str s, char c)
{
    const char *at = s.n ? memrchr(s.p, c, s.n) : NULL;
    return at ? at - s.p : -1;
}

ptrdiff_t cb_str_find_any(struct cb_str s, const char *set)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] && strchr(set, s.p[i]))
            return (ptrdiff_t)i;
    return -1;
}

bool cb_str_has(struct cb_str s, struct cb_str part)
{
    return part.n == 0 || (s.n >= part.n && memmem(s.p, s.n, part.p, part.n) != NULL);
}

struct cb_str cb_str_skip(struct cb_str s, size_t n)
{
    n = n < s.n ? n : s.n;
    return (struct cb_str){s.p ? s.p + n : NULL, s.n - n};
}

struct cb_str cb_str_head(struct cb_str s, size_t n)
{
    return (struct cb_str){s.p, n < s.n ? n : s.n};
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct cb_str cb_str_trim(struct cb_str s)
{
    while (s.n && is_space(s.p[0]))
        s = cb_str_skip(s, 1);
    while (s.n && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool cb_str_cut(struct cb_str *rest, char sep, struct cb_str *head)
{
    if (!rest->p)
        return false;
    ptrdiff_t at = cb_str_find(*rest, sep);
    if (at < 0) {
        *head = *rest;
        *rest = (struct cb_str){NULL, 0};
        return true;
    }
    *head = cb_str_head(*rest, (size_t)at);
    *rest = cb_str_skip(*rest, (size_t)at + 1);
    return true;
}

bool cb_str_field(struct cb_str *rest, struct cb_str *head)
{
    while (rest->n && is_space(rest->p[0]))
        *rest = cb_str_skip(*rest, 1);
    if (!rest->n)
        return false;
    size_t n = 0;
    while (n < rest->n && !is_space(rest->p[n]))
        n++;
    *head = cb_str_head(*rest, n);
    *rest = cb_str_skip(*rest, n);
    return true;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'Z')
        return c - 'A' + 10;
    return 99;
}

bool cb_str_u64(struct cb_str s, unsigned base, uint64_t *out)
{
    uint64_t value = 0;
    if (!s.n)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned digit = (unsigned)digit_value(s.p[i]);
        if (digit >= base || __builtin_mul_overflow(value, (uint64_t)base, &value) ||
            __builtin_add_overflow(value, (uint64_t)digit, &value))
            return false;
    }
    *out = value;
    return true;
}

bool cb_str_i64(struct cb_str s, unsigned base, int64_t *out)
{
    bool negative = s.n && s.p[0] == '-';
    if (s.n && (s.p[0] == '-' || s.p[0] == '+'))
        s = cb_str_skip(s, 1);
    uint64_t value;
    if (!cb_str_u64(s, base, &value) || value > (uint64_t)INT64_MAX + negative)
        return false;
    *out = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

void cb_strs_add(struct cb_strs *l, struct cb_str s)
{
    *cb_vec_add(l) = s;
}

static int by_bytes(const void *a, const void *b)
{
    const struct cb_str *x = a, *y = b;
    return cb_str_cmp(*x, *y);
}

void cb_strs_sort(struct cb_strs *l)
{
    if (l->n)
        qsort(l->v, l->n, sizeof *l->v, by_bytes);
}

void cb_strs_unique(struct cb_strs *l)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->n; i++)
        if (!kept || !cb_str_eq(l->v[kept - 1], l->v[i]))
            l->v[kept++] = l->v[i];
    l->n = kept;
}

bool cb_strs_has(const struct cb_strs *l, struct cb_str s)
{
    for (size_t i = 0; i < l->n; i++)
        if (cb_str_eq(l->v[i], s))
            return true;
    return false;
}

void cb_strs_release(struct cb_strs *l)
{
    cb_vec_release(l);
}
