#include "flags.h"

#include <stdlib.h>

#include "cbuild/base/buf.h"
#include "cbuild/base/nearest.h"
#include "cbuild/base/vec.h"

struct parser {
    struct cb_flags own, global;
    int argc;
    char **argv;
    int at;
    struct cb_args *args;
};

struct cb_flags cb_flags_of(const struct cb_shared_flag *known, size_t n, unsigned user, struct cb_flag *table)
{
    struct cb_flags flags = {table, 0};
    for (size_t i = 0; i < n; i++)
        if (known[i].users & user)
            table[flags.n++] = known[i].flag;
    return flags;
}

static struct cb_flag *find(struct cb_flags flags, struct cb_str name)
{
    for (size_t i = 0; i < flags.n; i++)
        if (cb_str_is(name, flags.v[i].name))
            return &flags.v[i];
    return NULL;
}

static struct cb_flag *find_letter(struct cb_flags flags, char letter)
{
    for (size_t i = 0; i < flags.n; i++)
        if (flags.v[i].letter == letter)
            return &flags.v[i];
    return NULL;
}

bool cb_flag_given(struct cb_flags flags, const char *name)
{
    const struct cb_flag *f = find(flags, cb_str(name));
    return f && f->set;
}

static int unknown_flag(const struct parser *p, struct cb_str name, struct cb_error *err)
{
    const char *names[128];
    size_t n = 0;
    for (size_t i = 0; i < p->own.n && n < 128; i++)
        names[n++] = p->own.v[i].name;
    for (size_t i = 0; i < p->global.n && n < 128; i++)
        names[n++] = p->global.v[i].name;
    CB_AUTOFREE char *word = cb_strndup(name.p, name.n);
    const char *nearest = cb_nearest(word, names, n);
    cb_fail(err, CB_E_USAGE, "unknown flag: --%s", word);
    return nearest ? cb_hint(err, "did you mean --%s?", nearest) : cb_hint(err, "--help lists the flags");
}

static bool parse_bool(const char *text, bool *out)
{
    static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
    static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        if (!strcmp(text, yes[i]))
            return *out = true, true;
        if (!strcmp(text, no[i]))
            return *out = false, true;
    }
    return false;
}

// One field of a CSV record from *at on: quoted, with "" for a quote, or bare up to the comma.
static int csv_field(const char **at, struct cb_buf *field, struct cb_error *err)
{
    const char *p = *at;
    if (*p != '"') {
        size_t n = strcspn(p, ",");
        if (memchr(p, '"', n))
            return cb_fail(err, CB_E_USAGE, "a quote within the unquoted value %s", p);
        cb_buf_add(field, p, n);
        *at = p + n;
        return 0;
    }
    for (p++; *p != '"' || p[1] == '"'; p++) {
        if (!*p)
            return cb_fail(err, CB_E_USAGE, "the quoted value %s lacks its closing quote", *at);
        cb_buf_addc(field, *p);
        p += *p == '"';
    }
    if (p[1] && p[1] != ',')
        return cb_fail(err, CB_E_USAGE, "text after the closing quote in %s", *at);
    *at = p + 1;
    return 0;
}

static int add_list(struct cb_flag *f, const char *text, struct cb_args *args, struct cb_error *err)
{
    struct cb_strs *list = f->value;
    if (!f->set)
        *list = (struct cb_strs){0}; // what stood there is a default, and not from the heap
    while (*text) {
        struct cb_buf field = {0};
        if (csv_field(&text, &field, err)) {
            cb_buf_release(&field);
            return -1;
        }
        size_t n = field.n;
        struct cb_str piece = {cb_buf_take(&field), n};
        cb_strs_add(&args->pieces, piece);
        cb_strs_add(list, piece);
        if (!*text)
            return 0;
        if (*++text == '\0') // a comma at the end: one more, empty
            cb_strs_add(list, cb_str(""));
    }
    return 0;
}

static int set_flag(struct parser *p, struct cb_flag *f, const char *text, struct cb_error *err)
{
    int64_t number;
    int failed = 0;
    switch (f->type) {
    case CB_FLAG_BOOL:
        if (!parse_bool(text, f->value))
            failed = cb_fail(err, CB_E_USAGE, "\"%s\" is neither true nor false", text);
        break;
    case CB_FLAG_STRING:
        *(const char **)f->value = text;
        break;
    case CB_FLAG_LIST:
        failed = add_list(f, text, p->args, err);
        break;
    case CB_FLAG_INT:
        if (cb_str_i64(cb_str(text), 10, &number))
            *(int64_t *)f->value = number;
        else
            failed = cb_fail(err, CB_E_USAGE, "\"%s\" is not a whole number", text);
        break;
    }
    f->set = true;
    return failed ? cb_context(err, "--%s", f->name) : 0;
}

static int next_value(struct parser *p, const struct cb_flag *f, const char **value, struct cb_error *err)
{
    if (p->at >= p->argc)
        return cb_fail(err, CB_E_USAGE, "--%s needs a value", f->name);
    *value = p->argv[p->at++];
    return 0;
}

static int long_flag(struct parser *p, const char *text, struct cb_error *err)
{
    struct cb_str rest = cb_str(text), name;
    cb_str_cut(&rest, '=', &name);
    struct cb_flag *f = find(p->own, name);
    if (!f)
        f = find(p->global, name);
    if (!f)
        return unknown_flag(p, name, err);
    const char *value = rest.p; // the end of text, where it is not NULL
    if (!value && f->type == CB_FLAG_BOOL)
        value = "true";
    else if (!value && next_value(p, f, &value, err))
        return -1;
    return set_flag(p, f, value, err);
}

// A cluster of one-letter flags: -qv, -k KEY, -kKEY, -k=KEY.
static int short_flags(struct parser *p, const char *text, struct cb_error *err)
{
    while (*text) {
        struct cb_flag *f = find_letter(p->own, *text);
        if (!f)
            f = find_letter(p->global, *text);
        if (!f) {
            return cb_fail(err, CB_E_USAGE, "unknown flag: -%c", *text);
        }
        const char *value = text + 1;
        if (*value == '=')
            return set_flag(p, f, value + 1, err);
        if (f->type != CB_FLAG_BOOL)
            return !*value && next_value(p, f, &value, err) ? -1 : set_flag(p, f, value, err);
        if (set_flag(p, f, "true", err))
            return -1;
        text++;
    }
    return 0;
}

int cb_flags_parse(struct cb_flags own, struct cb_flags global, int argc, char **argv, struct cb_args *args,
                   struct cb_error *err)
{
    struct parser p = {own, global, argc, argv, 0, args};
    bool only_args = false;
    while (p.at < argc) {
        const char *word = argv[p.at++];
        int failed = 0;
        if (only_args || word[0] != '-' || !word[1])
            *cb_vec_add(args) = word;
        else if (!strcmp(word, "--"))
            only_args = true;
        else if (word[1] == '-')
            failed = long_flag(&p, word + 2, err);
        else
            failed = short_flags(&p, word + 1, err);
        if (failed)
            return -1;
    }
    return 0;
}

void cb_args_release(struct cb_args *args)
{
    for (size_t i = 0; i < args->pieces.n; i++)
        free((void *)(uintptr_t)args->pieces.v[i].p);
    cb_strs_release(&args->pieces);
    cb_vec_release(args);
}

static const char *type_name(const struct cb_flag *f)
{
    if (f->placeholder)
        return f->placeholder;
    switch (f->type) {
    case CB_FLAG_BOOL:
        return "";
    case CB_FLAG_STRING:
        return "string";
    case CB_FLAG_LIST:
        return "strings";
    case CB_FLAG_INT:
        return "int";
    }
    return "";
}

static void add_default(struct cb_buf *out, const struct cb_flag *f)
{
    const struct cb_strs *list = f->value;
    const char *text;
    switch (f->type) {
    case CB_FLAG_BOOL:
        if (*(bool *)f->value)
            cb_buf_adds(out, " (default true)");
        break;
    case CB_FLAG_STRING:
        text = *(const char **)f->value;
        if (text && *text)
            cb_buf_addf(out, " (default \"%s\")", text);
        break;
    case CB_FLAG_LIST:
        for (size_t i = 0; i < list->n; i++)
            cb_buf_addf(out, "%s%.*s", i ? "," : " (default [", CB_STR_ARG(list->v[i]));
        if (list->n)
            cb_buf_adds(out, "])");
        break;
    case CB_FLAG_INT:
        if (*(int64_t *)f->value)
            cb_buf_addf(out, " (default %lld)", (long long)*(int64_t *)f->value);
        break;
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct cb_flag *const *)a)->name, (*(const struct cb_flag *const *)b)->name);
}

void cb_flags_help(struct cb_flags flags, struct cb_buf *out)
{
    CB_AUTOFREE const struct cb_flag **sorted = cb_realloc_array(NULL, flags.n, sizeof *sorted);
    size_t width = 0;
    for (size_t i = 0; i < flags.n; i++) {
        sorted[i] = &flags.v[i];
        const char *type = type_name(sorted[i]);
        size_t n = strlen(sorted[i]->name) + (*type ? strlen(type) + 1 : 0);
        width = n > width && !sorted[i]->hidden ? n : width;
    }
    qsort(sorted, flags.n, sizeof *sorted, by_name);
    for (size_t i = 0; i < flags.n; i++) {
        if (sorted[i]->hidden)
            continue;
        const char *type = type_name(sorted[i]);
        CB_AUTOFREE char *left = cb_format("%s%s%s", sorted[i]->name, *type ? " " : "", type);
        if (sorted[i]->letter)
            cb_buf_addf(out, "  -%c, ", sorted[i]->letter);
        else
            cb_buf_adds(out, "      ");
        cb_buf_addf(out, "--%-*s   %s", (int)width, left, sorted[i]->help);
        add_default(out, sorted[i]);
        cb_buf_addc(out, '\n');
    }
}
