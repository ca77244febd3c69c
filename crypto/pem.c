// PEM blocks (RFC 7468) as Go's encoding/pem finds them: the first line "-----END " that ends a line's start decides,
// the last "-----BEGIN " before it opens the block, and a candidate that turns out malformed is passed over.
#include "cbuild/crypto/key.h"

static const char begin_mark[] = "-----BEGIN ", end_mark[] = "\n-----END ", dashes[] = "-----";

static const char *find(const char *from, const char *to, const char *mark)
{
    return from < to ? memmem(from, (size_t)(to - from), mark, strlen(mark)) : NULL;
}

static const char *find_last(const char *from, const char *to, const char *mark)
{
    const char *last = NULL;
    for (const char *at = from; (at = find(at, to, mark)); at++)
        last = at;
    return last;
}

// The line at *at without its line break and the white space before that; *at moves to the next line.
static struct cb_str take_line(const char **at, const char *end)
{
    const char *start = *at, *stop = start < end ? memchr(start, '\n', (size_t)(end - start)) : NULL;
    *at = stop ? stop + 1 : end;
    if (!stop)
        stop = end;
    while (stop > start && memchr(" \t\r\n", stop[-1], 4))
        stop--;
    return cb_strn(start, (size_t)(stop - start));
}

// RFC 1421 headers, "key: value" lines between the first line and the base64.
static const char *skip_headers(const char *at, const char *end, bool *some)
{
    for (;;) {
        const char *next = at;
        struct cb_str line = take_line(&next, end);
        if (at >= end || cb_str_find(line, ':') < 0)
            return at;
        *some = true;
        at = next;
    }
}

static int decode_body(struct cb_str body, struct cb_buf *der)
{
    CB_BUF_AUTO packed = {0};
    for (size_t i = 0; i < body.n; i++)
        if (!memchr(" \t\r\n", body.p[i], 4))
            cb_buf_addc(&packed, body.p[i]);
    return cb_base64_decode(der, cb_buf_str(&packed));
}

// One candidate: from its BEGIN line to `stop`, where the "\n-----END " stands. *after is set behind the END line.
static bool read_block(const char *begin, const char *stop, const char *end, struct cb_str *label, struct cb_buf *der,
                       const char **after)
{
    const char *at = begin + strlen(begin_mark);
    struct cb_str type = take_line(&at, end);
    if (!cb_str_ends(type, dashes))
        return false;
    type.n -= strlen(dashes);
    bool headers = false;
    at = skip_headers(at, end, &headers);
    if (headers && at > stop)
        return false;
    const char *tail = stop + strlen(end_mark);
    size_t tail_size = type.n + strlen(dashes);
    if ((size_t)(end - tail) < tail_size || memcmp(tail, type.p, type.n) != 0 ||
        memcmp(tail + type.n, dashes, strlen(dashes)) != 0)
        return false;
    tail += tail_size;
    if (take_line(&tail, end).n != 0)
        return false;
    if (at < stop && decode_body(cb_strn(at, (size_t)(stop - at)), der))
        return false;
    *label = type;
    *after = tail;
    return true;
}

int cb_pem_next(struct cb_str *rest, struct cb_str *label, struct cb_buf *der)
{
    const char *from = rest->p, *end = from + rest->n, *stop;
    while ((stop = find(from, end, end_mark))) {
        const char *begin = find_last(from, stop, begin_mark), *after;
        struct cb_str type;
        if (begin && (begin == from || begin[-1] == '\n') && read_block(begin, stop, end, &type, der, &after)) {
            *rest = cb_strn(after, (size_t)(end - after));
            if (label)
                *label = type;
            return 1;
        }
        from = stop + strlen(end_mark);
    }
    return 0;
}

int cb_pem_decode(struct cb_str text, struct cb_str *label, struct cb_buf *der)
{
    return cb_pem_next(&text, label, der) == 1 ? 0 : -1;
}

void cb_pem_add(struct cb_buf *b, const char *label, struct cb_str der)
{
    CB_BUF_AUTO text = {0};
    cb_base64_add(&text, der.p, der.n);
    cb_buf_addf(b, "-----BEGIN %s-----\n", label);
    for (struct cb_str rest = cb_buf_str(&text); rest.n > 0; rest = cb_str_skip(rest, 64)) {
        cb_buf_addstr(b, cb_str_head(rest, 64));
        cb_buf_addc(b, '\n');
    }
    cb_buf_addf(b, "-----END %s-----\n", label);
}
