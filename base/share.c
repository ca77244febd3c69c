#include "cbuild/base/share.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "cbuild/base/arena.h"
#include "cbuild/base/map.h"

struct entry {
    void *thing; // NULL: there is none (any more)
    size_t users;
    bool making;
    uint64_t weight;
    struct entry *older, *newer; // among those that nobody uses
};

struct cb_share {
    struct cb_share_kind kind;
    pthread_mutex_t lock; // of all that follows
    pthread_cond_t made;
    struct cb_arena arena;
    struct cb_map entries; // a key that was seen stays, its thing may go
    struct entry *oldest, *newest;
    size_t idle;
    uint64_t idle_weight;
};

struct cb_share *cb_share_new(const struct cb_share_kind *kind)
{
    struct cb_share *s = cb_zalloc(sizeof *s);
    s->kind = *kind;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->made, NULL);
    return s;
}

void cb_share_free(struct cb_share *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->entries.n; i++) {
        struct entry *e = s->entries.items[i].value;
        if (e->thing)
            s->kind.destroy(e->thing);
    }
    cb_map_release(&s->entries);
    cb_arena_release(&s->arena);
    pthread_cond_destroy(&s->made);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

static void leave_idle(struct cb_share *s, struct entry *e)
{
    *(e->older ? &e->older->newer : &s->oldest) = e->newer;
    *(e->newer ? &e->newer->older : &s->newest) = e->older;
    e->older = e->newer = NULL;
    s->idle--;
    s->idle_weight -= e->weight;
}

static void become_idle(struct cb_share *s, struct entry *e)
{
    e->older = s->newest;
    *(s->newest ? &s->newest->newer : &s->oldest) = e;
    s->newest = e;
    s->idle++;
    s->idle_weight += e->weight;
}

static struct entry *entry_of(struct cb_share *s, struct cb_str key)
{
    struct entry *e = cb_map_get(&s->entries, key);
    if (e)
        return e;
    e = cb_arena_alloc(&s->arena, sizeof *e);
    cb_map_put(&s->entries, cb_arena_str(&s->arena, key), e, NULL);
    return e;
}

void *cb_share_take(struct cb_share *s, struct cb_str key, cb_share_make *make, void *ctx, struct cb_error *err)
{
    pthread_mutex_lock(&s->lock);
    struct entry *e = entry_of(s, key);
    while (e->making)
        pthread_cond_wait(&s->made, &s->lock);
    if (e->thing && e->users == 0)
        leave_idle(s, e);
    if (!e->thing) {
        e->making = true;
        pthread_mutex_unlock(&s->lock);
        void *thing = make(ctx, err);
        uint64_t weight = thing && s->kind.weight ? s->kind.weight(thing) : 0;
        pthread_mutex_lock(&s->lock);
        e->making = false;
        e->thing = thing;
        e->weight = weight;
        pthread_cond_broadcast(&s->made);
    }
    void *thing = e->thing;
    e->users += thing != NULL;
    pthread_mutex_unlock(&s->lock);
    return thing;
}

// The oldest thing that nobody uses, if there are more than the limits allow. Its destruction may take long, so that is
// left to the caller.
static void *take_surplus(struct cb_share *s)
{
    struct entry *e = s->oldest;
    if (!e || (s->idle <= s->kind.most_idle && s->idle_weight <= s->kind.most_idle_weight))
        return NULL;
    void *thing = e->thing;
    leave_idle(s, e);
    e->thing = NULL;
    return thing;
}

void cb_share_give_back(struct cb_share *s, struct cb_str key)
{
    void *surplus;
    pthread_mutex_lock(&s->lock);
    struct entry *e = cb_map_get(&s->entries, key);
    assert(e && e->users > 0);
    if (--e->users == 0)
        become_idle(s, e);
    while ((surplus = take_surplus(s))) {
        pthread_mutex_unlock(&s->lock);
        s->kind.destroy(surplus);
        pthread_mutex_lock(&s->lock);
    }
    pthread_mutex_unlock(&s->lock);
}
