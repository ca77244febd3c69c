// What libraries have to say besides errors goes to one listener, which cli/ sets (it escapes, filters and prints).
// Without a listener nothing is said.
#ifndef CB_BASE_LOG_H
#define CB_BASE_LOG_H

#include "cbuild/base/error.h"

enum cb_level { CB_DEBUG, CB_INFO, CB_WARN, CB_ERROR };

typedef void cb_log_fn(void *ctx, enum cb_level level, const char *text);

void cb_log_listen(cb_log_fn *fn, void *ctx, enum cb_level least); // set once, before threads start
void cb_log(enum cb_level level, const char *fmt, ...) CB_PRINTF(2, 3);

#endif
