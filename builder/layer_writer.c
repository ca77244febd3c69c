#include <errno.h>
#include <stdlib.h>

#include "cbuild/base/file.h"
#include "cbuild/compress/gzip.h"
#include "cbuild/crypto/hash.h"
#include "cbuild/fs/erofs.h"
#include "cbuild/oci/manifest.h"
#include "layer_plan.h"
#include "shared_parts.h"

#define COPY_SIZE (256u << 10) // bytes of the buffer through which contents go

struct writer {
    const struct cb_layer_plan *plan;
    struct cb_tar_writer tar;
    struct cb_buf path;
    char *buf;           // COPY_SIZE bytes
    bool names_contents; // see cb_layer_key
};

// Stands for contents: their place in a package's data. What comes of it is not a tar, but two are equal only where the
// tars are: each header says whether contents follow and how many bytes they have.
static int write_name(struct writer *w, const struct cb_content *c, struct cb_error *err)
{
    const uint64_t range[] = {c->at, c->length};
    struct cb_sink *out = w->tar.out;
    w->tar = cb_tar_writer(out);
    if (cb_write(out, "P", 1, err) || cb_write(out, c->source, CB_SHA256_SIZE, err))
        return -1;
    return cb_write(out, range, sizeof range, err);
}

static int write_contents(struct writer *w, const struct cb_node *node, const struct cb_tar_header *h,
                          struct cb_error *err)
{
    struct cb_content c = cb_node_content(node);
    if (!w->names_contents || cb_tar_data_size(h) == 0)
        return cb_node_write(node, h, &w->tar, w->buf, COPY_SIZE, err);
    if (c.fd >= 0 && c.source)
        return write_name(w, &c, err);
    return cb_write(w->tar.out, "B", 1, err) || cb_node_write(node, h, &w->tar, w->buf, COPY_SIZE, err) ? -1 : 0;
}

static int write_node(struct writer *w, struct cb_str path, const struct cb_node *node, const struct cb_node *time,
                      struct cb_error *err)
{
    struct cb_tar_header h;
    if (cb_node_header(node, path, &w->plan->names, &h, err))
        return -1;
    h.mtime = time->mtime;
    if (cb_tar_write_header(&w->tar, &h, err) || write_contents(w, node, &h, err))
        return cb_context(err, "%.*s", CB_STR_ARG(path));
    return 0;
}

static int write_walked(void *ctx, struct cb_str path, struct cb_node *node, struct cb_error *err)
{
    return cb_str_is(path, ".") ? 0 : write_node(ctx, path, node, node, err);
}

// The database of a package layer: the image's header, the records of the layer's packages.
static int write_database(struct writer *w, struct cb_str path, const struct cb_layer_group *g, struct cb_error *err)
{
    struct cb_tar_header h;
    if (cb_node_header(w->plan->database, path, &w->plan->names, &h, err))
        return -1;
    h.size = 0;
    for (size_t i = 0; i < g->n; i++)
        h.size += (int64_t)g->v[i]->record.n;
    if (cb_tar_write_header(&w->tar, &h, err))
        return -1;
    for (size_t i = 0; i < g->n; i++)
        if (cb_tar_write(&w->tar, g->v[i]->record.p, g->v[i]->record.n, err))
            return -1;
    return 0;
}

static int write_items(struct writer *w, size_t layer, struct cb_error *err)
{
    const struct cb_layer_plan *p = w->plan;
    const struct cb_plan_layer *l = &p->layers[layer];
    const struct cb_layer_group *group = layer < p->groups->n ? &p->groups->v[layer] : NULL;
    for (size_t i = 0; i < l->n; i++) {
        const struct cb_plan_item *item = &l->v[i];
        bool aliased = item->alias_size > 0;
        struct cb_str name = aliased ? cb_strn(item->alias, item->alias_size) : item->node->name;
        const struct cb_node *time = aliased || !item->time ? item->node : item->time;
        cb_plan_path(p, item->parent, name, &w->path);
        struct cb_str path = cb_buf_str(&w->path);
        if (group && item->node == p->database ? write_database(w, path, group, err)
                                               : write_node(w, path, item->node, time, err))
            return -1;
    }
    return 0;
}

static int write_layer(const struct cb_layer_plan *p, size_t layer, bool names_contents, struct cb_sink *out,
                       struct cb_error *err)
{
    struct writer w = {
        .plan = p, .tar = cb_tar_writer(out), .buf = cb_alloc(COPY_SIZE), .names_contents = names_contents};
    int failed = p->groups ? write_items(&w, layer, err) : cb_tree_walk(p->tree, CB_STR("."), write_walked, &w, err);
    if (!failed)
        failed = cb_tar_close(&w.tar, err);
    cb_buf_release(&w.path);
    free(w.buf);
    return failed ? -1 : 0;
}

int cb_layer_write_tar(const struct cb_layer_plan *p, size_t layer, struct cb_sink *out, struct cb_error *err)
{
    return write_layer(p, layer, false, out, err);
}

int cb_layer_key(const struct cb_layer_plan *p, size_t layer, uint8_t key[CB_LAYER_KEY_SIZE], struct cb_error *err)
{
    CB_HASH_AUTO *hash = cb_hash_new(CB_SHA256);
    struct cb_hash_sink sink = cb_hash_sink(hash);
    uint8_t sum[CB_HASH_MAX];
    if (write_layer(p, layer, true, &sink.sink, err))
        return cb_context(err, "reading layer %zu", layer);
    cb_hash_sum(hash, sum);
    memcpy(key, sum, CB_LAYER_KEY_SIZE);
    return 0;
}

// --- Blobs

struct blob {
    int fd;
    const char *name; // for messages
    struct cb_hash *digest, *diff_id;
    uint64_t tar_size;
};

// The tar through its hash into gzip, gzip's output through its hash into the file.
static int write_blob(struct blob *b, const struct cb_layer_plan *p, size_t layer, struct cb_pool *pool,
                      struct cb_error *err)
{
    struct cb_hash_sink digest = cb_hash_sink(b->digest), diff_id = cb_hash_sink(b->diff_id);
    struct cb_fd_sink file = cb_fd_sink(b->fd, b->name);
    struct cb_tee_sink packed = cb_tee_sink(&digest.sink, &file.sink);
    struct cb_gzip_writer *gzip = cb_gzip_writer_new(&packed.sink, pool);
    struct cb_tee_sink plain = cb_tee_sink(&diff_id.sink, cb_gzip_writer_sink(gzip));
    int failed = cb_layer_write_tar(p, layer, &plain.sink, err) || cb_gzip_writer_finish(gzip, err);
    b->tar_size = plain.n;
    cb_gzip_writer_free(gzip);
    return failed ? -1 : 0;
}

static void set_digest(char out[CB_LAYER_DIGEST_SIZE], struct cb_hash *h)
{
    uint8_t sum[CB_HASH_MAX];
    memcpy(out, "sha256:", 7);
    size_t n = cb_hash_sum(h, sum);
    cb_hex(out + 7, sum, n);
}

// What messages call the layer's file, which has no name: where it is tells what is full.
static char *file_name(const char *work_dir)
{
    return cb_format("the layer's file in %s", work_dir ? work_dir : cb_temp_folder());
}

int cb_layer_write(const struct cb_layer_plan *p, size_t layer, const char *work_dir, struct cb_pool *pool,
                   struct cb_layer *out, struct cb_error *err)
{
    CB_HASH_AUTO *digest = cb_hash_new(CB_SHA256);
    CB_HASH_AUTO *diff_id = cb_hash_new(CB_SHA256);
    CB_AUTOFREE char *name = file_name(work_dir);
    struct blob b = {.fd = cb_temp_fd(work_dir, err), .name = name, .digest = digest, .diff_id = diff_id};
    struct stat st;
    if (b.fd < 0)
        return -1;
    *out = (struct cb_layer){.fd = b.fd, .media_type = CB_MEDIA_OCI_LAYER};
    if (write_blob(&b, p, layer, pool, err) || (fstat(b.fd, &st) && cb_fail_errno(err, errno, "%s", name))) {
        cb_layer_release(out);
        return cb_context(err, "writing layer %zu", layer);
    }
    out->size = (uint64_t)st.st_size;
    out->tar_size = b.tar_size;
    set_digest(out->digest, digest);
    set_digest(out->diff_id, diff_id);
    return 0;
}

int cb_layer_write_erofs(struct cb_tree *t, struct cb_time build_time, const char *work_dir, struct cb_layer *out,
                         struct cb_error *err)
{
    CB_HASH_AUTO *hash = cb_hash_new(CB_SHA256);
    CB_AUTOFREE char *name = file_name(work_dir);
    *out = (struct cb_layer){.fd = cb_temp_fd(work_dir, err), .media_type = CB_MEDIA_EROFS_LAYER};
    if (out->fd < 0)
        return -1;
    struct cb_hash_sink digest = cb_hash_sink(hash);
    struct cb_fd_sink file = cb_fd_sink(out->fd, name);
    struct cb_tee_sink both = cb_tee_sink(&digest.sink, &file.sink);
    if (cb_erofs_write(t, build_time, &both.sink, err)) {
        cb_layer_release(out);
        return cb_context(err, "writing the layer's EROFS image");
    }
    out->size = out->tar_size = both.n;
    set_digest(out->digest, hash);
    memcpy(out->diff_id, out->digest, sizeof out->diff_id);
    return 0;
}

void cb_layer_release(struct cb_layer *l)
{
    if (l->shop)
        cb_workshop_return_layer(l->shop, l->key);
    else
        cb_close_p(&l->fd);
    *l = (struct cb_layer)CB_LAYER_INIT;
}
