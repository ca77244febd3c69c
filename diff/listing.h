// What is in a layer's archive: every entry's header and the hash of its contents. Contents pass through; what is held
// is bounded by CB_DIFF_ENTRIES_MAX and LISTING_BYTES_MAX.
#ifndef DIFF_LISTING_H
#define DIFF_LISTING_H

#include "cbuild/fs/tar.h"
#include "side.h"

#define LISTING_BYTES_MAX (1ull << 30) // of names, link targets and pax records

struct listed {
    struct cb_tar_header header;
    uint8_t sha256[CB_SHA256_SIZE]; // of the contents
    uint64_t data_at;               // where they begin in the unpacked stream
};

struct listing {
    struct cb_arena arena;
    struct {
        struct listed *v;
        size_t n, cap;
    } entries;
    bool canonical;
    struct cb_digest digest; // of the unpacked stream
    uint64_t size;           // of it
};

// canonical: names without "./" and "/" in front.
int listing_read(struct listing *l, const struct side_layer *layer, bool canonical, struct cb_error *err);
void listing_release(struct listing *l);

// The entry in whose header or contents the byte at an offset of the unpacked stream is; NULL past the last.
const struct listed *listing_at(const struct listing *l, uint64_t offset);

#endif
