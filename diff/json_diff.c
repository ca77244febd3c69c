#include "json_diff.h"

#include <jansson.h>
#include <stdlib.h>

#include "cause.h"
#include "cbuild/text/json_read.h"

#define DOCUMENT_MAX (16u << 20)

static void diff_values(struct report *r, struct cb_buf *path, json_t *a, json_t *b);

static char *show(json_t *v)
{
    char *text = v ? json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    struct cb_str s = cb_str(text);
    char *shown;

    if (!v)
        return cb_strdup("(absent)");
    shown = s.n > 300 ? cb_format("%.*s... (%zu bytes)", 300, text, s.n) : cb_strdup(text ? text : "?");
    free(text);
    return shown;
}

static void differ(struct report *r, const struct cb_buf *path, json_t *a, json_t *b)
{
    const char *where = path->n ? path->p : ".";
    if (cause_is_ignored_field(r->options, where, !a || !b))
        return;
    CB_AUTOFREE char *left = show(a);
    CB_AUTOFREE char *right = show(b);
    struct node *n = report_line(r, "%s: A %s, B %s", where, left, right);
    n->path = cb_arena_str(&r->arena, cb_str(where));
    n->cause = cause_of_field(where);
}

static void diff_at(struct report *r, struct cb_buf *path, const char *key, json_t *a, json_t *b)
{
    size_t n = path->n;
    bool plain =
        key[0] && strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == strlen(key);

    if (plain) {
        cb_buf_addf(path, ".%s", key);
    } else {
        CB_AUTOFREE char *quoted = report_quote(cb_str(key));
        cb_buf_addf(path, "[%s]", quoted);
    }
    diff_values(r, path, a, b);
    path->n = n;
    path->p[n] = 0;
}

static void diff_objects(struct report *r, struct cb_buf *path, json_t *a, json_t *b)
{
    const char *key;
    json_t *value;

    json_object_foreach(a, key, value) diff_at(r, path, key, value, json_object_get(b, key));
    json_object_foreach(b, key, value) if (!json_object_get(a, key)) diff_at(r, path, key, NULL, value);
}

static void diff_arrays(struct report *r, struct cb_buf *path, json_t *a, json_t *b)
{
    size_t an = json_array_size(a), bn = json_array_size(b), n = path->n;

    for (size_t i = 0; i < an || i < bn; i++) {
        cb_buf_addf(path, "[%zu]", i);
        diff_values(r, path, i < an ? json_array_get(a, i) : NULL, i < bn ? json_array_get(b, i) : NULL);
        path->n = n;
        path->p[n] = 0;
    }
}

static void diff_values(struct report *r, struct cb_buf *path, json_t *a, json_t *b)
{
    if (json_is_object(a) && json_is_object(b))
        diff_objects(r, path, a, b);
    else if (json_is_array(a) && json_is_array(b))
        diff_arrays(r, path, a, b);
    else if (!a || !b || !json_equal(a, b))
        differ(r, path, a, b);
}

static size_t first_difference(struct cb_str a, struct cb_str b)
{
    size_t i = 0;

    while (i < a.n && i < b.n && a.p[i] == b.p[i])
        i++;
    return i;
}

static void diff_bytes(struct report *r, struct cb_str a, struct cb_str b)
{
    size_t at = first_difference(a, b);
    if (cause_is_lenient(r->options))
        return;
    CB_AUTOFREE char *left = report_quote(cb_str_head(cb_str_skip(a, at), 60));
    CB_AUTOFREE char *right = report_quote(cb_str_head(cb_str_skip(b, at), 60));

    report_line(r, "the same content in other bytes: at byte %zu, A goes on with %s, B with %s", at, left, right)
        ->cause = CB_STR("another order of fields, or other white space");
}

int json_diff(struct report *r, const char *what, struct cb_str a, struct cb_str b, struct cb_error *err)
{
    CB_BUF_AUTO path = {0};
    json_t *left, *right = NULL;

    if (cb_str_eq(a, b))
        return 0;
    left = cb_json_read(a, what, DOCUMENT_MAX, err);
    if (left)
        right = cb_json_read(b, what, DOCUMENT_MAX, err);
    if (left && right) {
        report_push(r, "%s", what);
        cb_buf_adds(&path, "");
        if (json_equal(left, right))
            diff_bytes(r, a, b);
        else
            diff_values(r, &path, left, right);
        report_pop(r);
    }
    json_decref(left);
    json_decref(right);
    return left && right ? 0 : -1;
}
