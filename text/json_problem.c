#include "cbuild/text/json_problem.h"

#include <jansson.h>
#include <string.h>

#include "cbuild/base/buf.h"

// What jansson's text quotes after " near ": brackets and the like as they are, other text not, for it may be a secret.
static struct cb_str found_text(const json_error_t *problem)
{
    const char *near = strstr(problem->text, " near ");
    struct cb_str found = near ? cb_str(near + strlen(" near ")) : (struct cb_str){0};
    if (found.n <= strlen("'}'"))
        return found;
    return cb_str_starts(found, "'\"") ? CB_STR("a string") : CB_STR("something else");
}

// "string or '}'" of "string or '}' expected near 'x'".
static struct cb_str expected_text(const json_error_t *problem)
{
    const char *end = strstr(problem->text, " expected");
    return end ? cb_strn(problem->text, (size_t)(end - problem->text)) : (struct cb_str){0};
}

static const char *malformed_text(const json_error_t *problem)
{
    if (strstr(problem->text, "Unicode"))
        return "an invalid Unicode escape";
    if (strstr(problem->text, "escape"))
        return "an unknown escape sequence";
    if (strstr(problem->text, "control character") || strstr(problem->text, "newline"))
        return "a line break or control character within a string";
    return "no value can look like this";
}

static void describe(const json_error_t *problem, struct cb_buf *b)
{
    struct cb_str found = found_text(problem), expected = expected_text(problem);
    switch (json_error_code(problem)) {
    case json_error_premature_end_of_input:
        cb_buf_adds(b, "the text ends too early: a bracket, brace or quote is not closed");
        return;
    case json_error_end_of_input_expected:
        cb_buf_adds(b, "more follows the end of the value");
        break;
    case json_error_invalid_utf8:
        cb_buf_adds(b, "the text is not UTF-8");
        return;
    case json_error_duplicate_key:
        cb_buf_addf(b, "duplicate key%s", strstr(problem->text, " near ") ? strstr(problem->text, " near ") + 5 : "");
        return;
    case json_error_numeric_overflow:
        cb_buf_adds(b, "a number is out of range");
        break;
    case json_error_null_character:
    case json_error_null_byte_in_key:
        cb_buf_adds(b, "a text has a NUL (\\u0000) in it");
        return;
    case json_error_stack_overflow:
        cb_buf_adds(b, "values are nested too deeply");
        return;
    case json_error_out_of_memory:
        cb_buf_adds(b, "out of memory");
        return;
    default:
        if (!expected.n) {
            cb_buf_adds(b, malformed_text(problem));
            return;
        }
        cb_buf_addf(b, "expected %.*s", CB_STR_ARG(expected));
        break;
    }
    if (found.n)
        cb_buf_addf(b, ", found %.*s", CB_STR_ARG(found));
}

int cb_json_problem(const char *what, const struct json_error_t *problem, struct cb_error *err)
{
    CB_BUF_AUTO text = {0};
    enum json_error_code code = json_error_code(problem);
    bool limit = code == json_error_stack_overflow || code == json_error_out_of_memory;
    describe(problem, &text);
    int line = problem->line < 1 ? 1 : problem->line, column = problem->column < 1 ? 1 : problem->column;
    enum cb_kind kind = limit ? CB_E_LIMIT : CB_E_INPUT;
    if (!what)
        return cb_fail(err, kind, "not valid JSON at line %d, column %d: %s", line, column, text.p);
    return cb_fail(err, kind, "%s:%d:%d: not valid JSON: %s", what, line, column, text.p);
}
