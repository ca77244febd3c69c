// EROFS images against the reference's: erofs_trees.tsv holds trees as sequences of operations, and the SHA-256 and
// size of the image that apko d1b5d5ec writes of each ("error" where it writes none); then lists of images, lowest
// first, and what its erofs ls shows of them together. A longer file can be given in CBUILD_EROFS_TREES.
//
// Every image is read back and held against the tree it was made of.
#include "cases.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cbuild/base/map.h"
#include "cbuild/base/vec.h"
#include "cbuild/crypto/hash.h"
#include "cbuild/fs/erofs.h"

struct image {
    int fd;
    uint64_t size;
    char sum[CB_SHA256_HEX + 32]; // "hex:size"
};

// --- Making trees

struct op {
    struct cb_tree *t;
    struct cb_arena *a;
    struct cb_str args[8];
};

static int64_t number(const struct op *o, size_t i)
{
    int64_t x = 0;
    assert_true(cb_str_i64(o->args[i], 10, &x));
    return x;
}

static struct cb_str pattern(struct cb_arena *a, int64_t n, int64_t seed)
{
    char *p = cb_arena_bytes(a, (size_t)n + 1);
    for (int64_t i = 0; i < n; i++)
        p[i] = (char)(i * 31 + i / 256 + seed);
    return cb_strn(p, (size_t)n);
}

static struct cb_str repeat(struct cb_arena *a, char c, int64_t n)
{
    char *p = cb_arena_bytes(a, (size_t)n + 1);
    memset(p, c, (size_t)n);
    return cb_strn(p, (size_t)n);
}

static int make_many(const struct op *o, struct cb_error *err)
{
    for (int64_t i = 0; i < number(o, 2); i++) {
        struct cb_str tail = repeat(o->a, 'n', i * 7 % number(o, 3));
        struct cb_str path = cb_arena_format(o->a, "%.*s%05d%.*s", CB_STR_ARG(o->args[1]), (int)i, CB_STR_ARG(tail));
        if (cb_tree_write_file(o->t, path, pattern(o->a, i * number(o, 4) % 5000, i), 0644, err) != 0)
            return -1;
    }
    return 0;
}

// A file that a package brings, whose mode may say that it is something else.
static int put_file(const struct op *o, struct cb_error *err)
{
    uint32_t mode = (uint32_t)number(o, 2), type = mode & ~07777u;
    bool known =
        type == S_IFDIR || type == S_IFIFO || type == S_IFLNK || type == S_IFBLK || type == S_IFCHR || type == S_IFSOCK;
    struct cb_str bytes = pattern(cb_tree_arena(o->t), number(o, 3), number(o, 4));
    struct cb_node proto = {.mode = (known ? type : S_IFREG) | (mode & 07777),
                            .mtime = {number(o, 5), (int32_t)number(o, 6)},
                            .content = {.bytes = bytes, .fd = -1, .length = bytes.n}};
    enum cb_tree_put what;
    struct cb_node *there;
    return cb_tree_put(o->t, o->args[1], &proto, &what, &there, err);
}

static int apply(const struct op *o, struct cb_error *err)
{
    const struct cb_str *a = o->args;
    struct cb_tree *t = o->t;

    switch (a[0].p[0]) {
    case 'd':
        return cb_tree_mkdir(t, a[1], (uint32_t)number(o, 2), err);
    case 'f':
        return cb_tree_write_file(t, a[1], pattern(o->a, number(o, 3), number(o, 4)), (uint32_t)number(o, 2), err);
    case 'l':
        return cb_tree_symlink(t, a[2], a[1], err);
    case 'L':
        return cb_tree_symlink(t, repeat(o->a, 'z', number(o, 2)), a[1], err);
    case 'c':
        return cb_tree_mknod(t, a[1], (uint32_t)number(o, 2), (uint32_t)number(o, 3), (uint32_t)number(o, 4), err);
    case 'h':
        return cb_tree_link(t, a[1], a[2], err);
    case 't':
        return cb_tree_chtimes(t, a[1], (struct cb_time){number(o, 2), (int32_t)number(o, 3)}, err);
    case 'o':
        return cb_tree_chown(t, a[1], (uint32_t)number(o, 2), (uint32_t)number(o, 3), err);
    case 'x':
        return cb_tree_set_xattr(t, a[1], a[2], a[3], err);
    case 'X':
        return cb_tree_set_xattr(t, a[1], a[2], pattern(o->a, number(o, 3), 5), err);
    case 'm':
        return make_many(o, err);
    default:
        return put_file(o, err);
    }
}

static void run_op(struct cb_tree *t, struct cb_str text)
{
    CB_ARENA_AUTO a = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct op o = {.t = t, .a = &a};
    struct cb_str rest = text, part;

    for (size_t n = 0; cb_str_cut(&rest, '|', &part); n++)
        o.args[n] = unescape(&a, part);
    if (apply(&o, &err) != 0)
        fail_msg("%.*s: %s", CB_STR_ARG(text), err.message);
}

// --- Making images

static int write_image(struct cb_tree *t, struct cb_time built, struct image *out, struct cb_error *err)
{
    *out = (struct image){.fd = memfd_create("image", MFD_CLOEXEC), .sum = "error"};
    assert_true(out->fd >= 0);
    CB_HASH_AUTO *hash = cb_hash_new(CB_SHA256);
    struct cb_hash_sink sum = cb_hash_sink(hash);
    struct cb_fd_sink file = cb_fd_sink(out->fd, "image");
    struct cb_tee_sink both = cb_tee_sink(&sum.sink, &file.sink);
    uint8_t digest[CB_HASH_MAX];
    char hex[CB_SHA256_HEX];

    if (cb_erofs_write(t, built, &both.sink, err) != 0)
        return -1;
    cb_hash_sum(hash, digest);
    cb_hex(hex, digest, CB_SHA256_SIZE);
    out->size = both.n;
    snprintf(out->sum, sizeof out->sum, "%s:%llu", hex, (unsigned long long)out->size);
    return 0;
}

// --- Reading back

struct expected {
    struct cb_arena arena;
    struct {
        struct wanted {
            struct cb_str path;
            const struct cb_node *node;
        } * v;
        size_t n, cap;
    } nodes;
    size_t next;
    struct cb_erofs *erofs;
    struct cb_time built;
};

static int collect(void *ctx, struct cb_str path, struct cb_node *node, struct cb_error *err)
{
    struct expected *x = ctx;

    (void)err;
    if (!cb_str_is(path, "."))
        *cb_vec_add(&x->nodes) = (struct wanted){cb_arena_str(&x->arena, path), node};
    return 0;
}

static void compare_contents(struct cb_erofs *e, uint64_t nid, const struct cb_node *n)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO want = {0}, got = {0};
    struct cb_erofs_source s = cb_erofs_source(e, nid);

    assert_int_equal(cb_node_read(n, &want, 1 << 20, &err), 0);
    if (cb_read_all(&s.source, &got, 1 << 20, "contents", &err) != 0)
        fail_msg("%s", err.message);
    assert_true(cb_str_eq(cb_buf_str(&want), cb_buf_str(&got)));
}

static void compare_xattrs(struct cb_erofs *e, uint64_t nid, const struct cb_node *n)
{
    bool stored = S_ISREG(n->mode) || S_ISDIR(n->mode);

    for (size_t i = 0; i < n->nxattrs; i++) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        CB_BUF_AUTO value = {0};
        int found = cb_erofs_xattr(e, nid, n->xattrs[i].name, &value, &err);
        assert_int_equal(found, stored);
        assert_true(!found || cb_str_eq(cb_buf_str(&value), n->xattrs[i].value));
    }
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO value = {0};
    assert_int_equal(cb_erofs_xattr(e, nid, CB_STR("user.absent"), &value, &err), 0);
}

static void compare_path(struct cb_erofs *e, struct cb_str path, uint64_t nid, uint32_t mode)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_erofs_entry found;

    if (S_ISLNK(mode))
        return;
    assert_int_equal(cb_erofs_resolve(e, path, &found, &err), 1);
    assert_int_equal(found.nid, nid);
    assert_int_equal(found.type, mode & S_IFMT);
}

static int compare_item(void *ctx, const struct cb_erofs_item *item, struct cb_error *err)
{
    struct expected *x = ctx;
    const struct cb_erofs_stat *s = &item->stat;
    assert_true(x->next < x->nodes.n);
    const struct wanted *w = &x->nodes.v[x->next++];
    const struct cb_node *n = w->node;
    struct cb_time mtime = cb_time_is_zero(n->mtime) ? (struct cb_time){0} : n->mtime;

    (void)err;
    if (!cb_str_eq(item->path, w->path))
        fail_msg("%.*s, want %.*s", CB_STR_ARG(item->path), CB_STR_ARG(w->path));
    assert_int_equal(s->mode, S_ISLNK(n->mode) ? S_IFLNK | 0777 : n->mode);
    assert_int_equal(s->uid, n->uid);
    assert_int_equal(s->gid, n->gid);
    assert_int_equal(s->mtime.sec, mtime.sec);
    // A file that has the build's second and no fraction is stored without a time, and reads back with the build's.
    assert_int_equal(s->mtime.nsec,
                     mtime.sec == x->built.sec && mtime.nsec == 0 && s->mtime.nsec ? x->built.nsec : mtime.nsec);
    if (S_ISREG(n->mode))
        compare_contents(x->erofs, s->nid, n);
    if (S_ISLNK(n->mode))
        assert_true(cb_str_eq(item->target, n->target));
    if (S_ISCHR(n->mode)) {
        assert_int_equal(cb_erofs_major(s->rdev), n->devmajor & 0xfff);
        assert_int_equal(cb_erofs_minor(s->rdev), n->devminor & 0xfffff);
    }
    compare_xattrs(x->erofs, s->nid, n);
    compare_path(x->erofs, item->path, s->nid, s->mode);
    return 0;
}

static struct cb_erofs *open_image(const struct image *i)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_erofs *e = cb_erofs_open(i->fd, i->size, "image", &err);

    if (!e)
        fail_msg("%s", err.message);
    return e;
}

static void read_back(struct cb_tree *t, struct cb_time built, const struct image *image)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_erofs *e = open_image(image);
    struct expected x = {.erofs = e, .built = built};
    bool long_links = false;

    assert_int_equal(cb_tree_walk(t, CB_STR("."), collect, &x, &err), 0);
    for (size_t i = 0; i < x.nodes.n; i++)
        long_links |= S_ISLNK(x.nodes.v[i].node->mode) && x.nodes.v[i].node->target.n > 4096;
    int rc = cb_erofs_walk(&e, 1, compare_item, &x, &err);
    if (rc != 0 && !long_links) // those are written, but no reader takes them
        fail_msg("%s", err.message);
    assert_true(long_links || x.next == x.nodes.n);
    cb_erofs_free(e);
    cb_vec_release(&x.nodes);
    cb_arena_release(&x.arena);
}

// --- The cases

struct cases {
    struct cb_arena arena;
    struct cb_map images; // name -> struct image
    size_t trees, stacks;
};

static void run_tree(struct cases *c, struct cb_str line)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_tree *t = cb_tree_new();
    struct image *image = cb_arena_alloc(&c->arena, sizeof *image);
    struct cb_str name = {0}, op;

    assert_true(cb_str_cut(&line, '\t', &name));
    struct cb_time built = {number_field(&line), 0};
    built.nsec = (int32_t)number_field(&line);
    while (cb_str_cut(&line, '\t', &op) && !cb_str_starts(op, "="))
        run_op(t, op);
    write_image(t, built, image, &err);
    if (!cb_str_is(cb_str_skip(op, 1), image->sum))
        fail_msg("%.*s: %s, want %.*s (%s)", CB_STR_ARG(name), image->sum, CB_STR_ARG(op),
                 err.message ? err.message : "no error");
    if (image->size > 0)
        read_back(t, built, image);
    cb_map_put(&c->images, name, image, NULL);
    cb_tree_free(t);
    c->trees++;
}

static int add_to_list(void *ctx, const struct cb_erofs_item *item, struct cb_error *err)
{
    (void)err;
    cb_buf_addf(ctx, "%s%.*s:%o:%u", ((struct cb_buf *)ctx)->n ? " " : "", CB_STR_ARG(item->path),
                item->stat.mode & 0777, item->stat.uid);
    return 0;
}

static void run_stack(struct cases *c, struct cb_str line)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO list = {0};
    struct cb_erofs *images[4];
    struct cb_str names = {0}, name;
    size_t n = 0;

    assert_true(cb_str_cut(&line, '\t', &names));
    struct cb_str all = names;
    while (cb_str_cut(&names, ',', &name)) {
        const struct image *i = cb_map_get(&c->images, name);
        assert_non_null(i);
        images[n++] = open_image(i);
    }
    if (cb_erofs_walk(images, n, add_to_list, &list, &err) != 0)
        fail_msg("%s", err.message);
    if (!cb_str_eq(cb_buf_str(&list), line))
        fail_msg("%.*s:\n%.*s, want\n%.*s", CB_STR_ARG(all), CB_STR_ARG(cb_buf_str(&list)), CB_STR_ARG(line));
    while (n > 0)
        cb_erofs_free(images[--n]);
    c->stacks++;
}

static void test_images(void **state)
{
    struct cases c = {0};
    CB_BUF_AUTO text = {0};
    struct cb_str rest, line, kind;

    (void)state;
    read_cases("CBUILD_EROFS_TREES", "erofs_trees.tsv", &text);
    rest = cb_buf_str(&text);
    while (cb_str_cut(&rest, '\n', &line) && line.n > 0) {
        assert_true(cb_str_cut(&line, '\t', &kind));
        if (cb_str_is(kind, "tree"))
            run_tree(&c, line);
        else
            run_stack(&c, line);
    }
    assert_true(c.trees > 30 && c.stacks > 5);
    for (size_t i = 0; i < c.images.n; i++)
        close(((struct image *)c.images.items[i].value)->fd);
    cb_map_release(&c.images);
    cb_arena_release(&c.arena);
}

// --- What cannot be written. The twins that can are among the cases.

static void refuse_xattr(size_t name_n, size_t value_n, unsigned count, const char *why)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_ARENA_AUTO a = {0};
    struct cb_tree *t = cb_tree_new();
    struct image image;

    assert_int_equal(cb_tree_write_file(t, CB_STR("d"), CB_STR(""), 0644, &err), 0);
    for (unsigned i = 0; i < count; i++) {
        struct cb_str rest = repeat(&a, 'n', (int64_t)name_n);
        struct cb_str name = cb_arena_format(&a, "user.%u%.*s", i, CB_STR_ARG(cb_str_skip(rest, 1)));
        assert_int_equal(cb_tree_set_xattr(t, CB_STR("d"), name, repeat(&a, 'v', (int64_t)value_n), &err), 0);
    }
    assert_int_equal(write_image(t, (struct cb_time){0}, &image, &err), why ? -1 : 0);
    if (why) {
        assert_int_equal(err.kind, CB_E_INPUT);
        assert_non_null(strstr(err.message, why));
        assert_int_equal(lseek(image.fd, 0, SEEK_END), 0); // nothing was written
    }
    close(image.fd);
    cb_tree_free(t);
}

static void test_attributes_that_do_not_fit(void **state)
{
    (void)state;
    refuse_xattr(255, 1, 1, NULL);
    refuse_xattr(256, 1, 1, "has 256 bytes; EROFS has room for 255");
    refuse_xattr(1, 65535, 1, NULL);
    refuse_xattr(1, 65536, 1, "has 65536 bytes; EROFS has room for 65535");
    refuse_xattr(1, 65523, 4, NULL); // 4 entries of 65,528 bytes: 262,112
    refuse_xattr(1, 65535, 4, "its extended attributes take 262172 bytes; EROFS has room for 262148");
}

static void test_names_that_do_not_fit(void **state)
{
    CB_ARENA_AUTO a = {0};

    (void)state;
    for (int64_t n = 4084; n <= 4085; n++) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        struct cb_tree *t = cb_tree_new();
        struct image image;
        assert_int_equal(cb_tree_mkdir(t, repeat(&a, 'n', n), 0755, &err), 0);
        assert_int_equal(write_image(t, (struct cb_time){0}, &image, &err), n == 4084 ? 0 : -1);
        assert_true(n == 4084 || strstr(err.message, "a name of 4085 bytes; EROFS has room for 4084"));
        close(image.fd);
        cb_tree_free(t);
    }
}

struct full_sink { // takes so many bytes and no more
    struct cb_sink sink;
    uint64_t left;
};

static int full_write(struct cb_sink *sink, const void *p, size_t n, struct cb_error *err)
{
    struct full_sink *s = (struct full_sink *)sink;

    (void)p;
    if (n > s->left)
        return cb_fail(err, CB_E_IO, "full");
    s->left -= n;
    return 0;
}

static void test_failing_sink(void **state)
{
    CB_ARENA_AUTO a = {0};
    CB_ERROR_AUTO none = CB_ERROR_INIT;
    struct cb_tree *t = cb_tree_new();

    (void)state;
    cb_tree_write_file(t, CB_STR("big"), pattern(&a, 600000, 1), 0644, &none);
    for (uint64_t room = 0; room < 700000; room += 100000) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        struct full_sink sink = {{full_write}, room};
        int rc = cb_erofs_write(t, (struct cb_time){0}, &sink.sink, &err);
        assert_int_equal(rc, room < 600000 + 8192 ? -1 : 0);
        assert_int_equal(err.kind, rc ? CB_E_IO : CB_OK);
    }
    cb_tree_free(t);
}

static void test_missing_contents(void **state)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_tree *t = cb_tree_new();
    const struct cb_node proto = {.mode = S_IFREG | 0644, .content = {.fd = -1, .length = 10}};
    enum cb_tree_put what;
    struct cb_node *there;
    struct image image;

    (void)state;
    assert_int_equal(cb_tree_put(t, CB_STR("hidden"), &proto, &what, &there, &err), 0);
    assert_int_equal(write_image(t, (struct cb_time){0}, &image, &err), -1);
    assert_non_null(strstr(err.message, "/hidden: "));
    close(image.fd);
    cb_tree_free(t);
}

// --- Hostile images: a good one with bytes changed

// The image: root with "d" (a folder with the file "f") and "l" (a symlink), and attributes on d. All inodes are
// compact and inline, so that they stand one behind the other from block 1.
static struct image small_image(void)
{
    static const char *const ops[] = {"d|d|493", "f|d/f|420|40|1", "x|d|user.a|value", "l|l|d/f"};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_tree *t = cb_tree_new();
    struct image image;

    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        run_op(t, cb_str(ops[i]));
    assert_int_equal(write_image(t, (struct cb_time){0}, &image, &err), 0);
    assert_int_equal(image.size, 8192);
    cb_tree_free(t);
    return image;
}

enum {
    SUPER = 1024,
    ROOT = 4096, // 32 bytes, then its entries: ".", "..", "d", "l"
    ROOT_ENTRIES = 4128,
    D = 4192, // nid 3: 32 bytes, attributes, its entries: ".", "..", "f"
    D_XATTRS = 4224,
    F = 4288, // nid 6
    L = 4384, // nid 9
};

static int ignore_item(void *ctx, const struct cb_erofs_item *item, struct cb_error *err)
{
    (void)ctx;
    (void)item;
    (void)err;
    return 0;
}

// Lists everything, and reads what is asked of every inode.
static int read_all(const struct image *i, struct cb_error *err)
{
    CB_BUF_AUTO value = {0};
    struct cb_erofs *e = cb_erofs_open(i->fd, i->size, "image", err);
    struct cb_erofs_entry found;
    int rc = e ? cb_erofs_walk(&e, 1, ignore_item, NULL, err) : -1;

    if (rc == 0)
        rc = cb_erofs_resolve(e, CB_STR("l"), &found, err);
    if (rc == 1) {
        struct cb_erofs_source s = cb_erofs_source(e, found.nid);
        rc = cb_read_all(&s.source, &value, 1 << 20, "f", err);
    }
    if (rc == 0)
        rc = cb_erofs_resolve(e, CB_STR("d"), &found, err);
    if (rc == 1)
        rc = cb_erofs_xattr(e, found.nid, CB_STR("user.a"), &value, err);
    cb_erofs_free(e);
    return rc < 0 ? -1 : 0;
}

static const struct change {
    const char *name;
    uint32_t at;
    const char *bytes; // hex
    const char *want;  // in the message; NULL: the image is still good
} changes[] = {
    {"nothing", SUPER, "e2e1f5e0", NULL},
    {"magic", SUPER, "00", "magic number"},
    {"checksum is not looked at", SUPER + 4, "ff", NULL},
    {"blocks of 256 bytes", SUPER + 12, "08", "blocks of 2^8 bytes"},
    {"blocks of 128 KiB", SUPER + 12, "11", "blocks of 2^17 bytes"},
    {"root elsewhere", SUPER + 14, "8000", "refers to"},
    {"root is a symlink", SUPER + 14, "0900", "root is no folder"},
    {"more blocks than there are", SUPER + 36, "03", "it is cut: 8192 bytes of 12288"},
    {"inodes beyond the end", SUPER + 40, "02", "refers to"},
    {"inodes far beyond the end", SUPER + 40, "ffffffff", "refers to"},
    {"compression", SUPER + 80, "01", "compressed"},
    {"compression algorithms", SUPER + 84, "01", "compressed"},
    {"unknown feature", SUPER + 80, "80", "features 0x80"},
    {"chunked files", SUPER + 80, "04", NULL},
    {"device table without devices", SUPER + 80, "08", NULL},
    {"devices", SUPER + 80, "0800000000000100", "1 further devices"},
    {"folder blocks", SUPER + 90, "01", "blocks of their own size"},
    {"unknown inode format", ROOT, "24", "format 0x24"},
    {"compressed layout", ROOT, "02", "compressed (layout 1)"},
    {"unknown layout", ROOT, "0a", "compressed (layout 5)"},
    {"plain layout, far away", ROOT, "00000000ed410400410000000000000000ffffff", "refers to"},
    {"no kind of file", ROOT + 4, "0000", "no kind of file"},
    {"folder larger than the image", ROOT + 8, "01200000", "8193 bytes, the image 8192"},
    {"folder of 5 bytes", ROOT + 8, "05", "a block of 5 bytes"},
    {"empty folder", ROOT + 8, "00", NULL},
    {"inline data over a block's end", ROOT + 8, "e10f", "crosses a block"},
    {"names before the entries", ROOT_ENTRIES + 8, "0000", "block 0 of folder 0"},
    {"entries that are cut", ROOT_ENTRIES + 8, "2f00", "block 0 of folder 0"},
    {"names beyond the block", ROOT_ENTRIES + 8, "ffff", "block 0 of folder 0"},
    {"names that go back", ROOT_ENTRIES + 20, "3000", "block 0 of folder 0"},
    {"a kind 0", ROOT_ENTRIES + 10, "00", "block 0 of folder 0"},
    {"a kind 8", ROOT_ENTRIES + 34, "08", "block 0 of folder 0"},
    {"another kind than the inode's", ROOT_ENTRIES + 34, "01", "different kinds of file"},
    {"slash in a name", ROOT_ENTRIES + 51, "2f", "block 0 of folder 0"},
    {"nul in a name", ROOT_ENTRIES + 51, "00", "block 0 of folder 0"},
    {"names that do not ascend", ROOT_ENTRIES + 51, "7a", "block 0 of folder 0"},
    {"equal names", ROOT_ENTRIES + 51, "6c", "block 0 of folder 0"},
    {"another name", ROOT_ENTRIES + 51, "65", NULL},
    {"a folder in itself", ROOT_ENTRIES + 24, "00", "folders stand in it more than once"},
    {"an inode beyond the end", ROOT_ENTRIES + 24, "ffffffffffffffff", "lies beyond its end"},
    {"an inode in the last slot", ROOT_ENTRIES + 24, "7f", "no kind of file"},
    {"two names for a file", ROOT_ENTRIES + 24, "060000000000000033000100", NULL},
    {"attributes beyond the end", D + 2, "ffff", "refers to"},
    {"a name that is too long", D_XATTRS + 12, "ff", "an attribute of inode 3"},
    {"a value that is too long", D_XATTRS + 14, "0800", "an attribute of inode 3"},
    {"a value that just fits", D_XATTRS + 14, "0700", NULL},
    {"a shared attribute beyond the end", D_XATTRS + 4, "01", "refers to 4 bytes at 1311748"},
    {"three shared attributes", D_XATTRS + 4, "0300000000000000000000000000000000000000", NULL},
    {"four shared attributes", D_XATTRS + 4, "0400000000000000000000000000000000000000", "shares more attributes"},
    {"a long prefix", D_XATTRS + 13, "80", "long prefixes"},
    {"an unknown prefix", D_XATTRS + 13, "09", NULL},
    {"a file of 2^63 bytes", F, "05000000a48100000000000000000080", "has 9223372036854775808 bytes"},
    {"chunks of an unknown format", F, "080000008081010028000000000000004000", "chunks of format 0x40"},
    {"chunks of 32 blocks", F, "08000000a481010028000000000000000500", "refers to"},
    {"a hole", F, "08000000a4810100280000000000000000000000000000000000000000000000ffffffff", NULL},
    {"a symlink to nothing", L + 8, "00", NULL},
    {"a long symlink", L + 8, "01100000", "a target of 4097 bytes"},
};

static void change_image(const struct image *i, const struct change *c)
{
    uint8_t bytes[64];
    size_t n = strlen(c->bytes) / 2;

    assert_true(cb_unhex(bytes, n, cb_str(c->bytes)));
    assert_int_equal(pwrite(i->fd, bytes, n, c->at), n);
}

static void test_hostile_images(void **state)
{
    unsigned failed = 0;

    (void)state;
    for (size_t n = 0; n < sizeof changes / sizeof *changes; n++) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        const struct change *c = &changes[n];
        struct image i = small_image();
        change_image(&i, c);
        int rc = read_all(&i, &err);
        if ((rc == 0) != !c->want || (c->want && !strstr(err.message, c->want)))
            print_error("%s: %s, want %s\n", c->name, err.message ? err.message : "no error",
                        c->want ? c->want : "none"),
                failed++;
        assert_true(rc == 0 || err.kind == CB_E_INPUT || err.kind == CB_E_UNSUPPORTED);
        close(i.fd);
    }
    assert_int_equal(failed, 0);
}

// Wherever an image is cut, and whichever byte is changed, reading it ends with an answer.
static void test_any_damage(void **state)
{
    struct image i = small_image();
    uint8_t byte, bad;

    (void)state;
    for (uint64_t size = 0; size < i.size; size += size < 1024 ? 341 : 7) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        struct image cut = {.fd = i.fd, .size = size};
        assert_int_equal(read_all(&cut, &err), -1);
    }
    for (off_t at = SUPER; at < L + 64; at = at == SUPER + 127 ? ROOT : at + 1) {
        assert_int_equal(pread(i.fd, &byte, 1, at), 1);
        for (unsigned change = 1; change < 256; change = change * 2 + 1) {
            CB_ERROR_AUTO err = CB_ERROR_INIT;
            bad = (uint8_t)(byte ^ change);
            assert_int_equal(pwrite(i.fd, &bad, 1, at), 1);
            read_all(&i, &err);
        }
        assert_int_equal(pwrite(i.fd, &byte, 1, at), 1);
    }
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    assert_int_equal(read_all(&i, &err), 0);
    close(i.fd);
}

static void test_paths(void **state)
{
    static const struct {
        const char *ops[6], *path;
        int want;
    } cases[] = {
        {{"d|a|493", "f|a/f|420|1|1"}, "a/f", 1},
        {{"d|a|493", "f|a/f|420|1|1"}, "/a//./x/../f/", 1},
        {{"d|a|493", "f|a/f|420|1|1"}, "../../a/f", 1},
        {{"d|a|493", "f|a/f|420|1|1"}, "a/f/g", 0},
        {{"d|a|493"}, "a/b", 0},
        {{"d|a|493"}, "", 1},
        {{"d|a|493", "f|a/f|420|1|1", "l|l|a"}, "l/f", 1},
        {{"d|a|493", "f|a/f|420|1|1", "l|a/l|f"}, "a/l", 1},
        {{"d|a|493", "f|f|420|1|1", "l|a/l|../f"}, "a/l", 1},
        {{"d|a|493", "f|f|420|1|1", "l|a/l|../../../f"}, "a/l", 1},
        {{"d|a|493", "f|a/f|420|1|1", "l|l|/a/../a"}, "l/f", 1},
        {{"l|a|b", "l|b|a"}, "a", 0},
        {{"l|a|a/a"}, "a/x", 0},
        {{"l|a|nowhere"}, "a", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        struct cb_tree *t = cb_tree_new();
        struct cb_erofs_entry found;
        struct image image;
        for (size_t k = 0; cases[i].ops[k]; k++)
            run_op(t, cb_str(cases[i].ops[k]));
        assert_int_equal(write_image(t, (struct cb_time){0}, &image, &err), 0);
        struct cb_erofs *e = open_image(&image);
        int rc = cb_erofs_resolve(e, cb_str(cases[i].path), &found, &err);
        if (rc != cases[i].want)
            fail_msg("case %zu: %s: %d, want %d", i, cases[i].path, rc, cases[i].want);
        cb_erofs_free(e);
        close(image.fd);
        cb_tree_free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_images),
        cmocka_unit_test(test_attributes_that_do_not_fit),
        cmocka_unit_test(test_names_that_do_not_fit),
        cmocka_unit_test(test_failing_sink),
        cmocka_unit_test(test_missing_contents),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_hostile_images),
        cmocka_unit_test(test_any_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
