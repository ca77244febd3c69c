// Architectures: OCI names ("amd64", "arm/v7") are the canonical ones, apk has its own ("x86_64", "armv7").
// Source: apko pkg/build/types.
#ifndef CB_BUILDER_ARCH_H
#define CB_BUILDER_ARCH_H

#include "cbuild/base/error.h"
#include "cbuild/base/str.h"

// The OCI name for a name of either kind. A name that is not known stays as it is.
struct cb_str cb_arch_parse(struct cb_str name);

// Whether a name (of either kind) is one of the architectures that are built for.
bool cb_arch_known(struct cb_str name);

// apk's name for it. (Its OCI platform: cb_platform_of_arch in oci/image.h.)
struct cb_str cb_arch_to_apk(struct cb_str arch);

// The architectures of "all": 386 amd64 arm64 arm/v6 arm/v7 loong64 ppc64le riscv64 s390x, in this order.
const struct cb_str *cb_arch_all(size_t *n);

// The OCI name of the machine this was compiled for ("host").
struct cb_str cb_arch_host(void);

// The list of --arch: "all" or "host" where it is the only one; otherwise each name parsed, in byte order, without
// repetitions. Slices point into names or to constants.
void cb_arch_list(const struct cb_strs *names, struct cb_strs *out);

#endif
