// One architecture's part of a build: its steps, in the order in which build.c takes them.
#ifndef CB_BUILDER_ARCH_BUILD_H
#define CB_BUILDER_ARCH_BUILD_H

#include "base_image.h"
#include "cbuild/apk/resolver.h"
#include "cbuild/builder/build.h"
#include "cbuild/builder/lock.h"
#include "layers.h"

struct cb_arch_build {
    const struct cb_build_options *options;
    struct cb_str arch, apk_arch;   // "amd64", "x86_64"
    struct cb_created epoch;        // what SOURCE_DATE_EPOCH or --build-date say
    struct cb_created created;      // of the image
    struct cb_image_config *config; // as it is stored in the image
    struct cb_base_image base;      // empty where there is none
    struct cb_keyring keys;
    struct cb_indexes indexes;
    struct cb_resolver *resolver;
    bool resolver_is_shared;                 // the workshop's, over `indexes`
    struct cb_resolution resolution;         // of the configuration, with its siblings
    struct cb_resolution locked;             // of the locked configuration, alone: the order of installation
    const struct cb_repo_package **packages; // locked.packages, while their files are open
    const struct cb_apk_file **files;
    struct cb_tree *tree;
    struct cb_install_result installed;
    struct cb_layer_groups groups;
    struct cb_layer *layers;
    size_t nlayers;
    struct cb_image image;
    struct cb_document document; // where SBOMs are wanted
};

// Everything is borrowed; arch is the OCI name. Release in any case.
void cb_arch_build_init(struct cb_arch_build *a, const struct cb_build_options *o, struct cb_str arch);

// Puts the architecture's name before the message; returns -1.
int cb_arch_build_context(const struct cb_arch_build *a, struct cb_error *err);

// Makes a->config: the configuration of the options as it was given, checked.
int cb_arch_build_load(struct cb_arch_build *a, struct cb_error *err);

// The base image and the keys. The lists of the flags count as the configuration's do.
int cb_arch_build_start(struct cb_arch_build *a, const struct cb_image_config *c, struct cb_error *err);

// The same, and the indexes and the resolver for the repositories (but where there is a lock file).
int cb_arch_build_prepare(struct cb_arch_build *a, const struct cb_image_config *c, struct cb_error *err);

// The packages that the configuration needs here, chosen together with the other architectures.
int cb_arch_build_resolve(struct cb_arch_build *a, const struct cb_image_config *c,
                          const struct cb_resolver *const *siblings, size_t n, struct cb_error *err);

// Makes a->config, which this architecture's image stores: the input with exactly these packages, checked.
int cb_arch_build_lock(struct cb_arch_build *a, const struct cb_image_config *input, const struct cb_strs *packages,
                       struct cb_error *err);

// The image's file tree, from the packages of a->config (or the lock file's, where lock is not NULL).
int cb_arch_build_tree(struct cb_arch_build *a, const struct cb_lock_file *lock, struct cb_error *err);

// The tree's layers, the image over them, and its document where that is wanted. The tree and the package files are
// gone afterwards.
int cb_arch_build_image(struct cb_arch_build *a, struct cb_error *err);

void cb_arch_build_release(struct cb_arch_build *a);

#endif
