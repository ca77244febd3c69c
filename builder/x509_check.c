#include "x509_check.h"

#include <stdlib.h>

#include "cbuild/base/map.h"
#include "cbuild/crypto/key.h"
#include "cbuild/text/utf8.h"
#include "der.h"

// Object identifiers, encoded.
#define RSA CB_STR("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01")
#define DSA CB_STR("\x2A\x86\x48\xCE\x38\x04\x01")
#define EC CB_STR("\x2A\x86\x48\xCE\x3D\x02\x01")
#define ED25519 CB_STR("\x2B\x65\x70")
#define P224 CB_STR("\x2B\x81\x04\x00\x21")
#define P256 CB_STR("\x2A\x86\x48\xCE\x3D\x03\x01\x07")
#define P384 CB_STR("\x2B\x81\x04\x00\x22")
#define P521 CB_STR("\x2B\x81\x04\x00\x23")

// --- Names

static bool is_printable(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("'()+,-./ :=?*&", c));
}

static bool is_numeric(uint8_t c)
{
    return (c >= '0' && c <= '9') || c == ' ';
}

static bool is_ascii(uint8_t c)
{
    return c < 0x80;
}

static bool all(struct cb_str s, bool (*test)(uint8_t c))
{
    for (size_t i = 0; i < s.n; i++)
        if (!test(cb_der_byte(s, i)))
            return false;
    return true;
}

// UCS-2 without surrogates and noncharacters; a terminating zero is fine.
static bool is_bmp(struct cb_str s)
{
    if (s.n % 2)
        return false;
    for (size_t i = 0; i < s.n; i += 2) {
        unsigned c = (unsigned)cb_der_byte(s, i) << 8 | cb_der_byte(s, i + 1);
        if (c == 0xFFFE || c == 0xFFFF || (c >= 0xFDD0 && c <= 0xFDEF) || (c >= 0xD800 && c <= 0xDFFF))
            return false;
    }
    return true;
}

static bool is_string(uint8_t tag, struct cb_str value)
{
    switch (tag) {
    case CB_DER_T61:
        return true;
    case CB_DER_PRINTABLE:
        return all(value, is_printable);
    case CB_DER_UTF8:
        return cb_utf8_valid(value);
    case CB_DER_BMP:
        return is_bmp(value);
    case CB_DER_IA5:
        return all(value, is_ascii);
    case CB_DER_NUMERIC:
        return all(value, is_numeric);
    default:
        return false;
    }
}

static bool check_name(struct cb_str *in)
{
    struct cb_str sequence, set, attribute, id, value;
    uint8_t tag;
    if (!cb_der_get(in, CB_DER_SEQUENCE, &sequence))
        return false;
    while (sequence.n > 0) {
        if (!cb_der_get(&sequence, CB_DER_SET, &set))
            return false;
        while (set.n > 0)
            if (!cb_der_get(&set, CB_DER_SEQUENCE, &attribute) || !cb_der_oid(&attribute, &id) ||
                !cb_der_any(&attribute, &tag, &value, NULL) || !is_string(tag, value))
                return false;
    }
    return true;
}

// --- Times

// Two digits at i as a number; -1 where they are none.
static int digits_at(struct cb_str s, size_t i)
{
    if (i + 2 > s.n || !all(cb_strn(s.p + i, 2), is_numeric) || s.p[i] == ' ' || s.p[i + 1] == ' ')
        return -1;
    return (s.p[i] - '0') * 10 + s.p[i + 1] - '0';
}

static bool is_date(int year, int month, int day)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1] + (leap && month == 2);
}

// "Z", or an offset of hours and minutes that is not zero.
static bool is_zone(struct cb_str s)
{
    if (s.n == 1)
        return s.p[0] == 'Z';
    int hours = digits_at(s, 1), minutes = digits_at(s, 3);
    return s.n == 5 && (s.p[0] == '+' || s.p[0] == '-') && hours >= 0 && hours <= 24 && minutes >= 0 && minutes < 60 &&
           hours + minutes > 0;
}

static bool is_time(struct cb_str s, int year, size_t at, bool with_seconds)
{
    int month = digits_at(s, at), day = digits_at(s, at + 2), hour = digits_at(s, at + 4);
    int minute = digits_at(s, at + 6), second = with_seconds ? digits_at(s, at + 8) : 0;
    return year >= 0 && is_date(year, month, day) && hour >= 0 && hour < 24 && minute >= 0 && minute < 60 &&
           second >= 0 && second < 60 && is_zone(cb_str_skip(s, at + (with_seconds ? 10 : 8)));
}

static bool check_time(struct cb_str *in)
{
    struct cb_str s;
    uint8_t tag;
    if (!cb_der_any(in, &tag, &s, NULL) || (tag != CB_DER_UTC_TIME && tag != CB_DER_TIME))
        return false;
    int high = digits_at(s, 0), low = digits_at(s, 2);
    if (tag == CB_DER_TIME)
        return high >= 0 && low >= 0 && is_time(s, high * 100 + low, 4, true);
    int year = high < 0 ? -1 : high + (high >= 69 ? 1900 : 2000);
    return is_time(s, year, 2, true) || is_time(s, year, 2, false);
}

// --- Keys

static bool is_positive(struct cb_str number)
{
    return !(cb_der_byte(number, 0) & 0x80) && !(number.n == 1 && number.p[0] == 0);
}

static bool check_rsa(struct cb_str parameters, struct cb_str key)
{
    struct cb_str modulus;
    int64_t exponent;
    return cb_str_eq(parameters, CB_STR("\x05\x00")) && cb_der_get(&key, CB_DER_SEQUENCE, &key) &&
           cb_der_number(&key, CB_DER_INTEGER, &modulus) && cb_der_int64(&key, CB_DER_INTEGER, &exponent) &&
           is_positive(modulus) && exponent > 0;
}

static bool check_dsa(struct cb_str parameters, struct cb_str key)
{
    struct cb_str number;
    if (!cb_der_number(&key, CB_DER_INTEGER, &number) || !is_positive(number) ||
        !cb_der_get(&parameters, CB_DER_SEQUENCE, &parameters))
        return false;
    for (int i = 0; i < 3; i++)
        if (!cb_der_number(&parameters, CB_DER_INTEGER, &number) || !is_positive(number))
            return false;
    return true;
}

static void add_element(struct cb_buf *out, unsigned tag, struct cb_str contents)
{
    cb_buf_addc(out, (char)tag);
    if (contents.n >= 0x80)
        cb_buf_addc(out, (char)0x81); // nothing here has 256 bytes
    cb_buf_addc(out, (char)contents.n);
    cb_buf_addstr(out, contents);
}

// Whether the point is on the curve: that of a key which is written anew, since this one may have more in it.
static bool is_on_curve(struct cb_str curve, struct cb_str point)
{
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;
    CB_BUF_AUTO algorithm = {0};
    CB_BUF_AUTO bits = {0};
    CB_BUF_AUTO body = {0};
    CB_BUF_AUTO spki = {0};
    add_element(&algorithm, CB_DER_OID, EC);
    add_element(&algorithm, CB_DER_OID, curve);
    cb_buf_addc(&bits, 0);
    cb_buf_addstr(&bits, point);
    add_element(&body, CB_DER_SEQUENCE, cb_buf_str(&algorithm));
    add_element(&body, CB_DER_BITS, cb_buf_str(&bits));
    add_element(&spki, CB_DER_SEQUENCE, cb_buf_str(&body));
    CB_KEY_AUTO *key = cb_key_from_der(cb_buf_str(&spki), &ignored);
    return key != NULL;
}

// Uncompressed points on one of four curves. Of P-224 only the form is looked at.
static bool check_ec(struct cb_str parameters, struct cb_str point)
{
    struct cb_str curve;
    if (!cb_der_oid(&parameters, &curve) || point.n == 0 || point.p[0] != 4)
        return false;
    if (cb_str_eq(curve, P224))
        return point.n == 57;
    size_t size = cb_str_eq(curve, P256) ? 65 : cb_str_eq(curve, P384) ? 97 : cb_str_eq(curve, P521) ? 133 : 0;
    return point.n == size && is_on_curve(curve, point);
}

// An algorithm's identifier; parameters is its second element, whole, or empty.
static bool read_algorithm(struct cb_str in, struct cb_str *id, struct cb_str *parameters)
{
    struct cb_str value;
    uint8_t tag;
    *parameters = CB_STR("");
    return cb_der_oid(&in, id) && (in.n == 0 || cb_der_any(&in, &tag, &value, parameters));
}

static bool check_key(struct cb_str *in)
{
    struct cb_str spki, algorithm, id, parameters, key;
    unsigned unused;
    if (!cb_der_get(in, CB_DER_SEQUENCE, &spki) || !cb_der_get(&spki, CB_DER_SEQUENCE, &algorithm) ||
        !read_algorithm(algorithm, &id, &parameters) || !cb_der_bits(&spki, &key, &unused))
        return false;
    if (cb_str_eq(id, ED25519))
        return parameters.n == 0 && key.n == 32;
    if (cb_str_eq(id, RSA))
        return unused == 0 && check_rsa(parameters, key);
    if (cb_str_eq(id, DSA))
        return unused == 0 && check_dsa(parameters, key);
    return !cb_str_eq(id, EC) || (unused == 0 && check_ec(parameters, key));
}

bool cb_x509_is_rsa_key(struct cb_str der)
{
    struct cb_str spki, algorithm, id, parameters, key;
    unsigned unused;
    return cb_der_get(&der, CB_DER_SEQUENCE, &spki) && der.n == 0 && cb_der_get(&spki, CB_DER_SEQUENCE, &algorithm) &&
           read_algorithm(algorithm, &id, &parameters) && cb_der_bits(&spki, &key, &unused) && unused == 0 &&
           cb_str_eq(id, RSA) && check_rsa(parameters, key);
}

// --- The certificate

static bool check_extension(struct cb_str extension, struct cb_map *seen)
{
    struct cb_str id, value;
    bool critical = false, added;
    if (!cb_der_oid(&extension, &id) ||
        (cb_der_is(extension, CB_DER_BOOLEAN) && !cb_der_boolean(&extension, &critical)) ||
        !cb_der_get(&extension, CB_DER_OCTETS, &value))
        return false;
    cb_map_put(seen, id, NULL, &added);
    return added && cb_x509_extension_is_valid(id, critical, value);
}

static bool check_extensions(struct cb_str *in)
{
    struct cb_str outer, list, extension;
    struct cb_map seen = {0};
    bool present, ok = true;
    if (!cb_der_optional(in, CB_DER_CONTEXT_CONSTRUCTED | 3, &outer, &present))
        return false;
    if (!present)
        return true;
    if (!cb_der_get(&outer, CB_DER_SEQUENCE, &list))
        return false;
    while (ok && list.n > 0)
        ok = cb_der_get(&list, CB_DER_SEQUENCE, &extension) && check_extension(extension, &seen);
    cb_map_release(&seen);
    return ok;
}

// *version is 1 to 3.
static bool read_version(struct cb_str *in, int64_t *version)
{
    struct cb_str outer;
    bool present;
    *version = 1;
    if (!cb_der_optional(in, CB_DER_CONTEXT_CONSTRUCTED | 0, &outer, &present))
        return false;
    if (!present)
        return true;
    if (!cb_der_int64(&outer, CB_DER_INTEGER, version) || outer.n > 0 || *version < 0 || *version > 2)
        return false;
    ++*version;
    return true;
}

static const char *check_body(struct cb_str body, struct cb_str signature_algorithm)
{
    struct cb_str serial, algorithm, id, parameters, validity, skipped;
    int64_t version;
    if (!read_version(&body, &version))
        return "its version is malformed";
    if (!cb_der_number(&body, CB_DER_INTEGER, &serial) || cb_der_byte(serial, 0) & 0x80)
        return "its serial number is malformed or negative";
    if (!cb_der_get(&body, CB_DER_SEQUENCE, &algorithm) || !cb_str_eq(algorithm, signature_algorithm) ||
        !read_algorithm(algorithm, &id, &parameters))
        return "its two signature algorithms are malformed or differ";
    if (!check_name(&body))
        return "its issuer is malformed";
    if (!cb_der_get(&body, CB_DER_SEQUENCE, &validity) || !check_time(&validity) || !check_time(&validity))
        return "its validity is malformed";
    if (!check_name(&body))
        return "its subject is malformed";
    if (!check_key(&body))
        return "its public key is malformed";
    if (version > 1 && (!cb_der_optional(&body, CB_DER_CONTEXT | 1, &skipped, NULL) ||
                        !cb_der_optional(&body, CB_DER_CONTEXT | 2, &skipped, NULL)))
        return "a unique identifier is malformed";
    if (version == 3 && !check_extensions(&body))
        return "its extensions are malformed";
    return NULL;
}

int cb_x509_check(struct cb_str der, struct cb_error *err)
{
    struct cb_str outer, body, algorithm, signature;
    unsigned unused;
    const char *why = "it is cut short, or is followed by more";
    if (cb_der_get(&der, CB_DER_SEQUENCE, &outer) && der.n == 0 && cb_der_get(&outer, CB_DER_SEQUENCE, &body)) {
        why = "its signature is malformed";
        if (cb_der_get(&outer, CB_DER_SEQUENCE, &algorithm) && cb_der_bits(&outer, &signature, &unused))
            why = check_body(body, algorithm);
    }
    return why ? cb_fail(err, CB_E_INPUT, "not a certificate: %s", why) : 0;
}
