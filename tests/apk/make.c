#include "make.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <zlib.h>

#define VERSION "1.0-r0"

static void add_file(struct cb_tar_writer *w, const struct make_file *f)
{
    struct cb_error err = CB_ERROR_INIT;
    struct cb_str name = cb_str(f->name), text = cb_str(f->text);
    bool folder = cb_str_ends(name, "/");
    struct cb_tar_header h = {.name = name,
                              .linkname = cb_str(f->link ? f->link : ""),
                              .uname = CB_STR("root"),
                              .gname = CB_STR("root"),
                              .type = folder    ? CB_TAR_DIR
                                      : f->link ? CB_TAR_SYMLINK
                                                : CB_TAR_FILE,
                              .mode = folder ? 0755 : 0644,
                              .size = (int64_t)text.n};
    char hex[2 * CB_SHA1_SIZE + 1];
    uint8_t sum[CB_SHA1_SIZE];
    struct cb_str hashed = f->link ? h.linkname : text;
    cb_hash_once(CB_SHA1, hashed.p, hashed.n, sum);
    cb_hex(hex, sum, CB_SHA1_SIZE);
    struct cb_tar_pax record = {CB_STR("APK-TOOLS.checksum.SHA1"), cb_str(f->checksum ? f->checksum : hex)};
    if (!folder && record.value.n > 0) {
        h.pax = &record;
        h.npax = 1;
    }
    int failed = cb_tar_write_header(w, &h, &err) || cb_tar_write(w, text.p, text.n, &err);
    assert(!failed);
    (void)failed;
}

void make_tar(struct cb_buf *out, const struct make_file *files, size_t n, bool closed)
{
    struct cb_error err = CB_ERROR_INIT;
    struct cb_buf_sink sink = cb_buf_sink(out);
    struct cb_tar_writer w = cb_tar_writer(&sink.sink);
    for (size_t i = 0; i < n; i++)
        add_file(&w, &files[i]);
    cb_tar_close(&w, &err);
    if (!closed)
        out->n -= 1024;
}

void make_gzip(struct cb_buf *out, struct cb_str plain)
{
    z_stream z = {0};
    deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
    size_t bound = deflateBound(&z, plain.n) + 32;
    cb_buf_reserve(out, bound);
    z.next_in = (Bytef *)(uintptr_t)plain.p;
    z.avail_in = (uInt)plain.n;
    z.next_out = (Bytef *)out->p + out->n;
    z.avail_out = (uInt)bound;
    int result = deflate(&z, Z_FINISH);
    assert(result == Z_STREAM_END);
    (void)result;
    out->n += z.total_out;
    deflateEnd(&z);
}

struct make_key {
    EVP_PKEY *pkey;
};

struct make_key *make_key_new(unsigned bits)
{
    struct make_key *k = cb_alloc(sizeof *k);
    k->pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);
    assert(k->pkey);
    return k;
}

void make_key_free(struct make_key *k)
{
    EVP_PKEY_free(k->pkey);
    free(k);
}

void make_key_pem(const struct make_key *k, struct cb_buf *out)
{
    BIO *b = BIO_new(BIO_s_mem());
    char *p;
    PEM_write_bio_PUBKEY(b, k->pkey);
    long n = BIO_get_mem_data(b, &p);
    cb_buf_add(out, p, (size_t)n);
    BIO_free(b);
}

void make_signature(const struct make_key *k, enum cb_hash_kind hash, struct cb_str text, struct cb_buf *out)
{
    const EVP_MD *md = hash == CB_SHA1 ? EVP_sha1() : hash == CB_SHA256 ? EVP_sha256() : EVP_sha512();
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t n = 0;
    EVP_DigestSignInit(ctx, NULL, md, NULL, k->pkey);
    EVP_DigestSign(ctx, NULL, &n, (const unsigned char *)text.p, text.n);
    cb_buf_reserve(out, n);
    EVP_DigestSign(ctx, (unsigned char *)out->p + out->n, &n, (const unsigned char *)text.p, text.n);
    out->n += n;
    EVP_MD_CTX_free(ctx);
}

static void add_raw_file(struct cb_tar_writer *w, const char *name, struct cb_str bytes)
{
    struct cb_error err = CB_ERROR_INIT;
    struct cb_tar_header h = {.name = cb_str(name), .type = CB_TAR_FILE, .mode = 0644, .size = (int64_t)bytes.n};
    int failed = cb_tar_write_header(w, &h, &err) || cb_tar_write(w, bytes.p, bytes.n, &err);
    assert(!failed);
    (void)failed;
}

void make_signature_segment(const struct make_key *k, enum cb_hash_kind hash, const char *name,
                            struct cb_str signed_bytes, struct cb_buf *out)
{
    struct cb_error err = CB_ERROR_INIT;
    CB_BUF_AUTO sig = {0};
    CB_BUF_AUTO tar = {0};
    CB_AUTOFREE char *full = cb_format(".SIGN.%s", name);
    make_signature(k, hash, signed_bytes, &sig);
    struct cb_buf_sink sink = cb_buf_sink(&tar);
    struct cb_tar_writer w = cb_tar_writer(&sink.sink);
    add_raw_file(&w, full, cb_buf_str(&sig));
    cb_tar_close(&w, &err);
    tar.n -= 1024;
    make_gzip(out, cb_buf_str(&tar));
}

void make_control(struct make_package *p, const char *name, const char *extra)
{
    uint8_t sum[CB_SHA256_SIZE];
    char hex[CB_SHA256_HEX];
    cb_hash_once(CB_SHA256, p->data.p, p->data.n, sum);
    cb_hex(hex, sum, sizeof sum);
    CB_AUTOFREE char *info =
        cb_format("pkgname = %s\npkgver = " VERSION "\narch = x86_64\nsize = 1\n%sdatahash = %s\n", name, extra, hex);
    const struct make_file files[] = {{".PKGINFO", info, NULL, ""}, {".post-install", "#!/bin/sh\n", NULL, ""}};
    CB_BUF_AUTO tar = {0};
    make_tar(&tar, files, 2, false);
    cb_buf_reset(&p->control);
    make_gzip(&p->control, cb_buf_str(&tar));
    cb_hash_once(CB_SHA1, p->control.p, p->control.n, p->control_sha1);
}

void make_package(struct make_package *p, const char *name, const char *text)
{
    CB_AUTOFREE char *path = cb_format("usr/share/%s", name);
    const struct make_file files[] = {
        {"usr/", "", NULL, NULL}, {"usr/share/", "", NULL, NULL}, {path, text, NULL, NULL}};
    CB_BUF_AUTO tar = {0};
    make_tar(&tar, files, 3, true);
    cb_buf_reset(&p->data);
    make_gzip(&p->data, cb_buf_str(&tar));
    make_control(p, name, "");
}

void make_package_bytes(const struct make_package *p, struct cb_buf *out)
{
    cb_buf_addstr(out, cb_buf_str(&p->signature));
    cb_buf_addstr(out, cb_buf_str(&p->control));
    cb_buf_addstr(out, cb_buf_str(&p->data));
}

void make_package_release(struct make_package *p)
{
    cb_buf_release(&p->signature);
    cb_buf_release(&p->control);
    cb_buf_release(&p->data);
}

void make_record(struct cb_buf *text, const struct make_package *p, const char *name)
{
    CB_BUF_AUTO sum = {0};
    cb_base64_add(&sum, p->control_sha1, CB_SHA1_SIZE);
    cb_buf_addf(text, "C:Q1%.*s\nP:%s\nV:" VERSION "\nA:x86_64\nS:%zu\n\n", CB_STR_ARG(cb_buf_str(&sum)), name,
                p->signature.n + p->control.n + p->data.n);
}

void make_index(struct cb_buf *out, struct cb_str text)
{
    CB_AUTOFREE char *copy = cb_strndup(text.p, text.n);
    const struct make_file files[] = {{"DESCRIPTION", "test", NULL, ""}, {"APKINDEX", copy, NULL, ""}};
    CB_BUF_AUTO tar = {0};
    make_tar(&tar, files, 2, true);
    make_gzip(out, cb_buf_str(&tar));
}
