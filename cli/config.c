#include "cbuild/base/log.h"
#include "cbuild/builder/stored.h"
#include "command.h"
#include "image_access.h"
#include "output.h"

static const char *arch = "";
static bool offline;

static struct cb_flag flags[] = {
    {"arch", 0, CB_FLAG_STRING, &arch, NULL,
     "whose configuration, of an index (default: the only one, else this machine's)", 0, 0},
    {"offline", 0, CB_FLAG_BOOL, &offline, NULL, "do not use the network", 0, 0},
};

static struct cb_flags own_flags(void)
{
    return CB_FLAGS(flags);
}

static int print(struct cb_image_source *s, struct cb_error *err)
{
    CB_STORED_AUTO stored = {0};
    const struct cb_source_image *img;
    if (cb_image_choose(s, arch, &img, err) || cb_stored_read(s, img, CB_STORED_CONFIG_ONLY, &stored, err))
        return -1;
    if (!stored.config.p) {
        cb_fail(err, CB_E_NOT_FOUND, "%s: image %.*s has no " CB_STORED_CONFIG, s->name, CB_STR_ARG(img->label));
        return cb_hint(err, "images that apko or cbuild built hold it; others may have it attested: see cbuild "
                            "verify-attestation --type https://apko.dev/image-configuration");
    }
    cb_log(CB_INFO, "the configuration of %.*s %s", CB_STR_ARG(img->label), img->descriptor.digest.text);
    struct cb_sink out = cb_stdout_sink();
    return cb_write(&out, stored.config.p, stored.config.n, err);
}

static int run(const struct cb_invocation *in, struct cb_error *err)
{
    CB_IMAGE_DOORS_AUTO doors = {0};
    CB_IMAGE_SOURCE_AUTO source = {0};
    if (in->args.n != 1)
        return cb_fail(err, CB_E_USAGE, "config takes one image, not %zu arguments", in->args.n);
    if (cb_image_doors_open(&doors, offline, err) || cb_image_source_open(&source, in->args.v[0], &doors.access, err))
        return -1;
    return print(&source, err);
}

const struct cb_command cb_command_config = {
    .name = "config",
    .usage = "IMAGE [flags]",
    .summary = "Print the configuration that an image was built from",
    .text = "Print the configuration that an image was built from, as its layers hold it (etc/apko.json).\n\n"
            "An image is a reference to a registry, an OCI layout (a folder), an archive as \"docker save\" writes it, "
            "or\nwhat a prefix says: docker://, oci:, oci-archive:, docker-archive:, docker-daemon:.",
    .example = "  cbuild config registry.example.com/hello --arch arm64 | jq .contents.packages",
    .flags = own_flags,
    .run = run,
};
