#include "proxy.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>

static bool given(const char *s)
{
    return s && s[0];
}

struct address {
    unsigned char bytes[16];
    unsigned size; // 4 or 16; 0: not an address
};

static struct address parse_address(struct cb_str text)
{
    struct address a = {.size = 0};
    char s[64];
    if (text.n == 0 || text.n >= sizeof s)
        return a;
    memcpy(s, text.p, text.n);
    s[text.n] = 0;
    if (inet_pton(AF_INET, s, a.bytes) == 1)
        a.size = 4;
    else if (inet_pton(AF_INET6, s, a.bytes) == 1)
        a.size = 16;
    return a;
}

// "10.0.0.0/8"
static bool in_network(struct cb_str entry, size_t slash, const struct address *host)
{
    struct address net = parse_address(cb_str_head(entry, slash));
    uint64_t bits = 0;
    if (!net.size || net.size != host->size || !cb_str_u64(cb_str_skip(entry, slash + 1), 10, &bits) ||
        bits > net.size * 8)
        return false;
    for (unsigned i = 0; i < bits; i++)
        if ((net.bytes[i / 8] ^ host->bytes[i / 8]) & (0x80u >> (i % 8)))
            return false;
    return true;
}

// Cuts ":443" off an entry; an IPv6 address has its colons inside brackets, or no port.
static struct cb_str cut_port(struct cb_str *entry)
{
    ptrdiff_t first = cb_str_find(*entry, ':'), last = cb_str_rfind(*entry, ':');
    bool bracketed = entry->n && entry->p[0] == '[';
    struct cb_str port = {NULL, 0};
    if (last >= 0 && (first == last || (bracketed && entry->p[last - 1] == ']'))) {
        port = cb_str_skip(*entry, (size_t)last + 1);
        *entry = cb_str_head(*entry, (size_t)last);
        if (bracketed) // without a port the brackets stay, and match nothing, as in Go
            *entry = cb_strn(entry->p + 1, entry->n - 2);
    }
    return port;
}

static bool ends_without_case(struct cb_str s, struct cb_str tail)
{
    return s.n >= tail.n && strncasecmp(s.p + s.n - tail.n, tail.p, tail.n) == 0;
}

// "example.com" and ".example.com" and "*.example.com": the first means the name itself as well.
static bool matches_name(struct cb_str entry, struct cb_str host)
{
    if (cb_str_starts(entry, "*."))
        entry = cb_str_skip(entry, 1);
    if (entry.n == 0)
        return false;
    if (entry.p[0] == '.')
        return host.n > entry.n && ends_without_case(host, entry);
    if (host.n == entry.n)
        return ends_without_case(host, entry);
    return host.n > entry.n && host.p[host.n - entry.n - 1] == '.' && ends_without_case(host, entry);
}

static bool matches_entry(struct cb_str entry, const struct cb_url *u, const struct address *address)
{
    if (cb_str_is(entry, "*"))
        return true;
    ptrdiff_t slash = cb_str_find(entry, '/');
    if (slash > 0)
        return in_network(entry, (size_t)slash, address);
    struct cb_str port = cut_port(&entry);
    uint64_t number = 0;
    if (port.n && (!cb_str_u64(port, 10, &number) || number != u->port))
        return false;
    struct address listed = parse_address(entry);
    if (listed.size)
        return listed.size == address->size && memcmp(listed.bytes, address->bytes, listed.size) == 0;
    return matches_name(entry, cb_str(u->host));
}

static bool goes_direct(const struct cb_http_env *env, const struct cb_url *u)
{
    if (strcmp(u->host, "localhost") == 0 ||
        (cb_host_is_loopback(u->host) && !cb_str_ends(cb_str(u->host), "localhost")))
        return true; // names below localhost are not meant, as in Go
    if (!given(env->no_proxy))
        return false;
    struct address address = parse_address(cb_str(u->host));
    struct cb_str rest = cb_str(env->no_proxy), entry;
    while (cb_str_cut(&rest, ',', &entry)) {
        entry = cb_str_trim(entry);
        if (entry.n && matches_entry(entry, u, &address))
            return true;
    }
    return false;
}

char *cb_proxy_for(const struct cb_http_env *env, const struct cb_url *u)
{
    const char *proxy = strcmp(u->scheme, "https") == 0 ? env->https_proxy : env->http_proxy;
    if (!given(proxy))
        proxy = env->all_proxy;
    if (!given(proxy) || goes_direct(env, u))
        return NULL;
    if (strncasecmp(proxy, "socks5://", 9) == 0) // Go lets the proxy resolve names; libcurl's word for that is socks5h
        return cb_format("socks5h://%s", proxy + 9);
    if (!strstr(proxy, "://"))
        return cb_format("http://%s", proxy);
    return cb_strdup(proxy);
}
