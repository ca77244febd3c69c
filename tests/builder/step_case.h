// Cases for the steps of an image, as text: what is in the tree, what the configuration says, which steps are taken.
//
//     # a comment
//     dir PATH MODE [mtime=N] [uid=N] [gid=N]
//     file PATH MODE ...                    its contents follow
//     link PATH TARGET
//     package NAME VERSION ORIGIN SIZE [REPLACES...]     ORIGIN "-": none; contents: its record in the database
//     owned NAME dir|file|link|hard ...     as above, but brought by that package; xattr.NAME=VALUE is allowed too
//     config                                contents: YAML
//     built N                               seconds since 1970
//     steps NAME...                         accounts config paths certificates checksums keyring services busybox
//                                           devices ldso
//     layers BUDGET                         without it, one layer
//     fails KIND TEXT                       config, input, limit, conflict, not-found; a part of the message
//
// Folders on the way are made, 0755. Contents: lines that begin with "|" (text with its newline), "+" (text without) or
// "x " (hex). In paths and targets %XX is a byte.
#ifndef STEP_CASE_H
#define STEP_CASE_H

#include "cbuild/base/buf.h"
#include "cbuild/base/error.h"

// Runs a case and appends what came out, the text that a golden holds: "refused", or each layer's diff ID and entries.
// Where the case has a `fails` line, anything else than that failure is appended as "unexpected: ...".
void step_case_run(struct cb_str text, struct cb_buf *out);

#endif
