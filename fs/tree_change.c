// Changing the tree: folders, links, devices, attributes, and what packages put into it.
#include <search.h>
#include <stdlib.h>

#include "tree_internal.h"

static int taken(struct cb_str path, struct cb_error *err)
{
    return cb_fail(err, CB_E_CONFLICT, "%.*s: already exists", CB_STR_ARG(path));
}

// The folder for a new name at path; the name is checked and free.
static struct cb_node *room_for(struct cb_tree *t, const struct tree_split *s, struct cb_str path, struct cb_error *err)
{
    struct cb_node *parent = tree_parent(t, s, path, err);

    if (!parent || tree_check_name(s->base, path, err) != 0)
        return NULL;
    if (tree_child(parent, s->base)) {
        taken(path, err);
        return NULL;
    }
    return parent;
}

// --- Folders

int cb_tree_mkdir(struct cb_tree *t, struct cb_str path, uint32_t mode, struct cb_error *err)
{
    TREE_SPLIT_AUTO s = tree_split(path);
    struct cb_node *parent = room_for(t, &s, path, err);

    if (!parent)
        return -1;
    tree_add_child(t, parent, s.base, tree_new_dir(t, s.base, mode));
    return 0;
}

// One step of mkdir_all: the folder that part of path is, made where there is none.
static struct cb_node *step_into(struct cb_tree *t, struct cb_node *dir, struct cb_str path, struct cb_str part,
                                 uint32_t mode, struct cb_error *err)
{
    struct cb_node *node = tree_child(dir, part);

    if (!node) {
        if (tree_check_name(part, path, err) != 0)
            return NULL;
        node = tree_new_dir(t, part, mode);
        tree_add_child(t, dir, part, node);
    }
    if (S_ISLNK(node->mode)) {
        CB_AUTOFREE char *own = NULL;
        struct cb_str before = cb_strn(path.p, (size_t)(part.p - path.p));
        while (before.n > 0 && before.p[0] == '/') // an absolute path's links are relative to the root all the same
            before = cb_str_skip(before, 1);
        bool absolute = cb_str_starts(node->target, "/");
        node = cb_tree_stat(t, absolute ? node->target : tree_join(before, node->target, &own), err);
        if (!node)
            return NULL;
    }
    if (!node->dir) {
        cb_fail(err, CB_E_INPUT, "%.*s: %.*s is not a folder", CB_STR_ARG(path), CB_STR_ARG(part));
        return NULL;
    }
    return node;
}

int cb_tree_mkdir_all(struct cb_tree *t, struct cb_str path, uint32_t mode, struct cb_error *err)
{
    struct cb_node *dir = t->root;
    struct cb_str rest = path, part;

    while (cb_str_cut(&rest, '/', &part)) {
        if (part.n == 0)
            continue;
        dir = step_into(t, dir, path, part, mode, err);
        if (!dir)
            return -1;
    }
    return 0;
}

// --- Links and devices

int cb_tree_symlink(struct cb_tree *t, struct cb_str target, struct cb_str path, struct cb_error *err)
{
    TREE_SPLIT_AUTO s = tree_split(path);
    struct cb_node *parent = room_for(t, &s, path, err), *n;

    if (!parent)
        return -1;
    n = tree_new_node(t, s.base, S_IFLNK | 0777);
    n->target = cb_arena_str(&t->arena, target);
    n->mtime = parent->mtime;
    tree_add_child(t, parent, s.base, n);
    return 0;
}

int cb_tree_mknod(struct cb_tree *t, struct cb_str path, uint32_t mode, uint32_t major, uint32_t minor,
                  struct cb_error *err)
{
    TREE_SPLIT_AUTO s = tree_split(path);
    struct cb_node *parent = room_for(t, &s, path, err), *n;

    if (!parent)
        return -1;
    n = tree_new_node(t, s.base, S_IFCHR | (mode & 07777));
    n->devmajor = major;
    n->devminor = minor;
    n->mtime = parent->mtime;
    tree_add_child(t, parent, s.base, n);
    return 0;
}

// Folders may have several names too, in the reference. One that came to lie within itself would make a walk endless,
// so before a folder gets another name everything under it is searched for the one it is to lie in.
struct search {
    const struct cb_node *wanted;
    uint64_t mark;
    bool found;
    struct {
        struct cb_node **v;
        size_t n, cap;
    } todo;
};

static void look_at(const void *nodep, VISIT which, void *closure)
{
    struct search *s = closure;
    struct cb_node *n = (*(struct cb_tree_entry *const *)nodep)->node;

    if ((which != postorder && which != leaf) || !n->dir || n->dir->mark == s->mark)
        return;
    n->dir->mark = s->mark;
    *cb_vec_add(&s->todo) = n;
}

static bool lies_under(struct cb_tree *t, struct cb_node *top, const struct cb_node *wanted)
{
    struct search s = {.wanted = wanted, .mark = ++t->marks};

    *cb_vec_add(&s.todo) = top;
    while (s.todo.n > 0 && !s.found) {
        struct cb_node *n = s.todo.v[--s.todo.n];
        s.found = n == wanted;
        twalk_r(n->dir->children, look_at, &s);
    }
    cb_vec_release(&s.todo);
    return s.found;
}

// The node that gets another name, which is in its folder afterwards; NULL and an error.
static struct cb_node *link_to(struct cb_tree *t, struct cb_str oldpath, struct cb_str newpath, struct cb_error *err)
{
    TREE_SPLIT_AUTO s = tree_split(newpath);
    struct cb_node *parent = cb_tree_stat(t, s.dir, err), *node;

    if (!parent)
        return NULL;
    node = cb_tree_stat(t, oldpath, err);
    if (!node) {
        cb_context(err, "%.*s: linking", CB_STR_ARG(newpath));
        return NULL;
    }
    parent = room_for(t, &s, newpath, err);
    if (!parent)
        return NULL;
    if (node->dir && lies_under(t, node, parent)) {
        cb_fail(err, CB_E_INPUT, "%.*s: a hard link to the folder %.*s, which it lies in", CB_STR_ARG(newpath),
                CB_STR_ARG(oldpath));
        return NULL;
    }
    tree_add_child(t, parent, s.base, node);
    return node;
}

int cb_tree_link(struct cb_tree *t, struct cb_str oldpath, struct cb_str newpath, struct cb_error *err)
{
    return link_to(t, oldpath, newpath, err) ? 0 : -1;
}

int cb_tree_put_link(struct cb_tree *t, struct cb_str linkname, struct cb_str path, struct cb_error *err)
{
    struct cb_node *node = link_to(t, linkname, path, err);
    struct cb_tree_links *l;

    if (!node)
        return -1;
    for (l = node->links; l; l = l->next)
        if (cb_str_eq(l->path, path))
            break;
    if (!l) {
        l = cb_arena_alloc(&t->arena, sizeof *l);
        l->path = cb_arena_str(&t->arena, path);
        l->next = node->links;
        node->links = l;
    }
    l->linkname = cb_arena_str(&t->arena, linkname);
    return 0;
}

int cb_tree_remove(struct cb_tree *t, struct cb_str path, struct cb_error *err)
{
    TREE_SPLIT_AUTO s = tree_split(path);
    struct cb_node *parent = cb_tree_stat(t, s.dir, err);

    if (!parent)
        return -1;
    if (!tree_child(parent, s.base))
        return cb_fail(err, CB_E_NOT_FOUND, "%.*s: no such file in the image", CB_STR_ARG(path));
    tree_forget_parent(t);
    tree_remove_child(parent, s.base);
    return 0;
}

// --- Attributes

int cb_tree_chmod(struct cb_tree *t, struct cb_str path, uint32_t mode, struct cb_error *err)
{
    struct cb_node *n = cb_tree_stat(t, path, err);

    if (!n)
        return -1;
    n->mode = (n->mode & S_IFMT) | (mode & 07777);
    return 0;
}

int cb_tree_chown(struct cb_tree *t, struct cb_str path, uint32_t uid, uint32_t gid, struct cb_error *err)
{
    struct cb_node *n = cb_tree_stat(t, path, err);

    if (!n)
        return -1;
    n->uid = uid;
    n->gid = gid;
    return 0;
}

int cb_tree_chtimes(struct cb_tree *t, struct cb_str path, struct cb_time mtime, struct cb_error *err)
{
    struct cb_node *n = cb_tree_stat(t, path, err);

    if (!n)
        return -1;
    n->mtime = mtime;
    return 0;
}

static void insert_xattr(struct cb_tree *t, struct cb_node *n, size_t at, struct cb_str name)
{
    struct cb_xattr *xattrs = cb_arena_alloc(&t->arena, (n->nxattrs + 1) * sizeof *xattrs);
    struct cb_tar_pax *pax = cb_arena_alloc(&t->arena, (n->nxattrs + 1) * sizeof *pax);

    for (size_t i = 0, j = 0; i < n->nxattrs; i++, j++) {
        if (j == at)
            j++;
        xattrs[j] = n->xattrs[i];
        pax[j] = n->pax[i];
    }
    pax[at].key = cb_arena_format(&t->arena, CB_TAR_XATTR "%.*s", CB_STR_ARG(name));
    xattrs[at].name = cb_str_skip(pax[at].key, sizeof CB_TAR_XATTR - 1);
    n->xattrs = xattrs;
    n->pax = pax;
    n->nxattrs++;
}

int cb_tree_set_xattr(struct cb_tree *t, struct cb_str path, struct cb_str name, struct cb_str value,
                      struct cb_error *err)
{
    struct cb_node *n = cb_tree_stat(t, path, err);
    size_t at = 0;

    if (!n)
        return -1;
    while (at < n->nxattrs && cb_str_cmp(n->xattrs[at].name, name) < 0)
        at++;
    if (at == n->nxattrs || !cb_str_eq(n->xattrs[at].name, name))
        insert_xattr(t, n, at, name);
    n->xattrs[at].value = n->pax[at].value = cb_arena_str(&t->arena, value);
    return 0;
}

// --- What packages put into it

static struct cb_node *node_of(struct cb_tree *t, struct cb_str name, const struct cb_node *proto)
{
    struct cb_node *n = tree_new_node(t, name, proto->mode);

    n->mtime = proto->mtime;
    n->content = proto->content;
    n->owner = proto->owner;
    n->target = cb_arena_str(&t->arena, proto->target);
    if (proto->checksum.p)
        n->checksum = cb_arena_str(&t->arena, proto->checksum);
    return n;
}

int cb_tree_put(struct cb_tree *t, struct cb_str path, const struct cb_node *proto, enum cb_tree_put *what,
                struct cb_node **existing, struct cb_error *err)
{
    TREE_SPLIT_AUTO s = tree_split(path);
    struct cb_node *parent = tree_parent(t, &s, path, err);

    if (!parent)
        return -1;
    *existing = tree_child(parent, s.base);
    *what = *existing ? CB_TREE_EXISTS : CB_TREE_PUT;
    if (*existing)
        return 0;
    if (tree_check_name(s.base, path, err) != 0)
        return -1;
    *existing = node_of(t, s.base, proto);
    tree_add_child(t, parent, s.base, *existing);
    return 0;
}

int cb_tree_replace(struct cb_tree *t, struct cb_str path, const struct cb_node *proto, struct cb_error *err)
{
    TREE_SPLIT_AUTO s = tree_split(path);
    struct cb_node *parent = tree_parent(t, &s, path, err);

    if (!parent)
        return -1;
    tree_forget_parent(t);
    tree_set_child(parent, s.base, node_of(t, s.base, proto));
    return 0;
}
