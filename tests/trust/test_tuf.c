// Repositories by make_tuf.py, one update after the other: what is accepted, what is refused and by which check, and
// that a refusal leaves what was accepted before.
#include <jansson.h>
#include <unistd.h>

#include "cbuild/text/json_read.h"
#include "cbuild/trust/tuf.h"
#include "support.h"

struct served {
    json_t *documents, *files;
};

static int fetch(void *ctx, const char *name, size_t limit, struct cb_buf *out, struct cb_error *err)
{
    const struct served *s = ctx;
    struct cb_str rest = cb_str(json_string_value(json_object_get(s->files, name))), key;
    uint64_t spaces = 0;
    if (!rest.n || !cb_str_cut(&rest, '+', &key))
        return cb_fail(err, CB_E_NOT_FOUND, "404");
    CB_AUTOFREE char *document = cb_strndup(key.p, key.n);
    cb_buf_adds(out, json_string_value(json_object_get(s->documents, document)));
    cb_str_u64(rest, 10, &spaces);
    for (; spaces > 0; spaces--)
        cb_buf_addc(out, ' ');
    return out->n > limit ? cb_fail(err, CB_E_LIMIT, "more than %zu bytes", limit) : 0;
}

static char *make_folder(void)
{
    char *path = cb_format("%s/cbuild-tuf-XXXXXX", cb_temp_folder());
    assert_non_null(mkdtemp(path));
    return path;
}

static void remove_folder(const char *path)
{
    CB_AUTOFREE char *command = cb_format("rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
}

static int update(const struct cb_tuf_options *o, const char *target, struct cb_buf *out, struct cb_error *err)
{
    CB_TUF_AUTO *t = cb_tuf_open(o, err);
    return !t || cb_tuf_refresh(t, err) || cb_tuf_target(t, target, out, err) ? -1 : 0;
}

// The versions that are accepted, as text.
static void versions(struct cb_tuf_options o, struct cb_buf *out)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_tuf_role_state state;
    o.fetch = NULL;
    CB_TUF_AUTO *t = cb_tuf_open(&o, &err);
    for (enum cb_tuf_role role = CB_TUF_ROOT; t && role < CB_TUF_ROLES; role++)
        if (cb_tuf_role_state(t, role, &state))
            cb_buf_addf(out, "%llu ", (unsigned long long)state.version);
}

// Where the update was refused, whatever was there before is there still, if not newer.
static void check_kept(const char *name, struct cb_str before, struct cb_str after)
{
    uint64_t old, now;
    struct cb_str a, b;
    while (cb_str_field(&before, &a)) {
        if (!cb_str_field(&after, &b) || !cb_str_u64(a, 10, &old) || !cb_str_u64(b, 10, &now) || now < old)
            fail_msg("%s: what was accepted is gone", name);
    }
}

static void run_step(const char *name, const json_t *step, struct cb_tuf_options *o)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO got = {0};
    CB_BUF_AUTO before = {0};
    CB_BUF_AUTO after = {0};
    const char *want = json_string_value(json_object_get(step, "refused"));
    versions(*o, &before);
    int failed = update(o, json_string_value(json_object_get(step, "target")), &got, &err);
    versions(*o, &after);
    if (!failed != !want || (want && !strstr(err.message, want)))
        fail_msg("%s: %s, wanted %s", name, failed ? err.message : "accepted", want ? want : "to accept it");
    if (!failed)
        assert_true(got.n > 0);
    if (failed)
        check_kept(name, cb_buf_str(&before), cb_buf_str(&after));
}

static void run_scene(json_t *documents, json_t *scene, int64_t now)
{
    CB_AUTOFREE char *folder = make_folder();
    struct served served = {documents, NULL};
    const char *first =
        json_string_value(json_object_get(documents, json_string_value(json_object_get(scene, "first"))));
    struct cb_tuf_options o = {
        .folder = folder, .initial_root = cb_str(first), .now = now, .fetch = fetch, .ctx = &served};
    json_t *steps = json_object_get(scene, "steps");
    for (size_t i = 0; i < json_array_size(steps); i++) {
        served.files = json_object_get(json_array_get(steps, i), "files");
        run_step(json_string_value(json_object_get(scene, "name")), json_array_get(steps, i), &o);
    }
    remove_folder(folder);
}

static json_t *read_scenes(void)
{
    CB_BUF_AUTO text = {0};
    read_data("tuf.json", &text);
    json_t *all = json_loadb(text.p, text.n, 0, NULL);
    assert_non_null(all);
    return all;
}

static void test_scenes(void **state)
{
    (void)state;
    json_t *all = read_scenes(), *scenes = json_object_get(all, "scenes");
    assert_true(json_array_size(scenes) > 40);
    for (size_t i = 0; i < json_array_size(scenes); i++)
        run_scene(json_object_get(all, "documents"), json_array_get(scenes, i),
                  json_integer_value(json_object_get(all, "now")));
    json_decref(all);
}

// What an update has brought is at hand without a network, delegated roles too; what was never asked for is not.
static void test_offline(void **state)
{
    (void)state;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_ERROR_AUTO absent = CB_ERROR_INIT;
    CB_BUF_AUTO got = {0};
    CB_AUTOFREE char *folder = make_folder();
    json_t *all = read_scenes(), *documents = json_object_get(all, "documents");
    json_t *scene = json_array_get(json_object_get(all, "scenes"), 0);
    struct served served = {documents, json_object_get(json_array_get(json_object_get(scene, "steps"), 0), "files")};
    const char *first =
        json_string_value(json_object_get(documents, json_string_value(json_object_get(scene, "first"))));
    struct cb_tuf_options o = {folder, cb_str(first), json_integer_value(json_object_get(all, "now")), fetch, &served};
    assert_int_equal(update(&o, "trusted_root.json", &got, &err), 0);
    o.fetch = NULL;
    CB_TUF_AUTO *t = cb_tuf_open(&o, &err);
    assert_non_null(t);
    assert_int_equal(cb_tuf_target(t, "trusted_root.json", &got, &err), 0);
    assert_int_equal(cb_tuf_target(t, "d/x", &got, &absent), -1);
    assert_int_equal(absent.kind, CB_E_NETWORK);
    json_decref(all);
    remove_folder(folder);
}

// The root that is built in is one: signed by its own keys, as three of five must.
static void test_public_root(void **state)
{
    (void)state;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_AUTOFREE char *folder = make_folder();
    struct cb_tuf_role_state root;
    const struct cb_tuf_options o = {.folder = folder, .initial_root = cb_tuf_public_root()};
    CB_TUF_AUTO *t = cb_tuf_open(&o, &err);
    assert_non_null(t);
    assert_true(cb_tuf_role_state(t, CB_TUF_ROOT, &root));
    assert_int_equal(root.version, 1);
    remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_scenes), cmocka_unit_test(test_offline),
                                       cmocka_unit_test(test_public_root)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
