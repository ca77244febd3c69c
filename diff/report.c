#include "report.h"

#include <assert.h>
#include <stdlib.h>

#include "cbuild/text/gojson.h"

#define QUOTE_MAX 200u

void report_begin(struct report *r, struct cb_sink *out, struct cb_error *err)
{
    *r = (struct report){.out = out, .err = err};
}

void report_end(struct report *r)
{
    while (r->depth > 0)
        report_pop(r);
}

void report_push(struct report *r, const char *fmt, ...)
{
    va_list ap;

    assert(r->depth < REPORT_DEPTH);
    va_start(ap, fmt);
    r->headings[r->depth++] = cb_vformat(fmt, ap);
    va_end(ap);
}

void report_pop(struct report *r)
{
    assert(r->depth > 0);
    free(r->headings[--r->depth]);
    if (r->written > r->depth)
        r->written = r->depth;
}

static void put(struct report *r, size_t depth, const char *text)
{
    CB_AUTOFREE char *line = cb_format("%*s%s\n", (int)(2 * depth), "", text);

    if (!r->failed && cb_write(r->out, line, strlen(line), r->err) < 0)
        r->failed = true;
}

static void put_headings(struct report *r)
{
    for (; r->written < r->depth; r->written++)
        put(r, r->written, r->headings[r->written]);
}

void report_line(struct report *r, const char *fmt, ...)
{
    char *text;
    va_list ap;

    va_start(ap, fmt);
    text = cb_vformat(fmt, ap);
    va_end(ap);
    r->differs = true;
    put_headings(r);
    put(r, r->depth, text);
    free(text);
}

void report_note(struct report *r, const char *fmt, ...)
{
    char *text;
    va_list ap;

    va_start(ap, fmt);
    text = cb_vformat(fmt, ap);
    va_end(ap);
    put_headings(r);
    put(r, r->depth, text);
    free(text);
}

char *report_quote(struct cb_str s)
{
    struct cb_buf text = {0};
    struct cb_json j = cb_json(&text, NULL, NULL);

    j.plain_html = true;
    cb_json_str(&j, cb_str_head(s, QUOTE_MAX));
    if (s.n > QUOTE_MAX)
        cb_buf_addf(&text, "... (%zu bytes)", s.n);
    return cb_buf_take(&text);
}
