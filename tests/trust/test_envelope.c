// Envelopes, statements and every kind of signature.
#include "cbuild/trust/statement.h"
#include "support.h"

static const struct {
    const char *envelope, *key;
    bool good;
} signatures[] = {
    {"p256.json", "p256.pub", true},     {"p384.json", "p384.pub", true},       {"p384-sha256.json", "p384.pub", true},
    {"p521.json", "p521.pub", true},     {"ed25519.json", "ed25519.pub", true}, {"rsa.json", "rsa.pub", true},
    {"rsa-pss.json", "rsa.pub", true},   {"p256-sha1.json", "p256.pub", false}, {"p256.json", "p384.pub", false},
    {"ed25519.json", "p256.pub", false},
};

static void test_signatures(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
        CB_ARENA_AUTO a = {0};
        CB_BUF_AUTO text = {0};
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        struct cb_envelope e;
        CB_VERIFIER_AUTO *v = read_key(signatures[i].key);
        read_data(signatures[i].envelope, &text);
        assert_int_equal(cb_envelope_parse(&a, cb_buf_str(&text), "envelope", &e, &err), 0);
        assert_int_equal(cb_envelope_verify(&e, v, NULL, &err), signatures[i].good ? 0 : -1);
        if (!signatures[i].good)
            assert_int_equal(err.kind, CB_E_TRUST);
    }
}

// Each is refused before any signature is looked at.
static const struct {
    const char *from, *to, *message;
} malformed[] = {
    {"\"sig\": \"", "\"sig\": \" ", "not base64"},
    {"\"payload\": \"", "\"payload\": \"=", "not base64"},
    {"\"signatures\": [", "\"signatures\": [], \"more\": [", "no signature"},
    {"\"payloadType\": \"", "\"payloadType\": 1, \"x\": \"", "payloadType"},
    {"{\"payloadType\"", "{\"payload\": \"\", \"payloadType\"", "payload"},
    {"}]}", "}]} x", ""},
    {"\"payload\": \"", "\"x\": \"", "payload"},
};

static void test_malformed(void **state)
{
    (void)state;
    CB_BUF_AUTO good = {0};
    read_data("p256.json", &good);
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        CB_ARENA_AUTO a = {0};
        CB_BUF_AUTO text = {0};
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        struct cb_envelope e;
        replace(&text, cb_buf_str(&good), malformed[i].from, malformed[i].to);
        assert_int_equal(cb_envelope_parse(&a, cb_buf_str(&text), "envelope", &e, &err), -1);
        assert_non_null(strstr(err.message, malformed[i].message));
    }
}

#define TEXT64 "c60d7e5ee5d2f9b1f6e4b3a1d0f1e2d3c4b5a697887766554433221100ffeedd"
#define SUBJECT "{\"name\":\"x\",\"digest\":{\"sha256\":\"" TEXT64 "\"}}"
#define STATEMENT(type, subjects, rest) "{\"_type\":\"" type "\",\"subject\":[" subjects "]" rest "}"
#define V1 "https://in-toto.io/Statement/v1"
#define PREDICATE ",\"predicateType\":\"https://example.com/a\",\"predicate\":{}"

static const struct {
    const char *type, *text;
    enum cb_kind kind; // CB_OK: accepted
} statements[] = {
    {CB_IN_TOTO_TYPE, STATEMENT(V1, SUBJECT, PREDICATE), CB_OK},
    {CB_IN_TOTO_TYPE, STATEMENT("https://in-toto.io/Statement/v0.1", SUBJECT, PREDICATE), CB_OK},
    {CB_IN_TOTO_TYPE, STATEMENT("https://in-toto.io/Statement/v2", SUBJECT, PREDICATE), CB_E_INPUT},
    {"application/json", STATEMENT(V1, SUBJECT, PREDICATE), CB_E_INPUT},
    {CB_IN_TOTO_TYPE, STATEMENT(V1, "", PREDICATE), CB_E_INPUT},
    {CB_IN_TOTO_TYPE, STATEMENT(V1, SUBJECT, ""), CB_E_INPUT},
    {CB_IN_TOTO_TYPE, STATEMENT(V1, "{\"name\":\"x\"}", PREDICATE), CB_E_INPUT},
    {CB_IN_TOTO_TYPE, STATEMENT(V1, SUBJECT, PREDICATE ",\"predicatetype\":\"b\""), CB_E_INPUT},
    {CB_IN_TOTO_TYPE, "not JSON", CB_E_INPUT},
};

static void test_statements(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        CB_ARENA_AUTO a = {0};
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        struct cb_statement s;
        const struct cb_envelope e = {.payload_type = cb_str(statements[i].type),
                                      .payload = cb_str(statements[i].text)};
        assert_int_equal(cb_statement_parse(&a, &e, &s, &err), statements[i].kind ? -1 : 0);
        assert_int_equal(err.kind, statements[i].kind);
        if (err.kind)
            continue;
        assert_int_equal(cb_statement_has_subject(&s, CB_STR(TEXT64), &err), 0);
        assert_int_equal(cb_statement_has_subject(&s, CB_STR(""), &err), -1);
        assert_int_equal(err.kind, CB_E_TRUST);
    }
}

static int parse_with_subjects(size_t n)
{
    CB_ARENA_AUTO a = {0};
    CB_BUF_AUTO text = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_statement s;
    cb_buf_adds(&text, "{\"_type\":\"" V1 "\"" PREDICATE ",\"subject\":[");
    for (size_t i = 0; i < n; i++)
        cb_buf_adds(&text, i ? "," SUBJECT : SUBJECT);
    cb_buf_adds(&text, "]}");
    const struct cb_envelope e = {.payload_type = CB_STR(CB_IN_TOTO_TYPE), .payload = cb_buf_str(&text)};
    cb_statement_parse(&a, &e, &s, &err);
    return (int)err.kind;
}

static void test_number_of_subjects(void **state)
{
    (void)state;
    assert_int_equal(parse_with_subjects(CB_STATEMENT_SUBJECTS_MAX), CB_OK);
    assert_int_equal(parse_with_subjects(CB_STATEMENT_SUBJECTS_MAX + 1), CB_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_signatures), cmocka_unit_test(test_malformed),
                                       cmocka_unit_test(test_statements), cmocka_unit_test(test_number_of_subjects)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
