#include "cbuild/net/netrc.h"

#include <stdlib.h>

#include "cbuild/base/vec.h"

static void skip_blank(struct cb_str *s)
{
    while (s->n && strchr(" \t\r\n", s->p[0]) && s->p[0])
        *s = cb_str_skip(*s, 1);
}

static void skip_line(struct cb_str *s)
{
    ptrdiff_t end = cb_str_find(*s, '\n');
    *s = cb_str_skip(*s, end < 0 ? s->n : (size_t)end + 1);
}

// The macro after "macdef name" ends with an empty line.
static void skip_macro(struct cb_str *s)
{
    skip_line(s);
    while (s->n && s->p[0] != '\n' && s->p[0] != '\r')
        skip_line(s);
}

static struct cb_str quoted(struct cb_netrc *n, struct cb_str *s)
{
    char *out = cb_arena_bytes(&n->arena, s->n + 1);
    size_t len = 0;
    *s = cb_str_skip(*s, 1);
    while (s->n && s->p[0] != '"') {
        bool escaped = s->p[0] == '\\' && s->n > 1;
        *s = cb_str_skip(*s, escaped);
        char c = s->p[0];
        out[len++] = !escaped ? c : c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
        *s = cb_str_skip(*s, 1);
    }
    *s = cb_str_skip(*s, 1);
    out[len] = 0;
    return cb_strn(out, len);
}

// The next word; empty with p == NULL at the end.
static struct cb_str word(struct cb_netrc *n, struct cb_str *s)
{
    skip_blank(s);
    while (s->n && s->p[0] == '#') {
        skip_line(s);
        skip_blank(s);
    }
    if (s->n == 0)
        return (struct cb_str){NULL, 0};
    if (s->p[0] == '"')
        return quoted(n, s);
    ptrdiff_t end = cb_str_find_any(*s, " \t\r\n");
    struct cb_str w = cb_str_head(*s, end < 0 ? s->n : (size_t)end);
    *s = cb_str_skip(*s, w.n);
    return w;
}

// A value may begin with '#', unlike a keyword.
static const char *value(struct cb_netrc *n, struct cb_str *s)
{
    skip_blank(s);
    struct cb_str w = {NULL, 0};
    if (s->n && s->p[0] == '"') {
        w = quoted(n, s);
    } else if (s->n) {
        ptrdiff_t end = cb_str_find_any(*s, " \t\r\n");
        w = cb_str_head(*s, end < 0 ? s->n : (size_t)end);
        *s = cb_str_skip(*s, w.n);
    }
    if (!w.p || memchr(w.p, 0, w.n))
        return NULL;
    return cb_arena_cstr(&n->arena, w);
}

void cb_netrc_parse(struct cb_netrc *n, struct cb_str text)
{
    struct cb_netrc_entry *entry = NULL;
    struct cb_str key;
    while ((key = word(n, &text)).p) {
        if (cb_str_is(key, "machine") || cb_str_is(key, "default")) {
            const char *machine = key.p[0] == 'm' ? value(n, &text) : NULL;
            entry = cb_vec_add(n);
            entry->machine = machine;
            if (key.p[0] == 'm' && !machine)
                entry->machine = "";
        } else if (cb_str_is(key, "macdef")) {
            skip_macro(&text);
            entry = NULL;
        } else if (entry && cb_str_is(key, "login")) {
            entry->login = value(n, &text);
        } else if (entry && cb_str_is(key, "password")) {
            entry->password = value(n, &text);
        } else if (entry && cb_str_is(key, "account")) {
            (void)value(n, &text);
        }
    }
}

void cb_netrc_release(struct cb_netrc *n)
{
    cb_arena_release(&n->arena);
    cb_vec_release(n);
}

const struct cb_netrc_entry *cb_netrc_find(const struct cb_netrc *n, const char *host)
{
    for (size_t i = 0; i < n->n; i++) {
        const struct cb_netrc_entry *e = &n->v[i];
        if (!e->machine || (e->machine[0] && strcasecmp(e->machine, host) == 0))
            return e->password ? e : NULL;
    }
    return NULL;
}
