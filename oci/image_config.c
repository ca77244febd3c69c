#include "cbuild/oci/image_config.h"

#include <assert.h>

#include "json_table.h"

#define N(array) (sizeof(array) / sizeof *(array))
#define AT(type, member) offsetof(struct type, member)

// Keys stand in the order of go-containerregistry's structs, which is the order in which they are written.

static const struct cb_json_field history_fields[] = {
    {"author", CB_FIELD_STR, true, AT(cb_history, author), NULL},
    {"created", CB_FIELD_TIME, true, AT(cb_history, created), NULL},
    {"created_by", CB_FIELD_STR, true, AT(cb_history, created_by), NULL},
    {"comment", CB_FIELD_STR, true, AT(cb_history, comment), NULL},
    {"empty_layer", CB_FIELD_BOOL, true, AT(cb_history, empty_layer), NULL},
};
static const struct cb_json_table history_table = {history_fields, N(history_fields), sizeof(struct cb_history)};

static const struct cb_json_field health_fields[] = {
    {"Test", CB_FIELD_STRS, true, AT(cb_healthcheck, test), NULL},
    {"Interval", CB_FIELD_INT, true, AT(cb_healthcheck, interval), NULL},
    {"Timeout", CB_FIELD_INT, true, AT(cb_healthcheck, timeout), NULL},
    {"StartPeriod", CB_FIELD_INT, true, AT(cb_healthcheck, start_period), NULL},
    {"Retries", CB_FIELD_INT, true, AT(cb_healthcheck, retries), NULL},
};
static const struct cb_json_table health_table = {health_fields, N(health_fields), sizeof(struct cb_healthcheck)};

struct rootfs { // as it stands in struct cb_image_file
    struct cb_str rootfs_type;
    struct cb_digest *diff_ids;
    size_t ndiff_ids;
};
static const struct cb_json_field rootfs_fields[] = {
    {"type", CB_FIELD_STR, false, AT(rootfs, rootfs_type), NULL},
    {"diff_ids", CB_FIELD_DIGESTS, false, AT(rootfs, diff_ids), NULL},
};
static const struct cb_json_table rootfs_table = {rootfs_fields, N(rootfs_fields), sizeof(struct rootfs)};
static_assert(AT(cb_image_file, diff_ids) - AT(cb_image_file, rootfs_type) == AT(rootfs, diff_ids),
              "the members of rootfs stand together");

#define CONFIG(member) (AT(cb_image_file, config.member) - AT(cb_image_file, config))
static const struct cb_json_field config_fields[] = {
    {"AttachStderr", CB_FIELD_BOOL, true, CONFIG(attach_stderr), NULL},
    {"AttachStdin", CB_FIELD_BOOL, true, CONFIG(attach_stdin), NULL},
    {"AttachStdout", CB_FIELD_BOOL, true, CONFIG(attach_stdout), NULL},
    {"Cmd", CB_FIELD_STRS, true, CONFIG(cmd), NULL},
    {"Healthcheck", CB_FIELD_PTR, true, CONFIG(healthcheck), &health_table},
    {"Domainname", CB_FIELD_STR, true, CONFIG(domainname), NULL},
    {"Entrypoint", CB_FIELD_STRS, true, CONFIG(entrypoint), NULL},
    {"Env", CB_FIELD_STRS, true, CONFIG(env), NULL},
    {"Hostname", CB_FIELD_STR, true, CONFIG(hostname), NULL},
    {"Image", CB_FIELD_STR, true, CONFIG(image), NULL},
    {"Labels", CB_FIELD_MAP, true, CONFIG(labels), NULL},
    {"OnBuild", CB_FIELD_STRS, true, CONFIG(on_build), NULL},
    {"OpenStdin", CB_FIELD_BOOL, true, CONFIG(open_stdin), NULL},
    {"StdinOnce", CB_FIELD_BOOL, true, CONFIG(stdin_once), NULL},
    {"Tty", CB_FIELD_BOOL, true, CONFIG(tty), NULL},
    {"User", CB_FIELD_STR, true, CONFIG(user), NULL},
    {"Volumes", CB_FIELD_SET, true, CONFIG(volumes), NULL},
    {"WorkingDir", CB_FIELD_STR, true, CONFIG(working_dir), NULL},
    {"ExposedPorts", CB_FIELD_SET, true, CONFIG(exposed_ports), NULL},
    {"ArgsEscaped", CB_FIELD_BOOL, true, CONFIG(args_escaped), NULL},
    {"NetworkDisabled", CB_FIELD_BOOL, true, CONFIG(network_disabled), NULL},
    {"MacAddress", CB_FIELD_STR, true, CONFIG(mac_address), NULL},
    {"StopSignal", CB_FIELD_STR, true, CONFIG(stop_signal), NULL},
    {"Shell", CB_FIELD_STRS, true, CONFIG(shell), NULL},
};
static const struct cb_json_table config_table = {config_fields, N(config_fields),
                                                  sizeof(((struct cb_image_file *)0)->config)};

static const struct cb_json_field file_fields[] = {
    {"architecture", CB_FIELD_STR, false, AT(cb_image_file, architecture), NULL},
    {"author", CB_FIELD_STR, true, AT(cb_image_file, author), NULL},
    {"container", CB_FIELD_STR, true, AT(cb_image_file, container), NULL},
    {"created", CB_FIELD_TIME, true, AT(cb_image_file, created), NULL},
    {"docker_version", CB_FIELD_STR, true, AT(cb_image_file, docker_version), NULL},
    {"history", CB_FIELD_LIST, true, AT(cb_image_file, history), &history_table},
    {"os", CB_FIELD_STR, false, AT(cb_image_file, os), NULL},
    {"rootfs", CB_FIELD_STRUCT, false, AT(cb_image_file, rootfs_type), &rootfs_table},
    {"config", CB_FIELD_STRUCT, false, AT(cb_image_file, config), &config_table},
    {"os.version", CB_FIELD_STR, true, AT(cb_image_file, os_version), NULL},
    {"variant", CB_FIELD_STR, true, AT(cb_image_file, variant), NULL},
    {"os.features", CB_FIELD_STRS, true, AT(cb_image_file, os_features), NULL},
};
static const struct cb_json_table file_table = {file_fields, N(file_fields), sizeof(struct cb_image_file)};

int cb_image_file_parse(struct cb_arena *a, struct cb_str bytes, struct cb_image_file *out, struct cb_error *err)
{
    json_t *root = cb_table_load(bytes, CB_IMAGE_CONFIG_MAX, err);
    int result;

    if (!root)
        return -1;
    result = cb_table_decode(a, root, &file_table, out, err);
    json_decref(root);
    return result;
}

int cb_image_file_write(struct cb_buf *out, const struct cb_image_file *f, struct cb_error *err)
{
    struct cb_json j = cb_json(out, NULL, NULL);
    return cb_table_encode(&j, &file_table, f, err);
}
