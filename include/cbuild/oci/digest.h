// Content digests: "sha256:" and 64 lower-case hexadecimal digits, the only form that is read or written.
//
// A digest that was parsed is safe as part of a path or URL: nothing else gets into the struct.
// Source: OCI image-spec descriptor.md; go-containerregistry v1.Hash, which takes sha256 only, too.
#ifndef CB_OCI_DIGEST_H
#define CB_OCI_DIGEST_H

#include "cbuild/crypto/hash.h"

#define CB_DIGEST_TEXT 72u // "sha256:" + 64 + NUL

struct cb_digest {
    char text[CB_DIGEST_TEXT]; // "" where there is none
};

// CB_E_INPUT for another algorithm, another length or another alphabet.
int cb_digest_parse(struct cb_digest *out, struct cb_str s, struct cb_error *err);

struct cb_digest cb_digest_of_sum(const uint8_t sum[CB_SHA256_SIZE]); // from a finished SHA-256
struct cb_digest cb_digest_of(struct cb_str bytes);                   // hashes bytes

static inline const char *cb_digest_hex(const struct cb_digest *d) // the 64 digits; "" where there is none
{
    return d->text[0] ? d->text + 7 : "";
}

static inline struct cb_str cb_digest_str(const struct cb_digest *d)
{
    return cb_str(d->text);
}

static inline bool cb_digest_is_set(const struct cb_digest *d)
{
    return d->text[0] != 0;
}

static inline bool cb_digest_eq(const struct cb_digest *a, const struct cb_digest *b)
{
    return memcmp(a->text, b->text, sizeof a->text) == 0;
}

// A source that hands on what `from` gives and fails with CB_E_TRUST when it ends short of size, goes on after size
// bytes, or has another digest. Every byte that was read before the end is unverified: act on it only once the source
// has given 0 (its end). Borrows `from`, `want` and `name` (for messages).
struct cb_digest_source {
    struct cb_source source;
    struct cb_source *from;
    struct cb_hash *hash;
    const struct cb_digest *want;
    uint64_t left;
    uint64_t size;
    const char *name;
    bool done;
};

struct cb_digest_source cb_digest_source(struct cb_source *from, const struct cb_digest *want, uint64_t size,
                                         const char *name);
void cb_digest_source_release(struct cb_digest_source *s);

#endif
