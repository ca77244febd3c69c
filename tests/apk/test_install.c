// Installing against the reference: install.tsv holds generated packages and the SHA-256 of the layer, the installed
// database, scripts.tar and the triggers that apko d1b5d5ec makes of them, or "error". A longer file can be given in
// CBUILD_INSTALL_CASES.
#include "../fs/cases.h"

#include "cbuild/base/vec.h"
#include "cbuild/crypto/hash.h"
#include "install_case.h"

// --- Cases

static void add_list(struct cb_strs *list, struct cb_str text)
{
    struct cb_str part;

    while (text.n > 0 && cb_str_cut(&text, ',', &part))
        cb_strs_add(list, part);
}

static struct cb_str pipe_text(struct cb_str *rest, struct cb_arena *a)
{
    struct cb_str f = {0};

    assert_true(cb_str_cut(rest, '|', &f));
    return unescape(a, f);
}

static int64_t pipe_number(struct cb_str *rest)
{
    struct cb_str f = {0};
    int64_t x = 0;

    assert_true(cb_str_cut(rest, '|', &f) && cb_str_i64(f, 10, &x));
    return x;
}

static struct made_package *case_package(struct made_packages *all, struct cb_str text)
{
    CB_ARENA_AUTO a = {0};
    struct cb_str name = pipe_text(&text, &a), version = pipe_text(&text, &a);
    struct made_package *p = made_new(all, name, pipe_text(&text, &a));
    struct cb_package *info = &p->file.info;
    struct cb_arena *own = &p->file.arena;

    info->version = cb_arena_str(own, version);
    info->arch = CB_STR("x86_64");
    info->description = CB_STR("d é");
    info->url = CB_STR("http://x");
    info->commit = CB_STR("abc");
    info->license = CB_STR("MIT");
    info->maintainer = CB_STR("m <m@x>");
    info->build_time = pipe_number(&text);
    info->installed_size = (uint64_t)pipe_number(&text);
    info->provider_priority = (uint64_t)pipe_number(&text);
    assert_true(cb_unhex(p->file.control_sha1, 20, pipe_text(&text, &a)));
    p->file.data_size = (uint64_t)pipe_number(&text);
    add_list(&info->replaces, pipe_text(&text, own));
    add_list(&p->file.triggers, pipe_text(&text, own));
    add_list(&info->install_if, pipe_text(&text, own));
    add_list(&info->provides, pipe_text(&text, own));
    made_script(p, CB_STR(".PKGINFO"), 0755, CB_STR("pkgname = x\n"), CB_TAR_ANY);
    return p;
}

static void case_script(struct made_package *p, struct cb_str text)
{
    CB_ARENA_AUTO a = {0};
    struct cb_str name = pipe_text(&text, &a);
    int64_t mode = pipe_number(&text);
    struct cb_str bytes = pipe_text(&text, &a);

    made_script(p, name, mode, bytes, (uint8_t)pipe_number(&text));
}

static void case_entry(struct made_package *p, struct cb_str text)
{
    CB_ARENA_AUTO a = {0};
    uint8_t type = (uint8_t)pipe_number(&text);
    struct cb_str name = pipe_text(&text, &a), link = pipe_text(&text, &p->file.arena);
    struct cb_apk_entry *e = made_entry(p, type, name.p, type == CB_TAR_FILE ? "" : link.p);

    e->header.mode = pipe_number(&text);
    e->header.uid = pipe_number(&text);
    e->header.gid = pipe_number(&text);
    e->header.mtime.sec = pipe_number(&text);
    e->header.mtime.nsec = (int32_t)pipe_number(&text);
    struct cb_str bytes = pipe_text(&text, &a);
    if (type == CB_TAR_FILE) {
        e->header.size = (int64_t)bytes.n;
        cb_buf_addstr(&p->data, bytes);
        cb_hash_once(CB_SHA1, bytes.p, bytes.n, e->sha1);
    }
    e->has_checksum = pipe_number(&text) == 1;
    if (pipe_text(&text, &a).n > 0) {
        e->header.pax = cb_arena_alloc(&p->file.arena, sizeof *e->header.pax);
        e->header.pax[0] = (struct cb_tar_pax){CB_STR(CB_TAR_XATTR "security.capability"), CB_STR("\001\000v")};
        e->header.npax = 1;
    }
}

// --- Results

struct layer {
    struct cb_owner_names names;
    struct cb_tar_writer w;
};

static int write_node(void *ctx, struct cb_str path, struct cb_node *n, struct cb_error *err)
{
    struct layer *l = ctx;
    struct cb_tar_header h;
    char buf[700];

    if (cb_str_is(path, "."))
        return 0;
    if (cb_node_header(n, path, &l->names, &h, err) != 0 || cb_tar_write_header(&l->w, &h, err) != 0)
        return -1;
    return cb_node_write(n, &h, &l->w, buf, sizeof buf, err);
}

static int hash_layer(struct cb_tree *t, char hex[CB_SHA256_HEX], struct cb_error *err)
{
    struct cb_hash *hash = cb_hash_new(CB_SHA256);
    struct cb_hash_sink sink = cb_hash_sink(hash);
    struct layer l = {.w = cb_tar_writer(&sink.sink)};
    uint8_t sum[CB_HASH_MAX];

    int rc = cb_tree_walk(t, CB_STR("."), write_node, &l, err);
    if (rc == 0)
        rc = cb_tar_close(&l.w, err);
    cb_hash_sum(hash, sum);
    cb_hash_free(hash);
    cb_hex(hex, sum, CB_SHA256_SIZE);
    return rc;
}

static void hash_file(struct cb_tree *t, const char *path, char hex[CB_SHA256_HEX])
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO bytes = {0};
    uint8_t sum[CB_SHA256_SIZE];

    assert_int_equal(cb_tree_read_file(t, cb_str(path), &bytes, 1u << 30, &err), 0);
    cb_hash_once(CB_SHA256, bytes.p, bytes.n, sum);
    cb_hex(hex, sum, sizeof sum);
}

static void check_diffs(struct cb_tree *t, const struct cb_install_result *result)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO all = {0};
    CB_BUF_AUTO database = {0};

    for (size_t i = 0; i < result->n; i++)
        cb_buf_addstr(&all, result->v[i].record);
    assert_int_equal(cb_tree_read_file(t, CB_STR(CB_APK_INSTALLED), &database, 1u << 30, &err), 0);
    assert_true(cb_str_eq(cb_buf_str(&all), cb_buf_str(&database)));
}

static char *outcome(const struct made_packages *all, struct cb_error *err)
{
    struct cb_tree *t = made_tree();
    struct cb_install_result result = {0};
    char layer[CB_SHA256_HEX], database[CB_SHA256_HEX], scripts[CB_SHA256_HEX], triggers[CB_SHA256_HEX];
    char *text = NULL;

    if (made_install(t, all, &result, err) == 0 && hash_layer(t, layer, err) == 0) {
        check_diffs(t, &result);
        hash_file(t, CB_APK_INSTALLED, database);
        hash_file(t, CB_APK_SCRIPTS, scripts);
        hash_file(t, CB_APK_TRIGGERS, triggers);
        text = cb_format("ok %s %s %s %s", layer, database, scripts, triggers);
    }
    cb_vec_release(&result);
    cb_tree_free(t);
    return text ? text : cb_strdup("error");
}

static void run_case(struct cb_str line, size_t number, size_t *refused)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct made_packages all = {0};
    struct made_package *p = NULL;
    struct cb_str text, want = {0};

    while (cb_str_cut(&line, '\t', &text)) {
        struct cb_str kind;
        if (cb_str_starts(text, "="))
            want = cb_str_skip(text, 1);
        else if (cb_str_cut(&text, '|', &kind) && cb_str_is(kind, "P"))
            p = case_package(&all, text);
        else if (cb_str_is(kind, "S"))
            case_script(p, text);
        else
            case_entry(p, text);
    }
    for (size_t i = 0; i < all.n; i++)
        made_finish(all.v[i]);
    CB_AUTOFREE char *got = outcome(&all, &err);
    made_release(&all);
    // What the reference takes and must not: a hard link to a symlink that leads out of the image from there, and
    // folders named "..".
    if (strcmp(got, "error") == 0 && err.message &&
        (strstr(err.message, "leads out of the image") || strstr(err.message, "nothing in an image can be named"))) {
        ++*refused;
        return;
    }
    if (!cb_str_is(want, got))
        fail_msg("case %zu:\ngot  %s (%s)\nwant %.*s", number, got, err.message ? err.message : "", CB_STR_ARG(want));
}

static void test_generated(void **state)
{
    CB_BUF_AUTO cases = {0};
    struct cb_str rest, line;
    size_t number = 0, refused = 0;

    (void)state;
    read_cases("CBUILD_INSTALL_CASES", "../../apk/data/install.tsv", &cases);
    rest = cb_buf_str(&cases);
    while (cb_str_cut(&rest, '\n', &line) && line.n > 0)
        run_case(line, ++number, &refused);
    print_message("%zu cases, %zu refused beyond the reference\n", number, refused);
    assert_true(number > 50);
}

// --- What the reference lets through

typedef void change_fn(struct made_package *p);

// Installs a package of a folder and a file, changed by fn; the error's kind, CB_OK where it went well.
static enum cb_kind try(change_fn *fn)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct made_packages all = {0};
    struct made_package *p = made_new(&all, CB_STR("p"), CB_STR("p"));
    struct cb_install_result result = {0};
    struct cb_tree *t = made_tree();
    CB_BUF_AUTO database = {0};

    made_entry(p, CB_TAR_DIR, "usr", NULL);
    made_entry(p, CB_TAR_FILE, "usr/f", "text");
    made_script(p, CB_STR(".PKGINFO"), 0644, CB_STR(""), CB_TAR_ANY);
    fn(p);
    made_finish(p);
    int rc = made_install(t, &all, &result, &err);
    assert_int_equal(rc == 0 ? CB_OK : err.kind, err.kind);
    cb_error_clear(&err);
    assert_int_equal(cb_tree_read_file(t, CB_STR(CB_APK_INSTALLED), &database, 1u << 30, &err), 0);
    if (rc != 0) // nothing was written
        assert_int_equal(database.n, 0);
    struct cb_installed installed;
    assert_int_equal(cb_installed_parse(cb_buf_str(&database), &installed, &err), 0);
    assert_int_equal(installed.n, rc == 0 ? 1 : 0);
    cb_installed_release(&installed);
    cb_vec_release(&result);
    cb_tree_free(t);
    made_release(&all);
    return rc == 0 ? CB_OK : CB_E_INPUT;
}

static struct cb_apk_entry *last(struct made_package *p)
{
    return &p->file.entries.v[p->file.entries.n - 1];
}

#define CHANGE(name, ...)                                                                                              \
    static void name(struct made_package *p)                                                                           \
    {                                                                                                                  \
        __VA_ARGS__;                                                                                                   \
    }

CHANGE(no_change, (void)p)
CHANGE(newline_in_file, made_entry(p, CB_TAR_FILE, "usr/x\n\nP:fake\nV:1\n\n", "x"))
CHANGE(utf8_in_file, made_entry(p, CB_TAR_FILE, "usr/\303\251", "x"))
CHANGE(newline_in_dir, made_entry(p, CB_TAR_DIR, "usr/x\nP:fake", NULL))
CHANGE(newline_in_symlink, made_entry(p, CB_TAR_SYMLINK, "usr/x\nP:fake", "f"))
CHANGE(newline_in_hardlink, made_entry(p, CB_TAR_HARDLINK, "usr/x\nP:fake", "usr/f"))
CHANGE(plain_hardlink, made_entry(p, CB_TAR_HARDLINK, "usr/x", "usr/f"))
CHANGE(newline_in_name, p->file.info.name = CB_STR("p\nP:fake"))
CHANGE(newline_in_description, p->file.info.description = CB_STR("text\n\nP:fake\nV:1\n"))
CHANGE(newline_in_depends, cb_strs_add(&p->file.info.replaces, CB_STR("a\nP:fake")))
CHANGE(newline_in_trigger, cb_strs_add(&p->file.triggers, CB_STR("/usr\nQ1x /")))
CHANGE(plain_trigger, cb_strs_add(&p->file.triggers, CB_STR("/usr")))
CHANGE(slash_in_name, p->file.info.name = CB_STR("../../p"))
CHANGE(no_name, p->file.info.name = CB_STR(""))
CHANGE(uid_33_bits, last(p)->header.uid = INT64_C(1) << 32; last(p)->header.mode = 04755)
CHANGE(gid_negative, last(p)->header.gid = -1)
CHANGE(uid_32_bits, last(p)->header.uid = UINT32_MAX; last(p)->header.mode = 04755)
CHANGE(sparse, last(p)->header.sparse = true)
CHANGE(symlink_named_dot, made_entry(p, CB_TAR_SYMLINK, ".", "usr"); made_entry(p, CB_TAR_SYMLINK, "usr/.", "usr"))
CHANGE(symlink_named_slash, made_entry(p, CB_TAR_SYMLINK, "/", "usr"))
CHANGE(folder_named_dot, made_entry(p, CB_TAR_DIR, "./", NULL))
CHANGE(folder_climbs, made_entry(p, CB_TAR_DIR, "../x", NULL))
CHANGE(file_climbs, made_entry(p, CB_TAR_FILE, "../x", "x"))
CHANGE(file_stays, made_entry(p, CB_TAR_FILE, "usr/../x", "x"))
CHANGE(empty_entry, made_entry(p, CB_TAR_FILE, "", "x"))
CHANGE(device, made_entry(p, CB_TAR_CHAR, "usr/null", NULL))
CHANGE(no_checksum, last(p)->has_checksum = false)
CHANGE(link_to_itself, made_entry(p, CB_TAR_HARDLINK, "usr/self", "usr/self"))
CHANGE(link_to_later, made_entry(p, CB_TAR_HARDLINK, "usr/h", "usr/g"); made_entry(p, CB_TAR_FILE, "usr/g", "g"))
CHANGE(link_to_folder_within, made_entry(p, CB_TAR_DIR, "usr/a", NULL);
       made_entry(p, CB_TAR_HARDLINK, "usr/a/b", "usr"))
CHANGE(symlink_out, made_entry(p, CB_TAR_SYMLINK, "usr/out", "../../../etc");
       made_entry(p, CB_TAR_FILE, "usr/out/passwd", "x"))
CHANGE(deep_symlink_moved_up, made_entry(p, CB_TAR_DIR, "usr/a", NULL); made_entry(p, CB_TAR_FILE, "g", "g");
       made_entry(p, CB_TAR_SYMLINK, "usr/a/s", "../../g"); made_entry(p, CB_TAR_HARDLINK, "h", "usr/a/s"))
CHANGE(deep_symlink_beside, made_entry(p, CB_TAR_DIR, "usr/a", NULL); made_entry(p, CB_TAR_FILE, "g", "g");
       made_entry(p, CB_TAR_SYMLINK, "usr/a/s", "../../g"); made_entry(p, CB_TAR_HARDLINK, "usr/a/h", "usr/a/s"))
CHANGE(root_folder, made_entry(p, CB_TAR_DIR, "/", NULL))
CHANGE(root_folder_mode, made_entry(p, CB_TAR_DIR, "/", NULL)->header.mode = 0700)

static void test_hostile(void **state)
{
    static const struct {
        const char *name;
        change_fn *fn;
        bool good;
    } cases[] = {
        {"as it is", no_change, true},
        {"newline in a file's name", newline_in_file, false},
        {"UTF-8 in a file's name", utf8_in_file, true},
        {"newline in a folder's name", newline_in_dir, false},
        {"newline in a symlink's name", newline_in_symlink, false},
        {"newline in a hard link's name", newline_in_hardlink, false},
        {"hard link", plain_hardlink, true},
        {"newline in the package's name", newline_in_name, false},
        {"newline in the description", newline_in_description, false},
        {"newline in a dependency", newline_in_depends, false},
        {"newline in a trigger", newline_in_trigger, false},
        {"trigger", plain_trigger, true},
        {"slash in the package's name", slash_in_name, false},
        {"package without a name", no_name, false},
        {"uid of 33 bits, setuid", uid_33_bits, false},
        {"negative gid", gid_negative, false},
        {"uid of 32 bits", uid_32_bits, true},
        {"sparse file", sparse, false},
        {"symlink named .", symlink_named_dot, false},
        {"symlink named /", symlink_named_slash, false},
        {"folder named ./", folder_named_dot, false},
        {"folder that climbs out", folder_climbs, false},
        {"file that climbs out", file_climbs, false},
        {"file with .. in its name", file_stays, true},
        {"entry without a name", empty_entry, false},
        {"device", device, false},
        {"file without a checksum", no_checksum, false},
        {"hard link to itself", link_to_itself, false},
        {"hard link to a later entry", link_to_later, false},
        {"hard link to a folder around it", link_to_folder_within, false},
        {"file through a symlink that leads out", symlink_out, false},
        {"hard link to a symlink that leads out from there", deep_symlink_moved_up, false},
        {"hard link to a symlink beside it", deep_symlink_beside, true},
        {"top-level folder", root_folder, true},
        {"top-level folder with a mode", root_folder_mode, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if ((try(cases[i].fn) == CB_OK) != cases[i].good)
            fail_msg("%s: %s", cases[i].name, cases[i].good ? "was refused" : "was let through");
}

// --- Names of keys, lines of configuration

static void test_keys_and_lines(void **state)
{
    static const char *const bad[] = {"", ".", "..", "../x", "a/b", "/etc/passwd"};
    struct cb_tree *t = made_tree();
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_strs lines = {0};
    CB_BUF_AUTO text = {0};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(cb_apk_add_key(t, cb_str(bad[i]), CB_STR("x"), &err), -1);
        cb_error_clear(&err);
    }
    assert_int_equal(cb_apk_add_key(t, CB_STR("..rsa.pub"), CB_STR("x"), &err), 0);
    assert_int_equal(cb_apk_set_repositories(t, &lines, &err), -1);
    cb_error_clear(&err);
    cb_strs_add(&lines, CB_STR("https://b"));
    cb_strs_add(&lines, CB_STR("https://a"));
    assert_int_equal(cb_apk_set_repositories(t, &lines, &err), 0);
    assert_int_equal(cb_apk_set_world(t, &lines, &err), 0);
    assert_int_equal(cb_tree_read_file(t, CB_STR(CB_APK_WORLD), &text, 100, &err), 0);
    assert_int_equal(cb_tree_read_file(t, CB_STR(CB_APK_REPOSITORIES), &text, 100, &err), 0);
    assert_string_equal(text.p, "https://a\nhttps://b\nhttps://b\nhttps://a\n");
    cb_strs_add(&lines, CB_STR("x\nhttps://evil"));
    assert_int_equal(cb_apk_set_repositories(t, &lines, &err), -1);
    cb_error_clear(&err);
    assert_int_equal(cb_apk_set_world(t, &lines, &err), -1);
    cb_strs_release(&lines);
    cb_tree_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_generated),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_keys_and_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
