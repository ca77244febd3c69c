// The cache by which glibc's ld.so finds libraries.
//
//     header   "glibc-ld.so.cache" "1.1", the number of entries, the size of the strings, zeros: 48 bytes
//     entries  24 bytes each: flags, where soname and path stand (from the file's start), OS version 0, hwcap 0
//     strings  paths, each with a NUL; a soname is the end of its path
//     zeros    up to the next multiple of 16, at least one
//
// ld.so searches the entries by halves, in the order of its own comparison of names, descending. The same soname may
// stand in several folders: their order among each other is an accident of the reference's sort, kept by cb_go_sort.
#include <stdlib.h>

#include "cbuild/base/log.h"
#include "cbuild/base/map.h"
#include "elf.h"
#include "glob.h"
#include "go_path.h"
#include "go_sort.h"
#include "lines.h"
#include "steps.h"

#define CONF "etc/ld.so.conf"
#define CACHE "etc/ld.so.cache"
#define INCLUDE "include "
#define HEADER_SIZE 48u
#define ENTRY_SIZE 24u

#define INCLUDE_DEPTH_MAX 64u
#define CONFS_MAX 4096u // files read, an included one each time anew
#define FOLDERS_MAX 4096u
#define LOOKS_MAX (1u << 18) // files with a library's name, counted once per folder
#define SONAMES_MAX 1024u    // of one library; there should be one

enum { FLAGS_LIBC6 = 0x0003, FLAGS_X86_64 = 0x0300, FLAGS_AARCH64 = 0x0A00 };

struct library {
    struct cb_str path; // "/usr/lib/libx.so.1"
    struct cb_str name; // the path's end
    uint32_t flags;
};

struct maker {
    struct cb_tree *tree;
    struct cb_arena arena;
    struct cb_strs folders;
    struct {
        struct library *v;
        size_t n, cap;
    } libraries;
    struct cb_map objects; // from node to struct object
    unsigned depth, confs, looks;
};

// --- ld.so.conf

static int read_conf(struct maker *m, struct cb_str path, struct cb_strs *folders, struct cb_error *err);

// An included file that cannot be read counts as absent.
static int read_include(struct maker *m, struct cb_str path, struct cb_strs *folders, struct cb_error *err)
{
    CB_ERROR_AUTO why = CB_ERROR_INIT;
    struct cb_strs more = {0};
    if (read_conf(m, path, &more, &why)) {
        cb_strs_release(&more);
        if (why.kind != CB_E_LIMIT && why.kind != CB_E_IO)
            return 0;
        cb_error_move(err, &why);
        return -1;
    }
    for (size_t i = 0; i < more.n; i++)
        cb_strs_add(folders, more.v[i]);
    cb_strs_release(&more);
    return folders->n > FOLDERS_MAX ? cb_fail(err, CB_E_LIMIT, "more than %u folders", FOLDERS_MAX) : 0;
}

// 1 where the pattern was malformed.
static int read_includes(struct maker *m, struct cb_str pattern, struct cb_strs *folders, struct cb_error *err)
{
    CB_ERROR_AUTO why = CB_ERROR_INIT;
    struct cb_strs paths = {0};
    pattern = cb_trim_space(pattern);
    while (pattern.n > 0 && pattern.p[0] == '/')
        pattern = cb_str_skip(pattern, 1);
    int failed = cb_glob(m->tree, pattern, &m->arena, &paths, &why);
    bool malformed = failed && why.kind == CB_E_INPUT;
    if (failed && !malformed)
        cb_error_move(err, &why);
    for (size_t i = 0; i < paths.n && !failed; i++)
        failed = read_include(m, paths.v[i], folders, err);
    cb_strs_release(&paths);
    return malformed ? 1 : failed;
}

static int add_folder(struct maker *m, struct cb_map *seen, struct cb_str line, struct cb_strs *folders,
                      struct cb_error *err)
{
    bool added;
    struct cb_str folder = cb_arena_str(&m->arena, line);
    cb_map_put(seen, folder, NULL, &added);
    if (added)
        cb_strs_add(folders, folder);
    return folders->n > FOLDERS_MAX ? cb_fail(err, CB_E_LIMIT, "more than %u folders", FOLDERS_MAX) : 0;
}

// What follows an include is not read, an oddity of the reference; unless the include's pattern was malformed.
static int read_conf_lines(struct maker *m, struct cb_lines *lines, struct cb_strs *folders, struct cb_error *err)
{
    struct cb_map seen = {0};
    struct cb_str line;
    int got;
    while ((got = cb_lines_next(lines, &line, err)) > 0) {
        ptrdiff_t comment = cb_str_find(line, '#');
        line = cb_trim_space(comment < 0 ? line : cb_str_head(line, (size_t)comment));
        bool include = cb_str_starts(line, INCLUDE);
        if (include)
            got = read_includes(m, cb_str_skip(line, sizeof INCLUDE - 1), folders, err);
        else if (line.n > 0)
            got = add_folder(m, &seen, line, folders, err);
        if (got < 0 || (include && got == 0))
            break;
    }
    cb_map_release(&seen);
    return got;
}

static int read_conf(struct maker *m, struct cb_str path, struct cb_strs *folders, struct cb_error *err)
{
    if (m->depth >= INCLUDE_DEPTH_MAX || ++m->confs > CONFS_MAX)
        return cb_fail(err, CB_E_LIMIT, "%.*s: includes do not end", CB_STR_ARG(path));
    struct cb_node *file = cb_tree_open(m->tree, path, err);
    if (!file)
        return -1;
    struct cb_node_source source = cb_node_source(file);
    CB_LINES_AUTO lines = cb_lines(&source.source);
    m->depth++;
    int failed = read_conf_lines(m, &lines, folders, err);
    m->depth--;
    return failed ? cb_context(err, "%.*s", CB_STR_ARG(path)) : 0;
}

// --- Libraries

// Only names lib*.so, lib*.so.*, ld-*.so and ld-*.so.* are looked at. *stem is what stands before ".so".
static bool is_library_name(struct cb_str name, struct cb_str *stem)
{
    if (!cb_str_starts(name, "lib") && !cb_str_starts(name, "ld-"))
        return false;
    if (cb_str_ends(name, ".so")) {
        *stem = cb_str_head(name, name.n - 3);
        return true;
    }
    for (size_t i = name.n; i-- > 1;)
        if (cb_str_starts(cb_str_skip(name, i), ".so.")) {
            *stem = cb_str_head(name, i);
            return true;
        }
    return false;
}

// What a file is. Libraries stand under several names, and often in several folders that are one; they are read once.
struct object {
    const struct cb_node *file;
    bool is_library;
    uint16_t machine;
    struct cb_strs sonames; // the bytes in the arena
};

struct object_reader {
    struct maker *maker;
    struct object *object;
    bool too_many;
};

static void add_soname(void *ctx, struct cb_str soname)
{
    struct object_reader *r = ctx;
    r->too_many = r->object->sonames.n == SONAMES_MAX;
    if (!r->too_many)
        cb_strs_add(&r->object->sonames, cb_arena_str(&r->maker->arena, soname));
}

static int read_object(struct maker *m, struct object *o, struct cb_error *err)
{
    CB_ERROR_AUTO why = CB_ERROR_INIT;
    struct object_reader r = {m, o, false};
    int failed = cb_elf_read(o->file, &o->machine, add_soname, &r, &why);
    if (r.too_many)
        return cb_fail(err, CB_E_LIMIT, "more than %u sonames", SONAMES_MAX);
    o->is_library = !failed;
    if (!failed || why.kind == CB_E_INPUT)
        return 0;
    cb_error_move(err, &why);
    return -1;
}

static struct object *object_of(struct maker *m, const struct cb_node *file, struct cb_error *err)
{
    struct object *o = cb_map_get(&m->objects, cb_strn(&file, sizeof file));
    if (o)
        return o;
    o = cb_arena_alloc(&m->arena, sizeof *o);
    o->file = file;
    cb_map_put(&m->objects, cb_strn(&o->file, sizeof o->file), o, NULL);
    return read_object(m, o, err) ? NULL : o;
}

static bool is_named_after(struct cb_str name, struct cb_str soname)
{
    struct cb_str stem;
    if (!is_library_name(soname, &stem))
        return false;
    bool without_version =
        name.n == stem.n + 3 && cb_str_ends(name, ".so") && cb_str_eq(cb_str_head(name, stem.n), stem);
    return without_version || cb_str_eq(soname, name);
}

// A file stands in the cache under its own name, and only if that is one of its sonames, or one without the version.
static bool belongs(const struct object *o, struct cb_str name)
{
    if (o->sonames.n == 0)
        return cb_str_ends(name, ".so");
    for (size_t i = 0; i < o->sonames.n; i++)
        if (is_named_after(name, o->sonames.v[i]))
            return true;
    return false;
}

static int flags_of(uint16_t machine, uint32_t *flags, struct cb_error *err)
{
    switch (machine) {
    case CB_ELF_X86_64:
        *flags = FLAGS_LIBC6 | FLAGS_X86_64;
        return 0;
    case CB_ELF_AARCH64:
        *flags = FLAGS_LIBC6 | FLAGS_AARCH64;
        return 0;
    default:
        return cb_fail(err, CB_E_INPUT,
                       "a library for machine %u; only those for x86_64 (62) and aarch64 (183) have "
                       "a place in ld.so.cache",
                       machine);
    }
}

// What is no library, or a symlink to none, is passed over.
static int add_library(struct maker *m, struct cb_str path, struct cb_str name, struct cb_error *err)
{
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;
    struct library l;
    const struct cb_node *file = cb_tree_find(m->tree, path);
    if (!file || !cb_node_is_file(file) || !(file = cb_tree_open(m->tree, path, &ignored)))
        return 0;
    if (++m->looks > LOOKS_MAX)
        return cb_fail(err, CB_E_LIMIT, "more than %u files in the folders of libraries", LOOKS_MAX);
    const struct object *o = object_of(m, file, err);
    if (!o)
        return -1;
    if (!o->is_library)
        return 0;
    if (flags_of(o->machine, &l.flags, err))
        return -1;
    if (!belongs(o, name))
        return 0;
    l.path = cb_arena_format(&m->arena, "/%.*s", CB_STR_ARG(path));
    l.name = cb_go_base(l.path);
    *cb_vec_add(&m->libraries) = l;
    return 0;
}

static int add_entry(struct maker *m, struct cb_str folder, const struct cb_tree_entry *e, struct cb_error *err)
{
    struct cb_str stem;
    if (!is_library_name(e->name, &stem) || !(cb_node_is_file(e->node) || cb_node_is_symlink(e->node)))
        return 0;
    CB_BUF_AUTO path = {0};
    cb_buf_addstr(&path, folder);
    cb_buf_addc(&path, '/');
    cb_buf_addstr(&path, e->name);
    CB_AUTOFREE char *clean = cb_path_clean(cb_buf_str(&path));
    return add_library(m, cb_str(clean), e->name, err) ? cb_context(err, "%s", clean) : 0;
}

// A folder that is not there has no libraries; one that cannot be read is an error.
static int add_folder_libraries(struct maker *m, struct cb_str folder, struct cb_error *err)
{
    CB_AUTOFREE char *clean = folder.n > 0 && folder.p[0] == '/' ? cb_path_clean(folder) : NULL;
    struct cb_str relative = clean ? cb_str(clean + 1) : folder;
    if (relative.n == 0)
        relative = CB_STR(".");
    CB_ERROR_AUTO why = CB_ERROR_INIT;
    struct cb_tree_entries entries = {0};
    int failed = cb_tree_list(m->tree, relative, &entries, &why);
    if (failed && why.kind == CB_E_NOT_FOUND)
        failed = 0;
    else if (failed)
        cb_error_move(err, &why);
    for (size_t i = 0; i < entries.n && !failed; i++)
        failed = add_entry(m, relative, &entries.v[i], err);
    cb_vec_release(&entries);
    return failed;
}

// --- The cache

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// The value of the digits at *at, which is moved behind them; it wraps around as the reference's does.
static int64_t take_number(struct cb_str s, size_t *at)
{
    uint64_t v = 0;
    for (; *at < s.n && is_digit(s.p[*at]); ++*at)
        v = v * 10 + (uint64_t)(s.p[*at] - '0');
    return (int64_t)v;
}

// The comparison of names by which ld.so searches: runs of digits by value, a digit after anything else.
static int compare_names(struct cb_str a, struct cb_str b)
{
    size_t i = 0, j = 0;
    while (i < a.n && j < b.n) {
        bool x = is_digit(a.p[i]), y = is_digit(b.p[j]);
        if (x && y) {
            int64_t v = take_number(a, &i), w = take_number(b, &j);
            if (v != w)
                return v < w ? -1 : 1;
        } else if (x != y) {
            return x ? 1 : -1;
        } else if (a.p[i] != b.p[j]) {
            return (unsigned char)a.p[i] < (unsigned char)b.p[j] ? -1 : 1;
        } else {
            i++;
            j++;
        }
    }
    return (a.n - i > b.n - j) - (a.n - i < b.n - j);
}

static int descending(const void *a, const void *b)
{
    return -compare_names(((const struct library *)a)->name, ((const struct library *)b)->name);
}

static void add_u32(struct cb_buf *b, uint64_t v)
{
    for (unsigned shift = 0; shift < 32; shift += 8)
        cb_buf_addc(b, (char)(v >> shift));
}

static void add_zeros(struct cb_buf *b, size_t n)
{
    while (n-- > 0)
        cb_buf_addc(b, 0);
}

static void write_cache(struct library *const *sorted, size_t n, struct cb_buf *out)
{
    CB_BUF_AUTO strings = {0};
    CB_BUF_AUTO entries = {0};
    for (size_t i = 0; i < n; i++) {
        const struct library *l = sorted[i];
        size_t at = HEADER_SIZE + n * ENTRY_SIZE + strings.n;
        CB_AUTOFREE char *folder = cb_go_dir(l->path);
        add_u32(&entries, l->flags);
        add_u32(&entries, at + strlen(folder) + 1); // in the root folder that is one too far, as in the reference
        add_u32(&entries, at);
        add_zeros(&entries, 12);
        cb_buf_add(&strings, l->path.p, l->path.n + 1);
    }
    cb_buf_adds(out, "glibc-ld.so.cache1.1");
    add_u32(out, n);
    add_u32(out, strings.n);
    add_zeros(out, HEADER_SIZE - out->n);
    cb_buf_addstr(out, cb_buf_str(&entries));
    cb_buf_addstr(out, cb_buf_str(&strings));
    add_zeros(out, 16 - out->n % 16);
}

static int make_cache(struct maker *m, struct cb_buf *out, struct cb_error *err)
{
    cb_strs_add(&m->folders, CB_STR("/lib"));
    if (read_conf(m, CB_STR(CONF), &m->folders, err))
        return -1;
    for (size_t i = 0; i < m->folders.n; i++)
        if (add_folder_libraries(m, m->folders.v[i], err))
            return cb_context(err, "libraries in %.*s", CB_STR_ARG(m->folders.v[i]));
    CB_AUTOFREE struct library **sorted = cb_realloc_array(NULL, m->libraries.n + 1, sizeof *sorted);
    for (size_t i = 0; i < m->libraries.n; i++)
        sorted[i] = &m->libraries.v[i];
    cb_go_sort((void **)sorted, m->libraries.n, descending);
    write_cache(sorted, m->libraries.n, out);
    return 0;
}

static void release(struct maker *m)
{
    for (size_t i = 0; i < m->objects.n; i++)
        cb_strs_release(&((struct object *)m->objects.items[i].value)->sonames);
    cb_map_release(&m->objects);
    cb_strs_release(&m->folders);
    cb_vec_release(&m->libraries);
    cb_arena_release(&m->arena);
}

int cb_ldso_cache_write(struct cb_tree *t, struct cb_error *err)
{
    if (!cb_tree_find(t, CB_STR(CONF))) {
        cb_log(CB_DEBUG, "no /%s: no /%s is made", CONF, CACHE);
        return 0;
    }
    struct maker m = {.tree = t};
    CB_BUF_AUTO cache = {0};
    int failed = make_cache(&m, &cache, err) || cb_tree_write_file(t, CB_STR(CACHE), cb_buf_str(&cache), 0644, err) ||
                 cb_tree_chmod(t, CB_STR(CACHE), 0644, err);
    release(&m);
    return failed ? cb_context(err, "making /%s", CACHE) : 0;
}
