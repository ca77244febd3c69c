#include "cbuild/text/json_read.h"
#include "cbuild/text/json_problem.h"

#include <jansson.h>

#include "cbuild/base/arena.h"
#include "cbuild/base/file.h"
#include "cbuild/base/map.h"

// ---- Parsing ----

static struct cb_str lower(struct cb_arena *a, struct cb_str s)
{
    char *copy = cb_arena_bytes(a, s.n);
    for (size_t i = 0; i < s.n; i++)
        copy[i] = (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] | 0x20 : s.p[i]);
    return cb_strn(copy, s.n);
}

// Keys of one object that differ only by case: readers that fold case (Go's) would see another document than we do.
static int check_object(json_t *object, const char *what, struct cb_error *err)
{
    CB_ARENA_AUTO arena = {0};
    struct cb_map seen = {0};
    int result = 0;
    for (void *at = json_object_iter(object); at && !result; at = json_object_iter_next(object, at)) {
        bool added;
        struct cb_str key = cb_json_key_at(at);
        cb_map_put(&seen, lower(&arena, key), NULL, &added);
        if (!added)
            result = cb_fail(err, CB_E_INPUT, "%s: the key \"%.*s\" occurs twice but for the case of its letters", what,
                             CB_STR_ARG(key));
    }
    cb_map_release(&seen);
    return result;
}

// Recursion is bounded by jansson's own limit on nesting.
static int check_keys(json_t *value, const char *what, struct cb_error *err)
{
    if (json_is_object(value)) {
        if (json_object_size(value) > 1 && check_object(value, what, err))
            return -1;
        for (void *at = json_object_iter(value); at; at = json_object_iter_next(value, at))
            if (check_keys(json_object_iter_value(at), what, err))
                return -1;
    }
    for (size_t i = 0; i < json_array_size(value); i++)
        if (check_keys(json_array_get(value, i), what, err))
            return -1;
    return 0;
}

struct json_t *cb_json_read(struct cb_str text, const char *what, size_t limit, struct cb_error *err)
{
    if (text.n > limit) {
        cb_fail(err, CB_E_LIMIT, "%s: %zu bytes, but at most %zu are read", what, text.n, limit);
        return NULL;
    }
    json_error_t problem;
    json_t *root = json_loadb(text.p ? text.p : "", text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
    if (!root) {
        cb_json_problem(what, &problem, err);
        return NULL;
    }
    if (check_keys(root, what, err)) {
        json_decref(root);
        return NULL;
    }
    return root;
}

struct json_t *cb_json_read_file(const char *path, size_t limit, struct cb_error *err)
{
    CB_BUF_AUTO text = {0};
    if (cb_read_file(path, &text, limit, err))
        return NULL;
    return cb_json_read(cb_buf_str(&text), path, limit, err);
}

void cb_json_free(struct json_t *root)
{
    json_decref(root);
}

void cb_json_free_p(struct json_t **root)
{
    json_decref(*root);
}

// ---- Values ----

static const char *kind_of(const json_t *value)
{
    if (!value || json_is_null(value))
        return "nothing";
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "a list";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "a whole number";
    case JSON_REAL:
        return "a fraction";
    default:
        return "a boolean";
    }
}

static int wrong(const json_t *value, const char *name, const char *expected, struct cb_error *err)
{
    return cb_fail(err, CB_E_INPUT, "%s: expected %s, found %s", name, expected, kind_of(value));
}

int cb_json_as_str(const struct json_t *value, const char *name, struct cb_str *out, struct cb_error *err)
{
    if (!json_is_string(value))
        return wrong(value, name, "a string", err);
    *out = cb_strn(json_string_value(value), json_string_length(value));
    return 0;
}

int cb_json_as_object(const struct json_t *value, const char *name, struct json_t **out, struct cb_error *err)
{
    if (!json_is_object(value))
        return wrong(value, name, "an object", err);
    *out = (json_t *)(uintptr_t)value;
    return 0;
}

static int as_array(const json_t *value, const char *name, json_t **out, struct cb_error *err)
{
    if (!json_is_array(value))
        return wrong(value, name, "a list", err);
    *out = (json_t *)(uintptr_t)value;
    return 0;
}

static int as_int(const json_t *value, const char *name, int64_t *out, struct cb_error *err)
{
    if (!json_is_integer(value))
        return wrong(value, name, "a whole number", err);
    *out = json_integer_value(value);
    return 0;
}

static int as_size(const json_t *value, const char *name, uint64_t *out, struct cb_error *err)
{
    int64_t v = 0;
    if (as_int(value, name, &v, err))
        return -1;
    if (v < 0)
        return cb_fail(err, CB_E_INPUT, "%s: expected a size, found %lld", name, (long long)v);
    *out = (uint64_t)v;
    return 0;
}

static int as_bool(const json_t *value, const char *name, bool *out, struct cb_error *err)
{
    if (!json_is_boolean(value))
        return wrong(value, name, "true or false", err);
    *out = json_is_true(value);
    return 0;
}

// ---- Fields ----

// A field's value; NULL where it is absent or null.
static json_t *field(const json_t *obj, const char *key)
{
    json_t *value = obj ? json_object_get(obj, key) : NULL;
    return json_is_null(value) ? NULL : value;
}

bool cb_json_has(const struct json_t *obj, const char *key)
{
    return obj && json_object_get(obj, key);
}

#define GETTER(name, type, zero)                                                                                       \
    int cb_json_get_##name(const struct json_t *obj, const char *key, type *out, struct cb_error *err)                 \
    {                                                                                                                  \
        json_t *value = field(obj, key);                                                                               \
        *out = zero;                                                                                                   \
        return value ? as_##name(value, key, out, err) : 0;                                                            \
    }

#define NEEDED(name, type)                                                                                             \
    int cb_json_need_##name(const struct json_t *obj, const char *key, type *out, struct cb_error *err)                \
    {                                                                                                                  \
        return as_##name(field(obj, key), key, out, err);                                                              \
    }

#define as_str cb_json_as_str
#define as_object cb_json_as_object

GETTER(str, struct cb_str, ((struct cb_str){NULL, 0}))
GETTER(int, int64_t, 0)
GETTER(size, uint64_t, 0)
GETTER(bool, bool, false)
GETTER(object, struct json_t *, NULL)
GETTER(array, struct json_t *, NULL)

NEEDED(str, struct cb_str)
NEEDED(int, int64_t)
NEEDED(size, uint64_t)
NEEDED(object, struct json_t *)
NEEDED(array, struct json_t *)

int cb_json_get_strs(const struct json_t *obj, const char *key, struct cb_strs *out, struct cb_error *err)
{
    struct json_t *array;
    if (cb_json_get_array(obj, key, &array, err))
        return -1;
    for (size_t i = 0; i < json_array_size(array); i++) {
        struct cb_str s;
        if (cb_json_as_str(json_array_get(array, i), key, &s, err))
            return -1;
        cb_strs_add(out, s);
    }
    return 0;
}

// ---- Items ----

size_t cb_json_count(const struct json_t *array)
{
    return json_array_size(array);
}

struct json_t *cb_json_at(const struct json_t *array, size_t i)
{
    return json_array_get(array, i);
}

void *cb_json_first(struct json_t *obj)
{
    return json_object_iter(obj);
}

void *cb_json_next(struct json_t *obj, void *at)
{
    return json_object_iter_next(obj, at);
}

struct cb_str cb_json_key_at(void *at)
{
    return cb_str(json_object_iter_key(at));
}

struct json_t *cb_json_value_at(void *at)
{
    return json_object_iter_value(at);
}
