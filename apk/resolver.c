// The resolver.
//
// A world is solved in three steps, without ever going back on a choice:
//
// 1. Every versioned entry of the world rules out the candidates that do not satisfy it.
// 2. Entries are settled one by one, the one with the fewest candidates first. A settled package rules out its rivals:
//    other packages with a name that it provides.
// 3. In the order of the world, each entry's dependencies are walked depth first. At each package its versioned
//    dependencies rule out candidates; of the dependencies that nothing selected satisfies, the one with the fewest
//    candidates (then the first by its text) is settled on its best candidate, whose own dependencies are walked
//    before the rest. What the walk finds is the order of installation; a package found again keeps its first place.
//
// What is ruled out stays so for all later entries, and a package that had to be settled on with a ruled-out version
// is an error, not a reason to choose anew.
//
// The walk keeps its own stack of frames (chains of dependencies may be long), and counts its work: packages that are
// only found through unversioned provides are walked again each time, so hostile indexes can make the work grow
// exponentially.
#include <stdlib.h>

#include "solver.h"

int solver_step(struct solver *s, uint64_t n, struct cb_error *err)
{
    s->steps += n;
    if (s->steps <= s->r->steps_max)
        return 0;
    cb_fail(err, CB_E_LIMIT, "resolving takes more than %llu steps", (unsigned long long)s->r->steps_max);
    return cb_hint(err, "the indexes' provides and dependencies refer to each other too often; check the repositories");
}

// What is there: packages that entries and the walk brought in

static void note_existing(struct solver *s, uint32_t package)
{
    const struct candidate *c = &s->r->packages.v[package];
    if (s->existing[c->name] != package + 1) {
        s->existing[c->name] = package + 1;
        *cb_vec_add(&s->touched) = c->name;
    }
    if (c->record->origin.n) {
        s->existing_origin[c->origin] = package_version(c);
        *cb_vec_add(&s->touched_origins) = c->origin;
    }
}

// For the next entry only what entries brought in counts.
static void forget_walk(struct solver *s)
{
    for (size_t i = 0; i < s->touched.n; i++)
        s->existing[s->touched.v[i]] = s->direct[s->touched.v[i]];
    for (size_t i = 0; i < s->touched_origins.n; i++)
        s->existing_origin[s->touched_origins.v[i]] = s->direct_origin[s->touched_origins.v[i]];
    s->touched.n = s->touched_origins.n = 0;
}

// Where packages of one origin but different versions are there, the reference takes the version of the one that a Go
// map gives last; for up to eight packages that is mostly the one put in last, as here.
static void add_direct(struct solver *s, uint32_t package)
{
    const struct candidate *c = &s->r->packages.v[package];
    s->direct[c->name] = s->existing[c->name] = package + 1;
    if (c->record->origin.n)
        s->direct_origin[c->origin] = s->existing_origin[c->origin] = package_version(c);
}

// Settling

// Gives the package its name and its versioned provides. Two packages for one name are an error, even one package that
// provides a name twice, or its own with a version.
static int select_package(struct solver *s, uint32_t package, struct cb_error *err)
{
    const struct candidate *c = &s->r->packages.v[package];
    uint32_t *mine = &s->selected[c->name];
    if (*mine)
        return *mine == package + 1 ? 0 : explain_clash(s, package, *mine - 1, package_name(c), err);
    *mine = package + 1;
    struct cb_str rest = package_provides(c), item;
    while (cb_list_next(&rest, &item)) {
        struct cb_dependency provide = solver_parse(s, item);
        uint32_t *holder = &s->selected[resolver_name(s->r, provide.name)];
        if (*holder)
            return explain_clash(s, package, *holder - 1, provide.name, err);
        if (cb_dependency_has_version(&provide))
            *holder = package + 1;
    }
    return 0;
}

// Whether the selected package satisfies d, by its version or by a provide of that name (the provide's own operator
// is used to compare, as in the reference). 1 yes, 0 no, -1 a malformed version.
static int selected_satisfies(struct solver *s, uint32_t selected, const struct cb_dependency *d, struct cb_error *err)
{
    const struct candidate *c = &s->r->packages.v[selected];
    struct cb_version actual, required, provided;
    if (!cb_dependency_has_version(d))
        return 1;
    if (!cb_version_parse(package_version(c), &actual))
        return cb_fail(err, CB_E_INPUT, "\"%.*s\" of package %.*s is not a version", CB_STR_ARG(package_version(c)),
                       CB_STR_ARG(package_name(c)));
    if (!cb_dependency_version(d, &required))
        return cb_fail(err, CB_E_INPUT, "\"%.*s\" is not a version", CB_STR_ARG(d->version));
    struct cb_str rest = package_provides(c), item;
    while (cb_list_next(&rest, &item)) {
        struct cb_dependency provide = solver_parse(s, item);
        s->steps++;
        if (!cb_str_eq(provide.name, d->name) || !cb_dependency_has_version(&provide))
            continue;
        if (!cb_dependency_version(&provide, &provided))
            return cb_fail(err, CB_E_INPUT, "\"%.*s\", which %.*s provides, has no valid version", CB_STR_ARG(item),
                           CB_STR_ARG(package_name(c)));
        if (cb_version_satisfies(provide.op, &provided, &required))
            return 1;
    }
    return cb_version_satisfies(d->op, &actual, &required);
}

// Whether the package satisfies its own dependency; a malformed version of its own does not.
static bool satisfies_itself(struct solver *s, const struct candidate *c, const struct want *w)
{
    uint32_t name = resolver_name(s->r, w->d.name), text = resolver_name(s->r, w->text);
    uint32_t package = (uint32_t)(c - s->r->packages.v);
    uint32_t end = package + 1 < s->r->packages.n ? c[1].provided : (uint32_t)s->r->provided.n;
    for (uint32_t i = c->provided; i < end; i++)
        if (s->r->provided.v[i] == name || s->r->provided.v[i] == text) // NO_NAME is never provided
            return true;
    struct cb_version actual, required;
    return c->name == name && cb_version_parse(package_version(c), &actual) &&
           (w->d.op == CB_OP_ANY ||
            (cb_dependency_version(&w->d, &required) && cb_version_satisfies(w->d.op, &actual, &required)));
}

// Walking

static int by_text(const void *a, const void *b)
{
    const struct want *x = a, *y = b;
    return cb_str_cmp(x->text, y->text);
}

// Puts the dependencies of a package onto the stack of wants, each once, in the order of their texts; "!name" ones are
// only noted.
static void push_wants(struct solver *s, const struct candidate *c, uint32_t from)
{
    struct cb_str rest = cb_list(c->index, c->record->depends), item;
    while (cb_list_next(&rest, &item)) {
        if (cb_str_starts(item, "!")) {
            cb_strs_add(&s->conflicts, cb_str_skip(item, 1));
            continue;
        }
        struct want w = {.text = item, .d = solver_parse(s, item)};
        if (!satisfies_itself(s, c, &w))
            *cb_vec_add(&s->wants) = w;
    }
    if (s->wants.n > from)
        qsort(s->wants.v + from, s->wants.n - from, sizeof *s->wants.v, by_text);
    size_t kept = from;
    for (size_t i = from; i < s->wants.n; i++)
        if (kept == from || !cb_str_eq(s->wants.v[kept - 1].text, s->wants.v[i].text))
            s->wants.v[kept++] = s->wants.v[i];
    s->wants.n = kept;
}

static int rule_out_by_dependencies(struct solver *s, const struct candidate *c, struct cb_error *err)
{
    struct cb_str rest = cb_list(c->index, c->record->depends), item;
    while (cb_list_next(&rest, &item))
        if (rule_out_by(s, &(struct cb_strs){.v = &item, .n = 1}, err))
            return -1;
    return 0;
}

// Begins to walk a package. One that is on the path already is left alone: dependencies may go in circles.
static int enter(struct solver *s, uint32_t package, struct cb_str asked, struct cb_error *err)
{
    const struct candidate *c = &s->r->packages.v[package];
    if (s->on_path[c->name]) {
        *cb_vec_add(&s->order) = package;
        return 0;
    }
    if (s->path.n == CB_RESOLVE_DEPTH_MAX)
        return cb_fail(err, CB_E_LIMIT, "more than %u packages depend on one another in a chain", CB_RESOLVE_DEPTH_MAX);
    s->on_path[c->name] = true;
    if (!s->needed_by[package])
        s->needed_by[package] = s->path.n ? s->path.v[s->path.n - 1].package + 1 : WORLD;
    *cb_vec_add(&s->path) = (struct frame){package, (uint32_t)s->wants.n, (uint32_t)s->order.n, asked};
    if (rule_out_by_dependencies(s, c, err))
        return -1;
    push_wants(s, c, (uint32_t)s->wants.n);
    return solver_step(s, s->wants.n - s->path.v[s->path.n - 1].wants, err);
}

// Ends the walk of the innermost package: the ones found below it count as existing for the rest of the entry, and then
// the package itself takes its place.
static int leave(struct solver *s, struct cb_error *err)
{
    struct frame f = s->path.v[--s->path.n];
    s->on_path[s->r->packages.v[f.package].name] = false;
    s->wants.n = f.wants;
    if (!s->path.n)
        return 0;
    for (size_t i = f.order; i < s->order.n; i++)
        note_existing(s, s->order.v[i]);
    *cb_vec_add(&s->order) = f.package;
    return solver_step(s, s->order.n - f.order, err);
}

// The candidates for a want into s->matches; none where something selected satisfies it already. 1 wanted, 0 not, -1.
static int options_for(struct solver *s, const struct want *w, struct cb_str pin, struct cb_error *err)
{
    uint32_t name = resolver_name(s->r, w->d.name);
    if (name == NO_NAME)
        return explain_missing(s, w->d.name, err);
    uint32_t selected = s->selected[name];
    if (selected) {
        int satisfied = selected_satisfies(s, selected - 1, &w->d, err);
        return satisfied > 0 ? 0 : satisfied < 0 ? -1 : explain_settled(s, selected - 1, w->text, err);
    }
    if (solver_filter(s, name, &w->d, pin, s->existing[name], &s->matches, err))
        return -1;
    return s->matches.n ? 1 : explain_ruled_out(s, name, w->text, err);
}

static void swap_matches(struct solver *s)
{
    struct u32s other = s->matches;
    s->matches = s->best_matches;
    s->best_matches = other;
}

// Looks at all wants of the innermost package: drops the satisfied ones and takes out the one with the fewest
// candidates, which are then in s->best_matches. 1 with *out, 0 where none is left. An empty text (two spaces in the
// index) gives way to any other: the reference takes it for "none yet" while it goes over a map, and so mostly does the
// same.
static int next_want(struct solver *s, struct cb_str pin, struct want *out, struct cb_error *err)
{
    size_t from = s->path.v[s->path.n - 1].wants, kept = from, fewest = SIZE_MAX;
    for (size_t i = from; i < s->wants.n; i++) {
        struct want w = s->wants.v[i];
        int wanted = options_for(s, &w, pin, err);
        if (wanted < 0)
            return cb_context(err, "%.*s needs %.*s", CB_STR_ARG(package_label(s, s->path.v[s->path.n - 1].package)),
                              CB_STR_ARG(w.text));
        if (!wanted)
            continue;
        if (fewest == SIZE_MAX || !s->wants.v[fewest].text.n || s->matches.n < s->best_matches.n) {
            swap_matches(s);
            fewest = kept;
        }
        s->wants.v[kept++] = w;
    }
    s->wants.n = kept;
    if (fewest == SIZE_MAX)
        return 0;
    *out = s->wants.v[fewest];
    memmove(&s->wants.v[fewest], &s->wants.v[fewest + 1], (kept - fewest - 1) * sizeof *s->wants.v);
    s->wants.n--;
    return 1;
}

// Says which packages led to the failure, from the innermost to the world's entry.
static int explain_path(struct solver *s, struct cb_error *err)
{
    enum { SHOWN = 20 };
    for (size_t i = s->path.n - 1; i > 0; i--) {
        if (s->path.n - i > SHOWN && i > SHOWN)
            continue;
        cb_context(err, "%.*s needs %.*s", CB_STR_ARG(package_label(s, s->path.v[i - 1].package)),
                   CB_STR_ARG(s->path.v[i].asked));
    }
    return -1;
}

// Walks the dependencies of a package; s->order then has them all.
static int walk(struct solver *s, uint32_t package, struct cb_str pin, struct cb_error *err)
{
    s->order.n = 0;
    if (enter(s, package, (struct cb_str){0}, err))
        return -1;
    while (s->path.n) {
        struct want w;
        int more = next_want(s, pin, &w, err);
        if (more == 0 ? leave(s, err) : more < 0)
            return explain_path(s, err);
        if (more == 0)
            continue;
        uint32_t best = solver_best(s, &s->best_matches, &(struct preference){.name = w.d.name, .installed = true});
        if (rule_out_rivals(s, best, err) || select_package(s, s->path.v[s->path.n - 1].package, err) ||
            enter(s, best, w.text, err))
            return explain_path(s, err);
    }
    return 0;
}

// The world

// The candidates of an entry of the world, not empty.
static int entry_matches(struct solver *s, struct cb_str entry, struct cb_dependency *d, struct cb_error *err)
{
    *d = solver_parse(s, entry);
    uint32_t name = resolver_name(s->r, d->name);
    if (name == NO_NAME)
        return explain_missing(s, d->name, err);
    if (solver_filter(s, name, d, d->pin, 0, &s->matches, err))
        return -1;
    return s->matches.n ? 0 : explain_ruled_out(s, name, entry, err);
}

static int entry_best(struct solver *s, struct cb_str entry, uint32_t *package, struct cb_dependency *d,
                      struct cb_error *err)
{
    if (entry_matches(s, entry, d, err))
        return cb_context(err, "solving %.*s", CB_STR_ARG(entry));
    *package = solver_best(s, &s->matches, &(struct preference){.name = d->name, .pin = d->pin});
    return 0;
}

// The entry with the fewest candidates, the first of equals.
static int next_entry(struct solver *s, const struct cb_strs *entries, struct cb_str *out, struct cb_error *err)
{
    size_t fewest = SIZE_MAX;
    for (size_t i = 0; i < entries->n; i++) {
        struct cb_dependency d;
        if (entry_matches(s, entries->v[i], &d, err))
            return cb_context(err, "solving %.*s", CB_STR_ARG(entries->v[i]));
        if (s->matches.n < fewest) {
            fewest = s->matches.n;
            *out = entries->v[i];
        }
    }
    return 0;
}

static void drop_entry(struct cb_strs *entries, struct cb_str entry)
{
    size_t kept = 0;
    for (size_t i = 0; i < entries->n; i++)
        if (!cb_str_eq(entries->v[i], entry))
            entries->v[kept++] = entries->v[i];
    entries->n = kept;
}

static int settle_world(struct solver *s, const struct cb_strs *world, struct cb_error *err)
{
    struct cb_strs left = {.v = cb_arena_alloc(&s->arena, (world->n + 1) * sizeof *left.v), .n = world->n};
    struct u32s names = {0};
    for (size_t i = 0; i < world->n; i++)
        left.v[i] = world->v[i];
    int failed = 0;
    while (left.n && !failed) {
        struct cb_str entry = {0};
        struct cb_dependency d;
        uint32_t package = 0;
        failed = next_entry(s, &left, &entry, err) || entry_best(s, entry, &package, &d, err);
        if (failed)
            break;
        uint32_t name = s->r->packages.v[package].name;
        if (!s->direct[name])
            *cb_vec_add(&names) = name;
        s->direct[name] = package + 1;
        drop_entry(&left, entry);
        failed = rule_out_rivals(s, package, err);
    }
    for (size_t i = 0; i < names.n; i++)
        add_direct(s, s->direct[names.v[i]] - 1);
    cb_vec_release(&names);
    return failed ? -1 : 0;
}

// The result: packages found so far, each name once.
struct found {
    struct u32s packages;
    uint32_t *by_name; // package + 1
    uint32_t *stamp;   // by name: of the entry that has it among its dependencies
};

// Whether what an install_if item asks for is among the dependencies of the entry at hand: the item itself as a name,
// or its name in exactly its version, whatever its operator.
static bool has_dependency(struct solver *s, const struct found *f, const struct u32s *deps, uint32_t entry,
                           struct cb_str item)
{
    uint32_t name = resolver_name(s->r, item);
    if (name != NO_NAME && f->stamp[name] == entry)
        return true;
    struct cb_dependency d = solver_parse(s, item);
    name = resolver_name(s->r, d.name);
    if (name == NO_NAME || f->stamp[name] != entry)
        return false;
    for (size_t i = 0; i < deps->n; i++) {
        const struct candidate *c = &s->r->packages.v[deps->v[i]];
        if (c->name == name)
            return cb_dependency_version_is(&d, package_version(c));
    }
    return false;
}

static int add_if_complete(struct solver *s, struct found *f, struct u32s *deps, uint32_t entry, uint32_t package,
                           struct cb_error *err)
{
    const struct candidate *c = &s->r->packages.v[package];
    struct cb_str rest = cb_list(c->index, c->record->install_if), item;
    if (f->stamp[c->name] == entry)
        return 0;
    while (cb_list_next(&rest, &item)) {
        if (solver_step(s, deps->n, err))
            return -1;
        if (!has_dependency(s, f, deps, entry, item))
            return 0;
    }
    f->stamp[c->name] = entry;
    *cb_vec_add(deps) = package;
    return 0;
}

// How many dependencies, with those that are added meanwhile, the reference can see while it goes over its Go map,
// which was made for n: once all places are taken the map moves, and what comes in from then on is not met any more. (A
// map of several tables moves in parts; no limit is known then.)
static size_t seen_at_most(size_t n)
{
    enum { GROUP = 8, FULL = 7, TABLE = 1024 }; // a table takes 7 of each 8 places
    size_t places = 2 * GROUP;
    if (n <= GROUP)
        return GROUP;
    while (places < n * GROUP / FULL)
        places *= 2;
    return places > TABLE ? SIZE_MAX : places / GROUP * FULL;
}

// install_if: packages that are wanted where all of certain others are among an entry's dependencies. Neither their own
// dependencies nor what is ruled out count. The reference goes over a Go map that grows meanwhile: for up to eight
// dependencies it mostly sees them, and what is added, in this order; for more its order is random.
static int add_install_if(struct solver *s, struct found *f, struct u32s *deps, uint32_t entry, struct cb_error *err)
{
    if (!s->r->install_if.n)
        return 0;
    size_t most = seen_at_most(s->order.n);
    for (size_t i = 0; i < deps->n && i < most; i++) {
        const struct candidate *c = &s->r->packages.v[deps->v[i]];
        const struct u32s *waiting = cb_map_get(&s->r->install_if, package_name(c));
        if (!waiting) {
            CB_BUF_AUTO exact = {0};
            cb_buf_addstr(&exact, package_name(c));
            cb_buf_addc(&exact, '=');
            cb_buf_addstr(&exact, package_version(c));
            waiting = cb_map_get(&s->r->install_if, cb_buf_str(&exact));
        }
        for (size_t j = 0; waiting && j < waiting->n; j++)
            if (add_if_complete(s, f, deps, entry, waiting->v[j], err))
                return -1;
    }
    return 0;
}

// What the walk found, each name once: the first package of it counts.
static void collect_dependencies(struct solver *s, struct found *f, struct u32s *deps, uint32_t entry)
{
    for (size_t i = 0; i < s->order.n; i++) {
        uint32_t name = s->r->packages.v[s->order.v[i]].name;
        if (f->stamp[name] == entry)
            continue;
        f->stamp[name] = entry;
        *cb_vec_add(deps) = s->order.v[i];
    }
}

static void add_found(struct solver *s, struct found *f, uint32_t package)
{
    uint32_t name = s->r->packages.v[package].name;
    if (!f->by_name[name]) {
        f->by_name[name] = package + 1;
        *cb_vec_add(&f->packages) = package;
    }
    if (!s->direct[name])
        add_direct(s, package);
}

static int add_entry(struct solver *s, struct found *f, struct cb_str text, uint32_t entry, struct cb_error *err)
{
    struct cb_dependency d;
    struct u32s deps = {0};
    uint32_t package = 0;
    forget_walk(s);
    if (entry_best(s, text, &package, &d, err))
        return -1;
    int failed = walk(s, package, d.pin, err);
    if (!failed) {
        collect_dependencies(s, f, &deps, entry);
        failed = add_install_if(s, f, &deps, entry, err);
    }
    forget_walk(s);
    for (size_t i = 0; !failed && i < deps.n; i++)
        add_found(s, f, deps.v[i]);
    cb_vec_release(&deps);
    if (failed)
        return cb_context(err, "solving %.*s", CB_STR_ARG(text));
    add_found(s, f, package);
    return 0;
}

// Results

// Names of chosen packages become parts of file names and URLs.
static int check_file_name(const struct cb_package *p, struct cb_error *err)
{
    const struct cb_str parts[] = {p->name, p->version, p->arch};
    static const char *const what[] = {"name", "version", "architecture"};
    for (int i = 0; i < 3; i++)
        for (size_t k = 0; k < parts[i].n; k++)
            if (parts[i].p[k] == '/' || (unsigned char)parts[i].p[k] < ' ' || parts[i].p[k] == 0x7f)
                return cb_fail(err, CB_E_INPUT,
                               "the %s of package \"%.*s\" in the index has a \"/\" or control character", what[i],
                               CB_STR_ARG(p->name));
    return 0;
}

static int give_packages(const struct solver *s, const struct u32s *packages, struct cb_resolution *out,
                         struct cb_error *err)
{
    out->packages.v = cb_arena_alloc(&out->arena, (packages->n + 1) * sizeof *out->packages.v);
    for (size_t i = 0; i < packages->n; i++) {
        const struct candidate *c = &s->r->packages.v[packages->v[i]];
        struct cb_package *p = cb_arena_alloc(&out->arena, sizeof *p);
        cb_index_package(c->index, (size_t)(c->record - c->index->v), &out->arena, p);
        if (check_file_name(p, err))
            return -1;
        out->packages.v[out->packages.n++] =
            (struct cb_repo_package){p, c->index, cb_index_package_url(c->index, p, &out->arena)};
    }
    return 0;
}

static void give_conflicts(const struct solver *s, struct cb_resolution *out)
{
    struct cb_map seen = {0};
    out->conflicts.v = cb_arena_alloc(&out->arena, (s->conflicts.n + 1) * sizeof *out->conflicts.v);
    for (size_t i = 0; i < s->conflicts.n; i++) {
        bool added;
        cb_map_put(&seen, s->conflicts.v[i], NULL, &added);
        if (added)
            out->conflicts.v[out->conflicts.n++] = s->conflicts.v[i];
    }
    cb_map_release(&seen);
}

void cb_resolution_release(struct cb_resolution *out)
{
    cb_arena_release(&out->arena);
    *out = (struct cb_resolution){0};
}

// Life cycle

static void solver_init(struct solver *s, const struct cb_resolver *r)
{
    size_t names = r->nnames + 1, origins = r->origin_ids.n + 1;
    *s = (struct solver){.r = r};
    s->ruled_out = cb_zalloc((r->packages.n + 1) * sizeof *s->ruled_out);
    s->needed_by = cb_zalloc((r->packages.n + 1) * sizeof *s->needed_by);
    s->selected = cb_zalloc(names * sizeof *s->selected);
    s->direct = cb_zalloc(names * sizeof *s->direct);
    s->existing = cb_zalloc(names * sizeof *s->existing);
    s->on_path = cb_zalloc(names * sizeof *s->on_path);
    s->direct_origin = cb_zalloc(origins * sizeof *s->direct_origin);
    s->existing_origin = cb_zalloc(origins * sizeof *s->existing_origin);
}

static void solver_release(struct solver *s)
{
    free(s->ruled_out);
    free(s->needed_by);
    free(s->selected);
    free(s->direct);
    free(s->existing);
    free(s->on_path);
    free(s->direct_origin);
    free(s->existing_origin);
    cb_vec_release(&s->reasons);
    cb_vec_release(&s->touched);
    cb_vec_release(&s->touched_origins);
    cb_vec_release(&s->path);
    cb_vec_release(&s->wants);
    cb_vec_release(&s->order);
    cb_vec_release(&s->matches);
    cb_vec_release(&s->best_matches);
    cb_strs_release(&s->conflicts);
    cb_map_release(&s->odd);
    cb_arena_release(&s->arena);
}

static int solve(struct solver *s, const struct cb_strs *world, struct found *f, struct cb_error *err)
{
    if (rule_out_by(s, world, err) || settle_world(s, world, err))
        return -1;
    for (size_t i = 0; i < world->n; i++)
        if (add_entry(s, f, world->v[i], (uint32_t)i + 1, err))
            return -1;
    return 0;
}

int cb_resolve(const struct cb_resolver *r, const struct cb_strs *world, const struct cb_resolver *const *siblings,
               size_t nsiblings, struct cb_resolution *out, struct cb_error *err)
{
    struct solver s;
    solver_init(&s, r);
    struct found f = {.by_name = cb_zalloc((r->nnames + 1) * sizeof *f.by_name),
                      .stamp = cb_zalloc((r->nnames + 1) * sizeof *f.stamp)};
    int failed = rule_out_unlike(&s, siblings, nsiblings, err) || solve(&s, world, &f, err) ||
                 give_packages(&s, &f.packages, out, err);
    if (failed)
        cb_resolution_release(out);
    else
        give_conflicts(&s, out);
    free(f.by_name);
    free(f.stamp);
    cb_vec_release(&f.packages);
    solver_release(&s);
    return failed ? -1 : 0;
}
