// Extended attributes of an EROFS image: those behind the inode, and those it shares with others.
#include "erofs_reader.h"

#include <assert.h>

struct xattrs {
    struct cb_erofs *erofs;
    const struct erofs_inode *inode;
    uint64_t at, end; // what is left of the inode's own
};

// Compares an entry's name with the wanted one, and appends its value where they are equal. *size: bytes of the entry.
static int look_at_entry(struct xattrs *x, uint64_t at, uint64_t end, struct cb_str wanted, struct cb_buf *out,
                         uint64_t *size, struct cb_error *err)
{
    struct cb_erofs *e = x->erofs;
    uint8_t entry[EROFS_XATTR_ENTRY], name[UINT8_MAX];

    if (erofs_read(e, at, entry, sizeof entry, err) != 0)
        return -1;
    size_t name_n = entry[EROFS_XATTR_NAME], value_n = erofs_get16(entry + EROFS_XATTR_VALUE);
    *size = erofs_align(sizeof entry + name_n + value_n, 4);
    if (*size > end - at)
        return erofs_malformed(e, err, "an attribute of inode %llu has %llu bytes where %llu are left",
                               (unsigned long long)x->inode->stat.nid, (unsigned long long)*size,
                               (unsigned long long)(end - at));
    unsigned prefix = entry[EROFS_XATTR_PREFIX];
    if (prefix & EROFS_XATTR_LONG)
        return cb_fail(err, CB_E_UNSUPPORTED, "%s has long prefixes of attributes' names", e->name);
    if (prefix > 0 && prefix <= EROFS_PREFIXES) {
        const char *text = erofs_prefixes[prefix - 1];
        if (!cb_str_starts(wanted, text))
            return 0;
        wanted = cb_str_skip(wanted, strlen(text));
    }
    if (erofs_read(e, at + sizeof entry, name, name_n, err) != 0)
        return -1;
    if (!cb_str_eq(wanted, cb_strn(name, name_n)))
        return 0;
    cb_buf_reserve(out, value_n + 1);
    if (erofs_read(e, at + sizeof entry + name_n, out->p + out->n, value_n, err) != 0)
        return -1;
    out->n += value_n;
    out->p[out->n] = '\0';
    return 1;
}

static int look_at_shared(struct xattrs *x, struct cb_str wanted, struct cb_buf *out, struct cb_error *err)
{
    uint8_t reference[4];
    uint64_t size;

    if (x->end - x->at < sizeof reference)
        return erofs_malformed(x->erofs, err, "inode %llu shares more attributes than it has room for",
                               (unsigned long long)x->inode->stat.nid);
    if (erofs_read(x->erofs, x->at, reference, sizeof reference, err) != 0)
        return -1;
    x->at += sizeof reference;
    uint64_t at = x->erofs->xattrs_at + (uint64_t)erofs_get32(reference) * 4;
    return look_at_entry(x, at, UINT64_MAX, wanted, out, &size, err);
}

int cb_erofs_xattr(struct cb_erofs *e, uint64_t nid, struct cb_str name, struct cb_buf *out, struct cb_error *err)
{
    struct erofs_inode i;
    uint8_t header[EROFS_XATTRS_HEADER];
    int found = 0;

    if (erofs_read_inode(e, nid, &i, err) != 0)
        return -1;
    if (i.xattr_size == 0)
        return 0;
    struct xattrs x = {e, &i, i.xattrs_at + sizeof header, i.xattrs_at + i.xattr_size};
    if (erofs_read(e, i.xattrs_at, header, sizeof header, err) != 0)
        return -1;
    for (unsigned s = header[EROFS_XATTRS_SHARED]; s > 0 && found == 0; s--)
        found = look_at_shared(&x, name, out, err);
    while (found == 0 && x.at < x.end) {
        uint64_t size; // all sizes are multiples of 4, so there is room for an entry's first four bytes
        found = look_at_entry(&x, x.at, x.end, name, out, &size, err);
        x.at += found == 0 ? size : 0;
    }
    return found;
}
