#include "cbuild/oci/digest.h"

#include <assert.h>

#define PREFIX "sha256:"
#define PREFIX_SIZE (sizeof PREFIX - 1)

static_assert(PREFIX_SIZE + 2 * CB_SHA256_SIZE + 1 == CB_DIGEST_TEXT, "a digest's text fits exactly");

static bool is_lower_hex(struct cb_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
            return false;
    return true;
}

int cb_digest_parse(struct cb_digest *out, struct cb_str s, struct cb_error *err)
{
    struct cb_str hex = cb_str_skip(s, PREFIX_SIZE);

    memset(out, 0, sizeof *out);
    if (s.n == 0)
        return cb_fail(err, CB_E_INPUT, "a digest is missing");
    if (!cb_str_starts(s, PREFIX))
        return cb_fail(err, CB_E_INPUT, "digest \"%.*s\" is not a sha256 digest, the only kind that is taken",
                       CB_STR_ARG(cb_str_head(s, 100)));
    if (hex.n != (size_t)2 * CB_SHA256_SIZE)
        return cb_fail(err, CB_E_INPUT, "digest \"%.*s\" has %zu digits after \"sha256:\", not 64",
                       CB_STR_ARG(cb_str_head(s, 100)), hex.n);
    if (!is_lower_hex(hex))
        return cb_fail(err, CB_E_INPUT, "digest \"%.*s\" has a character that is not one of 0-9 and a-f",
                       CB_STR_ARG(s));
    memcpy(out->text, s.p, s.n);
    return 0;
}

struct cb_digest cb_digest_of_sum(const uint8_t sum[CB_SHA256_SIZE])
{
    struct cb_digest d = {PREFIX};
    cb_hex(d.text + PREFIX_SIZE, sum, CB_SHA256_SIZE);
    return d;
}

struct cb_digest cb_digest_of(struct cb_str bytes)
{
    uint8_t sum[CB_SHA256_SIZE];
    cb_hash_once(CB_SHA256, bytes.p, bytes.n, sum);
    return cb_digest_of_sum(sum);
}

static int check_end(struct cb_digest_source *s, struct cb_error *err)
{
    uint8_t sum[CB_HASH_MAX];
    struct cb_digest got;
    char more;
    ssize_t n = cb_read(s->from, &more, 1, err);

    if (n < 0)
        return -1;
    if (n > 0)
        return cb_fail(err, CB_E_TRUST, "%s is larger than the %llu bytes it should have", s->name,
                       (unsigned long long)s->size);
    cb_hash_sum(s->hash, sum);
    got = cb_digest_of_sum(sum);
    if (!cb_digest_eq(&got, s->want))
        return cb_fail(err, CB_E_TRUST, "%s has digest %s, expected %s", s->name, got.text, s->want->text);
    s->done = true;
    return 0;
}

static ssize_t read_checked(struct cb_source *source, void *p, size_t n, struct cb_error *err)
{
    struct cb_digest_source *s = (struct cb_digest_source *)source;
    ssize_t got;

    if (s->done || n == 0)
        return 0;
    if (s->left == 0)
        return check_end(s, err);
    got = cb_read(s->from, p, n < s->left ? n : (size_t)s->left, err);
    if (got < 0)
        return -1;
    if (got == 0)
        return cb_fail(err, CB_E_TRUST, "%s ends after %llu of %llu bytes", s->name,
                       (unsigned long long)(s->size - s->left), (unsigned long long)s->size);
    cb_hash_add(s->hash, p, (size_t)got);
    s->left -= (uint64_t)got;
    return got;
}

struct cb_digest_source cb_digest_source(struct cb_source *from, const struct cb_digest *want, uint64_t size,
                                         const char *name)
{
    return (struct cb_digest_source){.source = {read_checked},
                                     .from = from,
                                     .hash = cb_hash_new(CB_SHA256),
                                     .want = want,
                                     .left = size,
                                     .size = size,
                                     .name = name};
}

void cb_digest_source_release(struct cb_digest_source *s)
{
    cb_hash_free(s->hash);
    s->hash = NULL;
}
