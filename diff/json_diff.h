// Where two JSON documents differ, by path.
#ifndef DIFF_JSON_DIFF_H
#define DIFF_JSON_DIFF_H

#include "report.h"

// Reports under the heading `what`. Documents that say the same in other bytes are told apart, too.
int json_diff(struct report *r, const char *what, struct cb_str a, struct cb_str b, struct cb_error *err);

#endif
