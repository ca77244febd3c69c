#include "cbuild/builder/stored.h"

#include "documents.h"

#define OLD_INSTALLED "lib/apk/db/installed" // before the databases moved below usr
#define SBOM_FOLDER "var/lib/db/sbom/"

void cb_stored_release(struct cb_stored *s)
{
    cb_image_files_release(&s->files);
}

static const struct cb_str names[] = {{CB_STORED_CONFIG, sizeof CB_STORED_CONFIG - 1},
                                      {CB_APK_INSTALLED, sizeof CB_APK_INSTALLED - 1},
                                      {SBOM_FOLDER, sizeof SBOM_FOLDER - 1},
                                      {"etc/os-release", 14},
                                      {"usr/lib/os-release", 18}};
static const struct cb_str old_installed = {OLD_INSTALLED, sizeof OLD_INSTALLED - 1};

int cb_stored_read(struct cb_image_source *source, const struct cb_source_image *img, enum cb_stored_parts parts,
                   struct cb_stored *out, struct cb_error *err)
{
    static const size_t counts[] = {[CB_STORED_CONFIG_ONLY] = 1, [CB_STORED_PACKAGES] = 2, [CB_STORED_DOCUMENTS] = 5};
    if (cb_image_files_collect(source, img, names, counts[parts], CB_SPDX_SOURCE_MAX, &out->files, err))
        return -1;
    const struct cb_image_content *config = cb_image_files_get(&out->files, CB_STORED_CONFIG);
    const struct cb_image_content *installed = cb_image_files_get(&out->files, CB_APK_INSTALLED);
    if (!installed && parts != CB_STORED_CONFIG_ONLY) {
        if (cb_image_files_collect(source, img, &old_installed, 1, CB_SPDX_SOURCE_MAX, &out->files, err))
            return -1;
        installed = cb_image_files_get(&out->files, OLD_INSTALLED);
    }
    if (config) {
        out->config = config->bytes;
        out->epoch = config->mtime;
    }
    if (installed)
        out->installed = installed->bytes;
    return 0;
}

static int put(struct cb_tree *t, struct cb_str path, struct cb_str bytes, struct cb_error *err)
{
    ptrdiff_t slash = cb_str_rfind(path, '/');
    if (slash > 0 && cb_tree_mkdir_all(t, cb_str_head(path, (size_t)slash), 0755, err))
        return -1;
    return cb_tree_write_file(t, path, bytes, 0644, err);
}

// The files that a document is made of, as they lie in an image.
static int fill_tree(struct cb_tree *t, const struct cb_stored *s, struct cb_error *err)
{
    for (size_t i = 0; i < s->files.files.n; i++) {
        const struct cb_image_content *c = s->files.files.items[i].value;
        if (cb_tree_path_is_clean(s->files.files.items[i].key) && put(t, s->files.files.items[i].key, c->bytes, err))
            return -1;
    }
    const struct cb_image_content *release = cb_image_files_get(&s->files, "usr/lib/os-release");
    if (release && !cb_tree_exists(t, CB_STR("etc/os-release")) &&
        put(t, CB_STR("etc/os-release"), release->bytes, err))
        return -1;
    return put(t, CB_STR(CB_APK_INSTALLED), s->installed, err);
}

int cb_stored_sbom(const struct cb_stored *s, const struct cb_source_image *img, const char *tool, const char *tag,
                   struct cb_buf *out, struct cb_error *err)
{
    CB_ARENA_AUTO arena = {0};
    if (!s->installed.p) {
        cb_fail(err, CB_E_NOT_FOUND, "image %.*s has no database of installed packages", CB_STR_ARG(img->label));
        return cb_hint(err, "was it made by apko?");
    }
    struct cb_spdx_part *layers = cb_arena_alloc(&arena, (img->nlayers + 1) * sizeof *layers);
    for (size_t i = 0; i < img->nlayers; i++) {
        const struct cb_source_layer *l = &img->layers[i];
        const struct cb_digest *d = cb_digest_is_set(&l->descriptor.digest) ? &l->descriptor.digest : &l->diff_id;
        layers[i] = (struct cb_spdx_part){cb_digest_str(d), l->descriptor.media_type, CB_STR("")};
    }
    struct cb_tree *t = cb_tree_new();
    const struct cb_document_facts f = {
        .tree = t,
        .tool = tool,
        .tag = tag,
        .created = img->file.created,
        .digest = cb_digest_str(&img->descriptor.digest),
        .arch = img->file.architecture,
        .layers = layers,
        .nlayers = img->nlayers,
    };
    int rc = fill_tree(t, s, err) || cb_document_text(&f, out, err) ? -1 : 0;
    cb_tree_free(t);
    return rc;
}
