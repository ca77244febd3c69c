// The emitter of yaml.v3, which is libyaml's with other rules of indentation. libyaml itself cannot be made to give the
// same bytes: it indents lists differently and folds long lines.
//
// Three things move together. `column` and `indention` (the line holds nothing but indentation and list marks) decide
// whether a value may begin on the current line; `whitespace` whether a blank must go before the next token.
#include "cbuild/text/goyaml.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "cbuild/text/document.h"
#include "cbuild/text/utf8.h"

#define INDENT 4

struct cb_yaml cb_yaml(struct cb_buf *out)
{
    return (struct cb_yaml){.out = out, .whitespace = true, .indention = true};
}

// ---- Tokens ----

static void put(struct cb_yaml *y, const char *p, size_t n)
{
    cb_buf_add(y->out, p, n);
    y->column++;
}

static void put_break(struct cb_yaml *y)
{
    cb_buf_addc(y->out, '\n');
    y->column = 0;
    y->indention = true;
}

static void write_indent(struct cb_yaml *y, int indent)
{
    size_t to = indent > 0 ? (size_t)indent : 0;
    if (!y->indention || y->column > to || (y->column == to && !y->whitespace))
        put_break(y);
    while (y->column < to)
        put(y, " ", 1);
    y->whitespace = true;
}

static void write_mark(struct cb_yaml *y, const char *mark, bool need_whitespace, bool is_indention)
{
    if (need_whitespace && !y->whitespace)
        put(y, " ", 1);
    for (; *mark; mark++)
        put(y, mark, 1);
    y->whitespace = false;
    y->indention = y->indention && is_indention;
}

// ---- What a text is made of ----

// The width of the line break that s begins with, or 0. "\r\n" counts as two.
static size_t break_width(struct cb_str s)
{
    if (s.n && (s.p[0] == '\n' || s.p[0] == '\r'))
        return 1;
    if (cb_str_starts(s, "\xC2\x85"))
        return 2;
    return cb_str_starts(s, "\xE2\x80\xA8") || cb_str_starts(s, "\xE2\x80\xA9") ? 3 : 0;
}

// Code points past U+FFFF do not count as printable.
static bool is_printable(uint32_t rune)
{
    return rune == '\n' || (rune >= 0x20 && rune <= 0x7E) || (rune >= 0xA0 && rune <= 0xD7FF) ||
           (rune >= 0xE000 && rune <= 0xFFFD && rune != 0xFEFF);
}

struct analysis {
    bool multiline, plain, single_quoted, block;
};

// Whether the character at `at` reads as YAML's own where a plain scalar holds it.
static bool is_indicator(struct cb_str s, size_t at, bool preceded, bool followed)
{
    char c = s.p[at];
    if (at == 0 && strchr("#,[]{}&*!|>'\"%@`", c) && c)
        return true;
    if (at == 0 && (c == '?' || c == '-') && followed)
        return true;
    return (c == ':' && followed) || (c == '#' && preceded);
}

static struct analysis analyze(struct cb_str s)
{
    if (!s.n)
        return (struct analysis){.plain = true, .single_quoted = true};
    bool indicators = cb_str_starts(s, "---") || cb_str_starts(s, "...");
    bool special = false, tabs = false, breaks = false, edge = false, trailing_space = false, break_space = false,
         space_break = false, after_space = false, after_break = false, preceded = true;
    for (size_t at = 0, width; at < s.n; at += width) {
        struct cb_str rest = cb_str_skip(s, at);
        uint32_t rune = cb_utf8_decode(rest, &width);
        struct cb_str next = cb_str_skip(rest, width);
        bool followed = !next.n || next.p[0] == ' ' || next.p[0] == '\t', is_break = break_width(rest) > 0;
        indicators |= is_indicator(s, at, preceded, followed);
        tabs |= rune == '\t';
        special |= rune != '\t' && !is_printable(rune);
        breaks |= is_break;
        edge |= (rune == ' ' || is_break) && (at == 0 || !next.n);
        trailing_space |= rune == ' ' && !next.n;
        break_space |= rune == ' ' && after_break;
        space_break |= is_break && after_space;
        after_space = rune == ' ';
        after_break = is_break;
        preceded = rune == ' ' || rune == '\t' || is_break || rune == 0;
    }
    bool unquotable = break_space || space_break || tabs || special;
    return (struct analysis){
        .multiline = breaks,
        .plain = !edge && !unquotable && !breaks && !indicators,
        .single_quoted = !unquotable,
        .block = !trailing_space && !space_break && !special,
    };
}

static bool is_one_of(struct cb_str s, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (cb_str_is(s, words[i]))
            return true;
    return false;
}

// YAML 1.1's booleans, which yaml.v3 quotes although it does not read them as such.
static bool is_old_bool(struct cb_str s)
{
    static const char *const words[] = {"y", "Y", "yes", "Yes", "YES", "on",  "On",  "ON",
                                        "n", "N", "no",  "No",  "NO",  "off", "Off", "OFF"};
    return is_one_of(s, words, sizeof words / sizeof *words);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// [-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)? -- YAML 1.1's numbers to base 60.
static bool is_base60(struct cb_str s)
{
    size_t at = s.n && (s.p[0] == '-' || s.p[0] == '+'), groups = 0;
    if (at == s.n || !is_digit(s.p[at]))
        return false;
    while (at < s.n && (is_digit(s.p[at]) || s.p[at] == '_'))
        at++;
    while (at + 1 < s.n && s.p[at] == ':' && is_digit(s.p[at + 1])) {
        bool two = at + 2 < s.n && is_digit(s.p[at + 2]);
        if (two && s.p[at + 1] > '5')
            return false;
        at += two ? 3 : 2;
        groups++;
    }
    if (at < s.n && s.p[at] == '.')
        for (at++; at < s.n && (is_digit(s.p[at]) || s.p[at] == '_');)
            at++;
    return groups && at == s.n;
}

// ---- Scalars ----

static void put_rune(struct cb_yaml *y, struct cb_str *s)
{
    size_t width;
    cb_utf8_decode(*s, &width);
    put(y, s->p, width);
    *s = cb_str_skip(*s, width);
}

static void put_line_break(struct cb_yaml *y, struct cb_str *s)
{
    size_t width = break_width(*s);
    if (s->p[0] == '\n') {
        put_break(y);
    } else {
        put(y, s->p, width);
        y->column = 0;
        y->indention = true;
    }
    *s = cb_str_skip(*s, width);
}

static void write_plain(struct cb_yaml *y, struct cb_str s)
{
    if (s.n && !y->whitespace)
        put(y, " ", 1);
    bool empty = !s.n;
    while (s.n)
        put_rune(y, &s);
    y->whitespace = y->whitespace && empty;
    y->indention = false;
}

static void write_single_quoted(struct cb_yaml *y, struct cb_str s, int indent)
{
    write_mark(y, "'", true, false);
    bool after_break = false;
    while (s.n) {
        if (break_width(s)) {
            if (!after_break && s.p[0] == '\n')
                put_break(y);
            put_line_break(y, &s);
            after_break = true;
            continue;
        }
        if (after_break && s.p[0] != ' ')
            write_indent(y, indent);
        if (s.p[0] == '\'')
            put(y, "'", 1);
        y->indention = y->indention && s.p[0] == ' ';
        after_break = after_break && s.p[0] == ' ';
        put_rune(y, &s);
    }
    write_mark(y, "'", false, false);
}

static void put_escape(struct cb_yaml *y, uint32_t rune)
{
    static const struct {
        uint32_t rune;
        char letter;
    } letters[] = {{0, '0'},     {7, 'a'},    {8, 'b'},    {9, 't'},      {10, 'n'},
                   {11, 'v'},    {12, 'f'},   {13, 'r'},   {27, 'e'},     {'"', '"'},
                   {'\\', '\\'}, {0x85, 'N'}, {0xA0, '_'}, {0x2028, 'L'}, {0x2029, 'P'}};
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
        if (letters[i].rune == rune) {
            cb_buf_addf(y->out, "\\%c", letters[i].letter);
            return;
        }
    int digits = rune <= 0xFF ? 2 : rune <= 0xFFFF ? 4 : 8;
    cb_buf_addf(y->out, "\\%c%0*X", digits == 2 ? 'x' : digits == 4 ? 'u' : 'U', digits, rune);
}

// A text that begins with a byte order mark has every character escaped, an oddity of yaml.v3.
static void write_double_quoted(struct cb_yaml *y, struct cb_str s)
{
    bool all = cb_str_starts(s, "\xEF\xBB\xBF");
    write_mark(y, "\"", true, false);
    while (s.n) {
        size_t width;
        uint32_t rune = cb_utf8_decode(s, &width);
        if (all || !is_printable(rune) || break_width(s) || rune == '"' || rune == '\\')
            put_escape(y, rune);
        else
            cb_buf_add(y->out, s.p, width);
        y->column++;
        s = cb_str_skip(s, width);
    }
    write_mark(y, "\"", false, false);
}

// "-" where the text does not end in a line break, "+" where it ends in two or is nothing but one.
static const char *chomping_of(struct cb_str s)
{
    size_t breaks = 0, at = s.n;
    while (at && breaks < 2) {
        size_t start = at - 1;
        while (start && ((unsigned char)s.p[start] & 0xC0) == 0x80)
            start--;
        if (!break_width(cb_str_skip(s, start)))
            break;
        at = start;
        breaks++;
    }
    return breaks == 0 ? "-" : breaks == 2 || at == 0 ? "+" : "";
}

// Oddities of yaml.v3: the digit of the indentation is always 4, also where the indentation is another; and a line
// break at the start of the text is the one that ends the line of the "|", so it gets lost.
static void write_literal(struct cb_yaml *y, struct cb_str s, int indent)
{
    write_mark(y, "|", true, false);
    if (s.p[0] == ' ' || break_width(s))
        write_mark(y, "4", false, false);
    write_mark(y, chomping_of(s), false, false);
    y->whitespace = true;
    bool after_break = true;
    while (s.n) {
        if (break_width(s)) {
            put_line_break(y, &s);
            after_break = true;
            continue;
        }
        if (after_break)
            write_indent(y, indent);
        put_rune(y, &s);
        y->indention = after_break = false;
    }
}

enum style { PLAIN, SINGLE_QUOTED, DOUBLE_QUOTED, LITERAL };

static enum style allowed_style(enum style style, const struct analysis *a, bool empty, bool simple_key)
{
    if (simple_key && a->multiline)
        return DOUBLE_QUOTED;
    if (style == PLAIN && (!a->plain || (empty && simple_key)))
        style = SINGLE_QUOTED;
    if (style == SINGLE_QUOTED && !a->single_quoted)
        style = DOUBLE_QUOTED;
    if (style == LITERAL && (!a->block || simple_key))
        style = DOUBLE_QUOTED;
    return style;
}

struct scalar {
    struct cb_str text;
    const char *tag; // "" or "!!binary"
    enum style style;
    struct analysis analysis;
};

static void write_scalar(struct cb_yaml *y, const struct scalar *s, bool simple_key, int indent)
{
    if (*s->tag)
        write_mark(y, s->tag, true, false);
    switch (allowed_style(s->style, &s->analysis, !s->text.n, simple_key)) {
    case PLAIN:
        write_plain(y, s->text);
        break;
    case SINGLE_QUOTED:
        write_single_quoted(y, s->text, indent);
        break;
    case DOUBLE_QUOTED:
        write_double_quoted(y, s->text);
        break;
    case LITERAL:
        write_literal(y, s->text, indent);
        break;
    }
}

static void add_base64(struct cb_buf *out, struct cb_str s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    enum { LINE = 70 };
    bool wrap = (s.n + 2) / 3 * 4 >= LINE;
    size_t written = 0;
    for (; s.n; s = cb_str_skip(s, 3)) {
        uint32_t v = 0;
        for (size_t i = 0; i < 3; i++)
            v = v << 8 | (i < s.n ? (unsigned char)s.p[i] : 0);
        for (size_t i = 0; i < 4; i++) {
            cb_buf_addc(out, i > s.n ? '=' : digits[v >> (18 - 6 * i) & 63]);
            if (wrap && ++written % LINE == 0)
                cb_buf_addc(out, '\n');
        }
    }
    if (wrap && written % LINE)
        cb_buf_addc(out, '\n');
}

// How a string is to be written; where it is not UTF-8, its base64 goes to *base64 first.
static struct scalar scalar_of(struct cb_str s, struct cb_buf *base64)
{
    struct scalar out = {.text = s, .tag = "", .style = PLAIN};
    if (!cb_utf8_valid(s)) {
        add_base64(base64, s);
        out.text = cb_buf_str(base64);
        out.tag = "!!binary";
    } else if (cb_scalar_resolve(s).tag != CB_TAG_STR || is_base60(s) || is_old_bool(s)) {
        out.style = DOUBLE_QUOTED;
    }
    if (cb_str_find(out.text, '\n') >= 0)
        out.style = LITERAL;
    out.analysis = analyze(out.text);
    return out;
}

// ---- Structure ----

// Where a value within the innermost collection is indented to.
static int inner_indent(const struct cb_yaml *y)
{
    if (y->depth == 0)
        return 0;
    int indent = y->open[y->depth - 1].indent;
    return y->open[y->depth - 1].is_map ? (indent + INDENT) / INDENT * INDENT : indent + 2;
}

// A list's mark goes before each of its items; a map's keys have been written already.
static void before_value(struct cb_yaml *y)
{
    if (y->depth == 0 || y->open[y->depth - 1].is_map)
        return;
    y->open[y->depth - 1].begun = true;
    write_indent(y, y->open[y->depth - 1].indent);
    write_mark(y, "-", true, true);
}

static void open_collection(struct cb_yaml *y, bool is_map)
{
    assert(y->depth < CB_YAML_DEPTH);
    before_value(y);
    int indent = inner_indent(y);
    y->open[y->depth].is_map = is_map;
    y->open[y->depth].begun = false;
    y->open[y->depth].indent = indent;
    y->depth++;
}

void cb_yaml_map(struct cb_yaml *y)
{
    open_collection(y, true);
}

void cb_yaml_list(struct cb_yaml *y)
{
    open_collection(y, false);
}

void cb_yaml_end(struct cb_yaml *y)
{
    assert(y->depth > 0);
    y->depth--;
    if (!y->open[y->depth].begun)
        write_mark(y, y->open[y->depth].is_map ? "{}" : "[]", true, false);
}

// A key of several lines or of more than 128 bytes gets the long form: "? key", and ": value" on the next line.
void cb_yaml_key(struct cb_yaml *y, struct cb_str key)
{
    assert(y->depth > 0 && y->open[y->depth - 1].is_map);
    CB_BUF_AUTO base64 = {0};
    struct scalar s = scalar_of(key, &base64);
    int indent = y->open[y->depth - 1].indent;
    y->open[y->depth - 1].begun = true;
    write_indent(y, indent);
    if (!s.analysis.multiline && s.text.n + strlen(s.tag) <= 128) {
        write_scalar(y, &s, true, indent);
        write_mark(y, ":", false, false);
        return;
    }
    write_mark(y, "?", true, true);
    write_scalar(y, &s, false, inner_indent(y));
    write_indent(y, indent);
    write_mark(y, ":", true, true);
}

void cb_yaml_str(struct cb_yaml *y, struct cb_str text)
{
    CB_BUF_AUTO base64 = {0};
    struct scalar s = scalar_of(text, &base64);
    int indent = inner_indent(y);
    before_value(y);
    write_scalar(y, &s, false, indent);
}

static void write_word(struct cb_yaml *y, const char *word)
{
    before_value(y);
    write_plain(y, cb_str(word));
}

void cb_yaml_int(struct cb_yaml *y, int64_t v)
{
    char *word CB_AUTOFREE = cb_format("%" PRId64, v);
    write_word(y, word);
}

void cb_yaml_bool(struct cb_yaml *y, bool v)
{
    write_word(y, v ? "true" : "false");
}

void cb_yaml_finish(struct cb_yaml *y)
{
    assert(y->depth == 0);
    write_indent(y, 0);
}
