// Reading the installed database. One function a letter, by a table; oddities of the reference that decide what a base
// image's packages look like when they are written again are kept: owners and modes of files, their checksums and all
// letters not named here are dropped.
#include "cbuild/apk/install.h"

#include <inttypes.h>
#include <stdlib.h>

#include "cbuild/base/file.h"
#include "cbuild/base/vec.h"
#include "cbuild/crypto/hash.h"
#include "installed_record.h"

struct reader {
    struct cb_installed *out;
    struct cb_installed_package now;
    struct {
        struct cb_installed_file *v;
        size_t n, cap;
    } files;
    struct cb_str dir; // of the last "F:"; p is NULL before it
    bool in_file;      // after an "R:"
};

typedef int letter_fn(struct reader *r, struct cb_str value, void *field, struct cb_error *err);

static int read_text(struct reader *r, struct cb_str value, void *field, struct cb_error *err)
{
    (void)err;
    *(struct cb_str *)field = cb_arena_str(&r->out->arena, value);
    return 0;
}

static int read_list(struct reader *r, struct cb_str value, void *field, struct cb_error *err)
{
    struct cb_strs list = {0}, *out = field;
    struct cb_str rest = cb_arena_str(&r->out->arena, value), part;

    (void)err;
    while (cb_str_cut(&rest, ' ', &part))
        cb_strs_add(&list, part);
    out->v = cb_arena_alloc(&r->out->arena, list.n * sizeof *list.v);
    memcpy(out->v, list.v, list.n * sizeof *list.v);
    out->n = out->cap = list.n;
    cb_strs_release(&list);
    return 0;
}

static int read_unsigned(struct reader *r, struct cb_str value, void *field, struct cb_error *err)
{
    (void)r;
    if (!cb_str_u64(value, 10, field))
        return cb_fail(err, CB_E_INPUT, "\"%.*s\" is not a number", CB_STR_ARG(value));
    return 0;
}

static int read_signed(struct reader *r, struct cb_str value, void *field, struct cb_error *err)
{
    (void)r;
    if (!cb_str_i64(value, 10, field))
        return cb_fail(err, CB_E_INPUT, "\"%.*s\" is not a number", CB_STR_ARG(value));
    return 0;
}

static int read_checksum(struct reader *r, struct cb_str value, void *field, struct cb_error *err)
{
    CB_BUF_AUTO raw = {0};

    if (!cb_str_starts(value, "Q1"))
        return 0;
    if (cb_base64_decode(&raw, cb_str_skip(value, 2)) != 0)
        return cb_fail(err, CB_E_INPUT, "\"%.*s\" is not a checksum (Q1 and base64)", CB_STR_ARG(value));
    *(struct cb_str *)field = cb_arena_str(&r->out->arena, cb_buf_str(&raw));
    return 0;
}

static int read_dir(struct reader *r, struct cb_str value, void *field, struct cb_error *err)
{
    (void)field;
    (void)err;
    r->dir = cb_arena_str(&r->out->arena, value);
    r->in_file = false;
    if (value.n > 0)
        *cb_vec_add(&r->files) = (struct cb_installed_file){r->dir, true};
    return 0;
}

// "dir/name" as Go's filepath.Join makes it; empty, in the reference, where name climbs out of dir.
static int read_file(struct reader *r, struct cb_str value, void *field, struct cb_error *err)
{
    struct cb_str name = value;
    CB_BUF_AUTO joined = {0};
    CB_AUTOFREE char *clean = NULL, *dir = NULL;

    (void)field;
    (void)err;
    if (r->dir.p) {
        cb_buf_addstr(&joined, r->dir);
        if (r->dir.n > 0 && value.n > 0)
            cb_buf_addc(&joined, '/');
        cb_buf_addstr(&joined, value);
        clean = joined.n > 0 ? cb_path_clean(cb_buf_str(&joined)) : cb_strdup("");
        dir = cb_path_clean(r->dir);
        bool tainted = r->dir.n > 0 && !cb_str_starts(cb_str(clean), dir);
        name = tainted ? CB_STR("") : cb_str(clean);
    }
    *cb_vec_add(&r->files) = (struct cb_installed_file){cb_arena_str(&r->out->arena, name), false};
    r->in_file = true;
    return 0;
}

static int check_owner(struct cb_str value, struct cb_error *err)
{
    struct cb_str part[4], rest = value;
    size_t n = 0;
    int64_t x;

    while (n < 4 && cb_str_cut(&rest, ':', &part[n]))
        n++;
    if (n != 3 || !cb_str_i64(part[0], 10, &x) || !cb_str_i64(part[1], 10, &x) || !cb_str_i64(part[2], 8, &x))
        return cb_fail(err, CB_E_INPUT, "\"%.*s\" is not uid:gid:mode", CB_STR_ARG(value));
    return 0;
}

static int read_dir_owner(struct reader *r, struct cb_str value, void *field, struct cb_error *err)
{
    (void)field;
    if (!r->dir.p || r->dir.n == 0)
        return cb_fail(err, CB_E_INPUT, "an owner and mode for no folder, or for the top-level one");
    return check_owner(value, err);
}

static int read_file_owner(struct reader *r, struct cb_str value, void *field, struct cb_error *err)
{
    (void)field;
    if (!r->in_file)
        return cb_fail(err, CB_E_INPUT, "an owner and mode for no file");
    return check_owner(value, err);
}

#define FIELD(member) offsetof(struct cb_package, member)

static const struct {
    char letter;
    letter_fn *read;
    size_t field;
} letters[] = {
    {'P', read_text, FIELD(name)},
    {'V', read_text, FIELD(version)},
    {'A', read_text, FIELD(arch)},
    {'L', read_text, FIELD(license)},
    {'T', read_text, FIELD(description)},
    {'o', read_text, FIELD(origin)},
    {'m', read_text, FIELD(maintainer)},
    {'U', read_text, FIELD(url)},
    {'c', read_text, FIELD(commit)},
    {'D', read_list, FIELD(depends)},
    {'p', read_list, FIELD(provides)},
    {'r', read_list, FIELD(replaces)},
    {'i', read_list, FIELD(install_if)},
    {'t', read_signed, FIELD(build_time)},
    {'S', read_unsigned, FIELD(size)},
    {'I', read_unsigned, FIELD(installed_size)},
    {'k', read_unsigned, FIELD(provider_priority)},
    {'C', read_checksum, FIELD(checksum)},
    {'F', read_dir, 0},
    {'R', read_file, 0},
    {'M', read_dir_owner, 0},
    {'a', read_file_owner, 0},
};

static void begin(struct reader *r)
{
    r->now = (struct cb_installed_package){.pkg.build_time = CB_TIME_ZERO.sec};
    r->files.n = 0;
    r->dir = (struct cb_str){0};
    r->in_file = false;
}

static void end(struct reader *r)
{
    if (r->now.pkg.name.n > 0) {
        r->now.nfiles = r->files.n;
        r->now.files = cb_arena_alloc(&r->out->arena, r->files.n * sizeof *r->files.v);
        if (r->files.n > 0)
            memcpy(r->now.files, r->files.v, r->files.n * sizeof *r->files.v);
        *cb_vec_add(r->out) = r->now;
    }
    begin(r);
}

static int read_line(struct reader *r, struct cb_str line, struct cb_error *err)
{
    if (line.n > CB_INSTALLED_LINE_MAX)
        return cb_fail(err, CB_E_LIMIT, "a line of %zu bytes; at most %u", line.n, CB_INSTALLED_LINE_MAX);
    if (cb_str_ends(line, "\r"))
        line.n--;
    if (line.n == 0) {
        end(r);
        return 0;
    }
    if (line.n < 2 || line.p[1] != ':')
        return cb_fail(err, CB_E_INPUT, "expected \"<letter>:<value>\", found \"%.*s\"",
                       CB_STR_ARG(cb_str_head(line, 64)));
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
        if (letters[i].letter == line.p[0])
            return letters[i].read(r, cb_str_skip(line, 2), (char *)&r->now.pkg + letters[i].field, err);
    return 0;
}

int cb_installed_parse(struct cb_str text, struct cb_installed *out, struct cb_error *err)
{
    struct reader r = {.out = out};
    struct cb_str rest = text, line;
    size_t number = 0;
    int rc = 0;

    *out = (struct cb_installed){0};
    begin(&r);
    while (rc == 0 && cb_str_cut(&rest, '\n', &line)) {
        number++;
        if (!rest.p && line.n == 0) // what follows the last newline is no line
            break;
        rc = read_line(&r, line, err);
    }
    cb_vec_release(&r.files);
    if (rc != 0) {
        cb_installed_release(out);
        return cb_context(err, "installed database, line %zu", number);
    }
    return 0;
}

int cb_installed_read(struct cb_tree *t, struct cb_installed *out, struct cb_error *err)
{
    CB_BUF_AUTO text = {0};

    *out = (struct cb_installed){0};
    if (cb_tree_read_file(t, CB_STR(CB_APK_INSTALLED), &text, CB_INSTALLED_SIZE_MAX, err) != 0)
        return -1;
    return cb_installed_parse(cb_buf_str(&text), out, err);
}

void cb_installed_release(struct cb_installed *i)
{
    cb_vec_release(i);
    cb_arena_release(&i->arena);
}

const struct cb_installed_package *cb_installed_find(const struct cb_installed *i, struct cb_str name)
{
    for (size_t k = 0; k < i->n; k++)
        if (cb_str_eq(i->v[k].pkg.name, name))
            return &i->v[k];
    return NULL;
}

int cb_install_base_record(struct cb_tree *t, const struct cb_installed_package *pkg, struct cb_error *err)
{
    CB_AUTOFREE struct record_file *files = cb_realloc_array(NULL, pkg->nfiles + 1, sizeof *files);
    CB_BUF_AUTO record = {0};

    for (size_t i = 0; i < pkg->nfiles; i++)
        files[i] = (struct record_file){
            .name = pkg->files[i].name,
            .is_dir = pkg->files[i].is_dir,
            .mode = pkg->files[i].is_dir ? 0755 : 0644,
        };
    if (record_write(&pkg->pkg, files, pkg->nfiles, &record, err) != 0)
        return -1;
    return cb_tree_append_file(t, CB_STR(CB_APK_INSTALLED), cb_buf_str(&record), 0644, err);
}
