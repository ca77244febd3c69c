// Reading the tab-separated case files of this folder: one case a line, "\xNN" for bytes that are not plain text.
#ifndef CB_TESTS_FS_CASES_H
#define CB_TESTS_FS_CASES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cbuild/base/arena.h"
#include "cbuild/base/buf.h"
#include "cbuild/base/file.h"
#include "cbuild/base/str.h"

// "\xNN" is a byte, "\zNNNNNN" that many zeros (in hex).
static inline struct cb_str unescape(struct cb_arena *a, struct cb_str s)
{
    struct cb_buf out = {0};
    uint64_t x;

    for (size_t i = 0; i < s.n;) {
        size_t digits = s.p[i] != '\\' ? 0 : s.p[i + 1] == 'x' ? 2 : 6;
        if (digits == 0) {
            cb_buf_addc(&out, s.p[i++]);
            continue;
        }
        assert_true(i + 2 + digits <= s.n && cb_str_u64(cb_strn(s.p + i + 2, digits), 16, &x));
        for (uint64_t n = digits == 2 ? 1 : x; n > 0; n--)
            cb_buf_addc(&out, digits == 2 ? (char)x : 0);
        i += 2 + digits;
    }
    struct cb_str copy = cb_arena_str(a, cb_buf_str(&out));
    cb_buf_release(&out);
    return copy;
}

static inline struct cb_str text_field(struct cb_str *line, struct cb_arena *a)
{
    struct cb_str f = {0};

    assert_true(cb_str_cut(line, '\t', &f));
    return unescape(a, f);
}

static inline int64_t number_field(struct cb_str *line)
{
    struct cb_str f = {0};
    int64_t x = 0;

    assert_true(cb_str_cut(line, '\t', &f));
    assert_true(cb_str_i64(f, 10, &x));
    return x;
}

// The case file of that name, or the one that the variable names instead (for long runs against the oracle).
static inline void read_cases(const char *variable, const char *name, struct cb_buf *out)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    const char *other = getenv(variable);
    CB_AUTOFREE char *path = other ? cb_strdup(other) : cb_format("%s/tests/fs/data/%s", CBUILD_SOURCE_DIR, name);

    if (cb_read_file(path, out, 1u << 30, &err) != 0)
        fail_msg("%s", err.message);
}

#endif
