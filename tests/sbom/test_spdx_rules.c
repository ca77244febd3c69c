// Documents keep the rules of SPDX 2.3, and each rule is noticed where it is broken.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cbuild/sbom/spdx.h"
#include "spdx_rules.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define PACKAGE "SPDXRef-Package-alpha"

static const char own[] =
    "{'SPDXID':'SPDXRef-DOCUMENT','documentDescribes':['" PACKAGE "'],'packages':[{'SPDXID':'" PACKAGE
    "','name':'alpha',"
    "'filesAnalyzed':true,'licenseConcluded':'NOASSERTION','licenseDeclared':'(MIT OR LicenseRef-x) AND GPL-2.0-only "
    "WITH "
    "Classpath-exception-2.0','downloadLocation':'git+https://example.com/a.git@v1','packageVerificationCode':"
    "{'packageVerificationCodeValue':'aa'}}],'relationships':[{'spdxElementId':'" PACKAGE "','relationshipType':"
    "'DEPENDS_ON','relatedSpdxElement':'" PACKAGE "'}],'hasExtractedLicensingInfos':[{'licenseId':'LicenseRef-x',"
    "'extractedText':'text'}]}";

static void with_quotes(const char *text, struct cb_buf *out)
{
    for (; *text; text++)
        cb_buf_addc(out, *text == '\'' ? '"' : *text);
}

static json_t *written(struct cb_spdx *d)
{
    CB_BUF_AUTO text = {0};
    cb_spdx_write(d, &text);
    json_t *document = json_loadb(text.p, text.n, 0, NULL);
    assert_non_null(document);
    return document;
}

static const struct cb_spdx_part part = {{"sha256:" HEX, 71}, {"application/x", 13}, {"amd64", 5}};

static struct cb_spdx_subject subject(void)
{
    return (struct cb_spdx_subject){
        .tool = CB_STR("cbuild (1)"),
        .created = CB_STR("2024-01-02T03:04:05Z"),
        .os_id = CB_STR("test_os"),
        .os_name = CB_STR("Test"),
        .os_version = CB_STR("1"),
        .digest = CB_STR("sha256:" HEX),
        .arch = CB_STR("amd64"),
        .vcs_url = CB_STR("git+ssh://github.com/a/b.git@0123456789abcdef0123456789abcdef01234567"),
        .parts = &part,
        .nparts = 1,
    };
}

static json_t *image_document(void)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO text = {0};
    const struct cb_spdx_subject s = subject();
    CB_SPDX_AUTO *d = cb_spdx_image(&s);
    with_quotes(own, &text);
    assert_int_equal(cb_spdx_add_package(d, cb_buf_str(&text), &err), 0);
    return written(d);
}

static void test_own_documents(void **state)
{
    (void)state;
    struct cb_spdx_subject s = subject();
    s.digest = CB_STR("sha256:1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    CB_SPDX_AUTO *index = cb_spdx_index(&s);
    json_t *documents[] = {image_document(), written(index)};
    for (size_t i = 0; i < 2; i++) {
        const char *broken = spdx_broken_rule(documents[i]);
        if (broken)
            fail_msg("document %zu breaks the rule of %s", i, broken);
        json_decref(documents[i]);
    }
}

// The rule, the list whose last item is changed ("": the document itself), the key, and its new value (none: dropped).
static const struct {
    const char *rule, *where, *key, *value;
} broken[] = {
    {"spdxVersion", "", "spdxVersion", "'SPDX-2.2'"},
    {"dataLicense", "", "dataLicense", "'MIT'"},
    {"document SPDXID", "", "SPDXID", "'SPDXRef-doc'"},
    {"documentNamespace", "", "documentNamespace", "'https://example.com/a#b'"},
    {"documentNamespace", "", "documentNamespace", "'example'"},
    {"document name", "", "name", "''"},
    {"created", "creationInfo", "created", "'2024-01-02T03:04:05+01:00'"},
    {"created", "creationInfo", "created", "'2024-13-02T03:04:05Z'"},
    {"creators", "creationInfo", "creators", "[]"},
    {"creators", "creationInfo", "creators", "['me']"},
    {"licenseListVersion", "creationInfo", "licenseListVersion", "'three'"},
    {"SPDXID", "packages", "SPDXID", "'SPDXRef-a_b'"},
    {"SPDXID", "packages", "SPDXID", NULL},
    {"SPDXID twice", "packages", "SPDXID", "'SPDXRef-OperatingSystem-testC95os'"},
    {"package name", "packages", "name", "''"},
    {"downloadLocation", "packages", "downloadLocation", "'somewhere'"},
    {"downloadLocation", "packages", "downloadLocation", NULL},
    {"supplier", "packages", "supplier", "'me'"},
    {"originator", "packages", "originator", "'Tool: x'"},
    {"primaryPackagePurpose", "packages", "primaryPackagePurpose", "'FUN'"},
    {"filesAnalyzed", "packages", "packageVerificationCode", "{'packageVerificationCodeValue':'aa'}"},
    {"licenseConcluded", "packages", "licenseConcluded", "''"},
    {"licenseDeclared", "packages", "licenseDeclared", "'MIT OR'"},
    {"licenseDeclared", "packages", "licenseDeclared", "'(MIT'"},
    {"licenseDeclared", "packages", "licenseDeclared", "'MIT BSD-3-Clause'"},
    {"licenseDeclared", "packages", "licenseDeclared", "'LicenseRef-undefined'"},
    {"checksum", "packages", "checksums", "[{'algorithm':'SHA1','checksumValue':'ab'}]"},
    {"checksum", "packages", "checksums", "[{'algorithm':'CRC','checksumValue':'ab'}]"},
    {"referenceCategory", "packages", "externalRefs", "[{'referenceCategory':'X'}]"},
    {"referenceType", "packages", "externalRefs", "[{'referenceCategory':'OTHER'}]"},
    {"referenceLocator", "packages", "externalRefs", "[{'referenceCategory':'OTHER','referenceType':'x'}]"},
    {"purl", "packages", "externalRefs",
     "[{'referenceCategory':'PACKAGE-MANAGER','referenceType':'purl','referenceLocator':'apk/x'}]"},
    {"spdxElementId", "relationships", "spdxElementId", "'SPDXRef-none'"},
    {"relatedSpdxElement", "relationships", "relatedSpdxElement", "'SPDXRef-none'"},
    {"relationshipType", "relationships", "relationshipType", "'LIKES'"},
    {"licenseId", "hasExtractedLicensingInfos", "licenseId", "'x'"},
    {"extractedText", "hasExtractedLicensingInfos", "extractedText", "''"},
};

static void test_broken_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        CB_BUF_AUTO value = {0};
        json_t *document = image_document(), *object = document;
        if (*broken[i].where)
            object = json_object_get(document, broken[i].where);
        if (json_is_array(object))
            object = json_array_get(object, json_array_size(object) - 1);
        assert_true(json_is_object(object));
        if (broken[i].value)
            with_quotes(broken[i].value, &value);
        if (broken[i].value)
            assert_int_equal(
                json_object_set_new(object, broken[i].key, json_loadb(value.p, value.n, JSON_DECODE_ANY, NULL)), 0);
        else
            assert_int_equal(json_object_del(object, broken[i].key), 0);
        const char *found = spdx_broken_rule(document);
        if (!found)
            fail_msg("case %zu: the rule of %s is not seen to be broken", i, broken[i].rule);
        assert_string_equal(found, broken[i].rule);
        json_decref(document);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_documents),
        cmocka_unit_test(test_broken_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
