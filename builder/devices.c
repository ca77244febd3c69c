#include "go_path.h"
#include "steps.h"

#include <stdlib.h>

static const struct {
    const char *path;
    uint32_t major, minor;
} devices[] = {
    {"/dev/zero", 1, 5}, {"/dev/urandom", 1, 9}, {"/dev/null", 1, 3}, {"/dev/random", 1, 8}, {"/dev/console", 5, 1},
};

// Mode 0: an oddity of the reference (container runtimes make these nodes themselves).
int cb_devices_make(struct cb_tree *t, struct cb_error *err)
{
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        struct cb_str path = cb_str(devices[i].path);
        if (cb_tree_find(t, path))
            continue;
        if (cb_tree_mkdir_all(t, CB_STR("/dev"), 0755, err) ||
            cb_tree_mknod(t, path, 0, devices[i].major, devices[i].minor, err))
            return cb_context(err, "making %s", devices[i].path);
    }
    return 0;
}
