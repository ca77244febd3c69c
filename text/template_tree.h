// The parts of a template, from its tokens to its tree; all of them live in the template's arena.
#ifndef CB_TEXT_TEMPLATE_TREE_H
#define CB_TEXT_TEMPLATE_TREE_H

#include "cbuild/base/arena.h"
#include "cbuild/base/vec.h"
#include "cbuild/text/template.h"

enum cb_token_type {
    CB_T_EOF,
    CB_T_TEXT,
    CB_T_LEFT,  // {{
    CB_T_RIGHT, // }}
    CB_T_SPACE,
    CB_T_ASSIGN,  // =
    CB_T_DECLARE, // :=
    CB_T_PIPE,
    CB_T_CHAR, // another sign
    CB_T_OPEN,
    CB_T_CLOSE,
    CB_T_STRING, // with its quotes
    CB_T_RAW,
    CB_T_RUNE,
    CB_T_NUMBER,
    CB_T_VARIABLE, // with its $
    CB_T_FIELD,    // with its dot
    CB_T_DOT,
    CB_T_WORD, // true, false, nil, a function
    CB_T_KEYWORD,
};

struct cb_token {
    enum cb_token_type type;
    struct cb_str text;
    size_t at; // in the template's text
};

struct cb_tokens {
    struct cb_token *v;
    size_t n, cap;
};

enum cb_function {
    CB_F_AND,
    CB_F_EQ,
    CB_F_GE,
    CB_F_GT,
    CB_F_INDEX,
    CB_F_LE,
    CB_F_LEN,
    CB_F_LT,
    CB_F_NE,
    CB_F_NOT,
    CB_F_OR,
    CB_F_PRINT,
    CB_F_PRINTF,
    CB_F_PRINTLN,
    CB_F_SLICE,
};

struct cb_ident {
    struct cb_str name;
    struct cb_ident *next;
};

enum cb_operand_type {
    CB_O_CONSTANT,
    CB_O_DOT,
    CB_O_NIL,
    CB_O_VARIABLE,
    CB_O_FUNCTION,
    CB_O_PIPE, // in parentheses
};

struct cb_operand {
    enum cb_operand_type type;
    size_t at;
    struct cb_str text; // as written, for messages
    struct cb_go_value constant;
    struct cb_str variable; // with its $
    enum cb_function function;
    struct cb_pipe *pipe;
    struct cb_ident *fields; // to look up in it
    struct cb_operand *next;
};

struct cb_command {
    struct cb_operand *first; // the others are its arguments
    struct cb_command *next;
};

struct cb_pipe {
    size_t at;
    struct cb_str declared[2];
    size_t ndeclared;
    bool assigns; // = instead of :=
    struct cb_command *first;
};

enum cb_template_node_type { CB_N_TEXT, CB_N_ACTION, CB_N_IF, CB_N_WITH, CB_N_RANGE, CB_N_BREAK, CB_N_CONTINUE };

struct cb_template_node {
    enum cb_template_node_type type;
    struct cb_str text;
    struct cb_pipe *pipe;
    struct cb_template_node *list, *otherwise; // of a block: its first nodes
    struct cb_template_node *next;
};

struct cb_template {
    struct cb_arena arena;
    struct cb_str text;
    struct cb_template_node *first;
};

// Fails with the place in the template that `at` is. Returns -1.
int cb_template_fail(const struct cb_template *t, size_t at, struct cb_error *err, enum cb_kind kind, const char *fmt,
                     ...) CB_PRINTF(5, 6);

// All tokens, the last of which is CB_T_EOF. *out is to be released in any case.
int cb_template_lex(const struct cb_template *t, struct cb_tokens *out, struct cb_error *err);

// A constant as its tokens say it.
int cb_template_constant(struct cb_template *t, const struct cb_token *token, struct cb_go_value *out,
                         struct cb_error *err);

#endif
