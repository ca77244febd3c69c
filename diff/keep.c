#include "keep.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "cbuild/base/file.h"
#include "cbuild/diff/diff.h"

#define PART_MAX 255u // bytes of one part of a path that a file system takes

static int check_empty(const char *folder, struct cb_error *err)
{
    DIR *d = opendir(folder);
    const struct dirent *e;
    bool empty = true;
    if (!d)
        return cb_fail_errno(err, errno, "%s", folder);
    while (empty && (e = readdir(d)))
        empty = !strcmp(e->d_name, ".") || !strcmp(e->d_name, "..");
    closedir(d);
    if (empty)
        return 0;
    cb_fail(err, CB_E_USAGE, "the folder %s is not empty", folder);
    return cb_hint(err, "name a folder that does not exist yet");
}

int keep_open(struct keep *k, const char *folder, struct cb_error *err)
{
    *k = (struct keep){.folder = folder};
    return cb_mkdirs(folder, err) || check_empty(folder, err) ? -1 : 0;
}

void keep_close(struct keep *k)
{
    free(k->below);
    k->below = NULL;
}

// Where an entry goes; NULL where its name is none that a file can have. ".." is gone after cleaning a rooted path.
static char *path_of(const struct keep *k, int side, struct cb_str name)
{
    CB_AUTOFREE char *rooted = cb_format("/%.*s", CB_STR_ARG(name));
    CB_AUTOFREE char *clean = cb_path_clean(cb_str(rooted));
    struct cb_str rest = cb_str(clean), part;
    if (strlen(clean) < 2 || memchr(name.p, 0, name.n))
        return NULL;
    while (cb_str_cut(&rest, '/', &part))
        if (part.n > PART_MAX)
            return NULL;
    return cb_format("%s/%s/%s%s", k->folder, side ? "b" : "a", k->below ? k->below : "", clean);
}

static int write_entry(struct keep *k, int side, struct cb_tar_reader *tar, const struct cb_tar_header *h,
                       struct cb_error *err)
{
    struct cb_atomic f = CB_ATOMIC_INIT;
    if (h->type != CB_TAR_FILE)
        return 0;
    if (k->files[side] >= CB_DIFF_KEPT_MAX || k->bytes[side] + (uint64_t)h->size > CB_DIFF_KEPT_BYTES) {
        k->full = true;
        return 0;
    }
    CB_AUTOFREE char *path = path_of(k, side, h->name);
    if (!path)
        return 0;
    CB_AUTOFREE char *folder = cb_strndup(path, (size_t)(strrchr(path, '/') - path));
    CB_ERROR_AUTO in_the_way = CB_ERROR_INIT; // a file of the same name as a folder: kept is the first
    if (cb_mkdirs(folder, &in_the_way) || cb_atomic_open(&f, path, 0644, &in_the_way))
        return 0;
    struct cb_fd_sink out = cb_fd_sink(f.fd, path);
    struct cb_tar_source in = cb_tar_source(tar);
    if (cb_copy(&out.sink, &in.source, NULL, err)) {
        cb_atomic_abort(&f);
        return -1;
    }
    k->files[side]++;
    k->bytes[side] += (uint64_t)h->size;
    return cb_atomic_commit(&f, err);
}

static int walk(struct keep *k, int side, struct cb_tar_reader *tar, const size_t *entries, size_t n,
                struct cb_error *err)
{
    size_t at = 0;
    for (size_t i = 0; at < n; i++) {
        CB_ARENA_AUTO scratch = {0};
        struct cb_tar_header h;
        if (cb_tar_next(tar, &scratch, &h, err) != 1)
            return err->kind ? -1 : cb_fail(err, CB_E_INPUT, "the layer changed while it was compared");
        if (i != entries[at])
            continue;
        at++;
        if (write_entry(k, side, tar, &h, err))
            return -1;
    }
    return 0;
}

int keep_entries(struct keep *k, int side, const struct side_layer *layer, const size_t *entries, size_t n,
                 struct cb_error *err)
{
    struct layer_stream s;
    if (n == 0)
        return 0;
    if (layer_stream_open(&s, layer, err))
        return -1;
    struct cb_tar_reader *tar = cb_tar_reader_new(layer_stream_plain(&s), layer->path);
    int rc = walk(k, side, tar, entries, n, err);
    cb_tar_reader_free(tar);
    layer_stream_close(&s);
    return rc ? cb_context(err, "keeping files in %s", k->folder) : 0;
}
