#include "cbuild/diff/diff.h"

#include "cbuild/base/alloc.h"
#include "cbuild/base/file.h"
#include "json_diff.h"
#include "layer_diff.h"

#define LIMIT_DEFAULT 20u

#define NONE SIZE_MAX

// Which layer of b stands for each of a's: one with the same diff ID wherever it is, then those that are left, in
// order.
static size_t *pair_layers(const struct side_image *a, const struct side_image *b, bool *taken)
{
    size_t *b_of = cb_realloc_array(NULL, a->nlayers + 1, sizeof *b_of);
    size_t k, free_at = 0;

    for (size_t i = 0; i < a->nlayers; i++) {
        for (k = 0; k < b->nlayers; k++)
            if (!taken[k] && cb_digest_eq(&a->layers[i].diff_id, &b->layers[k].diff_id))
                break;
        b_of[i] = k < b->nlayers ? k : NONE;
        if (k < b->nlayers)
            taken[k] = true;
    }
    for (size_t i = 0; i < a->nlayers; i++) {
        while (free_at < b->nlayers && taken[free_at])
            free_at++;
        if (b_of[i] != NONE || free_at == b->nlayers)
            continue;
        b_of[i] = free_at;
        taken[free_at] = true;
    }
    return b_of;
}

static void say_only(struct report *r, char side, size_t i, const struct side_layer *l)
{
    report_line(r, "layer %zu: only in %c (diff ID %s, %llu bytes stored)", i, side, l->diff_id.text,
                (unsigned long long)l->size)
        ->cause = CB_STR("another number of layers");
}

static int diff_pair(struct comparison *c, const struct side_image *a, size_t i, const struct side_image *b, size_t k,
                     struct cb_error *err)
{
    struct report *r = c->report;
    if (i != k)
        report_line(r, "layer %zu of A is compared to layer %zu of B", i, k)->cause = CB_STR("another order of layers");
    report_push(r, "layer %zu", i);
    if (c->keep) {
        keep_close(c->keep);
        c->keep->below = cb_format("%.*s/layer-%zu", CB_STR_ARG(a->label), i);
        for (char *p = c->keep->below; p < c->keep->below + a->label.n; p++)
            *p = *p == '/' || *p == '.' ? '-' : *p;
    }
    if (layer_diff(c, &a->layers[i], &b->layers[k], err) < 0)
        return cb_context(err, "layer %zu", i);
    report_pop(r);
    return 0;
}

static int diff_layers(struct comparison *c, const struct side_image *a, const struct side_image *b,
                       struct cb_error *err)
{
    CB_AUTOFREE bool *taken = cb_zalloc(b->nlayers + 1);
    CB_AUTOFREE size_t *b_of = pair_layers(a, b, taken);

    for (size_t i = 0; i < a->nlayers; i++) {
        if (b_of[i] == NONE)
            say_only(c->report, 'A', i, &a->layers[i]);
        else if (diff_pair(c, a, i, b, b_of[i], err) < 0)
            return -1;
    }
    for (size_t k = 0; k < b->nlayers; k++)
        if (!taken[k])
            say_only(c->report, 'B', k, &b->layers[k]);
    return 0;
}

static bool have_same_layers(const struct side_image *a, const struct side_image *b)
{
    for (size_t i = 0; i < a->nlayers && i < b->nlayers; i++)
        if (!cb_digest_eq(&a->layers[i].diff_id, &b->layers[i].diff_id))
            return false;
    return a->nlayers == b->nlayers;
}

static int diff_contents(struct comparison *c, const struct side_image *a, const struct side_image *b,
                         struct cb_error *err)
{
    struct cb_image_source *const sources[2] = {c->sides[0]->source, c->sides[1]->source};
    if (!have_same_layers(a, b)) {
        if (packages_read(&c->packages, c->report, a, b, sources, err) < 0)
            return -1;
    } else {
        c->packages = (struct packages){.report = c->report, .first = c->report->packages.n};
    }
    return diff_layers(c, a, b, err);
}

static int diff_image(struct comparison *c, const struct side_image *a, const struct side_image *b,
                      struct cb_error *err)
{
    struct report *r = c->report;
    report_push(r, "image %.*s", CB_STR_ARG(a->label));
    if (a->manifest.n > 0 && b->manifest.n > 0 && json_diff(r, "manifest", a->manifest, b->manifest, err) < 0)
        return -1;
    if (json_diff(r, "config", a->config, b->config, err) < 0)
        return -1;
    int result = diff_contents(c, a, b, err);
    packages_release(&c->packages);
    if (result < 0)
        return cb_context(err, "image %.*s", CB_STR_ARG(a->label));
    report_pop(r);
    return 0;
}

// The image of b with the label of a's image i, and as many of that label before it as there are in a.
static const struct side_image *partner(const struct side *a, size_t i, const struct side *b)
{
    size_t skip = 0;

    for (size_t k = 0; k < i; k++)
        skip += cb_str_eq(a->images.v[k].label, a->images.v[i].label);
    for (size_t k = 0; k < b->images.n; k++)
        if (cb_str_eq(b->images.v[k].label, a->images.v[i].label) && skip-- == 0)
            return &b->images.v[k];
    return NULL;
}

static bool is_asked_for(const struct cb_diff_options *o, const struct side_image *img)
{
    for (size_t i = 0; o->archs && i < o->archs->n; i++) {
        struct cb_platform want = cb_platform_of_arch(o->archs->v[i]);
        if (cb_str_eq(want.architecture, img->from->file.architecture) &&
            (!want.variant.n || cb_str_eq(want.variant, img->from->file.variant)))
            return true;
    }
    return !o->archs || !o->archs->n;
}

static int diff_sides(struct comparison *c, struct cb_error *err)
{
    const struct side *a = c->sides[0], *b = c->sides[1];
    struct report *r = c->report;
    bool all = !c->options->archs || !c->options->archs->n;

    if (all && a->index.n > 0 && b->index.n > 0 && json_diff(r, "index", a->index, b->index, err) < 0)
        return -1;
    for (size_t i = 0; i < a->images.n; i++) {
        const struct side_image *other = partner(a, i, b);
        if (!is_asked_for(c->options, &a->images.v[i]))
            continue;
        if (!other)
            report_line(r, "image %.*s: only in A", CB_STR_ARG(a->images.v[i].label));
        else if (diff_image(c, &a->images.v[i], other, err) < 0)
            return -1;
    }
    for (size_t i = 0; i < b->images.n; i++)
        if (is_asked_for(c->options, &b->images.v[i]) && !partner(b, i, a))
            report_line(r, "image %.*s: only in B", CB_STR_ARG(b->images.v[i].label));
    return 0;
}

static int write_report(const struct report *r, const char *folder, struct cb_error *err)
{
    static const char *const names[] = {"report.txt", "report.json", "report.md", "report.html"};
    for (int format = CB_DIFF_TEXT; format <= CB_DIFF_HTML; format++) {
        CB_BUF_AUTO text = {0};
        CB_AUTOFREE char *path = cb_path_join(folder, names[format]);
        report_render(r, (enum cb_diff_format)format, &text);
        if (cb_write_file(path, cb_buf_str(&text), 0644, err))
            return -1;
    }
    return 0;
}

static int compare(struct comparison *c, struct cb_sink *out, struct cb_error *err)
{
    CB_BUF_AUTO text = {0};
    struct keep keep = {0};
    const char *folder = c->options->report_dir;
    if (folder && keep_open(&keep, folder, err))
        return cb_context(err, "report folder");
    c->keep = folder ? &keep : NULL;
    int result = diff_sides(c, err);
    keep_close(&keep);
    if (result < 0)
        return -1;
    if (keep.full)
        report_note(c->report, "%s does not have every file that differs: there are too many", folder);
    if (folder && write_report(c->report, folder, err))
        return -1;
    report_render(c->report, c->options->format, &text);
    return cb_write(out, text.p, text.n, err) ? -1 : c->report->differs;
}

int cb_diff_sources(struct cb_image_source *a, struct cb_image_source *b, const struct cb_diff_options *options,
                    struct cb_sink *out, struct cb_error *err)
{
    static const struct cb_diff_options defaults = {0};
    struct side left = {0}, right = {0};
    struct report r;
    struct comparison c = {.report = &r,
                           .options = options ? options : &defaults,
                           .limit = options && options->limit ? options->limit : LIMIT_DEFAULT,
                           .sides = {&left, &right}};
    report_begin(&r, c.options);
    r.names[0] = a->name;
    r.names[1] = b->name;
    int result = side_open(&left, a, err) || side_open(&right, b, err) ? -1 : compare(&c, out, err);
    side_close(&left);
    side_close(&right);
    report_release(&r);
    return result;
}

int cb_diff_images(const char *a, const char *b, const struct cb_image_access *access,
                   const struct cb_diff_options *options, struct cb_sink *out, struct cb_error *err)
{
    CB_IMAGE_SOURCE_AUTO left = {0};
    CB_IMAGE_SOURCE_AUTO right = {0};
    if (cb_image_source_open(&left, a, access, err) || cb_image_source_open(&right, b, access, err))
        return -1;
    return cb_diff_sources(&left, &right, options, out, err);
}
