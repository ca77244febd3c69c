#include "server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void run_script(const struct test_server *s, const char *script, const char *const *args, int in, int out)
{
    char *argv[32] = {(char[]){"python3"}, strdup(script), strdup(s->folder)};
    size_t n = 3;
    for (; args && *args && n < 31; args++)
        argv[n++] = strdup(*args);
    dup2(in, 0);
    dup2(out, 1);
    for (int fd = 3; fd < 256; fd++)
        close(fd);
    unsetenv("LD_PRELOAD"); // of a sanitizer
    execvp("python3", argv);
    _exit(127);
}

int test_server_start(struct test_server *s, const char *script, const char *const *args)
{
    int in[2], out[2];
    *s = (struct test_server){.folder = "/tmp/cbuild-test-XXXXXX"};
    if (!mkdtemp(s->folder) || pipe(in) || pipe(out))
        return 0;
    signal(SIGPIPE, SIG_IGN);
    s->pid = fork();
    if (s->pid == 0)
        run_script(s, script, args, in[0], out[1]);
    close(in[0]);
    close(out[1]);
    s->in = in[1];
    FILE *f = fdopen(out[0], "r");
    char line[256] = "";
    if (f && fgets(line, sizeof line, f))
        for (char *p = strtok(line, " \n"); p && s->nports < 8; p = strtok(NULL, " \n"))
            s->ports[s->nports++] = (unsigned)strtoul(p, NULL, 10);
    if (f)
        fclose(f);
    return s->nports > 0;
}

void test_server_stop(struct test_server *s)
{
    if (s->pid > 0) {
        close(s->in);
        kill(s->pid, SIGTERM);
        waitpid(s->pid, NULL, 0);
    }
    pid_t rm = fork();
    if (rm == 0) {
        execlp("rm", "rm", "-rf", s->folder, (char *)NULL);
        _exit(127);
    }
    waitpid(rm, NULL, 0);
}
