// JSON as Go's encoding/json writes it: <, >, & and U+2028/9 escaped, invalid UTF-8 as U+FFFD, keys in the order in
// which they are written (callers sort where Go sorts maps).
//
// A writer is a cursor over a buffer; commas, and line breaks when indenting, are its own business:
//     struct cb_json j = cb_json(&buf, "", "  ");     // or cb_json(&buf, NULL, NULL) for compact
//     cb_json_object(&j); cb_json_key(&j, "a"); cb_json_int(&j, 1); cb_json_end(&j);
#ifndef CB_TEXT_GOJSON_H
#define CB_TEXT_GOJSON_H

#include "cbuild/base/buf.h"

#define CB_JSON_DEPTH 64

struct cb_json {
    struct cb_buf *out;
    const char *prefix, *indent; // as json.MarshalIndent; both NULL: compact
    bool plain_html;             // leave <, >, & as they are (SetEscapeHTML(false))
    unsigned depth;
    bool is_object[CB_JSON_DEPTH], has_item[CB_JSON_DEPTH], after_key;
};

struct cb_json cb_json(struct cb_buf *out, const char *prefix, const char *indent);
void cb_json_object(struct cb_json *j);
void cb_json_array(struct cb_json *j);
void cb_json_end(struct cb_json *j); // of the innermost object or array; empty ones are {} and []
void cb_json_key(struct cb_json *j, const char *key);
void cb_json_keystr(struct cb_json *j, struct cb_str key);
void cb_json_str(struct cb_json *j, struct cb_str s);
void cb_json_cstr(struct cb_json *j, const char *s);
void cb_json_int(struct cb_json *j, int64_t v);
void cb_json_uint(struct cb_json *j, uint64_t v);
void cb_json_bool(struct cb_json *j, bool v);
void cb_json_null(struct cb_json *j);
void cb_json_raw(struct cb_json *j, struct cb_str json); // an already written value

// key and string value, left out where the value is empty: Go's `omitempty`.
void cb_json_field(struct cb_json *j, const char *key, struct cb_str value);

#endif
