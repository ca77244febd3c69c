#include "cbuild/diff/diff.h"

#include <stdio.h>
#include <unistd.h>

#include "command.h"

static int64_t limit = 20;

static struct cb_flag flags[] = {
    {"limit", 0, CB_FLAG_INT, &limit, NULL, "differences told in full for each layer; further ones are counted", false,
     false},
};

static struct cb_flags own_flags(void)
{
    return CB_FLAGS(flags);
}

static int run(const struct cb_invocation *in, struct cb_error *err)
{
    if (in->args.n != 2)
        return cb_fail(err, CB_E_USAGE, "diff takes two images, not %zu", in->args.n);
    if (limit < 1 || limit > 1000000)
        return cb_fail(err, CB_E_USAGE, "--limit: %lld is not from 1 to 1000000", (long long)limit);
    struct cb_fd_sink out = cb_fd_sink(STDOUT_FILENO, "standard output");
    const struct cb_diff_options options = {.limit = (unsigned)limit};
    return cb_diff_images(in->args.v[0], in->args.v[1], &options, &out.sink, err);
}

const struct cb_command cb_command_diff = {
    .name = "diff",
    .usage = "IMAGE IMAGE [flags]",
    .summary = "Show where two images first differ",
    .text = "Show where two images differ: index, manifest, config, layer, tar entry, gzip block, byte.\n\n"
            "An image is an OCI layout (a folder) or an archive as \"docker save\" writes it. The exit status is 0 "
            "where they "
            "are\nthe same, 1 where they differ, 2 where one cannot be read.",
    .flags = own_flags,
    .run = run,
    .failure_status = 2,
};
