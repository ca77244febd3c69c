#include "cbuild/apk/version.h"

// A cursor over the text; once it has failed it stays failed, so that the grammar reads as straight-line code.
struct cursor {
    const char *p, *end;
    bool bad;
};

static bool is_digit(const struct cursor *c)
{
    return c->p < c->end && *c->p >= '0' && *c->p <= '9';
}

static int64_t take_number(struct cursor *c)
{
    const char *from = c->p;
    while (is_digit(c))
        c->p++;
    uint64_t value = 0;
    if (!cb_str_u64(cb_strn(from, (size_t)(c->p - from)), 10, &value) || value > INT64_MAX)
        c->bad = true;
    return (int64_t)value;
}

// number(.number)*
static struct cb_str take_numbers(struct cursor *c)
{
    const char *from = c->p;
    take_number(c);
    while (!c->bad && c->p < c->end && *c->p == '.') {
        c->p++;
        take_number(c);
    }
    return cb_strn(from, (size_t)(c->p - from));
}

static bool take_word(struct cursor *c, const char *word)
{
    struct cb_str rest = cb_strn(c->p, (size_t)(c->end - c->p));
    if (!cb_str_starts(rest, word))
        return false;
    c->p += strlen(word);
    return true;
}

// The first of words that stands here, and the number after it if there is one: its index, or -1.
static int take_suffix(struct cursor *c, const char *const *words, int n, int64_t *number)
{
    for (int i = 0; i < n; i++) {
        if (!take_word(c, words[i]))
            continue;
        if (is_digit(c))
            *number = take_number(c);
        return i;
    }
    return -1;
}

// "_pre" before "_p": the second is no prefix of a longer suffix once the first did not match.
static const char *const pre_words[] = {"_alpha", "_beta", "_pre", "_rc"};
static const char *const post_words[] = {"_cvs", "_svn", "_git", "_hg", "_p"};

bool cb_version_parse(struct cb_str text, struct cb_version *out)
{
    *out = (struct cb_version){.pre = CB_PRE_NONE};
    if (!text.n)
        return false;
    struct cursor c = {text.p, text.p + text.n, false};
    out->numbers = take_numbers(&c);
    if (c.p < c.end && *c.p >= 'a' && *c.p <= 'z')
        out->letter = *c.p++;
    int pre = take_suffix(&c, pre_words, 4, &out->pre_number);
    if (pre >= 0)
        out->pre = (enum cb_version_pre)pre;
    int post = take_suffix(&c, post_words, 5, &out->post_number);
    if (post >= 0)
        out->post = (enum cb_version_post)(post + 1);
    if (take_word(&c, "-r"))
        out->revision = take_number(&c);
    return !c.bad && c.p == c.end;
}

// The numbers of a version, one after another.
struct numbers {
    struct cb_str rest;
    bool zero;
};

static bool next_number(struct numbers *n, int64_t *value)
{
    *value = 0;
    if (n->zero) {
        n->zero = false;
        return true;
    }
    struct cb_str digits;
    if (!cb_str_cut(&n->rest, '.', &digits))
        return false;
    for (size_t i = 0; i < digits.n; i++)
        *value = *value * 10 + (digits.p[i] - '0');
    return true;
}

static struct numbers numbers_of(const struct cb_version *v)
{
    return (struct numbers){v->numbers, v->zero_first};
}

static int order(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_numbers(const struct cb_version *a, const struct cb_version *b)
{
    struct numbers na = numbers_of(a), nb = numbers_of(b);
    for (;;) {
        int64_t x, y;
        bool more_a = next_number(&na, &x), more_b = next_number(&nb, &y);
        if (!more_a || !more_b)
            return (int)more_a - (int)more_b;
        if (x != y)
            return order(x, y);
    }
}

int cb_version_compare(const struct cb_version *a, const struct cb_version *b)
{
    int c = compare_numbers(a, b);
    if (!c)
        c = order(a->letter, b->letter);
    if (!c)
        c = order(a->pre, b->pre);
    if (!c)
        c = order(a->pre_number, b->pre_number);
    if (!c)
        c = order(a->post, b->post);
    if (!c)
        c = order(a->post_number, b->post_number);
    if (!c)
        c = order(a->revision, b->revision);
    return c;
}

// Whether actual agrees with all that required gives. With more numbers than required nothing past them
// counts: 1.2.3-r1 satisfies ~1.2-r5. A suffix number or revision of 0 counts as not given.
static bool includes(const struct cb_version *actual, const struct cb_version *required)
{
    struct numbers na = numbers_of(actual), nr = numbers_of(required);
    int64_t x, y;
    while (next_number(&nr, &y))
        if (!next_number(&na, &x) || x != y)
            return false;
    if (next_number(&na, &x))
        return true;
    return (!required->letter || actual->letter == required->letter) &&
           (required->pre == CB_PRE_NONE || actual->pre == required->pre) &&
           (!required->pre_number || actual->pre_number == required->pre_number) &&
           (required->post == CB_POST_NONE || actual->post == required->post) &&
           (!required->post_number || actual->post_number == required->post_number) &&
           (!required->revision || actual->revision == required->revision);
}

bool cb_version_satisfies(enum cb_version_op op, const struct cb_version *actual, const struct cb_version *required)
{
    if (op == CB_OP_ANY)
        return true;
    if (op == CB_OP_FUZZY)
        return includes(actual, required);
    int c = cb_version_compare(actual, required);
    switch (op) {
    case CB_OP_EQUAL:
        return c == 0;
    case CB_OP_GREATER:
        return c > 0;
    case CB_OP_LESS:
        return c < 0;
    case CB_OP_GREATER_EQUAL:
        return c >= 0;
    default:
        return c <= 0;
    }
}
