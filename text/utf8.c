#include "cbuild/text/utf8.h"

// What may follow a leading byte: how many continuation bytes, and the range of the first of them. The narrowed ranges
// are what keeps out overlong forms (E0, F0), surrogates (ED) and code points past U+10FFFF (F4): Unicode table 3-7.
struct lead {
    unsigned more;
    uint8_t low, high;
};

static struct lead lead_of(uint8_t c)
{
    if (c < 0xC2 || c > 0xF4)
        return (struct lead){0, 0, 0};
    if (c < 0xE0)
        return (struct lead){1, 0x80, 0xBF};
    if (c < 0xF0)
        return (struct lead){2, c == 0xE0 ? 0xA0 : 0x80, c == 0xED ? 0x9F : 0xBF};
    return (struct lead){3, c == 0xF0 ? 0x90 : 0x80, c == 0xF4 ? 0x8F : 0xBF};
}

uint32_t cb_utf8_decode(struct cb_str s, size_t *width)
{
    const uint8_t *p = (const uint8_t *)s.p;
    *width = 1;
    if (p[0] < 0x80)
        return p[0];
    struct lead lead = lead_of(p[0]);
    if (!lead.more || s.n <= lead.more || p[1] < lead.low || p[1] > lead.high)
        return CB_RUNE_ERROR;
    uint32_t rune = p[0] & (0x3Fu >> lead.more);
    for (unsigned i = 1; i <= lead.more; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return CB_RUNE_ERROR;
        rune = rune << 6 | (p[i] & 0x3Fu);
    }
    *width = lead.more + 1;
    return rune;
}

bool cb_utf8_valid(struct cb_str s)
{
    for (size_t width; s.n; s = cb_str_skip(s, width))
        if (cb_utf8_decode(s, &width) == CB_RUNE_ERROR && width == 1)
            return false;
    return true;
}

void cb_utf8_add(struct cb_buf *b, uint32_t rune)
{
    if (rune > 0x10FFFF || (rune >= 0xD800 && rune <= 0xDFFF))
        rune = CB_RUNE_ERROR;
    if (rune < 0x80) {
        cb_buf_addc(b, (char)rune);
        return;
    }
    unsigned more = rune < 0x800 ? 1 : rune < 0x10000 ? 2 : 3;
    static const uint8_t marks[] = {0, 0xC0, 0xE0, 0xF0};
    cb_buf_addc(b, (char)(marks[more] | rune >> (6 * more)));
    while (more--)
        cb_buf_addc(b, (char)(0x80 | (rune >> (6 * more) & 0x3F)));
}
