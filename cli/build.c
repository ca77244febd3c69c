#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build_flags.h"
#include "cbuild/base/log.h"
#include "cbuild/oci/docker_archive.h"
#include "cbuild/oci/layout.h"
#include "cbuild/oci/reference.h"

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

// What can be known to fail before the build is looked at before the build.
static int check(const char *tag, const char *output, struct cb_error *err)
{
    CB_ARENA_AUTO arena = {0};
    struct cb_reference ref;
    if (!is_folder(output))
        return cb_reference_parse_tag(&arena, cb_str(tag), &ref, err) || cb_check_output(output, err) ? -1 : 0;
    return access(output, W_OK | X_OK) ? cb_fail_errno(err, errno, "writing to folder %s", output) : 0;
}

static int write_image(const struct cb_invocation *in, const struct cb_build *b, const char *tag, const char *output,
                       struct cb_error *err)
{
    struct cb_str name = cb_str(tag);
    const struct cb_strs tags = {&name, 1, 0};
    if (is_folder(output))
        return cb_layout_write(output, cb_build_index(b), in->pool, err);
    return cb_docker_archive_write(output, cb_build_index(b), &tags, err);
}

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
    CB_SESSION_AUTO s = {0};
    CB_BUILD_AUTO *b = NULL;
    if (check(tag, output, err) || cb_session_open(&s, in, config, err) ||
        (s.options.sbom && cb_check_documents_folder(cb_build_flags.sbom_path, err)))
        return -1;
    s.options.tag = tag;
    if (cb_build_run(&s.options, &b, err) || write_image(in, b, tag, output, err) ||
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
