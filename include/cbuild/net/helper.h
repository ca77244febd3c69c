// Runs a program that knows secrets (docker-credential-*, chainctl): an argument list, text in, text out, no shell, and
// an end in bounded time.
#ifndef CB_NET_HELPER_H
#define CB_NET_HELPER_H

#include "cbuild/base/buf.h"

#define CB_HELPER_OUTPUT_MAX (1u << 20) // bytes a program may say

struct cb_helper {
    const char *name;        // looked for in path unless it holds a '/'
    const char *const *args; // after the name, NULL-terminated
    const char *path;        // PATH
    char *const *environ;    // NULL: only PATH and HOME
    const char *home;
    unsigned timeout_ms; // 0: 30 s
    bool quiet;          // what it says on stderr goes nowhere; else it is logged, as a warning, once it has ended
};

// *status is the exit status where the program ended by itself. CB_E_NOT_FOUND where there is no such program, CB_E_IO
// where it cannot be started, is killed after the time-out, or dies by a signal; CB_E_LIMIT where it says too much.
int cb_helper_run(const struct cb_helper *h, struct cb_str input, struct cb_buf *output, int *status,
                  struct cb_error *err);

#endif
