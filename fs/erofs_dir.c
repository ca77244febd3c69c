// Folders and symlinks of an EROFS image.
//
// A folder's data is cut into blocks; each begins with its entries, whose names follow in the same order. The first
// entry's offset of its name ends the entries. All names of a folder ascend, through all blocks, so that one is found
// by halving.
#include "erofs_reader.h"

#include <stdlib.h>

#include "cbuild/base/file.h"

#define LINKS_MAX 255u   // symlinks on the way to one thing; as in the reference
#define TARGET_MAX 4096  // bytes of a symlink's target; as in the reference
#define STEPS_MAX 65536u // names looked up on the way to one thing, through all symlinks

struct dir_block {
    const uint8_t *p;
    size_t n;
    unsigned entries;
};

static struct cb_str block_name(const struct dir_block *b, unsigned i)
{
    size_t from = erofs_get16(b->p + i * EROFS_DIRENT_SIZE + EROFS_DIRENT_NAME), to = b->n;

    if (i + 1 < b->entries)
        to = erofs_get16(b->p + (i + 1) * EROFS_DIRENT_SIZE + EROFS_DIRENT_NAME);
    struct cb_str name = cb_strn(b->p + from, to - from);
    if (i + 1 == b->entries) { // the rest of the block is zeros
        ptrdiff_t end = cb_str_find(name, '\0');
        name = end >= 0 ? cb_str_head(name, (size_t)end) : name;
    }
    return name;
}

static bool is_name(struct cb_str s)
{
    return s.n > 0 && cb_str_find(s, '\0') < 0 && cb_str_find(s, '/') < 0;
}

// Offsets first: only then may names be looked at.
static bool is_proper(const struct dir_block *b)
{
    size_t last = b->entries * EROFS_DIRENT_SIZE;

    for (unsigned i = 0; i < b->entries; i++) {
        size_t at = erofs_get16(b->p + i * EROFS_DIRENT_SIZE + EROFS_DIRENT_NAME);
        unsigned type = b->p[i * EROFS_DIRENT_SIZE + EROFS_DIRENT_TYPE];
        if (at < last || at > b->n || type < 1 || type > EROFS_TYPES)
            return false;
        last = at;
    }
    for (unsigned i = 0; i < b->entries; i++)
        if (!is_name(block_name(b, i)) || (i > 0 && cb_str_cmp(block_name(b, i - 1), block_name(b, i)) >= 0))
            return false;
    return true;
}

static int load_block(struct cb_erofs *e, const struct erofs_inode *dir, uint64_t block, struct dir_block *out,
                      struct cb_error *err)
{
    uint64_t size = erofs_block_size(e), pos = block * size, left = dir->stat.size - pos;

    *out = (struct dir_block){.p = e->block, .n = (size_t)(left < size ? left : size)};
    if (out->n < EROFS_DIRENT_SIZE)
        return erofs_malformed(e, err, "folder %llu has a block of %zu bytes", (unsigned long long)dir->stat.nid,
                               out->n);
    if (erofs_read_data(e, dir, pos, e->block, out->n, err) != 0)
        return -1;
    size_t names_at = erofs_get16(out->p + EROFS_DIRENT_NAME);
    out->entries = (unsigned)(names_at / EROFS_DIRENT_SIZE);
    if (out->entries == 0 || names_at % EROFS_DIRENT_SIZE || names_at > out->n || !is_proper(out))
        return erofs_malformed(e, err, "block %llu of folder %llu", (unsigned long long)block,
                               (unsigned long long)dir->stat.nid);
    return 0;
}

static struct cb_erofs_entry block_entry(const struct dir_block *b, unsigned i)
{
    const uint8_t *p = b->p + i * EROFS_DIRENT_SIZE;

    return (struct cb_erofs_entry){block_name(b, i), erofs_get(p + EROFS_DIRENT_NID, 8),
                                   erofs_types[p[EROFS_DIRENT_TYPE] - 1]};
}

static int open_dir(struct cb_erofs *e, uint64_t nid, struct erofs_inode *out, uint64_t *blocks, struct cb_error *err)
{
    if (erofs_read_inode(e, nid, out, err) != 0)
        return -1;
    if (!S_ISDIR(out->stat.mode))
        return erofs_malformed(e, err, "inode %llu is no folder", (unsigned long long)nid);
    if (out->stat.size > e->size)
        return erofs_malformed(e, err, "folder %llu has %llu bytes, the image %llu", (unsigned long long)nid,
                               (unsigned long long)out->stat.size, (unsigned long long)e->size);
    *blocks = erofs_align(out->stat.size, erofs_block_size(e)) >> e->block_bits;
    return 0;
}

int cb_erofs_list(struct cb_erofs *e, uint64_t nid, struct cb_arena *a, struct cb_erofs_entries *out,
                  struct cb_error *err)
{
    struct erofs_inode dir;
    struct dir_block b;
    struct cb_str last = CB_STR("");
    uint64_t blocks;

    if (open_dir(e, nid, &dir, &blocks, err) != 0)
        return -1;
    for (uint64_t block = 0; block < blocks; block++) {
        if (load_block(e, &dir, block, &b, err) != 0)
            return -1;
        if (cb_str_cmp(last, block_name(&b, 0)) >= 0)
            return erofs_malformed(e, err, "the names of folder %llu do not ascend", (unsigned long long)nid);
        for (unsigned i = 0; i < b.entries; i++) {
            struct cb_erofs_entry entry = block_entry(&b, i);
            last = entry.name = cb_arena_str(a, entry.name);
            if (!cb_str_is(entry.name, ".") && !cb_str_is(entry.name, ".."))
                *cb_vec_add(out) = entry;
        }
    }
    return 0;
}

// Loads the last block whose first name is not above the wanted one. 0: there is none.
static int find_block(struct cb_erofs *e, const struct erofs_inode *dir, uint64_t blocks, struct cb_str name,
                      struct dir_block *out, struct cb_error *err)
{
    uint64_t low = 0, high = blocks, loaded = blocks;

    while (low < high) {
        loaded = low + (high - low) / 2;
        if (load_block(e, dir, loaded, out, err) != 0)
            return -1;
        if (cb_str_cmp(block_name(out, 0), name) <= 0)
            low = loaded + 1;
        else
            high = loaded;
    }
    if (low == 0)
        return 0;
    return loaded == low - 1 || load_block(e, dir, low - 1, out, err) == 0 ? 1 : -1;
}

int cb_erofs_find(struct cb_erofs *e, uint64_t nid, struct cb_str name, struct cb_erofs_entry *out,
                  struct cb_error *err)
{
    struct erofs_inode dir;
    struct dir_block b;
    uint64_t blocks;

    if (open_dir(e, nid, &dir, &blocks, err) != 0)
        return -1;
    int found = find_block(e, &dir, blocks, name, &b, err);
    if (found <= 0)
        return found;
    for (unsigned low = 0, high = b.entries; low < high;) {
        unsigned middle = low + (high - low) / 2;
        int order = cb_str_cmp(block_name(&b, middle), name);
        if (order == 0) {
            *out = block_entry(&b, middle);
            out->name = (struct cb_str){0};
            return 1;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

int cb_erofs_readlink(struct cb_erofs *e, uint64_t nid, struct cb_buf *out, struct cb_error *err)
{
    struct erofs_inode i;

    if (erofs_read_inode(e, nid, &i, err) != 0)
        return -1;
    if (!S_ISLNK(i.stat.mode))
        return erofs_malformed(e, err, "inode %llu is no symlink", (unsigned long long)nid);
    if (i.stat.size > TARGET_MAX)
        return erofs_malformed(e, err, "symlink %llu has a target of %llu bytes", (unsigned long long)nid,
                               (unsigned long long)i.stat.size);
    cb_buf_reserve(out, (size_t)i.stat.size + 1);
    if (erofs_read_data(e, &i, 0, out->p + out->n, (size_t)i.stat.size, err) != 0)
        return -1;
    out->n += (size_t)i.stat.size;
    out->p[out->n] = '\0';
    return 0;
}

// --- Paths

struct lookup {
    struct cb_erofs *erofs;
    struct cb_buf path, done; // the whole path, clean; what of it is behind us
    size_t at;                // where in path the next name begins
    unsigned links, steps;
    struct cb_erofs_entry here;
};

static void set_path(struct lookup *l, struct cb_str path)
{
    CB_AUTOFREE char *clean = cb_path_clean(path);

    cb_buf_reset(&l->path);
    cb_buf_adds(&l->path, clean);
    cb_buf_reset(&l->done);
    l->at = 1; // behind the slash
    l->here = (struct cb_erofs_entry){.nid = l->erofs->root, .type = S_IFDIR};
}

static int follow(struct lookup *l, struct cb_error *err)
{
    CB_BUF_AUTO target = {0}, path = {0};

    if (++l->links > LINKS_MAX)
        return 0;
    if (cb_erofs_readlink(l->erofs, l->here.nid, &target, err) != 0)
        return -1;
    struct cb_str to = cb_buf_str(&target), rest = cb_str_skip(cb_buf_str(&l->path), l->at);
    cb_buf_addc(&path, '/');
    if (!cb_str_starts(to, "/"))
        cb_buf_addf(&path, "%.*s/", CB_STR_ARG(cb_buf_str(&l->done)));
    cb_buf_addf(&path, "%.*s/%.*s", CB_STR_ARG(to), CB_STR_ARG(rest));
    set_path(l, cb_buf_str(&path));
    return 1;
}

static int look_further(struct lookup *l, struct cb_error *err)
{
    struct cb_str rest = cb_str_skip(cb_buf_str(&l->path), l->at), name;

    cb_str_cut(&rest, '/', &name);
    if (!S_ISDIR(l->here.type) || ++l->steps > STEPS_MAX)
        return 0;
    int found = cb_erofs_find(l->erofs, l->here.nid, name, &l->here, err);
    if (found <= 0)
        return found;
    l->at += name.n + 1;
    if (S_ISLNK(l->here.type))
        return follow(l, err);
    if (l->done.n > 0)
        cb_buf_addc(&l->done, '/');
    cb_buf_addstr(&l->done, name);
    return 1;
}

int cb_erofs_resolve(struct cb_erofs *e, struct cb_str path, struct cb_erofs_entry *out, struct cb_error *err)
{
    struct lookup l = {.erofs = e};
    CB_BUF_AUTO absolute = {0};
    int found = 1;

    cb_buf_addc(&absolute, '/');
    cb_buf_addstr(&absolute, path);
    set_path(&l, cb_buf_str(&absolute));
    while (found == 1 && l.at < l.path.n)
        found = look_further(&l, err);
    cb_buf_release(&l.path);
    cb_buf_release(&l.done);
    *out = l.here;
    return found;
}
