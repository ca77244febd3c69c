#include <stdlib.h>

#include "cbuild/base/map.h"
#include "cbuild/base/vec.h"
#include "layer_diff.h"

// Entries are matched by name: the first of a name in one archive with the first of that name in the other, and so on.
// What is in one only, what differs in a field, and where the order differs come from the two lists; where contents
// differ comes from a second pass through both archives.

#define NONE SIZE_MAX

struct matching {
    struct comparison *c;
    struct report *r;
    const struct side_layer *const *layers;
    const struct listing *const *lists;
    size_t *b_of;   // for each entry of A, its match in B or NONE
    size_t *a_of;   // for each entry of B, its match in A or NONE
    size_t *next;   // for each entry of B, the next of the same name or NONE
    unsigned limit; // lines still to be written in full
    unsigned long long unsaid;
    struct {
        size_t *v;
        size_t n, cap;
    } contents; // entries of A whose contents differ from their match's
    struct {
        size_t *v;
        size_t n, cap;
    } alone[2]; // entries that are on one side only
};

// Of an entry on a side: the package that owns it.
static struct cb_str owner_of(const struct matching *m, int side, struct cb_str name)
{
    struct cb_str owner = packages_owner(&m->c->packages, side, name);
    return owner.p ? owner : packages_owner(&m->c->packages, !side, name);
}

static void explain(struct matching *m, struct node *n, int side, const struct cb_tar_header *h, unsigned ways)
{
    struct cb_str owner = owner_of(m, side, h->name);
    n->path = cb_arena_str(&m->r->arena, h->name);
    n->package = cb_arena_str(&m->r->arena, owner);
    n->cause = cause_of_entry(&m->c->packages, h->name, owner, ways);
}

// Whether one more difference may be told in full.
static bool may_say(struct matching *m)
{
    m->r->differs = true;
    if (m->limit == 0) {
        m->unsaid++;
        return false;
    }
    m->limit--;
    return true;
}

static void match_by_name(struct matching *m)
{
    const struct listing *a = m->lists[0], *b = m->lists[1];
    struct cb_map heads = {0}; // name to the first unmatched entry of B, as index + 1

    for (size_t i = b->entries.n; i-- > 0;) {
        struct cb_str name = b->entries.v[i].header.name;
        m->a_of[i] = NONE;
        m->next[i] = NONE;
        if (cause_is_ignored_path(m->c->options, name))
            continue;
        struct cb_map_item *item = cb_map_find(&heads, name);
        m->next[i] = item ? (size_t)(uintptr_t)item->value - 1 : NONE;
        cb_map_put(&heads, name, (void *)(uintptr_t)(i + 1), NULL);
    }
    for (size_t i = 0; i < a->entries.n; i++) {
        struct cb_map_item *item = cb_map_find(&heads, a->entries.v[i].header.name);
        size_t k = item ? (size_t)(uintptr_t)item->value - 1 : NONE;
        m->b_of[i] = k;
        if (k == NONE)
            continue;
        m->a_of[k] = i;
        item->value = (void *)(uintptr_t)(m->next[k] + 1); // NONE + 1 is 0, whose predecessor is NONE again
    }
    cb_map_release(&heads);
}

static void say_only(struct matching *m, int side, size_t i)
{
    const struct cb_tar_header *h = &m->lists[side]->entries.v[i].header;
    CB_AUTOFREE char *name = report_quote(h->name);

    if (cause_is_ignored_path(m->c->options, h->name))
        return;
    *cb_vec_add(&m->alone[side]) = i;
    if (h->type == CB_TAR_FILE)
        packages_count(&m->c->packages, owner_of(m, side, h->name), (uint64_t)h->size);
    if (may_say(m))
        explain(m,
                report_line(m->r, "%s: only in %c (type %c, mode %04llo, %lld bytes)", name, 'A' + side, h->type,
                            (unsigned long long)h->mode, (long long)h->size),
                side, h, ENTRY_ONLY);
}

static void say_unmatched(struct matching *m)
{
    for (size_t i = 0; i < m->lists[0]->entries.n; i++)
        if (m->b_of[i] == NONE)
            say_only(m, 0, i);
    for (size_t i = 0; i < m->lists[1]->entries.n; i++)
        if (m->a_of[i] == NONE)
            say_only(m, 1, i);
}

// The first place where matched entries do not come in the same order.
static void say_order(struct matching *m)
{
    const struct listing *a = m->lists[0];
    size_t last = NONE;

    for (size_t i = 0; i < a->entries.n; i++) {
        if (m->b_of[i] == NONE)
            continue;
        if (last != NONE && m->b_of[i] < m->b_of[last]) {
            CB_AUTOFREE char *earlier = report_quote(a->entries.v[last].header.name);
            CB_AUTOFREE char *later = report_quote(a->entries.v[i].header.name);
            if (may_say(m))
                report_line(m->r, "order: %s comes before %s in A, after it in B", earlier, later)->cause =
                    CB_STR("another order of entries");
            return;
        }
        last = i;
    }
}

struct fields {
    struct cb_buf text;
    unsigned ways; // ENTRY_*
    const struct cb_diff_ignore *ignore;
};

static void compare_str(struct fields *f, unsigned way, const char *field, struct cb_str a, struct cb_str b)
{
    CB_AUTOFREE char *left = NULL;
    CB_AUTOFREE char *right = NULL;

    if (cb_str_eq(a, b))
        return;
    left = report_quote(a);
    right = report_quote(b);
    cb_buf_addf(&f->text, "; %s A %s, B %s", field, left, right);
    f->ways |= way;
}

static void compare_int(struct fields *f, unsigned way, const char *field, int64_t a, int64_t b)
{
    if (a == b)
        return;
    cb_buf_addf(&f->text, "; %s A %lld, B %lld", field, (long long)a, (long long)b);
    f->ways |= way;
}

// What a record is about; 0 where it is not to count.
static unsigned way_of_record(const struct cb_diff_ignore *i, struct cb_str key)
{
    if (cb_str_is(key, "mtime") || cb_str_is(key, "atime") || cb_str_is(key, "ctime"))
        return i->file_timestamps ? 0 : ENTRY_TIME;
    if (cb_str_is(key, "path") || cb_str_is(key, "linkpath") || cb_str_is(key, "size") || cb_str_is(key, "uid") ||
        cb_str_is(key, "gid") || cb_str_is(key, "uname") || cb_str_is(key, "gname"))
        return i->tar_format || (i->canonical_paths && cb_str_ends(key, "path")) ? 0 : ENTRY_FORMAT;
    return cb_str_starts(key, CB_TAR_XATTR) ? ENTRY_ATTRIBUTES : ENTRY_FORMAT;
}

static void compare_pax(struct fields *f, const struct cb_tar_header *a, const struct cb_tar_header *b)
{
    size_t i = 0, k = 0;

    while (i < a->npax || k < b->npax) {
        int order = i == a->npax ? 1 : k == b->npax ? -1 : cb_str_cmp(a->pax[i].key, b->pax[k].key);
        const struct cb_tar_pax *left = order <= 0 ? &a->pax[i++] : NULL, *right = order >= 0 ? &b->pax[k++] : NULL;
        unsigned way = way_of_record(f->ignore, (left ? left : right)->key);
        CB_AUTOFREE char *key = report_quote((left ? left : right)->key);
        CB_AUTOFREE char *field = cb_format("pax %s", key);
        if (way)
            compare_str(f, way, field, left ? left->value : CB_STR("(absent)"),
                        right ? right->value : CB_STR("(absent)"));
    }
}

static void compare_mode(struct fields *f, const struct cb_tar_header *a, const struct cb_tar_header *b)
{
    int64_t mask = f->ignore->file_mode_bits ? 07777 : -1;

    if ((a->mode & mask) == (b->mode & mask))
        return;
    cb_buf_addf(&f->text, "; mode A %04llo, B %04llo", (unsigned long long)a->mode, (unsigned long long)b->mode);
    f->ways |= ENTRY_MODE;
}

static void compare_fields(struct fields *f, const struct cb_tar_header *a, const struct cb_tar_header *b)
{
    if (a->type != b->type) {
        cb_buf_addf(&f->text, "; type A %c, B %c", a->type, b->type);
        f->ways |= ENTRY_TYPE;
    }
    compare_mode(f, a, b);
    compare_int(f, ENTRY_OWNER, "uid", a->uid, b->uid);
    compare_int(f, ENTRY_OWNER, "gid", a->gid, b->gid);
    compare_int(f, ENTRY_CONTENTS, "size", a->size, b->size);
    if (!f->ignore->file_timestamps) {
        compare_int(f, ENTRY_TIME, "mtime", a->mtime.sec, b->mtime.sec);
        compare_int(f, ENTRY_TIME, "mtime's nanoseconds", a->mtime.nsec, b->mtime.nsec);
    }
    compare_str(f, ENTRY_TYPE, "link target", a->linkname, b->linkname);
    compare_str(f, ENTRY_OWNER, "user name", a->uname, b->uname);
    compare_str(f, ENTRY_OWNER, "group name", a->gname, b->gname);
    compare_int(f, ENTRY_TYPE, "major", a->devmajor, b->devmajor);
    compare_int(f, ENTRY_TYPE, "minor", a->devminor, b->devminor);
    if (!f->ignore->tar_format)
        compare_int(f, ENTRY_FORMAT, "format", a->format, b->format);
    compare_pax(f, a, b);
}

static void say_fields(struct matching *m)
{
    for (size_t i = 0; i < m->lists[0]->entries.n; i++) {
        const struct listed *a = &m->lists[0]->entries.v[i];
        struct fields f = {.ignore = &m->c->options->ignore};
        if (m->b_of[i] == NONE)
            continue;
        const struct listed *b = &m->lists[1]->entries.v[m->b_of[i]];
        if (memcmp(a->sha256, b->sha256, sizeof a->sha256) != 0) {
            *cb_vec_add(&m->contents) = i;
            packages_count(&m->c->packages, owner_of(m, 0, a->header.name), (uint64_t)b->header.size);
        }
        compare_fields(&f, &a->header, &b->header);
        if (f.text.n > 0 && may_say(m)) {
            CB_AUTOFREE char *name = report_quote(a->header.name);
            explain(m, report_line(m->r, "%s: %s", name, f.text.p + 2), 0, &a->header, f.ways);
        }
        cb_buf_release(&f.text);
    }
}

// The second pass: both archives in step, from one pair of entries with different contents to the next.

struct walk {
    struct layer_stream stream;
    struct cb_tar_reader *tar;
    struct cb_arena scratch;
    size_t at; // entries read so far
};

static int walk_open(struct walk *w, const struct side_layer *l, struct cb_error *err)
{
    memset(w, 0, sizeof *w);
    if (layer_stream_open(&w->stream, l, err) < 0)
        return -1;
    w->tar = cb_tar_reader_new(layer_stream_plain(&w->stream), l->path);
    return 0;
}

static void walk_close(struct walk *w)
{
    cb_tar_reader_free(w->tar);
    cb_arena_release(&w->scratch);
    layer_stream_close(&w->stream);
}

static int walk_to(struct walk *w, size_t index, struct cb_error *err)
{
    struct cb_tar_header h;

    for (; w->at <= index; w->at++) {
        cb_arena_release(&w->scratch);
        if (cb_tar_next(w->tar, &w->scratch, &h, err) != 1)
            return err->kind ? -1 : cb_fail(err, CB_E_INPUT, "the layer changed while it was compared");
    }
    return 0;
}

static int say_contents_of(struct matching *m, struct walk w[2], size_t i, struct cb_error *err)
{
    CB_AUTOFREE char *name = report_quote(m->lists[0]->entries.v[i].header.name);
    struct cb_tar_source sources[2];
    char left[24], right[24];
    uint64_t at;
    int bytes[2];

    if (!may_say(m))
        return 0;
    const struct cb_tar_header *h = &m->lists[0]->entries.v[i].header;
    if (m->b_of[i] < w[1].at) {
        explain(m, report_line(m->r, "%s: contents differ", name), 0, h, ENTRY_CONTENTS);
        return 0;
    }
    if (walk_to(&w[0], i, err) < 0 || walk_to(&w[1], m->b_of[i], err) < 0)
        return -1;
    for (int k = 0; k < 2; k++)
        sources[k] = cb_tar_source(w[k].tar);
    if (first_difference(&sources[0].source, &sources[1].source, &at, bytes, err) < 0)
        return -1;
    explain(m,
            report_line(m->r, "%s: contents differ from byte %llu on: A %s, B %s", name, (unsigned long long)at,
                        show_byte(left, bytes[0]), show_byte(right, bytes[1])),
            0, h, ENTRY_CONTENTS);
    return 0;
}

static int say_contents(struct matching *m, struct cb_error *err)
{
    struct walk w[2];
    int result = 0;

    if (m->contents.n == 0)
        return 0;
    if (walk_open(&w[0], m->layers[0], err) < 0)
        return -1;
    if (walk_open(&w[1], m->layers[1], err) < 0) {
        walk_close(&w[0]);
        return -1;
    }
    for (size_t i = 0; result == 0 && i < m->contents.n; i++)
        result = say_contents_of(m, w, m->contents.v[i], err);
    walk_close(&w[0]);
    walk_close(&w[1]);
    return result;
}

static void say_byte(struct matching *m, uint64_t at, const int bytes[2])
{
    const struct listed *e = listing_at(m->lists[0], at);
    CB_AUTOFREE char *name = report_quote(e ? e->header.name : CB_STR(""));
    const char *part = !e                                           ? "after the last entry"
                       : at < e->data_at                            ? "in the header of "
                       : at < e->data_at + (uint64_t)e->header.size ? "in the contents of "
                                                                    : "in the padding after ";
    char left[24], right[24];

    report_line(m->r, "unpacked, the first different byte is at %llu (%s%s): A %s, B %s", (unsigned long long)at, part,
                e ? name : "", show_byte(left, bytes[0]), show_byte(right, bytes[1]));
}

// Where the unpacked bytes first differ, whatever that is part of: all there is to say where the entries say the same.
static int say_first_byte(struct matching *m, struct cb_error *err)
{
    struct layer_stream s[2];
    uint64_t at;
    int bytes[2], result;

    if (layer_streams_open(s, m->layers, err) < 0)
        return -1;
    result = first_difference(layer_stream_plain(&s[0]), layer_stream_plain(&s[1]), &at, bytes, err);
    layer_streams_close(s);
    if (result > 0)
        say_byte(m, at, bytes);
    return result < 0 ? -1 : 0;
}

// Where something is ignored, a byte alone does not say whether it counts.
static int say_first_byte_alone(struct matching *m, struct cb_error *err)
{
    return cause_is_lenient(m->c->options) ? 0 : say_first_byte(m, err);
}

static int by_index(const void *a, const void *b)
{
    const size_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

// For the report folder: what differs in contents, and what is on one side only.
static int keep_files(struct matching *m, struct cb_error *err)
{
    if (!m->c->keep)
        return 0;
    for (size_t i = 0; i < m->contents.n; i++) {
        *cb_vec_add(&m->alone[0]) = m->contents.v[i];
        *cb_vec_add(&m->alone[1]) = m->b_of[m->contents.v[i]];
    }
    for (int side = 0; side < 2; side++) {
        if (m->alone[side].n)
            qsort(m->alone[side].v, m->alone[side].n, sizeof *m->alone[side].v, by_index);
        if (keep_entries(m->c->keep, side, m->layers[side], m->alone[side].v, m->alone[side].n, err))
            return -1;
    }
    return 0;
}

static int compare(struct matching *m, struct cb_error *err)
{
    match_by_name(m);
    if (say_first_byte_alone(m, err) < 0)
        return -1;
    say_unmatched(m);
    if (!m->c->options->ignore.file_order)
        say_order(m);
    say_fields(m);
    if (say_contents(m, err) < 0 || keep_files(m, err) < 0)
        return -1;
    if (m->unsaid > 0)
        report_line(m->r, "and %llu more differences", m->unsaid);
    return 0;
}

int tar_diff(struct comparison *c, const struct side_layer *const layers[2], const struct listing *const lists[2],
             struct cb_error *err)
{
    size_t an = lists[0]->entries.n, bn = lists[1]->entries.n;
    struct matching m = {.c = c, .r = c->report, .layers = layers, .lists = lists, .limit = c->limit};
    int result;

    m.b_of = cb_realloc_array(NULL, an + 1, sizeof *m.b_of);
    m.a_of = cb_realloc_array(NULL, bn + 1, sizeof *m.a_of);
    m.next = cb_realloc_array(NULL, bn + 1, sizeof *m.next);
    result = compare(&m, err);
    free(m.b_of);
    free(m.a_of);
    free(m.next);
    cb_vec_release(&m.contents);
    cb_vec_release(&m.alone[0]);
    cb_vec_release(&m.alone[1]);
    return result;
}
