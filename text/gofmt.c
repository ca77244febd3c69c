#include "cbuild/text/gofmt.h"

#include "cbuild/text/utf8.h"

#define NUMBER_MAX 1000000 // the largest width, precision or index that fmt takes
#define LOWER "0123456789abcdefx"
#define UPPER "0123456789ABCDEFX"

// What stands between '%' and the verb.
struct spec {
    bool sharp, zero, plus, minus, space;
    bool plus_v, sharp_v; // "%+v" and "%#v"
    bool has_width, has_precision;
    int width, precision;
};

struct printer {
    struct cb_buf *out;
    struct spec spec;
    bool beyond_ascii; // %q met what it cannot quote
    size_t start;      // of what is printed, in out
};

static void print_value(struct printer *p, const struct cb_go_value *v, uint32_t verb);

const char *cb_go_type_name(const struct cb_go_value *v)
{
    static const char *const names[] = {"<nil>", "bool", "int", "uint8", "string"};
    return v->kind == CB_GO_STRUCT ? v->record->type : names[v->kind];
}

// --- Padding

static size_t count_runes(struct cb_str s)
{
    size_t n = 0, width;
    for (; s.n; s = cb_str_skip(s, width), n++)
        cb_utf8_decode(s, &width);
    return n;
}

static void add_padding(struct printer *p, size_t n)
{
    char c = p->spec.zero && !p->spec.minus ? '0' : ' ';
    while (n--)
        cb_buf_addc(p->out, c);
}

static void pad(struct printer *p, struct cb_str s)
{
    size_t width = p->spec.has_width ? (size_t)p->spec.width : 0, n = count_runes(s);
    size_t missing = width > n ? width - n : 0;
    if (!p->spec.minus)
        add_padding(p, missing);
    cb_buf_addstr(p->out, s);
    if (p->spec.minus)
        add_padding(p, missing);
}

// Numbers have their zeros already.
static void pad_number(struct printer *p, struct cb_str s)
{
    bool zero = p->spec.zero;
    p->spec.zero = false;
    pad(p, s);
    p->spec.zero = zero;
}

// --- Texts

static struct cb_str truncate_text(const struct printer *p, struct cb_str s)
{
    if (!p->spec.has_precision)
        return s;
    size_t at = 0, width;
    for (int left = p->spec.precision; at < s.n && left > 0; left--, at += width)
        cb_utf8_decode(cb_str_skip(s, at), &width);
    return cb_str_head(s, at);
}

// One character of a quoted text.
static void add_quoted(struct printer *p, struct cb_buf *b, struct cb_str c, char quote)
{
    size_t width;
    uint32_t rune = cb_utf8_decode(c, &width);
    static const char plain[] = "\a\b\f\n\r\t\v", letters[] = "abfnrtv";
    const char *at = rune && rune < 0x80 ? strchr(plain, (int)rune) : NULL;
    if (rune == CB_RUNE_ERROR && width == 1)
        cb_buf_addf(b, "\\x%02x", (unsigned char)c.p[0]);
    else if (rune == (uint32_t)quote || rune == '\\')
        cb_buf_addf(b, "\\%c", (int)rune);
    else if (at)
        cb_buf_addf(b, "\\%c", letters[at - plain]);
    else if (rune < ' ' || rune == 0x7f)
        cb_buf_addf(b, "\\x%02x", rune);
    else if (rune < 0x80)
        cb_buf_addc(b, (char)rune);
    else if (p->spec.plus)
        cb_buf_addf(b, rune < 0x10000 ? "\\u%04x" : "\\U%08x", rune);
    else
        p->beyond_ascii = true;
}

static bool can_backquote(struct cb_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((s.p[i] < ' ' && s.p[i] != '\t') || s.p[i] == '`' || s.p[i] == 0x7f)
            return false; // beyond ASCII: a negative char
    return true;
}

static void print_quoted(struct printer *p, struct cb_str s)
{
    CB_BUF_AUTO b = {0};
    size_t width;
    s = truncate_text(p, s);
    if (p->spec.sharp && can_backquote(s)) {
        cb_buf_addf(&b, "`%.*s`", CB_STR_ARG(s));
        pad(p, cb_buf_str(&b));
        return;
    }
    cb_buf_addc(&b, '"');
    for (; s.n; s = cb_str_skip(s, width)) {
        cb_utf8_decode(s, &width);
        add_quoted(p, &b, s, '"');
    }
    cb_buf_addc(&b, '"');
    pad(p, cb_buf_str(&b));
}

static void print_hex(struct printer *p, struct cb_str s, const char *digits)
{
    CB_BUF_AUTO b = {0};
    const struct spec *f = &p->spec;
    if (f->has_precision && (size_t)f->precision < s.n)
        s.n = (size_t)f->precision;
    for (size_t i = 0; i < s.n; i++) {
        unsigned c = (unsigned char)s.p[i];
        if (i && f->space)
            cb_buf_addc(&b, ' ');
        if (f->sharp && (!i || f->space))
            cb_buf_addf(&b, "0%c", digits[16]);
        cb_buf_addc(&b, digits[c >> 4]);
        cb_buf_addc(&b, digits[c & 15]);
    }
    pad(p, cb_buf_str(&b));
}

static bool print_text(struct printer *p, struct cb_str s, uint32_t verb)
{
    switch (verb) {
    case 'v':
        if (p->spec.sharp_v)
            print_quoted(p, s);
        else
            pad(p, truncate_text(p, s));
        return true;
    case 's':
        pad(p, truncate_text(p, s));
        return true;
    case 'x':
        print_hex(p, s, LOWER);
        return true;
    case 'X':
        print_hex(p, s, UPPER);
        return true;
    case 'q':
        print_quoted(p, s);
        return true;
    default:
        return false;
    }
}

// --- Numbers

// The digits of u behind at least `least` of them, in front of *end; returns where they begin.
static char *put_digits(char *end, uint64_t u, unsigned base, const char *digits, int least)
{
    char *at = end;
    do
        *--at = digits[u % base];
    while ((u /= base) != 0);
    while (end - at < least)
        *--at = '0';
    return at;
}

static int digits_wanted(const struct spec *f, bool negative)
{
    if (f->has_precision)
        return f->precision;
    if (f->zero && !f->minus && f->has_width)
        return f->width - (negative || f->plus || f->space);
    return 0;
}

static void print_integer(struct printer *p, int64_t number, unsigned base, const char *digits, uint32_t verb)
{
    const struct spec *f = &p->spec;
    bool negative = number < 0;
    uint64_t u = negative ? 0 - (uint64_t)number : (uint64_t)number;
    if (f->has_precision && f->precision == 0 && u == 0) { // nothing but padding
        pad_number(p, cb_str(""));
        return;
    }
    size_t room = 80 + (size_t)(f->has_width ? f->width : 0) + (size_t)(f->has_precision ? f->precision : 0);
    CB_AUTOFREE char *buf = cb_alloc(room);
    char *end = buf + room, *at = put_digits(end, u, base, digits, digits_wanted(f, negative));
    if (f->sharp && base == 2)
        *--at = 'b', *--at = '0';
    else if (f->sharp && base == 8 && *at != '0')
        *--at = '0';
    else if (f->sharp && base == 16)
        *--at = digits[16], *--at = '0';
    if (verb == 'O')
        *--at = 'o', *--at = '0';
    if (negative)
        *--at = '-';
    else if (f->plus || f->space)
        *--at = f->plus ? '+' : ' ';
    pad_number(p, cb_strn(at, (size_t)(end - at)));
}

static uint32_t to_rune(int64_t number)
{
    return number < 0 || number > 0x10ffff ? CB_RUNE_ERROR : (uint32_t)number;
}

static void print_character(struct printer *p, int64_t number, bool quoted)
{
    CB_BUF_AUTO c = {0};
    CB_BUF_AUTO b = {0};
    cb_utf8_add(&c, to_rune(number));
    if (quoted) {
        cb_buf_addc(&b, '\'');
        add_quoted(p, &b, cb_buf_str(&c), '\'');
        cb_buf_addc(&b, '\'');
    }
    pad(p, cb_buf_str(quoted ? &b : &c));
}

static void print_code_point(struct printer *p, int64_t number)
{
    CB_BUF_AUTO b = {0};
    const struct spec *f = &p->spec;
    int least = f->has_precision && f->precision > 4 ? f->precision : 4;
    CB_AUTOFREE char *buf = cb_alloc((size_t)least + 20);
    char *end = buf + least + 20, *at = put_digits(end, (uint64_t)number, 16, UPPER, least);
    cb_buf_addf(&b, "U+%.*s", (int)(end - at), at);
    if (f->sharp && number >= ' ' && number < 0x7f)
        cb_buf_addf(&b, " '%c'", (int)number);
    else if (f->sharp && number > 0x7f && number <= 0x10ffff)
        p->beyond_ascii = true;
    pad_number(p, cb_buf_str(&b));
}

static bool print_number(struct printer *p, const struct cb_go_value *v, uint32_t verb)
{
    switch (verb) {
    case 'v':
        if (p->spec.sharp_v && v->kind == CB_GO_BYTE) {
            bool sharp = p->spec.sharp;
            p->spec.sharp = true;
            print_integer(p, v->number, 16, LOWER, verb);
            p->spec.sharp = sharp;
            return true;
        }
        print_integer(p, v->number, 10, LOWER, verb);
        return true;
    case 'd':
        print_integer(p, v->number, 10, LOWER, verb);
        return true;
    case 'b':
        print_integer(p, v->number, 2, LOWER, verb);
        return true;
    case 'o':
    case 'O':
        print_integer(p, v->number, 8, LOWER, verb);
        return true;
    case 'x':
    case 'X':
        print_integer(p, v->number, 16, verb == 'x' ? LOWER : UPPER, verb);
        return true;
    case 'c':
    case 'q':
        print_character(p, v->number, verb == 'q');
        return true;
    case 'U':
        print_code_point(p, v->number);
        return true;
    default:
        return false;
    }
}

// --- Values

static void add_verb(struct printer *p, uint32_t verb)
{
    cb_buf_adds(p->out, "%!");
    cb_utf8_add(p->out, verb);
}

static void print_bad_verb(struct printer *p, const struct cb_go_value *v, uint32_t verb)
{
    add_verb(p, verb);
    cb_buf_addc(p->out, '(');
    cb_buf_adds(p->out, cb_go_type_name(v));
    if (v->kind != CB_GO_NIL) {
        cb_buf_addc(p->out, '=');
        print_value(p, v, 'v');
    }
    cb_buf_addc(p->out, ')');
}

static void print_record(struct printer *p, const struct cb_go_struct *record, uint32_t verb)
{
    const struct spec *f = &p->spec;
    if (f->sharp_v)
        cb_buf_adds(p->out, record->type);
    cb_buf_addc(p->out, '{');
    for (size_t i = 0; i < record->n; i++) {
        if (i)
            cb_buf_adds(p->out, f->sharp_v ? ", " : " ");
        if (f->plus_v || f->sharp_v)
            cb_buf_addf(p->out, "%s:", record->fields[i].name);
        const struct cb_go_value v = {.kind = CB_GO_STRING, .text = record->fields[i].value};
        print_value(p, &v, verb);
    }
    cb_buf_addc(p->out, '}');
}

static void print_value(struct printer *p, const struct cb_go_value *v, uint32_t verb)
{
    bool known = false;
    if (verb == 'T') {
        pad(p, v->kind == CB_GO_NIL ? cb_str("<nil>") : truncate_text(p, cb_str(cb_go_type_name(v))));
        return;
    }
    switch (v->kind) {
    case CB_GO_NIL:
        known = verb == 'v';
        if (known)
            pad(p, CB_STR("<nil>"));
        break;
    case CB_GO_BOOL:
        known = verb == 't' || verb == 'v';
        if (known)
            pad(p, cb_str(v->truth ? "true" : "false"));
        break;
    case CB_GO_INT:
    case CB_GO_BYTE:
        known = print_number(p, v, verb);
        break;
    case CB_GO_STRING:
        known = print_text(p, v->text, verb);
        break;
    case CB_GO_STRUCT:
        known = verb != 'w' && verb != 'p';
        if (known)
            print_record(p, v->record, verb);
        break;
    }
    if (!known)
        print_bad_verb(p, v, verb);
}

void cb_go_print(struct cb_buf *out, const struct cb_go_value *values, size_t n)
{
    struct printer p = {.out = out};
    for (size_t i = 0; i < n; i++) {
        if (i && values[i].kind != CB_GO_STRING && values[i - 1].kind != CB_GO_STRING)
            cb_buf_addc(out, ' ');
        print_value(&p, &values[i], 'v');
    }
}

void cb_go_println(struct cb_buf *out, const struct cb_go_value *values, size_t n)
{
    struct printer p = {.out = out};
    for (size_t i = 0; i < n; i++) {
        if (i)
            cb_buf_addc(out, ' ');
        print_value(&p, &values[i], 'v');
    }
    cb_buf_addc(out, '\n');
}

// --- Formats

struct formatter {
    struct printer printer;
    struct cb_str format;
    size_t at; // in format
    const struct cb_go_value *values;
    size_t n, next;   // of values
    bool reordered;   // an index was given somewhere
    bool good_index;  // none so far in this verb, or only good ones
    bool after_index; // right behind one
};

static int peek(const struct formatter *f)
{
    return f->at < f->format.n ? (unsigned char)f->format.p[f->at] : -1;
}

static bool is_too_large(int64_t n)
{
    return n > NUMBER_MAX || n < -NUMBER_MAX;
}

// A number at `at`, which then stands behind it (a number that is too large swallows the rest).
static bool read_number(const struct formatter *f, size_t *at, size_t end, int *number)
{
    bool found = false;
    *number = 0;
    for (; *at < end && f->format.p[*at] >= '0' && f->format.p[*at] <= '9'; (*at)++) {
        if (is_too_large(*number)) {
            *number = 0;
            *at = end;
            return false;
        }
        *number = *number * 10 + (f->format.p[*at] - '0');
        found = true;
    }
    return found;
}

// "[3]": which value is next.
static void read_index(struct formatter *f)
{
    if (peek(f) != '[') {
        f->after_index = false;
        return;
    }
    f->reordered = true;
    struct cb_str rest = cb_str_skip(f->format, f->at);
    ptrdiff_t close = rest.n < 3 ? -1 : cb_str_find(rest, ']');
    int number;
    size_t at = f->at + 1, end = f->at + (size_t)(close < 0 ? 0 : close);
    bool is_number = close > 0 && read_number(f, &at, end, &number) && at == end;
    f->after_index = is_number;
    f->at += close < 0 ? 1 : (size_t)close + 1;
    if (is_number && number >= 1 && (size_t)number <= f->n)
        f->next = (size_t)number - 1;
    else
        f->good_index = false;
}

// The value that a '*' stands for.
static bool take_star(struct formatter *f, int *number)
{
    *number = 0;
    if (f->next >= f->n)
        return false;
    const struct cb_go_value *v = &f->values[f->next++];
    if ((v->kind != CB_GO_INT && v->kind != CB_GO_BYTE) || is_too_large(v->number))
        return false;
    *number = (int)v->number;
    return true;
}

static void read_width(struct formatter *f)
{
    struct spec *s = &f->printer.spec;
    if (peek(f) != '*') {
        s->has_width = read_number(f, &f->at, f->format.n, &s->width);
        f->good_index = f->good_index && !(f->after_index && s->has_width);
        return;
    }
    f->at++;
    s->has_width = take_star(f, &s->width);
    if (!s->has_width)
        cb_buf_adds(f->printer.out, "%!(BADWIDTH)");
    if (s->width < 0) {
        s->width = -s->width;
        s->minus = true;
        s->zero = false;
    }
    f->after_index = false;
}

static void read_precision(struct formatter *f)
{
    struct spec *s = &f->printer.spec;
    if (f->at + 1 >= f->format.n || peek(f) != '.')
        return;
    f->at++;
    f->good_index = f->good_index && !f->after_index;
    read_index(f);
    if (peek(f) != '*') {
        read_number(f, &f->at, f->format.n, &s->precision);
        s->has_precision = true;
        return;
    }
    f->at++;
    s->has_precision = take_star(f, &s->precision);
    if (s->precision < 0) {
        s->precision = 0;
        s->has_precision = false;
    }
    if (!s->has_precision)
        cb_buf_adds(f->printer.out, "%!(BADPREC)");
    f->after_index = false;
}

static void read_flags(struct formatter *f)
{
    struct spec *s = &f->printer.spec;
    *s = (struct spec){0};
    for (;; f->at++) {
        switch (peek(f)) {
        case '#':
            s->sharp = true;
            break;
        case '0':
            s->zero = true;
            break;
        case '+':
            s->plus = true;
            break;
        case '-':
            s->minus = true;
            break;
        case ' ':
            s->space = true;
            break;
        default:
            return;
        }
    }
}

static void apply_verb(struct formatter *f, uint32_t verb)
{
    struct spec *s = &f->printer.spec;
    if (verb == '%') {
        cb_buf_addc(f->printer.out, '%');
    } else if (!f->good_index) {
        add_verb(&f->printer, verb);
        cb_buf_adds(f->printer.out, "(BADINDEX)");
    } else if (f->next >= f->n) {
        add_verb(&f->printer, verb);
        cb_buf_adds(f->printer.out, "(MISSING)");
    } else {
        if (verb == 'v' || verb == 'w') {
            s->sharp_v = s->sharp;
            s->plus_v = s->plus;
            s->sharp = s->plus = false;
        }
        print_value(&f->printer, &f->values[f->next++], verb);
    }
}

// What follows a '%'.
static void print_verb(struct formatter *f)
{
    f->good_index = true;
    read_flags(f);
    int c = peek(f);
    if (!(c >= 'a' && c <= 'z' && f->next < f->n)) {
        read_index(f);
        read_width(f);
        read_precision(f);
        if (!f->after_index)
            read_index(f);
    }
    if (f->at >= f->format.n) {
        cb_buf_adds(f->printer.out, "%!(NOVERB)");
        return;
    }
    size_t width;
    uint32_t verb = cb_utf8_decode(cb_str_skip(f->format, f->at), &width);
    f->at += width;
    apply_verb(f, verb);
}

static void print_extra(struct formatter *f)
{
    if (f->reordered || f->next >= f->n)
        return;
    struct cb_buf *out = f->printer.out;
    f->printer.spec = (struct spec){0};
    cb_buf_adds(out, "%!(EXTRA ");
    for (size_t i = f->next; i < f->n; i++) {
        const struct cb_go_value *v = &f->values[i];
        cb_buf_adds(out, i > f->next ? ", " : "");
        cb_buf_adds(out, cb_go_type_name(v));
        if (v->kind == CB_GO_NIL)
            continue;
        cb_buf_addc(out, '=');
        print_value(&f->printer, v, 'v');
    }
    cb_buf_addc(out, ')');
}

int cb_go_printf(struct cb_buf *out, struct cb_str format, const struct cb_go_value *values, size_t n,
                 struct cb_error *err)
{
    struct formatter f = {.printer = {.out = out, .start = out->n}, .format = format, .values = values, .n = n};
    while (f.at < format.n) {
        struct cb_str rest = cb_str_skip(format, f.at);
        ptrdiff_t percent = cb_str_find(rest, '%');
        struct cb_str text = percent < 0 ? rest : cb_str_head(rest, (size_t)percent);
        cb_buf_addstr(out, text);
        f.at += text.n;
        if (percent < 0)
            break;
        f.at++;
        print_verb(&f);
        if (f.printer.beyond_ascii)
            return cb_fail(err, CB_E_UNSUPPORTED, "printf: %%q and %%#U are not supported for text beyond ASCII");
        if (out->n - f.printer.start > CB_GO_PRINTF_MAX)
            return cb_fail(err, CB_E_LIMIT, "printf: more than %u bytes", CB_GO_PRINTF_MAX);
    }
    print_extra(&f);
    return 0;
}
