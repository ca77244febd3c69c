// With zlib: the twin for machines that ISA-L does not know, and for the tests.
#include <stdbool.h>
#include <stdlib.h>
#include <zlib.h>

#include "cbuild/base/alloc.h"
#include "cbuild/compress/raw_inflate.h"

#define STEP_MAX (1u << 30) // zlib counts in unsigned int

struct cb_raw_inflate {
    z_stream zlib;
};

struct cb_raw_inflate *cb_raw_inflate_new(void)
{
    struct cb_raw_inflate *z = cb_zalloc(sizeof *z);
    if (inflateInit2(&z->zlib, -MAX_WBITS) != Z_OK)
        abort(); // no memory
    return z;
}

void cb_raw_inflate_reset(struct cb_raw_inflate *z)
{
    inflateReset(&z->zlib);
}

void cb_raw_inflate_free(struct cb_raw_inflate *z)
{
    if (!z)
        return;
    inflateEnd(&z->zlib);
    free(z);
}

enum cb_raw_status cb_raw_inflate_step(struct cb_raw_inflate *z, struct cb_str *in, uint8_t *out, size_t *room,
                                       struct cb_raw_tail *tail)
{
    uInt give = (uInt)(in->n < STEP_MAX ? in->n : STEP_MAX), take = (uInt)(*room < STEP_MAX ? *room : STEP_MAX);
    tail->n = 0;
    z->zlib.next_in = (Bytef *)(uintptr_t)in->p;
    z->zlib.avail_in = give;
    z->zlib.next_out = out;
    z->zlib.avail_out = take;
    int result = inflate(&z->zlib, Z_NO_FLUSH);
    *in = cb_str_skip(*in, give - z->zlib.avail_in);
    *room = take - z->zlib.avail_out;
    if (result == Z_MEM_ERROR)
        abort(); // as every allocation that fails
    if (result == Z_STREAM_END)
        return CB_RAW_END;
    return result == Z_OK || result == Z_BUF_ERROR ? CB_RAW_MORE : CB_RAW_DAMAGED;
}
