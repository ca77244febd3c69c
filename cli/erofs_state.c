#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cbuild/base/file.h"
#include "cbuild/oci/image_config.h"
#include "cbuild/text/gojson.h"
#include "cbuild/text/json_read.h"
#include "erofs.h"

#define STATE_FILE ".apko-erofs-mount.json"
#define STATE_MAX (1u << 20)
#define SCHEMA_VERSION 1

static char *state_path(const char *dest)
{
    return cb_path_join(dest, STATE_FILE);
}

int cb_erofs_state_claim(const char *dest, struct cb_error *err)
{
    CB_AUTOFREE char *path = state_path(dest);
    CB_FD_AUTO fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0)
        return 0;
    if (errno != EEXIST)
        return cb_fail_errno(err, errno, "%s", path);
    cb_fail(err, CB_E_CONFLICT, "something is mounted at %s already: there is %s", dest, path);
    return cb_hint(err, "unmount it first: cbuild erofs umount %s", dest);
}

int cb_erofs_state_remove(const char *dest, struct cb_error *err)
{
    CB_AUTOFREE char *path = state_path(dest);
    return unlink(path) && errno != ENOENT ? cb_fail_errno(err, errno, "removing %s", path) : 0;
}

static struct cb_str now(struct cb_arena *a)
{
    struct timespec t;
    struct cb_str text = CB_STR("1970-01-01T00:00:00Z");
    CB_ERROR_AUTO none = CB_ERROR_INIT;
    clock_gettime(CLOCK_REALTIME, &t);
    cb_created_format_nano(a, (struct cb_created){t.tv_sec, (int32_t)t.tv_nsec, 0}, &text, &none);
    return text;
}

int cb_erofs_state_write(const struct cb_erofs_state *s, struct cb_error *err)
{
    CB_AUTOFREE char *path = state_path(s->dest);
    CB_ARENA_AUTO arena = {0};
    CB_BUF_AUTO out = {0};
    struct cb_json j = cb_json(&out, "", "  ");
    cb_json_object(&j);
    cb_json_key(&j, "schemaVersion");
    cb_json_int(&j, SCHEMA_VERSION);
    cb_json_key(&j, "mode");
    cb_json_cstr(&j, s->fuse ? "fuse" : "kernel");
    cb_json_key(&j, "source");
    cb_json_cstr(&j, s->source);
    cb_json_key(&j, "dest");
    cb_json_cstr(&j, s->dest);
    cb_json_key(&j, "created");
    cb_json_str(&j, now(&arena));
    cb_json_key(&j, "writable");
    cb_json_bool(&j, s->writable);
    cb_json_key(&j, "mounts");
    cb_json_array(&j);
    for (size_t i = 0; i < s->mounts.n; i++)
        cb_json_str(&j, s->mounts.v[i]);
    cb_json_end(&j);
    cb_json_end(&j);
    cb_buf_addc(&out, '\n');
    return cb_write_file(path, cb_buf_str(&out), 0600, err);
}

// "merged", or "layers/" and two or more digits.
static bool is_mount_of_ours(struct cb_str relative)
{
    if (cb_str_is(relative, "merged"))
        return true;
    if (!cb_str_starts(relative, "layers/") || relative.n < sizeof "layers/00" - 1)
        return false;
    for (size_t i = sizeof "layers/" - 1; i < relative.n; i++)
        if (relative.p[i] < '0' || relative.p[i] > '9')
            return false;
    return true;
}

static int check_mounts(const struct cb_erofs_state *s, struct cb_error *err)
{
    size_t n = strlen(s->dest);
    if (s->mounts.n == 0)
        return cb_fail(err, CB_E_INPUT, "it names no mounts");
    for (size_t i = 0; i < s->mounts.n; i++) {
        struct cb_str m = s->mounts.v[i], relative = cb_str_skip(m, n + 1);
        struct cb_strs before = {.v = s->mounts.v, .n = i};
        if (!cb_str_starts(m, s->dest) || m.n <= n || m.p[n] != '/' || !is_mount_of_ours(relative))
            return cb_fail(err, CB_E_INPUT, "it names %.*s; expected %s/merged or %s/layers/NN", CB_STR_ARG(m), s->dest,
                           s->dest);
        if (cb_strs_has(&before, m))
            return cb_fail(err, CB_E_INPUT, "it names %.*s twice", CB_STR_ARG(m));
    }
    return 0;
}

static int decode(const struct json_t *root, struct cb_arena *a, struct cb_erofs_state *s, struct cb_error *err)
{
    int64_t version;
    struct cb_str mode, source, dest;
    if (cb_json_need_int(root, "schemaVersion", &version, err) || cb_json_need_str(root, "mode", &mode, err) ||
        cb_json_get_str(root, "source", &source, err) || cb_json_need_str(root, "dest", &dest, err) ||
        cb_json_get_bool(root, "writable", &s->writable, err) || cb_json_get_strs(root, "mounts", &s->mounts, err))
        return -1;
    if (version != SCHEMA_VERSION)
        return cb_fail(err, CB_E_UNSUPPORTED, "schemaVersion %lld; expected %d", (long long)version, SCHEMA_VERSION);
    s->fuse = cb_str_is(mode, "fuse");
    if (!s->fuse && !cb_str_is(mode, "kernel"))
        return cb_fail(err, CB_E_INPUT, "mode \"%.*s\"; expected kernel or fuse", CB_STR_ARG(mode));
    if (!cb_str_is(dest, s->dest))
        return cb_fail(err, CB_E_INPUT, "it is of a mount at %.*s", CB_STR_ARG(dest));
    s->source = cb_arena_cstr(a, source);
    for (size_t i = 0; i < s->mounts.n; i++)
        s->mounts.v[i] = cb_arena_str(a, s->mounts.v[i]);
    return check_mounts(s, err);
}

int cb_erofs_state_read(const char *dest, struct cb_arena *a, struct cb_erofs_state *out, struct cb_error *err)
{
    CB_AUTOFREE char *path = state_path(dest);
    CB_BUF_AUTO text = {0};
    *out = (struct cb_erofs_state){.dest = dest};
    if (cb_read_file(path, &text, STATE_MAX, err)) {
        if (err->kind != CB_E_NOT_FOUND)
            return -1;
        cb_error_clear(err);
        return 0;
    }
    if (!cb_str_trim(cb_buf_str(&text)).n) {
        cb_fail(err, CB_E_INPUT, "%s is empty: a mount was interrupted", path);
        return cb_hint(err, "unmount what is mounted below %s by hand, then remove the file", dest);
    }
    CB_JSON_AUTO *root = cb_json_read(cb_buf_str(&text), path, STATE_MAX, err);
    if (!root)
        return -1;
    return decode(root, a, out, err) ? cb_context(err, "%s", path) : 1;
}
