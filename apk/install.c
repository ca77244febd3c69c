// Installing packages in order: files, scripts and triggers of each, then all records, then lib/apk.
#include "cbuild/apk/install.h"

#include <stdlib.h>

#include "cbuild/base/log.h"
#include "cbuild/base/vec.h"
#include "install_steps.h"

static int check_conflicts(const struct cb_installed *installed, const struct cb_strs *conflicts, struct cb_error *err)
{
    for (size_t i = 0; conflicts && i < conflicts->n; i++)
        if (cb_installed_find(installed, conflicts->v[i]))
            return cb_fail(err, CB_E_CONFLICT, "cannot install: %.*s is installed, and conflicts with what is to be",
                           CB_STR_ARG(conflicts->v[i]));
    return 0;
}

// Names that become part of lines and of names of scripts.
static int check_package(const struct cb_package *p, struct cb_error *err)
{
    CB_BUF_AUTO lines = {0};

    if (p->name.n == 0 || cb_str_find_any(p->name, "/\n") >= 0)
        return cb_fail(err, CB_E_INPUT, "\"%.*s\" cannot be a package's name", CB_STR_ARG(p->name));
    if (cb_str_find_any(p->version, "/\n") >= 0)
        return cb_fail(err, CB_E_INPUT, "\"%.*s\" cannot be a package's version", CB_STR_ARG(p->version));
    // Before anything is put into the tree: a field that would forge records ends it here.
    return cb_installed_package_lines(p, &lines, err);
}

static int install_one(struct files_step *s, const struct cb_install_item *item, const struct cb_package *p,
                       const struct cb_install_options *o, struct cb_error *err)
{
    cb_log(CB_INFO, "installing %.*s (%.*s)", CB_STR_ARG(p->name), CB_STR_ARG(p->version));
    if (check_package(p, err) != 0 || files_install(s, item->file, p, err) != 0 ||
        scripts_install(s->tree, item->file, p, o->source_date_epoch, err) != 0 ||
        triggers_install(s->tree, item->file, p, err) != 0)
        return cb_context(err, "installing %.*s-%.*s", CB_STR_ARG(p->name), CB_STR_ARG(p->version));
    return 0;
}

// The package as the image records it: what .PKGINFO says, which is more than the index says.
static const struct cb_package *as_recorded(struct cb_tree *t, const struct cb_apk_file *file)
{
    struct cb_package *p = cb_arena_alloc(cb_tree_arena(t), sizeof *p);

    *p = file->info;
    p->checksum = cb_arena_str(cb_tree_arena(t), cb_strn(file->control_sha1, sizeof file->control_sha1));
    p->size = file->signature_size + file->control_size + file->data_size;
    return p;
}

static int install_all(struct files_step *s, const struct cb_install_item *items, size_t n,
                       const struct cb_install_options *o, const struct cb_installed *installed,
                       const struct cb_package **packages, struct cb_error *err)
{
    for (size_t i = 0; i < n; i++) {
        packages[i] = NULL;
        if (cb_installed_find(installed, items[i].pkg.pkg->name))
            continue;
        packages[i] = as_recorded(s->tree, items[i].file);
        if (install_one(s, &items[i], packages[i], o, err) != 0)
            return -1;
    }
    return 0;
}

static int record_all(struct files_step *s, const struct cb_install_item *items, size_t n,
                      const struct cb_package **packages, struct cb_install_result *result, struct cb_error *err)
{
    for (size_t i = 0; i < n; i++) {
        struct cb_str record;
        if (!packages[i])
            continue;
        if (files_record(s, items[i].file, packages[i], &record, err) != 0)
            return -1;
        *cb_vec_add(result) = (struct cb_installed_diff){packages[i], record};
    }
    return lib_apk_link(s->tree, err);
}

int cb_install(struct cb_tree *t, const struct cb_install_item *items, size_t n, const struct cb_install_options *o,
               struct cb_install_result *result, struct cb_error *err)
{
    CB_AUTOFREE const struct cb_package **packages = cb_realloc_array(NULL, n + 1, sizeof *packages);
    struct files_step s = {.tree = t};
    struct cb_installed installed;

    *result = (struct cb_install_result){0};
    if (cb_installed_read(t, &installed, err) != 0)
        return -1;
    int rc = check_conflicts(&installed, o->conflicts, err);
    if (rc == 0)
        rc = install_all(&s, items, n, o, &installed, packages, err);
    cb_installed_release(&installed);
    if (rc == 0)
        rc = record_all(&s, items, n, packages, result, err);
    cb_map_release(&s.owners);
    if (rc != 0)
        cb_vec_release(result);
    return rc;
}
