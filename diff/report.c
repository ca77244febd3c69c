#include "report.h"

#include <assert.h>
#include <stdlib.h>

#include "cbuild/text/gojson.h"

#define QUOTE_MAX 200u

void report_begin(struct report *r, const struct cb_diff_options *options)
{
    *r = (struct report){.options = options};
    r->stack[0] = &r->root;
}

void report_release(struct report *r)
{
    cb_vec_release(&r->packages);
    cb_arena_release(&r->arena);
}

static struct node *add(struct report *r, enum node_kind kind, const char *fmt, va_list ap)
{
    CB_AUTOFREE char *text = cb_vformat(fmt, ap);
    struct node *n = cb_arena_alloc(&r->arena, sizeof *n), *parent = r->stack[r->depth];

    n->kind = kind;
    n->text = cb_arena_str(&r->arena, cb_str(text));
    if (parent->last)
        parent->last->next = n;
    else
        parent->first = n;
    parent->last = n;
    return n;
}

void report_push(struct report *r, const char *fmt, ...)
{
    va_list ap;

    assert(r->depth + 1 < REPORT_DEPTH);
    va_start(ap, fmt);
    struct node *n = add(r, NODE_HEADING, fmt, ap);
    va_end(ap);
    r->stack[++r->depth] = n;
}

void report_pop(struct report *r)
{
    assert(r->depth > 0);
    r->depth--;
}

struct node *report_line(struct report *r, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    struct node *n = add(r, NODE_DIFFERENCE, fmt, ap);
    va_end(ap);
    r->differs = true;
    return n;
}

void report_note(struct report *r, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add(r, NODE_NOTE, fmt, ap);
    va_end(ap);
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

bool node_is_empty(const struct node *n)
{
    if (n->kind != NODE_HEADING)
        return false;
    for (const struct node *c = n->first; c; c = c->next)
        if (!node_is_empty(c))
            return false;
    return true;
}
