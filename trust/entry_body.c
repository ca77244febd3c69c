// What a log entry is about. An entry proves something about this signature only where its body names this very
// signature, signer and content: a genuine entry of another artifact proves nothing.
#include "cbuild/crypto/key.h"
#include "cbuild/text/json_read.h"
#include "decode.h"
#include "parts.h"

static int mismatch(struct cb_error *err, const char *what)
{
    return cb_fail(err, CB_E_TRUST, "the log entry is about another %s", what);
}

static int check_signer_der(const struct cb_entry_subject *s, bool is_certificate, struct cb_str der,
                            struct cb_error *err)
{
    struct cb_str mine = s->certificate.n ? s->certificate : s->spki;
    if (is_certificate != (s->certificate.n > 0) || !cb_str_eq(mine, der))
        return mismatch(err, s->certificate.n ? "certificate" : "key");
    return 0;
}

static int check_signer_pem(const struct cb_entry_subject *s, struct cb_str pem, struct cb_error *err)
{
    CB_BUF_AUTO der = {0};
    struct cb_str label;
    if (cb_pem_decode(pem, &label, &der))
        return cb_fail(err, CB_E_INPUT, "the log entry's signer is not PEM");
    return check_signer_der(s, cb_str_is(label, "CERTIFICATE"), cb_buf_str(&der), err);
}

static int check_digest(struct cb_str algorithm, struct cb_str digest, const struct cb_signed_data *d,
                        struct cb_error *err)
{
    const struct {
        const char *names[2];
        struct cb_str digest;
        bool known;
    } all[] = {{{"sha256", "SHA2_256"}, cb_strn(d->sha256, 32), true},
               {{"sha384", "SHA2_384"}, cb_strn(d->sha384, 48), !d->sha256_only},
               {{"sha512", "SHA2_512"}, cb_strn(d->sha512, 64), !d->sha256_only}};
    for (size_t i = 0; i < 3; i++)
        if (cb_str_is(algorithm, all[i].names[0]) || cb_str_is(algorithm, all[i].names[1])) {
            if (!all[i].known)
                return cb_fail(err, CB_E_UNSUPPORTED, "the log entry has a %s; only a SHA-256 is at hand",
                               all[i].names[0]);
            return cb_str_eq(digest, all[i].digest) ? 0 : mismatch(err, "artifact");
        }
    return cb_fail(err, CB_E_UNSUPPORTED, "the log entry's digest is a \"%.*s\"", CB_STR_ARG(algorithm));
}

static int check_hex_digest(const struct json_t *hash, const struct cb_signed_data *d, struct cb_error *err)
{
    struct cb_str algorithm, hex;
    uint8_t bytes[64];
    if (cb_json_need_str(hash, "algorithm", &algorithm, err) || cb_json_need_str(hash, "value", &hex, err))
        return -1;
    if (hex.n > 128 || !cb_unhex(bytes, hex.n / 2, hex))
        return cb_fail(err, CB_E_INPUT, "value: not hexadecimal");
    return check_digest(algorithm, cb_strn(bytes, hex.n / 2), d, err);
}

static int check_base64_digest(struct cb_arena *a, const struct json_t *hash, const struct cb_signed_data *d,
                               struct cb_error *err)
{
    struct cb_str algorithm, digest;
    if (cb_json_need_str(hash, "algorithm", &algorithm, err) || cb_need_base64(a, hash, "digest", 64, &digest, err))
        return -1;
    return check_digest(algorithm, digest, d, err);
}

static int check_sig(const struct cb_entry_subject *s, struct cb_str sig, struct cb_error *err)
{
    return cb_str_eq(sig, s->signature) ? 0 : mismatch(err, "signature");
}

static int check_v2_signature(struct cb_arena *a, const struct json_t *signature, const struct cb_entry_subject *s,
                              struct cb_error *err)
{
    struct json_t *verifier, *certificate, *key;
    struct cb_str sig, der;
    if (cb_need_base64(a, signature, "content", CB_SIGNATURE_MAX, &sig, err) || check_sig(s, sig, err) ||
        cb_json_need_object(signature, "verifier", &verifier, err) ||
        cb_json_get_object(verifier, "x509Certificate", &certificate, err) ||
        cb_json_get_object(verifier, "publicKey", &key, err))
        return -1;
    if (!certificate == !key)
        return cb_fail(err, CB_E_INPUT, "verifier: wanted one of x509Certificate and publicKey");
    return cb_need_base64(a, certificate ? certificate : key, "rawBytes", CB_KEY_TEXT_MAX, &der, err) ||
                   check_signer_der(s, certificate != NULL, der, err)
               ? -1
               : 0;
}

static int only_item(const struct json_t *obj, const char *key, struct json_t **out, struct cb_error *err)
{
    struct json_t *list;
    if (cb_json_need_array(obj, key, &list, err))
        return -1;
    if (cb_json_count(list) != 1)
        return cb_fail(err, CB_E_INPUT, "%s: %zu of them, wanted one", key, cb_json_count(list));
    return cb_json_as_object(cb_json_at(list, 0), key, out, err);
}

static int hashedrekord_1(struct cb_arena *a, const struct json_t *spec, const struct cb_entry_subject *s,
                          struct cb_error *err)
{
    struct json_t *data, *hash, *signature, *key;
    struct cb_str sig, pem;
    return cb_json_need_object(spec, "data", &data, err) || cb_json_need_object(data, "hash", &hash, err) ||
                   check_hex_digest(hash, s->data, err) || cb_json_need_object(spec, "signature", &signature, err) ||
                   cb_need_base64(a, signature, "content", CB_SIGNATURE_MAX, &sig, err) || check_sig(s, sig, err) ||
                   cb_json_need_object(signature, "publicKey", &key, err) ||
                   cb_need_base64(a, key, "content", CB_KEY_TEXT_MAX, &pem, err) || check_signer_pem(s, pem, err)
               ? -1
               : 0;
}

static int hashedrekord_2(struct cb_arena *a, const struct json_t *spec, const struct cb_entry_subject *s,
                          struct cb_error *err)
{
    struct json_t *inner, *data, *signature;
    return cb_json_need_object(spec, "hashedRekordV002", &inner, err) ||
                   cb_json_need_object(inner, "data", &data, err) || check_base64_digest(a, data, s->data, err) ||
                   cb_json_need_object(inner, "signature", &signature, err) || check_v2_signature(a, signature, s, err)
               ? -1
               : 0;
}

static int dsse_1(struct cb_arena *a, const struct json_t *spec, const struct cb_entry_subject *s, struct cb_error *err)
{
    struct cb_signed_data payload;
    struct json_t *hash, *signature;
    struct cb_str sig, pem;
    cb_signed_data_of(&payload, s->envelope->payload);
    return cb_json_need_object(spec, "payloadHash", &hash, err) || check_hex_digest(hash, &payload, err) ||
                   only_item(spec, "signatures", &signature, err) ||
                   cb_need_base64(a, signature, "signature", CB_SIGNATURE_MAX, &sig, err) || check_sig(s, sig, err) ||
                   cb_need_base64(a, signature, "verifier", CB_KEY_TEXT_MAX, &pem, err) || check_signer_pem(s, pem, err)
               ? -1
               : 0;
}

static int dsse_2(struct cb_arena *a, const struct json_t *spec, const struct cb_entry_subject *s, struct cb_error *err)
{
    struct cb_signed_data payload;
    struct json_t *inner, *hash, *signature;
    cb_signed_data_of(&payload, s->envelope->payload);
    return cb_json_need_object(spec, "dsseV002", &inner, err) ||
                   cb_json_need_object(inner, "payloadHash", &hash, err) ||
                   check_base64_digest(a, hash, &payload, err) || only_item(inner, "signatures", &signature, err) ||
                   check_v2_signature(a, signature, s, err)
               ? -1
               : 0;
}

// It names the envelope by a digest of its JSON, signature and all.
static int intoto_1(struct cb_arena *a, const struct json_t *spec, const struct cb_entry_subject *s,
                    struct cb_error *err)
{
    struct cb_signed_data text;
    struct json_t *content, *hash;
    struct cb_str pem;
    if (!s->envelope_text.p)
        return cb_fail(err, CB_E_UNSUPPORTED, "a log entry of kind intoto 0.0.1 within a bundle");
    cb_signed_data_of(&text, s->envelope_text);
    return cb_json_need_object(spec, "content", &content, err) || cb_json_need_object(content, "hash", &hash, err) ||
                   check_hex_digest(hash, &text, err) ||
                   cb_need_base64(a, spec, "publicKey", CB_KEY_TEXT_MAX, &pem, err) || check_signer_pem(s, pem, err)
               ? -1
               : 0;
}

// Its signature is base64 of base64.
static int intoto_2(struct cb_arena *a, const struct json_t *spec, const struct cb_entry_subject *s,
                    struct cb_error *err)
{
    struct cb_signed_data payload;
    struct json_t *content, *hash, *envelope, *signature;
    struct cb_str text, sig, pem, type;
    cb_signed_data_of(&payload, s->envelope->payload);
    if (cb_json_need_object(spec, "content", &content, err) ||
        cb_json_need_object(content, "payloadHash", &hash, err) || check_hex_digest(hash, &payload, err) ||
        cb_json_need_object(content, "envelope", &envelope, err) ||
        cb_json_need_str(envelope, "payloadType", &type, err) || only_item(envelope, "signatures", &signature, err) ||
        cb_need_base64(a, signature, "sig", 2 * CB_SIGNATURE_MAX, &text, err) ||
        cb_decode_base64(a, text, "sig", CB_SIGNATURE_MAX, &sig, err) || check_sig(s, sig, err) ||
        cb_need_base64(a, signature, "publicKey", CB_KEY_TEXT_MAX, &pem, err))
        return -1;
    if (!cb_str_eq(type, s->envelope->payload_type))
        return mismatch(err, "type of payload");
    return check_signer_pem(s, pem, err);
}

static const struct {
    const char *kind, *version;
    bool needs_envelope;
    int (*check)(struct cb_arena *a, const struct json_t *spec, const struct cb_entry_subject *s, struct cb_error *err);
} kinds[] = {{"hashedrekord", "0.0.1", false, hashedrekord_1},
             {"hashedrekord", "0.0.2", false, hashedrekord_2},
             {"dsse", "0.0.1", true, dsse_1},
             {"dsse", "0.0.2", true, dsse_2},
             {"intoto", "0.0.1", true, intoto_1},
             {"intoto", "0.0.2", true, intoto_2}};

static int check_body(struct cb_arena *a, const struct json_t *json, const struct cb_log_entry *e,
                      const struct cb_entry_subject *s, struct cb_error *err)
{
    struct json_t *root, *spec;
    struct cb_str kind, version;
    if (cb_json_as_object(json, "body", &root, err) || cb_json_need_str(root, "kind", &kind, err) ||
        cb_json_need_str(root, "apiVersion", &version, err) || cb_json_need_object(root, "spec", &spec, err))
        return -1;
    if (!cb_str_eq(kind, e->kind) || !cb_str_eq(version, e->version))
        return cb_fail(err, CB_E_TRUST, "the log entry is of kind %.*s %.*s, not %.*s %.*s", CB_STR_ARG(kind),
                       CB_STR_ARG(version), CB_STR_ARG(e->kind), CB_STR_ARG(e->version));
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (cb_str_is(kind, kinds[i].kind) && cb_str_is(version, kinds[i].version)) {
            if (kinds[i].needs_envelope && !s->envelope)
                return mismatch(err, "sort of content: an envelope");
            return kinds[i].check(a, spec, s, err);
        }
    return cb_fail(err, CB_E_UNSUPPORTED, "log entries of kind %.*s %.*s are not supported", CB_STR_ARG(kind),
                   CB_STR_ARG(version));
}

int cb_entry_check_body(const struct cb_log_entry *e, const struct cb_entry_subject *s, struct cb_error *err)
{
    CB_ARENA_AUTO a = {0};
    CB_JSON_AUTO *json = cb_json_read(e->body, "log entry", CB_ENVELOPE_MAX, err);
    return json ? check_body(&a, json, e, s, err) : -1;
}
