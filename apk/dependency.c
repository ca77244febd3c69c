#include "cbuild/apk/dependency.h"

static bool is_operator(char c)
{
    return (c >= '<' && c <= '>') || c == '~'; // '<', '=' and '>' are neighbours
}

// Where the name ends: at the first operator or '@'; -1 where it does not.
static ptrdiff_t name_end(struct cb_str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (is_operator(text.p[i]) || text.p[i] == '@')
            return (ptrdiff_t)i;
    return -1;
}

static enum cb_version_op operator_of(struct cb_str s)
{
    static const struct {
        const char *text;
        enum cb_version_op op;
    } known[] = {
        {"=", CB_OP_EQUAL},       {">", CB_OP_GREATER}, {"<", CB_OP_LESS},   {">=", CB_OP_GREATER_EQUAL},
        {"<=", CB_OP_LESS_EQUAL}, {"~", CB_OP_FUZZY},   {"=~", CB_OP_FUZZY},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (cb_str_is(s, known[i].text))
            return known[i].op;
    return CB_OP_ANY;
}

// "" or "@" and one or more letters and digits: takes the pin.
static bool take_pin(struct cb_str rest, struct cb_str *pin)
{
    if (!rest.n)
        return true;
    *pin = cb_str_skip(rest, 1);
    for (size_t i = 0; i < pin->n; i++) {
        char c = pin->p[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
            return false;
    }
    return pin->n > 0;
}

// Splits what follows the operator into version and pin; false where it does not have that form.
static bool take_version_and_pin(struct cb_str rest, struct cb_dependency *d)
{
    ptrdiff_t at = cb_str_find(rest, '@');
    d->version = at < 0 ? rest : cb_str_head(rest, (size_t)at);
    return take_pin(cb_str_skip(rest, d->version.n), &d->pin);
}

static struct cb_dependency parse_plain(struct cb_str text)
{
    struct cb_dependency whole = {.name = text}, d = {0};
    ptrdiff_t found = name_end(text);
    if (found < 0)
        return whole;
    size_t at = (size_t)found;
    d.name = cb_str_head(text, at);
    if (!d.name.n)
        return whole;
    if (text.p[at] == '@')
        return take_pin(cb_str_skip(text, at), &d.pin) ? d : whole;
    size_t end = at;
    while (end < text.n && is_operator(text.p[end]))
        end++;
    // The version needs at least one character, and may take it from the operator: "a==" is "=" and the version "=".
    if (end == text.n || text.p[end] == '@')
        end--;
    if (end == at)
        return whole;
    d.op = operator_of(cb_strn(text.p + at, end - at));
    return take_version_and_pin(cb_str_skip(text, end), &d) ? d : whole;
}

bool cb_dependency_name(struct cb_str text, struct cb_str *name)
{
    *name = parse_plain(text).name;
    return text.n && name_end(*name) < 0;
}

// Whether s ends in "-r" and digits.
static bool has_revision(struct cb_str s)
{
    size_t n = s.n;
    while (n && s.p[n - 1] >= '0' && s.p[n - 1] <= '9')
        n--;
    return n < s.n && n >= 2 && s.p[n - 2] == '-' && s.p[n - 1] == 'r';
}

// Where the '=' of a "so:" name with a version that does not end in a revision is, such as so:libc.so.6=6; -1 in
// others. The reference puts "0." in front of such a version, so that real package versions (so:libc.so.6=2.43-r0) are
// newer.
static ptrdiff_t shared_object_equals(struct cb_str text)
{
    ptrdiff_t at = cb_str_starts(text, "so:") ? cb_str_find(text, '=') : -1;
    return at < 0 || has_revision(cb_str_skip(text, (size_t)at + 1)) ? -1 : at;
}

bool cb_dependency_slice(struct cb_str text, struct cb_dependency *out)
{
    ptrdiff_t found = shared_object_equals(text);
    if (found < 0) {
        *out = parse_plain(text);
        return true;
    }
    size_t equals = (size_t)found, at = (size_t)name_end(text), end = at;
    while (end < equals && is_operator(text.p[end]))
        end++;
    *out = (struct cb_dependency){.name = cb_str_head(text, at), .zero_first = true};
    out->op = operator_of(cb_strn(text.p + at, end + 1 - at));
    return end == equals && take_version_and_pin(cb_str_skip(text, equals + 1), out);
}

// An odd form, such as so:a>1=2: the reference's change to the text is made, and the result read.
struct cb_dependency cb_dependency_parse(struct cb_str text, struct cb_arena *a)
{
    struct cb_dependency d;
    if (cb_dependency_slice(text, &d))
        return d;
    size_t head = (size_t)shared_object_equals(text) + 1;
    char *changed = cb_arena_bytes(a, text.n + 2);
    memcpy(changed, text.p, head);
    memcpy(changed + head, "0.", 2);
    memcpy(changed + head + 2, text.p + head, text.n - head);
    return parse_plain(cb_strn(changed, text.n + 2));
}

bool cb_dependency_version(const struct cb_dependency *d, struct cb_version *out)
{
    if (!cb_version_parse(d->version, out))
        return false;
    out->zero_first = d->zero_first;
    return true;
}

bool cb_dependency_version_is(const struct cb_dependency *d, struct cb_str text)
{
    if (!d->zero_first)
        return cb_str_eq(d->version, text);
    return cb_str_starts(text, "0.") && cb_str_eq(d->version, cb_str_skip(text, 2));
}
