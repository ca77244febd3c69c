// The configuration of an image (the blob that a manifest's "config" names), as go-containerregistry's v1.ConfigFile
// reads and writes it: fields that it does not know are dropped, what it knows is kept in its order.
// Source: OCI image-spec config.md.
#ifndef CB_OCI_IMAGE_CONFIG_H
#define CB_OCI_IMAGE_CONFIG_H

#include "cbuild/oci/manifest.h"

// A time as it is written: seconds since 1970 UTC, shown in a zone.
struct cb_created {
    int64_t sec;
    int32_t nsec;   // [0, 1e9)
    int32_t offset; // seconds east of UTC; 0 is written as "Z"
};

#define CB_CREATED_ZERO ((struct cb_created){-62135596800, 0, 0}) // Go's zero time, 0001-01-01T00:00:00Z

struct cb_history {
    struct cb_str author, created_by, comment;
    struct cb_created created;
    bool empty_layer;
};

struct cb_healthcheck {
    struct cb_strs test;
    int64_t interval, timeout, start_period, retries; // nanoseconds; a count
};

// Everything lives in the arena given to the parser.
struct cb_image_file {
    struct cb_str architecture, author, container, docker_version, os, os_version, variant;
    struct cb_created created;
    struct cb_history *history;
    size_t nhistory;
    struct cb_str rootfs_type;
    struct cb_digest *diff_ids;
    size_t ndiff_ids;
    struct cb_strs os_features;
    struct {
        bool attach_stderr, attach_stdin, attach_stdout, open_stdin, stdin_once, tty, args_escaped, network_disabled;
        struct cb_strs cmd, entrypoint, env, on_build, shell, volumes, exposed_ports;
        const struct cb_healthcheck *healthcheck;
        struct cb_str domainname, hostname, image, user, working_dir, mac_address, stop_signal;
        struct cb_string_map labels;
    } config;
};

int cb_image_file_parse(struct cb_arena *a, struct cb_str bytes, struct cb_image_file *out, struct cb_error *err);

// CB_E_CONFIG where a time lies outside the years 0 to 9999, which cannot be written.
int cb_image_file_write(struct cb_buf *out, const struct cb_image_file *f, struct cb_error *err);

// RFC 3339 without a fraction, as the annotation org.opencontainers.image.created has it. A time outside the years 0 to
// 9999 is moved to the nearest that is inside.
struct cb_str cb_created_format(struct cb_arena *a, struct cb_created t);

// RFC 3339 with a fraction where there is one, as JSON has it. CB_E_CONFIG where the year is not in 0 to 9999.
int cb_created_format_nano(struct cb_arena *a, struct cb_created t, struct cb_str *out, struct cb_error *err);

// RFC 3339 as Go's time.Parse(time.RFC3339) takes it: fraction and numeric offset allowed. CB_E_USAGE otherwise.
int cb_created_parse(struct cb_str s, struct cb_created *out, struct cb_error *err);

static inline bool cb_created_after(struct cb_created a, struct cb_created b)
{
    return a.sec != b.sec ? a.sec > b.sec : a.nsec > b.nsec;
}

#endif
