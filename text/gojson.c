#include "cbuild/text/gojson.h"

#include <assert.h>
#include <inttypes.h>

#include "cbuild/text/utf8.h"

struct cb_json cb_json(struct cb_buf *out, const char *prefix, const char *indent)
{
    return (struct cb_json){.out = out, .prefix = prefix, .indent = indent};
}

static void line_break(struct cb_json *j)
{
    if (!j->prefix && !j->indent)
        return;
    cb_buf_addc(j->out, '\n');
    cb_buf_adds(j->out, j->prefix ? j->prefix : "");
    for (unsigned i = 0; i < j->depth; i++)
        cb_buf_adds(j->out, j->indent ? j->indent : "");
}

// What stands before an item of the innermost object or array: a comma where it is not the first, and a new line.
static void before_item(struct cb_json *j)
{
    if (j->depth == 0)
        return;
    if (j->has_item[j->depth - 1])
        cb_buf_addc(j->out, ',');
    j->has_item[j->depth - 1] = true;
    line_break(j);
}

// In an object the key has already done what before_item does for an element of an array.
static void before_value(struct cb_json *j)
{
    bool in_object = j->depth > 0 && j->is_object[j->depth - 1];
    assert(in_object == j->after_key);
    if (!in_object)
        before_item(j);
    j->after_key = false;
}

static void open(struct cb_json *j, bool is_object)
{
    before_value(j);
    assert(j->depth < CB_JSON_DEPTH);
    cb_buf_addc(j->out, is_object ? '{' : '[');
    j->is_object[j->depth] = is_object;
    j->has_item[j->depth] = false;
    j->depth++;
}

void cb_json_object(struct cb_json *j)
{
    open(j, true);
}

void cb_json_array(struct cb_json *j)
{
    open(j, false);
}

void cb_json_end(struct cb_json *j)
{
    assert(j->depth > 0 && !j->after_key);
    j->depth--;
    if (j->has_item[j->depth])
        line_break(j);
    cb_buf_addc(j->out, j->is_object[j->depth] ? '}' : ']');
}

// The letter after the backslash, 'u' for those that have no short form, or 0 where an ASCII byte stands for itself.
static char escape_of(uint8_t c, bool plain_html)
{
    switch (c) {
    case '"':
    case '\\':
        return (char)c;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    case '<':
    case '>':
    case '&':
        return plain_html ? 0 : 'u';
    default:
        return c < 0x20 ? 'u' : 0;
    }
}

// How many bytes of s stand for themselves.
static size_t plain_run(struct cb_str s, bool plain_html)
{
    size_t at = 0;
    while (at < s.n) {
        size_t width = 1;
        if ((uint8_t)s.p[at] < 0x80) {
            if (escape_of((uint8_t)s.p[at], plain_html))
                break;
        } else {
            uint32_t rune = cb_utf8_decode(cb_str_skip(s, at), &width);
            if ((rune == CB_RUNE_ERROR && width == 1) || rune == 0x2028 || rune == 0x2029)
                break;
        }
        at += width;
    }
    return at;
}

// Writes the escape for what s begins with, and tells how many bytes that was. U+2028 and U+2029 are escaped even
// where <, > and & are not.
static size_t add_escape(struct cb_buf *out, struct cb_str s)
{
    size_t width;
    uint32_t rune = cb_utf8_decode(s, &width);
    char escape = rune < 0x80 ? escape_of((uint8_t)rune, false) : 'u';
    cb_buf_addc(out, '\\');
    cb_buf_addc(out, escape);
    if (escape == 'u') {
        static const char hex[] = "0123456789abcdef";
        for (int shift = 12; shift >= 0; shift -= 4)
            cb_buf_addc(out, hex[rune >> shift & 15]);
    }
    return width;
}

static void add_quoted(struct cb_json *j, struct cb_str s)
{
    cb_buf_addc(j->out, '"');
    while (s.n) {
        size_t run = plain_run(s, j->plain_html);
        cb_buf_add(j->out, s.p, run);
        s = cb_str_skip(s, run);
        if (s.n)
            s = cb_str_skip(s, add_escape(j->out, s));
    }
    cb_buf_addc(j->out, '"');
}

void cb_json_keystr(struct cb_json *j, struct cb_str key)
{
    assert(j->depth > 0 && j->is_object[j->depth - 1] && !j->after_key);
    before_item(j);
    add_quoted(j, key);
    cb_buf_adds(j->out, j->prefix || j->indent ? ": " : ":");
    j->after_key = true;
}

void cb_json_key(struct cb_json *j, const char *key)
{
    cb_json_keystr(j, cb_str(key));
}

void cb_json_str(struct cb_json *j, struct cb_str s)
{
    before_value(j);
    add_quoted(j, s);
}

void cb_json_cstr(struct cb_json *j, const char *s)
{
    cb_json_str(j, cb_str(s));
}

void cb_json_int(struct cb_json *j, int64_t v)
{
    before_value(j);
    cb_buf_addf(j->out, "%" PRId64, v);
}

void cb_json_uint(struct cb_json *j, uint64_t v)
{
    before_value(j);
    cb_buf_addf(j->out, "%" PRIu64, v);
}

void cb_json_bool(struct cb_json *j, bool v)
{
    before_value(j);
    cb_buf_adds(j->out, v ? "true" : "false");
}

void cb_json_null(struct cb_json *j)
{
    before_value(j);
    cb_buf_adds(j->out, "null");
}

void cb_json_raw(struct cb_json *j, struct cb_str json)
{
    before_value(j);
    cb_buf_addstr(j->out, json);
}

void cb_json_field(struct cb_json *j, const char *key, struct cb_str value)
{
    if (value.n == 0)
        return;
    cb_json_key(j, key);
    cb_json_str(j, value);
}
