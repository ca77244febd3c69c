// The walk over deflate data that cannot be trusted: it ends, and the unpacked position is what the events add up to.
#undef NDEBUG // here assert is the point
#include <assert.h>

#include "../diff/deflate_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_mem_source in = cb_mem_source(data, size);
    struct deflate_walk *w = deflate_walk_new(&in.source);
    struct walk_event e;
    uint64_t position = 0;

    while (deflate_walk_next(w, &e, &err) == 0 && e.kind != WALK_EOF) {
        assert(e.kind == WALK_MEMBER || e.position == position);
        position = e.kind == WALK_MEMBER ? 0 : position;
        position += e.kind == WALK_LITERAL ? 1 : e.kind == WALK_MATCH || e.kind == WALK_STORED ? e.length : 0;
        assert(e.bit <= 8 * (uint64_t)size);
    }
    deflate_walk_free(w);
    return 0;
}
