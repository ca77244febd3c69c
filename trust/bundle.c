// Reading bundles.
#include "cbuild/trust/bundle.h"

#include "cbuild/text/json_read.h"
#include "decode.h"

#define SMALL_MAX (64u << 10) // bytes of a certificate, timestamp or checkpoint

static int read_version(const struct json_t *root, struct cb_bundle *out, struct cb_error *err)
{
    static const struct {
        const char *type;
        int version;
    } types[] = {{"application/vnd.dev.sigstore.bundle+json;version=0.1", 1},
                 {"application/vnd.dev.sigstore.bundle+json;version=0.2", 2},
                 {"application/vnd.dev.sigstore.bundle+json;version=0.3", 3},
                 {"application/vnd.dev.sigstore.bundle.v0.3+json", 3}};
    struct cb_str type;
    if (cb_json_need_str(root, "mediaType", &type, err))
        return -1;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (cb_str_is(type, types[i].type)) {
            out->version = types[i].version;
            return 0;
        }
    return cb_fail(err, CB_E_UNSUPPORTED, "mediaType: \"%.*s\"; bundles v0.1, v0.2 and v0.3 are known",
                   CB_STR_ARG(type));
}

static int read_chain(struct cb_arena *a, const struct json_t *chain, struct cb_bundle *out, struct cb_error *err)
{
    struct json_t *list, *leaf;
    if (out->version == 3)
        return cb_fail(err, CB_E_INPUT, "x509CertificateChain: a bundle v0.3 has a certificate instead");
    if (cb_json_need_array(chain, "certificates", &list, err))
        return -1;
    size_t n = cb_json_count(list);
    if (n == 0 || n > CB_BUNDLE_CERTIFICATES_MAX)
        return cb_fail(err, n ? CB_E_LIMIT : CB_E_INPUT, "x509CertificateChain: %zu certificates", n);
    // Those above the first are not looked at: the chain ends in the trusted root's, which has them.
    return cb_json_as_object(cb_json_at(list, 0), "certificates", &leaf, err) ||
                   cb_need_base64(a, leaf, "rawBytes", SMALL_MAX, &out->certificate, err)
               ? -1
               : 0;
}

static int read_signer(struct cb_arena *a, const struct json_t *material, struct cb_bundle *out, struct cb_error *err)
{
    struct json_t *certificate, *chain, *key;
    if (cb_json_get_object(material, "certificate", &certificate, err) ||
        cb_json_get_object(material, "x509CertificateChain", &chain, err) ||
        cb_json_get_object(material, "publicKey", &key, err))
        return -1;
    if (!!certificate + !!chain + !!key != 1)
        return cb_fail(err, CB_E_INPUT,
                       "verificationMaterial: wanted one of certificate, x509CertificateChain and "
                       "publicKey");
    if (chain)
        return read_chain(a, chain, out, err);
    return certificate ? cb_need_base64(a, certificate, "rawBytes", SMALL_MAX, &out->certificate, err) : 0;
}

static int read_proof(struct cb_arena *a, const struct json_t *proof, struct cb_log_entry *e, struct cb_error *err)
{
    struct json_t *list, *checkpoint;
    struct cb_str text;
    if (cb_get_u64(proof, "logIndex", &e->proof_index, err) || cb_need_u64(proof, "treeSize", &e->tree_size, err) ||
        cb_need_base64(a, proof, "rootHash", 32, &e->root_hash, err) ||
        cb_json_get_array(proof, "hashes", &list, err) || cb_json_get_object(proof, "checkpoint", &checkpoint, err) ||
        cb_json_get_str(checkpoint, "envelope", &text, err))
        return -1;
    size_t n = cb_json_count(list);
    if (n > CB_BUNDLE_PROOF_MAX || text.n > SMALL_MAX)
        return cb_fail(err, CB_E_LIMIT, "%zu hashes and a checkpoint of %zu bytes", n, text.n);
    e->checkpoint = cb_arena_str(a, text);
    e->hashes = cb_arena_alloc(a, (n + 1) * sizeof *e->hashes);
    for (; e->nhashes < n; e->nhashes++) {
        struct cb_str hash;
        if (cb_json_as_str(cb_json_at(list, e->nhashes), "hashes", &hash, err) ||
            cb_decode_base64(a, hash, "hashes", 32, &e->hashes[e->nhashes], err))
            return -1;
        if (e->hashes[e->nhashes].n != 32)
            return cb_fail(err, CB_E_INPUT, "hashes: one of %zu bytes", e->hashes[e->nhashes].n);
    }
    e->has_proof = true;
    return 0;
}

static int read_entry(struct cb_arena *a, const struct json_t *obj, struct cb_log_entry *e, struct cb_error *err)
{
    struct json_t *id, *kind, *promise, *proof;
    struct cb_str name, version;
    uint64_t time;
    if (cb_get_u64(obj, "logIndex", &e->index, err) || cb_get_u64(obj, "integratedTime", &time, err) ||
        cb_json_need_object(obj, "logId", &id, err) || cb_need_base64(a, id, "keyId", 64, &e->log_id, err) ||
        cb_json_need_object(obj, "kindVersion", &kind, err) || cb_json_need_str(kind, "kind", &name, err) ||
        cb_json_need_str(kind, "version", &version, err) ||
        cb_need_base64(a, obj, "canonicalizedBody", CB_ENVELOPE_MAX, &e->body, err) ||
        cb_json_get_object(obj, "inclusionPromise", &promise, err) ||
        cb_get_base64(a, promise, "signedEntryTimestamp", CB_SIGNATURE_MAX, &e->promise, err) ||
        cb_json_get_object(obj, "inclusionProof", &proof, err))
        return -1;
    e->integrated_time = (int64_t)time;
    e->kind = cb_arena_str(a, name);
    e->version = cb_arena_str(a, version);
    return proof && read_proof(a, proof, e, err) ? cb_context(err, "inclusionProof") : 0;
}

// A bundle v0.1 may rest on the log's promise alone; later ones prove that the entry is in the log.
static int check_entry(const struct cb_bundle *b, struct cb_log_entry *e, struct cb_error *err)
{
    if (!e->has_proof && (b->version > 1 || !e->promise.n))
        return cb_fail(err, CB_E_INPUT, "no inclusion proof");
    e->needs_checkpoint = b->version > 1 || !e->promise.n;
    return 0;
}

static int read_entries(struct cb_arena *a, const struct json_t *material, struct cb_bundle *out, struct cb_error *err)
{
    struct json_t *list, *item;
    if (cb_json_get_array(material, "tlogEntries", &list, err))
        return -1;
    size_t n = cb_json_count(list);
    if (n > CB_BUNDLE_ENTRIES_MAX)
        return cb_fail(err, CB_E_LIMIT, "%zu log entries; %u are the most", n, CB_BUNDLE_ENTRIES_MAX);
    out->entries = cb_arena_alloc(a, (n + 1) * sizeof *out->entries);
    for (size_t i = 0; i < n; i++, out->nentries++)
        if (cb_json_as_object(cb_json_at(list, i), "tlogEntries", &item, err) ||
            read_entry(a, item, &out->entries[i], err) || check_entry(out, &out->entries[i], err))
            return cb_context(err, "log entry %zu", i);
    return 0;
}

static int read_timestamps(struct cb_arena *a, const struct json_t *material, struct cb_bundle *out,
                           struct cb_error *err)
{
    struct json_t *data, *list, *item;
    if (cb_json_get_object(material, "timestampVerificationData", &data, err) ||
        cb_json_get_array(data, "rfc3161Timestamps", &list, err))
        return -1;
    size_t n = cb_json_count(list);
    if (n > CB_BUNDLE_TIMESTAMPS_MAX)
        return cb_fail(err, CB_E_LIMIT, "%zu timestamps; %u are the most", n, CB_BUNDLE_TIMESTAMPS_MAX);
    out->timestamps = cb_arena_alloc(a, (n + 1) * sizeof *out->timestamps);
    for (size_t i = 0; i < n; i++, out->ntimestamps++)
        if (cb_json_as_object(cb_json_at(list, i), "rfc3161Timestamps", &item, err) ||
            cb_need_base64(a, item, "signedTimestamp", SMALL_MAX, &out->timestamps[i], err))
            return cb_context(err, "timestamp %zu", i);
    return 0;
}

static int read_content(struct cb_arena *a, const struct json_t *root, struct cb_bundle *out, struct cb_error *err)
{
    struct json_t *message, *envelope, *digest;
    struct cb_str algorithm;
    if (cb_json_get_object(root, "messageSignature", &message, err) ||
        cb_json_get_object(root, "dsseEnvelope", &envelope, err))
        return -1;
    if (!message == !envelope)
        return cb_fail(err, CB_E_INPUT, "wanted one of messageSignature and dsseEnvelope");
    if (envelope) {
        if (cb_envelope_read(a, envelope, &out->envelope, err))
            return cb_context(err, "dsseEnvelope");
        if (out->envelope.nsignatures != 1)
            return cb_fail(err, CB_E_INPUT, "an envelope with %zu signatures; in a bundle it has one",
                           out->envelope.nsignatures);
        out->is_envelope = true;
        out->signature = out->envelope.signatures[0];
        return 0;
    }
    if (cb_need_base64(a, message, "signature", CB_SIGNATURE_MAX, &out->signature, err) ||
        cb_json_get_object(message, "messageDigest", &digest, err) ||
        cb_json_get_str(digest, "algorithm", &algorithm, err) ||
        cb_get_base64(a, digest, "digest", 64, &out->digest, err))
        return cb_context(err, "messageSignature");
    out->digest_algorithm = cb_arena_str(a, algorithm);
    return 0;
}

int cb_bundle_parse(struct cb_arena *a, struct cb_str text, const char *what, struct cb_bundle *out,
                    struct cb_error *err)
{
    struct json_t *root, *material;
    *out = (struct cb_bundle){0};
    CB_JSON_AUTO *json = cb_json_read(text, what, CB_ENVELOPE_MAX, err);
    if (!json)
        return -1;
    if (cb_json_as_object(json, "bundle", &root, err) || read_version(root, out, err) ||
        cb_json_need_object(root, "verificationMaterial", &material, err) || read_signer(a, material, out, err) ||
        read_entries(a, material, out, err) || read_timestamps(a, material, out, err) ||
        read_content(a, root, out, err))
        return cb_context(err, "%s", what);
    return 0;
}
