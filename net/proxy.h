// Which proxy a URL is reached through: the rules of Go's golang.org/x/net/http/httpproxy, and ALL_PROXY besides.
#ifndef CB_NET_PROXY_H
#define CB_NET_PROXY_H

#include "cbuild/net/http.h"
#include "cbuild/net/url.h"

// The proxy as libcurl takes it, owned; NULL for a direct connection.
char *cb_proxy_for(const struct cb_http_env *env, const struct cb_url *u);

#endif
