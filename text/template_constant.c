// Constants as Go writes them: strings with escapes, raw strings, characters, whole numbers of any base.
#include "cbuild/text/utf8.h"
#include "template_tree.h"

static bool digit_of(char c, unsigned base, unsigned *digit)
{
    *digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
             : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
             : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
                                    : base;
    return *digit < base;
}

// n digits of an escape; false where there are fewer.
static bool read_digits(struct cb_str *s, size_t n, unsigned base, uint32_t *value)
{
    unsigned digit;
    *value = 0;
    for (size_t i = 0; i < n; i++) {
        if (i >= s->n || !digit_of(s->p[i], base, &digit))
            return false;
        *value = *value * base + digit;
    }
    *s = cb_str_skip(*s, n);
    return true;
}

// A byte of a string, a character of either.
struct unquoted {
    uint32_t value;
    bool is_byte;
};

// Behind a backslash.
static bool read_escape(struct cb_str *s, char quote, struct unquoted *out)
{
    static const char letters[] = "abfnrtv\\", values[] = "\a\b\f\n\r\t\v\\";
    char c = s->p[0];
    const char *letter = c ? strchr(letters, c) : NULL;
    if (letter) {
        out->value = (unsigned char)values[letter - letters];
        *s = cb_str_skip(*s, 1);
        return true;
    }
    if (c >= '0' && c <= '7') {
        out->is_byte = true;
        return read_digits(s, 3, 8, &out->value) && out->value <= 255;
    }
    *s = cb_str_skip(*s, 1);
    switch (c) {
    case 'x':
        out->is_byte = true;
        return read_digits(s, 2, 16, &out->value);
    case 'u':
    case 'U':
        return read_digits(s, c == 'u' ? 4 : 8, 16, &out->value) && out->value <= 0x10ffff &&
               (out->value < 0xd800 || out->value > 0xdfff);
    case '\'':
    case '"':
        out->value = (unsigned char)c;
        return c == quote;
    default:
        return false;
    }
}

static bool read_char(struct cb_str *s, char quote, struct unquoted *out)
{
    size_t width;
    *out = (struct unquoted){0};
    if (s->p[0] == quote || s->p[0] == '\n')
        return false;
    if (s->p[0] == '\\') {
        *s = cb_str_skip(*s, 1);
        return s->n && read_escape(s, quote, out);
    }
    out->value = cb_utf8_decode(*s, &width);
    *s = cb_str_skip(*s, width);
    return true;
}

static bool unquote(struct cb_arena *a, struct cb_str s, struct cb_str *out)
{
    CB_BUF_AUTO text = {0};
    while (s.n) {
        struct unquoted c;
        struct cb_str before = s;
        if (!read_char(&s, '"', &c))
            return false;
        if (before.p[0] != '\\')
            cb_buf_add(&text, before.p, before.n - s.n);
        else if (c.is_byte)
            cb_buf_addc(&text, (char)c.value);
        else
            cb_utf8_add(&text, c.value);
    }
    *out = cb_arena_str(a, cb_buf_str(&text));
    return true;
}

static bool unquote_rune(struct cb_str s, int64_t *out)
{
    struct unquoted c;
    if (!s.n || !read_char(&s, '\'', &c) || s.n)
        return false;
    *out = c.value;
    return true;
}

// Carriage returns are no part of a raw string.
static struct cb_str unquote_raw(struct cb_arena *a, struct cb_str s)
{
    char *bytes = cb_arena_bytes(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '\r')
            bytes[n++] = s.p[i];
    return cb_strn(bytes, n);
}

// Underscores stand between digits, or behind a base's prefix.
static bool strip_underscores(struct cb_str s, bool prefixed, struct cb_buf *out)
{
    char last = prefixed ? '0' : ' ';
    for (size_t i = 0; i < s.n; last = s.p[i++]) {
        if (s.p[i] != '_')
            cb_buf_addc(out, s.p[i]);
        else if (last == '_' || last == ' ' || i + 1 == s.n)
            return false;
    }
    return out->n > 0;
}

// A whole number: 10, 0x1f, 0o17, 017, 0b11, 1_000; with a sign.
static bool read_integer(struct cb_str s, int64_t *out)
{
    CB_BUF_AUTO digits = {0};
    bool negative = s.n && s.p[0] == '-', plain;
    if (s.n && (s.p[0] == '-' || s.p[0] == '+'))
        s = cb_str_skip(s, 1);
    char kind = s.n > 1 && s.p[0] == '0' ? (char)(s.p[1] | 0x20) : 0;
    unsigned base = kind == 'x' ? 16 : kind == 'b' ? 2 : kind ? 8 : 10;
    size_t prefix = kind == 'x' || kind == 'b' || kind == 'o' ? 2 : kind ? 1 : 0;
    if (!strip_underscores(cb_str_skip(s, prefix), prefix > 0, &digits))
        return false;
    uint64_t value;
    plain = cb_str_u64(cb_buf_str(&digits), base, &value);
    if (!plain || value > (uint64_t)INT64_MAX + negative)
        return false;
    *out = (int64_t)(negative ? 0 - value : value);
    return true;
}

static int number(struct cb_template *t, const struct cb_token *token, int64_t *out, struct cb_error *err)
{
    struct cb_str s = token->text;
    bool hex = cb_str_find_any(s, "xX") >= 0;
    if (read_integer(s, out))
        return 0;
    if (cb_str_ends(s, "i"))
        return cb_template_fail(t, token->at, err, CB_E_UNSUPPORTED, "complex numbers are not supported: %.*s",
                                CB_STR_ARG(s));
    if (s.n > 1 && cb_str_find_any(s, hex ? ".pP" : ".eE") >= 0)
        return cb_template_fail(t, token->at, err, CB_E_UNSUPPORTED, "floating-point numbers are not supported: %.*s",
                                CB_STR_ARG(s));
    return cb_template_fail(t, token->at, err, CB_E_USAGE, "not a whole number of 64 bits: %.*s", CB_STR_ARG(s));
}

int cb_template_constant(struct cb_template *t, const struct cb_token *token, struct cb_go_value *out,
                         struct cb_error *err)
{
    struct cb_str s = token->text;
    *out = (struct cb_go_value){.kind = CB_GO_STRING};
    if (token->type == CB_T_NUMBER) {
        out->kind = CB_GO_INT;
        return number(t, token, &out->number, err);
    }
    s = cb_strn(s.p + 1, s.n - 2);
    if (token->type == CB_T_RAW) {
        out->text = unquote_raw(&t->arena, s);
        return 0;
    }
    if (token->type == CB_T_RUNE)
        out->kind = CB_GO_INT;
    if (token->type == CB_T_RUNE ? unquote_rune(s, &out->number) : unquote(&t->arena, s, &out->text))
        return 0;
    return cb_template_fail(t, token->at, err, CB_E_USAGE, "%.*s is not quoted as Go quotes it",
                            CB_STR_ARG(token->text));
}
