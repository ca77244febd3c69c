// Hex and base64, as digests and keys are written.
#include "cbuild/crypto/hash.h"

void cb_hex(char *out, const uint8_t *p, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * n] = 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool cb_unhex(uint8_t *out, size_t size, struct cb_str hex)
{
    if (hex.n != 2 * size)
        return false;
    for (size_t i = 0; i < size; i++) {
        int high = hex_digit(hex.p[2 * i]), low = hex_digit(hex.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void cb_base64_add(struct cb_buf *b, const void *p, size_t n)
{
    const uint8_t *in = p;
    cb_buf_reserve(b, n / 3 * 4 + 4);
    for (; n >= 3; in += 3, n -= 3) {
        uint32_t v = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
        char quad[] = {standard[v >> 18], standard[v >> 12 & 63], standard[v >> 6 & 63], standard[v & 63]};
        cb_buf_add(b, quad, 4);
    }
    if (n == 0)
        return;
    uint32_t v = (uint32_t)in[0] << 16 | (n == 2 ? (uint32_t)in[1] << 8 : 0);
    char quad[] = {standard[v >> 18], standard[v >> 12 & 63], n == 2 ? standard[v >> 6 & 63] : '=', '='};
    cb_buf_add(b, quad, 4);
}

// The last group's unused bits must be zero: otherwise several texts stand for the same bytes, and a digest or
// signature compared as text could be had in more than one spelling.
static int decode(struct cb_buf *b, struct cb_str text, const char *alphabet)
{
    size_t start = b->n;
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < text.n; i++) {
        const char *at = text.p[i] ? strchr(alphabet, text.p[i]) : NULL;
        if (!at)
            goto malformed;
        bits = (bits << 6 | (uint32_t)(at - alphabet)) & 0xffffff;
        have += 6;
        if (have >= 8) {
            have -= 8;
            cb_buf_addc(b, (char)(bits >> have & 0xff));
        }
    }
    if (have >= 6 || (bits & ((1u << have) - 1)) != 0)
        goto malformed;
    return 0;
malformed:
    b->n = start;
    if (b->p)
        b->p[start] = 0;
    return -1;
}

int cb_base64_decode(struct cb_buf *b, struct cb_str text)
{
    if (text.n % 4 != 0)
        return -1;
    for (int pad = 0; pad < 2 && text.n > 0 && text.p[text.n - 1] == '='; pad++)
        text.n--;
    return decode(b, text, standard);
}

int cb_base64url_decode(struct cb_buf *b, struct cb_str text)
{
    return decode(b, text, url_safe);
}
