#include "shelf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "cbuild/apk/cache.h"
#include "cbuild/base/log.h"
#include "cbuild/base/vec.h"
#include "cbuild/oci/manifest.h"

#define FOLDER "cbuild/layers"
#define ENTRY_FIRST_LINE "cbuild layer 1\n"
enum { ENTRY_MAX = 1024 }; // bytes

struct cb_shelf {
    struct cb_shelf_options o;
    struct cb_cache *cache;
    char *folder; // NULL: nothing is put
    atomic_bool changed;
};

struct cb_shelf *cb_shelf_new(const struct cb_shelf_options *o)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_shelf *s = cb_zalloc(sizeof *s);
    s->o = *o;
    s->cache = cb_cache_new(o->dir, o->read_only);
    if (!o->read_only)
        s->folder = cb_path_join(o->dir, FOLDER);
    if (s->folder && cb_mkdirs(s->folder, &err)) {
        cb_log(CB_DEBUG, "layers are not kept: %s", err.message);
        free(s->folder);
        s->folder = NULL;
    }
    return s;
}

// ---- names

static char *blob_path(const char *digest)
{
    return cb_format(FOLDER "/%s.blob", digest + strlen("sha256:"));
}

static char *entry_path(const struct cb_shelf *s, const uint8_t key[CB_LAYER_KEY_SIZE])
{
    CB_HASH_AUTO *hash = cb_hash_new(CB_SHA256);
    uint8_t sum[CB_HASH_MAX];
    char hex[CB_SHA256_HEX];
    cb_hash_add(hash, key, CB_LAYER_KEY_SIZE);
    cb_hash_add(hash, s->o.program.p, s->o.program.n);
    cb_hash_sum(hash, sum);
    cb_hex(hex, sum, CB_SHA256_SIZE);
    return cb_format(FOLDER "/%s.layer", hex);
}

static void authenticate(const struct cb_shelf *s, const char *path, struct cb_str lines, char hex[CB_SHA256_HEX])
{
    CB_BUF_AUTO text = {0};
    uint8_t mac[CB_SHA256_SIZE];
    cb_buf_addf(&text, "%s\n", path);
    cb_buf_addstr(&text, lines);
    cb_hmac_sha256(s->o.secret, sizeof s->o.secret, text.p, text.n, mac);
    cb_hex(hex, mac, sizeof mac);
}

// ---- taking

// Opens a file of ours. -1 where there is none.
static int open_own(struct cb_shelf *s, const char *path, uint64_t *size)
{
    CB_ERROR_AUTO quiet = CB_ERROR_INIT;
    struct stat st;
    int fd = cb_cache_open(s->cache, path, size, &quiet);
    if (fd < 0 || (fstat(fd, &st) == 0 && st.st_uid == geteuid() && !(st.st_mode & (S_IWGRP | S_IWOTH))))
        return fd;
    close(fd);
    return -1;
}

// The file was used now. Who may only read it cannot say so, and need not.
static void touch(const struct cb_shelf *s, int fd)
{
    if (s->folder)
        (void)!futimens(fd, NULL);
}

static bool parse_entry(struct cb_str line, struct cb_layer *out)
{
    CB_ERROR_AUTO quiet = CB_ERROR_INIT;
    struct cb_str digest, diff_id, size, tar_size;
    struct cb_digest checked;
    if (!cb_str_field(&line, &digest) || !cb_str_field(&line, &diff_id) || !cb_str_field(&line, &size) ||
        !cb_str_field(&line, &tar_size) || !cb_str_u64(size, 10, &out->size) ||
        !cb_str_u64(tar_size, 10, &out->tar_size))
        return false;
    if (cb_digest_parse(&checked, digest, &quiet))
        return false;
    memcpy(out->digest, checked.text, sizeof checked.text);
    if (cb_digest_parse(&checked, diff_id, &quiet))
        return false;
    memcpy(out->diff_id, checked.text, sizeof checked.text);
    return true;
}

static bool read_entry(struct cb_shelf *s, const char *path, struct cb_layer *out)
{
    CB_ERROR_AUTO quiet = CB_ERROR_INIT;
    CB_BUF_AUTO text = {0};
    uint64_t size;
    char mac[CB_SHA256_HEX];
    CB_FD_AUTO fd = open_own(s, path, &size);
    if (fd < 0)
        return false;
    struct cb_range_source in = cb_range_source(fd, path, 0, size);
    if (cb_read_all(&in.source, &text, ENTRY_MAX, path, &quiet) || text.n < CB_SHA256_HEX)
        return false;
    // The last line is the HMAC of those before it.
    struct cb_str lines = cb_str_head(cb_buf_str(&text), text.n - CB_SHA256_HEX);
    authenticate(s, path, lines, mac);
    mac[CB_SHA256_HEX - 1] = '\n';
    if (!cb_str_eq(cb_strn(mac, sizeof mac), cb_str_skip(cb_buf_str(&text), lines.n)) ||
        !cb_str_starts(lines, ENTRY_FIRST_LINE) || !parse_entry(cb_str_skip(lines, strlen(ENTRY_FIRST_LINE)), out))
        return false;
    touch(s, fd);
    return true;
}

static bool has_digest(int fd, const struct cb_layer *l)
{
    CB_ERROR_AUTO quiet = CB_ERROR_INIT;
    CB_HASH_AUTO *hash = cb_hash_new(CB_SHA256);
    struct cb_hash_sink sink = cb_hash_sink(hash);
    struct cb_range_source in = cb_range_source(fd, "a layer of the cache", 0, l->size);
    uint8_t sum[CB_HASH_MAX];
    if (cb_copy(&sink.sink, &in.source, NULL, &quiet))
        return false;
    cb_hash_sum(hash, sum);
    struct cb_digest digest = cb_digest_of_sum(sum);
    return !strcmp(digest.text, l->digest);
}

bool cb_shelf_take(struct cb_shelf *s, const uint8_t key[CB_LAYER_KEY_SIZE], struct cb_layer *out)
{
    CB_AUTOFREE char *entry = entry_path(s, key);
    struct cb_layer l = CB_LAYER_INIT;
    uint64_t size;
    if (!read_entry(s, entry, &l))
        return false;
    CB_AUTOFREE char *blob = blob_path(l.digest);
    l.fd = open_own(s, blob, &size);
    if (l.fd < 0)
        return false;
    if (size != l.size || !has_digest(l.fd, &l)) {
        cb_log(CB_WARN, "layer %s in the cache is damaged, making it anew", l.digest);
        cb_cache_drop(s->cache, blob);
        cb_close_p(&l.fd);
        return false;
    }
    touch(s, l.fd);
    l.media_type = CB_MEDIA_OCI_LAYER;
    cb_log(CB_DEBUG, "layer %s was in the cache", l.digest);
    *out = l;
    return true;
}

// ---- putting

static int copy_blob(struct cb_shelf *s, const struct cb_layer *l, const char *path, struct cb_error *err)
{
    struct cb_cache_file file;
    cb_cache_create(s->cache, &file);
    if (file.fd < 0)
        return cb_fail(err, CB_E_IO, "the cache cannot be written to");
    struct cb_range_source in = cb_range_source(l->fd, l->digest, 0, l->size);
    struct cb_fd_sink to = cb_fd_sink(file.fd, "a file of the cache");
    if (cb_copy(&to.sink, &in.source, NULL, err)) {
        cb_cache_abort(s->cache, &file);
        return -1;
    }
    return cb_cache_commit(s->cache, &file, path, err);
}

static int put_entry(struct cb_shelf *s, const char *path, const struct cb_layer *l, struct cb_error *err)
{
    CB_BUF_AUTO text = {0};
    char mac[CB_SHA256_HEX];
    struct cb_cache_file file;
    cb_buf_addf(&text, ENTRY_FIRST_LINE "%s %s %llu %llu\n", l->digest, l->diff_id, (unsigned long long)l->size,
                (unsigned long long)l->tar_size);
    authenticate(s, path, cb_buf_str(&text), mac);
    cb_buf_addf(&text, "%s\n", mac);
    cb_cache_create(s->cache, &file);
    if (file.fd < 0)
        return 0;
    if (cb_pwrite_full(file.fd, text.p, text.n, 0, "a file of the cache", err)) {
        cb_cache_abort(s->cache, &file);
        return -1;
    }
    return cb_cache_commit(s->cache, &file, path, err);
}

// The cache is a help, not a need: that something cannot be kept is said and no more.
void cb_shelf_put(struct cb_shelf *s, const uint8_t key[CB_LAYER_KEY_SIZE], const struct cb_layer *l)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    if (!s->folder)
        return;
    CB_AUTOFREE char *entry = entry_path(s, key);
    CB_AUTOFREE char *blob = blob_path(l->digest);
    s->changed = true;
    if (copy_blob(s, l, blob, &err) || put_entry(s, entry, l, &err))
        cb_log(CB_DEBUG, "layer %s is not kept: %s", l->digest, err.message);
}

// ---- the limit

struct kept {
    char *name; // owned
    uint64_t size;
    struct timespec used;
};

struct kept_files {
    struct kept *v;
    size_t n, cap;
};

static int by_use(const void *a, const void *b)
{
    const struct kept *x = a, *y = b;
    if (x->used.tv_sec != y->used.tv_sec)
        return x->used.tv_sec < y->used.tv_sec ? -1 : 1;
    if (x->used.tv_nsec != y->used.tv_nsec)
        return x->used.tv_nsec < y->used.tv_nsec ? -1 : 1;
    return strcmp(x->name, y->name);
}

static uint64_t list_kept(DIR *d, struct kept_files *files)
{
    uint64_t total = 0;
    for (struct dirent *e; (e = readdir(d));) {
        struct stat st;
        if (e->d_name[0] == '.' || fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
            continue;
        *cb_vec_add(files) = (struct kept){cb_strdup(e->d_name), (uint64_t)st.st_size, st.st_mtim};
        total += (uint64_t)st.st_size;
    }
    return total;
}

// Those used longest ago go first.
static void throw_away_surplus(const struct cb_shelf *s)
{
    struct kept_files files = {0};
    DIR *d = opendir(s->folder);
    if (!d)
        return;
    uint64_t total = list_kept(d, &files);
    if (files.n > 1)
        qsort(files.v, files.n, sizeof *files.v, by_use);
    for (size_t i = 0; i < files.n; i++) {
        if (total > s->o.most_bytes && unlinkat(dirfd(d), files.v[i].name, 0) == 0)
            total -= files.v[i].size;
        free(files.v[i].name);
    }
    cb_vec_release(&files);
    closedir(d);
}

void cb_shelf_free(struct cb_shelf *s)
{
    if (!s)
        return;
    if (s->folder && s->changed)
        throw_away_surplus(s);
    cb_cache_free(s->cache);
    free(s->folder);
    free(s);
}
