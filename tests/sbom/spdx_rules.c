#include "spdx_rules.h"

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define ID "SPDXRef-[A-Za-z0-9.-]+"
#define LICENSE "((DocumentRef-[A-Za-z0-9.-]+:)?LicenseRef-)?[A-Za-z0-9.-]+[+]?"
#define URI "[A-Za-z][A-Za-z0-9+.-]*:[^ #]+"
#define ACTOR "(Person|Organization): .+"

struct rule {
    const char *name, *key, *pattern;
    bool required;
};

static const struct rule document_rules[] = {
    {"spdxVersion", "spdxVersion", "^SPDX-2\\.3$", true},
    {"dataLicense", "dataLicense", "^CC0-1\\.0$", true},
    {"document SPDXID", "SPDXID", "^SPDXRef-DOCUMENT$", true},
    {"documentNamespace", "documentNamespace", "^" URI "$", true},
    {"document name", "name", ".", true},
};

static const struct rule creation_rules[] = {
    {"created", "created",
     "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$", true},
    {"licenseListVersion", "licenseListVersion", "^[0-9]+\\.[0-9]+$", false},
};

static const struct rule package_rules[] = {
    {"SPDXID", "SPDXID", "^" ID "$", true},
    {"package name", "name", ".", true},
    {"downloadLocation", "downloadLocation",
     "^(NONE|NOASSERTION|((git|hg|svn|bzr)([+][a-z]+)?|https?|ftp|sftp|ssh)://[^ ]+|git[+]git@[^ ]+)$", true},
    {"supplier", "supplier", "^(NOASSERTION|" ACTOR ")$", false},
    {"originator", "originator", "^(NOASSERTION|" ACTOR ")$", false},
    {"primaryPackagePurpose", "primaryPackagePurpose",
     "^(APPLICATION|FRAMEWORK|LIBRARY|CONTAINER|OPERATING_SYSTEM|DEVICE|FIRMWARE|SOURCE|ARCHIVE|FILE|INSTALL|OTHER)$",
     false},
};

static const struct rule reference_rules[] = {
    {"referenceCategory", "referenceCategory", "^(SECURITY|PACKAGE[-_]MANAGER|PERSISTENT[-_]ID|OTHER)$", true},
    {"referenceType", "referenceType", "^[^ ]+$", true},
    {"referenceLocator", "referenceLocator", "^[^ ]+$", true},
};

static const struct rule relationship_rules[] = {
    {"relationshipType", "relationshipType",
     "^(DESCRIBES|DESCRIBED_BY|CONTAINS|CONTAINED_BY|DEPENDS_ON|DEPENDENCY_OF|DEPENDENCY_MANIFEST_OF|"
     "(BUILD|DEV|OPTIONAL|PROVIDED|TEST|RUNTIME)_DEPENDENCY_OF|(EXAMPLE|DOCUMENTATION|BUILD_TOOL|DEV_TOOL|TEST|"
     "TEST_TOOL|TEST_CASE|VARIANT|DATA_FILE|OPTIONAL_COMPONENT|METAFILE|PACKAGE)_OF|GENERATES|GENERATED_FROM|"
     "ANCESTOR_OF|DESCENDANT_OF|DISTRIBUTION_ARTIFACT|PATCH_FOR|PATCH_APPLIED|COPY_OF|FILE_(ADDED|DELETED|MODIFIED)|"
     "EXPANDED_FROM_ARCHIVE|(DYNAMIC|STATIC)_LINK|HAS_PREREQUISITE|PREREQUISITE_FOR|(REQUIREMENT_DESCRIPTION|"
     "SPECIFICATION)_FOR|AMENDS|OTHER)$",
     true},
};

static const struct rule licensing_rules[] = {
    {"licenseId", "licenseId", "^LicenseRef-[A-Za-z0-9.-]+$", true},
    {"extractedText", "extractedText", ".", true},
};

static bool matches(const char *text, const char *pattern)
{
    regex_t compiled;
    if (!text || regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB))
        return false;
    bool found = regexec(&compiled, text, 0, NULL, 0) == 0;
    regfree(&compiled);
    return found;
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static const char *broken_field(const json_t *object, const struct rule *rules, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool there = json_object_get(object, rules[i].key) != NULL;
        if (there || rules[i].required)
            if (!matches(text_of(object, rules[i].key), rules[i].pattern))
                return rules[i].name;
    }
    return NULL;
}
#define BROKEN(object, rules) broken_field(object, rules, sizeof(rules) / sizeof *(rules))

static bool has_item(const json_t *list, const char *key, const char *value)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = text_of(json_array_get(list, i), key);
        if (text && !strcmp(text, value))
            return true;
    }
    return false;
}

static bool is_element(const json_t *document, const char *id)
{
    return !strcmp(id, "SPDXRef-DOCUMENT") || has_item(json_object_get(document, "packages"), "SPDXID", id) ||
           has_item(json_object_get(document, "files"), "SPDXID", id);
}

// Takes one token, or *bracket*, from an expression with blanks; its length, 0 at the end.
static size_t token(const char **at, const char **start)
{
    *at += strspn(*at, " ");
    *start = *at;
    size_t n = **at == '(' || **at == ')' ? 1 : strcspn(*at, " ()");
    *at += n;
    return n;
}

static bool is_word(const char *start, size_t n, const char *word)
{
    return strlen(word) == n && !strncmp(start, word, n);
}

static bool known_license(const json_t *document, const char *start, size_t n)
{
    char id[256];
    if (n >= sizeof id)
        return false;
    memcpy(id, start, n);
    id[n] = 0;
    bool own = !strncmp(id, "LicenseRef-", 11);
    return matches(id, "^" LICENSE "$") &&
           (!own || has_item(json_object_get(document, "hasExtractedLicensingInfos"), "licenseId", id));
}

// Licences and brackets in turn with AND, OR and WITH: a licence is wanted, or else what joins it to the next.
static bool is_expression(const json_t *document, const char *text)
{
    const char *start;
    bool wanted = true;
    size_t depth = 0;
    for (size_t n; (n = token(&text, &start)) != 0;) {
        bool joins = is_word(start, n, "AND") || is_word(start, n, "OR") || is_word(start, n, "WITH");
        if (wanted && *start == '(')
            depth++;
        else if (!wanted && *start == ')' && depth)
            depth--;
        else if (joins != !wanted || (wanted && !known_license(document, start, n)))
            return false;
        else
            wanted = joins;
    }
    return !wanted && !depth;
}

static bool is_license(const json_t *document, const json_t *package, const char *key)
{
    const json_t *value = json_object_get(package, key);
    return !value || (json_is_string(value) && is_expression(document, json_string_value(value)));
}

static bool is_checksum(const json_t *sum)
{
    static const struct {
        const char *name;
        size_t digits;
    } known[] = {{"MD5", 32}, {"SHA1", 40}, {"SHA224", 56}, {"SHA256", 64}, {"SHA384", 96}, {"SHA512", 128}};
    const char *name = text_of(sum, "algorithm"), *value = text_of(sum, "checksumValue");
    for (size_t i = 0; name && value && i < sizeof known / sizeof *known; i++)
        if (!strcmp(name, known[i].name))
            return strlen(value) == known[i].digits && strspn(value, "0123456789abcdef") == known[i].digits;
    return false;
}

static const char *broken_reference(const json_t *reference)
{
    const char *broken = BROKEN(reference, reference_rules);
    if (!broken && !strcmp(text_of(reference, "referenceType"), "purl") &&
        !matches(text_of(reference, "referenceLocator"), "^pkg:[a-z][a-z0-9.+-]*/[^ ]+$"))
        broken = "purl";
    return broken;
}

static const char *broken_package(const json_t *document, const json_t *package)
{
    const char *broken = BROKEN(package, package_rules);
    bool analyzed = !json_is_false(json_object_get(package, "filesAnalyzed"));
    if (!broken && !analyzed && json_object_get(package, "packageVerificationCode"))
        broken = "filesAnalyzed";
    if (!broken && !is_license(document, package, "licenseConcluded"))
        broken = "licenseConcluded";
    if (!broken && !is_license(document, package, "licenseDeclared"))
        broken = "licenseDeclared";
    const json_t *sums = json_object_get(package, "checksums"), *refs = json_object_get(package, "externalRefs");
    for (size_t i = 0; i < json_array_size(sums) && !broken; i++)
        broken = is_checksum(json_array_get(sums, i)) ? NULL : "checksum";
    for (size_t i = 0; i < json_array_size(refs) && !broken; i++)
        broken = broken_reference(json_array_get(refs, i));
    return broken;
}

static bool is_end(const json_t *document, const char *id, bool related)
{
    if (!id)
        return false;
    if (related && (!strcmp(id, "NONE") || !strcmp(id, "NOASSERTION")))
        return true;
    return is_element(document, id) || matches(id, "^DocumentRef-[A-Za-z0-9.-]+:" ID "$");
}

static const char *broken_relationship(const json_t *document, const json_t *relationship)
{
    if (!is_end(document, text_of(relationship, "spdxElementId"), false))
        return "spdxElementId";
    if (!is_end(document, text_of(relationship, "relatedSpdxElement"), true))
        return "relatedSpdxElement";
    return BROKEN(relationship, relationship_rules);
}

static const char *broken_creation(const json_t *info)
{
    const json_t *creators = json_object_get(info, "creators");
    const char *broken = json_array_size(creators) ? BROKEN(info, creation_rules) : "creators";
    for (size_t i = 0; i < json_array_size(creators) && !broken; i++)
        if (!matches(json_string_value(json_array_get(creators, i)), "^(" ACTOR "|Tool: .+)$"))
            broken = "creators";
    return broken;
}

static bool ids_differ(const json_t *packages)
{
    for (size_t i = 0; i < json_array_size(packages); i++)
        for (size_t k = 0; k < i; k++)
            if (!strcmp(text_of(json_array_get(packages, i), "SPDXID"), text_of(json_array_get(packages, k), "SPDXID")))
                return false;
    return true;
}

const char *spdx_broken_rule(const json_t *document)
{
    const json_t *packages = json_object_get(document, "packages");
    const json_t *relationships = json_object_get(document, "relationships");
    const json_t *infos = json_object_get(document, "hasExtractedLicensingInfos");
    const char *broken = BROKEN(document, document_rules);
    if (!broken)
        broken = broken_creation(json_object_get(document, "creationInfo"));
    for (size_t i = 0; i < json_array_size(infos) && !broken; i++)
        broken = BROKEN(json_array_get(infos, i), licensing_rules);
    for (size_t i = 0; i < json_array_size(packages) && !broken; i++)
        broken = broken_package(document, json_array_get(packages, i));
    if (!broken && !ids_differ(packages))
        broken = "SPDXID twice";
    for (size_t i = 0; i < json_array_size(relationships) && !broken; i++)
        broken = broken_relationship(document, json_array_get(relationships, i));
    return broken;
}
