// The file tree: nodes, folders, and finding a node by its path.
//
// Finding follows the reference step by step, because which paths lead nowhere decides which builds fail:
//  - a path is cut at its slashes; empty parts are skipped, "." and ".." are looked up as names (and never found);
//  - a symlink on the way is replaced by what its target leads to, which is looked up from the root. A relative target
//    is joined to the parts of the path *as given* so far, not to where they led, and cleaned as text;
//  - links nest at most 40 deep, but may follow one another without end: two links a level, each into the next level
//    twice, would take 2^40 steps, so the steps of one lookup are counted too, and those within links over all lookups.
#include "tree_internal.h"

#include <assert.h>
#include <search.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "cbuild/base/file.h"

// --- Folders

static int by_name(const void *a, const void *b)
{
    return cb_str_cmp(((const struct cb_tree_entry *)a)->name, ((const struct cb_tree_entry *)b)->name);
}

static struct cb_tree_entry *find_entry(const struct cb_node *dir, struct cb_str name)
{
    struct cb_tree_entry key = {name, NULL};
    void *found = tfind(&key, &dir->dir->children, by_name);
    return found ? *(struct cb_tree_entry **)found : NULL;
}

struct cb_node *tree_child(const struct cb_node *dir, struct cb_str name)
{
    struct cb_tree_entry *e = dir->dir ? find_entry(dir, name) : NULL;
    return e ? e->node : NULL;
}

void tree_add_child(struct cb_tree *t, struct cb_node *dir, struct cb_str name, struct cb_node *child)
{
    struct cb_tree_entry *e = cb_arena_alloc(&t->arena, sizeof *e);

    assert(dir->dir && !tree_child(dir, name));
    // The node's own copy of its name serves its first entry.
    e->name = cb_str_eq(name, child->name) ? child->name : cb_arena_str(&t->arena, name);
    e->node = child;
    if (!tsearch(e, &dir->dir->children, by_name))
        abort(); // out of memory
    dir->dir->n++;
}

void tree_set_child(struct cb_node *dir, struct cb_str name, struct cb_node *child)
{
    struct cb_tree_entry *e = find_entry(dir, name);
    assert(e);
    e->node = child;
}

void tree_remove_child(struct cb_node *dir, struct cb_str name)
{
    struct cb_tree_entry key = {name, NULL};
    void *gone = tdelete(&key, &dir->dir->children, by_name);
    assert(gone);
    (void)gone;
    dir->dir->n--;
}

// --- Nodes

struct cb_node *tree_new_node(struct cb_tree *t, struct cb_str name, uint32_t mode)
{
    struct cb_node *n = cb_arena_alloc(&t->arena, sizeof *n);

    n->name = cb_arena_str(&t->arena, name);
    n->mode = mode;
    n->mtime = CB_TIME_ZERO;
    n->content.fd = -1;
    return n;
}

struct cb_node *tree_new_dir(struct cb_tree *t, struct cb_str name, uint32_t mode)
{
    struct cb_node *n = tree_new_node(t, name, S_IFDIR | (mode & 07777));

    n->dir = cb_arena_alloc(&t->arena, sizeof *n->dir);
    n->dir->next = t->dirs;
    t->dirs = n->dir;
    return n;
}

struct cb_tree *cb_tree_new(void)
{
    struct cb_tree *t = cb_zalloc(sizeof *t);

    t->root = tree_new_dir(t, CB_STR("/"), 0755);
    return t;
}

static void keep(void *entry)
{
    (void)entry; // the arena's
}

void cb_tree_free(struct cb_tree *t)
{
    if (!t)
        return;
    for (struct cb_tree_dir *d = t->dirs; d; d = d->next)
        tdestroy(d->children, keep);
    for (struct tree_buf *b = t->bufs; b; b = b->next)
        cb_buf_release(&b->buf);
    cb_buf_release(&t->parent_path);
    cb_arena_release(&t->arena);
    free(t);
}

struct cb_node *cb_tree_root(struct cb_tree *t)
{
    return t->root;
}

struct cb_arena *cb_tree_arena(struct cb_tree *t)
{
    return &t->arena;
}

// --- Paths

bool cb_tree_path_is_clean(struct cb_str path)
{
    struct cb_str rest = path, part;

    if (path.n == 0)
        return false;
    if (path.p[0] == '/') {
        if (path.n == 1)
            return true;
        rest = cb_str_skip(path, 1);
    }
    while (cb_str_cut(&rest, '/', &part))
        if (part.n == 0 || cb_str_is(part, ".") || cb_str_is(part, ".."))
            return false;
    return true;
}

struct tree_split tree_split(struct cb_str path)
{
    struct tree_split s = {.own = NULL};
    size_t dir = (size_t)(cb_str_rfind(path, '/') + 1);
    struct cb_str base = path;

    s.dir = cb_str_head(path, dir > 1 ? dir - 1 : dir);
    if (!cb_tree_path_is_clean(s.dir)) {
        s.own = cb_path_clean(cb_str_head(path, dir));
        s.dir = cb_str(s.own);
    }
    while (base.n > 0 && base.p[base.n - 1] == '/')
        base.n--;
    if (base.n == 0)
        s.base = path.n == 0 ? CB_STR(".") : CB_STR("/");
    else
        s.base = cb_str_skip(base, (size_t)(cb_str_rfind(base, '/') + 1));
    return s;
}

void tree_split_release(struct tree_split *s)
{
    free(s->own);
    s->own = NULL;
}

struct cb_str tree_join(struct cb_str dir, struct cb_str name, char **own)
{
    CB_BUF_AUTO joined = {0};

    *own = NULL;
    if (dir.n == 0 && name.n == 0)
        return CB_STR("");
    cb_buf_addstr(&joined, dir);
    if (dir.n > 0 && name.n > 0)
        cb_buf_addc(&joined, '/');
    cb_buf_addstr(&joined, name);
    *own = cb_path_clean(cb_buf_str(&joined));
    return cb_str(*own);
}

int tree_check_name(struct cb_str name, struct cb_str path, struct cb_error *err)
{
    if (cb_str_is(name, ".") || cb_str_is(name, "..") || cb_str_is(name, "/") || name.n == 0)
        return cb_fail(err, CB_E_INPUT, "%.*s: nothing in an image can be named \"%.*s\"", CB_STR_ARG(path),
                       CB_STR_ARG(name));
    if (cb_str_find(path, '\0') >= 0)
        return cb_fail(err, CB_E_INPUT, "%.*s: a name with a NUL in it", CB_STR_ARG(path));
    if (path.n > CB_TREE_PATH_MAX)
        return cb_fail(err, CB_E_LIMIT, "%.*s...: a path of %zu bytes; at most %u", CB_STR_ARG(cb_str_head(path, 64)),
                       path.n, CB_TREE_PATH_MAX);
    return 0;
}

// --- Lookup

enum found { FOUND, ABSENT, TOO_DEEP, TOO_LONG };

struct lookup {
    struct cb_tree *t;
    size_t steps, link_steps; // of these, within symlinks' targets
    struct cb_node *node;     // the result
};

static enum found look_up(struct lookup *l, struct cb_str path, unsigned depth);

// The parts of path before `rest` (its tail), joined by single slashes.
static void traversed(struct cb_buf *b, struct cb_str path, struct cb_str part)
{
    struct cb_str rest = cb_strn(path.p, (size_t)(part.p - path.p)), p;

    while (cb_str_cut(&rest, '/', &p)) {
        if (p.n == 0)
            continue;
        if (b->n > 0)
            cb_buf_addc(b, '/');
        cb_buf_addstr(b, p);
    }
}

static enum found follow(struct lookup *l, const struct cb_node *link, struct cb_str path, struct cb_str part,
                         unsigned depth)
{
    struct cb_str target = link->target;

    if (depth + 1 > CB_TREE_LINKS_MAX)
        return TOO_DEEP;
    if (cb_str_starts(target, "/"))
        return look_up(l, target, depth + 1);
    CB_BUF_AUTO before = {0};
    CB_AUTOFREE char *own = NULL;
    traversed(&before, path, part);
    return look_up(l, tree_join(cb_buf_str(&before), target, &own), depth + 1);
}

static enum found look_up(struct lookup *l, struct cb_str path, unsigned depth)
{
    struct cb_node *node = l->t->root;
    struct cb_str rest = path, part;

    if (cb_str_is(path, "."))
        rest = (struct cb_str){0};
    while (cb_str_cut(&rest, '/', &part)) {
        if (part.n == 0)
            continue;
        if (++l->steps > CB_TREE_STEPS_MAX)
            return TOO_LONG;
        l->link_steps += depth > 0;
        node = tree_child(node, part);
        if (!node)
            return ABSENT;
        if (S_ISLNK(node->mode)) {
            enum found f = follow(l, node, path, part, depth);
            if (f != FOUND)
                return f;
            node = l->node;
        }
    }
    l->node = node;
    return FOUND;
}

static enum found find(struct lookup *l, struct cb_str path)
{
    enum found f = look_up(l, path, 0);

    if (l->link_steps > 0 && atomic_fetch_add(&l->t->link_steps, l->link_steps) > CB_TREE_LINK_STEPS_MAX)
        return TOO_LONG;
    return f;
}

struct cb_node *cb_tree_stat(struct cb_tree *t, struct cb_str path, struct cb_error *err)
{
    struct lookup l = {.t = t};

    switch (find(&l, path)) {
    case FOUND:
        return l.node;
    case ABSENT:
        cb_fail(err, CB_E_NOT_FOUND, "%.*s: no such file in the image", CB_STR_ARG(path));
        break;
    case TOO_DEEP:
        cb_fail(err, CB_E_INPUT, "%.*s: more than %u symlinks within symlinks", CB_STR_ARG(path), CB_TREE_LINKS_MAX);
        break;
    case TOO_LONG:
        cb_fail(err, CB_E_LIMIT, "%.*s: its symlinks take more than %u steps, or those of all paths more than %u",
                CB_STR_ARG(cb_str_head(path, 64)), CB_TREE_STEPS_MAX, CB_TREE_LINK_STEPS_MAX);
        break;
    }
    return NULL;
}

struct cb_node *cb_tree_find(struct cb_tree *t, struct cb_str path)
{
    struct lookup l = {.t = t};
    return find(&l, path) == FOUND ? l.node : NULL;
}

bool cb_tree_exists(struct cb_tree *t, struct cb_str path)
{
    return cb_tree_find(t, path) != NULL;
}

struct cb_node *tree_parent(struct cb_tree *t, const struct tree_split *s, struct cb_str path, struct cb_error *err)
{
    if (t->parent && cb_str_eq(cb_buf_str(&t->parent_path), s->dir))
        return t->parent;
    struct cb_node *parent = cb_tree_stat(t, s->dir, err);
    if (!parent)
        return NULL;
    if (!parent->dir) {
        cb_fail(err, CB_E_INPUT, "%.*s: %.*s is not a folder", CB_STR_ARG(path), CB_STR_ARG(s->dir));
        return NULL;
    }
    cb_buf_reset(&t->parent_path);
    cb_buf_addstr(&t->parent_path, s->dir);
    t->parent = parent;
    return parent;
}

void tree_forget_parent(struct cb_tree *t)
{
    t->parent = NULL;
}

struct cb_node *cb_tree_lstat(struct cb_tree *t, struct cb_str path, struct cb_error *err)
{
    TREE_SPLIT_AUTO s = tree_split(path);
    struct cb_node *parent, *node;

    if (cb_str_is(s.base, "/") || cb_str_is(path, ".") || path.n == 0)
        return t->root;
    parent = cb_tree_stat(t, s.dir, err);
    if (!parent)
        return NULL;
    node = tree_child(parent, s.base);
    if (!node)
        cb_fail(err, CB_E_NOT_FOUND, "%.*s: no such file in the image", CB_STR_ARG(path));
    return node;
}

int cb_tree_readlink(struct cb_tree *t, struct cb_str path, struct cb_str *target, struct cb_error *err)
{
    struct cb_node *node = cb_tree_lstat(t, path, err);

    if (!node)
        return -1;
    if (!S_ISLNK(node->mode))
        return cb_fail(err, CB_E_INPUT, "%.*s: not a symlink", CB_STR_ARG(path));
    *target = node->target;
    return 0;
}

// --- Listing

static void collect(const void *nodep, VISIT which, void *closure)
{
    struct cb_tree_entries *out = closure;

    if (which == postorder || which == leaf)
        *cb_vec_add(out) = **(struct cb_tree_entry *const *)nodep;
}

void tree_list(const struct cb_node *dir, struct cb_tree_entries *out)
{
    twalk_r(dir->dir->children, collect, out);
}

int cb_tree_list(struct cb_tree *t, struct cb_str path, struct cb_tree_entries *out, struct cb_error *err)
{
    struct cb_node *dir = cb_tree_stat(t, path, err);

    if (!dir)
        return -1;
    if (!dir->dir)
        return cb_fail(err, CB_E_INPUT, "%.*s: not a folder", CB_STR_ARG(path));
    tree_list(dir, out);
    return 0;
}
