// From a template's text to tokens. Outside of actions there is only text; a "-" right inside of a delimiter, with a
// space beside it, takes away the white space of the text on that side.
#include <ctype.h>

#include "template_tree.h"

struct lexer {
    const struct cb_template *t;
    struct cb_str text;
    size_t at;
    size_t depth; // of parentheses
    struct cb_tokens *out;
};

static bool is_space(int c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// Every letter beyond ASCII counts as one: names with them mean nothing anyway.
static bool is_name_char(int c)
{
    return isalnum(c) || c == '_' || c >= 0x80;
}

static int look(const struct lexer *l, size_t ahead)
{
    return l->at + ahead < l->text.n ? (unsigned char)l->text.p[l->at + ahead] : -1;
}

static bool stands(const struct lexer *l, size_t ahead, const char *what)
{
    return cb_str_starts(cb_str_skip(l->text, l->at + ahead), what);
}

// " -}}" or "}}" at that place.
static bool at_right(const struct lexer *l, bool *trims)
{
    *trims = is_space(look(l, 0)) && look(l, 1) == '-' && stands(l, 2, "}}");
    return *trims || stands(l, 0, "}}");
}

static void emit(struct lexer *l, enum cb_token_type type, size_t start, size_t end)
{
    *cb_vec_add(l->out) = (struct cb_token){type, cb_strn(l->text.p + start, end - start), start};
}

static void skip_space(struct lexer *l)
{
    while (is_space(look(l, 0)))
        l->at++;
}

static void end_action(struct lexer *l, bool trims)
{
    size_t start = l->at + (trims ? 2 : 0);
    emit(l, CB_T_RIGHT, start, start + 2);
    l->at = start + 2;
    if (trims)
        skip_space(l);
}

// Behind "{{" or "{{- ", at "/*".
static int skip_comment(struct lexer *l, struct cb_error *err)
{
    size_t start = l->at;
    bool trims;
    for (l->at += 2; !stands(l, 0, "*/"); l->at++)
        if (l->at >= l->text.n)
            return cb_template_fail(l->t, start, err, CB_E_USAGE, "a comment without its end");
    l->at += 2;
    if (!at_right(l, &trims))
        return cb_template_fail(l->t, l->at, err, CB_E_USAGE, "a comment must be alone between {{ and }}");
    l->at += trims ? 4 : 2;
    if (trims)
        skip_space(l);
    return 0;
}

// A string, raw string or character with its quotes.
static int lex_quoted(struct lexer *l, enum cb_token_type type, char quote, struct cb_error *err)
{
    size_t start = l->at++;
    for (;; l->at++) {
        int c = look(l, 0);
        if (c == quote)
            break;
        if (c == '\\' && type != CB_T_RAW) {
            l->at++;
            c = look(l, 0); // whatever it is, it does not end the text
        }
        if (c < 0 || (c == '\n' && type != CB_T_RAW))
            return cb_template_fail(l->t, start, err, CB_E_USAGE, "%s without its closing quote",
                                    type == CB_T_RUNE ? "a character" : "a string");
    }
    l->at++;
    emit(l, type, start, l->at);
    return 0;
}

static bool at_terminator(const struct lexer *l)
{
    int c = look(l, 0);
    return c < 0 || is_space(c) || strchr(".,|:)(", c) || stands(l, 0, "}}");
}

static int check_terminator(const struct lexer *l, struct cb_error *err)
{
    if (at_terminator(l))
        return 0;
    return cb_template_fail(l->t, l->at, err, CB_E_USAGE, "unexpected character '%c'", look(l, 0));
}

static int lex_name(struct lexer *l, enum cb_token_type type, struct cb_error *err)
{
    size_t start = l->at;
    if (type != CB_T_WORD)
        l->at++;
    while (is_name_char(look(l, 0)))
        l->at++;
    if (type == CB_T_FIELD && l->at == start + 1)
        type = CB_T_DOT;
    static const char *const keywords[] = {"block", "break", "continue", "define", "else",
                                           "end",   "if",    "template", "range",  "with"};
    struct cb_str word = cb_strn(l->text.p + start, l->at - start);
    for (size_t i = 0; type == CB_T_WORD && i < sizeof keywords / sizeof *keywords; i++)
        if (cb_str_is(word, keywords[i]))
            type = CB_T_KEYWORD;
    emit(l, type, start, l->at);
    return check_terminator(l, err);
}

// Whatever may be a number (1+2i too); cb_template_constant decides.
static void lex_number(struct lexer *l)
{
    size_t start = l->at++;
    for (;; l->at++) {
        int c = look(l, 0);
        if (c != '.' && c != '+' && c != '-' && !is_name_char(c))
            break;
    }
    emit(l, CB_T_NUMBER, start, l->at);
}

// White space. The one before "-}}" belongs to that.
static void lex_space(struct lexer *l)
{
    size_t start = l->at;
    skip_space(l);
    if (look(l, 0) == '-' && stands(l, 1, "}}"))
        l->at--;
    if (l->at > start)
        emit(l, CB_T_SPACE, start, l->at);
}

static int lex_sign(struct lexer *l, int c, struct cb_error *err)
{
    static const char signs[] = "=|()";
    static const enum cb_token_type types[] = {CB_T_ASSIGN, CB_T_PIPE, CB_T_OPEN, CB_T_CLOSE};
    const char *sign = strchr(signs, c);
    size_t start = l->at++;
    enum cb_token_type type = sign ? types[sign - signs] : CB_T_CHAR;
    if (c == ':') {
        if (look(l, 0) != '=')
            return cb_template_fail(l->t, start, err, CB_E_USAGE, "\":\" without \"=\"");
        type = CB_T_DECLARE;
        l->at++;
    } else if (c == '(') {
        l->depth++;
    } else if (c == ')' && l->depth-- == 0) {
        return cb_template_fail(l->t, start, err, CB_E_USAGE, "\")\" without \"(\"");
    } else if (!isprint(c)) {
        return cb_template_fail(l->t, start, err, CB_E_USAGE, "unexpected character in an action");
    }
    emit(l, type, start, l->at);
    return 0;
}

static int lex_token(struct lexer *l, struct cb_error *err)
{
    int c = look(l, 0), next = look(l, 1);
    if (is_space(c)) {
        lex_space(l);
        return 0;
    }
    if (c == '"' || c == '`' || c == '\'')
        return lex_quoted(l, c == '"' ? CB_T_STRING : c == '`' ? CB_T_RAW : CB_T_RUNE, (char)c, err);
    if (c == '$')
        return lex_name(l, CB_T_VARIABLE, err);
    if (c == '.' && !(next >= '0' && next <= '9'))
        return lex_name(l, CB_T_FIELD, err);
    if (c == '+' || c == '-' || c == '.' || isdigit(c)) {
        lex_number(l);
        return 0;
    }
    return is_name_char(c) ? lex_name(l, CB_T_WORD, err) : lex_sign(l, c, err);
}

// Behind "{{" or "{{- ".
static int lex_action(struct lexer *l, size_t start, struct cb_error *err)
{
    bool trims;
    l->depth = 0;
    while (!at_right(l, &trims)) {
        if (l->at >= l->text.n)
            return cb_template_fail(l->t, start, err, CB_E_USAGE, "an action without its closing }}");
        if (lex_token(l, err))
            return -1;
    }
    if (l->depth)
        return cb_template_fail(l->t, l->at, err, CB_E_USAGE, "\"(\" without \")\"");
    end_action(l, trims);
    return 0;
}

static int lex(struct lexer *l, struct cb_error *err)
{
    while (l->at < l->text.n) {
        size_t start = l->at, end;
        while (l->at < l->text.n && !stands(l, 0, "{{"))
            l->at++;
        bool trims = look(l, 2) == '-' && is_space(look(l, 3));
        for (end = l->at; trims && end > start && is_space(l->text.p[end - 1]); end--)
            ;
        if (end > start)
            emit(l, CB_T_TEXT, start, end);
        if (l->at >= l->text.n)
            break;
        size_t action = l->at;
        l->at += trims ? 4 : 2;
        if (stands(l, 0, "/*")) {
            if (skip_comment(l, err))
                return -1;
            continue;
        }
        emit(l, CB_T_LEFT, action, action + 2);
        if (lex_action(l, action, err))
            return -1;
    }
    emit(l, CB_T_EOF, l->text.n, l->text.n);
    return 0;
}

int cb_template_lex(const struct cb_template *t, struct cb_tokens *out, struct cb_error *err)
{
    struct lexer l = {.t = t, .text = t->text, .out = out};
    return lex(&l, err);
}
