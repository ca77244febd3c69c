// Text in columns, as Go's text/tabwriter lays it out with cells padded by two spaces.
#ifndef CB_CLI_COLUMNS_H
#define CB_CLI_COLUMNS_H

#include "cbuild/base/buf.h"

// Prints lines whose cells end in tabs on stdout: in consecutive lines that have a cell in a column, that column is as
// wide as the widest of these cells and two spaces. What follows a line's last tab is no cell. Every line ends in "\n".
void cb_print_columns(struct cb_str text);

#endif
