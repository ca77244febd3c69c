// Base64 fields of JSON objects, decoded strictly into an arena.
#ifndef CB_TRUST_DECODE_H
#define CB_TRUST_DECODE_H

#include "cbuild/base/arena.h"
#include "cbuild/base/buf.h"

struct json_t;

// limit: bytes after decoding. An absent or null field is empty with p == NULL for get, CB_E_INPUT for need.
int cb_get_base64(struct cb_arena *a, const struct json_t *obj, const char *key, size_t limit, struct cb_str *out,
                  struct cb_error *err);
int cb_need_base64(struct cb_arena *a, const struct json_t *obj, const char *key, size_t limit, struct cb_str *out,
                   struct cb_error *err);
int cb_decode_base64(struct cb_arena *a, struct cb_str text, const char *name, size_t limit, struct cb_str *out,
                     struct cb_error *err);

// A 64-bit number, written as a number or, as protobuf's JSON does, as a string of digits. Must be there, not negative.
int cb_need_u64(const struct json_t *obj, const char *key, uint64_t *out, struct cb_error *err);
int cb_get_u64(const struct json_t *obj, const char *key, uint64_t *out, struct cb_error *err); // absent: 0

#endif
