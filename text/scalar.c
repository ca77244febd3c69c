// How gopkg.in/yaml.v3 types a plain scalar. Its table differs from both YAML 1.1 and 1.2: octal is 017 and 0o17,
// underscores may stand anywhere in a number, "yes" and "no" are strings, dates are a type of their own.
#include <errno.h>
#include <stdlib.h>

#include "cbuild/base/buf.h"
#include "cbuild/text/document.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// ---- Timestamps: the four layouts that yaml.v3 tries with Go's time.Parse ----

// One or two digits, as Go reads a number whose layout has no leading zero.
static bool take_number(struct cb_str *s, int *out)
{
    if (!s->n || !is_digit(s->p[0]))
        return false;
    bool two = s->n > 1 && is_digit(s->p[1]);
    *out = two ? (s->p[0] - '0') * 10 + (s->p[1] - '0') : s->p[0] - '0';
    *s = cb_str_skip(*s, two ? 2 : 1);
    return true;
}

static bool take_char(struct cb_str *s, char c)
{
    if (!s->n || s->p[0] != c)
        return false;
    *s = cb_str_skip(*s, 1);
    return true;
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

static bool take_date(struct cb_str *s)
{
    if (s->n < 5)
        return false;
    int year = 0, month, day;
    for (int i = 0; i < 4; i++) {
        if (!is_digit(s->p[i]))
            return false;
        year = year * 10 + (s->p[i] - '0');
    }
    *s = cb_str_skip(*s, 4);
    return take_char(s, '-') && take_number(s, &month) && month >= 1 && month <= 12 && take_char(s, '-') &&
           take_number(s, &day) && day >= 1 && day <= days_in(year, month);
}

static bool take_clock(struct cb_str *s)
{
    int hour, minute, second;
    if (!take_number(s, &hour) || hour > 23 || !take_char(s, ':') || !take_number(s, &minute) || minute > 59 ||
        !take_char(s, ':') || !take_number(s, &second) || second > 59)
        return false;
    if (s->n > 1 && (s->p[0] == '.' || s->p[0] == ',') && is_digit(s->p[1])) {
        *s = cb_str_skip(*s, 1);
        while (s->n && is_digit(s->p[0]))
            *s = cb_str_skip(*s, 1);
    }
    return true;
}

// "Z" or an offset; Go lets 24 hours and 60 minutes pass.
static bool is_zone(struct cb_str s)
{
    if (cb_str_is(s, "Z"))
        return true;
    if (s.n != 6 || (s.p[0] != '+' && s.p[0] != '-') || s.p[3] != ':' || !is_digit(s.p[1]) || !is_digit(s.p[2]) ||
        !is_digit(s.p[4]) || !is_digit(s.p[5]))
        return false;
    return (s.p[1] - '0') * 10 + (s.p[2] - '0') <= 24 && (s.p[4] - '0') * 10 + (s.p[5] - '0') <= 60;
}

bool cb_scalar_is_timestamp(struct cb_str s)
{
    if (!take_date(&s))
        return false;
    if (s.n == 0)
        return true;
    if (take_char(&s, 'T') || take_char(&s, 't'))
        return take_clock(&s) && is_zone(s);
    if (!take_char(&s, ' '))
        return false;
    while (take_char(&s, ' '))
        ;
    return take_clock(&s) && s.n == 0;
}

// ---- Numbers ----

// A sign and digits of one base, as Go's strconv.ParseInt; without a sign also what only ParseUint takes.
static bool parse_digits(struct cb_str s, unsigned base, struct cb_scalar *out)
{
    uint64_t u;
    int64_t i;
    bool fits = cb_str_i64(s, base, &i);
    if (!fits && !cb_str_u64(s, base, &u))
        return false;
    out->tag = CB_TAG_INT;
    out->is_unsigned = !fits;
    out->i = fits ? i : 0;
    out->u = fits ? (uint64_t)i : u;
    return true;
}

// strconv.ParseInt with base 0: the base follows from the prefix, which stands after the sign.
static bool parse_based(struct cb_str s, struct cb_scalar *out)
{
    bool negative = s.n && s.p[0] == '-', sign = negative || (s.n && s.p[0] == '+');
    struct cb_str digits = sign ? cb_str_skip(s, 1) : s;
    if (!digits.n || digits.p[0] != '0')
        return parse_digits(s, 10, out);
    if (digits.n == 1)
        return parse_digits(digits, 10, out);
    char prefix = digits.n > 2 ? (char)(digits.p[1] | 0x20) : 0;
    unsigned base = prefix == 'b' ? 2 : prefix == 'o' ? 8 : prefix == 'x' ? 16 : 8;
    digits = cb_str_skip(digits, prefix == 'b' || prefix == 'o' || prefix == 'x' ? 2 : 1);
    uint64_t u;
    if (!cb_str_u64(digits, base, &u) || (sign && u > (uint64_t)INT64_MAX + negative))
        return false;
    out->tag = CB_TAG_INT;
    out->is_unsigned = !negative && u > INT64_MAX;
    out->u = u;
    out->i = (int64_t)(negative ? 0 - u : u);
    return true;
}

static size_t digits_at(struct cb_str s, size_t at)
{
    size_t n = 0;
    while (at + n < s.n && is_digit(s.p[at + n]))
        n++;
    return n;
}

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
static bool looks_like_float(struct cb_str s)
{
    size_t at = s.n && (s.p[0] == '-' || s.p[0] == '+');
    size_t whole = digits_at(s, at);
    at += whole;
    if (at < s.n && s.p[at] == '.') {
        size_t fraction = digits_at(s, at + 1);
        if (!whole && !fraction)
            return false;
        at += 1 + fraction;
    } else if (!whole) {
        return false;
    }
    if (at < s.n && (s.p[at] == 'e' || s.p[at] == 'E')) {
        at++;
        at += at < s.n && (s.p[at] == '-' || s.p[at] == '+');
        size_t exponent = digits_at(s, at);
        if (!exponent)
            return false;
        at += exponent;
    }
    return at == s.n;
}

// A number that looks_like_float. Too large is no number, too small is zero, as in Go. The text of a node and the
// copies made here end in a NUL, which strtod needs; it is only ever called in the C locale.
static bool parse_float(const char *text, struct cb_scalar *out)
{
    errno = 0;
    double f = strtod(text, NULL);
    if (errno == ERANGE && (f > 1 || f < -1))
        return false;
    out->tag = CB_TAG_FLOAT;
    out->f = f;
    return true;
}

// A text that begins with a dot goes to Go's ParseFloat as it is, which lets underscores stand between digits only.
static bool parse_dotted(struct cb_str s, struct cb_scalar *out)
{
    CB_BUF_AUTO plain = {0};
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '_')
            cb_buf_addc(&plain, s.p[i]);
        else if (i == 0 || i + 1 == s.n || !is_digit(s.p[i - 1]) || !is_digit(s.p[i + 1]))
            return false;
    }
    return looks_like_float(cb_buf_str(&plain)) && parse_float(plain.p, out);
}

static bool parse_number(struct cb_str s, struct cb_scalar *out)
{
    CB_BUF_AUTO copy = {0};
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '_')
            cb_buf_addc(&copy, s.p[i]);
    struct cb_str plain = cb_buf_str(&copy);
    if (parse_based(plain, out))
        return true;
    if (looks_like_float(plain) && parse_float(plain.p, out))
        return true;
    // An oddity of yaml.v3: after 0b and 0o a sign may follow, so 0b-11 is -3.
    if (cb_str_starts(plain, "0b"))
        return parse_digits(cb_str_skip(plain, 2), 2, out);
    return cb_str_starts(plain, "0o") && parse_digits(cb_str_skip(plain, 2), 8, out);
}

// ---- The table ----

static const struct word {
    const char *text;
    enum cb_doc_tag tag;
    bool b;
    double f;
} words[] = {
    {"", CB_TAG_NULL},
    {"~", CB_TAG_NULL},
    {"null", CB_TAG_NULL},
    {"Null", CB_TAG_NULL},
    {"NULL", CB_TAG_NULL},
    {"true", CB_TAG_BOOL, true},
    {"True", CB_TAG_BOOL, true},
    {"TRUE", CB_TAG_BOOL, true},
    {"false", CB_TAG_BOOL},
    {"False", CB_TAG_BOOL},
    {"FALSE", CB_TAG_BOOL},
    {".nan", CB_TAG_FLOAT, false, __builtin_nan("")},
    {".NaN", CB_TAG_FLOAT, false, __builtin_nan("")},
    {".NAN", CB_TAG_FLOAT, false, __builtin_nan("")},
    {".inf", CB_TAG_FLOAT, false, __builtin_inf()},
    {".Inf", CB_TAG_FLOAT, false, __builtin_inf()},
    {".INF", CB_TAG_FLOAT, false, __builtin_inf()},
    {"+.inf", CB_TAG_FLOAT, false, __builtin_inf()},
    {"+.Inf", CB_TAG_FLOAT, false, __builtin_inf()},
    {"+.INF", CB_TAG_FLOAT, false, __builtin_inf()},
    {"-.inf", CB_TAG_FLOAT, false, -__builtin_inf()},
    {"-.Inf", CB_TAG_FLOAT, false, -__builtin_inf()},
    {"-.INF", CB_TAG_FLOAT, false, -__builtin_inf()},
};

struct cb_scalar cb_scalar_resolve(struct cb_str text)
{
    struct cb_scalar out = {.tag = CB_TAG_STR};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (cb_str_is(text, words[i].text))
            return (struct cb_scalar){.tag = words[i].tag, .b = words[i].b, .f = words[i].f};
    char c = text.p[0];
    if (c == '.')
        parse_dotted(text, &out);
    else if (!is_digit(c) && c != '+' && c != '-')
        return out;
    else if (cb_scalar_is_timestamp(text))
        out.tag = CB_TAG_TIMESTAMP;
    else
        parse_number(text, &out);
    return out;
}
