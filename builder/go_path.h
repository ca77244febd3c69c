// Go's filepath.Dir and filepath.Base.
#ifndef CB_BUILDER_GO_PATH_H
#define CB_BUILDER_GO_PATH_H

#include "cbuild/base/file.h"

// All but the last component, cleaned: "." for a name alone. Owned.
static inline char *cb_go_dir(struct cb_str path)
{
    return cb_path_clean(cb_str_head(path, (size_t)(cb_str_rfind(path, '/') + 1)));
}

// The last component; "." for "", "/" for slashes only.
static inline struct cb_str cb_go_base(struct cb_str path)
{
    if (path.n == 0)
        return CB_STR(".");
    while (path.n > 0 && path.p[path.n - 1] == '/')
        path.n--;
    return path.n == 0 ? CB_STR("/") : cb_str_skip(path, (size_t)(cb_str_rfind(path, '/') + 1));
}

#endif
