// What depends on what, drawn: the configuration, its packages, their dependencies and provides.
// Source: apko internal/cli/dot.go. Where packages cannot be resolved there is nothing to draw (the reference draws the
// error, or more often ends in a panic).
#ifndef CB_BUILDER_DEPENDENCY_GRAPH_H
#define CB_BUILDER_DEPENDENCY_GRAPH_H

#include "cbuild/apk/resolver.h"

struct cb_drawing {
    const char *config_path;     // the node that everything begins at
    const struct cb_strs *asked; // contents.packages, as the configuration has them
    const struct cb_resolution *packages;
    bool spanning_tree;          // at most one edge to each dependency
    bool links;                  // to a page about each package, and tooltips: for a browser
    const char *explorer;        // with links: the host of those pages
    const struct cb_strs *first; // names of packages to draw before the others; may be NULL
};

// Appends the graph in the DOT language. CB_E_CONFLICT: a package has the configuration's path as its name;
// CB_E_CONFIG: an empty package name; CB_E_NOT_FOUND: one of `first` was not resolved.
int cb_dependency_graph_draw(const struct cb_drawing *d, struct cb_buf *out, struct cb_error *err);

#endif
