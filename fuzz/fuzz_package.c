// Packages. The first byte says which part the rest of the input is; the parts around it are made to go with it, so
// that hashes do not keep the input out: 'f' the file, 'c' the control segment's tar, 'd' the data segment's, 'g' its
// gzip.
#include <stdlib.h>
#include <unistd.h>

#include "../tests/apk/make.h"
#include "cbuild/compress/inflate.h"
#include "cbuild/net/http.h"
#include "opening.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct cb_fetcher *fetcher(void)
{
    static struct cb_fetcher *f;
    static struct cb_error err;
    struct cb_fetcher_options o = {.offline = true, .limits = {.control = 1 << 20, .data = 4 << 20}};
    if (f)
        return f;
    o.pool = cb_pool_new(1);
    o.http = cb_http_new(&(struct cb_http_options){.offline = true});
    return f = cb_fetcher_new(&o, &err);
}

// The hash of the member that will be taken for the control segment.
static void find_control(struct cb_str file, uint8_t *sha1)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_mem_source in = cb_mem_source(file.p, file.n);
    struct cb_inflate *z = cb_inflate_new(&in.source, 0);
    cb_inflate_limit(z, 1 << 20, "a member");
    uint64_t begin = 0, end = 0;
    for (int i = 0; i < 2 && cb_inflate_next(z, &err) == 1; i++) {
        char name[6] = "";
        ssize_t n = cb_inflate_read(z, name, 6, &err);
        if (n < 0 || cb_inflate_skip(z, &err))
            break;
        begin = cb_inflate_member_begin(z);
        end = cb_inflate_member_end(z);
        if (memcmp(name, ".SIGN.", 6) != 0)
            break;
    }
    cb_hash_once(CB_SHA1, file.p + begin, end - begin, sha1);
    cb_inflate_free(z);
}

static void open_file(struct cb_str file, const uint8_t *sha1)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_opening o;
    struct cb_apk_file *f = NULL;
    if (!cb_opening_begin(&o, fetcher(), cb_strn(sha1, CB_SHA1_SIZE), false, &err)) {
        size_t half = file.n / 2;
        if (!cb_write(&o.sink, file.p, half, &err) && !cb_write(&o.sink, file.p + half, file.n - half, &err))
            f = cb_opening_finish(&o, &err);
    }
    if (!f == !err.kind)
        abort();
    for (size_t i = 0; f && i < f->entries.n; i++)
        if (f->entries.v[i].data_at > (uint64_t)lseek(f->data_fd, 0, SEEK_END))
            abort();
    cb_apk_file_free(f);
    cb_opening_release(&o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct make_package p = {0};
    struct cb_str rest = cb_strn(data + 1, size - 1);
    if (size < 2)
        return 0;
    CB_BUF_AUTO file = {0};
    make_package(&p, "a", "hello");
    if (*data == 'c') {
        cb_buf_reset(&p.control);
        make_gzip(&p.control, rest);
        cb_hash_once(CB_SHA1, p.control.p, p.control.n, p.control_sha1);
    } else if (*data == 'd' || *data == 'g') {
        cb_buf_reset(&p.data);
        if (*data == 'd')
            make_gzip(&p.data, rest);
        else
            cb_buf_addstr(&p.data, rest);
        make_control(&p, "a", "");
    }
    if (*data == 'f') {
        find_control(rest, p.control_sha1);
        cb_buf_addstr(&file, rest);
    } else {
        make_package_bytes(&p, &file);
    }
    open_file(cb_buf_str(&file), p.control_sha1);
    make_package_release(&p);
    return 0;
}
