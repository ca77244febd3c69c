// Any bytes as a tar archive. A header that was read, and can be written, reads back the same.
#undef NDEBUG // here assert is the point
#include <assert.h>
#include <stdlib.h>

#include "cbuild/fs/tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_and_read(const struct cb_tar_header *h)
{
    CB_ARENA_AUTO arena = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO bytes = {0};
    struct cb_buf_sink sink = cb_buf_sink(&bytes);
    struct cb_tar_writer w = cb_tar_writer(&sink.sink);
    struct cb_tar_header back;

    if (h->sparse || cb_tar_write_header(&w, h, &err) != 0)
        return;
    struct cb_mem_source in = cb_mem_source(bytes.p, bytes.n);
    struct cb_tar_reader *r = cb_tar_reader_new(&in.source, "written");
    assert(cb_tar_next(r, &arena, &back, &err) == 1);
    assert(cb_str_eq(h->name, back.name) && cb_str_eq(h->linkname, back.linkname));
    assert(h->type == back.type && h->mode == back.mode && h->uid == back.uid && h->gid == back.gid);
    assert(h->size == back.size && h->devmajor == back.devmajor && h->devminor == back.devminor);
    cb_tar_reader_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_mem_source in = cb_mem_source(data, size);
    struct cb_tar_reader *r = cb_tar_reader_new(&in.source, "fuzz");
    char buf[4096];
    int rc;

    do {
        CB_ARENA_AUTO arena = {0};
        struct cb_tar_header h;
        uint64_t total = 0;
        ssize_t n = 0;
        rc = cb_tar_next(r, &arena, &h, &err);
        if (rc != 1)
            break;
        assert(cb_tar_data_offset(r) <= size);
        for (size_t i = 0; i + 1 < h.npax; i++)
            assert(cb_str_cmp(h.pax[i].key, h.pax[i + 1].key) < 0);
        write_and_read(&h);
        while (total < 1 << 20 && (n = cb_tar_read(r, buf, sizeof buf, &err)) > 0)
            total += (uint64_t)n;
        assert(total <= cb_tar_data_size(&h));
        rc = n < 0 ? -1 : 1;
    } while (rc == 1);
    cb_tar_reader_free(r);
    return 0;
}
