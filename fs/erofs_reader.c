// Reading EROFS images: the superblock, inodes, and where data is.
#include "erofs_reader.h"

#include <stdlib.h>

#include "cbuild/base/file.h"

#define WINDOW (64u << 10)  // bytes that are read at once
#define READ_MAX (1u << 30) // bytes of one read of a source

int erofs_malformed(const struct cb_erofs *e, struct cb_error *err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    CB_AUTOFREE char *text = cb_vformat(fmt, args);
    va_end(args);
    return cb_fail(err, CB_E_INPUT, "%s is no proper EROFS image: %s", e->name, text);
}

// --- Bytes

static int load_window(struct cb_erofs *e, uint64_t at, struct cb_error *err)
{
    uint64_t start = at / WINDOW * WINDOW, left = e->size - start;
    size_t n = left < WINDOW ? (size_t)left : WINDOW;

    e->window_n = 0;
    if (cb_pread_full(e->fd, e->window, n, start, e->name, err) != 0)
        return -1;
    e->window_at = start;
    e->window_n = n;
    return 0;
}

int erofs_read(struct cb_erofs *e, uint64_t at, void *p, size_t n, struct cb_error *err)
{
    uint8_t *to = p;

    if (n > e->size || at > e->size - n)
        return erofs_malformed(e, err, "it refers to %zu bytes at %llu, but has %llu", n, (unsigned long long)at,
                               (unsigned long long)e->size);
    if (n > WINDOW)
        return cb_pread_full(e->fd, p, n, at, e->name, err);
    while (n > 0) {
        if ((at < e->window_at || at >= e->window_at + e->window_n) && load_window(e, at, err) != 0)
            return -1;
        size_t from = (size_t)(at - e->window_at), part = e->window_n - from;
        part = part < n ? part : n;
        memcpy(to, e->window + from, part);
        to += part;
        at += part;
        n -= part;
    }
    return 0;
}

// --- Superblock

static int check_features(const struct cb_erofs *e, const uint8_t *s, struct cb_error *err)
{
    uint32_t features = erofs_get32(s + EROFS_SUPER_FEATURES);
    uint32_t known = EROFS_CHUNKED_FILES | EROFS_FRAGMENTS | EROFS_LONG_PREFIXES;

    if ((features & EROFS_ZERO_PADDING) || erofs_get16(s + EROFS_SUPER_COMPRESSION) != 0)
        return cb_fail(err, CB_E_UNSUPPORTED, "%s has compressed files", e->name);
    if ((features & EROFS_DEVICE_TABLE) && erofs_get16(s + EROFS_SUPER_DEVICES) != 0)
        return cb_fail(err, CB_E_UNSUPPORTED, "%s keeps data on %u further devices", e->name,
                       erofs_get16(s + EROFS_SUPER_DEVICES));
    if (features & ~(known | EROFS_DEVICE_TABLE))
        return cb_fail(err, CB_E_UNSUPPORTED, "%s needs features %#x of EROFS that are not known here", e->name,
                       features & ~known);
    if (s[EROFS_SUPER_DIR_BITS] != 0)
        return cb_fail(err, CB_E_UNSUPPORTED, "%s has folders in blocks of their own size", e->name);
    return 0;
}

static int read_super(struct cb_erofs *e, struct cb_error *err)
{
    uint8_t s[EROFS_SUPER_SIZE];

    if (e->size < EROFS_SUPER_AT + EROFS_SUPER_SIZE)
        return erofs_malformed(e, err, "%llu bytes are too few", (unsigned long long)e->size);
    if (erofs_read(e, EROFS_SUPER_AT, s, sizeof s, err) != 0)
        return -1;
    if (erofs_get32(s + EROFS_SUPER_MAGIC) != EROFS_MAGIC)
        return erofs_malformed(e, err, "its magic number is %#x, not %#x", erofs_get32(s), EROFS_MAGIC);
    e->block_bits = s[EROFS_SUPER_BLOCK_BITS];
    if (e->block_bits < 9 || e->block_bits > 16)
        return erofs_malformed(e, err, "blocks of 2^%u bytes; expected 2^9 to 2^16", e->block_bits);
    if (check_features(e, s, err) != 0)
        return -1;
    uint64_t bytes = (uint64_t)erofs_get32(s + EROFS_SUPER_BLOCKS) << e->block_bits;
    if (bytes > e->size)
        return erofs_malformed(e, err, "it is cut: %llu bytes of %llu", (unsigned long long)e->size,
                               (unsigned long long)bytes);
    e->root = erofs_get16(s + EROFS_SUPER_ROOT);
    e->meta_at = (uint64_t)erofs_get32(s + EROFS_SUPER_META) << e->block_bits;
    e->xattrs_at = (uint64_t)erofs_get32(s + EROFS_SUPER_XATTRS) << e->block_bits;
    e->build_time = (struct cb_time){(int64_t)erofs_get(s + EROFS_SUPER_TIME, 8),
                                     (int32_t)(erofs_get32(s + EROFS_SUPER_TIME_NSEC) % 1000000000)};
    return 0;
}

struct cb_erofs *cb_erofs_open(int fd, uint64_t size, const char *name, struct cb_error *err)
{
    struct cb_erofs *e = cb_zalloc(sizeof *e);
    struct erofs_inode root;

    *e = (struct cb_erofs){.fd = fd, .size = size, .name = cb_strdup(name), .window = cb_alloc(WINDOW)};
    if (read_super(e, err) == 0 && erofs_read_inode(e, e->root, &root, err) == 0) {
        e->block = cb_alloc((size_t)erofs_block_size(e));
        if (S_ISDIR(root.stat.mode))
            return e;
        erofs_malformed(e, err, "its root is no folder");
    }
    cb_erofs_free(e);
    return NULL;
}

void cb_erofs_free(struct cb_erofs *e)
{
    if (!e)
        return;
    free(e->block);
    free(e->window);
    free(e->name);
    free(e);
}

uint64_t cb_erofs_root(const struct cb_erofs *e)
{
    return e->root;
}

// --- Inodes

static void decode_compact(const struct cb_erofs *e, const uint8_t *b, struct cb_erofs_stat *s)
{
    s->nlink = erofs_get16(b + EROFS_COMPACT_NLINK);
    s->size = erofs_get32(b + EROFS_COMPACT_SIZE_AT);
    s->uid = erofs_get16(b + EROFS_COMPACT_UID);
    s->gid = erofs_get16(b + EROFS_COMPACT_GID);
    s->mtime = e->build_time;
}

static void decode_extended(const uint8_t *b, struct cb_erofs_stat *s)
{
    s->size = erofs_get(b + EROFS_EXTENDED_SIZE_AT, 8);
    s->uid = erofs_get32(b + EROFS_EXTENDED_UID);
    s->gid = erofs_get32(b + EROFS_EXTENDED_GID);
    s->mtime = (struct cb_time){(int64_t)erofs_get(b + EROFS_EXTENDED_TIME, 8),
                                (int32_t)(erofs_get32(b + EROFS_EXTENDED_TIME_NSEC) % 1000000000)};
    s->nlink = erofs_get32(b + EROFS_EXTENDED_NLINK);
}

static bool is_known_type(uint32_t mode)
{
    for (size_t i = 0; i < EROFS_TYPES; i++)
        if (erofs_types[i] == (mode & S_IFMT))
            return true;
    return false;
}

static int check_inode(const struct cb_erofs *e, const struct erofs_inode *i, struct cb_error *err)
{
    if (!is_known_type(i->stat.mode))
        return erofs_malformed(e, err, "inode %llu has mode %07o, which is no kind of file",
                               (unsigned long long)i->stat.nid, i->stat.mode);
    if (i->stat.size > INT64_MAX)
        return erofs_malformed(e, err, "inode %llu has %llu bytes", (unsigned long long)i->stat.nid,
                               (unsigned long long)i->stat.size);
    if (i->layout != EROFS_PLAIN && i->layout != EROFS_INLINE && i->layout != EROFS_CHUNKS)
        return cb_fail(err, CB_E_UNSUPPORTED, "%s: the data of inode %llu is compressed (layout %u)", e->name,
                       (unsigned long long)i->stat.nid, (unsigned)i->layout);
    return 0;
}

int erofs_read_inode(struct cb_erofs *e, uint64_t nid, struct erofs_inode *out, struct cb_error *err)
{
    uint8_t b[EROFS_EXTENDED_SIZE];

    if (nid > e->size / EROFS_SLOT)
        return erofs_malformed(e, err, "inode %llu lies beyond its end", (unsigned long long)nid);
    uint64_t at = e->meta_at + nid * EROFS_SLOT;
    if (erofs_read(e, at, b, EROFS_COMPACT_SIZE, err) != 0)
        return -1;
    unsigned format = erofs_get16(b + EROFS_INODE_FORMAT), xattrs = erofs_get16(b + EROFS_INODE_XATTRS);
    bool extended = format & 1;
    size_t core = extended ? EROFS_EXTENDED_SIZE : EROFS_COMPACT_SIZE;
    if (format > 0xf)
        return cb_fail(err, CB_E_UNSUPPORTED, "%s: inode %llu has format %#x", e->name, (unsigned long long)nid,
                       format);
    if (erofs_read(e, at, b, core, err) != 0)
        return -1;
    *out = (struct erofs_inode){
        .stat = {.nid = nid, .mode = erofs_get16(b + EROFS_INODE_MODE)},
        .layout = (enum erofs_layout)(format >> 1),
        .data = erofs_get32(b + EROFS_INODE_DATA),
        .xattrs_at = at + core,
        .xattr_size = xattrs ? (xattrs - 1) * 4 + EROFS_XATTRS_HEADER : 0,
    };
    out->inline_at = out->xattrs_at + out->xattr_size;
    if (extended)
        decode_extended(b, &out->stat);
    else
        decode_compact(e, b, &out->stat);
    if (!S_ISREG(out->stat.mode) && !S_ISDIR(out->stat.mode) && !S_ISLNK(out->stat.mode))
        out->stat.rdev = out->data;
    return check_inode(e, out, err);
}

int cb_erofs_stat(struct cb_erofs *e, uint64_t nid, struct cb_erofs_stat *out, struct cb_error *err)
{
    struct erofs_inode i;

    if (erofs_read_inode(e, nid, &i, err) != 0)
        return -1;
    *out = i.stat;
    return 0;
}

// --- Data

// The last block stands behind the inode, all others in blocks of their own.
static int map_inline(struct cb_erofs *e, const struct erofs_inode *i, uint64_t pos, uint64_t *at, uint64_t *n,
                      struct cb_error *err)
{
    uint64_t block = erofs_block_size(e), tail = (i->stat.size - 1) / block * block;

    if (pos < tail) {
        *at = ((uint64_t)i->data << e->block_bits) + pos;
        *n = tail - pos;
        return 0;
    }
    if (i->inline_at % block + (i->stat.size - tail) > block)
        return erofs_malformed(e, err, "inline data of inode %llu crosses a block", (unsigned long long)i->stat.nid);
    *at = i->inline_at + (pos - tail);
    *n = i->stat.size - pos;
    return 0;
}

static int map_chunk(struct cb_erofs *e, const struct erofs_inode *i, uint64_t pos, uint64_t *at, uint64_t *n,
                     bool *hole, struct cb_error *err)
{
    uint8_t entry[8];
    unsigned format = i->data & 0xffff, bits = e->block_bits + (format & EROFS_CHUNK_BITS);
    size_t unit = format & EROFS_CHUNK_INDEX ? 8 : 4;

    if (format & ~(unsigned)(EROFS_CHUNK_BITS | EROFS_CHUNK_INDEX))
        return cb_fail(err, CB_E_UNSUPPORTED, "%s: inode %llu has chunks of format %#x", e->name,
                       (unsigned long long)i->stat.nid, format);
    if (erofs_read(e, erofs_align(i->inline_at, unit) + (pos >> bits) * unit, entry, unit, err) != 0)
        return -1;
    uint64_t within = pos & ((UINT64_C(1) << bits) - 1), left = i->stat.size - pos;
    uint32_t block = erofs_get32(entry + (unit == 8 ? 4 : 0));
    *hole = block == EROFS_HOLE;
    *at = ((uint64_t)block << e->block_bits) + within;
    *n = (UINT64_C(1) << bits) - within;
    *n = *n < left ? *n : left;
    return 0;
}

int erofs_map(struct cb_erofs *e, const struct erofs_inode *i, uint64_t pos, uint64_t *at, uint64_t *n, bool *hole,
              struct cb_error *err)
{
    *hole = false;
    if (i->layout == EROFS_INLINE)
        return map_inline(e, i, pos, at, n, err);
    if (i->layout == EROFS_CHUNKS)
        return map_chunk(e, i, pos, at, n, hole, err);
    *at = ((uint64_t)i->data << e->block_bits) + pos;
    *n = i->stat.size - pos;
    return 0;
}

int erofs_read_data(struct cb_erofs *e, const struct erofs_inode *i, uint64_t pos, void *p, size_t n,
                    struct cb_error *err)
{
    uint8_t *to = p;

    while (n > 0) {
        uint64_t at, part;
        bool hole;
        if (erofs_map(e, i, pos, &at, &part, &hole, err) != 0)
            return -1;
        size_t now = part < n ? (size_t)part : n;
        if (hole)
            memset(to, 0, now);
        else if (erofs_read(e, at, to, now, err) != 0)
            return -1;
        to += now;
        pos += now;
        n -= now;
    }
    return 0;
}

static ssize_t source_read(struct cb_source *source, void *p, size_t n, struct cb_error *err)
{
    struct cb_erofs_source *s = (struct cb_erofs_source *)source;
    struct erofs_inode i;

    if (erofs_read_inode(s->erofs, s->nid, &i, err) != 0)
        return -1;
    uint64_t left = s->pos < i.stat.size ? i.stat.size - s->pos : 0;
    if (!S_ISREG(i.stat.mode) && !S_ISDIR(i.stat.mode) && !S_ISLNK(i.stat.mode))
        left = 0;
    n = n < left ? n : (size_t)left;
    n = n < READ_MAX ? n : READ_MAX;
    if (erofs_read_data(s->erofs, &i, s->pos, p, n, err) != 0)
        return -1;
    s->pos += n;
    return (ssize_t)n;
}

struct cb_erofs_source cb_erofs_source(struct cb_erofs *e, uint64_t nid)
{
    return (struct cb_erofs_source){{source_read}, e, nid, 0};
}
