// The tree against the reference's file system: tree_ops.tsv holds sequences of operations, what each came to in apko
// d1b5d5ec, and the SHA-256 of the layer written at the end. A longer file can be given in CBUILD_TREE_OPS.
#include "cases.h"

#include "cbuild/base/vec.h"
#include "cbuild/crypto/hash.h"
#include "cbuild/fs/tree.h"

struct op {
    struct cb_tree *t;
    struct cb_str name, args[5];
    struct cb_buf got;
};

static const char *verdict(const struct cb_error *err)
{
    return err->kind == CB_OK            ? "ok"
           : err->kind == CB_E_NOT_FOUND ? "absent"
           : err->kind == CB_E_CONFLICT  ? "taken"
                                         : "error";
}

static uint32_t number(const struct op *o, size_t i)
{
    uint64_t x = 0;
    assert_true(cb_str_u64(o->args[i], 10, &x));
    return (uint32_t)x;
}

static void add_info(struct cb_buf *b, const struct cb_node *n)
{
    char kind = cb_node_is_dir(n) ? 'd' : cb_node_is_symlink(n) ? 'l' : cb_node_is_file(n) ? 'f' : 'c';
    cb_buf_addf(b, "%c:%o:%u:%u:%llu:%lld.%d", kind, n->mode & 07777, n->uid, n->gid,
                kind == 'f' ? (unsigned long long)cb_node_size(n) : 0, (long long)n->mtime.sec, n->mtime.nsec);
}

static struct cb_time time_of(const struct op *o, size_t at)
{
    struct cb_time t = {0};
    int64_t nsec = 0;
    assert_true(cb_str_i64(o->args[at], 10, &t.sec) && cb_str_i64(o->args[at + 1], 10, &nsec));
    t.nsec = (int32_t)nsec;
    return t;
}

// A package's file. Its contents stay outside the tree; here, in the arena.
static void put(struct op *o, struct cb_error *err)
{
    struct cb_node proto = {.mode = S_IFREG | number(o, 2), .mtime = time_of(o, 3)}, *there;
    enum cb_tree_put what = CB_TREE_PUT;

    proto.content.bytes = cb_arena_str(cb_tree_arena(o->t), o->args[1]);
    proto.content.length = o->args[1].n;
    proto.content.fd = -1;
    cb_tree_put(o->t, o->args[0], &proto, &what, &there, err);
    assert_int_equal(what, CB_TREE_PUT);
}

static void change(struct op *o, struct cb_error *err)
{
    const struct cb_str *a = o->args;

    if (cb_str_is(o->name, "mkdir"))
        cb_tree_mkdir(o->t, a[0], number(o, 1), err);
    else if (cb_str_is(o->name, "mkdirall"))
        cb_tree_mkdir_all(o->t, a[0], number(o, 1), err);
    else if (cb_str_is(o->name, "write"))
        cb_tree_write_file(o->t, a[0], a[1], number(o, 2), err);
    else if (cb_str_is(o->name, "append"))
        cb_tree_append_file(o->t, a[0], a[1], number(o, 2), err);
    else if (cb_str_is(o->name, "symlink"))
        cb_tree_symlink(o->t, a[0], a[1], err);
    else if (cb_str_is(o->name, "link"))
        cb_tree_link(o->t, a[0], a[1], err);
    else if (cb_str_is(o->name, "remove"))
        cb_tree_remove(o->t, a[0], err);
    else if (cb_str_is(o->name, "chmod"))
        cb_tree_chmod(o->t, a[0], number(o, 1), err);
    else if (cb_str_is(o->name, "chown"))
        cb_tree_chown(o->t, a[0], number(o, 1), number(o, 2), err);
    else if (cb_str_is(o->name, "chtimes"))
        cb_tree_chtimes(o->t, a[0], time_of(o, 1), err);
    else if (cb_str_is(o->name, "mknod"))
        cb_tree_mknod(o->t, a[0], number(o, 1), number(o, 2), number(o, 3), err);
    else if (cb_str_is(o->name, "put"))
        put(o, err);
    else if (cb_str_is(o->name, "xattr"))
        cb_tree_set_xattr(o->t, a[0], a[1], a[2], err);
    else
        fail_msg("unknown operation %.*s", CB_STR_ARG(o->name));
    cb_buf_adds(&o->got, verdict(err));
}

static bool look(struct op *o, struct cb_error *err)
{
    struct cb_tree_entries entries = {0};
    CB_BUF_AUTO found = {0};

    if (cb_str_is(o->name, "stat")) {
        const struct cb_node *n = cb_tree_stat(o->t, o->args[0], err);
        cb_buf_addc(&found, ':');
        if (n)
            add_info(&found, n);
    } else if (cb_str_is(o->name, "readlink")) {
        struct cb_str target = {0};
        cb_tree_readlink(o->t, o->args[0], &target, err);
        cb_buf_addc(&found, ':');
        cb_buf_addstr(&found, target);
    } else if (cb_str_is(o->name, "read")) {
        cb_buf_addc(&found, ':');
        cb_tree_read_file(o->t, o->args[0], &found, 1 << 20, err);
    } else if (cb_str_is(o->name, "list")) {
        cb_tree_list(o->t, o->args[0], &entries, err);
        for (size_t i = 0; i < entries.n; i++) {
            cb_buf_addf(&found, ":%.*s=", CB_STR_ARG(entries.v[i].name));
            add_info(&found, entries.v[i].node);
        }
        cb_vec_release(&entries);
    } else {
        return false;
    }
    cb_buf_adds(&o->got, verdict(err));
    if (err->kind == CB_OK)
        cb_buf_addstr(&o->got, cb_buf_str(&found));
    return true;
}

struct layer {
    struct cb_owner_names names;
    struct cb_tar_writer w;
};

static int write_node(void *ctx, struct cb_str path, struct cb_node *n, struct cb_error *err)
{
    struct layer *l = ctx;
    struct cb_tar_header h;
    char buf[7];

    if (cb_str_is(path, "."))
        return 0;
    if (cb_node_header(n, path, &l->names, &h, err) != 0 || cb_tar_write_header(&l->w, &h, err) != 0)
        return -1;
    return cb_node_write(n, &h, &l->w, buf, sizeof buf, err);
}

static void write_layer(struct op *o, struct cb_error *err)
{
    struct cb_hash *hash = cb_hash_new(CB_SHA256);
    struct cb_hash_sink sink = cb_hash_sink(hash);
    struct layer l = {.w = cb_tar_writer(&sink.sink)};
    uint8_t sum[CB_HASH_MAX];
    char hex[CB_SHA256_HEX] = "error";

    *cb_vec_add(&l.names.users) = (struct cb_owner_name){2, CB_STR("not this one")};
    *cb_vec_add(&l.names.users) = (struct cb_owner_name){2, CB_STR("two")};
    *cb_vec_add(&l.names.users) = (struct cb_owner_name){0, CB_STR("root")};
    *cb_vec_add(&l.names.groups) = (struct cb_owner_name){1, CB_STR("one")};
    cb_owner_names_sort(&l.names);
    bool good = cb_tree_walk(o->t, CB_STR("."), write_node, &l, err) == 0 && cb_tar_close(&l.w, err) == 0;
    cb_hash_sum(hash, sum);
    cb_hash_free(hash);
    if (good)
        cb_hex(hex, sum, CB_SHA256_SIZE);
    cb_buf_adds(&o->got, hex);
    cb_owner_names_release(&l.names);
}

// "name|arg|...|=result"
static void run_op(struct cb_tree *t, struct cb_str text, size_t line)
{
    CB_ARENA_AUTO a = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct op o = {.t = t};
    struct cb_str part, want = {0};
    size_t n = 0;

    cb_str_cut(&text, '|', &o.name);
    while (!want.p && cb_str_cut(&text, '|', &part)) {
        if (cb_str_starts(part, "="))
            want = unescape(&a, cb_str_skip(part, 1));
        else
            o.args[n++] = unescape(&a, part);
    }
    if (cb_str_is(o.name, "layer"))
        write_layer(&o, &err);
    else if (!look(&o, &err))
        change(&o, &err);
    // The reference says "absent" of any path it cannot follow here, also of links without end.
    bool vague = cb_str_is(o.name, "link") || cb_str_is(o.name, "xattr");
    if (vague && cb_str_is(want, "absent") && cb_str_is(cb_buf_str(&o.got), "error"))
        want = cb_buf_str(&o.got);
    if (!cb_str_eq(cb_buf_str(&o.got), want))
        fail_msg("line %zu: %.*s(%.*s, %.*s): got %.*s (%s), want %.*s", line, CB_STR_ARG(o.name),
                 CB_STR_ARG(o.args[0]), CB_STR_ARG(o.args[1]), CB_STR_ARG(cb_buf_str(&o.got)),
                 err.message ? err.message : "", CB_STR_ARG(want));
    cb_buf_release(&o.got);
}

static void test_operations(void **state)
{
    CB_BUF_AUTO cases = {0};
    struct cb_str rest, line, text;
    size_t number_of = 0;

    (void)state;
    read_cases("CBUILD_TREE_OPS", "tree_ops.tsv", &cases);
    rest = cb_buf_str(&cases);
    while (cb_str_cut(&rest, '\n', &line) && line.n > 0) {
        struct cb_tree *t = cb_tree_new();
        number_of++;
        while (cb_str_cut(&line, '\t', &text))
            run_op(t, text, number_of);
        cb_tree_free(t);
    }
    assert_true(number_of > 50);
}

// --- What the reference lets through, and what became of it there

// A name that climbs out of the layer ("..") or makes a walk endless (".") cannot be made by any call. Their twins can.
static void test_climbing_names(void **state)
{
    static const char *const bad[] = {".", "..", "/", "a/.", "a/..", "a/../..", "../", ""};
    static const char *const good[] = {"...", "a/...", ".x", "a/..x", "a/../y"};
    struct cb_tree *t = cb_tree_new();
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_tree_entries root = {0};

    (void)state;
    assert_int_equal(cb_tree_mkdir(t, CB_STR("a"), 0755, &err), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct cb_str p = cb_str(bad[i]);
        struct cb_node proto = {.mode = S_IFREG | 0644, .content.fd = -1}, *there;
        enum cb_tree_put what;
        int rc[] = {cb_tree_mkdir(t, p, 0755, &err),
                    (cb_error_clear(&err), cb_tree_symlink(t, CB_STR("a"), p, &err)),
                    (cb_error_clear(&err), cb_tree_link(t, CB_STR("a"), p, &err)),
                    (cb_error_clear(&err), cb_tree_mknod(t, p, 0644, 1, 3, &err)),
                    (cb_error_clear(&err), cb_tree_put(t, p, &proto, &what, &there, &err)),
                    (cb_error_clear(&err), cb_tree_write_file(t, p, CB_STR("x"), 0644, &err))};
        cb_error_clear(&err);
        for (size_t k = 0; k < sizeof rc / sizeof *rc; k++)
            if (rc[k] != -1)
                fail_msg("call %zu took \"%s\"", k, bad[i]);
    }
    assert_int_equal(cb_tree_mkdir_all(t, CB_STR("a/./b"), 0755, &err), -1);
    cb_error_clear(&err);
    assert_int_equal(cb_tree_mkdir_all(t, CB_STR("../b"), 0755, &err), -1);
    cb_error_clear(&err);
    assert_int_equal(cb_tree_list(t, CB_STR("/"), &root, &err), 0);
    assert_int_equal(root.n, 1); // nothing but "a"
    cb_vec_release(&root);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(cb_tree_write_file(t, cb_str(good[i]), CB_STR("x"), 0644, &err), 0);
    cb_tree_free(t);
}

// A symlink named for a way out of the root leads nowhere, whatever the host has there.
static void test_escapes(void **state)
{
    static const char *const targets[] = {"../../../../etc", "/../../etc", "../..", "..", "/.."};
    struct cb_tree *t = cb_tree_new();
    CB_ERROR_AUTO err = CB_ERROR_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        CB_AUTOFREE char *name = cb_format("d%zu", i), *file = cb_format("d%zu/passwd", i);
        assert_int_equal(cb_tree_symlink(t, cb_str(targets[i]), cb_str(name), &err), 0);
        assert_int_equal(cb_tree_write_file(t, cb_str(file), CB_STR("x"), 0644, &err), -1);
        cb_error_clear(&err);
        assert_int_equal(cb_tree_mkdir_all(t, cb_str(file), 0755, &err), -1);
        cb_error_clear(&err);
        assert_false(cb_tree_exists(t, cb_str(file)));
    }
    assert_int_equal(cb_tree_mkdir(t, CB_STR("etc"), 0755, &err), 0);
    assert_int_equal(cb_tree_symlink(t, CB_STR("/etc"), CB_STR("in"), &err), 0);
    assert_int_equal(cb_tree_write_file(t, CB_STR("in/passwd"), CB_STR("x"), 0644, &err), 0);
    assert_true(cb_tree_exists(t, CB_STR("etc/passwd")));
    cb_tree_free(t);
}

// Two links a level, each to the level below twice: 2^40 steps in the reference.
static void test_endless_links(void **state)
{
    struct cb_tree *t = cb_tree_new();
    CB_ERROR_AUTO err = CB_ERROR_INIT;

    (void)state;
    assert_int_equal(cb_tree_symlink(t, CB_STR("/"), CB_STR("l0"), &err), 0);
    for (int i = 1; i < 39; i++) {
        CB_AUTOFREE char *name = cb_format("l%d", i), *target = cb_format("/l%d/l%d", i - 1, i - 1);
        assert_int_equal(cb_tree_symlink(t, cb_str(target), cb_str(name), &err), 0);
    }
    assert_non_null(cb_tree_stat(t, CB_STR("l10"), &err));
    assert_null(cb_tree_stat(t, CB_STR("l38"), &err));
    assert_int_equal(err.kind, CB_E_LIMIT);
    cb_tree_free(t);
}

static int count(void *ctx, struct cb_str path, struct cb_node *n, struct cb_error *err)
{
    (void)path;
    (void)n;
    (void)err;
    ++*(size_t *)ctx;
    return 0;
}

// A folder may have several names, but may not come to lie in itself: walking would not end.
static void test_linked_folders(void **state)
{
    struct cb_tree *t = cb_tree_new();
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    size_t seen = 0;

    (void)state;
    assert_int_equal(cb_tree_mkdir_all(t, CB_STR("a/b/c"), 0755, &err), 0);
    assert_int_equal(cb_tree_mkdir_all(t, CB_STR("x"), 0755, &err), 0);
    assert_int_equal(cb_tree_link(t, CB_STR("a"), CB_STR("a/b/c/d"), &err), -1);
    cb_error_clear(&err);
    assert_int_equal(cb_tree_link(t, CB_STR("a"), CB_STR("a/d"), &err), -1);
    cb_error_clear(&err);
    assert_int_equal(cb_tree_link(t, CB_STR("a/b"), CB_STR("x/b"), &err), 0);
    assert_int_equal(cb_tree_put_link(t, CB_STR("x"), CB_STR("a/b/c/x"), &err), -1);
    cb_error_clear(&err);
    assert_int_equal(cb_tree_walk(t, CB_STR(""), count, &seen, &err), 0);
    assert_int_equal(seen, 1 + 3 + 3);
    // Doubling with every level: cut off.
    for (int i = 0; i < 30; i++) {
        CB_AUTOFREE char *one = cb_format("n%d/a", i), *other = cb_format("n%d/b", i), *dir = cb_format("n%d", i);
        CB_AUTOFREE char *below = cb_format("n%d", i - 1);
        assert_int_equal(cb_tree_mkdir(t, cb_str(dir), 0755, &err), 0);
        if (i == 0)
            continue;
        assert_int_equal(cb_tree_link(t, cb_str(below), cb_str(one), &err), 0);
        assert_int_equal(cb_tree_link(t, cb_str(below), cb_str(other), &err), 0);
    }
    assert_int_equal(cb_tree_walk(t, CB_STR("n29"), count, &seen, &err), -1);
    assert_int_equal(err.kind, CB_E_LIMIT);
    cb_tree_free(t);
}

static void test_long_paths(void **state)
{
    struct cb_tree *t = cb_tree_new();
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO path = {0};
    size_t seen = 0;

    (void)state;
    while (path.n < CB_TREE_PATH_MAX - 1)
        cb_buf_adds(&path, "a/");
    assert_int_equal(cb_tree_mkdir_all(t, cb_buf_str(&path), 0755, &err), 0);
    assert_non_null(cb_tree_stat(t, cb_buf_str(&path), &err));
    assert_int_equal(cb_tree_walk(t, CB_STR("."), count, &seen, &err), 0);
    assert_int_equal(seen, 1 + path.n / 2);
    cb_buf_adds(&path, "bb");
    assert_int_equal(cb_tree_mkdir_all(t, cb_buf_str(&path), 0755, &err), -1);
    assert_int_equal(err.kind, CB_E_LIMIT);
    cb_tree_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operations),    cmocka_unit_test(test_climbing_names), cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_endless_links), cmocka_unit_test(test_linked_folders), cmocka_unit_test(test_long_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
