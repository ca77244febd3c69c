// tar archives as Go's archive/tar reads and writes them: the reference's layers are byte for byte what its Writer
// makes of a Header, and what a package holds is what its Reader makes of the stream.
#ifndef CB_FS_TAR_H
#define CB_FS_TAR_H

#include "cbuild/base/arena.h"
#include "cbuild/base/stream.h"

enum cb_tar_type { // the typeflag byte
    CB_TAR_FILE = '0',
    CB_TAR_HARDLINK = '1',
    CB_TAR_SYMLINK = '2',
    CB_TAR_CHAR = '3',
    CB_TAR_BLOCK = '4',
    CB_TAR_DIR = '5',
    CB_TAR_FIFO = '6',
    CB_TAR_GLOBAL = 'g', // a global PAX header: the reader gives it as a member of its own, with name and pax only
};

// What the reader found, and what the writer may use. A header made from scratch leaves it at CB_TAR_ANY.
enum cb_tar_format {
    CB_TAR_ANY = 0, // reader: none of the three in pure form; writer: the first of the three that can hold the header
    CB_TAR_USTAR = 1,
    CB_TAR_PAX = 2,
    CB_TAR_GNU = 4,
};

struct cb_tar_pax {
    struct cb_str key, value;
};

struct cb_time {
    int64_t sec;
    int32_t nsec; // [0, 1e9)
};

// Go's zero time, the first of January of the year 1: "no time". In a tar header it is written as 0.
#define CB_TIME_ZERO ((struct cb_time){-62135596800, 0})

static inline bool cb_time_is_zero(struct cb_time t)
{
    return t.sec == -62135596800 && t.nsec == 0;
}

// One member's header. In a header that was read, the slices live in the arena given to the reader.
struct cb_tar_header {
    struct cb_str name, linkname, uname, gname;
    uint8_t type;   // enum cb_tar_type, or any other byte in a header that was read
    uint8_t format; // enum cb_tar_format
    bool sparse;    // set by the reader where the member's data has holes: its bytes in the stream are not its contents
    int64_t mode, uid, gid, size;
    struct cb_time mtime;
    int64_t devmajor, devminor;
    struct cb_tar_pax *pax; // sorted by key, each key once; xattrs are "SCHILY.xattr.<name>"
    size_t npax;
};

#define CB_TAR_XATTR "SCHILY.xattr."

// The value of a PAX record, p == NULL where there is none.
struct cb_str cb_tar_pax_get(const struct cb_tar_header *h, const char *key);

// The bytes that follow the header in an archive: 0 for links, folders and devices whatever their size says.
uint64_t cb_tar_data_size(const struct cb_tar_header *h);

#define CB_TAR_SPECIAL_MAX (1u << 20) // bytes of one PAX header, GNU long name or sparse map; as in the reference

// Reading: one header after the other; the data in between is read with cb_tar_read or skipped. Accepts what Go's
// Reader accepts (v7, ustar, PAX, GNU, STAR; sparse files of all four kinds) and gives the same members. Malformed
// archives are CB_E_INPUT, special members over CB_TAR_SPECIAL_MAX are CB_E_LIMIT; errors of the source pass through.
// After an error the reader stays failed: every later call returns -1.
struct cb_tar_reader;
struct cb_tar_reader *cb_tar_reader_new(struct cb_source *in, const char *name); // both borrowed; name is for messages
void cb_tar_reader_free(struct cb_tar_reader *r);
// 1 and *h filled, 0 at the end of the archive, -1 on a malformed archive. Slices are copied into *a. At the end of
// the archive the source may hold more: what follows two zero blocks is not read.
int cb_tar_next(struct cb_tar_reader *r, struct cb_arena *a, struct cb_tar_header *h, struct cb_error *err);
// Of the current member, holes read as zeros: the bytes read, 0 at its end, -1.
ssize_t cb_tar_read(struct cb_tar_reader *r, void *p, size_t n, struct cb_error *err);
uint64_t cb_tar_data_offset(const struct cb_tar_reader *r); // where the current member's data begins in the stream

struct cb_tar_source { // the current member of a reader as a source
    struct cb_source source;
    struct cb_tar_reader *reader;
};
struct cb_tar_source cb_tar_source(struct cb_tar_reader *r);

// Writing: header, then exactly cb_tar_data_size(h) bytes, and so on; then close, which writes the two zero blocks.
// Bytes are those of Go's Writer (1.26) for the same header. A header that none of the formats it may use can hold is
// CB_E_INPUT and nothing is written; so are a member that gets more bytes than its header says, and a header or close
// before the last member got all of its bytes.
struct cb_tar_writer {
    struct cb_sink *out;
    uint64_t left, pad; // of the current member
};
struct cb_tar_writer cb_tar_writer(struct cb_sink *out);
int cb_tar_write_header(struct cb_tar_writer *w, const struct cb_tar_header *h, struct cb_error *err);
int cb_tar_write(struct cb_tar_writer *w, const void *p, size_t n, struct cb_error *err);
int cb_tar_close(struct cb_tar_writer *w, struct cb_error *err);

#endif
