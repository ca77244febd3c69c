#include "columns.h"

#include <stdio.h>

#include "cbuild/base/vec.h"
#include "cbuild/text/utf8.h"

enum { PADDING = 2 };

struct line {
    struct cb_str text;
    size_t first, cells; // its widths
};

struct columns {
    struct {
        struct line *v;
        size_t n, cap;
    } lines;
    struct {
        size_t *v;
        size_t n, cap;
    } widths; // of all lines' cells
};

static size_t count_runes(struct cb_str s)
{
    size_t count = 0, n;
    for (; s.n; s = cb_str_skip(s, n), count++)
        cb_utf8_decode(s, &n);
    return count;
}

static void measure(struct columns *c, struct cb_str text)
{
    struct cb_str line, rest, cell;
    while (cb_str_cut(&text, '\n', &line) && text.p) {
        struct line *l = cb_vec_add(&c->lines);
        *l = (struct line){.text = line, .first = c->widths.n};
        for (rest = line; cb_str_cut(&rest, '\t', &cell) && rest.p; l->cells++)
            *cb_vec_add(&c->widths) = count_runes(cell) + PADDING;
    }
}

// Gives the cells of a column in lines v[0] to v[n - 1] (numbers of lines) the greatest of their widths.
static void widen(struct columns *c, const size_t *v, size_t n, size_t column)
{
    size_t width = 0;
    for (size_t i = 0; i < n; i++) {
        size_t own = c->widths.v[c->lines.v[v[i]].first + column];
        width = own > width ? own : width;
    }
    for (size_t i = 0; i < n; i++)
        c->widths.v[c->lines.v[v[i]].first + column] = width;
}

// Column by column, over the lines that have it: so the work is that of the number of cells.
static void align(struct columns *c)
{
    CB_AUTOFREE size_t *v = cb_realloc_array(NULL, c->lines.n + 1, sizeof *v);
    size_t n = 0;
    for (size_t i = 0; i < c->lines.n; i++)
        v[n++] = i;
    for (size_t column = 0; n > 0; column++) {
        size_t kept = 0;
        for (size_t i = 0; i < n; i++)
            if (c->lines.v[v[i]].cells > column)
                v[kept++] = v[i];
        n = kept;
        for (size_t from = 0, to; from < n; from = to) {
            for (to = from + 1; to < n && v[to] == v[to - 1] + 1;)
                to++;
            widen(c, v + from, to - from, column);
        }
    }
}

static void print_line(const struct columns *c, const struct line *l)
{
    struct cb_str rest = l->text, cell;
    for (size_t i = 0; i < l->cells; i++) {
        cb_str_cut(&rest, '\t', &cell);
        fwrite(cell.p, 1, cell.n, stdout);
        for (size_t width = count_runes(cell); width < c->widths.v[l->first + i]; width++)
            putchar(' ');
    }
    fwrite(rest.p, 1, rest.n, stdout);
    putchar('\n');
}

void cb_print_columns(struct cb_str text)
{
    struct columns c = {0};
    measure(&c, text);
    align(&c);
    for (size_t i = 0; i < c.lines.n && !ferror(stdout); i++)
        print_line(&c, &c.lines.v[i]);
    cb_vec_release(&c.lines);
    cb_vec_release(&c.widths);
}
