// What a comparison found, as a tree: headings, and below them differences and notes. It is made as the comparison goes
// along, and written when it is complete.
#ifndef DIFF_REPORT_H
#define DIFF_REPORT_H

#include "cbuild/base/arena.h"
#include "cbuild/base/vec.h"
#include "cbuild/diff/diff.h"

#define REPORT_DEPTH 16

enum node_kind { NODE_HEADING, NODE_DIFFERENCE, NODE_NOTE };

struct node {
    enum node_kind kind;
    struct cb_str text;
    struct cb_str cause, package, path; // of a difference; empty where unknown
    struct node *next, *first, *last;   // the next of its parent, and its own
};

// A package that is not the same in both images.
struct package_change {
    struct cb_str image; // label
    struct cb_str name;
    struct cb_str versions[2];             // empty: not installed
    uint64_t files[2], bytes[2];           // that it has, on each side
    uint64_t changed_files, changed_bytes; // of its files that differ, as found in the layers (in full, not to a limit)
    struct cb_str cause;
};

struct report {
    struct cb_arena arena;
    struct node root;
    struct node *stack[REPORT_DEPTH]; // open headings; stack[0] is the root
    size_t depth;
    struct {
        struct package_change *v;
        size_t n, cap;
    } packages;
    bool differs;
    const char *names[2]; // of the sides, for the renderers
    const struct cb_diff_options *options;
};

void report_begin(struct report *r, const struct cb_diff_options *options);
void report_release(struct report *r);
void report_push(struct report *r, const char *fmt, ...) CB_PRINTF(2, 3); // a heading for what follows
void report_pop(struct report *r);
// A difference; what is returned may be given a cause, in the report's memory or constant.
struct node *report_line(struct report *r, const char *fmt, ...) CB_PRINTF(2, 3);
void report_note(struct report *r, const char *fmt, ...) CB_PRINTF(2, 3); // a line that is no difference of its own

// s in quotes and escaped as in JSON, cut after some 200 bytes; owned by the caller.
char *report_quote(struct cb_str s);

// In render.c, render_json.c and render_html.c: the whole report, appended to *out.
void report_render(const struct report *r, enum cb_diff_format format, struct cb_buf *out);
void report_render_json(const struct report *r, struct cb_buf *out);
void report_render_html(const struct report *r, struct cb_buf *out);
bool node_is_empty(const struct node *n); // a heading with nothing below it

#endif
