// YAML as gopkg.in/yaml.v3 writes it: block style, four spaces a level, quotes where a plain scalar would be read back
// as something else, literal blocks for texts of several lines. For maps, lists, strings and numbers; no comments, no
// aliases.
//
// A writer is a cursor over a buffer, used like the one of gojson.h. Map keys are written in the order in which they
// come; cb_yaml_key_less is the order in which yaml.v3 writes a Go map.
#ifndef CB_TEXT_GOYAML_H
#define CB_TEXT_GOYAML_H

#include "cbuild/base/buf.h"

#define CB_YAML_DEPTH 32

struct cb_yaml {
    struct cb_buf *out;
    size_t column;
    bool whitespace, indention; // as libyaml's emitter keeps them: after a blank; nothing but indentation on this line
    unsigned depth;
    struct {
        bool is_map, begun; // begun: it has an item, so it is not written as {} or []
        int indent;
    } open[CB_YAML_DEPTH];
};

struct cb_yaml cb_yaml(struct cb_buf *out);
void cb_yaml_map(struct cb_yaml *y);
void cb_yaml_list(struct cb_yaml *y);
void cb_yaml_end(struct cb_yaml *y);
void cb_yaml_key(struct cb_yaml *y, struct cb_str key);
void cb_yaml_str(struct cb_yaml *y, struct cb_str s); // bytes that are not UTF-8 are written as !!binary
void cb_yaml_int(struct cb_yaml *y, int64_t v);
void cb_yaml_bool(struct cb_yaml *y, bool v);
void cb_yaml_finish(struct cb_yaml *y); // ends the document with a line break

// Whether yaml.v3 writes key a of a map before b: digits by their value, letters after what is not one. Letters beyond
// ASCII are taken for what they look like to it in all but a few scripts.
bool cb_yaml_key_less(struct cb_str a, struct cb_str b);

#endif
