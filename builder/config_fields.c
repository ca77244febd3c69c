#include "config_fields.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

// A field whose Go type can be nil (a pointer, a map, a slice) and whose being nil can be told has a flag.
#define F(type, member, key, kind, ...)                                                                                \
    {                                                                                                                  \
        key, kind, offsetof(type, member), NO_FLAG, __VA_ARGS__                                                        \
    }
#define FLAGGED(type, member, has, key, kind, ...)                                                                     \
    {                                                                                                                  \
        key, kind, offsetof(type, member), offsetof(type, has), __VA_ARGS__                                            \
    }

#define IC struct cb_image_config

static const struct field named_fields[] = {
    F(struct cb_named_content, name, "name", T_STR, NULL, CB_ANY_TEXT),
    F(struct cb_named_content, content, "content", T_STR, NULL, CB_ANY_TEXT),
};
static const struct record certificate = {"an additional certificate", named_fields, COUNT(named_fields),
                                          sizeof(struct cb_named_content)};
static const struct record runtime_key = {"a key of runtime_keyring", named_fields, COUNT(named_fields),
                                          sizeof(struct cb_named_content)};

static const struct field user_fields[] = {
    F(struct cb_user, username, "username", T_STR, NULL, CB_ACCOUNT_TEXT),
    F(struct cb_user, uid, "uid", T_U32, NULL, CB_ANY_TEXT),
    F(struct cb_user, gid, "gid", T_OPTIONAL_U32, NULL, CB_ANY_TEXT),
    F(struct cb_user, shell, "shell", T_STR, NULL, CB_ACCOUNT_TEXT),
    F(struct cb_user, homedir, "homedir", T_STR, NULL, CB_ACCOUNT_TEXT),
};
static const struct record user = {"a user", user_fields, COUNT(user_fields), sizeof(struct cb_user)};

static const struct field group_fields[] = {
    F(struct cb_group_entry, groupname, "groupname", T_STR, NULL, CB_ACCOUNT_TEXT),
    F(struct cb_group_entry, gid, "gid", T_U32, NULL, CB_ANY_TEXT),
    F(struct cb_group_entry, members, "members", T_STRS, NULL, CB_ACCOUNT_TEXT),
};
static const struct record group = {"a group", group_fields, COUNT(group_fields), sizeof(struct cb_group_entry)};

static const struct field path_fields[] = {
    F(struct cb_path_mutation, path, "path", T_STR, NULL, CB_INNER_PATH),
    F(struct cb_path_mutation, type, "type", T_STR, NULL, CB_ANY_TEXT),
    F(struct cb_path_mutation, uid, "uid", T_OPTIONAL_U32, NULL, CB_ANY_TEXT),
    F(struct cb_path_mutation, gid, "gid", T_OPTIONAL_U32, NULL, CB_ANY_TEXT),
    F(struct cb_path_mutation, permissions, "permissions", T_U32, NULL, CB_ANY_TEXT),
    F(struct cb_path_mutation, source, "source", T_STR, NULL, CB_ANY_TEXT),
    F(struct cb_path_mutation, recursive, "recursive", T_BOOL, NULL, CB_ANY_TEXT),
};
static const struct record path = {"a path", path_fields, COUNT(path_fields), sizeof(struct cb_path_mutation)};

// The records that are members of struct cb_image_config have no type of their own: their fields count from its start,
// and the field that leads to them stands at 0.
static const struct field baseimage_fields[] = {
    F(IC, contents.baseimage.image, "image", T_STR, NULL, CB_ANY_TEXT),
    F(IC, contents.baseimage.apkindex, "apkindex", T_STR, NULL, CB_ANY_TEXT),
};
static const struct record baseimage = {"baseimage", baseimage_fields, COUNT(baseimage_fields), 0};

static const struct field contents_fields[] = {
    F(IC, contents.build_repositories, "build_repositories", T_STRS, NULL, CB_ONE_LINE),
    F(IC, contents.runtime_repositories, "runtime_repositories", T_STRS, NULL, CB_ONE_LINE),
    F(IC, contents.repositories, "repositories", T_STRS, NULL, CB_ONE_LINE),
    F(IC, contents.keyring, "keyring", T_STRS, NULL, CB_ONE_LINE),
    F(IC, contents.runtime_keyring, "runtime_keyring", T_RECORDS, &runtime_key, CB_ANY_TEXT),
    F(IC, contents.packages, "packages", T_STRS, NULL, CB_ONE_LINE),
    {"baseimage", T_RECORD, 0, offsetof(IC, contents.has_baseimage), &baseimage, CB_ANY_TEXT},
};
static const struct record contents = {"contents", contents_fields, COUNT(contents_fields), 0};

static const struct field entrypoint_fields[] = {
    F(IC, entrypoint.type, "type", T_STR, NULL, CB_ANY_TEXT),
    F(IC, entrypoint.command, "command", T_STR, NULL, CB_ANY_TEXT),
    F(IC, entrypoint.shell_fragment, "shell-fragment", T_STR, NULL, CB_ANY_TEXT),
    FLAGGED(IC, entrypoint.services, entrypoint.has_services, "services", T_PAIRS, NULL, CB_FOLDER_NAME),
};
static const struct record entrypoint = {"entrypoint", entrypoint_fields, COUNT(entrypoint_fields), 0};

static const struct field accounts_fields[] = {
    F(IC, accounts.run_as, "run-as", T_STR, NULL, CB_ANY_TEXT),
    FLAGGED(IC, accounts.users, accounts.has_users, "users", T_RECORDS, &user, CB_ANY_TEXT),
    FLAGGED(IC, accounts.groups, accounts.has_groups, "groups", T_RECORDS, &group, CB_ANY_TEXT),
};
static const struct record accounts = {"accounts", accounts_fields, COUNT(accounts_fields), 0};

static const struct field layering_fields[] = {
    F(IC, layering.strategy, "strategy", T_STR, NULL, CB_ANY_TEXT),
    F(IC, layering.budget, "budget", T_INT, NULL, CB_ANY_TEXT),
};
static const struct record layering = {"layering", layering_fields, COUNT(layering_fields), 0};

static const struct field certificates_fields[] = {
    F(IC, certificates.additional, "additional", T_RECORDS, &certificate, CB_ANY_TEXT),
    F(IC, certificates.providers, "providers", T_STRS, NULL, CB_ONE_LINE),
};
static const struct record certificates = {"certificates", certificates_fields, COUNT(certificates_fields), 0};

static const struct field config_fields[] = {
    {"contents", T_RECORD, 0, NO_FLAG, &contents, CB_ANY_TEXT},
    {"entrypoint", T_RECORD, 0, NO_FLAG, &entrypoint, CB_ANY_TEXT},
    F(IC, cmd, "cmd", T_STR, NULL, CB_ANY_TEXT),
    F(IC, stop_signal, "stop-signal", T_STR, NULL, CB_ANY_TEXT),
    F(IC, work_dir, "work-dir", T_STR, NULL, CB_ANY_TEXT),
    {"accounts", T_RECORD, 0, NO_FLAG, &accounts, CB_ANY_TEXT},
    F(IC, archs, "archs", T_ARCHS, NULL, CB_ARCH_TEXT),
    F(IC, environment, "environment", T_PAIRS, NULL, CB_ANY_TEXT),
    F(IC, paths, "paths", T_RECORDS, &path, CB_ANY_TEXT),
    F(IC, vcs_url, "vcs-url", T_STR, NULL, CB_ANY_TEXT),
    F(IC, annotations, "annotations", T_PAIRS, NULL, CB_ANY_TEXT),
    F(IC, include, "include", T_STR, NULL, CB_INCLUDE_PATH),
    F(IC, volumes, "volumes", T_STRS, NULL, CB_ANY_TEXT),
    {"layering", T_RECORD, 0, offsetof(IC, has_layering), &layering, CB_ANY_TEXT},
    F(IC, format, "format", T_STR, NULL, CB_ANY_TEXT),
    {"certificates", T_RECORD, 0, offsetof(IC, has_certificates), &certificates, CB_ANY_TEXT},
};

const struct record cb_config_record = {"the configuration", config_fields, COUNT(config_fields),
                                        sizeof(struct cb_image_config)};
