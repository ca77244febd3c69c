#include "image_output.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build_flags.h"
#include "cbuild/oci/docker_archive.h"
#include "cbuild/oci/layout.h"
#include "cbuild/oci/reference.h"

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int cb_image_check_tag(const char *tag, struct cb_error *err)
{
    CB_ARENA_AUTO arena = {0};
    struct cb_reference ref;
    return cb_reference_parse_tag(&arena, cb_str(tag), &ref, err);
}

int cb_image_check_output(const char *tag, const char *output, struct cb_error *err)
{
    if (!is_folder(output))
        return cb_image_check_tag(tag, err) || cb_check_output(output, err) ? -1 : 0;
    return access(output, W_OK | X_OK) ? cb_fail_errno(err, errno, "writing to folder %s", output) : 0;
}

int cb_image_write(const struct cb_build *b, const char *tag, const char *output, struct cb_pool *pool,
                   struct cb_error *err)
{
    struct cb_str name = cb_str(tag);
    const struct cb_strs tags = {&name, 1, 0};
    if (is_folder(output) || cb_str_ends(cb_str(output), "/"))
        return cb_layout_write(output, cb_build_index(b), pool, err);
    return cb_docker_archive_write(output, cb_build_index(b), &tags, err);
}
