// Line by line through a golden or data file.
#ifndef GOLDEN_LINES_H
#define GOLDEN_LINES_H

#include "cbuild/base/file.h"

// The whole file under the source folder, appended; the test fails where it cannot be read.
static inline void read_data(const char *name, struct cb_buf *out)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_AUTOFREE char *path = cb_path_join(CBUILD_SOURCE_DIR, name);
    if (cb_read_file(path, out, 1u << 24, &err))
        fail_msg("%s", err.message);
}

// The next line that is not empty, cut into at most `max` fields at `sep`; how many there are, 0 at the end.
static inline size_t next_fields(struct cb_str *rest, char sep, struct cb_str *fields, size_t max)
{
    struct cb_str line;
    while (cb_str_cut(rest, '\n', &line)) {
        size_t n = 0;
        if (line.n == 0)
            continue;
        while (n < max && cb_str_cut(&line, sep, &fields[n]))
            n++;
        return n;
    }
    return 0;
}

#endif
