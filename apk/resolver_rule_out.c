// Ruling candidates out: once ruled out a package stays so for the rest of the resolution. The first reason is kept.
#include "solver.h"

static void rule_out(struct solver *s, uint32_t package, struct reason why)
{
    if (s->ruled_out[package])
        return;
    why.by = s->path.n ? s->path.v[s->path.n - 1].package + 1 : WORLD;
    *cb_vec_add(&s->reasons) = why;
    s->ruled_out[package] = (uint32_t)s->reasons.n;
}

// Packages that another architecture does not have in the same version.

enum { SCAN_AT_MOST = 4096 }; // comparisons of versions before a table is made

static bool has_version(const struct cb_resolver *r, const struct name *n, uint32_t hint, struct cb_str version)
{
    for (uint32_t i = 0; i < n->own; i++) {
        uint32_t at = (i + hint) % n->own; // indexes of two architectures mostly agree record by record
        if (cb_str_eq(package_version(&r->packages.v[r->entries[n->first + at]]), version))
            return true;
    }
    return false;
}

static void rule_out_lacking(struct solver *s, const struct name *mine, const struct cb_resolver *other,
                             const struct name *theirs)
{
    struct cb_str arch = other->nindexes ? other->indexes[0]->origin.arch : CB_STR("another architecture");
    struct cb_map versions = {0};
    bool table = (uint64_t)mine->own * theirs->own > SCAN_AT_MOST;
    for (uint32_t i = 0; table && i < theirs->own; i++)
        cb_map_put(&versions, package_version(&other->packages.v[other->entries[theirs->first + i]]), s, NULL);
    for (uint32_t i = 0; i < mine->own; i++) {
        uint32_t package = s->r->entries[mine->first + i];
        struct cb_str version = package_version(&s->r->packages.v[package]);
        if (table ? !cb_map_get(&versions, version) : !has_version(other, theirs, i, version))
            rule_out(s, package, (struct reason){OTHER_ARCH, .text = arch});
    }
    cb_map_release(&versions);
}

int rule_out_unlike(struct solver *s, const struct cb_resolver *const *siblings, size_t n, struct cb_error *err)
{
    static const struct name nobody = {0};
    for (size_t k = 0; n > 1 && k < n; k++) {
        const struct cb_resolver *other = siblings[k];
        if (other == s->r)
            continue;
        if (solver_step(s, s->r->packages.n, err))
            return -1;
        for (size_t i = 0; i < s->r->nnames; i++) {
            const struct name *mine = &s->r->names[i];
            if (!mine->own)
                continue;
            uint32_t found = resolver_name(other, s->r->name_ids.items[i].key);
            rule_out_lacking(s, mine, other, found == NO_NAME ? &nobody : &other->names[found]);
        }
    }
    return 0;
}

// Packages that a "!name" constraint excludes.
static int rule_out_excluded(struct solver *s, struct cb_str constraint, struct cb_error *err)
{
    struct cb_dependency d = solver_parse(s, constraint);
    uint32_t name = resolver_name(s->r, d.name);
    if (name == NO_NAME)
        return 0;
    if (solver_filter(s, name, &d, d.pin, 0, &s->matches, err))
        return -1;
    for (size_t i = 0; i < s->matches.n; i++)
        rule_out(s, s->matches.v[i], (struct reason){EXCLUDED, .text = constraint});
    return 0;
}

// Rules c out where it carries the name of d in a version that d does not want. An unversioned provide does no harm.
static void rule_out_unsatisfying(struct solver *s, uint32_t package, struct cb_str constraint,
                                  const struct cb_dependency *d, const struct cb_version *required)
{
    const struct candidate *c = &s->r->packages.v[package];
    struct cb_version actual;
    if (cb_str_eq(package_name(c), d->name)) {
        struct cb_str version = package_version(c);
        if (!cb_version_parse(version, &actual))
            rule_out(s, package, (struct reason){BAD_VERSION, .text = version});
        else if (!cb_version_satisfies(d->op, &actual, required))
            rule_out(s, package, (struct reason){UNSATISFYING, .text = constraint});
        return;
    }
    struct cb_str rest = package_provides(c), item;
    while (cb_list_next(&rest, &item)) {
        struct cb_dependency provide = solver_parse(s, item);
        s->steps++;
        if (!cb_str_eq(provide.name, d->name) || !cb_dependency_has_version(&provide))
            continue;
        if (!cb_dependency_version(&provide, &actual))
            rule_out(s, package, (struct reason){BAD_VERSION, .text = item});
        else if (!cb_version_satisfies(d->op, &actual, required))
            rule_out(s, package, (struct reason){PROVIDES_LESS, .text = constraint, .provide = item});
    }
}

static int rule_out_by_one(struct solver *s, struct cb_str constraint, struct cb_error *err)
{
    if (cb_str_starts(constraint, "!"))
        return rule_out_excluded(s, cb_str_skip(constraint, 1), err);
    struct cb_dependency d = solver_parse(s, constraint);
    uint32_t name = resolver_name(s->r, d.name);
    if (d.op == CB_OP_ANY || name == NO_NAME)
        return 0;
    struct cb_version required;
    if (!cb_dependency_version(&d, &required))
        return cb_fail(err, CB_E_INPUT, "\"%.*s\" asks for \"%s%.*s\", which is not a version", CB_STR_ARG(constraint),
                       d.zero_first ? "0." : "", CB_STR_ARG(d.version));
    const struct name *n = &s->r->names[name];
    for (uint32_t i = 0; i < n->all; i++) {
        if (solver_step(s, 1, err))
            return -1;
        rule_out_unsatisfying(s, s->r->entries[n->first + i], constraint, &d, &required);
    }
    return 0;
}

int rule_out_by(struct solver *s, const struct cb_strs *constraints, struct cb_error *err)
{
    for (size_t i = 0; i < constraints->n; i++)
        if (rule_out_by_one(s, constraints->v[i], err))
            return -1;
    return 0;
}

// Whether a package that carries the name of `provide` too can stand beside it. A versioned provide has the name for
// itself. An unversioned one shares it with others that have no version for it.
static bool is_rival(struct solver *s, const struct candidate *c, const struct cb_dependency *provide)
{
    if (cb_dependency_has_version(provide))
        return true;
    struct cb_dependency carried = carried_version(s, c, provide->name);
    return cb_dependency_has_version(&carried);
}

int rule_out_rivals(struct solver *s, uint32_t package, struct cb_error *err)
{
    struct cb_str rest = package_provides(&s->r->packages.v[package]), item;
    while (cb_list_next(&rest, &item)) {
        struct cb_dependency provide = solver_parse(s, item);
        const struct name *n = &s->r->names[resolver_name(s->r, provide.name)];
        if (solver_step(s, n->all, err))
            return -1;
        for (uint32_t i = 0; i < n->all; i++) {
            uint32_t other = s->r->entries[n->first + i];
            if (other != package && !s->ruled_out[other] && is_rival(s, &s->r->packages.v[other], &provide))
                rule_out(s, other, (struct reason){PROVIDED, .text = provide.name, .other = package});
        }
    }
    return 0;
}
