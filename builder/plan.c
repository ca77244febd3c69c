#include "cbuild/builder/plan.h"

#include <stdlib.h>

#include "arch_build.h"
#include "cbuild/base/log.h"
#include "cbuild/builder/arch.h"
#include "cbuild/text/gourl.h"

// Those of --arch, else those of the configuration, else all.
static void choose_archs(struct cb_image_config *c, const struct cb_strs *asked)
{
    size_t n = asked->n;
    const struct cb_str *names = n ? asked->v : cb_arch_all(&n);
    if (!asked->n && c->archs.n)
        return;
    c->archs.n = 0;
    for (size_t i = 0; i < n; i++)
        cb_strs_add(&c->archs, cb_config_str(c, names[i]));
}

int cb_plan_load(struct cb_plan *p, const struct cb_build_options *o, struct cb_error *err)
{
    p->options = o;
    if (o->config)
        p->config = cb_config_clone(o->config);
    else if (cb_config_load(o->config_path, &o->include_paths, &p->config, err))
        return -1;
    struct cb_image_config *c = p->config;
    if (o->format && *o->format)
        c->format = cb_config_str(c, cb_str(o->format));
    if (o->annotations)
        cb_config_annotate(c, o->annotations);
    choose_archs(c, &o->archs);
    if (o->vcs && !c->vcs_url.n) {
        CB_BUF_AUTO url = {0};
        cb_vcs_probe(o->config_path, o->work_dir, &url);
        c->vcs_url = cb_config_str(c, cb_buf_str(&url));
    }
    p->narchs = c->archs.n;
    p->archs = cb_zalloc((p->narchs + 1) * sizeof *p->archs);
    for (size_t i = 0; i < p->narchs; i++)
        cb_arch_build_init(&p->archs[i], o, c->archs.v[i]);
    return 0;
}

void cb_plan_unique(struct cb_plan *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->narchs; i++) {
        bool again = false;
        for (size_t j = 0; j < n; j++)
            again = again || cb_str_eq(p->archs[j].arch, p->archs[i].arch);
        if (again)
            cb_arch_build_release(&p->archs[i]);
        else
            p->archs[n++] = p->archs[i];
    }
    p->narchs = n;
}

void cb_plan_keep_first(struct cb_plan *p)
{
    for (size_t i = 1; i < p->narchs; i++)
        cb_arch_build_release(&p->archs[i]);
    p->narchs = p->narchs ? 1 : 0;
}

struct cb_image_config *cb_plan_checked_config(const struct cb_plan *p, struct cb_error *err)
{
    struct cb_image_config *c = cb_config_clone(p->config);
    if (cb_config_validate(c, err) == 0)
        return c;
    cb_context(err, "%s", p->options->config_path);
    cb_config_free(c);
    return NULL;
}

struct preparing {
    struct cb_plan *plan;
    const struct cb_image_config *config;
};

static int prepare(void *ctx, size_t i, struct cb_error *err)
{
    const struct preparing *x = ctx;
    struct cb_arch_build *a = &x->plan->archs[i];
    return cb_arch_build_prepare(a, x->config, err) ? cb_arch_build_context(a, err) : 0;
}

int cb_plan_prepare(struct cb_plan *p, const struct cb_image_config *c, struct cb_error *err)
{
    struct preparing x = {p, c};
    return cb_parallel(p->options->pool, p->narchs, 0, prepare, &x, err);
}

int cb_plan_resolve(struct cb_plan *p, const struct cb_image_config *c, struct cb_error *err)
{
    CB_AUTOFREE const struct cb_resolver **all = cb_realloc_array(NULL, p->narchs, sizeof *all);
    for (size_t i = 0; i < p->narchs; i++)
        all[i] = p->archs[i].resolver;
    for (size_t i = 0; i < p->narchs; i++)
        if (cb_arch_build_resolve(&p->archs[i], c, all, p->narchs, err))
            return cb_arch_build_context(&p->archs[i], err);
    return 0;
}

const struct cb_resolution *cb_plan_resolution(const struct cb_plan *p, size_t i)
{
    return &p->archs[i].resolution;
}

struct cb_str cb_plan_arch(const struct cb_plan *p, size_t i)
{
    return p->archs[i].arch;
}

int cb_plan_begin(const struct cb_build_options *o, struct cb_str arch, struct cb_image_config **out,
                  struct cb_error *err)
{
    struct cb_arch_build a;
    cb_arch_build_init(&a, o, arch);
    int failed = cb_arch_build_load(&a, err) || cb_arch_build_start(&a, a.config, err);
    if (!failed) {
        *out = a.config;
        a.config = NULL;
    }
    cb_arch_build_release(&a);
    return failed ? -1 : 0;
}

void cb_plan_release(struct cb_plan *p)
{
    for (size_t i = 0; i < p->narchs; i++)
        cb_arch_build_release(&p->archs[i]);
    free(p->archs);
    cb_config_free(p->config);
    *p = (struct cb_plan){0};
}

void cb_plan_warn_of_passwords(const struct cb_strs *urls, const char *holder, const char *why)
{
    CB_ARENA_AUTO arena = {0};
    for (size_t i = 0; i < urls->n; i++) {
        struct cb_str safe = cb_gourl_safe(urls->v[i], &arena);
        if (!cb_str_eq(safe, urls->v[i]))
            cb_log(
                CB_WARN,
                "%.*s: who has the %s can read what stands before the \"@\" of this URL%s; a netrc file or HTTP_AUTH "
                "keep it out",
                CB_STR_ARG(safe), holder, why);
    }
}
