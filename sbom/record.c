#include "record.h"

#include <jansson.h>
#include <stdlib.h>
#include <strings.h>

#include "cbuild/base/vec.h"

static void *member(const struct cb_field *f, void *record)
{
    return (char *)record + f->offset;
}

void *cb_record_at(const struct cb_record_type *type, const struct cb_record_list *list, size_t i)
{
    return (char *)list->v + i * type->size;
}

void *cb_record_add(const struct cb_record_type *type, struct cb_record_list *list)
{
    cb_vec_grow(&list->v, list->n, &list->cap, type->size);
    list->given = true;
    return memset(cb_record_at(type, list, list->n++), 0, type->size);
}

static int wrong_type(const struct cb_field *f, const char *expected, struct cb_error *err)
{
    return cb_fail(err, CB_E_INPUT, "%s: expected %s", f->key, expected);
}

static struct cb_str copy_string(const struct json_t *value, struct cb_arena *a)
{
    return cb_arena_str(a, cb_strn(json_string_value(value), json_string_length(value)));
}

static int read_strings(const struct cb_field *f, const struct json_t *value, struct cb_arena *a,
                        struct cb_record_strings *out, struct cb_error *err)
{
    if (!json_is_array(value))
        return wrong_type(f, "a list of strings", err);
    out->list.n = 0;
    out->given = true;
    for (size_t i = 0; i < json_array_size(value); i++) {
        const struct json_t *item = json_array_get(value, i);
        if (!json_is_string(item) && !json_is_null(item))
            return wrong_type(f, "a list of strings", err);
        cb_strs_add(&out->list, json_is_string(item) ? copy_string(item, a) : cb_str(""));
    }
    return 0;
}

static void drop_records(const struct cb_record_type *type, struct cb_record_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        cb_record_release(type, cb_record_at(type, list, i));
    list->n = 0;
}

static int read_records(const struct cb_field *f, const struct json_t *value, struct cb_arena *a,
                        struct cb_record_list *out, struct cb_error *err)
{
    if (!json_is_array(value))
        return wrong_type(f, "a list of objects", err);
    drop_records(f->type, out);
    out->given = true;
    for (size_t i = 0; i < json_array_size(value); i++) {
        const struct json_t *item = json_array_get(value, i);
        void *record = cb_record_add(f->type, out);
        if (!json_is_null(item) && cb_record_read(f->type, item, a, record, err))
            return cb_context(err, "%s[%zu]", f->key, i);
    }
    return 0;
}

static int check_record(const struct cb_field *f, const struct json_t *value, struct cb_arena *a, struct cb_error *err)
{
    void *record = cb_zalloc(f->type->size);
    int failed = cb_record_read(f->type, value, a, record, err);
    cb_record_release(f->type, record);
    free(record);
    return failed;
}

static int read_field(const struct cb_field *f, const struct json_t *value, struct cb_arena *a, void *at,
                      struct cb_error *err)
{
    switch (f->kind) {
    case CB_FIELD_STRING:
        if (!json_is_string(value))
            return wrong_type(f, "a string", err);
        *(struct cb_str *)at = copy_string(value, a);
        return 0;
    case CB_FIELD_BOOL:
        if (!json_is_boolean(value))
            return wrong_type(f, "true or false", err);
        *(bool *)at = json_is_true(value);
        return 0;
    case CB_FIELD_STRINGS:
        return read_strings(f, value, a, at, err);
    case CB_FIELD_RECORD:
        return cb_record_read(f->type, value, a, at, err) ? cb_context(err, "%s", f->key) : 0;
    case CB_FIELD_RECORDS:
        return read_records(f, value, a, at, err);
    case CB_FIELD_CHECKED:
        return check_record(f, value, a, err) ? cb_context(err, "%s", f->key) : 0;
    }
    return 0;
}

// Whether a key names a field but for the case of its letters, of which Go counts the long s and the Kelvin sign too.
static bool same_letters(const char *key, const char *name)
{
    static const char long_s[] = "\xC5\xBF", kelvin[] = "\xE2\x84\xAA";
    for (; *name; name++) {
        if ((*name | 0x20) == 's' && !strncmp(key, long_s, 2))
            key += 2;
        else if ((*name | 0x20) == 'k' && !strncmp(key, kelvin, 3))
            key += 3;
        else if (strncasecmp(key++, name, 1))
            return false;
    }
    return !*key;
}

// The field for a key: the one of that very name, else the first that differs in the case of letters only.
static const struct cb_field *find_field(const struct cb_record_type *type, const char *key)
{
    for (size_t i = 0; i < type->n; i++)
        if (!strcmp(type->fields[i].key, key))
            return &type->fields[i];
    for (size_t i = 0; i < type->n; i++)
        if (same_letters(key, type->fields[i].key))
            return &type->fields[i];
    return NULL;
}

int cb_record_read(const struct cb_record_type *type, const struct json_t *object, struct cb_arena *a, void *record,
                   struct cb_error *err)
{
    if (!json_is_object(object))
        return cb_fail(err, CB_E_INPUT, "expected an object");
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        const struct cb_field *f = find_field(type, key);
        if (f && !json_is_null(value) && read_field(f, value, a, member(f, record), err))
            return -1;
    }
    return 0;
}

static bool is_empty(const struct cb_field *f, const void *at)
{
    switch (f->kind) {
    case CB_FIELD_STRING:
        return ((const struct cb_str *)at)->n == 0;
    case CB_FIELD_BOOL:
        return !*(const bool *)at;
    case CB_FIELD_STRINGS:
        return ((const struct cb_record_strings *)at)->list.n == 0;
    case CB_FIELD_RECORDS:
        return ((const struct cb_record_list *)at)->n == 0;
    case CB_FIELD_RECORD:
    case CB_FIELD_CHECKED:
        break;
    }
    return false;
}

static void write_strings(const struct cb_record_strings *strings, struct cb_json *j)
{
    if (!strings->given) {
        cb_json_null(j);
        return;
    }
    cb_json_array(j);
    for (size_t i = 0; i < strings->list.n; i++)
        cb_json_str(j, strings->list.v[i]);
    cb_json_end(j);
}

static void write_records(const struct cb_record_type *type, const struct cb_record_list *list, struct cb_json *j)
{
    if (!list->given) {
        cb_json_null(j);
        return;
    }
    cb_json_array(j);
    for (size_t i = 0; i < list->n; i++)
        cb_record_write(type, cb_record_at(type, list, i), j);
    cb_json_end(j);
}

static void write_value(const struct cb_field *f, const void *at, struct cb_json *j)
{
    switch (f->kind) {
    case CB_FIELD_STRING:
        cb_json_str(j, *(const struct cb_str *)at);
        break;
    case CB_FIELD_BOOL:
        cb_json_bool(j, *(const bool *)at);
        break;
    case CB_FIELD_STRINGS:
        write_strings(at, j);
        break;
    case CB_FIELD_RECORD:
        cb_record_write(f->type, at, j);
        break;
    case CB_FIELD_RECORDS:
        write_records(f->type, at, j);
        break;
    case CB_FIELD_CHECKED:
        break;
    }
}

void cb_record_write(const struct cb_record_type *type, const void *record, struct cb_json *j)
{
    cb_json_object(j);
    for (size_t i = 0; i < type->n; i++) {
        const struct cb_field *f = &type->fields[i];
        const void *at = (const char *)record + f->offset;
        if (f->kind == CB_FIELD_CHECKED || (f->omit_empty && is_empty(f, at)))
            continue;
        cb_json_key(j, f->key);
        write_value(f, at, j);
    }
    cb_json_end(j);
}

void cb_record_release(const struct cb_record_type *type, void *record)
{
    for (size_t i = 0; i < type->n; i++) {
        const struct cb_field *f = &type->fields[i];
        if (f->kind == CB_FIELD_STRINGS)
            cb_strs_release(&((struct cb_record_strings *)member(f, record))->list);
        else if (f->kind == CB_FIELD_RECORD)
            cb_record_release(f->type, member(f, record));
        else if (f->kind == CB_FIELD_RECORDS) {
            struct cb_record_list *list = member(f, record);
            drop_records(f->type, list);
            free(list->v);
            list->v = NULL;
        }
    }
}
