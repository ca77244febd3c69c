#include "cbuild/base/stream.h"

#include <errno.h>
#include <unistd.h>

enum { COPY_BUFFER = 64 * 1024 };

int cb_read_full(struct cb_source *s, void *p, size_t n, struct cb_error *err)
{
    char *at = p;
    while (n) {
        ssize_t got = cb_read(s, at, n, err);
        if (got < 0)
            return -1;
        if (got == 0)
            return cb_fail(err, CB_E_INPUT, "unexpected end of data");
        at += got;
        n -= (size_t)got;
    }
    return 0;
}

int cb_copy(struct cb_sink *to, struct cb_source *from, uint64_t *copied, struct cb_error *err)
{
    CB_AUTOFREE char *buffer = cb_alloc(COPY_BUFFER);
    uint64_t total = 0;
    for (;;) {
        ssize_t got = cb_read(from, buffer, COPY_BUFFER, err);
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        if (cb_write(to, buffer, (size_t)got, err))
            return -1;
        total += (uint64_t)got;
    }
    if (copied)
        *copied = total;
    return 0;
}

int cb_read_all(struct cb_source *s, struct cb_buf *b, size_t limit, const char *what, struct cb_error *err)
{
    size_t start = b->n;
    for (;;) {
        cb_buf_reserve(b, COPY_BUFFER);
        ssize_t got = cb_read(s, b->p + b->n, COPY_BUFFER, err);
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        b->n += (size_t)got;
        if (b->n - start > limit)
            return cb_fail(err, CB_E_LIMIT, "%s is larger than the limit of %zu bytes", what, limit);
    }
    b->p[b->n] = '\0';
    return 0;
}

static int buf_write(struct cb_sink *s, const void *p, size_t n, struct cb_error *err)
{
    (void)err;
    cb_buf_add(((struct cb_buf_sink *)s)->buf, p, n);
    return 0;
}

struct cb_buf_sink cb_buf_sink(struct cb_buf *b)
{
    return (struct cb_buf_sink){{buf_write}, b};
}

static int fd_write(struct cb_sink *s, const void *p, size_t n, struct cb_error *err)
{
    struct cb_fd_sink *f = (struct cb_fd_sink *)s;
    const char *at = p;
    while (n) {
        ssize_t done = write(f->fd, at, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return cb_fail_errno(err, errno, "writing %s", f->name);
        at += done;
        n -= (size_t)done;
    }
    return 0;
}

struct cb_fd_sink cb_fd_sink(int fd, const char *name)
{
    return (struct cb_fd_sink){{fd_write}, fd, name};
}

static int tee_write(struct cb_sink *s, const void *p, size_t n, struct cb_error *err)
{
    struct cb_tee_sink *t = (struct cb_tee_sink *)s;
    t->n += n;
    return cb_write(t->a, p, n, err) || cb_write(t->b, p, n, err) ? -1 : 0;
}

struct cb_tee_sink cb_tee_sink(struct cb_sink *a, struct cb_sink *b)
{
    return (struct cb_tee_sink){{tee_write}, a, b, 0};
}

static ssize_t fd_read(struct cb_source *s, void *p, size_t n, struct cb_error *err)
{
    struct cb_fd_source *f = (struct cb_fd_source *)s;
    ssize_t got;
    do
        got = read(f->fd, p, n);
    while (got < 0 && errno == EINTR);
    return got < 0 ? cb_fail_errno(err, errno, "reading %s", f->name) : got;
}

struct cb_fd_source cb_fd_source(int fd, const char *name)
{
    return (struct cb_fd_source){{fd_read}, fd, name};
}

static ssize_t range_read(struct cb_source *s, void *p, size_t n, struct cb_error *err)
{
    struct cb_range_source *r = (struct cb_range_source *)s;
    if (n > r->left)
        n = (size_t)r->left;
    if (!n)
        return 0;
    ssize_t got;
    do
        got = pread(r->fd, p, n, (off_t)r->at);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return cb_fail_errno(err, errno, "reading %s", r->name);
    if (got == 0)
        return cb_fail(err, CB_E_IO, "reading %s: the file ends %llu bytes early", r->name,
                       (unsigned long long)r->left);
    r->at += (uint64_t)got;
    r->left -= (uint64_t)got;
    return got;
}

static int range_skip(struct cb_source *s, uint64_t n, struct cb_error *err)
{
    struct cb_range_source *r = (struct cb_range_source *)s;
    if (n > r->left)
        return cb_fail(err, CB_E_INPUT, "%s ends %llu bytes early", r->name, (unsigned long long)(n - r->left));
    r->at += n;
    r->left -= n;
    return 0;
}

struct cb_range_source cb_range_source(int fd, const char *name, uint64_t at, uint64_t length)
{
    return (struct cb_range_source){{range_read, range_skip}, fd, name, at, length};
}

static ssize_t mem_read(struct cb_source *s, void *p, size_t n, struct cb_error *err)
{
    (void)err;
    struct cb_mem_source *m = (struct cb_mem_source *)s;
    if (n > m->rest.n)
        n = m->rest.n;
    if (n)
        memcpy(p, m->rest.p, n);
    m->rest = cb_str_skip(m->rest, n);
    return (ssize_t)n;
}

struct cb_mem_source cb_mem_source(const void *p, size_t n)
{
    return (struct cb_mem_source){{mem_read}, cb_strn(p, n)};
}
