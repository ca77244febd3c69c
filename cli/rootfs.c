// build-minirootfs and build-cpio: one architecture's file tree as an archive.
#include <stdlib.h>

#include "build_flags.h"
#include "cbuild/base/file.h"
#include "cbuild/base/log.h"
#include "cbuild/builder/arch.h"
#include "cbuild/builder/rootfs.h"
#include "cbuild/compress/go_gzip.h"

typedef int write_fn(const struct cb_rootfs *r, struct cb_sink *to, struct cb_error *err);

static int write_packed(const struct cb_rootfs *r, struct cb_sink *to, struct cb_error *err)
{
    struct cb_go_gzip *gzip = cb_go_gzip_new(to);
    int failed = cb_rootfs_write_cpio(r, cb_go_gzip_sink(gzip), err) || cb_go_gzip_finish(gzip, err);
    cb_go_gzip_free(gzip);
    return failed ? -1 : 0;
}

static int write_file(const struct cb_rootfs *r, write_fn *write, const char *path, struct cb_error *err)
{
    struct cb_atomic f = CB_ATOMIC_INIT;
    if (cb_atomic_open(&f, path, 0644, err))
        return -1;
    struct cb_fd_sink out = cb_fd_sink(f.fd, path);
    if (write(r, &out.sink, err)) {
        cb_atomic_abort(&f);
        return -1;
    }
    return cb_atomic_commit(&f, err);
}

static int build(const struct cb_invocation *in, write_fn *write, struct cb_error *err)
{
    CB_SESSION_AUTO s = {0};
    CB_ROOTFS_AUTO *r = NULL;
    struct cb_str name = cb_str(cb_build_flags.build_arch);
    struct cb_str arch = name.n ? cb_arch_parse(name) : cb_arch_host();
    const char *output = in->args.v[1];
    if (cb_check_output(output, err) || cb_session_open(&s, in, in->args.v[0], err) ||
        cb_rootfs_make(&s.options, arch, &r, err) || write_file(r, write, output, err))
        return -1;
    cb_log(CB_INFO, "wrote %s for %.*s", output, CB_STR_ARG(arch));
    return 0;
}

static int build_minirootfs(const struct cb_invocation *in, struct cb_error *err)
{
    return cb_check_argument_count(in, 2, err) ? -1 : build(in, cb_rootfs_write, err);
}

static int build_cpio(const struct cb_invocation *in, struct cb_error *err)
{
    if (cb_check_argument_count(in, 2, err))
        return -1;
    return build(in, cb_str_ends(cb_str(in->args.v[1]), ".gz") ? write_packed : cb_rootfs_write_cpio, err);
}

const struct cb_command cb_command_build_minirootfs = {
    .name = "build-minirootfs",
    .usage = "CONFIG OUTPUT [flags]",
    .summary = "Build a minirootfs image from a YAML configuration file",
    .text = "Build the file tree of a configuration for one architecture and write it as a tar, which is not "
            "compressed.\nPackages are resolved for that architecture alone.",
    .example = "  cbuild build-minirootfs <config.yaml> <output.tar>",
    .flags = cb_root_flag_table,
    .run = build_minirootfs,
};

const struct cb_command cb_command_build_cpio = {
    .name = "build-cpio",
    .usage = "CONFIG OUTPUT [flags]",
    .summary = "Build a cpio file from a YAML configuration file",
    .text = "Build the file tree of a configuration for one architecture and write it as a cpio archive (newc), as the "
            "kernel\ntakes it for an initramfs; compressed where the output's name ends in .gz.",
    .example = "  cbuild build-cpio <config.yaml> <output.cpio>",
    .hidden = true,
    .flags = cb_root_flag_table,
    .run = build_cpio,
};
