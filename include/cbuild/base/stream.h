// Byte streams as stacked operations: a sink takes bytes, a source gives them. Types that implement one embed it as
// their first member.
#ifndef CB_BASE_STREAM_H
#define CB_BASE_STREAM_H

#include <stdint.h>
#include <sys/types.h>

#include "cbuild/base/buf.h"

struct cb_sink {
    int (*write)(struct cb_sink *s, const void *p, size_t n, struct cb_error *err); // all n bytes, or -1
};

struct cb_source {
    // Up to n bytes into p: the number read, 0 at the end, -1 on error. May give fewer than asked.
    ssize_t (*read)(struct cb_source *s, void *p, size_t n, struct cb_error *err);
    // Passes over n bytes without reading them, or fails where there are fewer. NULL where that cannot be done.
    int (*skip)(struct cb_source *s, uint64_t n, struct cb_error *err);
};

static inline int cb_write(struct cb_sink *s, const void *p, size_t n, struct cb_error *err)
{
    return s->write(s, p, n, err);
}

static inline ssize_t cb_read(struct cb_source *s, void *p, size_t n, struct cb_error *err)
{
    return s->read(s, p, n, err);
}

// Reads exactly n bytes; a short stream is CB_E_INPUT "unexpected end of data".
int cb_read_full(struct cb_source *s, void *p, size_t n, struct cb_error *err);

// Copies to the end through a 64 KiB buffer; *copied may be NULL.
int cb_copy(struct cb_sink *to, struct cb_source *from, uint64_t *copied, struct cb_error *err);

// Reads to the end into *b; more than limit bytes is CB_E_LIMIT naming `what`.
int cb_read_all(struct cb_source *s, struct cb_buf *b, size_t limit, const char *what, struct cb_error *err);

struct cb_buf_sink { // appends to a buffer
    struct cb_sink sink;
    struct cb_buf *buf;
};
struct cb_buf_sink cb_buf_sink(struct cb_buf *b);

struct cb_fd_sink { // writes to a descriptor; name is for messages, borrowed
    struct cb_sink sink;
    int fd;
    const char *name;
};
struct cb_fd_sink cb_fd_sink(int fd, const char *name);

struct cb_tee_sink { // writes to both, a first
    struct cb_sink sink;
    struct cb_sink *a, *b;
    uint64_t n; // bytes so far
};
struct cb_tee_sink cb_tee_sink(struct cb_sink *a, struct cb_sink *b);

struct cb_fd_source { // reads a descriptor from where it stands; name is for messages, borrowed
    struct cb_source source;
    int fd;
    const char *name;
};
struct cb_fd_source cb_fd_source(int fd, const char *name);

struct cb_range_source { // reads [at, at + left) of a descriptor with pread, so that many can share it
    struct cb_source source;
    int fd;
    const char *name;
    uint64_t at, left;
};
struct cb_range_source cb_range_source(int fd, const char *name, uint64_t at, uint64_t length);

struct cb_mem_source {
    struct cb_source source;
    struct cb_str rest;
};
struct cb_mem_source cb_mem_source(const void *p, size_t n);

#endif
