#include "cbuild/apk/index.h"

#include <stdlib.h>

#include "cbuild/base/log.h"
#include "cbuild/base/vec.h"
#include "cbuild/net/url.h"
#include "index_records.h"

// Lines

struct lines {
    struct cb_source *source;
    char *buf; // bytes [start, end) are read and not yet given out
    size_t start, end, cap;
    bool at_end;
    size_t number; // of the line given out last, from 1
};

enum { FIRST_BUFFER = 256 * 1024 };

static int too_long(const struct lines *l, struct cb_error *err)
{
    return cb_fail(err, CB_E_LIMIT, "APKINDEX line %zu is longer than %u bytes", l->number, CB_INDEX_LINE_MAX);
}

static int fill(struct lines *l, struct cb_error *err)
{
    if (l->start) {
        memmove(l->buf, l->buf + l->start, l->end - l->start);
        l->end -= l->start;
        l->start = 0;
    }
    if (l->end == l->cap) {
        l->cap *= 2;
        l->buf = cb_realloc(l->buf, l->cap);
    }
    ssize_t got = cb_read(l->source, l->buf + l->end, l->cap - l->end, err);
    if (got < 0)
        return -1;
    l->at_end = got == 0;
    l->end += (size_t)got;
    return 0;
}

// 1 with the next line, without its line break and a carriage return before that; 0 at the end.
static int next_line(struct lines *l, struct cb_str *line, struct cb_error *err)
{
    l->number++;
    size_t seen = 0;
    const char *newline;
    while (!(newline = memchr(l->buf + l->start + seen, '\n', l->end - l->start - seen)) && !l->at_end) {
        seen = l->end - l->start;
        if (seen > CB_INDEX_LINE_MAX)
            return too_long(l, err);
        if (fill(l, err))
            return -1;
    }
    if (!newline && l->start == l->end)
        return 0;
    const char *from = l->buf + l->start;
    *line = cb_strn(from, newline ? (size_t)(newline - from) : l->end - l->start);
    l->start += line->n + (newline ? 1 : 0);
    if (line->n > CB_INDEX_LINE_MAX)
        return too_long(l, err);
    if (line->n && line->p[line->n - 1] == '\r')
        line->n--;
    return 1;
}

// Keeping values
//
// Versions of one package stand side by side and agree in most fields; across packages descriptions, origins and
// dependencies recur. So a value is compared with the same field of the record before, then looked for in a small table
// of recent values (but for names, versions and provides, which rarely recur), and only then added to the text. A
// missed repetition costs memory, never correctness, so the table has one place for each hash and forgets.

enum {
    RECENT_BITS = 16,
    RECENT_VALUE_MAX = 1024,
};

struct reader {
    struct lines lines;
    struct cb_index *x;
    struct cb_record now, before; // `before` is all empty at first
    struct cb_slice *recent;
    size_t provides; // so far
};

static size_t recent_place(struct cb_str s)
{
    uint64_t h = s.n, word = 0;
    size_t i = 0;
    for (; i + 8 <= s.n; i += 8) {
        memcpy(&word, s.p + i, 8);
        h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    }
    word = 0;
    for (unsigned shift = 0; i < s.n; i++, shift += 8)
        word |= (uint64_t)(uint8_t)s.p[i] << shift;
    h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(h >> (64 - RECENT_BITS));
}

static int add_text(struct cb_index *x, struct cb_str s, struct cb_slice *out, struct cb_error *err)
{
    if (x->text_n + s.n > CB_INDEX_KEPT_MAX)
        return cb_fail(err, CB_E_LIMIT, "the index is larger than %u MiB", CB_INDEX_KEPT_MAX >> 20);
    if (x->text_n + s.n > x->text_cap) {
        x->text_cap = (x->text_n + s.n) * 3 / 2;
        x->text = cb_realloc(x->text, x->text_cap);
    }
    if (s.n)
        memcpy(x->text + x->text_n, s.p, s.n);
    *out = (struct cb_slice){(uint32_t)x->text_n, (uint32_t)s.n};
    x->text_n += s.n;
    return 0;
}

static int keep_new(struct reader *r, struct cb_str s, struct cb_slice before, struct cb_slice *out,
                    struct cb_error *err)
{
    *out = before;
    return cb_str_eq(s, cb_slice_str(r->x, before)) ? 0 : add_text(r->x, s, out, err);
}

static int keep(struct reader *r, struct cb_str s, struct cb_slice before, struct cb_slice *out, struct cb_error *err)
{
    *out = before;
    if (cb_str_eq(s, cb_slice_str(r->x, before)))
        return 0;
    if (s.n > RECENT_VALUE_MAX)
        return add_text(r->x, s, out, err);
    struct cb_slice *place = &r->recent[recent_place(s)];
    if (!cb_str_eq(s, cb_slice_str(r->x, *place)) && add_text(r->x, s, place, err))
        return -1;
    *out = *place;
    return 0;
}

// Fields

static int bad_value(const struct reader *r, const char *what, struct cb_str value, struct cb_error *err)
{
    return cb_fail(err, CB_E_INPUT, "APKINDEX line %zu: the %s is \"%.*s\", expected %s", r->lines.number, what,
                   (int)(value.n < 100 ? value.n : 100), value.p,
                   strcmp(what, "checksum") == 0 ? "Q1 and base64" : "a number");
}

// The value of a base64 digit, plus 1; 0 for what is none.
static const uint8_t sextets[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64};

// Base64 as Go's encoding/base64 reads it: with padding; carriage returns are skipped, unused bits may be set. out has
// room for s.n bytes; how many are used, or -1 where malformed.
static ptrdiff_t decode_base64(struct cb_str s, uint8_t *out)
{
    uint32_t bits = 0;
    unsigned digits = 0, padding = 0; // of the group of four at hand
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned value = sextets[(uint8_t)s.p[i]];
        if (!value && s.p[i] == '\r')
            continue;
        if (!value && s.p[i] == '=') {
            padding++;
            continue;
        }
        if (!value || padding)
            return -1;
        bits = bits << 6 | (value - 1);
        if (++digits < 4)
            continue;
        out[n++] = (uint8_t)(bits >> 16);
        out[n++] = (uint8_t)(bits >> 8);
        out[n++] = (uint8_t)bits;
        digits = 0;
    }
    if (!digits)
        return padding ? -1 : (ptrdiff_t)n;
    if (digits == 1 || digits + padding != 4)
        return -1;
    bits <<= 6 * (4 - digits);
    out[n++] = (uint8_t)(bits >> 16);
    if (digits == 3)
        out[n++] = (uint8_t)(bits >> 8);
    return (ptrdiff_t)n;
}

static int take_checksum(struct reader *r, struct cb_str value, struct cb_error *err)
{
    if (!cb_str_starts(value, "Q1"))
        return 0;
    uint8_t few[64];
    CB_AUTOFREE uint8_t *many = value.n > sizeof few ? cb_alloc(value.n) : NULL;
    uint8_t *raw = many ? many : few;
    ptrdiff_t n = decode_base64(cb_str_skip(value, 2), raw);
    if (n < 0)
        return bad_value(r, "checksum", value, err);
    return add_text(r->x, cb_strn(raw, (size_t)n), &r->now.checksum, err);
}

static int take_count(struct reader *r, const char *what, struct cb_str value, uint64_t *out, struct cb_error *err)
{
    return cb_str_u64(value, 10, out) ? 0 : bad_value(r, what, value, err);
}

static int take_field(struct reader *r, char letter, struct cb_str value, struct cb_error *err)
{
    struct cb_record *now = &r->now, *before = &r->before;
    switch (letter) {
    case 'P':
        return keep_new(r, value, before->name, &now->name, err);
    case 'V':
        return keep_new(r, value, before->version, &now->version, err);
    case 'A':
        return keep(r, value, before->arch, &now->arch, err);
    case 'T':
        return keep(r, value, before->description, &now->description, err);
    case 'o':
        return keep(r, value, before->origin, &now->origin, err);
    case 'D':
        return keep(r, value, before->depends, &now->depends, err);
    case 'p':
        return keep_new(r, value, before->provides, &now->provides, err);
    case 'i':
        return keep(r, value, before->install_if, &now->install_if, err);
    case 'S':
        return take_count(r, "size", value, &now->size, err);
    case 'I':
        return take_count(r, "installed size", value, &now->installed_size, err);
    case 'k':
        return take_count(r, "provider priority", value, &now->provider_priority, err);
    case 't':
        return cb_str_i64(value, 10, &now->build_time) ? 0 : bad_value(r, "build time", value, err);
    case 'C':
        return take_checksum(r, value, err);
    default:
        return 0;
    }
}

static size_t count_items(struct cb_str list)
{
    size_t n = list.n > 0;
    for (size_t i = 0; i < list.n; i++)
        n += list.p[i] == ' ';
    return n;
}

// An empty line: the record is whole. One without a name is dropped, as the reference does.
static int end_record(struct reader *r, struct cb_error *err)
{
    if (r->now.name.n) {
        r->provides += count_items(cb_slice_str(r->x, r->now.provides));
        if (r->x->n == CB_INDEX_RECORDS_MAX)
            return cb_fail(err, CB_E_LIMIT, "the index has more than %u records", CB_INDEX_RECORDS_MAX);
        if (r->provides > CB_INDEX_PROVIDES_MAX)
            return cb_fail(err, CB_E_LIMIT, "the index has more than %u provides", CB_INDEX_PROVIDES_MAX);
        *cb_vec_add(r->x) = r->now;
        r->before = r->now;
    }
    r->now = (struct cb_record){0};
    return 0;
}

static int take_line(struct reader *r, struct cb_str line, struct cb_error *err)
{
    if (!line.n)
        return end_record(r, err);
    if (line.n < 2 || line.p[1] != ':')
        return cb_fail(err, CB_E_INPUT, "APKINDEX line %zu is \"%.*s\", expected \"<letter>:<value>\"", r->lines.number,
                       (int)(line.n < 100 ? line.n : 100), line.p);
    return take_field(r, line.p[0], cb_str_skip(line, 2), err);
}

static int read_records(struct reader *r, struct cb_error *err)
{
    struct cb_str line = {0};
    int more;
    while ((more = next_line(&r->lines, &line, err)) > 0)
        if (take_line(r, line, err))
            return -1;
    return more;
}

// The reference drops a last record that no empty line ends, without a word; so may a cut file look.
static void warn_of_rest(const struct reader *r)
{
    if (!r->now.name.n)
        return;
    CB_AUTOFREE char *base = cb_url_redact(r->x->origin.base.p);
    cb_log(CB_WARN, "index %s: no empty line ends the last record, of package %.*s: it is left out", base,
           CB_STR_ARG(cb_str_head(cb_slice_str(r->x, r->now.name), 100)));
}

static struct cb_str own(struct cb_str s)
{
    return (struct cb_str){cb_strndup(s.p ? s.p : "", s.n), s.n};
}

int cb_index_parse(struct cb_source *text, const struct cb_index_origin *origin, struct cb_index **out,
                   struct cb_error *err)
{
    struct cb_index *x = cb_zalloc(sizeof *x);
    x->origin = (struct cb_index_origin){own(origin->base), own(origin->tag), own(origin->arch)};
    x->text_cap = FIRST_BUFFER;
    x->text = cb_alloc(x->text_cap);
    struct reader r = {.lines = {.source = text, .cap = FIRST_BUFFER}, .x = x};
    r.lines.buf = cb_alloc(r.lines.cap);
    r.recent = cb_zalloc(sizeof *r.recent << RECENT_BITS);
    int failed = read_records(&r, err);
    if (!failed)
        warn_of_rest(&r);
    free(r.lines.buf);
    free(r.recent);
    if (failed) {
        cb_index_free(x);
        return -1;
    }
    x->text = cb_realloc(x->text, x->text_n + 1);
    x->v = cb_realloc_array(x->v, x->n + 1, sizeof *x->v);
    *out = x;
    return 0;
}

void cb_index_free(struct cb_index *x)
{
    if (!x)
        return;
    free((char *)x->origin.base.p);
    free((char *)x->origin.tag.p);
    free((char *)x->origin.arch.p);
    free(x->text);
    free(x->v);
    free(x);
}

size_t cb_index_count(const struct cb_index *x)
{
    return x->n;
}

const struct cb_index_origin *cb_index_origin(const struct cb_index *x)
{
    return &x->origin;
}

static struct cb_strs list_of(const struct cb_index *x, struct cb_slice s, struct cb_arena *a)
{
    struct cb_str rest = cb_list(x, s), item;
    size_t n = 0;
    while (cb_list_next(&rest, &item))
        n++;
    struct cb_strs list = {.v = n ? cb_arena_alloc(a, n * sizeof *list.v) : NULL, .cap = n};
    rest = cb_list(x, s);
    while (cb_list_next(&rest, &item))
        list.v[list.n++] = item;
    return list;
}

void cb_index_package(const struct cb_index *x, size_t i, struct cb_arena *a, struct cb_package *out)
{
    const struct cb_record *r = &x->v[i];
    *out = (struct cb_package){
        .name = cb_slice_str(x, r->name),
        .version = cb_slice_str(x, r->version),
        .arch = cb_slice_str(x, r->arch),
        .description = cb_slice_str(x, r->description),
        .origin = cb_slice_str(x, r->origin),
        .checksum = cb_slice_str(x, r->checksum),
        .depends = list_of(x, r->depends, a),
        .provides = list_of(x, r->provides, a),
        .install_if = list_of(x, r->install_if, a),
        .size = r->size,
        .installed_size = r->installed_size,
        .provider_priority = r->provider_priority,
        .build_time = r->build_time,
    };
}

struct cb_str cb_index_package_url(const struct cb_index *x, const struct cb_package *p, struct cb_arena *a)
{
    return cb_arena_format(a, "%.*s/%.*s-%.*s.apk", CB_STR_ARG(x->origin.base), CB_STR_ARG(p->name),
                           CB_STR_ARG(p->version));
}
