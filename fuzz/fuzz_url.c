// URLs: what is parsed has the parts that are promised; user information never survives where it must not; and the
// three readers agree with one another.
#undef NDEBUG // here assert is the point
#include <assert.h>
#include <stdlib.h>

#include "cbuild/net/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_parts(const struct cb_url *u)
{
    assert(strcmp(u->scheme, "http") == 0 || strcmp(u->scheme, "https") == 0);
    assert(u->host[0] && !strpbrk(u->host, "/@ \r\n") && u->port <= 65535);
    assert(u->path[0] == '/' && !strpbrk(u->path, "\r\n "));
    (void)cb_host_is_loopback(u->host);
    (void)cb_host_is_link_local(u->host);
    (void)cb_host_is_private(u->host);
    (void)cb_host_is_unspecified(u->host);
}

// A URL without its user information leads to the same place.
static void check_bare(const struct cb_url *u, const char *text)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_URL_AUTO again = {0};
    char *bare CB_AUTOFREE = cb_url_bare(text);
    assert(bare);
    if (cb_url_parse(&again, bare, &err)) // longer than allowed, once escaped
        return;
    assert(!again.user && !again.password && cb_url_same_origin(u, &again));
    char *authority CB_AUTOFREE = cb_url_authority(&again);
    assert(strstr(bare, "://"));
    assert(authority[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT, two = CB_ERROR_INIT;
    CB_URL_AUTO u = {0};
    char *text CB_AUTOFREE = cb_strndup((const char *)data, size);
    char *shown CB_AUTOFREE = cb_url_redact(text);
    assert(!strchr(shown, '#') && strlen(shown) <= strlen(text) + 4);
    if (cb_url_parse(&u, text, &err) == 0) {
        check_parts(&u);
        check_bare(&u, text);
    } else {
        assert(err.kind == CB_E_USAGE);
    }
    char *next CB_AUTOFREE = cb_url_resolve("https://user:zzyzx@host.example/a/b?c", text, &two);
    assert(!next || !strstr(next, "zzyzx") || strstr(text, "zzyzx"));
    return 0;
}
