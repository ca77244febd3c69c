// busybox is one program under several hundred names. Newer packages list theirs in etc/busybox-paths.d/<package>; for
// older ones the names are known by version.
#include "busybox.h"

#include <stdlib.h>

#include "go_path.h"
#include "steps.h"

#define BUSYBOX "/bin/busybox"
#define LISTS "/etc/busybox-paths.d/"
#define LIST_MAX (16u << 20) // bytes of a package's list
#define NEWEST "1.36.0"      // of the table; stands in for every version that is not in it

static const struct {
    const char *folder, *names; // separated by blanks
} base_links[] = {
#include "busybox_links.inc"
};

// What a version has more (or less) than the one before it.
static const struct {
    const char *version, *link;
    bool removed;
} changes[] = {
    {"1.33.0", "/bin/base32", false},
    {"1.33.1", NULL, false},
    {"1.33.2", NULL, false},
    {"1.34.0", "/usr/bin/ascii", false},
    {"1.34.0", "/usr/bin/crc32", false},
    {"1.34.0", "/bin/bash", true},
    {"1.34.1", "/bin/bash", false},
    {"1.35.0", NULL, false},
    {"1.36.0", "/usr/bin/tree", false},
    {"1.36.0", "/usr/bin/tsort", false},
    {"1.36.0", "/usr/sbin/seedrng", false},
};
#define CHANGES (sizeof changes / sizeof *changes)

// How many of the changes apply to a version.
static size_t changes_of(struct cb_str version)
{
    size_t n = cb_str_is(version, "1.32.1") ? 0 : CHANGES;
    for (size_t i = 0; i < CHANGES; i++)
        if (cb_str_is(version, changes[i].version))
            n = i + 1;
    return n;
}

static bool is_removed(struct cb_str link, size_t nchanges)
{
    bool removed = false;
    for (size_t i = 0; i < nchanges; i++)
        if (changes[i].link && cb_str_is(link, changes[i].link))
            removed = changes[i].removed;
    return removed;
}

static void add_link(struct cb_buf *out, struct cb_str link, size_t nchanges)
{
    if (is_removed(link, nchanges))
        return;
    cb_buf_addstr(out, link);
    cb_buf_addc(out, '\n');
}

void cb_busybox_known_links(struct cb_str version, struct cb_buf *out)
{
    size_t nchanges = changes_of(version);
    CB_BUF_AUTO link = {0};
    for (size_t i = 0; i < sizeof base_links / sizeof *base_links; i++) {
        struct cb_str rest = cb_str(base_links[i].names), name;
        while (cb_str_field(&rest, &name)) {
            cb_buf_reset(&link);
            cb_buf_addf(&link, "%s/%.*s", base_links[i].folder, CB_STR_ARG(name));
            add_link(out, cb_buf_str(&link), nchanges);
        }
    }
    for (size_t i = 0; i < nchanges; i++)
        if (changes[i].link && !changes[i].removed)
            add_link(out, cb_str(changes[i].link), nchanges);
}

static struct cb_str take_digits(struct cb_str *rest)
{
    size_t n = 0;
    while (n < rest->n && rest->p[n] >= '0' && rest->p[n] <= '9')
        n++;
    struct cb_str digits = cb_str_head(*rest, n);
    *rest = cb_str_skip(*rest, n);
    return digits;
}

static bool take_char(struct cb_str *rest, char c)
{
    if (rest->n == 0 || rest->p[0] != c)
        return false;
    *rest = cb_str_skip(*rest, 1);
    return true;
}

static bool is_word(struct cb_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", s.p[i]) || !s.p[i])
            return false;
    return s.n > 0;
}

bool cb_busybox_version(struct cb_str text, struct cb_str *numbers)
{
    struct cb_str rest = text;
    take_char(&rest, 'v');
    const char *start = rest.p;
    for (int i = 0; i < 3; i++)
        if ((i > 0 && !take_char(&rest, '.')) || take_digits(&rest).n == 0)
            return false;
    *numbers = cb_strn(start, (size_t)(rest.p - start));
    return rest.n == 0 || (take_char(&rest, '-') && is_word(rest));
}

// The package that brings busybox: "busybox" itself, else the last one with a provide in whose text the word occurs.
static const struct cb_package *find_package(const struct cb_installed *installed)
{
    const struct cb_package *found = NULL;
    for (size_t i = 0; i < installed->n; i++) {
        const struct cb_package *p = &installed->v[i].pkg;
        if (cb_str_is(p->name, "busybox"))
            return p;
        for (size_t j = 0; j < p->provides.n; j++)
            if (cb_str_has(p->provides.v[j], CB_STR("busybox")))
                found = p;
    }
    return found;
}

static int list_links(struct cb_tree *t, const struct cb_package *p, struct cb_buf *out, struct cb_error *err)
{
    CB_BUF_AUTO path = {0};
    CB_ERROR_AUTO why = CB_ERROR_INIT;
    cb_buf_adds(&path, LISTS);
    cb_buf_addstr(&path, p->name);
    CB_AUTOFREE char *clean = cb_path_clean(cb_buf_str(&path));
    struct cb_node *file = cb_tree_open(t, cb_str(clean), &why);
    if (file)
        return cb_node_read(file, out, LIST_MAX, err) ? cb_context(err, "%s", clean) : 0;
    struct cb_str numbers;
    if (!cb_busybox_version(p->version, &numbers))
        return cb_fail(err, CB_E_INPUT,
                       "package %.*s has the version %.*s; busybox's links are known by versions "
                       "such as 1.36.0-r1",
                       CB_STR_ARG(p->name), CB_STR_ARG(p->version));
    cb_busybox_known_links(numbers, out);
    return 0;
}

// A name that is taken by a symlink or file stays with it.
static bool is_taken(struct cb_tree *t, struct cb_str link)
{
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;
    struct cb_node *node = cb_tree_lstat(t, link, &ignored);
    return node && (cb_node_is_symlink(node) || cb_node_is_file(node));
}

static int make_link(struct cb_tree *t, struct cb_str link, struct cb_time mtime, struct cb_error *err)
{
    CB_AUTOFREE char *dir = cb_go_dir(link);
    if (link.n == 0 || cb_str_is(link, BUSYBOX) || strcmp(dir, ".") == 0)
        return 0;
    if (cb_tree_mkdir_all(t, cb_str(dir), 0755, err) || cb_tree_chtimes(t, cb_str(dir), mtime, err))
        return -1;
    if (cb_tree_symlink(t, CB_STR(BUSYBOX), link, err) == 0)
        return 0;
    if (err->kind != CB_E_CONFLICT || !is_taken(t, link))
        return -1;
    cb_error_clear(err);
    return 0;
}

int cb_busybox_link(struct cb_tree *t, const struct cb_installed *installed, struct cb_error *err)
{
    struct cb_node *busybox = cb_tree_stat(t, CB_STR(BUSYBOX), err);
    if (!busybox && err->kind == CB_E_NOT_FOUND) {
        cb_error_clear(err);
        return 0;
    }
    const struct cb_package *p = busybox ? find_package(installed) : NULL;
    if (busybox && (!p || p->version.n == 0))
        return cb_fail(err, CB_E_INPUT, "%s is there, but no package that brings it", BUSYBOX);
    CB_BUF_AUTO links = {0};
    if (!busybox || list_links(t, p, &links, err))
        return -1;
    struct cb_str rest = cb_buf_str(&links), link;
    while (cb_str_cut(&rest, '\n', &link))
        if (make_link(t, link, busybox->mtime, err))
            return cb_context(err, "linking %.*s to busybox", CB_STR_ARG(link));
    return 0;
}
