#include "cbuild/sbom/spdx.h"

#include <jansson.h>
#include <stddef.h>
#include <stdlib.h>

#include "cbuild/base/log.h"
#include "cbuild/base/map.h"
#include "cbuild/text/json_problem.h"
#include "lenient.h"
#include "record.h"

#define NO_ASSERTION CB_STR("NOASSERTION")
#define FILE_ELEMENT "SPDXRef-File-"

struct checksum {
    struct cb_str algorithm, value;
};

struct external_ref {
    struct cb_str category, locator, type;
};

struct relationship {
    struct cb_str element, type, related;
};

struct licensing_info {
    struct cb_str id, text;
};

struct external_document {
    struct checksum checksum;
    struct cb_str id, document;
};

struct package {
    struct cb_str id, name, version;
    bool files_analyzed;
    struct cb_str license_concluded, license_declared, description, download_location, originator, supplier,
        source_info, copyright, attribution, purpose;
    struct cb_record_list checksums, external_refs;
};

struct creation_info {
    struct cb_str created;
    struct cb_record_strings creators;
    struct cb_str license_list_version;
};

struct document {
    struct cb_str id, name, version;
    struct creation_info creation;
    struct cb_str data_license, name_space;
    struct cb_record_strings describes;
    struct cb_record_list packages, relationships, external_documents, licensing_infos;
};

#define TYPE(table, record)                                                                                            \
    {                                                                                                                  \
        sizeof(record), table, sizeof(table) / sizeof *(table)                                                         \
    }
#define STRING(key, record, name, omit)                                                                                \
    {                                                                                                                  \
        key, CB_FIELD_STRING, offsetof(record, name), omit, NULL                                                       \
    }

static const struct cb_field checksum_fields[] = {
    STRING("algorithm", struct checksum, algorithm, false),
    STRING("checksumValue", struct checksum, value, false),
};
static const struct cb_record_type checksum_type = TYPE(checksum_fields, struct checksum);

static const struct cb_field external_ref_fields[] = {
    STRING("referenceCategory", struct external_ref, category, false),
    STRING("referenceLocator", struct external_ref, locator, false),
    STRING("referenceType", struct external_ref, type, false),
};
static const struct cb_record_type external_ref_type = TYPE(external_ref_fields, struct external_ref);

static const struct cb_field verification_fields[] = {{"packageVerificationCodeValue", CB_FIELD_STRING, 0, true, NULL}};
static const struct cb_record_type verification_type = TYPE(verification_fields, struct cb_str);

static const struct cb_field relationship_fields[] = {
    STRING("spdxElementId", struct relationship, element, false),
    STRING("relationshipType", struct relationship, type, false),
    STRING("relatedSpdxElement", struct relationship, related, false),
};
static const struct cb_record_type relationship_type = TYPE(relationship_fields, struct relationship);

static const struct cb_field licensing_fields[] = {
    STRING("licenseId", struct licensing_info, id, false),
    STRING("extractedText", struct licensing_info, text, false),
};
static const struct cb_record_type licensing_type = TYPE(licensing_fields, struct licensing_info);

static const struct cb_field external_document_fields[] = {
    {"checksum", CB_FIELD_RECORD, offsetof(struct external_document, checksum), false, &checksum_type},
    STRING("externalDocumentId", struct external_document, id, false),
    STRING("spdxDocument", struct external_document, document, false),
};
static const struct cb_record_type external_document_type = TYPE(external_document_fields, struct external_document);

static const struct cb_field package_fields[] = {
    STRING("SPDXID", struct package, id, false),
    STRING("name", struct package, name, false),
    STRING("versionInfo", struct package, version, true),
    {"filesAnalyzed", CB_FIELD_BOOL, offsetof(struct package, files_analyzed), false, NULL},
    STRING("licenseConcluded", struct package, license_concluded, true),
    STRING("licenseDeclared", struct package, license_declared, true),
    STRING("description", struct package, description, true),
    STRING("downloadLocation", struct package, download_location, false),
    STRING("originator", struct package, originator, true),
    STRING("supplier", struct package, supplier, true),
    STRING("sourceInfo", struct package, source_info, true),
    STRING("copyrightText", struct package, copyright, true),
    STRING("attributionText", struct package, attribution, true),
    STRING("primaryPackagePurpose", struct package, purpose, true),
    {"checksums", CB_FIELD_RECORDS, offsetof(struct package, checksums), true, &checksum_type},
    {"externalRefs", CB_FIELD_RECORDS, offsetof(struct package, external_refs), true, &external_ref_type},
    {"packageVerificationCode", CB_FIELD_CHECKED, 0, true, &verification_type},
};
static const struct cb_record_type package_type = TYPE(package_fields, struct package);

static const struct cb_field creation_fields[] = {
    STRING("created", struct creation_info, created, false),
    {"creators", CB_FIELD_STRINGS, offsetof(struct creation_info, creators), false, NULL},
    STRING("licenseListVersion", struct creation_info, license_list_version, false),
};
static const struct cb_record_type creation_type = TYPE(creation_fields, struct creation_info);

static const struct cb_field document_fields[] = {
    STRING("SPDXID", struct document, id, false),
    STRING("name", struct document, name, false),
    STRING("spdxVersion", struct document, version, false),
    {"creationInfo", CB_FIELD_RECORD, offsetof(struct document, creation), false, &creation_type},
    STRING("dataLicense", struct document, data_license, false),
    STRING("documentNamespace", struct document, name_space, false),
    {"documentDescribes", CB_FIELD_STRINGS, offsetof(struct document, describes), false, NULL},
    {"packages", CB_FIELD_RECORDS, offsetof(struct document, packages), false, &package_type},
    {"relationships", CB_FIELD_RECORDS, offsetof(struct document, relationships), false, &relationship_type},
    {"externalDocumentRefs", CB_FIELD_RECORDS, offsetof(struct document, external_documents), true,
     &external_document_type},
    {"hasExtractedLicensingInfos", CB_FIELD_RECORDS, offsetof(struct document, licensing_infos), true, &licensing_type},
};
static const struct cb_record_type document_type = TYPE(document_fields, struct document);

struct cb_spdx {
    struct cb_arena arena;
    struct document doc;
    struct cb_str supplier;
};

static struct package *package_at(const struct document *d, size_t i)
{
    return cb_record_at(&package_type, &d->packages, i);
}

static struct relationship *relationship_at(const struct document *d, size_t i)
{
    return cb_record_at(&relationship_type, &d->relationships, i);
}

// An SPDX identifier: ':' becomes '-', every other byte that is none of letters, digits, '-' and '.' its number after a
// 'C' (each byte of a multi-byte character, as the reference has it).
static struct cb_str identifier(struct cb_arena *a, const char *prefix, struct cb_str in)
{
    CB_BUF_AUTO out = {0};
    cb_buf_adds(&out, prefix);
    for (size_t i = 0; i < in.n; i++) {
        unsigned char c = (unsigned char)in.p[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.';
        if (plain)
            cb_buf_addc(&out, in.p[i]);
        else if (c == ':')
            cb_buf_addc(&out, '-');
        else
            cb_buf_addf(&out, "C%u", c);
    }
    return cb_arena_str(a, cb_buf_str(&out));
}

static void add_escaped(struct cb_buf *out, struct cb_str s, const char *plain)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool letter = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (letter || (c && strchr(plain, c)))
            cb_buf_addc(out, s.p[i]);
        else
            cb_buf_addf(out, "%%%02X", c);
    }
}

#define PURL_PLAIN "-._~!$&'()*,;=:"
#define QUERY_PLAIN "-._~" // url.QueryEscape's; none of the values has a space

// pkg:oci/<name>@<digest>?arch=...&mediaType=...&os=linux
static struct cb_str oci_purl(struct cb_spdx *d, struct cb_str name, struct cb_str digest, struct cb_str arch,
                              struct cb_str media_type)
{
    CB_BUF_AUTO out = {0};
    cb_buf_adds(&out, "pkg:oci/");
    add_escaped(&out, name, PURL_PLAIN);
    cb_buf_addc(&out, '@');
    add_escaped(&out, digest, PURL_PLAIN);
    cb_buf_adds(&out, "?");
    if (arch.n) {
        cb_buf_adds(&out, "arch=");
        add_escaped(&out, arch, QUERY_PLAIN);
        cb_buf_addc(&out, '&');
    }
    cb_buf_adds(&out, "mediaType=");
    add_escaped(&out, media_type, QUERY_PLAIN);
    if (arch.n)
        cb_buf_adds(&out, "&os=linux");
    return cb_arena_str(&d->arena, cb_buf_str(&out));
}

static void add_ref(struct package *p, struct cb_str locator)
{
    struct external_ref *ref = cb_record_add(&external_ref_type, &p->external_refs);
    *ref = (struct external_ref){CB_STR("PACKAGE-MANAGER"), locator, CB_STR("purl")};
}

static void add_checksum(struct package *p, const char *algorithm, struct cb_str value)
{
    struct checksum *sum = cb_record_add(&checksum_type, &p->checksums);
    *sum = (struct checksum){cb_str(algorithm), value};
}

static struct cb_str hex_of(struct cb_str digest)
{
    return cb_str_starts(digest, "sha256:") ? cb_str_skip(digest, 7) : digest;
}

// A package of the document; the pointer is good until the next one is added.
static struct package *add_package(struct cb_spdx *d, struct cb_str id, struct cb_str name, struct cb_str version,
                                   const char *purpose)
{
    struct package *p = cb_record_add(&package_type, &d->doc.packages);
    p->id = id;
    p->name = name;
    p->version = version;
    p->supplier = d->supplier;
    p->download_location = NO_ASSERTION;
    p->purpose = cb_str(purpose);
    return p;
}

static void relate(struct cb_spdx *d, struct cb_str element, const char *type, struct cb_str related)
{
    struct relationship *r = cb_record_add(&relationship_type, &d->doc.relationships);
    *r = (struct relationship){element, cb_str(type), related};
}

static struct cb_spdx *new_document(const struct cb_spdx_subject *s, struct cb_str digest)
{
    struct cb_spdx *d = cb_zalloc(sizeof *d);
    struct document *doc = &d->doc;
    d->supplier =
        s->os_name.n ? cb_arena_format(&d->arena, "Organization: %.*s", CB_STR_ARG(s->os_name)) : NO_ASSERTION;
    doc->id = CB_STR("SPDXRef-DOCUMENT");
    doc->name = cb_arena_format(&d->arena, "sbom-%.*s", CB_STR_ARG(digest));
    doc->version = CB_STR("SPDX-2.3");
    doc->creation.created = s->created;
    doc->creation.creators.given = true;
    cb_strs_add(&doc->creation.creators.list, cb_arena_format(&d->arena, "Tool: %.*s", CB_STR_ARG(s->tool)));
    cb_strs_add(&doc->creation.creators.list, CB_STR("Organization: Chainguard, Inc"));
    doc->creation.license_list_version = CB_STR("3.27");
    doc->data_license = CB_STR("CC0-1.0");
    doc->name_space = CB_STR("https://spdx.org/spdxdocs/apko/");
    doc->describes.given = doc->packages.given = doc->relationships.given = doc->licensing_infos.given = true;
    return d;
}

static struct cb_str name_or(const struct cb_spdx_subject *s, const char *otherwise)
{
    return s->name.n ? s->name : cb_str(otherwise);
}

#define IMAGE_MANIFEST CB_STR("application/vnd.oci.image.manifest.v1+json")
#define IMAGE_INDEX CB_STR("application/vnd.oci.image.index.v1+json")

static void add_layer(struct cb_spdx *d, const struct cb_spdx_subject *s, const struct cb_spdx_part *layer)
{
    struct cb_str id = identifier(&d->arena, "SPDXRef-Package-ImageLayer-", layer->digest);
    relate(d, d->doc.describes.list.v[0], "CONTAINS", id);
    struct package *p = add_package(d, id, layer->digest, s->os_version, "CONTAINER");
    p->description = CB_STR("apko operating system layer");
    add_ref(p, oci_purl(d, name_or(s, "image"), layer->digest, s->arch, layer->media_type));
}

// Where the configuration comes from: a package of its own, with a purl where it is on GitHub.
static void add_source(struct cb_spdx *d, const struct cb_spdx_subject *s, struct cb_str parent)
{
    static const char *const schemes[] = {"git+ssh://", "git://", "https://"};
    struct cb_str name, commit = s->vcs_url, owner, rest;
    bool has_commit = cb_str_find(s->vcs_url, '@') >= 0;
    cb_str_cut(&commit, '@', &name);
    for (size_t i = 0; i < 3; i++)
        if (cb_str_starts(name, schemes[i]))
            name = cb_str_skip(name, strlen(schemes[i]));
    if (!has_commit)
        commit = CB_STR("");
    struct cb_str id = identifier(&d->arena, "SPDXRef-Package-", s->vcs_url);
    struct package *p = add_package(d, id, name, commit, "SOURCE");
    p->description = CB_STR("Image configuration source");
    p->download_location = s->vcs_url;
    if (has_commit)
        add_checksum(p, "SHA1", commit);
    rest = cb_str_skip(name, strlen("github.com/"));
    if (cb_str_starts(name, "github.com/") && cb_str_find(rest, '/') >= 0) {
        CB_BUF_AUTO purl = {0};
        cb_str_cut(&rest, '/', &owner);
        cb_buf_adds(&purl, owner.n ? "pkg:github/" : "pkg:github");
        add_escaped(&purl, owner, PURL_PLAIN);
        cb_buf_addc(&purl, '/');
        add_escaped(&purl, cb_str_ends(rest, ".git") ? cb_str_head(rest, rest.n - 4) : rest, PURL_PLAIN);
        if (commit.n)
            cb_buf_addc(&purl, '@');
        add_escaped(&purl, commit, PURL_PLAIN);
        add_ref(p, cb_arena_str(&d->arena, cb_buf_str(&purl)));
    }
    relate(d, parent, "GENERATED_FROM", id);
}

struct cb_spdx *cb_spdx_image(const struct cb_spdx_subject *s)
{
    struct cb_spdx *d = new_document(s, s->parts[0].digest);
    struct cb_str id = identifier(&d->arena, "SPDXRef-Package-Image-", s->digest);
    cb_strs_add(&d->doc.describes.list, id);
    struct package *p = add_package(d, id, s->digest, s->digest, "CONTAINER");
    p->description = CB_STR("apko container image");
    add_checksum(p, "SHA256", hex_of(s->digest));
    add_ref(p, oci_purl(d, name_or(s, "image"), s->digest, s->arch, IMAGE_MANIFEST));
    for (size_t i = 0; i < s->nparts; i++)
        add_layer(d, s, &s->parts[i]);
    p = add_package(d, identifier(&d->arena, "SPDXRef-OperatingSystem-", s->os_id), s->os_id, s->os_version,
                    "OPERATING_SYSTEM");
    p->description = CB_STR("Operating System");
    if (s->vcs_url.n)
        add_source(d, s, id);
    return d;
}

struct cb_spdx *cb_spdx_index(const struct cb_spdx_subject *s)
{
    struct cb_spdx *d = new_document(s, s->digest);
    struct cb_str id = identifier(&d->arena, "SPDXRef-Package-", s->digest);
    cb_strs_add(&d->doc.describes.list, id);
    struct package *p = add_package(d, id, s->digest, s->digest, "CONTAINER");
    p->description = CB_STR("Multi-arch image index");
    p->source_info = CB_STR("Generated at image build time by apko");
    add_checksum(p, "SHA256", hex_of(s->digest));
    // An index of a repository named "image" is an "index" too: the reference takes the name for its stopgap.
    struct cb_str name = cb_str_is(s->name, "image") ? CB_STR("index") : name_or(s, "index");
    add_ref(p, oci_purl(d, name, s->digest, CB_STR(""), IMAGE_INDEX));
    for (size_t i = 0; i < s->nparts; i++) {
        const struct cb_spdx_part *image = &s->parts[i];
        struct cb_str image_id = identifier(&d->arena, "SPDXRef-Package-", image->digest);
        p = add_package(d, image_id, image->digest, image->digest, "CONTAINER");
        add_checksum(p, "SHA256", hex_of(image->digest));
        add_ref(p, oci_purl(d, name_or(s, "image"), image->digest, image->arch, IMAGE_MANIFEST));
        relate(d, id, "VARIANT_OF", image_id);
    }
    if (s->vcs_url.n)
        add_source(d, s, id);
    return d;
}

static int read_document(struct cb_spdx *d, struct cb_str text, struct document *out, struct cb_error *err)
{
    CB_BUF_AUTO valid = {0};
    json_error_t where;
    cb_lenient_json(text, &valid);
    struct json_t *root = json_loadb(valid.p ? valid.p : "", valid.n, JSON_ALLOW_NUL | JSON_DECODE_ANY, &where);
    if (!root)
        return cb_json_problem(NULL, &where, err);
    int failed = json_is_null(root) ? 0 : cb_record_read(&document_type, root, &d->arena, out, err);
    json_decref(root);
    return failed;
}

// What the reference's checkers miss in older documents is filled in; files are left out, so none are analyzed.
static void complete_packages(const struct cb_spdx *d, struct document *source)
{
    for (size_t i = 0; i < source->packages.n; i++) {
        struct package *p = package_at(source, i);
        if (!p->originator.n)
            p->originator = d->supplier;
        if (!p->supplier.n)
            p->supplier = p->originator;
        p->files_analyzed = false;
    }
}

// The packages that the document describes, in its list or by relationships, as keys of *out.
static void find_described(const struct document *source, struct cb_map *out)
{
    struct cb_map ids = {0};
    for (size_t i = 0; i < source->describes.list.n; i++)
        cb_map_put(&ids, source->describes.list.v[i], NULL, NULL);
    for (size_t i = 0; i < source->relationships.n; i++) {
        const struct relationship *r = relationship_at(source, i);
        if (cb_str_is(r->element, "SPDXRef-DOCUMENT") && cb_str_is(r->type, "DESCRIBES"))
            cb_map_put(&ids, r->related, NULL, NULL);
    }
    for (size_t i = 0; i < source->packages.n; i++)
        if (cb_map_find(&ids, package_at(source, i)->id))
            cb_map_put(out, package_at(source, i)->id, NULL, NULL);
    cb_map_release(&ids);
}

// Everything that relationships lead to from what is in *reached, but for files.
static void follow(const struct document *source, struct cb_map *reached)
{
    for (size_t before = SIZE_MAX; before != reached->n;) {
        before = reached->n;
        for (size_t i = 0; i < source->relationships.n; i++) {
            const struct relationship *r = relationship_at(source, i);
            if (!cb_str_starts(r->related, FILE_ELEMENT) && cb_map_find(reached, r->element))
                cb_map_put(reached, r->related, NULL, NULL);
        }
    }
}

static int check_found(const struct document *source, const struct cb_map *reached, struct cb_error *err)
{
    struct cb_map have = {0};
    const struct cb_map_item *missing = NULL;
    for (size_t i = 0; i < source->packages.n; i++)
        cb_map_put(&have, package_at(source, i)->id, NULL, NULL);
    for (size_t i = 0; i < reached->n && !missing; i++)
        if (!cb_map_find(&have, reached->items[i].key))
            missing = &reached->items[i];
    cb_map_release(&have);
    return missing ? cb_fail(err, CB_E_INPUT, "a relationship leads to %.*s, which is not among its packages",
                             CB_STR_ARG(missing->key))
                   : 0;
}

// Moves what was reached from the source; lists of moved packages change hands.
static void move_elements(struct cb_spdx *d, struct document *source, const struct cb_map *reached)
{
    for (size_t i = 0; i < source->packages.n; i++) {
        struct package *p = package_at(source, i);
        if (!cb_map_find(reached, p->id))
            continue;
        *(struct package *)cb_record_add(&package_type, &d->doc.packages) = *p;
        p->checksums = p->external_refs = (struct cb_record_list){0};
    }
    for (size_t i = 0; i < source->relationships.n; i++) {
        const struct relationship *r = relationship_at(source, i);
        if (cb_map_find(reached, r->element) && !cb_str_starts(r->related, FILE_ELEMENT))
            *(struct relationship *)cb_record_add(&relationship_type, &d->doc.relationships) = *r;
    }
}

static void merge_licensing(struct cb_spdx *d, const struct document *source)
{
    struct cb_record_list *infos = &d->doc.licensing_infos;
    for (size_t i = 0; i < source->licensing_infos.n; i++) {
        const struct licensing_info *info = cb_record_at(&licensing_type, &source->licensing_infos, i), *have = NULL;
        for (size_t k = 0; k < infos->n && !have; k++) {
            have = cb_record_at(&licensing_type, infos, k);
            have = cb_str_eq(have->id, info->id) ? have : NULL;
        }
        if (have && !cb_str_eq(have->text, info->text))
            cb_log(CB_WARN, "two packages give license %.*s different texts; the first one counts",
                   CB_STR_ARG(info->id));
        if (!have)
            *(struct licensing_info *)cb_record_add(&licensing_type, infos) = *info;
    }
}

int cb_spdx_add_package(struct cb_spdx *d, struct cb_str text, struct cb_error *err)
{
    CB_ERROR_AUTO malformed = CB_ERROR_INIT;
    struct document source = {0};
    struct cb_map described = {0}, reached = {0};
    int failed = 0;
    if (read_document(d, text, &source, &malformed)) {
        cb_log(CB_INFO, "a package's own SBOM is passed over: %s", malformed.message);
    } else {
        complete_packages(d, &source);
        find_described(&source, &described);
        for (size_t i = 0; i < described.n; i++)
            cb_map_put(&reached, described.items[i].key, NULL, NULL);
        follow(&source, &reached);
        failed = check_found(&source, &reached, err);
        if (!failed) {
            move_elements(d, &source, &reached);
            merge_licensing(d, &source);
        }
        for (size_t i = 0; i < described.n && !failed; i++)
            relate(d, d->doc.describes.list.v[0], "CONTAINS", described.items[i].key);
    }
    cb_map_release(&described);
    cb_map_release(&reached);
    cb_record_release(&document_type, &source);
    return failed;
}

// Of packages with one ID the first stays.
static void drop_repeated(struct document *doc)
{
    struct cb_map seen = {0};
    size_t kept = 0;
    for (size_t i = 0; i < doc->packages.n; i++) {
        struct package *p = package_at(doc, i);
        bool added;
        cb_map_put(&seen, p->id, NULL, &added);
        if (added)
            *package_at(doc, kept++) = *p;
        else
            cb_record_release(&package_type, p);
    }
    doc->packages.n = kept;
    cb_map_release(&seen);
}

void cb_spdx_write(struct cb_spdx *d, struct cb_buf *out)
{
    drop_repeated(&d->doc);
    struct cb_json j = cb_json(out, "", "  ");
    cb_record_write(&document_type, &d->doc, &j);
    cb_buf_addc(out, '\n');
}

void cb_spdx_free(struct cb_spdx *d)
{
    if (!d)
        return;
    cb_record_release(&document_type, &d->doc);
    cb_arena_release(&d->arena);
    free(d);
}

void cb_spdx_free_p(struct cb_spdx **d)
{
    cb_spdx_free(*d);
}
