// The little of ELF that a cache of shared libraries needs: machine and sonames, read where they are in the file.
//
// What is a library and what is not follows Go's debug/elf, which reads by section headers: a file whose sections are
// malformed is none, though a loader might take it. Source: the System V ABI; apko internal/ldso-cache.
#ifndef CB_BUILDER_ELF_H
#define CB_BUILDER_ELF_H

#include "cbuild/fs/tree.h"

#define CB_ELF_X86_64 62u
#define CB_ELF_AARCH64 183u
#define CB_ELF_DYNAMIC_MAX (16u << 20) // bytes of the dynamic section
#define CB_ELF_SECTIONS_MAX (1u << 17)
#define CB_ELF_SONAME_MAX 4096u // bytes; a longer soname is the name of no file

typedef void cb_elf_soname_fn(void *ctx, struct cb_str soname);

// Calls fn for each DT_SONAME of a shared object, in order. CB_E_INPUT: the file is none. CB_E_LIMIT: it has
// too many sections, or too large a dynamic one.
int cb_elf_read(const struct cb_node *file, uint16_t *machine, cb_elf_soname_fn *fn, void *ctx, struct cb_error *err);

#endif
