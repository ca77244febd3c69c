#include "cbuild/text/graph.h"

#include <ctype.h>
#include <stdlib.h>

#include "cbuild/base/arena.h"
#include "cbuild/base/map.h"
#include "cbuild/base/vec.h"

struct attribute {
    const char *key; // a constant
    struct cb_str value;
    struct attribute *next; // in byte order of the keys
};

struct cb_graph_item {
    struct cb_str name;               // of a node
    const struct cb_graph_item *from; // of an edge
    const struct cb_graph_item *to;
    struct attribute *attributes;
};

struct cb_graph {
    struct cb_arena arena;
    const char *name;
    bool safe;
    struct attribute *attributes;
    struct cb_map nodes;
    struct {
        struct cb_graph_item **v;
        size_t n, cap;
    } items; // in order
};

struct cb_graph *cb_graph_new(const char *name, bool safe)
{
    struct cb_graph *g = cb_zalloc(sizeof *g);
    g->name = name;
    g->safe = safe;
    return g;
}

void cb_graph_free(struct cb_graph *g)
{
    if (!g)
        return;
    cb_map_release(&g->nodes);
    cb_vec_release(&g->items);
    cb_arena_release(&g->arena);
    free(g);
}

static void set(struct cb_graph *g, struct attribute **at, const char *key, struct cb_str value)
{
    while (*at && strcmp((*at)->key, key) < 0)
        at = &(*at)->next;
    if (!*at || strcmp((*at)->key, key)) {
        struct attribute *a = cb_arena_alloc(&g->arena, sizeof *a);
        *a = (struct attribute){.key = key, .next = *at};
        *at = a;
    }
    (*at)->value = cb_arena_str(&g->arena, value);
}

void cb_graph_set_attribute(struct cb_graph *g, const char *key, const char *value)
{
    set(g, &g->attributes, key, cb_str(value));
}

void cb_graph_set(struct cb_graph *g, struct cb_graph_item *item, const char *key, struct cb_str value)
{
    set(g, &item->attributes, key, value);
}

static struct cb_graph_item *add_item(struct cb_graph *g)
{
    struct cb_graph_item *item = cb_arena_alloc(&g->arena, sizeof *item);
    *cb_vec_add(&g->items) = item;
    return item;
}

struct cb_graph_item *cb_graph_find(const struct cb_graph *g, struct cb_str name)
{
    return cb_map_get(&g->nodes, name);
}

struct cb_graph_item *cb_graph_node(struct cb_graph *g, struct cb_str name)
{
    struct cb_graph_item *node = cb_graph_find(g, name);
    if (node)
        return node;
    node = add_item(g);
    node->name = cb_arena_str(&g->arena, name);
    cb_map_put(&g->nodes, node->name, node, NULL);
    return node;
}

struct cb_graph_item *cb_graph_edge(struct cb_graph *g, const struct cb_graph_item *from,
                                    const struct cb_graph_item *to)
{
    struct cb_graph_item *edge = add_item(g);
    edge->from = from;
    edge->to = to;
    return edge;
}

struct cb_str cb_graph_name(const struct cb_graph_item *node)
{
    return node->name;
}

// --- Writing

static bool is_letter(char c)
{
    return isalpha((unsigned char)c) || c == '_';
}

// What the reference leaves without quotes: keywords (an oddity), texts in quotes already, and identifiers, in which it
// allows commas, colons and quotes.
static bool is_plain(struct cb_str s)
{
    static const char *const keywords[] = {"graph", "digraph", "subgraph", "node", "edge", "strict"};
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        if (cb_str_is(s, keywords[i]))
            return true;
    if (s.n > 2 && s.p[0] == '"' && s.p[s.n - 1] == '"' && cb_str_find(s, '\n') < 0)
        return true;
    if (!s.n || !is_letter(s.p[0]) || s.p[s.n - 1] == ':')
        return false;
    for (size_t i = 1; i < s.n; i++)
        if (!is_letter(s.p[i]) && !isdigit((unsigned char)s.p[i]) && !strchr(",:\"", s.p[i] ? s.p[i] : ' '))
            return false;
    return true;
}

static void add_text(const struct cb_graph *g, struct cb_buf *out, struct cb_str s)
{
    if (is_plain(s) && !(g->safe && cb_str_find(s, '"') >= 0)) {
        cb_buf_addstr(out, s);
        return;
    }
    cb_buf_addc(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            cb_buf_adds(out, "\\\"");
        else if (s.p[i] == '\n')
            cb_buf_adds(out, "\\n");
        else if (s.p[i] == '\r')
            cb_buf_adds(out, "\\r");
        else if (s.p[i] == '\\' && g->safe)
            cb_buf_adds(out, "\\\\");
        else
            cb_buf_addc(out, s.p[i]);
    }
    cb_buf_addc(out, '"');
}

static bool is_markup(const struct attribute *a)
{
    return !strcmp(a->key, "label") && a->value.n > 4 && a->value.p[0] == '<' && a->value.p[a->value.n - 1] == '>';
}

static void add_attributes(const struct cb_graph *g, struct cb_buf *out, const struct cb_graph_item *item)
{
    for (const struct attribute *a = item->attributes; a; a = a->next) {
        cb_buf_addf(out, "%s%s=", a == item->attributes ? "" : ", ", a->key);
        if (!item->from && is_markup(a) && !g->safe)
            cb_buf_addstr(out, a->value);
        else
            add_text(g, out, a->value);
    }
}

static void add_node(const struct cb_graph *g, struct cb_buf *out, const struct cb_graph_item *node)
{
    add_text(g, out, node->name);
    if (node->attributes) {
        cb_buf_adds(out, " [");
        add_attributes(g, out, node);
        cb_buf_addc(out, ']');
    }
    cb_buf_adds(out, ";\n");
}

static void add_edge(const struct cb_graph *g, struct cb_buf *out, const struct cb_graph_item *edge)
{
    add_text(g, out, edge->from->name);
    cb_buf_adds(out, " -> ");
    add_text(g, out, edge->to->name);
    if (edge->attributes) {
        cb_buf_adds(out, " [ ");
        add_attributes(g, out, edge);
        cb_buf_adds(out, " ]");
    }
    cb_buf_addc(out, '\n');
}

void cb_graph_write(const struct cb_graph *g, struct cb_buf *out)
{
    cb_buf_addf(out, "digraph %s {\n", g->name);
    if (g->attributes)
        cb_buf_adds(out, "graph [\n");
    for (const struct attribute *a = g->attributes; a; a = a->next) {
        cb_buf_addf(out, "  %s=", a->key);
        add_text(g, out, a->value);
        cb_buf_adds(out, ";\n");
    }
    if (g->attributes)
        cb_buf_adds(out, "];\n");
    for (size_t i = 0; i < g->items.n; i++)
        (g->items.v[i]->from ? add_edge : add_node)(g, out, g->items.v[i]);
    cb_buf_adds(out, "}\n");
}
