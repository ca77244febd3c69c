// A string slice: pointer and length, passed by value, not NUL-terminated, owning nothing.
#ifndef CB_BASE_STR_H
#define CB_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cb_str {
    const char *p;
    size_t n;
};

#define CB_STR(literal) ((struct cb_str){"" literal, sizeof(literal) - 1})
#define CB_STR_ARG(s) (int)(s).n, (s).p // for "%.*s"

static inline struct cb_str cb_str(const char *s)
{
    return (struct cb_str){s, s ? strlen(s) : 0};
}

static inline struct cb_str cb_strn(const void *p, size_t n)
{
    return (struct cb_str){(const char *)p, n};
}

static inline bool cb_str_eq(struct cb_str a, struct cb_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool cb_str_is(struct cb_str a, const char *s)
{
    return cb_str_eq(a, cb_str(s));
}

// Byte order, a prefix before what it is a prefix of: the order of Go's string comparison.
int cb_str_cmp(struct cb_str a, struct cb_str b);

bool cb_str_starts(struct cb_str s, const char *prefix);
bool cb_str_ends(struct cb_str s, const char *suffix);
ptrdiff_t cb_str_find(struct cb_str s, char c);              // index of the first c, or -1
ptrdiff_t cb_str_rfind(struct cb_str s, char c);             // index of the last c, or -1
ptrdiff_t cb_str_find_any(struct cb_str s, const char *set); // index of the first byte in set, or -1
bool cb_str_has(struct cb_str s, struct cb_str part);

struct cb_str cb_str_skip(struct cb_str s, size_t n); // without its first n bytes (all, where it is shorter)
struct cb_str cb_str_head(struct cb_str s, size_t n); // its first n bytes
struct cb_str cb_str_trim(struct cb_str s);           // without ASCII white space at both ends

// Cuts *rest at the first sep: *head is what stood before it, *rest what follows. Where there is no sep, *head is all
// of it and *rest is empty with p == NULL. False once *rest is exhausted (p == NULL), so that
//     while (cb_str_cut(&rest, ',', &part)) ...
// sees every part, empty ones too ("" has one part, as in Go's strings.Split).
bool cb_str_cut(struct cb_str *rest, char sep, struct cb_str *head);

// Like cb_str_cut on runs of ASCII white space, empty parts left out: Go's strings.Fields.
bool cb_str_field(struct cb_str *rest, struct cb_str *head);

// Whole string as a number without sign, white space or base prefix; false on anything else or on overflow.
bool cb_str_u64(struct cb_str s, unsigned base, uint64_t *out);
bool cb_str_i64(struct cb_str s, unsigned base, int64_t *out); // one leading '-' or '+' allowed

// A growable list of slices; frees the list only, not the bytes.
struct cb_strs {
    struct cb_str *v;
    size_t n, cap;
};

void cb_strs_add(struct cb_strs *l, struct cb_str s);
void cb_strs_sort(struct cb_strs *l);   // byte order
void cb_strs_unique(struct cb_strs *l); // drops equal neighbours
bool cb_strs_has(const struct cb_strs *l, struct cb_str s);
void cb_strs_release(struct cb_strs *l);

#endif
