#include "cbuild/net/url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>

#define SET_FLAGS (CURLU_URLENCODE | CURLU_ALLOW_SPACE)

// One part of a URL as an owned string, or NULL where it is absent.
static char *part(CURLU *c, CURLUPart which, unsigned flags)
{
    char *s = NULL;
    if (curl_url_get(c, which, &s, flags) != CURLUE_OK)
        return NULL;
    char *copy = cb_strdup(s);
    curl_free(s);
    return copy;
}

static bool http_scheme(const char *scheme)
{
    return scheme && (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
}

static void lower(char *s)
{
    for (; *s; s++)
        *s = (char)tolower((unsigned char)*s);
}

// "[::1]" -> "::1"
static void strip_brackets(char *host)
{
    size_t n = strlen(host);
    if (n >= 2 && host[0] == '[' && host[n - 1] == ']') {
        memmove(host, host + 1, n - 2);
        host[n - 2] = 0;
    }
}

static const char *url_problem(CURLUcode rc)
{
    switch (rc) {
    case CURLUE_OK:
    case CURLUE_UNSUPPORTED_SCHEME:
    case CURLUE_BAD_SCHEME:
        return "only http and https are supported";
    case CURLUE_BAD_HOSTNAME:
    case CURLUE_NO_HOST:
    case CURLUE_BAD_IPV6:
        return "its host is malformed";
    case CURLUE_BAD_PORT_NUMBER:
        return "its port is no number up to 65535";
    case CURLUE_BAD_USER:
    case CURLUE_BAD_PASSWORD:
    case CURLUE_BAD_LOGIN:
        return "its user or password is malformed";
    case CURLUE_OUT_OF_MEMORY:
        return "out of memory";
    default:
        return "it is malformed";
    }
}

static int bad_url(const char *text, const char *why, struct cb_error *err)
{
    char *shown CB_AUTOFREE = cb_url_redact(text);
    return cb_fail(err, CB_E_USAGE, "%.200s is not a URL that can be fetched: %s", shown, why);
}

// The parts that every URL has; false where the scheme or the host is not one of ours.
static bool take_parts(struct cb_url *u, CURLU *c)
{
    u->scheme = part(c, CURLUPART_SCHEME, 0);
    u->host = part(c, CURLUPART_HOST, 0);
    u->user = part(c, CURLUPART_USER, CURLU_URLDECODE);
    u->password = part(c, CURLUPART_PASSWORD, CURLU_URLDECODE);
    u->path = part(c, CURLUPART_PATH, 0);
    u->query = part(c, CURLUPART_QUERY, 0);
    char *named CB_AUTOFREE = part(c, CURLUPART_PORT, 0);
    char *port CB_AUTOFREE = part(c, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    if (!http_scheme(u->scheme) || !u->host || !u->host[0] || !u->path || !port)
        return false;
    u->explicit_port = named != NULL;
    u->port = (unsigned)strtoul(port, NULL, 10);
    lower(u->host);
    strip_brackets(u->host);
    return true;
}

int cb_url_parse(struct cb_url *u, const char *text, struct cb_error *err)
{
    *u = (struct cb_url){0};
    if (strlen(text) > CB_URL_MAX)
        return bad_url(text, "it is longer than 8192 bytes", err);
    CURLU *c = curl_url();
    CURLUcode rc = c ? curl_url_set(c, CURLUPART_URL, text, SET_FLAGS) : CURLUE_OUT_OF_MEMORY;
    bool ok = rc == CURLUE_OK && take_parts(u, c);
    curl_url_cleanup(c);
    if (ok)
        return 0;
    cb_url_release(u);
    return bad_url(text, url_problem(rc), err);
}

void cb_url_release(struct cb_url *u)
{
    free(u->scheme);
    free(u->user);
    free(u->password);
    free(u->host);
    free(u->path);
    free(u->query);
    *u = (struct cb_url){0};
}

bool cb_url_same_origin(const struct cb_url *a, const struct cb_url *b)
{
    return strcmp(a->scheme, b->scheme) == 0 && strcmp(a->host, b->host) == 0 && a->port == b->port;
}

char *cb_url_authority(const struct cb_url *u)
{
    const char *open = strchr(u->host, ':') ? "[" : "", *close = open[0] ? "]" : "";
    if (u->explicit_port)
        return cb_format("%s%s%s:%u", open, u->host, close, u->port);
    return cb_format("%s%s%s", open, u->host, close);
}

char *cb_url_bare(const char *text)
{
    CURLU *c = curl_url();
    char *out = NULL;
    if (c && curl_url_set(c, CURLUPART_URL, text, SET_FLAGS) == CURLUE_OK) {
        curl_url_set(c, CURLUPART_USER, NULL, 0);
        curl_url_set(c, CURLUPART_PASSWORD, NULL, 0);
        curl_url_set(c, CURLUPART_OPTIONS, NULL, 0);
        curl_url_set(c, CURLUPART_FRAGMENT, NULL, 0);
        out = part(c, CURLUPART_URL, 0);
    }
    curl_url_cleanup(c);
    return out;
}

char *cb_url_resolve(const char *base, const char *reference, struct cb_error *err)
{
    CURLU *c = curl_url();
    CURLUcode rc = c ? curl_url_set(c, CURLUPART_URL, base, SET_FLAGS) : CURLUE_OUT_OF_MEMORY;
    // User information belongs to the base alone: a relative reference must not inherit it into another document.
    if (rc == CURLUE_OK) {
        curl_url_set(c, CURLUPART_USER, NULL, 0);
        curl_url_set(c, CURLUPART_PASSWORD, NULL, 0);
        rc = curl_url_set(c, CURLUPART_URL, reference, SET_FLAGS);
    }
    char *out = rc == CURLUE_OK ? part(c, CURLUPART_URL, 0) : NULL;
    char *scheme CB_AUTOFREE = out ? part(c, CURLUPART_SCHEME, 0) : NULL;
    curl_url_cleanup(c);
    if (out && http_scheme(scheme) && strlen(out) <= CB_URL_MAX)
        return out;
    free(out);
    bad_url(reference, url_problem(rc), err);
    return NULL;
}

// Where user information in "authority/..." ends: past its '@', or 0 where there is none. An authority whose port is no
// number is more likely a password that holds one of / ? #, so that the '@' is looked for behind it as well.
static size_t user_information(struct cb_str rest, size_t authority)
{
    struct cb_str head = cb_str_head(rest, authority);
    ptrdiff_t at = cb_str_rfind(head, '@');
    if (at >= 0)
        return (size_t)at + 1;
    ptrdiff_t colon = cb_str_rfind(head, ':');
    if (colon < 0 || cb_str_rfind(head, ']') > colon)
        return 0;
    for (size_t i = (size_t)colon + 1; i < authority; i++)
        if (!isdigit((unsigned char)rest.p[i]))
            return (size_t)(cb_str_rfind(rest, '@') + 1);
    return 0;
}

// Length of "scheme://"; the parser takes one to three slashes for two. 0 where there is no scheme.
static size_t scheme_length(struct cb_str text)
{
    size_t n = 0, slashes = 0;
    while (n < text.n && (isalnum((unsigned char)text.p[n]) || (text.p[n] && strchr("+-.", text.p[n]))))
        n++;
    if (n == 0 || n == text.n || text.p[n] != ':')
        return 0;
    n++;
    while (slashes < 3 && n + slashes < text.n && text.p[n + slashes] == '/')
        slashes++;
    return slashes ? n + slashes : 0;
}

char *cb_url_redact(const char *text)
{
    struct cb_str all = cb_str(text);
    size_t scheme = scheme_length(all);
    struct cb_str rest = cb_str_skip(all, scheme);
    ptrdiff_t slash = cb_str_find_any(rest, "/?#");
    size_t authority = slash < 0 ? rest.n : (size_t)slash;
    if (scheme)
        rest = cb_str_skip(rest, user_information(rest, authority));
    ptrdiff_t end = cb_str_find_any(rest, "?#");
    bool query = end >= 0 && rest.p[end] == '?';
    if (end >= 0)
        rest = cb_str_head(rest, (size_t)end);
    return cb_format("%.*s%.*s%s", (int)scheme, text, CB_STR_ARG(rest), query ? "?..." : "");
}

void cb_url_escape(struct cb_buf *b, struct cb_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (isalnum(c) || (c && strchr("-_.~", c)))
            cb_buf_addc(b, (char)c);
        else
            cb_buf_addf(b, "%%%02X", c);
    }
}

// The IPv4 address that a host names literally, also as an IPv4-mapped IPv6 address; false where it is none.
static bool ipv4(const char *host, unsigned char out[4])
{
    unsigned char six[16];
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (inet_pton(AF_INET, host, out) == 1)
        return true;
    if (inet_pton(AF_INET6, host, six) != 1 || memcmp(six, mapped, sizeof mapped) != 0)
        return false;
    memcpy(out, six + 12, 4);
    return true;
}

static bool ipv6(const char *host, unsigned char out[16])
{
    char bare[64];
    size_t n = strcspn(host, "%"); // without a zone
    if (n >= sizeof bare)
        return false;
    memcpy(bare, host, n);
    bare[n] = 0;
    return inet_pton(AF_INET6, bare, out) == 1;
}

bool cb_host_is_loopback(const char *host)
{
    unsigned char a[4], b[16];
    static const unsigned char one[16] = {[15] = 1};
    if (strcmp(host, "localhost") == 0 || cb_str_ends(cb_str(host), ".localhost"))
        return true;
    if (ipv4(host, a))
        return a[0] == 127;
    return ipv6(host, b) && memcmp(b, one, sizeof one) == 0;
}

bool cb_host_is_link_local(const char *host)
{
    unsigned char a[4], b[16];
    if (ipv4(host, a))
        return a[0] == 169 && a[1] == 254;
    return ipv6(host, b) && b[0] == 0xfe && (b[1] & 0xc0) == 0x80;
}

bool cb_host_is_private(const char *host)
{
    unsigned char a[4], b[16];
    if (ipv4(host, a))
        return a[0] == 10 || (a[0] == 172 && (a[1] & 0xf0) == 16) || (a[0] == 192 && a[1] == 168);
    return ipv6(host, b) && (b[0] & 0xfe) == 0xfc;
}

bool cb_host_is_unspecified(const char *host)
{
    unsigned char a[4], b[16];
    static const unsigned char zero[16];
    if (ipv4(host, a))
        return memcmp(a, zero, sizeof a) == 0;
    return ipv6(host, b) && memcmp(b, zero, sizeof zero) == 0;
}
