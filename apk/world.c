#include "cbuild/apk/resolver.h"
#include "cbuild/text/utf8.h"

// White space as Go's unicode.IsSpace.
static bool is_space(uint32_t c)
{
    return (c >= '\t' && c <= '\r') || c == ' ' || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

// Go's strings.Fields.
static void split_fields(struct cb_str text, struct cb_strs *out)
{
    size_t from = 0, width;
    for (size_t at = 0; at <= text.n; at += width) {
        bool end = at == text.n;
        width = 1;
        if (!end && !is_space(cb_utf8_decode(cb_str_skip(text, at), &width)))
            continue;
        if (at > from)
            out->v[out->n++] = cb_strn(text.p + from, at - from);
        from = at + width;
    }
}

void cb_world(const struct cb_strs *packages, struct cb_arena *a, struct cb_str *text, struct cb_strs *entries)
{
    struct cb_strs sorted = {0};
    CB_BUF_AUTO joined = {0};
    for (size_t i = 0; i < packages->n; i++)
        cb_strs_add(&sorted, packages->v[i]);
    cb_strs_sort(&sorted);
    for (size_t i = 0; i < sorted.n; i++) {
        cb_buf_addstr(&joined, sorted.v[i]);
        if (i + 1 < sorted.n)
            cb_buf_addc(&joined, '\n');
    }
    cb_buf_addc(&joined, '\n');
    cb_strs_release(&sorted);
    *text = cb_arena_str(a, cb_buf_str(&joined));
    *entries = (struct cb_strs){.v = cb_arena_alloc(a, (text->n / 2 + 1) * sizeof *entries->v)};
    split_fields(*text, entries);
}
