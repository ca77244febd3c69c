// Starts one of the test servers (python3 scripts that print their ports in one line and end with their standard
// input).
#ifndef CB_TESTS_SERVER_H
#define CB_TESTS_SERVER_H

#include <sys/types.h>

struct test_server {
    pid_t pid;
    int in;
    char folder[64]; // a temporary one, handed to the script as its first argument, removed at the end
    unsigned ports[8];
    unsigned nports;
};

// args: further arguments, NULL-terminated. False where python3 or openssl is missing, so that the test can be skipped.
int test_server_start(struct test_server *s, const char *script, const char *const *args);
void test_server_stop(struct test_server *s);

#endif
