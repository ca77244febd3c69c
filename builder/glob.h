// Shell patterns over the tree, as Go's io/fs.Glob and path.Match read them: '*', '?', "[a-z]", "[^a-z]" and '\'.
#ifndef CB_BUILDER_GLOB_H
#define CB_BUILDER_GLOB_H

#include "cbuild/fs/tree.h"

#define CB_GLOB_MATCHES_MAX 65536u

// 1 or 0 as name (without slashes) is matched; -1 where the pattern is malformed.
int cb_glob_match(struct cb_str pattern, struct cb_str name);

// The paths that match a relative pattern, in order, appended to *out; the strings live in *a. CB_E_INPUT: the pattern
// is malformed; CB_E_LIMIT: there are too many.
int cb_glob(struct cb_tree *t, struct cb_str pattern, struct cb_arena *a, struct cb_strs *out, struct cb_error *err);

#endif
