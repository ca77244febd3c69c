// gzip as a package's bytes arrive: pushed in, where compress/inflate.h pulls. The verdicts are the same. Private to
// apk/.
#ifndef CB_APK_GUNZIP_H
#define CB_APK_GUNZIP_H

#include "cbuild/base/error.h"
#include "cbuild/base/str.h"
#include "cbuild/compress/raw_inflate.h"

// Zero-initialise to start.
struct cb_gunzip {
    struct cb_raw_inflate *z; // from the first member on
    bool loose;               // reserved flags are passed over (indexes) instead of refused (packages)
    uint8_t part, flags;      // of the member, where the next byte stands; of its header
    uint32_t got;             // bytes of that part so far
    uint32_t field;           // the number that they are
    uint32_t header_crc, crc, size;
    uint64_t members; // complete ones so far
};

// Inflates from *in, which is moved along, into out, at most *room bytes; *room is then what was written. 1 where a
// member ended (the next call begins another), 0 where more input or room is needed, -1 CB_E_INPUT.
int cb_gunzip_step(struct cb_gunzip *g, struct cb_str *in, uint8_t *out, size_t *room, struct cb_error *err);

bool cb_gunzip_between(const struct cb_gunzip *g); // members
bool cb_gunzip_may_end(const struct cb_gunzip *g); // the input, after a member
void cb_gunzip_release(struct cb_gunzip *g);

#endif
