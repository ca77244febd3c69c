// The lock file: JSON, as Go's encoding/json writes it with an indent of two spaces and a newline at the end.
#include <stdlib.h>

#include "cbuild/builder/arch.h"
#include "cbuild/builder/lock.h"
#include "cbuild/crypto/hash.h"
#include "cbuild/text/gojson.h"
#include "cbuild/text/json_read.h"

void cb_lock_file_release(struct cb_lock_file *f)
{
    cb_vec_release(&f->keyring);
    cb_vec_release(&f->build_repositories);
    cb_vec_release(&f->runtime_repositories);
    cb_vec_release(&f->repositories);
    cb_vec_release(&f->packages);
    cb_arena_release(&f->arena);
    *f = (struct cb_lock_file){0};
}

// Reading

// String fields of an object; false once one has another type.
struct fields {
    const struct json_t *object;
    struct cb_arena *arena;
    struct cb_error *err;
    bool failed;
};

static struct cb_str field(struct fields *f, const char *key)
{
    struct cb_str text = {0};
    if (!f->failed && cb_json_get_str(f->object, key, &text, f->err))
        f->failed = true;
    return f->failed ? (struct cb_str){0} : cb_arena_str(f->arena, text);
}

static struct cb_lock_part part(struct fields *f, const char *key)
{
    struct json_t *object = NULL;
    if (!f->failed && cb_json_get_object(f->object, key, &object, f->err))
        f->failed = true;
    struct fields inner = {object, f->arena, f->err, f->failed};
    struct cb_lock_part p = {field(&inner, "range"), field(&inner, "checksum")};
    f->failed = inner.failed;
    return p;
}

static void take_package(struct cb_lock_file *l, struct fields *f)
{
    *cb_vec_add(&l->packages) = (struct cb_lock_package){
        .name = field(f, "name"),
        .url = field(f, "url"),
        .version = field(f, "version"),
        .architecture = field(f, "architecture"),
        .signature = part(f, "signature"),
        .control = part(f, "control"),
        .data = part(f, "data"),
        .checksum = field(f, "checksum"),
    };
}

static void take_keyring(struct cb_lock_file *l, struct fields *f)
{
    *cb_vec_add(&l->keyring) = (struct cb_lock_keyring){field(f, "name"), field(f, "url"), field(f, "content")};
}

static struct cb_lock_repository repository(struct fields *f)
{
    return (struct cb_lock_repository){field(f, "name"), field(f, "url"), field(f, "architecture")};
}

static void take_build_repository(struct cb_lock_file *l, struct fields *f)
{
    *cb_vec_add(&l->build_repositories) = repository(f);
}

static void take_runtime_repository(struct cb_lock_file *l, struct fields *f)
{
    *cb_vec_add(&l->runtime_repositories) = repository(f);
}

static void take_repository(struct cb_lock_file *l, struct fields *f)
{
    *cb_vec_add(&l->repositories) = repository(f);
}

static const struct {
    const char *key;
    void (*take)(struct cb_lock_file *l, struct fields *f);
} lists[] = {
    {"keyring", take_keyring},
    {"build_repositories", take_build_repository},
    {"runtime_repositories", take_runtime_repository},
    {"repositories", take_repository},
    {"packages", take_package},
};

static int take_list(struct cb_lock_file *l, const struct json_t *contents, size_t k, struct cb_error *err)
{
    struct json_t *array = NULL;
    if (cb_json_get_array(contents, lists[k].key, &array, err))
        return -1;
    for (size_t i = 0; i < cb_json_count(array); i++) {
        struct json_t *object = NULL;
        struct fields f = {.arena = &l->arena, .err = err};
        f.failed = cb_json_as_object(cb_json_at(array, i), lists[k].key, &object, err) != 0;
        f.object = object;
        if (!f.failed)
            lists[k].take(l, &f);
        if (f.failed)
            return cb_context(err, "contents.%s[%zu]", lists[k].key, i);
    }
    return 0;
}

static int take_file(struct cb_lock_file *l, const struct json_t *root, struct cb_error *err)
{
    struct json_t *config = NULL, *contents = NULL;
    struct fields top = {root, &l->arena, err, false};
    l->version = field(&top, "version");
    if (top.failed || cb_json_get_object(root, "config", &config, err) ||
        cb_json_get_object(root, "contents", &contents, err))
        return -1;
    struct fields of_config = {config, &l->arena, err, false};
    l->has_config = config != NULL;
    l->config_name = field(&of_config, "name");
    l->config_checksum = field(&of_config, "checksum");
    if (of_config.failed)
        return cb_context(err, "config");
    for (size_t k = 0; k < sizeof lists / sizeof *lists; k++)
        if (take_list(l, contents, k, err))
            return -1;
    return 0;
}

int cb_lock_file_parse(struct cb_str text, const char *name, struct cb_lock_file *out, struct cb_error *err)
{
    *out = (struct cb_lock_file){0};
    CB_JSON_AUTO *root = cb_json_read(text, name, CB_LOCK_FILE_MAX, err);
    struct json_t *object = NULL;
    if (!root)
        return -1;
    if (!cb_json_as_object(root, "the lock file", &object, err) && !take_file(out, object, err))
        return 0;
    cb_lock_file_release(out);
    return cb_context(err, "%s", name);
}

// Writing

static void put(struct cb_json *j, const char *key, struct cb_str value)
{
    cb_json_key(j, key);
    cb_json_str(j, value);
}

static void put_part(struct cb_json *j, const char *key, const struct cb_lock_part *p)
{
    cb_json_key(j, key);
    cb_json_object(j);
    put(j, "range", p->range);
    put(j, "checksum", p->checksum);
    cb_json_end(j);
}

static void put_package(struct cb_json *j, const struct cb_lock_package *p)
{
    cb_json_object(j);
    put(j, "name", p->name);
    put(j, "url", p->url);
    put(j, "version", p->version);
    put(j, "architecture", p->architecture);
    put_part(j, "signature", &p->signature);
    put_part(j, "control", &p->control);
    put_part(j, "data", &p->data);
    put(j, "checksum", p->checksum);
    cb_json_end(j);
}

static void put_repositories(struct cb_json *j, const char *key, const struct cb_lock_repository *v, size_t n)
{
    cb_json_key(j, key);
    cb_json_array(j);
    for (size_t i = 0; i < n; i++) {
        cb_json_object(j);
        put(j, "name", v[i].name);
        put(j, "url", v[i].url);
        put(j, "architecture", v[i].architecture);
        cb_json_end(j);
    }
    cb_json_end(j);
}

static void put_contents(struct cb_json *j, const struct cb_lock_file *f)
{
    cb_json_object(j);
    cb_json_key(j, "keyring");
    cb_json_array(j);
    for (size_t i = 0; i < f->keyring.n; i++) {
        cb_json_object(j);
        put(j, "name", f->keyring.v[i].name);
        put(j, "url", f->keyring.v[i].url);
        cb_json_field(j, "content", f->keyring.v[i].content);
        cb_json_end(j);
    }
    cb_json_end(j);
    put_repositories(j, "build_repositories", f->build_repositories.v, f->build_repositories.n);
    put_repositories(j, "runtime_repositories", f->runtime_repositories.v, f->runtime_repositories.n);
    put_repositories(j, "repositories", f->repositories.v, f->repositories.n);
    cb_json_key(j, "packages");
    cb_json_array(j);
    for (size_t i = 0; i < f->packages.n; i++)
        put_package(j, &f->packages.v[i]);
    cb_json_end(j);
    cb_json_end(j);
}

void cb_lock_file_write(const struct cb_lock_file *f, struct cb_buf *out)
{
    struct cb_json j = cb_json(out, "", "  ");
    cb_json_object(&j);
    put(&j, "version", f->version);
    if (f->has_config) {
        cb_json_key(&j, "config");
        cb_json_object(&j);
        cb_json_field(&j, "name", f->config_name);
        cb_json_field(&j, "checksum", f->config_checksum);
        cb_json_end(&j);
    }
    cb_json_key(&j, "contents");
    put_contents(&j, f);
    cb_json_end(&j);
    cb_buf_addc(out, '\n');
}

static int by_name(const void *a, const void *b)
{
    const struct cb_lock_keyring *x = a, *y = b;
    int order = cb_str_cmp(x->name, y->name);
    if (!order)
        order = cb_str_cmp(x->url, y->url);
    return order ? order : cb_str_cmp(x->content, y->content);
}

// The reference's sort is not stable and its discovered keys come in random order, so that keys of one name (the same
// path by http and https) come in any order; here URL and content decide.
void cb_lock_file_sort_keyring(struct cb_lock_file *f)
{
    if (f->keyring.n)
        qsort(f->keyring.v, f->keyring.n, sizeof *f->keyring.v, by_name);
}

// Using

void cb_lock_file_worlds(const struct cb_lock_file *f, const struct cb_strs *archs, struct cb_locked *out)
{
    *out = (struct cb_locked){0};
    out->archs.v = cb_arena_alloc(&out->arena, (archs->n + 1) * sizeof *out->archs.v);
    for (size_t k = 0; k < archs->n; k++) {
        struct cb_locked_arch *a = &out->archs.v[out->archs.n];
        *a = (struct cb_locked_arch){.arch = cb_arena_str(&out->arena, archs->v[k])};
        a->packages.v = cb_arena_alloc(&out->arena, (f->packages.n + 1) * sizeof *a->packages.v);
        for (size_t i = 0; i < f->packages.n; i++) {
            const struct cb_lock_package *p = &f->packages.v[i];
            if (cb_str_eq(cb_arch_parse(p->architecture), archs->v[k]))
                a->packages.v[a->packages.n++] =
                    cb_arena_format(&out->arena, "%.*s=%.*s", CB_STR_ARG(p->name), CB_STR_ARG(p->version));
        }
        out->archs.n += a->packages.n > 0;
    }
}

static int decode_checksum(const struct cb_lock_package *p, struct cb_arena *a, struct cb_str *out,
                           struct cb_error *err)
{
    CB_BUF_AUTO raw = {0};
    if (!p->checksum.n) {
        cb_fail(err, CB_E_INPUT, "locked package %.*s has no checksum", CB_STR_ARG(p->name));
        return cb_hint(err, "the lock file is of an old format: make it anew");
    }
    if (!cb_str_starts(p->checksum, "Q1") || cb_base64_decode(&raw, cb_str_skip(p->checksum, 2)) ||
        raw.n != CB_SHA1_SIZE)
        return cb_fail(err, CB_E_INPUT, "locked package %.*s: the checksum is \"%.*s\", expected Q1 and a base64 SHA-1",
                       CB_STR_ARG(p->name), CB_STR_ARG(p->checksum));
    *out = cb_arena_str(a, cb_buf_str(&raw));
    return 0;
}

int cb_lock_file_packages(const struct cb_lock_file *f, struct cb_str apk_arch, struct cb_resolution *out,
                          struct cb_error *err)
{
    struct cb_arena *a = &out->arena;
    out->packages.v = cb_arena_alloc(a, (f->packages.n + 1) * sizeof *out->packages.v);
    for (size_t i = 0; i < f->packages.n; i++) {
        const struct cb_lock_package *locked = &f->packages.v[i];
        if (!cb_str_eq(locked->architecture, apk_arch))
            continue;
        struct cb_package *p = cb_arena_alloc(a, sizeof *p);
        p->name = cb_arena_str(a, locked->name);
        p->version = cb_arena_str(a, locked->version);
        p->arch = cb_arena_str(a, locked->architecture);
        if (decode_checksum(locked, a, &p->checksum, err)) {
            cb_resolution_release(out);
            return -1;
        }
        out->packages.v[out->packages.n++] = (struct cb_repo_package){p, NULL, cb_arena_str(a, locked->url)};
    }
    return 0;
}

// Making

static struct cb_str base64(struct cb_arena *a, const char *prefix, const void *p, size_t n)
{
    CB_BUF_AUTO text = {0};
    cb_buf_adds(&text, prefix);
    cb_base64_add(&text, p, n);
    return cb_arena_str(a, cb_buf_str(&text));
}

static struct cb_lock_part part_of(struct cb_arena *a, uint64_t from, uint64_t size, struct cb_str checksum)
{
    return (struct cb_lock_part){
        cb_arena_format(a, "bytes=%llu-%llu", (unsigned long long)from, (unsigned long long)(from + size - 1)),
        checksum};
}

void cb_lock_file_add_package(struct cb_lock_file *f, const struct cb_repo_package *p, const struct cb_apk_file *file)
{
    struct cb_arena *a = &f->arena;
    uint64_t control = file->signature_size, data = control + file->control_size;
    struct cb_lock_package *out = cb_vec_add(&f->packages);
    *out = (struct cb_lock_package){
        .name = cb_arena_str(a, p->pkg->name),
        .url = cb_arena_str(a, p->url),
        .version = cb_arena_str(a, p->pkg->version),
        .architecture = cb_arena_str(a, p->pkg->arch),
        .control = part_of(a, control, file->control_size, base64(a, "sha1-", file->control_sha1, CB_SHA1_SIZE)),
        .data = part_of(a, data, file->data_size, base64(a, "sha256-", file->data_sha256, CB_SHA256_SIZE)),
        .checksum = base64(a, "Q1", p->pkg->checksum.p, p->pkg->checksum.n),
    };
    if (file->signature_size)
        out->signature = part_of(a, 0, file->signature_size, base64(a, "sha1-", file->signature_sha1, CB_SHA1_SIZE));
}

// The scheme is only stripped where no tag stands before it: so it is in the reference.
static struct cb_str without_scheme(struct cb_str url)
{
    if (cb_str_starts(url, "https://"))
        url = cb_str_skip(url, 8);
    return cb_str_starts(url, "http://") ? cb_str_skip(url, 7) : url;
}

void cb_lock_file_add_key(struct cb_lock_file *f, struct cb_str url, struct cb_str content)
{
    struct cb_str kept = cb_arena_str(&f->arena, url);
    *cb_vec_add(&f->keyring) = (struct cb_lock_keyring){without_scheme(kept), kept, cb_arena_str(&f->arena, content)};
}

// Without the "@label " before it; more than one may stand there.
static int remove_label(struct cb_str *s, struct cb_error *err)
{
    while (cb_str_starts(*s, "@")) {
        ptrdiff_t space = cb_str_find(*s, ' ');
        if (space < 0)
            return cb_fail(err, CB_E_CONFIG, "repository \"%.*s\" has a tag and no URL", CB_STR_ARG(*s));
        *s = cb_str_skip(*s, (size_t)space + 1);
    }
    return 0;
}

int cb_lock_repository(struct cb_str line, struct cb_str apk_arch, struct cb_arena *a, struct cb_lock_repository *out,
                       struct cb_error *err)
{
    struct cb_str url = cb_arena_format(a, "%.*s/%.*s/APKINDEX.tar.gz", CB_STR_ARG(line), CB_STR_ARG(apk_arch));
    struct cb_str name = without_scheme(cb_str_head(url, url.n - strlen("/APKINDEX.tar.gz")));
    if (remove_label(&name, err) || remove_label(&url, err))
        return -1;
    *out = (struct cb_lock_repository){name, url, cb_arena_str(a, apk_arch)};
    return 0;
}
