#include "documents.h"

#include <stdlib.h>

#include "cbuild/base/file.h"
#include "cbuild/oci/reference.h"
#include "cbuild/sbom/spdx.h"

enum { RELEASE_MAX = 1 << 20 }; // bytes of etc/os-release
#define RELEASE_LINE_MAX 65535u // the reference fails on a longer line

struct release {
    struct cb_str id, name, version;
};

static int read_release_line(struct release *r, struct cb_str line, struct cb_error *err)
{
    struct cb_str key, value = line;
    if (!line.n || line.p[0] == '#')
        return 0;
    if (line.n > RELEASE_LINE_MAX)
        return cb_fail(err, CB_E_LIMIT, "etc/os-release: a line of %zu bytes", line.n);
    if (cb_str_find(line, '=') < 0)
        return cb_fail(err, CB_E_INPUT, "etc/os-release: line \"%.*s\" is not of the form NAME=value",
                       CB_STR_ARG(line));
    cb_str_cut(&value, '=', &key);
    while (value.n && value.p[0] == '"')
        value = cb_str_skip(value, 1);
    while (value.n && value.p[value.n - 1] == '"')
        value.n--;
    if (cb_str_is(key, "ID"))
        r->id = value;
    else if (cb_str_is(key, "NAME"))
        r->name = value;
    else if (cb_str_is(key, "VERSION_ID"))
        r->version = value;
    return 0;
}

// Slices point into *text.
static int read_release(struct cb_tree *t, struct cb_buf *text, struct release *r, struct cb_error *err)
{
    struct cb_str line;
    if (cb_tree_read_file(t, CB_STR("/etc/os-release"), text, RELEASE_MAX, err)) {
        if (err->kind != CB_E_NOT_FOUND)
            return -1;
        cb_error_clear(err);
        *r = (struct release){CB_STR("unknown"), CB_STR("apko-generated image"), CB_STR("unknown")};
        return 0;
    }
    struct cb_str rest = cb_buf_str(text);
    while (text->n && cb_str_cut(&rest, '\n', &line)) {
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        if (read_release_line(r, line, err))
            return -1;
    }
    return 0;
}

// The version without its "-r<number>".
static struct cb_str without_revision(struct cb_str version)
{
    size_t n = version.n;
    while (n && version.p[n - 1] >= '0' && version.p[n - 1] <= '9')
        n--;
    bool has_revision = n < version.n && n >= 2 && version.p[n - 1] == 'r' && version.p[n - 2] == '-';
    return has_revision ? cb_str_head(version, n - 2) : version;
}

// A package's own document, appended to *text; nothing where it brought none.
static int read_own_document(struct cb_tree *t, const struct cb_package *p, struct cb_buf *text, struct cb_error *err)
{
    struct cb_str version = without_revision(p->version);
    CB_AUTOFREE char *exact =
        cb_format("var/lib/db/sbom/%.*s-%.*s.spdx.json", CB_STR_ARG(p->name), CB_STR_ARG(p->version));
    CB_AUTOFREE char *plain =
        cb_format("var/lib/db/sbom/%.*s-%.*s.spdx.json", CB_STR_ARG(p->name), CB_STR_ARG(version));
    CB_AUTOFREE char *name = cb_format("var/lib/db/sbom/%.*s.spdx.json", CB_STR_ARG(p->name));
    const char *const paths[] = {exact, plain, name};
    for (size_t i = 0; i < 3; i++) {
        struct cb_node *node = cb_tree_find(t, cb_str(paths[i]));
        if (node && cb_node_is_dir(node))
            return cb_fail(err, CB_E_INPUT, "%s is a folder, a document was expected", paths[i]);
        if (node)
            return cb_node_read(node, text, CB_SPDX_SOURCE_MAX, err);
    }
    return 0;
}

static int add_packages(struct cb_spdx *d, struct cb_tree *t, struct cb_error *err)
{
    __attribute__((cleanup(cb_installed_release))) struct cb_installed installed = {0};
    if (cb_installed_read(t, &installed, err))
        return -1;
    for (size_t i = 0; i < installed.n; i++) {
        const struct cb_package *p = &installed.v[i].pkg;
        CB_BUF_AUTO text = {0};
        if (read_own_document(t, p, &text, err) || (text.p && cb_spdx_add_package(d, cb_buf_str(&text), err)))
            return cb_context(err, "SBOM of package %.*s", CB_STR_ARG(p->name));
    }
    return 0;
}

static int write_text(const struct cb_buf *text, char *name, struct cb_document *out, struct cb_error *err)
{
    out->name = name;
    out->fd = cb_temp_fd(NULL, err);
    out->size = text->n;
    return out->fd < 0 || cb_pwrite_full(out->fd, text->p, text->n, 0, name, err) ? -1 : 0;
}

// The last part of the repository that the first tag names, if it names one.
static struct cb_str purl_name(struct cb_arena *a, const char *tag)
{
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;
    struct cb_reference ref;
    if (!tag || cb_reference_parse_tag(a, cb_str(tag), &ref, &ignored))
        return CB_STR("");
    ptrdiff_t slash = cb_str_rfind(ref.repository, '/');
    return cb_str_skip(ref.repository, (size_t)(slash + 1));
}

int cb_document_text(const struct cb_document_facts *f, struct cb_buf *out, struct cb_error *err)
{
    CB_ARENA_AUTO arena = {0};
    CB_BUF_AUTO release_text = {0};
    struct release release = {{"", 0}, {"", 0}, {"", 0}};
    if (read_release(f->tree, &release_text, &release, err))
        return -1;
    const struct cb_spdx_subject s = {
        .tool = cb_str(f->tool),
        .created = cb_created_format(&arena, f->created),
        .os_id = release.id,
        .os_name = release.name,
        .os_version = release.version,
        .name = purl_name(&arena, f->tag),
        .digest = f->digest,
        .arch = f->arch,
        .parts = f->layers,
        .nparts = f->nlayers,
    };
    CB_SPDX_AUTO *d = cb_spdx_image(&s);
    if (add_packages(d, f->tree, err))
        return -1;
    cb_spdx_write(d, out);
    return 0;
}

int cb_document_of_image(struct cb_arch_build *a, struct cb_error *err)
{
    CB_ARENA_AUTO arena = {0};
    CB_BUF_AUTO text = {0};
    const struct cb_image *img = &a->image;
    struct cb_spdx_part *layers = cb_arena_alloc(&arena, img->nlayers * sizeof *layers);
    for (size_t i = 0; i < img->nlayers; i++) {
        const struct cb_descriptor *d = &img->layers[i].descriptor;
        layers[i] = (struct cb_spdx_part){cb_digest_str(&d->digest), d->media_type, CB_STR("")};
    }
    const struct cb_document_facts f = {
        .tree = a->tree,
        .tool = a->options->tool,
        .tag = a->options->tag,
        .created = a->created,
        .digest = cb_digest_str(&img->digest),
        .arch = cb_platform_of_arch(a->arch).architecture,
        .layers = layers,
        .nlayers = img->nlayers,
    };
    if (cb_document_text(&f, &text, err))
        return -1;
    return write_text(&text, cb_format("sbom-%.*s.spdx.json", CB_STR_ARG(a->apk_arch)), &a->document, err);
}

int cb_document_of_index(const struct cb_build_options *o, const struct cb_index_image *idx, struct cb_created created,
                         struct cb_str vcs_url, struct cb_document *out, struct cb_error *err)
{
    CB_ARENA_AUTO arena = {0};
    struct cb_spdx_part *images = cb_arena_alloc(&arena, idx->nimages * sizeof *images);
    if (!idx->nimages) {
        cb_fail(err, CB_E_CONFIG, "unable to render the index SBOM: there are no images of any architecture");
        return cb_hint(err, "an image needs at least one package: contents.packages, or those of the lock file");
    }
    for (size_t i = 0; i < idx->nimages; i++) {
        const struct cb_image *img = idx->images[i];
        images[i] = (struct cb_spdx_part){cb_digest_str(&img->digest), CB_STR(""), img->platform.architecture};
    }
    const struct cb_spdx_subject s = {
        .tool = cb_str(o->tool),
        .created = cb_created_format(&arena, created),
        .os_name = CB_STR("Chainguard, Inc."),
        .name = purl_name(&arena, o->tag),
        .digest = cb_digest_str(&idx->digest),
        .vcs_url = vcs_url,
        .parts = images,
        .nparts = idx->nimages,
    };
    CB_BUF_AUTO text = {0};
    CB_SPDX_AUTO *d = cb_spdx_index(&s);
    cb_spdx_write(d, &text);
    return write_text(&text, cb_strdup("sbom-index.spdx.json"), out, err);
}

void cb_document_release(struct cb_document *d)
{
    cb_close_p(&d->fd);
    free(d->name);
}
