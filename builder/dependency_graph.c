// Nodes are names: of packages, of what they depend on and of what they provide, which may be a package's name or only
// a word that links the two ("so:libc.so.6"). Versions are cut off, but for the operators < and >, which the reference
// leaves: "a>1" is the node "a>1", and "a>=1" is "a>".
#include "cbuild/builder/dependency_graph.h"

#include "cbuild/base/map.h"
#include "cbuild/text/graph.h"

struct drawer {
    const struct cb_drawing *d;
    struct cb_graph *g;
    struct cb_arena arena;
    struct cb_map packages; // by name
    struct cb_map depended; // names that something depends on
    struct cb_map reached;  // names that an edge leads to
    struct cb_graph_item *root;
};

// "name=version" or "name~version" without its version; false where there is none.
static bool cut_version(struct cb_str text, struct cb_str *name)
{
    ptrdiff_t at = cb_str_find(text, '=');
    if (at < 0)
        at = cb_str_find(text, '~');
    *name = at < 0 ? text : cb_str_head(text, (size_t)at);
    return at >= 0;
}

static void remember(struct cb_map *m, struct cb_str name)
{
    cb_map_put(m, name, m, NULL);
}

static void add_edge(struct drawer *w, const struct cb_graph_item *from, const struct cb_graph_item *to,
                     const char *kind)
{
    struct cb_graph_item *edge = cb_graph_edge(w->g, from, to);
    if (!w->d->links)
        return;
    struct cb_str tooltip = cb_arena_format(&w->arena, "%.*s → %.*s (%s)", CB_STR_ARG(cb_graph_name(from)),
                                            CB_STR_ARG(cb_graph_name(to)), kind);
    cb_graph_set(w->g, edge, "tooltip", tooltip);
}

// The page of a package: its address as a path below the explorer's.
static struct cb_str page_of(struct drawer *w, const struct cb_repo_package *p)
{
    CB_BUF_AUTO b = {0};
    cb_buf_addf(&b, "https://%s/", w->d->explorer);
    char last = 0;
    for (size_t i = 0; i < p->url.n; i++) {
        char c = p->url.p[i] == ':' ? '/' : p->url.p[i];
        if (c != '/' || last != '/')
            cb_buf_addc(&b, c);
        last = c;
    }
    return cb_arena_str(&w->arena, cb_buf_str(&b));
}

static void link_node(struct drawer *w, struct cb_graph_item *node, struct cb_str name, bool tooltip)
{
    const struct cb_repo_package *p = w->d->links ? cb_map_get(&w->packages, name) : NULL;
    if (!p)
        return;
    cb_graph_set(w->g, node, "URL", page_of(w, p));
    cb_graph_set(w->g, node, "target", CB_STR("_blank"));
    if (tooltip)
        cb_graph_set(w->g, node, "tooltip", p->pkg->description);
}

// --- What the configuration asks for

static int draw_asked(struct drawer *w, struct cb_str text, struct cb_error *err)
{
    struct cb_str name;
    if (!text.n)
        return cb_fail(err, CB_E_CONFIG, "a package without a name cannot be drawn");
    if (cb_str_is(text, w->d->config_path))
        return cb_fail(err, CB_E_CONFLICT, "the package %s has the name of the configuration's file",
                       w->d->config_path);
    struct cb_graph_item *node = cb_graph_node(w->g, text);
    add_edge(w, w->root, node, "required");
    if (cut_version(text, &name)) {
        if (!name.n)
            return cb_fail(err, CB_E_CONFIG, "\"%.*s\" names no package", CB_STR_ARG(text));
        bool exact = text.p[name.n] == '=';
        add_edge(w, node, cb_graph_node(w->g, name), exact ? "exact version" : "compatible version");
        link_node(w, node, name, true);
    }
    remember(&w->depended, name);
    return 0;
}

// --- Dependencies

static struct cb_graph_item *package_node(struct drawer *w, const struct cb_repo_package *p)
{
    struct cb_graph_item *node = cb_graph_node(w->g, p->pkg->name);
    struct cb_str label =
        cb_arena_format(&w->arena, "%.*s-%.*s", CB_STR_ARG(p->pkg->name), CB_STR_ARG(p->pkg->version));
    cb_graph_set(w->g, node, "label", label);
    return node;
}

static void draw_dependency(struct drawer *w, const struct cb_repo_package *p, const struct cb_graph_item *node,
                            struct cb_str text)
{
    struct cb_str name;
    cut_version(text, &name);
    struct cb_graph_item *to = cb_graph_node(w->g, name);
    if (cb_str_find(name, ':') < 0)
        link_node(w, to, name, true);
    bool spare = w->d->spanning_tree && cb_map_find(&w->reached, name);
    if (!spare && !cb_str_eq(p->pkg->name, name)) {
        add_edge(w, node, to, "dependency");
        remember(&w->reached, name);
    }
    remember(&w->depended, name);
}

static void draw_dependencies(struct drawer *w, const struct cb_repo_package *p)
{
    struct cb_graph_item *node = package_node(w, p);
    cb_graph_set(w->g, node, "tooltip", p->pkg->description);
    link_node(w, node, p->pkg->name, false);
    for (size_t i = 0; i < p->pkg->depends.n; i++)
        draw_dependency(w, p, node, p->pkg->depends.v[i]);
}

// --- What packages provide that something depends on

static void draw_provided(struct drawer *w, const struct cb_repo_package *p, const struct cb_graph_item *node,
                          struct cb_str text)
{
    struct cb_str name;
    if (cb_map_find(&w->depended, text)) {
        struct cb_graph_item *from = cb_graph_node(w->g, text);
        if (w->d->spanning_tree && cb_map_find(&w->reached, p->pkg->name))
            return;
        add_edge(w, from, node, "provides");
        remember(&w->reached, p->pkg->name);
    } else if (cut_version(text, &name) && cb_map_find(&w->depended, name)) {
        struct cb_graph_item *from = cb_graph_node(w->g, name);
        cb_graph_set(w->g, from, "shape", CB_STR("rect"));
        add_edge(w, from, node, "provides");
    }
}

static void draw_provides(struct drawer *w, const struct cb_repo_package *p)
{
    struct cb_graph_item *node = package_node(w, p);
    if (p->pkg->description.n)
        cb_graph_set(w->g, node, "tooltip", p->pkg->description);
    for (size_t i = 0; i < p->pkg->provides.n; i++)
        draw_provided(w, p, node, p->pkg->provides.v[i]);
}

// --- All of it

typedef void draw_fn(struct drawer *w, const struct cb_repo_package *p);

static int draw_packages(struct drawer *w, draw_fn *draw, struct cb_error *err)
{
    const struct cb_strs none = {0}, *first = w->d->first ? w->d->first : &none;
    for (size_t i = 0; i < first->n; i++) {
        const struct cb_repo_package *p = cb_map_get(&w->packages, first->v[i]);
        if (!p)
            return cb_fail(err, CB_E_NOT_FOUND, "there is no package \"%.*s\"", CB_STR_ARG(first->v[i]));
        draw(w, p);
    }
    for (size_t i = 0; i < w->d->packages->packages.n; i++) {
        const struct cb_repo_package *p = &w->d->packages->packages.v[i];
        if (!cb_strs_has(first, p->pkg->name))
            draw(w, p);
    }
    return 0;
}

static int draw(struct drawer *w, struct cb_error *err)
{
    const struct cb_drawing *d = w->d;
    cb_graph_set_attribute(w->g, "rankdir", "LR");
    w->root = cb_graph_node(w->g, cb_str(d->config_path));
    for (size_t i = 0; i < d->packages->packages.n; i++) {
        const struct cb_repo_package *p = &d->packages->packages.v[i];
        cb_map_put(&w->packages, p->pkg->name, (void *)(uintptr_t)p, NULL);
    }
    for (size_t i = 0; i < d->asked->n; i++)
        if (draw_asked(w, d->asked->v[i], err))
            return -1;
    if (draw_packages(w, draw_dependencies, err) || draw_packages(w, draw_provides, err))
        return -1;
    return 0;
}

int cb_dependency_graph_draw(const struct cb_drawing *d, struct cb_buf *out, struct cb_error *err)
{
    struct drawer w = {.d = d, .g = cb_graph_new("images", d->links)};
    int failed = draw(&w, err);
    if (!failed)
        cb_graph_write(w.g, out);
    cb_map_release(&w.packages);
    cb_map_release(&w.depended);
    cb_map_release(&w.reached);
    cb_arena_release(&w.arena);
    cb_graph_free(w.g);
    return failed;
}
