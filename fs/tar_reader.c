// Reading tar archives as Go's archive/tar Reader does: the same members, the same refusals, so that no archive means
// one thing to the reference and another to us.
//
// A member may be preceded by members that describe it: a PAX header ('x'), GNU's long name ('L') and long link ('K').
// They are taken in, and the member after them is given with what they say. A global PAX header ('g') is given as a
// member of its own and has no effect on others, as in the reference.
//
// Sizes: a describing member has at most 1 MiB, and so has a map of a sparse file's holes. Names and records of one
// member thus stay below a few MiB whatever the archive says. Sparse files: see tar_sparse.c.
#include "tar_reader.h"

#include <inttypes.h>
#include <stdlib.h>

#include "cbuild/base/vec.h"

#define SKIP_CHUNK 65536u

// --- Bytes

static int failed(struct cb_tar_reader *r)
{
    r->failed = true;
    return -1;
}

int tar_malformed(struct cb_tar_reader *r, struct cb_error *err, const char *what)
{
    return cb_fail(err, CB_E_INPUT, "%s: malformed tar archive at byte %" PRIu64 ": %s", r->name, r->pos, what);
}

ssize_t tar_raw(struct cb_tar_reader *r, void *p, size_t n, struct cb_error *err)
{
    size_t done = 0;

    while (done < n) {
        ssize_t got = cb_read(r->in, (char *)p + done, n - done, err);
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (size_t)got;
        r->pos += (size_t)got;
    }
    return (ssize_t)done;
}

static int skip_raw(struct cb_tar_reader *r, uint64_t n, struct cb_error *err)
{
    if (n > 0 && r->in->skip) {
        r->pos += n;
        return r->in->skip(r->in, n, err);
    }
    CB_AUTOFREE char *room = n > 0 ? cb_alloc(n < SKIP_CHUNK ? (size_t)n : SKIP_CHUNK) : NULL;

    while (n > 0) {
        size_t ask = n < SKIP_CHUNK ? (size_t)n : SKIP_CHUNK;
        ssize_t got = tar_raw(r, room, ask, err);
        if (got < 0)
            return -1;
        if ((size_t)got < ask)
            return tar_malformed(r, err, "it ends within a member's data");
        n -= ask;
    }
    return 0;
}

// --- Fields

struct cb_str tar_string(const uint8_t *block, struct tar_field f)
{
    const char *p = (const char *)block + f.at;
    return cb_strn(p, strnlen(p, f.n));
}

static int64_t parse_octal(const uint8_t *p, size_t n, bool *bad)
{
    uint64_t x = 0;

    while (n > 0 && (*p == ' ' || *p == 0))
        p++, n--;
    while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == 0))
        n--;
    if (n == 0)
        return 0;
    if (!cb_str_u64(cb_strn(p, strnlen((const char *)p, n)), 8, &x))
        *bad = true;
    return (int64_t)x;
}

// GNU's two's complement in big-endian order; the top bit only says that it is one.
static int64_t parse_base256(const uint8_t *p, size_t n, bool *bad)
{
    uint8_t invert = p[0] & 0x40 ? 0xff : 0;
    uint64_t x = 0;

    for (size_t i = 0; i < n; i++) {
        uint8_t c = p[i] ^ invert;
        if (i == 0)
            c &= 0x7f;
        if (x >> 56) {
            *bad = true;
            return 0;
        }
        x = x << 8 | c;
    }
    if (x >> 63) {
        *bad = true;
        return 0;
    }
    return invert ? ~(int64_t)x : (int64_t)x;
}

int64_t tar_number(const uint8_t *block, struct tar_field f, bool *bad)
{
    const uint8_t *p = block + f.at;
    return p[0] & 0x80 ? parse_base256(p, f.n, bad) : parse_octal(p, f.n, bad);
}

// --- The header block

enum tar_kind tar_kind_of(const uint8_t *block)
{
    bool bad = false;
    int64_t stored = parse_octal(block + TAR_CHECKSUM.at, TAR_CHECKSUM.n, &bad);
    struct tar_sums sums = tar_checksums(block);

    if (bad || (stored != sums.as_unsigned && stored != sums.as_signed))
        return KIND_BAD;
    bool ustar = memcmp(block + TAR_MAGIC.at, TAR_MAGIC_USTAR, 6) == 0;
    if (ustar && memcmp(block + TAR_STAR_TRAILER.at, "tar\0", 4) == 0)
        return KIND_STAR;
    if (ustar)
        return KIND_USTAR;
    return memcmp(block + TAR_MAGIC.at, TAR_MAGIC_GNU, TAR_MAGIC.n) == 0 ? KIND_GNU : KIND_V7;
}

static bool ends_in_nul(const uint8_t *block, struct tar_field f)
{
    return block[f.at + f.n - 1] == 0;
}

// A block that says ustar but is not quite one: what is copied from it may use any format again.
static bool is_strict_ustar(const uint8_t *block)
{
    for (size_t i = 0; i < TAR_BLOCK; i++)
        if (block[i] >= 0x80)
            return false;
    return ends_in_nul(block, TAR_SIZE) && ends_in_nul(block, TAR_MODE) && ends_in_nul(block, TAR_UID) &&
           ends_in_nul(block, TAR_GID) && ends_in_nul(block, TAR_MTIME) && ends_in_nul(block, TAR_DEVMAJOR) &&
           ends_in_nul(block, TAR_DEVMINOR);
}

static bool is_ascii(struct cb_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((uint8_t)s.p[i] >= 0x80)
            return false;
    return true;
}

// GNU has its times where ustar has the prefix of a long name. An old writer put a prefix there all the same: what does
// not read as times, and is text, is one.
static struct cb_str gnu_prefix(const uint8_t *block, uint8_t *format)
{
    bool bad = false;
    struct cb_str prefix = tar_string(block, TAR_PREFIX);

    if (block[TAR_GNU_ATIME.at] != 0)
        tar_number(block, TAR_GNU_ATIME, &bad);
    if (block[TAR_GNU_CTIME.at] != 0)
        tar_number(block, TAR_GNU_CTIME, &bad);
    *format = bad ? CB_TAR_ANY : CB_TAR_GNU;
    return bad && is_ascii(prefix) ? prefix : (struct cb_str){0};
}

// The name's prefix, by the block's kind; *format is what the block may be.
static struct cb_str prefix_of(const uint8_t *block, enum tar_kind kind, uint8_t *format, bool *bad)
{
    *format = CB_TAR_ANY;
    switch (kind) {
    case KIND_USTAR:
        *format = is_strict_ustar(block) ? CB_TAR_USTAR | CB_TAR_PAX : CB_TAR_ANY;
        return tar_string(block, TAR_PREFIX);
    case KIND_STAR:
        tar_number(block, TAR_STAR_ATIME, bad);
        tar_number(block, TAR_STAR_CTIME, bad);
        return tar_string(block, TAR_STAR_PREFIX);
    case KIND_GNU:
        return gnu_prefix(block, format);
    default:
        return (struct cb_str){0};
    }
}

static struct cb_str block_string(struct cb_tar_reader *r, struct tar_field f)
{
    return cb_arena_str(&r->special, tar_string(r->block, f));
}

static int parse_block(struct cb_tar_reader *r, struct cb_tar_header *h, struct cb_error *err)
{
    const uint8_t *b = r->block;
    enum tar_kind kind = tar_kind_of(b);
    bool bad = false;

    if (kind == KIND_BAD)
        return tar_malformed(r, err, "a header with a wrong checksum");
    *h = (struct cb_tar_header){.type = b[TAR_TYPE.at]};
    h->name = block_string(r, TAR_NAME); // copies: a sparse file's map is read into the same block
    h->linkname = block_string(r, TAR_LINKNAME);
    h->size = tar_number(b, TAR_SIZE, &bad);
    h->mode = tar_number(b, TAR_MODE, &bad);
    h->uid = tar_number(b, TAR_UID, &bad);
    h->gid = tar_number(b, TAR_GID, &bad);
    h->mtime.sec = tar_number(b, TAR_MTIME, &bad);
    if (kind != KIND_V7) {
        h->uname = block_string(r, TAR_UNAME);
        h->gname = block_string(r, TAR_GNAME);
        h->devmajor = tar_number(b, TAR_DEVMAJOR, &bad);
        h->devminor = tar_number(b, TAR_DEVMINOR, &bad);
        struct cb_str prefix = prefix_of(b, kind, &h->format, &bad);
        if (prefix.n > 0)
            h->name = cb_arena_format(&r->special, "%.*s/%.*s", CB_STR_ARG(prefix), CB_STR_ARG(h->name));
    }
    return bad ? tar_malformed(r, err, "a header with a number that cannot be read") : 0;
}

static bool is_zero(const uint8_t *block)
{
    for (size_t i = 0; i < TAR_BLOCK; i++)
        if (block[i])
            return false;
    return true;
}

// 1, or 0 at the end: of the bytes, or of the archive (two blocks of zeros).
static int read_block(struct cb_tar_reader *r, struct cb_error *err)
{
    for (int zero_blocks = 0; zero_blocks < 2; zero_blocks++) {
        ssize_t got = tar_raw(r, r->block, TAR_BLOCK, err);
        if (got <= 0)
            return (int)got;
        if (got < (ssize_t)TAR_BLOCK)
            return tar_malformed(r, err, "it ends within a header");
        if (!is_zero(r->block)) {
            if (zero_blocks > 0)
                return tar_malformed(r, err, "a block of zeros and then more");
            return 1;
        }
    }
    return 0;
}

// --- The current member's data

int tar_set_data(struct cb_tar_reader *r, const struct cb_tar_header *h, struct cb_error *err)
{
    if (!tar_header_only(h->type) && h->size < 0)
        return tar_malformed(r, err, "a member of negative size");
    r->left = cb_tar_data_size(h);
    r->pad = -r->left & (TAR_BLOCK - 1);
    r->sparse = false;
    return 0;
}

ssize_t tar_data(struct cb_tar_reader *r, void *p, size_t n, struct cb_error *err)
{
    if (n > r->left)
        n = (size_t)r->left;
    ssize_t got = n > 0 ? cb_read(r->in, p, n, err) : 0;
    if (got > 0) {
        r->left -= (uint64_t)got;
        r->pos += (uint64_t)got;
    }
    if (got == 0 && n > 0)
        return tar_malformed(r, err, "it ends within a member's data");
    return got;
}

ssize_t cb_tar_read(struct cb_tar_reader *r, void *p, size_t n, struct cb_error *err)
{
    if (r->failed)
        return cb_fail(err, CB_E_INPUT, "%s: reading on after an error", r->name);
    if (n == 0)
        return 0;
    ssize_t got = r->sparse ? tar_sparse_read(r, p, n, err) : tar_data(r, p, n, err);
    return got < 0 ? failed(r) : got;
}

// --- Describing members

// The whole member's data into *b.
static int read_special(struct cb_tar_reader *r, struct cb_buf *b, struct cb_error *err)
{
    if (r->left > CB_TAR_SPECIAL_MAX)
        return cb_fail(err, CB_E_LIMIT, "%s: a PAX header or long name of %" PRIu64 " bytes; at most %u", r->name,
                       r->left, CB_TAR_SPECIAL_MAX);
    cb_buf_reserve(b, (size_t)r->left + 1);
    while (r->left > 0) {
        ssize_t got = tar_data(r, b->p + b->n, (size_t)r->left, err);
        if (got < 0)
            return -1;
        b->n += (size_t)got;
    }
    return 0;
}

// Cuts one "<size> <key>=<value>\n" off *rest; the size counts all of it, its own digits too.
static bool cut_record(struct cb_str *rest, struct cb_tar_pax *record)
{
    struct cb_str body = *rest, digits;
    int64_t size;

    if (cb_str_find(*rest, ' ') < 0)
        return false;
    cb_str_cut(&body, ' ', &digits);
    if (!cb_str_i64(digits, 10, &size) || size < 5 || (uint64_t)size > rest->n || (uint64_t)size <= digits.n + 1)
        return false;
    body = cb_str_head(body, (size_t)size - digits.n - 1);
    *rest = cb_str_skip(*rest, (size_t)size);
    if (!cb_str_ends(body, "\n") || cb_str_find(body, '=') < 0)
        return false;
    body.n--;
    // A line end cannot be the '=' that was found: cut within the record itself.
    if (!cb_str_cut(&body, '=', &record->key) || !body.p)
        return false;
    record->value = body;
    return tar_pax_valid(record->key, record->value);
}

struct numbered_record { // to sort stably
    struct cb_tar_pax pax;
    size_t at;
};

static int by_key_and_place(const void *a, const void *b)
{
    const struct numbered_record *x = a, *y = b;
    int keys = cb_str_cmp(x->pax.key, y->pax.key);
    return keys ? keys : (x->at > y->at) - (x->at < y->at);
}

struct records {
    struct numbered_record *v;
    size_t n, cap;
};

// Sorts, and of equal keys keeps the one that stood last.
static void take_records(struct cb_tar_reader *r, struct records *all)
{
    size_t n = 0;

    r->pax = cb_arena_alloc(&r->special, all->n * sizeof *r->pax);
    if (all->n > 0)
        qsort(all->v, all->n, sizeof *all->v, by_key_and_place);
    for (size_t i = 0; i < all->n; i++)
        if (i + 1 == all->n || !cb_str_eq(all->v[i].pax.key, all->v[i + 1].pax.key))
            r->pax[n++] = all->v[i].pax;
    r->npax = n;
}

// GNU's sparse format 0.0 has a pair of records a fragment, of the same two keys; they become the one record of 0.1.
static bool sparse_pair(struct cb_buf *map, size_t *seen, const struct cb_tar_pax *record, bool *taken)
{
    bool offset = cb_str_is(record->key, "GNU.sparse.offset");

    *taken = offset || cb_str_is(record->key, "GNU.sparse.numbytes");
    if (!*taken)
        return true;
    if (offset != (*seen % 2 == 0) || cb_str_find(record->value, ',') >= 0)
        return false;
    if ((*seen)++ > 0)
        cb_buf_addc(map, ',');
    cb_buf_addstr(map, record->value);
    return true;
}

static int read_pax(struct cb_tar_reader *r, struct cb_error *err)
{
    CB_BUF_AUTO bytes = {0};
    CB_BUF_AUTO map = {0};
    struct records all = {0};
    struct cb_str rest;
    size_t pairs = 0;
    bool good = true, taken;

    if (read_special(r, &bytes, err) != 0)
        return -1;
    rest = cb_arena_str(&r->special, cb_buf_str(&bytes));
    while (good && rest.n > 0) {
        struct cb_tar_pax record;
        good = cut_record(&rest, &record) && sparse_pair(&map, &pairs, &record, &taken);
        if (good && !taken)
            *cb_vec_add(&all) = (struct numbered_record){record, all.n};
    }
    if (good && pairs > 0) {
        struct cb_str value = cb_arena_str(&r->special, cb_buf_str(&map));
        *cb_vec_add(&all) = (struct numbered_record){{CB_STR("GNU.sparse.map"), value}, all.n};
    }
    if (good)
        take_records(r, &all);
    cb_vec_release(&all);
    return good ? 0 : tar_malformed(r, err, "a PAX header that cannot be read");
}

static int read_long(struct cb_tar_reader *r, struct cb_str *out, struct cb_error *err)
{
    CB_BUF_AUTO bytes = {0};

    if (read_special(r, &bytes, err) != 0)
        return -1;
    *out = cb_arena_str(&r->special, cb_strn(bytes.p, bytes.p ? strnlen(bytes.p, bytes.n) : 0));
    return 0;
}

// "sec.fraction"; digits beyond the ninth must be digits, but do not count.
static bool parse_time(struct cb_str s, struct cb_time *t)
{
    struct cb_str rest = s, whole = {0};
    int32_t nsec = 0;

    cb_str_cut(&rest, '.', &whole);
    if (!cb_str_i64(whole, 10, &t->sec))
        return false;
    for (size_t i = 0; i < rest.n || i < 9; i++) {
        char c = i < rest.n ? rest.p[i] : '0';
        if (c < '0' || c > '9')
            return false;
        if (i < 9)
            nsec = nsec * 10 + (c - '0');
    }
    t->nsec = nsec;
    if (nsec > 0 && cb_str_starts(whole, "-")) { // counted from the floor; Go's int64 wraps around here too
        t->sec = (int64_t)((uint64_t)t->sec - 1);
        t->nsec = 1000000000 - nsec;
    }
    return true;
}

static bool apply_record(struct cb_tar_header *h, const struct cb_tar_pax *p)
{
    const struct {
        const char *key;
        struct cb_str *text;
        int64_t *number;
        struct cb_time *time;
    } fields[] = {
        {"path", &h->name, NULL, NULL},   {"linkpath", &h->linkname, NULL, NULL}, {"uname", &h->uname, NULL, NULL},
        {"gname", &h->gname, NULL, NULL}, {"uid", NULL, &h->uid, NULL},           {"gid", NULL, &h->gid, NULL},
        {"size", NULL, &h->size, NULL},   {"mtime", NULL, NULL, &h->mtime},       {"atime", NULL, NULL, NULL},
        {"ctime", NULL, NULL, NULL},
    };

    if (p->value.n == 0) // says that the header's own field counts
        return true;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct cb_time unused;
        if (!cb_str_is(p->key, fields[i].key))
            continue;
        if (fields[i].number)
            return cb_str_i64(p->value, 10, fields[i].number);
        if (!fields[i].text)
            return parse_time(p->value, fields[i].time ? fields[i].time : &unused);
        *fields[i].text = p->value;
    }
    return true;
}

static int apply_pax(struct cb_tar_reader *r, struct cb_tar_header *h, struct cb_error *err)
{
    for (size_t i = 0; i < r->npax; i++)
        if (!apply_record(h, &r->pax[i]))
            return tar_malformed(r, err, "a PAX record with a number or time that cannot be read");
    h->pax = r->pax;
    h->npax = r->npax;
    return 0;
}

// --- Members

struct described { // by the members before it
    struct cb_str name, link;
    uint8_t format;
};

// The member after what describes it.
static int finish_header(struct cb_tar_reader *r, struct cb_tar_header *h, struct described *d, struct cb_error *err)
{
    if (apply_pax(r, h, err) != 0)
        return -1;
    if (d->name.n > 0)
        h->name = d->name;
    if (d->link.n > 0)
        h->linkname = d->link;
    if (h->type == 0)
        h->type = cb_str_ends(h->name, "/") ? CB_TAR_DIR : CB_TAR_FILE;
    // Records may have changed the size; a sparse map stands at the start of the data.
    if (tar_set_data(r, h, err) != 0 || tar_sparse_begin(r, h, err) != 0)
        return -1;
    if ((d->format & CB_TAR_USTAR) && (d->format & CB_TAR_PAX))
        d->format = CB_TAR_USTAR;
    h->format = d->format;
    return 1;
}

// 1: *h is the next member; 0: the end; 2: it described the next one.
static int read_member(struct cb_tar_reader *r, struct cb_tar_header *h, struct described *d, struct cb_error *err)
{
    int rc = read_block(r, err);

    if (rc <= 0)
        return rc;
    if (parse_block(r, h, err) != 0 || tar_set_data(r, h, err) != 0)
        return -1;
    d->format &= h->format;
    switch (h->type) {
    case CB_TAR_GLOBAL:
    case TAR_PAX_HEADER:
        d->format &= CB_TAR_PAX;
        if (read_pax(r, err) != 0)
            return -1;
        if (h->type == TAR_PAX_HEADER)
            return 2;
        // In the reference a global header's own fields take effect on itself, but only its name is given on.
        if (apply_pax(r, h, err) != 0)
            return -1;
        *h = (struct cb_tar_header){.name = h->name,
                                    .type = h->type,
                                    .format = d->format,
                                    .mtime = CB_TIME_ZERO,
                                    .pax = h->pax,
                                    .npax = h->npax};
        return 1;
    case TAR_GNU_NAME:
        d->format &= CB_TAR_GNU;
        return read_long(r, &d->name, err) != 0 ? -1 : 2;
    case TAR_GNU_LINK:
        d->format &= CB_TAR_GNU;
        return read_long(r, &d->link, err) != 0 ? -1 : 2;
    default:
        return finish_header(r, h, d, err);
    }
}

// Skips what is left of the member. An archive may end within its padding: that counts as its end.
static int skip_member(struct cb_tar_reader *r, struct cb_error *err)
{
    uint8_t padding[TAR_BLOCK];

    if (skip_raw(r, r->left, err) != 0)
        return -1;
    r->left = 0;
    ssize_t got = tar_raw(r, padding, (size_t)r->pad, err);
    if (got < 0)
        return -1;
    bool ended = (uint64_t)got < r->pad;
    r->pad = 0;
    return ended ? 0 : 1;
}

static struct cb_str own(struct cb_arena *a, struct cb_str s)
{
    return s.n > 0 ? cb_arena_str(a, s) : (struct cb_str){"", 0};
}

static void copy_header(struct cb_arena *a, struct cb_tar_header *h)
{
    struct cb_tar_pax *pax = cb_arena_alloc(a, h->npax * sizeof *pax);

    h->name = own(a, h->name);
    h->linkname = own(a, h->linkname);
    h->uname = own(a, h->uname);
    h->gname = own(a, h->gname);
    for (size_t i = 0; i < h->npax; i++)
        pax[i] = (struct cb_tar_pax){own(a, h->pax[i].key), own(a, h->pax[i].value)};
    h->pax = h->npax > 0 ? pax : NULL;
}

static int next(struct cb_tar_reader *r, struct cb_tar_header *h, struct cb_error *err)
{
    struct described d = {.format = CB_TAR_USTAR | CB_TAR_PAX | CB_TAR_GNU};
    int rc = 2;

    r->npax = 0;
    while (rc == 2) {
        rc = skip_member(r, err);
        if (rc > 0)
            rc = read_member(r, h, &d, err);
    }
    return rc;
}

int cb_tar_next(struct cb_tar_reader *r, struct cb_arena *a, struct cb_tar_header *h, struct cb_error *err)
{
    if (r->failed)
        return cb_fail(err, CB_E_INPUT, "%s: reading on after an error", r->name);
    if (r->ended)
        return 0;
    int rc = next(r, h, err);
    if (rc > 0)
        copy_header(a, h);
    r->ended = rc == 0;
    r->data_at = r->pos;
    r->failed = rc < 0;
    if (r->ended)
        r->left = 0;
    cb_arena_release(&r->special);
    return rc;
}

uint64_t cb_tar_data_offset(const struct cb_tar_reader *r)
{
    return r->data_at;
}

struct cb_tar_reader *cb_tar_reader_new(struct cb_source *in, const char *name)
{
    struct cb_tar_reader *r = cb_zalloc(sizeof *r);

    r->in = in;
    r->name = name;
    return r;
}

void cb_tar_reader_free(struct cb_tar_reader *r)
{
    if (!r)
        return;
    cb_arena_release(&r->special);
    cb_vec_release(&r->holes);
    free(r);
}

static ssize_t source_read(struct cb_source *s, void *p, size_t n, struct cb_error *err)
{
    return cb_tar_read(((struct cb_tar_source *)s)->reader, p, n, err);
}

struct cb_tar_source cb_tar_source(struct cb_tar_reader *r)
{
    return (struct cb_tar_source){{source_read}, r};
}
