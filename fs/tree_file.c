// Files of the tree: opening through symlinks, contents, reading and writing.
#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "cbuild/base/file.h"
#include "tree_internal.h"

#define READ_MAX (1u << 30)   // bytes of one read
#define LOAD_MAX (256u << 20) // a package's file that the build adds to is held in memory

// --- Opening

// Unlike a lookup, this resolves a link from the folder of the link's own path, and a link that leads nowhere is where
// a new file comes to be.
static struct cb_node *open_at(struct cb_tree *t, struct cb_str path, bool create, uint32_t mode, unsigned links,
                               struct cb_error *err)
{
    TREE_SPLIT_AUTO s = tree_split(path);
    struct cb_node *parent = cb_tree_stat(t, s.dir, err), *node;
    CB_AUTOFREE char *own = NULL;

    if (!parent)
        return NULL;
    node = tree_child(parent, s.base);
    if (!parent->dir) {
        cb_fail(err, CB_E_INPUT, "%.*s: %.*s is not a folder", CB_STR_ARG(path), CB_STR_ARG(s.dir));
    } else if (node && node->dir) {
        cb_fail(err, CB_E_INPUT, "%.*s: is a folder", CB_STR_ARG(path));
    } else if (!node && !create) {
        cb_fail(err, CB_E_NOT_FOUND, "%.*s: no such file in the image", CB_STR_ARG(path));
    } else if (!node) {
        if (tree_check_name(s.base, path, err) != 0)
            return NULL;
        node = tree_new_node(t, s.base, S_IFREG | (mode & 07777));
        tree_add_child(t, parent, s.base, node);
        return node;
    } else if (!S_ISLNK(node->mode)) {
        return node;
    } else if (links + 1 > CB_TREE_LINKS_MAX) {
        cb_fail(err, CB_E_INPUT, "%.*s: more than %u symlinks", CB_STR_ARG(path), CB_TREE_LINKS_MAX);
    } else {
        bool absolute = cb_str_starts(node->target, "/");
        struct cb_str target = absolute ? node->target : tree_join(s.dir, node->target, &own);
        return open_at(t, target, create, mode, links + 1, err);
    }
    return NULL;
}

struct cb_node *tree_open(struct cb_tree *t, struct cb_str path, bool create, uint32_t mode, struct cb_error *err)
{
    return open_at(t, path, create, mode, 0, err);
}

struct cb_node *cb_tree_open(struct cb_tree *t, struct cb_str path, struct cb_error *err)
{
    return tree_open(t, path, false, 0, err);
}

// --- Contents

struct cb_content cb_node_content(const struct cb_node *n)
{
    if (n->data && n->data->n > 0)
        return (struct cb_content){.bytes = cb_buf_str(n->data), .fd = -1, .length = n->data->n};
    return n->content;
}

uint64_t cb_node_size(const struct cb_node *n)
{
    return cb_node_content(n).length;
}

static int content_read(const struct cb_content *c, struct cb_str name, void *p, size_t n, uint64_t at,
                        struct cb_error *err)
{
    if (n > c->length || at > c->length - n)
        return cb_fail(err, CB_E_INPUT, "%.*s: unexpected end of file: %zu bytes at %llu of %llu", CB_STR_ARG(name), n,
                       (unsigned long long)at, (unsigned long long)c->length);
    if (n == 0)
        return 0;
    if (c->fd >= 0)
        return cb_pread_full(c->fd, p, n, c->at + at, "package data", err);
    if (!c->bytes.p)
        return cb_fail(err, CB_E_INPUT, "%.*s: its contents are hidden by another entry of its package",
                       CB_STR_ARG(name));
    memcpy(p, c->bytes.p + at, n);
    return 0;
}

int cb_node_pread(const struct cb_node *n, void *p, size_t size, uint64_t at, struct cb_error *err)
{
    struct cb_content c = cb_node_content(n);
    return content_read(&c, n->name, p, size, at, err);
}

static ssize_t node_source_read(struct cb_source *source, void *p, size_t n, struct cb_error *err)
{
    struct cb_node_source *s = (struct cb_node_source *)source;
    uint64_t left = s->content.length - s->pos;

    if (n > left)
        n = (size_t)left;
    if (n > READ_MAX)
        n = READ_MAX;
    if (content_read(&s->content, CB_STR("file"), p, n, s->pos, err) != 0)
        return -1;
    s->pos += n;
    return (ssize_t)n;
}

struct cb_node_source cb_node_source(const struct cb_node *n)
{
    return (struct cb_node_source){{node_source_read}, cb_node_content(n), 0};
}

int cb_node_read(const struct cb_node *n, struct cb_buf *out, size_t limit, struct cb_error *err)
{
    uint64_t size = cb_node_size(n);

    if (size > limit)
        return cb_fail(err, CB_E_LIMIT, "%.*s: %llu bytes; at most %zu", CB_STR_ARG(n->name), (unsigned long long)size,
                       limit);
    cb_buf_reserve(out, (size_t)size + 1);
    if (cb_node_pread(n, out->p + out->n, (size_t)size, 0, err) != 0)
        return -1;
    out->n += (size_t)size;
    out->p[out->n] = 0;
    return 0;
}

int cb_tree_read_file(struct cb_tree *t, struct cb_str path, struct cb_buf *out, size_t limit, struct cb_error *err)
{
    struct cb_node *n = cb_tree_open(t, path, err);

    if (!n)
        return -1;
    if (cb_node_read(n, out, limit, err) != 0)
        return cb_context(err, "reading %.*s", CB_STR_ARG(path));
    return 0;
}

// --- Writing

static struct cb_buf *data_of(struct cb_tree *t, struct cb_node *n)
{
    if (!n->data) {
        struct tree_buf *b = cb_arena_alloc(&t->arena, sizeof *b);
        b->next = t->bufs;
        t->bufs = b;
        n->data = &b->buf;
    }
    return n->data;
}

// Brings a package's contents into memory, for a file that is changed in part.
static int load(struct cb_tree *t, struct cb_node *n, struct cb_error *err)
{
    struct cb_buf *data = data_of(t, n);

    return data->n == 0 && n->content.length > 0 ? cb_node_read(n, data, LOAD_MAX, err) : 0;
}

int cb_tree_write_file(struct cb_tree *t, struct cb_str path, struct cb_str bytes, uint32_t mode, struct cb_error *err)
{
    struct cb_node *n = tree_open(t, path, true, mode, err);

    if (!n)
        return -1;
    struct cb_buf *data = data_of(t, n);
    cb_buf_reset(data);
    if (bytes.n > 0)
        cb_buf_addstr(data, bytes);
    return 0;
}

int cb_tree_append_file(struct cb_tree *t, struct cb_str path, struct cb_str bytes, uint32_t mode, struct cb_error *err)
{
    struct cb_node *n = tree_open(t, path, true, mode, err);

    if (!n)
        return -1;
    if (load(t, n, err) != 0)
        return cb_context(err, "adding to %.*s", CB_STR_ARG(path));
    if (bytes.n > 0)
        cb_buf_addstr(n->data, bytes);
    return 0;
}

int cb_tree_write_at(struct cb_tree *t, struct cb_str path, struct cb_str bytes, uint64_t at, uint32_t mode,
                     struct cb_error *err)
{
    struct cb_node *n = tree_open(t, path, true, mode, err);

    if (!n)
        return -1;
    if (load(t, n, err) != 0)
        return cb_context(err, "writing into %.*s", CB_STR_ARG(path));
    assert(at <= n->data->n);
    size_t over = n->data->n - (size_t)at < bytes.n ? n->data->n - (size_t)at : bytes.n;
    if (over > 0)
        memcpy(n->data->p + at, bytes.p, over);
    if (bytes.n > over)
        cb_buf_addstr(n->data, cb_str_skip(bytes, over));
    return 0;
}
