// The image configuration: every field that apko reads, as YAML or JSON gives it.
// Source: apko pkg/build/types. Field names follow the configuration's own keys.
//
// A configuration is one heap object. Its strings live in its arena and its lists on the heap, so that lists may be
// appended to; both die with cb_config_free. Strings that are put into it must live as long (cb_config_str copies).
#ifndef CB_BUILDER_CONFIG_H
#define CB_BUILDER_CONFIG_H

#include "cbuild/base/arena.h"
#include "cbuild/base/buf.h"
#include "cbuild/base/error.h"
#include "cbuild/base/vec.h"

struct cb_optional_u32 {
    bool set;
    uint32_t value;
};

struct cb_user {
    struct cb_str username, shell, homedir;
    uint32_t uid;
    struct cb_optional_u32 gid;
};

struct cb_group_entry {
    struct cb_str groupname;
    uint32_t gid;
    struct cb_strs members;
};

struct cb_path_mutation {
    struct cb_str path, type, source;
    struct cb_optional_u32 uid, gid;
    uint32_t permissions;
    bool recursive;
};

struct cb_named_content { // a certificate or a runtime key
    struct cb_str name, content;
};

struct cb_pair {
    struct cb_str key, value;
};

struct cb_pairs { // a map, kept in the byte order of its keys, each of which it holds once
    struct cb_pair *v;
    size_t n, cap;
};

struct cb_image_config {
    struct {
        struct cb_strs build_repositories, runtime_repositories, repositories, keyring, packages;
        struct {
            struct cb_named_content *v;
            size_t n, cap;
        } runtime_keyring;
        bool has_baseimage;
        struct {
            struct cb_str image, apkindex;
        } baseimage;
    } contents;
    struct {
        struct cb_str type, command, shell_fragment;
        bool has_services; // a map was given, if only an empty one: the reference tells the two apart when it merges
        struct cb_pairs services;
    } entrypoint;
    struct cb_str cmd, stop_signal, work_dir;
    struct {
        struct cb_str run_as;
        bool has_users, has_groups; // a list was given, if only an empty one
        struct {
            struct cb_user *v;
            size_t n, cap;
        } users;
        struct {
            struct cb_group_entry *v;
            size_t n, cap;
        } groups;
    } accounts;
    struct cb_strs archs; // OCI names ("amd64", "arm/v7"), as cb_arch_parse gives them
    struct cb_pairs environment;
    struct {
        struct cb_path_mutation *v;
        size_t n, cap;
    } paths;
    struct cb_str vcs_url;
    struct cb_pairs annotations;
    struct cb_str include;
    struct cb_strs volumes;
    bool has_layering;
    struct {
        struct cb_str strategy;
        int64_t budget;
    } layering;
    struct cb_str format; // "", "tar" or "erofs"
    bool has_certificates;
    struct {
        struct {
            struct cb_named_content *v;
            size_t n, cap;
        } additional;
        struct cb_strs providers;
    } certificates;

    // Not part of the configuration itself:
    struct cb_str file;     // the path it was loaded from, as given: a lock file's config.name
    struct cb_str checksum; // "sha256-<base64>" of its text and that of every included file, in the order in which
                            // they are read: a lock file's config.deep-checksum
    struct cb_arena arena;
};

struct cb_image_config *cb_config_new(void);
void cb_config_free(struct cb_image_config *c); // NULL is fine
void cb_config_free_p(struct cb_image_config **c);
#define CB_CONFIG_AUTO __attribute__((cleanup(cb_config_free_p))) struct cb_image_config

struct cb_str cb_config_str(struct cb_image_config *c, struct cb_str s); // a copy in the arena

// Reads a configuration, follows its `include` and merges. Where path does not exist, each of include_paths (NULL:
// none) is tried before it. Nothing is fetched: an include is a local file. CB_E_CONFIG for an unknown or repeated key,
// a value of the wrong type, what is not YAML: "file:line:column: ..." with the line and a caret as detail and the
// nearest known key as hint. CB_E_NOT_FOUND, CB_E_LIMIT (4 MiB a file, includes nested past 64) and CB_E_IO for files.
// The result is not validated yet: what a build does with it stands between (--annotations, --format, locking).
int cb_config_load(const char *path, const struct cb_strs *include_paths, struct cb_image_config **out,
                   struct cb_error *err);

// Reads a configuration as an image stores it or as it was attested, by any release of apko: JSON, also with the names
// that Go's own fields had before October 2023 ("ShellFragment"). What is not known any more, or was done with when the
// image was built (include), is left out, and *notes (appended; texts in *a) says of each what it was. name is for
// messages. Fields that are known are read as cb_config_load reads them.
int cb_config_read_published(struct cb_str json, const char *name, struct cb_arena *a, struct cb_strs *notes,
                             struct cb_image_config **out, struct cb_error *err);

// The checks and the defaults that precede every build of an architecture; call it once on each copy that is built.
// Changes: a user's empty homedir becomes /home/<username>; a service bundle gets its command, and the package "s6"
// after the others (also after the locked ones, and each time: the reference does, and the stored configuration shows
// it). CB_E_CONFIG.
int cb_config_validate(struct cb_image_config *c, struct cb_error *err);

// Merges from into to: what to sets wins, lists of from stand before those of to. vcs-url, include, file and checksum
// are not taken over; so a merge into an empty configuration is the copy that the reference makes when it locks, with
// those fields empty. Copies whatever it takes.
void cb_config_merge(const struct cb_image_config *from, struct cb_image_config *to);

// A copy with every field, file and checksum too.
struct cb_image_config *cb_config_clone(const struct cb_image_config *c);

// The configuration as it is stored in the image at etc/apko.json: Go's encoding/json, one line, "\n" at the end.
void cb_config_write_json(const struct cb_image_config *c, struct cb_buf *out);

// The configuration as show-config prints it: gopkg.in/yaml.v3's block style, passwords in URLs as "xxxxx".
// CB_E_CONFIG for a repository or key that is no URL.
int cb_config_write_yaml(const struct cb_image_config *c, struct cb_buf *out, struct cb_error *err);

// The "key:value" texts of --annotations into *out, whose strings are copied into the arena. CB_E_USAGE.
int cb_annotations_parse(const struct cb_strs *texts, struct cb_arena *a, struct cb_pairs *out, struct cb_error *err);

// Puts every pair of `more` over c's annotations.
void cb_config_annotate(struct cb_image_config *c, const struct cb_pairs *more);

// "url@commit" of the git checkout around the configuration at path, read from its files without running git, into
// *out; empty where there is none, where it has no remote "origin" or no commit yet, or where it does not lie within
// work_dir (an absolute path: the reference looks no further up than the folder it runs in). Why goes to the debug log.
void cb_vcs_probe(const char *path, const char *work_dir, struct cb_buf *out);

// Maps.
void cb_pairs_set(struct cb_pairs *m, struct cb_str key, struct cb_str value);
const struct cb_str *cb_pairs_get(const struct cb_pairs *m, struct cb_str key); // NULL where absent
void cb_pairs_release(struct cb_pairs *m);

// A file as the reference looks for it: path itself where it exists, else below each of include_paths in turn. Owned;
// NULL with CB_E_NOT_FOUND. For base images too.
char *cb_resolve_path(const char *path, const struct cb_strs *include_paths, struct cb_error *err);

#endif
