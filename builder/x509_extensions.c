// The extensions of certificates that Go's crypto/x509 looks into; all others may hold anything.
#include <arpa/inet.h>

#include "cbuild/text/gourl.h"
#include "der.h"
#include "x509_check.h"

static bool is_ascii(struct cb_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (cb_der_byte(s, i) >= 0x80)
            return false;
    return true;
}

// Labels of visible characters, none of them empty; Go bounds no lengths yet. "" passes.
static bool is_domain(struct cb_str s, bool constraint)
{
    struct cb_str label;
    if (s.n == 0)
        return true;
    if (s.p[s.n - 1] == '.')
        return false;
    if (constraint && s.p[0] == '.')
        s = cb_str_skip(s, 1);
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < 33 || s.p[i] > 126)
            return false;
    for (struct cb_str rest = s; cb_str_cut(&rest, '.', &label);)
        if (label.n == 0)
            return false;
    return true;
}

static bool is_key_usage(struct cb_str v)
{
    struct cb_str bits;
    unsigned unused;
    return cb_der_bits(&v, &bits, &unused);
}

static bool is_basic_constraints(struct cb_str v)
{
    bool ca;
    int64_t path_length;
    return cb_der_get(&v, CB_DER_SEQUENCE, &v) && (!cb_der_is(v, CB_DER_BOOLEAN) || cb_der_boolean(&v, &ca)) &&
           (!cb_der_is(v, CB_DER_INTEGER) || (cb_der_int64(&v, CB_DER_INTEGER, &path_length) && path_length >= 0));
}

enum { NAME_EMAIL = CB_DER_CONTEXT | 1, NAME_DNS, NAME_URI = CB_DER_CONTEXT | 6, NAME_IP };

static bool is_uri(struct cb_str s)
{
    CB_ARENA_AUTO arena = {0};
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;
    struct cb_gourl url;
    return cb_gourl_parse(s, &arena, &url, &ignored) == 0 && is_domain(url.host, false);
}

static bool is_alternative_names(struct cb_str v)
{
    struct cb_str name;
    uint8_t tag;
    if (!cb_der_get(&v, CB_DER_SEQUENCE, &v))
        return false;
    while (v.n > 0) {
        if (!cb_der_any(&v, &tag, &name, NULL))
            return false;
        if ((tag == NAME_EMAIL || tag == NAME_DNS || tag == NAME_URI) && !is_ascii(name))
            return false;
        if ((tag == NAME_URI && !is_uri(name)) || (tag == NAME_IP && name.n != 4 && name.n != 16))
            return false;
    }
    return true;
}

static bool is_mask(struct cb_str s)
{
    bool ended = false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned b = cb_der_byte(s, i);
        if (ended ? b != 0 : ((~b & 0xFF) & ((~b & 0xFF) + 1)) != 0)
            return false;
        ended |= b != 0xFF;
    }
    return true;
}

static bool is_address(struct cb_str s)
{
    char text[INET6_ADDRSTRLEN + 1];
    uint8_t out[16];
    if (s.n >= sizeof text || memchr(s.p, 0, s.n))
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    return inet_pton(AF_INET, text, out) == 1 || inet_pton(AF_INET6, text, out) == 1;
}

// What stands before the '@' of a mailbox, quoted or of atoms; *at is where the '@' must be.
static bool take_local_part(struct cb_str s, size_t *at)
{
    static const char atoms[] = "!#$%&'*+-/=?^_`{|}~.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t i = 0;
    if (s.n > 0 && s.p[0] == '"') {
        for (i = 1; i < s.n && s.p[i] != '"'; i++) {
            if (s.p[i] == '\\' && ++i == s.n)
                return false;
            if (s.p[i] == '\0' || s.p[i] == '\n' || s.p[i] == '\r')
                return false;
        }
        *at = i + 1;
        return i < s.n;
    }
    for (bool dot = true; i < s.n && s.p[i] != '@'; i++) {
        bool is_dot = s.p[i] == '.';
        if (s.p[i] == '\\' && ++i == s.n)
            return false;
        if ((is_dot && dot) || (s.p[i] && !strchr(atoms, s.p[i]) && s.p[i - (i > 0)] != '\\') || !s.p[i])
            return false;
        dot = is_dot;
    }
    *at = i;
    return i > 0 && s.p[i - 1] != '.';
}

static bool is_mailbox(struct cb_str s)
{
    size_t at;
    if (!take_local_part(s, &at) || at >= s.n || s.p[at] != '@')
        return false;
    struct cb_str domain = cb_str_skip(s, at + 1);
    return is_domain(domain, false);
}

static bool is_constraint(uint8_t tag, struct cb_str v)
{
    switch (tag) {
    case NAME_DNS:
        return is_ascii(v) && is_domain(v, true);
    case NAME_IP:
        return (v.n == 8 || v.n == 32) && is_mask(cb_str_skip(v, v.n / 2));
    case NAME_EMAIL:
        return is_ascii(v) && (cb_str_find(v, '@') >= 0 ? is_mailbox(v) : is_domain(v, true));
    case NAME_URI:
        return is_ascii(v) && !is_address(v) && is_domain(v, true);
    default:
        return true;
    }
}

static bool is_subtrees(struct cb_str v)
{
    struct cb_str subtree, base;
    uint8_t tag;
    while (v.n > 0)
        if (!cb_der_get(&v, CB_DER_SEQUENCE, &subtree) || !cb_der_any(&subtree, &tag, &base, NULL) ||
            !is_constraint(tag, base))
            return false;
    return true;
}

static bool is_name_constraints(struct cb_str v)
{
    struct cb_str all, permitted = CB_STR(""), excluded = CB_STR("");
    return cb_der_get(&v, CB_DER_SEQUENCE, &all) && v.n == 0 &&
           cb_der_optional(&all, CB_DER_CONTEXT_CONSTRUCTED | 0, &permitted, NULL) &&
           cb_der_optional(&all, CB_DER_CONTEXT_CONSTRUCTED | 1, &excluded, NULL) && all.n == 0 &&
           permitted.n + excluded.n > 0 && is_subtrees(permitted) && is_subtrees(excluded);
}

static bool is_distribution_points(struct cb_str v)
{
    struct cb_str point, name, uri;
    bool present;
    if (!cb_der_get(&v, CB_DER_SEQUENCE, &v))
        return false;
    while (v.n > 0) {
        if (!cb_der_get(&v, CB_DER_SEQUENCE, &point) ||
            !cb_der_optional(&point, CB_DER_CONTEXT_CONSTRUCTED | 0, &name, &present))
            return false;
        if (!present)
            continue;
        if (!cb_der_get(&name, CB_DER_CONTEXT_CONSTRUCTED | 0, &name))
            return false;
        while (cb_der_is(name, NAME_URI))
            if (!cb_der_get(&name, NAME_URI, &uri))
                return false;
    }
    return true;
}

static bool is_authority_key(struct cb_str v)
{
    return cb_der_get(&v, CB_DER_SEQUENCE, &v) && cb_der_optional(&v, CB_DER_CONTEXT | 0, &v, NULL);
}

static bool is_subject_key(struct cb_str v)
{
    return cb_der_get(&v, CB_DER_OCTETS, &v);
}

static bool is_policy_constraints(struct cb_str v)
{
    int64_t number;
    if (!cb_der_get(&v, CB_DER_SEQUENCE, &v))
        return false;
    for (unsigned i = 0; i < 2; i++)
        if (cb_der_is(v, CB_DER_CONTEXT | i) && !cb_der_int64(&v, CB_DER_CONTEXT | i, &number))
            return false;
    return true;
}

static bool is_extended_key_usage(struct cb_str v)
{
    struct cb_str usage;
    if (!cb_der_get(&v, CB_DER_SEQUENCE, &v))
        return false;
    while (v.n > 0)
        if (!cb_der_oid(&v, &usage))
            return false;
    return true;
}

// Like cb_der_is_oid, but the parts may have any size.
static bool is_long_oid(struct cb_str s)
{
    bool first = true;
    for (size_t i = 0; i < s.n; i++) {
        if (first && cb_der_byte(s, i) == 0x80)
            return false;
        first = cb_der_byte(s, i) < 0x80;
    }
    return s.n > 0 && first;
}

// Each policy once. Policies are few, but the file may be hostile: more than POLICIES_MAX are refused.
#define POLICIES_MAX 1000u

static bool is_policies(struct cb_str v)
{
    struct cb_str policy, id, seen[POLICIES_MAX];
    if (!cb_der_get(&v, CB_DER_SEQUENCE, &v))
        return false;
    for (size_t n = 0; v.n > 0; n++) {
        if (n == POLICIES_MAX || !cb_der_get(&v, CB_DER_SEQUENCE, &policy) || !cb_der_get(&policy, CB_DER_OID, &id) ||
            !is_long_oid(id))
            return false;
        for (size_t i = 0; i < n; i++)
            if (cb_str_eq(seen[i], id))
                return false;
        seen[n] = id;
    }
    return true;
}

static bool is_policy_mappings(struct cb_str v)
{
    struct cb_str mapping, id;
    if (!cb_der_get(&v, CB_DER_SEQUENCE, &v))
        return false;
    while (v.n > 0)
        if (!cb_der_get(&v, CB_DER_SEQUENCE, &mapping) || !cb_der_get(&mapping, CB_DER_OID, &id) ||
            !cb_der_get(&mapping, CB_DER_OID, &id))
            return false;
    return true;
}

static bool is_inhibit_any_policy(struct cb_str v)
{
    int64_t number;
    return cb_der_int64(&v, CB_DER_INTEGER, &number);
}

static bool is_authority_access(struct cb_str v)
{
    struct cb_str access, method, uri;
    if (!cb_der_get(&v, CB_DER_SEQUENCE, &v))
        return false;
    while (v.n > 0)
        if (!cb_der_get(&v, CB_DER_SEQUENCE, &access) || !cb_der_oid(&access, &method) ||
            !cb_der_optional(&access, NAME_URI, &uri, NULL))
            return false;
    return true;
}

#define ACCESS "\x2B\x06\x01\x05\x05\x07\x01\x01"

static const struct {
    const char *id;
    bool (*is_valid)(struct cb_str value);
    bool never_critical;
} known[] = {
    {"\x55\x1D\x0E", is_subject_key, true},
    {"\x55\x1D\x0F", is_key_usage, false},
    {"\x55\x1D\x11", is_alternative_names, false},
    {"\x55\x1D\x13", is_basic_constraints, false},
    {"\x55\x1D\x1E", is_name_constraints, false},
    {"\x55\x1D\x1F", is_distribution_points, false},
    {"\x55\x1D\x20", is_policies, false},
    {"\x55\x1D\x21", is_policy_mappings, false},
    {"\x55\x1D\x23", is_authority_key, true},
    {"\x55\x1D\x24", is_policy_constraints, false},
    {"\x55\x1D\x25", is_extended_key_usage, false},
    {"\x55\x1D\x36", is_inhibit_any_policy, false},
    {ACCESS, is_authority_access, true},
};

bool cb_x509_extension_is_valid(struct cb_str id, bool critical, struct cb_str value)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (cb_str_is(id, known[i].id))
            return !(critical && known[i].never_critical) && known[i].is_valid(value);
    return true;
}
