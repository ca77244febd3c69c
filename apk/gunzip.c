// RFC 1952. A member is a header of fixed and optional parts, deflate data, and a trailer; all but the data is read a
// byte at a time by the function of the part it belongs to.
#include "gunzip.h"

#include <libdeflate.h>
#include <stdlib.h>

#define STRING_MAX 511u // bytes of a name or comment in a header, without its NUL: the reference's limit

enum part { FIXED, EXTRA_SIZE, EXTRA, NAME, COMMENT, HEADER_CRC, BODY, TRAILER_CRC, TRAILER_SIZE };
enum { HAS_HEADER_CRC = 2, HAS_EXTRA = 4, HAS_NAME = 8, HAS_COMMENT = 16, KNOWN_FLAGS = 31 };

static int refuse(struct cb_error *err, const char *what)
{
    return cb_fail(err, CB_E_INPUT, "gzip: %s", what);
}

static int enter(struct cb_gunzip *g, enum part part)
{
    g->part = (uint8_t)part;
    g->got = 0;
    g->field = 0;
    return 0;
}

static int enter_body(struct cb_gunzip *g, struct cb_error *err)
{
    if (g->flags & ~KNOWN_FLAGS)
        return refuse(err, "reserved flags in a header");
    if (g->z)
        cb_raw_inflate_reset(g->z);
    else
        g->z = cb_raw_inflate_new();
    g->crc = g->size = 0;
    return enter(g, BODY);
}

// On to the first part from `part` on that the flags announce.
static int enter_optional(struct cb_gunzip *g, enum part part, struct cb_error *err)
{
    static const uint8_t flag[] = {
        [EXTRA_SIZE] = HAS_EXTRA, [NAME] = HAS_NAME, [COMMENT] = HAS_COMMENT, [HEADER_CRC] = HAS_HEADER_CRC};
    while (part < BODY && !(g->flags & flag[part]))
        part++;
    return part == BODY ? enter_body(g, err) : enter(g, part);
}

// Adds a byte to a little-endian number; true when its last byte came.
static bool complete(struct cb_gunzip *g, uint8_t c, unsigned width)
{
    g->field |= (uint32_t)c << 8 * g->got;
    return ++g->got == width;
}

static int fixed_byte(struct cb_gunzip *g, uint8_t c, struct cb_error *err)
{
    static const uint8_t magic[] = {0x1f, 0x8b, 8};
    if (g->got < sizeof magic && c != magic[g->got])
        return refuse(err, g->members ? "something else follows the last member" : "not a gzip file");
    if (g->got == 3)
        g->flags = c;
    return ++g->got == 10 ? enter_optional(g, EXTRA_SIZE, err) : 0;
}

static int header_byte(struct cb_gunzip *g, uint8_t c, struct cb_error *err)
{
    uint16_t before = (uint16_t)g->header_crc;
    bool first = g->part == FIXED && g->got == 0;
    g->header_crc = libdeflate_crc32(first ? 0 : g->header_crc, &c, 1);
    switch (g->part) {
    case FIXED:
        return fixed_byte(g, c, err);
    case EXTRA_SIZE:
        if (!complete(g, c, 2))
            return 0;
        g->size = g->field;
        return g->size ? enter(g, EXTRA) : enter_optional(g, NAME, err);
    case EXTRA:
        return ++g->got == g->size ? enter_optional(g, NAME, err) : 0;
    case HEADER_CRC:
        if (g->got == 0)
            g->crc = before;
        if (!complete(g, c, 2))
            return 0;
        return g->field == g->crc ? enter_body(g, err) : refuse(err, "wrong checksum of a header");
    default: // NAME, COMMENT
        if (c == 0)
            return enter_optional(g, (enum part)(g->part + 1), err);
        return ++g->got > STRING_MAX ? refuse(err, "a name in a header is too long") : 0;
    }
}

static int trailer_byte(struct cb_gunzip *g, uint8_t c, struct cb_error *err)
{
    if (!complete(g, c, 4))
        return 0;
    if (g->part == TRAILER_CRC)
        return g->field == g->crc ? enter(g, TRAILER_SIZE) : refuse(err, "wrong checksum");
    if (g->field != g->size)
        return refuse(err, "wrong size");
    g->members++;
    enter(g, FIXED);
    return 1;
}

static int inflate_some(struct cb_gunzip *g, struct cb_str *in, uint8_t *out, size_t *room, struct cb_error *err)
{
    struct cb_raw_tail tail;
    enum cb_raw_status status = cb_raw_inflate_step(g->z, in, out, room, &tail);
    g->crc = libdeflate_crc32(g->crc, out, *room);
    g->size += (uint32_t)*room;
    if (status == CB_RAW_DAMAGED)
        return refuse(err, "damaged deflate data");
    if (status == CB_RAW_MORE)
        return 0;
    enter(g, TRAILER_CRC);
    int result = 0;
    for (unsigned i = 0; i < tail.n && result == 0; i++)
        result = trailer_byte(g, tail.bytes[i], err);
    return result;
}

int cb_gunzip_step(struct cb_gunzip *g, struct cb_str *in, uint8_t *out, size_t *room, struct cb_error *err)
{
    size_t free_room = *room, written = 0;
    int result = 0;
    while (result == 0) {
        if (g->part == BODY) {
            size_t some = free_room - written;
            result = inflate_some(g, in, out + written, &some, err);
            written += some;
            if (g->part == BODY)
                break; // out of input or room
        }
        if (in->n == 0)
            break;
        if (result == 0 && g->part != BODY) {
            uint8_t c = (uint8_t)*in->p;
            *in = cb_str_skip(*in, 1);
            result = g->part < BODY ? header_byte(g, c, err) : trailer_byte(g, c, err);
        }
    }
    *room = written;
    return result;
}

bool cb_gunzip_between(const struct cb_gunzip *g)
{
    return g->part == FIXED && g->got == 0;
}

// An oddity of the reference: where the input ends within the name or the comment of another member's header, it takes
// that for a proper end. The bytes count for the hash of the segment like any others.
bool cb_gunzip_may_end(const struct cb_gunzip *g)
{
    return cb_gunzip_between(g) || g->part == NAME || g->part == COMMENT;
}

void cb_gunzip_release(struct cb_gunzip *g)
{
    cb_raw_inflate_free(g->z);
    *g = (struct cb_gunzip){0};
}
