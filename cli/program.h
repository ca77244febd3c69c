// Other programs that the user asked for: found in PATH, without a shell.
#ifndef CB_CLI_PROGRAM_H
#define CB_CLI_PROGRAM_H

#include "cbuild/base/buf.h"

// Runs a program to its end, input on its standard input; appends what it writes on its standard output, at most
// CB_PROGRAM_OUTPUT_MAX bytes (CB_E_LIMIT). It may be interrupted from the terminal as this process may.
// CB_E_NOT_FOUND: there is no such program; CB_E_IO: it fails.
#define CB_PROGRAM_OUTPUT_MAX (256u << 20)
int cb_program_run(const char *const *args, struct cb_str input, struct cb_buf *output, struct cb_error *err);

// Starts a program that goes on by itself, without standard input and output. false where there is none.
bool cb_program_start(const char *const *args);

#endif
