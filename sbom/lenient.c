#include "lenient.h"

#include <string.h>

#include "cbuild/text/utf8.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The code unit of a "\uXXXX" at the text's start; -1: there is none.
static int unit_at(struct cb_str s)
{
    int unit = 0;
    if (s.n < 6 || s.p[0] != '\\' || s.p[1] != 'u')
        return -1;
    for (size_t i = 2; i < 6; i++) {
        int digit = hex_value(s.p[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

// Bytes of the string that starts here, with its quotes; a string without an end takes the rest.
static size_t string_length(struct cb_str s)
{
    for (size_t i = 1; i < s.n; i++) {
        if (s.p[i] == '"')
            return i + 1;
        if (s.p[i] == '\\')
            i++;
    }
    return s.n;
}

static bool colon_follows(struct cb_str s)
{
    size_t i = 0;
    while (i < s.n && s.p[i] && strchr(" \t\r\n", s.p[i]))
        i++;
    return i < s.n && s.p[i] == ':';
}

// Copies one escape sequence; returns how many bytes it took.
static size_t add_escape(struct cb_str s, bool is_key, struct cb_buf *out)
{
    size_t n = s.n < 2 ? s.n : 2;
    int unit = unit_at(s), next = unit_at(cb_str_skip(s, unit < 0 ? s.n : 6));
    bool high = unit >= 0xD800 && unit < 0xDC00, low = unit >= 0xDC00 && unit < 0xE000;
    if (high && next >= 0xDC00 && next < 0xE000) {
        n = 12;
    } else if (high || low) {
        cb_utf8_add(out, CB_RUNE_ERROR);
        return 6;
    } else if (unit == 0 && is_key) {
        cb_buf_adds(out, "\\u0001");
        return 6;
    }
    cb_buf_add(out, s.p, n);
    return n;
}

static void add_string(struct cb_str s, bool is_key, struct cb_buf *out)
{
    while (s.n) {
        size_t width = 1;
        if (s.p[0] == '\\') {
            width = add_escape(s, is_key, out);
        } else if (cb_utf8_decode(s, &width) == CB_RUNE_ERROR && width == 1) {
            cb_utf8_add(out, CB_RUNE_ERROR);
        } else {
            cb_buf_add(out, s.p, width);
        }
        s = cb_str_skip(s, width);
    }
}

static size_t digits(struct cb_str s, size_t at)
{
    size_t n = 0;
    while (at + n < s.n && is_digit(s.p[at + n]))
        n++;
    return n;
}

// Bytes of the number that starts here, by JSON's grammar; 0: there is none.
static size_t number_length(struct cb_str s)
{
    size_t at = s.n && s.p[0] == '-', n = digits(s, at);
    if (!n)
        return 0;
    at += s.p[at] == '0' ? 1 : n;
    if (at < s.n && s.p[at] == '.' && (n = digits(s, at + 1)))
        at += 1 + n;
    if (at < s.n && (s.p[at] == 'e' || s.p[at] == 'E')) {
        size_t sign = at + 1 < s.n && (s.p[at + 1] == '+' || s.p[at + 1] == '-');
        n = digits(s, at + 1 + sign);
        at += n ? 1 + sign + n : 0;
    }
    return at;
}

void cb_lenient_json(struct cb_str text, struct cb_buf *out)
{
    while (text.n) {
        size_t n = number_length(text);
        if (n) {
            cb_buf_adds(out, " 1 "); // apart from what it touches, so that 01 and --1 stay malformed
        } else if (text.p[0] == '"') {
            n = string_length(text);
            add_string(cb_str_head(text, n), colon_follows(cb_str_skip(text, n)), out);
        } else {
            n = 1;
            cb_buf_addc(out, text.p[0]);
        }
        text = cb_str_skip(text, n);
    }
}
