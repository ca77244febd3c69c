// Entries of transparency logs: the log's promise, and the proof that the entry is in the log.
#include "cbuild/text/gojson.h"
#include "decode.h"
#include "parts.h"

#define CHECKPOINT_SIGNATURES_MAX 32u
#define DASH "\xe2\x80\x94 " // begins a note's signature line

const struct cb_log *cb_entry_log(const struct cb_log_entry *e, const struct cb_trusted_root *root)
{
    for (size_t i = 0; i < root->nlogs; i++)
        if (cb_str_eq(root->logs[i].key_id, e->log_id))
            return &root->logs[i];
    return NULL;
}

static int check_signature(const struct cb_log *log, struct cb_str message, struct cb_str sig, struct cb_error *err)
{
    struct cb_signed_data data;
    if (!log->key)
        return cb_fail(err, CB_E_UNSUPPORTED, "the log's key is of a kind that is not supported");
    cb_signed_data_of(&data, message);
    return cb_verifier_check(log->key, &data, sig, err);
}

// The promise is over these four fields as canonical JSON, keys in order.
int cb_entry_check_promise(const struct cb_log_entry *e, const struct cb_log *log, struct cb_error *err)
{
    CB_BUF_AUTO body = {0};
    CB_BUF_AUTO text = {0};
    char id[2 * 64 + 1];
    struct cb_json j = cb_json(&text, NULL, NULL);
    cb_base64_add(&body, e->body.p, e->body.n);
    cb_hex(id, (const uint8_t *)e->log_id.p, e->log_id.n);
    cb_json_object(&j);
    cb_json_key(&j, "body");
    cb_json_str(&j, cb_buf_str(&body));
    cb_json_key(&j, "integratedTime");
    cb_json_int(&j, e->integrated_time);
    cb_json_key(&j, "logID");
    cb_json_cstr(&j, id);
    cb_json_key(&j, "logIndex");
    cb_json_uint(&j, e->index);
    cb_json_end(&j);
    return check_signature(log, cb_buf_str(&text), e->promise, err) ? cb_context(err, "the log's promise") : 0;
}

// ---- checkpoints: C2SP tlog-checkpoint, signed-note ----------------------------------------------------------------

struct checkpoint {
    struct cb_str signed_text, origin, root_hash, signatures;
    uint64_t size;
};

static int parse_checkpoint(struct cb_arena *a, struct cb_str text, struct checkpoint *out, struct cb_error *err)
{
    size_t end = 0;
    while (end + 1 < text.n && !(text.p[end] == '\n' && text.p[end + 1] == '\n'))
        end++;
    if (end + 1 >= text.n)
        return cb_fail(err, CB_E_INPUT, "no blank line before the signatures");
    out->signed_text = cb_str_head(text, end + 1);
    out->signatures = cb_str_skip(text, end + 2);
    struct cb_str rest = cb_str_head(text, end), size, hash;
    if (!cb_str_cut(&rest, '\n', &out->origin) || !cb_str_cut(&rest, '\n', &size) || !cb_str_cut(&rest, '\n', &hash))
        return cb_fail(err, CB_E_INPUT, "wanted an origin, a size and a root hash, a line each");
    if (!out->origin.n || !cb_str_u64(size, 10, &out->size))
        return cb_fail(err, CB_E_INPUT, "\"%.*s\" is not a tree's size", CB_STR_ARG(cb_str_head(size, 60)));
    if (cb_decode_base64(a, hash, "root hash", 32, &out->root_hash, err))
        return -1;
    return out->root_hash.n == 32 ? 0 : cb_fail(err, CB_E_INPUT, "a root hash of %zu bytes", out->root_hash.n);
}

// "rekor.sigstore.dev" signs for the origin "rekor.sigstore.dev - 2605736670972794746", too.
static bool signs_for(struct cb_str name, struct cb_str origin)
{
    return cb_str_eq(name, origin) || (origin.n > name.n && cb_str_eq(cb_str_head(origin, name.n), name) &&
                                       cb_str_starts(cb_str_skip(origin, name.n), " - "));
}

// Where the signature of a line is by the log; witnesses' lines and those of other keys are passed over.
static bool line_is_by_log(struct cb_arena *a, struct cb_str line, const struct checkpoint *c, const struct cb_log *log)
{
    CB_ERROR_AUTO unlike = CB_ERROR_INIT;
    struct cb_str sig;
    if (!cb_str_starts(line, DASH))
        return false;
    line = cb_str_skip(line, strlen(DASH));
    ptrdiff_t space = cb_str_rfind(line, ' ');
    if (space <= 0 || !signs_for(cb_str_head(line, (size_t)space), c->origin) ||
        cb_decode_base64(a, cb_str_skip(line, (size_t)space + 1), "signature", CB_SIGNATURE_MAX, &sig, &unlike))
        return false;
    return sig.n > 4 && cb_str_eq(cb_str_head(sig, 4), cb_str_head(log->key_id, 4)) &&
           check_signature(log, c->signed_text, cb_str_skip(sig, 4), &unlike) == 0;
}

static int check_signatures(struct cb_arena *a, const struct checkpoint *c, const struct cb_log *log,
                            struct cb_error *err)
{
    struct cb_str rest = c->signatures, line;
    for (size_t n = 0; cb_str_cut(&rest, '\n', &line); n++) {
        if (n > CHECKPOINT_SIGNATURES_MAX)
            return cb_fail(err, CB_E_LIMIT, "more than %u signatures", CHECKPOINT_SIGNATURES_MAX);
        if (line_is_by_log(a, line, c, log))
            return 0;
    }
    return cb_fail(err, CB_E_TRUST, "none of its signatures is by the log (%.*s)", CB_STR_ARG(log->base_url));
}

static int check_checkpoint(struct cb_arena *a, const struct cb_log_entry *e, const struct cb_log *log,
                            struct cb_error *err)
{
    struct checkpoint c;
    if (parse_checkpoint(a, e->checkpoint, &c, err) || check_signatures(a, &c, log, err))
        return -1;
    if (!cb_str_eq(c.root_hash, e->root_hash))
        return cb_fail(err, CB_E_TRUST, "it is of another tree: its root hash is not the proof's");
    if (c.size != e->tree_size)
        return cb_fail(err, CB_E_TRUST, "it is of a tree of %llu entries, the proof of one of %llu",
                       (unsigned long long)c.size, (unsigned long long)e->tree_size);
    return 0;
}

// ---- inclusion proofs: RFC 9162, 2.1.3.2 ---------------------------------------------------------------------------

static void hash_pair(const uint8_t *left, const uint8_t *right, uint8_t out[32])
{
    uint8_t block[65] = {1};
    memcpy(block + 1, left, 32);
    memcpy(block + 33, right, 32);
    cb_hash_once(CB_SHA256, block, sizeof block, out);
}

// fn and sn are the entry's and the last entry's place on the level that the hash so far stands for.
static bool proof_leads_to_root(const struct cb_log_entry *e)
{
    CB_BUF_AUTO leaf = {0};
    uint8_t hash[32];
    uint64_t fn = e->proof_index, sn = e->tree_size - 1;
    cb_buf_addc(&leaf, 0);
    cb_buf_addstr(&leaf, e->body);
    cb_hash_once(CB_SHA256, leaf.p, leaf.n, hash);
    for (size_t i = 0; i < e->nhashes; i++) {
        const uint8_t *sibling = (const uint8_t *)e->hashes[i].p;
        if (sn == 0)
            return false; // the proof is too long
        if ((fn & 1) || fn == sn) {
            hash_pair(sibling, hash, hash);
            while (!(fn & 1) && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            hash_pair(hash, sibling, hash);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 && cb_str_eq(cb_strn(hash, 32), e->root_hash);
}

int cb_entry_check_proof(const struct cb_log_entry *e, const struct cb_log *log, struct cb_error *err)
{
    CB_ARENA_AUTO a = {0};
    if (e->tree_size == 0 || e->proof_index >= e->tree_size || !proof_leads_to_root(e))
        return cb_fail(err, CB_E_TRUST, "the inclusion proof does not lead from the entry to the tree's root");
    if (!e->checkpoint.n && e->needs_checkpoint)
        return cb_fail(err, CB_E_TRUST, "an inclusion proof without a checkpoint: nobody signed the tree");
    if (!e->checkpoint.n)
        return 0; // bundle v0.1: the log's promise is there as well
    return check_checkpoint(&a, e, log, err) ? cb_context(err, "checkpoint") : 0;
}
