#include "cbuild/trust/statement.h"

#include <jansson.h>

#include "cbuild/text/json_read.h"

static int read_subject(struct cb_arena *a, const struct json_t *item, struct cb_subject *out, struct cb_error *err)
{
    struct json_t *object, *digest;
    struct cb_str name, sums[3];
    static const char *const algorithms[] = {"sha256", "sha384", "sha512"};
    struct cb_str *const to[] = {&out->sha256, &out->sha384, &out->sha512};
    if (cb_json_as_object(item, "subject", &object, err) || cb_json_get_str(object, "name", &name, err) ||
        cb_json_need_object(object, "digest", &digest, err))
        return -1;
    for (int i = 0; i < 3; i++) {
        if (cb_json_get_str(digest, algorithms[i], &sums[i], err))
            return -1;
        *to[i] = cb_arena_str(a, sums[i]);
    }
    out->name = cb_arena_str(a, name);
    return 0;
}

static int read_subjects(struct cb_arena *a, const struct json_t *list, struct cb_statement *out, struct cb_error *err)
{
    size_t n = cb_json_count(list);
    if (n == 0)
        return cb_fail(err, CB_E_INPUT, "the statement is about nothing: it has no subject");
    if (n > CB_STATEMENT_SUBJECTS_MAX)
        return cb_fail(err, CB_E_LIMIT, "the statement has %zu subjects; %u are the most", n,
                       CB_STATEMENT_SUBJECTS_MAX);
    out->subjects = cb_arena_alloc(a, n * sizeof *out->subjects);
    for (size_t i = 0; i < n; i++, out->nsubjects++)
        if (read_subject(a, cb_json_at(list, i), &out->subjects[i], err))
            return cb_context(err, "subject %zu", i);
    return 0;
}

static void read_predicate(struct cb_arena *a, const struct json_t *object, struct cb_statement *out)
{
    const json_t *predicate = json_object_get(object, "predicate");
    char *text = predicate ? json_dumps(predicate, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    if (text)
        out->predicate = cb_arena_str(a, cb_str(text));
    free(text);
}

static int read_statement(struct cb_arena *a, const struct json_t *root, struct cb_statement *out, struct cb_error *err)
{
    struct json_t *object, *subjects;
    struct cb_str type, predicate_type;
    if (cb_json_as_object(root, "statement", &object, err) || cb_json_need_str(object, "_type", &type, err))
        return -1;
    if (!cb_str_is(type, "https://in-toto.io/Statement/v0.1") && !cb_str_is(type, "https://in-toto.io/Statement/v1"))
        return cb_fail(err, CB_E_INPUT, "a statement of type \"%.*s\"; in-toto's v0.1 and v1 are known",
                       CB_STR_ARG(type));
    if (cb_json_need_str(object, "predicateType", &predicate_type, err) ||
        cb_json_need_array(object, "subject", &subjects, err))
        return -1;
    if (predicate_type.n == 0)
        return cb_fail(err, CB_E_INPUT, "predicateType: empty");
    out->type = cb_arena_str(a, type);
    out->predicate_type = cb_arena_str(a, predicate_type);
    if (read_subjects(a, subjects, out, err))
        return -1;
    read_predicate(a, object, out);
    return 0;
}

int cb_statement_parse(struct cb_arena *a, const struct cb_envelope *e, struct cb_statement *out, struct cb_error *err)
{
    *out = (struct cb_statement){0};
    if (!cb_str_is(e->payload_type, CB_IN_TOTO_TYPE))
        return cb_fail(err, CB_E_INPUT, "a payload of type \"%.*s\", wanted %s", CB_STR_ARG(e->payload_type),
                       CB_IN_TOTO_TYPE);
    CB_JSON_AUTO *root = cb_json_read(e->payload, "in-toto statement", CB_ENVELOPE_MAX, err);
    return root ? read_statement(a, root, out, err) : -1;
}

int cb_statement_has_subject(const struct cb_statement *s, struct cb_str sha256, struct cb_error *err)
{
    for (size_t i = 0; i < s->nsubjects; i++)
        if (sha256.n == 64 && cb_str_eq(s->subjects[i].sha256, sha256))
            return 0;
    return cb_fail(err, CB_E_TRUST, "it is about sha256:%.*s (%.*s), not about sha256:%.*s",
                   CB_STR_ARG(s->subjects[0].sha256), CB_STR_ARG(s->subjects[0].name), CB_STR_ARG(sha256));
}

int cb_predicate_type(struct cb_str name, struct cb_str *out, struct cb_error *err)
{
    static const char *const known[][2] = {
        {"custom", "https://cosign.sigstore.dev/attestation/v1"},
        {"slsaprovenance", "https://slsa.dev/provenance/v0.2"},
        {"slsaprovenance02", "https://slsa.dev/provenance/v0.2"},
        {"slsaprovenance1", "https://slsa.dev/provenance/v1"},
        {"spdx", "https://spdx.dev/Document"},
        {"spdxjson", "https://spdx.dev/Document"},
        {"cyclonedx", "https://cyclonedx.org/bom"},
        {"link", "https://in-toto.io/Link/v1"},
        {"vuln", "https://cosign.sigstore.dev/attestation/vuln/v1"},
        {"openvex", "https://openvex.dev/ns"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (cb_str_is(name, known[i][0])) {
            *out = cb_str(known[i][1]);
            return 0;
        }
    *out = name;
    if (cb_str_has(name, CB_STR("://")))
        return 0;
    cb_fail(err, CB_E_USAGE, "\"%.*s\" is no type of predicate", CB_STR_ARG(name));
    return cb_hint(err, "give a URI such as https://apko.dev/image-configuration, or one of custom, slsaprovenance, "
                        "slsaprovenance1, spdxjson, cyclonedx, link, vuln, openvex");
}
