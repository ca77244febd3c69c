// The text that a comparison writes: one difference a line, under headings that are written only once there is a
// difference below them.
#ifndef DIFF_REPORT_H
#define DIFF_REPORT_H

#include "cbuild/base/stream.h"

#define REPORT_DEPTH 16

struct report {
    struct cb_sink *out;
    char *headings[REPORT_DEPTH]; // owned
    size_t depth, written;        // how many of them there are, and how many are written already
    bool differs;
    struct cb_error *err; // of the sink: sticky, checked at the end
    bool failed;
};

void report_begin(struct report *r, struct cb_sink *out, struct cb_error *err);
void report_push(struct report *r, const char *fmt, ...) CB_PRINTF(2, 3); // a heading for what follows
void report_pop(struct report *r);
void report_line(struct report *r, const char *fmt, ...) CB_PRINTF(2, 3); // a difference
void report_note(struct report *r, const char *fmt, ...) CB_PRINTF(2, 3); // a line that is no difference of its own
void report_end(struct report *r);

// s in quotes and escaped as in JSON, cut after some 200 bytes; owned by the caller.
char *report_quote(struct cb_str s);

#endif
