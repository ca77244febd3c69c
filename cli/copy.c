#include "cbuild/oci/image_copy.h"

#include <stdio.h>

#include "cbuild/base/log.h"
#include "cbuild/builder/arch.h"
#include "command.h"
#include "image_access.h"

static const char *arch = "";
static bool all = true, offline, bare;

static struct cb_flag flags[] = {
    {"all-archs", 0, CB_FLAG_BOOL, &all, NULL, "the whole index with the images of all architectures", 0, 0},
    {"arch", 0, CB_FLAG_STRING, &arch, NULL, "only the image for one architecture, under its own digest", 0, 0},
    {"image-only", 0, CB_FLAG_BOOL, &bare, NULL, "without the signatures, attestations and documents beside it", 0, 0},
    {"offline", 0, CB_FLAG_BOOL, &offline, NULL, "do not use the network", 0, 0},
};

static struct cb_flags own_flags(void)
{
    return CB_FLAGS(flags);
}

static struct cb_str chosen_arch(void)
{
    if (*arch)
        return strcmp(arch, "host") ? cb_arch_parse(cb_str(arch)) : cb_arch_host();
    return all ? CB_STR("") : cb_arch_host();
}

static int run(const struct cb_invocation *in, struct cb_error *err)
{
    CB_IMAGE_DOORS_AUTO doors = {0};
    CB_IMAGE_SOURCE_AUTO source = {0};
    struct cb_image_copied done;
    if (in->args.n != 2) {
        cb_fail(err, CB_E_USAGE, "copy takes an image and where it is to go, not %zu arguments", in->args.n);
        return cb_hint(err, "cbuild copy IMAGE TARGET");
    }
    const struct cb_image_copy_options options = {.arch = chosen_arch(), .bare = bare, .pool = in->pool};
    if (cb_image_doors_open(&doors, offline, err) || cb_image_source_open(&source, in->args.v[0], &doors.access, err) ||
        cb_image_copy(&source, in->args.v[1], &doors.access, &options, &done, err))
        return -1;
    cb_log(CB_INFO, "copied %zu manifests (%zu attached to others) and %zu blobs, %llu bytes anew", done.manifests,
           done.attached, done.blobs, (unsigned long long)done.bytes);
    printf("%s\n", done.root.digest.text);
    return 0;
}

const struct cb_command cb_command_copy = {
    .name = "copy",
    .usage = "IMAGE TARGET [flags]",
    .summary = "Copy an image with its signatures and attestations, every digest as it is",
    .text = "Copy an image from wherever it is to a registry or an OCI layout. Every digest stays as it is, and what "
            "is\nkept beside the image goes along: what refers to it, and its tags sha256-....sig, .att and .sbom.\n\n"
            "The target is a reference, or a layout: oci:FOLDER[:NAME], or a path that begins with \"/\", \"./\" or "
            "\"../\".\nWithin a registry blobs are mounted, not sent. The digest is printed.",
    .example = "  cbuild copy cgr.dev/chainguard/nginx:latest oci:/media/stick/images:nginx\n"
               "  cbuild copy oci:/media/stick/images:nginx registry.internal/nginx:latest",
    .flags = own_flags,
    .run = run,
};
