#include "cbuild/net/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cbuild/base/file.h"
#include "cbuild/base/log.h"

#define DEFAULT_TIMEOUT_MS 30000u
#define SAID_MAX 2000u // bytes of its stderr that are passed on
#define ARGS_MAX 16u

struct running {
    pid_t pid; // leader of its own process group
    int in, out;
    int said; // an unnamed file that has its stderr
    uint64_t deadline;
};

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

// The file that a name stands for; empty parts of PATH (the current folder) are passed over. NULL where there is none.
static char *find_program(const struct cb_helper *h)
{
    struct cb_str rest = cb_str(h->path ? h->path : "/usr/local/bin:/usr/bin:/bin"), dir;
    if (strchr(h->name, '/'))
        return cb_strdup(h->name);
    while (cb_str_cut(&rest, ':', &dir)) {
        if (dir.n == 0 || dir.p[0] != '/')
            continue;
        char *file = cb_format("%.*s/%s", CB_STR_ARG(dir), h->name);
        if (access(file, X_OK) == 0)
            return file;
        free(file);
    }
    return NULL;
}

// said: for its stderr, -1 for none.
static int spawn(const struct cb_helper *h, const char *file, int in, int out, int said, pid_t *pid)
{
    char *path CB_AUTOFREE = cb_format("PATH=%s", h->path ? h->path : "/usr/local/bin:/usr/bin:/bin");
    char *home CB_AUTOFREE = cb_format("HOME=%s", h->home ? h->home : "/");
    char *few[] = {path, home, NULL};
    char *argv[ARGS_MAX + 2] = {(char *)(uintptr_t)h->name};
    for (size_t i = 0; h->args && h->args[i] && i < ARGS_MAX; i++)
        argv[i + 1] = (char *)(uintptr_t)h->args[i];
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in, 0);
    posix_spawn_file_actions_adddup2(&files, out, 1);
    if (said >= 0)
        posix_spawn_file_actions_adddup2(&files, said, 2);
    else
        posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes, 0); // so that its own children end with it
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    int rc = posix_spawn(pid, file, &files, &attributes, argv, h->environ ? h->environ : few);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    return rc;
}

static int start(const struct cb_helper *h, struct running *r, struct cb_error *err)
{
    char *file CB_AUTOFREE = find_program(h);
    int in[2], out[2];
    if (!file)
        return cb_fail(err, CB_E_NOT_FOUND, "the program %s is not in PATH", h->name);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in)) // writing to a pipe could raise SIGPIPE
        return cb_fail_errno(err, errno, "socketpair");
    if (pipe2(out, O_CLOEXEC)) {
        close(in[0]);
        close(in[1]);
        return cb_fail_errno(err, errno, "pipe");
    }
    int rc = spawn(h, file, in[0], out[1], r->said, &r->pid);
    close(in[0]);
    close(out[1]);
    r->in = in[1];
    r->out = out[0];
    r->deadline = now_ms() + (h->timeout_ms ? h->timeout_ms : DEFAULT_TIMEOUT_MS);
    if (rc == 0)
        return 0;
    cb_close_p(&r->in);
    cb_close_p(&r->out);
    return cb_fail_errno(err, rc, "starting %s", file);
}

// Writes what fits; closes the pipe when all is written or nobody reads.
static void feed(struct running *r, struct cb_str *input)
{
    ssize_t n = send(r->in, input->p, input->n, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0)
        *input = cb_str_skip(*input, (size_t)n);
    if (input->n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        cb_close_p(&r->in);
}

// 1: more to come, 0: at the end, -1: *err is filled
static int drain(struct running *r, struct cb_buf *output, struct cb_error *err)
{
    char piece[4096];
    ssize_t n = read(r->out, piece, sizeof piece);
    if (n < 0)
        return errno == EINTR ? 1 : cb_fail_errno(err, errno, "reading its answer");
    cb_buf_add(output, piece, (size_t)n);
    explicit_bzero(piece, sizeof piece);
    if (output->n > CB_HELPER_OUTPUT_MAX)
        return cb_fail(err, CB_E_LIMIT, "its answer is larger than %u bytes", CB_HELPER_OUTPUT_MAX);
    return n > 0;
}

static int converse(struct running *r, struct cb_str input, struct cb_buf *output, struct cb_error *err)
{
    if (input.n == 0)
        cb_close_p(&r->in);
    for (int more = 1; more > 0;) {
        uint64_t now = now_ms();
        if (now >= r->deadline)
            return cb_fail(err, CB_E_IO, "it did not end in time");
        struct pollfd fds[] = {{.fd = r->out, .events = POLLIN}, {.fd = r->in, .events = POLLOUT}};
        if (poll(fds, 2, (int)(r->deadline - now)) < 0 && errno != EINTR)
            return cb_fail_errno(err, errno, "poll");
        if (r->in >= 0 && fds[1].revents)
            feed(r, &input);
        if (fds[0].revents)
            more = drain(r, output, err);
        if (more < 0)
            return -1;
    }
    return 0;
}

// Waits for the end of a program that has closed its output, up to the deadline.
static int reap(struct running *r, int *status, struct cb_error *err)
{
    int raw = 0;
    pid_t got;
    while ((got = waitpid(r->pid, &raw, WNOHANG)) == 0 && now_ms() < r->deadline) {
        struct timespec t = {.tv_nsec = 2000000};
        nanosleep(&t, NULL);
    }
    if (got != r->pid)
        return cb_fail(err, CB_E_IO, "it did not end in time");
    r->pid = 0;
    if (!WIFEXITED(raw))
        return cb_fail(err, CB_E_IO, "it was ended by signal %d", WIFSIGNALED(raw) ? WTERMSIG(raw) : 0);
    *status = WEXITSTATUS(raw);
    return 0;
}

static void kill_group(struct running *r)
{
    if (r->pid <= 0)
        return;
    kill(-r->pid, SIGKILL);
    waitpid(r->pid, NULL, 0);
}

// Passed on as a log message, whose text is escaped where it leaves the program.
static void log_said(const struct cb_helper *h, int said)
{
    char text[SAID_MAX];
    ssize_t n = pread(said, text, sizeof text, 0);
    struct cb_str left = cb_str_trim(cb_strn(text, n > 0 ? (size_t)n : 0));
    if (left.n)
        cb_log(CB_WARN, "%s says: %.*s", h->name, CB_STR_ARG(left));
}

int cb_helper_run(const struct cb_helper *h, struct cb_str input, struct cb_buf *output, int *status,
                  struct cb_error *err)
{
    CB_FD_AUTO said = h->quiet ? -1 : cb_temp_fd(NULL, err);
    struct running r = {.pid = 0, .in = -1, .out = -1, .said = said};
    if ((said < 0 && !h->quiet) || start(h, &r, err))
        return -1;
    int rc = converse(&r, input, output, err);
    cb_close_p(&r.in);
    if (rc == 0)
        rc = reap(&r, status, err);
    kill_group(&r);
    cb_close_p(&r.out);
    if (said >= 0)
        log_said(h, said);
    return rc ? cb_context(err, "%s", h->name) : 0;
}
