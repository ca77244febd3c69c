// What an image has before any package, and the files that say where its packages come from.
#include "install_steps.h"

#include <stdlib.h>

#include "cbuild/base/file.h"
#include "cbuild/base/vec.h"

// In the reference's order, which does not show in the result but in which of two errors is met first.
static const struct {
    const char *path;
    uint32_t mode;
} folders[] = {
    {"/tmp", 01777},
    {"/dev", 0755},
    {"/etc", 0755},
    {"/opt", 0755},
    {"/proc", 0555},
    {"/var", 0755},
    {"/usr", 0755},
    {"/etc/apk", 0755},
    {"/etc/apk/keys", 0755},
    {"/usr/lib", 0755},
    {"/usr/lib/apk", 0755},
    {"/usr/lib/apk/db", 0755},
    {"/usr/lib/apk/exec", 0755},
    {"/var/cache", 0755},
    {"/var/cache/apk", 0755},
    {"/var/cache/misc", 0755},
};

static const struct {
    const char *path, *bytes;
    uint32_t mode;
} files[] = {
    {"/etc/apk/world", "\n", 0644},         {"/etc/apk/repositories", "\n", 0644},   {"/usr/lib/apk/db/lock", "", 0600},
    {"/usr/lib/apk/db/triggers", "", 0644}, {"/usr/lib/apk/db/installed", "", 0644},
};

static const struct {
    const char *path;
    uint32_t mode, major, minor;
} devices[] = {
    {"/dev/zero", 0666, 1, 5},   {"/dev/urandom", 0666, 1, 9}, {"/dev/null", 0666, 1, 3},
    {"/dev/random", 0666, 1, 8}, {"/dev/console", 0620, 5, 1},
};

#define COUNT(a) (sizeof(a) / sizeof *(a))

static int make_files(struct cb_tree *t, struct cb_str arch, struct cb_error *err)
{
    static const char empty_tar[1024];
    CB_BUF_AUTO line = {0};

    for (size_t i = 0; i < COUNT(files); i++)
        if (cb_tree_write_file(t, cb_str(files[i].path), cb_str(files[i].bytes), files[i].mode, err) != 0)
            return -1;
    cb_buf_addstr(&line, arch);
    cb_buf_addc(&line, '\n');
    if (cb_tree_write_file(t, CB_STR("/etc/apk/arch"), cb_buf_str(&line), 0644, err) != 0)
        return -1;
    return cb_tree_write_file(t, CB_STR(CB_APK_SCRIPTS), cb_strn(empty_tar, sizeof empty_tar), 0644, err);
}

int cb_apk_init_db(struct cb_tree *t, struct cb_str arch, struct cb_error *err)
{
    for (size_t i = 0; i < COUNT(folders); i++)
        if (cb_tree_mkdir(t, cb_str(folders[i].path), folders[i].mode, err) != 0)
            return -1;
    for (size_t i = 0; i < COUNT(devices); i++)
        if (cb_tree_mknod(t, cb_str(devices[i].path), devices[i].mode, devices[i].major, devices[i].minor, err) != 0)
            return -1;
    return make_files(t, arch, err);
}

int cb_apk_add_key(struct cb_tree *t, struct cb_str name, struct cb_str pem, struct cb_error *err)
{
    CB_BUF_AUTO path = {0};

    if (name.n == 0 || cb_str_find(name, '/') >= 0 || cb_str_find(name, '\0') >= 0 || cb_str_is(name, ".") ||
        cb_str_is(name, ".."))
        return cb_fail(err, CB_E_INPUT, "\"%.*s\" cannot be the name of a key in the image", CB_STR_ARG(name));
    if (cb_tree_mkdir_all(t, CB_STR(CB_APK_KEYS), 0755, err) != 0)
        return -1;
    cb_buf_adds(&path, CB_APK_KEYS "/");
    cb_buf_addstr(&path, name);
    return cb_tree_write_file(t, cb_buf_str(&path), pem, 0644, err);
}

static int write_lines(struct cb_tree *t, const char *path, const struct cb_strs *items, struct cb_error *err)
{
    CB_BUF_AUTO text = {0};

    for (size_t i = 0; i < items->n; i++) {
        if (cb_str_find(items->v[i], '\n') >= 0)
            return cb_fail(err, CB_E_CONFIG, "a newline in \"%.*s\": it would be several lines of %s",
                           CB_STR_ARG(items->v[i]), path);
        if (i > 0)
            cb_buf_addc(&text, '\n');
        cb_buf_addstr(&text, items->v[i]);
    }
    cb_buf_addc(&text, '\n');
    return cb_tree_write_file(t, cb_str(path), cb_buf_str(&text), 0644, err);
}

int cb_apk_set_world(struct cb_tree *t, const struct cb_strs *world, struct cb_error *err)
{
    struct cb_strs sorted = {0};

    for (size_t i = 0; i < world->n; i++)
        cb_strs_add(&sorted, world->v[i]);
    cb_strs_sort(&sorted);
    int rc = write_lines(t, CB_APK_WORLD, &sorted, err);
    cb_strs_release(&sorted);
    return rc;
}

int cb_apk_set_repositories(struct cb_tree *t, const struct cb_strs *repositories, struct cb_error *err)
{
    if (repositories->n == 0)
        return cb_fail(err, CB_E_CONFIG, "no repositories; at least one is needed");
    return write_lines(t, CB_APK_REPOSITORIES, repositories, err);
}

// --- lib/apk, where older tools look for the database

static bool leads_to(struct cb_tree *t, const char *path, const char *target)
{
    CB_ERROR_AUTO none = CB_ERROR_INIT;
    CB_BUF_AUTO rooted = {0};
    struct cb_str link;

    if (cb_tree_readlink(t, cb_str(path), &link, &none) != 0)
        return false;
    cb_buf_addc(&rooted, '/');
    cb_buf_addstr(&rooted, link);
    CB_AUTOFREE char *clean = cb_path_clean(cb_buf_str(&rooted));
    return strcmp(clean, target) == 0;
}

// 1 where an installed package (a base image's, as a rule) says that /lib is a symlink.
static int has_merged_lib(struct cb_tree *t, struct cb_error *err)
{
    struct cb_installed installed;
    int found = 0;

    if (cb_installed_read(t, &installed, err) != 0)
        return -1;
    for (size_t i = 0; i < installed.n && !found; i++)
        found = cb_strs_has(&installed.v[i].pkg.provides, CB_STR("merged-lib"));
    cb_installed_release(&installed);
    return found;
}

// Takes away a lib/apk of folders with nothing in them, which packages such as apk-tools bring.
static int clear_lib_apk(struct cb_tree *t, struct cb_error *err)
{
    struct cb_tree_entries entries = {0};
    const struct cb_node *dir = cb_tree_find(t, CB_STR("lib/apk"));
    int rc = 0;

    if (!dir || !cb_node_is_dir(dir))
        return 0;
    if (cb_tree_list(t, CB_STR("lib/apk"), &entries, err) != 0)
        return -1;
    for (size_t i = 0; i < entries.n && rc == 0; i++) {
        CB_AUTOFREE char *path = cb_format("lib/apk/%.*s", CB_STR_ARG(entries.v[i].name));
        struct cb_tree_entries below = {0};
        if (!cb_node_is_dir(entries.v[i].node))
            rc = cb_fail(err, CB_E_CONFLICT, "%s: a file where lib/apk is to become a symlink", path);
        else
            rc = cb_tree_list(t, cb_str(path), &below, err);
        if (rc == 0 && below.n > 0)
            rc = cb_fail(err, CB_E_CONFLICT, "%s: not empty where lib/apk is to become a symlink", path);
        if (rc == 0)
            rc = cb_tree_remove(t, cb_str(path), err);
        cb_vec_release(&below);
    }
    cb_vec_release(&entries);
    return rc == 0 ? cb_tree_remove(t, CB_STR("lib/apk"), err) : rc;
}

int lib_apk_link(struct cb_tree *t, struct cb_error *err)
{
    CB_ERROR_AUTO why = CB_ERROR_INIT;
    int merged = has_merged_lib(t, err);

    if (merged < 0)
        return -1;
    if (leads_to(t, "/lib", "/usr/lib") || leads_to(t, "/lib/apk", "/usr/lib/apk"))
        return 0;
    if (!cb_tree_stat(t, CB_STR("lib"), &why) && why.kind == CB_E_NOT_FOUND) {
        if (merged) { // the base image has the symlink already; this layer repeats it where it can
            CB_ERROR_AUTO taken = CB_ERROR_INIT;
            (void)cb_tree_symlink(t, CB_STR("usr/lib"), CB_STR("lib"), &taken);
            return 0;
        }
        if (cb_tree_mkdir(t, CB_STR("lib"), 0755, err) != 0)
            return -1;
    }
    if (clear_lib_apk(t, err) != 0)
        return -1;
    return cb_tree_symlink(t, CB_STR("../usr/lib/apk"), CB_STR("lib/apk"), err);
}
