// Where two images differ, and why: packages first, then index, manifest, config field, layer, tar entry and field,
// gzip block, first byte. Behind each difference stands its cause where it is known: another version of a package,
// another time stamp, another gzip stream over the same archive, another order; and the package that owns the file.
//
// Contents stream: what is held is the names and headers of one layer's entries on each side, bounded by
// CB_DIFF_ENTRIES_MAX, the databases of installed packages, and the differences that are told in full.
#ifndef CB_DIFF_DIFF_H
#define CB_DIFF_DIFF_H

#include "cbuild/base/stream.h"
#include "cbuild/oci/image_source.h"

#define CB_DIFF_ENTRIES_MAX 2000000u // entries of one layer

enum cb_diff_format { CB_DIFF_TEXT, CB_DIFF_JSON, CB_DIFF_MARKDOWN, CB_DIFF_HTML };

// What is not to count. With any of these, digests and sizes that follow from contents do not count either, nor does
// the packing of a layer.
struct cb_diff_ignore {
    bool file_timestamps;  // mtime, atime, ctime of entries
    bool image_timestamps; // created of the config and its history, annotations of that name
    bool file_order;       // of a layer's entries
    bool file_mode_bits;   // those of a mode beyond permissions and the special bits
    bool history;
    bool image_name; // annotations by which tools name images
    bool tar_format;
    bool canonical_paths; // "./a" and "/a" are "a"
};

struct cb_diff_options {
    unsigned limit;                // differences told in full for each layer; further ones are counted. 0: 20
    struct cb_diff_ignore ignore;  //
    const struct cb_strs *ignored; // patterns of paths in layers, matched as in .gitignore without "!": see glob.h
    enum cb_diff_format format;    //
    const char *report_dir;        // NULL: none. Gets report.txt, .json, .md, .html, and the two files of each content
                                   // that differs (up to CB_DIFF_KEPT_MAX) below a/ and b/
    const struct cb_strs *archs;   // only images for these (OCI names); NULL or none: all
};

#define CB_DIFF_KEPT_MAX 2000u        // files of a report folder, of each side
#define CB_DIFF_KEPT_BYTES (1u << 30) // bytes of them all

// Writes to *out what differs, the outermost level first; as text, nothing where nothing does. 0 where the images are
// the same, 1 where they differ, -1 where a side cannot be read.
int cb_diff_sources(struct cb_image_source *a, struct cb_image_source *b, const struct cb_diff_options *options,
                    struct cb_sink *out, struct cb_error *err);

// The same for images by name (cb_image_source_open); access may be NULL where both are files.
int cb_diff_images(const char *a, const char *b, const struct cb_image_access *access,
                   const struct cb_diff_options *options, struct cb_sink *out, struct cb_error *err);

#endif
