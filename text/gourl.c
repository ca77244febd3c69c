// Go's net/url. It is neither RFC 3986 nor WHATWG: what it decodes and how it writes it back differs from part to part,
// and the original spelling of a path survives only where it is a valid one.
#include "cbuild/text/gourl.h"

#include <arpa/inet.h>

enum part { PATH, HOST, USER, FRAGMENT };

// Bytes that stand for themselves in a part, besides letters, digits and "-._~".
static const char *const plain[] = {
    [PATH] = "$&+,/:;=@",
    [HOST] = "!\"$&'()*+,:;<=>[]",
    [USER] = "$&+,;=",
    [FRAGMENT] = "!$&()*+,/:;=?@",
};

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_plain(char c, enum part part)
{
    return is_alnum(c) || (c && (strchr("-._~", c) || strchr(plain[part], c)));
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void escape(struct cb_buf *out, struct cb_str s, enum part part)
{
    for (size_t i = 0; i < s.n; i++) {
        if (is_plain(s.p[i], part))
            cb_buf_addc(out, s.p[i]);
        else
            cb_buf_addf(out, "%%%02X", (unsigned char)s.p[i]);
    }
}

// The byte of the escape at the start of s, or -1.
static int escaped_byte(struct cb_str s)
{
    int high = s.n > 2 ? hex_digit(s.p[1]) : -1, low = s.n > 2 ? hex_digit(s.p[2]) : -1;
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

// Whether a byte, or the byte of an escape, may stand in a host. In a zone, more may be escaped.
static bool host_allows(struct cb_str s, bool zone)
{
    if (s.p[0] != '%')
        return (unsigned char)s.p[0] >= 0x80 || is_plain(s.p[0], HOST);
    int byte = escaped_byte(s);
    if (byte < 0 || byte == '%')
        return byte == '%';
    return zone ? byte == ' ' || is_plain((char)byte, HOST) : byte >= 0x80;
}

static int unescape(struct cb_str s, enum part part, bool zone, struct cb_arena *a, struct cb_str *out,
                    struct cb_error *err)
{
    char *p = cb_arena_bytes(a, s.n + 1);
    size_t n = 0;
    while (s.n) {
        int byte = s.p[0] == '%' ? escaped_byte(s) : (unsigned char)s.p[0];
        if (byte < 0)
            return cb_fail(err, CB_E_INPUT, "not a URL: \"%%\" must be followed by two hexadecimal digits");
        if (part == HOST && !host_allows(s, zone))
            return cb_fail(err, CB_E_INPUT, "not a URL: a host must not hold \"%.*s\"", s.p[0] == '%' ? 3 : 1, s.p);
        p[n++] = (char)byte;
        s = cb_str_skip(s, s.p[0] == '%' ? 3 : 1);
    }
    p[n] = '\0';
    *out = cb_strn(p, n);
    return 0;
}

// ---- Host and user ----

static bool is_port(struct cb_str s)
{
    for (size_t i = 1; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n == 0 || s.p[0] == ':';
}

static ptrdiff_t find_text(struct cb_str s, const char *text)
{
    const char *at = s.n ? memmem(s.p, s.n, text, strlen(text)) : NULL;
    return at ? at - s.p : -1;
}

static bool is_ipv6(struct cb_str s)
{
    ptrdiff_t zone = cb_str_find(s, '%');
    if (zone >= 0 && (size_t)zone + 1 == s.n)
        return false;
    struct cb_str address = zone >= 0 ? cb_str_head(s, (size_t)zone) : s;
    char text[INET6_ADDRSTRLEN];
    struct in6_addr ignored;
    if (address.n >= sizeof text)
        return false;
    memcpy(text, address.p, address.n);
    text[address.n] = '\0';
    return inet_pton(AF_INET6, text, &ignored) == 1;
}

static int parse_bracketed(struct cb_str host, struct cb_arena *a, struct cb_str *out, struct cb_error *err)
{
    ptrdiff_t close = cb_str_rfind(host, ']');
    if (close < 0)
        return cb_fail(err, CB_E_INPUT, "not a URL: missing \"]\" in the host");
    struct cb_str port = cb_str_skip(host, (size_t)close + 1);
    struct cb_str name = cb_str_skip(cb_str_head(host, (size_t)close), 1), zone_text = {0}, zone = {0};
    if (!is_port(port))
        return cb_fail(err, CB_E_INPUT, "not a URL: invalid port");
    ptrdiff_t zone_at = find_text(name, "%25");
    if (zone_at >= 0) {
        zone_text = cb_str_skip(name, (size_t)zone_at);
        name = cb_str_head(name, (size_t)zone_at);
    }
    if (unescape(name, HOST, false, a, &name, err) || unescape(zone_text, HOST, true, a, &zone, err))
        return -1;
    struct cb_str address = cb_arena_format(a, "%.*s%.*s", CB_STR_ARG(name), CB_STR_ARG(zone));
    if (!is_ipv6(address))
        return cb_fail(err, CB_E_INPUT, "not a URL: invalid IP address in brackets");
    *out = cb_arena_format(a, "[%.*s]%.*s", CB_STR_ARG(address), CB_STR_ARG(port));
    return 0;
}

static int parse_host(struct cb_str scheme, struct cb_str host, struct cb_arena *a, struct cb_str *out,
                      struct cb_error *err)
{
    ptrdiff_t open = cb_str_rfind(host, '[');
    if (open > 0)
        return cb_fail(err, CB_E_INPUT, "not a URL: invalid IP address in brackets");
    if (open == 0)
        return parse_bracketed(host, a, out, err);
    bool web = cb_str_is(scheme, "http") || cb_str_is(scheme, "https");
    ptrdiff_t colon = web ? cb_str_find(host, ':') : cb_str_rfind(host, ':');
    if (colon >= 0 && !is_port(cb_str_skip(host, (size_t)colon)))
        return cb_fail(err, CB_E_INPUT, "not a URL: invalid port");
    return unescape(host, HOST, false, a, out, err);
}

static int parse_user(struct cb_str info, struct cb_arena *a, struct cb_gourl *out, struct cb_error *err)
{
    for (size_t i = 0; i < info.n; i++)
        if (!is_alnum(info.p[i]) && !(info.p[i] && strchr("-._:~!$&'()*+,;=%@", info.p[i])))
            return cb_fail(err, CB_E_INPUT, "not a URL: invalid user or password");
    struct cb_str password = info, user;
    cb_str_cut(&password, ':', &user);
    out->has_user = true;
    out->has_password = password.p != NULL;
    if (unescape(user, USER, false, a, &out->user, err))
        return -1;
    return out->has_password ? unescape(password, USER, false, a, &out->password, err) : 0;
}

static int parse_authority(struct cb_str authority, struct cb_arena *a, struct cb_gourl *out, struct cb_error *err)
{
    ptrdiff_t at = cb_str_rfind(authority, '@');
    if (parse_host(out->scheme, cb_str_skip(authority, (size_t)(at + 1)), a, &out->host, err))
        return -1;
    return at < 0 ? 0 : parse_user(cb_str_head(authority, (size_t)at), a, out, err);
}

// ---- The whole ----

// A part decoded, and its spelling where that is not the one it would be written back with.
static int parse_part(struct cb_str s, enum part part, struct cb_arena *a, struct cb_str *out, struct cb_str *raw,
                      struct cb_error *err)
{
    CB_BUF_AUTO again = {0};
    if (unescape(s, part, false, a, out, err))
        return -1;
    escape(&again, *out, part);
    *raw = cb_str_eq(cb_buf_str(&again), s) ? CB_STR("") : cb_arena_str(a, s);
    return 0;
}

// Cuts "scheme:" off; no scheme is fine, an empty one is not.
static int parse_scheme(struct cb_str *rest, struct cb_arena *a, struct cb_str *scheme, struct cb_error *err)
{
    *scheme = CB_STR("");
    size_t i = 0;
    while (i < rest->n && (is_alnum(rest->p[i]) || (i && strchr("+-.", rest->p[i]) && rest->p[i])))
        if (i++ == 0 && rest->p[0] >= '0' && rest->p[0] <= '9')
            return 0;
    if (i == rest->n || rest->p[i] != ':')
        return 0;
    if (i == 0)
        return cb_fail(err, CB_E_INPUT, "not a URL: nothing before the \":\"");
    char *lower = cb_arena_cstr(a, cb_str_head(*rest, i));
    for (size_t k = 0; k < i; k++)
        lower[k] = (char)(lower[k] >= 'A' && lower[k] <= 'Z' ? lower[k] | 0x20 : lower[k]);
    *scheme = cb_strn(lower, i);
    *rest = cb_str_skip(*rest, i + 1);
    return 0;
}

static void cut_query(struct cb_str *rest, struct cb_arena *a, struct cb_gourl *out)
{
    struct cb_str query = *rest, before;
    cb_str_cut(&query, '?', &before);
    *rest = before;
    out->force_query = query.p && !query.n;
    out->query = query.p ? cb_arena_str(a, query) : CB_STR("");
}

static int parse(struct cb_str rest, struct cb_arena *a, struct cb_gourl *out, struct cb_error *err)
{
    for (size_t i = 0; i < rest.n; i++)
        if ((unsigned char)rest.p[i] < 0x20 || rest.p[i] == 0x7F)
            return cb_fail(err, CB_E_INPUT, "not a URL: control character");
    if (parse_scheme(&rest, a, &out->scheme, err))
        return -1;
    cut_query(&rest, a, out);
    if (!cb_str_starts(rest, "/")) {
        struct cb_str segment, tail = rest;
        if (out->scheme.n) {
            out->opaque = cb_arena_str(a, rest);
            return 0;
        }
        cb_str_cut(&tail, '/', &segment);
        if (cb_str_find(segment, ':') >= 0)
            return cb_fail(err, CB_E_INPUT, "not a URL: \":\" before the first \"/\", but no scheme");
    }
    if (cb_str_starts(rest, "//") && (out->scheme.n || !cb_str_starts(rest, "///"))) {
        struct cb_str authority = cb_str_skip(rest, 2);
        ptrdiff_t slash = cb_str_find(authority, '/');
        rest = slash < 0 ? CB_STR("") : cb_str_skip(authority, (size_t)slash);
        if (parse_authority(slash < 0 ? authority : cb_str_head(authority, (size_t)slash), a, out, err))
            return -1;
    } else if (out->scheme.n) {
        out->omit_host = true;
    }
    return parse_part(rest, PATH, a, &out->path, &out->raw_path, err);
}

int cb_gourl_parse(struct cb_str raw, struct cb_arena *a, struct cb_gourl *out, struct cb_error *err)
{
    struct cb_str fragment = raw, rest;
    *out = (struct cb_gourl){0};
    cb_str_cut(&fragment, '#', &rest);
    if (parse(rest, a, out, err))
        return -1;
    return fragment.n ? parse_part(fragment, FRAGMENT, a, &out->fragment, &out->raw_fragment, err) : 0;
}

// ---- Printing ----

// A spelling that was kept is used where it is made of valid bytes only.
static bool is_valid_spelling(struct cb_str raw, enum part part)
{
    for (size_t i = 0; i < raw.n; i++)
        if (!is_plain(raw.p[i], part) && !(raw.p[i] && strchr("!$&'()*+,;=:@[]%", raw.p[i])))
            return false;
    return raw.n > 0;
}

static void print_part(struct cb_buf *out, struct cb_str decoded, struct cb_str raw, enum part part)
{
    if (is_valid_spelling(raw, part))
        cb_buf_addstr(out, raw);
    else if (part == PATH && cb_str_is(decoded, "*"))
        cb_buf_addc(out, '*');
    else
        escape(out, decoded, part);
}

static void print_authority(const struct cb_gourl *u, bool redact, struct cb_buf *out)
{
    if (!u->scheme.n && !u->host.n && !u->has_user)
        return;
    if (u->omit_host && !u->host.n && !u->has_user)
        return;
    if (u->host.n || u->path.n || u->has_user)
        cb_buf_adds(out, "//");
    if (u->has_user) {
        escape(out, u->user, USER);
        if (u->has_password) {
            cb_buf_addc(out, ':');
            escape(out, redact ? CB_STR("xxxxx") : u->password, USER);
        }
        cb_buf_addc(out, '@');
    }
    escape(out, u->host, HOST);
}

void cb_gourl_print(const struct cb_gourl *u, bool redact, struct cb_buf *out)
{
    size_t start = out->n;
    if (u->scheme.n) {
        cb_buf_addstr(out, u->scheme);
        cb_buf_addc(out, ':');
    }
    if (u->opaque.n) {
        cb_buf_addstr(out, u->opaque);
    } else {
        CB_BUF_AUTO path = {0};
        print_authority(u, redact, out);
        print_part(&path, u->path, u->raw_path, PATH);
        struct cb_str segment, tail = cb_buf_str(&path);
        if (path.n && path.p[0] != '/' && u->host.n)
            cb_buf_addc(out, '/');
        if (out->n == start && cb_str_cut(&tail, '/', &segment) && cb_str_find(segment, ':') >= 0)
            cb_buf_adds(out, "./");
        cb_buf_addstr(out, cb_buf_str(&path));
    }
    if (u->force_query || u->query.n) {
        cb_buf_addc(out, '?');
        cb_buf_addstr(out, u->query);
    }
    if (u->fragment.n) {
        cb_buf_addc(out, '#');
        print_part(out, u->fragment, u->raw_fragment, FRAGMENT);
    }
}

struct cb_str cb_gourl_safe(struct cb_str raw, struct cb_arena *a)
{
    if (cb_str_find(raw, '@') < 0)
        return raw;
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;
    CB_BUF_AUTO out = {0};
    struct cb_gourl url;
    if (cb_gourl_parse(raw, a, &url, &ignored) || cb_str_find(url.opaque, '@') >= 0)
        return cb_str_skip(raw, (size_t)cb_str_rfind(raw, '@') + 1);
    if (!url.has_user)
        return raw;
    cb_gourl_print(&url, true, &out);
    return cb_arena_str(a, cb_buf_str(&out));
}

void cb_gourl_mask(char *text, size_t n)
{
    for (size_t i = 0; i + 3 <= n; i++) {
        if (memcmp(text + i, "://", 3) != 0)
            continue;
        size_t end = i += 3, at = n;
        for (; end < n && !strchr("/ \t\r\n\"'", text[end]); end++)
            if (text[end] == '@')
                at = end;
        if (at < n)
            memset(text + i, '*', at - i);
    }
}
