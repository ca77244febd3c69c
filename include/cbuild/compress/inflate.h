// Reads gzip (RFC 1952): one member at a time, knowing where in the input each begins and ends, or all as one stream.
// Holds about 110 KiB, whatever the input says.
//
// Strict as the reference's reader of packages (klauspost/compress gzip) is, unless flags say otherwise; stricter in
// one thing, for that one takes an input that ends within a header's name or comment for a complete one. As there, data
// is given before its trailer is judged: whoever stops reading at the end of an archive never hears of a wrong checksum
// of the last member, of bytes missing there, or of what stands behind. The reference reads its indexes in that way,
// and with a reader that ignores reserved flags.
#ifndef CB_COMPRESS_INFLATE_H
#define CB_COMPRESS_INFLATE_H

#include <stdbool.h>
#include <stdint.h>

#include "cbuild/base/stream.h"

enum cb_inflate_flags {
    CB_INFLATE_IGNORE_TRAILER = 1 << 0,  // CRC and length are read, but may say anything
    CB_INFLATE_IGNORE_RESERVED = 1 << 1, // reserved header flags may be set, as Go's own compress/gzip allows
    CB_INFLATE_IGNORE_GARBAGE =
        1 << 2, // bytes behind a member that begin no other are left unread: the input ends there
};

struct cb_inflate;

// Reads from `from` (borrowed until free), and may read beyond what it gives. `flags`: of cb_inflate_flags.
struct cb_inflate *cb_inflate_new(struct cb_source *from, unsigned flags);
void cb_inflate_free(struct cb_inflate *z); // NULL is fine

// From now on no more than this many bytes may come out (the beginning: any number): the first byte beyond is
// CB_E_LIMIT with a message that names `what` (borrowed). More than that many are never given or held.
void cb_inflate_limit(struct cb_inflate *z, uint64_t bytes, const char *what);

// From now on every byte of input goes to `raw` (borrowed; NULL: to none) when it is consumed: so set between two
// members, it gets exactly one member, or the rest.
void cb_inflate_raw(struct cb_inflate *z, struct cb_sink *raw);

// Begins the next member, reading its header: 1, or 0 where the input ends. To be called first of all, and then only
// once the member before was read to its end. An input of no bytes has no members.
//
// Not a gzip header, a wrong header checksum, a name or comment of 512 bytes or more, a reserved flag, an input that
// ends within the header: CB_E_INPUT.
int cb_inflate_next(struct cb_inflate *z, struct cb_error *err);

// Up to n bytes of the member: their number; 0 at its end, when its CRC and length were found right. Damaged data, a
// wrong CRC or length, an input that ends early: CB_E_INPUT. After an error nothing can be read any more.
ssize_t cb_inflate_read(struct cb_inflate *z, void *p, size_t n, struct cb_error *err);

// Reads and drops the rest of the member.
int cb_inflate_skip(struct cb_inflate *z, struct cb_error *err);

// Where in the input the member begins, and, once it was read to its end, the first byte behind it.
uint64_t cb_inflate_member_begin(const struct cb_inflate *z);
uint64_t cb_inflate_member_end(const struct cb_inflate *z);

// As sources, both belonging to z: the member at hand; and all members from here on, one after the other, of which
// there must be at least one.
struct cb_source *cb_inflate_member_source(struct cb_inflate *z);
struct cb_source *cb_inflate_stream_source(struct cb_inflate *z);

#endif
