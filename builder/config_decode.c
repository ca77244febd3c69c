// Decoding follows gopkg.in/yaml.v3 into apko's Go structs, field by field, with its oddities:
//   - null leaves a string, number, boolean or struct as it is, and is left out of a list; as a key it is passed over;
//   - any scalar may become a string, and is taken as it is written ("0x1F", "1.0", "yes");
//   - fractions become whole numbers by cutting them off, so "uid: 1.5" is 1;
//   - "yes", "on", "y" and their opposites are booleans only where a boolean is wanted, and then also in quotes;
//   - what a merge key brings in never overrides a key of the mapping itself, but keys are compared after typing, so in
//     {1: a, <<: {1: b}} the 1 of the mapping (a number) does not hide the merged one (a string);
//   - how often values are decoded through aliases is limited by a ratio.
// One thing is different on purpose: the first error ends it.
#include "config_decode.h"

#include <assert.h>
#include <strings.h>

#include "cbuild/base/map.h"
#include "cbuild/base/nearest.h"
#include "cbuild/builder/arch.h"
#include "cbuild/text/gourl.h"
#include "config_fields.h"

#define MERGE_DEPTH 256

struct place { // the way to a value, for messages
    const struct place *up;
    const char *key;
    size_t index; // where key is NULL
};

struct decoder {
    const struct cb_doc *doc;
    struct cb_image_config *config;
    struct cb_error *err;
    uint64_t decoded, aliased; // values so far, and those of them behind an alias
    unsigned alias_depth;
    const struct cb_doc_node *following[64]; // the aliases that are being followed
    unsigned merge_depth;
    struct cb_map *merged; // string keys that a merge key may not set any more; NULL outside of one
};

// What a decoding function gives: yaml.v3 tells apart a value that was set from one that was left as it was.
enum result { FAILED = -1, LEFT = 0, SET = 1 };

// ---- Messages ----

static void add_place(struct cb_buf *b, const struct place *at)
{
    if (!at)
        return;
    add_place(b, at->up);
    if (!at->key)
        cb_buf_addf(b, "[%zu]", at->index);
    else
        cb_buf_addf(b, b->n ? ".%s" : "%s", at->key);
}

static enum result fail(struct decoder *d, const struct cb_doc_node *node, const struct place *at, const char *message)
{
    CB_BUF_AUTO text = {0};
    add_place(&text, at);
    cb_buf_adds(&text, text.n ? ": " : "");
    cb_buf_adds(&text, message);
    cb_doc_fail(d->doc, node, d->err, "%s", text.p);
    return FAILED;
}

static enum result wrong_type(struct decoder *d, const struct cb_doc_node *node, const struct place *at,
                              const char *expected)
{
    const struct cb_doc_node *value = node->kind == CB_DOC_ALIAS ? node->target : node;
    CB_BUF_AUTO message = {0};
    cb_buf_addf(&message, "expected %s, found %s", expected, cb_doc_what(node));
    if (value->kind == CB_DOC_SCALAR && value->tag != CB_TAG_NULL) {
        char *text CB_AUTOFREE = cb_strndup(value->text.p, value->text.n);
        cb_gourl_mask(text, value->text.n);
        cb_buf_addf(&message, " \"%.40s\"", text);
    }
    return fail(d, node, at, message.p);
}

// ---- Scalars ----

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

// Go's base64.StdEncoding: line breaks anywhere, padding needed, trailing bits not looked at.
static bool decode_base64(struct cb_str s, struct cb_buf *out)
{
    unsigned digits = 0, padding = 0, bits = 0;
    for (size_t i = 0; i < s.n; i++) {
        int digit = base64_digit(s.p[i]);
        if (s.p[i] == '\n' || s.p[i] == '\r')
            continue;
        if (s.p[i] == '=' && digits % 4 >= 2 && (digits + padding) % 4 != 0) {
            padding++;
            continue;
        }
        if (digit < 0 || padding)
            return false;
        bits = bits << 6 | (unsigned)digit;
        if (digits++ % 4 != 0)
            cb_buf_addc(out, (char)(bits >> (6 - (digits - 1) % 4 * 2) & 0xFF));
    }
    return (digits + padding) % 4 == 0;
}

// What a scalar stands for, its tag considered; where it stands for a text, *text is it.
static enum result resolve(struct decoder *d, const struct cb_doc_node *node, const struct place *at,
                           struct cb_scalar *s, struct cb_str *text)
{
    *text = node->text;
    *s = (struct cb_scalar){.tag = node->tag};
    if (node->tag == CB_TAG_BINARY) {
        CB_BUF_AUTO bytes = {0};
        if (!decode_base64(node->text, &bytes))
            return fail(d, node, at, "tagged !!binary, but not base64");
        *text = cb_config_str(d->config, cb_buf_str(&bytes));
        return SET;
    }
    bool typed = node->tag == CB_TAG_NULL || node->tag == CB_TAG_BOOL || node->tag == CB_TAG_INT ||
                 node->tag == CB_TAG_FLOAT || node->tag == CB_TAG_TIMESTAMP;
    if (!typed)
        return SET;
    *s = cb_scalar_resolve(node->text);
    if (s->tag == CB_TAG_INT && node->tag == CB_TAG_FLOAT && !s->is_unsigned)
        *s = (struct cb_scalar){.tag = CB_TAG_FLOAT, .f = (double)s->i};
    if (s->tag != node->tag)
        return fail(d, node, at, "the value is not of the type that its tag says");
    return SET;
}

static bool is_text(const struct cb_scalar *s)
{
    return s->tag != CB_TAG_NULL && s->tag != CB_TAG_BOOL && s->tag != CB_TAG_INT && s->tag != CB_TAG_FLOAT &&
           s->tag != CB_TAG_TIMESTAMP;
}

static enum result set_str(struct decoder *d, const struct cb_doc_node *node, const struct place *at,
                           struct cb_str text, enum cb_text_rule rule, struct cb_str *out)
{
    const char *broken = cb_text_rule_broken(rule, text);
    if (broken)
        return fail(d, node, at, broken);
    *out = cb_config_str(d->config, text);
    return SET;
}

static enum result set_u32(struct decoder *d, const struct cb_doc_node *node, const struct place *at,
                           const struct cb_scalar *s, uint32_t *out)
{
    bool whole = s->tag == CB_TAG_INT && !s->is_unsigned && s->i >= 0 && s->i <= UINT32_MAX;
    bool fraction = s->tag == CB_TAG_FLOAT && s->f > -1 && s->f < (double)UINT32_MAX + 1;
    if (!whole && !fraction)
        return wrong_type(d, node, at, "a whole number from 0 to 4294967295");
    *out = whole ? (uint32_t)s->i : (uint32_t)s->f;
    return SET;
}

static enum result set_int(struct decoder *d, const struct cb_doc_node *node, const struct place *at,
                           const struct cb_scalar *s, int64_t *out)
{
    const double limit = 9223372036854775808.0;
    if (s->tag == CB_TAG_INT && !s->is_unsigned) {
        *out = s->i;
        return SET;
    }
    // 2^63 itself passes the reference's check and then wraps around, as everything below -2^63 does.
    if (s->tag == CB_TAG_FLOAT && s->f <= limit) {
        *out = s->f < limit && s->f >= -limit ? (int64_t)s->f : INT64_MIN;
        return SET;
    }
    return wrong_type(d, node, at, "a whole number");
}

static enum result set_bool(struct decoder *d, const struct cb_doc_node *node, const struct place *at,
                            const struct cb_scalar *s, struct cb_str text, bool *out)
{
    static const char *const yes[] = {"y", "Y", "yes", "Yes", "YES", "on", "On", "ON"};
    static const char *const no[] = {"n", "N", "no", "No", "NO", "off", "Off", "OFF"};
    if (s->tag == CB_TAG_BOOL) {
        *out = s->b;
        return SET;
    }
    for (size_t i = 0; is_text(s) && i < 8; i++)
        if (cb_str_is(text, yes[i]) || cb_str_is(text, no[i])) {
            *out = cb_str_is(text, yes[i]);
            return SET;
        }
    return wrong_type(d, node, at, "true or false");
}

// ---- Values ----

static enum result decode(struct decoder *d, const struct cb_doc_node *node, const struct place *at,
                          const struct field *f, void *out);

static const char *expected_of(enum type type)
{
    static const char *const names[] = {
        [T_STR] = "a string",   [T_U32] = "a number",           [T_OPTIONAL_U32] = "a number", [T_INT] = "a number",
        [T_BOOL] = "a boolean", [T_STRS] = "a list of strings", [T_ARCHS] = "a list of names", [T_PAIRS] = "a map",
        [T_RECORD] = "a map",   [T_RECORDS] = "a list of maps",
    };
    return names[type];
}

static enum result decode_scalar(struct decoder *d, const struct cb_doc_node *node, const struct place *at,
                                 const struct field *f, void *out)
{
    struct cb_scalar s;
    struct cb_str text;
    if (resolve(d, node, at, &s, &text) == FAILED)
        return FAILED;
    if (s.tag == CB_TAG_NULL) // what is a pointer, a map or a slice in Go is set to nil; all of ours begin so
        return f->type == T_OPTIONAL_U32 || f->flag != NO_FLAG || f->type == T_STRS || f->type == T_ARCHS ||
                       f->type == T_PAIRS || f->type == T_RECORDS
                   ? SET
                   : LEFT;
    struct cb_optional_u32 *optional = out;
    switch (f->type) {
    case T_STR:
        return set_str(d, node, at, text, f->rule, out);
    case T_U32:
        return set_u32(d, node, at, &s, out);
    case T_OPTIONAL_U32:
        optional->set = true;
        return set_u32(d, node, at, &s, &optional->value);
    case T_INT:
        return set_int(d, node, at, &s, out);
    case T_BOOL:
        return set_bool(d, node, at, &s, text, out);
    default:
        return wrong_type(d, node, at, expected_of(f->type));
    }
}

// Every list here has the shape {v, n, cap}.
struct list {
    char *v;
    size_t n, cap;
};

static enum result decode_list(struct decoder *d, const struct cb_doc_node *node, const struct place *at,
                               const struct field *f, struct list *out)
{
    bool records = f->type == T_RECORDS;
    size_t size = records ? f->record->size : sizeof(struct cb_str);
    struct field item = {.type = records ? T_RECORD : T_STR, .flag = NO_FLAG, .record = f->record, .rule = f->rule};
    for (size_t i = 0; i < node->n; i++) {
        struct place here = {.up = at, .index = i};
        cb_vec_grow(&out->v, out->n, &out->cap, size);
        char *slot = out->v + out->n * size;
        memset(slot, 0, size);
        out->n++; // so that a failure leaves nothing behind
        if (f->type == T_ARCHS)
            d->decoded++; // the reference decodes an architecture twice, by way of its own unmarshaler
        enum result r = decode(d, node->v[i], &here, &item, slot);
        if (r == FAILED)
            return FAILED;
        out->n -= r == LEFT;
    }
    return SET;
}

// ---- Mappings ----

static bool is_merge(const struct cb_doc_node *key)
{
    return key->kind == CB_DOC_SCALAR && key->tag == CB_TAG_MERGE && cb_str_is(key->text, "<<");
}

static const struct cb_doc_node *target_of(const struct cb_doc_node *node)
{
    return node->kind == CB_DOC_ALIAS ? node->target : node;
}

// Keys that are written alike, whatever they stand for; and keys that are no scalars, which no map of ours has.
static enum result check_keys(struct decoder *d, const struct cb_doc_node *map, const struct place *at)
{
    struct cb_map seen[2] = {{0}, {0}};
    enum result r = SET;
    for (size_t i = 0; i < map->n && r == SET; i += 2) {
        struct cb_doc_node *key = map->v[i];
        if (target_of(key)->kind != CB_DOC_SCALAR) {
            r = wrong_type(d, key, at, "a string as key");
            break;
        }
        struct cb_map *same_kind = &seen[key->kind == CB_DOC_ALIAS];
        const struct cb_doc_node *first = cb_map_get(same_kind, key->text);
        if (first) {
            char *message CB_AUTOFREE =
                cb_format("the key \"%.*s\" occurs twice, first in line %u", CB_STR_ARG(key->text), first->line);
            r = fail(d, key, at, message);
        }
        cb_map_put(same_kind, key->text, key, NULL);
    }
    cb_map_release(&seen[0]);
    cb_map_release(&seen[1]);
    return r;
}

static enum result decode_key(struct decoder *d, const struct cb_doc_node *node, const struct place *at,
                              struct cb_str *key)
{
    static const struct field text = {.type = T_STR, .flag = NO_FLAG};
    return decode(d, node, at, &text, key);
}

// Notes a key that has been seen where a merge is going on. False: it was there already, and its value is not wanted.
static bool note_merged(struct cb_map *merged, struct cb_str key)
{
    bool added = true;
    if (merged)
        cb_map_put(merged, key, NULL, &added);
    return added;
}

typedef enum result merge_fn(struct decoder *d, const struct cb_doc_node *map, const struct place *at, const void *type,
                             void *out);

static enum result merge_one(struct decoder *d, const struct cb_doc_node *node, const struct place *at,
                             const void *type, void *out, merge_fn *into);

static enum result count(struct decoder *d, const struct cb_doc_node *node);

// The keys of the mapping itself, as far as they stand for texts; the reference compares what they stand for.
static enum result note_own_keys(struct decoder *d, const struct cb_doc_node *map, const struct place *at,
                                 struct cb_map *merged)
{
    for (size_t i = 0; i < map->n; i += 2) {
        const struct cb_doc_node *key = target_of(map->v[i]);
        struct cb_scalar s;
        struct cb_str text;
        if ((key != map->v[i] && count(d, key) == FAILED) || count(d, key) == FAILED ||
            resolve(d, key, at, &s, &text) == FAILED)
            return FAILED;
        if (is_text(&s))
            note_merged(merged, text);
    }
    return SET;
}

// What stands behind a "<<": a mapping, an alias of one, or a list of these, of which the first that has a key wins.
static enum result merge(struct decoder *d, const struct cb_doc_node *map, const struct cb_doc_node *value,
                         const struct place *at, const void *type, void *out, merge_fn *into)
{
    struct cb_map own = {0};
    struct cb_map *outer = d->merged;
    enum result r = SET;
    if (++d->merge_depth > MERGE_DEPTH) {
        cb_doc_fail(d->doc, map, d->err, "merged through more than %d levels", MERGE_DEPTH);
        d->err->kind = CB_E_LIMIT;
        return FAILED;
    }
    if (!outer) {
        r = note_own_keys(d, map, at, &own);
        d->merged = &own;
    }
    if (r == SET && value->kind == CB_DOC_SEQUENCE) {
        for (size_t i = 0; i < value->n && r != FAILED; i++)
            r = merge_one(d, value->v[i], at, type, out, into);
    } else if (r == SET) {
        r = merge_one(d, value, at, type, out, into);
    }
    d->merged = outer;
    d->merge_depth--;
    cb_map_release(&own);
    return r == FAILED ? FAILED : SET;
}

// ---- Records ----

// The nearest key: one that differs only in case, else by edit distance.
static const char *nearest_key(const struct record *record, const char *word)
{
    const char *known[32];
    assert(record->n <= 32);
    for (size_t i = 0; i < record->n; i++) {
        known[i] = record->fields[i].key;
        if (strcasecmp(word, known[i]) == 0)
            return known[i];
    }
    return cb_nearest(word, known, record->n);
}

static enum result unknown_key(struct decoder *d, const struct cb_doc_node *node, const struct place *at,
                               const struct record *record, struct cb_str key)
{
    CB_BUF_AUTO where = {0};
    add_place(&where, at);
    char *word CB_AUTOFREE = cb_strndup(key.p, key.n < 100 ? key.n : 100);
    cb_doc_fail(d->doc, node, d->err, "unknown key \"%s\" in %s", word, where.n ? where.p : record->name);
    const char *near = nearest_key(record, word);
    if (near)
        return cb_hint(d->err, "did you mean \"%s\"?", near), FAILED;
    CB_BUF_AUTO all = {0};
    for (size_t i = 0; i < record->n; i++)
        cb_buf_addf(&all, i ? ", %s" : "%s", record->fields[i].key);
    return cb_hint(d->err, "the keys of %s are: %s", record->name, all.p), FAILED;
}

static enum result decode_field(struct decoder *d, const struct cb_doc_node *key, const struct cb_doc_node *value,
                                const struct place *at, const struct record *record, void *out, bool *done)
{
    struct cb_str name = {0};
    enum result r = decode_key(d, key, at, &name);
    if (r != SET)
        return r;
    if (!note_merged(d->merged, name))
        return LEFT;
    for (size_t i = 0; i < record->n; i++) {
        const struct field *f = &record->fields[i];
        if (!cb_str_is(name, f->key))
            continue;
        if (done[i])
            return fail(d, key, at, "the key occurs twice");
        done[i] = true;
        struct place here = {.up = at, .key = f->key};
        struct cb_map *outer = d->merged;
        d->merged = NULL;
        r = decode(d, value, &here, f, (char *)out + f->at);
        d->merged = outer;
        if (f->flag != NO_FLAG && r == SET)
            *(bool *)((char *)out + f->flag) = target_of(value)->kind != CB_DOC_SCALAR; // a scalar that passes is null
        return r;
    }
    return unknown_key(d, key, at, record, name);
}

static enum result decode_record(struct decoder *d, const struct cb_doc_node *node, const struct place *at,
                                 const void *type, void *out)
{
    const struct record *record = type;
    bool done[32] = {false};
    const struct cb_doc_node *merged = NULL;
    if (check_keys(d, node, at) == FAILED)
        return FAILED;
    for (size_t i = 0; i + 1 < node->n; i += 2) {
        if (is_merge(node->v[i]))
            merged = node->v[i + 1];
        else if (decode_field(d, node->v[i], node->v[i + 1], at, record, out, done) == FAILED)
            return FAILED;
    }
    return merged ? merge(d, node, merged, at, type, out, decode_record) : SET;
}

// ---- Maps of strings ----

struct pairs_target {
    struct cb_map values; // to struct cb_str *
    enum cb_text_rule key_rule;
    bool is_new; // in the mapping itself null sets ""; in what is merged, only where there is no such key yet
};

static enum result decode_pair(struct decoder *d, const struct cb_doc_node *key, const struct cb_doc_node *value,
                               const struct place *at, struct pairs_target *to, bool is_new)
{
    static const struct field text = {.type = T_STR, .flag = NO_FLAG};
    struct cb_str *name = cb_arena_alloc(&d->config->arena, sizeof *name);
    struct cb_str *slot = cb_arena_alloc(&d->config->arena, sizeof *slot);
    enum result r = decode_key(d, key, at, name);
    if (r != SET)
        return r;
    if (!note_merged(d->merged, *name))
        return LEFT;
    const char *broken = cb_text_rule_broken(to->key_rule, *name);
    if (broken)
        return fail(d, key, at, broken);
    struct place here = {.up = at, .key = name->p};
    struct cb_map *outer = d->merged;
    d->merged = NULL;
    r = decode(d, value, &here, &text, slot);
    d->merged = outer;
    if (r == SET || (r == LEFT && (is_new || !cb_map_find(&to->values, *name))))
        cb_map_put(&to->values, *name, slot, NULL);
    return r;
}

static enum result decode_pairs_into(struct decoder *d, const struct cb_doc_node *node, const struct place *at,
                                     const void *type, void *out)
{
    struct pairs_target *to = out;
    const struct cb_doc_node *merged = NULL;
    bool is_new = to->is_new;
    to->is_new = false;
    if (check_keys(d, node, at) == FAILED)
        return FAILED;
    for (size_t i = 0; i + 1 < node->n; i += 2) {
        if (is_merge(node->v[i]))
            merged = node->v[i + 1];
        else if (decode_pair(d, node->v[i], node->v[i + 1], at, to, is_new) == FAILED)
            return FAILED;
    }
    return merged ? merge(d, node, merged, at, type, out, decode_pairs_into) : SET;
}

static enum result decode_pairs(struct decoder *d, const struct cb_doc_node *node, const struct place *at,
                                const struct field *f, struct cb_pairs *out)
{
    struct pairs_target to = {.key_rule = f->rule, .is_new = true};
    enum result r = decode_pairs_into(d, node, at, NULL, &to);
    cb_map_sort(&to.values);
    for (size_t i = 0; i < to.values.n && r != FAILED; i++) {
        const struct cb_str *value = to.values.items[i].value;
        *cb_vec_add(out) = (struct cb_pair){to.values.items[i].key, *value};
    }
    cb_map_release(&to.values);
    return r;
}

// ---- Any value ----

// yaml.v3's limit on what aliases may unfold into: a share of all values that shrinks as their number grows.
static bool too_many_aliases(const struct decoder *d)
{
    const double low = 400000, high = 4000000;
    double n = (double)d->decoded;
    double allowed = n <= low ? 0.99 : n >= high ? 0.10 : 0.99 - 0.89 * ((n - low) / (high - low));
    return d->aliased > 100 && d->decoded > 1000 && (double)d->aliased / n > allowed;
}

static enum result count(struct decoder *d, const struct cb_doc_node *node)
{
    d->decoded++;
    d->aliased += d->alias_depth > 0;
    if (!too_many_aliases(d))
        return SET;
    cb_doc_fail(d->doc, node, d->err, "too much of the document is aliases");
    d->err->kind = CB_E_LIMIT;
    return FAILED;
}

static enum result begin_alias(struct decoder *d, const struct cb_doc_node *alias)
{
    const size_t max = sizeof d->following / sizeof *d->following;
    for (size_t i = 0; i < d->alias_depth; i++)
        if (d->following[i] == alias)
            return cb_doc_fail(d->doc, alias, d->err, "the value of \"&%s\" contains itself", alias->text.p), FAILED;
    if (d->alias_depth == max) {
        cb_doc_fail(d->doc, alias, d->err, "aliases lead to aliases more than %zu times", max);
        d->err->kind = CB_E_LIMIT;
        return FAILED;
    }
    d->following[d->alias_depth++] = alias;
    return SET;
}

static enum result decode_mapping(struct decoder *d, const struct cb_doc_node *node, const struct place *at,
                                  const struct field *f, void *out)
{
    bool pointer = f->type == T_RECORD && f->flag != NO_FLAG;
    if (f->type == T_RECORD && !(pointer && node->tag == CB_TAG_NULL))
        return decode_record(d, node, at, f->record, out);
    if (f->type == T_PAIRS)
        return decode_pairs(d, node, at, f, out);
    return wrong_type(d, node, at, expected_of(f->type));
}

static enum result decode(struct decoder *d, const struct cb_doc_node *node, const struct place *at,
                          const struct field *f, void *out)
{
    if (count(d, node) == FAILED)
        return FAILED;
    if (node->kind == CB_DOC_ALIAS) {
        if (begin_alias(d, node) == FAILED)
            return FAILED;
        enum result r = decode(d, node->target, at, f, out);
        d->alias_depth--;
        return r;
    }
    if (node->kind == CB_DOC_SCALAR)
        return decode_scalar(d, node, at, f, out);
    if (node->kind == CB_DOC_MAPPING)
        return decode_mapping(d, node, at, f, out);
    if (f->type == T_STRS || f->type == T_ARCHS || f->type == T_RECORDS)
        return decode_list(d, node, at, f, out);
    return wrong_type(d, node, at, expected_of(f->type));
}

// A mapping that is merged: itself or behind an alias. It counts as a decoded value.
static enum result merge_one(struct decoder *d, const struct cb_doc_node *node, const struct place *at,
                             const void *type, void *out, merge_fn *into)
{
    if (target_of(node)->kind != CB_DOC_MAPPING)
        return wrong_type(d, node, at, "a map, or a list of maps, to merge");
    if (count(d, node) == FAILED)
        return FAILED;
    if (node->kind != CB_DOC_ALIAS)
        return into(d, node, at, type, out);
    if (begin_alias(d, node) == FAILED)
        return FAILED;
    enum result r = count(d, node) == FAILED ? FAILED : into(d, node->target, at, type, out);
    d->alias_depth--;
    return r;
}

// ---- The whole ----

int cb_config_decode(const struct cb_doc *doc, struct cb_image_config *c, struct cb_error *err)
{
    struct decoder d = {.doc = doc, .config = c, .err = err, .decoded = 1};
    static const struct field whole = {.type = T_RECORD, .flag = NO_FLAG, .record = &cb_config_record};
    if (!doc->root) {
        cb_fail(err, CB_E_CONFIG, "%s: the configuration is empty", doc->name);
        return cb_hint(err, "a configuration without any settings is written as \"{}\"");
    }
    if (decode(&d, doc->root, NULL, &whole, c) == FAILED)
        return -1;
    for (size_t i = 0; i < c->archs.n; i++)
        c->archs.v[i] = cb_arch_parse(c->archs.v[i]);
    return 0;
}
