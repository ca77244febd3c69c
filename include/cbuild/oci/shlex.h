// Words of a command line, split as a shell would and as github.com/google/shlex does for the reference: white space is
// space, tab, CR and LF; '...' takes everything, "..." and bare words know backslash (the next character, whatever it
// is, stands for itself); '#' at the start of a word begins a comment up to the line's end. Invalid UTF-8 becomes
// U+FFFD.
#ifndef CB_OCI_SHLEX_H
#define CB_OCI_SHLEX_H

#include "cbuild/base/arena.h"

// Words and list in *a. CB_E_CONFIG for a quote that is not closed or a backslash at the end.
int cb_shlex_split(struct cb_arena *a, struct cb_str s, struct cb_strs *out, struct cb_error *err);

#endif
