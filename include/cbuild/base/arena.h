// An arena: allocations that live and die together. Zero-initialise to start; not for use by two threads at once.
#ifndef CB_BASE_ARENA_H
#define CB_BASE_ARENA_H

#include "cbuild/base/alloc.h"
#include "cbuild/base/str.h"

struct cb_arena {
    struct cb_arena_block *blocks;
    char *next, *end;
};

void *cb_arena_alloc(struct cb_arena *a, size_t n);              // zeroed, aligned for any type
char *cb_arena_bytes(struct cb_arena *a, size_t n);              // uninitialised, unaligned
struct cb_str cb_arena_str(struct cb_arena *a, struct cb_str s); // a copy, with a NUL after it
char *cb_arena_cstr(struct cb_arena *a, struct cb_str s);        // the same as a C string
struct cb_str cb_arena_format(struct cb_arena *a, const char *fmt, ...) CB_PRINTF(2, 3);
void cb_arena_release(struct cb_arena *a);

#define CB_ARENA_AUTO __attribute__((cleanup(cb_arena_release))) struct cb_arena

#endif
