// What the tests of this folder share.
#ifndef CB_TESTS_COMPRESS_TESTING_H
#define CB_TESTS_COMPRESS_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cbuild/base/buf.h"
#include "cbuild/compress/gzip.h"

// A file of golden/deflate/, to be freed.
static inline char *golden_text(const char *name)
{
    CB_AUTOFREE char *path = cb_format("%s/golden/deflate/%s", CBUILD_SOURCE_DIR, name);
    CB_BUF_AUTO text = {0};
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    for (int c; (c = getc(f)) != EOF;)
        cb_buf_addc(&text, (char)c);
    fclose(f);
    return cb_buf_take(&text);
}

// The next line that is no comment, cut out of *at; NULL at the end.
static inline char *golden_line(char **at)
{
    for (char *line; (line = strsep(at, "\n"));) {
        if (*line && *line != '#')
            return line;
    }
    return NULL;
}

// Compresses with a pool (NULL: none), writing `piece` bytes at a time.
static inline void gzip_into(struct cb_buf *to, struct cb_pool *pool, const uint8_t *p, size_t n, size_t piece)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_buf_sink sink = cb_buf_sink(to);
    struct cb_gzip_writer *w = cb_gzip_writer_new(&sink.sink, pool);
    for (size_t at = 0; at < n; at += piece)
        assert_int_equal(cb_write(cb_gzip_writer_sink(w), p + at, n - at < piece ? n - at : piece, &err), 0);
    assert_int_equal(cb_gzip_writer_finish(w, &err), 0);
    cb_gzip_writer_free(w);
}

#endif
