#include "cbuild/base/log.h"
#include "cbuild/builder/stored.h"
#include "cbuild/trust/unverified.h"
#include "command.h"
#include "image_access.h"
#include "output.h"

#define SPDX_TYPE "https://spdx.dev/Document"

static const char *arch = "", *from = "any", *tag = "";
static bool index_document, offline;

static struct cb_flag flags[] = {
    {"arch", 0, CB_FLAG_STRING, &arch, NULL, "whose SBOM, of an index (default: the only one, else this machine's)", 0,
     0},
    {"from", 0, CB_FLAG_STRING, &from, NULL, "where to take it from: attached, layers, or any (attached first)", 0, 0},
    {"index", 0, CB_FLAG_BOOL, &index_document, NULL, "what is attached to the index itself", 0, 0},
    {"offline", 0, CB_FLAG_BOOL, &offline, NULL, "do not use the network", 0, 0},
    {"tag", 0, CB_FLAG_STRING, &tag, NULL,
     "the name that the image had when it was built (default: its repository's); from layers only", 0, 0},
};

static struct cb_flags own_flags(void)
{
    return CB_FLAGS(flags);
}

static int find_attached(struct cb_image_source *s, const struct cb_digest *subject, struct cb_buf *out,
                         struct cb_error *err)
{
    static const char *const media_types[] = {"text/spdx+json", "application/spdx+json", "spdx+json"};
    CB_ARENA_AUTO a = {0};
    struct cb_str predicate;
    if (!cb_digest_is_set(subject))
        return 0;
    int found = cb_unverified_predicate(s, subject, SPDX_TYPE, &a, &predicate, err);
    if (found == 1) {
        cb_buf_addstr(out, predicate);
        cb_buf_addc(out, '\n');
    }
    if (found == 0)
        found = cb_unverified_document(s, subject, media_types, 3, out, err);
    if (found == 1)
        cb_log(CB_WARN,
               "this document is attached to %s; no signature of it was checked (cbuild verify-attestation "
               "--type spdxjson does)",
               subject->text);
    return found;
}

static int make(struct cb_image_source *s, const struct cb_source_image *img, struct cb_buf *out, struct cb_error *err)
{
    CB_STORED_AUTO stored = {0};
    CB_AUTOFREE char *name =
        s->place == CB_PLACE_REGISTRY ? cb_strndup(s->ref.repository.p, s->ref.repository.n) : NULL;
    cb_log(CB_INFO, "the SBOM of %.*s %s, from what its layers hold", CB_STR_ARG(img->label),
           img->descriptor.digest.text);
    return cb_stored_read(s, img, CB_STORED_DOCUMENTS, &stored, err) ||
                   cb_stored_sbom(&stored, img, "cbuild (" CBUILD_VERSION ")", *tag ? tag : name, out, err)
               ? cb_context(err, "%s", s->name)
               : 0;
}

static int find(struct cb_image_source *s, struct cb_buf *out, struct cb_error *err)
{
    const struct cb_source_image *img = NULL;
    bool attached = strcmp(from, "layers") != 0, layers = strcmp(from, "attached") != 0 && !index_document;
    if (!index_document && cb_image_choose(s, arch, &img, err))
        return -1;
    const struct cb_digest *subject = img ? &img->descriptor.digest : &s->root.digest;
    int found = attached ? find_attached(s, subject, out, err) : 0;
    if (found)
        return found < 0 ? -1 : 0;
    if (layers)
        return make(s, img, out, err);
    return cb_fail(err, CB_E_NOT_FOUND, "%s: no SPDX document is attached to %s", s->name, subject->text);
}

static int check_flags(const struct cb_invocation *in, struct cb_error *err)
{
    if (in->args.n != 1)
        return cb_fail(err, CB_E_USAGE, "sbom takes one image, not %zu arguments", in->args.n);
    if (strcmp(from, "any") && strcmp(from, "attached") && strcmp(from, "layers"))
        return cb_fail(err, CB_E_USAGE, "--from: \"%s\" is none of attached, layers, any", from);
    if (index_document && (*arch || !strcmp(from, "layers")))
        return cb_fail(err, CB_E_USAGE, "--index does not go together with --arch, nor with --from=layers");
    return 0;
}

static int run(const struct cb_invocation *in, struct cb_error *err)
{
    CB_IMAGE_DOORS_AUTO doors = {0};
    CB_IMAGE_SOURCE_AUTO source = {0};
    CB_BUF_AUTO text = {0};
    if (check_flags(in, err) || cb_image_doors_open(&doors, offline, err) ||
        cb_image_source_open(&source, in->args.v[0], &doors.access, err) || find(&source, &text, err))
        return -1;
    struct cb_sink out = cb_stdout_sink();
    return cb_write(&out, text.p, text.n, err);
}

const struct cb_command cb_command_sbom = {
    .name = "sbom",
    .usage = "IMAGE [flags]",
    .summary = "Print an image's SBOM (SPDX)",
    .text = "Print an image's SBOM: the SPDX document that is attached to it (as an attestation, a referrer, or under "
            "the\ntag sha256-....sbom), else the one that its layers give: the documents of its packages, put together "
            "as the\nbuild does.\n\nWhat is attached is printed as it is, whoever signed it; cbuild verify-attestation "
            "checks signatures.",
    .example = "  cbuild sbom registry.example.com/hello --arch arm64 | jq '.packages[].name'",
    .flags = own_flags,
    .run = run,
};
