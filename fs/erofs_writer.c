// Writing an EROFS image from its plan, front to back. Every part asserts that it stands where the plan says.
#include "erofs_plan.h"

#include <assert.h>

#define BUFFER (256u << 10) // bytes that are gathered before they go to the sink

struct writer {
    const struct erofs_plan *plan;
    struct cb_sink *out;
    uint64_t at; // in the image
    uint8_t *buf;
    size_t n; // bytes in buf
};

static int flush(struct writer *w, struct cb_error *err)
{
    size_t n = w->n;

    w->n = 0;
    return n > 0 ? cb_write(w->out, w->buf, n, err) : 0;
}

// Room for at least one byte in the buffer; how much there is.
static size_t room(struct writer *w, struct cb_error *err)
{
    if (w->n == BUFFER && flush(w, err) != 0)
        return 0;
    return BUFFER - w->n;
}

static void advance(struct writer *w, size_t n)
{
    w->n += n;
    w->at += n;
}

static int put(struct writer *w, const void *p, size_t n, struct cb_error *err)
{
    const uint8_t *from = p;

    while (n > 0) {
        size_t part = room(w, err);
        if (part == 0)
            return -1;
        part = part < n ? part : n;
        if (from)
            memcpy(w->buf + w->n, from, part);
        else
            memset(w->buf + w->n, 0, part);
        from = from ? from + part : NULL;
        n -= part;
        advance(w, part);
    }
    return 0;
}

static int put_str(struct writer *w, struct cb_str s, struct cb_error *err)
{
    return s.n > 0 ? put(w, s.p, s.n, err) : 0;
}

static int put_zeros_to(struct writer *w, uint64_t at, struct cb_error *err)
{
    assert(at >= w->at && at - w->at <= PLAN_BLOCK);
    return put(w, NULL, (size_t)(at - w->at), err);
}

static int fill_block(struct writer *w, struct cb_error *err)
{
    return put_zeros_to(w, erofs_align(w->at, PLAN_BLOCK), err);
}

// --- Superblock

static int write_super(struct writer *w, struct cb_error *err)
{
    const struct erofs_plan *p = w->plan;
    uint8_t block[PLAN_BLOCK] = {0}, *s = block + EROFS_SUPER_AT;

    erofs_put(s + EROFS_SUPER_MAGIC, 4, EROFS_MAGIC);
    s[EROFS_SUPER_BLOCK_BITS] = 12;
    erofs_put(s + EROFS_SUPER_ROOT, 2, p->inodes.v[0].nid);
    erofs_put(s + EROFS_SUPER_INODES, 8, p->inodes.n);
    erofs_put(s + EROFS_SUPER_TIME, 8, (uint64_t)p->build_time.sec);
    erofs_put(s + EROFS_SUPER_TIME_NSEC, 4, (uint64_t)p->build_time.nsec);
    erofs_put(s + EROFS_SUPER_BLOCKS, 4, p->blocks);
    erofs_put(s + EROFS_SUPER_META, 4, p->meta_block);
    return put(w, block, sizeof block, err);
}

// --- Data

static unsigned type_number(uint32_t mode)
{
    unsigned type = 0;

    while (type < EROFS_TYPES && erofs_types[type] != (mode & S_IFMT))
        type++;
    assert(type < EROFS_TYPES);
    return type + 1;
}

static int write_dirents(struct writer *w, size_t inode, struct cb_error *err)
{
    struct plan_dirents d = plan_dirents(w->plan, inode), ahead = d;
    struct plan_dirent e;
    size_t n, bytes;

    for (bool first = true; (n = plan_next_block(&ahead, &bytes)) > 0; d = ahead, first = false) {
        struct plan_dirents names = d;
        size_t name_at = n * EROFS_DIRENT_SIZE;
        if (!first && fill_block(w, err) != 0)
            return -1;
        for (size_t i = 0; i < n && plan_next_dirent(&d, &e); i++) {
            uint8_t entry[EROFS_DIRENT_SIZE] = {0};
            erofs_put(entry + EROFS_DIRENT_NID, 8, e.inode->nid);
            erofs_put(entry + EROFS_DIRENT_NAME, 2, name_at);
            entry[EROFS_DIRENT_TYPE] = (uint8_t)type_number(e.inode->node->mode);
            if (put(w, entry, sizeof entry, err) != 0)
                return -1;
            name_at += e.name.n;
        }
        for (size_t i = 0; i < n && plan_next_dirent(&names, &e); i++)
            if (put_str(w, e.name, err) != 0)
                return -1;
    }
    return 0;
}

static int write_contents(struct writer *w, const struct cb_node *n, uint64_t size, struct cb_error *err)
{
    struct cb_node_source s = cb_node_source(n);

    while (size > 0) {
        size_t part = room(w, err);
        if (part == 0)
            return -1;
        ssize_t got = cb_read(&s.source, w->buf + w->n, part < size ? part : (size_t)size, err);
        if (got < 0)
            return -1;
        if (got == 0)
            return cb_fail(err, CB_E_IO, "%llu bytes short", (unsigned long long)size);
        advance(w, (size_t)got);
        size -= (uint64_t)got;
    }
    return 0;
}

static int write_data(struct writer *w, size_t inode, struct cb_error *err)
{
    const struct plan_inode *i = &w->plan->inodes.v[inode];
    uint64_t start = w->at;
    int rc = S_ISDIR(i->node->mode)   ? write_dirents(w, inode, err)
             : S_ISLNK(i->node->mode) ? put_str(w, i->node->target, err)
                                      : write_contents(w, i->node, i->size, err);
    assert(rc != 0 || w->at == start + i->size);
    return rc;
}

static int write_blocks(struct writer *w, size_t inode, struct cb_error *err)
{
    const struct plan_inode *i = &w->plan->inodes.v[inode];

    if (!plan_has_blocks(i))
        return 0;
    assert(w->at == i->block * PLAN_BLOCK);
    return write_data(w, inode, err) != 0 || fill_block(w, err) != 0 ? -1 : 0;
}

// --- Inodes

static int write_xattr(struct writer *w, const struct cb_xattr *x, struct cb_error *err)
{
    uint8_t entry[EROFS_XATTR_ENTRY];
    struct cb_str rest;

    entry[EROFS_XATTR_PREFIX] = (uint8_t)plan_split_xattr(x->name, &rest);
    entry[EROFS_XATTR_NAME] = (uint8_t)rest.n;
    erofs_put(entry + EROFS_XATTR_VALUE, 2, x->value.n);
    if (put(w, entry, sizeof entry, err) != 0 || put_str(w, rest, err) != 0 || put_str(w, x->value, err) != 0)
        return -1;
    return put(w, NULL, plan_xattr_size(x) - sizeof entry - rest.n - x->value.n, err);
}

static int write_xattrs(struct writer *w, const struct plan_inode *i, struct cb_error *err)
{
    uint8_t header[EROFS_XATTRS_HEADER] = {0};

    if (i->xattr_size == 0)
        return 0;
    erofs_put(header + EROFS_XATTRS_FILTER, 4, UINT32_MAX); // as in the reference; not read without its feature
    if (put(w, header, sizeof header, err) != 0)
        return -1;
    for (size_t x = 0; x < i->node->nxattrs; x++)
        if (write_xattr(w, &i->node->xattrs[x], err) != 0)
            return -1;
    return 0;
}

// The kernel's encoding of 32 bits. What does not fit is lost, as in the reference.
static uint32_t device_number(const struct cb_node *n)
{
    return S_ISCHR(n->mode) ? (n->devmajor & 0xfff) << 8 | (n->devminor & 0xff) | (n->devminor & ~0xffu) << 12 : 0;
}

static int write_core(struct writer *w, const struct plan_inode *i, struct cb_error *err)
{
    const struct cb_node *n = i->node;
    uint8_t b[EROFS_EXTENDED_SIZE] = {0};
    uint32_t mode = S_ISLNK(n->mode) ? S_IFLNK | 0777 : n->mode;

    erofs_put(b + EROFS_INODE_FORMAT, 2, (uint64_t)(i->inlined ? EROFS_INLINE : EROFS_PLAIN) << 1 | !i->compact);
    erofs_put(b + EROFS_INODE_XATTRS, 2, i->xattr_size ? (i->xattr_size - EROFS_XATTRS_HEADER) / 4 + 1 : 0);
    erofs_put(b + EROFS_INODE_MODE, 2, mode);
    erofs_put(b + EROFS_INODE_DATA, 4, plan_has_blocks(i) ? i->block : device_number(n));
    if (i->compact) {
        erofs_put(b + EROFS_COMPACT_NLINK, 2, i->nlink);
        erofs_put(b + EROFS_COMPACT_SIZE_AT, 4, i->size);
        erofs_put(b + EROFS_COMPACT_UID, 2, n->uid);
        erofs_put(b + EROFS_COMPACT_GID, 2, n->gid);
    } else {
        struct cb_time mtime = cb_time_is_zero(n->mtime) ? (struct cb_time){0} : n->mtime;
        erofs_put(b + EROFS_EXTENDED_SIZE_AT, 8, i->size);
        erofs_put(b + EROFS_EXTENDED_UID, 4, n->uid);
        erofs_put(b + EROFS_EXTENDED_GID, 4, n->gid);
        erofs_put(b + EROFS_EXTENDED_TIME, 8, (uint64_t)mtime.sec);
        erofs_put(b + EROFS_EXTENDED_TIME_NSEC, 4, (uint64_t)mtime.nsec);
        erofs_put(b + EROFS_EXTENDED_NLINK, 4, i->nlink);
    }
    return put(w, b, plan_core_size(i), err);
}

static int write_inode(struct writer *w, size_t inode, struct cb_error *err)
{
    const struct erofs_plan *p = w->plan;
    const struct plan_inode *i = &p->inodes.v[inode];

    if (put_zeros_to(w, p->meta_block * PLAN_BLOCK + i->nid * EROFS_SLOT, err) != 0)
        return -1;
    uint64_t start = w->at;
    if (write_core(w, i, err) != 0 || write_xattrs(w, i, err) != 0)
        return -1;
    assert(w->at == start + plan_core_size(i) + i->xattr_size);
    if (i->inlined && write_data(w, inode, err) != 0)
        return -1;
    return put_zeros_to(w, erofs_align(w->at, EROFS_SLOT), err);
}

// --- All of it

static int each_inode(struct writer *w, int (*write)(struct writer *, size_t, struct cb_error *), struct cb_error *err)
{
    for (size_t i = 0; i < w->plan->inodes.n; i++)
        if (write(w, i, err) != 0) {
            CB_BUF_AUTO path = {0};
            erofs_plan_path(w->plan, i, &path);
            return cb_context(err, "%.*s", CB_STR_ARG(cb_buf_str(&path)));
        }
    return 0;
}

static int write_image(struct writer *w, struct cb_error *err)
{
    const struct erofs_plan *p = w->plan;

    if (write_super(w, err) != 0 || each_inode(w, write_blocks, err) != 0)
        return -1;
    assert(w->at == p->meta_block * PLAN_BLOCK);
    if (each_inode(w, write_inode, err) != 0)
        return -1;
    assert(w->at == p->meta_block * PLAN_BLOCK + p->meta_size);
    if (fill_block(w, err) != 0)
        return -1;
    assert(w->at == p->blocks * PLAN_BLOCK);
    return flush(w, err);
}

int cb_erofs_write(struct cb_tree *t, struct cb_time build_time, struct cb_sink *out, struct cb_error *err)
{
    struct erofs_plan p = {0};
    struct writer w = {.plan = &p, .out = out};
    int rc = erofs_plan_make(&p, t, build_time, err);

    if (rc == 0) {
        w.buf = cb_alloc(BUFFER);
        rc = write_image(&w, err);
        free(w.buf);
    }
    erofs_plan_release(&p);
    return rc;
}
