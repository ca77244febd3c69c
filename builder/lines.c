#include "lines.h"

#include <stdlib.h>

#include "cbuild/text/utf8.h"

struct cb_lines cb_lines(struct cb_source *in)
{
    return (struct cb_lines){.in = in, .buf = cb_alloc(CB_LINE_MAX)};
}

void cb_lines_release(struct cb_lines *l)
{
    free(l->buf);
    l->buf = NULL;
}

// Reads on behind what is there. A buffer without room is an error even if the source has nothing more: so does Go.
static int fill(struct cb_lines *l, struct cb_error *err)
{
    if (l->start > 0) {
        memmove(l->buf, l->buf + l->start, l->end - l->start);
        l->end -= l->start;
        l->start = 0;
    }
    if (l->end == CB_LINE_MAX)
        return cb_fail(err, CB_E_INPUT, "a line is longer than %u bytes", CB_LINE_MAX - 1);
    ssize_t n = cb_read(l->in, l->buf + l->end, CB_LINE_MAX - l->end, err);
    if (n < 0)
        return -1;
    l->ended = n == 0;
    l->end += (size_t)n;
    return 0;
}

int cb_lines_next(struct cb_lines *l, struct cb_str *line, struct cb_error *err)
{
    char *newline;
    while (!(newline = memchr(l->buf + l->start, '\n', l->end - l->start)) && !l->ended)
        if (fill(l, err))
            return -1;
    if (l->start == l->end)
        return 0;
    size_t n = newline ? (size_t)(newline - (l->buf + l->start)) : l->end - l->start;
    *line = cb_strn(l->buf + l->start, n);
    l->start += n + (newline ? 1 : 0);
    if (line->n > 0 && line->p[line->n - 1] == '\r')
        line->n--;
    return 1;
}

static bool is_space(uint32_t c)
{
    return (c >= '\t' && c <= '\r') || c == ' ' || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

// The last code point of s (s.n > 0); a byte that ends no sequence is CB_RUNE_ERROR of width 1.
static uint32_t last_rune(struct cb_str s, size_t *width)
{
    size_t start = s.n - 1, least = s.n > 4 ? s.n - 4 : 0;
    while (start > least && ((unsigned char)s.p[start] & 0xC0) == 0x80)
        start--;
    uint32_t c = cb_utf8_decode(cb_str_skip(s, start), width);
    if (start + *width == s.n)
        return c;
    *width = 1;
    return CB_RUNE_ERROR;
}

struct cb_str cb_trim_space(struct cb_str s)
{
    size_t width;
    while (s.n > 0 && is_space(cb_utf8_decode(s, &width)))
        s = cb_str_skip(s, width);
    while (s.n > 0 && is_space(last_rune(s, &width)))
        s.n -= width;
    return s;
}
