// The gzip reader on anything: by members, with a limit, and as a stream. What is read must not depend on how the input
// arrives, nor a member's place on what is done with it.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cbuild/base/buf.h"
#include "cbuild/compress/inflate.h"

#define OUTPUT_MAX (1u << 20)

struct slow_source {
    struct cb_source source;
    struct cb_mem_source mem;
    size_t step;
};

static ssize_t slow_read(struct cb_source *s, void *p, size_t n, struct cb_error *err)
{
    struct slow_source *slow = (struct slow_source *)s;
    return cb_read(&slow->mem.source, p, n < slow->step ? n : slow->step, err);
}

static enum cb_kind read_members(const uint8_t *p, size_t n, unsigned flags, size_t step, struct cb_buf *out)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO raw = {0};
    struct cb_buf_sink sink = cb_buf_sink(&raw);
    struct slow_source source = {{slow_read}, cb_mem_source(p, n), step};
    struct cb_inflate *z = cb_inflate_new(&source.source, flags);
    uint64_t behind = 0;
    cb_inflate_limit(z, OUTPUT_MAX, "the output");
    cb_inflate_raw(z, &sink.sink);
    while (cb_inflate_next(z, &err) == 1) {
        if (cb_inflate_member_begin(z) != behind ||
            cb_read_all(cb_inflate_member_source(z), out, SIZE_MAX, "the output", &err))
            break;
        behind = cb_inflate_member_end(z);
        if (behind != raw.n || behind > n)
            abort();
    }
    if (raw.n > n || (raw.n > 0 && memcmp(raw.p, p, raw.n) != 0))
        abort();
    cb_inflate_free(z);
    return err.kind;
}

static enum cb_kind read_stream(const uint8_t *p, size_t n, unsigned flags, struct cb_buf *out)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_mem_source source = cb_mem_source(p, n);
    struct cb_inflate *z = cb_inflate_new(&source.source, flags);
    cb_inflate_limit(z, OUTPUT_MAX, "the output");
    cb_read_all(cb_inflate_stream_source(z), out, SIZE_MAX, "the output", &err);
    cb_inflate_free(z);
    return err.kind;
}

static bool same(const struct cb_buf *a, const struct cb_buf *b)
{
    return a->n == b->n && (a->n == 0 || memcmp(a->p, b->p, a->n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    if (n < 1)
        return 0;
    unsigned flags = p[0] & 7;
    size_t step = 1 + (p[0] >> 3);
    CB_BUF_AUTO slow = {0}, fast = {0}, stream = {0};
    p++;
    n--;
    enum cb_kind by_member = read_members(p, n, flags, step, &slow);
    enum cb_kind at_once = read_members(p, n, flags, SIZE_MAX, &fast);
    enum cb_kind as_stream = read_stream(p, n, flags, &stream);
    if (!by_member != !at_once || (n > 0 && !by_member != !as_stream))
        abort();
    // How much comes out before damage is noticed depends on how the input is cut.
    if (!by_member && !same(&slow, &fast))
        abort();
    if (!by_member && n > 0 && !same(&stream, &fast))
        abort();
    return 0;
}
