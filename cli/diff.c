#include "cbuild/diff/diff.h"

#include "cbuild/builder/arch.h"
#include "command.h"
#include "image_access.h"
#include "output.h"

static int64_t limit = 20;
static const char *format = "text", *report_dir = "";
static struct cb_strs archs, ignored;
static struct cb_diff_ignore ignore;
static bool semantic, timestamps, offline;

static struct cb_flag flags[] = {
    {"arch", 0, CB_FLAG_LIST, &archs, NULL, "only the images for these architectures", false, false},
    {"format", 0, CB_FLAG_STRING, &format, NULL, "text, json, markdown, or html (one file that needs nothing else)",
     false, false},
    {"ignore", 0, CB_FLAG_LIST, &ignored, "GLOB",
     "paths in layers that do not count; \"*\" stops at slashes, \"**\" does not", false, false},
    {"ignore-file-mode-redundant-bits", 0, CB_FLAG_BOOL, &ignore.file_mode_bits, NULL,
     "bits of a mode that tell the type again do not count", false, false},
    {"ignore-file-order", 0, CB_FLAG_BOOL, &ignore.file_order, NULL, "the order of a layer's entries does not count",
     false, false},
    {"ignore-file-timestamps", 0, CB_FLAG_BOOL, &ignore.file_timestamps, NULL, "times of files do not count", false,
     false},
    {"ignore-history", 0, CB_FLAG_BOOL, &ignore.history, NULL, "the config's history does not count", false, false},
    {"ignore-image-name", 0, CB_FLAG_BOOL, &ignore.image_name, NULL, "annotations that name the image do not count",
     false, false},
    {"ignore-image-timestamps", 0, CB_FLAG_BOOL, &ignore.image_timestamps, NULL,
     "times in index, manifest and config do not count", false, false},
    {"ignore-tar-format", 0, CB_FLAG_BOOL, &ignore.tar_format, NULL, "the format of tar headers does not count", false,
     false},
    {"ignore-timestamps", 0, CB_FLAG_BOOL, &timestamps, NULL, "--ignore-file-timestamps and --ignore-image-timestamps",
     false, false},
    {"limit", 0, CB_FLAG_INT, &limit, NULL, "differences told in full for each layer; further ones are counted", false,
     false},
    {"offline", 0, CB_FLAG_BOOL, &offline, NULL, "do not use the network", false, false},
    {"report-dir", 0, CB_FLAG_STRING, &report_dir, NULL,
     "new folder for the report in every format, and for the files that differ (a/ and b/)", false, false},
    {"semantic", 0, CB_FLAG_BOOL, &semantic, NULL, "all of --ignore-*, and --treat-canonical-paths-equal", false,
     false},
    {"treat-canonical-paths-equal", 0, CB_FLAG_BOOL, &ignore.canonical_paths, NULL,
     "\"./a\" and \"/a\" are the same as \"a\"", false, false},
};

static struct cb_flags own_flags(void)
{
    return CB_FLAGS(flags);
}

static int choose_format(enum cb_diff_format *out, struct cb_error *err)
{
    static const char *const names[] = {"text", "json", "markdown", "html"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(format, names[i])) {
            *out = (enum cb_diff_format)i;
            return 0;
        }
    return cb_fail(err, CB_E_USAGE, "--format: \"%s\" is none of text, json, markdown, html", format);
}

static void choose_ignored(struct cb_diff_ignore *i)
{
    *i = ignore;
    if (semantic)
        *i = (struct cb_diff_ignore){true, true, true, true, true, true, true, true};
    i->file_timestamps |= timestamps;
    i->image_timestamps |= timestamps;
}

static int run(const struct cb_invocation *in, struct cb_error *err)
{
    CB_IMAGE_DOORS_AUTO doors = {0};
    struct cb_strs chosen = {0};
    struct cb_diff_options options = {
        .limit = (unsigned)limit, .ignored = &ignored, .report_dir = *report_dir ? report_dir : NULL, .archs = &chosen};
    if (in->args.n != 2)
        return cb_fail(err, CB_E_USAGE, "diff takes two images, not %zu", in->args.n);
    if (limit < 1 || limit > 1000000)
        return cb_fail(err, CB_E_USAGE, "--limit: %lld is not from 1 to 1000000", (long long)limit);
    if (choose_format(&options.format, err) || cb_image_doors_open(&doors, offline, err))
        return -1;
    choose_ignored(&options.ignore);
    if (archs.n)
        cb_arch_list(&archs, &chosen);
    struct cb_sink out = cb_stdout_sink();
    int result = cb_diff_images(in->args.v[0], in->args.v[1], &doors.access, &options, &out, err);
    cb_strs_release(&chosen);
    return result;
}

const struct cb_command cb_command_diff = {
    .name = "diff",
    .usage = "IMAGE IMAGE [flags]",
    .summary = "Show where two images differ, and why",
    .text = "Show where two images differ, and why: packages first, then index, manifest, config, layer, tar entry, "
            "gzip block,\nbyte. Behind each difference stand its cause and the package that owns the file, where they "
            "are known.\n\n"
            "An image is a reference to a registry, an OCI layout (a folder), an archive as \"docker save\" writes it, "
            "or\nwhat a prefix says: docker://, oci:, oci-archive:, docker-archive:, docker-daemon:. The exit status "
            "is 0 where\nthey are the same (but for what is ignored), 1 where they differ, 2 where one cannot be read.",
    .example = "  cbuild diff registry.example.com/hello:1 registry.example.com/hello:2 --format html > diff.html\n"
               "  cbuild diff --semantic docker-daemon:hello:1 ./layout --ignore 'var/cache/**'",
    .flags = own_flags,
    .run = run,
    .failure_status = 2,
};
