// Cases for the resolver as text (golden/resolver/README.md has the format).
#ifndef TESTS_RESOLVER_CASE_H
#define TESTS_RESOLVER_CASE_H

#include "cbuild/apk/resolver.h"
#include "cbuild/base/vec.h"

struct case_index {
    struct cb_index_origin origin;
    struct cb_str text;
    struct cb_index *index;
};

struct case_result { // one of the outcomes that the reference gives, the most frequent first
    struct cb_str arch, text;
};

struct resolver_case {
    struct cb_str name;
    struct {
        struct case_index *v;
        size_t n, cap;
    } indexes;
    struct {
        struct case_result *v;
        size_t n, cap;
    } results;
    struct cb_strs world, archs;
};

// The next case of *rest; false at the end.
bool case_next(struct cb_str *rest, struct resolver_case *out);
void case_release(struct resolver_case *c);

// Resolves for one architecture; *out gets the outcome in the form of the results, *why the error where refused.
void case_run(struct resolver_case *c, struct cb_str arch, struct cb_buf *out, struct cb_error *why);

// Which of the results for arch *outcome is: 0 for the most frequent, -1 for none.
int case_rank(const struct resolver_case *c, struct cb_str arch, struct cb_str outcome);

#endif
