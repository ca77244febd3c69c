// Writing a package's record: the lines of the package, then its files folder by folder.
//
// The order of the files is that of a comparison in the reference that contradicts itself: a folder and what lies in it
// count as equal, so that both of two unequal things can be equal to a third. Which order comes out hangs on the
// sorting algorithm too; hence apk/stable_sort.h.
#include "installed_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cbuild/base/file.h"
#include "cbuild/base/map.h"
#include "cbuild/crypto/hash.h"
#include "stable_sort.h"

// --- The package's lines

static int add_line(struct cb_buf *out, char letter, struct cb_str value, struct cb_error *err)
{
    if (cb_str_find(value, '\n') >= 0) {
        cb_fail(err, CB_E_INPUT, "a newline in \"%c:%.*s\": it would forge records in the installed database", letter,
                CB_STR_ARG(value));
        return cb_hint(err, "the package is malformed or hostile; do not install it");
    }
    if (value.n + 2 > CB_INSTALLED_LINE_MAX)
        return cb_fail(err, CB_E_LIMIT, "\"%c:%.*s...\" is %zu bytes; a line of the installed database has at most %u",
                       letter, CB_STR_ARG(cb_str_head(value, 64)), value.n + 2, CB_INSTALLED_LINE_MAX);
    cb_buf_addc(out, letter);
    cb_buf_addc(out, ':');
    cb_buf_addstr(out, value);
    cb_buf_addc(out, '\n');
    return 0;
}

static int add_number(struct cb_buf *out, char letter, uint64_t x, struct cb_error *err)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%" PRIu64, x);
    return add_line(out, letter, cb_strn(text, (size_t)n), err);
}

static int add_list(struct cb_buf *out, char letter, const struct cb_strs *list, const char *before, const char *after,
                    struct cb_error *err)
{
    CB_BUF_AUTO value = {0};

    cb_buf_adds(&value, before);
    for (size_t i = 0; i < list->n; i++) {
        if (i > 0)
            cb_buf_addc(&value, ' ');
        cb_buf_addstr(&value, list->v[i]);
    }
    cb_buf_adds(&value, after);
    return add_line(out, letter, cb_buf_str(&value), err);
}

static int add_checksum(struct cb_buf *out, char letter, struct cb_str raw, struct cb_error *err)
{
    CB_BUF_AUTO value = {0};

    cb_buf_adds(&value, "Q1");
    cb_base64_add(&value, raw.p, raw.n);
    return add_line(out, letter, cb_buf_str(&value), err);
}

int cb_installed_package_lines(const struct cb_package *p, struct cb_buf *out, struct cb_error *err)
{
    const struct {
        char letter;
        struct cb_str value;
    } texts[] = {{'P', p->name},   {'V', p->version}, {'A', p->arch},       {'L', p->license}, {'T', p->description},
                 {'o', p->origin}, {'U', p->url},     {'m', p->maintainer}, {'c', p->commit}};
    static const char order[] = "PVALTomUDprcitSIkC";
    char time[24];
    int rc = 0;

    for (const char *l = order; *l && rc == 0; l++) {
        switch (*l) {
        case 'D':
            rc = add_list(out, *l, &p->depends, "", "", err);
            break;
        case 'p':
            rc = add_list(out, *l, &p->provides, "", "", err);
            break;
        case 'r':
            rc = p->replaces.n > 0 ? add_list(out, *l, &p->replaces, "", "", err) : 0;
            break;
        case 'i': // the reference prints its list as Go prints lists, in brackets
            rc = add_list(out, *l, &p->install_if, "[", "]", err);
            break;
        case 't':
            snprintf(time, sizeof time, "%" PRId64, p->build_time);
            rc = add_line(out, *l, cb_str(time), err);
            break;
        case 'S':
            rc = add_number(out, *l, p->size, err);
            break;
        case 'I':
            rc = add_number(out, *l, p->installed_size, err);
            break;
        case 'k':
            rc = add_number(out, *l, p->provider_priority, err);
            break;
        case 'C':
            rc = p->checksum.n > 0 ? add_checksum(out, *l, p->checksum, err) : 0;
            break;
        default:
            for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
                if (texts[i].letter == *l)
                    rc = add_line(out, *l, texts[i].value, err);
        }
    }
    return rc;
}

// --- The files' order

struct sorted_file {
    const struct record_file *file;
    struct cb_str clean;
};

// Compared part by part up to the last of the shorter; there, files come before folders. Part of a longer path counts
// as a folder.
static int path_compare(const struct sorted_file *a, const struct sorted_file *b)
{
    struct cb_str a_rest = a->clean, b_rest = b->clean, a_part = {0}, b_part = {0};

    if (cb_str_eq(a->clean, b->clean))
        return 0;
    for (;;) {
        cb_str_cut(&a_rest, '/', &a_part);
        cb_str_cut(&b_rest, '/', &b_part);
        if (!a_rest.p || !b_rest.p)
            break;
        int order = cb_str_cmp(a_part, b_part);
        if (order != 0)
            return order;
    }
    bool a_dir = a_rest.p || a->file->is_dir, b_dir = b_rest.p || b->file->is_dir;
    if (a_dir == b_dir)
        return cb_str_cmp(a_part, b_part);
    return a_dir ? 1 : -1;
}

static bool file_less(const void *a, const void *b)
{
    return path_compare(a, b) < 0;
}

// --- Files without a folder of their own package above them are left out

static struct cb_str without_slash(struct cb_str name)
{
    return cb_str_ends(name, "/") ? cb_str_head(name, name.n - 1) : name;
}

// The folder of a clean path: "." where it has none, "/" of "/" and of what lies in it.
static struct cb_str dir_of(struct cb_str clean)
{
    ptrdiff_t slash = cb_str_rfind(clean, '/');
    return slash < 0 ? CB_STR(".") : cb_str_head(clean, slash == 0 ? 1 : (size_t)slash);
}

// Cleaned as Go's filepath.Clean cleans it; memory of its own only where there was something to clean.
static struct cb_str cleaned(struct cb_arena *a, struct cb_str path)
{
    if (cb_tree_path_is_clean(path))
        return path;
    CB_AUTOFREE char *clean = cb_path_clean(path);
    return cb_arena_str(a, cb_str(clean));
}

struct folders {
    struct cb_map names; // of the package's folders
    struct cb_str last;  // the folder that was looked at last; files come folder by folder
    bool last_is_there;
    struct cb_arena arena;
};

static bool is_there(const struct folders *f, struct cb_str dir)
{
    for (struct cb_str up; !cb_str_is(dir, "."); dir = up) {
        if (!cb_map_find(&f->names, dir))
            return false;
        up = dir_of(dir);
        if (cb_str_eq(up, dir))
            break;
    }
    return true;
}

static bool has_folders(struct folders *all, const struct record_file *f)
{
    struct cb_str name = without_slash(f->name);
    size_t slash = (size_t)(cb_str_rfind(name, '/') + 1);

    if (f->name.n == 0 || cb_str_is(f->name, "."))
        return true;
    // Clean without its last part, before cleaning: "a/.." lies in "a", not beside it.
    struct cb_str dir = cleaned(&all->arena, slash > 1 ? cb_str_head(name, slash - 1) : cb_str_head(name, slash));
    if (!all->last.p || !cb_str_eq(dir, all->last)) {
        all->last = dir;
        all->last_is_there = is_there(all, dir);
    }
    return all->last_is_there;
}

static void collect_dirs(struct folders *dirs, const struct record_file *files, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (files[i].is_dir) {
            cb_map_put(&dirs->names, files[i].name, NULL, NULL);
            cb_map_put(&dirs->names, without_slash(files[i].name), NULL, NULL);
        }
}

// --- The files' lines

struct writer {
    struct cb_buf *out;
    bool at_top; // no folder's line yet
};

static int add_owner(struct cb_buf *out, char letter, const struct record_file *f, struct cb_error *err)
{
    char text[64];

    snprintf(text, sizeof text, "%" PRId64 ":%" PRId64 ":%04o", f->uid, f->gid, (unsigned)(f->mode & 07777));
    return add_line(out, letter, cb_str(text), err);
}

static bool is_plain(const struct record_file *f, unsigned mode)
{
    return (f->mode & 07777) == mode && f->uid == 0 && f->gid == 0;
}

static int add_dir(struct writer *w, const struct record_file *f, struct cb_error *err)
{
    struct cb_str name = without_slash(f->name), rest = name;

    w->at_top = false;
    while (rest.n > 0 && rest.p[0] == '/')
        rest = cb_str_skip(rest, 1);
    if (rest.n == 0)
        name = CB_STR("");
    if (name.n == 0 && !is_plain(f, 0755))
        return cb_fail(err, CB_E_INPUT,
                       "entry \"%.*s\": the installed database cannot hold the top-level folder's owner %" PRId64
                       ":%" PRId64 " or mode %04o; it must be 0:0 0755",
                       CB_STR_ARG(f->name), f->uid, f->gid, (unsigned)(f->mode & 07777));
    if (add_line(w->out, 'F', name, err) != 0)
        return -1;
    return is_plain(f, 0755) ? 0 : add_owner(w->out, 'M', f, err);
}

// The last part of a path as Go's filepath.Base gives it.
static struct cb_str base_of(struct cb_str path)
{
    if (path.n == 0)
        return CB_STR(".");
    while (path.n > 0 && path.p[path.n - 1] == '/')
        path.n--;
    return path.n == 0 ? CB_STR("/") : cb_str_skip(path, (size_t)(cb_str_rfind(path, '/') + 1));
}

static int add_file(struct writer *w, const struct record_file *f, struct cb_error *err)
{
    if (w->at_top && add_line(w->out, 'F', CB_STR(""), err) != 0)
        return -1;
    w->at_top = false;
    if (add_line(w->out, 'R', base_of(f->name), err) != 0 ||
        (!is_plain(f, 0644) && add_owner(w->out, 'a', f, err) != 0))
        return -1;
    return f->checksum.n > 0 ? add_checksum(w->out, 'Z', f->checksum, err) : 0;
}

static int add_files(const struct record_file *files, size_t n, struct cb_buf *out, struct cb_error *err)
{
    CB_AUTOFREE struct sorted_file *sorted = cb_realloc_array(NULL, n + 1, sizeof *sorted);
    CB_AUTOFREE const void **order = cb_realloc_array(NULL, n + 1, sizeof *order);
    struct writer w = {out, true};
    struct folders dirs = {0};
    int rc = 0;

    for (size_t i = 0; i < n; i++) {
        sorted[i] = (struct sorted_file){&files[i], cleaned(&dirs.arena, files[i].name)};
        order[i] = &sorted[i];
    }
    stable_sort(order, n, file_less);
    collect_dirs(&dirs, files, n);
    for (size_t i = 0; i < n && rc == 0; i++) {
        const struct record_file *f = ((const struct sorted_file *)order[i])->file;
        if (has_folders(&dirs, f))
            rc = f->is_dir ? add_dir(&w, f, err) : add_file(&w, f, err);
    }
    cb_map_release(&dirs.names);
    cb_arena_release(&dirs.arena);
    return rc;
}

int record_write(const struct cb_package *p, const struct record_file *files, size_t n, struct cb_buf *out,
                 struct cb_error *err)
{
    // The reference would write it and lose it, with all its files, when it reads the database back.
    if (p->name.n == 0)
        return cb_fail(err, CB_E_INPUT, "a package without a name: it would be lost from the installed database");
    if (cb_installed_package_lines(p, out, err) != 0 || add_files(files, n, out, err) != 0)
        return cb_context(err, "recording package %.*s", CB_STR_ARG(p->name));
    cb_buf_addc(out, '\n');
    return 0;
}
