// The flags that build and publish share, and the session that they describe: a fetcher over an HTTP client.
#ifndef CB_CLI_BUILD_FLAGS_H
#define CB_CLI_BUILD_FLAGS_H

#include "cbuild/builder/build.h"
#include "command.h"
#include "environment.h"

struct cb_build_flags {
    struct cb_strs annotations, archs, extra_keys, extra_build_repositories, extra_repositories, extra_packages,
        include_paths, sbom_formats;
    const char *build_date, *cache_dir, *format, *lockfile, *sbom_path;
    bool ignore_signatures, no_key_discovery, offline, sbom, vcs;
    struct cb_size_limits limits;
    // of publish
    const char *image_refs;
    bool local;
    const char *key;
    bool attest, cosign_tag;
    // of lock
    const char *output;
    bool check, outdated, json;
    struct cb_strs update_packages;
    // of build-all and publish-all
    const char *outputs, *tags;
    bool keep_going;
    // of all that make images
    bool layer_cache;
    int64_t layer_cache_size;
    const char *build_arch;    // of build-minirootfs and build-cpio
    const char *format_string; // --format of show-packages
    // of dot
    bool spanning_tree, web;
    const char *explorer;
};
extern struct cb_build_flags cb_build_flags;

struct cb_flags cb_build_flag_table(void);
struct cb_flags cb_publish_flag_table(void);
struct cb_flags cb_build_all_flag_table(void);
struct cb_flags cb_publish_all_flag_table(void);
struct cb_flags cb_lock_flag_table(void);
struct cb_flags cb_show_config_flag_table(void);
struct cb_flags cb_show_packages_flag_table(void);
struct cb_flags cb_root_flag_table(void); // build-minirootfs and build-cpio
struct cb_flags cb_dot_flag_table(void);
struct cb_flags cb_reproduce_flag_table(void); // those that say how packages are had

// Everything that a build stands on. Zero-initialise; release in any case.
struct cb_session {
    bool uncached; // set before: no cache but that of --cache-dir
    bool shares;   // set before: several builds share what they have in common
    bool images;   // set before: layers are made, and kept between runs
    struct cb_environment environment;
    struct cb_http *http;
    struct cb_fetcher *fetcher;
    struct cb_workshop *workshop;
    struct cb_arena arena;
    struct cb_pairs annotations;
    struct cb_strs archs;
    struct cb_build_options options;
};

// Checks the flags, reads the environment and opens the session; no work is done yet.
int cb_session_open(struct cb_session *s, const struct cb_invocation *in, const char *config, struct cb_error *err);
void cb_session_close(struct cb_session *s);
#define CB_SESSION_AUTO __attribute__((cleanup(cb_session_close))) struct cb_session

// Writes the build's documents into a folder ("": the working folder), each complete or not at all.
int cb_documents_write(const struct cb_build *b, const char *folder, struct cb_error *err);

// Fails where cb_documents_write could not write: the folder is missing or not writable.
int cb_check_documents_folder(const char *folder, struct cb_error *err);

// CB_E_USAGE where an argument is "true" or "false": most likely the value of a flag before it.
int cb_check_args_are_meant(const struct cb_args *args, struct cb_error *err);

// CB_E_USAGE where a command did not get as many arguments as its usage shows.
int cb_check_argument_count(const struct cb_invocation *in, size_t n, struct cb_error *err);

// Fails where a file could not be created at path: its folder is missing or not writable, or path is a folder.
int cb_check_output(const char *path, struct cb_error *err);

#endif
