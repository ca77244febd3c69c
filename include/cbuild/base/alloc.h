// Allocation that cannot fail: running out of memory aborts with a line on stderr. Sizes that come from input are held
// against a named limit before they get here, so an abort means the machine, not the input, is at fault.
#ifndef CB_BASE_ALLOC_H
#define CB_BASE_ALLOC_H

#include <stdarg.h>
#include <stddef.h>

#include "cbuild/base/error.h"

void *cb_alloc(size_t n) __attribute__((malloc, returns_nonnull));  // uninitialised
void *cb_zalloc(size_t n) __attribute__((malloc, returns_nonnull)); // zeroed
void *cb_realloc(void *p, size_t n) __attribute__((returns_nonnull));
void *cb_realloc_array(void *p, size_t count, size_t size) __attribute__((returns_nonnull)); // aborts on overflow
char *cb_strdup(const char *s) __attribute__((malloc, returns_nonnull));
char *cb_strndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull));
char *cb_format(const char *fmt, ...) CB_PRINTF(1, 2) __attribute__((malloc, returns_nonnull));
char *cb_vformat(const char *fmt, va_list ap) __attribute__((malloc, returns_nonnull));

void cb_free_p(void *pp); // for the cleanup attribute: frees *(void **)pp

#define CB_AUTOFREE __attribute__((cleanup(cb_free_p)))

#endif
