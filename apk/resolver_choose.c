// Which candidates satisfy a dependency, and which of them is best.
#include "solver.h"

struct cb_dependency solver_parse(struct solver *s, struct cb_str text)
{
    struct cb_dependency d;
    if (cb_dependency_slice(text, &d))
        return d;
    const struct cb_dependency *known = cb_map_get(&s->odd, text);
    if (known)
        return *known;
    struct cb_dependency *kept = cb_arena_alloc(&s->arena, sizeof *kept);
    *kept = cb_dependency_parse(text, &s->arena);
    cb_map_put(&s->odd, text, kept, NULL);
    return *kept;
}

// A candidate satisfies by its own version or by that of any of its provides, also of ones with other names than the
// one that is looked for: so it is in the reference.
static bool satisfies(struct solver *s, const struct candidate *c, enum cb_version_op op,
                      const struct cb_version *required)
{
    struct cb_version actual;
    if (!cb_version_parse(package_version(c), &actual))
        return false;
    if (cb_version_satisfies(op, &actual, required))
        return true;
    struct cb_str rest = package_provides(c), item;
    while (cb_list_next(&rest, &item)) {
        struct cb_dependency provide = solver_parse(s, item);
        s->steps++;
        if (cb_dependency_version(&provide, &actual) && cb_version_satisfies(op, &actual, required))
            return true;
    }
    return false;
}

// Whether two packages are fetched from the same place.
static bool same_url(const struct candidate *a, const struct candidate *b)
{
    if (a == b)
        return true;
    if (!cb_str_eq(a->index->origin.base, b->index->origin.base))
        return false;
    CB_BUF_AUTO x = {0};
    CB_BUF_AUTO y = {0};
    cb_buf_addstr(&x, package_name(a));
    cb_buf_addc(&x, '-');
    cb_buf_addstr(&x, package_version(a));
    cb_buf_addstr(&y, package_name(b));
    cb_buf_addc(&y, '-');
    cb_buf_addstr(&y, package_version(b));
    return cb_str_eq(cb_buf_str(&x), cb_buf_str(&y));
}

static bool tag_allowed(struct solver *s, const struct candidate *c, struct cb_str pin, uint32_t installed)
{
    struct cb_str tag = c->index->origin.tag;
    return !tag.n || cb_str_eq(tag, pin) || (installed && same_url(&s->r->packages.v[installed - 1], c));
}

int solver_filter(struct solver *s, uint32_t name, const struct cb_dependency *d, struct cb_str pin, uint32_t installed,
                  struct u32s *out, struct cb_error *err)
{
    const struct name *n = &s->r->names[name];
    struct cb_version required;
    out->n = 0;
    if (solver_step(s, n->all, err))
        return -1;
    if (d->op != CB_OP_ANY && !cb_dependency_version(d, &required))
        return 0;
    for (uint32_t i = 0; i < n->all; i++) {
        uint32_t package = s->r->entries[n->first + i];
        const struct candidate *c = &s->r->packages.v[package];
        if (s->ruled_out[package] || !tag_allowed(s, c, pin, installed))
            continue;
        if (d->op == CB_OP_ANY || satisfies(s, c, d->op, &required))
            *cb_vec_add(out) = package;
    }
    return 0;
}

struct cb_dependency carried_version(struct solver *s, const struct candidate *c, struct cb_str name)
{
    if (cb_str_eq(name, package_name(c)))
        return (struct cb_dependency){.version = package_version(c)};
    struct cb_str rest = package_provides(c), item;
    while (cb_list_next(&rest, &item)) {
        struct cb_dependency provide = solver_parse(s, item);
        s->steps++;
        if (cb_str_eq(provide.name, name))
            return provide;
    }
    return (struct cb_dependency){0};
}

// Comparing candidates: the result is negative where a is to be preferred. In order: what is installed already; what
// comes from the same origin and build as something installed; the wanted tag; the newer version of the wanted name;
// the newer of the same package; the higher declared priority; the newer package; the name.
//
// This order is not transitive: candidates without a version for the wanted name (unversioned provides) are compared
// with others by what follows. The reference then depends on the order of its candidates.

static int prefer(bool a, bool b)
{
    return (int)b - (int)a;
}

// The newer first. A malformed version loses, and where both are malformed b is preferred: as the reference.
static int prefer_newer(const struct cb_dependency *a, const struct cb_dependency *b)
{
    struct cb_version x, y;
    if (!cb_dependency_version(a, &x))
        return 1;
    if (!cb_dependency_version(b, &y))
        return -1;
    return cb_version_compare(&y, &x);
}

static bool is_existing(const struct solver *s, const struct candidate *c)
{
    uint32_t found = s->existing[c->name];
    return found && cb_str_eq(package_version(&s->r->packages.v[found - 1]), package_version(c));
}

// An empty version equals that of an origin that is not installed: so it is in the reference.
static bool has_existing_origin(const struct cb_str *origins, const struct candidate *c)
{
    return c->record->origin.n && cb_str_eq(origins ? origins[c->origin] : (struct cb_str){0}, package_version(c));
}

static int compare_packages(const struct candidate *a, const struct candidate *b)
{
    struct cb_dependency x = {.version = package_version(a)}, y = {.version = package_version(b)};
    bool differ = !cb_str_eq(x.version, y.version);
    int c = 0;
    if (a->name == b->name && differ)
        c = prefer_newer(&x, &y);
    if (!c)
        c = (a->record->provider_priority < b->record->provider_priority) -
            (a->record->provider_priority > b->record->provider_priority);
    if (!c && differ)
        c = prefer_newer(&x, &y);
    return c ? c : cb_str_cmp(package_name(a), package_name(b));
}

static bool same_text(const struct cb_dependency *a, const struct cb_dependency *b)
{
    if (a->zero_first == b->zero_first)
        return cb_str_eq(a->version, b->version);
    return a->zero_first ? cb_dependency_version_is(a, b->version) : cb_dependency_version_is(b, a->version);
}

static int compare_carried(const struct cb_dependency *a, const struct cb_dependency *b)
{
    if (!cb_dependency_has_version(a) || !cb_dependency_has_version(b) || same_text(a, b))
        return 0;
    return prefer_newer(a, b);
}

struct choice {
    uint32_t package;
    struct cb_dependency carried;
};

static int compare(struct solver *s, const struct choice *x, const struct choice *y, const struct preference *p)
{
    const struct candidate *a = &s->r->packages.v[x->package], *b = &s->r->packages.v[y->package];
    const struct cb_str *origins = p->installed ? s->existing_origin : NULL;
    int c = p->installed ? prefer(is_existing(s, a), is_existing(s, b)) : 0;
    if (!c)
        c = prefer(has_existing_origin(origins, a), has_existing_origin(origins, b));
    if (!c)
        c = prefer(cb_str_eq(a->index->origin.tag, p->pin), cb_str_eq(b->index->origin.tag, p->pin));
    if (!c)
        c = compare_carried(&x->carried, &y->carried);
    return c ? c : compare_packages(a, b);
}

static struct choice choice_of(struct solver *s, uint32_t package, const struct preference *p)
{
    const struct candidate *c = &s->r->packages.v[package];
    return (struct choice){package, carried_version(s, c, p->name.n ? p->name : package_name(c))};
}

uint32_t solver_best(struct solver *s, const struct u32s *matches, const struct preference *p)
{
    struct choice best = choice_of(s, matches->v[0], p);
    for (size_t i = 1; i < matches->n; i++) {
        struct choice next = choice_of(s, matches->v[i], p);
        if (compare(s, &next, &best, p) < 0)
            best = next;
    }
    return best.package;
}
