// The first byte chooses: any bytes as a shared library, or as an etc/ld.so.conf (with NULs between it and files that
// it may include). The cache is then whole: its size, its counts and its offsets agree.
#undef NDEBUG // here assert is the point
#include <assert.h>

#include "../builder/elf.h"
#include "../builder/glob.h"
#include "../builder/steps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t u32(struct cb_str s, size_t at)
{
    uint32_t v = 0;
    for (size_t i = 4; i-- > 0;)
        v = v << 8 | (uint8_t)s.p[at + i];
    return v;
}

static void check_cache(struct cb_str cache)
{
    assert(cache.n >= 64 && cache.n % 16 == 0 && cb_str_starts(cache, "glibc-ld.so.cache1.1"));
    size_t count = u32(cache, 20), strings = u32(cache, 24), first = 48 + count * 24;
    assert(first + strings < cache.n && cache.n - first - strings <= 16);
    for (size_t i = 0; i < count; i++) {
        size_t soname = u32(cache, 48 + i * 24 + 4), path = u32(cache, 48 + i * 24 + 8);
        assert(path >= first && path < soname && soname <= first + strings);
        assert(memchr(cache.p + path, 0, first + strings - path));
    }
}

static void make(struct cb_tree *t)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO cache = {0};
    if (cb_ldso_cache_write(t, &err))
        return;
    assert(cb_tree_read_file(t, CB_STR("etc/ld.so.cache"), &cache, 1u << 24, &err) == 0);
    check_cache(cb_buf_str(&cache));
}

static void put(struct cb_tree *t, const char *path, struct cb_str bytes)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    assert(cb_tree_write_file(t, cb_str(path), bytes, 0644, &err) == 0);
}

static void library(struct cb_tree *t, struct cb_str bytes)
{
    put(t, "etc/ld.so.conf", CB_STR("/lib\n"));
    put(t, "lib/libx.so.1", bytes);
    put(t, "lib/libx.so", bytes);
}

static void conf(struct cb_tree *t, struct cb_str text)
{
    static const char *const files[] = {"etc/ld.so.conf", "etc/a.conf", "etc/b.conf", "lib/liby.so"};
    struct cb_str part;
    for (size_t i = 0; i < 4 && cb_str_cut(&text, '\0', &part); i++)
        put(t, files[i], part);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    if (size == 0)
        return 0;
    struct cb_tree *t = cb_tree_new();
    assert(cb_tree_mkdir_all(t, CB_STR("etc"), 0755, &err) == 0 &&
           cb_tree_mkdir_all(t, CB_STR("lib"), 0755, &err) == 0);
    struct cb_str rest = cb_strn(data + 1, size - 1);
    if (data[0] & 1)
        library(t, rest);
    else
        conf(t, rest);
    make(t);
    cb_tree_free(t);
    return 0;
}
