#include "git_config.h"

#include <strings.h>

#include "cbuild/base/buf.h"

// file    = { line }
// line    = section | setting | comment | blank
// section = "[" name [ space string ] "]"
// setting = name [ "=" value ]            value: quoted and bare pieces, "\" continues it on the next line
struct reader {
    struct git_config *config;
    struct cb_str rest;
    struct cb_buf section, subsection, key, value;
};

static bool at_end(const struct reader *r)
{
    return r->rest.n == 0;
}

static char peek(const struct reader *r)
{
    return r->rest.n ? r->rest.p[0] : '\0';
}

static char take(struct reader *r)
{
    char c = peek(r);
    r->rest = cb_str_skip(r->rest, 1);
    return c;
}

static void skip_blanks(struct reader *r)
{
    while (peek(r) == ' ' || peek(r) == '\t' || peek(r) == '\r')
        take(r);
}

static void skip_line(struct reader *r)
{
    while (!at_end(r) && take(r) != '\n')
        ;
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

static bool read_name(struct reader *r, struct cb_buf *out)
{
    cb_buf_reset(out);
    while (is_name_char(peek(r)))
        cb_buf_addc(out, take(r));
    return out->n > 0;
}

// After the backslash: the character it stands for; false for an escape that does not exist.
static bool read_escape(struct reader *r, struct cb_buf *out)
{
    char c = take(r);
    if (c == '\r' && peek(r) == '\n')
        c = take(r);
    switch (c) {
    case '\n':
        return true;
    case '\\':
    case '"':
        cb_buf_addc(out, c);
        return true;
    case 'n':
        cb_buf_addc(out, '\n');
        return true;
    case 't':
        cb_buf_addc(out, '\t');
        return true;
    case 'b':
        cb_buf_addc(out, '\b');
        return true;
    default:
        return false;
    }
}

static bool read_section(struct reader *r)
{
    take(r);
    cb_buf_reset(&r->subsection);
    if (!read_name(r, &r->section))
        return false;
    skip_blanks(r);
    if (peek(r) == '"') {
        take(r);
        while (peek(r) != '"') {
            if (at_end(r) || peek(r) == '\n')
                return false;
            char c = take(r);
            cb_buf_addc(&r->subsection, c == '\\' ? take(r) : c);
        }
        take(r);
    }
    return take(r) == ']';
}

static bool read_value(struct reader *r)
{
    bool quoted = false;
    size_t keep = 0; // blanks at the end do not count, unless quoted
    cb_buf_reset(&r->value);
    skip_blanks(r);
    while (!at_end(r) && (quoted || (peek(r) != '\n' && peek(r) != '#' && peek(r) != ';'))) {
        char c = take(r);
        if (c == '"') {
            quoted = !quoted;
            keep = r->value.n;
        } else if (c == '\\') {
            if (!read_escape(r, &r->value))
                return false;
            keep = r->value.n;
        } else if (c == '\n') {
            return false;
        } else {
            cb_buf_addc(&r->value, c);
            if (quoted || (c != ' ' && c != '\t' && c != '\r'))
                keep = r->value.n;
        }
    }
    r->value.n = keep;
    return !quoted;
}

static bool same(const struct cb_buf *b, const char *word)
{
    return b->n == strlen(word) && strncasecmp(b->p, word, b->n) == 0;
}

static struct cb_str copy(struct git_config *c, const struct cb_buf *b)
{
    return cb_arena_str(&c->arena, cb_buf_str(b));
}

static void note_section(struct reader *r)
{
    struct git_config *c = r->config;
    if (!same(&r->section, "url") || !r->subsection.n)
        return;
    struct cb_str base = copy(c, &r->subsection);
    for (size_t i = 0; i < c->rules.n; i++)
        if (cb_str_eq(c->rules.v[i].base, base))
            return;
    cb_vec_add(&c->rules)->base = base;
}

static void note_setting(struct reader *r)
{
    struct git_config *c = r->config;
    if (same(&r->section, "extensions") && !r->subsection.n && !same(&r->key, "noop"))
        c->has_extension = true;
    bool origin = same(&r->section, "remote") && cb_str_is(cb_buf_str(&r->subsection), "origin");
    if (origin && same(&r->key, "url"))
        cb_strs_add(&c->urls, copy(c, &r->value));
    if (origin && same(&r->key, "pushurl"))
        cb_strs_add(&c->push_urls, copy(c, &r->value));
    if (!same(&r->section, "url") || !same(&r->key, "insteadOf"))
        return;
    for (size_t i = 0; i < c->rules.n; i++)
        if (cb_str_eq(c->rules.v[i].base, cb_buf_str(&r->subsection)))
            c->rules.v[i].instead_of = copy(c, &r->value);
}

static bool read_setting(struct reader *r)
{
    if (!r->section.n || !read_name(r, &r->key))
        return false;
    cb_buf_reset(&r->value);
    skip_blanks(r);
    if (peek(r) == '=') {
        take(r);
        if (!read_value(r))
            return false;
        note_setting(r);
        return true;
    }
    note_setting(r);
    return at_end(r) || peek(r) == '\n' || peek(r) == '#' || peek(r) == ';';
}

static bool read_lines(struct reader *r)
{
    while (!at_end(r)) {
        skip_blanks(r);
        char c = peek(r);
        if (c == '\n') {
            take(r);
        } else if (c == '#' || c == ';') {
            skip_line(r);
        } else if (c == '[') {
            if (!read_section(r))
                return false;
            note_section(r);
        } else if (!at_end(r) && !read_setting(r)) {
            return false;
        }
    }
    return true;
}

bool git_config_parse(struct git_config *c, struct cb_str text)
{
    struct reader r = {.config = c, .rest = text};
    bool fine = read_lines(&r);
    cb_buf_release(&r.section);
    cb_buf_release(&r.subsection);
    cb_buf_release(&r.key);
    cb_buf_release(&r.value);
    return fine;
}

void git_config_release(struct git_config *c)
{
    cb_strs_release(&c->urls);
    cb_strs_release(&c->push_urls);
    cb_vec_release(&c->rules);
    cb_arena_release(&c->arena);
    *c = (struct git_config){0};
}

bool git_config_origin(struct git_config *c, struct cb_str *url)
{
    if (!c->urls.n && !c->push_urls.n)
        return false;
    *url = c->urls.n ? c->urls.v[0] : c->push_urls.v[0];
    ptrdiff_t best = -1;
    for (size_t i = 0; i < c->rules.n; i++) {
        struct cb_str from = c->rules.v[i].instead_of;
        bool matches = url->n >= from.n && cb_str_eq(cb_str_head(*url, from.n), from);
        if (matches && (best < 0 || from.n > c->rules.v[best].instead_of.n))
            best = (ptrdiff_t)i;
    }
    if (best >= 0)
        *url = cb_arena_format(&c->arena, "%.*s%.*s", CB_STR_ARG(c->rules.v[best].base),
                               CB_STR_ARG(cb_str_skip(*url, c->rules.v[best].instead_of.n)));
    return true;
}
