#include "base_image.h"

#include <stdlib.h>

#include "cbuild/base/file.h"
#include "cbuild/builder/arch.h"
#include "cbuild/oci/layout.h"

static int read_image(struct cb_base_image *b, const char *path, struct cb_str arch, struct cb_error *err)
{
    struct cb_layout layout = {0};
    if (cb_layout_open(&layout, path, err))
        return -1;
    int failed = cb_layout_find_arch(&layout, arch, &b->image, err);
    cb_layout_close(&layout);
    return failed;
}

static int parse_list(struct cb_base_image *b, struct cb_str text, const char *folder, struct cb_str apk_arch,
                      struct cb_error *err)
{
    struct cb_index_origin origin = {.base = cb_str(folder), .arch = apk_arch};
    struct cb_mem_source source = cb_mem_source(text.p, text.n);
    if (cb_installed_parse(text, &b->installed, err) || cb_index_parse(&source.source, &origin, &b->index, err))
        return -1;
    for (size_t i = 0; i < b->installed.n; i++) {
        const struct cb_package *p = &b->installed.v[i].pkg;
        CB_BUF_AUTO entry = {0};
        cb_buf_addstr(&entry, p->name);
        cb_buf_addc(&entry, '=');
        cb_buf_addstr(&entry, p->version);
        cb_strs_add(&b->world, cb_arena_str(&b->installed.arena, cb_buf_str(&entry)));
    }
    return 0;
}

static int read_list(struct cb_base_image *b, const char *path, struct cb_str arch, struct cb_error *err)
{
    struct cb_str apk_arch = cb_arch_to_apk(arch);
    CB_BUF_AUTO text = {0};
    CB_AUTOFREE char *name = cb_format("%.*s", CB_STR_ARG(apk_arch));
    CB_AUTOFREE char *folder = cb_path_join(path, name);
    CB_AUTOFREE char *file = cb_path_join(folder, "APKINDEX");
    if (cb_read_file(file, &text, CB_BASE_INDEX_MAX, err))
        return -1;
    return parse_list(b, cb_buf_str(&text), folder, apk_arch, err) ? cb_context(err, "%s", file) : 0;
}

int cb_base_image_open(struct cb_base_image *b, const char *layout, const char *apkindex, struct cb_str arch,
                       struct cb_error *err)
{
    if (read_image(b, layout, arch, err) || read_list(b, apkindex, arch, err)) {
        cb_base_image_release(b);
        return cb_context(err, "base image %s", layout);
    }
    return 0;
}

void cb_base_image_release(struct cb_base_image *b)
{
    cb_image_release(&b->image);
    cb_index_free(b->index);
    cb_strs_release(&b->world);
    cb_installed_release(&b->installed);
    *b = (struct cb_base_image){0};
}
