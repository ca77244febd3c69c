// A report as text and as Markdown.
#include "report.h"

static const char *or_none(struct cb_str s, const char *none, struct cb_buf *scratch)
{
    cb_buf_reset(scratch);
    if (s.n)
        cb_buf_addstr(scratch, s);
    else
        cb_buf_adds(scratch, none);
    return scratch->p;
}

static void add_package_line(const struct package_change *c, struct cb_buf *out)
{
    CB_BUF_AUTO left = {0};
    CB_BUF_AUTO right = {0};
    cb_buf_addf(out, "  %.*s: A %s, B %s", CB_STR_ARG(c->name), or_none(c->versions[0], "(absent)", &left),
                or_none(c->versions[1], "(absent)", &right));
    cb_buf_addf(out, "; files A %llu, B %llu; bytes A %llu, B %llu", (unsigned long long)c->files[0],
                (unsigned long long)c->files[1], (unsigned long long)c->bytes[0], (unsigned long long)c->bytes[1]);
    if (c->changed_files && c->versions[0].n && c->versions[1].n)
        cb_buf_addf(out, "; %llu of its files differ (%llu bytes)", (unsigned long long)c->changed_files,
                    (unsigned long long)c->changed_bytes);
    if (c->cause.n)
        cb_buf_addf(out, " [%.*s]", CB_STR_ARG(c->cause));
    cb_buf_addc(out, '\n');
}

static void add_packages(const struct report *r, struct cb_buf *out)
{
    struct cb_str image = {NULL, 0};
    for (size_t i = 0; i < r->packages.n; i++) {
        const struct package_change *c = &r->packages.v[i];
        if (!image.p || !cb_str_eq(image, c->image))
            cb_buf_addf(out, "packages of %.*s\n", CB_STR_ARG(c->image));
        image = c->image;
        add_package_line(c, out);
    }
}

static void add_node(const struct node *n, size_t depth, struct cb_buf *out)
{
    if (node_is_empty(n))
        return;
    cb_buf_addf(out, "%*s%.*s", (int)(2 * depth), "", CB_STR_ARG(n->text));
    if (n->cause.n && n->package.n)
        cb_buf_addf(out, " [%.*s; package %.*s]", CB_STR_ARG(n->cause), CB_STR_ARG(n->package));
    else if (n->cause.n)
        cb_buf_addf(out, " [%.*s]", CB_STR_ARG(n->cause));
    else if (n->package.n)
        cb_buf_addf(out, " [package %.*s]", CB_STR_ARG(n->package));
    cb_buf_addc(out, '\n');
    for (const struct node *c = n->first; c; c = c->next)
        add_node(c, depth + 1, out);
}

static void render_text(const struct report *r, struct cb_buf *out)
{
    if (!r->differs)
        return;
    add_packages(r, out);
    for (const struct node *n = r->root.first; n; n = n->next)
        add_node(n, 0, out);
}

// ---- Markdown -----------------------------------------------------------------------------------------------------

static void add_markdown(struct cb_buf *out, struct cb_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (strchr("\\`*_{}[]<>()#+-.!|~", s.p[i]) && s.p[i])
            cb_buf_addc(out, '\\');
        cb_buf_addc(out, s.p[i] == '\n' ? ' ' : s.p[i]);
    }
}

static void add_markdown_node(const struct node *n, size_t depth, struct cb_buf *out)
{
    if (node_is_empty(n))
        return;
    cb_buf_addf(out, "%*s- %s", (int)(2 * depth), "", n->kind == NODE_HEADING ? "**" : "");
    add_markdown(out, n->text);
    if (n->kind == NODE_HEADING)
        cb_buf_adds(out, "**");
    if (n->cause.n) {
        cb_buf_adds(out, " — *");
        add_markdown(out, n->cause);
        cb_buf_addc(out, '*');
    }
    if (n->package.n) {
        cb_buf_adds(out, " (package ");
        add_markdown(out, n->package);
        cb_buf_addc(out, ')');
    }
    cb_buf_addc(out, '\n');
    for (const struct node *c = n->first; c; c = c->next)
        add_markdown_node(c, depth + 1, out);
}

static void add_markdown_packages(const struct report *r, struct cb_buf *out)
{
    if (!r->packages.n)
        return;
    cb_buf_adds(out, "\n## Packages\n\n| image | package | A | B | files A | files B | bytes A | bytes B | cause |\n"
                     "|---|---|---|---|---:|---:|---:|---:|---|\n");
    for (size_t i = 0; i < r->packages.n; i++) {
        const struct package_change *c = &r->packages.v[i];
        const struct cb_str cells[] = {c->image, c->name, c->versions[0], c->versions[1]};
        for (size_t k = 0; k < 4; k++) {
            cb_buf_adds(out, "| ");
            add_markdown(out, cells[k]);
            cb_buf_addc(out, ' ');
        }
        cb_buf_addf(out, "| %llu | %llu | %llu | %llu | ", (unsigned long long)c->files[0],
                    (unsigned long long)c->files[1], (unsigned long long)c->bytes[0], (unsigned long long)c->bytes[1]);
        add_markdown(out, c->cause);
        cb_buf_adds(out, " |\n");
    }
}

static void render_markdown(const struct report *r, struct cb_buf *out)
{
    cb_buf_adds(out, r->differs ? "# The images differ\n\n" : "# The images are the same\n\n");
    for (int i = 0; i < 2; i++) {
        cb_buf_addf(out, "- %c: ", 'A' + i);
        add_markdown(out, cb_str(r->names[i]));
        cb_buf_addc(out, '\n');
    }
    if (!r->differs)
        return;
    add_markdown_packages(r, out);
    cb_buf_adds(out, "\n## Differences\n\n");
    for (const struct node *n = r->root.first; n; n = n->next)
        add_markdown_node(n, 0, out);
}

void report_render(const struct report *r, enum cb_diff_format format, struct cb_buf *out)
{
    switch (format) {
    case CB_DIFF_TEXT:
        render_text(r, out);
        break;
    case CB_DIFF_JSON:
        report_render_json(r, out);
        break;
    case CB_DIFF_MARKDOWN:
        render_markdown(r, out);
        break;
    case CB_DIFF_HTML:
        report_render_html(r, out);
        break;
    }
}
