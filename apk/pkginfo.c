// .PKGINFO as the reference reads it, which is as an INI file (gopkg.in/ini.v1 with shadow keys):
//
//   key = value      or "key: value"; the key may be quoted; a line without either is an error
//   # or ;           begin a comment, in a value too: "pkgdesc = C# tools" is "C"
//   'v' "v"          are the same as v; `v` and """v""" may have # and ; in them, and line breaks
//   v \              goes on in the next line
//   [name]           begins a section whose keys are not looked at, until [DEFAULT]
//   %(key)s          in a value is the value of that key
//
// Of a key given twice the first value counts; lists (depend, provides, ...) take all of them, each once, and split
// them at commas. A number that is none is 0. All of this can be in a package that the reference installs, so it is
// here. What is refused beyond that: values with a line break or NUL, which would make records of their own in the
// installed database, and %(key)s that leads to itself or makes a value enormous, where the reference crashes.
#include <stdlib.h>

#include "cbuild/apk/package_file.h"
#include "cbuild/base/map.h"
#include "cbuild/base/vec.h"
#include "cbuild/text/utf8.h"

#define KEYS_MAX 65536u
#define VALUE_MAX (1u << 20) // bytes of a value after %(key)s
#define NESTING_MAX 16u      // of %(key)s; the reference's is the stack

struct ini {
    struct cb_arena *arena;
    struct cb_str rest; // of the text; p == NULL at its end
    unsigned line;      // number of the line last taken
    struct cb_map keys; // of the default section: to struct cb_map, the set of its values in order
    bool other_section; // keys are not kept
    unsigned unnamed;   // "-" keys so far in the section
};

static int refuse(const struct ini *x, struct cb_error *err, const char *what)
{
    return cb_fail(err, CB_E_INPUT, ".PKGINFO:%u: %s", x->line, what);
}

static bool is_space(uint32_t c)
{
    return (c >= '\t' && c <= '\r') || c == ' ' || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

static struct cb_str trim_left(struct cb_str s)
{
    size_t width;
    while (s.n > 0 && is_space(cb_utf8_decode(s, &width)))
        s = cb_str_skip(s, width);
    return s;
}

// Go's strings.TrimSpace.
static struct cb_str trim(struct cb_str s)
{
    s = trim_left(s);
    while (s.n > 0) {
        size_t start = s.n - 1, width;
        while (start > 0 && s.n - start < 4 && ((uint8_t)s.p[start] & 0xc0) == 0x80)
            start--;
        uint32_t last = cb_utf8_decode(cb_str_skip(s, start), &width);
        if (start + width != s.n || !is_space(last))
            break;
        s.n = start;
    }
    return s;
}

// The next line with its line break; false where the text is through.
static bool take_line(struct ini *x, struct cb_str *line)
{
    if (!x->rest.p)
        return false;
    ptrdiff_t end = cb_str_find(x->rest, '\n');
    *line = end < 0 ? x->rest : cb_str_head(x->rest, (size_t)end + 1);
    x->rest = end < 0 ? (struct cb_str){0} : cb_str_skip(x->rest, (size_t)end + 1);
    x->line++;
    return true;
}

static ptrdiff_t find_part(struct cb_str s, struct cb_str part)
{
    const char *at = s.n ? memmem(s.p, s.n, part.p, part.n) : NULL;
    return at ? at - s.p : -1;
}

static ptrdiff_t find_last_part(struct cb_str s, struct cb_str part)
{
    for (size_t at = s.n < part.n ? 0 : s.n - part.n + 1; at-- > 0;)
        if (memcmp(s.p + at, part.p, part.n) == 0)
            return (ptrdiff_t)at;
    return -1;
}

// ---- keys

static int split_line(const struct ini *x, struct cb_str line, struct cb_str *key, struct cb_str *value,
                      struct cb_error *err)
{
    struct cb_str quote = CB_STR("");
    if (*line.p == '"')
        quote = line.n > 6 && cb_str_starts(line, "\"\"\"") ? CB_STR("\"\"\"") : CB_STR("\"");
    else if (*line.p == '`')
        quote = CB_STR("`");
    struct cb_str inner = cb_str_skip(line, quote.n), behind = inner;
    if (quote.n > 0) {
        ptrdiff_t close = find_part(inner, quote);
        if (close < 0)
            return refuse(x, err, "the quote around a key is not closed");
        behind = cb_str_skip(inner, (size_t)close + quote.n);
        inner = cb_str_head(inner, (size_t)close);
    }
    ptrdiff_t mark = cb_str_find_any(behind, "=:");
    if (mark < 0 || (mark == 0 && quote.n == 0))
        return refuse(x, err, "expected \"key = value\"");
    *key = trim(quote.n > 0 ? inner : cb_str_head(behind, (size_t)mark));
    *value = cb_str_skip(behind, (size_t)mark + 1);
    return key->n > 0 ? 0 : refuse(x, err, "expected a key before \"=\"");
}

// ---- values

// A quoted value that goes on in the lines that follow.
static int read_quoted_lines(struct ini *x, struct cb_str quote, struct cb_buf *value, struct cb_error *err)
{
    struct cb_str line;
    while (take_line(x, &line)) {
        ptrdiff_t close = find_last_part(line, quote);
        if (close < 0 || cb_str_ends(trim(cb_str_skip(line, (size_t)close + quote.n)), "\\")) {
            cb_buf_addstr(value, line);
            continue;
        }
        cb_buf_addstr(value, cb_str_head(line, (size_t)close));
        return 0;
    }
    return refuse(x, err, "the quote around a value is not closed");
}

static void read_continued_lines(struct ini *x, struct cb_buf *value)
{
    struct cb_str line;
    while (take_line(x, &line) && (line = trim(line)).n > 0) {
        cb_buf_addstr(value, line);
        if (!cb_str_ends(line, "\\"))
            break;
        value->n--;
    }
}

static bool is_quoted_by(struct cb_str s, char quote)
{
    return s.n >= 2 && *s.p == quote && cb_str_find(cb_str_skip(s, 1), quote) == (ptrdiff_t)s.n - 2;
}

static int read_value(struct ini *x, struct cb_str in, struct cb_buf *value, struct cb_error *err)
{
    struct cb_str line = trim_left(in), quote = CB_STR("");
    if (line.n == 0)
        return 0;
    if (line.n > 3 && cb_str_starts(line, "\"\"\""))
        quote = CB_STR("\"\"\"");
    else if (*line.p == '`')
        quote = CB_STR("`");
    if (quote.n > 0) {
        line = cb_str_skip(line, quote.n);
        ptrdiff_t close = find_last_part(line, quote);
        cb_buf_addstr(value, close < 0 ? line : cb_str_head(line, (size_t)close));
        return close < 0 ? read_quoted_lines(x, quote, value, err) : 0;
    }
    line = trim(line);
    if (cb_str_ends(line, "\\")) {
        cb_buf_addstr(value, cb_str_head(line, line.n - 1));
        read_continued_lines(x, value);
        return 0;
    }
    ptrdiff_t comment = cb_str_find_any(line, "#;");
    if (comment >= 0)
        line = trim(cb_str_head(line, (size_t)comment));
    if (is_quoted_by(line, '\'') || is_quoted_by(line, '"'))
        line = cb_strn(line.p + 1, line.n - 2);
    cb_buf_addstr(value, line);
    return 0;
}

// ---- lines

static int add_value(struct ini *x, struct cb_str key, struct cb_str value, struct cb_error *err)
{
    if (x->other_section)
        return 0;
    struct cb_map *values = cb_map_get(&x->keys, key);
    if (!values) {
        if (x->keys.n == KEYS_MAX)
            return refuse(x, err, "too many keys");
        values = cb_arena_alloc(x->arena, sizeof *values);
        cb_map_put(&x->keys, cb_arena_str(x->arena, key), values, NULL);
    }
    if (!cb_map_find(values, value))
        cb_map_put(values, cb_arena_str(x->arena, value), NULL, NULL);
    return 0;
}

static int read_section(struct ini *x, struct cb_str line, struct cb_error *err)
{
    ptrdiff_t close = cb_str_rfind(line, ']');
    if (close < 0)
        return refuse(x, err, "a section's name is not closed");
    if (close == 1)
        return refuse(x, err, "a section without a name");
    x->other_section = !cb_str_is(cb_strn(line.p + 1, (size_t)close - 1), "DEFAULT");
    x->unnamed = 0;
    return 0;
}

static int read_line(struct ini *x, struct cb_str line, struct cb_error *err)
{
    struct cb_str key, rest;
    line = trim_left(line);
    if (line.n == 0 || *line.p == '#' || *line.p == ';')
        return 0;
    if (*line.p == '[')
        return read_section(x, line, err);
    CB_BUF_AUTO value = {0};
    if (split_line(x, line, &key, &rest, err) || read_value(x, rest, &value, err))
        return -1;
    if (!cb_str_is(key, "-"))
        return add_value(x, key, cb_buf_str(&value), err);
    CB_AUTOFREE char *name = cb_format("#%u", ++x->unnamed);
    if (!x->other_section && cb_map_get(&x->keys, cb_str(name)))
        return refuse(x, err, "a key without a name follows others in a section begun twice");
    return add_value(x, cb_str(name), cb_buf_str(&value), err);
}

// The reference drops the first two bytes where they are the mark of UTF-16, and three where they are that of UTF-8.
static struct cb_str skip_mark(struct cb_str s)
{
    if (cb_str_starts(s, "\xfe\xff") || cb_str_starts(s, "\xff\xfe"))
        return cb_str_skip(s, 2);
    return cb_str_starts(s, "\xef\xbb\xbf") ? cb_str_skip(s, 3) : s;
}

// ---- %(key)s

// Where the first "%(key)s" of s stands: its offset, or -1.
static ptrdiff_t find_reference(struct cb_str s, struct cb_str *key)
{
    for (size_t from = 0; from + 4 < s.n; from++) {
        if (s.p[from] != '%' || s.p[from + 1] != '(')
            continue;
        ptrdiff_t close = cb_str_find(cb_str_skip(s, from + 2), ')');
        if (close < 0)
            return -1;
        size_t end = from + 2 + (size_t)close;
        if (close > 0 && end + 1 < s.n && s.p[end + 1] == 's') {
            *key = cb_strn(s.p + from + 2, (size_t)close);
            return (ptrdiff_t)from;
        }
    }
    return -1;
}

static int expand(struct ini *x, struct cb_str raw, unsigned depth, struct cb_str *out, struct cb_error *err);

static int replace_all(struct ini *x, struct cb_str s, struct cb_str what, struct cb_str by, struct cb_str *out,
                       struct cb_error *err)
{
    CB_BUF_AUTO b = {0};
    for (ptrdiff_t at; (at = find_part(s, what)) >= 0; s = cb_str_skip(s, (size_t)at + what.n)) {
        cb_buf_addstr(&b, cb_str_head(s, (size_t)at));
        cb_buf_addstr(&b, by);
        if (b.n > VALUE_MAX)
            return refuse(x, err, "%(key)s makes a value too long");
    }
    cb_buf_addstr(&b, s);
    *out = cb_arena_str(x->arena, cb_buf_str(&b));
    return 0;
}

static int expand(struct ini *x, struct cb_str raw, unsigned depth, struct cb_str *out, struct cb_error *err)
{
    struct cb_str key, value;
    *out = raw;
    for (unsigned i = 0; i < 99; i++) { // the reference's bound
        ptrdiff_t at = find_reference(*out, &key);
        struct cb_map *values = at < 0 ? NULL : cb_map_get(&x->keys, key);
        if (!values)
            return 0;
        if (depth == NESTING_MAX)
            return refuse(x, err, "%(key)s leads to itself");
        struct cb_str reference = cb_strn(out->p + at, key.n + 4), before = *out;
        if (expand(x, values->items[0].key, depth + 1, &value, err) ||
            replace_all(x, before, reference, value, out, err))
            return -1;
    }
    return 0;
}

// ---- fields

static int check_value(struct cb_str value, const char *key, struct cb_error *err)
{
    if (value.n > 0 && (memchr(value.p, '\n', value.n) || memchr(value.p, 0, value.n)))
        return cb_fail(err, CB_E_INPUT, ".PKGINFO: %s has a line break or NUL in it", key);
    return 0;
}

// The value of a key, empty where it is absent.
static int get_value(struct ini *x, const char *key, struct cb_str *out, struct cb_error *err)
{
    const struct cb_map *values = cb_map_get(&x->keys, cb_str(key));
    *out = CB_STR("");
    return values ? expand(x, values->items[0].key, 0, out, err) : 0;
}

static int get_str(struct ini *x, const char *key, struct cb_str *out, struct cb_error *err)
{
    return get_value(x, key, out, err) || check_value(*out, key, err) ? -1 : 0;
}

static int get_list(struct ini *x, const char *key, struct cb_strs *out, struct cb_error *err)
{
    const struct cb_map *values = cb_map_get(&x->keys, cb_str(key));
    struct cb_strs items = {0};
    int failed = 0;
    for (size_t i = 0; values && i < values->n && !failed; i++) {
        struct cb_str rest = values->items[i].key, part, item;
        while (values->items[i].key.n > 0 && !failed && cb_str_cut(&rest, ',', &part)) {
            failed = expand(x, trim(part), 0, &item, err) || check_value(item, key, err);
            cb_strs_add(&items, item);
        }
    }
    if (items.n > 0) {
        out->v = cb_arena_alloc(x->arena, items.n * sizeof *out->v);
        memcpy(out->v, items.v, items.n * sizeof *out->v);
        out->n = out->cap = items.n;
    }
    cb_strs_release(&items);
    return failed ? -1 : 0;
}

// Underscores of a Go number literal: between digits, or between a prefix and a digit.
static bool drop_underscores(struct cb_str s, bool after_prefix, struct cb_buf *out)
{
    char before = after_prefix ? '0' : '_';
    for (size_t i = 0; i < s.n; before = s.p[i++])
        if (s.p[i] != '_')
            cb_buf_addc(out, s.p[i]);
        else if (before == '_')
            return false;
    return s.n > 0 && before != '_';
}

// Go's strconv.ParseUint with base 0.
static bool read_number(struct cb_str s, uint64_t *out)
{
    unsigned base = 10;
    if (s.n > 1 && *s.p == '0') {
        char kind = (char)(s.p[1] | 0x20);
        base = kind == 'x' ? 16 : kind == 'b' ? 2 : 8;
        s = cb_str_skip(s, kind == 'x' || kind == 'b' || kind == 'o' ? 2 : 1);
    }
    CB_BUF_AUTO digits = {0};
    return drop_underscores(s, base != 10, &digits) && cb_str_u64(cb_buf_str(&digits), base, out);
}

// Go's time.ParseDuration, "1.5h3s": what the reference takes for a number and then crashes on, unless it is 0.
static bool is_duration(struct cb_str s)
{
    static const char *const units[] = {"ns", "us", "\xc2\xb5s", "\xce\xbcs", "ms", "s", "m", "h"};
    bool some = false;
    s = cb_str_skip(s, s.n > 0 && (*s.p == '+' || *s.p == '-'));
    do {
        size_t digits = 0, points = 0, unit = 0;
        for (; s.n > 0 && ((*s.p >= '0' && *s.p <= '9') || (*s.p == '.' && points == 0)); s = cb_str_skip(s, 1)) {
            points += *s.p == '.';
            digits += *s.p != '.';
            some = some || (*s.p >= '1' && *s.p <= '9');
        }
        while (unit < sizeof units / sizeof *units && !cb_str_starts(s, units[unit]))
            unit++;
        if (digits == 0 || unit == sizeof units / sizeof *units)
            return false;
        s = cb_str_skip(s, strlen(units[unit]));
    } while (s.n > 0);
    return some;
}

static int get_number(struct ini *x, const char *key, uint64_t *out, struct cb_error *err)
{
    struct cb_str value;
    if (get_value(x, key, &value, err))
        return -1;
    if (is_duration(value))
        return cb_fail(err, CB_E_INPUT, ".PKGINFO: %s: \"%.*s\" is no number", key, CB_STR_ARG(cb_str_head(value, 40)));
    if (!read_number(value, out))
        *out = 0;
    return 0;
}

static int get_signed(struct ini *x, const char *key, int64_t *out, struct cb_error *err)
{
    struct cb_str value;
    uint64_t n;
    if (get_value(x, key, &value, err))
        return -1;
    bool minus = value.n > 0 && *value.p == '-';
    value = cb_str_skip(value, minus || (value.n > 0 && *value.p == '+'));
    *out = 0;
    if (read_number(value, &n) && n <= (uint64_t)INT64_MAX + minus)
        *out = minus ? (int64_t)-n : (int64_t)n;
    return 0;
}

static int get_fields(struct ini *x, struct cb_package *p, struct cb_strs *triggers, struct cb_error *err)
{
    const struct {
        const char *key;
        struct cb_str *out;
    } texts[] = {{"pkgname", &p->name},          {"pkgver", &p->version},  {"arch", &p->arch},
                 {"pkgdesc", &p->description},   {"license", &p->license}, {"origin", &p->origin},
                 {"maintainer", &p->maintainer}, {"url", &p->url},         {"commit", &p->commit},
                 {"datahash", &p->data_hash}};
    const struct {
        const char *key;
        struct cb_strs *out;
    } lists[] = {{"depend", &p->depends},
                 {"provides", &p->provides},
                 {"install_if", &p->install_if},
                 {"replaces", &p->replaces},
                 {"triggers", triggers}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (get_str(x, texts[i].key, texts[i].out, err))
            return -1;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (get_list(x, lists[i].key, lists[i].out, err))
            return -1;
    return get_number(x, "size", &p->installed_size, err) ||
                   get_number(x, "provider_priority", &p->provider_priority, err) ||
                   get_signed(x, "builddate", &p->build_time, err)
               ? -1
               : 0;
}

int cb_pkginfo_parse(struct cb_str text, struct cb_arena *a, struct cb_package *p, struct cb_strs *triggers,
                     struct cb_error *err)
{
    struct ini x = {.arena = a, .rest = skip_mark(text)};
    struct cb_str line;
    int failed = 0;
    if (!x.rest.p)
        x.rest = CB_STR("");
    while (!failed && take_line(&x, &line))
        failed = read_line(&x, line, err);
    if (!failed)
        failed = get_fields(&x, p, triggers, err);
    for (size_t i = 0; i < x.keys.n; i++)
        cb_map_release(x.keys.items[i].value);
    cb_map_release(&x.keys);
    return failed ? -1 : 0;
}
