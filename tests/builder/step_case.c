#include "step_case.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../builder/layers.h"
#include "../../builder/steps.h"
#include "cbuild/base/file.h"
#include "cbuild/base/vec.h"
#include "cbuild/crypto/hash.h"

struct step_case {
    struct cb_arena arena;
    struct cb_tree *tree;
    struct cb_image_config *config;
    struct cb_installed installed;
    struct cb_time built;
    struct {
        struct cb_installed_diff *v;
        size_t n, cap;
    } packages;
    struct cb_str fails;
    bool layered;
    int64_t budget;
};

struct line { // an instruction's words and the contents behind it
    struct cb_strs words;
    struct cb_buf contents;
};

// --- Reading

static struct cb_str unescape(struct cb_arena *a, struct cb_str s)
{
    CB_BUF_AUTO out = {0};
    for (size_t i = 0; i < s.n; i++) {
        uint8_t byte;
        if (s.p[i] == '%' && i + 2 < s.n && cb_unhex(&byte, 1, cb_strn(s.p + i + 1, 2))) {
            cb_buf_addc(&out, (char)byte);
            i += 2;
        } else {
            cb_buf_addc(&out, s.p[i]);
        }
    }
    return cb_arena_str(a, cb_buf_str(&out));
}

static bool is_contents(struct cb_str line)
{
    return line.n > 0 && (line.p[0] == '|' || line.p[0] == '+' || cb_str_starts(line, "x "));
}

static void add_contents(struct cb_buf *out, struct cb_str line)
{
    struct cb_str rest = cb_str_skip(line, 1);
    if (line.p[0] == 'x') {
        rest = cb_str_trim(rest);
        cb_buf_reserve(out, rest.n / 2 + 1);
        assert(cb_unhex((uint8_t *)out->p + out->n, rest.n / 2, rest));
        out->n += rest.n / 2;
        return;
    }
    cb_buf_addstr(out, rest);
    if (line.p[0] == '|')
        cb_buf_addc(out, '\n');
}

// The next instruction; false at the end.
static bool next_line(struct cb_str *rest, struct line *l)
{
    struct cb_str line, word;
    l->words.n = 0;
    cb_buf_reset(&l->contents);
    while (l->words.n == 0) {
        if (!cb_str_cut(rest, '\n', &line))
            return false;
        if (line.n > 0 && line.p[0] == '#')
            continue;
        for (struct cb_str words = line; cb_str_field(&words, &word);)
            cb_strs_add(&l->words, word);
    }
    for (struct cb_str ahead = *rest; cb_str_cut(&ahead, '\n', &line) && is_contents(line); *rest = ahead)
        add_contents(&l->contents, line);
    return true;
}

static struct cb_str word(const struct line *l, size_t i)
{
    return i < l->words.n ? l->words.v[i] : CB_STR("");
}

// The value of NAME=N among the words; 0 where it is not there.
static int64_t option(const struct line *l, const char *name)
{
    size_t n = strlen(name);
    int64_t value = 0;
    for (size_t i = 0; i < l->words.n; i++)
        if (cb_str_starts(l->words.v[i], name) && l->words.v[i].n > n && l->words.v[i].p[n] == '=')
            assert(cb_str_i64(cb_str_skip(l->words.v[i], n + 1), 10, &value));
    return value;
}

static uint32_t octal(struct cb_str s)
{
    uint64_t v = 0;
    assert(cb_str_u64(s, 8, &v));
    return (uint32_t)v;
}

// --- The tree before the steps

static void make_parent(struct step_case *c, struct cb_str path)
{
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;
    ptrdiff_t slash = cb_str_rfind(path, '/');
    if (slash > 0)
        (void)cb_tree_mkdir_all(c->tree, cb_str_head(path, (size_t)slash), 0755, &ignored);
}

static int add_plain(struct step_case *c, const struct line *l, struct cb_error *err)
{
    struct cb_str path = unescape(&c->arena, word(l, 1));
    if (!cb_str_is(word(l, 0), "dir"))
        make_parent(c, path);
    if (cb_str_is(word(l, 0), "link"))
        return cb_tree_symlink(c->tree, unescape(&c->arena, word(l, 2)), path, err);
    uint32_t mode = octal(word(l, 2));
    if (cb_str_is(word(l, 0), "dir") ? cb_tree_mkdir_all(c->tree, path, mode, err)
                                     : cb_tree_write_file(c->tree, path, cb_buf_str(&l->contents), mode, err))
        return -1;
    return cb_tree_chmod(c->tree, path, mode, err) ||
                   cb_tree_chown(c->tree, path, (uint32_t)option(l, "uid"), (uint32_t)option(l, "gid"), err) ||
                   cb_tree_chtimes(c->tree, path, (struct cb_time){option(l, "mtime"), 0}, err)
               ? -1
               : 0;
}

static void add_package(struct step_case *c, const struct line *l)
{
    struct cb_package *p = cb_arena_alloc(&c->arena, sizeof *p);
    p->name = word(l, 1);
    p->version = word(l, 2);
    p->origin = cb_str_is(word(l, 3), "-") ? CB_STR("") : word(l, 3);
    assert(cb_str_u64(word(l, 4), 10, &p->installed_size));
    for (size_t i = 5; i < l->words.n; i++)
        cb_strs_add(&p->replaces, l->words.v[i]);
    *cb_vec_add(&c->packages) = (struct cb_installed_diff){p, cb_arena_str(&c->arena, cb_buf_str(&l->contents))};
}

static const struct cb_package *find_package(const struct step_case *c, struct cb_str name)
{
    for (size_t i = 0; i < c->packages.n; i++)
        if (cb_str_eq(c->packages.v[i].pkg->name, name))
            return c->packages.v[i].pkg;
    abort(); // the case names a package that it does not declare
}

static int add_owned(struct step_case *c, const struct line *l, struct cb_error *err)
{
    struct cb_str kind = word(l, 2), path = unescape(&c->arena, word(l, 3)), target = unescape(&c->arena, word(l, 4));
    make_parent(c, path);
    if (cb_str_is(kind, "hard"))
        return cb_tree_put_link(c->tree, target, path, err);
    struct cb_time mtime = {option(l, "mtime"), 0};
    if (cb_str_is(kind, "dir"))
        return cb_tree_mkdir_all(c->tree, path, octal(target), err) || cb_tree_chtimes(c->tree, path, mtime, err);
    struct cb_node node = {.owner = find_package(c, word(l, 1)), .mtime = mtime, .checksum = CB_STR("x")};
    struct cb_node *existing;
    enum cb_tree_put what;
    bool link = cb_str_is(kind, "link");
    node.mode = link ? S_IFLNK | 0777 : S_IFREG | octal(target);
    node.target = link ? target : CB_STR("");
    node.content = (struct cb_content){.fd = -1, .length = l->contents.n};
    node.content.bytes = cb_arena_str(&c->arena, cb_buf_str(&l->contents));
    if (cb_tree_put(c->tree, path, &node, &what, &existing, err))
        return -1;
    for (size_t i = 4; i < l->words.n; i++) {
        struct cb_str value = l->words.v[i], name;
        if (cb_str_starts(value, "xattr.") && cb_str_cut(&value, '=', &name) &&
            cb_tree_set_xattr(c->tree, path, cb_str_skip(name, 6), value, err))
            return -1;
    }
    return 0;
}

static int load_config(struct step_case *c, struct cb_str text, struct cb_error *err)
{
    char path[] = "/tmp/step_case.XXXXXX";
    int fd = mkstemp(path);
    assert(fd >= 0 && write(fd, text.p, text.n) == (ssize_t)text.n);
    close(fd);
    int failed = cb_config_load(path, NULL, &c->config, err) || cb_config_validate(c->config, err);
    unlink(path);
    return failed;
}

// --- The steps

static int store_config(struct step_case *c, struct cb_error *err)
{
    CB_BUF_AUTO json = {0};
    cb_config_write_json(c->config, &json);
    return cb_tree_write_file(c->tree, CB_STR("etc/apko.json"), cb_buf_str(&json), 0644, err) ||
           cb_tree_chmod(c->tree, CB_STR("etc/apko.json"), 0444, err);
}

static int take_step(struct step_case *c, struct cb_str name, struct cb_error *err)
{
    if (cb_str_is(name, "accounts"))
        return cb_accounts_apply(c->tree, c->config, &c->config->arena, err);
    if (cb_str_is(name, "config"))
        return store_config(c, err);
    if (cb_str_is(name, "paths"))
        return cb_paths_apply(c->tree, c->config, err);
    if (cb_str_is(name, "certificates"))
        return cb_certificates_install(c->tree, c->config, &c->installed, c->built, err);
    if (cb_str_is(name, "checksums"))
        return cb_bundle_checksums_write(c->tree, c->built, err);
    if (cb_str_is(name, "keyring"))
        return cb_runtime_keyring_install(c->tree, c->config, c->built, err);
    if (cb_str_is(name, "services"))
        return cb_services_write(c->tree, c->config, err);
    if (cb_str_is(name, "busybox"))
        return cb_busybox_link(c->tree, &c->installed, err);
    if (cb_str_is(name, "devices"))
        return cb_devices_make(c->tree, err);
    assert(cb_str_is(name, "ldso"));
    return cb_ldso_cache_write(c->tree, err);
}

static int take_steps(struct step_case *c, const struct line *l, struct cb_error *err)
{
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;
    if (!c->config)
        c->config = cb_config_new();
    cb_installed_release(&c->installed);
    c->installed = (struct cb_installed){0};
    (void)cb_installed_read(c->tree, &c->installed, &ignored);
    for (size_t i = 1; i < l->words.n; i++)
        if (take_step(c, l->words.v[i], err))
            return -1;
    return 0;
}

static int obey(struct step_case *c, const struct line *l, struct cb_error *err)
{
    struct cb_str what = word(l, 0);
    if (cb_str_is(what, "owned"))
        return add_owned(c, l, err);
    if (cb_str_is(what, "package"))
        return add_package(c, l), 0;
    if (cb_str_is(what, "config"))
        return load_config(c, cb_buf_str(&l->contents), err);
    if (cb_str_is(what, "steps"))
        return take_steps(c, l, err);
    if (cb_str_is(what, "built"))
        return cb_str_i64(word(l, 1), 10, &c->built.sec) ? 0 : -1;
    if (cb_str_is(what, "layers")) {
        c->layered = true;
        return cb_str_i64(word(l, 1), 10, &c->budget) ? 0 : -1;
    }
    return add_plain(c, l, err);
}

// --- What came out

static void describe_entry(struct cb_tar_reader *r, const struct cb_tar_header *h, struct cb_buf *out,
                           struct cb_error *err)
{
    struct cb_tar_source source = cb_tar_source(r);
    CB_HASH_AUTO *hash = cb_hash_new(CB_SHA256);
    struct cb_hash_sink sink = cb_hash_sink(hash);
    uint8_t sum[CB_HASH_MAX];
    char hex[CB_SHA256_HEX];
    cb_buf_addf(out, "%c %05o %" PRId64 ":%" PRId64 " %.*s:%.*s %" PRId64 " %.*s", h->type, (unsigned)h->mode, h->uid,
                h->gid, CB_STR_ARG(h->uname), CB_STR_ARG(h->gname), h->mtime.sec, CB_STR_ARG(h->name));
    if (h->linkname.n)
        cb_buf_addf(out, " -> %.*s", CB_STR_ARG(h->linkname));
    if (h->type == CB_TAR_CHAR)
        cb_buf_addf(out, " %" PRId64 ",%" PRId64, h->devmajor, h->devminor);
    for (size_t i = 0; i < h->npax; i++)
        cb_buf_addf(out, " %.*s=%.*s", CB_STR_ARG(h->pax[i].key), CB_STR_ARG(h->pax[i].value));
    if (h->type == CB_TAR_FILE) {
        assert(cb_copy(&sink.sink, &source.source, NULL, err) == 0);
        cb_hash_sum(hash, sum);
        cb_hex(hex, sum, 8);
        cb_buf_addf(out, " %" PRId64 " %s", h->size, hex);
    }
    cb_buf_addc(out, '\n');
}

static void describe_layer(struct cb_str tar, size_t number, struct cb_buf *out, struct cb_error *err)
{
    CB_ARENA_AUTO arena = {0};
    uint8_t sum[CB_SHA256_SIZE];
    char hex[CB_SHA256_HEX];
    struct cb_mem_source source = cb_mem_source(tar.p, tar.n);
    struct cb_tar_reader *r = cb_tar_reader_new(&source.source, "a layer");
    struct cb_tar_header h;
    cb_hash_once(CB_SHA256, tar.p, tar.n, sum);
    cb_hex(hex, sum, sizeof sum);
    cb_buf_addf(out, "layer %zu sha256:%s\n", number, hex);
    while (cb_tar_next(r, &arena, &h, err) > 0)
        describe_entry(r, &h, out, err);
    cb_tar_reader_free(r);
}

static int describe(struct step_case *c, struct cb_buf *out, struct cb_error *err)
{
    struct cb_layer_groups groups = {0};
    if (c->layered && cb_layer_groups_make(&groups, c->packages.v, c->packages.n, c->budget, err)) {
        cb_layer_groups_release(&groups);
        return -1;
    }
    struct cb_layer_plan *plan = cb_layer_plan_new(c->tree, c->layered ? &groups : NULL, err);
    int failed = !plan;
    for (size_t i = 0; !failed && i < cb_layer_plan_count(plan); i++) {
        CB_BUF_AUTO tar = {0};
        struct cb_buf_sink sink = cb_buf_sink(&tar);
        failed = cb_layer_write_tar(plan, i, &sink.sink, err);
        if (!failed)
            describe_layer(cb_buf_str(&tar), i, out, err);
    }
    cb_layer_plan_free(plan);
    cb_layer_groups_release(&groups);
    return failed;
}

static const char *kind_name(enum cb_kind kind)
{
    switch (kind) {
    case CB_E_CONFIG:
        return "config";
    case CB_E_INPUT:
        return "input";
    case CB_E_LIMIT:
        return "limit";
    case CB_E_CONFLICT:
        return "conflict";
    case CB_E_NOT_FOUND:
        return "not-found";
    default:
        return "another kind";
    }
}

static void report_failure(const struct step_case *c, const struct cb_error *err, struct cb_buf *out)
{
    struct cb_str expected = c->fails, kind;
    cb_buf_reset(out);
    cb_buf_adds(out, "refused\n");
    if (c->fails.n == 0)
        return;
    cb_str_cut(&expected, ' ', &kind);
    if (!cb_str_is(kind, kind_name(err->kind)) || !cb_str_has(cb_str(err->message), expected))
        cb_buf_addf(out, "unexpected: %s %s\n", kind_name(err->kind), err->message);
}

void step_case_run(struct cb_str text, struct cb_buf *out)
{
    struct step_case c = {.tree = cb_tree_new()};
    struct line l = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    int failed = 0;
    size_t at = text.n;
    for (size_t i = 0; i + 7 < text.n; i++)
        if ((i == 0 || text.p[i - 1] == '\n') && cb_str_starts(cb_str_skip(text, i), "fails "))
            at = i;
    if (at < text.n) {
        struct cb_str rest = cb_str_skip(text, at + 6);
        cb_str_cut(&rest, '\n', &c.fails);
        text = cb_str_head(text, at);
    }
    while (!failed && next_line(&text, &l))
        failed = obey(&c, &l, &err);
    if (!failed)
        failed = describe(&c, out, &err);
    if (failed)
        report_failure(&c, &err, out);
    else if (c.fails.n)
        cb_buf_adds(out, "unexpected: it was accepted\n");
    for (size_t i = 0; i < c.packages.n; i++)
        cb_strs_release((struct cb_strs *)&c.packages.v[i].pkg->replaces);
    cb_vec_release(&c.packages);
    cb_strs_release(&l.words);
    cb_buf_release(&l.contents);
    cb_installed_release(&c.installed);
    cb_config_free(c.config);
    cb_tree_free(c.tree);
    cb_arena_release(&c.arena);
}
