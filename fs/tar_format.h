// Where the fields of a tar header block stand: v7, ustar (POSIX.1-1988), GNU and STAR. Private to fs/.
#ifndef CB_FS_TAR_FORMAT_H
#define CB_FS_TAR_FORMAT_H

#include "cbuild/fs/tar.h"

#define TAR_BLOCK 512u
#define TAR_NAME_SIZE 100u
#define TAR_OWNER_SIZE 32u

struct tar_field {
    uint16_t at, n;
};

#define TAR_NAME ((struct tar_field){0, TAR_NAME_SIZE})
#define TAR_MODE ((struct tar_field){100, 8})
#define TAR_UID ((struct tar_field){108, 8})
#define TAR_GID ((struct tar_field){116, 8})
#define TAR_SIZE ((struct tar_field){124, 12})
#define TAR_MTIME ((struct tar_field){136, 12})
#define TAR_CHECKSUM ((struct tar_field){148, 8})
#define TAR_TYPE ((struct tar_field){156, 1})
#define TAR_LINKNAME ((struct tar_field){157, TAR_NAME_SIZE})
// ustar and GNU
#define TAR_MAGIC ((struct tar_field){257, 8}) // magic and version
#define TAR_UNAME ((struct tar_field){265, TAR_OWNER_SIZE})
#define TAR_GNAME ((struct tar_field){297, TAR_OWNER_SIZE})
#define TAR_DEVMAJOR ((struct tar_field){329, 8})
#define TAR_DEVMINOR ((struct tar_field){337, 8})
#define TAR_PREFIX ((struct tar_field){345, 155})
// STAR
#define TAR_STAR_PREFIX ((struct tar_field){345, 131})
#define TAR_STAR_ATIME ((struct tar_field){476, 12})
#define TAR_STAR_CTIME ((struct tar_field){488, 12})
#define TAR_STAR_TRAILER ((struct tar_field){508, 4})
// GNU
#define TAR_GNU_ATIME ((struct tar_field){345, 12})
#define TAR_GNU_CTIME ((struct tar_field){357, 12})
#define TAR_GNU_SPARSE ((struct tar_field){386, 97}) // four entries of 24 bytes, then the "more follows" flag
#define TAR_GNU_REALSIZE ((struct tar_field){483, 12})

#define TAR_MAGIC_USTAR                                                                                                \
    "ustar\0"                                                                                                          \
    "00"
#define TAR_MAGIC_GNU "ustar  \0"

// Typeflags that only the archive itself uses.
enum { TAR_PAX_HEADER = 'x', TAR_GNU_NAME = 'L', TAR_GNU_LINK = 'K', TAR_GNU_SPARSE_FILE = 'S' };

struct tar_sums {
    int64_t as_unsigned, as_signed; // Sun's tar added up signed bytes
};
struct tar_sums tar_checksums(const uint8_t block[TAR_BLOCK]);

bool tar_header_only(uint8_t type); // no data follows, whatever the size says

// A record's key and value may stand in a PAX header.
bool tar_pax_valid(struct cb_str key, struct cb_str value);

#endif
