// What a gzip stream is made of: members, deflate blocks, and in them literals and matches (RFC 1951, RFC 1952).
// Nothing is unpacked; positions in the unpacked data are counted.
#ifndef DIFF_DEFLATE_WALK_H
#define DIFF_DEFLATE_WALK_H

#include "cbuild/base/stream.h"

enum walk_event_kind {
    WALK_MEMBER,  // a gzip header
    WALK_BLOCK,   // the header of a block, with the code lengths of a dynamic one
    WALK_LITERAL, // one byte
    WALK_MATCH,   // length bytes from distance before
    WALK_STORED,  // length bytes of a stored block; their values are not looked at
    WALK_END,     // the end of a block
    WALK_TRAILER, // CRC and length of a member
    WALK_EOF,
};

#define WALK_CODES 320u // code lengths of literals and lengths, then of distances

struct walk_event {
    enum walk_event_kind kind;
    uint64_t bit;      // where it begins in the stored stream
    uint64_t position; // in the unpacked data
    uint64_t block;    // how many blocks there were before
    unsigned type;     // of a block: 0 stored, 1 fixed, 2 dynamic
    bool final;        // of a block
    unsigned byte, length, distance;
    unsigned literals, distances; // how many code lengths a dynamic block has
    uint8_t code_lengths[WALK_CODES];
    uint32_t crc, size;    // of a trailer
    uint8_t header[10];    // of a member
    uint64_t header_bytes; // of a member, with its extra fields
};

struct deflate_walk;
struct deflate_walk *deflate_walk_new(struct cb_source *from); // borrowed
void deflate_walk_free(struct deflate_walk *w);
// Fills *e; malformed data is CB_E_INPUT. After WALK_EOF there is nothing more.
int deflate_walk_next(struct deflate_walk *w, struct walk_event *e, struct cb_error *err);

#endif
