#include "elf.h"

#include <stdlib.h>

enum { TYPE_DYN = 3, SECTION_NULL = 0, SECTION_STRINGS = 3, SECTION_DYNAMIC = 6, SECTION_NO_BITS = 8 };
#define FLAG_COMPRESSED 0x800u
#define INDEX_RESERVED 0xFF00u // as many sections, or more, are counted in the first section header
#define INDEX_ESCAPE 0xFFFFu
#define TAG_SONAME 14u

struct section {
    uint64_t flags, at, size;
    uint32_t name, type, link;
};

struct elf {
    const struct cb_node *file;
    uint64_t file_size;
    bool wide, big; // 64-bit; big-endian
    uint16_t type, machine;
    uint64_t headers_at, sections_at, nsections;
    uint32_t header_size, nheaders, section_size, names;
};

static int bad(struct cb_error *err, const char *what)
{
    return cb_fail(err, CB_E_INPUT, "not a shared library: %s", what);
}

static uint64_t number(const struct elf *e, const uint8_t *p, unsigned size)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < size; i++)
        v = v << 8 | p[e->big ? i : size - 1 - i];
    return v;
}

// A field of 4 bytes in 32-bit files, of 8 in 64-bit ones.
static uint64_t word(const struct elf *e, const uint8_t *p)
{
    return number(e, p, e->wide ? 8 : 4);
}

static bool inside(const struct elf *e, uint64_t at, uint64_t size)
{
    return at <= e->file_size && size <= e->file_size - at;
}

static int read_at(const struct elf *e, void *p, size_t n, uint64_t at, struct cb_error *err)
{
    return inside(e, at, n) ? cb_node_pread(e->file, p, n, at, err) : bad(err, "it is cut short");
}

static int read_header(struct elf *e, struct cb_error *err)
{
    uint8_t h[64];
    if (read_at(e, h, 16, 0, err))
        return -1;
    if (memcmp(h, "\177ELF", 4) != 0 || (h[4] != 1 && h[4] != 2) || (h[5] != 1 && h[5] != 2) || h[6] != 1)
        return bad(err, "no ELF identification");
    e->wide = h[4] == 2;
    e->big = h[5] == 2;
    if (read_at(e, h, e->wide ? 64 : 52, 0, err))
        return -1;
    if ((number(e, h + 20, 4) & 0xFF) != 1) // Go keeps a byte of it
        return bad(err, "another version of ELF");
    e->type = (uint16_t)number(e, h + 16, 2);
    e->machine = (uint16_t)number(e, h + 18, 2);
    e->headers_at = word(e, h + (e->wide ? 32 : 28));
    e->sections_at = word(e, h + (e->wide ? 40 : 32));
    const uint8_t *counts = h + (e->wide ? 54 : 42);
    e->header_size = (uint32_t)number(e, counts, 2);
    e->nheaders = (uint32_t)number(e, counts + 2, 2);
    e->section_size = (uint32_t)number(e, counts + 4, 2);
    e->nsections = number(e, counts + 6, 2);
    e->names = (uint32_t)number(e, counts + 8, 2);
    if (e->headers_at > INT64_MAX || e->sections_at > INT64_MAX || (e->sections_at == 0 && e->nsections != 0) ||
        (e->nsections > 0 && e->names >= e->nsections))
        return bad(err, "its section headers are nowhere");
    return 0;
}

// A table of headers, read in pieces from front to back.
struct table {
    const struct elf *elf;
    uint64_t at, n; // where it is, and how many entries it has
    uint32_t stride;
    uint64_t first, next; // the entries in buf
    uint8_t buf[4096];
};

// Entry i, which must not be before one that was asked for earlier; at least 64 bytes are there, if it has as many.
static const uint8_t *entry(struct table *t, uint64_t i, struct cb_error *err)
{
    if (i >= t->next) {
        uint64_t count = sizeof t->buf / t->stride, left = t->n - i;
        count = count == 0 ? 1 : count < left ? count : left;
        uint64_t size = count * t->stride;
        if (read_at(t->elf, t->buf, size < sizeof t->buf ? size : sizeof t->buf, t->at + i * t->stride, err))
            return NULL;
        t->first = i;
        t->next = i + count;
    }
    return t->buf + (i - t->first) * t->stride;
}

// Program headers are not used, but malformed ones make the file malformed.
static int check_program_headers(const struct elf *e, struct cb_error *err)
{
    struct table t = {.elf = e, .at = e->headers_at, .n = e->nheaders, .stride = e->header_size};
    if (e->nheaders == 0)
        return 0;
    if (e->header_size < (e->wide ? 56 : 32) || !inside(e, e->headers_at, (uint64_t)e->nheaders * e->header_size))
        return bad(err, "its program headers are cut short");
    for (uint32_t i = 0; e->wide && i < e->nheaders; i++) {
        const uint8_t *h = entry(&t, i, err);
        if (!h)
            return -1;
        if (word(e, h + 8) > INT64_MAX || word(e, h + 32) > INT64_MAX)
            return bad(err, "a program header is out of range");
    }
    return 0;
}

static int parse_section(const struct elf *e, const uint8_t *h, struct section *s, struct cb_error *err)
{
    *s = (struct section){
        .name = (uint32_t)number(e, h, 4),
        .type = (uint32_t)number(e, h + 4, 4),
        .flags = word(e, h + 8),
        .at = word(e, h + (e->wide ? 24 : 16)),
        .size = word(e, h + (e->wide ? 32 : 20)),
        .link = (uint32_t)number(e, h + (e->wide ? 40 : 24), 4),
    };
    if (s->at > INT64_MAX || s->size > INT64_MAX)
        return bad(err, "a section is out of range");
    return 0;
}

static int read_section(const struct elf *e, uint64_t i, struct section *s, struct cb_error *err)
{
    uint8_t h[64];
    if (read_at(e, h, e->wide ? 64 : 40, e->sections_at + i * e->section_size, err))
        return -1;
    return parse_section(e, h, s, err);
}

// With very many sections their number and the index of the names' section stand in the first section header.
static int count_sections(struct elf *e, struct cb_error *err)
{
    if (e->sections_at == 0 || e->nsections > 0)
        return 0;
    struct section first;
    if (read_section(e, 0, &first, err))
        return -1;
    if (first.type != SECTION_NULL || first.size < INDEX_RESERVED)
        return bad(err, "its first section header is malformed");
    e->nsections = first.size;
    if (e->names == INDEX_ESCAPE) {
        e->names = first.link;
        if (e->names < INDEX_RESERVED)
            return bad(err, "the index of its section names is malformed");
    }
    return 0;
}

static int check_section_table(const struct elf *e, struct cb_error *err)
{
    uint64_t size;
    if (e->nsections == 0)
        return 0;
    if (e->section_size < (e->wide ? 64 : 40) || __builtin_mul_overflow(e->nsections, e->section_size, &size) ||
        !inside(e, e->sections_at, size))
        return bad(err, "its section headers are cut short");
    if (e->nsections > CB_ELF_SECTIONS_MAX)
        return cb_fail(err, CB_E_LIMIT, "more than %u sections", CB_ELF_SECTIONS_MAX);
    return e->names < e->nsections ? 0 : bad(err, "the index of its section names is out of range");
}

// Whether a section's bytes are all there. Compressed ones count as not: nothing that is loaded is compressed.
static bool has_data(const struct elf *e, const struct section *s)
{
    if (s->flags & FLAG_COMPRESSED)
        return false;
    return s->size == 0 || (s->type != SECTION_NO_BITS && inside(e, s->at, s->size));
}

// *end is behind the last NUL of a string table: strings begin before it or are not terminated.
static int find_strings_end(const struct elf *e, const struct section *s, uint64_t *end, struct cb_error *err)
{
    uint8_t buf[4096];
    for (*end = s->size; *end > 0;) {
        size_t n = *end < sizeof buf ? (size_t)*end : sizeof buf;
        if (read_at(e, buf, n, s->at + *end - n, err))
            return -1;
        const uint8_t *last = memrchr(buf, 0, n);
        *end -= n;
        if (last) {
            *end += (uint64_t)(last - buf) + 1;
            return 0;
        }
    }
    return 0;
}

// *end is where the sections' names end; past every index where there are none.
static int find_names_end(const struct elf *e, uint64_t *end, struct cb_error *err)
{
    struct section names;
    *end = UINT64_MAX;
    if (e->names == 0)
        return 0;
    if (read_section(e, e->names, &names, err))
        return -1;
    if (names.type != SECTION_STRINGS || !has_data(e, &names))
        return bad(err, "its section names are malformed");
    return find_strings_end(e, &names, end, err);
}

// Reads the table once: every section must be well-formed and have a name where there are names at all. *dynamic is
// the first dynamic section; its type is SECTION_NULL where there is none.
static int check_sections(const struct elf *e, struct section *dynamic, struct cb_error *err)
{
    struct table t = {.elf = e, .at = e->sections_at, .n = e->nsections, .stride = e->section_size};
    struct section s;
    uint64_t names_end, compression_header = e->wide ? 24 : 12;
    dynamic->type = SECTION_NULL;
    if (e->nsections == 0)
        return 0;
    if (find_names_end(e, &names_end, err))
        return -1;
    for (uint64_t i = 0; i < e->nsections; i++) {
        const uint8_t *h = entry(&t, i, err);
        if (!h || parse_section(e, h, &s, err))
            return -1;
        if ((s.flags & FLAG_COMPRESSED) && (s.size < compression_header || !inside(e, s.at, compression_header)))
            return bad(err, "a compressed section is cut short");
        if (s.name >= names_end)
            return bad(err, "a section has no name");
        if (s.type == SECTION_DYNAMIC && dynamic->type == SECTION_NULL)
            *dynamic = s;
    }
    return 0;
}

// Gives fn the string at `at` of the table, unless it is out of range or not terminated.
static int give_string(const struct elf *e, const struct section *table, uint64_t at, cb_elf_soname_fn *fn, void *ctx,
                       struct cb_error *err)
{
    char buf[CB_ELF_SONAME_MAX];
    if (at >= table->size)
        return 0;
    size_t n = table->size - at < sizeof buf ? (size_t)(table->size - at) : sizeof buf;
    if (read_at(e, buf, n, table->at + at, err))
        return -1;
    const char *end = memchr(buf, 0, n);
    if (end || n == sizeof buf) // an overlong one is a soname too, but no file's name: it is given as ""
        fn(ctx, end ? cb_strn(buf, (size_t)(end - buf)) : CB_STR(""));
    return 0;
}

static int give_sonames(const struct elf *e, const struct section *dynamic, cb_elf_soname_fn *fn, void *ctx,
                        struct cb_error *err)
{
    struct section strings;
    size_t entry = e->wide ? 16 : 8;
    if (!has_data(e, dynamic) || dynamic->size % entry != 0)
        return bad(err, "its dynamic section is cut short");
    if (dynamic->size > CB_ELF_DYNAMIC_MAX)
        return cb_fail(err, CB_E_LIMIT, "the dynamic section has more than %u bytes", CB_ELF_DYNAMIC_MAX);
    if (dynamic->link == 0 || dynamic->link >= e->nsections)
        return bad(err, "its dynamic section has no strings");
    if (read_section(e, dynamic->link, &strings, err))
        return -1;
    if (!has_data(e, &strings))
        return bad(err, "its dynamic strings are cut short");
    for (uint64_t at = 0; at < dynamic->size;) {
        uint8_t buf[4096];
        size_t n = dynamic->size - at < sizeof buf ? (size_t)(dynamic->size - at) : sizeof buf;
        if (read_at(e, buf, n, dynamic->at + at, err))
            return -1;
        for (size_t i = 0; i < n; i += entry)
            if (word(e, buf + i) == TAG_SONAME && give_string(e, &strings, word(e, buf + i + entry / 2), fn, ctx, err))
                return -1;
        at += n;
    }
    return 0;
}

int cb_elf_read(const struct cb_node *file, uint16_t *machine, cb_elf_soname_fn *fn, void *ctx, struct cb_error *err)
{
    struct elf e = {.file = file, .file_size = cb_node_size(file)};
    struct section dynamic;
    if (read_header(&e, err) || check_program_headers(&e, err) || count_sections(&e, err) ||
        check_section_table(&e, err) || check_sections(&e, &dynamic, err))
        return -1;
    if (e.type != TYPE_DYN)
        return bad(err, "an object of another type");
    *machine = e.machine;
    return dynamic.type == SECTION_NULL ? 0 : give_sonames(&e, &dynamic, fn, ctx, err);
}
