// What cosign v2 keeps in annotations, as a bundle.
// Source: cosign specs/SIGNATURE_SPEC.md, specs/ATTESTATION_SPEC.md.
#include "cbuild/crypto/key.h"
#include "cbuild/oci/manifest.h"
#include "cbuild/text/json_read.h"
#include "cbuild/trust/bundle.h"
#include "decode.h"

#define SMALL_MAX (64u << 10) // bytes of a certificate or timestamp

static int read_certificate(struct cb_arena *a, struct cb_str pem, struct cb_bundle *out, struct cb_error *err)
{
    CB_BUF_AUTO der = {0};
    struct cb_str rest = pem, label;
    if (!pem.n)
        return 0;
    if (pem.n > SMALL_MAX)
        return cb_fail(err, CB_E_LIMIT, "a certificate of %zu bytes", pem.n);
    if (cb_pem_next(&rest, &label, &der) != 1 || !cb_str_is(label, "CERTIFICATE") || cb_str_trim(rest).n)
        return cb_fail(err, CB_E_INPUT, "the annotation dev.sigstore.cosign/certificate is not one certificate");
    out->certificate = cb_arena_str(a, cb_buf_str(&der));
    return 0;
}

// The annotation does not say of what kind the entry is; its body does.
static int read_kind(struct cb_arena *a, struct cb_log_entry *e, struct cb_error *err)
{
    struct json_t *body;
    struct cb_str kind, version;
    CB_JSON_AUTO *json = cb_json_read(e->body, "log entry", CB_ENVELOPE_MAX, err);
    if (!json || cb_json_as_object(json, "log entry", &body, err) || cb_json_need_str(body, "kind", &kind, err) ||
        cb_json_need_str(body, "apiVersion", &version, err))
        return -1;
    e->kind = cb_arena_str(a, kind);
    e->version = cb_arena_str(a, version);
    return 0;
}

static int read_log_id(struct cb_arena *a, struct cb_str hex, struct cb_log_entry *e, struct cb_error *err)
{
    uint8_t id[CB_SHA256_SIZE];
    if (!cb_unhex(id, sizeof id, hex))
        return cb_fail(err, CB_E_INPUT, "logID: not 64 hexadecimal digits");
    e->log_id = cb_arena_str(a, cb_strn(id, sizeof id));
    return 0;
}

static int read_payload(struct cb_arena *a, const struct json_t *root, struct cb_log_entry *e, struct cb_error *err)
{
    struct json_t *payload;
    struct cb_str id;
    uint64_t time;
    if (cb_need_base64(a, root, "SignedEntryTimestamp", CB_SIGNATURE_MAX, &e->promise, err) ||
        cb_json_need_object(root, "Payload", &payload, err) ||
        cb_need_base64(a, payload, "body", CB_ENVELOPE_MAX, &e->body, err) ||
        cb_json_need_size(payload, "integratedTime", &time, err) ||
        cb_json_need_size(payload, "logIndex", &e->index, err) || cb_json_need_str(payload, "logID", &id, err))
        return -1;
    e->integrated_time = (int64_t)time;
    return read_log_id(a, id, e, err) || read_kind(a, e, err) ? -1 : 0;
}

static int read_entry(struct cb_arena *a, struct cb_str text, struct cb_bundle *out, struct cb_error *err)
{
    struct json_t *root;
    if (!text.n)
        return 0;
    CB_JSON_AUTO *json = cb_json_read(text, "dev.sigstore.cosign/bundle", CB_ENVELOPE_MAX, err);
    out->entries = cb_arena_alloc(a, sizeof *out->entries);
    if (!json || cb_json_as_object(json, "bundle", &root, err) || read_payload(a, root, out->entries, err))
        return -1;
    out->nentries = 1;
    return 0;
}

static int read_timestamp(struct cb_arena *a, struct cb_str text, struct cb_bundle *out, struct cb_error *err)
{
    struct json_t *root;
    if (!text.n)
        return 0;
    CB_JSON_AUTO *json = cb_json_read(text, "dev.sigstore.cosign/rfc3161timestamp", SMALL_MAX, err);
    out->timestamps = cb_arena_alloc(a, sizeof *out->timestamps);
    if (!json || cb_json_as_object(json, "timestamp", &root, err) ||
        cb_need_base64(a, root, "SignedRFC3161Timestamp", SMALL_MAX, out->timestamps, err))
        return -1;
    out->ntimestamps = 1;
    return 0;
}

static int read_signature(struct cb_arena *a, struct cb_str text, struct cb_bundle *out, struct cb_error *err)
{
    if (!text.n)
        return cb_fail(err, CB_E_INPUT, "the annotation dev.cosignproject.cosign/signature is missing");
    return cb_decode_base64(a, text, "dev.cosignproject.cosign/signature", CB_SIGNATURE_MAX, &out->signature, err);
}

static int read_envelope(struct cb_arena *a, struct cb_str blob, struct cb_bundle *out, struct cb_error *err)
{
    if (cb_envelope_parse(a, blob, "envelope", &out->envelope, err))
        return -1;
    out->is_envelope = true;
    out->envelope_text = blob;
    out->signature = out->envelope.signatures[0];
    return 0;
}

int cb_bundle_from_annotations(struct cb_arena *a, struct cb_str blob, bool is_envelope,
                               const struct cb_string_map *annotations, struct cb_bundle *out, struct cb_error *err)
{
    struct cb_str signature = cb_string_map_get(annotations, CB_STR("dev.cosignproject.cosign/signature"));
    struct cb_str certificate = cb_string_map_get(annotations, CB_STR("dev.sigstore.cosign/certificate"));
    struct cb_str entry = cb_string_map_get(annotations, CB_STR("dev.sigstore.cosign/bundle"));
    struct cb_str timestamp = cb_string_map_get(annotations, CB_STR("dev.sigstore.cosign/rfc3161timestamp"));
    *out = (struct cb_bundle){.version = 1};
    if (is_envelope ? read_envelope(a, blob, out, err) : read_signature(a, signature, out, err))
        return -1;
    return read_certificate(a, certificate, out, err) || read_entry(a, entry, out, err) ||
                   read_timestamp(a, timestamp, out, err)
               ? -1
               : 0;
}
