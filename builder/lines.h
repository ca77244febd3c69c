// Text files line by line, as Go's bufio.Scanner and strings.TrimSpace see them.
#ifndef CB_BUILDER_LINES_H
#define CB_BUILDER_LINES_H

#include "cbuild/base/stream.h"

#define CB_LINE_MAX 65536u // bytes of a line with its newline; a longer one ends the reading

struct cb_lines {
    struct cb_source *in;
    char *buf; // CB_LINE_MAX bytes
    size_t start, end;
    bool ended;
};

struct cb_lines cb_lines(struct cb_source *in);
// 1 and *line (good until the next call, without newline and one carriage return before it), 0 at the end, -1 where
// reading fails or, as CB_E_INPUT, a line is too long.
int cb_lines_next(struct cb_lines *l, struct cb_str *line, struct cb_error *err);
void cb_lines_release(struct cb_lines *l);

#define CB_LINES_AUTO __attribute__((cleanup(cb_lines_release))) struct cb_lines

// Without Unicode white space at both ends.
struct cb_str cb_trim_space(struct cb_str s);

#endif
