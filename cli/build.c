#include "build_flags.h"
#include "cbuild/base/log.h"
#include "image_output.h"

static int run(const struct cb_invocation *in, struct cb_error *err)
{
    if (cb_check_args_are_meant(&in->args, err))
        return -1;
    if (in->args.n != 3) {
        cb_fail(err, CB_E_USAGE, "build takes a configuration, a tag and an output path, not %zu arguments",
                in->args.n);
        return cb_hint(err, "cbuild build CONFIG TAG OUTPUT");
    }
    const char *config = in->args.v[0], *tag = in->args.v[1], *output = in->args.v[2];
    CB_SESSION_AUTO s = {.images = true};
    CB_BUILD_AUTO *b = NULL;
    if (cb_image_check_output(tag, output, err) || cb_session_open(&s, in, config, err) ||
        (s.options.sbom && cb_check_documents_folder(cb_build_flags.sbom_path, err)))
        return -1;
    s.options.tag = tag;
    if (cb_build_run(&s.options, &b, err) || cb_image_write(b, tag, output, in->pool, err) ||
        cb_documents_write(b, cb_build_flags.sbom_path, err))
        return -1;
    cb_log(CB_INFO, "built %s into %s", cb_build_index(b)->digest.text, output);
    return 0;
}

const struct cb_command cb_command_build = {
    .name = "build",
    .usage = "CONFIG TAG OUTPUT [flags]",
    .summary = "Build an image from a YAML configuration file",
    .text =
        "Build an image from a YAML or JSON configuration file.\n\n"
        "The image becomes an OCI layout where OUTPUT is a folder, else an archive that \"docker load\" takes, e.g.\n\n"
        "  # docker load < output.tar",
    .example = "  cbuild build <config.yaml> <tag> <output.tar|oci-layout-dir/>",
    .flags = cb_build_flag_table,
    .run = run,
};
