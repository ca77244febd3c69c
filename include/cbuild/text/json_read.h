// Reading JSON that others wrote: indexes, manifests, configurations, lock files, bundles. A thin face of jansson that
// refuses what is ambiguous and what is too large, and getters that say which field is wrong.
//
// A value is jansson's `struct json_t`; it and what the getters give live until cb_json_free of the root.
#ifndef CB_TEXT_JSON_READ_H
#define CB_TEXT_JSON_READ_H

#include "cbuild/base/error.h"
#include "cbuild/base/str.h"

struct json_t;

// Parses one JSON text. Refused, with CB_E_INPUT and line:column: malformed JSON or UTF-8, anything after the value,
// a key that occurs twice in an object or twice but for the case of its letters (Go's decoder would take the last one
// of either), U+0000 in a string, nesting past 2,048. More than limit bytes is CB_E_LIMIT. what names the text in
// messages ("manifest sha256:...", a file).
struct json_t *cb_json_read(struct cb_str text, const char *what, size_t limit, struct cb_error *err);
struct json_t *cb_json_read_file(const char *path, size_t limit, struct cb_error *err);
void cb_json_free(struct json_t *root); // NULL is fine
void cb_json_free_p(struct json_t **root);

#define CB_JSON_AUTO __attribute__((cleanup(cb_json_free_p))) struct json_t

// Getters for a field of an object. A field that is absent or null gives the zero value ("" with p == NULL, 0, false,
// NULL) and 0, as Go decodes it; one of another type is CB_E_INPUT "field: expected a string, found a list". obj must
// be an object or NULL (NULL: every field is absent). Strings are UTF-8 and followed by a NUL.
int cb_json_get_str(const struct json_t *obj, const char *key, struct cb_str *out, struct cb_error *err);
int cb_json_get_int(const struct json_t *obj, const char *key, int64_t *out, struct cb_error *err);
int cb_json_get_size(const struct json_t *obj, const char *key, uint64_t *out, struct cb_error *err); // not negative
int cb_json_get_bool(const struct json_t *obj, const char *key, bool *out, struct cb_error *err);
int cb_json_get_object(const struct json_t *obj, const char *key, struct json_t **out, struct cb_error *err);
int cb_json_get_array(const struct json_t *obj, const char *key, struct json_t **out, struct cb_error *err);

// The same for a field that must be there and not null.
int cb_json_need_str(const struct json_t *obj, const char *key, struct cb_str *out, struct cb_error *err);
int cb_json_need_int(const struct json_t *obj, const char *key, int64_t *out, struct cb_error *err);
int cb_json_need_size(const struct json_t *obj, const char *key, uint64_t *out, struct cb_error *err);
int cb_json_need_object(const struct json_t *obj, const char *key, struct json_t **out, struct cb_error *err);
int cb_json_need_array(const struct json_t *obj, const char *key, struct json_t **out, struct cb_error *err);

bool cb_json_has(const struct json_t *obj, const char *key); // there, if only as null

// A value as what it is taken for.
int cb_json_as_str(const struct json_t *value, const char *name, struct cb_str *out, struct cb_error *err);
int cb_json_as_object(const struct json_t *value, const char *name, struct json_t **out, struct cb_error *err);

// Items of an array (NULL counts as empty), in order.
size_t cb_json_count(const struct json_t *array);
struct json_t *cb_json_at(const struct json_t *array, size_t i);

// A list of strings into *out (appended; null or absent adds none).
int cb_json_get_strs(const struct json_t *obj, const char *key, struct cb_strs *out, struct cb_error *err);

// Fields of an object in the order in which they stand in the text:
//     for (void *at = cb_json_first(o); at; at = cb_json_next(o, at)) use(cb_json_key_at(at), cb_json_value_at(at));
void *cb_json_first(struct json_t *obj);
void *cb_json_next(struct json_t *obj, void *at);
struct cb_str cb_json_key_at(void *at);
struct json_t *cb_json_value_at(void *at);

#endif
