// DER, read front to back. A cursor is a slice; each cb_der_* takes one element off it and says whether it was there
// and well-formed (definite, shortest lengths; tags below 31; minimal numbers).
// Source: ITU-T X.690; verdicts as those of Go's golang.org/x/crypto/cryptobyte.
#ifndef CB_BUILDER_DER_H
#define CB_BUILDER_DER_H

#include "cbuild/base/str.h"

enum cb_der_tag {
    CB_DER_BOOLEAN = 0x01,
    CB_DER_INTEGER = 0x02,
    CB_DER_BITS = 0x03,
    CB_DER_OCTETS = 0x04,
    CB_DER_OID = 0x06,
    CB_DER_UTF8 = 0x0C,
    CB_DER_NUMERIC = 0x12,
    CB_DER_PRINTABLE = 0x13,
    CB_DER_T61 = 0x14,
    CB_DER_IA5 = 0x16,
    CB_DER_UTC_TIME = 0x17,
    CB_DER_TIME = 0x18,
    CB_DER_BMP = 0x1E,
    CB_DER_SEQUENCE = 0x30,
    CB_DER_SET = 0x31,
    CB_DER_CONTEXT = 0x80,             // | number
    CB_DER_CONTEXT_CONSTRUCTED = 0xA0, // | number
};

// An element with its tag; *value is its contents, *whole (may be NULL) all of it.
bool cb_der_any(struct cb_str *in, uint8_t *tag, struct cb_str *value, struct cb_str *whole);
// An element of that tag. `in` and value may be the same.
bool cb_der_get(struct cb_str *in, unsigned tag, struct cb_str *value);
bool cb_der_is(struct cb_str in, unsigned tag); // what comes next
// An element of that tag, or none; *present (may be NULL) says which.
bool cb_der_optional(struct cb_str *in, unsigned tag, struct cb_str *value, bool *present);

bool cb_der_boolean(struct cb_str *in, bool *value);
bool cb_der_number(struct cb_str *in, unsigned tag, struct cb_str *value); // two's complement, big-endian, minimal
bool cb_der_int64(struct cb_str *in, unsigned tag, int64_t *value);
bool cb_der_bits(struct cb_str *in, struct cb_str *bytes, unsigned *unused); // unused low bits of the last byte, zero
bool cb_der_oid(struct cb_str *in, struct cb_str *value);                    // its encoded form

// Whether s is an encoded OID whose parts fit 31 bits.
bool cb_der_is_oid(struct cb_str s);

static inline uint8_t cb_der_byte(struct cb_str s, size_t i)
{
    return (uint8_t)s.p[i];
}

#endif
