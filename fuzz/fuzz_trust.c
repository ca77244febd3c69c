// Envelopes, statements, bundles and trusted roots: whatever is read must be read without harm, and a bundle that is
// read is verified against an empty root, which must refuse it.
#undef NDEBUG // here assert is the point
#include <assert.h>

#include "cbuild/trust/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void envelope(struct cb_str text)
{
    CB_ARENA_AUTO a = {0};
    CB_BUF_AUTO again = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_envelope e, same;
    struct cb_statement s;
    if (cb_envelope_parse(&a, text, "envelope", &e, &err))
        return;
    cb_envelope_write(&e, &again);
    assert(cb_envelope_parse(&a, cb_buf_str(&again), "envelope", &same, &err) == 0);
    assert(cb_str_eq(e.payload, same.payload));
    cb_statement_parse(&a, &e, &s, &err);
}

static void statement(struct cb_str text)
{
    CB_ARENA_AUTO a = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_statement s;
    const struct cb_envelope e = {.payload_type = CB_STR(CB_IN_TOTO_TYPE), .payload = text};
    if (cb_statement_parse(&a, &e, &s, &err) == 0)
        assert(s.nsubjects > 0 && s.predicate_type.n > 0);
}

static void bundle(struct cb_str text)
{
    CB_ARENA_AUTO a = {0};
    CB_TRUSTED_ROOT_AUTO root = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_bundle b;
    struct cb_bundle_signer signer;
    struct cb_signed_data artifact;
    const struct cb_bundle_policy policy = {.root = &root, .identity = CB_STR("a"), .issuer = CB_STR("b")};
    cb_signed_data_of(&artifact, text);
    if (cb_bundle_parse(&a, text, "bundle", &b, &err) == 0)
        assert(cb_bundle_verify(&a, &b, &policy, &artifact, &signer, &err) < 0);
}

static void trusted_root(struct cb_str text)
{
    CB_TRUSTED_ROOT_AUTO root = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    cb_trusted_root_parse(&root, text, "trusted root", &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cb_str text = cb_strn(data, size);
    envelope(text);
    statement(text);
    bundle(text);
    trusted_root(text);
    return 0;
}
