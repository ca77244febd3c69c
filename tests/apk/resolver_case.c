#include "resolver_case.h"

#include <stdlib.h>

enum section { NONE, INDEX, WORLD, RESULT };

static struct cb_str word(struct cb_str *rest)
{
    struct cb_str w = {0};
    cb_str_cut(rest, ' ', &w);
    return w;
}

static void take_header(struct resolver_case *c, struct cb_str line, enum section *section)
{
    struct cb_str rest = cb_str_skip(line, 3), kind = word(&rest);
    if (cb_str_is(kind, "index")) {
        struct case_index *x = cb_vec_add(&c->indexes);
        x->origin.arch = word(&rest);
        x->origin.base = word(&rest);
        x->origin.tag = word(&rest);
        *section = INDEX;
        if (!cb_strs_has(&c->archs, x->origin.arch))
            cb_strs_add(&c->archs, x->origin.arch);
    } else if (cb_str_is(kind, "world")) {
        *section = WORLD;
    } else if (cb_str_is(kind, "result")) {
        struct case_result *r = cb_vec_add(&c->results);
        r->arch = word(&rest);
        word(&rest);
        r->text = cb_strn(rest.p, 0);
        *section = RESULT;
    } else {
        *section = NONE;
    }
}

static struct cb_str extend(struct cb_str s, struct cb_str line)
{
    return cb_strn(s.n ? s.p : line.p, (size_t)(line.p + line.n + 1 - (s.n ? s.p : line.p)));
}

static void take_text(struct resolver_case *c, struct cb_str line, enum section section)
{
    if (section == INDEX) {
        struct cb_str *text = &c->indexes.v[c->indexes.n - 1].text;
        *text = extend(*text, line);
    } else if (section == WORLD) {
        cb_strs_add(&c->world, line);
    } else if (section == RESULT && !cb_str_starts(line, "#")) {
        struct cb_str *text = &c->results.v[c->results.n - 1].text;
        text->n = (size_t)(line.p + line.n + 1 - text->p);
    }
}

// The last word of a result's header begins its text.
static void end_header(struct resolver_case *c, enum section section)
{
    if (section != RESULT)
        return;
    struct cb_str *text = &c->results.v[c->results.n - 1].text;
    text->n = strcspn(text->p, "\n") + 1;
}

bool case_next(struct cb_str *rest, struct resolver_case *out)
{
    struct cb_str line;
    enum section section = NONE;
    *out = (struct resolver_case){0};
    while (rest->n && !cb_str_starts(*rest, "%% case "))
        cb_str_cut(rest, '\n', &line);
    if (!rest->n)
        return false;
    cb_str_cut(rest, '\n', &line);
    out->name = cb_str_skip(line, 8);
    while (rest->n && !cb_str_starts(*rest, "%% case ")) {
        cb_str_cut(rest, '\n', &line);
        if (cb_str_starts(line, "%% ")) {
            take_header(out, line, &section);
            end_header(out, section);
        } else {
            take_text(out, line, section);
        }
    }
    return true;
}

void case_release(struct resolver_case *c)
{
    for (size_t i = 0; i < c->indexes.n; i++)
        cb_index_free(c->indexes.v[i].index);
    cb_vec_release(&c->indexes);
    cb_vec_release(&c->results);
    cb_strs_release(&c->world);
    cb_strs_release(&c->archs);
}

static int parse_indexes(struct resolver_case *c, struct cb_error *err)
{
    for (size_t i = 0; i < c->indexes.n; i++) {
        struct case_index *x = &c->indexes.v[i];
        struct cb_mem_source source = cb_mem_source(x->text.p, x->text.n);
        if (!x->index && cb_index_parse(&source.source, &x->origin, &x->index, err))
            return -1;
    }
    return 0;
}

static struct cb_resolver *resolver_for(struct resolver_case *c, struct cb_str arch)
{
    const struct cb_index **list = cb_alloc((c->indexes.n + 1) * sizeof *list);
    size_t n = 0;
    for (size_t i = 0; i < c->indexes.n; i++)
        if (cb_str_eq(c->indexes.v[i].origin.arch, arch))
            list[n++] = c->indexes.v[i].index;
    struct cb_resolver *r = cb_resolver_new(list, n);
    free(list);
    return r;
}

static void add_outcome(struct cb_buf *out, const struct cb_resolution *got)
{
    cb_buf_adds(out, "solved\n");
    for (size_t i = 0; i < got->packages.n; i++)
        cb_buf_addf(out, "+%.*s\n", CB_STR_ARG(got->packages.v[i].url));
    for (size_t i = 0; i < got->conflicts.n; i++)
        cb_buf_addf(out, "!%.*s\n", CB_STR_ARG(got->conflicts.v[i]));
}

void case_run(struct resolver_case *c, struct cb_str arch, struct cb_buf *out, struct cb_error *why)
{
    if (parse_indexes(c, why)) {
        cb_buf_adds(out, "refused\n");
        return;
    }
    struct cb_resolver **all = cb_zalloc((c->archs.n + 1) * sizeof(struct cb_resolver *));
    struct cb_resolver *mine = NULL;
    for (size_t i = 0; i < c->archs.n; i++) {
        all[i] = resolver_for(c, c->archs.v[i]);
        if (cb_str_eq(c->archs.v[i], arch))
            mine = all[i];
    }
    struct cb_resolution got = {0};
    if (cb_resolve(mine, &c->world, (const struct cb_resolver *const *)all, c->archs.n, &got, why))
        cb_buf_adds(out, "refused\n");
    else
        add_outcome(out, &got);
    cb_resolution_release(&got);
    for (size_t i = 0; i < c->archs.n; i++)
        cb_resolver_free(all[i]);
    free(all);
}

int case_rank(const struct resolver_case *c, struct cb_str arch, struct cb_str outcome)
{
    int rank = 0;
    for (size_t i = 0; i < c->results.n; i++) {
        if (!cb_str_eq(c->results.v[i].arch, arch))
            continue;
        if (cb_str_eq(c->results.v[i].text, outcome))
            return rank;
        rank++;
    }
    return -1;
}
