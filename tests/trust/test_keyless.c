// A good keyless attestation by make_keyless.py, and the ways of tampering with it: each is refused by the check that
// is there for it, and the good ones beside them are accepted.
#include <jansson.h>

#include "cbuild/text/json_read.h"
#include "cbuild/trust/attestation.h"
#include "support.h"

static json_t *child(json_t *at, struct cb_str name)
{
    uint64_t i;
    CB_AUTOFREE char *key = cb_strndup(name.p, name.n);
    return json_is_array(at) && cb_str_u64(name, 10, &i) ? json_array_get(at, i) : json_object_get(at, key);
}

static void set(json_t *at, struct cb_str name, json_t *value)
{
    uint64_t i;
    CB_AUTOFREE char *key = cb_strndup(name.p, name.n);
    if (json_is_array(at) && cb_str_u64(name, 10, &i))
        assert_int_equal(json_array_set(at, i, value), 0);
    else if (json_is_null(value))
        json_object_del(at, key);
    else
        assert_int_equal(json_object_set(at, key, value), 0);
}

// [document, path, value]
static void edit(json_t *all, json_t *e)
{
    struct cb_str rest = cb_str(json_string_value(json_array_get(e, 1))), part;
    json_t *at = json_object_get(all, json_string_value(json_array_get(e, 0)));
    if (!rest.n) {
        json_object_set(all, json_string_value(json_array_get(e, 0)), json_array_get(e, 2));
        return;
    }
    while (cb_str_cut(&rest, '/', &part)) {
        assert_non_null(at);
        if (!rest.p)
            set(at, part, json_array_get(e, 2));
        at = child(at, part);
    }
}

// [document, "replace", old, new], once the others are made
static void dump(json_t *all, const char *name, json_t *edits, struct cb_buf *out)
{
    char *text = json_dumps(json_object_get(all, name), JSON_COMPACT);
    CB_BUF_AUTO now = {0};
    cb_buf_adds(&now, text);
    free(text);
    for (size_t i = 0; i < json_array_size(edits); i++) {
        json_t *e = json_array_get(edits, i);
        if (json_array_size(e) != 4 || strcmp(json_string_value(json_array_get(e, 0)), name) != 0)
            continue;
        CB_BUF_AUTO next = {0};
        replace(&next, cb_buf_str(&now), json_string_value(json_array_get(e, 2)),
                json_string_value(json_array_get(e, 3)));
        cb_buf_reset(&now);
        cb_buf_addstr(&now, cb_buf_str(&next));
    }
    cb_buf_addstr(out, cb_buf_str(&now));
}

struct asked {
    struct cb_bundle_policy bundle;
    struct cb_attestation_policy policy;
    struct cb_regexp *identity, *issuer;
};

static struct cb_str text_of(const json_t *asked, const char *key)
{
    return cb_str(json_string_value(json_object_get(asked, key)));
}

static struct cb_regexp *pattern_of(const json_t *asked, const char *key)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_str text = text_of(asked, key);
    struct cb_regexp *r = text.p ? cb_regexp_new(text, &err) : NULL;
    assert_true(!text.p || r);
    return r;
}

static void read_asked(const json_t *all, const struct cb_trusted_root *root, struct asked *out)
{
    static const char *const claims[CB_WORKFLOW_CLAIMS] = {"workflow_trigger", "workflow_sha", "workflow_name",
                                                           "workflow_repository", "workflow_ref"};
    const json_t *asked = json_object_get(all, "asked");
    *out = (struct asked){.identity = pattern_of(asked, "identity_pattern"),
                          .issuer = pattern_of(asked, "issuer_pattern")};
    out->bundle = (struct cb_bundle_policy){.root = root,
                                            .identity = text_of(asked, "identity"),
                                            .issuer = text_of(asked, "issuer"),
                                            .identity_pattern = out->identity,
                                            .issuer_pattern = out->issuer,
                                            .ignore_log = json_is_true(json_object_get(asked, "ignore_log")),
                                            .needs_timestamp = json_is_true(json_object_get(asked, "needs_timestamp")),
                                            .now = json_integer_value(json_object_get(all, "now"))};
    for (size_t i = 0; i < CB_WORKFLOW_CLAIMS; i++)
        out->bundle.workflow[i] = text_of(asked, claims[i]);
    out->policy = (struct cb_attestation_policy){.predicate_type = text_of(asked, "type"), .bundle = &out->bundle};
}

// "" where it is accepted, else why it is refused.
static void verify(json_t *all, json_t *edits, struct cb_buf *why)
{
    CB_ARENA_AUTO a = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_TRUSTED_ROOT_AUTO root = {0};
    CB_BUF_AUTO root_text = {0};
    CB_BUF_AUTO bundle = {0};
    struct asked asked;
    struct cb_attestation at = {.form = CB_FORM_BUNDLE};
    struct cb_attestations found = {.v = &at, .n = 1};
    dump(all, "root", edits, &root_text);
    dump(all, "bundle", edits, &bundle);
    at.bytes = cb_buf_str(&bundle);
    found.image = (struct cb_digest){0};
    snprintf(found.image.text, sizeof found.image.text, "sha256:%s",
             json_string_value(json_object_get(json_object_get(all, "asked"), "image")));
    assert_int_equal(cb_trusted_root_parse(&root, cb_buf_str(&root_text), "trusted root", &err), 0);
    read_asked(all, &root, &asked);
    size_t accepted = cb_attestations_verify(&a, &found, &asked.policy);
    cb_buf_addstr(why, at.refusal);
    cb_buf_addc(why, '\0');
    assert_int_equal(accepted, at.refusal.n == 0);
    cb_regexp_free(asked.identity);
    cb_regexp_free(asked.issuer);
}

static void test_cases(void **state)
{
    (void)state;
    CB_BUF_AUTO text = {0};
    size_t refused = 0, wrong = 0;
    read_data("keyless.json", &text);
    json_t *all = json_loadb(text.p, text.n, 0, NULL), *cases = json_object_get(all, "cases");
    for (size_t i = 0; i < json_array_size(cases); i++) {
        CB_BUF_AUTO why = {0};
        json_t *c = json_array_get(cases, i), *edits = json_object_get(c, "edits");
        const char *want = json_string_value(json_object_get(c, "refused"));
        json_t *copy = json_deep_copy(json_object_get(all, "good"));
        for (size_t k = 0; k < json_array_size(edits); k++)
            if (json_array_size(json_array_get(edits, k)) == 3)
                edit(copy, json_array_get(edits, k));
        verify(copy, edits, &why);
        json_decref(copy);
        refused += want != NULL;
        if (want ? strstr(why.p, want) != NULL : !*why.p)
            continue;
        wrong++;
        print_error("%s: %s; wanted: %s\n", json_string_value(json_object_get(c, "name")), *why.p ? why.p : "accepted",
                    want ? want : "to accept it");
    }
    assert_true(refused >= 60);
    json_decref(all);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
