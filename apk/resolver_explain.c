// Why a world cannot be solved, and what might help.
#include <stdlib.h>

#include "cbuild/base/nearest.h"
#include "cbuild/net/url.h"
#include "solver.h"

enum {
    LINES_SHOWN = 12,   // of candidates that were ruled out
    VERSIONS_SHOWN = 8, // that exist
    INDEXES_SHOWN = 8,  // that were searched
    NAMES_COMPARED = 200000,
};

struct cb_str package_label(struct solver *s, uint32_t package)
{
    const struct candidate *c = &s->r->packages.v[package];
    return cb_arena_format(&s->arena, "%.*s-%.*s", CB_STR_ARG(package_name(c)), CB_STR_ARG(package_version(c)));
}

static void add_searched(struct solver *s, struct cb_buf *b)
{
    cb_buf_adds(b, s->r->nindexes ? "searched:" : "there is no index to search");
    for (size_t i = 0; i < s->r->nindexes && i < INDEXES_SHOWN; i++) {
        const struct cb_index_origin *o = &s->r->indexes[i]->origin;
        CB_AUTOFREE char *shown = cb_url_redact(o->base.p);
        cb_buf_addf(b, "%s %s%.*s%s%s", i ? "," : "", o->tag.n ? "@" : "", CB_STR_ARG(o->tag), o->tag.n ? " " : "",
                    shown);
    }
    if (s->r->nindexes > INDEXES_SHOWN)
        cb_buf_addf(b, " and %zu more", s->r->nindexes - INDEXES_SHOWN);
}

// The nearest name of a package, or NULL; lives in the solver's arena.
static const char *nearest_name(struct solver *s, struct cb_str name)
{
    size_t n = 0;
    const char **names = cb_alloc((s->r->nnames + 1) * sizeof *names);
    for (size_t i = 0; i < s->r->nnames && n < NAMES_COMPARED; i++) {
        struct cb_str key = s->r->name_ids.items[i].key;
        if (key.n <= name.n + 3 && key.n + 3 >= name.n)
            names[n++] = cb_arena_cstr(&s->arena, key);
    }
    const char *nearest = cb_nearest(cb_arena_cstr(&s->arena, name), names, n);
    free(names);
    return nearest;
}

int explain_missing(struct solver *s, struct cb_str name, struct cb_error *err)
{
    CB_BUF_AUTO hint = {0};
    const char *nearest = nearest_name(s, name);
    cb_fail(err, CB_E_NOT_FOUND, "nothing provides \"%.*s\"", CB_STR_ARG(name));
    if (nearest)
        cb_buf_addf(&hint, "did you mean \"%s\"? ", nearest);
    add_searched(s, &hint);
    return cb_hint(err, "%s", hint.p);
}

static void add_reason(struct solver *s, struct cb_buf *b, const struct reason *why)
{
    switch (why->kind) {
    case OTHER_ARCH:
        cb_buf_addf(b, "is not available in this version for %.*s", CB_STR_ARG(why->text));
        break;
    case EXCLUDED:
        cb_buf_addf(b, "is excluded by \"!%.*s\"", CB_STR_ARG(why->text));
        break;
    case BAD_VERSION:
        cb_buf_addf(b, "has the malformed version \"%.*s\"", CB_STR_ARG(why->text));
        break;
    case UNSATISFYING:
        cb_buf_addf(b, "does not satisfy \"%.*s\"", CB_STR_ARG(why->text));
        break;
    case PROVIDES_LESS:
        cb_buf_addf(b, "provides \"%.*s\", which does not satisfy \"%.*s\"", CB_STR_ARG(why->provide),
                    CB_STR_ARG(why->text));
        break;
    case PROVIDED:
        cb_buf_addf(b, "gives way to %.*s, which provides \"%.*s\"", CB_STR_ARG(package_label(s, why->other)),
                    CB_STR_ARG(why->text));
        break;
    }
}

// One line for each candidate that is ruled out, each package once.
static size_t add_reasons(struct solver *s, const struct name *n, struct cb_buf *b)
{
    size_t lines = 0;
    for (uint32_t i = 0; i < n->all; i++) {
        uint32_t package = s->r->entries[n->first + i], reason = s->ruled_out[package];
        bool repeated = i && s->r->entries[n->first + i - 1] == package;
        if (!reason || repeated || ++lines > LINES_SHOWN)
            continue;
        cb_buf_addf(b, "%s%.*s ", lines > 1 ? "\n" : "", CB_STR_ARG(package_label(s, package)));
        add_reason(s, b, &s->reasons.v[reason - 1]);
    }
    if (lines > LINES_SHOWN)
        cb_buf_addf(b, "\nand %zu more", lines - LINES_SHOWN);
    return lines;
}

struct shown_version {
    struct cb_str text, tag;
    struct cb_version parsed;
};

static int newer_first(const void *a, const void *b)
{
    const struct shown_version *x = a, *y = b;
    int order = cb_version_compare(&y->parsed, &x->parsed);
    return order ? order : cb_str_cmp(x->text, y->text);
}

// "name is there in versions 2-r0, 1-r0 (@edge)", the newest first; nothing where no package is called so.
static void add_versions(struct solver *s, const struct name *n, struct cb_buf *b)
{
    struct shown_version *v = cb_alloc((n->own + (size_t)1) * sizeof *v);
    size_t count = 0;
    for (uint32_t i = 0; i < n->own; i++) {
        const struct candidate *c = &s->r->packages.v[s->r->entries[n->first + i]];
        v[count] = (struct shown_version){.text = package_version(c), .tag = c->index->origin.tag};
        if (cb_version_parse(v[count].text, &v[count].parsed))
            count++;
    }
    qsort(v, count, sizeof *v, newer_first);
    for (size_t i = 0; i < count && i < VERSIONS_SHOWN; i++)
        cb_buf_addf(b, "%s%.*s%s%.*s%s", i ? ", " : "there are versions ", CB_STR_ARG(v[i].text),
                    v[i].tag.n ? " (@" : "", CB_STR_ARG(v[i].tag), v[i].tag.n ? ")" : "");
    if (count > VERSIONS_SHOWN)
        cb_buf_addf(b, " and %zu more", count - VERSIONS_SHOWN);
    if (count)
        cb_buf_adds(b, "; ");
    free(v);
}

int explain_ruled_out(struct solver *s, uint32_t name, struct cb_str constraint, struct cb_error *err)
{
    const struct name *n = &s->r->names[name];
    CB_BUF_AUTO reasons = {0};
    CB_BUF_AUTO hint = {0};
    size_t ruled_out = add_reasons(s, n, &reasons);
    if (ruled_out == 1)
        cb_fail(err, CB_E_CONFLICT, "no candidate for \"%.*s\" is left: %s", CB_STR_ARG(constraint), reasons.p);
    else if (ruled_out)
        cb_fail(err, CB_E_CONFLICT, "no candidate for \"%.*s\" is left of %zu", CB_STR_ARG(constraint), ruled_out);
    else
        cb_fail(err, CB_E_NOT_FOUND, "the indexes have no package that satisfies \"%.*s\"", CB_STR_ARG(constraint));
    if (ruled_out > 1)
        cb_detail(err, "%s", reasons.p);
    add_versions(s, n, &hint);
    add_searched(s, &hint);
    return cb_hint(err, "%s", hint.p);
}

int explain_clash(struct solver *s, uint32_t chosen, uint32_t earlier, struct cb_str name, struct cb_error *err)
{
    if (chosen == earlier)
        return cb_fail(err, CB_E_CONFLICT, "%.*s provides \"%.*s\" twice", CB_STR_ARG(package_label(s, chosen)),
                       CB_STR_ARG(name));
    return cb_fail(err, CB_E_CONFLICT, "%.*s and %.*s, both needed, exclude one another: both provide \"%.*s\"",
                   CB_STR_ARG(package_label(s, earlier)), CB_STR_ARG(package_label(s, chosen)), CB_STR_ARG(name));
}

int explain_settled(struct solver *s, uint32_t settled, struct cb_str constraint, struct cb_error *err)
{
    return cb_fail(err, CB_E_CONFLICT, "%.*s was chosen already and does not satisfy \"%.*s\"",
                   CB_STR_ARG(package_label(s, settled)), CB_STR_ARG(constraint));
}
