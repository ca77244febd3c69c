#include "json_table.h"

#include "cbuild/base/vec.h"
#include "cbuild/crypto/hash.h"
#include "cbuild/oci/image_config.h"
#include "cbuild/text/json_problem.h"
#include "cbuild/text/utf8.h"

#define DESCRIPTORS_MAX CB_DESCRIPTORS_MAX

json_t *cb_table_load(struct cb_str bytes, size_t limit, struct cb_error *err)
{
    json_error_t why;
    json_t *value;

    if (bytes.n > limit) {
        cb_fail(err, CB_E_LIMIT, "the document has %zu bytes, more than %zu", bytes.n, limit);
        return NULL;
    }
    value = json_loadb(bytes.n ? bytes.p : "", bytes.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
    if (!value)
        cb_json_problem(NULL, &why, err);
    return value;
}

// The character of a key, folded as encoding/json folds to match keys: ASCII letters, and the two others that Unicode
// folds to one (long s, Kelvin sign).
static uint32_t fold(uint32_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c + ('a' - 'A');
    return c == 0x17f ? 's' : c == 0x212a ? 'k' : c;
}

static bool same_folded(struct cb_str a, struct cb_str b)
{
    while (a.n > 0 && b.n > 0) {
        size_t an, bn;
        if (fold(cb_utf8_decode(a, &an)) != fold(cb_utf8_decode(b, &bn)))
            return false;
        a = cb_str_skip(a, an);
        b = cb_str_skip(b, bn);
    }
    return a.n == 0 && b.n == 0;
}

bool cb_table_key_like(json_t *value, const char *key)
{
    const char *name;
    json_t *item;

    json_object_foreach(value, name, item) if (same_folded(cb_str(name), cb_str(key))) return true;
    return false;
}

static const struct cb_json_field *find_field(const struct cb_json_table *table, const char *key, struct cb_error *err)
{
    for (size_t i = 0; i < table->nfields; i++) {
        const struct cb_json_field *f = &table->fields[i];
        if (strcmp(f->key, key) == 0)
            return f;
        if (same_folded(cb_str(key), cb_str(f->key))) {
            cb_fail(err, CB_E_INPUT, "the key \"%.100s\" differs from \"%s\" in case only: readers would disagree", key,
                    f->key);
            return NULL;
        }
    }
    return NULL;
}

static int want(bool ok, json_t *value, const char *expected, struct cb_error *err)
{
    static const char *const names[] = {"an object",  "an array", "a string", "a number",
                                        "a fraction", "true",     "false",    "null"};
    if (ok)
        return 0;
    return cb_fail(err, CB_E_INPUT, "found %s, expected %s", names[json_typeof(value)], expected);
}

static struct cb_str string_of(struct cb_arena *a, json_t *value)
{
    return json_is_string(value) ? cb_arena_str(a, cb_strn(json_string_value(value), json_string_length(value)))
                                 : CB_STR("");
}

static bool is_string_or_null(json_t *value)
{
    return json_is_string(value) || json_is_null(value);
}

static int decode_strs(struct cb_arena *a, json_t *value, struct cb_strs *out, struct cb_error *err)
{
    size_t i;
    json_t *item;

    if (want(json_is_array(value), value, "an array of strings", err) < 0)
        return -1;
    out->v = cb_arena_alloc(a, (json_array_size(value) + 1) * sizeof *out->v);
    out->n = out->cap = json_array_size(value);
    json_array_foreach(value, i, item)
    {
        if (want(is_string_or_null(item), item, "a string", err) < 0)
            return cb_context(err, "item %zu", i);
        out->v[i] = string_of(a, item);
    }
    return 0;
}

static int decode_map(struct cb_arena *a, json_t *value, struct cb_string_map *out, struct cb_error *err)
{
    const char *key;
    size_t length;
    json_t *item;

    if (want(json_is_object(value), value, "an object of strings", err) < 0)
        return -1;
    out->cap = json_object_size(value);
    out->v = cb_arena_alloc(a, (out->cap + 1) * sizeof *out->v);
    json_object_keylen_foreach(value, key, length, item)
    {
        if (want(is_string_or_null(item), item, "a string", err) < 0)
            return cb_context(err, "\"%.100s\"", key);
        out->v[out->n].key = cb_arena_str(a, cb_strn(key, length));
        out->v[out->n++].value = string_of(a, item);
    }
    return 0;
}

static int decode_set(struct cb_arena *a, json_t *value, struct cb_strs *out, struct cb_error *err)
{
    const char *key;
    size_t length;
    json_t *item;

    if (want(json_is_object(value), value, "an object", err) < 0)
        return -1;
    out->cap = json_object_size(value);
    out->v = cb_arena_alloc(a, (out->cap + 1) * sizeof *out->v);
    json_object_keylen_foreach(value, key, length, item)
    {
        if (want(json_is_object(item) || json_is_null(item), item, "an empty object", err) < 0)
            return cb_context(err, "\"%.100s\"", key);
        out->v[out->n++] = cb_arena_str(a, cb_strn(key, length));
    }
    return 0;
}

static int decode_digest(json_t *value, struct cb_digest *out, struct cb_error *err)
{
    if (want(json_is_string(value), value, "a digest", err) < 0)
        return -1;
    return cb_digest_parse(out, cb_strn(json_string_value(value), json_string_length(value)), err);
}

static int decode_digests(struct cb_arena *a, json_t *value, struct cb_digest **v, size_t *n, struct cb_error *err)
{
    size_t i;
    json_t *item;

    if (want(json_is_array(value), value, "an array of digests", err) < 0)
        return -1;
    if (json_array_size(value) > DESCRIPTORS_MAX)
        return cb_fail(err, CB_E_LIMIT, "%zu items, more than %u", json_array_size(value), DESCRIPTORS_MAX);
    *v = cb_arena_alloc(a, (json_array_size(value) + 1) * sizeof **v);
    *n = json_array_size(value);
    json_array_foreach(value, i, item) if (decode_digest(item, &(*v)[i], err) < 0) return cb_context(err, "item %zu",
                                                                                                     i);
    return 0;
}

static int decode_data(struct cb_arena *a, json_t *value, struct cb_str *out, struct cb_error *err)
{
    CB_BUF_AUTO bytes = {0};

    if (want(json_is_string(value), value, "base64", err) < 0)
        return -1;
    if (cb_base64_decode(&bytes, cb_strn(json_string_value(value), json_string_length(value))) < 0)
        return cb_fail(err, CB_E_INPUT, "malformed base64");
    *out = cb_arena_str(a, cb_buf_str(&bytes));
    return 0;
}

static int decode_size(json_t *value, uint64_t *out, struct cb_error *err)
{
    if (want(json_is_integer(value), value, "a number of bytes", err) < 0)
        return -1;
    if (json_integer_value(value) < 0)
        return cb_fail(err, CB_E_INPUT, "a negative size");
    if ((uint64_t)json_integer_value(value) > CB_BLOB_MAX)
        return cb_fail(err, CB_E_LIMIT, "%lld bytes, more than %llu", (long long)json_integer_value(value),
                       CB_BLOB_MAX);
    *out = (uint64_t)json_integer_value(value);
    return 0;
}

static int decode_list(struct cb_arena *a, json_t *value, const struct cb_json_table *sub, void **v, size_t *n,
                       struct cb_error *err)
{
    size_t i;
    json_t *item;

    if (want(json_is_array(value), value, "an array", err) < 0)
        return -1;
    if (json_array_size(value) > DESCRIPTORS_MAX)
        return cb_fail(err, CB_E_LIMIT, "%zu items, more than %u", json_array_size(value), DESCRIPTORS_MAX);
    *v = cb_arena_alloc(a, (json_array_size(value) + 1) * sub->size);
    *n = json_array_size(value);
    json_array_foreach(value, i, item) if (cb_table_decode(a, item, sub, (char *)*v + i * sub->size, err) <
                                           0) return cb_context(err, "item %zu", i);
    return 0;
}

static int decode_pointer(struct cb_arena *a, json_t *value, const struct cb_json_table *sub, void **p,
                          struct cb_error *err)
{
    *p = cb_arena_alloc(a, sub->size);
    return cb_table_decode(a, value, sub, *p, err);
}

static int decode_time(json_t *value, struct cb_created *out, struct cb_error *err)
{
    if (want(json_is_string(value), value, "a time", err) < 0)
        return -1;
    if (cb_created_parse(cb_strn(json_string_value(value), json_string_length(value)), out, err) < 0) {
        err->kind = CB_E_INPUT;
        return -1;
    }
    return 0;
}

static int decode_plain(struct cb_arena *a, json_t *value, enum cb_field_kind kind, void *at, struct cb_error *err)
{
    if (kind == CB_FIELD_STR) {
        *(struct cb_str *)at = string_of(a, value);
        return want(json_is_string(value), value, "a string", err);
    }
    if (kind == CB_FIELD_BOOL) {
        *(bool *)at = json_is_true(value);
        return want(json_is_boolean(value), value, "true or false", err);
    }
    *(int64_t *)at = json_integer_value(value);
    return want(json_is_integer(value), value, "a whole number", err);
}

// Lists are a pointer and, right after it, a count.
static size_t *count_after(const void *pointer)
{
    return (size_t *)(uintptr_t)((const char *)pointer + sizeof(void *));
}

static int decode_field(struct cb_arena *a, json_t *value, const struct cb_json_field *f, void *at,
                        struct cb_error *err)
{
    switch (f->kind) {
    case CB_FIELD_STR:
    case CB_FIELD_BOOL:
    case CB_FIELD_INT:
        return decode_plain(a, value, f->kind, at, err);
    case CB_FIELD_SIZE:
        return decode_size(value, at, err);
    case CB_FIELD_STRS:
        return decode_strs(a, value, at, err);
    case CB_FIELD_MAP:
        return decode_map(a, value, at, err);
    case CB_FIELD_SET:
        return decode_set(a, value, at, err);
    case CB_FIELD_DIGEST:
        return decode_digest(value, at, err);
    case CB_FIELD_DIGESTS:
        return decode_digests(a, value, at, count_after(at), err);
    case CB_FIELD_DATA:
        return decode_data(a, value, at, err);
    case CB_FIELD_TIME:
        return decode_time(value, at, err);
    case CB_FIELD_STRUCT:
        return cb_table_decode(a, value, f->sub, at, err);
    case CB_FIELD_PTR:
        return decode_pointer(a, value, f->sub, at, err);
    case CB_FIELD_LIST:
        return decode_list(a, value, f->sub, at, count_after(at), err);
    }
    return 0;
}

int cb_table_decode(struct cb_arena *a, json_t *value, const struct cb_json_table *table, void *object,
                    struct cb_error *err)
{
    const char *key;
    json_t *item;

    memset(object, 0, table->size);
    for (size_t i = 0; i < table->nfields; i++)
        if (table->fields[i].kind == CB_FIELD_TIME)
            *(struct cb_created *)(void *)((char *)object + table->fields[i].at) = CB_CREATED_ZERO;
    if (want(json_is_object(value), value, "an object", err) < 0)
        return -1;
    json_object_foreach(value, key, item)
    {
        const struct cb_json_field *f = find_field(table, key, err);
        if (!f && err->kind != CB_OK)
            return -1;
        if (f && !json_is_null(item) && decode_field(a, item, f, (char *)object + f->at, err) < 0)
            return cb_context(err, "\"%s\"", f->key);
    }
    return 0;
}

static int compare_pairs(const void *x, const void *y)
{
    const struct cb_string_pair *const *a = x, *const *b = y;
    int order = cb_str_cmp((*a)->key, (*b)->key);
    return order ? order : (*a > *b) - (*a < *b);
}

static void encode_map(struct cb_json *j, const struct cb_string_map *m)
{
    const struct cb_string_pair **sorted = cb_realloc_array(NULL, m->n + 1, sizeof *sorted);

    for (size_t i = 0; i < m->n; i++)
        sorted[i] = &m->v[i];
    qsort(sorted, m->n, sizeof *sorted, compare_pairs);
    cb_json_object(j);
    for (size_t i = 0; i < m->n; i++) {
        if (i + 1 < m->n && cb_str_eq(sorted[i]->key, sorted[i + 1]->key))
            continue;
        cb_json_keystr(j, sorted[i]->key);
        cb_json_str(j, sorted[i]->value);
    }
    cb_json_end(j);
    free(sorted);
}

static void encode_set(struct cb_json *j, const struct cb_strs *s)
{
    struct cb_strs sorted = {0};

    for (size_t i = 0; i < s->n; i++)
        cb_strs_add(&sorted, s->v[i]);
    cb_strs_sort(&sorted);
    cb_strs_unique(&sorted);
    cb_json_object(j);
    for (size_t i = 0; i < sorted.n; i++) {
        cb_json_keystr(j, sorted.v[i]);
        cb_json_object(j);
        cb_json_end(j);
    }
    cb_json_end(j);
    cb_strs_release(&sorted);
}

static void encode_strs(struct cb_json *j, const struct cb_strs *s)
{
    cb_json_array(j);
    for (size_t i = 0; i < s->n; i++)
        cb_json_str(j, s->v[i]);
    cb_json_end(j);
}

static void encode_digests(struct cb_json *j, const struct cb_digest *v, size_t n)
{
    if (!v) {
        cb_json_null(j);
        return;
    }
    cb_json_array(j);
    for (size_t i = 0; i < n; i++)
        cb_json_cstr(j, v[i].text);
    cb_json_end(j);
}

static int encode_list(struct cb_json *j, const struct cb_json_table *sub, const char *v, size_t n,
                       struct cb_error *err)
{
    if (!v) {
        cb_json_null(j);
        return 0;
    }
    cb_json_array(j);
    for (size_t i = 0; i < n; i++)
        if (cb_table_encode(j, sub, v + i * sub->size, err) < 0)
            return -1;
    cb_json_end(j);
    return 0;
}

static void encode_data(struct cb_json *j, struct cb_str data)
{
    CB_BUF_AUTO text = {0};

    cb_base64_add(&text, data.p, data.n);
    cb_json_str(j, cb_buf_str(&text));
}

static int encode_time(struct cb_json *j, const struct cb_created *t, struct cb_error *err)
{
    CB_ARENA_AUTO arena = {0};
    struct cb_str text;

    if (cb_created_format_nano(&arena, *t, &text, err) < 0)
        return -1;
    cb_json_str(j, text);
    return 0;
}

static bool is_empty(const struct cb_json_field *f, const void *at)
{
    switch (f->kind) {
    case CB_FIELD_STR:
    case CB_FIELD_DATA:
        return ((const struct cb_str *)at)->n == 0;
    case CB_FIELD_BOOL:
        return !*(const bool *)at;
    case CB_FIELD_INT:
        return *(const int64_t *)at == 0;
    case CB_FIELD_SIZE:
        return *(const uint64_t *)at == 0;
    case CB_FIELD_STRS:
    case CB_FIELD_SET:
        return ((const struct cb_strs *)at)->n == 0;
    case CB_FIELD_MAP:
        return ((const struct cb_string_map *)at)->n == 0;
    case CB_FIELD_DIGESTS:
    case CB_FIELD_LIST:
        return *count_after(at) == 0;
    case CB_FIELD_PTR:
        return *(void *const *)at == NULL;
    case CB_FIELD_DIGEST:
    case CB_FIELD_TIME:
    case CB_FIELD_STRUCT:
        return false; // omitempty means nothing for Go's structs
    }
    return false;
}

static int encode_value(struct cb_json *j, const struct cb_json_field *f, const void *at, struct cb_error *err)
{
    switch (f->kind) {
    case CB_FIELD_STR:
        cb_json_str(j, *(const struct cb_str *)at);
        return 0;
    case CB_FIELD_BOOL:
        cb_json_bool(j, *(const bool *)at);
        return 0;
    case CB_FIELD_INT:
        cb_json_int(j, *(const int64_t *)at);
        return 0;
    case CB_FIELD_SIZE:
        cb_json_uint(j, *(const uint64_t *)at);
        return 0;
    case CB_FIELD_STRS:
        encode_strs(j, at);
        return 0;
    case CB_FIELD_MAP:
        encode_map(j, at);
        return 0;
    case CB_FIELD_SET:
        encode_set(j, at);
        return 0;
    case CB_FIELD_DIGEST:
        cb_json_cstr(j, ((const struct cb_digest *)at)->text);
        return 0;
    case CB_FIELD_DIGESTS:
        encode_digests(j, *(struct cb_digest *const *)at, *count_after(at));
        return 0;
    case CB_FIELD_DATA:
        encode_data(j, *(const struct cb_str *)at);
        return 0;
    case CB_FIELD_TIME:
        return encode_time(j, at, err);
    case CB_FIELD_STRUCT:
        return cb_table_encode(j, f->sub, at, err);
    case CB_FIELD_PTR:
        return cb_table_encode(j, f->sub, *(void *const *)at, err);
    case CB_FIELD_LIST:
        return encode_list(j, f->sub, *(char *const *)at, *count_after(at), err);
    }
    return 0;
}

int cb_table_encode(struct cb_json *j, const struct cb_json_table *table, const void *object, struct cb_error *err)
{
    cb_json_object(j);
    for (size_t i = 0; i < table->nfields; i++) {
        const struct cb_json_field *f = &table->fields[i];
        const void *at = (const char *)object + f->at;
        if (f->omit_empty && is_empty(f, at))
            continue;
        cb_json_key(j, f->key);
        if (encode_value(j, f, at, err) < 0)
            return cb_context(err, "\"%s\"", f->key);
    }
    cb_json_end(j);
    return 0;
}
