// Errors: a kind, a message with its chain of contexts, and what to do about it.
//
// Every fallible function returns 0 (or a valid value) on success and -1 (or NULL) on failure, and takes a
// `struct cb_error *err` as its last parameter, never NULL. A failure fills *err exactly once; callers add context
// on the way up where a *name* becomes known (package, path, URL, line and column), so the user reads a path of
// causes: "building arm64: installing nginx-1.2-r0: usr/bin/x: ...".
//
// Libraries never print and never exit. Text in a message may hold bytes from untrusted input: it is escaped and cut
// in one place, where it leaves the program (cli/).
#ifndef CB_BASE_ERROR_H
#define CB_BASE_ERROR_H

#include <stdarg.h>

enum cb_kind {
    CB_OK = 0,
    CB_E_USAGE,     // a flag or argument is wrong
    CB_E_CONFIG,    // the image configuration is wrong
    CB_E_INPUT,     // a package, index, archive, lock or key file is malformed
    CB_E_NOT_FOUND, // a file, package, key or manifest does not exist
    CB_E_CONFLICT,  // packages cannot be resolved or installed together
    CB_E_TRUST,     // a signature, hash or digest does not match
    CB_E_LIMIT,     // an input is larger than its named limit
    CB_E_NETWORK,   // a server could not be reached or answered wrongly
    CB_E_AUTH,      // a server refused the credentials
    CB_E_IO,        // the local file system refused
    CB_E_UNSUPPORTED,
};

struct cb_error {
    enum cb_kind kind;
    char *message; // owned; "outermost context: ...: cause"
    char *detail;  // owned, may be NULL: further lines, such as the offending line with a caret under the column
    char *hint;    // owned, may be NULL: what to do
};

#define CB_ERROR_INIT                                                                                                  \
    {                                                                                                                  \
        CB_OK, 0, 0, 0                                                                                                 \
    }

#define CB_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

// Fills *err (which must be clear) and returns -1, so that `return cb_fail(err, ...)` reads as one step.
int cb_fail(struct cb_error *err, enum cb_kind kind, const char *fmt, ...) CB_PRINTF(3, 4);

// cb_fail with CB_E_IO (CB_E_NOT_FOUND for ENOENT) and ": <what errnum means>" appended.
int cb_fail_errno(struct cb_error *err, int errnum, const char *fmt, ...) CB_PRINTF(3, 4);

// Puts "<formatted>: " before the message of a filled *err; returns -1.
int cb_context(struct cb_error *err, const char *fmt, ...) CB_PRINTF(2, 3);

// cb_context with "what place", or with "what" alone where the message names the place already; returns -1.
int cb_context_at(struct cb_error *err, const char *what, const char *place);

// Sets the hint or detail of a filled *err; the first hint wins, it is nearest to the cause. Return -1.
int cb_hint(struct cb_error *err, const char *fmt, ...) CB_PRINTF(2, 3);
int cb_detail(struct cb_error *err, const char *fmt, ...) CB_PRINTF(2, 3);

// Frees what *err holds and makes it clear again, ready for another cb_fail.
void cb_error_clear(struct cb_error *err);

// Moves src into dst (which must be clear); src is clear afterwards.
void cb_error_move(struct cb_error *dst, struct cb_error *src);

#define CB_ERROR_AUTO __attribute__((cleanup(cb_error_clear))) struct cb_error

#endif
