// The inside of struct cb_tar_reader, shared by reading and by sparse files.
#ifndef CB_FS_TAR_READER_H
#define CB_FS_TAR_READER_H

#include "cbuild/base/buf.h"
#include "tar_format.h"

enum tar_kind { KIND_BAD, KIND_V7, KIND_USTAR, KIND_STAR, KIND_GNU };

struct tar_fragment {
    int64_t at, length;
};

struct cb_tar_reader {
    struct cb_source *in;
    const char *name;
    uint64_t pos, data_at; // bytes read of the source; where the current member's data began
    uint64_t left, pad;    // of the current member's data as it stands in the archive
    bool failed, ended;
    uint8_t block[TAR_BLOCK];
    struct cb_arena special; // names and records of the member being read
    struct cb_tar_pax *pax;  // of the last PAX header; sorted
    size_t npax;
    // A sparse file: the data goes into the gaps between the holes. The last hole ends where the file does.
    bool sparse;
    struct {
        struct tar_fragment *v;
        size_t n, cap;
    } holes;
    size_t hole;   // the next
    int64_t place; // in the file
};

int tar_malformed(struct cb_tar_reader *r, struct cb_error *err, const char *what);
ssize_t tar_raw(struct cb_tar_reader *r, void *p, size_t n, struct cb_error *err);  // short only at the source's end
ssize_t tar_data(struct cb_tar_reader *r, void *p, size_t n, struct cb_error *err); // of the current member, as stored
struct cb_str tar_string(const uint8_t *block, struct tar_field f);
int64_t tar_number(const uint8_t *block, struct tar_field f, bool *bad);
enum tar_kind tar_kind_of(const uint8_t *block);
int tar_set_data(struct cb_tar_reader *r, const struct cb_tar_header *h, struct cb_error *err);

// Reads the map of holes where h is a sparse file; may change its name and size.
int tar_sparse_begin(struct cb_tar_reader *r, struct cb_tar_header *h, struct cb_error *err);
ssize_t tar_sparse_read(struct cb_tar_reader *r, void *p, size_t n, struct cb_error *err);

#endif
