#include "tuf_meta.h"

#include <jansson.h>

#include "cbuild/oci/image_config.h"
#include "cbuild/text/json_read.h"
#include "decode.h"

// ---- canonical JSON: keys in byte order, no white space, of escapes only \" and
// \\ ------------------------------------

static void canonical_string(struct cb_str s, struct cb_buf *out)
{
    cb_buf_addc(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\')
            cb_buf_addc(out, '\\');
        cb_buf_addc(out, s.p[i]);
    }
    cb_buf_addc(out, '"');
}

static void canonical_object(const struct json_t *value, struct cb_buf *out)
{
    struct cb_strs keys = {0};
    for (void *at = cb_json_first((struct json_t *)value); at; at = cb_json_next((struct json_t *)value, at))
        cb_strs_add(&keys, cb_json_key_at(at));
    cb_strs_sort(&keys);
    cb_buf_addc(out, '{');
    for (size_t i = 0; i < keys.n; i++) {
        if (i)
            cb_buf_addc(out, ',');
        canonical_string(keys.v[i], out);
        cb_buf_addc(out, ':');
        cb_tuf_canonical(json_object_get(value, keys.v[i].p), out);
    }
    cb_buf_addc(out, '}');
    cb_strs_release(&keys);
}

void cb_tuf_canonical(const struct json_t *value, struct cb_buf *out)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        canonical_object(value, out);
        break;
    case JSON_ARRAY:
        cb_buf_addc(out, '[');
        for (size_t i = 0; i < json_array_size(value); i++) {
            if (i)
                cb_buf_addc(out, ',');
            cb_tuf_canonical(json_array_get(value, i), out);
        }
        cb_buf_addc(out, ']');
        break;
    case JSON_STRING:
        canonical_string(cb_strn(json_string_value(value), json_string_length(value)), out);
        break;
    case JSON_INTEGER:
        cb_buf_addf(out, "%lld", (long long)json_integer_value(value));
        break;
    case JSON_REAL:
        cb_buf_adds(out, "!"); // has no canonical form: no signature matches
        break;
    default:
        cb_buf_adds(out, json_is_true(value) ? "true" : json_is_false(value) ? "false" : "null");
    }
}

// ---- documents -----------------------------------------------------------------------------------------------------

static int parse(struct cb_tuf_document *out, const char *type, struct cb_error *err)
{
    struct json_t *root;
    struct cb_str text, spec;
    if (cb_json_as_object(out->json, "document", &root, err) || cb_json_need_object(root, "signed", &out->body, err) ||
        cb_json_need_array(root, "signatures", &out->proofs, err) || cb_json_need_str(out->body, "_type", &text, err) ||
        cb_json_need_str(out->body, "spec_version", &spec, err) ||
        cb_json_need_size(out->body, "version", &out->version, err))
        return -1;
    if (!cb_str_is(text, type))
        return cb_fail(err, CB_E_TRUST, "it is of type \"%.*s\", not \"%s\"", CB_STR_ARG(text), type);
    if (!cb_str_starts(spec, "1.") || !out->version)
        return cb_fail(err, CB_E_INPUT, "version %llu by the specification %.*s", (unsigned long long)out->version,
                       CB_STR_ARG(spec));
    return 0;
}

int cb_tuf_document_parse(struct cb_tuf_document *out, struct cb_str bytes, const char *type, const char *what,
                          struct cb_error *err)
{
    *out = (struct cb_tuf_document){.bytes = bytes, .json = cb_json_read(bytes, what, CB_TUF_TARGETS_MAX, err)};
    if (!out->json)
        return -1;
    return parse(out, type, err) ? cb_context(err, "%s", what) : 0;
}

void cb_tuf_document_release(struct cb_tuf_document *d)
{
    cb_json_free(d->json);
    *d = (struct cb_tuf_document){0};
}

int cb_tuf_expires(const struct cb_tuf_document *d, int64_t *out, struct cb_error *err)
{
    struct cb_str text;
    struct cb_created t;
    if (cb_json_need_str(d->body, "expires", &text, err))
        return -1;
    CB_ERROR_AUTO unlike = CB_ERROR_INIT;
    if (cb_created_parse(text, &t, &unlike))
        return cb_fail(err, CB_E_INPUT, "expires: \"%.*s\" is no time", CB_STR_ARG(cb_str_head(text, 40)));
    *out = t.sec;
    return 0;
}

// ---- keys ----------------------------------------------------------------------------------------------------------

static const uint8_t p256_prefix[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
                                      0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
static const uint8_t ed25519_prefix[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

// A key as PEM, or as the hexadecimal digits of a point on P-256 or of an Ed25519 key.
static struct cb_verifier *read_key(const struct json_t *key, struct cb_error *err)
{
    struct json_t *value;
    struct cb_str text;
    CB_BUF_AUTO der = {0};
    uint8_t raw[65];
    if (cb_json_need_object(key, "keyval", &value, err) || cb_json_need_str(value, "public", &text, err))
        return NULL;
    if (cb_str_starts(text, "-----BEGIN"))
        return cb_verifier_from_pem(text, err);
    if (text.n == 130 && cb_unhex(raw, 65, text)) {
        cb_buf_add(&der, p256_prefix, sizeof p256_prefix);
        cb_buf_add(&der, raw, 65);
    } else if (text.n == 64 && cb_unhex(raw, 32, text)) {
        cb_buf_add(&der, ed25519_prefix, sizeof ed25519_prefix);
        cb_buf_add(&der, raw, 32);
    } else {
        cb_fail(err, CB_E_UNSUPPORTED, "a key that is neither PEM nor the digits of a P-256 or Ed25519 key");
        return NULL;
    }
    return cb_verifier_from_spki(cb_buf_str(&der), err);
}

// ---- signatures ----------------------------------------------------------------------------------------------------

struct count {
    const struct cb_tuf_document *document;
    struct cb_signed_data data;
    struct {
        struct cb_verifier *v[CB_TUF_SIGNATURES_MAX];
        size_t n;
    } good; // keys that have signed
};

static bool is_counted(const struct count *c, const struct cb_verifier *v)
{
    for (size_t i = 0; i < c->good.n; i++)
        if (cb_str_eq(cb_verifier_spki(c->good.v[i]), cb_verifier_spki(v)))
            return true;
    return false;
}

static bool names(const struct json_t *keyids, struct cb_str id)
{
    for (size_t i = 0; i < cb_json_count(keyids); i++)
        if (json_is_string(cb_json_at(keyids, i)) && cb_str_is(id, json_string_value(cb_json_at(keyids, i))))
            return true;
    return false;
}

// Whatever is wrong with one signature, it does not count; the others may do.
static void count_one(struct count *c, const struct json_t *proof, const struct json_t *keys,
                      const struct json_t *keyids)
{
    CB_ERROR_AUTO unlike = CB_ERROR_INIT;
    CB_ERROR_AUTO wrong = CB_ERROR_INIT;
    struct cb_str id, hex;
    uint8_t sig[CB_SIGNATURE_MAX];
    if (!json_is_object(proof) || cb_json_need_str(proof, "keyid", &id, &unlike) ||
        cb_json_need_str(proof, "sig", &hex, &unlike) || !names(keyids, id) || hex.n / 2 > sizeof sig ||
        !cb_unhex(sig, hex.n / 2, hex))
        return;
    const struct json_t *key = json_object_get(keys, id.p);
    CB_VERIFIER_AUTO *v = json_is_object(key) ? read_key(key, &unlike) : NULL;
    if (!v || is_counted(c, v) || cb_verifier_check(v, &c->data, cb_strn(sig, hex.n / 2), &wrong))
        return;
    c->good.v[c->good.n++] = v;
    v = NULL;
}

int cb_tuf_check_signatures(const struct cb_tuf_document *d, const struct json_t *keys, const struct json_t *role,
                            struct cb_error *err)
{
    CB_BUF_AUTO text = {0};
    struct count c = {.document = d};
    struct json_t *keyids;
    uint64_t threshold;
    if (cb_json_need_array(role, "keyids", &keyids, err) || cb_json_need_size(role, "threshold", &threshold, err))
        return -1;
    size_t n = cb_json_count(d->proofs);
    if (threshold == 0)
        return cb_fail(err, CB_E_INPUT, "a threshold of 0");
    if (n > CB_TUF_SIGNATURES_MAX)
        return cb_fail(err, CB_E_LIMIT, "%zu signatures; %u are the most", n, CB_TUF_SIGNATURES_MAX);
    cb_tuf_canonical(d->body, &text);
    cb_signed_data_of(&c.data, cb_buf_str(&text));
    for (size_t i = 0; i < n; i++)
        count_one(&c, cb_json_at(d->proofs, i), keys, keyids);
    for (size_t i = 0; i < c.good.n; i++)
        cb_verifier_free(c.good.v[i]);
    if (c.good.n >= threshold)
        return 0;
    return cb_fail(err, CB_E_TRUST, "%zu of the keys that may sign it have signed it, %llu must", c.good.n,
                   (unsigned long long)threshold);
}

// ---- claims --------------------------------------------------------------------------------------------------------

int cb_tuf_claim_read(const struct json_t *object, struct cb_tuf_claim *out, struct cb_error *err)
{
    struct json_t *hashes;
    *out = (struct cb_tuf_claim){0};
    if (cb_json_get_size(object, "version", &out->version, err) ||
        cb_json_get_size(object, "length", &out->length, err) || cb_json_get_object(object, "hashes", &hashes, err) ||
        cb_json_get_str(hashes, "sha256", &out->sha256, err) || cb_json_get_str(hashes, "sha512", &out->sha512, err))
        return -1;
    if (hashes && !out->sha256.n && !out->sha512.n)
        return cb_fail(err, CB_E_UNSUPPORTED, "hashes: neither SHA-256 nor SHA-512");
    return 0;
}

static int check_hash(enum cb_hash_kind kind, struct cb_str hex, struct cb_str bytes, struct cb_error *err)
{
    uint8_t sum[CB_HASH_MAX];
    char text[2 * CB_HASH_MAX + 1];
    if (!hex.n)
        return 0;
    cb_hash_once(kind, bytes.p, bytes.n, sum);
    cb_hex(text, sum, cb_hash_size(kind));
    return cb_str_is(hex, text) ? 0 : cb_fail(err, CB_E_TRUST, "its hash is %s, not %.*s", text, CB_STR_ARG(hex));
}

int cb_tuf_claim_check(const struct cb_tuf_claim *c, struct cb_str bytes, struct cb_error *err)
{
    if (c->length && c->length != bytes.n)
        return cb_fail(err, CB_E_TRUST, "it has %zu bytes, not %llu", bytes.n, (unsigned long long)c->length);
    return check_hash(CB_SHA256, c->sha256, bytes, err) || check_hash(CB_SHA512, c->sha512, bytes, err) ? -1 : 0;
}
