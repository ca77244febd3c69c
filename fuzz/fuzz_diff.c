// cb_diff_images on a docker archive of arbitrary bytes, against itself: it is refused, or it equals itself.
#undef NDEBUG // here assert is the point
#include <assert.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cbuild/base/file.h"
#include "cbuild/diff/diff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO text = {0};
    struct cb_buf_sink out = cb_buf_sink(&text);
    CB_FD_AUTO fd = memfd_create("archive", MFD_CLOEXEC);
    char path[64];

    assert(fd >= 0 && cb_pwrite_full(fd, data, size, 0, "archive", &err) == 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (cb_diff_images(path, path, NULL, NULL, &out.sink, &err) >= 0)
        assert(text.n == 0);
    return 0;
}
