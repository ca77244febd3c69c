// The signature of an index: its first gzip member is a tar of ".SIGN.<algorithm>.<name of the key>" files, each of
// which signs every byte that follows that member.
//
// As in the reference, one good signature by a key of the ring is enough, signatures by other keys and of other kinds
// are passed over, and DSA is such a kind. Unlike there, RSA512 is not (apk-tools names it, no reason speaks against
// it), what is inflated before anything is verified has a limit, and the bytes that are verified are those that will be
// parsed.
#include <stdlib.h>

#include "cbuild/base/log.h"
#include "cbuild/base/vec.h"
#include "cbuild/compress/inflate.h"
#include "cbuild/crypto/key.h"
#include "cbuild/fs/tar.h"
#include "fetcher.h"

#define SIGNATURES_MAX 64u

struct signature {
    const struct cb_keyring_key *key;
    enum cb_hash_kind hash;
    struct cb_str bytes;
};

struct signatures {
    struct cb_arena arena;
    struct signature *v;
    size_t n, cap;
    struct cb_strs foreign; // names of keys that are not in the ring
};

// Inflates the first member; *after is set to where the next byte of the file stands.
static int read_first_member(int fd, uint64_t size, struct cb_buf *out, uint64_t *after, struct cb_error *err)
{
    struct cb_range_source in = cb_range_source(fd, "the index", 0, size);
    struct cb_inflate *z = cb_inflate_new(&in.source, 0);
    const char *what = "the index's first member, which should be a signature,";
    int begun = cb_inflate_next(z, err);
    if (begun == 0)
        cb_fail(err, CB_E_INPUT, "the index is empty");
    if (begun < 0)
        cb_hint(err, "what is there is no APKINDEX.tar.gz: is the repository's address right?");
    int failed = begun != 1 || cb_read_all(cb_inflate_member_source(z), out, CB_INDEX_SIGNATURE_MAX, what, err);
    if (!failed)
        *after = cb_inflate_member_end(z);
    cb_inflate_free(z);
    return failed ? -1 : 0;
}

// "RSA256" and "name.rsa.pub" of ".SIGN.RSA256.name.rsa.pub".
static bool split_name(struct cb_str name, struct cb_str *algorithm, struct cb_str *key)
{
    static const char *const known[] = {"DSA", "RSA", "RSA256", "RSA512"};
    if (!cb_str_starts(name, ".SIGN.") || !cb_str_ends(name, ".rsa.pub") || cb_str_find(name, '\n') >= 0)
        return false;
    *key = cb_str_skip(name, strlen(".SIGN."));
    if (!cb_str_cut(key, '.', algorithm) || key->n < strlen(".rsa.pub"))
        return false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (cb_str_is(*algorithm, known[i]))
            return true;
    return false;
}

// A key that came from a server that does not name its files properly has no ending.
static const struct cb_keyring_key *find_key(const struct cb_keyring *keys, struct cb_str name)
{
    const struct cb_keyring_key *key = cb_keyring_get(keys, name);
    return key ? key : cb_keyring_get(keys, cb_str_head(name, name.n - strlen(".rsa.pub")));
}

// False for an algorithm that is known by name only.
static bool hash_of(struct cb_str algorithm, enum cb_hash_kind *kind)
{
    *kind = cb_str_is(algorithm, "RSA") ? CB_SHA1 : cb_str_is(algorithm, "RSA256") ? CB_SHA256 : CB_SHA512;
    return !cb_str_is(algorithm, "DSA");
}

static int add_signature(struct cb_tar_reader *r, struct cb_str name, const struct cb_keyring *keys,
                         struct signatures *s, struct cb_error *err)
{
    struct cb_str algorithm, key_name;
    if (!split_name(name, &algorithm, &key_name)) {
        cb_fail(err, CB_E_TRUST, "not signed: its first member holds \"%.*s\", which is no signature",
                CB_STR_ARG(cb_str_head(name, 200)));
        return cb_hint(err, "sign the index (apk index, melange index); --ignore-signatures takes it as it is");
    }
    const struct cb_keyring_key *key = find_key(keys, key_name);
    enum cb_hash_kind kind;
    bool used = hash_of(algorithm, &kind);
    if (!key)
        cb_strs_add(&s->foreign, cb_arena_str(&s->arena, cb_str_head(key_name, 100)));
    if (!key || !used) {
        cb_log(CB_DEBUG, "passing over signature %.*s: %s", CB_STR_ARG(cb_str_head(name, 200)),
               key ? "its algorithm is not used" : "its key is not in the keyring");
        return 0;
    }
    if (s->n == SIGNATURES_MAX)
        return cb_fail(err, CB_E_LIMIT, "more than %u signatures", SIGNATURES_MAX);
    struct cb_tar_source in = cb_tar_source(r);
    CB_BUF_AUTO bytes = {0};
    if (cb_read_all(&in.source, &bytes, CB_RSA_MAX_BITS / 8, "a signature", err))
        return -1;
    *cb_vec_add(s) = (struct signature){key, kind, cb_arena_str(&s->arena, cb_buf_str(&bytes))};
    return 0;
}

static int read_signatures(struct cb_str tar, const struct cb_keyring *keys, struct signatures *s, struct cb_error *err)
{
    struct cb_mem_source in = cb_mem_source(tar.p, tar.n);
    struct cb_tar_reader *r = cb_tar_reader_new(&in.source, "the index's signatures");
    struct cb_tar_header h;
    int more;
    while ((more = cb_tar_next(r, &s->arena, &h, err)) == 1)
        if (add_signature(r, h.name, keys, s, err)) {
            more = -1;
            break;
        }
    cb_tar_reader_free(r);
    // The reference loses its place in the file there and finds no signature good; and an index that ends with its
    // signatures, as its tar then does, would have no packages.
    if (more == 0 && in.rest.n > 0)
        return cb_fail(err, CB_E_TRUST, "more follows the end of the archive of its signatures");
    return more;
}

static int hash_rest(int fd, uint64_t from, uint64_t size, enum cb_hash_kind kind, uint8_t *digest,
                     struct cb_error *err)
{
    struct cb_range_source in = cb_range_source(fd, "the index", from, size - from);
    CB_HASH_AUTO *hash = cb_hash_new(kind);
    struct cb_hash_sink out = cb_hash_sink(hash);
    if (cb_copy(&out.sink, &in.source, NULL, err))
        return -1;
    cb_hash_sum(hash, digest);
    return 0;
}

static int verify_one(const struct signature *s, const uint8_t *digest, struct cb_error *why)
{
    CB_KEY_AUTO *key = cb_key_from_pem_loose(s->key->bytes, why);
    if (key && cb_key_kind(key) != CB_KEY_RSA)
        return cb_fail(why, CB_E_UNSUPPORTED, "not an RSA key");
    return key && cb_key_verify_digest(key, s->hash, digest, s->bytes, why) == 0 ? 0 : -1;
}

static void add_key(struct cb_buf *lines, const struct cb_keyring_key *key)
{
    cb_buf_addf(lines, "%skey %.*s", lines->n ? "\n" : "", CB_STR_ARG(key->name));
    if (key->origin.n)
        cb_buf_addf(lines, " from %.*s", CB_STR_ARG(key->origin));
}

// Which keys it wants, and which there are.
static int no_key(const struct cb_keyring *keys, const struct signatures *s, struct cb_error *err)
{
    enum { SHOWN = 10 };
    CB_BUF_AUTO names = {0};
    CB_BUF_AUTO lines = {0};
    for (size_t i = 0; i < s->foreign.n && i < SHOWN; i++)
        cb_buf_addf(&names, "%s\"%.*s\"", i ? ", " : "", CB_STR_ARG(s->foreign.v[i]));
    for (size_t i = 0; i < keys->n && i < SHOWN; i++)
        add_key(&lines, &keys->v[i]);
    if (keys->n > SHOWN)
        cb_buf_addf(&lines, "\nand %zu more", keys->n - SHOWN);
    if (s->foreign.n)
        cb_fail(err, CB_E_TRUST, "it is signed with the key %s, and the keyring has no key of that name", names.p);
    else
        cb_fail(err, CB_E_TRUST, "it has no signature of a kind that is verified");
    cb_detail(err, "%s", lines.p);
    return cb_hint(err, "name the repository's key in contents.keyring or with --keyring-append (-k); the name of its "
                        "file counts");
}

static int none_verifies(const struct cb_buf *reasons, struct cb_error *err)
{
    cb_fail(err, CB_E_TRUST, "none of its signatures by keys of the keyring verifies");
    cb_detail(err, "%s", reasons->p);
    return cb_hint(err, "the index was changed, or signed by another key of that name");
}

static int verify_any(int fd, uint64_t size, uint64_t from, const struct cb_keyring *keys, const struct signatures *s,
                      struct cb_error *err)
{
    uint8_t digests[3][CB_HASH_MAX];
    bool have[3] = {false, false, false};
    CB_BUF_AUTO reasons = {0};
    if (s->n == 0)
        return no_key(keys, s, err);
    for (size_t i = 0; i < s->n; i++) {
        CB_ERROR_AUTO why = CB_ERROR_INIT;
        size_t which = (size_t)s->v[i].hash;
        if (!have[which] && hash_rest(fd, from, size, s->v[i].hash, digests[which], err))
            return -1;
        have[which] = true;
        if (verify_one(&s->v[i], digests[which], &why) == 0) {
            if (reasons.n)
                cb_log(CB_WARN, "signed more than once, and not all verifies: %s", reasons.p);
            return 0;
        }
        add_key(&reasons, s->v[i].key);
        cb_buf_addf(&reasons, ": %s", why.message);
    }
    return none_verifies(&reasons, err);
}

int cb_index_verify(int fd, uint64_t size, const struct cb_keyring *keys, struct cb_error *err)
{
    if (keys->n == 0) {
        cb_fail(err, CB_E_TRUST, "there is no key at all to verify its signature with");
        return cb_hint(err, "name the repository's key in contents.keyring or with --keyring-append (-k)");
    }
    CB_BUF_AUTO tar = {0};
    uint64_t after = 0;
    struct signatures s = {0};
    int failed = read_first_member(fd, size, &tar, &after, err) || read_signatures(cb_buf_str(&tar), keys, &s, err) ||
                 verify_any(fd, size, after, keys, &s, err);
    cb_vec_release(&s);
    cb_strs_release(&s.foreign);
    cb_arena_release(&s.arena);
    return failed ? -1 : 0;
}
