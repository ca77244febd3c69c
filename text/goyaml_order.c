// The order in which yaml.v3 writes the keys of a Go map: as people would sort them, "a2" before "a10".
#include "cbuild/text/goyaml.h"
#include "cbuild/text/utf8.h"

// A decimal digit of any script: each has its ten in a row. Unicode's category Nd.
static bool rune_is_digit(uint32_t c)
{
    static const uint32_t zeros[] = {
        0x660,   0x6F0,   0x7C0,   0x966,   0x9E6,   0xA66,   0xAE6,   0xB66,   0xBE6,   0xC66,   0xCE6,
        0xD66,   0xDE6,   0xE50,   0xED0,   0xF20,   0x1040,  0x1090,  0x17E0,  0x1810,  0x1946,  0x19D0,
        0x1A80,  0x1A90,  0x1B50,  0x1BB0,  0x1C40,  0x1C50,  0xA620,  0xA8D0,  0xA900,  0xA9D0,  0xA9F0,
        0xAA50,  0xABF0,  0xFF10,  0x104A0, 0x10D30, 0x11066, 0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450,
        0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0, 0x11950, 0x11C50, 0x11D50, 0x11DA0, 0x16A60, 0x16AC0,
        0x16B50, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E950, 0x1FBF0};
    if (c < 0x80)
        return c >= '0' && c <= '9';
    for (size_t i = 0; i < sizeof zeros / sizeof *zeros; i++)
        if (c >= zeros[i] && c < zeros[i] + 10)
            return true;
    return false;
}

// Beyond ASCII, everything is taken for a letter but digits and the blocks of punctuation, symbols and private use.
static bool is_letter(uint32_t c)
{
    static const uint32_t others[][2] = {{0x80, 0xA9},     {0xAB, 0xB4},     {0xB6, 0xB9},      {0xBB, 0xBF},
                                         {0xD7, 0xD7},     {0xF7, 0xF7},     {0x2000, 0x2070},  {0x2190, 0x2BFF},
                                         {0x3000, 0x3004}, {0x3008, 0x3020}, {0xE000, 0xF8FF},  {0xFE00, 0xFE6F},
                                         {0xFEFF, 0xFEFF}, {0xFFE0, 0xFFFF}, {0x1F000, 0x1FAFF}};
    if (c < 0x80)
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (c >= others[i][0] && c <= others[i][1])
            return false;
    return !rune_is_digit(c);
}

// The digits at the front of s as a number on from *v, which wraps around; how many bytes they are. The reference takes
// digits of other scripts by their distance from "0".
static size_t digits_value(struct cb_str s, uint64_t *v)
{
    size_t at = 0, width;
    for (; at < s.n; at += width) {
        uint32_t rune = cb_utf8_decode(cb_str_skip(s, at), &width);
        if (!rune_is_digit(rune))
            break;
        *v = *v * 10 + rune - '0';
    }
    return at;
}

// The last character of s, and how many bytes it takes.
static uint32_t last_rune(struct cb_str s, size_t *width)
{
    *width = 1;
    while (*width < s.n && *width < 4 && ((unsigned char)s.p[s.n - *width] & 0xC0) == 0x80)
        ++*width;
    size_t ignored;
    return cb_utf8_decode(cb_str_skip(s, s.n - *width), &ignored);
}

// Whether the digits that `same` ends with are more than zeros: then zeros that follow count.
static bool ends_in_number(struct cb_str same)
{
    for (size_t width; same.n; same.n -= width) {
        uint32_t rune = last_rune(same, &width);
        if (!rune_is_digit(rune))
            return false;
        if (rune != '0')
            return true;
    }
    return false;
}

// Two keys from where they differ, the bytes before being `same`.
static bool differing_less(struct cb_str same, struct cb_str a, struct cb_str b)
{
    size_t wa, wb;
    uint32_t ra = cb_utf8_decode(a, &wa), rb = cb_utf8_decode(b, &wb);
    bool la = is_letter(ra), lb = is_letter(rb);
    if (la && lb)
        return ra < rb;
    if (la || lb)
        return same.n && rune_is_digit(last_rune(same, &wa)) ? la : lb;
    bool zeros_count = (ra == '0' || rb == '0') && ends_in_number(same);
    uint64_t va = zeros_count, vb = zeros_count;
    size_t na = digits_value(a, &va), nb = digits_value(b, &vb);
    if (va != vb)
        return (int64_t)va < (int64_t)vb;
    return na != nb ? na < nb : ra < rb;
}

bool cb_yaml_key_less(struct cb_str a, struct cb_str b)
{
    size_t same = 0;
    while (same < a.n && same < b.n) {
        size_t wa, wb;
        if (cb_utf8_decode(cb_str_skip(a, same), &wa) != cb_utf8_decode(cb_str_skip(b, same), &wb) || wa != wb)
            break;
        same += wa;
    }
    if (same == a.n || same == b.n)
        return a.n < b.n;
    return differing_less(cb_str_head(a, same), cb_str_skip(a, same), cb_str_skip(b, same));
}
