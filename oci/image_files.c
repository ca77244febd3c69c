#include "cbuild/oci/image_files.h"

#include <unistd.h>

#include "cbuild/base/file.h"
#include "cbuild/base/vec.h"
#include "cbuild/compress/inflate.h"
#include "cbuild/fs/erofs.h"

#define WHITEOUT ".wh."
#define OPAQUE ".wh..wh..opq"

struct collecting {
    struct cb_image_source *source;
    const struct cb_str *names;
    size_t nnames, limit;
    struct cb_image_files *out;
    struct cb_map gone;     // names that a layer above took away: files, and folders with "/" behind
    struct cb_strs removed; // by the layer at hand: hides only what is below it
    uint64_t bytes;
};

// ---- what is wanted -----------------------------------------------------------------------------------------------

static bool is_folder(struct cb_str name)
{
    return cb_str_ends(name, "/");
}

static bool is_wanted(const struct collecting *c, struct cb_str name)
{
    for (size_t i = 0; i < c->nnames; i++) {
        struct cb_str want = c->names[i];
        if (is_folder(want) ? name.n > want.n && memcmp(name.p, want.p, want.n) == 0 : cb_str_eq(name, want))
            return true;
    }
    return false;
}

// Taken away itself, or with a folder above it.
static bool is_gone(const struct collecting *c, struct cb_str name)
{
    if (cb_map_find(&c->gone, name))
        return true;
    for (size_t i = name.n; i-- > 0;)
        if (name.p[i] == '/' && cb_map_find(&c->gone, cb_str_head(name, i + 1)))
            return true;
    return cb_map_find(&c->gone, CB_STR("/")) != NULL;
}

static bool has_all(const struct collecting *c)
{
    for (size_t i = 0; i < c->nnames; i++)
        if (is_folder(c->names[i]) || (!cb_map_find(&c->out->files, c->names[i]) && !is_gone(c, c->names[i])))
            return false;
    return true;
}

static void forget(struct collecting *c, struct cb_str name)
{
    cb_strs_add(&c->removed, cb_arena_str(&c->out->arena, name));
}

// Whether the entry stands for the absence of another.
static bool note_whiteout(struct collecting *c, struct cb_str name)
{
    size_t base = (size_t)(cb_str_rfind(name, '/') + 1);
    struct cb_str last = cb_str_skip(name, base);
    if (!cb_str_starts(last, WHITEOUT))
        return false;
    if (cb_str_is(last, OPAQUE)) {
        forget(c, base ? cb_str_head(name, base) : CB_STR("/"));
        return true;
    }
    CB_AUTOFREE char *hidden =
        cb_format("%.*s%.*s/", CB_STR_ARG(cb_str_head(name, base)), CB_STR_ARG(cb_str_skip(last, strlen(WHITEOUT))));
    forget(c, cb_str(hidden));
    forget(c, cb_str_head(cb_str(hidden), strlen(hidden) - 1));
    return true;
}

static void end_layer(struct collecting *c)
{
    for (size_t i = 0; i < c->removed.n; i++)
        cb_map_put(&c->gone, c->removed.v[i], c, NULL);
    c->removed.n = 0;
}

// ---- a layer ------------------------------------------------------------------------------------------------------

static int keep(struct collecting *c, struct cb_str name, uint64_t size, struct cb_time mtime, struct cb_source *from,
                struct cb_error *err)
{
    CB_BUF_AUTO b = {0};
    bool added;
    c->bytes += size;
    if (size > c->limit || c->bytes > CB_IMAGE_FILES_BYTES || c->out->files.n >= CB_IMAGE_FILES_MAX)
        return cb_fail(err, CB_E_LIMIT, "%.*s of %llu bytes is more than can be read",
                       CB_STR_ARG(cb_str_head(name, 200)), (unsigned long long)size);
    if (cb_read_all(from, &b, c->limit, "file", err))
        return -1;
    struct cb_image_content *found = cb_arena_alloc(&c->out->arena, sizeof *found);
    *found = (struct cb_image_content){cb_arena_str(&c->out->arena, cb_buf_str(&b)), mtime};
    cb_map_put(&c->out->files, cb_arena_str(&c->out->arena, name), found, &added);
    return 0;
}

static struct cb_str plain_name(struct cb_str name)
{
    while (cb_str_starts(name, "./") || cb_str_starts(name, "/"))
        name = cb_str_skip(name, name.p[0] == '/' ? 1 : 2);
    return name;
}

// Anything but a file at a wanted name hides what is below it, too.
static int look_at(struct collecting *c, struct cb_tar_reader *tar, const struct cb_tar_header *h, struct cb_error *err)
{
    struct cb_str name = plain_name(h->name);
    if (note_whiteout(c, name) || !is_wanted(c, name) || cb_map_find(&c->out->files, name) || is_gone(c, name))
        return 0;
    if (h->type != CB_TAR_FILE) {
        if (h->type != CB_TAR_DIR)
            forget(c, name);
        return 0;
    }
    struct cb_tar_source contents = cb_tar_source(tar);
    return keep(c, name, (uint64_t)h->size, h->mtime, &contents.source, err);
}

static int read_tar(struct collecting *c, struct cb_source *plain, struct cb_error *err)
{
    struct cb_tar_reader *tar = cb_tar_reader_new(plain, "layer");
    struct cb_tar_header h;
    int more;
    do {
        CB_ARENA_AUTO scratch = {0};
        more = cb_tar_next(tar, &scratch, &h, err);
        if (more == 1 && look_at(c, tar, &h, err))
            more = -1;
    } while (more == 1);
    cb_tar_reader_free(tar);
    return more;
}

static int drain(struct cb_source *s, struct cb_error *err)
{
    char chunk[65536];
    ssize_t n;
    while ((n = cb_read(s, chunk, sizeof chunk, err)) > 0)
        ;
    return n < 0 ? -1 : 0;
}

// The stored bytes are read to their end, so that the digest is checked whatever was found; without a digest of them,
// the unpacked ones.
static int read_layer(struct collecting *c, const struct cb_source_layer *l, const struct cb_blob_file *f,
                      struct cb_error *err)
{
    unsigned char magic[2] = {0, 0};
    bool named = cb_digest_is_set(&l->descriptor.digest);
    struct cb_range_source file = cb_range_source(f->fd, "layer", f->at, f->size);
    struct cb_digest_source checked = cb_digest_source(&file.source, &l->descriptor.digest, f->size, "layer");
    struct cb_source *stored = named ? &checked.source : &file.source, *plain = stored;
    struct cb_inflate *z = NULL;
    if (f->size >= 2 && cb_pread_full(f->fd, magic, 2, f->at, "layer", err)) {
        cb_digest_source_release(&checked);
        return -1;
    }
    if (magic[0] == 0x1f && magic[1] == 0x8b) {
        z = cb_inflate_new(stored, 0);
        plain = cb_inflate_stream_source(z);
    }
    struct cb_digest_source unpacked = cb_digest_source(plain, &l->diff_id, f->size, "layer");
    bool by_diff_id = !named && !z;
    int rc = read_tar(c, by_diff_id ? &unpacked.source : plain, err) ||
             drain(by_diff_id ? &unpacked.source : plain, err) || drain(stored, err);
    cb_digest_source_release(&unpacked);
    cb_digest_source_release(&checked);
    cb_inflate_free(z);
    return rc ? -1 : 0;
}

// ---- a layer that is an EROFS image -------------------------------------------------------------------------------

static int keep_erofs(struct collecting *c, struct cb_erofs *e, uint64_t nid, struct cb_str name, struct cb_error *err)
{
    struct cb_erofs_stat st;
    struct cb_erofs_source f = cb_erofs_source(e, nid);
    if (cb_erofs_stat(e, nid, &st, err))
        return -1;
    if (!S_ISREG(st.mode) || cb_map_find(&c->out->files, name) || is_gone(c, name))
        return 0;
    return keep(c, name, st.size, st.mtime, &f.source, err);
}

static int look_up_erofs(struct collecting *c, struct cb_erofs *e, struct cb_str name, struct cb_error *err)
{
    struct cb_erofs_entry at;
    CB_ARENA_AUTO arena = {0};
    struct cb_erofs_entries all = {0};
    struct cb_str path = is_folder(name) ? cb_str_head(name, name.n - 1) : name;
    int found = cb_erofs_resolve(e, path, &at, err);
    if (found <= 0)
        return found;
    if (!is_folder(name))
        return keep_erofs(c, e, at.nid, name, err);
    if (!S_ISDIR(at.type))
        return 0;
    int rc = cb_erofs_list(e, at.nid, &arena, &all, err);
    for (size_t i = 0; rc == 0 && i < all.n; i++) {
        struct cb_str full = cb_arena_format(&arena, "%.*s%.*s", CB_STR_ARG(name), CB_STR_ARG(all.v[i].name));
        rc = keep_erofs(c, e, all.v[i].nid, full, err);
    }
    cb_vec_release(&all);
    return rc;
}

static int read_erofs_layer(struct collecting *c, const struct cb_source_layer *l, const struct cb_blob_file *f,
                            struct cb_error *err)
{
    CB_FD_AUTO fd = cb_temp_fd(NULL, err); // so that what is looked at is what was hashed, and begins at 0
    if (fd < 0)
        return -1;
    struct cb_range_source file = cb_range_source(f->fd, "layer", f->at, f->size);
    struct cb_digest_source checked = cb_digest_source(&file.source, &l->descriptor.digest, f->size, "layer");
    struct cb_fd_sink copy = cb_fd_sink(fd, "a temporary file");
    int rc = cb_copy(&copy.sink, &checked.source, NULL, err);
    cb_digest_source_release(&checked);
    struct cb_erofs *e = rc ? NULL : cb_erofs_open(fd, f->size, "layer", err);
    for (size_t i = 0; e && rc == 0 && i < c->nnames; i++)
        rc = look_up_erofs(c, e, c->names[i], err);
    cb_erofs_free(e);
    return e ? rc : -1;
}

// ---- the whole ----------------------------------------------------------------------------------------------------

static int collect(struct collecting *c, const struct cb_source_image *img, struct cb_error *err)
{
    for (size_t i = img->nlayers; i-- > 0 && !has_all(c);) {
        const struct cb_source_layer *l = &img->layers[i];
        struct cb_blob_file f;
        if (cb_image_source_open_layer(c->source, l, &f, err))
            return cb_context(err, "layer %zu", i);
        bool erofs = cb_str_is(l->descriptor.media_type, CB_MEDIA_EROFS_LAYER);
        int rc = erofs ? read_erofs_layer(c, l, &f, err) : read_layer(c, l, &f, err);
        cb_close_p(&f.fd);
        if (rc)
            return cb_context(err, "layer %zu", i);
        end_layer(c);
    }
    return 0;
}

int cb_image_files_collect(struct cb_image_source *s, const struct cb_source_image *img, const struct cb_str *names,
                           size_t nnames, size_t limit, struct cb_image_files *out, struct cb_error *err)
{
    struct collecting c = {.source = s, .names = names, .nnames = nnames, .limit = limit, .out = out};
    int rc = collect(&c, img, err);
    cb_map_release(&c.gone);
    cb_strs_release(&c.removed);
    cb_map_sort(&out->files);
    return rc ? cb_context(err, "%s: image %.*s", s->name, CB_STR_ARG(img->label)) : 0;
}

const struct cb_image_content *cb_image_files_get(const struct cb_image_files *f, const char *name)
{
    return cb_map_get(&f->files, cb_str(name));
}

void cb_image_files_release(struct cb_image_files *f)
{
    cb_map_release(&f->files);
    cb_arena_release(&f->arena);
}
