#include <stdlib.h>
#include <unistd.h>

#include "cbuild/base/log.h"
#include "cbuild/base/stream.h"
#include "command.h"
#include "environment.h"

enum { PASSWORD_MOST = 64 * 1024 };

static const char *username = "", *password = "";
static bool password_stdin;

static struct cb_flag flags[] = {
    {"password", 'p', CB_FLAG_STRING, &password, NULL, "Password", false, false},
    {"password-stdin", 0, CB_FLAG_BOOL, &password_stdin, NULL, "Take the password from stdin", false, false},
    {"username", 'u', CB_FLAG_STRING, &username, NULL, "Username", false, false},
};

static struct cb_flags own_flags(void)
{
    return CB_FLAGS(flags);
}

// The password without the line break at its end.
static int read_password(struct cb_buf *out, struct cb_error *err)
{
    if (!password_stdin) {
        cb_buf_adds(out, password);
        return 0;
    }
    struct cb_fd_source in = cb_fd_source(STDIN_FILENO, "standard input");
    if (cb_read_all(&in.source, out, PASSWORD_MOST, "the password", err))
        return -1;
    if (out->n && out->p[out->n - 1] == '\n')
        out->p[--out->n] = '\0';
    if (out->n && out->p[out->n - 1] == '\r')
        out->p[--out->n] = '\0';
    return 0;
}

static int store(struct cb_str registry, const char *secret, struct cb_error *err)
{
    CB_ENVIRONMENT_AUTO e = {0};
    CB_AUTOFREE char *where = NULL;
    if (cb_environment_read(&e, err) || cb_credentials_store(&e.credentials, registry, username, secret, &where, err))
        return -1;
    cb_log(CB_INFO, "logged in via %s", where);
    return 0;
}

static int run(const struct cb_invocation *in, struct cb_error *err)
{
    CB_ARENA_AUTO arena = {0};
    struct cb_str registry;
    if (in->args.n != 1) {
        cb_fail(err, CB_E_USAGE, "login takes one server, not %zu", in->args.n);
        return cb_hint(err, "that of Docker Hub is docker.io");
    }
    if (cb_registry_parse(&arena, cb_str(in->args.v[0]), &registry, err))
        return -1;
    CB_BUF_AUTO secret = {0};
    if (read_password(&secret, err))
        return -1;
    int result;
    if (!*username && !secret.n) {
        result = cb_fail(err, CB_E_USAGE, "username and password required");
        cb_hint(err, "give --username, and --password-stdin with the password on standard input");
    } else {
        result = store(registry, secret.n ? secret.p : "", err);
    }
    if (secret.p)
        explicit_bzero(secret.p, secret.cap);
    return result;
}

const struct cb_command cb_command_login = {
    .name = "login",
    .usage = "SERVER [flags]",
    .summary = "Log in to a registry",
    .example =
        "  # Log in to reg.example.com\n  cbuild login reg.example.com -u AzureDiamond --password-stdin < password",
    .flags = own_flags,
    .run = run,
};
