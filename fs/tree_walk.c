// Walking the tree, and the tar header of each node.
#include <inttypes.h>
#include <stdlib.h>

#include "cbuild/base/file.h"
#include "tree_internal.h"

// Folders may have several names, so that a few of them, nested, make a walk of any length.
#define WALK_MAX (1u << 24) // nodes; their headers alone are 8 GiB

struct frame {
    struct cb_tree_entries entries;
    size_t next;
    size_t path_size; // of the folder's own path
};

struct walk {
    struct {
        struct frame *v;
        size_t n, cap;
    } stack;
    struct cb_buf path;
    size_t seen;
};

static void enter(struct walk *w, const struct cb_node *dir)
{
    struct frame *f = cb_vec_add(&w->stack);

    f->path_size = w->path.n;
    tree_list(dir, &f->entries);
}

static void leave(struct walk *w)
{
    struct frame *f = &w->stack.v[w->stack.n - 1];

    cb_vec_release(&f->entries);
    w->stack.n--;
}

static int step(struct walk *w, cb_tree_walk_fn *fn, void *ctx, struct cb_error *err)
{
    struct frame *f = &w->stack.v[w->stack.n - 1];

    if (f->next == f->entries.n) {
        leave(w);
        return 0;
    }
    struct cb_tree_entry e = f->entries.v[f->next++];
    w->path.n = f->path_size;
    if (w->path.n > 0 && w->path.p[w->path.n - 1] != '/')
        cb_buf_addc(&w->path, '/');
    cb_buf_addstr(&w->path, e.name);
    if (++w->seen > WALK_MAX)
        return cb_fail(err, CB_E_LIMIT, "more than %u files in an image", WALK_MAX);
    int rc = fn(ctx, cb_buf_str(&w->path), e.node, err);
    if (rc == 0 && e.node->dir)
        enter(w, e.node);
    return rc;
}

int cb_tree_walk(struct cb_tree *t, struct cb_str root, cb_tree_walk_fn *fn, void *ctx, struct cb_error *err)
{
    struct walk w = {0};
    struct cb_node *top = cb_tree_stat(t, root, err);

    if (!top)
        return -1;
    bool whole = root.n == 0 || cb_str_is(root, ".");
    int rc = fn(ctx, whole ? CB_STR(".") : root, top, err);
    if (rc == 0 && top->dir) {
        CB_AUTOFREE char *clean = cb_path_clean(root);
        if (!whole)
            cb_buf_adds(&w.path, clean);
        enter(&w, top);
    }
    while (rc == 0 && w.stack.n > 0)
        rc = step(&w, fn, ctx, err);
    while (w.stack.n > 0)
        leave(&w);
    cb_vec_release(&w.stack);
    cb_buf_release(&w.path);
    return rc;
}

// --- Names of owners

struct numbered {
    struct cb_owner_name name;
    size_t line;
};

static int by_id_and_line(const void *a, const void *b)
{
    const struct numbered *x = a, *y = b;
    int ids = (x->name.id > y->name.id) - (x->name.id < y->name.id);
    return ids ? ids : (x->line > y->line) - (x->line < y->line);
}

static int by_id(const void *a, const void *b)
{
    const struct cb_owner_name *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

// Sorted, one entry a number: of equal numbers the one that stood last.
static size_t sort_names(struct cb_owner_name *v, size_t n)
{
    CB_AUTOFREE struct numbered *lines = cb_realloc_array(NULL, n + 1, sizeof *lines);
    size_t kept = 0;

    for (size_t i = 0; i < n; i++)
        lines[i] = (struct numbered){v[i], i};
    if (n > 0)
        qsort(lines, n, sizeof *lines, by_id_and_line);
    for (size_t i = 0; i < n; i++)
        if (i + 1 == n || lines[i].name.id != lines[i + 1].name.id)
            v[kept++] = lines[i].name;
    return kept;
}

void cb_owner_names_sort(struct cb_owner_names *names)
{
    names->users.n = sort_names(names->users.v, names->users.n);
    names->groups.n = sort_names(names->groups.v, names->groups.n);
}

void cb_owner_names_release(struct cb_owner_names *names)
{
    cb_vec_release(&names->users);
    cb_vec_release(&names->groups);
}

static struct cb_str owner_name(const struct cb_owner_name *v, size_t n, uint32_t id)
{
    struct cb_owner_name key = {.id = id};
    const struct cb_owner_name *found = n ? bsearch(&key, v, n, sizeof *v, by_id) : NULL;
    return found ? found->name : (struct cb_str){0};
}

// --- Headers

static int header_type(const struct cb_node *n, struct cb_str path, struct cb_tar_header *h, struct cb_error *err)
{
    switch (n->mode & S_IFMT) {
    case S_IFREG:
        h->type = CB_TAR_FILE;
        h->size = (int64_t)cb_node_size(n);
        return 0;
    case S_IFLNK:
        h->type = CB_TAR_SYMLINK;
        h->linkname = n->target;
        return 0;
    case S_IFCHR:
        h->type = CB_TAR_CHAR;
        h->devmajor = n->devmajor;
        h->devminor = n->devminor;
        return 0;
    case S_IFBLK: // only a file whose mode says so; the reference gives it no numbers
        h->type = CB_TAR_BLOCK;
        return 0;
    case S_IFIFO:
        h->type = CB_TAR_FIFO;
        return 0;
    case S_IFDIR:
        h->type = CB_TAR_DIR;
        if (n->dir)
            return 0;
        break;
    default:
        break;
    }
    return cb_fail(err, CB_E_INPUT, "%.*s: its mode %07o is of no kind of file that a layer can hold", CB_STR_ARG(path),
                   n->mode);
}

int cb_node_header(const struct cb_node *n, struct cb_str path, const struct cb_owner_names *names,
                   struct cb_tar_header *h, struct cb_error *err)
{
    *h = (struct cb_tar_header){.name = path, .mode = n->mode & 07777, .uid = n->uid, .gid = n->gid, .mtime = n->mtime};
    if (header_type(n, path, h, err) != 0)
        return -1;
    for (const struct cb_tree_links *l = n->links; l; l = l->next)
        if (cb_str_eq(l->path, path)) {
            h->type = CB_TAR_HARDLINK;
            h->linkname = l->linkname;
            h->size = 0;
            break;
        }
    h->uname = owner_name(names->users.v, names->users.n, n->uid);
    h->gname = owner_name(names->groups.v, names->groups.n, n->gid);
    if (h->type == CB_TAR_FILE || h->type == CB_TAR_DIR) {
        h->pax = n->pax;
        h->npax = n->nxattrs;
    }
    return 0;
}

int cb_node_write(const struct cb_node *n, const struct cb_tar_header *h, struct cb_tar_writer *w, void *buf,
                  size_t size, struct cb_error *err)
{
    struct cb_node_source s = cb_node_source(n);
    uint64_t left = cb_tar_data_size(h);

    while (left > 0) {
        ssize_t got = cb_read(&s.source, buf, size, err);
        if (got < 0 || (got > 0 && cb_tar_write(w, buf, (size_t)got, err) != 0))
            return cb_context(err, "%.*s", CB_STR_ARG(h->name));
        if (got == 0)
            return cb_fail(err, CB_E_IO, "%.*s: %" PRIu64 " bytes short", CB_STR_ARG(h->name), left);
        left -= (uint64_t)got;
    }
    return 0;
}
