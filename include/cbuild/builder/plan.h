// What a configuration comes to before a package is fetched: the steps that building, locking and showing share.
// Source: apko internal/cli/show-packages.go, pkg/build/multi.go, pkg/build/build.go (New).
#ifndef CB_BUILDER_PLAN_H
#define CB_BUILDER_PLAN_H

#include "cbuild/apk/resolver.h"
#include "cbuild/builder/build.h"

struct cb_arch_build;

struct cb_plan {                            // zero-initialise to start, release in any case
    const struct cb_build_options *options; // borrowed
    struct cb_image_config *config;         // as loaded, with what flags put over it and the architectures to build for
    struct cb_arch_build *archs;            // of those, in their order
    size_t narchs;
};

// The configuration. Errors: those of cb_config_load.
int cb_plan_load(struct cb_plan *p, const struct cb_build_options *o, struct cb_error *err);

// Of architectures that the configuration names twice, drops all but the first.
void cb_plan_unique(struct cb_plan *p);

// Drops all architectures but the first.
void cb_plan_keep_first(struct cb_plan *p);

// Base image, keys, indexes and resolver of every architecture, for the lists of c: the plan's configuration, or a copy
// that was checked or completed. The flags' lists count as well.
int cb_plan_prepare(struct cb_plan *p, const struct cb_image_config *c, struct cb_error *err);

// The packages that c needs, chosen for all architectures together.
int cb_plan_resolve(struct cb_plan *p, const struct cb_image_config *c, struct cb_error *err);

// A copy of the configuration that was checked (cb_config_validate); NULL and an error that names the file.
struct cb_image_config *cb_plan_checked_config(const struct cb_plan *p, struct cb_error *err);

// What was resolved for architecture i, and its OCI name.
const struct cb_resolution *cb_plan_resolution(const struct cb_plan *p, size_t i);
struct cb_str cb_plan_arch(const struct cb_plan *p, size_t i);

// What a build for one architecture (its OCI name) begins with: the configuration as it was given, checked; and the
// proof that its base image and keys can be had. The caller frees *out.
int cb_plan_begin(const struct cb_build_options *o, struct cb_str arch, struct cb_image_config **out,
                  struct cb_error *err);

void cb_plan_release(struct cb_plan *p);
#define CB_PLAN_AUTO __attribute__((cleanup(cb_plan_release))) struct cb_plan

// Says of each URL with a password that who has the `holder` can read it, and `why`.
void cb_plan_warn_of_passwords(const struct cb_strs *urls, const char *holder, const char *why);

#endif
