#include "challenge.h"

#include <ctype.h>
#include <string.h>

// A cursor over the header. The grammar is ambiguous to the eye (the comma separates both challenges and their
// parameters), but one token of look-ahead decides: a word that '=' and a value follow is a parameter, any other word
// is a scheme.
struct cursor {
    struct cb_arena *arena;
    struct cb_str rest;
};

static bool is_token_char(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static void skip_space(struct cursor *c)
{
    while (c->rest.n && (c->rest.p[0] == ' ' || c->rest.p[0] == '\t'))
        c->rest = cb_str_skip(c->rest, 1);
}

static void skip_separators(struct cursor *c)
{
    skip_space(c);
    while (c->rest.n && c->rest.p[0] == ',') {
        c->rest = cb_str_skip(c->rest, 1);
        skip_space(c);
    }
}

static struct cb_str token(struct cursor *c)
{
    size_t n = 0;
    while (n < c->rest.n && is_token_char(c->rest.p[n]))
        n++;
    struct cb_str t = cb_str_head(c->rest, n);
    c->rest = cb_str_skip(c->rest, n);
    return t;
}

// The text within quotes, backslashes resolved; false where the closing quote is missing.
static bool quoted(struct cursor *c, struct cb_str *out)
{
    char *p = cb_arena_bytes(c->arena, c->rest.n + 1);
    size_t n = 0, i = 1;
    for (; i < c->rest.n && c->rest.p[i] != '"'; i++) {
        if (c->rest.p[i] == '\\' && i + 1 < c->rest.n)
            i++;
        p[n++] = c->rest.p[i];
    }
    if (i >= c->rest.n)
        return false;
    c->rest = cb_str_skip(c->rest, i + 1);
    p[n] = 0;
    *out = cb_strn(p, n);
    return true;
}

static bool value(struct cursor *c, struct cb_str *out)
{
    if (c->rest.n && c->rest.p[0] == '"')
        return quoted(c, out);
    struct cb_str t = token(c);
    *out = cb_arena_str(c->arena, t);
    return t.n > 0;
}

static bool is_word(struct cb_str s, const char *word)
{
    return s.n == strlen(word) && strncasecmp(s.p, word, s.n) == 0;
}

static void set_parameter(struct cb_challenge *ch, struct cb_str name, struct cb_str text)
{
    if (is_word(name, "realm"))
        ch->realm = text;
    else if (is_word(name, "service"))
        ch->service = text;
    else if (is_word(name, "scope"))
        ch->scope = text;
    else if (is_word(name, "error"))
        ch->error = text;
}

static enum cb_challenge_scheme scheme_of(struct cb_str word)
{
    if (is_word(word, "basic"))
        return CB_CHALLENGE_BASIC;
    return is_word(word, "bearer") ? CB_CHALLENGE_BEARER : CB_CHALLENGE_OTHER;
}

// The base64-like word that some schemes have in place of parameters ("Negotiate YII...==").
static void skip_token68(struct cursor *c)
{
    struct cursor start = *c;
    struct cb_str t = token(c);
    while (c->rest.n && (c->rest.p[0] == '/' || is_token_char(c->rest.p[0])))
        c->rest = cb_str_skip(c->rest, 1);
    size_t padding = 0;
    while (padding < c->rest.n && c->rest.p[padding] == '=')
        padding++;
    struct cursor end = {c->arena, cb_str_skip(c->rest, padding)};
    skip_space(&end);
    bool whole = t.n && (end.rest.n == 0 || end.rest.p[0] == ',');
    *c = whole ? end : start;
}

size_t cb_challenge_parse(struct cb_arena *a, struct cb_str header, struct cb_challenge out[CB_CHALLENGES])
{
    struct cursor c = {a, header};
    size_t n = 0;
    if (header.n > CB_CHALLENGE_MAX)
        return 0;
    for (;;) {
        skip_separators(&c);
        struct cb_str word = token(&c), text;
        if (word.n == 0)
            return n;
        skip_space(&c);
        if (n && c.rest.n && c.rest.p[0] == '=') {
            c.rest = cb_str_skip(c.rest, 1);
            skip_space(&c);
            if (!value(&c, &text))
                return n;
            set_parameter(&out[n - 1], word, text);
            continue;
        }
        if (n == CB_CHALLENGES)
            return n;
        out[n++] = (struct cb_challenge){.scheme = scheme_of(word)};
        skip_token68(&c);
    }
}
