// install-keys: the keys that the repositories of this machine's /etc/apk/repositories offer, into its /etc/apk/keys.
#include <stdlib.h>
#include <unistd.h>

#include "build_flags.h"
#include "cbuild/base/file.h"
#include "cbuild/base/log.h"

enum { REPOSITORIES_MAX = 1 << 20 }; // bytes of the file

static const char *root = "/";

static struct cb_flag flags[] = {
    {"root", 0, CB_FLAG_STRING, &root, NULL, "folder of the system to install keys into", false, false},
};

static struct cb_flags own_flags(void)
{
    return CB_FLAGS(flags);
}

static int write_keys(const struct cb_keyring *keys, struct cb_str repository, struct cb_error *err)
{
    CB_AUTOFREE char *folder = cb_path_join(root, "etc/apk/keys");
    if (cb_mkdirs(folder, err))
        return -1;
    for (size_t i = 0; i < keys->n; i++) {
        CB_AUTOFREE char *name = cb_strndup(keys->v[i].name.p, keys->v[i].name.n);
        CB_AUTOFREE char *path = cb_path_join(folder, name);
        if (cb_write_file(path, keys->v[i].bytes, 0644, err))
            return cb_context(err, "writing key %s", name);
        cb_log(CB_INFO, "wrote %s, a key of %.*s", path, CB_STR_ARG(repository));
    }
    return 0;
}

static int install(struct cb_session *s, struct cb_str repository, struct cb_error *err)
{
    CB_KEYRING_AUTO keys = {0};
    return cb_keyring_discover(s->fetcher, repository, &keys, err) || write_keys(&keys, repository, err) ? -1 : 0;
}

static int run(const struct cb_invocation *in, struct cb_error *err)
{
    CB_SESSION_AUTO s = {.uncached = true};
    CB_BUF_AUTO text = {0};
    CB_AUTOFREE char *list = cb_path_join(root, "etc/apk/repositories");
    if (cb_check_argument_count(in, 0, err) || cb_session_open(&s, in, NULL, err) ||
        cb_read_file(list, &text, REPOSITORIES_MAX, err))
        return -1;
    struct cb_str rest = cb_buf_str(&text), line;
    while (rest.n && cb_str_cut(&rest, '\n', &line)) {
        if (cb_str_ends(line, "\r"))
            line.n--;
        if (install(&s, line, err))
            return -1;
    }
    return 0;
}

const struct cb_command cb_command_install_keys = {
    .name = "install-keys",
    .usage = "[flags]",
    .summary = "Discover and install keys for all repositories",
    .text = "Ask each repository of /etc/apk/repositories for its keys and write them into /etc/apk/keys.",
    .example = "  cbuild install-keys",
    .flags = own_flags,
    .run = run,
};
