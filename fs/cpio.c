#include "cbuild/fs/cpio.h"

#define TRAILER "TRAILER!!!"

struct cpio {
    struct cb_sink *to;
    uint64_t at;
    bool begun;
};

static int put(struct cpio *w, const void *p, size_t n, struct cb_error *err)
{
    w->at += n;
    return n ? cb_write(w->to, p, n, err) : 0;
}

static int align(struct cpio *w, struct cb_error *err)
{
    return put(w, "\0\0", (4 - w->at % 4) % 4, err);
}

struct record {
    struct cb_str name;
    uint32_t mode;
    uint64_t size;
    uint32_t major, minor; // of a device
};

static int put_header(struct cpio *w, const struct record *r, struct cb_error *err)
{
    CB_BUF_AUTO b = {0};
    const uint32_t fields[13] = {
        [1] = r->mode, [6] = (uint32_t)r->size, [9] = r->major, [10] = r->minor, [11] = (uint32_t)r->name.n + 1,
    };
    cb_buf_adds(&b, "070701");
    for (size_t i = 0; i < 13; i++)
        cb_buf_addf(&b, "%08X", fields[i]);
    cb_buf_addstr(&b, r->name);
    cb_buf_addc(&b, '\0');
    return put(w, b.p, b.n, err) || align(w, err) ? -1 : 0;
}

static int put_file(struct cpio *w, const struct cb_node *n, struct cb_error *err)
{
    struct cb_node_source in = cb_node_source(n);
    uint64_t copied;
    if (cb_copy(w->to, &in.source, &copied, err))
        return -1;
    w->at += copied;
    return align(w, err);
}

static int put_symlink(struct cpio *w, struct record *r, struct cb_str target, struct cb_error *err)
{
    r->mode = S_IFLNK | 0777;
    r->size = target.n;
    return put_header(w, r, err) || put(w, target.p, target.n, err) || align(w, err) ? -1 : 0;
}

static int put_node(struct cpio *w, struct cb_str path, const struct cb_node *n, struct cb_error *err)
{
    struct record r = {.name = path, .mode = n->mode};
    if (cb_str_is(path, TRAILER))
        return cb_fail(err, CB_E_INPUT, "this name ends a cpio archive");
    if (cb_node_is_dir(n))
        return put_header(w, &r, err);
    if (cb_node_is_symlink(n))
        return put_symlink(w, &r, n->target, err);
    if (S_ISCHR(n->mode)) {
        r.major = n->devmajor;
        r.minor = n->devminor;
        return put_header(w, &r, err);
    }
    if (!cb_node_is_file(n))
        return cb_fail(err, CB_E_INPUT, "neither a file nor a folder, symlink or character device");
    r.size = cb_node_size(n);
    if (r.size > UINT32_MAX)
        return cb_fail(err, CB_E_LIMIT, "a cpio archive has no room for a file of %llu bytes",
                       (unsigned long long)r.size);
    return put_header(w, &r, err) || put_file(w, n, err) ? -1 : 0;
}

static int put_walked(void *ctx, struct cb_str path, struct cb_node *n, struct cb_error *err)
{
    struct cpio *w = ctx;
    const struct record root = {.name = CB_STR("."), .mode = S_IFDIR | 0777};
    if (cb_str_is(path, "."))
        return 0;
    // The root comes with what is first in it: an empty tree has none.
    if (!w->begun && put_header(w, &root, err))
        return -1;
    w->begun = true;
    return put_node(w, path, n, err) ? cb_context(err, "%.*s", CB_STR_ARG(path)) : 0;
}

int cb_cpio_write(struct cb_tree *t, struct cb_sink *to, struct cb_error *err)
{
    struct cpio w = {.to = to};
    const struct record trailer = {.name = CB_STR(TRAILER)};
    return cb_tree_walk(t, CB_STR("."), put_walked, &w, err) || put_header(&w, &trailer, err) ? -1 : 0;
}
