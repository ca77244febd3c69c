// Sparse files: GNU's old format (typeflag 'S', a map in the header and in blocks after it), and its PAX formats 0.0,
// 0.1 (a map in a record) and 1.0 (a map at the start of the data). A map lists the fragments that have data; turned
// around it lists the holes between them.
#include "tar_reader.h"

#include <inttypes.h>
#include <stdlib.h>

#include "cbuild/base/vec.h"

#define ENTRY_SIZE 24u // of the old format's map: offset and length, twelve bytes each

struct map {
    struct tar_fragment *v;
    size_t n, cap;
};

static int too_long(struct cb_tar_reader *r, struct cb_error *err)
{
    return cb_fail(err, CB_E_LIMIT, "%s: a sparse file's map of more than %u bytes", r->name, CB_TAR_SPECIAL_MAX);
}

// --- The old format

// The map's entries in a block; they end early at one that begins with a NUL.
static bool old_entries(const uint8_t *block, struct tar_field table, struct map *map)
{
    bool bad = false;

    for (uint16_t at = table.at; at + ENTRY_SIZE <= table.at + table.n && block[at] != 0; at += ENTRY_SIZE) {
        struct tar_fragment *f = cb_vec_add(map);
        f->at = tar_number(block, (struct tar_field){at, 12}, &bad);
        f->length = tar_number(block, (struct tar_field){(uint16_t)(at + 12), 12}, &bad);
        if (bad)
            return false;
    }
    return true;
}

static int old_map(struct cb_tar_reader *r, struct cb_tar_header *h, struct map *map, struct cb_error *err)
{
    struct tar_field table = TAR_GNU_SPARSE;
    bool bad = false;

    if (tar_kind_of(r->block) != KIND_GNU)
        return tar_malformed(r, err, "a sparse file that is not of GNU's format");
    h->size = tar_number(r->block, TAR_GNU_REALSIZE, &bad);
    if (bad)
        return tar_malformed(r, err, "a sparse file whose size cannot be read");
    for (size_t total = table.n; total < CB_TAR_SPECIAL_MAX; total += TAR_BLOCK) {
        if (!old_entries(r->block, table, map))
            return tar_malformed(r, err, "a sparse file's map that cannot be read");
        uint8_t more = r->block[table.at + table.n / ENTRY_SIZE * ENTRY_SIZE];
        if (more == 0)
            return 0;
        ssize_t got = tar_raw(r, r->block, TAR_BLOCK, err);
        if (got < 0)
            return -1;
        if (got < (ssize_t)TAR_BLOCK)
            return tar_malformed(r, err, "it ends within a sparse file's map");
        table = (struct tar_field){0, TAR_BLOCK};
    }
    return too_long(r, err);
}

// --- PAX 1.0: decimal numbers, a line each, padded to a block: how many fragments, then their offsets and lengths

struct lines {
    struct cb_buf text;
    size_t lines; // whole ones that are not yet taken
    size_t at, total;
};

static int feed(struct cb_tar_reader *r, struct lines *l, uint64_t wanted, struct cb_error *err)
{
    while (l->lines < wanted) {
        char block[TAR_BLOCK];
        l->total += TAR_BLOCK;
        if (l->total > CB_TAR_SPECIAL_MAX)
            return too_long(r, err);
        for (size_t done = 0; done < sizeof block;) {
            ssize_t got = tar_data(r, block + done, sizeof block - done, err);
            if (got < 0)
                return -1;
            if (got == 0)
                return tar_malformed(r, err, "a member's data ends within its sparse map");
            done += (size_t)got;
        }
        cb_buf_add(&l->text, block, sizeof block);
        for (size_t i = 0; i < sizeof block; i++)
            l->lines += block[i] == '\n';
    }
    return 0;
}

static bool take(struct lines *l, int64_t *x)
{
    struct cb_str rest = cb_str_skip(cb_buf_str(&l->text), l->at), line;

    cb_str_cut(&rest, '\n', &line);
    l->at += line.n + 1;
    l->lines--;
    return cb_str_i64(line, 10, x);
}

static int data_map(struct cb_tar_reader *r, struct map *map, struct cb_error *err)
{
    struct lines l = {0};
    int64_t count = 0;
    int rc = feed(r, &l, 1, err);

    if (rc == 0 && (!take(&l, &count) || count < 0 || count > INT64_MAX / 2))
        rc = tar_malformed(r, err, "a sparse file's map that cannot be read");
    if (rc == 0)
        rc = feed(r, &l, 2 * (uint64_t)count, err);
    for (int64_t i = 0; rc == 0 && i < count; i++) {
        struct tar_fragment *f = cb_vec_add(map);
        bool at = take(&l, &f->at), length = take(&l, &f->length);
        if (!at || !length)
            rc = tar_malformed(r, err, "a sparse file's map that cannot be read");
    }
    cb_buf_release(&l.text);
    return rc;
}

// --- PAX 0.1: "offset,length,offset,length..." in one record

static int record_map(struct cb_tar_reader *r, const struct cb_tar_header *h, struct map *map, struct cb_error *err)
{
    struct cb_str rest = cb_tar_pax_get(h, "GNU.sparse.map"), part;
    struct cb_str blocks = cb_tar_pax_get(h, "GNU.sparse.numblocks");
    int64_t count, x;
    uint64_t numbers = 0;

    if (!cb_str_i64(blocks, 10, &count) || count < 0)
        return tar_malformed(r, err, "a sparse file without the number of its fragments");
    if (rest.n == 0)
        rest.p = NULL;
    while (cb_str_cut(&rest, ',', &part)) {
        if (!cb_str_i64(part, 10, &x))
            return tar_malformed(r, err, "a sparse file's map that cannot be read");
        if (numbers++ % 2 == 0)
            cb_vec_add(map)->at = x;
        else
            map->v[map->n - 1].length = x;
    }
    if (numbers % 2 != 0 || numbers / 2 != (uint64_t)count)
        return tar_malformed(r, err, "a sparse file whose map is not as long as it says");
    return 0;
}

static bool has(const struct cb_tar_header *h, const char *key, struct cb_str *value)
{
    *value = cb_tar_pax_get(h, key);
    return value->n > 0;
}

// 1 where the records make h a sparse file.
static int pax_map(struct cb_tar_reader *r, struct cb_tar_header *h, struct map *map, struct cb_error *err)
{
    struct cb_str major, minor, value;
    bool versioned = has(h, "GNU.sparse.major", &major);
    versioned |= has(h, "GNU.sparse.minor", &minor);
    bool in_data = cb_str_is(major, "1") && cb_str_is(minor, "0");
    bool in_record = cb_str_is(major, "0") && (cb_str_is(minor, "0") || cb_str_is(minor, "1"));

    if (!versioned)
        in_record = has(h, "GNU.sparse.map", &value);
    if (!in_data && !in_record)
        return 0;
    if (has(h, "GNU.sparse.name", &value))
        h->name = value;
    if ((has(h, "GNU.sparse.size", &value) || has(h, "GNU.sparse.realsize", &value)) &&
        !cb_str_i64(value, 10, &h->size))
        return tar_malformed(r, err, "a sparse file whose size cannot be read");
    int rc = in_data ? data_map(r, map, err) : record_map(r, h, map, err);
    return rc == 0 ? 1 : -1;
}

// --- Holes

// In order, without overlap, within the file.
static bool is_valid(const struct map *map, int64_t size)
{
    int64_t end = 0;

    if (size < 0)
        return false;
    for (size_t i = 0; i < map->n; i++) {
        const struct tar_fragment *f = &map->v[i];
        if (f->at < 0 || f->length < 0 || f->at > INT64_MAX - f->length || f->at + f->length > size || end > f->at)
            return false;
        end = f->at + f->length;
    }
    return true;
}

static void set_holes(struct cb_tar_reader *r, const struct map *map, int64_t size)
{
    int64_t end = 0;

    r->holes.n = 0;
    for (size_t i = 0; i < map->n; i++) {
        if (map->v[i].length == 0)
            continue;
        if (map->v[i].at > end)
            *cb_vec_add(&r->holes) = (struct tar_fragment){end, map->v[i].at - end};
        end = map->v[i].at + map->v[i].length;
    }
    *cb_vec_add(&r->holes) = (struct tar_fragment){end, size - end}; // the last may be empty
    r->hole = 0;
    r->place = 0;
    r->sparse = true;
}

int tar_sparse_begin(struct cb_tar_reader *r, struct cb_tar_header *h, struct cb_error *err)
{
    struct map map = {0};
    int rc = 1;

    if (h->type == TAR_GNU_SPARSE_FILE)
        rc = old_map(r, h, &map, err) == 0 ? 1 : -1;
    else
        rc = pax_map(r, h, &map, err);
    if (rc == 1) {
        h->sparse = true;
        if (tar_header_only(h->type) || !is_valid(&map, h->size))
            rc = tar_malformed(r, err, "a sparse file's map that does not fit it");
        else
            set_holes(r, &map, h->size);
    }
    cb_vec_release(&map);
    return rc < 0 ? -1 : 0;
}

ssize_t tar_sparse_read(struct cb_tar_reader *r, void *p, size_t n, struct cb_error *err)
{
    int64_t end = r->holes.v[r->holes.n - 1].at + r->holes.v[r->holes.n - 1].length;

    if ((uint64_t)(end - r->place) < n)
        n = (size_t)(end - r->place);
    if (n == 0) {
        if (r->left > 0)
            return tar_malformed(r, err, "a sparse file with more data than its map has room for");
        return 0;
    }
    const struct tar_fragment *hole = &r->holes.v[r->hole];
    bool data = r->place < hole->at;
    int64_t room = data ? hole->at - r->place : hole->at + hole->length - r->place;
    if ((uint64_t)room < n)
        n = (size_t)room;
    ssize_t got = (ssize_t)n;
    if (data)
        got = tar_data(r, p, n, err);
    else
        memset(p, 0, n);
    if (got < 0)
        return -1;
    if (got == 0)
        return tar_malformed(r, err, "a sparse file with less data than its map says");
    r->place += got;
    if (r->place >= hole->at + hole->length && r->hole + 1 < r->holes.n)
        r->hole++;
    return got;
}
