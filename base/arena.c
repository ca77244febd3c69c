#include "cbuild/base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_BLOCK = 4096,
    MAX_BLOCK = 256 * 1024, // blocks double up to this size, so that small arenas stay small
};

struct cb_arena_block {
    struct cb_arena_block *older;
    size_t size;
    alignas(max_align_t) char bytes[];
};

static void add_block(struct cb_arena *a, size_t need)
{
    size_t size = a->blocks ? a->blocks->size * 2 : FIRST_BLOCK;
    if (size > MAX_BLOCK)
        size = MAX_BLOCK;
    if (size < need)
        size = need;
    struct cb_arena_block *block = cb_alloc(sizeof *block + size);
    block->older = a->blocks;
    block->size = size;
    a->blocks = block;
    a->next = block->bytes;
    a->end = block->bytes + size;
}

char *cb_arena_bytes(struct cb_arena *a, size_t n)
{
    if ((size_t)(a->end - a->next) < n || !a->next)
        add_block(a, n);
    char *p = a->next;
    a->next += n;
    return p;
}

void *cb_arena_alloc(struct cb_arena *a, size_t n)
{
    size_t align = alignof(max_align_t);
    size_t skew = (align - ((uintptr_t)a->next & (align - 1))) & (align - 1);
    if (a->next && (size_t)(a->end - a->next) >= skew + n)
        a->next += skew;
    else
        add_block(a, n);
    return memset(cb_arena_bytes(a, n), 0, n);
}

char *cb_arena_cstr(struct cb_arena *a, struct cb_str s)
{
    char *copy = cb_arena_bytes(a, s.n + 1);
    if (s.n)
        memcpy(copy, s.p, s.n);
    copy[s.n] = '\0';
    return copy;
}

struct cb_str cb_arena_str(struct cb_arena *a, struct cb_str s)
{
    return (struct cb_str){cb_arena_cstr(a, s), s.n};
}

struct cb_str cb_arena_format(struct cb_arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    CB_AUTOFREE char *text = cb_vformat(fmt, ap);
    va_end(ap);
    return cb_arena_str(a, cb_str(text));
}

void cb_arena_release(struct cb_arena *a)
{
    for (struct cb_arena_block *block = a->blocks; block;) {
        struct cb_arena_block *older = block->older;
        free(block);
        block = older;
    }
    *a = (struct cb_arena){0};
}
