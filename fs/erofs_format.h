// The facts of the EROFS format that both its writer and its reader need. All numbers are little-endian.
#ifndef CB_FS_EROFS_FORMAT_H
#define CB_FS_EROFS_FORMAT_H

#include <stdint.h>
#include <sys/stat.h>

#include "cbuild/base/str.h"

// Superblock, 1024 bytes into the image: where its fields are.
enum {
    EROFS_SUPER_AT = 1024,
    EROFS_SUPER_SIZE = 128,
    EROFS_SUPER_MAGIC = 0,        // u32
    EROFS_SUPER_BLOCK_BITS = 12,  // u8
    EROFS_SUPER_ROOT = 14,        // u16: nid
    EROFS_SUPER_INODES = 16,      // u64
    EROFS_SUPER_TIME = 24,        // u64: mtime of compact inodes
    EROFS_SUPER_TIME_NSEC = 32,   // u32
    EROFS_SUPER_BLOCKS = 36,      // u32: of the image
    EROFS_SUPER_META = 40,        // u32: block where nid 0 is
    EROFS_SUPER_XATTRS = 44,      // u32: block where shared attributes are
    EROFS_SUPER_FEATURES = 80,    // u32: features that a reader must know
    EROFS_SUPER_COMPRESSION = 84, // u16: algorithms in use
    EROFS_SUPER_DEVICES = 86,     // u16: further devices
    EROFS_SUPER_DIR_BITS = 90,    // u8: log2 of blocks in a folder's block
    EROFS_SUPER_PREFIXES = 91,    // u8: long prefixes of attributes' names
};
#define EROFS_MAGIC 0xe0f5e1e2u

// The features that a reader must know.
enum {
    EROFS_ZERO_PADDING = 0x01, // LZ4
    EROFS_CHUNKED_FILES = 0x04,
    EROFS_DEVICE_TABLE = 0x08,
    EROFS_FRAGMENTS = 0x20,
    EROFS_LONG_PREFIXES = 0x40,
};

// A nid counts slots of this size from where inodes begin.
enum { EROFS_SLOT = 32 };

// Inodes: both kinds begin alike.
enum {
    EROFS_COMPACT_SIZE = 32,
    EROFS_EXTENDED_SIZE = 64,
    EROFS_INODE_FORMAT = 0,        // u16: bit 0 extended, bits 1-3 layout
    EROFS_INODE_XATTRS = 2,        // u16: (bytes of attributes - 12) / 4 + 1, 0 for none
    EROFS_INODE_MODE = 4,          // u16
    EROFS_INODE_DATA = 16,         // u32: first block of data, number of a device, format of chunks
    EROFS_COMPACT_NLINK = 6,       // u16
    EROFS_COMPACT_SIZE_AT = 8,     // u32
    EROFS_COMPACT_UID = 24,        // u16
    EROFS_COMPACT_GID = 26,        // u16
    EROFS_EXTENDED_SIZE_AT = 8,    // u64
    EROFS_EXTENDED_UID = 24,       // u32
    EROFS_EXTENDED_GID = 28,       // u32
    EROFS_EXTENDED_TIME = 32,      // u64
    EROFS_EXTENDED_TIME_NSEC = 40, // u32
    EROFS_EXTENDED_NLINK = 44,     // u32
};

enum erofs_layout {
    EROFS_PLAIN = 0,  // data in blocks of their own
    EROFS_INLINE = 2, // the last block's data behind the inode and its attributes
    EROFS_CHUNKS = 4, // an index of chunks there
};

enum {                        // of a chunk-based file's format, and of its index
    EROFS_CHUNK_BITS = 0x1f,  // log2 of blocks in a chunk
    EROFS_CHUNK_INDEX = 0x20, // 8 bytes a chunk, not 4
    EROFS_CHUNK_48BIT = 0x40,
};
#define EROFS_HOLE UINT32_MAX

// A folder's block: entries, then their names. The first entry's offset of its name tells how many entries there are.
enum {
    EROFS_DIRENT_SIZE = 12,
    EROFS_DIRENT_NID = 0,   // u64
    EROFS_DIRENT_NAME = 8,  // u16: offset in the block
    EROFS_DIRENT_TYPE = 10, // u8
};

// Attributes behind an inode: 12 bytes of header, then entries, each filled up to 4 bytes.
enum {
    EROFS_XATTRS_HEADER = 12,
    EROFS_XATTRS_FILTER = 0, // u32
    EROFS_XATTRS_SHARED = 4, // u8: that many u32 references to shared ones follow the header
    EROFS_XATTR_ENTRY = 4,
    EROFS_XATTR_NAME = 0,   // u8: length
    EROFS_XATTR_PREFIX = 1, // u8: a number below; bit 7: a long prefix
    EROFS_XATTR_VALUE = 2,  // u16: length
    EROFS_XATTR_LONG = 0x80,
};

// What a name's number stands for, 1 first. An oddity of the reference, kept: numbers 2 and 3 stand for the whole names
// in the kernel, but for prefixes with a dot here, so that access control lists are stored as names without a prefix.
static const char *const erofs_prefixes[] = {
    "user.", "system.posix_acl_access.", "system.posix_acl_default.", "trusted.", "lustre.", "security.",
};
enum { EROFS_PREFIXES = sizeof erofs_prefixes / sizeof *erofs_prefixes };

static inline void erofs_put(uint8_t *p, unsigned bytes, uint64_t x)
{
    for (unsigned i = 0; i < bytes; i++)
        p[i] = (uint8_t)(x >> 8 * i);
}

static inline uint64_t erofs_get(const uint8_t *p, unsigned bytes)
{
    uint64_t x = 0;
    for (unsigned i = 0; i < bytes; i++)
        x |= (uint64_t)p[i] << 8 * i;
    return x;
}

static inline uint16_t erofs_get16(const uint8_t *p)
{
    return (uint16_t)erofs_get(p, 2);
}

static inline uint32_t erofs_get32(const uint8_t *p)
{
    return (uint32_t)erofs_get(p, 4);
}

// The kinds of files, as folders number them from 1.
static const uint32_t erofs_types[] = {S_IFREG, S_IFDIR, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK, S_IFLNK};
enum { EROFS_TYPES = sizeof erofs_types / sizeof *erofs_types };

static inline uint64_t erofs_align(uint64_t x, uint64_t to)
{
    return (x + to - 1) / to * to;
}

#endif
