#include "certificates.h"

#include <stdlib.h>

#include "cbuild/crypto/hash.h"
#include "go_path.h"
#include "keystore.h"
#include "pem_block.h"
#include "steps.h"
#include "x509_check.h"

#define FOLDER "usr/local/share/ca-certificates"
#define JAVA_PASSWORD "changeit" // the one that Java itself ships its truststores with

static const char *const bundles[] = {
    "etc/ssl/certs/ca-certificates.crt",
    "var/lib/ecs/deps/execute-command/certs/tls-ca-bundle.pem", // of AWS ECS
    "kaniko/ssl/certs/ca-certificates.crt",
};
static const char *const truststores[] = {"etc/ssl/certs/java/cacerts"};
#define COUNT(array) (sizeof(array) / sizeof *(array))

struct entry {
    struct cb_certificate certificate;
    struct cb_str alias; // in truststores
};

struct entries {
    struct entry *v;
    size_t n, cap;
    struct cb_arena arena;
};

static void release_entries(struct entries *e)
{
    for (size_t i = 0; i < e->n; i++)
        cb_certificate_release(&e->v[i].certificate);
    cb_vec_release(e);
    cb_arena_release(&e->arena);
}

void cb_certificate_release(struct cb_certificate *c)
{
    cb_buf_release(&c->pem);
    cb_buf_release(&c->der);
}

static int read_block(struct cb_pem_block *block, struct cb_certificate *c, struct cb_error *err)
{
    if (!cb_str_is(block->type, "CERTIFICATE"))
        return cb_fail(err, CB_E_INPUT, "a PEM block of type \"%.*s\" found; expected \"CERTIFICATE\"",
                       CB_STR_ARG(block->type));
    if (cb_x509_check(cb_buf_str(&block->bytes), err))
        return -1;
    uint8_t sum[CB_SHA256_SIZE];
    cb_hash_once(CB_SHA256, block->bytes.p, block->bytes.n, sum);
    cb_hex(c->fingerprint, sum, sizeof sum);
    cb_pem_block_add(&c->pem, block);
    c->der = block->bytes;
    block->bytes = (struct cb_buf){0};
    return 0;
}

int cb_certificate_read(struct cb_str text, struct cb_certificate *c, struct cb_error *err)
{
    CB_PEM_BLOCK_AUTO first = {0};
    CB_PEM_BLOCK_AUTO second = {0};
    if (!cb_pem_block_next(&text, &first))
        return cb_fail(err, CB_E_INPUT, "no certificate in PEM found");
    if (read_block(&first, c, err))
        return -1;
    if (cb_pem_block_next(&text, &second)) {
        cb_certificate_release(c);
        return cb_fail(err, CB_E_INPUT, "more than one PEM block found; expected one certificate");
    }
    return 0;
}

// --- Gathering

static int add_inline(struct cb_tree *t, const struct cb_named_content *source, struct cb_time built,
                      struct entries *out, struct cb_error *err)
{
    struct cb_certificate c = {0};
    if (cb_certificate_read(source->content, &c, err))
        return -1;
    struct entry *e = cb_vec_add(out);
    e->certificate = c;
    e->alias = cb_arena_format(&out->arena, "%.*s-%s", CB_STR_ARG(source->name), c.fingerprint);
    struct cb_str path = cb_arena_format(&out->arena, FOLDER "/%.*s.crt", CB_STR_ARG(e->alias));
    if (cb_tree_write_file(t, path, cb_buf_str(&c.pem), 0644, err))
        return -1;
    return cb_tree_chtimes(t, path, built, err);
}

static int add_inline_all(struct cb_tree *t, const struct cb_image_config *c, struct cb_time built, struct entries *out,
                          struct cb_error *err)
{
    if (c->certificates.additional.n > 0 && cb_tree_mkdir_all(t, CB_STR(FOLDER), 0755, err))
        return -1;
    for (size_t i = 0; i < c->certificates.additional.n; i++)
        if (add_inline(t, &c->certificates.additional.v[i], built, out, err))
            return cb_context(err, "certificate %.*s", CB_STR_ARG(c->certificates.additional.v[i].name));
    return 0;
}

static bool is_provider(const struct cb_package *p, const struct cb_strs *provides)
{
    for (size_t i = 0; i < p->provides.n; i++)
        if (cb_strs_has(provides, p->provides.v[i]))
            return true;
    return false;
}

// Paths of the certificate files of provider packages, sorted.
static void list_package_files(const struct cb_installed *installed, const struct cb_strs *provides,
                               struct cb_strs *out)
{
    for (size_t i = 0; i < installed->n; i++) {
        const struct cb_installed_package *p = &installed->v[i];
        if (!is_provider(&p->pkg, provides))
            continue;
        for (size_t j = 0; j < p->nfiles; j++) {
            struct cb_str name = p->files[j].name;
            if (!p->files[j].is_dir && cb_str_starts(name, FOLDER "/") &&
                (cb_str_ends(name, ".crt") || cb_str_ends(name, ".pem")))
                cb_strs_add(out, name);
        }
    }
    cb_strs_sort(out);
}

// Files that are not exactly one certificate are passed over.
static int add_package_file(struct cb_tree *t, struct cb_str path, struct entries *out, struct cb_error *err)
{
    CB_BUF_AUTO text = {0};
    CB_ERROR_AUTO ignored = CB_ERROR_INIT;
    struct cb_certificate c = {0};
    if (cb_tree_read_file(t, path, &text, CB_CERTIFICATE_FILE_MAX, err))
        return cb_context(err, "certificate file %.*s", CB_STR_ARG(path));
    if (cb_certificate_read(cb_buf_str(&text), &c, &ignored))
        return 0;
    struct entry *e = cb_vec_add(out);
    e->certificate = c;
    e->alias = cb_arena_format(&out->arena, "pkg-%s", c.fingerprint);
    return 0;
}

static int add_from_packages(struct cb_tree *t, const struct cb_image_config *c, const struct cb_installed *installed,
                             struct entries *out, struct cb_error *err)
{
    struct cb_strs files = {0};
    int failed = 0;
    if (c->certificates.providers.n > 0)
        list_package_files(installed, &c->certificates.providers, &files);
    for (size_t i = 0; i < files.n && !failed; i++)
        failed = add_package_file(t, files.v[i], out, err);
    cb_strs_release(&files);
    return failed;
}

// --- Bundles and truststores

// Bundles that are one file under two names (a link) get the certificates once.
static int append_to_bundle(struct cb_tree *t, size_t bundle, const struct entries *entries,
                            struct cb_node *done[COUNT(bundles)], struct cb_error *err)
{
    CB_BUF_AUTO text = {0};
    struct cb_str path = cb_str(bundles[bundle]);
    struct cb_node *file = done[bundle] = cb_tree_open(t, path, err);
    if (!file && err->kind == CB_E_NOT_FOUND) {
        cb_error_clear(err);
        return 0;
    }
    if (!file)
        return -1;
    for (size_t i = 0; i < bundle; i++)
        if (done[i] == file)
            return 0;
    for (size_t i = 0; i < entries->n; i++) {
        cb_buf_addstr(&text, cb_buf_str(&entries->v[i].certificate.pem));
        cb_buf_addc(&text, '\n');
    }
    return cb_tree_append_file(t, path, cb_buf_str(&text), 0644, err);
}

// Of Go's Time.UnixMilli, which wraps around.
static int64_t milliseconds(struct cb_time t)
{
    return (int64_t)((uint64_t)t.sec * 1000 + (uint64_t)(t.nsec / 1000000));
}

static int add_to_truststore(struct cb_tree *t, struct cb_str path, const struct entries *entries, struct cb_time built,
                             struct cb_error *err)
{
    CB_KEYSTORE_AUTO store = {0};
    CB_BUF_AUTO old = {0};
    CB_BUF_AUTO new = {0};
    if (!cb_tree_stat(t, path, err)) {
        if (err->kind != CB_E_NOT_FOUND)
            return -1;
        cb_error_clear(err);
        return 0;
    }
    if (cb_tree_read_file(t, path, &old, CB_CERTIFICATE_STORE_MAX, err) ||
        cb_keystore_read(&store, cb_buf_str(&old), JAVA_PASSWORD, err))
        return -1;
    for (size_t i = 0; i < entries->n; i++)
        cb_keystore_trust(&store, entries->v[i].alias, cb_buf_str(&entries->v[i].certificate.der), milliseconds(built));
    if (cb_keystore_write(&store, JAVA_PASSWORD, &new, err) || cb_tree_write_file(t, path, cb_buf_str(&new), 0644, err))
        return -1;
    return cb_tree_chtimes(t, path, built, err);
}

static int touch_bundle(struct cb_tree *t, struct cb_str path, struct cb_time built, struct cb_error *err)
{
    if (cb_tree_chtimes(t, path, built, err) == 0)
        return 0;
    if (err->kind != CB_E_NOT_FOUND)
        return -1;
    cb_error_clear(err);
    return 0;
}

static int add_to_stores(struct cb_tree *t, const struct entries *entries, struct cb_time built, struct cb_error *err)
{
    struct cb_node *done[COUNT(bundles)];
    for (size_t i = 0; i < COUNT(bundles); i++)
        if (append_to_bundle(t, i, entries, done, err) || touch_bundle(t, cb_str(bundles[i]), built, err))
            return cb_context(err, "CA bundle /%s", bundles[i]);
    for (size_t i = 0; i < COUNT(truststores); i++)
        if (add_to_truststore(t, cb_str(truststores[i]), entries, built, err))
            return cb_context(err, "Java truststore /%s", truststores[i]);
    return 0;
}

int cb_certificates_install(struct cb_tree *t, const struct cb_image_config *c, const struct cb_installed *installed,
                            struct cb_time built, struct cb_error *err)
{
    if (!c->has_certificates)
        return 0;
    struct entries entries = {0};
    int failed = add_inline_all(t, c, built, &entries, err) || add_from_packages(t, c, installed, &entries, err) ||
                 (entries.n > 0 && add_to_stores(t, &entries, built, err));
    release_entries(&entries);
    return failed ? -1 : 0;
}

// --- Checksums

static int write_checksum(struct cb_tree *t, const char *path, struct cb_time built, struct cb_error *err)
{
    CB_HASH_AUTO *h = cb_hash_new(CB_SHA256);
    struct cb_hash_sink sink = cb_hash_sink(h);
    uint8_t sum[CB_HASH_MAX];
    char hex[CB_SHA256_HEX];
    struct cb_node *file = cb_tree_open(t, cb_str(path), err);
    if (!file && err->kind == CB_E_NOT_FOUND) {
        cb_error_clear(err);
        return 0;
    }
    if (!file)
        return -1;
    struct cb_node_source source = cb_node_source(file);
    if (cb_copy(&sink.sink, &source.source, NULL, err))
        return -1;
    cb_hash_sum(h, sum);
    cb_hex(hex, sum, CB_SHA256_SIZE);
    CB_AUTOFREE char *dir = cb_go_dir(cb_str(path));
    struct cb_str name = cb_go_base(cb_str(path));
    CB_AUTOFREE char *beside = cb_format("%s/.%.*s.sha256", dir, CB_STR_ARG(name));
    CB_AUTOFREE char *line = cb_format("%s  %.*s\n", hex, CB_STR_ARG(name));
    if (cb_tree_write_file(t, cb_str(beside), cb_str(line), 0444, err))
        return -1;
    return cb_tree_chtimes(t, cb_str(beside), built, err);
}

int cb_bundle_checksums_write(struct cb_tree *t, struct cb_time built, struct cb_error *err)
{
    for (size_t i = 0; i < COUNT(bundles) + COUNT(truststores); i++) {
        const char *path = i < COUNT(bundles) ? bundles[i] : truststores[i - COUNT(bundles)];
        if (write_checksum(t, path, built, err))
            return cb_context(err, "checksum of /%s", path);
    }
    return 0;
}
