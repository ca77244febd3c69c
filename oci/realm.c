// Which token servers get a registry's credentials.
//
// A registry names its token server (the realm) in the answer to a request without credentials. Over TLS that answer is
// the registry's own, so the token server is as trustworthy as the registry's answers are; but a registry that is
// broken into, or a cache in front of it, must not be able to collect the passwords that it itself never sees. So:
//
//   - plain http only where the registry is reached by http as well;
//   - no literal loopback, private, link-local or unspecified address but the registry's own (metadata services);
//   - credentials only to the registry's own host, or to one that shares its domain, as auth.docker.io and
//     index.docker.io do. Others are asked for an anonymous token; whoever needs more can store credentials under the
//     token server's own name.
//
// The first two are go-containerregistry's rules, the third is ours.
#include "remote.h"

// Domains below which strangers have names of their own. The full list has 10,000 entries; these are those where
// registries and token servers are likely to be.
static const char *const shared_domains[] = {
    "amazonaws.com", "cloudfront.net",    "awsapprunner.com", "azurewebsites.net", "cloudapp.net", "azure.com",
    "azurefd.net",   "appspot.com",       "run.app",          "web.app",           "github.io",    "gitlab.io",
    "herokuapp.com", "vercel.app",        "netlify.app",      "fly.dev",           "onrender.com", "workers.dev",
    "pages.dev",     "ngrok.io",          "ngrok.app",        "ngrok-free.app",    "duckdns.org",  "nip.io",
    "sslip.io",      "trycloudflare.com",
};

// Registries whose token server stands in another domain.
static const struct {
    const char *registry, *realm; // ".x" stands for every host below x
} partners[] = {
    {".scw.cloud", "api.scaleway.com"},
};

// Suffixes that belong to nobody outside one network or test.
static const char *const local_suffixes[] = {"test", "example", "local",     "internal", "corp",
                                             "lan",  "home",    "localhost", "invalid"};

// The last n labels of a host; all of it where it has fewer.
static struct cb_str last_labels(struct cb_str host, unsigned n)
{
    for (size_t i = host.n; i-- > 0;)
        if (host.p[i] == '.' && --n == 0)
            return cb_str_skip(host, i + 1);
    return host;
}

static bool listed(struct cb_str s, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (cb_str_is(s, list[i]))
            return true;
    return false;
}

// "co.uk", "com.au": a short second label below a country.
static bool country_second_level(struct cb_str two)
{
    static const char *const words[] = {"co", "com", "net", "org", "gov", "ac", "edu", "or", "ne", "go", "gob", "gv"};
    ptrdiff_t dot = cb_str_find(two, '.');
    return dot > 0 && two.n - (size_t)dot == 3 &&
           listed(cb_str_head(two, (size_t)dot), words, sizeof words / sizeof words[0]);
}

// How many labels at the end of a host make a domain of one owner.
static unsigned owner_labels(struct cb_str host)
{
    struct cb_str two = last_labels(host, 2);
    if (listed(last_labels(host, 1), local_suffixes, sizeof local_suffixes / sizeof local_suffixes[0]))
        return 1;
    if (country_second_level(two) || listed(two, shared_domains, sizeof shared_domains / sizeof shared_domains[0]))
        return 3;
    return 2;
}

static bool is_address(const char *host)
{
    size_t digits = strspn(host, "0123456789.");
    return strchr(host, ':') || host[digits] == 0;
}

static bool same_owner(const char *realm, const char *registry)
{
    if (strcmp(realm, registry) == 0)
        return true;
    if (is_address(realm) || is_address(registry))
        return false;
    for (size_t i = 0; i < sizeof partners / sizeof partners[0]; i++)
        if (strcmp(realm, partners[i].realm) == 0 && cb_str_ends(cb_str(registry), partners[i].registry))
            return true;
    unsigned n = owner_labels(cb_str(realm));
    struct cb_str domain = last_labels(cb_str(realm), n);
    return strchr(realm, '.') && cb_str_eq(domain, last_labels(cb_str(registry), n));
}

static bool is_inner(const char *host)
{
    return cb_host_is_loopback(host) || cb_host_is_link_local(host) || cb_host_is_private(host) ||
           cb_host_is_unspecified(host);
}

enum cb_realm_trust cb_realm_trust(const struct cb_url *realm, const struct cb_url *registry, const char **why)
{
    bool same = strcmp(realm->host, registry->host) == 0;
    *why = "";
    if (strcmp(realm->scheme, "http") == 0 && strcmp(registry->scheme, "http") != 0) {
        *why = "it is not reached by https";
        return CB_REALM_REFUSED;
    }
    if (is_inner(realm->host) && !(same && realm->port == registry->port) &&
        !(strcmp(realm->host, "localhost") == 0 && cb_host_is_loopback(registry->host))) {
        *why = "its host is a loopback, private or link-local address";
        return CB_REALM_REFUSED;
    }
    return same_owner(realm->host, registry->host) ? CB_REALM_TRUSTED : CB_REALM_ANONYMOUS;
}
