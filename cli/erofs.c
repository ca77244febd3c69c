#include "erofs.h"

#include "cbuild/base/nearest.h"
#include "command.h"

static const char *arch = "host", *mode = "auto";
static bool writable;

static struct cb_flag flags[] = {
    {"arch", 0, CB_FLAG_STRING, &arch, NULL, "architecture to select from a multi-arch OCI index", false, false},
    {"mode", 0, CB_FLAG_STRING, &mode, NULL, "mount: kernel, fuse, or auto (auto = kernel if root else fuse)", false,
     false},
    {"rw", 0, CB_FLAG_BOOL, &writable, NULL, "mount: read-write; what is written goes to DEST/upper", false, false},
};

static struct cb_flags own_flags(void)
{
    return CB_FLAGS(flags);
}

static int run_ls(const char *const *args, struct cb_error *err)
{
    struct cb_erofs_layers layers = {0};
    if (cb_erofs_layers_open(&layers, args[0], cb_str(arch), err))
        return -1;
    int failed = cb_erofs_ls(&layers, err);
    cb_erofs_layers_release(&layers);
    return failed;
}

static int run_mount(const char *const *args, struct cb_error *err)
{
    struct cb_erofs_layers layers = {0};
    const struct cb_erofs_mount_options options = {.source = args[0], .mode = mode, .writable = writable};
    if (cb_erofs_layers_open(&layers, args[0], cb_str(arch), err))
        return -1;
    int failed = cb_erofs_mount(&layers, args[1], &options, err);
    cb_erofs_layers_release(&layers);
    return failed;
}

static int run_umount(const char *const *args, struct cb_error *err)
{
    return cb_erofs_umount(args[0], err);
}

static const struct {
    const char *name;
    size_t args;
    bool takes_arch, takes_mode;
    int (*run)(const char *const *args, struct cb_error *err);
} actions[] = {
    {"ls", 1, true, false, run_ls},
    {"mount", 2, true, true, run_mount},
    {"umount", 1, false, false, run_umount},
};
enum { ACTIONS = sizeof actions / sizeof *actions };

static int unknown_action(const char *name, struct cb_error *err)
{
    const char *names[ACTIONS];
    for (size_t i = 0; i < ACTIONS; i++)
        names[i] = actions[i].name;
    const char *nearest = cb_nearest(name, names, ACTIONS);
    cb_fail(err, CB_E_USAGE, "erofs: \"%s\" is none of ls, mount and umount", name);
    return nearest ? cb_hint(err, "did you mean %s?", nearest) : -1;
}

static int run(const struct cb_invocation *in, struct cb_error *err)
{
    const char *const *args = in->args.v;
    size_t a = 0;
    while (a < ACTIONS && strcmp(args[0], actions[a].name))
        a++;
    if (a == ACTIONS)
        return unknown_action(args[0], err);
    if (in->args.n - 1 != actions[a].args)
        return cb_fail(err, CB_E_USAGE, "erofs %s takes %zu argument%s, not %zu", args[0], actions[a].args,
                       actions[a].args > 1 ? "s" : "", in->args.n - 1);
    if (!actions[a].takes_arch && cb_flag_given(own_flags(), "arch"))
        return cb_fail(err, CB_E_USAGE, "erofs %s does not take --arch", args[0]);
    if (!actions[a].takes_mode && (cb_flag_given(own_flags(), "mode") || cb_flag_given(own_flags(), "rw")))
        return cb_fail(err, CB_E_USAGE, "--mode and --rw are for erofs mount");
    return actions[a].run(args + 1, err);
}

static const char *const names[] = {"ls", "mount", "umount", NULL};

const struct cb_command cb_command_erofs = {
    .name = "erofs",
    .usage = "{ls SOURCE | mount SOURCE DEST | umount DEST} [flags]",
    .summary = "Mount, unmount, and inspect EROFS images",
    .text =
        "Mount, unmount, and inspect EROFS images, as `cbuild build --format=erofs` makes them.\n\n"
        "ls      list what is in SOURCE: mode, owner, size (device numbers), time, path. Nothing is mounted.\n"
        "mount   mount SOURCE at DEST: an image file at DEST itself; the layers of an OCI image at\n"
        "        DEST/layers/NN and what they show together at DEST/merged\n"
        "umount  undo it\n\n"
        "SOURCE is an EROFS image (a file), an OCI image layout (a folder), or PATH:TAG for one image of a layout;\n"
        "erofs:, oci: or oci-dir: before it say which.",
    .example = "  cbuild erofs ls ./image.erofs\n  cbuild erofs ls oci-dir:./out:latest\n"
               "  cbuild erofs mount --mode=fuse ./image.erofs /mnt/y",
    .words = names,
    .flags = own_flags,
    .run = run,
};
