// Go's text/template, as far as a template over one struct of strings needs it: text, fields, constants, variables,
// pipelines, comments, trim markers, if/else, with, range (over whole numbers, as there is no list), break, continue,
// and the functions and, eq, ge, gt, index, le, len, lt, ne, not, or, print, printf, println, slice.
// What is not here is refused by name: define, template, block; call, html, js, urlquery; floating-point and complex
// constants.
// Source: Go's documentation of package text/template (Go 1.26).
#ifndef CB_TEXT_TEMPLATE_H
#define CB_TEXT_TEMPLATE_H

#include "cbuild/base/stream.h"
#include "cbuild/text/gofmt.h"

#define CB_TEMPLATE_MAX (1u << 20)  // bytes of a template
#define CB_TEMPLATE_DEPTH_MAX 1000u // blocks and parentheses within one another

struct cb_template; // owns a copy of its text

// CB_E_USAGE: not a template, with "template:line:column" and the line as detail; CB_E_UNSUPPORTED: what is not here;
// CB_E_LIMIT. NULL then.
struct cb_template *cb_template_parse(struct cb_str text, struct cb_error *err);
void cb_template_free(struct cb_template *t); // NULL is fine
void cb_template_free_p(struct cb_template **t);
#define CB_TEMPLATE_AUTO __attribute__((cleanup(cb_template_free_p))) struct cb_template

// Writes what the template makes of dot. What stands before a mistake that shows only now (an unknown field, values
// that cannot be compared) is written already when it fails with CB_E_USAGE, as the reference's is.
int cb_template_execute(const struct cb_template *t, const struct cb_go_struct *dot, struct cb_sink *to,
                        struct cb_error *err);

#endif
