// Any entries, installed twice as two packages that replace each other: the tree can be walked, no name climbs out of
// it, and the database has the two records or nothing was installed.
#undef NDEBUG // here assert is the point
#include <assert.h>
#include <stdlib.h>

#include "cbuild/apk/install.h"
#include "cbuild/base/vec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int look_at(void *ctx, struct cb_str path, struct cb_node *n, struct cb_error *err)
{
    const struct cb_owner_names none = {0};
    struct cb_str rest = path, part;
    struct cb_tar_header h;

    (void)ctx;
    assert(!cb_str_starts(path, "/"));
    while (!cb_str_is(path, ".") && cb_str_cut(&rest, '/', &part))
        assert(part.n > 0 && !cb_str_is(part, ".") && !cb_str_is(part, ".."));
    if (cb_node_header(n, path, &none, &h, err) != 0)
        cb_error_clear(err);
    return 0;
}

// "<type><name>\1<target>\0...": folders, files and links of any names.
static void make_entries(struct cb_apk_file *f, struct cb_str rest)
{
    struct cb_str text;

    while (f->entries.n < 500 && cb_str_cut(&rest, '\0', &text) && text.n > 0) {
        struct cb_apk_entry *e = cb_vec_add(&f->entries);
        e->header.type = (uint8_t)text.p[0];
        text = cb_str_skip(text, 1);
        cb_str_cut(&text, '\1', &e->header.name);
        e->header.linkname = text;
        e->header.mode = 0755;
        e->has_checksum = true;
        e->sha1[0] = (uint8_t)text.n; // so that some are equal
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_str p = CB_STR("p"), q = CB_STR("q");
    struct cb_apk_file one = {.info = {.name = p, .version = CB_STR("1"), .replaces = {&q, 1, 1}}, .data_fd = -1};
    struct cb_install_options o = {.source_date_epoch = {0, 0}};
    struct cb_install_result result = {0};
    struct cb_installed installed;

    make_entries(&one, cb_strn(data, size));
    struct cb_apk_file two = one;
    two.info.name = q;
    two.info.replaces = (struct cb_strs){&p, 1, 1};
    const struct cb_install_item items[] = {{{.pkg = &one.info}, &one}, {{.pkg = &two.info}, &two}};
    struct cb_tree *t = cb_tree_new();
    assert(cb_apk_init_db(t, CB_STR("x86_64"), &err) == 0);
    int rc = cb_install(t, items, 2, &o, &result, &err);
    assert((rc == 0) == (err.kind == CB_OK));
    cb_error_clear(&err);
    if (rc == 0) {
        assert(cb_installed_read(t, &installed, &err) == 0 && installed.n == 2 && result.n == 2);
        cb_installed_release(&installed);
    }
    assert(cb_tree_walk(t, CB_STR("."), look_at, NULL, &err) == 0 || err.kind == CB_E_LIMIT);
    cb_vec_release(&result);
    cb_tree_free(t);
    cb_vec_release(&one.entries);
    cb_arena_release(&one.arena);
    return 0;
}
