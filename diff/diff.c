#include "cbuild/diff/diff.h"

#include "cbuild/base/alloc.h"
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
                (unsigned long long)l->size);
}

static int diff_pair(struct report *r, const struct side_image *a, size_t i, const struct side_image *b, size_t k,
                     unsigned limit, struct cb_error *err)
{
    if (i != k)
        report_line(r, "layer %zu of A is compared to layer %zu of B", i, k);
    report_push(r, "layer %zu", i);
    if (layer_diff(r, &a->layers[i], &b->layers[k], limit, err) < 0)
        return cb_context(err, "layer %zu", i);
    report_pop(r);
    return 0;
}

static int diff_layers(struct report *r, const struct side_image *a, const struct side_image *b, unsigned limit,
                       struct cb_error *err)
{
    CB_AUTOFREE bool *taken = cb_zalloc(b->nlayers + 1);
    CB_AUTOFREE size_t *b_of = pair_layers(a, b, taken);

    for (size_t i = 0; i < a->nlayers; i++) {
        if (b_of[i] == NONE)
            say_only(r, 'A', i, &a->layers[i]);
        else if (diff_pair(r, a, i, b, b_of[i], limit, err) < 0)
            return -1;
    }
    for (size_t k = 0; k < b->nlayers; k++)
        if (!taken[k])
            say_only(r, 'B', k, &b->layers[k]);
    return 0;
}

static int diff_image(struct report *r, const struct side_image *a, const struct side_image *b, unsigned limit,
                      struct cb_error *err)
{
    report_push(r, "image %.*s", CB_STR_ARG(a->label));
    if (a->manifest.n > 0 && b->manifest.n > 0 && json_diff(r, "manifest", a->manifest, b->manifest, err) < 0)
        return -1;
    if (json_diff(r, "config", a->config, b->config, err) < 0)
        return -1;
    if (diff_layers(r, a, b, limit, err) < 0)
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

static int diff_sides(struct report *r, const struct side *a, const struct side *b, unsigned limit,
                      struct cb_error *err)
{
    if (a->index.n > 0 && b->index.n > 0 && json_diff(r, "index", a->index, b->index, err) < 0)
        return -1;
    for (size_t i = 0; i < a->images.n; i++) {
        const struct side_image *other = partner(a, i, b);
        if (!other)
            report_line(r, "image %.*s: only in A", CB_STR_ARG(a->images.v[i].label));
        else if (diff_image(r, &a->images.v[i], other, limit, err) < 0)
            return -1;
    }
    for (size_t i = 0; i < b->images.n; i++)
        if (!partner(b, i, a))
            report_line(r, "image %.*s: only in B", CB_STR_ARG(b->images.v[i].label));
    return 0;
}

static int report_sides(const struct side *a, const struct side *b, unsigned limit, struct cb_sink *out,
                        struct cb_error *err)
{
    CB_ERROR_AUTO sink_error = CB_ERROR_INIT;
    struct report r;
    int result;

    report_begin(&r, out, &sink_error);
    result = diff_sides(&r, a, b, limit, err);
    report_end(&r);
    if (result == 0 && r.failed) {
        cb_error_move(err, &sink_error);
        return -1;
    }
    return result < 0 ? -1 : r.differs;
}

int cb_diff_images(const char *a, const char *b, const struct cb_diff_options *options, struct cb_sink *out,
                   struct cb_error *err)
{
    struct side left, right;
    int result;

    if (side_open(&left, a, err) < 0)
        return -1;
    if (side_open(&right, b, err) < 0) {
        side_close(&left);
        return -1;
    }
    result = report_sides(&left, &right, options && options->limit ? options->limit : LIMIT_DEFAULT, out, err);
    side_close(&left);
    side_close(&right);
    return result;
}
