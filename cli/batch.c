#include "batch.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cbuild/base/file.h"
#include "cbuild/base/map.h"
#include "cbuild/base/vec.h"
#include "cbuild/oci/shlex.h"
#include "output.h"

enum {
    LIST_MAX = 64 << 20, // bytes of a list
    LINE_MOST = 1000,    // bytes of a message in a line of result
};

static const char *const endings[] = {".yaml", ".yml", ".json"};

static struct cb_str without_ending(struct cb_str name)
{
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (cb_str_ends(name, endings[i]))
            return cb_str_head(name, name.n - strlen(endings[i]));
    return name;
}

static struct cb_batch_item *add_item(struct cb_batch *b, struct cb_str config)
{
    struct cb_batch_item *item = cb_vec_add(&b->items);
    struct cb_str file = cb_str_skip(config, (size_t)(cb_str_rfind(config, '/') + 1));
    item->config = cb_arena_cstr(&b->arena, config);
    item->name = cb_arena_cstr(&b->arena, without_ending(file));
    return item;
}

// ---- a folder

static bool is_config(struct cb_str name)
{
    return !cb_str_starts(name, ".") && without_ending(name).n < name.n && without_ending(name).n > 0;
}

static int list_folder(struct cb_batch *b, struct cb_strs *names, struct cb_error *err)
{
    struct dirent *entry;
    DIR *d = opendir(b->source);
    if (!d)
        return cb_fail_errno(err, errno, "folder %s", b->source);
    while ((errno = 0, entry = readdir(d)) != NULL)
        if (is_config(cb_str(entry->d_name)))
            cb_strs_add(names, cb_arena_str(&b->arena, cb_str(entry->d_name)));
    int errnum = errno;
    closedir(d);
    return errnum ? cb_fail_errno(err, errnum, "reading folder %s", b->source) : 0;
}

static int read_folder(struct cb_batch *b, struct cb_error *err)
{
    struct cb_strs names = {0};
    int failed = list_folder(b, &names, err);
    cb_strs_sort(&names);
    for (size_t i = 0; i < names.n && !failed; i++) {
        CB_AUTOFREE char *path = cb_path_join(b->source, names.v[i].p);
        add_item(b, cb_str(path));
    }
    cb_strs_release(&names);
    if (failed || b->items.n)
        return failed;
    return cb_fail(err, CB_E_USAGE, "no configuration in folder %s: there is no *.yaml, *.yml or *.json", b->source);
}

// ---- a list

static int read_line(struct cb_batch *b, struct cb_str line, size_t number, struct cb_error *err)
{
    struct cb_strs words = {0}; // in the arena
    if (cb_shlex_split(&b->arena, line, &words, err))
        return cb_context(err, "%s: line %zu", b->source, number);
    if (!words.n)
        return 0;
    struct cb_batch_item *item = add_item(b, words.v[0]);
    item->line = number;
    item->rest.v = cb_arena_alloc(&b->arena, words.n * sizeof *item->rest.v);
    for (size_t i = 1; i < words.n; i++)
        item->rest.v[item->rest.n++] = cb_arena_str(&b->arena, words.v[i]);
    return 0;
}

static int read_list(struct cb_batch *b, struct cb_error *err)
{
    CB_BUF_AUTO text = {0};
    bool standard_input = !strcmp(b->source, "-");
    struct cb_fd_source in = cb_fd_source(STDIN_FILENO, "standard input");
    if (standard_input)
        b->source = "standard input";
    if (standard_input ? cb_read_all(&in.source, &text, LIST_MAX, b->source, err)
                       : cb_read_file(b->source, &text, LIST_MAX, err))
        return -1;
    struct cb_str rest = cb_buf_str(&text), line;
    for (size_t number = 1; cb_str_cut(&rest, '\n', &line); number++)
        if (read_line(b, line, number, err))
            return -1;
    return b->items.n ? 0 : cb_fail(err, CB_E_USAGE, "%s names no configuration", b->source);
}

int cb_batch_read(struct cb_batch *b, const char *source, struct cb_error *err)
{
    struct stat st;
    b->source = source;
    return stat(source, &st) == 0 && S_ISDIR(st.st_mode) ? read_folder(b, err) : read_list(b, err);
}

void cb_batch_release(struct cb_batch *b)
{
    cb_vec_release(&b->items);
    cb_arena_release(&b->arena);
}

int cb_batch_misuse(const struct cb_batch *b, const struct cb_batch_item *item, const char *what, struct cb_error *err)
{
    if (!item->line)
        return cb_fail(err, CB_E_USAGE, "%s: %s", item->config, what);
    return cb_fail(err, CB_E_USAGE, "%s: line %zu: %s", b->source, item->line, what);
}

const char *cb_batch_fill(struct cb_batch *b, const char *pattern, const struct cb_batch_item *item)
{
    static const char place[] = "{name}";
    CB_BUF_AUTO out = {0};
    for (const char *next; (next = strstr(pattern, place)); pattern = next + strlen(place)) {
        cb_buf_add(&out, pattern, (size_t)(next - pattern));
        cb_buf_adds(&out, item->name);
    }
    cb_buf_adds(&out, pattern);
    return cb_arena_cstr(&b->arena, cb_buf_str(&out));
}

int cb_batch_check_unique(const struct cb_batch *b, const char *const *texts, const char *what, struct cb_error *err)
{
    struct cb_map seen = {0};
    int failed = 0;
    for (size_t i = 0; i < b->items.n && !failed; i++) {
        bool added;
        const struct cb_batch_item *first = cb_map_get(&seen, cb_str(texts[i]));
        cb_map_put(&seen, cb_str(texts[i]), &b->items.v[i], &added);
        if (added)
            continue;
        failed = cb_fail(err, CB_E_USAGE, "%s and %s have the same %s, %s", first->config, b->items.v[i].config, what,
                         texts[i]);
        cb_hint(err, "put \"{name}\" into the pattern, or name each in the list");
    }
    cb_map_release(&seen);
    return failed;
}

// ---- doing it

struct outcome {
    bool ended, failed, begun;
    struct cb_buf line;
};

struct run {
    const struct cb_batch *batch;
    const struct cb_batch_work *work;
    pthread_mutex_t lock; // of all that follows
    struct outcome *outcomes;
    size_t printed; // of them
    bool stopping;
};

static void write_line(struct outcome *o, const char *name, struct cb_str result, const struct cb_error *failure)
{
    cb_escape(&o->line, cb_str(name), LINE_MOST, false);
    cb_buf_addc(&o->line, '\t');
    if (!failure) {
        cb_buf_addstr(&o->line, result);
    } else {
        cb_buf_adds(&o->line, "error: ");
        cb_escape(&o->line, cb_str(failure->message), LINE_MOST, false);
    }
    if (failure && failure->hint) {
        cb_buf_adds(&o->line, "; ");
        cb_escape(&o->line, cb_str(failure->hint), LINE_MOST, false);
    }
    cb_buf_addc(&o->line, '\n');
}

// Lines come in the list's order, whichever is done first.
static void print_ended(struct run *r)
{
    for (; r->printed < r->batch->items.n && r->outcomes[r->printed].ended; r->printed++) {
        struct outcome *o = &r->outcomes[r->printed];
        if (o->line.n)
            fwrite(o->line.p, 1, o->line.n, stdout);
        cb_buf_release(&o->line);
    }
    fflush(stdout);
}

static int run_one(void *ctx, size_t i, struct cb_error *err)
{
    struct run *r = ctx;
    struct outcome *o = &r->outcomes[i];
    CB_ERROR_AUTO failure = CB_ERROR_INIT;
    CB_BUF_AUTO result = {0};
    (void)err; // one item's failure is not the batch's
    pthread_mutex_lock(&r->lock);
    o->begun = !r->stopping;
    pthread_mutex_unlock(&r->lock);
    if (o->begun) {
        o->failed = r->work->fn(r->work->ctx, i, &result, &failure) != 0;
        write_line(o, r->batch->items.v[i].name, cb_buf_str(&result), o->failed ? &failure : NULL);
    }
    pthread_mutex_lock(&r->lock);
    o->ended = true;
    r->stopping = r->stopping || (o->failed && !r->work->keep_going);
    print_ended(r);
    pthread_mutex_unlock(&r->lock);
    return 0;
}

static int summarise(const struct run *r)
{
    size_t n = r->batch->items.n, failed = 0, begun = 0;
    for (size_t i = 0; i < n; i++) {
        begun += r->outcomes[i].begun;
        failed += r->outcomes[i].failed;
    }
    fprintf(stderr, "%zu %s, %zu failed", begun - failed, r->work->done, failed);
    if (begun < n)
        fprintf(stderr, ", %zu not begun (--keep-going goes on after a failure)", n - begun);
    fprintf(stderr, "\n");
    return failed || begun < n;
}

int cb_batch_run(const struct cb_batch *b, const struct cb_batch_work *work, struct cb_pool *pool)
{
    struct run r = {.batch = b, .work = work, .outcomes = cb_zalloc(b->items.n * sizeof *r.outcomes)};
    CB_ERROR_AUTO never = CB_ERROR_INIT;
    pthread_mutex_init(&r.lock, NULL);
    cb_parallel(pool, b->items.n, work->at_once, run_one, &r, &never);
    pthread_mutex_destroy(&r.lock);
    int status = summarise(&r);
    free(r.outcomes);
    return status;
}
