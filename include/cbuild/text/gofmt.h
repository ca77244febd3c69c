// Values as Go's fmt prints them: Sprint, Sprintln and Sprintf, for what a template can hold.
// Source: Go's documentation of package fmt; its odd answers to wrong formats ("%!d(string=x)") too.
#ifndef CB_TEXT_GOFMT_H
#define CB_TEXT_GOFMT_H

#include "cbuild/base/buf.h"
#include "cbuild/base/error.h"

enum cb_go_kind {
    CB_GO_NIL,
    CB_GO_BOOL,
    CB_GO_INT,  // int
    CB_GO_BYTE, // uint8
    CB_GO_STRING,
    CB_GO_STRUCT, // of strings
};

struct cb_go_field {
    const char *name;
    struct cb_str value;
};

struct cb_go_struct {
    const char *type; // "main.package"
    const struct cb_go_field *fields;
    size_t n;
};

struct cb_go_value { // borrows
    enum cb_go_kind kind;
    bool truth;
    int64_t number; // of an int or byte
    struct cb_str text;
    const struct cb_go_struct *record;
};

// "string", "int", "uint8", "bool", the struct's type; "<nil>".
const char *cb_go_type_name(const struct cb_go_value *v);

// Appends as fmt.Sprint does: a space between two operands of which neither is a string.
void cb_go_print(struct cb_buf *out, const struct cb_go_value *values, size_t n);
// As fmt.Sprintln.
void cb_go_println(struct cb_buf *out, const struct cb_go_value *values, size_t n);

// As fmt.Sprintf. CB_E_UNSUPPORTED: text beyond ASCII under %q or %#U, for which Go's tables of printable characters
// would be needed; CB_E_LIMIT: more than CB_GO_PRINTF_MAX bytes.
#define CB_GO_PRINTF_MAX (16u << 20)
int cb_go_printf(struct cb_buf *out, struct cb_str format, const struct cb_go_value *values, size_t n,
                 struct cb_error *err);

#endif
