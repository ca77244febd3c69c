#include "cbuild/compress/inflate.h"

#include <assert.h>
#include <libdeflate.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cbuild/base/alloc.h"
#include "cbuild/compress/raw_inflate.h"

#define INPUT_BYTES (64u << 10)
#define TEXT_MAX 512 // a name or comment with its NUL, as the reference bounds it

enum { FLAG_HEADER_CRC = 2, FLAG_EXTRA = 4, FLAG_NAME = 8, FLAG_COMMENT = 16, FLAGS_RESERVED = 0xe0 };

enum state {
    BETWEEN, // members; so also at the beginning and at the end
    WITHIN,  // a member's data
    BEHIND,  // a member's data, before its trailer
    BROKEN,  // an error was reported
};

struct source {
    struct cb_source source;
    struct cb_inflate *z;
};

struct cb_inflate {
    struct cb_source *from;
    struct cb_sink *raw;
    unsigned flags;
    enum state state;
    bool input_ended;
    uint8_t *at, *filled; // input read, not yet consumed
    uint64_t consumed;    // bytes of input
    uint64_t begin, end;  // of the member
    uint64_t members;     // begun
    uint64_t left;        // bytes that may still come out
    uint64_t limit;
    const char *limit_what;
    uint32_t crc, size; // of the member's data so far
    struct cb_raw_inflate *deflated;
    struct cb_raw_tail tail; // at a member's end: bytes of its trailer that were consumed
    struct source member_source, stream_source;
    uint8_t input[INPUT_BYTES];
};

// ---- Input ----------------------------------------------------------------------------------------------------------

static int broken(struct cb_inflate *z)
{
    z->state = BROKEN;
    return -1;
}

static int bad(struct cb_inflate *z, struct cb_error *err, const char *what)
{
    cb_fail(err, CB_E_INPUT, "gzip member %llu at byte %llu: %s", (unsigned long long)z->members,
            (unsigned long long)z->begin, what);
    return broken(z);
}

static size_t available(const struct cb_inflate *z)
{
    return (size_t)(z->filled - z->at);
}

// Reads until `want` bytes of input stand in the buffer, or the input ends.
static int fill(struct cb_inflate *z, size_t want, struct cb_error *err)
{
    if (available(z) >= want || z->input_ended)
        return 0;
    memmove(z->input, z->at, available(z));
    z->filled -= z->at - z->input;
    z->at = z->input;
    while (available(z) < want) {
        ssize_t n = cb_read(z->from, z->filled, (size_t)(z->input + INPUT_BYTES - z->filled), err);
        if (n < 0)
            return broken(z);
        if (n == 0) {
            z->input_ended = true;
            break;
        }
        z->filled += n;
    }
    return 0;
}

static int consume(struct cb_inflate *z, size_t n, struct cb_error *err)
{
    if (z->raw && n > 0 && cb_write(z->raw, z->at, n, err))
        return broken(z);
    z->at += n;
    z->consumed += n;
    return 0;
}

// ---- Header and trailer ---------------------------------------------------------------------------------------------

// Takes n bytes of the header, at most the buffer; `copy` may be NULL.
static int take(struct cb_inflate *z, size_t n, uint8_t *copy, struct cb_error *err)
{
    if (fill(z, n, err))
        return -1;
    if (available(z) < n)
        return bad(z, err, "the input ends within the header");
    z->crc = libdeflate_crc32(z->crc, z->at, n);
    if (copy)
        memcpy(copy, z->at, n);
    return consume(z, n, err);
}

static int take_extra(struct cb_inflate *z, struct cb_error *err)
{
    uint8_t length[2];
    if (take(z, 2, length, err))
        return -1;
    // No more than 65535: it fits the buffer.
    return take(z, (size_t)(length[0] | length[1] << 8), NULL, err);
}

static int take_text(struct cb_inflate *z, const char *too_long, struct cb_error *err)
{
    if (fill(z, TEXT_MAX, err))
        return -1;
    size_t n = available(z) < TEXT_MAX ? available(z) : TEXT_MAX;
    const uint8_t *nul = memchr(z->at, 0, n);
    if (!nul)
        return bad(z, err, n < TEXT_MAX ? "the input ends within the header" : too_long);
    return take(z, (size_t)(nul - z->at) + 1, NULL, err);
}

static int take_header(struct cb_inflate *z, struct cb_error *err)
{
    uint8_t head[10], crc[2];
    if (take(z, sizeof head, head, err))
        return -1;
    unsigned flags = head[3];
    if (flags & FLAG_EXTRA && take_extra(z, err))
        return -1;
    if (flags & FLAG_NAME && take_text(z, "the file name in the header is too long", err))
        return -1;
    if (flags & FLAG_COMMENT && take_text(z, "the comment in the header is too long", err))
        return -1;
    if (flags & FLAG_HEADER_CRC) {
        uint32_t expected = z->crc & 0xffff;
        if (take(z, sizeof crc, crc, err))
            return -1;
        if ((uint32_t)(crc[0] | crc[1] << 8) != expected)
            return bad(z, err, "the header does not match its checksum");
    }
    if (flags & FLAGS_RESERVED && !(z->flags & CB_INFLATE_IGNORE_RESERVED))
        return bad(z, err, "a reserved flag is set in the header");
    return 0;
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static int take_trailer(struct cb_inflate *z, struct cb_error *err)
{
    uint8_t trailer[8];
    size_t had = z->tail.n, more = sizeof trailer - had;
    if (fill(z, more, err))
        return -1;
    if (available(z) < more)
        return bad(z, err, "the input ends within the trailer");
    memcpy(trailer, z->tail.bytes, had);
    memcpy(trailer + had, z->at, more);
    uint32_t crc = get32(trailer), size = get32(trailer + 4);
    if (consume(z, more, err))
        return -1;
    if (!(z->flags & CB_INFLATE_IGNORE_TRAILER)) {
        if (crc != z->crc)
            return bad(z, err, "the data does not match its checksum");
        if (size != z->size)
            return bad(z, err, "the data does not have the length that the trailer says");
    }
    z->end = z->consumed;
    z->state = BETWEEN;
    return 0;
}

// ---- Members --------------------------------------------------------------------------------------------------------

static bool looks_like_gzip(const uint8_t *p, size_t n)
{
    static const uint8_t magic[3] = {0x1f, 0x8b, 8};
    return n >= sizeof magic && memcmp(p, magic, sizeof magic) == 0;
}

int cb_inflate_next(struct cb_inflate *z, struct cb_error *err)
{
    if (z->state == BROKEN)
        return cb_fail(err, CB_E_INPUT, "an earlier read of this gzip stream failed");
    assert(z->state == BETWEEN);
    if (fill(z, 10, err))
        return -1;
    bool garbage = !looks_like_gzip(z->at, available(z));
    if (available(z) == 0 || (garbage && z->members > 0 && z->flags & CB_INFLATE_IGNORE_GARBAGE))
        return 0;
    z->begin = z->end = z->consumed;
    z->members++;
    if (garbage && available(z) >= 10)
        return bad(z, err, z->members == 1 ? "not gzip data" : "there is something that is not gzip data behind it");
    z->crc = 0;
    if (take_header(z, err))
        return -1;
    z->crc = z->size = 0;
    cb_raw_inflate_reset(z->deflated);
    z->state = WITHIN;
    return 1;
}

static int beyond_limit(struct cb_inflate *z, struct cb_error *err)
{
    cb_fail(err, CB_E_LIMIT, "%s is larger than the limit of %llu bytes", z->limit_what, (unsigned long long)z->limit);
    return broken(z);
}

// One step of the decoder. Sets *got to the number of bytes it gave, *ended at the end of the data.
static int step(struct cb_inflate *z, void *p, size_t n, size_t *got, bool *ended, struct cb_error *err)
{
    if (fill(z, 1, err))
        return -1;
    struct cb_str in = cb_strn((const char *)z->at, available(z));
    size_t before = in.n;
    *got = n;
    enum cb_raw_status status = cb_raw_inflate_step(z->deflated, &in, p, got, &z->tail);
    if (consume(z, before - in.n, err))
        return -1;
    *ended = status == CB_RAW_END;
    if (*ended || *got > 0)
        return 0; // what came before an error is given first; the decoder will say the same again
    if (status == CB_RAW_DAMAGED)
        return bad(z, err, "the data is damaged");
    return before == 0 ? bad(z, err, "the input ends within the data") : 0;
}

ssize_t cb_inflate_read(struct cb_inflate *z, void *p, size_t n, struct cb_error *err)
{
    if (z->state == BROKEN)
        return cb_fail(err, CB_E_INPUT, "an earlier read of this gzip stream failed");
    if (z->state == BEHIND && take_trailer(z, err))
        return -1;
    if (z->state == BETWEEN || n == 0)
        return 0;
    n = n > SSIZE_MAX ? SSIZE_MAX : n;
    // At the limit the member may still end: one more byte is asked for, and must not come.
    uint8_t over;
    size_t room = z->left < n ? (size_t)z->left : n, got = 0;
    bool ended = false;
    while (got == 0 && !ended) {
        if (step(z, room ? p : &over, room ? room : 1, &got, &ended, err))
            return -1;
        if (got > room)
            return beyond_limit(z, err);
    }
    z->left -= got;
    z->crc = libdeflate_crc32(z->crc, p, got);
    z->size += (uint32_t)got;
    if (!ended)
        return (ssize_t)got;
    // Like the reference, data first, then what is wrong with the trailer.
    z->state = BEHIND;
    return got > 0 || take_trailer(z, err) == 0 ? (ssize_t)got : -1;
}

int cb_inflate_skip(struct cb_inflate *z, struct cb_error *err)
{
    uint8_t dropped[16384];
    ssize_t n;
    do
        n = cb_inflate_read(z, dropped, sizeof dropped, err);
    while (n > 0);
    return (int)n;
}

// ---- Life cycle -----------------------------------------------------------------------------------------------------

static ssize_t member_read(struct cb_source *s, void *p, size_t n, struct cb_error *err)
{
    return cb_inflate_read(((struct source *)s)->z, p, n, err);
}

static ssize_t stream_read(struct cb_source *s, void *p, size_t n, struct cb_error *err)
{
    struct cb_inflate *z = ((struct source *)s)->z;
    for (;;) {
        ssize_t got = cb_inflate_read(z, p, n, err);
        if (got != 0 || n == 0)
            return got;
        int more = cb_inflate_next(z, err);
        if (more < 0)
            return -1;
        if (!more)
            return z->members ? 0 : cb_fail(err, CB_E_INPUT, "no gzip data");
    }
}

struct cb_inflate *cb_inflate_new(struct cb_source *from, unsigned flags)
{
    struct cb_inflate *z = cb_zalloc(sizeof *z);
    z->from = from;
    z->flags = flags;
    z->at = z->filled = z->input;
    z->left = z->limit = UINT64_MAX;
    z->limit_what = "the data";
    z->member_source = (struct source){{member_read}, z};
    z->stream_source = (struct source){{stream_read}, z};
    z->deflated = cb_raw_inflate_new();
    return z;
}

void cb_inflate_free(struct cb_inflate *z)
{
    if (!z)
        return;
    cb_raw_inflate_free(z->deflated);
    free(z);
}

void cb_inflate_limit(struct cb_inflate *z, uint64_t bytes, const char *what)
{
    z->left = z->limit = bytes;
    z->limit_what = what;
}

void cb_inflate_raw(struct cb_inflate *z, struct cb_sink *raw)
{
    z->raw = raw;
}

uint64_t cb_inflate_member_begin(const struct cb_inflate *z)
{
    return z->begin;
}

uint64_t cb_inflate_member_end(const struct cb_inflate *z)
{
    return z->end;
}

struct cb_source *cb_inflate_member_source(struct cb_inflate *z)
{
    return &z->member_source.source;
}

struct cb_source *cb_inflate_stream_source(struct cb_inflate *z)
{
    return &z->stream_source.source;
}
