// A report as one HTML file that needs nothing else: no script, no font, no picture from elsewhere.
#include "report.h"

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
    "<title>cbuild diff</title>\n<style>\n"
    ":root { color-scheme: light dark; --line: #8884; --soft: #8881; --cause: #0a6; --a: #c33; --b: #37c; }\n"
    "body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; }\n"
    "h1 { font-size: 1.5rem; margin-bottom: .3rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }\n"
    "code, .line, td.v { font-family: ui-monospace, Consolas, monospace; font-size: .87rem; }\n"
    "dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem .8rem; }\n"
    "dt { font-weight: 600; } dd { margin: 0; overflow-wrap: anywhere; }\n"
    "table { border-collapse: collapse; width: 100%; } th { text-align: left; }\n"
    "th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }\n"
    "td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }\n"
    "td.a { color: var(--a); } td.b { color: var(--b); }\n"
    "details { border-left: 2px solid var(--line); padding-left: .8rem; margin: .3rem 0 .3rem .2rem; }\n"
    "summary { cursor: pointer; font-weight: 600; padding: .1rem 0; }\n"
    ".line { padding: .15rem .4rem; overflow-wrap: anywhere; } .line:nth-child(odd) { background: var(--soft); }\n"
    ".note { opacity: .7; }\n"
    ".tag { display: inline-block; font: .78rem/1.4 system-ui, sans-serif; border: 1px solid currentColor; "
    "border-radius: .7rem; padding: 0 .5rem; margin-left: .5rem; color: var(--cause); }\n"
    ".pkg { color: var(--b); }\n"
    "</style>\n</head>\n<body>\n";

static void add_escaped(struct cb_buf *out, struct cb_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        switch (s.p[i]) {
        case '<':
            cb_buf_adds(out, "&lt;");
            break;
        case '>':
            cb_buf_adds(out, "&gt;");
            break;
        case '&':
            cb_buf_adds(out, "&amp;");
            break;
        case '"':
            cb_buf_adds(out, "&quot;");
            break;
        default:
            cb_buf_addc(out, s.p[i] < ' ' && s.p[i] >= 0 && s.p[i] != '\n' ? '?' : s.p[i]);
        }
    }
}

static size_t count(const struct node *n)
{
    size_t total = n->kind == NODE_DIFFERENCE;
    for (const struct node *c = n->first; c; c = c->next)
        total += count(c);
    return total;
}

static void add_tag(struct cb_buf *out, const char *class, struct cb_str text)
{
    if (!text.n)
        return;
    cb_buf_addf(out, "<span class=\"tag %s\">", class);
    add_escaped(out, text);
    cb_buf_adds(out, "</span>");
}

static void add_node(struct cb_buf *out, const struct node *n, size_t depth)
{
    if (node_is_empty(n))
        return;
    if (n->kind == NODE_HEADING) {
        size_t differences = count(n);
        cb_buf_addf(out, "<details%s><summary>", depth < 2 || differences <= 40 ? " open" : "");
        add_escaped(out, n->text);
        cb_buf_addf(out, " <small>(%zu)</small></summary>\n", differences);
        for (const struct node *c = n->first; c; c = c->next)
            add_node(out, c, depth + 1);
        cb_buf_adds(out, "</details>\n");
        return;
    }
    cb_buf_addf(out, "<div class=\"line%s\">", n->kind == NODE_NOTE ? " note" : "");
    add_escaped(out, n->text);
    add_tag(out, "", n->cause);
    add_tag(out, "pkg", n->package);
    cb_buf_adds(out, "</div>\n");
}

static void add_cell(struct cb_buf *out, const char *class, struct cb_str text)
{
    cb_buf_addf(out, "<td class=\"%s\">", class);
    add_escaped(out, text);
    cb_buf_adds(out, "</td>");
}

static void add_packages(struct cb_buf *out, const struct report *r)
{
    if (!r->packages.n)
        return;
    cb_buf_adds(out, "<h2>Packages</h2>\n<table>\n<tr><th>image</th><th>package</th><th>A</th><th>B</th>"
                     "<th class=\"n\">files</th><th class=\"n\">bytes</th><th>cause</th></tr>\n");
    for (size_t i = 0; i < r->packages.n; i++) {
        const struct package_change *c = &r->packages.v[i];
        cb_buf_adds(out, "<tr>");
        add_cell(out, "v", c->image);
        add_cell(out, "v", c->name);
        add_cell(out, "v a", c->versions[0].n ? c->versions[0] : CB_STR("–"));
        add_cell(out, "v b", c->versions[1].n ? c->versions[1] : CB_STR("–"));
        cb_buf_addf(out, "<td class=\"n\">%llu → %llu</td><td class=\"n\">%llu → %llu</td>",
                    (unsigned long long)c->files[0], (unsigned long long)c->files[1], (unsigned long long)c->bytes[0],
                    (unsigned long long)c->bytes[1]);
        add_cell(out, "", c->cause);
        cb_buf_adds(out, "</tr>\n");
    }
    cb_buf_adds(out, "</table>\n");
}

void report_render_html(const struct report *r, struct cb_buf *out)
{
    cb_buf_adds(out, head);
    cb_buf_addf(out, "<h1>%s</h1>\n<dl>", r->differs ? "The images differ" : "The images are the same");
    for (int i = 0; i < 2; i++) {
        cb_buf_addf(out, "<dt>%c</dt><dd><code>", 'A' + i);
        add_escaped(out, cb_str(r->names[i]));
        cb_buf_adds(out, "</code></dd>");
    }
    cb_buf_adds(out, "</dl>\n");
    if (r->differs) {
        add_packages(out, r);
        cb_buf_adds(out, "<h2>Differences</h2>\n");
        for (const struct node *n = r->root.first; n; n = n->next)
            add_node(out, n, 0);
    }
    cb_buf_adds(out, "</body>\n</html>\n");
}
