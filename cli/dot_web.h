// dot --web: the drawing as a page, served on loopback until the process is interrupted.
#ifndef CB_CLI_DOT_WEB_H
#define CB_CLI_DOT_WEB_H

#include "cbuild/builder/dependency_graph.h"

// Serves the drawing (drawn anew by Graphviz for each request; "?node=NAME" draws that package first) and opens a
// browser at it. Returns 1, the exit status of an interrupted run, on SIGINT or SIGTERM; -1 where it cannot start.
int cb_dot_serve(const struct cb_drawing *drawing, struct cb_error *err);

#endif
