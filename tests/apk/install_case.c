#include "install_case.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cbuild/base/file.h"
#include "cbuild/base/vec.h"
#include "cbuild/crypto/hash.h"

struct made_package *made_new(struct made_packages *all, struct cb_str name, struct cb_str origin)
{
    struct made_package *p = cb_zalloc(sizeof *p);

    *cb_vec_add(all) = p;
    p->file.data_fd = -1;
    p->file.info.name = cb_arena_str(&p->file.arena, name);
    p->file.info.version = CB_STR("1");
    p->file.info.origin = cb_arena_str(&p->file.arena, origin);
    return p;
}

struct cb_apk_entry *made_entry(struct made_package *p, uint8_t type, const char *name, const char *text)
{
    struct cb_apk_entry *e = cb_vec_add(&p->file.entries);
    struct cb_arena *a = &p->file.arena;

    e->header.type = type;
    e->header.name = cb_arena_str(a, cb_str(name));
    e->header.mode = type == CB_TAR_DIR ? 0755 : type == CB_TAR_SYMLINK ? 0777 : 0644;
    e->data_at = p->data.n;
    if (type == CB_TAR_FILE) {
        e->header.size = (int64_t)strlen(text);
        cb_buf_adds(&p->data, text);
    } else if (text) {
        e->header.linkname = cb_arena_str(a, cb_str(text));
    }
    e->has_checksum = type == CB_TAR_FILE || type == CB_TAR_SYMLINK;
    if (e->has_checksum)
        cb_hash_once(CB_SHA1, text, strlen(text), e->sha1);
    return e;
}

void made_script(struct made_package *p, struct cb_str name, int64_t mode, struct cb_str text, uint8_t format)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_buf_sink sink = cb_buf_sink(&p->control);
    struct cb_tar_writer w = cb_tar_writer(&sink.sink);
    struct cb_tar_pax pax = {CB_STR("APK-TOOLS.checksum.SHA1"), CB_STR("00")};
    struct cb_tar_header h = {.name = name, .type = CB_TAR_FILE, .mode = mode, .size = (int64_t)text.n};
    static const char zeros[512];

    h.format = format;
    h.mtime.sec = 77;
    h.pax = &pax;
    h.npax = format == CB_TAR_PAX;
    if (cb_tar_write_header(&w, &h, &err) != 0 || cb_tar_write(&w, text.p, text.n, &err) != 0)
        abort();
    cb_buf_add(&p->control, zeros, w.pad);
}

void made_finish(struct made_package *p)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;

    p->file.data_fd = memfd_create("data", MFD_CLOEXEC);
    if (cb_pwrite_full(p->file.data_fd, p->data.p, p->data.n, 0, "data", &err) != 0)
        abort();
    p->file.control = cb_buf_str(&p->control);
}

void made_release(struct made_packages *all)
{
    for (size_t i = 0; i < all->n; i++) {
        struct made_package *p = all->v[i];
        cb_close_p(&p->file.data_fd);
        cb_vec_release(&p->file.entries);
        cb_strs_release(&p->file.triggers);
        cb_strs_release(&p->file.info.replaces);
        cb_strs_release(&p->file.info.provides);
        cb_strs_release(&p->file.info.install_if);
        cb_buf_release(&p->data);
        cb_buf_release(&p->control);
        cb_arena_release(&p->file.arena);
        free(p);
    }
    cb_vec_release(all);
}

struct cb_tree *made_tree(void)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_tree *t = cb_tree_new();

    if (cb_apk_init_db(t, CB_STR("x86_64"), &err) != 0 ||
        cb_apk_add_key(t, CB_STR("k.rsa.pub"), CB_STR("key"), &err) != 0 ||
        cb_tree_write_file(t, CB_STR("etc/own"), CB_STR("hello"), 0644, &err) != 0 ||
        cb_tree_write_file(t, CB_STR("etc/empty"), CB_STR(""), 0600, &err) != 0)
        abort();
    return t;
}

int made_install(struct cb_tree *t, const struct made_packages *all, struct cb_install_result *result,
                 struct cb_error *err)
{
    CB_AUTOFREE struct cb_install_item *items = cb_realloc_array(NULL, all->n + 1, sizeof *items);
    struct cb_install_options options = {.source_date_epoch = {1000000000, 0}};

    for (size_t i = 0; i < all->n; i++)
        items[i] = (struct cb_install_item){{.pkg = &all->v[i]->file.info}, &all->v[i]->file};
    return cb_install(t, items, all->n, &options, result, err);
}
