// A fixed set of worker threads, and jobs that run on them.
//
// One pool serves the process; cli/ makes it with --threads or the number of cores. A thread that waits for a group
// runs that group's queued jobs meanwhile: so a pool of n threads has n - 1 workers and the waiting thread, jobs may
// submit groups of their own and wait for them, and with one thread everything runs in order of submission.
#ifndef CB_BASE_POOL_H
#define CB_BASE_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "cbuild/base/error.h"

struct cb_pool;
struct cb_group;

// threads >= 1.
struct cb_pool *cb_pool_new(unsigned threads);
void cb_pool_free(struct cb_pool *p); // waits for running jobs; queued ones must be gone
unsigned cb_pool_threads(const struct cb_pool *p);

typedef int cb_job(void *ctx, struct cb_error *err);

// A group of jobs that succeed or fail together: the error that is kept is that of the job submitted first among
// those that failed, so the message does not depend on timing. After a failure, jobs not yet begun are skipped.
struct cb_group *cb_group_new(struct cb_pool *p);
uint64_t cb_group_submit(struct cb_group *g, cb_job *job, void *ctx); // its ticket
int cb_group_wait(struct cb_group *g, struct cb_error *err);          // for all; then the group may be used again
// Until the job with that ticket is done (each ticket once, in order of submission): for pipelines whose results leave
// in order. Where the group has failed, waits for all of it and gives the error, as cb_group_wait does.
int cb_group_wait_one(struct cb_group *g, uint64_t ticket, struct cb_error *err);
void cb_group_free(struct cb_group *g); // waits; an error that nobody collected is dropped

// Runs fn(ctx, i) for i in [0, n), at most `at_once` at a time (0: as many as there are threads).
int cb_parallel(struct cb_pool *p, size_t n, unsigned at_once, int (*fn)(void *ctx, size_t i, struct cb_error *err),
                void *ctx, struct cb_error *err);

#endif
