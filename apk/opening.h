// Opening a package as a sink of its bytes; private to apk/.
#ifndef CB_APK_OPENING_H
#define CB_APK_OPENING_H

#include "fetcher.h"
#include "gunzip.h"

#define CB_OPENING_BUFFER 65536u
#define CB_APK_ENTRIES_MAX (1u << 20)      // members of a data segment
#define CB_APK_METADATA_MAX (512ull << 20) // bytes of their headers in memory

// A segment is the signature until its first member turns out to be none.
enum cb_segment { CB_SEGMENT_SIGNATURE, CB_SEGMENT_CONTROL, CB_SEGMENT_DATA };

struct cb_opening {
    struct cb_sink sink; // takes the bytes of the package's file, from its first to its last
    struct cb_fetcher *f;
    struct cb_apk_file *file;          // being made; taken by cb_opening_finish
    const char *temp;                  // what messages call its unpacked data
    struct cb_str want_control;        // the hash that the index promises
    uint8_t want_data[CB_SHA256_SIZE]; // and the one that .PKGINFO promises, once the segment is CB_SEGMENT_DATA
    enum cb_segment segment;
    uint64_t segment_size, inflated; // of the segment so far: bytes in the file, and what they inflate to
    uint64_t data_members;           // of the data segment, complete ones
    struct cb_gunzip g;
    struct cb_hash *sha1, *sha256; // of the segment as it stands in the file
    struct cb_buf plain;           // the segment inflated, where it is not the data
    bool keep;
    bool known; // it was opened before: the checksum records of its files were held against their contents then
    struct cb_cache_file raw, kept[3]; // the segment's compressed bytes, and those of complete segments
    uint8_t *buffer;
};

// With `keep`, compressed segments go to files of the cache, whose names the caller gives.
int cb_opening_begin(struct cb_opening *o, struct cb_fetcher *f, struct cb_str control_sha1, bool keep,
                     struct cb_error *err);
// After the last byte: the verified package, or NULL.
struct cb_apk_file *cb_opening_finish(struct cb_opening *o, struct cb_error *err);
void cb_opening_release(struct cb_opening *o);

#endif
