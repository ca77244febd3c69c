// A configuration document as a tree, read from YAML or from JSON (which is read as the YAML it also is), the way
// gopkg.in/yaml.v3 reads it: plain scalars get their type from its table, only the first document is read, text after
// a flow document is not looked at. libyaml does the scanning; where it and yaml.v3 disagree, yaml.v3 is followed.
//
// The tree lives in the document's arena. Nothing is expanded: an alias is a node that points at its anchor's node,
// and a merge key is a key. Whoever follows aliases must expect a cycle, as in `&x [*x]`.
#ifndef CB_TEXT_DOCUMENT_H
#define CB_TEXT_DOCUMENT_H

#include "cbuild/base/arena.h"
#include "cbuild/base/error.h"

#define CB_DOC_BYTES (4u << 20) // largest text that cb_doc_parse_yaml takes
#define CB_DOC_DEPTH 10000      // deepest nesting, yaml.v3's own limit

enum cb_doc_kind { CB_DOC_SCALAR, CB_DOC_SEQUENCE, CB_DOC_MAPPING, CB_DOC_ALIAS };

enum cb_doc_tag {
    CB_TAG_NULL,
    CB_TAG_BOOL,
    CB_TAG_INT,
    CB_TAG_FLOAT,
    CB_TAG_STR,
    CB_TAG_TIMESTAMP,
    CB_TAG_BINARY,
    CB_TAG_MERGE,
    CB_TAG_SEQ,
    CB_TAG_MAP,
    CB_TAG_OTHER, // an application's own
};

struct cb_doc_node {
    enum cb_doc_kind kind;
    enum cb_doc_tag tag;          // as written, or what the text resolves to
    bool plain;                   // a scalar without quotes and not a block
    struct cb_str text;           // a scalar's value, an alias's name; followed by a NUL
    struct cb_doc_node *target;   // of an alias
    struct cb_doc_node **v;       // a sequence's items; a mapping's key, value, key, value
    size_t n;                     // of v
    uint32_t line, column, width; // where it stands, from 1; width in characters, on that line, at least 1
};

struct cb_doc {
    struct cb_arena arena;    // of the nodes
    const char *name;         // of the file, for messages
    struct cb_str text;       // UTF-8, without a byte order mark; owned
    struct cb_doc_node *root; // NULL: no document at all (empty, or comments only)
};

// Parses the first document of text. name is borrowed and text is copied. Errors: CB_E_CONFIG for what is not YAML,
// with the line and a caret in the detail; CB_E_LIMIT past the limits above. *doc is zeroed by the caller and may be
// released whether or not this succeeds.
int cb_doc_parse(struct cb_doc *doc, const char *name, struct cb_str text, struct cb_error *err);
void cb_doc_release(struct cb_doc *doc);

#define CB_DOC_AUTO __attribute__((cleanup(cb_doc_release))) struct cb_doc

// cb_fail with "name:line:column: " before the message and the line with a caret under the node as detail.
int cb_doc_fail(const struct cb_doc *doc, const struct cb_doc_node *at, struct cb_error *err, const char *fmt, ...)
    CB_PRINTF(4, 5);

// "a string", "a list", ...: what the node is, for messages.
const char *cb_doc_what(const struct cb_doc_node *node);

// What a scalar resolves to. For CB_TAG_INT: is_unsigned tells which of i and u holds it (u only past INT64_MAX).
struct cb_scalar {
    enum cb_doc_tag tag;
    bool b, is_unsigned;
    int64_t i;
    uint64_t u;
    double f;
};

// How yaml.v3 types a plain scalar without a tag.
struct cb_scalar cb_scalar_resolve(struct cb_str text);

// Whether text is one of yaml.v3's timestamps.
bool cb_scalar_is_timestamp(struct cb_str text);

#endif
