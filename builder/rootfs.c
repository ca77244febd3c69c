#include "cbuild/builder/rootfs.h"

#include <stdlib.h>

#include "arch_build.h"
#include "cbuild/base/log.h"
#include "cbuild/fs/cpio.h"
#include "cbuild/fs/erofs.h"

struct cb_rootfs {
    struct cb_arch_build build;
};

static int check(const struct cb_arch_build *a, struct cb_error *err)
{
    const struct cb_image_config *c = a->config;
    if (c->archs.n)
        cb_log(CB_WARN, "the configuration's architectures do not matter: building for %.*s", CB_STR_ARG(a->apk_arch));
    if (!c->has_layering || (!c->layering.strategy.n && !c->layering.budget))
        return 0;
    cb_fail(err, CB_E_CONFIG, "%s: with layering there is not one layer to write", a->options->config_path);
    return cb_hint(err, "take `layering` out of the configuration, or build an image");
}

static int make(struct cb_arch_build *a, struct cb_error *err)
{
    if (cb_arch_build_load(a, err) || check(a, err))
        return -1;
    return cb_arch_build_prepare(a, a->config, err) || cb_arch_build_tree(a, NULL, err) ? -1 : 0;
}

int cb_rootfs_make(const struct cb_build_options *o, struct cb_str arch, struct cb_rootfs **out, struct cb_error *err)
{
    CB_ROOTFS_AUTO *r = cb_zalloc(sizeof *r);
    cb_arch_build_init(&r->build, o, arch);
    if (make(&r->build, err))
        return -1;
    *out = r;
    r = NULL;
    return 0;
}

void cb_rootfs_free(struct cb_rootfs *r)
{
    if (!r)
        return;
    cb_arch_build_release(&r->build);
    free(r);
}

void cb_rootfs_free_p(struct cb_rootfs **r)
{
    cb_rootfs_free(*r);
}

static bool is_erofs(const struct cb_rootfs *r)
{
    return cb_str_is(r->build.config->format, "erofs");
}

int cb_rootfs_write(const struct cb_rootfs *r, struct cb_sink *to, struct cb_error *err)
{
    const struct cb_arch_build *a = &r->build;
    if (is_erofs(r))
        return cb_erofs_write(a->tree, (struct cb_time){a->epoch.sec, a->epoch.nsec}, to, err);
    struct cb_layer_plan *plan = cb_layer_plan_new(a->tree, NULL, err);
    int failed = !plan || cb_layer_write_tar(plan, 0, to, err);
    cb_layer_plan_free(plan);
    return failed ? -1 : 0;
}

int cb_rootfs_write_cpio(const struct cb_rootfs *r, struct cb_sink *to, struct cb_error *err)
{
    if (!is_erofs(r))
        return cb_cpio_write(r->build.tree, to, err);
    cb_fail(err, CB_E_CONFIG, "%s: format: erofs does not go together with a cpio archive",
            r->build.options->config_path);
    return cb_hint(err, "build-minirootfs writes the EROFS image");
}
