/* Parallel loops: threads live for one loop. A loop is milliseconds at least; a thread start is
 * some 20 microseconds, so a standing pool would buy little and cost a lifetime to manage. */
#include <pthread.h>
#include <stdatomic.h>

#include "host/base/mem.h"
#include "host/base/pool.h"

struct loop {
    hel_work_fn fn;
    void *arg;
    size_t count;
    atomic_size_t next;
    atomic_int failed; /* the first failing status */
};

struct worker {
    struct loop *loop;
    pthread_t thread;
    uint32_t index;
};

static void *work(void *arg)
{
    struct worker *self = arg;
    struct loop *loop = self->loop;
    while (!atomic_load(&loop->failed)) {
        size_t index = atomic_fetch_add(&loop->next, 1);
        if (index >= loop->count)
            break;
        hel_status status = loop->fn(loop->arg, index, self->index);
        int none = 0;
        if (status != HEL_OK)
            atomic_compare_exchange_strong(&loop->failed, &none, (int)status);
    }
    return NULL;
}

hel_status hel_parallel(hel_engine *engine, size_t count, hel_work_fn fn, void *arg)
{
    struct loop loop = {.fn = fn, .arg = arg, .count = count};
    uint32_t threads = hel_engine_threads(engine);
    if (threads > count)
        threads = (uint32_t)count;
    if (threads <= 1) {
        struct worker self = {.loop = &loop};
        work(&self);
        return (hel_status)atomic_load(&loop.failed);
    }
    struct worker *workers;
    HEL_TRY(hel_calloc(engine, &workers, threads, sizeof *workers));
    uint32_t started = 1;
    for (uint32_t i = 0; i < threads; i++)
        workers[i] = (struct worker){.loop = &loop, .index = i};
    /* A thread that cannot be started is not an error: the others do its work. */
    while (started < threads &&
           pthread_create(&workers[started].thread, NULL, work, &workers[started]) == 0)
        started++;
    work(&workers[0]);
    for (uint32_t i = 1; i < started; i++)
        pthread_join(workers[i].thread, NULL);
    hel_free(workers);
    return (hel_status)atomic_load(&loop.failed);
}
