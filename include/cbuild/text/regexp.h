// Regular expressions as Go's regexp package (RE2) takes them, matched by PCRE2.
//
// Only what both read alike is taken: what RE2 does not have (back references, look-around, possessive and atomic
// groups, verbs) and what the two read differently (octal escapes, \v, \Z, \C, ...) is refused by name, so that a
// pattern never means more here than it means there. A match may begin and end anywhere, as in Go's MatchString: anchor
// with ^ and $, which stand for the ends of the text and nothing else.
// Source: github.com/google/re2 wiki/Syntax, Go regexp/syntax; pcre2pattern(3).
#ifndef CB_TEXT_REGEXP_H
#define CB_TEXT_REGEXP_H

#include "cbuild/base/error.h"
#include "cbuild/base/str.h"

#define CB_REGEXP_MAX 4096u          // bytes of a pattern
#define CB_REGEXP_REPEAT_MAX 1000u   // of {n,m}, as in RE2
#define CB_REGEXP_STEPS_MAX 1000000u // that one match may take

struct cb_regexp; // read-only once made

// CB_E_USAGE for a malformed pattern or one that is not in the common part.
struct cb_regexp *cb_regexp_new(struct cb_str pattern, struct cb_error *err);
void cb_regexp_free(struct cb_regexp *r);
void cb_regexp_free_p(struct cb_regexp **r);
#define CB_REGEXP_AUTO __attribute__((cleanup(cb_regexp_free_p))) struct cb_regexp

// 1 or 0; -1 with CB_E_LIMIT where it takes too many steps. Text that is not UTF-8 never matches.
int cb_regexp_match(const struct cb_regexp *r, struct cb_str text, struct cb_error *err);

// Whether a match is always of the whole text: ^ and $ (or \A and \z) around everything.
bool cb_regexp_is_anchored(const struct cb_regexp *r);
struct cb_str cb_regexp_text(const struct cb_regexp *r); // the pattern; lives as long as r

#endif
