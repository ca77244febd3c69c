// From tokens to the tree. A block ({{if}}, {{with}}, {{range}}) has a list of nodes, and another for {{else}}; a
// pipeline is commands, the value of each of which becomes the last argument of the next.
#include <stdarg.h>

#include "cbuild/base/nearest.h"
#include "template_tree.h"

struct parser {
    struct cb_template *t;
    struct cb_tokens tokens;
    size_t at;
    size_t depth;       // of blocks and parentheses
    size_t range_depth; // of ranges alone
    struct cb_strs variables;
};

int cb_template_fail(const struct cb_template *t, size_t at, struct cb_error *err, enum cb_kind kind, const char *fmt,
                     ...)
{
    va_list ap;
    va_start(ap, fmt);
    CB_AUTOFREE char *what = cb_vformat(fmt, ap);
    va_end(ap);
    size_t line = 1, start = 0, end;
    for (size_t i = 0; i < at && i < t->text.n; i++)
        if (t->text.p[i] == '\n') {
            line++;
            start = i + 1;
        }
    for (end = start; end < t->text.n && t->text.p[end] != '\n'; end++)
        ;
    cb_fail(err, kind, "template:%zu:%zu: %s", line, at - start + 1, what);
    if (end - start > 200)
        return -1;
    return cb_detail(err, "%.*s\n%*s^", (int)(end - start), t->text.p + start, (int)(at - start), "");
}

static const struct cb_token *peek(const struct parser *p)
{
    return &p->tokens.v[p->at];
}

static const struct cb_token *next(struct parser *p)
{
    const struct cb_token *token = peek(p);
    p->at += token->type != CB_T_EOF;
    return token;
}

static const struct cb_token *peek_word(struct parser *p) // what comes after space
{
    while (peek(p)->type == CB_T_SPACE)
        p->at++;
    return peek(p);
}

static int unexpected(const struct parser *p, const struct cb_token *token, const char *where, struct cb_error *err)
{
    if (token->type == CB_T_EOF)
        return cb_template_fail(p->t, token->at, err, CB_E_USAGE, "the template ends within %s", where);
    return cb_template_fail(p->t, token->at, err, CB_E_USAGE, "unexpected \"%.*s\" in %s", CB_STR_ARG(token->text),
                            where);
}

static int enter(struct parser *p, const struct cb_token *token, struct cb_error *err)
{
    if (++p->depth <= CB_TEMPLATE_DEPTH_MAX)
        return 0;
    return cb_template_fail(p->t, token->at, err, CB_E_LIMIT, "more than %u blocks or parentheses in one another",
                            CB_TEMPLATE_DEPTH_MAX);
}

// --- Operands

static int parse_pipe(struct parser *p, const char *where, enum cb_token_type end, struct cb_pipe **out,
                      struct cb_error *err);

static const struct {
    const char *name;
    enum cb_function function;
} functions[] = {
    {"and", CB_F_AND}, {"eq", CB_F_EQ},       {"ge", CB_F_GE},         {"gt", CB_F_GT},           {"index", CB_F_INDEX},
    {"le", CB_F_LE},   {"len", CB_F_LEN},     {"lt", CB_F_LT},         {"ne", CB_F_NE},           {"not", CB_F_NOT},
    {"or", CB_F_OR},   {"print", CB_F_PRINT}, {"printf", CB_F_PRINTF}, {"println", CB_F_PRINTLN}, {"slice", CB_F_SLICE},
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

static int parse_function(struct parser *p, const struct cb_token *token, struct cb_operand *o, struct cb_error *err)
{
    static const char *const missing[] = {"call", "html", "js", "urlquery"};
    const char *names[FUNCTIONS];
    for (size_t i = 0; i < FUNCTIONS; i++) {
        names[i] = functions[i].name;
        if (!cb_str_is(token->text, functions[i].name))
            continue;
        o->type = CB_O_FUNCTION;
        o->function = functions[i].function;
        return 0;
    }
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
        if (cb_str_is(token->text, missing[i]))
            return cb_template_fail(p->t, token->at, err, CB_E_UNSUPPORTED, "the function \"%s\" is not supported",
                                    missing[i]);
    CB_AUTOFREE char *word = cb_strndup(token->text.p, token->text.n);
    const char *nearest = cb_nearest(word, names, FUNCTIONS);
    cb_template_fail(p->t, token->at, err, CB_E_USAGE, "there is no function \"%s\"", word);
    return nearest ? cb_hint(err, "did you mean %s? A field has a dot before its name", nearest)
                   : cb_hint(err, "a field has a dot before its name");
}

static int parse_word(struct parser *p, const struct cb_token *token, struct cb_operand *o, struct cb_error *err)
{
    bool truth = cb_str_is(token->text, "true");
    if (truth || cb_str_is(token->text, "false")) {
        o->type = CB_O_CONSTANT;
        o->constant = (struct cb_go_value){.kind = CB_GO_BOOL, .truth = truth};
        return 0;
    }
    if (cb_str_is(token->text, "nil")) {
        o->type = CB_O_NIL;
        return 0;
    }
    return parse_function(p, token, o, err);
}

static int parse_variable(struct parser *p, const struct cb_token *token, struct cb_operand *o, struct cb_error *err)
{
    o->type = CB_O_VARIABLE;
    o->variable = token->text;
    if (cb_strs_has(&p->variables, token->text))
        return 0;
    return cb_template_fail(p->t, token->at, err, CB_E_USAGE, "there is no variable %.*s here",
                            CB_STR_ARG(token->text));
}

static int parse_parentheses(struct parser *p, const struct cb_token *token, struct cb_operand *o, struct cb_error *err)
{
    o->type = CB_O_PIPE;
    if (enter(p, token, err) || parse_pipe(p, "parentheses", CB_T_CLOSE, &o->pipe, err))
        return -1;
    p->depth--;
    return 0;
}

static void add_field(struct parser *p, struct cb_operand *o, const struct cb_token *token)
{
    struct cb_ident *ident = cb_arena_alloc(&p->t->arena, sizeof *ident), **end = &o->fields;
    while (*end)
        end = &(*end)->next;
    ident->name = cb_str_skip(token->text, 1);
    *end = ident;
    o->text = cb_strn(o->text.p, (size_t)(token->text.p + token->text.n - o->text.p));
}

// Whether the token begins an operand.
static bool is_term(const struct cb_token *token)
{
    return (token->type >= CB_T_STRING && token->type <= CB_T_WORD) || token->type == CB_T_OPEN;
}

static int parse_term(struct parser *p, struct cb_operand *o, struct cb_error *err)
{
    const struct cb_token *token = next(p);
    o->at = token->at;
    o->text = token->text;
    switch (token->type) {
    case CB_T_WORD:
        return parse_word(p, token, o, err);
    case CB_T_VARIABLE:
        return parse_variable(p, token, o, err);
    case CB_T_OPEN:
        return parse_parentheses(p, token, o, err);
    case CB_T_FIELD:
        add_field(p, o, token);
        // fall through
    case CB_T_DOT:
        o->type = CB_O_DOT;
        return 0;
    default:
        o->type = CB_O_CONSTANT;
        return cb_template_constant(p->t, token, &o->constant, err);
    }
}

static int parse_operand(struct parser *p, struct cb_operand *o, struct cb_error *err)
{
    if (parse_term(p, o, err))
        return -1;
    bool plain = o->type == CB_O_CONSTANT || o->type == CB_O_NIL || (o->type == CB_O_DOT && !o->fields);
    if (peek(p)->type == CB_T_FIELD && plain)
        return cb_template_fail(p->t, peek(p)->at, err, CB_E_USAGE, "a field cannot follow \"%.*s\"",
                                CB_STR_ARG(o->text));
    while (peek(p)->type == CB_T_FIELD)
        add_field(p, o, next(p));
    return 0;
}

// --- Pipelines

// Operands with space between them; ends behind a "|", or before what ends the pipeline.
static int parse_command(struct parser *p, struct cb_command *c, struct cb_error *err)
{
    struct cb_operand **end = &c->first;
    for (;;) {
        if (is_term(peek_word(p))) {
            *end = cb_arena_alloc(&p->t->arena, sizeof **end);
            if (parse_operand(p, *end, err))
                return -1;
            end = &(*end)->next;
        }
        const struct cb_token *token = peek(p);
        if (token->type == CB_T_RIGHT || token->type == CB_T_CLOSE)
            return 0;
        if (token->type != CB_T_SPACE && token->type != CB_T_PIPE)
            return unexpected(p, token, "an operand", err);
        p->at++;
        if (token->type == CB_T_PIPE)
            return 0;
    }
}

static void declare(struct parser *p, struct cb_pipe *pipe, struct cb_str name)
{
    pipe->declared[pipe->ndeclared++] = name;
    cb_strs_add(&p->variables, name);
}

// "$x :=", "$x =", and in a range "$i, $x :=". A variable that is only used is left for the command.
static int parse_declarations(struct parser *p, struct cb_pipe *pipe, bool in_range, struct cb_error *err)
{
    while (peek_word(p)->type == CB_T_VARIABLE) {
        size_t back = p->at;
        const struct cb_token *variable = next(p), *sign = peek_word(p);
        if (sign->type == CB_T_ASSIGN || sign->type == CB_T_DECLARE) {
            p->at++;
            pipe->assigns = sign->type == CB_T_ASSIGN;
            declare(p, pipe, variable->text);
            return 0;
        }
        if (sign->type != CB_T_CHAR || !cb_str_is(sign->text, ",")) {
            p->at = back;
            return 0;
        }
        p->at++;
        declare(p, pipe, variable->text);
        if (!in_range || pipe->ndeclared == 2)
            return cb_template_fail(p->t, variable->at, err, CB_E_USAGE, "too many variables");
        enum cb_token_type then = peek_word(p)->type;
        if (then != CB_T_VARIABLE && then != CB_T_RIGHT && then != CB_T_CLOSE)
            return unexpected(p, peek(p), "the variables of a range", err);
    }
    return 0;
}

static int check_stage(const struct parser *p, const struct cb_command *c, struct cb_error *err)
{
    const struct cb_operand *o = c->first;
    if (o->type != CB_O_CONSTANT && o->type != CB_O_NIL && (o->type != CB_O_DOT || o->fields))
        return 0;
    return cb_template_fail(p->t, o->at, err, CB_E_USAGE, "\"%.*s\" cannot take what is before the \"|\"",
                            CB_STR_ARG(o->text));
}

static int parse_pipe(struct parser *p, const char *where, enum cb_token_type end, struct cb_pipe **out,
                      struct cb_error *err)
{
    struct cb_pipe *pipe = cb_arena_alloc(&p->t->arena, sizeof *pipe);
    struct cb_command **last = &pipe->first;
    *out = pipe;
    pipe->at = peek_word(p)->at;
    if (parse_declarations(p, pipe, !strcmp(where, "range"), err))
        return -1;
    while (peek_word(p)->type != end) {
        if (!is_term(peek(p)))
            return unexpected(p, peek(p), where, err);
        *last = cb_arena_alloc(&p->t->arena, sizeof **last);
        if (parse_command(p, *last, err))
            return -1;
        if (last != &pipe->first && check_stage(p, *last, err))
            return -1;
        last = &(*last)->next;
    }
    if (!pipe->first)
        return cb_template_fail(p->t, peek(p)->at, err, CB_E_USAGE, "a value is missing in %s", where);
    p->at++;
    return 0;
}

// --- Nodes

static int parse_list(struct parser *p, struct cb_template_node **first, struct cb_str *end, struct cb_error *err);

static int expect_right(struct parser *p, const char *where, struct cb_error *err)
{
    return peek_word(p)->type == CB_T_RIGHT ? (p->at++, 0) : unexpected(p, peek(p), where, err);
}

static int parse_block(struct parser *p, const char *name, struct cb_template_node *node, struct cb_error *err);

// Behind {{else. Directly followed by the block's own keyword (but for range), that block ends with this one.
static int parse_else(struct parser *p, const char *name, struct cb_template_node *node, struct cb_error *err)
{
    struct cb_str end;
    const struct cb_token *token = peek_word(p);
    if (token->type == CB_T_KEYWORD && cb_str_is(token->text, name) && node->type != CB_N_RANGE) {
        p->at++;
        node->otherwise = cb_arena_alloc(&p->t->arena, sizeof *node);
        return parse_block(p, name, node->otherwise, err);
    }
    if (expect_right(p, "else", err) || parse_list(p, &node->otherwise, &end, err))
        return -1;
    if (cb_str_is(end, "end"))
        return expect_right(p, "end", err);
    return unexpected(p, &p->tokens.v[p->at - 1], "else: its block must end first", err);
}

// Behind the keyword, to the end of the block.
static int parse_block(struct parser *p, const char *name, struct cb_template_node *node, struct cb_error *err)
{
    size_t variables = p->variables.n;
    struct cb_str end;
    bool is_range = !strcmp(name, "range");
    node->type = is_range ? CB_N_RANGE : !strcmp(name, "if") ? CB_N_IF : CB_N_WITH;
    if (enter(p, peek(p), err) || parse_pipe(p, name, CB_T_RIGHT, &node->pipe, err))
        return -1;
    p->range_depth += is_range;
    int failed = parse_list(p, &node->list, &end, err);
    p->range_depth -= is_range;
    if (failed)
        return -1;
    failed = cb_str_is(end, "else") ? parse_else(p, name, node, err) : expect_right(p, "end", err);
    p->variables.n = variables;
    p->depth--;
    return failed;
}

static int parse_jump(struct parser *p, const struct cb_token *keyword, struct cb_template_node *node,
                      struct cb_error *err)
{
    node->type = cb_str_is(keyword->text, "break") ? CB_N_BREAK : CB_N_CONTINUE;
    if (!p->range_depth)
        return cb_template_fail(p->t, keyword->at, err, CB_E_USAGE, "{{%.*s}} outside of {{range}}",
                                CB_STR_ARG(keyword->text));
    return expect_right(p, "it", err);
}

// Behind {{. *end is the keyword where that is "end" or "else", and the node is nothing then.
static int parse_action(struct parser *p, struct cb_template_node *node, struct cb_str *end, struct cb_error *err)
{
    static const char *const blocks[] = {"if", "with", "range"};
    const struct cb_token *token = peek_word(p);
    *end = (struct cb_str){0};
    if (token->type != CB_T_KEYWORD) {
        node->type = CB_N_ACTION;
        return parse_pipe(p, "an action", CB_T_RIGHT, &node->pipe, err);
    }
    p->at++;
    for (size_t i = 0; i < 3; i++)
        if (cb_str_is(token->text, blocks[i]))
            return parse_block(p, blocks[i], node, err);
    if (cb_str_is(token->text, "end") || cb_str_is(token->text, "else")) {
        *end = token->text;
        return 0;
    }
    if (cb_str_is(token->text, "break") || cb_str_is(token->text, "continue"))
        return parse_jump(p, token, node, err);
    return cb_template_fail(p->t, token->at, err, CB_E_UNSUPPORTED, "{{%.*s}} is not supported",
                            CB_STR_ARG(token->text));
}

// Nodes up to an {{end or {{else, which is then in *end; the top level ends with the template.
static int parse_list(struct parser *p, struct cb_template_node **first, struct cb_str *end, struct cb_error *err)
{
    for (;;) {
        const struct cb_token *token = next(p);
        struct cb_template_node *node = cb_arena_alloc(&p->t->arena, sizeof *node);
        *end = (struct cb_str){0};
        if (token->type == CB_T_EOF)
            return p->depth ? cb_template_fail(p->t, token->at, err, CB_E_USAGE, "a block without its {{end}}") : 0;
        node->type = CB_N_TEXT;
        node->text = token->text;
        if (token->type == CB_T_LEFT && parse_action(p, node, end, err))
            return -1;
        if (end->n)
            return 0;
        *first = node;
        first = &node->next;
    }
}

static int parse(struct cb_template *t, struct cb_error *err)
{
    struct parser p = {.t = t};
    struct cb_str end;
    cb_strs_add(&p.variables, CB_STR("$"));
    int failed = cb_template_lex(t, &p.tokens, err) || parse_list(&p, &t->first, &end, err);
    if (!failed && end.n)
        failed = unexpected(&p, &p.tokens.v[p.at - 1], "the template: no block is open", err);
    cb_vec_release(&p.tokens);
    cb_strs_release(&p.variables);
    return failed ? -1 : 0;
}

struct cb_template *cb_template_parse(struct cb_str text, struct cb_error *err)
{
    if (text.n > CB_TEMPLATE_MAX) {
        cb_fail(err, CB_E_LIMIT, "a template of %zu bytes: more than %u", text.n, CB_TEMPLATE_MAX);
        return NULL;
    }
    struct cb_template *t = cb_zalloc(sizeof *t);
    t->text = cb_arena_str(&t->arena, text);
    if (parse(t, err) == 0)
        return t;
    cb_template_free(t);
    return NULL;
}

void cb_template_free(struct cb_template *t)
{
    if (!t)
        return;
    cb_arena_release(&t->arena);
    free(t);
}

void cb_template_free_p(struct cb_template **t)
{
    cb_template_free(*t);
}
