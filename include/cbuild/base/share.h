// Things that are made once and shared: the first thread that asks for a key makes its thing, others that ask meanwhile
// wait for it. A thing stays while somebody has it; of those that nobody has, the ones used last stay, as many as the
// limits allow.
#ifndef CB_BASE_SHARE_H
#define CB_BASE_SHARE_H

#include <stdint.h>

#include "cbuild/base/error.h"
#include "cbuild/base/str.h"

struct cb_share; // safe for use by several threads at once

struct cb_share_kind {
    void (*destroy)(void *thing);
    uint64_t (*weight)(const void *thing); // in any unit; NULL: nothing weighs anything
    size_t most_idle;                      // things kept that nobody has
    uint64_t most_idle_weight;             // of them together
};

struct cb_share *cb_share_new(const struct cb_share_kind *kind);
void cb_share_free(struct cb_share *s); // destroys what is kept, also what was not given back; NULL is fine

// The thing for a key, made by make(ctx, err) where there is none: it gives a thing that the caller reads only and
// gives back, or NULL and an error, which is not remembered. make may take other things, but must not wait for jobs
// that ask for this key.
typedef void *cb_share_make(void *ctx, struct cb_error *err);
void *cb_share_take(struct cb_share *s, struct cb_str key, cb_share_make *make, void *ctx, struct cb_error *err);
void cb_share_give_back(struct cb_share *s, struct cb_str key); // once for each that was taken

#endif
