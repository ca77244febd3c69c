// PEM as Go's encoding/pem reads and writes it: blocks are found anywhere in a text, begin and end on lines of their
// own, and what stands between them is skipped. OpenSSL's reader differs in what it skips and accepts.
#ifndef CB_BUILDER_PEM_BLOCK_H
#define CB_BUILDER_PEM_BLOCK_H

#include "cbuild/base/buf.h"
#include "cbuild/base/str.h"
#include "cbuild/base/vec.h"

struct cb_pem_header {
    struct cb_str key, value;
    size_t line; // its place among the headers
};

struct cb_pem_block { // slices point into the text
    struct cb_str type;
    struct {
        struct cb_pem_header *v; // as they stand; the last one of a key counts
        size_t n, cap;
    } headers;
    struct cb_buf bytes;
};
void cb_pem_block_release(struct cb_pem_block *p);
#define CB_PEM_BLOCK_AUTO __attribute__((cleanup(cb_pem_block_release))) struct cb_pem_block

// The first block of *text, which then begins behind it. False where there is none; *text is then as it was.
bool cb_pem_block_next(struct cb_str *text, struct cb_pem_block *p);

// Appends the block: headers Proc-Type first, the others sorted; base64 in lines of 64.
void cb_pem_block_add(struct cb_buf *b, const struct cb_pem_block *p);

#endif
