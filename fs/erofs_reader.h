// The inside of struct cb_erofs, shared by the reader's own files.
#ifndef CB_FS_EROFS_READER_H
#define CB_FS_EROFS_READER_H

#include "cbuild/base/vec.h"
#include "cbuild/fs/erofs.h"
#include "erofs_format.h"

struct cb_erofs {
    int fd;
    uint64_t size; // bytes of the image
    char *name;
    unsigned block_bits;
    uint64_t root, meta_at, xattrs_at; // meta_at, xattrs_at: bytes
    struct cb_time build_time;
    uint8_t *window; // the part of the image that was read last
    uint64_t window_at;
    size_t window_n;
    uint8_t *block; // one block, for whoever reads a folder
};

struct erofs_inode {
    struct cb_erofs_stat stat;
    enum erofs_layout layout;
    uint32_t data;                 // what the inode says of its data
    uint64_t xattrs_at, inline_at; // bytes in the image
    uint32_t xattr_size;
};

static inline uint64_t erofs_block_size(const struct cb_erofs *e)
{
    return UINT64_C(1) << e->block_bits;
}

// n bytes of the image; beyond its end is CB_E_INPUT.
int erofs_read(struct cb_erofs *e, uint64_t at, void *p, size_t n, struct cb_error *err);

int erofs_read_inode(struct cb_erofs *e, uint64_t nid, struct erofs_inode *out, struct cb_error *err);

// Where in the image the data is that stands at pos of a file, and how many bytes follow there; *hole where they are
// zeros that are not stored. pos must be below the file's size.
int erofs_map(struct cb_erofs *e, const struct erofs_inode *i, uint64_t pos, uint64_t *at, uint64_t *n, bool *hole,
              struct cb_error *err);

// n bytes of a file's data at pos.
int erofs_read_data(struct cb_erofs *e, const struct erofs_inode *i, uint64_t pos, void *p, size_t n,
                    struct cb_error *err);

// cb_fail with CB_E_INPUT, and the image's name before it.
int erofs_malformed(const struct cb_erofs *e, struct cb_error *err, const char *fmt, ...) CB_PRINTF(3, 4);

#endif
