// Several EROFS images seen as one, each laid over those before it.
//
// A folder is shown where the uppermost image that has something under its path has a folder there. Its entries are
// those of all images that have a folder there, the uppermost of each name; a whiteout (a character device 0:0) takes
// its name away, and an opaque folder ends the search further down.
//
// Two oddities of the reference's listing are kept. It looks each image's folder up by its path and follows symlinks on
// the way, so a folder over a symlink shows what the link leads to as well. And an opaque folder hides what lies in the
// folders of that very path below it, not what lies deeper. A mounted overlay shows less in both cases.
#include "erofs_reader.h"

#include <stdlib.h>

#include "cbuild/base/map.h"

// Bytes of folders that are listed, in sizes of the image: a folder stands in one place, so that honest images stay
// below 1 (more where symlinks lead to folders, see above). Folders that contain themselves end here.
#define LISTED_MAX 16u

#define NOWHERE UINT64_MAX

struct seen_entry {
    struct cb_erofs_entry entry;
    size_t image;
};

struct frame {
    struct cb_arena arena;
    struct {
        struct seen_entry *v;
        size_t n, cap;
    } entries;
    size_t next, path_size;
    uint64_t *places; // of this folder in each image: a nid, or NOWHERE
};

struct walk {
    struct cb_erofs *const *images;
    size_t n;
    uint64_t *listed; // bytes, by image
    struct {
        struct frame *v;
        size_t n, cap;
    } stack;
    struct cb_buf path, target;
    cb_erofs_walk_fn *fn;
    void *ctx;
};

// --- Merging

static int is_whiteout(const struct walk *w, const struct seen_entry *s, struct cb_error *err)
{
    struct cb_erofs_stat stat;

    if (w->n < 2 || !S_ISCHR(s->entry.type))
        return 0;
    return cb_erofs_stat(w->images[s->image], s->entry.nid, &stat, err) != 0 ? -1 : stat.rdev == 0;
}

static int is_opaque(const struct walk *w, size_t image, uint64_t nid, struct cb_error *err)
{
    CB_BUF_AUTO value = {0};

    if (w->n < 2)
        return 0;
    int found = cb_erofs_xattr(w->images[image], nid, CB_STR("trusted.overlay.opaque"), &value, err);
    return found < 0 ? -1 : found && cb_str_is(cb_buf_str(&value), "y");
}

static int count_listed(struct walk *w, size_t image, uint64_t nid, struct cb_error *err)
{
    struct cb_erofs *e = w->images[image];
    struct cb_erofs_stat stat;

    if (cb_erofs_stat(e, nid, &stat, err) != 0)
        return -1;
    w->listed[image] += stat.size < e->size ? stat.size : e->size;
    if (w->listed[image] > LISTED_MAX * e->size)
        return erofs_malformed(e, err, "folders stand in it more than once");
    return 0;
}

// Adds one image's entries that no image above it has.
static int merge_image(struct walk *w, struct frame *f, size_t image, struct cb_map *names, struct cb_error *err)
{
    struct cb_erofs_entries own = {0};
    int rc = count_listed(w, image, f->places[image], err);

    if (rc == 0)
        rc = cb_erofs_list(w->images[image], f->places[image], &f->arena, &own, err);
    for (size_t i = 0; i < own.n && rc == 0; i++) {
        struct seen_entry s = {own.v[i], image};
        bool added;
        cb_map_put(names, s.entry.name, NULL, &added);
        int hidden = added ? is_whiteout(w, &s, err) : 1;
        if (hidden == 0)
            *cb_vec_add(&f->entries) = s;
        rc = hidden < 0 ? -1 : 0;
    }
    cb_vec_release(&own);
    return rc;
}

static int by_name(const void *a, const void *b)
{
    return cb_str_cmp(((const struct seen_entry *)a)->entry.name, ((const struct seen_entry *)b)->entry.name);
}

static int merge(struct walk *w, struct frame *f, struct cb_error *err)
{
    struct cb_map names = {0};
    int rc = 0, opaque = 0;

    for (size_t image = w->n; image-- > 0 && rc == 0 && !opaque;) {
        if (f->places[image] == NOWHERE)
            continue;
        rc = merge_image(w, f, image, &names, err);
        opaque = rc == 0 ? is_opaque(w, image, f->places[image], err) : 0;
        rc = opaque < 0 ? -1 : rc;
    }
    cb_map_release(&names);
    if (f->entries.n > 0)
        qsort(f->entries.v, f->entries.n, sizeof *f->entries.v, by_name);
    return rc;
}

// --- Walking

// Where an image has the folder at w->path, given where it has the folder above.
static int find_place(struct walk *w, size_t image, uint64_t above, struct cb_str name, uint64_t *place,
                      struct cb_error *err)
{
    struct cb_erofs_entry found;

    *place = NOWHERE;
    if (above == NOWHERE)
        return 0;
    int rc = cb_erofs_find(w->images[image], above, name, &found, err);
    if (rc == 1 && S_ISLNK(found.type))
        rc = cb_erofs_resolve(w->images[image], cb_buf_str(&w->path), &found, err);
    if (rc == 1 && S_ISDIR(found.type))
        *place = found.nid;
    return rc < 0 ? -1 : 0;
}

// Opens the folder at w->path, whose last name is `name`.
static int enter(struct walk *w, struct cb_str name, struct cb_error *err)
{
    struct frame f = {.path_size = w->path.n};
    const struct frame *above = w->stack.n > 0 ? &w->stack.v[w->stack.n - 1] : NULL;
    int rc = 0;

    f.places = cb_realloc_array(NULL, w->n, sizeof *f.places);
    for (size_t i = 0; i < w->n && rc == 0; i++) {
        f.places[i] = cb_erofs_root(w->images[i]);
        if (above)
            rc = find_place(w, i, above->places[i], name, &f.places[i], err);
    }
    if (rc == 0)
        rc = merge(w, &f, err);
    *cb_vec_add(&w->stack) = f;
    return rc;
}

static void leave(struct walk *w)
{
    struct frame *f = &w->stack.v[--w->stack.n];

    cb_vec_release(&f->entries);
    cb_arena_release(&f->arena);
    free(f->places);
}

static int show(struct walk *w, const struct seen_entry *s, struct cb_error *err)
{
    struct cb_erofs *e = w->images[s->image];
    struct cb_erofs_item item = {.path = cb_buf_str(&w->path)};

    if (cb_erofs_stat(e, s->entry.nid, &item.stat, err) != 0)
        return -1;
    if ((item.stat.mode & S_IFMT) != s->entry.type)
        return erofs_malformed(e, err, "its folder and its inode say different kinds of file");
    cb_buf_reset(&w->target);
    if (S_ISLNK(item.stat.mode) && cb_erofs_readlink(e, s->entry.nid, &w->target, err) != 0)
        return -1;
    item.target = cb_buf_str(&w->target);
    return w->fn(w->ctx, &item, err);
}

static int step(struct walk *w, struct cb_error *err)
{
    struct frame *f = &w->stack.v[w->stack.n - 1];

    if (f->next == f->entries.n) {
        leave(w);
        return 0;
    }
    struct seen_entry s = f->entries.v[f->next++];
    w->path.n = f->path_size;
    if (w->path.n > 0)
        cb_buf_addc(&w->path, '/');
    cb_buf_addstr(&w->path, s.entry.name);
    if (w->path.n > CB_TREE_PATH_MAX)
        return cb_fail(err, CB_E_LIMIT, "a path of more than %u bytes", CB_TREE_PATH_MAX);
    if (show(w, &s, err) != 0 || (S_ISDIR(s.entry.type) && enter(w, s.entry.name, err) != 0))
        return cb_context(err, "%.*s", CB_STR_ARG(cb_buf_str(&w->path)));
    return 0;
}

int cb_erofs_walk(struct cb_erofs *const *images, size_t n, cb_erofs_walk_fn *fn, void *ctx, struct cb_error *err)
{
    struct walk w = {.images = images, .n = n, .fn = fn, .ctx = ctx};

    w.listed = cb_zalloc((n + 1) * sizeof *w.listed);
    int rc = enter(&w, CB_STR(""), err);
    while (rc == 0 && w.stack.n > 0)
        rc = step(&w, err);
    while (w.stack.n > 0)
        leave(&w);
    cb_vec_release(&w.stack);
    cb_buf_release(&w.path);
    cb_buf_release(&w.target);
    free(w.listed);
    return rc;
}
