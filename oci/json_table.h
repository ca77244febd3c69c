// JSON documents of fixed shape, read into and written from structs by one table of fields for each shape.
//
// A table lists a struct's fields in the order in which Go declares (and so writes) them. Reading takes what
// encoding/json takes for these types (unknown keys are skipped, null leaves a field alone), but refuses what makes two
// readers see two documents: duplicate keys, keys that differ from a field's in case only, invalid UTF-8, text after
// the document.
#ifndef OCI_JSON_TABLE_H
#define OCI_JSON_TABLE_H

#include <jansson.h>

#include "cbuild/base/arena.h"
#include "cbuild/text/gojson.h"

enum cb_field_kind {
    CB_FIELD_STR,     // struct cb_str
    CB_FIELD_BOOL,    // bool
    CB_FIELD_INT,     // int64_t
    CB_FIELD_SIZE,    // uint64_t, at most CB_BLOB_MAX
    CB_FIELD_STRS,    // struct cb_strs: an array of strings
    CB_FIELD_MAP,     // struct cb_string_map: string to string
    CB_FIELD_SET,     // struct cb_strs: map[string]struct{}
    CB_FIELD_DIGEST,  // struct cb_digest
    CB_FIELD_DIGESTS, // struct cb_digest *, size_t
    CB_FIELD_DATA,    // struct cb_str: base64; p is NULL where absent
    CB_FIELD_TIME,    // struct cb_created; CB_CREATED_ZERO where absent
    CB_FIELD_STRUCT,  // inline, by another table
    CB_FIELD_PTR,     // const struct *, by another table; NULL where absent
    CB_FIELD_LIST,    // struct *, size_t, by another table
};

struct cb_json_field {
    const char *key;
    enum cb_field_kind kind;
    bool omit_empty;
    size_t at; // offset in the struct
    const struct cb_json_table *sub;
};

struct cb_json_table {
    const struct cb_json_field *fields;
    size_t nfields;
    size_t size; // of the struct
};

extern const struct cb_json_table cb_descriptor_table; // struct cb_descriptor; in manifest.c

// A parsed document, NULL on failure; json_decref when done. CB_E_INPUT with the line, CB_E_LIMIT above limit bytes.
json_t *cb_table_load(struct cb_str bytes, size_t limit, struct cb_error *err);

// Fills *object (zeroed here) from an object; strings and lists are copied into *a.
int cb_table_decode(struct cb_arena *a, json_t *value, const struct cb_json_table *table, void *object,
                    struct cb_error *err);

// -1 with CB_E_CONFIG only for a time that JSON cannot hold.
int cb_table_encode(struct cb_json *j, const struct cb_json_table *table, const void *object, struct cb_error *err);

// Whether a key of value is `key`, or would be taken for it by a reader that does not mind case.
bool cb_table_key_like(json_t *value, const char *key);

#endif
