#include "cbuild/base/map.h"
#include "cbuild/builder/config.h"

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

// Names of certificates and keys become names of files: letters, digits, "_", "-", and "." where it is not the first.
static bool is_file_name(struct cb_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_name_char(s.p[i]) && !(s.p[i] == '.' && i > 0))
            return false;
    return s.n > 0;
}

static int check_name(const char *what, struct cb_str name, struct cb_error *err)
{
    if (is_file_name(name))
        return 0;
    if (!name.n)
        return cb_fail(err, CB_E_CONFIG, "%s has no name", what);
    cb_fail(err, CB_E_CONFIG, "%s \"%.*s\" has an invalid name", what, CB_STR_ARG(name));
    return cb_hint(err, "a name is made of letters, digits, \"_\", \"-\" and \".\", and does not begin with \".\"");
}

static int check_accounts(struct cb_image_config *c, struct cb_error *err)
{
    for (size_t i = 0; i < c->accounts.users.n; i++) {
        struct cb_user *u = &c->accounts.users.v[i];
        if (!u->username.n)
            return cb_fail(err, CB_E_CONFIG, "accounts.users[%zu] (uid %u) has no username", i, u->uid);
        if (u->uid == 0) {
            cb_fail(err, CB_E_CONFIG, "the user \"%.*s\" has uid 0, or none", CB_STR_ARG(u->username));
            return cb_hint(err, "to run as root, write \"run-as: 0\"");
        }
        if (!u->homedir.n)
            u->homedir = cb_arena_format(&c->arena, "/home/%.*s", CB_STR_ARG(u->username));
    }
    for (size_t i = 0; i < c->accounts.groups.n; i++)
        if (!c->accounts.groups.v[i].groupname.n)
            return cb_fail(err, CB_E_CONFIG, "accounts.groups[%zu] (gid %u) has no groupname", i,
                           c->accounts.groups.v[i].gid);
    return 0;
}

static int check_format(const struct cb_image_config *c, struct cb_error *err)
{
    bool erofs = cb_str_is(c->format, "erofs");
    if (c->format.n && !erofs && !cb_str_is(c->format, "tar"))
        return cb_fail(err, CB_E_CONFIG, "unknown layer format \"%.*s\": expected \"tar\" or \"erofs\"",
                       CB_STR_ARG(c->format));
    if (!erofs || !c->has_layering)
        return 0;
    cb_fail(err, CB_E_CONFIG, "layering and the format \"erofs\" do not go together");
    return cb_hint(err, "leave one of them out: an EROFS image has a single layer");
}

static int check_runtime_keys(const struct cb_image_config *c, struct cb_error *err)
{
    struct cb_map seen = {0};
    int result = 0;
    for (size_t i = 0; i < c->contents.runtime_keyring.n && !result; i++) {
        const struct cb_named_content *key = &c->contents.runtime_keyring.v[i];
        bool added;
        cb_map_put(&seen, key->name, NULL, &added);
        if (check_name("a key of runtime_keyring", key->name, err))
            result = -1;
        else if (!key->content.n)
            result =
                cb_fail(err, CB_E_CONFIG, "the key \"%.*s\" of runtime_keyring has no content", CB_STR_ARG(key->name));
        else if (!added)
            result =
                cb_fail(err, CB_E_CONFIG, "the key \"%.*s\" stands twice in runtime_keyring", CB_STR_ARG(key->name));
    }
    cb_map_release(&seen);
    return result;
}

int cb_config_validate(struct cb_image_config *c, struct cb_error *err)
{
    if (cb_str_is(c->entrypoint.type, "service-bundle")) {
        c->entrypoint.command = CB_STR("/bin/s6-svscan /sv");
        cb_strs_add(&c->contents.packages, CB_STR("s6"));
    }
    if (check_accounts(c, err) || check_format(c, err))
        return -1;
    for (size_t i = 0; i < c->certificates.additional.n; i++)
        if (check_name("an additional certificate", c->certificates.additional.v[i].name, err))
            return -1;
    return check_runtime_keys(c, err);
}
