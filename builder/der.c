#include "der.h"

// The length octets at *in; *header is what precedes the contents.
static bool take_length(struct cb_str in, size_t *header, uint64_t *length)
{
    uint8_t first = cb_der_byte(in, 1);
    *header = 2;
    *length = first;
    if (first < 0x80)
        return true;
    unsigned count = first & 0x7F;
    if (count == 0 || count > 4 || in.n < 2 + (size_t)count)
        return false;
    *length = 0;
    for (unsigned i = 0; i < count; i++)
        *length = *length << 8 | cb_der_byte(in, 2 + i);
    *header += count;
    return *length >= 0x80 && *length >> (8 * (count - 1)) != 0 && *length + *header <= UINT32_MAX;
}

bool cb_der_any(struct cb_str *in, uint8_t *tag, struct cb_str *value, struct cb_str *whole)
{
    size_t header;
    uint64_t length;
    if (in->n < 2 || (cb_der_byte(*in, 0) & 0x1F) == 0x1F || !take_length(*in, &header, &length) ||
        length > in->n - header)
        return false;
    struct cb_str all = cb_str_head(*in, header + (size_t)length);
    *tag = cb_der_byte(*in, 0);
    *in = cb_str_skip(*in, all.n);
    *value = cb_str_skip(all, header);
    if (whole)
        *whole = all;
    return true;
}

bool cb_der_get(struct cb_str *in, unsigned tag, struct cb_str *value)
{
    uint8_t found;
    struct cb_str contents;
    if (!cb_der_any(in, &found, &contents, NULL) || found != tag)
        return false;
    *value = contents;
    return true;
}

bool cb_der_is(struct cb_str in, unsigned tag)
{
    return in.n > 0 && cb_der_byte(in, 0) == tag;
}

bool cb_der_optional(struct cb_str *in, unsigned tag, struct cb_str *value, bool *present)
{
    bool there = cb_der_is(*in, tag);
    if (present)
        *present = there;
    return !there || cb_der_get(in, tag, value);
}

bool cb_der_boolean(struct cb_str *in, bool *value)
{
    struct cb_str v;
    if (!cb_der_get(in, CB_DER_BOOLEAN, &v) || v.n != 1)
        return false;
    *value = cb_der_byte(v, 0) != 0;
    return cb_der_byte(v, 0) == 0 || cb_der_byte(v, 0) == 0xFF;
}

bool cb_der_number(struct cb_str *in, unsigned tag, struct cb_str *value)
{
    if (!cb_der_get(in, tag, value) || value->n == 0)
        return false;
    if (value->n == 1)
        return true;
    uint8_t first = cb_der_byte(*value, 0), sign = cb_der_byte(*value, 1) & 0x80;
    return !(first == 0 && sign == 0) && !(first == 0xFF && sign != 0);
}

bool cb_der_int64(struct cb_str *in, unsigned tag, int64_t *value)
{
    struct cb_str v;
    if (!cb_der_number(in, tag, &v) || v.n > 8)
        return false;
    uint64_t bits = cb_der_byte(v, 0) & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < v.n; i++)
        bits = bits << 8 | cb_der_byte(v, i);
    *value = (int64_t)bits;
    return true;
}

bool cb_der_bits(struct cb_str *in, struct cb_str *bytes, unsigned *unused)
{
    struct cb_str v;
    if (!cb_der_get(in, CB_DER_BITS, &v) || v.n == 0)
        return false;
    *unused = cb_der_byte(v, 0);
    *bytes = cb_str_skip(v, 1);
    if (*unused > 7)
        return false;
    return bytes->n > 0 ? (cb_der_byte(*bytes, bytes->n - 1) & ((1u << *unused) - 1)) == 0 : *unused == 0;
}

bool cb_der_is_oid(struct cb_str s)
{
    size_t digits = 0;
    uint32_t part = 0;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t b = cb_der_byte(s, i);
        if (digits == 5 || part >= 1u << 24 || (digits == 0 && b == 0x80))
            return false;
        part = part << 7 | (b & 0x7F);
        digits++;
        if (b < 0x80)
            digits = part = 0;
    }
    return s.n > 0 && digits == 0;
}

bool cb_der_oid(struct cb_str *in, struct cb_str *value)
{
    return cb_der_get(in, CB_DER_OID, value) && cb_der_is_oid(*value);
}
