// The inside of an index, for the resolver.
#ifndef APK_INDEX_RECORDS_H
#define APK_INDEX_RECORDS_H

#include "cbuild/apk/index.h"

struct cb_slice { // of an index's text
    uint32_t at, n;
};

struct cb_record {
    struct cb_slice name, version, arch, description, origin, checksum;
    struct cb_slice depends, provides, install_if; // lists as they stand in the index: items parted by single spaces
    uint64_t size, installed_size, provider_priority;
    int64_t build_time;
};

// Records point into one text by offsets of 32 bits, so that a hundred thousand of them stay small and the text can
// grow while it is read.
struct cb_index {
    struct cb_index_origin origin; // owned
    char *text;
    size_t text_n, text_cap;
    struct cb_record *v;
    size_t n, cap;
};

static inline struct cb_str cb_slice_str(const struct cb_index *x, struct cb_slice s)
{
    return (struct cb_str){x->text + s.at, s.n};
}

// The next item of a list, as Go's strings.Split gives them: two spaces in a row have an empty item between them. An
// empty list has none. Start with *rest the list's text.
static inline bool cb_list_next(struct cb_str *rest, struct cb_str *item)
{
    if (!rest->p)
        return false;
    const char *space = rest->n ? (const char *)memchr(rest->p, ' ', rest->n) : NULL;
    size_t n = space ? (size_t)(space - rest->p) : rest->n;
    *item = (struct cb_str){rest->p, n};
    *rest = space ? (struct cb_str){space + 1, rest->n - n - 1} : (struct cb_str){NULL, 0};
    return true;
}

static inline struct cb_str cb_list(const struct cb_index *x, struct cb_slice s)
{
    return s.n ? cb_slice_str(x, s) : (struct cb_str){NULL, 0};
}

#endif
