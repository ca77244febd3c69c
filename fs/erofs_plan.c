// Laying out an EROFS image.
//
//   block 0         the superblock
//   blocks          data of everything whose data is not inline, in the order of inodes, each from a block of its own
//   meta_block ...  inodes, each at a multiple of 32 bytes (its nid counts those), followed by its attributes and then
//                   by its data where that is inline
//
// An inode must not cross a block, nor must inline data: what would is moved on to the next block, or out of line. The
// reference decides inline or not by where the inode would begin before it is moved, and looks again afterwards, but
// only for data that no longer fits. So data that would fit after the move stays out of line. That order of questions
// decides bytes and is kept.
#include "erofs_plan.h"

#include <assert.h>

struct planner {
    struct erofs_plan *plan;
    struct {
        uint32_t *v; // the inodes from the root to where the walk is
        size_t n, cap;
    } open;
};

// --- Folders

struct plan_dirents plan_dirents(const struct erofs_plan *p, size_t dir)
{
    return (struct plan_dirents){p, (uint32_t)dir, (uint32_t)dir + 1, 0};
}

bool plan_next_dirent(struct plan_dirents *d, struct plan_dirent *out)
{
    const struct plan_inode *inodes = d->plan->inodes.v, *dir = &inodes[d->dir];
    struct cb_str dots = d->dots == 0 ? CB_STR(".") : CB_STR("..");
    bool children = d->child < dir->end;

    if (d->dots < 2 && !(children && cb_str_cmp(inodes[d->child].name, dots) < 0)) {
        *out = (struct plan_dirent){dots, d->dots == 0 ? dir : &inodes[dir->parent]};
        d->dots++;
        return true;
    }
    if (!children)
        return false;
    *out = (struct plan_dirent){inodes[d->child].name, &inodes[d->child]};
    d->child = out->inode->end;
    return true;
}

size_t plan_next_block(struct plan_dirents *d, size_t *bytes)
{
    struct plan_dirents ahead = *d;
    struct plan_dirent e;
    size_t n = 0;

    *bytes = 0;
    while (plan_next_dirent(&ahead, &e) && *bytes + EROFS_DIRENT_SIZE + e.name.n <= PLAN_BLOCK) {
        *bytes += EROFS_DIRENT_SIZE + e.name.n;
        *d = ahead;
        n++;
    }
    return n;
}

static uint64_t dirents_size(const struct erofs_plan *p, size_t dir)
{
    struct plan_dirents d = plan_dirents(p, dir);
    uint64_t size = 0;
    size_t bytes;

    while (plan_next_block(&d, &bytes) > 0)
        size = erofs_align(size, PLAN_BLOCK) + bytes; // the last block is not filled up
    return size;
}

// --- Attributes

unsigned plan_split_xattr(struct cb_str name, struct cb_str *rest)
{
    for (unsigned i = 0; i < EROFS_PREFIXES; i++)
        if (cb_str_starts(name, erofs_prefixes[i])) {
            *rest = cb_str_skip(name, strlen(erofs_prefixes[i]));
            return i + 1;
        }
    *rest = name;
    return 0;
}

size_t plan_xattr_size(const struct cb_xattr *x)
{
    struct cb_str rest;
    plan_split_xattr(x->name, &rest);
    return erofs_align(EROFS_XATTR_ENTRY + rest.n + x->value.n, 4);
}

// Lengths that do not fit their fields would make a reader take parts of names and values for attributes.
static int measure_xattrs(struct plan_inode *i, struct cb_error *err)
{
    const struct cb_node *n = i->node;
    uint64_t total = EROFS_XATTRS_HEADER;

    if (n->nxattrs == 0 || !(S_ISREG(n->mode) || S_ISDIR(n->mode)))
        return 0;
    for (size_t x = 0; x < n->nxattrs; x++) {
        struct cb_str rest, name = n->xattrs[x].name;
        plan_split_xattr(name, &rest);
        if (rest.n > UINT8_MAX)
            return cb_fail(err, CB_E_INPUT, "the name of an extended attribute has %zu bytes; EROFS has room for %d",
                           rest.n, UINT8_MAX);
        if (n->xattrs[x].value.n > UINT16_MAX)
            return cb_fail(err, CB_E_INPUT, "extended attribute %.*s has %zu bytes; EROFS has room for %d",
                           CB_STR_ARG(name), n->xattrs[x].value.n, UINT16_MAX);
        total += plan_xattr_size(&n->xattrs[x]);
    }
    if ((total - EROFS_XATTRS_HEADER) / 4 + 1 > UINT16_MAX)
        return cb_fail(err, CB_E_INPUT, "its extended attributes take %llu bytes; EROFS has room for %d",
                       (unsigned long long)total, EROFS_XATTRS_HEADER + (UINT16_MAX - 1) * 4);
    i->xattr_size = (uint32_t)total;
    return 0;
}

// --- Collecting

// What a file must not be. The reference has no numbers for a block device: only a file whose mode says so is one.
static int check_node(const struct plan_inode *i, struct cb_error *err)
{
    if (i->name.n > PLAN_NAME_MAX)
        return cb_fail(err, CB_E_INPUT, "a name of %zu bytes; EROFS has room for %d", i->name.n, PLAN_NAME_MAX);
    if (S_ISBLK(i->node->mode))
        return cb_fail(err, CB_E_INPUT, "a block device without numbers");
    return 0;
}

static void close_inodes(struct planner *w, size_t depth)
{
    while (w->open.n > depth)
        w->plan->inodes.v[w->open.v[--w->open.n]].end = (uint32_t)w->plan->inodes.n;
}

static size_t depth_of(struct cb_str path)
{
    size_t depth = 1;

    if (cb_str_is(path, "."))
        return 0;
    for (size_t i = 0; i < path.n; i++)
        depth += path.p[i] == '/';
    return depth;
}

static struct cb_str keep_name(struct erofs_plan *p, const struct cb_node *node, struct cb_str path)
{
    struct cb_str name = cb_str_skip(path, (size_t)(cb_str_rfind(path, '/') + 1));

    return cb_str_eq(name, node->name) ? node->name : cb_arena_str(&p->arena, name);
}

static int add_node(void *ctx, struct cb_str path, struct cb_node *node, struct cb_error *err)
{
    struct planner *w = ctx;
    struct erofs_plan *p = w->plan;
    size_t depth = depth_of(path);
    bool is_dir = S_ISDIR(node->mode);

    close_inodes(w, depth);
    *cb_vec_add(&w->open) = (uint32_t)p->inodes.n;
    struct plan_inode *i = cb_vec_add(&p->inodes);
    i->node = node;
    i->nlink = is_dir ? 2 : 1;
    if (depth > 0) {
        i->name = keep_name(p, node, path);
        i->parent = w->open.v[depth - 1];
        p->inodes.v[i->parent].nlink += is_dir;
    }
    if (check_node(i, err) != 0 || measure_xattrs(i, err) != 0)
        return cb_context(err, "%.*s", CB_STR_ARG(path));
    return 0;
}

static int collect(struct erofs_plan *p, struct cb_tree *t, struct cb_error *err)
{
    struct planner w = {.plan = p};
    int rc = cb_tree_walk(t, CB_STR("."), add_node, &w, err);

    close_inodes(&w, 0);
    cb_vec_release(&w.open);
    return rc;
}

// --- Placing

static uint64_t data_size(const struct erofs_plan *p, size_t inode)
{
    const struct cb_node *n = p->inodes.v[inode].node;

    if (S_ISDIR(n->mode))
        return dirents_size(p, inode);
    return S_ISREG(n->mode) ? cb_node_size(n) : S_ISLNK(n->mode) ? n->target.n : 0;
}

static bool is_compact(const struct erofs_plan *p, const struct plan_inode *i)
{
    const struct cb_node *n = i->node;
    int64_t sec = cb_time_is_zero(n->mtime) ? 0 : n->mtime.sec;

    return n->uid <= UINT16_MAX && n->gid <= UINT16_MAX && i->nlink <= UINT16_MAX && i->size <= UINT32_MAX &&
           sec == p->build_time.sec && n->mtime.nsec == 0;
}

// Puts an inode at `at` or behind; the end of it and its inline data.
static uint64_t place_inode(struct plan_inode *i, uint64_t at)
{
    uint32_t core = plan_core_size(i);
    uint64_t header = core + i->xattr_size;

    i->inlined = i->size > 0 && i->size <= PLAN_BLOCK && (at + header) % PLAN_BLOCK + i->size <= PLAN_BLOCK;
    if (at % PLAN_BLOCK + core > PLAN_BLOCK)
        at = erofs_align(at, PLAN_BLOCK);
    if (at % PLAN_BLOCK + header + i->size > PLAN_BLOCK)
        i->inlined = false;
    i->nid = at / EROFS_SLOT;
    return at + erofs_align(header + plan_inline_size(i), EROFS_SLOT);
}

static int place(struct erofs_plan *p, struct cb_error *err)
{
    uint64_t at = 0, block = 1;

    for (size_t n = 0; n < p->inodes.n; n++) {
        struct plan_inode *i = &p->inodes.v[n];
        i->size = data_size(p, n);
        i->compact = is_compact(p, i);
        at = place_inode(i, at);
        if (!plan_has_blocks(i))
            continue;
        i->block = block;
        if (i->size > (uint64_t)UINT32_MAX * PLAN_BLOCK)
            return cb_fail(err, CB_E_LIMIT, "a file of %llu bytes does not fit an EROFS image",
                           (unsigned long long)i->size);
        block += erofs_align(i->size, PLAN_BLOCK) / PLAN_BLOCK;
    }
    p->meta_block = block;
    p->meta_size = at;
    p->blocks = block + erofs_align(at, PLAN_BLOCK) / PLAN_BLOCK;
    if (p->blocks > UINT32_MAX)
        return cb_fail(err, CB_E_LIMIT, "an EROFS image has at most 2^32 blocks; this one would have %llu",
                       (unsigned long long)p->blocks);
    assert(p->inodes.v[0].nid == 0); // the superblock has 16 bits for the root's
    return 0;
}

int erofs_plan_make(struct erofs_plan *p, struct cb_tree *t, struct cb_time build_time, struct cb_error *err)
{
    p->build_time = build_time.sec < 0 ? (struct cb_time){0} : build_time;
    return collect(p, t, err) != 0 || place(p, err) != 0 ? -1 : 0;
}

void erofs_plan_release(struct erofs_plan *p)
{
    cb_vec_release(&p->inodes);
    cb_arena_release(&p->arena);
}

void erofs_plan_path(const struct erofs_plan *p, size_t inode, struct cb_buf *out)
{
    const struct plan_inode *i = &p->inodes.v[inode];

    if (inode == 0)
        return;
    erofs_plan_path(p, i->parent, out);
    cb_buf_addc(out, '/');
    cb_buf_addstr(out, i->name);
}
