// Golden files of one JSON document a line, and small helpers that the tests of oci share.
#ifndef TESTS_OCI_GOLDEN_H
#define TESTS_OCI_GOLDEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "cbuild/base/arena.h"
#include "cbuild/base/error.h"

// Calls fn with every line of golden/oci/<name>; fails the test where there are none.
static inline void golden_each(const char *name, void (*fn)(json_t *row))
{
    CB_AUTOFREE char *path = cb_format("%s/golden/oci/%s", CBUILD_SOURCE_DIR, name);
    FILE *f = fopen(path, "r");
    char *line = NULL;
    size_t cap = 0, rows = 0;
    ssize_t n;

    assert_non_null(f);
    while ((n = getline(&line, &cap, f)) > 0) {
        json_t *row = json_loadb(line, (size_t)n, JSON_ALLOW_NUL, NULL);
        assert_non_null(row);
        fn(row);
        json_decref(row);
        rows++;
    }
    assert_true(rows > 0);
    free(line);
    fclose(f);
}

static inline struct cb_str golden_str(const json_t *v)
{
    return json_is_string(v) ? cb_strn(json_string_value(v), json_string_length(v)) : CB_STR("");
}

static inline struct cb_str golden_get(const json_t *row, const char *key)
{
    return golden_str(json_object_get(row, key));
}

#define assert_str(got, want)                                                                                          \
    do {                                                                                                               \
        struct cb_str got_ = (got), want_ = (want);                                                                    \
        if (!cb_str_eq(got_, want_))                                                                                   \
            fail_msg("got  %.*s\nwant %.*s", CB_STR_ARG(got_), CB_STR_ARG(want_));                                     \
    } while (0)

// The call failed with this kind and a message that has the text in it; *err is cleared.
#define assert_fails(result, err, want_kind, text)                                                                     \
    do {                                                                                                               \
        assert_int_equal((result), -1);                                                                                \
        assert_int_equal((err)->kind, want_kind);                                                                      \
        if (!strstr((err)->message, (text)))                                                                           \
            fail_msg("message \"%s\" does not have \"%s\"", (err)->message, (text));                                   \
        cb_error_clear(err);                                                                                           \
    } while (0)

#endif
