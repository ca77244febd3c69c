// The build: from a configuration file to finished images and their index.
//
// This is the whole chain, and the only place that knows it:
//
//     config file -> image_config -> locked packages per architecture -> package files (verified) -> file tree
//         -> layers -> image (config and manifest) -> index
//
// build.c has the steps that concern all architectures, arch_build.c those of one.
// Source: apko internal/cli/build.go (buildImageComponents), pkg/build/build_implementation.go (buildImage).
#ifndef CB_BUILDER_BUILD_H
#define CB_BUILDER_BUILD_H

#include "cbuild/apk/repository.h"
#include "cbuild/base/pool.h"
#include "cbuild/builder/config.h"
#include "cbuild/builder/workshop.h"
#include "cbuild/oci/index.h"

struct cb_locked; // see builder/lock.h

// What a build is asked for. Everything is borrowed and must outlive the build; zero values mean "not given".
struct cb_build_options {
    const char *config_path;
    const struct cb_image_config *config; // instead of what is at config_path, which is then for messages; may be NULL
    // The exact packages of each architecture ("name=version"), in place of those that the configuration's come to; all
    // architectures must be in it. NULL: they are chosen.
    const struct cb_locked *packages;
    struct cb_strs include_paths;
    struct cb_strs archs; // OCI names in byte order; empty: those of the configuration, else all
    struct cb_strs extra_keys, extra_build_repositories, extra_repositories, extra_packages;
    const struct cb_pairs *annotations; // put over the configuration's
    const char *lockfile, *format;      // NULL or "": none
    bool vcs;                           // find the VCS URL from the git checkout around the configuration
    const char *work_dir;               // absolute; where that search ends
    struct cb_created build_date;       // --build-date
    bool epoch_given;                   // SOURCE_DATE_EPOCH is in the environment, if only empty
    bool epoch_set;                     // and has this value, which wins over build_date
    int64_t epoch;                      // seconds since 1970
    int64_t now;                        // seconds since 1970: keys that are deprecated by then are not used
    bool sbom;                          // make SPDX documents
    const char *tag, *tool;             // for them: the image's first tag, NULL for none; "cbuild (0.1.0)"
    const char *temp_dir;               // for layers until they are where they belong; NULL: cb_temp_folder()
    struct cb_fetcher *fetcher;
    struct cb_pool *pool;
    struct cb_workshop *workshop; // NULL: this build shares nothing with others
};

struct cb_build; // a finished build; owns its layers, images and index

// Errors: those of the parts, with the architecture's name before them where there is one. Nothing is left on disk.
int cb_build_run(const struct cb_build_options *o, struct cb_build **out, struct cb_error *err);
void cb_build_free(struct cb_build *b);
void cb_build_free_p(struct cb_build **b);
#define CB_BUILD_AUTO __attribute__((cleanup(cb_build_free_p))) struct cb_build

const struct cb_index_image *cb_build_index(const struct cb_build *b);

// Appends the configuration that image i of the index stores (etc/apko.json, which its packages are locked in); for
// i == nimages the one of them all, with the packages that they have in common: to build it gives them again.
void cb_build_stored_config(const struct cb_build *b, size_t i, struct cb_buf *out);

// A document beside the images: an unnamed file of its bytes, and the name that it should get.
struct cb_document {
    char *name; // "sbom-x86_64.spdx.json"
    int fd;
    uint64_t size; // bytes
};

// The documents that were asked for: one of each image, then that of the index.
size_t cb_build_document_count(const struct cb_build *b);
const struct cb_document *cb_build_document(const struct cb_build *b, size_t i);

// That of image i of the index; for i == nimages the index's. NULL where none was asked for.
const struct cb_document *cb_build_document_of(const struct cb_build *b, size_t i);

#endif
