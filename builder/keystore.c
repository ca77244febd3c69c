#include "keystore.h"

#include "cbuild/base/vec.h"
#include "cbuild/crypto/hash.h"

#define MAGIC 0xFEEDFEEDu
#define WHITENER "Mighty Aphrodite"

enum { TAG_KEY = 1, TAG_TRUSTED = 2 };

struct certificate {
    struct cb_str type, der;
};

struct cb_keystore_entry {
    uint32_t tag;
    uint64_t created_ms;
    struct cb_str key; // encrypted; of TAG_KEY
    struct {
        struct certificate *v;
        size_t n, cap;
    } chain; // exactly one of TAG_TRUSTED
};

static void digest(uint8_t out[CB_SHA1_SIZE], const char *password, struct cb_str store)
{
    uint8_t sum[CB_HASH_MAX];
    CB_HASH_AUTO *h = cb_hash_new(CB_SHA1);
    for (const char *p = password; *p; p++)
        cb_hash_add(h, (const char[2]){0, *p}, 2);
    cb_hash_add(h, WHITENER, sizeof WHITENER - 1);
    cb_hash_add(h, store.p, store.n);
    cb_hash_sum(h, sum);
    memcpy(out, sum, CB_SHA1_SIZE);
}

// A cursor whose reads give zero and nothing once the store has ended.
struct reader {
    struct cb_str rest;
    uint32_t version;
    bool failed;
};

static struct cb_str take(struct reader *r, uint64_t n)
{
    if (r->failed || n > r->rest.n) {
        r->failed = true;
        return CB_STR("");
    }
    struct cb_str s = cb_str_head(r->rest, (size_t)n);
    r->rest = cb_str_skip(r->rest, (size_t)n);
    return s;
}

static uint64_t take_number(struct reader *r, unsigned bytes)
{
    struct cb_str s = take(r, bytes);
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++)
        v = v << 8 | (unsigned char)s.p[i];
    return v;
}

static void take_certificate(struct reader *r, struct cb_keystore_entry *e)
{
    struct certificate *c = cb_vec_add(&e->chain);
    c->type = r->version == 1 ? CB_STR("X509") : take(r, take_number(r, 2));
    if (r->version != 1 && r->version != 2)
        r->failed = true;
    c->der = take(r, take_number(r, 4));
}

static void take_entry(struct reader *r, struct cb_keystore *k)
{
    struct cb_keystore_entry *e = cb_arena_alloc(&k->arena, sizeof *e);
    e->tag = (uint32_t)take_number(r, 4);
    struct cb_str alias = take(r, take_number(r, 2));
    uint64_t certificates = 1;
    e->created_ms = take_number(r, 8);
    if (e->tag == TAG_KEY) {
        e->key = take(r, take_number(r, 4));
        certificates = take_number(r, 4);
    } else if (e->tag != TAG_TRUSTED) {
        r->failed = true;
    }
    for (; certificates > 0 && !r->failed; certificates--)
        take_certificate(r, e);
    struct cb_map_item *same = cb_map_find(&k->entries, alias);
    if (same)
        cb_vec_release(&((struct cb_keystore_entry *)same->value)->chain);
    cb_map_put(&k->entries, alias, e, NULL);
}

int cb_keystore_read(struct cb_keystore *k, struct cb_str bytes, const char *password, struct cb_error *err)
{
    struct reader r = {.rest = bytes};
    if (take_number(&r, 4) != MAGIC || r.failed)
        return cb_fail(err, CB_E_INPUT, "not a Java keystore of type JKS");
    r.version = (uint32_t)take_number(&r, 4);
    for (uint64_t n = take_number(&r, 4); n > 0 && !r.failed; n--)
        take_entry(&r, k);
    struct cb_str signed_part = cb_str_head(bytes, bytes.n - r.rest.n), sum = take(&r, CB_SHA1_SIZE);
    if (r.failed)
        return cb_fail(err, CB_E_INPUT, "the Java keystore is cut short or has an entry of an unknown kind");
    uint8_t expected[CB_SHA1_SIZE];
    digest(expected, password, signed_part);
    if (memcmp(expected, sum.p, CB_SHA1_SIZE) != 0)
        return cb_fail(err, CB_E_INPUT,
                       "the Java keystore's digest does not match: it was changed, or its password "
                       "is not \"%s\"",
                       password);
    return 0;
}

void cb_keystore_trust(struct cb_keystore *k, struct cb_str alias, struct cb_str der, int64_t created_ms)
{
    char *lower = cb_arena_cstr(&k->arena, alias);
    for (size_t i = 0; i < alias.n; i++)
        if (lower[i] >= 'A' && lower[i] <= 'Z')
            lower[i] = (char)(lower[i] - 'A' + 'a');
    struct cb_keystore_entry *e = cb_arena_alloc(&k->arena, sizeof *e);
    e->tag = TAG_TRUSTED;
    e->created_ms = (uint64_t)created_ms;
    *cb_vec_add(&e->chain) = (struct certificate){CB_STR("X.509"), der};
    struct cb_map_item *same = cb_map_find(&k->entries, cb_strn(lower, alias.n));
    if (same)
        cb_vec_release(&((struct cb_keystore_entry *)same->value)->chain);
    cb_map_put(&k->entries, cb_strn(lower, alias.n), e, NULL);
}

static void add_number(struct cb_buf *b, uint64_t v, unsigned bytes)
{
    while (bytes-- > 0)
        cb_buf_addc(b, (char)(v >> (8 * bytes)));
}

static void add_bytes(struct cb_buf *b, struct cb_str s, unsigned length_bytes)
{
    add_number(b, s.n, length_bytes);
    cb_buf_addstr(b, s);
}

static void add_entry(struct cb_buf *b, struct cb_str alias, const struct cb_keystore_entry *e)
{
    add_number(b, e->tag, 4);
    add_bytes(b, alias, 2);
    add_number(b, e->created_ms, 8);
    if (e->tag == TAG_KEY) {
        add_bytes(b, e->key, 4);
        add_number(b, e->chain.n, 4);
    }
    for (size_t i = 0; i < e->chain.n; i++) {
        add_bytes(b, e->chain.v[i].type, 2);
        add_bytes(b, e->chain.v[i].der, 4);
    }
}

int cb_keystore_write(struct cb_keystore *k, const char *password, struct cb_buf *out, struct cb_error *err)
{
    size_t start = out->n;
    cb_map_sort(&k->entries);
    add_number(out, MAGIC, 4);
    add_number(out, 2, 4);
    add_number(out, k->entries.n, 4);
    for (size_t i = 0; i < k->entries.n; i++) {
        struct cb_str alias = k->entries.items[i].key;
        if (alias.n > UINT16_MAX)
            return cb_fail(err, CB_E_LIMIT, "a keystore alias of %zu bytes is longer than %u", alias.n, UINT16_MAX);
        add_entry(out, alias, k->entries.items[i].value);
    }
    uint8_t sum[CB_SHA1_SIZE];
    digest(sum, password, cb_strn(out->p + start, out->n - start));
    cb_buf_add(out, sum, sizeof sum);
    return 0;
}

void cb_keystore_release(struct cb_keystore *k)
{
    for (size_t i = 0; i < k->entries.n; i++)
        cb_vec_release(&((struct cb_keystore_entry *)k->entries.items[i].value)->chain);
    cb_map_release(&k->entries);
    cb_arena_release(&k->arena);
}
