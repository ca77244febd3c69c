#include "golden.h"

#include "cbuild/oci/image.h"

#define D1 "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define DESC "{\"mediaType\":\"m\",\"size\":5,\"digest\":\"" D1 "\"}"
#define MANIFEST(rest) "{\"schemaVersion\":2,\"config\":" DESC ",\"layers\":[" DESC "]" rest "}"
#define INDEX(rest) "{\"schemaVersion\":2,\"manifests\":[" DESC "]" rest "}"

struct reading {
    const char *text, *media_type, *message; // message NULL: accepted
    enum cb_kind kind;
};

static void check(const struct reading *c, size_t n, bool index)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;

    for (size_t i = 0; i < n; i++) {
        CB_ARENA_AUTO a = {0};
        struct cb_manifest m;
        struct cb_index_manifest im;
        struct cb_str text = cb_str(c[i].text), type = cb_str(c[i].media_type);
        int result =
            index ? cb_index_manifest_parse(&a, text, type, &im, &err) : cb_manifest_parse(&a, text, type, &m, &err);
        if (c[i].message)
            assert_fails(result, &err, c[i].kind, c[i].message);
        else if (result < 0)
            fail_msg("%s: %s", c[i].text, err.message);
    }
}

static void test_manifests(void **state)
{
    static const struct reading cases[] = {
        {MANIFEST(""), "", NULL, CB_OK},
        {MANIFEST(""), CB_MEDIA_OCI_MANIFEST, NULL, CB_OK},
        {MANIFEST(""), CB_MEDIA_DOCKER_MANIFEST, NULL, CB_OK},
        {MANIFEST(",\"mediaType\":\"" CB_MEDIA_OCI_MANIFEST "\""), CB_MEDIA_OCI_MANIFEST, NULL, CB_OK},
        {MANIFEST(",\"unknown\":[1,{\"x\":null}]"), "", NULL, CB_OK},
        {MANIFEST(",\"annotations\":null,\"subject\":null"), "", NULL, CB_OK},
        {MANIFEST(",\"annotations\":{\"Layers\":\"x\"}"), "", NULL, CB_OK},
        // One document, two readings.
        {MANIFEST(",\"manifests\":[]"), "", "\"manifests\"", CB_E_INPUT},
        {MANIFEST(",\"Manifests\":[]"), "", "\"manifests\"", CB_E_INPUT},
        {MANIFEST(",\"Layers\":[]"), "", "differs from \"layers\" in case only", CB_E_INPUT},
        {MANIFEST(",\"layer\\u017f\":[]"), "", "differs from \"layers\" in case only", CB_E_INPUT},
        {MANIFEST(",\"layers\":[]"), "", "duplicate", CB_E_INPUT},
        {MANIFEST(",\"mediaType\":\"" CB_MEDIA_OCI_INDEX "\""), "", "is not that of an image manifest", CB_E_INPUT},
        {MANIFEST(",\"mediaType\":\"" CB_MEDIA_OCI_MANIFEST "\""), CB_MEDIA_DOCKER_MANIFEST, "announced", CB_E_INPUT},
        {MANIFEST(""), CB_MEDIA_OCI_INDEX, "is not the media type of an image manifest", CB_E_INPUT},
        {MANIFEST("") "x", "", "not valid JSON", CB_E_INPUT},
        {INDEX(""), "", "\"manifests\"", CB_E_INPUT},
        // Malformed.
        {"", "", "not valid JSON", CB_E_INPUT},
        {"[]", "", "expected an object", CB_E_INPUT},
        {"{\"schemaVersion\":1,\"config\":" DESC ",\"layers\":[]}", "", "schemaVersion is 1", CB_E_INPUT},
        {"{\"schemaVersion\":2,\"layers\":[]}", "", "names no config", CB_E_INPUT},
        {"{\"schemaVersion\":2,\"config\":" DESC ",\"layers\":[{\"size\":1}]}", "", "layer 0 has no digest",
         CB_E_INPUT},
        {"{\"schemaVersion\":2,\"config\":" DESC ",\"layers\":{}}", "", "\"layers\": found an object", CB_E_INPUT},
        {"{\"schemaVersion\":2.0,\"config\":" DESC ",\"layers\":[]}", "", "\"schemaVersion\"", CB_E_INPUT},
        {"{\"schemaVersion\":2,\"config\":{\"digest\":\"sha256:../../x\"},\"layers\":[]}", "", "digits", CB_E_INPUT},
        {"{\"schemaVersion\":2,\"config\":{\"digest\":\"" D1 "\",\"size\":-1},\"layers\":[]}", "", "negative",
         CB_E_INPUT},
        {"{\"schemaVersion\":2,\"config\":{\"digest\":\"" D1 "\",\"size\":99999999999999},\"layers\":[]}", "",
         "more than", CB_E_LIMIT},
        {"{\"schemaVersion\":2,\"config\":{\"digest\":\"" D1 "\",\"data\":\"!\"},\"layers\":[]}", "", "base64",
         CB_E_INPUT},
    };

    (void)state;
    check(cases, sizeof cases / sizeof *cases, false);
}

static void test_indexes(void **state)
{
    static const struct reading cases[] = {
        {INDEX(""), "", NULL, CB_OK},
        {INDEX(""), CB_MEDIA_OCI_INDEX, NULL, CB_OK},
        {INDEX(",\"mediaType\":\"" CB_MEDIA_DOCKER_LIST "\""), "", NULL, CB_OK},
        {INDEX(",\"layers\":[]"), "", "\"layers\"", CB_E_INPUT},
        {INDEX(",\"config\":{}"), "", "\"config\"", CB_E_INPUT},
        {INDEX(",\"CONFIG\":{}"), "", "\"config\"", CB_E_INPUT},
        {INDEX(",\"mediaType\":\"" CB_MEDIA_OCI_MANIFEST "\""), "", "is not that of an image index", CB_E_INPUT},
        {"{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"m\"}]}", "", "manifest 0 has no digest", CB_E_INPUT},
        {MANIFEST(""), "", "\"layers\"", CB_E_INPUT},
    };

    (void)state;
    check(cases, sizeof cases / sizeof *cases, true);
}

static void test_limits(void **state)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_ARENA_AUTO a = {0};
    CB_BUF_AUTO text = {0};
    struct cb_manifest m;

    (void)state;
    cb_buf_adds(&text, "{\"schemaVersion\":2,\"config\":" DESC ",\"layers\":[");
    for (unsigned i = 0; i < CB_DESCRIPTORS_MAX; i++)
        cb_buf_addf(&text, "%s" DESC, i ? "," : "");
    size_t n = text.n;
    cb_buf_adds(&text, "]}");
    assert_int_equal(cb_manifest_parse(&a, cb_buf_str(&text), CB_STR(""), &m, &err), 0);
    assert_int_equal(m.nlayers, CB_DESCRIPTORS_MAX);
    text.n = n;
    cb_buf_adds(&text, "," DESC "]}");
    assert_fails(cb_manifest_parse(&a, cb_buf_str(&text), CB_STR(""), &m, &err), &err, CB_E_LIMIT, "4097 items");
    cb_buf_reserve(&text, CB_MANIFEST_MAX + 1);
    memset(text.p, ' ', CB_MANIFEST_MAX + 1);
    assert_fails(cb_manifest_parse(&a, cb_strn(text.p, CB_MANIFEST_MAX + 1), CB_STR(""), &m, &err), &err, CB_E_LIMIT,
                 "more than 4194304");
}

// Everything that a manifest can say comes out as it went in, in the reference's order of keys.
static void test_round_trip(void **state)
{
    static const char full[] =
        "{\"schemaVersion\":2,\"mediaType\":\"" CB_MEDIA_OCI_MANIFEST "\",\"config\":{\"mediaType\":\"c\",\"size\":0,"
        "\"digest\":\"" D1 "\",\"data\":\"aGVsbG8=\"},\"layers\":[{\"mediaType\":\"l\",\"size\":1099511627776,"
        "\"digest\":\"" D1 "\",\"urls\":[\"u\\u003c\",\"\"],\"annotations\":{\"a\":\"\",\"b\":\"\\u2028\"},"
        "\"platform\":{\"architecture\":\"\",\"os\":\"linux\",\"os.version\":\"1\",\"os.features\":[\"x\"],"
        "\"variant\":\"v\",\"features\":[\"y\"]},\"artifactType\":\"t\"}],\"annotations\":{\"z\":\"1\"},"
        "\"subject\":" DESC ",\"artifactType\":\"at\"}";
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_ARENA_AUTO a = {0};
    CB_BUF_AUTO out = {0};
    struct cb_manifest m;

    (void)state;
    assert_int_equal(cb_manifest_parse(&a, cb_str(full), CB_STR(""), &m, &err), 0);
    cb_manifest_write(&out, &m);
    assert_str(cb_buf_str(&out), cb_str(full));
}

static void test_configs(void **state)
{
    static const char config[] = "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\","
                                 "\"diff_ids\":[\"" D1 "\"]}}";
    static const char two[] = "{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" D1 "\",\"" D1 "\"]}}";
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_image img;

    (void)state;
    assert_int_equal(cb_image_parse(&img, CB_STR(MANIFEST("")), CB_STR(""), cb_str(config), &err), 0);
    assert_str(img.arch, CB_STR("amd64"));
    assert_int_equal(img.nlayers, 1);
    cb_image_release(&img);
    assert_fails(cb_image_parse(&img, CB_STR(MANIFEST("")), CB_STR(""), cb_str(two), &err), &err, CB_E_INPUT,
                 "2 diff IDs for the manifest's 1 layers");
    assert_fails(cb_image_parse(&img, CB_STR(MANIFEST("")), CB_STR(""), CB_STR("{\"Config\":{},\"config\":{}}"), &err),
                 &err, CB_E_INPUT, "in case only");
    assert_fails(cb_image_parse(&img, CB_STR(MANIFEST("")), CB_STR(""), CB_STR("{\"created\":\"yesterday\"}"), &err),
                 &err, CB_E_INPUT, "is not a time");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_manifests),  cmocka_unit_test(test_indexes), cmocka_unit_test(test_limits),
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_configs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
