#include "pem_block.h"

#include <stdlib.h>

#include "cbuild/crypto/hash.h"
#include "lines.h"

#define BEGIN "-----BEGIN "
#define END "\n-----END " // the newline is that of the line before
#define DASHES "-----"

void cb_pem_block_release(struct cb_pem_block *p)
{
    cb_vec_release(&p->headers);
    cb_buf_release(&p->bytes);
}

// The line that *rest begins with, without blanks and newline at its end, and how many bytes it took.
static struct cb_str take_line(struct cb_str *rest, ptrdiff_t *consumed)
{
    ptrdiff_t newline = cb_str_find(*rest, '\n');
    size_t n = newline < 0 ? rest->n : (size_t)newline;
    *consumed = (ptrdiff_t)(newline < 0 ? n : n + 1);
    struct cb_str line = cb_str_head(*rest, n);
    *rest = cb_str_skip(*rest, (size_t)*consumed);
    if (newline > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    while (line.n > 0 && (line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '\t'))
        line.n--;
    return line;
}

static int base64_value(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

// Base64 with blanks and line breaks anywhere; padding is needed, but the bits it leaves over may be set.
static bool decode_base64(struct cb_buf *out, struct cb_str text)
{
    uint32_t bits = 0;
    unsigned have = 0, padding = 0; // digits of the quantum at hand, and how many of them are '='
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
            continue;
        int value = base64_value(c);
        bool pads = c == '=' && have >= 2;
        if ((value < 0 && !pads) || (padding > 0 && (!pads || have == 0)))
            return false;
        padding += pads;
        bits = bits << 6 | (uint32_t)(pads ? 0 : value);
        if (++have < 4)
            continue;
        const char bytes[3] = {(char)(bits >> 16), (char)(bits >> 8), (char)bits};
        cb_buf_add(out, bytes, 3 - padding);
        bits = 0;
        have = 0; // after padding nothing may follow: see above
    }
    return have == 0;
}

// A search over the text for a block. `end` and `after_end` are where END and what follows it stand in `rest`; they go
// below zero where the lines read as headers pass them.
struct search {
    struct cb_str rest;
    ptrdiff_t end, after_end;
};

static void advance(struct search *s, ptrdiff_t n)
{
    s->end -= n;
    s->after_end -= n;
}

enum found { NOTHING, NEXT, BLOCK };

// Moves to behind the last BEGIN before the first END: a BEGIN without END of its own is thus skipped.
static enum found find_begin(struct search *s, struct cb_str *type)
{
    if (s->rest.n == 0)
        return NOTHING;
    const char *end = memmem(s->rest.p, s->rest.n, END, sizeof END - 1);
    if (!end)
        return NOTHING;
    s->end = end - s->rest.p;
    s->after_end = s->end + (ptrdiff_t)sizeof END - 1;
    ptrdiff_t begin = s->end - (ptrdiff_t)(sizeof BEGIN - 1);
    while (begin >= 0 && memcmp(s->rest.p + begin, BEGIN, sizeof BEGIN - 1) != 0)
        begin--;
    if (begin < 0 || (begin > 0 && s->rest.p[begin - 1] != '\n'))
        return NEXT;
    ptrdiff_t n = begin + (ptrdiff_t)sizeof BEGIN - 1;
    s->rest = cb_str_skip(s->rest, (size_t)n);
    advance(s, n);
    *type = take_line(&s->rest, &n);
    advance(s, n);
    if (!cb_str_ends(*type, DASHES))
        return NEXT;
    type->n -= sizeof DASHES - 1;
    return BLOCK;
}

static enum found read_headers(struct search *s, struct cb_pem_block *p)
{
    p->headers.n = 0;
    for (;;) {
        if (s->rest.n == 0)
            return NOTHING;
        struct cb_str next = s->rest;
        ptrdiff_t n;
        struct cb_str line = take_line(&next, &n);
        ptrdiff_t colon = cb_str_find(line, ':');
        if (colon < 0)
            break;
        *cb_vec_add(&p->headers) =
            (struct cb_pem_header){cb_trim_space(cb_str_head(line, (size_t)colon)),
                                   cb_trim_space(cb_str_skip(line, (size_t)colon + 1)), p->headers.n - 1};
        s->rest = next;
        advance(s, n);
    }
    return p->headers.n > 0 && s->end < 0 ? NEXT : BLOCK;
}

// Whether the END line names the same type and ends there.
static bool ends_properly(const struct search *s, struct cb_str type)
{
    struct cb_str line = cb_str_skip(s->rest, (size_t)s->after_end);
    if (line.n < type.n + sizeof DASHES - 1 || (type.n > 0 && memcmp(line.p, type.p, type.n) != 0) ||
        memcmp(line.p + type.n, DASHES, sizeof DASHES - 1) != 0)
        return false;
    struct cb_str rest = cb_str_skip(line, type.n + sizeof DASHES - 1);
    ptrdiff_t n;
    return take_line(&rest, &n).n == 0;
}

static enum found try_block(struct search *s, struct cb_pem_block *p)
{
    enum found found = find_begin(s, &p->type);
    if (found == BLOCK)
        found = read_headers(s, p);
    if (found != BLOCK)
        return found;
    if (!ends_properly(s, p->type))
        return NEXT;
    cb_buf_reset(&p->bytes);
    if (s->end > 0 && !decode_base64(&p->bytes, cb_str_head(s->rest, (size_t)s->end)))
        return NEXT;
    ptrdiff_t n;
    s->rest = cb_str_skip(s->rest, (size_t)(s->end + (ptrdiff_t)sizeof END - 2));
    take_line(&s->rest, &n);
    return BLOCK;
}

bool cb_pem_block_next(struct cb_str *text, struct cb_pem_block *p)
{
    struct search s = {.rest = *text};
    for (;;) {
        enum found found = try_block(&s, p);
        if (found == BLOCK)
            *text = s.rest;
        if (found != NEXT)
            return found == BLOCK;
        if (s.after_end < 0 || (size_t)s.after_end > s.rest.n)
            return false;
        s.rest = cb_str_skip(s.rest, (size_t)s.after_end);
    }
}

static int compare_headers(const void *a, const void *b)
{
    const struct cb_pem_header *x = a, *y = b;
    bool x_first = cb_str_is(x->key, "Proc-Type"), y_first = cb_str_is(y->key, "Proc-Type");
    if (x_first != y_first)
        return x_first ? -1 : 1;
    int order = cb_str_cmp(x->key, y->key);
    return order ? order : (x->line > y->line) - (x->line < y->line);
}

static void add_headers(struct cb_buf *b, const struct cb_pem_block *p)
{
    if (p->headers.n == 0)
        return;
    struct cb_pem_header *sorted = cb_realloc_array(NULL, p->headers.n, sizeof *sorted);
    memcpy(sorted, p->headers.v, p->headers.n * sizeof *sorted);
    qsort(sorted, p->headers.n, sizeof *sorted, compare_headers);
    for (size_t i = 0; i < p->headers.n; i++) {
        if (i + 1 < p->headers.n && cb_str_eq(sorted[i].key, sorted[i + 1].key))
            continue; // the last one of a key counts
        cb_buf_addstr(b, sorted[i].key);
        cb_buf_adds(b, ": ");
        cb_buf_addstr(b, sorted[i].value);
        cb_buf_addc(b, '\n');
    }
    cb_buf_addc(b, '\n');
    free(sorted);
}

void cb_pem_block_add(struct cb_buf *b, const struct cb_pem_block *p)
{
    cb_buf_addf(b, "-----BEGIN %.*s-----\n", CB_STR_ARG(p->type));
    add_headers(b, p);
    CB_BUF_AUTO text = {0};
    cb_base64_add(&text, p->bytes.p, p->bytes.n);
    for (size_t i = 0; i < text.n; i += 64) {
        cb_buf_add(b, text.p + i, text.n - i < 64 ? text.n - i : 64);
        cb_buf_addc(b, '\n');
    }
    cb_buf_addf(b, "-----END %.*s-----\n", CB_STR_ARG(p->type));
}
