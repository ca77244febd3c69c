#include "image_access.h"

#include "cbuild/builder/arch.h"

int cb_image_doors_open(struct cb_image_doors *d, bool offline, struct cb_error *err)
{
    if (cb_environment_read(&d->environment, err))
        return -1;
    const struct cb_http_options options = {
        .env = d->environment.http, .user_agent = "cbuild/" CBUILD_VERSION, .offline = offline};
    d->http = cb_http_new(&options);
    d->registry = cb_registry_new(d->http, &d->environment.credentials);
    d->access = (struct cb_image_access){d->registry, d->http, &d->environment.docker};
    return 0;
}

void cb_image_doors_close(struct cb_image_doors *d)
{
    cb_registry_free(d->registry);
    cb_http_free(d->http);
    cb_environment_release(&d->environment);
}

int cb_image_choose(struct cb_image_source *s, const char *arch, const struct cb_source_image **out,
                    struct cb_error *err)
{
    if (*arch)
        return cb_image_source_pick(s, strcmp(arch, "host") ? cb_arch_parse(cb_str(arch)) : cb_arch_host(), out, err);
    if (cb_image_source_images(s, err))
        return -1;
    return cb_image_source_pick(s, s->images.n == 1 ? CB_STR("") : cb_arch_host(), out, err);
}
