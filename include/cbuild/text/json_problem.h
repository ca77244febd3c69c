// What jansson's problems are called here.
#ifndef CB_TEXT_JSON_PROBLEM_H
#define CB_TEXT_JSON_PROBLEM_H

#include "cbuild/base/error.h"

struct json_error_t;

// Fails with CB_E_INPUT and "<what>:line:column: not valid JSON: ..."; CB_E_LIMIT where it is nested too deeply or
// memory ran out. The problem is that of a json_load*() that just failed; what is NULL where the caller adds the name.
// The message quotes no string of the text.
int cb_json_problem(const char *what, const struct json_error_t *problem, struct cb_error *err);

#endif
