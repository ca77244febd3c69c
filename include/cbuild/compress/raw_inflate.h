// Raw DEFLATE (RFC 1951), decoded as it arrives: the one place where a library's decoder is called. gzip's framing is
// its callers' (compress/inflate.h where bytes are pulled, apk/ where they are pushed).
#ifndef CB_COMPRESS_RAW_INFLATE_H
#define CB_COMPRESS_RAW_INFLATE_H

#include <stddef.h>
#include <stdint.h>

#include "cbuild/base/str.h"

struct cb_raw_inflate;

enum cb_raw_status {
    CB_RAW_MORE,    // more input or more room is needed
    CB_RAW_END,     // the last byte came out
    CB_RAW_DAMAGED, // the input is not DEFLATE data; the stream is good for nothing but a reset
};

// Bytes that the decoder took and that stand behind the data. There are never more than the eight of gzip's trailer.
struct cb_raw_tail {
    uint8_t bytes[8];
    unsigned n;
};

struct cb_raw_inflate *cb_raw_inflate_new(void);
void cb_raw_inflate_reset(struct cb_raw_inflate *z); // for another stream
void cb_raw_inflate_free(struct cb_raw_inflate *z);  // NULL is fine

// Decodes from *in, which is moved along, into out, at most *room bytes; *room is then what was written. A call that
// left room has taken all of the input; one that filled it may hold more output back, so that it is called again, with
// no input if there is none. At CB_RAW_END *tail has the bytes that come before what is left of *in.
enum cb_raw_status cb_raw_inflate_step(struct cb_raw_inflate *z, struct cb_str *in, uint8_t *out, size_t *room,
                                       struct cb_raw_tail *tail);

#endif
