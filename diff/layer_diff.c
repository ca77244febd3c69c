#include "layer_diff.h"

#include <stdio.h>
#include <stdlib.h>

#define CHUNK 65536u

struct side_chunk {
    struct cb_source *from;
    unsigned char bytes[CHUNK];
    size_t at, n;
    bool ended;
};

static int fill(struct side_chunk *c, struct cb_error *err)
{
    ssize_t got;

    if (c->at < c->n || c->ended)
        return 0;
    got = cb_read(c->from, c->bytes, sizeof c->bytes, err);
    if (got < 0)
        return -1;
    c->ended = got == 0;
    c->at = 0;
    c->n = (size_t)got;
    return 0;
}

static size_t common(const unsigned char *a, const unsigned char *b, size_t n)
{
    size_t i = 0;

    if (memcmp(a, b, n) == 0)
        return n;
    while (a[i] == b[i])
        i++;
    return i;
}

int first_difference(struct cb_source *a, struct cb_source *b, uint64_t *at, int bytes[2], struct cb_error *err)
{
    struct side_chunk *c = cb_alloc(2 * sizeof *c); // large for a stack that a thread may have
    int result = 0;

    c[0].from = a;
    c[1].from = b;
    for (int i = 0; i < 2; i++)
        c[i].at = c[i].n = 0, c[i].ended = false;
    *at = 0;
    while ((result = fill(&c[0], err) < 0 || fill(&c[1], err) < 0 ? -1 : 0) == 0) {
        size_t an = c[0].n - c[0].at, bn = c[1].n - c[1].at, n = an < bn ? an : bn;
        size_t same = n ? common(c[0].bytes + c[0].at, c[1].bytes + c[1].at, n) : 0;
        *at += same;
        c[0].at += same;
        c[1].at += same;
        if (same < n || (n == 0 && (an > 0 || bn > 0))) {
            for (int i = 0; i < 2; i++)
                bytes[i] = c[i].at < c[i].n ? c[i].bytes[c[i].at] : -1;
            result = 1;
            break;
        }
        if (n == 0)
            break;
    }
    free(c);
    return result;
}

const char *show_byte(char out[24], int byte)
{
    if (byte < 0)
        snprintf(out, 24, "the end");
    else if (byte >= ' ' && byte < 0x7f)
        snprintf(out, 24, "0x%02x '%c'", (unsigned)byte, byte);
    else
        snprintf(out, 24, "0x%02x", (unsigned)byte);
    return out;
}

// Compares the stored bytes and checks both sides' digests: 0 the same, 1 different.
static int compare_stored(const struct side_layer *const layers[2], uint64_t *at, int bytes[2], struct cb_error *err)
{
    struct layer_stream s[2];
    int result;

    if (layer_streams_open(s, layers, err) < 0)
        return -1;
    result = first_difference(s[0].stored, s[1].stored, at, bytes, err);
    if (result >= 0 && (layer_stream_finish(&s[0], err) < 0 || layer_stream_finish(&s[1], err) < 0))
        result = -1;
    layer_streams_close(s);
    return result;
}

static void check_diff_id(struct report *r, const char *side, const struct side_layer *layer,
                          const struct listing *list)
{
    if (cb_digest_is_set(&layer->diff_id) && !cb_digest_eq(&layer->diff_id, &list->digest))
        report_line(r, "%s: the config's diff ID is %s, but the layer unpacks to %s", side, layer->diff_id.text,
                    list->digest.text)
            ->cause = CB_STR("the config is wrong");
}

static int compare_archives(struct comparison *c, const struct side_layer *const layers[2], struct cb_error *err)
{
    struct listing lists[2];
    const struct listing *const both[2] = {&lists[0], &lists[1]};
    bool canonical = c->options->ignore.canonical_paths;
    int result = 0;

    if (listing_read(&lists[0], layers[0], canonical, err) < 0)
        return cb_context(err, "A");
    if (listing_read(&lists[1], layers[1], canonical, err) < 0) {
        listing_release(&lists[0]);
        return cb_context(err, "B");
    }
    check_diff_id(c->report, "A", layers[0], &lists[0]);
    check_diff_id(c->report, "B", layers[1], &lists[1]);
    if (!cb_digest_eq(&lists[0].digest, &lists[1].digest))
        result = tar_diff(c, layers, both, err);
    else if (!cause_is_lenient(c->options))
        result = gzip_diff(c->report, layers, &lists[0], err);
    listing_release(&lists[0]);
    listing_release(&lists[1]);
    return result;
}

static void describe(struct report *r, const struct side_layer *const layers[2])
{
    for (int i = 0; i < 2; i++)
        report_note(r, "%c: %s %llu bytes, %.*s", 'A' + i, layers[i]->digest.text, (unsigned long long)layers[i]->size,
                    CB_STR_ARG(layers[i]->media_type));
}

static bool is_erofs(const struct side_layer *l)
{
    return cb_str_is(l->media_type, CB_MEDIA_EROFS_LAYER);
}

// Layers that say they are the same by digest are so, once either is found to be what it says; a registry's are not
// fetched for that.
static bool is_known_same(const struct side_layer *a, const struct side_layer *b)
{
    return cb_digest_is_set(&a->digest) && cb_digest_eq(&a->digest, &b->digest) &&
           (a->source->place == CB_PLACE_REGISTRY || b->source->place == CB_PLACE_REGISTRY);
}

static int diff_open(struct comparison *c, const struct side_layer *a, const struct side_layer *b, struct cb_error *err)
{
    const struct side_layer *const layers[2] = {a, b};
    char left[24], right[24];
    uint64_t at;
    int bytes[2];
    int differ = compare_stored(layers, &at, bytes, err);

    if (differ <= 0)
        return differ;
    describe(c->report, layers);
    if (is_erofs(a) || is_erofs(b) || !cause_is_lenient(c->options))
        report_line(c->report, "first different byte at %llu: A %s, B %s", (unsigned long long)at,
                    show_byte(left, bytes[0]), show_byte(right, bytes[1]));
    if (is_erofs(a) || is_erofs(b))
        return 0;
    return compare_archives(c, layers, err);
}

int layer_diff(struct comparison *c, struct side_layer *a, struct side_layer *b, struct cb_error *err)
{
    if (is_known_same(a, b))
        return 0;
    int result = side_layer_open(a, err) || side_layer_open(b, err) ? -1 : diff_open(c, a, b, err);
    side_layer_close(a);
    side_layer_close(b);
    return result;
}
