// The records of a configuration as tables: which keys there are, of which type, and where they go.
#ifndef CB_CONFIG_FIELDS_H
#define CB_CONFIG_FIELDS_H

#include "config_decode.h"

enum type { T_STR, T_U32, T_OPTIONAL_U32, T_INT, T_BOOL, T_STRS, T_ARCHS, T_PAIRS, T_RECORD, T_RECORDS };

#define NO_FLAG SIZE_MAX

struct record;

struct field {
    const char *key;
    enum type type;
    size_t at;                   // where it stands in its record
    size_t flag;                 // of the bool that tells that it is there (a Go pointer, map or slice that is not nil)
    const struct record *record; // of T_RECORD, T_RECORDS
    enum cb_text_rule rule;      // for the text, the items, or the keys of the map
};

struct record {
    const char *name; // for messages
    const struct field *fields;
    size_t n, size;
};

extern const struct record cb_config_record;

#endif
