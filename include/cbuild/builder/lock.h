// Locking: one exact list of packages per architecture, and the lock file.
//
// Source: apko pkg/build/lock.go, pkg/build/multi.go, pkg/build/installable_from_lock.go, pkg/lock,
// internal/cli/lock.go.
#ifndef CB_BUILDER_LOCK_H
#define CB_BUILDER_LOCK_H

#include "cbuild/apk/package_file.h"
#include "cbuild/apk/resolver.h"
#include "cbuild/base/vec.h"

// A build first resolves every architecture together (cb_resolve with siblings), then unifies, and then resolves each
// architecture again, alone, from its locked list (and the packages of -p, which are not part of the list): the order
// of installation is that of the second resolution.

struct cb_locked_arch {
    struct cb_str arch;      // OCI name: "amd64", "arm/v7"
    struct cb_strs packages; // "name=version[@pin]" in byte order; the array is in the arena
    struct cb_strs missing;  // names that are not in every architecture's list alike; only worth a notice
};

struct cb_locked {
    struct cb_arena arena;
    struct {
        struct cb_locked_arch *v;
        size_t n;
    } archs;               // in the order of the inputs. None at all where the configuration names no packages: the
                           // reference then builds an index without images
    struct cb_strs common; // what all agree on (the reference's "index" entry)
};
void cb_locked_release(struct cb_locked *l);

struct cb_lock_input {
    struct cb_str arch; // OCI name
    const struct cb_resolution *resolution;
};

// originals: contents.packages of the configuration. CB_E_CONFLICT: a package that it names did not resolve to the same
// version in every architecture.
int cb_lock_unify(const struct cb_strs *originals, const struct cb_lock_input *inputs, size_t n, struct cb_locked *out,
                  struct cb_error *err);

// The lock file.

struct cb_lock_part {       // of a package file
    struct cb_str range;    // "bytes=0-511"; empty where the part is absent
    struct cb_str checksum; // "sha1-<base64>" or "sha256-<base64>"
};

struct cb_lock_package {
    struct cb_str name, url, version, architecture; // architecture: apk's name
    struct cb_lock_part signature, control, data;
    struct cb_str checksum; // "Q1<base64>"; empty in files of apko before 0.13
};

struct cb_lock_repository {
    struct cb_str name, url, architecture;
};

struct cb_lock_keyring {
    struct cb_str name, url, content;
};

struct cb_lock_file {
    struct cb_arena arena; // holds the slices, not the arrays
    struct cb_str version;
    bool has_config;
    struct cb_str config_name, config_checksum;
    struct {
        struct cb_lock_keyring *v;
        size_t n, cap;
    } keyring;
    struct {
        struct cb_lock_repository *v;
        size_t n, cap;
    } build_repositories, runtime_repositories, repositories;
    struct {
        struct cb_lock_package *v;
        size_t n, cap;
    } packages; // by architecture, each in the order of installation
};
void cb_lock_file_release(struct cb_lock_file *f);
#define CB_LOCK_FILE_AUTO __attribute__((cleanup(cb_lock_file_release))) struct cb_lock_file

#define CB_LOCK_FILE_MAX (64u << 20)

// Reads the text of a lock file as the reference does (unknown keys ignored), but refuses keys given twice.
// name is for messages. Errors: CB_E_INPUT malformed, CB_E_LIMIT larger than CB_LOCK_FILE_MAX.
int cb_lock_file_parse(struct cb_str text, const char *name, struct cb_lock_file *out, struct cb_error *err);

// The text that the reference writes for the same contents; keyring must be sorted by name already
// (cb_lock_file_sort_keyring).
void cb_lock_file_write(const struct cb_lock_file *f, struct cb_buf *out);
void cb_lock_file_sort_keyring(struct cb_lock_file *f);

// The "name=version" lists of the architectures (OCI names) that the file has packages for, in their order.
void cb_lock_file_worlds(const struct cb_lock_file *f, const struct cb_strs *archs, struct cb_locked *out);

// The packages to install for an architecture (apk's name), in order: name, version, arch, checksum and url are set.
// CB_E_INPUT: one has no checksum, or a malformed one.
int cb_lock_file_packages(const struct cb_lock_file *f, struct cb_str apk_arch, struct cb_resolution *out,
                          struct cb_error *err);

// Comparing.

// Appends what b has otherwise than a, a line for each difference: packages by architecture ("x86_64: hello 1.0-r0 ->
// 2.0-r0", added, removed, another checksum or URL), then repositories and keys, then the configuration they were made
// from. Returns how many there are; 0 where both are written as the same text.
size_t cb_lock_file_compare(const struct cb_lock_file *a, const struct cb_lock_file *b, struct cb_buf *out);

// Appends the entries of a configuration's list of packages that the locked ones do not fulfil in one of the
// architectures (OCI names), a line each without a line break at the end, some few at most. Returns how many there are.
// Only packages' own names can be looked up: a lock file does not say what they provide.
size_t cb_lock_file_misfits(const struct cb_lock_file *f, const struct cb_strs *packages, const struct cb_strs *archs,
                            struct cb_buf *out);

// Making one.

// Adds a package and what its opened file says of its segments.
void cb_lock_file_add_package(struct cb_lock_file *f, const struct cb_repo_package *p, const struct cb_apk_file *file);

// Adds a key by its URL or path.
void cb_lock_file_add_key(struct cb_lock_file *f, struct cb_str url, struct cb_str content);

// A repository line ("https://...", "@tag https://...") as it stands in a lock file, for an architecture (apk's name).
// Slices live in *a. CB_E_CONFIG: a tag without a repository.
int cb_lock_repository(struct cb_str line, struct cb_str apk_arch, struct cb_arena *a, struct cb_lock_repository *out,
                       struct cb_error *err);

struct cb_build_options;

// The lock file for a configuration: its architectures resolved each on its own (unlike in a build, packages that
// others lack are taken), their packages opened; with the keys that its repositories offer. Errors: those of the parts.
int cb_lock_make(const struct cb_build_options *o, struct cb_lock_file *out, struct cb_error *err);

// The same, with the packages of old held in their versions: but for those of names, and for as few others as it takes
// for the configuration to be fulfilled; a warning names these. CB_E_NOT_FOUND: old has no package of a name.
int cb_lock_update(const struct cb_build_options *o, const struct cb_lock_file *old, const struct cb_strs *names,
                   struct cb_lock_file *out, struct cb_error *err);

// What the repositories have newer, by architecture and in the order of the lock file.

struct cb_lock_newer {
    const struct cb_lock_package *locked; // in the lock file
    struct cb_str version, url;           // the newest there is, and where its package file is
};

struct cb_lock_outdated { // zero-initialise to start
    struct cb_arena arena;
    struct cb_lock_newer *v;
    size_t n, cap;
};
void cb_lock_outdated_release(struct cb_lock_outdated *l);
#define CB_LOCK_OUTDATED_AUTO __attribute__((cleanup(cb_lock_outdated_release))) struct cb_lock_outdated

// Looks in the configuration's repositories for newer versions of what f locks, whether or not the configuration would
// let them be taken. Only the architectures that it is for count. Errors: those of the parts; *out is to be released in
// any case.
int cb_lock_find_outdated(const struct cb_build_options *o, const struct cb_lock_file *f, struct cb_lock_outdated *out,
                          struct cb_error *err);

#endif
