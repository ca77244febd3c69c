// libcurl, loaded by the first call of one of its functions: it brings thirty other libraries with it, which cost three
// times what all else of a start does, and many a run needs no network. What net/ calls of libcurl is defined here
// and passes its arguments on. Where libcurl cannot be loaded the functions fail as libcurl's own would, and the text
// of the error says why.
#define CURL_DISABLE_TYPECHECK // its macros, and those of the functions with a variable third argument
#include <assert.h>
#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_share_setopt

#define LIBRARY "libcurl.so.4"

// The third argument of a function with `...` is a long, a pointer or a curl_off_t: one register on the machines here.
static_assert(sizeof(void *) == sizeof(long) && sizeof(void *) == sizeof(curl_off_t), "LP64");

static struct {
    CURLcode (*global_init)(long flags);
    CURL *(*easy_init)(void);
    CURLcode (*easy_setopt)(CURL *c, CURLoption option, ...);
    CURLcode (*easy_getinfo)(CURL *c, CURLINFO info, ...);
    CURLcode (*easy_perform)(CURL *c);
    void (*easy_reset)(CURL *c);
    void (*easy_cleanup)(CURL *c);
    const char *(*easy_strerror)(CURLcode code);
    CURLSH *(*share_init)(void);
    CURLSHcode (*share_setopt)(CURLSH *s, CURLSHoption option, ...);
    CURLSHcode (*share_cleanup)(CURLSH *s);
    struct curl_slist *(*slist_append)(struct curl_slist *list, const char *line);
    void (*slist_free_all)(struct curl_slist *list);
    time_t (*getdate)(const char *date, const time_t *unused);
    CURLU *(*url)(void);
    CURLUcode (*url_set)(CURLU *u, CURLUPart part, const char *text, unsigned flags);
    CURLUcode (*url_get)(CURLU *u, CURLUPart part, char **text, unsigned flags);
    void (*url_cleanup)(CURLU *u);
    const char *(*url_strerror)(CURLUcode code);
    void (*free)(void *p);
} lib;

static bool loaded;
static char problem[256];

static void load(void)
{
    static const struct {
        const char *name;
        void **to;
    } functions[] = {
        {"curl_global_init", (void **)&lib.global_init},
        {"curl_easy_init", (void **)&lib.easy_init},
        {"curl_easy_setopt", (void **)&lib.easy_setopt},
        {"curl_easy_getinfo", (void **)&lib.easy_getinfo},
        {"curl_easy_perform", (void **)&lib.easy_perform},
        {"curl_easy_reset", (void **)&lib.easy_reset},
        {"curl_easy_cleanup", (void **)&lib.easy_cleanup},
        {"curl_easy_strerror", (void **)&lib.easy_strerror},
        {"curl_share_init", (void **)&lib.share_init},
        {"curl_share_setopt", (void **)&lib.share_setopt},
        {"curl_share_cleanup", (void **)&lib.share_cleanup},
        {"curl_slist_append", (void **)&lib.slist_append},
        {"curl_slist_free_all", (void **)&lib.slist_free_all},
        {"curl_getdate", (void **)&lib.getdate},
        {"curl_url", (void **)&lib.url},
        {"curl_url_set", (void **)&lib.url_set},
        {"curl_url_get", (void **)&lib.url_get},
        {"curl_url_cleanup", (void **)&lib.url_cleanup},
        {"curl_url_strerror", (void **)&lib.url_strerror},
        {"curl_free", (void **)&lib.free},
    };
    void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL); // for as long as the program runs
    const char *why = handle ? NULL : dlerror();
    for (size_t i = 0; handle && !why && i < sizeof functions / sizeof *functions; i++)
        if (!(*functions[i].to = dlsym(handle, functions[i].name)))
            why = dlerror();
    if (!why && lib.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        why = "it does not start";
    loaded = !why;
    snprintf(problem, sizeof problem, "%s cannot be used: %s", LIBRARY, why ? why : "");
}

static bool ready(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return loaded;
}

CURL *curl_easy_init(void)
{
    return ready() ? lib.easy_init() : NULL;
}

CURLcode curl_easy_setopt(CURL *c, CURLoption option, ...)
{
    va_list args;
    va_start(args, option);
    void *value = va_arg(args, void *);
    va_end(args);
    return ready() ? lib.easy_setopt(c, option, value) : CURLE_FAILED_INIT;
}

CURLcode curl_easy_getinfo(CURL *c, CURLINFO info, ...)
{
    va_list args;
    va_start(args, info);
    void *to = va_arg(args, void *);
    va_end(args);
    return ready() ? lib.easy_getinfo(c, info, to) : CURLE_FAILED_INIT;
}

CURLcode curl_easy_perform(CURL *c)
{
    return ready() ? lib.easy_perform(c) : CURLE_FAILED_INIT;
}

void curl_easy_reset(CURL *c)
{
    if (ready())
        lib.easy_reset(c);
}

void curl_easy_cleanup(CURL *c)
{
    if (c && ready())
        lib.easy_cleanup(c);
}

const char *curl_easy_strerror(CURLcode code)
{
    return ready() ? lib.easy_strerror(code) : problem;
}

CURLSH *curl_share_init(void)
{
    return ready() ? lib.share_init() : NULL;
}

CURLSHcode curl_share_setopt(CURLSH *s, CURLSHoption option, ...)
{
    va_list args;
    va_start(args, option);
    void *value = va_arg(args, void *);
    va_end(args);
    return ready() ? lib.share_setopt(s, option, value) : CURLSHE_INVALID;
}

CURLSHcode curl_share_cleanup(CURLSH *s)
{
    return ready() ? lib.share_cleanup(s) : CURLSHE_INVALID;
}

struct curl_slist *curl_slist_append(struct curl_slist *list, const char *line)
{
    return ready() ? lib.slist_append(list, line) : NULL;
}

void curl_slist_free_all(struct curl_slist *list)
{
    if (list && ready())
        lib.slist_free_all(list);
}

time_t curl_getdate(const char *date, const time_t *unused)
{
    return ready() ? lib.getdate(date, unused) : -1;
}

CURLU *curl_url(void)
{
    return ready() ? lib.url() : NULL;
}

CURLUcode curl_url_set(CURLU *u, CURLUPart part, const char *text, unsigned flags)
{
    return ready() ? lib.url_set(u, part, text, flags) : CURLUE_OUT_OF_MEMORY;
}

CURLUcode curl_url_get(CURLU *u, CURLUPart part, char **text, unsigned flags)
{
    return ready() ? lib.url_get(u, part, text, flags) : CURLUE_OUT_OF_MEMORY;
}

void curl_url_cleanup(CURLU *u)
{
    if (u && ready())
        lib.url_cleanup(u);
}

const char *curl_url_strerror(CURLUcode code)
{
    return ready() ? lib.url_strerror(code) : problem;
}

void curl_free(void *p)
{
    if (p && ready())
        lib.free(p);
}
