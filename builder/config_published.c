// Configurations that others published, over the years.
//
// What is known is told by the tables of config_fields.c; what is not is taken out of the JSON before it is decoded.
// Source: the history of apko's pkg/build/types/types.go.
#include <jansson.h>
#include <stdlib.h>

#include "cbuild/text/document.h"
#include "cbuild/text/json_read.h"
#include "config_fields.h"

#define DEPTH_MAX 8u

static const struct {
    const char *path; // with names squeezed: lower case, without "-" and "_"
    const char *what;
} retired[] = {
    {"osrelease", "apko wrote etc/os-release from it until July 2024; since then the packages bring that file"},
    {"options",
     "until January 2024 build options could add or remove packages; those that were used are in the packages"},
    {"contents.baseimage.baseimage", "the name of contents.baseimage.image in April 2024"},
    {"contents.baseimage.apkindex", "the name of contents.baseimage.apkindex in April 2024"},
};

struct reading {
    struct cb_arena *arena;
    struct cb_strs *notes;
};

static void note(struct reading *r, struct cb_str text)
{
    cb_strs_add(r->notes, text);
}

static void squeeze(struct cb_buf *out, struct cb_str key)
{
    for (size_t i = 0; i < key.n; i++) {
        char c = key.p[i];
        if (c != '-' && c != '_')
            cb_buf_addc(out, c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
    }
}

static bool same_squeezed(struct cb_str a, struct cb_str b)
{
    CB_BUF_AUTO x = {0};
    CB_BUF_AUTO y = {0};
    squeeze(&x, a);
    squeeze(&y, b);
    return cb_str_eq(cb_buf_str(&x), cb_buf_str(&y));
}

static const struct field *find_field(const struct record *record, struct cb_str key)
{
    for (size_t i = 0; i < record->n; i++)
        if (cb_str_is(key, record->fields[i].key))
            return &record->fields[i];
    for (size_t i = 0; i < record->n; i++)
        if (same_squeezed(key, cb_str(record->fields[i].key)))
            return &record->fields[i];
    return NULL;
}

static bool is_empty(const json_t *v)
{
    return json_is_null(v) || json_is_false(v) || (json_is_string(v) && !json_string_length(v)) ||
           (json_is_integer(v) && !json_integer_value(v)) || (json_is_array(v) && !json_array_size(v)) ||
           (json_is_object(v) && !json_object_size(v));
}

// What is empty said nothing, so nothing is said of it.
static void note_unknown(struct reading *r, const char *path, const json_t *value)
{
    if (is_empty(value))
        return;
    CB_AUTOFREE char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    struct cb_str shown = cb_str_head(cb_str(text ? text : ""), 120);
    for (size_t i = 0; i < sizeof retired / sizeof *retired; i++)
        if (same_squeezed(cb_str(path), cb_str(retired[i].path))) {
            note(r, cb_arena_format(r->arena, "%s is not known any more: %s (%.*s)", path, retired[i].what,
                                    CB_STR_ARG(shown)));
            return;
        }
    note(r, cb_arena_format(r->arena, "%s is not known to any release of apko that cbuild knows: left out (%.*s)", path,
                            CB_STR_ARG(shown)));
}

static json_t *convert(struct reading *r, const struct record *record, json_t *from, const char *path, unsigned depth);

static json_t *convert_field(struct reading *r, const struct field *f, json_t *value, const char *path, unsigned depth)
{
    if (f->type == T_RECORD && json_is_object(value))
        return convert(r, f->record, value, path, depth + 1);
    if (f->type != T_RECORDS || !json_is_array(value))
        return json_incref(value);
    json_t *list = json_array(), *item;
    size_t i;
    json_array_foreach(value, i, item)
    {
        CB_AUTOFREE char *name = cb_format("%s[%zu]", path, i);
        json_array_append_new(list,
                              json_is_object(item) ? convert(r, f->record, item, name, depth + 1) : json_incref(item));
    }
    return list;
}

static json_t *convert(struct reading *r, const struct record *record, json_t *from, const char *path, unsigned depth)
{
    json_t *to = json_object(), *value;
    const char *key;
    if (depth > DEPTH_MAX)
        return to;
    json_object_foreach(from, key, value)
    {
        CB_AUTOFREE char *name = cb_format("%s%s%s", path, *path ? "." : "", key);
        const struct field *f = find_field(record, cb_str(key));
        if (!f)
            note_unknown(r, name, value);
        else if (!json_is_null(value))
            json_object_set_new(to, f->key, convert_field(r, f, value, name, depth));
    }
    return to;
}

// The include was read when the image was built, and what it brought stands in the configuration already.
static void drop_include(struct reading *r, json_t *root)
{
    const json_t *include = json_object_get(root, "include");
    if (!include || !json_is_string(include) || !json_string_length(include))
        return;
    note(r, cb_arena_format(r->arena, "include: %s is not looked for: what it brought stands in the configuration",
                            json_string_value(include)));
    json_object_del(root, "include");
}

int cb_config_read_published(struct cb_str json, const char *name, struct cb_arena *a, struct cb_strs *notes,
                             struct cb_image_config **out, struct cb_error *err)
{
    struct reading r = {a, notes};
    CB_DOC_AUTO doc = {0};
    CB_JSON_AUTO *given = cb_json_read(cb_str_trim(json), name, CB_DOC_BYTES, err);
    if (!given)
        return -1;
    if (!json_is_object(given))
        return cb_fail(err, CB_E_CONFIG, "%s: expected an object", name);
    CB_JSON_AUTO *known = convert(&r, &cb_config_record, given, "", 0);
    drop_include(&r, known);
    CB_AUTOFREE char *text = json_dumps(known, JSON_COMPACT);
    if (!text)
        return cb_fail(err, CB_E_CONFIG, "%s: it cannot be read", name);
    CB_CONFIG_AUTO *c = cb_config_new();
    if (cb_doc_parse(&doc, name, cb_str(text), err) || cb_config_decode(&doc, c, err))
        return -1;
    c->file = cb_config_str(c, cb_str(name));
    *out = c;
    c = NULL;
    return 0;
}
