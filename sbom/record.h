// Records of SPDX documents: structs described by tables, read from JSON and written to it by the same table.
//
// Reading follows Go's encoding/json, whose verdicts decide which packages' documents count: keys match whatever the
// case of their letters, unknown keys are ignored, null leaves a field as it is, any other wrong type makes the
// document malformed. Writing follows it too: fields in the table's order, empty ones left out where the table says so.
#ifndef CB_SBOM_RECORD_H
#define CB_SBOM_RECORD_H

#include "cbuild/base/arena.h"
#include "cbuild/text/gojson.h"

struct json_t;

enum cb_field_kind {
    CB_FIELD_STRING,  // struct cb_str
    CB_FIELD_BOOL,    // bool
    CB_FIELD_STRINGS, // struct cb_record_strings
    CB_FIELD_RECORD,  // the struct itself
    CB_FIELD_RECORDS, // struct cb_record_list
    CB_FIELD_CHECKED, // read for its type only, into nothing, and never written
};

struct cb_record_type;

struct cb_field {
    const char *key;
    enum cb_field_kind kind;
    size_t offset;
    bool omit_empty;
    const struct cb_record_type *type; // of RECORD, RECORDS and CHECKED
};

struct cb_record_type {
    size_t size; // bytes of the struct
    const struct cb_field *fields;
    size_t n;
};

struct cb_record_list {
    void *v;
    size_t n, cap;
    bool given; // an empty list that was given is [], one that was not is null
};

struct cb_record_strings {
    struct cb_strs list;
    bool given;
};

// Fills the struct at `record` (zeroed before) from a JSON object; strings are copied into *a. CB_E_INPUT.
int cb_record_read(const struct cb_record_type *type, const struct json_t *object, struct cb_arena *a, void *record,
                   struct cb_error *err);
void cb_record_write(const struct cb_record_type *type, const void *record, struct cb_json *j);

// A new, zeroed element at the list's end.
void *cb_record_add(const struct cb_record_type *type, struct cb_record_list *list);
void *cb_record_at(const struct cb_record_type *type, const struct cb_record_list *list, size_t i);

// Frees the lists below a record, not its strings.
void cb_record_release(const struct cb_record_type *type, void *record);

#endif
