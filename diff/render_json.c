// A report as JSON: the packages, then every difference with the headings above it.
#include "cbuild/text/gojson.h"
#include "report.h"

static void add_side(struct cb_json *j, const char *key, const struct package_change *c, int side)
{
    if (!c->versions[side].n)
        return;
    cb_json_key(j, key);
    cb_json_object(j);
    cb_json_field(j, "version", c->versions[side]);
    cb_json_key(j, "files");
    cb_json_uint(j, c->files[side]);
    cb_json_key(j, "bytes");
    cb_json_uint(j, c->bytes[side]);
    cb_json_end(j);
}

static void add_package(struct cb_json *j, const struct package_change *c)
{
    cb_json_object(j);
    cb_json_field(j, "image", c->image);
    cb_json_field(j, "name", c->name);
    add_side(j, "a", c, 0);
    add_side(j, "b", c, 1);
    cb_json_key(j, "changedFiles");
    cb_json_uint(j, c->changed_files);
    cb_json_key(j, "changedBytes");
    cb_json_uint(j, c->changed_bytes);
    cb_json_field(j, "cause", c->cause);
    cb_json_end(j);
}

static void add_node(struct cb_json *j, const struct node *n, const struct node **above, size_t depth)
{
    if (n->kind == NODE_HEADING) {
        above[depth] = n;
        for (const struct node *c = n->first; c; c = c->next)
            add_node(j, c, above, depth + 1);
        return;
    }
    cb_json_object(j);
    cb_json_key(j, "where");
    cb_json_array(j);
    for (size_t i = 0; i < depth; i++)
        cb_json_str(j, above[i]->text);
    cb_json_end(j);
    cb_json_field(j, n->kind == NODE_NOTE ? "note" : "text", n->text);
    cb_json_field(j, "path", n->path);
    cb_json_field(j, "package", n->package);
    cb_json_field(j, "cause", n->cause);
    cb_json_end(j);
}

void report_render_json(const struct report *r, struct cb_buf *out)
{
    struct cb_json j = cb_json(out, "", "  ");
    const struct node *above[REPORT_DEPTH];
    j.plain_html = true;
    cb_json_object(&j);
    cb_json_key(&j, "a");
    cb_json_cstr(&j, r->names[0]);
    cb_json_key(&j, "b");
    cb_json_cstr(&j, r->names[1]);
    cb_json_key(&j, "same");
    cb_json_bool(&j, !r->differs);
    cb_json_key(&j, "packages");
    cb_json_array(&j);
    for (size_t i = 0; r->differs && i < r->packages.n; i++)
        add_package(&j, &r->packages.v[i]);
    cb_json_end(&j);
    cb_json_key(&j, "differences");
    cb_json_array(&j);
    for (const struct node *n = r->root.first; r->differs && n; n = n->next)
        add_node(&j, n, above, 0);
    cb_json_end(&j);
    cb_json_end(&j);
    cb_buf_addc(out, '\n');
}
