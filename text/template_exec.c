// Walking the tree. Values are Go's: a whole number is an int, the byte of a string a uint8, and a value that is not
// there (nil) prints as "<no value>" when an action comes to it.
#include "template_tree.h"

enum flow { FLOW_ON, FLOW_BREAK, FLOW_CONTINUE };

struct variable {
    struct cb_str name;
    struct cb_go_value value;
};

struct run {
    const struct cb_template *t;
    struct cb_sink *to;
    struct cb_arena arena; // texts made on the way
    struct {
        struct variable *v;
        size_t n, cap;
    } variables;
    struct cb_go_value dot;
    enum flow flow;
};

static int eval_pipe(struct run *r, const struct cb_pipe *pipe, struct cb_go_value *out, struct cb_error *err);

static bool is_number(const struct cb_go_value *v)
{
    return v->kind == CB_GO_INT || v->kind == CB_GO_BYTE;
}

static bool is_true(const struct cb_go_value *v)
{
    switch (v->kind) {
    case CB_GO_NIL:
        return false;
    case CB_GO_BOOL:
        return v->truth;
    case CB_GO_INT:
    case CB_GO_BYTE:
        return v->number != 0;
    case CB_GO_STRING:
        return v->text.n > 0;
    case CB_GO_STRUCT:
        return true;
    }
    return false;
}

static struct cb_go_value truth_value(bool truth)
{
    return (struct cb_go_value){.kind = CB_GO_BOOL, .truth = truth};
}

static struct cb_go_value int_value(int64_t number)
{
    return (struct cb_go_value){.kind = CB_GO_INT, .number = number};
}

static struct cb_go_value text_value(struct run *r, const struct cb_buf *b)
{
    return (struct cb_go_value){.kind = CB_GO_STRING, .text = cb_arena_str(&r->arena, cb_buf_str(b))};
}

// --- Variables and fields

static struct variable *find_variable(struct run *r, struct cb_str name)
{
    for (size_t i = r->variables.n; i-- > 0;)
        if (cb_str_eq(r->variables.v[i].name, name))
            return &r->variables.v[i];
    return NULL;
}

static void push(struct run *r, struct cb_str name, struct cb_go_value value)
{
    *cb_vec_add(&r->variables) = (struct variable){name, value};
}

static int set_variable(struct run *r, const struct cb_pipe *pipe, size_t i, struct cb_go_value value,
                        struct cb_error *err)
{
    struct variable *v = find_variable(r, pipe->declared[i]);
    if (!v)
        return cb_template_fail(r->t, pipe->at, err, CB_E_USAGE, "there is no variable %.*s to set",
                                CB_STR_ARG(pipe->declared[i]));
    v->value = value;
    return 0;
}

static int unknown_field(const struct run *r, const struct cb_operand *o, struct cb_str name,
                         const struct cb_go_value *v, struct cb_error *err)
{
    cb_template_fail(r->t, o->at, err, CB_E_USAGE, "there is no field \"%.*s\" in a %s", CB_STR_ARG(name),
                     cb_go_type_name(v));
    if (v->kind != CB_GO_STRUCT)
        return -1;
    CB_BUF_AUTO known = {0};
    for (size_t i = 0; i < v->record->n; i++)
        cb_buf_addf(&known, "%s.%s", i ? ", " : "", v->record->fields[i].name);
    return cb_hint(err, "the fields are %s", known.p);
}

static int look_up(const struct run *r, const struct cb_operand *o, struct cb_go_value *v, struct cb_error *err)
{
    for (const struct cb_ident *f = o->fields; f; f = f->next) {
        size_t i = 0, n = v->kind == CB_GO_STRUCT ? v->record->n : 0;
        while (i < n && !cb_str_is(f->name, v->record->fields[i].name))
            i++;
        if (v->kind == CB_GO_NIL)
            continue; // what is not there has no fields, and that is no mistake
        if (i == n)
            return unknown_field(r, o, f->name, v, err);
        *v = (struct cb_go_value){.kind = CB_GO_STRING, .text = v->record->fields[i].value};
    }
    return 0;
}

// --- Functions

struct call {
    struct run *run;
    const struct cb_operand *o; // the function
    struct {
        struct cb_go_value *v;
        size_t n, cap;
    } args;
};

static const char *function_name(const struct call *c)
{
    static const char *const names[] = {"and", "eq",  "ge", "gt",    "index",  "le",      "len",  "lt",
                                        "ne",  "not", "or", "print", "printf", "println", "slice"};
    return names[c->o->function];
}

static int call_fails(const struct call *c, struct cb_error *err, const char *what)
{
    return cb_template_fail(c->run->t, c->o->at, err, CB_E_USAGE, "%s: %s", function_name(c), what);
}

static int compare_kinds(const struct call *c, const struct cb_go_value *a, const struct cb_go_value *b,
                         struct cb_error *err)
{
    if (a->kind == b->kind || (is_number(a) && is_number(b)))
        return 0;
    CB_AUTOFREE char *what = cb_format("a %s and a %s cannot be compared", cb_go_type_name(a), cb_go_type_name(b));
    return call_fails(c, err, what);
}

static bool records_equal(const struct cb_go_struct *a, const struct cb_go_struct *b)
{
    for (size_t i = 0; i < a->n; i++)
        if (!cb_str_eq(a->fields[i].value, b->fields[i].value))
            return false;
    return true;
}

static bool values_equal(const struct cb_go_value *a, const struct cb_go_value *b)
{
    if (is_number(a) && is_number(b))
        return a->number == b->number;
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case CB_GO_BOOL:
        return a->truth == b->truth;
    case CB_GO_STRING:
        return cb_str_eq(a->text, b->text);
    case CB_GO_STRUCT:
        return records_equal(a->record, b->record);
    default:
        return true;
    }
}

// Whether the first is equal to one of the others; anything may be held against nil.
static int equals_any(const struct call *c, bool *out, struct cb_error *err)
{
    const struct cb_go_value *v = c->args.v;
    *out = false;
    for (size_t i = 1; i < c->args.n && !*out; i++) {
        bool nil = v[0].kind == CB_GO_NIL || v[i].kind == CB_GO_NIL;
        if (!nil && compare_kinds(c, &v[0], &v[i], err))
            return -1;
        *out = values_equal(&v[0], &v[i]);
    }
    return 0;
}

static int is_less(const struct call *c, const struct cb_go_value *a, const struct cb_go_value *b, bool *out,
                   struct cb_error *err)
{
    if ((!is_number(a) && a->kind != CB_GO_STRING) || (!is_number(b) && b->kind != CB_GO_STRING))
        return call_fails(c, err, "only numbers and strings have an order");
    if (compare_kinds(c, a, b, err))
        return -1;
    *out = is_number(a) ? a->number < b->number : cb_str_cmp(a->text, b->text) < 0;
    return 0;
}

static int compare(const struct call *c, struct cb_go_value *out, struct cb_error *err)
{
    const struct cb_go_value *a = &c->args.v[0], *b = &c->args.v[1];
    enum cb_function f = c->o->function;
    bool truth = false;
    if (f == CB_F_EQ || f == CB_F_NE) {
        if (equals_any(c, &truth, err))
            return -1;
    } else {
        bool swapped = f == CB_F_GT || f == CB_F_LE; // a > b is b < a
        if (is_less(c, swapped ? b : a, swapped ? a : b, &truth, err))
            return -1;
    }
    *out = truth_value(truth == (f == CB_F_EQ || f == CB_F_LT || f == CB_F_GT));
    return 0;
}

static int check_index(const struct call *c, const struct cb_go_value *index, size_t most, size_t *out,
                       struct cb_error *err)
{
    if (!is_number(index))
        return call_fails(c, err, "an index must be a whole number");
    if (index->number < 0 || (uint64_t)index->number > most)
        return call_fails(c, err, "the index is out of range");
    *out = (size_t)index->number;
    return 0;
}

static int index_text(const struct call *c, struct cb_go_value *out, struct cb_error *err)
{
    *out = c->args.v[0];
    if (out->kind == CB_GO_NIL)
        return call_fails(c, err, "nil has no elements");
    for (size_t i = 1; i < c->args.n; i++) {
        size_t at = 0;
        if (out->kind != CB_GO_STRING)
            return call_fails(c, err, "only a string has elements here");
        if (!out->text.n)
            return call_fails(c, err, "the index is out of range");
        if (check_index(c, &c->args.v[i], out->text.n - 1, &at, err))
            return -1;
        *out = (struct cb_go_value){.kind = CB_GO_BYTE, .number = (unsigned char)out->text.p[at]};
    }
    return 0;
}

static int slice_text(const struct call *c, struct cb_go_value *out, struct cb_error *err)
{
    *out = c->args.v[0];
    size_t at[2] = {0, out->text.n};
    if (out->kind != CB_GO_STRING)
        return call_fails(c, err, "only a string can be cut here");
    if (c->args.n > 3)
        return call_fails(c, err, "a string is cut with at most two numbers");
    for (size_t i = 1; i < c->args.n; i++)
        if (check_index(c, &c->args.v[i], out->text.n, &at[i - 1], err))
            return -1;
    if (at[0] > at[1])
        return call_fails(c, err, "the end lies before the beginning");
    out->text = cb_strn(out->text.p + at[0], at[1] - at[0]);
    return 0;
}

static int length(const struct call *c, struct cb_go_value *out, struct cb_error *err)
{
    if (c->args.v[0].kind != CB_GO_STRING)
        return call_fails(c, err, "only a string has a length here");
    *out = int_value((int64_t)c->args.v[0].text.n);
    return 0;
}

static int print(const struct call *c, struct cb_go_value *out, struct cb_error *err)
{
    CB_BUF_AUTO b = {0};
    const struct cb_go_value *v = c->args.v;
    if (c->o->function == CB_F_PRINT) {
        cb_go_print(&b, v, c->args.n);
    } else if (c->o->function == CB_F_PRINTLN) {
        cb_go_println(&b, v, c->args.n);
    } else {
        if (v[0].kind != CB_GO_STRING)
            return call_fails(c, err, "the format must be a string");
        if (cb_go_printf(&b, v[0].text, v + 1, c->args.n - 1, err))
            return -1;
    }
    *out = text_value(c->run, &b);
    return 0;
}

static int check_count(const struct call *c, struct cb_error *err)
{
    static const struct {
        size_t least, most; // 0: any number
    } counts[] = {
        [CB_F_AND] = {1, 0},    [CB_F_EQ] = {2, 0},      [CB_F_GE] = {2, 2},    [CB_F_GT] = {2, 2},
        [CB_F_INDEX] = {1, 0},  [CB_F_LE] = {2, 2},      [CB_F_LEN] = {1, 1},   [CB_F_LT] = {2, 2},
        [CB_F_NE] = {2, 2},     [CB_F_NOT] = {1, 1},     [CB_F_OR] = {1, 0},    [CB_F_PRINT] = {0, 0},
        [CB_F_PRINTF] = {1, 0}, [CB_F_PRINTLN] = {0, 0}, [CB_F_SLICE] = {1, 0},
    };
    size_t least = counts[c->o->function].least, most = counts[c->o->function].most;
    if (c->args.n >= least && (!most || c->args.n <= most))
        return 0;
    CB_AUTOFREE char *what =
        cb_format("%s%zu arguments are needed, not %zu", most ? "" : "at least ", least, c->args.n);
    return call_fails(c, err, what);
}

static int apply(const struct call *c, struct cb_go_value *out, struct cb_error *err)
{
    if (check_count(c, err))
        return -1;
    switch (c->o->function) {
    case CB_F_NOT:
        *out = truth_value(!is_true(&c->args.v[0]));
        return 0;
    case CB_F_LEN:
        return length(c, out, err);
    case CB_F_INDEX:
        return index_text(c, out, err);
    case CB_F_SLICE:
        return slice_text(c, out, err);
    case CB_F_PRINT:
    case CB_F_PRINTF:
    case CB_F_PRINTLN:
        return print(c, out, err);
    case CB_F_AND:
    case CB_F_OR:
        *out = c->args.v[c->args.n - 1];
        return 0;
    default:
        return compare(c, out, err);
    }
}

// --- Operands, commands, pipelines

static int eval_call(struct run *r, const struct cb_operand *o, const struct cb_operand *args,
                     const struct cb_go_value *last, struct cb_go_value *out, struct cb_error *err);

static int eval_operand(struct run *r, const struct cb_operand *o, struct cb_go_value *out, struct cb_error *err)
{
    const struct variable *v;
    switch (o->type) {
    case CB_O_CONSTANT:
        *out = o->constant;
        break;
    case CB_O_NIL:
        *out = (struct cb_go_value){0};
        break;
    case CB_O_DOT:
        *out = r->dot;
        break;
    case CB_O_VARIABLE:
        v = find_variable(r, o->variable);
        if (!v)
            return cb_template_fail(r->t, o->at, err, CB_E_USAGE, "there is no variable %.*s here",
                                    CB_STR_ARG(o->variable));
        *out = v->value;
        break;
    case CB_O_FUNCTION:
        if (eval_call(r, o, NULL, NULL, out, err))
            return -1;
        break;
    case CB_O_PIPE:
        if (eval_pipe(r, o->pipe, out, err))
            return -1;
        break;
    }
    return look_up(r, o, out, err);
}

// and, or: the first argument that decides is the value, and those after it are not looked at.
static bool decides(const struct call *c)
{
    enum cb_function f = c->o->function;
    if ((f != CB_F_AND && f != CB_F_OR) || !c->args.n)
        return false;
    return is_true(&c->args.v[c->args.n - 1]) == (f == CB_F_OR);
}

static int eval_call(struct run *r, const struct cb_operand *o, const struct cb_operand *args,
                     const struct cb_go_value *last, struct cb_go_value *out, struct cb_error *err)
{
    struct call c = {.run = r, .o = o};
    int failed = 0;
    for (const struct cb_operand *a = args; a && !failed && !decides(&c); a = a->next) {
        struct cb_go_value v;
        failed = eval_operand(r, a, &v, err);
        if (!failed)
            *cb_vec_add(&c.args) = v;
    }
    if (!failed && last && !decides(&c))
        *cb_vec_add(&c.args) = *last;
    if (!failed)
        failed = apply(&c, out, err);
    cb_vec_release(&c.args);
    return failed;
}

// last: the value of the command before, NULL for the first.
static int eval_command(struct run *r, const struct cb_command *c, const struct cb_go_value *last,
                        struct cb_go_value *out, struct cb_error *err)
{
    const struct cb_operand *o = c->first;
    if (o->type == CB_O_FUNCTION && !o->fields)
        return eval_call(r, o, o->next, last, out, err);
    if (o->next || last)
        return cb_template_fail(r->t, o->at, err, CB_E_USAGE, "\"%.*s\" is no function: it takes no arguments",
                                CB_STR_ARG(o->text));
    if (o->type == CB_O_NIL)
        return cb_template_fail(r->t, o->at, err, CB_E_USAGE, "nil is no command");
    return eval_operand(r, o, out, err);
}

static int eval_pipe(struct run *r, const struct cb_pipe *pipe, struct cb_go_value *out, struct cb_error *err)
{
    struct cb_go_value last;
    for (const struct cb_command *c = pipe->first; c; c = c->next) {
        if (eval_command(r, c, c == pipe->first ? NULL : &last, out, err))
            return -1;
        last = *out;
    }
    for (size_t i = 0; i < pipe->ndeclared; i++) {
        if (!pipe->assigns)
            push(r, pipe->declared[i], *out);
        else if (set_variable(r, pipe, i, *out, err))
            return -1;
    }
    return 0;
}

// --- Nodes

static int walk(struct run *r, const struct cb_template_node *first, struct cb_error *err);

static int walk_with_dot(struct run *r, const struct cb_template_node *first, struct cb_go_value dot,
                         struct cb_error *err)
{
    struct cb_go_value before = r->dot;
    r->dot = dot;
    int failed = walk(r, first, err);
    r->dot = before;
    return failed;
}

static int run_action(struct run *r, const struct cb_template_node *n, struct cb_error *err)
{
    struct cb_go_value v;
    CB_BUF_AUTO b = {0};
    if (eval_pipe(r, n->pipe, &v, err))
        return -1;
    if (n->pipe->ndeclared)
        return 0;
    if (v.kind == CB_GO_NIL)
        cb_buf_adds(&b, "<no value>");
    else
        cb_go_print(&b, &v, 1);
    return b.n ? cb_write(r->to, b.p, b.n, err) : 0;
}

static int run_condition(struct run *r, const struct cb_template_node *n, struct cb_error *err)
{
    struct cb_go_value v;
    if (eval_pipe(r, n->pipe, &v, err))
        return -1;
    if (!is_true(&v))
        return walk(r, n->otherwise, err);
    return walk_with_dot(r, n->list, n->type == CB_N_WITH ? v : r->dot, err);
}

// A range's one variable is the element.
static int run_once(struct run *r, const struct cb_template_node *n, struct cb_go_value element, struct cb_error *err)
{
    size_t mark = r->variables.n;
    if (n->pipe->ndeclared && n->pipe->assigns) {
        if (set_variable(r, n->pipe, 0, element, err))
            return -1;
    } else if (n->pipe->ndeclared) {
        r->variables.v[mark - 1].value = element;
    }
    if (walk_with_dot(r, n->list, element, err))
        return -1;
    r->variables.n = mark;
    return 0;
}

static int run_range(struct run *r, const struct cb_template_node *n, struct cb_error *err)
{
    struct cb_go_value v;
    if (eval_pipe(r, n->pipe, &v, err))
        return -1;
    if (v.kind != CB_GO_NIL && !is_number(&v))
        return cb_template_fail(r->t, n->pipe->at, err, CB_E_USAGE, "a %s is nothing to range over",
                                cb_go_type_name(&v));
    if (is_number(&v) && n->pipe->ndeclared > 1)
        return cb_template_fail(r->t, n->pipe->at, err, CB_E_USAGE,
                                "ranging over a number gives one variable, not two");
    if (v.kind == CB_GO_NIL || v.number <= 0)
        return walk(r, n->otherwise, err);
    struct cb_go_value element = v;
    for (element.number = 0; element.number < v.number && r->flow != FLOW_BREAK; element.number++) {
        r->flow = FLOW_ON;
        if (run_once(r, n, element, err))
            return -1;
    }
    r->flow = FLOW_ON;
    return 0;
}

static int run_node(struct run *r, const struct cb_template_node *n, struct cb_error *err)
{
    switch (n->type) {
    case CB_N_TEXT:
        return cb_write(r->to, n->text.p, n->text.n, err);
    case CB_N_ACTION:
        return run_action(r, n, err);
    case CB_N_IF:
    case CB_N_WITH:
        return run_condition(r, n, err);
    case CB_N_RANGE:
        return run_range(r, n, err);
    case CB_N_BREAK:
    case CB_N_CONTINUE:
        r->flow = n->type == CB_N_BREAK ? FLOW_BREAK : FLOW_CONTINUE;
        return 0;
    }
    return 0;
}

static int walk(struct run *r, const struct cb_template_node *first, struct cb_error *err)
{
    for (const struct cb_template_node *n = first; n && r->flow == FLOW_ON; n = n->next) {
        size_t mark = r->variables.n;
        if (run_node(r, n, err))
            return -1;
        if (n->type != CB_N_ACTION)
            r->variables.n = mark; // an action's variables stay until the block ends
    }
    return 0;
}

int cb_template_execute(const struct cb_template *t, const struct cb_go_struct *dot, struct cb_sink *to,
                        struct cb_error *err)
{
    struct run r = {.t = t, .to = to, .dot = {.kind = CB_GO_STRUCT, .record = dot}};
    push(&r, CB_STR("$"), r.dot);
    int failed = walk(&r, t->first, err);
    cb_vec_release(&r.variables);
    cb_arena_release(&r.arena);
    return failed;
}
