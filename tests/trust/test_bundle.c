// A good bundle, and one thing wrong with it at a time: each is refused by the check that it is there for.
#include "cbuild/trust/bundle.h"
#include "support.h"

static const struct {
    bool in_root; // the change is in the trusted root, not in the bundle
    const char *from, *to;
    const char *message; // NULL: accepted
} cases[] = {
    {false, "", "", NULL},
    {false, "bundle.v0.3+json", "bundle+json;version=0.2", NULL},
    {false, "bundle.v0.3+json", "bundle.v0.9+json", "mediaType"},
    {false, "\"publicKey\":{\"hint\":\"\"},", "", "wanted one of"},
    {false, "\"publicKey\":{", "\"certificate\":{\"rawBytes\":\"AAAA\"},\"publicKey\":{", "wanted one of"},
    {false, "\"publicKey\":{\"hint\":\"\"}", "\"certificate\":{\"rawBytes\":\"AAAA\"}", "you asked for a public key"},
    {false, "\"messageSignature\":{", "\"messageSignature\":{},\"messagesignature\":{", "messagesignature"},
    {false, "\"messageSignature\"", "\"x\"", "messageSignature"},
    {false, "\"signature\":\"M", "\"signature\":\"N", "signature"},
    {false, "\"digest\":\"", "\"digest\":\"AAAA", "message digest"},
    {false, "\"integratedTime\":\"1700000000\"", "\"integratedTime\":\"1699999999\"", "promise"},
    {false, "\"logIndex\":\"41\"", "\"logIndex\":\"42\"", "promise"},
    {false, "\"signedEntryTimestamp\":\"M", "\"signedEntryTimestamp\":\"N", "promise"},
    {false, "\"version\":\"0.0.1\"", "\"version\":\"0.0.2\"", "kind"},
    {false, "\"kind\":\"hashedrekord\"", "\"kind\":\"dsse\"", "kind"},
    {false, "\"inclusionProof\"", "\"x\"", "no inclusion proof"},
    {false, "\"checkpoint\"", "\"x\"", "without a checkpoint"},
    {false, "\"hashes\":[\"", "\"hashes\":[],\"x\":[\"", "inclusion proof"},
    {false, "{\"logIndex\":\"1\"", "{\"logIndex\":\"0\"", "inclusion proof"},
    {false, "\"treeSize\":\"2\"", "\"treeSize\":\"3\"", "inclusion proof"},
    {false, "\"treeSize\":\"2\"", "\"treeSize\":\"0\"", "inclusion proof"},
    {false, "\"treeSize\":\"2\"", "\"treeSize\":\"-2\"", "treeSize"},
    {false, "log.example - 7\\n2\\n", "log.example - 7\\n3\\n", "checkpoint"},
    {false, "log.example - 7\\n2\\n", "log.example - 8\\n2\\n", "checkpoint"},
    {false, "log.example - 7\\n2\\n", "2\\n", "checkpoint"},
    {false, " log.example ", " log.example2 ", "none of its signatures"},
    {false, "tlogEntries", "x", "no entry"},
    {false, "\"verificationMaterial\":{",
     "\"verificationMaterial\":{\"timestampVerificationData\":"
     "{\"rfc3161Timestamps\":[{\"signedTimestamp\":\"AAAA\"}]},",
     "timestamp"},
    {true, "\"end\":\"2023-11-14T22:13:20Z\"", "\"x\":1", NULL},
    {true, "2023-11-14T22:13:20Z", "2023-11-14T22:13:19Z", "not valid at the time"},
    {true, "2023-01-01T00:00:00Z", "2023-12-01T00:00:00Z", "not valid at the time"},
    {true, "\"start\"", "\"x\"", "from when"},
    {true, "\"logId\":{\"keyId\":\"", "\"logId\":{\"keyId\":\"AAAA", "does not name"},
    {true, "2023-01-01", "2023-02-30", "not a time"},
};

static int verify(struct cb_str bundle_text, struct cb_str root_text, struct cb_error *err)
{
    CB_ARENA_AUTO a = {0};
    CB_TRUSTED_ROOT_AUTO root = {0};
    CB_VERIFIER_AUTO *v = read_key("p256.pub");
    struct cb_bundle b;
    struct cb_bundle_signer signer;
    struct cb_signed_data artifact;
    const struct cb_bundle_policy policy = {.root = &root, .key = v};
    cb_signed_data_of(&artifact, CB_STR("an artifact\n"));
    return cb_trusted_root_parse(&root, root_text, "trusted root", err) ||
                   cb_bundle_parse(&a, bundle_text, "bundle", &b, err) ||
                   cb_bundle_verify(&a, &b, &policy, &artifact, &signer, err)
               ? -1
               : 0;
}

static void test_changes(void **state)
{
    (void)state;
    CB_BUF_AUTO bundle = {0};
    CB_BUF_AUTO root = {0};
    read_data("bundle.json", &bundle);
    read_data("root.json", &root);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CB_BUF_AUTO changed = {0};
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        replace(&changed, cb_buf_str(cases[i].in_root ? &root : &bundle), cases[i].from, cases[i].to);
        int result = cases[i].in_root ? verify(cb_buf_str(&bundle), cb_buf_str(&changed), &err)
                                      : verify(cb_buf_str(&changed), cb_buf_str(&root), &err);
        if (result != (cases[i].message ? -1 : 0) || (result && !strstr(err.message, cases[i].message)))
            fail_msg("case %zu (%s): %s", i, cases[i].to, err.message ? err.message : "accepted");
    }
}

static int parse_with(const char *list, const char *item, size_t n)
{
    CB_ARENA_AUTO a = {0};
    CB_BUF_AUTO good = {0};
    CB_BUF_AUTO text = {0};
    CB_BUF_AUTO items = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_bundle b;
    read_data("bundle.json", &good);
    cb_buf_addf(&items, "\"verificationMaterial\":{%s[", list);
    for (size_t i = 0; i < n; i++)
        cb_buf_addf(&items, "%s%s", i ? "," : "", item);
    cb_buf_adds(&items, strchr(list, '{') ? "]}," : "],\"x\":{},");
    CB_BUF_AUTO without = {0};
    replace(&without, cb_buf_str(&good), "tlogEntries", "others");
    replace(&text, cb_buf_str(&without), "\"verificationMaterial\":{", items.p);
    cb_bundle_parse(&a, cb_buf_str(&text), "bundle", &b, &err);
    return (int)err.kind;
}

static void test_numbers(void **state)
{
    (void)state;
    const char *timestamps = "\"timestampVerificationData\":{\"rfc3161Timestamps\":";
    assert_int_equal(parse_with(timestamps, "{\"signedTimestamp\":\"AAAA\"}", CB_BUNDLE_TIMESTAMPS_MAX), CB_OK);
    assert_int_equal(parse_with(timestamps, "{\"signedTimestamp\":\"AAAA\"}", CB_BUNDLE_TIMESTAMPS_MAX + 1),
                     CB_E_LIMIT);
    const char *entry = "{\"logId\":{\"keyId\":\"AAAA\"},\"kindVersion\":{\"kind\":\"a\",\"version\":\"b\"},"
                        "\"canonicalizedBody\":\"AAAA\",\"inclusionProof\":{\"treeSize\":\"1\",\"rootHash\":\"AAAA\"}}";
    assert_int_equal(parse_with("\"tlogEntries\":", entry, CB_BUNDLE_ENTRIES_MAX), CB_OK);
    assert_int_equal(parse_with("\"tlogEntries\":", entry, CB_BUNDLE_ENTRIES_MAX + 1), CB_E_LIMIT);
}

static void test_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t time; // -1: refused
    } times[] = {{"1970-01-01T00:00:01Z", 1},      {"2022-12-31T23:59:59.999Z", 1672531199},
                 {"2023-02-29T00:00:00Z", -1},     {"2024-02-29T00:00:00Z", 1709164800},
                 {"2023-01-01T00:00:00", -1},      {"2023-01-01T24:00:00Z", -1},
                 {"2023-01-01 00:00:00Z", -1},     {"", -1},
                 {"2023-01-01T00:00:00+00:00", -1}};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        int64_t t = -1;
        assert_int_equal(cb_timestamp_parse(cb_str(times[i].text), &t), times[i].time >= 0);
        if (times[i].time >= 0)
            assert_int_equal(t, times[i].time);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_changes), cmocka_unit_test(test_numbers),
                                       cmocka_unit_test(test_times)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
