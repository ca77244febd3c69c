#include "cbuild/oci/reference.h"

#include <arpa/inet.h>

#include "cbuild/oci/digest.h"

#define REPOSITORY_MIN 2u // characters
#define REPOSITORY_MAX 255u
#define TAG_MAX 128u

// A reference is taken apart from the right: "@digest", then ":tag" (unless a '/' follows: then the ':' is a port's),
// then "registry/" where the first part looks like a host.

static int fail_in(struct cb_str whole, struct cb_error *err)
{
    return cb_context(err, "image reference \"%.*s\"", CB_STR_ARG(cb_str_head(whole, 300)));
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int check_repository(struct cb_str s, struct cb_error *err)
{
    if (s.n < REPOSITORY_MIN)
        return cb_fail(err, CB_E_USAGE, "the repository \"%.*s\" has fewer than %u characters", CB_STR_ARG(s),
                       REPOSITORY_MIN);
    if (s.n > REPOSITORY_MAX)
        return cb_fail(err, CB_E_USAGE, "the repository \"%.*s\" has %zu characters, more than %u",
                       CB_STR_ARG(cb_str_head(s, REPOSITORY_MAX)), s.n, REPOSITORY_MAX);
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (is_lower(c) || is_digit(c) || (c && strchr("_-./", c)))
            continue;
        cb_fail(err, CB_E_USAGE,
                "the repository \"%.*s\" has the character '%c' (0x%02x), which is none of a-z, 0-9, _-./",
                CB_STR_ARG(s), c >= ' ' && c < 0x7f ? c : '?', (unsigned char)c);
        return is_upper(c) ? cb_hint(err, "repositories are in lower case") : -1;
    }
    return 0;
}

static int check_tag(struct cb_str s, struct cb_error *err)
{
    if (s.n == 0)
        return cb_fail(err, CB_E_USAGE, "there is no tag after the ':'");
    if (s.n > TAG_MAX)
        return cb_fail(err, CB_E_USAGE, "the tag \"%.*s\" has %zu characters, more than %u",
                       CB_STR_ARG(cb_str_head(s, TAG_MAX)), s.n, TAG_MAX);
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!is_lower(c) && !is_upper(c) && !is_digit(c) && !(c && strchr("_-.", c)))
            return cb_fail(err, CB_E_USAGE,
                           "the tag \"%.*s\" has the character '%c' (0x%02x), which is none of a-z, A-Z, 0-9, _-.",
                           CB_STR_ARG(s), c >= ' ' && c < 0x7f ? c : '?', (unsigned char)c);
    }
    return 0;
}

// "" or ":" and digits, perhaps none.
static bool is_port(struct cb_str s)
{
    if (s.n == 0)
        return true;
    if (s.p[0] != ':')
        return false;
    for (size_t i = 1; i < s.n; i++)
        if (!is_digit(s.p[i]))
            return false;
    return true;
}

// An IPv6 address in brackets and perhaps a port.
static bool is_bracketed(struct cb_str s)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    ptrdiff_t end = cb_str_rfind(s, ']');

    if (end < 1 || (size_t)end - 1 >= sizeof text || !is_port(cb_str_skip(s, (size_t)end + 1)))
        return false;
    memcpy(text, s.p + 1, (size_t)end - 1);
    text[end - 1] = 0;
    return memchr(text, 0, (size_t)end - 1) == NULL && inet_pton(AF_INET6, text, &address) == 1;
}

// Whether s is an authority without user information, by what Go's net/url takes: it is liberal about names (also
// bytes above 0x7f, some punctuation, and colons before the last) and strict about brackets.
static bool is_authority(struct cb_str s)
{
    ptrdiff_t colon = cb_str_rfind(s, ':');

    if (cb_str_find(s, '[') >= 0)
        return s.p[0] == '[' && is_bracketed(s);
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!is_lower(c) && !is_upper(c) && !is_digit(c) && !(c & 0x80) && !(c && strchr("-_.~!$&'()*+,;=:]<>\"", c)))
            return false;
    }
    return colon < 0 || is_port(cb_str_skip(s, (size_t)colon));
}

static bool looks_like_host(struct cb_str s)
{
    return cb_str_is(s, "localhost") || cb_str_find_any(s, ".:") >= 0;
}

int cb_registry_parse(struct cb_arena *a, struct cb_str s, struct cb_str *out, struct cb_error *err)
{
    if (s.n > CB_REFERENCE_MAX)
        return cb_fail(err, CB_E_LIMIT, "the registry has %zu bytes; the limit is %u", s.n, CB_REFERENCE_MAX);
    if (!is_authority(s))
        return cb_fail(err, CB_E_USAGE, "the registry \"%.*s\" is not a host name or address with an optional :port",
                       CB_STR_ARG(s));
    *out = s.n && !cb_str_is(s, "docker.io") ? cb_arena_str(a, s) : CB_STR(CB_DEFAULT_REGISTRY);
    return 0;
}

// Fills registry and repository from what stands before tag and digest.
static int parse_repository(struct cb_arena *a, struct cb_str s, struct cb_reference *out, struct cb_error *err)
{
    struct cb_str registry = CB_STR(""), repository = s;
    ptrdiff_t slash = cb_str_find(s, '/');

    if (s.n == 0)
        return cb_fail(err, CB_E_USAGE, "there is no repository name");
    if (slash >= 0 && looks_like_host(cb_str_head(s, (size_t)slash))) {
        registry = cb_str_head(s, (size_t)slash);
        repository = cb_str_skip(s, (size_t)slash + 1);
    }
    if (check_repository(repository, err) < 0)
        return -1;
    if (cb_registry_parse(a, registry, &out->registry, err))
        return -1;
    if (cb_str_is(out->registry, CB_DEFAULT_REGISTRY) && cb_str_find(repository, '/') < 0)
        out->repository = cb_arena_format(a, "library/%.*s", CB_STR_ARG(repository));
    else
        out->repository = cb_arena_str(a, repository);
    return 0;
}

// Cuts ":tag" off; *tag.p is NULL where there is none.
static struct cb_str cut_tag(struct cb_str s, struct cb_str *tag)
{
    ptrdiff_t colon = cb_str_rfind(s, ':');

    *tag = (struct cb_str){NULL, 0};
    if (colon < 0 || cb_str_find(cb_str_skip(s, (size_t)colon + 1), '/') >= 0)
        return s;
    *tag = cb_str_skip(s, (size_t)colon + 1);
    return cb_str_head(s, (size_t)colon);
}

static int parse_tagged(struct cb_arena *a, struct cb_str s, struct cb_reference *out, struct cb_error *err)
{
    struct cb_str tag, base = cut_tag(s, &tag);

    if (tag.p && check_tag(tag, err) < 0)
        return -1;
    if (parse_repository(a, base, out, err) < 0)
        return -1;
    out->tag = tag.p ? cb_arena_str(a, tag) : CB_STR(CB_DEFAULT_TAG);
    return 0;
}

// What stands before the '@' may have a tag of its own, which then has to be a good one, and is dropped. The
// reference checks the length a second time with "library/" in front, so a bare name is refused from 248 characters on.
static int parse_before_digest(struct cb_arena *a, struct cb_str s, struct cb_reference *out, struct cb_error *err)
{
    struct cb_reference tagged = {0};
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;

    if (parse_tagged(a, s, &tagged, &ignored) < 0)
        return parse_repository(a, s, out, err);
    out->registry = tagged.registry;
    out->repository = tagged.repository;
    return check_repository(out->repository, err);
}

static int parse_digested(struct cb_arena *a, struct cb_str s, struct cb_reference *out, struct cb_error *err)
{
    ptrdiff_t at = cb_str_find(s, '@');
    struct cb_str digest = cb_str_skip(s, (size_t)(at + 1));
    struct cb_digest parsed;

    if (at < 0 || cb_str_find(digest, '@') >= 0)
        return cb_fail(err, CB_E_USAGE, "a digest reference has exactly one '@', as in registry/repository@sha256:...");
    if (cb_digest_parse(&parsed, digest, err) < 0) {
        err->kind = CB_E_USAGE;
        return -1;
    }
    if (parse_before_digest(a, cb_str_head(s, (size_t)at), out, err) < 0)
        return -1;
    out->digest = cb_arena_str(a, digest);
    return 0;
}

typedef int parse_fn(struct cb_arena *a, struct cb_str s, struct cb_reference *out, struct cb_error *err);

static int parse(parse_fn *fn, struct cb_arena *a, struct cb_str s, struct cb_reference *out, struct cb_error *err)
{
    memset(out, 0, sizeof *out);
    if (s.n > CB_REFERENCE_MAX)
        return cb_fail(err, CB_E_LIMIT, "image reference \"%.*s...\" is longer than %u bytes",
                       CB_STR_ARG(cb_str_head(s, 60)), CB_REFERENCE_MAX);
    out->original = cb_arena_str(a, s);
    if (fn(a, s, out, err) == 0)
        return 0;
    if (cb_str_starts(s, "http://") || cb_str_starts(s, "https://"))
        cb_hint(err, "an image is named registry/repository:tag, without \"%s://\"",
                cb_str_starts(s, "https://") ? "https" : "http");
    return fail_in(s, err);
}

int cb_reference_parse(struct cb_arena *a, struct cb_str s, struct cb_reference *out, struct cb_error *err)
{
    return parse(cb_str_find(s, '@') >= 0 ? parse_digested : parse_tagged, a, s, out, err);
}

int cb_reference_parse_tag(struct cb_arena *a, struct cb_str s, struct cb_reference *out, struct cb_error *err)
{
    return parse(parse_tagged, a, s, out, err);
}

int cb_reference_parse_digest(struct cb_arena *a, struct cb_str s, struct cb_reference *out, struct cb_error *err)
{
    return parse(parse_digested, a, s, out, err);
}

int cb_reference_parse_repository(struct cb_arena *a, struct cb_str s, struct cb_reference *out, struct cb_error *err)
{
    return parse(parse_repository, a, s, out, err);
}

struct cb_str cb_reference_repository(struct cb_arena *a, const struct cb_reference *r)
{
    return cb_arena_format(a, "%.*s/%.*s", CB_STR_ARG(r->registry), CB_STR_ARG(r->repository));
}

struct cb_str cb_reference_identifier(const struct cb_reference *r)
{
    return r->digest.n ? r->digest : r->tag;
}

struct cb_str cb_reference_name(struct cb_arena *a, const struct cb_reference *r)
{
    struct cb_str id = cb_reference_identifier(r);
    const char *mark = r->digest.n ? "@" : id.n ? ":" : "";

    return cb_arena_format(a, "%.*s/%.*s%s%.*s", CB_STR_ARG(r->registry), CB_STR_ARG(r->repository), mark,
                           CB_STR_ARG(id));
}

struct cb_reference cb_reference_with_tag(struct cb_arena *a, const struct cb_reference *r, struct cb_str tag)
{
    struct cb_reference other = {.registry = r->registry, .repository = r->repository, .tag = tag};
    other.original = cb_reference_name(a, &other);
    return other;
}

struct cb_reference cb_reference_with_digest(struct cb_arena *a, const struct cb_reference *r, struct cb_str digest)
{
    struct cb_reference other = {.registry = r->registry, .repository = r->repository, .digest = digest};
    other.original = cb_reference_name(a, &other);
    return other;
}

// Whether s is the literal IPv4 address of a private network.
static bool is_private(struct cb_str s)
{
    char text[INET_ADDRSTRLEN];
    struct in_addr address;
    uint32_t ip;

    if (s.n >= sizeof text || memchr(s.p, 0, s.n))
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = 0;
    if (inet_pton(AF_INET, text, &address) != 1)
        return false;
    ip = ntohl(address.s_addr);
    return ip >> 24 == 10 || ip >> 20 == 0xac1 || ip >> 16 == 0xc0a8;
}

// "" or ":" and one to five digits.
static bool is_short_port(struct cb_str s)
{
    return s.n == 0 || (s.n >= 2 && s.n <= 6 && is_port(s));
}

static bool is_loopback(struct cb_str s)
{
    static const char *const hosts[] = {"127.0.0.1", "[::1]"};

    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        if (cb_str_starts(s, hosts[i]) && is_short_port(cb_str_skip(s, strlen(hosts[i]))))
            return true;
    return cb_str_is(s, "::1");
}

static bool is_under_localhost(struct cb_str s)
{
    ptrdiff_t colon = cb_str_rfind(s, ':');

    if (colon >= 0 && is_short_port(cb_str_skip(s, (size_t)colon)))
        s = cb_str_head(s, (size_t)colon);
    return cb_str_ends(s, ".localhost");
}

const char *cb_registry_scheme(struct cb_str registry)
{
    ptrdiff_t colon = cb_str_find(registry, ':');
    struct cb_str host = colon < 0 ? registry : cb_str_head(registry, (size_t)colon);

    if (is_private(host) || cb_str_starts(registry, "localhost:") || is_under_localhost(registry) ||
        is_loopback(registry))
        return "http";
    return "https";
}
