#include "cbuild/base/pool.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#include "cbuild/base/alloc.h"

enum job_state { QUEUED, RUNNING, DONE };

struct job {
    cb_job *fn;
    void *ctx;
    struct cb_group *group;
    uint64_t ticket;
    enum job_state state;
    struct job *next_of_group; // in order of submission
    struct job *prev, *next;   // in the pool's queue while QUEUED
};

struct cb_pool {
    pthread_mutex_t lock;
    pthread_cond_t queued; // a job came, or the pool ends
    pthread_cond_t done;   // a job is done
    struct job *first, *last;
    bool ending;
    unsigned threads;
    pthread_t *workers; // threads - 1
};

// The group's list holds every job from the oldest that was not waited for; all of it is under the pool's lock.
struct cb_group {
    struct cb_pool *pool;
    struct job *jobs, *last;
    uint64_t next_ticket;
    bool failed;
    uint64_t failed_ticket; // the lowest
    struct cb_error err;
};

static void dequeue(struct cb_pool *p, struct job *j)
{
    *(j->prev ? &j->prev->next : &p->first) = j->next;
    *(j->next ? &j->next->prev : &p->last) = j->prev;
}

static void keep_error(struct cb_group *g, uint64_t ticket, struct cb_error *err)
{
    if (g->failed && g->failed_ticket < ticket)
        return;
    cb_error_clear(&g->err);
    cb_error_move(&g->err, err);
    g->failed = true;
    g->failed_ticket = ticket;
}

// Runs a queued job; the lock is held on entry and on return, not while the job runs.
static void run(struct cb_pool *p, struct job *j)
{
    struct cb_group *g = j->group;
    dequeue(p, j);
    j->state = RUNNING;
    if (!g->failed) {
        struct cb_error err = CB_ERROR_INIT;
        pthread_mutex_unlock(&p->lock);
        int failed = j->fn(j->ctx, &err);
        pthread_mutex_lock(&p->lock);
        assert(!failed == (err.kind == CB_OK));
        if (failed)
            keep_error(g, j->ticket, &err);
        cb_error_clear(&err);
    }
    j->state = DONE;
    pthread_cond_broadcast(&p->done);
}

static void *work(void *arg)
{
    struct cb_pool *p = arg;
    pthread_mutex_lock(&p->lock);
    for (;;) {
        if (p->first)
            run(p, p->first);
        else if (p->ending)
            break;
        else
            pthread_cond_wait(&p->queued, &p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

struct cb_pool *cb_pool_new(unsigned threads)
{
    assert(threads >= 1);
    struct cb_pool *p = cb_zalloc(sizeof *p);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->queued, NULL);
    pthread_cond_init(&p->done, NULL);
    p->workers = cb_realloc_array(NULL, threads, sizeof *p->workers);
    p->threads = 1;
    // Signals are for the thread that made the pool: it may wait for one that a worker would swallow.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    // A system that refuses more threads gets fewer: the bytes are the same.
    while (p->threads < threads && pthread_create(&p->workers[p->threads - 1], NULL, work, p) == 0)
        p->threads++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return p;
}

void cb_pool_free(struct cb_pool *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    assert(!p->first);
    p->ending = true;
    pthread_cond_broadcast(&p->queued);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i + 1 < p->threads; i++)
        pthread_join(p->workers[i], NULL);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->queued);
    pthread_cond_destroy(&p->done);
    free(p->workers);
    free(p);
}

unsigned cb_pool_threads(const struct cb_pool *p)
{
    return p->threads;
}

struct cb_group *cb_group_new(struct cb_pool *p)
{
    struct cb_group *g = cb_zalloc(sizeof *g);
    g->pool = p;
    return g;
}

uint64_t cb_group_submit(struct cb_group *g, cb_job *job, void *ctx)
{
    struct cb_pool *p = g->pool;
    struct job *j = cb_zalloc(sizeof *j);
    *j = (struct job){.fn = job, .ctx = ctx, .group = g};
    pthread_mutex_lock(&p->lock);
    j->ticket = g->next_ticket++;
    *(g->last ? &g->last->next_of_group : &g->jobs) = j;
    g->last = j;
    j->prev = p->last;
    *(p->last ? &p->last->next : &p->first) = j;
    p->last = j;
    pthread_cond_signal(&p->queued);
    uint64_t ticket = j->ticket;
    pthread_mutex_unlock(&p->lock);
    return ticket;
}

static struct job *first_queued(const struct cb_group *g)
{
    struct job *j = g->jobs;
    while (j && j->state != QUEUED)
        j = j->next_of_group;
    return j;
}

// Takes done jobs off the front of the group, up to and including the one with that ticket; helps until it is done.
static void finish(struct cb_group *g, uint64_t ticket)
{
    struct cb_pool *p = g->pool;
    while (g->jobs && g->jobs->ticket <= ticket) {
        struct job *oldest = g->jobs, *queued;
        if (oldest->state == DONE) {
            g->jobs = oldest->next_of_group;
            if (!g->jobs)
                g->last = NULL;
            free(oldest);
        } else if ((queued = first_queued(g))) {
            run(p, queued);
        } else {
            pthread_cond_wait(&p->done, &p->lock);
        }
    }
}

// With the lock held: the whole group's outcome, and the group as new.
static int outcome(struct cb_group *g, struct cb_error *err)
{
    finish(g, UINT64_MAX);
    if (!g->failed)
        return 0;
    cb_error_move(err, &g->err);
    g->failed = false;
    return -1;
}

int cb_group_wait(struct cb_group *g, struct cb_error *err)
{
    pthread_mutex_lock(&g->pool->lock);
    int result = outcome(g, err);
    pthread_mutex_unlock(&g->pool->lock);
    return result;
}

int cb_group_wait_one(struct cb_group *g, uint64_t ticket, struct cb_error *err)
{
    pthread_mutex_lock(&g->pool->lock);
    finish(g, ticket);
    int result = g->failed ? outcome(g, err) : 0;
    pthread_mutex_unlock(&g->pool->lock);
    return result;
}

void cb_group_free(struct cb_group *g)
{
    if (!g)
        return;
    CB_ERROR_AUTO dropped = CB_ERROR_INIT;
    cb_group_wait(g, &dropped);
    free(g);
}

// Items are handed out in order of their numbers, so that of those that failed the lowest was always among them.
struct parallel {
    int (*fn)(void *ctx, size_t i, struct cb_error *err);
    void *ctx;
    size_t n, next, failed; // failed: the lowest item that did, or n
    pthread_mutex_t lock;   // over next, failed and err
    struct cb_error err;
};

static size_t next_item(struct parallel *p)
{
    pthread_mutex_lock(&p->lock);
    size_t i = p->failed < p->n ? p->n : p->next;
    p->next += i < p->n;
    pthread_mutex_unlock(&p->lock);
    return i;
}

static void item_failed(struct parallel *p, size_t i, struct cb_error *err)
{
    pthread_mutex_lock(&p->lock);
    if (i < p->failed) {
        cb_error_clear(&p->err);
        cb_error_move(&p->err, err);
        p->failed = i;
    }
    pthread_mutex_unlock(&p->lock);
    cb_error_clear(err);
}

static int run_items(void *ctx, struct cb_error *err)
{
    struct parallel *p = ctx;
    size_t i;
    while ((i = next_item(p)) < p->n)
        if (p->fn(p->ctx, i, err))
            item_failed(p, i, err);
    return 0;
}

int cb_parallel(struct cb_pool *pool, size_t n, unsigned at_once, int (*fn)(void *ctx, size_t i, struct cb_error *err),
                void *ctx, struct cb_error *err)
{
    struct parallel p = {.fn = fn, .ctx = ctx, .n = n, .failed = n};
    struct cb_group *g = cb_group_new(pool);
    size_t jobs = at_once ? at_once : cb_pool_threads(pool);
    pthread_mutex_init(&p.lock, NULL);
    for (size_t i = 0; i < jobs && i < n; i++)
        cb_group_submit(g, run_items, &p);
    cb_group_free(g);
    pthread_mutex_destroy(&p.lock);
    if (p.failed == n)
        return 0;
    cb_error_move(err, &p.err);
    return -1;
}
