// Putting a package's entries into the tree, and its record into the database.
//
// What happens where a name is taken already, in this order:
//   by a file of the build (a key, a database)   same bytes: it stays. Otherwise a conflict.
//   by a package's file with the same checksum   it stays; the record names it all the same.
//   by a package that replaces this one          it stays.
//   by one of the same origin, or one that this package replaces   this one takes its place, and the other's record
//                                                                  loses it.
//   by any other package                         a conflict.
// Checksums are those of the package's headers, verified when it was opened. Links and folders have rules of their own:
// a hard link needs a free name, a symlink with the same target stays, and folders are shared.
#include "install_steps.h"

#include <inttypes.h>
#include <stdlib.h>

#include "cbuild/crypto/hash.h"
#include "installed_record.h"

// --- What an entry may be

static int check_entry(const struct cb_tar_header *h, struct cb_error *err)
{
    if (h->name.n == 0)
        return cb_fail(err, CB_E_INPUT, "an entry without a name");
    if (cb_str_find(h->name, '\n') >= 0)
        return cb_fail(err, CB_E_INPUT, "a newline in the name of entry \"%.*s\": it would forge records in %s",
                       CB_STR_ARG(h->name), CB_APK_INSTALLED);
    if (h->uid < 0 || h->uid > UINT32_MAX || h->gid < 0 || h->gid > UINT32_MAX)
        return cb_fail(err, CB_E_INPUT, "%.*s: owner %" PRId64 ":%" PRId64 "; expected numbers of 32 bits",
                       CB_STR_ARG(h->name), h->uid, h->gid);
    if (h->sparse)
        return cb_fail(err, CB_E_INPUT, "%.*s: a sparse file", CB_STR_ARG(h->name));
    return 0;
}

// The type of file that a header means: a regular file's mode may say otherwise, and the reference believes it.
static uint32_t node_mode(const struct cb_tar_header *h)
{
    uint32_t permissions = (uint32_t)h->mode & 07777, type = (uint32_t)h->mode & ~07777u;

    if (h->type == CB_TAR_SYMLINK)
        return S_IFLNK | permissions;
    switch (type) {
    case S_IFDIR:
    case S_IFIFO:
    case S_IFLNK:
    case S_IFBLK:
    case S_IFCHR:
    case S_IFSOCK:
        return type | permissions;
    default:
        return S_IFREG | permissions;
    }
}

static struct cb_str checksum_of(const struct cb_apk_entry *e)
{
    return e->has_checksum ? cb_strn(e->sha1, sizeof e->sha1) : (struct cb_str){0};
}

size_t files_first(const struct cb_apk_file *file)
{
    size_t i = 0;

    while (i < file->entries.n && cb_str_starts(file->entries.v[i].header.name, ".") &&
           cb_str_find(file->entries.v[i].header.name, '/') < 0)
        i++;
    return i;
}

// --- Files and symlinks

struct package_step {
    struct files_step *s;
    const struct cb_apk_file *file;
    const struct cb_package *owner;
    struct cb_map last; // of the regular files' names, the last entry of that name: contents are looked up by name
};

static struct cb_content content_of(const struct package_step *p, const struct cb_apk_entry *e)
{
    struct cb_content c = {.fd = -1, .length = (uint64_t)e->header.size};
    const struct cb_apk_entry *last = cb_map_get(&p->last, e->header.name);

    // Where a package has several entries of one name, the bytes are those of the last. If that is of another kind or
    // size there is nothing to read: the contents stay without bytes, and reading them fails.
    if (last && last->header.type == CB_TAR_FILE && last->header.size == e->header.size) {
        c.fd = p->file->data_fd;
        c.source = p->file->data_sha256;
        c.at = last->data_at;
    }
    return c;
}

static bool lists(const struct cb_strs *replaces, struct cb_str name)
{
    for (size_t i = 0; i < replaces->n; i++)
        if (cb_str_eq(replaces->v[i], name))
            return true;
    return false;
}

// 1: the new one takes the place; 0: what is there stays; -1: a conflict.
static int settle(const struct package_step *p, const struct cb_apk_entry *e, const struct cb_node *there,
                  struct cb_error *err)
{
    const struct cb_package *old = there->owner, *new = p->owner;
    struct cb_str name = e->header.name;
    uint8_t sum[CB_SHA1_SIZE];

    if (!old) {
        if (!there->data || there->data->n == 0)
            return cb_fail(err, CB_E_CONFLICT, "%.*s: the build has something of that name already", CB_STR_ARG(name));
        cb_hash_once(CB_SHA1, there->data->p, there->data->n, sum);
        if (cb_str_eq(cb_strn(sum, sizeof sum), checksum_of(e)))
            return 0;
        return cb_fail(err, CB_E_CONFLICT, "%.*s: the build has another file of that name", CB_STR_ARG(name));
    }
    if (cb_str_eq(there->checksum, checksum_of(e)) || lists(&old->replaces, new->name))
        return 0;
    if (cb_str_eq(old->origin, new->origin) || lists(&new->replaces, old->name))
        return 1;
    cb_fail(err, CB_E_CONFLICT, "%.*s: both %.*s (origin \"%.*s\") and %.*s (origin \"%.*s\") bring it",
            CB_STR_ARG(name), CB_STR_ARG(old->name), CB_STR_ARG(old->origin), CB_STR_ARG(new->name),
            CB_STR_ARG(new->origin));
    return cb_hint(err, "leave one of the two packages out, or have one of them replace the other");
}

static int set_xattrs(struct cb_tree *t, const struct cb_tar_header *h, struct cb_error *err)
{
    for (size_t i = 0; i < h->npax; i++)
        if (cb_str_starts(h->pax[i].key, CB_TAR_XATTR) &&
            cb_tree_set_xattr(t, h->name, cb_str_skip(h->pax[i].key, sizeof CB_TAR_XATTR - 1), h->pax[i].value, err) !=
                0)
            return cb_context(err, "setting extended attribute %.*s", CB_STR_ARG(h->pax[i].key));
    return 0;
}

static int put_file(const struct package_step *p, const struct cb_apk_entry *e, bool *installed, struct cb_error *err)
{
    const struct cb_tar_header *h = &e->header;
    struct cb_node proto = {
        .mode = node_mode(h),
        .mtime = h->mtime,
        .target = h->linkname,
        .content = h->type == CB_TAR_FILE ? content_of(p, e) : (struct cb_content){.fd = -1},
        .checksum = checksum_of(e),
        .owner = p->owner,
    };
    enum cb_tree_put what;
    struct cb_node *there;

    *installed = false;
    if (!e->has_checksum)
        return cb_fail(err, CB_E_INPUT, "%.*s: no APK-TOOLS.checksum.SHA1 record", CB_STR_ARG(h->name));
    if (cb_tree_put(p->s->tree, h->name, &proto, &what, &there, err) != 0)
        return -1;
    int take = what == CB_TREE_PUT ? 0 : settle(p, e, there, err);
    if (take < 0 || (take > 0 && cb_tree_replace(p->s->tree, h->name, &proto, err) != 0))
        return -1;
    *installed = what == CB_TREE_PUT || take > 0;
    return set_xattrs(p->s->tree, h, err);
}

static int put_symlink(const struct package_step *p, const struct cb_apk_entry *e, bool *installed,
                       struct cb_error *err)
{
    CB_ERROR_AUTO none = CB_ERROR_INIT;
    struct cb_str target;

    *installed = false;
    if (cb_tree_readlink(p->s->tree, e->header.name, &target, &none) == 0 && cb_str_eq(target, e->header.linkname))
        return 0;
    return put_file(p, e, installed, err);
}

// --- Hard links

// Whether a relative target, seen from a folder `depth` deep, leads out of the root on its way.
static bool climbs(struct cb_str target, size_t depth)
{
    struct cb_str rest = target, part;

    if (cb_str_starts(target, "/"))
        return false;
    while (cb_str_cut(&rest, '/', &part)) {
        if (part.n == 0 || cb_str_is(part, "."))
            continue;
        if (!cb_str_is(part, ".."))
            depth++;
        else if (depth-- == 0)
            return true;
    }
    return false;
}

static size_t depth_of(struct cb_str name) // of the folder that holds it
{
    size_t depth = 0;
    struct cb_str rest = name, part;

    while (cb_str_cut(&rest, '/', &part))
        depth += part.n > 0;
    return depth > 0 ? depth - 1 : 0;
}

// A second name for a symlink makes its relative target start from another folder: where that brings it out of the
// image's root, whoever unpacks the layer would be led astray.
static int check_hardlink(struct cb_tree *t, const struct cb_tar_header *h, struct cb_error *err)
{
    CB_ERROR_AUTO none = CB_ERROR_INIT;
    struct cb_str target;

    if (cb_tree_readlink(t, h->linkname, &target, &none) != 0)
        return 0;
    if (!climbs(target, depth_of(h->linkname)) && climbs(target, depth_of(h->name)))
        return cb_fail(err, CB_E_INPUT,
                       "%.*s: a hard link to symlink %.*s, whose target %.*s leads out of the image there",
                       CB_STR_ARG(h->name), CB_STR_ARG(h->linkname), CB_STR_ARG(target));
    return 0;
}

// --- All entries

static int put_dir(struct cb_tree *t, const struct cb_tar_header *h, struct cb_error *err)
{
    // Special bits are left to `paths`, as in the reference; a folder that exists keeps its mode, but not its time.
    if (cb_tree_mkdir_all(t, h->name, (uint32_t)h->mode & 0777, err) != 0 ||
        cb_tree_chtimes(t, h->name, h->mtime, err) != 0)
        return -1;
    return set_xattrs(t, h, err);
}

static int put_entry(const struct package_step *p, const struct cb_apk_entry *e, struct cb_error *err)
{
    const struct cb_tar_header *h = &e->header;
    bool installed;

    if (check_entry(h, err) != 0)
        return -1;
    switch (h->type) {
    case CB_TAR_DIR:
        return put_dir(p->s->tree, h, err);
    case CB_TAR_FILE:
        if (put_file(p, e, &installed, err) != 0)
            return -1;
        if (installed)
            cb_map_put(&p->s->owners, h->name, (void *)(uintptr_t)p->owner, NULL);
        return 0;
    case CB_TAR_SYMLINK:
        return put_symlink(p, e, &installed, err);
    case CB_TAR_HARDLINK:
        if (check_hardlink(p->s->tree, h, err) != 0)
            return -1;
        return cb_tree_put_link(p->s->tree, h->linkname, h->name, err);
    default:
        return cb_fail(err, CB_E_INPUT, "%.*s: an entry of type %d; packages hold files, folders and links",
                       CB_STR_ARG(h->name), h->type);
    }
}

int files_install(struct files_step *s, const struct cb_apk_file *file, const struct cb_package *owner,
                  struct cb_error *err)
{
    struct package_step p = {s, file, owner, {0}};
    int rc = 0;

    for (size_t i = 0; i < file->entries.n; i++)
        cb_map_put(&p.last, file->entries.v[i].header.name, &file->entries.v[i], NULL);
    for (size_t i = files_first(file); i < file->entries.n && rc == 0; i++)
        rc = put_entry(&p, &file->entries.v[i], err);
    cb_map_release(&p.last);
    return rc;
}

// --- The record

int files_record(struct files_step *s, const struct cb_apk_file *file, const struct cb_package *owner,
                 struct cb_str *record, struct cb_error *err)
{
    CB_AUTOFREE struct record_file *files = cb_realloc_array(NULL, file->entries.n + 1, sizeof *files);
    CB_BUF_AUTO text = {0};
    size_t n = 0;

    for (size_t i = files_first(file); i < file->entries.n; i++) {
        const struct cb_apk_entry *e = &file->entries.v[i];
        const struct cb_map_item *item = cb_map_find(&s->owners, e->header.name);
        if (item && item->value != owner)
            continue; // overwritten
        files[n++] = (struct record_file){
            .name = e->header.name,
            .is_dir = e->header.type == CB_TAR_DIR,
            .mode = e->header.mode,
            .uid = e->header.uid,
            .gid = e->header.gid,
            .checksum = checksum_of(e),
        };
    }
    if (record_write(owner, files, n, &text, err) != 0)
        return -1;
    *record = cb_arena_str(cb_tree_arena(s->tree), cb_buf_str(&text));
    return cb_tree_append_file(s->tree, CB_STR(CB_APK_INSTALLED), *record, 0644, err);
}
