// Verifying a bundle, in the order in which a refusal says most: is it signed, is it about the artifact, when was that,
// was it logged, was the certificate good then, and is the signer the one asked for.
#include "cbuild/trust/bundle.h"

#include "parts.h"

struct verification {
    struct cb_arena *arena;
    const struct cb_bundle *bundle;
    const struct cb_bundle_policy *policy;
    const struct cb_signed_data *artifact;
    struct cb_signer certificate;
    const struct cb_verifier *key; // the signer's
    struct cb_buf pae;
    struct cb_signed_data envelope_data;
    const struct cb_signed_data *data;                               // what is signed
    struct cb_str signature;                                         // the signer's
    int64_t times[CB_BUNDLE_ENTRIES_MAX + CB_BUNDLE_TIMESTAMPS_MAX]; // verified times of signing
    size_t ntimes;
};

static int open_signer(struct verification *v, struct cb_bundle_signer *signer, struct cb_error *err)
{
    if (v->policy->key && v->bundle->certificate.n)
        return cb_fail(err, CB_E_TRUST, "it is signed by a certificate's key, you asked for a public key");
    if (!v->policy->key && !v->bundle->certificate.n) {
        cb_fail(err, CB_E_TRUST, "it is signed by a public key, you asked for a certificate's identity");
        return cb_hint(err, "--key FILE with the signer's public key");
    }
    v->key = v->policy->key;
    if (v->key)
        return 0;
    if (cb_signer_open(v->arena, v->bundle->certificate, &v->certificate, err))
        return -1;
    v->key = v->certificate.key;
    *signer = (struct cb_bundle_signer){v->certificate.identity, v->certificate.issuer, 0};
    return 0;
}

// The digest beside a message's signature is a hint; but one that contradicts the artifact is a broken bundle.
static int check_hint(const struct verification *v, struct cb_error *err)
{
    const struct cb_bundle *b = v->bundle;
    struct cb_str mine = {0};
    if (cb_str_is(b->digest_algorithm, "SHA2_256"))
        mine = cb_strn(v->data->sha256, 32);
    else if (cb_str_is(b->digest_algorithm, "SHA2_384") && !v->data->sha256_only)
        mine = cb_strn(v->data->sha384, 48);
    else if (cb_str_is(b->digest_algorithm, "SHA2_512") && !v->data->sha256_only)
        mine = cb_strn(v->data->sha512, 64);
    if (!b->digest.n || !mine.n || cb_str_eq(mine, b->digest))
        return 0;
    return cb_fail(err, CB_E_TRUST, "the bundle's message digest is not the artifact's");
}

// An envelope outside of a bundle may have signatures by several keys.
static int find_signature(struct verification *v, struct cb_error *err)
{
    size_t which;
    if (cb_envelope_verify(&v->bundle->envelope, v->key, &which, err))
        return -1;
    v->signature = v->bundle->envelope.signatures[which];
    return 0;
}

static int check_signature(struct verification *v, struct cb_error *err)
{
    if (v->bundle->is_envelope) {
        cb_envelope_pae(&v->bundle->envelope, &v->pae);
        cb_signed_data_of(&v->envelope_data, cb_buf_str(&v->pae));
        v->data = &v->envelope_data;
    } else {
        v->data = v->artifact;
        if (check_hint(v, err))
            return -1;
    }
    v->signature = v->bundle->signature;
    if (v->bundle->is_envelope && v->bundle->envelope.nsignatures > 1)
        return find_signature(v, err);
    return cb_verifier_check(v->key, v->data, v->signature, err);
}

static int check_statement(const struct verification *v, struct cb_error *err)
{
    struct cb_statement s;
    char hex[CB_SHA256_HEX];
    if (!v->bundle->is_envelope)
        return 0;
    cb_hex(hex, v->artifact->sha256, CB_SHA256_SIZE);
    return cb_statement_parse(v->arena, &v->bundle->envelope, &s, err) || cb_statement_has_subject(&s, cb_str(hex), err)
               ? -1
               : 0;
}

static bool signature_is_enough(const struct cb_bundle_policy *p)
{
    return p->key && p->ignore_log && !p->needs_timestamp;
}

static int check_timestamps(struct verification *v, struct cb_error *err)
{
    if (signature_is_enough(v->policy))
        return 0;
    if (v->policy->needs_timestamp && !v->bundle->ntimestamps)
        return cb_fail(err, CB_E_TRUST, "it has no signed timestamp, and you asked for one");
    // In a bundle the signature is what has a time; cosign v2 gives it to an envelope as a whole.
    struct cb_str signed_then = v->bundle->envelope_text.p ? v->bundle->envelope_text : v->signature;
    for (size_t i = 0; i < v->bundle->ntimestamps; i++) {
        if (cb_timestamp_check(v->bundle->timestamps[i], signed_then, v->policy->root, &v->times[v->ntimes], err))
            return v->bundle->ntimestamps > 1 ? cb_context(err, "timestamp %zu", i) : -1;
        v->ntimes++;
    }
    return 0;
}

// The log's key must have been valid at the time that the log itself promises, else at every other time that is known.
// An integrated time without promise is nobody's word, and no time.
static int check_log_window(struct verification *v, const struct cb_log_entry *e, const struct cb_log *log,
                            struct cb_error *err)
{
    size_t first = 0;
    if (log->window.start == INT64_MAX)
        return cb_fail(err, CB_E_TRUST, "the trusted root does not say from when the key of the log %.*s is valid",
                       CB_STR_ARG(log->base_url));
    if (e->promise.n) {
        if (e->integrated_time <= 0)
            return cb_fail(err, CB_E_INPUT, "a promise without a time");
        first = v->ntimes;
        v->times[v->ntimes++] = e->integrated_time;
    }
    for (size_t i = first; i < v->ntimes; i++)
        if (!cb_window_has(log->window, v->times[i]))
            return cb_fail(err, CB_E_TRUST, "the key of the log %.*s was not valid at the time (%lld)",
                           CB_STR_ARG(log->base_url), (long long)v->times[i]);
    return 0;
}

static int check_entry(struct verification *v, const struct cb_log_entry *e, struct cb_error *err)
{
    const struct cb_entry_subject subject = {
        .certificate = v->bundle->certificate,
        .spki = cb_verifier_spki(v->key),
        .signature = v->signature,
        .data = v->data,
        .envelope = v->bundle->is_envelope ? &v->bundle->envelope : NULL,
        .envelope_text = v->bundle->envelope_text,
    };
    const struct cb_log *log = cb_entry_log(e, v->policy->root);
    if (!log)
        return cb_fail(err, CB_E_TRUST, "it is of a log that the trusted root does not name");
    if (cb_entry_check_body(e, &subject, err) || (e->promise.n && cb_entry_check_promise(e, log, err)) ||
        (e->has_proof && cb_entry_check_proof(e, log, err)))
        return -1;
    return check_log_window(v, e, log, err);
}

static int check_entries(struct verification *v, struct cb_error *err)
{
    if (v->policy->ignore_log)
        return 0;
    if (!v->bundle->nentries)
        return cb_fail(err, CB_E_TRUST, "it has no entry in a transparency log");
    for (size_t i = 0; i < v->bundle->nentries; i++)
        if (check_entry(v, &v->bundle->entries[i], err))
            return cb_context(err, "log entry %zu", i);
    return 0;
}

static int check_certificate(struct verification *v, struct cb_error *err)
{
    uint8_t issuer[32];
    if (!v->certificate.x)
        return 0;
    if (!v->ntimes && v->policy->ignore_log)
        v->times[v->ntimes++] = v->policy->now;
    if (!v->ntimes)
        return cb_fail(err, CB_E_TRUST,
                       "nobody who is trusted says when it was signed: no timestamp, and no log's "
                       "promise with a time");
    for (size_t i = 0; i < v->ntimes; i++)
        if (cb_signer_check_chain(&v->certificate, v->policy->root, v->times[i], issuer, err))
            return -1;
    if (v->policy->ignore_sct)
        return 0;
    return cb_signer_check_sct(&v->certificate, v->policy->root, issuer, err);
}

static int check(struct verification *v, struct cb_bundle_signer *signer, struct cb_error *err)
{
    if (open_signer(v, signer, err) || check_signature(v, err) || check_statement(v, err) || check_timestamps(v, err) ||
        check_entries(v, err))
        return -1;
    signer->time = v->ntimes ? v->times[0] : 0;
    if (check_certificate(v, err))
        return -1;
    return v->certificate.x ? cb_signer_check_identity(&v->certificate, v->policy, err) : 0;
}

int cb_bundle_verify(struct cb_arena *a, const struct cb_bundle *b, const struct cb_bundle_policy *p,
                     const struct cb_signed_data *artifact, struct cb_bundle_signer *signer, struct cb_error *err)
{
    struct verification v = {.arena = a, .bundle = b, .policy = p, .artifact = artifact};
    *signer = (struct cb_bundle_signer){0};
    int failed = check(&v, signer, err);
    cb_signer_release(&v.certificate);
    cb_buf_release(&v.pae);
    return failed;
}
