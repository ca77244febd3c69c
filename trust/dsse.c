#include "cbuild/trust/dsse.h"

#include "cbuild/text/gojson.h"
#include "cbuild/text/json_read.h"
#include "decode.h"

static int read_signatures(struct cb_arena *a, const struct json_t *list, struct cb_envelope *out, struct cb_error *err)
{
    size_t n = cb_json_count(list);
    if (n == 0)
        return cb_fail(err, CB_E_INPUT, "the envelope has no signature");
    if (n > CB_ENVELOPE_SIGNATURES_MAX)
        return cb_fail(err, CB_E_LIMIT, "the envelope has %zu signatures; %u are the most", n,
                       CB_ENVELOPE_SIGNATURES_MAX);
    out->signatures = cb_arena_alloc(a, n * sizeof *out->signatures);
    for (size_t i = 0; i < n; i++) {
        struct json_t *item;
        if (cb_json_as_object(cb_json_at(list, i), "signatures", &item, err) ||
            cb_need_base64(a, item, "sig", CB_SIGNATURE_MAX, &out->signatures[out->nsignatures], err))
            return cb_context(err, "signature %zu", i);
        out->nsignatures++;
    }
    return 0;
}

int cb_envelope_read(struct cb_arena *a, const struct json_t *object, struct cb_envelope *out, struct cb_error *err)
{
    struct cb_str type;
    struct json_t *list;
    *out = (struct cb_envelope){0};
    if (cb_json_need_str(object, "payloadType", &type, err) ||
        cb_need_base64(a, object, "payload", CB_ENVELOPE_MAX, &out->payload, err) ||
        cb_json_need_array(object, "signatures", &list, err))
        return -1;
    out->payload_type = cb_arena_str(a, type);
    return read_signatures(a, list, out, err);
}

int cb_envelope_parse(struct cb_arena *a, struct cb_str text, const char *what, struct cb_envelope *out,
                      struct cb_error *err)
{
    CB_JSON_AUTO *root = cb_json_read(text, what, CB_ENVELOPE_MAX, err);
    struct json_t *object;
    if (!root)
        return -1;
    if (cb_json_as_object(root, "envelope", &object, err) || cb_envelope_read(a, object, out, err))
        return cb_context(err, "%s", what);
    return 0;
}

void cb_envelope_pae(const struct cb_envelope *e, struct cb_buf *out)
{
    cb_buf_addf(out, "DSSEv1 %zu ", e->payload_type.n);
    cb_buf_addstr(out, e->payload_type);
    cb_buf_addf(out, " %zu ", e->payload.n);
    cb_buf_addstr(out, e->payload);
}

static void write_base64(struct cb_json *j, const char *key, struct cb_str bytes)
{
    CB_BUF_AUTO text = {0};
    cb_base64_add(&text, bytes.p, bytes.n);
    cb_json_key(j, key);
    cb_json_str(j, cb_buf_str(&text));
}

void cb_envelope_write(const struct cb_envelope *e, struct cb_buf *out)
{
    struct cb_json j = cb_json(out, NULL, NULL);
    cb_json_object(&j);
    cb_json_key(&j, "payloadType");
    cb_json_str(&j, e->payload_type);
    write_base64(&j, "payload", e->payload);
    cb_json_key(&j, "signatures");
    cb_json_array(&j);
    for (size_t i = 0; i < e->nsignatures; i++) {
        cb_json_object(&j);
        write_base64(&j, "sig", e->signatures[i]);
        cb_json_end(&j);
    }
    cb_json_end(&j);
    cb_json_end(&j);
}

int cb_envelope_verify(const struct cb_envelope *e, const struct cb_verifier *v, size_t *which, struct cb_error *err)
{
    CB_BUF_AUTO pae = {0};
    struct cb_signed_data data;
    cb_envelope_pae(e, &pae);
    cb_signed_data_of(&data, cb_buf_str(&pae));
    for (size_t i = 0; i < e->nsignatures; i++) {
        CB_ERROR_AUTO unlike = CB_ERROR_INIT;
        if (cb_verifier_check(v, &data, e->signatures[i], &unlike))
            continue;
        if (which)
            *which = i;
        return 0;
    }
    return cb_fail(err, CB_E_TRUST, "%s of the envelope is by %s",
                   e->nsignatures == 1 ? "the one signature" : "none of the signatures",
                   e->nsignatures == 1 ? "another key than the one asked for, or over something else"
                                       : "the key asked for");
}
