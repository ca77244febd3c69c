#include "listing.h"

#include "cbuild/base/vec.h"
#include "cbuild/diff/diff.h"

struct hashing { // a source that hashes and counts what passes
    struct cb_source source;
    struct cb_source *from;
    struct cb_hash *hash;
    uint64_t n;
};

static ssize_t read_hashing(struct cb_source *source, void *p, size_t n, struct cb_error *err)
{
    struct hashing *h = (struct hashing *)source;
    ssize_t got = cb_read(h->from, p, n, err);

    if (got > 0) {
        cb_hash_add(h->hash, p, (size_t)got);
        h->n += (uint64_t)got;
    }
    return got;
}

static uint64_t held_bytes(const struct cb_tar_header *h)
{
    uint64_t n = h->name.n + h->linkname.n + h->uname.n + h->gname.n;

    for (size_t i = 0; i < h->npax; i++)
        n += h->pax[i].key.n + h->pax[i].value.n;
    return n;
}

static int hash_contents(struct cb_tar_reader *tar, struct cb_hash *hash, uint8_t out[CB_SHA256_SIZE],
                         struct cb_error *err)
{
    char chunk[65536];
    uint8_t sum[CB_HASH_MAX];
    ssize_t n;

    while ((n = cb_tar_read(tar, chunk, sizeof chunk, err)) > 0)
        cb_hash_add(hash, chunk, (size_t)n);
    if (n < 0)
        return -1;
    cb_hash_sum(hash, sum);
    memcpy(out, sum, CB_SHA256_SIZE);
    return 0;
}

static struct cb_str canonical(struct cb_str s)
{
    while (cb_str_starts(s, "./") || cb_str_starts(s, "/"))
        s = cb_str_skip(s, s.p[0] == '/' ? 1 : 2);
    return cb_str_ends(s, "/") ? cb_str_head(s, s.n - 1) : s;
}

static int list_entries(struct listing *l, struct cb_tar_reader *tar, struct cb_hash *hash, struct cb_error *err)
{
    struct cb_tar_header h;
    uint64_t held = 0;
    int more;

    while ((more = cb_tar_next(tar, &l->arena, &h, err)) == 1) {
        struct listed *e;
        held += held_bytes(&h);
        if (l->entries.n >= CB_DIFF_ENTRIES_MAX || held > LISTING_BYTES_MAX)
            return cb_fail(err, CB_E_LIMIT, "the layer has more entries than can be compared");
        e = cb_vec_add(&l->entries);
        e->header = h;
        if (l->canonical) {
            e->header.name = canonical(h.name);
            if (h.type == CB_TAR_HARDLINK) // of a symlink, "/x" and "x" are not the same
                e->header.linkname = canonical(h.linkname);
        }
        e->data_at = cb_tar_data_offset(tar);
        if (hash_contents(tar, hash, e->sha256, err) < 0)
            return cb_context(err, "entry %zu", l->entries.n - 1);
    }
    return more;
}

static int drain(struct cb_source *s, struct cb_error *err)
{
    char chunk[65536];
    ssize_t n;

    while ((n = cb_read(s, chunk, sizeof chunk, err)) > 0)
        ;
    return n < 0 ? -1 : 0;
}

static int read_stream(struct listing *l, struct layer_stream *s, const char *name, struct cb_error *err)
{
    struct hashing plain = {{read_hashing}, layer_stream_plain(s), cb_hash_new(CB_SHA256), 0};
    struct cb_hash *contents = cb_hash_new(CB_SHA256);
    struct cb_tar_reader *tar = cb_tar_reader_new(&plain.source, name);
    uint8_t sum[CB_HASH_MAX];
    int result = list_entries(l, tar, contents, err);

    if (result == 0)
        result = drain(&plain.source, err); // what follows the archive's end belongs to the stream, too
    if (result == 0)
        result = layer_stream_finish(s, err);
    cb_hash_sum(plain.hash, sum);
    l->digest = cb_digest_of_sum(sum);
    l->size = plain.n;
    cb_tar_reader_free(tar);
    cb_hash_free(contents);
    cb_hash_free(plain.hash);
    return result;
}

int listing_read(struct listing *l, const struct side_layer *layer, bool canonical_names, struct cb_error *err)
{
    struct layer_stream s;
    int result;

    *l = (struct listing){.canonical = canonical_names};
    if (layer_stream_open(&s, layer, err) < 0)
        return -1;
    result = read_stream(l, &s, layer->path, err);
    layer_stream_close(&s);
    if (result < 0)
        listing_release(l);
    return result;
}

void listing_release(struct listing *l)
{
    cb_vec_release(&l->entries);
    cb_arena_release(&l->arena);
}

const struct listed *listing_at(const struct listing *l, uint64_t offset)
{
    size_t low = 0, high = l->entries.n;

    while (low < high) { // the first entry that ends behind the offset
        size_t middle = low + (high - low) / 2;
        const struct listed *e = &l->entries.v[middle];
        if (e->data_at + ((uint64_t)e->header.size + 511) / 512 * 512 > offset || e->data_at > offset)
            high = middle;
        else
            low = middle + 1;
    }
    return low < l->entries.n ? &l->entries.v[low] : NULL;
}
