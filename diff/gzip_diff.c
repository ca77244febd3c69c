#include <stdlib.h>

#include "deflate_walk.h"
#include "layer_diff.h"

// Both streams are walked in step, event by event, up to the first that differs. The walk then goes on within that
// block if only its code lengths differ: where the tokens are the same, the codes were built differently; where they
// are not, the first different token says more than the lengths.

#define PARALLEL_BLOCK (1u << 20) // unpacked bytes that the reference packs at a time

struct compare {
    struct report *r;
    const struct listing *list;
    struct deflate_walk *walks[2];
    struct walk_event events[2];
    uint64_t token; // tokens of the block so far that were the same
};

static int step(struct compare *c, struct cb_error *err)
{
    if (deflate_walk_next(c->walks[0], &c->events[0], err) < 0)
        return cb_context(err, "A");
    if (deflate_walk_next(c->walks[1], &c->events[1], err) < 0)
        return cb_context(err, "B");
    return 0;
}

static bool same_codes(const struct walk_event *a, const struct walk_event *b)
{
    return a->literals == b->literals && a->distances == b->distances &&
           memcmp(a->code_lengths, b->code_lengths, a->literals + a->distances) == 0;
}

static bool same_event(const struct walk_event *a, const struct walk_event *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case WALK_MEMBER:
        return a->header_bytes == b->header_bytes && memcmp(a->header, b->header, sizeof a->header) == 0;
    case WALK_BLOCK:
        return a->type == b->type && a->final == b->final && (a->type != 0 || a->length == b->length) &&
               (a->type != 2 || same_codes(a, b));
    case WALK_LITERAL:
        return a->byte == b->byte;
    case WALK_MATCH:
        return a->length == b->length && a->distance == b->distance;
    case WALK_STORED:
        return a->length == b->length;
    case WALK_TRAILER:
        return a->crc == b->crc && a->size == b->size;
    case WALK_END:
    case WALK_EOF:
        return true;
    }
    return false;
}

static char *show_member(const struct walk_event *e)
{
    char hex[21];

    cb_hex(hex, e->header, sizeof e->header);
    return cb_format("gzip header %s, %llu bytes", hex, (unsigned long long)e->header_bytes);
}

static char *show_event(const struct walk_event *e)
{
    static const char *const types[] = {"stored", "fixed", "dynamic", "reserved"};
    char byte[24];

    switch (e->kind) {
    case WALK_MEMBER:
        return show_member(e);
    case WALK_BLOCK:
        if (e->type == 0)
            return cb_format("%sstored block of %u bytes", e->final ? "last, " : "", e->length);
        return cb_format("%s%s block", e->final ? "last, " : "", types[e->type]);
    case WALK_LITERAL:
        return cb_format("literal %s", show_byte(byte, (int)e->byte));
    case WALK_MATCH:
        return cb_format("match of %u bytes at distance %u", e->length, e->distance);
    case WALK_STORED:
        return cb_format("%u stored bytes", e->length);
    case WALK_END:
        return cb_strdup("end of block");
    case WALK_TRAILER:
        return cb_format("trailer, CRC %08x, size %u", e->crc, e->size);
    case WALK_EOF:
        return cb_strdup("end of the stream");
    }
    return cb_strdup("?");
}

static void say_place(struct compare *c, const struct walk_event *e)
{
    const struct listed *entry = listing_at(c->list, e->position);
    CB_AUTOFREE char *name = report_quote(entry ? entry->header.name : CB_STR(""));

    report_note(c->r, "  deflate block %llu; unpacked byte %llu (byte %llu of parallel block %llu; near entry %s)",
                (unsigned long long)e->block, (unsigned long long)e->position,
                (unsigned long long)(e->position % PARALLEL_BLOCK), (unsigned long long)(e->position / PARALLEL_BLOCK),
                name);
}

static void say_events(struct compare *c)
{
    const struct walk_event *a = &c->events[0], *b = &c->events[1];
    CB_AUTOFREE char *left = show_event(a);
    CB_AUTOFREE char *right = show_event(b);

    report_line(c->r, "gzip: A %s (at bit %llu), B %s (at bit %llu)", left, (unsigned long long)a->bit, right,
                (unsigned long long)b->bit);
    if (a->kind == WALK_MEMBER && b->kind == WALK_MEMBER)
        return;
    if (c->token > 0)
        report_note(c->r, "  after %llu tokens of the block that are the same", (unsigned long long)c->token);
    say_place(c, a);
}

static void say_codes(struct compare *c)
{
    const struct walk_event *a = &c->events[0], *b = &c->events[1];
    unsigned shown = 0;

    report_line(c->r, "gzip: code lengths of a dynamic block, at bit %llu in A and %llu in B (A %u + %u, B %u + %u)",
                (unsigned long long)a->bit, (unsigned long long)b->bit, a->literals, a->distances, b->literals,
                b->distances);
    say_place(c, a);
    for (unsigned i = 0; i < 286 && shown < 8; i++) {
        unsigned x = i < a->literals ? a->code_lengths[i] : 0, y = i < b->literals ? b->code_lengths[i] : 0;
        if (x != y && shown++ < 8)
            report_note(c->r, "  literal/length symbol %u: A %u bits, B %u bits", i, x, y);
    }
    for (unsigned i = 0; i < 30 && shown < 8; i++) {
        unsigned x = i < a->distances ? a->code_lengths[a->literals + i] : 0;
        unsigned y = i < b->distances ? b->code_lengths[b->literals + i] : 0;
        if (x != y && shown++ < 8)
            report_note(c->r, "  distance symbol %u: A %u bits, B %u bits", i, x, y);
    }
}

// The tokens of the block whose code lengths differ.
static int compare_tokens(struct compare *c, struct cb_error *err)
{
    for (c->token = 0;; c->token++) {
        if (step(c, err) < 0)
            return -1;
        if (!same_event(&c->events[0], &c->events[1])) {
            say_events(c);
            return 0;
        }
        if (c->events[0].kind == WALK_END)
            break;
    }
    report_line(c->r, "gzip: the %llu tokens of that block are the same: its codes were built differently",
                (unsigned long long)c->token);
    return 0;
}

static void count_token(struct compare *c)
{
    enum walk_event_kind kind = c->events[0].kind;
    c->token = kind == WALK_LITERAL || kind == WALK_MATCH || kind == WALK_STORED ? c->token + 1 : 0;
}

static bool are_dynamic(const struct walk_event *a, const struct walk_event *b)
{
    return a->kind == WALK_BLOCK && b->kind == WALK_BLOCK && a->type == 2 && b->type == 2 && a->final == b->final;
}

// A gzip header that differs is told and passed over; the first difference after that ends the walk.
static int compare_events(struct compare *c, struct cb_error *err)
{
    bool said = false;

    do {
        if (step(c, err) < 0)
            return -1;
        if (same_event(&c->events[0], &c->events[1])) {
            count_token(c);
            continue;
        }
        if (are_dynamic(&c->events[0], &c->events[1])) {
            say_codes(c);
            return compare_tokens(c, err);
        }
        say_events(c);
        said = true;
        if (c->events[0].kind != WALK_MEMBER || c->events[1].kind != WALK_MEMBER)
            return 0;
    } while (c->events[0].kind != WALK_EOF);
    if (!said)
        report_line(c->r, "gzip: the same blocks and tokens; what differs is in fill bits or in a header's fields");
    return 0;
}

int gzip_diff(struct report *r, const struct side_layer *const layers[2], const struct listing *list,
              struct cb_error *err)
{
    struct compare *c;
    struct layer_stream s[2];
    int result;

    report_line(r, "unpacked, the layers are the same: %llu bytes, %s", (unsigned long long)list->size,
                list->digest.text)
        ->cause = CB_STR("another gzip stream over the same archive");
    if (layer_streams_open(s, layers, err) < 0)
        return -1;
    if (!s[0].is_gzip || !s[1].is_gzip) {
        report_line(r, "A is %sgzip, B is %sgzip", s[0].is_gzip ? "" : "not ", s[1].is_gzip ? "" : "not ");
        layer_streams_close(s);
        return 0;
    }
    c = cb_zalloc(sizeof *c);
    c->r = r;
    c->list = list;
    for (int i = 0; i < 2; i++)
        c->walks[i] = deflate_walk_new(s[i].stored);
    result = compare_events(c, err);
    for (int i = 0; i < 2; i++)
        deflate_walk_free(c->walks[i]);
    free(c);
    layer_streams_close(s);
    return result;
}
