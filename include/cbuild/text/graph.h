// A directed graph in the DOT language of Graphviz: statements in the order in which nodes and edges were added,
// attributes in byte order of their names, quotes only where the reference's writer (tmc/dot) has them.
#ifndef CB_TEXT_GRAPH_H
#define CB_TEXT_GRAPH_H

#include "cbuild/base/buf.h"

struct cb_graph;
struct cb_graph_item; // a node or an edge; lives as long as the graph

// With `safe`, a backslash in a text is written as two. Without, as the reference does it, a text can end its quotes by
// a backslash before a quote, and so smuggle in attributes: never draw a graph of foreign texts that is not safe.
struct cb_graph *cb_graph_new(const char *name, bool safe);
void cb_graph_free(struct cb_graph *g); // NULL is fine

void cb_graph_set_attribute(struct cb_graph *g, const char *key, const char *value); // of the graph; in byte order

// Nodes by name; find gives NULL where there is none. Texts are copied.
struct cb_graph_item *cb_graph_find(const struct cb_graph *g, struct cb_str name);
struct cb_graph_item *cb_graph_node(struct cb_graph *g, struct cb_str name); // added where there is none
struct cb_graph_item *cb_graph_edge(struct cb_graph *g, const struct cb_graph_item *from,
                                    const struct cb_graph_item *to);
struct cb_str cb_graph_name(const struct cb_graph_item *node);
void cb_graph_set(struct cb_graph *g, struct cb_graph_item *item, const char *key, struct cb_str value);

void cb_graph_write(const struct cb_graph *g, struct cb_buf *out);

#endif
