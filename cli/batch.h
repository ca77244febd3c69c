// Many configurations in one run (build-all, publish-all): which they are, and a line of result for each.
#ifndef CB_CLI_BATCH_H
#define CB_CLI_BATCH_H

#include "cbuild/base/arena.h"
#include "command.h"

struct cb_batch_item {
    const char *config;
    const char *name;    // the configuration's, without its folder and ending: "nginx" of images/nginx.yaml
    struct cb_strs rest; // the words after the configuration on its line; with NUL behind each
    size_t line;         // of the list; 0: it was found in a folder
};

struct cb_batch { // zero-initialise to start
    struct cb_arena arena;
    const char *source; // the list or folder
    struct {
        struct cb_batch_item *v;
        size_t n, cap;
    } items;
};

// The configurations that `source` stands for: of a folder every *.yaml, *.yml and *.json in it, in byte order; else a
// list ("-": standard input) with a line for each, split into words as a shell does: the configuration, then what the
// command takes. Empty lines and comments (#) are skipped. CB_E_USAGE where there is none.
int cb_batch_read(struct cb_batch *b, const char *source, struct cb_error *err);
void cb_batch_release(struct cb_batch *b);
#define CB_BATCH_AUTO __attribute__((cleanup(cb_batch_release))) struct cb_batch

// CB_E_USAGE with the item's line, where it has one; returns -1.
int cb_batch_misuse(const struct cb_batch *b, const struct cb_batch_item *item, const char *what, struct cb_error *err);

// The pattern with the item's name for every "{name}"; in the arena, with a NUL.
const char *cb_batch_fill(struct cb_batch *b, const char *pattern, const struct cb_batch_item *item);

// Fails where two items have the same text at the same place: they would write to one output. texts[i] is of item i.
int cb_batch_check_unique(const struct cb_batch *b, const char *const *texts, const char *what, struct cb_error *err);

// What is done for item i: its result (a digest, a reference) into *result.
typedef int cb_batch_fn(void *ctx, size_t i, struct cb_buf *result, struct cb_error *err);

struct cb_batch_work {
    cb_batch_fn *fn;
    void *ctx;
    bool keep_going; // begin others after one failed
    unsigned at_once;
    const char *done; // "built": for the summary
};

// Does it, several at a time, and prints a line for each item in the list's order as soon as it can:
//     NAME <tab> RESULT      or      NAME <tab> error: MESSAGE
// and how it went on stderr at the end. The command's exit status: 0, or 1 where anything failed or was not begun.
int cb_batch_run(const struct cb_batch *b, const struct cb_batch_work *work, struct cb_pool *pool);

#endif
