// Writing tar archives, byte for byte as Go's archive/tar Writer does.
//
// A header is held against three formats at once, in this order of preference:
//   ustar  names of 100 bytes (256 when they can be cut at a slash), ASCII, numbers that fit the octal fields
//   PAX    ustar, with an extended header before it for what does not fit; the only one that holds xattrs
//   GNU    base-256 numbers and long names; what is left for large modes and device numbers
// A header that asks for a format may use only that one (and ustar too where it asks for PAX and needs no fraction of a
// second). Without such a wish the time is rounded to the second first.
#include "tar_format.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cbuild/base/buf.h"
#include "cbuild/base/file.h"
#include "cbuild/base/vec.h"

#define USTAR_PREFIX_MAX 155
#define OWN_RECORDS 8 // path, linkpath, uname, gname, uid, gid, size, mtime

// What became of the header: the formats that can hold it, and the PAX records that the header's own fields need.
struct plan {
    const struct cb_tar_header *h;
    struct cb_time mtime; // rounded
    unsigned formats;     // of CB_TAR_USTAR | CB_TAR_PAX | CB_TAR_GNU
    bool fraction;        // PAX was asked for and ustar would lose something of the time
    struct cb_tar_pax own[OWN_RECORDS];
    size_t nown;
    char numbers[OWN_RECORDS][40];
    const char *misfit; // the last field that kept a format out, for the message
};

static const uint8_t zeros[TAR_BLOCK];

// --- Fields

static bool is_ascii(struct cb_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == 0 || (uint8_t)s.p[i] >= 0x80)
            return false;
    return true;
}

static bool fits_octal(unsigned width, int64_t x)
{
    return x >= 0 && (uint64_t)x < (UINT64_C(1) << ((width - 1) * 3));
}

static bool fits_base256(unsigned width, int64_t x)
{
    if (width >= 9)
        return true;
    int64_t limit = INT64_C(1) << ((width - 1) * 8);
    return x >= -limit && x < limit;
}

static void put_string(uint8_t *block, struct tar_field f, struct cb_str s)
{
    uint8_t *b = block + f.at;
    size_t n = s.n < f.n ? s.n : f.n;

    if (n)
        memcpy(b, s.p, n);
    // A cut name must not end in a slash: old readers would take the file for a folder.
    if (s.n > f.n && b[f.n - 1] == '/') {
        size_t end = f.n - 1u;
        while (end > 0 && b[end - 1] == '/')
            end--;
        b[end] = 0;
    }
}

// Zero-padded octal with a NUL; 0 where it does not fit (a PAX record holds the number then).
static void put_octal(uint8_t *block, struct tar_field f, int64_t x)
{
    uint64_t left = fits_octal(f.n, x) ? (uint64_t)x : 0;

    block[f.at + f.n - 1] = 0;
    for (size_t i = f.at + f.n - 1u; i-- > f.at; left >>= 3)
        block[i] = (uint8_t)('0' + (left & 7));
}

// Octal, or two's complement with the top bit set where octal is too narrow: GNU's way.
static void put_number_gnu(uint8_t *block, struct tar_field f, int64_t x)
{
    if (fits_octal(f.n, x) || !fits_base256(f.n, x)) {
        put_octal(block, f, x);
        return;
    }
    for (unsigned i = f.n; i-- > 0; x >>= 8)
        block[f.at + i] = (uint8_t)x;
    block[f.at] |= 0x80;
}

static void seal(uint8_t *block, const char *magic)
{
    memcpy(block + TAR_MAGIC.at, magic, TAR_MAGIC.n);
    put_octal(block, (struct tar_field){TAR_CHECKSUM.at, 7}, tar_checksums(block).as_unsigned);
    block[TAR_CHECKSUM.at + 7] = ' ';
}

// --- Which formats can hold the header

static void own_record(struct plan *p, const char *key, struct cb_str value)
{
    for (size_t i = 0; i < p->nown; i++)
        if (cb_str_is(p->own[i].key, key)) {
            p->own[i].value = value;
            return;
        }
    assert(p->nown < OWN_RECORDS);
    p->own[p->nown++] = (struct cb_tar_pax){cb_str(key), value};
}

static void cannot(struct plan *p, unsigned format, const char *field)
{
    p->formats &= ~format;
    p->misfit = field;
}

// Cuts a long name at a slash into a prefix and the rest, so that both fit ustar's fields; false where it cannot.
static bool split_name(struct cb_str name, struct cb_str *prefix, struct cb_str *rest)
{
    size_t n = name.n;

    if (n <= TAR_NAME.n || !is_ascii(name))
        return false;
    if (n > USTAR_PREFIX_MAX + 1)
        n = USTAR_PREFIX_MAX + 1;
    else if (name.p[n - 1] == '/')
        n--;
    ptrdiff_t at = cb_str_rfind(cb_str_head(name, n), '/');
    if (at <= 0 || at > USTAR_PREFIX_MAX)
        return false;
    *prefix = cb_str_head(name, (size_t)at);
    *rest = cb_str_skip(name, (size_t)at + 1);
    return rest->n > 0 && rest->n <= TAR_NAME.n;
}

static void check_string(struct plan *p, struct cb_str s, unsigned width, const char *key)
{
    bool too_long = s.n > width, is_path = strcmp(key, "path") == 0;
    bool gnu_long = is_path || strcmp(key, "linkpath") == 0;
    struct cb_str prefix, rest, asked;

    if (cb_str_find(s, '\0') >= 0 || (too_long && !gnu_long))
        cannot(p, CB_TAR_GNU, key);
    if (too_long || !is_ascii(s)) {
        if (!is_path || !split_name(s, &prefix, &rest))
            cannot(p, CB_TAR_USTAR, key);
        own_record(p, key, s);
    }
    asked = cb_tar_pax_get(p->h, key);
    if (asked.p && cb_str_eq(asked, s))
        own_record(p, key, s);
}

// key is NULL for numbers that PAX has no record for.
static void check_number(struct plan *p, int64_t x, unsigned width, const char *name, const char *key)
{
    if (!fits_base256(width, x))
        cannot(p, CB_TAR_GNU, name);
    bool octal = fits_octal(width, x);
    if (!octal)
        cannot(p, CB_TAR_USTAR | (key ? 0u : CB_TAR_PAX), name);
    if (!key || (octal && p->h->npax == 0))
        return;
    char *text = p->numbers[p->nown];
    snprintf(text, sizeof p->numbers[0], "%" PRId64, x);
    struct cb_str asked = cb_tar_pax_get(p->h, key);
    if (!octal || (asked.p && cb_str_is(asked, text)))
        own_record(p, key, cb_str(text));
}

static void format_time(char *out, size_t size, struct cb_time t)
{
    if (t.nsec == 0) {
        snprintf(out, size, "%" PRId64, t.sec);
        return;
    }
    // Seconds and fraction both count from the floor; a negative time is written by its distance from zero.
    bool negative = t.sec < 0;
    int64_t sec = negative ? -(t.sec + 1) : t.sec;
    int32_t nsec = negative ? 1000000000 - t.nsec : t.nsec;
    int n = snprintf(out, size, "%s%" PRId64 ".%09d", negative ? "-" : "", sec, nsec);
    while (out[n - 1] == '0')
        out[--n] = 0;
}

static void check_time(struct plan *p)
{
    if (cb_time_is_zero(p->mtime))
        return;
    bool octal = fits_octal(TAR_MTIME.n, p->mtime.sec);
    if (!octal)
        cannot(p, CB_TAR_USTAR, "mtime");
    bool needs = !octal || p->mtime.nsec != 0;
    p->fraction = needs;
    if (!needs && p->h->npax == 0)
        return;
    char *text = p->numbers[p->nown];
    format_time(text, sizeof p->numbers[0], p->mtime);
    struct cb_str asked = cb_tar_pax_get(p->h, "mtime");
    if (needs || (asked.p && cb_str_is(asked, text)))
        own_record(p, "mtime", cb_str(text));
}

// To the nearest second, halves up. Go counts from the year 1 and stops at the end of that range, which lies within
// the range of times since 1970; these wrap around at their own end.
static struct cb_time rounded(struct cb_time t)
{
    bool up = t.nsec >= 500000000 && t.sec != INT64_MAX + CB_TIME_ZERO.sec;
    return (struct cb_time){(int64_t)((uint64_t)t.sec + (up ? 1 : 0)), 0};
}

static int check_type(const struct cb_tar_header *h, struct cb_error *err)
{
    switch (h->type) {
    case CB_TAR_FILE:
    case CB_TAR_CHAR:
    case CB_TAR_BLOCK:
    case CB_TAR_FIFO:
    case TAR_GNU_SPARSE_FILE:
        if (cb_str_ends(h->name, "/"))
            return cb_fail(err, CB_E_INPUT, "tar: %.*s: the name of a file may not end in a slash",
                           CB_STR_ARG(h->name));
        break;
    case TAR_PAX_HEADER:
    case TAR_GNU_NAME:
    case TAR_GNU_LINK:
    case CB_TAR_GLOBAL:
        return cb_fail(err, CB_E_INPUT, "tar: %.*s: members of type '%c' cannot be written", CB_STR_ARG(h->name),
                       h->type);
    default:
        break;
    }
    if (!tar_header_only(h->type) && h->size < 0)
        return cb_fail(err, CB_E_INPUT, "tar: %.*s: negative size %" PRId64, CB_STR_ARG(h->name), h->size);
    return 0;
}

// Records that the reader itself gives a meaning to: only the header's own fields may set them.
static bool is_basic(struct cb_str key)
{
    static const char *const basic[] = {"path",  "linkpath", "size",  "uid",   "gid",
                                        "uname", "gname",    "mtime", "atime", "ctime"};

    for (size_t i = 0; i < sizeof basic / sizeof *basic; i++)
        if (cb_str_is(key, basic[i]))
            return true;
    return cb_str_starts(key, "GNU.sparse.");
}

static int check_records(const struct plan *p, struct cb_error *err)
{
    for (size_t i = 0; i < p->h->npax; i++)
        if (!is_basic(p->h->pax[i].key) && !tar_pax_valid(p->h->pax[i].key, p->h->pax[i].value))
            return cb_fail(err, CB_E_INPUT, "tar: %.*s: invalid PAX record \"%.*s\"", CB_STR_ARG(p->h->name),
                           CB_STR_ARG(p->h->pax[i].key));
    for (size_t i = 0; i < p->nown; i++)
        if (!tar_pax_valid(p->own[i].key, p->own[i].value))
            return cb_fail(err, CB_E_INPUT, "tar: %.*s: a NUL in its %.*s", CB_STR_ARG(p->h->name),
                           CB_STR_ARG(p->own[i].key));
    return 0;
}

static int make_plan(struct plan *p, const struct cb_tar_header *h, struct cb_error *err)
{
    p->h = h;
    p->mtime = h->format == CB_TAR_ANY ? rounded(h->mtime) : h->mtime;
    p->formats = CB_TAR_USTAR | CB_TAR_PAX | CB_TAR_GNU;
    p->fraction = false;
    p->nown = 0;
    p->misfit = "";

    check_string(p, h->name, TAR_NAME.n, "path");
    check_string(p, h->linkname, TAR_LINKNAME.n, "linkpath");
    check_string(p, h->uname, TAR_UNAME.n, "uname");
    check_string(p, h->gname, TAR_GNAME.n, "gname");
    check_number(p, h->mode, TAR_MODE.n, "mode", NULL);
    check_number(p, h->uid, TAR_UID.n, "uid", "uid");
    check_number(p, h->gid, TAR_GID.n, "gid", "gid");
    check_number(p, h->size, TAR_SIZE.n, "size", "size");
    check_number(p, h->devmajor, TAR_DEVMAJOR.n, "device's major number", NULL);
    check_number(p, h->devminor, TAR_DEVMINOR.n, "device's minor number", NULL);
    check_time(p);
    if (check_type(h, err) != 0 || check_records(p, err) != 0)
        return -1;
    if (h->npax > 0)
        p->formats &= CB_TAR_PAX;
    if (h->format != CB_TAR_ANY) {
        unsigned asked = h->format;
        if ((asked & CB_TAR_PAX) && !p->fraction)
            asked |= CB_TAR_USTAR;
        p->formats &= asked;
    }
    if (p->formats == 0)
        return cb_fail(err, CB_E_INPUT, "tar: %.*s: no tar format that may be used can hold its %s",
                       CB_STR_ARG(h->name), p->misfit);
    return 0;
}

// --- Blocks

// The fields that all formats share; gnu chooses how numbers are written.
static void fill(uint8_t *block, const struct plan *p, struct cb_str name, struct cb_str linkname, bool gnu)
{
    void (*number)(uint8_t *, struct tar_field, int64_t) = gnu ? put_number_gnu : put_octal;
    const struct cb_tar_header *h = p->h;
    int64_t mtime = cb_time_is_zero(p->mtime) ? 0 : p->mtime.sec;

    memset(block, 0, TAR_BLOCK);
    block[TAR_TYPE.at] = h->type;
    put_string(block, TAR_NAME, name);
    put_string(block, TAR_LINKNAME, linkname);
    number(block, TAR_MODE, h->mode);
    number(block, TAR_UID, h->uid);
    number(block, TAR_GID, h->gid);
    number(block, TAR_SIZE, h->size);
    number(block, TAR_MTIME, mtime);
    number(block, TAR_DEVMAJOR, h->devmajor);
    number(block, TAR_DEVMINOR, h->devminor);
}

static int write_padding(struct cb_tar_writer *w, uint64_t size, struct cb_error *err)
{
    size_t pad = (size_t)(-size & (TAR_BLOCK - 1));
    return pad ? cb_write(w->out, zeros, pad, err) : 0;
}

// A member of the archive's own, such as a PAX header: nothing but a name, a type and bytes.
static int write_special(struct cb_tar_writer *w, struct cb_str name, uint8_t type, struct cb_str data,
                         const char *magic, struct cb_error *err)
{
    uint8_t block[TAR_BLOCK] = {0};

    name = cb_str_head(name, TAR_NAME.n);
    while (cb_str_ends(name, "/"))
        name.n--;
    block[TAR_TYPE.at] = type;
    put_string(block, TAR_NAME, name);
    put_octal(block, TAR_MODE, 0);
    put_octal(block, TAR_UID, 0);
    put_octal(block, TAR_GID, 0);
    put_octal(block, TAR_SIZE, (int64_t)data.n);
    put_octal(block, TAR_MTIME, 0);
    seal(block, magic);
    if (cb_write(w->out, block, sizeof block, err) != 0 || cb_write(w->out, data.p, data.n, err) != 0)
        return -1;
    return write_padding(w, data.n, err);
}

static int write_ustar(struct cb_tar_writer *w, const struct plan *p, struct cb_error *err)
{
    uint8_t block[TAR_BLOCK];
    struct cb_str prefix = {0}, name = p->h->name;

    if (!split_name(p->h->name, &prefix, &name)) {
        prefix = (struct cb_str){0};
        name = p->h->name;
    }
    fill(block, p, name, p->h->linkname, false);
    put_string(block, TAR_UNAME, p->h->uname);
    put_string(block, TAR_GNAME, p->h->gname);
    put_string(block, TAR_PREFIX, prefix);
    seal(block, TAR_MAGIC_USTAR);
    return cb_write(w->out, block, sizeof block, err);
}

// What of s is ASCII, for the fields that a PAX record stands in for.
static struct cb_str to_ascii(struct cb_str s, char *room, size_t size)
{
    size_t n = 0;

    if (is_ascii(s))
        return s;
    for (size_t i = 0; i < s.n && n < size; i++)
        if (s.p[i] != 0 && (uint8_t)s.p[i] < 0x80)
            room[n++] = s.p[i];
    return cb_strn(room, n);
}

// "<size> <key>=<value>\n", where the size counts its own digits.
static void add_record(struct cb_buf *b, struct cb_str key, struct cb_str value)
{
    size_t rest = key.n + value.n + 3, size = rest;
    char digits[24];

    for (size_t before = 0; before != size;) {
        before = size;
        size = rest + (size_t)snprintf(digits, sizeof digits, "%zu", size);
    }
    cb_buf_addf(b, "%zu ", size);
    cb_buf_addstr(b, key);
    cb_buf_addc(b, '=');
    cb_buf_addstr(b, value);
    cb_buf_addc(b, '\n');
}

static int by_key(const void *a, const void *b)
{
    return cb_str_cmp(((const struct cb_tar_pax *)a)->key, ((const struct cb_tar_pax *)b)->key);
}

static void add_records(struct cb_buf *b, const struct plan *p)
{
    struct {
        struct cb_tar_pax *v;
        size_t n, cap;
    } all = {0};

    for (size_t i = 0; i < p->nown; i++)
        *cb_vec_add(&all) = p->own[i];
    for (size_t i = 0; i < p->h->npax; i++)
        if (!is_basic(p->h->pax[i].key))
            *cb_vec_add(&all) = p->h->pax[i];
    if (all.n > 0)
        qsort(all.v, all.n, sizeof *all.v, by_key);
    for (size_t i = 0; i < all.n; i++)
        add_record(b, all.v[i].key, all.v[i].value);
    cb_vec_release(&all);
}

static int write_pax_records(struct cb_tar_writer *w, const struct plan *p, struct cb_error *err)
{
    CB_BUF_AUTO records = {0};
    CB_BUF_AUTO path = {0};
    struct cb_str name = p->h->name;
    ptrdiff_t slash = cb_str_rfind(name, '/');

    add_records(&records, p);
    if (records.n == 0)
        return 0;
    if (records.n > CB_TAR_SPECIAL_MAX)
        return cb_fail(err, CB_E_LIMIT, "tar: %.*s: its PAX records are %zu bytes; at most %u", CB_STR_ARG(name),
                       records.n, CB_TAR_SPECIAL_MAX);
    cb_buf_addstr(&path, cb_str_head(name, (size_t)(slash + 1)));
    cb_buf_adds(&path, "/PaxHeaders.0/");
    cb_buf_addstr(&path, cb_str_skip(name, (size_t)(slash + 1)));
    // Without a folder before it the name stays relative.
    CB_AUTOFREE char *clean = cb_path_clean(slash < 0 ? cb_str_skip(cb_buf_str(&path), 1) : cb_buf_str(&path));
    char room[TAR_NAME_SIZE];
    return write_special(w, to_ascii(cb_str(clean), room, sizeof room), TAR_PAX_HEADER, cb_buf_str(&records),
                         TAR_MAGIC_USTAR, err);
}

static int write_pax(struct cb_tar_writer *w, const struct plan *p, struct cb_error *err)
{
    // One byte more than the fields: a name that is cut must be seen to be cut.
    char name[TAR_NAME_SIZE + 1], link[TAR_NAME_SIZE + 1], uname[TAR_OWNER_SIZE + 1], gname[TAR_OWNER_SIZE + 1];
    uint8_t block[TAR_BLOCK];

    if (write_pax_records(w, p, err) != 0)
        return -1;
    fill(block, p, to_ascii(p->h->name, name, sizeof name), to_ascii(p->h->linkname, link, sizeof link), false);
    put_string(block, TAR_UNAME, to_ascii(p->h->uname, uname, sizeof uname));
    put_string(block, TAR_GNAME, to_ascii(p->h->gname, gname, sizeof gname));
    seal(block, TAR_MAGIC_USTAR);
    return cb_write(w->out, block, sizeof block, err);
}

static int write_gnu_long(struct cb_tar_writer *w, uint8_t type, struct cb_str s, struct cb_error *err)
{
    if (s.n <= TAR_NAME.n)
        return 0;
    CB_BUF_AUTO data = {0};
    cb_buf_addstr(&data, s);
    cb_buf_addc(&data, 0);
    return write_special(w, CB_STR("././@LongLink"), type, cb_buf_str(&data), TAR_MAGIC_GNU, err);
}

static int write_gnu(struct cb_tar_writer *w, const struct plan *p, struct cb_error *err)
{
    uint8_t block[TAR_BLOCK];

    if (write_gnu_long(w, TAR_GNU_NAME, p->h->name, err) != 0 ||
        write_gnu_long(w, TAR_GNU_LINK, p->h->linkname, err) != 0)
        return -1;
    fill(block, p, p->h->name, p->h->linkname, true);
    put_string(block, TAR_UNAME, p->h->uname);
    put_string(block, TAR_GNAME, p->h->gname);
    seal(block, TAR_MAGIC_GNU);
    return cb_write(w->out, block, sizeof block, err);
}

// --- The archive

struct cb_tar_writer cb_tar_writer(struct cb_sink *out)
{
    return (struct cb_tar_writer){out, 0, 0};
}

static int finish_member(struct cb_tar_writer *w, struct cb_error *err)
{
    if (w->left > 0)
        return cb_fail(err, CB_E_INPUT, "tar: the member before is %" PRIu64 " bytes short", w->left);
    size_t pad = (size_t)w->pad;
    w->pad = 0;
    return pad ? cb_write(w->out, zeros, pad, err) : 0;
}

int cb_tar_write_header(struct cb_tar_writer *w, const struct cb_tar_header *h, struct cb_error *err)
{
    struct plan p;
    struct cb_tar_header promoted = *h;

    if (h->type == 0) // the old way to say "file, or folder if the name ends in a slash"
        promoted.type = cb_str_ends(h->name, "/") ? CB_TAR_DIR : CB_TAR_FILE;
    if (make_plan(&p, &promoted, err) != 0 || finish_member(w, err) != 0)
        return -1;
    int rc = p.formats & CB_TAR_USTAR ? write_ustar(w, &p, err)
             : p.formats & CB_TAR_PAX ? write_pax(w, &p, err)
                                      : write_gnu(w, &p, err);
    if (rc != 0)
        return -1;
    w->left = cb_tar_data_size(&promoted);
    w->pad = -w->left & (TAR_BLOCK - 1);
    return 0;
}

int cb_tar_write(struct cb_tar_writer *w, const void *p, size_t n, struct cb_error *err)
{
    if (n > w->left)
        return cb_fail(err, CB_E_INPUT, "tar: %" PRIu64 " bytes more than the member's header says", n - w->left);
    w->left -= n;
    return n ? cb_write(w->out, p, n, err) : 0;
}

int cb_tar_close(struct cb_tar_writer *w, struct cb_error *err)
{
    if (finish_member(w, err) != 0 || cb_write(w->out, zeros, TAR_BLOCK, err) != 0)
        return -1;
    return cb_write(w->out, zeros, TAR_BLOCK, err);
}
