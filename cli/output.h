// Where text leaves the program: everything is escaped and cut here, once, so that no byte of a package, a server or a
// configuration reaches a terminal as a control sequence.
#ifndef CB_CLI_OUTPUT_H
#define CB_CLI_OUTPUT_H

#include "cbuild/base/buf.h"
#include "cbuild/base/log.h"
#include "cbuild/base/stream.h"

// Appends text with control characters, C1 codes, bidirectional overrides and invalid UTF-8 as \xNN or \u{NNNN}; beyond
// `most` bytes of output it ends in "... (N bytes more)". Line breaks stay where `lines`.
void cb_escape(struct cb_buf *out, struct cb_str text, size_t most, bool lines);

// Prints an error on stderr: message, detail, hint.
void cb_print_error(const struct cb_error *err);

// Starts printing what libraries log, from that level on; false where `level` is not one of debug, info, warn, error,
// fatal, panic (any case).
bool cb_print_logs(const char *level);

// Writes to stdout, as it is: what scripts read is not escaped. Buffered, so that errors may show only when it is
// flushed.
struct cb_sink cb_stdout_sink(void);

// Flushes stdout; an error writing it is CB_E_IO.
int cb_flush_stdout(struct cb_error *err);

#endif
