// Opening a package: its bytes pass once, from wherever they come, through this sink, which cuts them into segments at
// the ends of gzip members, hashes each segment as it stands in the file, inflates it, keeps the compressed bytes for
// the cache, and compares hashes as soon as it has them: the control segment's before the data segment is looked at.
//
// The first member is the signature where its tar begins with a file named ".SIGN."; the control segment is one member
// and everything after it, whatever it is, belongs to the data segment and so to its hash.
#include "opening.h"

#include <stdlib.h>

#include "cbuild/base/vec.h"

#define CB_CHECKSUM_RECORD "APK-TOOLS.checksum.SHA1"

void cb_apk_file_free(struct cb_apk_file *f)
{
    if (!f)
        return;
    cb_close_p(&f->data_fd);
    cb_vec_release(&f->entries);
    cb_arena_release(&f->arena);
    free(f);
}

static void begin_segment(struct cb_opening *o, enum cb_segment segment)
{
    uint8_t unused[CB_HASH_MAX];
    o->segment = segment;
    o->segment_size = o->inflated = 0;
    cb_hash_sum(o->sha1, unused);
    cb_hash_sum(o->sha256, unused);
    cb_buf_reset(&o->plain);
    o->raw = (struct cb_cache_file)CB_CACHE_FILE_INIT;
    if (o->keep)
        cb_cache_create(o->f->cache, &o->raw);
}

// ---- control and signature

static int is_signature(struct cb_opening *o, bool *yes, struct cb_error *err)
{
    CB_ARENA_AUTO a = {0};
    struct cb_mem_source in = cb_mem_source(o->plain.p, o->plain.n);
    struct cb_tar_reader *r = cb_tar_reader_new(&in.source, "the first segment");
    struct cb_tar_header h;
    int found = cb_tar_next(r, &a, &h, err);
    cb_tar_reader_free(r);
    if (found == 0)
        cb_fail(err, CB_E_INPUT, "the first segment is empty");
    *yes = found == 1 && cb_str_starts(h.name, ".SIGN.");
    return found == 1 ? 0 : -1;
}

static int hash_mismatch(struct cb_error *err, const char *segment, const char *promise, struct cb_str want,
                         const uint8_t *got, size_t got_size)
{
    char wanted[2 * CB_HASH_MAX + 1] = "none", found[2 * CB_HASH_MAX + 1];
    if (want.n > 0 && want.n <= CB_HASH_MAX)
        cb_hex(wanted, (const uint8_t *)want.p, want.n);
    cb_hex(found, got, got_size);
    cb_fail(err, CB_E_TRUST, "its %s segment has the hash %s, %s promises %s", segment, found, promise, wanted);
    return cb_hint(err, "the file is not the one that the index or lock file was made for: it was changed or replaced");
}

// Reads the member of the control segment that a name stands for, following links as the reference does.
struct control_file {
    struct cb_str name, link;
    uint8_t type;
    uint64_t at, size;
};

struct control_files {
    struct control_file *v;
    size_t n, cap;
};

static int list_control(struct cb_apk_file *f, struct control_files *files, struct cb_error *err)
{
    struct cb_mem_source in = cb_mem_source(f->control.p, f->control.n);
    struct cb_tar_reader *r = cb_tar_reader_new(&in.source, "the control segment");
    struct cb_tar_header h;
    int more;
    while ((more = cb_tar_next(r, &f->arena, &h, err)) == 1) {
        uint64_t at = cb_tar_data_offset(r);
        if (at + cb_tar_data_size(&h) > f->control.n || h.sparse) {
            more = cb_fail(err, CB_E_INPUT, "the control segment: unexpected end of \"%.*s\"",
                           CB_STR_ARG(cb_str_head(h.name, 100)));
            break;
        }
        *cb_vec_add(files) = (struct control_file){h.name, h.linkname, h.type, at, cb_tar_data_size(&h)};
    }
    cb_tar_reader_free(r);
    return more;
}

#define LINKS_MAX 64 // the reference's bound

static int find_control(const struct cb_apk_file *f, const struct control_files *files, const char *name,
                        struct cb_str *out, struct cb_error *err)
{
    CB_AUTOFREE char *wanted = cb_strdup(name);
    for (int hops = 0; hops <= LINKS_MAX; hops++) {
        const struct control_file *found = NULL;
        for (size_t i = files->n; i-- > 0 && !found;)
            if (cb_str_is(files->v[i].name, wanted))
                found = &files->v[i];
        if (!found)
            break;
        if (found->type == CB_TAR_FILE) {
            *out = cb_strn(f->control.p + found->at, found->size);
            return 0;
        }
        if (found->type != CB_TAR_SYMLINK && found->type != CB_TAR_HARDLINK)
            break;
        ptrdiff_t slash = cb_str_rfind(found->name, '/');
        bool absolute = cb_str_starts(found->link, "/");
        CB_AUTOFREE char *joined =
            cb_format("%.*s%.*s", absolute ? 0 : (int)(slash + 1), found->name.p, CB_STR_ARG(found->link));
        free(wanted);
        wanted = absolute ? cb_strdup(joined) : cb_path_clean(cb_str(joined));
    }
    return cb_fail(err, CB_E_INPUT, "its control segment has no %s", name);
}

static int read_pkginfo(struct cb_opening *o, struct cb_error *err)
{
    struct cb_apk_file *f = o->file;
    struct control_files files = {0};
    struct cb_str text;
    int failed = list_control(f, &files, err) || find_control(f, &files, ".PKGINFO", &text, err) ||
                 cb_pkginfo_parse(text, &f->arena, &f->info, &f->triggers, err);
    cb_vec_release(&files);
    if (failed)
        return -1;
    if (!cb_unhex(o->want_data, CB_SHA256_SIZE, f->info.data_hash))
        return cb_fail(err, CB_E_TRUST, "its .PKGINFO has no SHA-256 of the data segment: datahash is \"%.*s\"",
                       CB_STR_ARG(cb_str_head(f->info.data_hash, 100)));
    return 0;
}

static int end_control(struct cb_opening *o, struct cb_error *err)
{
    struct cb_apk_file *f = o->file;
    uint8_t sha1[CB_HASH_MAX], sha256[CB_HASH_MAX];
    cb_hash_sum(o->sha1, sha1);
    cb_hash_sum(o->sha256, sha256);
    memcpy(f->control_sha1, sha1, CB_SHA1_SIZE);
    memcpy(f->control_sha256, sha256, CB_SHA256_SIZE);
    f->control_size = o->segment_size;
    if (o->want_control.n != CB_SHA1_SIZE || memcmp(o->want_control.p, sha1, CB_SHA1_SIZE) != 0)
        return hash_mismatch(err, "control", "its entry", o->want_control, sha1, CB_SHA1_SIZE);
    f->control = cb_arena_str(&f->arena, cb_buf_str(&o->plain));
    cb_buf_release(&o->plain);
    if (read_pkginfo(o, err))
        return -1;
    o->kept[CB_SEGMENT_CONTROL] = o->raw;
    begin_segment(o, CB_SEGMENT_DATA);
    return 0;
}

static int end_member(struct cb_opening *o, struct cb_error *err)
{
    bool signature = false;
    uint8_t sha1[CB_HASH_MAX];
    if (o->segment == CB_SEGMENT_DATA) {
        o->data_members++;
        return 0;
    }
    if (o->segment == CB_SEGMENT_SIGNATURE && is_signature(o, &signature, err))
        return -1;
    if (!signature)
        return end_control(o, err);
    cb_hash_sum(o->sha1, sha1);
    memcpy(o->file->signature_sha1, sha1, CB_SHA1_SIZE);
    o->file->signature_size = o->segment_size;
    o->kept[CB_SEGMENT_SIGNATURE] = o->raw;
    begin_segment(o, CB_SEGMENT_CONTROL);
    return 0;
}

// ---- the sink

// Bytes of the file that belong to the segment.
static int take_compressed(struct cb_opening *o, const void *p, size_t n, struct cb_error *err)
{
    bool data = o->segment == CB_SEGMENT_DATA;
    cb_hash_add(o->sha256, p, n);
    if (!data)
        cb_hash_add(o->sha1, p, n);
    uint64_t at = o->segment_size;
    o->segment_size += n;
    // Empty deflate blocks take room in the file and none when inflated: a limit on one is none on the other.
    if (!data && o->segment_size > o->f->limits.control && o->segment_size - o->f->limits.control > CB_OPENING_BUFFER)
        return cb_fail(err, CB_E_LIMIT, "its %s segment is larger than the limit of %llu bytes",
                       o->segment == CB_SEGMENT_CONTROL ? "control" : "first",
                       (unsigned long long)o->f->limits.control);
    return o->raw.fd < 0 ? 0 : cb_pwrite_full(o->raw.fd, p, n, at, "a file of the cache", err);
}

// What they inflate to.
static int take_plain(struct cb_opening *o, size_t n, struct cb_error *err)
{
    bool data = o->segment == CB_SEGMENT_DATA;
    uint64_t limit = data ? o->f->limits.data : o->f->limits.control, at = o->inflated;
    o->inflated += n;
    if (o->inflated > limit)
        return cb_fail(err, CB_E_LIMIT, "its %s segment inflates to more than the limit of %llu bytes",
                       data                               ? "data"
                       : o->segment == CB_SEGMENT_CONTROL ? "control"
                                                          : "first",
                       (unsigned long long)limit);
    if (data)
        return cb_pwrite_full(o->file->data_fd, o->buffer, n, at, o->temp, err);
    cb_buf_add(&o->plain, o->buffer, n);
    return 0;
}

static int opening_write(struct cb_sink *s, const void *p, size_t n, struct cb_error *err)
{
    struct cb_opening *o = (struct cb_opening *)s;
    struct cb_str in = cb_strn(p, n);
    size_t room = CB_OPENING_BUFFER;
    while (in.n > 0 || room == CB_OPENING_BUFFER) {
        struct cb_str before = in;
        room = CB_OPENING_BUFFER;
        int ended = cb_gunzip_step(&o->g, &in, o->buffer, &room, err);
        if (ended < 0 || take_compressed(o, before.p, before.n - in.n, err) || take_plain(o, room, err) ||
            (ended == 1 && end_member(o, err)))
            return -1;
    }
    return 0;
}

int cb_opening_begin(struct cb_opening *o, struct cb_fetcher *f, struct cb_str control_sha1, bool keep,
                     struct cb_error *err)
{
    *o = (struct cb_opening){.sink = {opening_write}, .f = f, .want_control = control_sha1, .keep = keep && f->cache};
    for (size_t i = 0; i < 3; i++)
        o->kept[i] = (struct cb_cache_file)CB_CACHE_FILE_INIT;
    o->raw = o->kept[0];
    o->file = cb_zalloc(sizeof *o->file);
    o->file->data_fd = cb_fetcher_temp(f, &o->temp, err);
    if (o->file->data_fd < 0)
        return -1;
    o->buffer = cb_alloc(CB_OPENING_BUFFER);
    o->sha1 = cb_hash_new(CB_SHA1);
    o->sha256 = cb_hash_new(CB_SHA256);
    begin_segment(o, CB_SEGMENT_SIGNATURE);
    return 0;
}

void cb_opening_release(struct cb_opening *o)
{
    if (o->keep) {
        cb_cache_abort(o->f->cache, &o->raw);
        for (size_t i = 0; i < 3; i++)
            cb_cache_abort(o->f->cache, &o->kept[i]);
    }
    cb_apk_file_free(o->file);
    cb_gunzip_release(&o->g);
    cb_hash_free(o->sha1);
    cb_hash_free(o->sha256);
    cb_buf_release(&o->plain);
    free(o->buffer);
    o->file = NULL;
}

// ---- the data segment's members

// The SHA-1 that an APK-TOOLS.checksum.SHA1 record gives: hex, or "Q1" and base64 as melange once wrote it.
static bool read_checksum(struct cb_str text, uint8_t *sha1)
{
    CB_BUF_AUTO raw = {0};
    if (!cb_str_starts(text, "Q1"))
        return cb_unhex(sha1, CB_SHA1_SIZE, text);
    if (cb_base64_decode(&raw, cb_str_skip(text, 2)) || raw.n != CB_SHA1_SIZE)
        return false;
    memcpy(sha1, raw.p, CB_SHA1_SIZE);
    return true;
}

// Hashes the member's bytes and holds them against the record, where there is one.
static int check_contents(struct cb_opening *o, struct cb_tar_reader *r, struct cb_apk_entry *e, struct cb_error *err)
{
    uint8_t sum[CB_HASH_MAX];
    ssize_t n;
    while ((n = cb_tar_read(r, o->buffer, CB_OPENING_BUFFER, err)) > 0)
        cb_hash_add(o->sha1, o->buffer, (size_t)n);
    if (n < 0)
        return -1;
    cb_hash_sum(o->sha1, sum);
    if (e->has_checksum && memcmp(sum, e->sha1, CB_SHA1_SIZE) != 0) {
        char wanted[2 * CB_SHA1_SIZE + 1], found[2 * CB_SHA1_SIZE + 1];
        cb_hex(wanted, e->sha1, CB_SHA1_SIZE);
        cb_hex(found, sum, CB_SHA1_SIZE);
        return cb_fail(err, CB_E_TRUST, "%.*s: its SHA-1 is %s, its checksum record says %s",
                       CB_STR_ARG(e->header.name), found, wanted);
    }
    memcpy(e->sha1, sum, CB_SHA1_SIZE);
    return 0;
}

// Copies a header into the package's arena, without the checksum record: it is the most common one by far, and has
// become a field.
static void keep_header(struct cb_apk_file *f, const struct cb_tar_header *h, struct cb_apk_entry *e)
{
    const struct cb_apk_entry *previous = f->entries.n > 0 ? &f->entries.v[f->entries.n - 1] : NULL;
    struct cb_tar_header *to = &e->header;
    *to = *h;
    to->name = cb_arena_str(&f->arena, h->name);
    to->linkname = h->linkname.n ? cb_arena_str(&f->arena, h->linkname) : CB_STR("");
    bool same_owner =
        previous && cb_str_eq(previous->header.uname, h->uname) && cb_str_eq(previous->header.gname, h->gname);
    to->uname = same_owner ? previous->header.uname : cb_arena_str(&f->arena, h->uname);
    to->gname = same_owner ? previous->header.gname : cb_arena_str(&f->arena, h->gname);
    to->npax = 0;
    to->pax = NULL;
    if (h->npax <= e->has_checksum)
        return;
    to->pax = cb_arena_alloc(&f->arena, h->npax * sizeof *to->pax);
    for (size_t i = 0; i < h->npax; i++)
        if (!cb_str_is(h->pax[i].key, CB_CHECKSUM_RECORD))
            to->pax[to->npax++] =
                (struct cb_tar_pax){cb_arena_str(&f->arena, h->pax[i].key), cb_arena_str(&f->arena, h->pax[i].value)};
}

static uint64_t metadata_size(const struct cb_tar_header *h)
{
    uint64_t size = sizeof(struct cb_apk_entry) + h->name.n + h->linkname.n + h->uname.n + h->gname.n;
    for (size_t i = 0; i < h->npax; i++)
        size += sizeof *h->pax + h->pax[i].key.n + h->pax[i].value.n;
    return size;
}

static int add_entry(struct cb_opening *o, struct cb_tar_reader *r, const struct cb_tar_header *h, struct cb_error *err)
{
    struct cb_apk_entry e = {.data_at = cb_tar_data_offset(r)};
    struct cb_str checksum = cb_tar_pax_get(h, CB_CHECKSUM_RECORD);
    if (h->sparse)
        return cb_fail(err, CB_E_UNSUPPORTED, "%.*s: a sparse file", CB_STR_ARG(h->name));
    if (checksum.p && h->type != CB_TAR_DIR) {
        e.has_checksum = read_checksum(checksum, e.sha1);
        if (!e.has_checksum)
            return cb_fail(err, CB_E_INPUT, "%.*s: its checksum record \"%.*s\" is no SHA-1", CB_STR_ARG(h->name),
                           CB_STR_ARG(cb_str_head(checksum, 60)));
    }
    keep_header(o->file, h, &e);
    if (h->type == CB_TAR_FILE && !(o->known && e.has_checksum) && check_contents(o, r, &e, err))
        return -1;
    *cb_vec_add(&o->file->entries) = e;
    return 0;
}

static int list_entries(struct cb_opening *o, struct cb_error *err)
{
    struct cb_range_source in = cb_range_source(o->file->data_fd, o->temp, 0, o->inflated);
    struct cb_tar_reader *r = cb_tar_reader_new(&in.source, "the data segment");
    struct cb_arena scratch = {0};
    struct cb_tar_header h;
    uint64_t metadata = 0;
    uint8_t unused[CB_HASH_MAX];
    int more;
    cb_hash_sum(o->sha1, unused);
    while ((more = cb_tar_next(r, &scratch, &h, err)) == 1) {
        metadata += metadata_size(&h);
        if (metadata > CB_APK_METADATA_MAX || o->file->entries.n == CB_APK_ENTRIES_MAX)
            more = cb_fail(err, CB_E_LIMIT, "more than %u files, or %llu bytes of their names and attributes",
                           CB_APK_ENTRIES_MAX, CB_APK_METADATA_MAX);
        else if (add_entry(o, r, &h, err))
            more = -1;
        cb_arena_release(&scratch);
        if (more < 0)
            break;
    }
    cb_arena_release(&scratch);
    cb_tar_reader_free(r);
    return more;
}

struct cb_apk_file *cb_opening_finish(struct cb_opening *o, struct cb_error *err)
{
    struct cb_apk_file *f = o->file;
    uint8_t sum[CB_HASH_MAX];
    if (o->segment != CB_SEGMENT_DATA || o->segment_size == 0) {
        cb_fail(err, CB_E_INPUT,
                cb_gunzip_between(&o->g) ? "unexpected end: it has no data segment" : "gzip: unexpected end");
        return NULL;
    }
    if (o->data_members == 0 || !cb_gunzip_may_end(&o->g)) {
        cb_fail(err, CB_E_INPUT, "gzip: unexpected end");
        return NULL;
    }
    cb_hash_sum(o->sha256, sum);
    if (memcmp(sum, o->want_data, CB_SHA256_SIZE) != 0) {
        hash_mismatch(err, "data", "its .PKGINFO", cb_strn(o->want_data, CB_SHA256_SIZE), sum, CB_SHA256_SIZE);
        return NULL;
    }
    memcpy(f->data_sha256, sum, CB_SHA256_SIZE);
    f->data_size = o->segment_size;
    o->kept[CB_SEGMENT_DATA] = o->raw;
    o->raw = (struct cb_cache_file)CB_CACHE_FILE_INIT;
    if (list_entries(o, err))
        return NULL;
    f->info.size = f->signature_size + f->control_size + f->data_size;
    f->info.checksum = cb_arena_str(&f->arena, cb_strn(f->control_sha1, CB_SHA1_SIZE));
    o->file = NULL;
    return f;
}
