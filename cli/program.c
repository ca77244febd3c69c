#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cbuild/base/file.h"
#include "cbuild/base/stream.h"

extern char **environ;

enum { ARGS_MAX = 8 };

// in, out: its standard input and output; -1 for none. An errno, 0 where it runs.
static int spawn(const char *const *args, int in, int out, bool alone, pid_t *pid)
{
    char *argv[ARGS_MAX + 1] = {0};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, usual;
    for (size_t i = 0; args[i] && i < ARGS_MAX; i++)
        argv[i] = (char *)(uintptr_t)args[i];
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    posix_spawnattr_setpgroup(&attributes, 0);
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    posix_spawnattr_setflags(&attributes, alone ? (short)(flags | POSIX_SPAWN_SETPGROUP) : flags);
    if (in >= 0)
        posix_spawn_file_actions_adddup2(&files, in, 0);
    else
        posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    if (out >= 0)
        posix_spawn_file_actions_adddup2(&files, out, 1);
    else
        posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    int rc = posix_spawnp(pid, args[0], &files, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    return rc;
}

static int wait_for(pid_t pid, const char *name, struct cb_error *err)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return cb_fail_errno(err, errno, "waiting for %s", name);
    if (WIFSIGNALED(status))
        return cb_fail(err, CB_E_IO, "%s was ended by signal %d", name, WTERMSIG(status));
    return WEXITSTATUS(status) ? cb_fail(err, CB_E_IO, "%s ended with status %d", name, WEXITSTATUS(status)) : 0;
}

// Both ends are unnamed files, so that neither side can wait for the other.
int cb_program_run(const char *const *args, struct cb_str input, struct cb_buf *output, struct cb_error *err)
{
    CB_FD_AUTO in = cb_temp_fd(NULL, err);
    CB_FD_AUTO out = in < 0 ? -1 : cb_temp_fd(NULL, err);
    pid_t pid;
    if (out < 0 || cb_pwrite_full(in, input.p, input.n, 0, args[0], err))
        return -1;
    int rc = spawn(args, in, out, false, &pid);
    if (rc == ENOENT)
        return cb_fail(err, CB_E_NOT_FOUND, "the program %s is not in PATH", args[0]);
    if (rc)
        return cb_fail_errno(err, rc, "starting %s", args[0]);
    if (wait_for(pid, args[0], err))
        return -1;
    if (lseek(out, 0, SEEK_SET) < 0)
        return cb_fail_errno(err, errno, "reading what %s wrote", args[0]);
    struct cb_fd_source source = cb_fd_source(out, args[0]);
    return cb_read_all(&source.source, output, CB_PROGRAM_OUTPUT_MAX, args[0], err);
}

bool cb_program_start(const char *const *args)
{
    pid_t pid;
    return spawn(args, -1, -1, true, &pid) == 0;
}
