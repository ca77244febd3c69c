// Why a world cannot be solved, and what might help.
#include <stdlib.h>

#include "cbuild/base/nearest.h"
#include "cbuild/net/url.h"
#include "solver.h"

enum {
    LINES_SHOWN = 12,   // of candidates that were ruled out
    VERSIONS_SHOWN = 8, // that exist
    INDEXES_SHOWN = 8,  // that were searched
    LINKS_SHOWN = 8,    // from a package to the entry of the world that needs it
    NAMES_COMPARED = 200000,
};

struct cb_str package_label(struct solver *s, uint32_t package)
{
    const struct candidate *c = &s->r->packages.v[package];
    return cb_arena_format(&s->arena, "%.*s-%.*s", CB_STR_ARG(package_name(c)), CB_STR_ARG(package_version(c)));
}

static void add_searched(struct solver *s, struct cb_buf *b)
{
    cb_buf_adds(b, "searched:");
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
    if (!s->r->nindexes)
        return -1; // who knows the repositories has the hint
    add_searched(s, &hint);
    return cb_hint(err, "%s", hint.p);
}

// " (needed by y-1, needed by z-1)" of a package that the walk came to; nothing for one that an entry names.
static void add_chain(struct solver *s, uint32_t package, struct cb_buf *b)
{
    size_t links = 0;
    for (uint32_t by = s->needed_by[package]; by && by != WORLD && links < LINKS_SHOWN; by = s->needed_by[by - 1])
        cb_buf_addf(b, "%s %.*s", links++ ? ", needed by" : " (needed by", CB_STR_ARG(package_label(s, by - 1)));
    cb_buf_adds(b, links ? ")" : "");
}

// Whose constraint it is, but for the one that the message is about.
static void add_asker(struct solver *s, struct cb_buf *b, const struct reason *why, struct cb_str constraint)
{
    cb_buf_addf(b, " \"%s%.*s\"", why->kind == EXCLUDED ? "!" : "", CB_STR_ARG(why->text));
    uint32_t here = s->path.n ? s->path.v[s->path.n - 1].package + 1 : WORLD;
    if (why->kind != EXCLUDED && why->by == here && cb_str_eq(why->text, constraint))
        return;
    if (why->by == WORLD) {
        cb_buf_adds(b, " of the configuration");
        return;
    }
    cb_buf_addf(b, " of %.*s", CB_STR_ARG(package_label(s, why->by - 1)));
    add_chain(s, why->by - 1, b);
}

static void add_reason(struct solver *s, struct cb_buf *b, const struct reason *why, struct cb_str constraint)
{
    switch (why->kind) {
    case OTHER_ARCH:
        cb_buf_addf(b, "is not there in this version for %.*s, and all architectures are to have the same",
                    CB_STR_ARG(why->text));
        break;
    case EXCLUDED:
        cb_buf_adds(b, "is excluded by");
        add_asker(s, b, why, constraint);
        break;
    case BAD_VERSION:
        cb_buf_addf(b, "has the malformed version \"%.*s\"", CB_STR_ARG(why->text));
        break;
    case UNSATISFYING:
        cb_buf_adds(b, "does not satisfy");
        add_asker(s, b, why, constraint);
        break;
    case PROVIDES_LESS:
        cb_buf_addf(b, "provides \"%.*s\", which does not satisfy", CB_STR_ARG(why->provide));
        add_asker(s, b, why, constraint);
        break;
    case PROVIDED:
        cb_buf_addf(b, "gives way to %.*s", CB_STR_ARG(package_label(s, why->other)));
        add_chain(s, why->other, b);
        cb_buf_addf(b, ", which provides \"%.*s\" too", CB_STR_ARG(why->text));
        break;
    }
}

struct ruled_out {
    size_t lines;      // packages, each once
    bool all_too_much; // each for nothing but the constraint itself
};

// One line for each candidate that is ruled out.
static struct ruled_out add_reasons(struct solver *s, const struct name *n, struct cb_str constraint, struct cb_buf *b)
{
    struct ruled_out found = {0, true};
    for (uint32_t i = 0; i < n->all; i++) {
        uint32_t package = s->r->entries[n->first + i], reason = s->ruled_out[package];
        bool repeated = i && s->r->entries[n->first + i - 1] == package;
        if (!reason || repeated)
            continue;
        const struct reason *why = &s->reasons.v[reason - 1];
        found.all_too_much = found.all_too_much && why->kind == UNSATISFYING && cb_str_eq(why->text, constraint);
        if (++found.lines > LINES_SHOWN)
            continue;
        cb_buf_addf(b, "%s%.*s ", found.lines > 1 ? "\n" : "", CB_STR_ARG(package_label(s, package)));
        add_reason(s, b, why, constraint);
    }
    if (found.lines > LINES_SHOWN)
        cb_buf_addf(b, "\nand %zu more", found.lines - LINES_SHOWN);
    return found;
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

// "there are versions 2-r0, 1-r0 (as name@edge)", the newest first; nothing where no package is called so.
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
    for (size_t i = 0; i < count && i < VERSIONS_SHOWN; i++) {
        cb_buf_addf(b, "%s%.*s",
                    i           ? ", "
                    : count > 1 ? "there are versions "
                                : "there is version ",
                    CB_STR_ARG(v[i].text));
        if (v[i].tag.n)
            cb_buf_addf(b, " (as \"%.*s@%.*s\")", CB_STR_ARG(package_name(&s->r->packages.v[s->r->entries[n->first]])),
                        CB_STR_ARG(v[i].tag));
    }
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
    struct ruled_out found = add_reasons(s, n, constraint, &reasons);
    if (!found.lines || found.all_too_much)
        cb_fail(err, found.lines ? CB_E_CONFLICT : CB_E_NOT_FOUND, "no package satisfies \"%.*s\"",
                CB_STR_ARG(constraint));
    else if (found.lines == 1)
        cb_fail(err, CB_E_CONFLICT, "no candidate for \"%.*s\" is left: %s", CB_STR_ARG(constraint), reasons.p);
    else
        cb_fail(err, CB_E_CONFLICT, "no candidate for \"%.*s\" is left of %zu", CB_STR_ARG(constraint), found.lines);
    if (found.lines > 1 && !found.all_too_much)
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
    CB_BUF_AUTO pair = {0};
    cb_buf_addstr(&pair, package_label(s, earlier));
    add_chain(s, earlier, &pair);
    cb_buf_addf(&pair, " and %.*s", CB_STR_ARG(package_label(s, chosen)));
    add_chain(s, chosen, &pair);
    cb_fail(err, CB_E_CONFLICT, "%s, both needed, exclude one another: both provide \"%.*s\"", pair.p,
            CB_STR_ARG(name));
    return cb_hint(err, "leave one of the two out, or what needs it");
}

int explain_settled(struct solver *s, uint32_t settled, struct cb_str constraint, struct cb_error *err)
{
    CB_BUF_AUTO chosen = {0};
    cb_buf_addstr(&chosen, package_label(s, settled));
    add_chain(s, settled, &chosen);
    return cb_fail(err, CB_E_CONFLICT, "%s was chosen already and does not satisfy \"%.*s\"", chosen.p,
                   CB_STR_ARG(constraint));
}
