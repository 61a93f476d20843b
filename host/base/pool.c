/*
 * Parallel loops on standing workers.
 *
 * One word describes the present loop: its number, how many workers have joined, how many of them
 * are still active, and whether it is open. The caller fills in the loop, opens it, works, closes
 * it when no index is left and waits until nobody is active. A worker takes part only by moving the
 * word from "open" to "one more joined and active", which fails once the loop is closed; one that
 * wakes up too late goes back to sleep and nobody waited for it. So no loop takes longer than the
 * caller alone would take, but for the items in work, and threads that could not be started are not
 * missed.
 *
 * Whoever waits spins for a moment before it sleeps. Sleeping is announced in a counter before the
 * word is read again; the other side changes the word before it reads the counter, both in one
 * total order, so that no wake-up is lost.
 *
 * A child of fork() has the pool but none of its threads: it forgets them and starts its own.
 */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host/base/engine_private.h"
#include "host/base/mem.h"
#include "host/base/thread.h"

#define SPIN_NS 20000u /* between two loops of one operation */
#define BACKOFF 256u   /* loops between attempts to start a thread */

#define OPEN         ((uint64_t)1)
#define ONE_ACTIVE   ((uint64_t)1 << 1)
#define ONE_JOINED   ((uint64_t)1 << 14)
#define ONE_LOOP     ((uint64_t)1 << 27)
#define COUNT_MASK   0x1fffu /* of active and joined: 13 bits hold 4096 */
#define ACTIVE(word) ((uint32_t)((word) >> 1) & COUNT_MASK)
#define JOINED(word) ((uint32_t)((word) >> 14) & COUNT_MASK)
#define LOOP(word)   ((word) >> 27)

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void pause_briefly(void)
{
    for (int i = 0; i < 16; i++) {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#else
        __asm__ volatile("" : : : "memory");
#endif
    }
}

static void take_items(hel_pool *pool, uint32_t worker)
{
    while (!atomic_load_explicit(&pool->failed, memory_order_relaxed)) {
        size_t index = atomic_fetch_add(&pool->next, 1);
        if (index >= pool->count)
            break;
        hel_status status = pool->fn(pool->arg, index, worker);
        int none = 0;
        if (status != HEL_OK)
            atomic_compare_exchange_strong(&pool->failed, &none, (int)status);
    }
}

/* An open loop after number `seen`, or the end. */
static int has_news(hel_pool *pool, uint64_t seen)
{
    uint64_t word = atomic_load(&pool->state);
    return ((word & OPEN) && LOOP(word) != seen) || atomic_load(&pool->stop);
}

static void await_loop(hel_pool *pool, uint64_t seen)
{
    if (pool->spin) {
        const uint64_t end = now_ns() + SPIN_NS;
        do {
            if (has_news(pool, seen))
                return;
            pause_briefly();
        } while (now_ns() < end);
    }
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->sleepers, 1);
    while (!has_news(pool, seen))
        pthread_cond_wait(&pool->wake, &pool->lock);
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->lock);
}

/* Joins the open loop; returns the worker's number in it, 0 when there is no place. */
static uint32_t join_loop(hel_pool *pool, uint64_t *seen)
{
    uint64_t word = atomic_load(&pool->state);
    while (word & OPEN) {
        *seen = LOOP(word);
        if (JOINED(word) >= atomic_load(&pool->limit))
            return 0;
        if (atomic_compare_exchange_weak(&pool->state, &word, word + ONE_JOINED + ONE_ACTIVE))
            return JOINED(word) + 1;
    }
    return 0;
}

static void leave_loop(hel_pool *pool)
{
    uint64_t word = atomic_fetch_sub(&pool->state, ONE_ACTIVE);
    if ((word & OPEN) || ACTIVE(word) != 1 || !atomic_load(&pool->waiting))
        return;
    pthread_mutex_lock(&pool->lock);
    pthread_cond_signal(&pool->done);
    pthread_mutex_unlock(&pool->lock);
}

static void *serve(void *arg)
{
    hel_pool *pool = arg;
    uint64_t seen = 0; /* the first loop has number 1 */
    for (;;) {
        await_loop(pool, seen);
        if (atomic_load(&pool->stop))
            return NULL;
        uint32_t worker = join_loop(pool, &seen);
        if (worker) {
            take_items(pool, worker);
            leave_loop(pool);
        }
    }
}

/* The processors of worker i, which is thread i + 1 of the engine; NULL: its creator's. */
static const hel_cpus *cpus_of(const hel_pool *pool, uint32_t i)
{
    if (pool->set && pool->place[i + 1] < pool->sets)
        return &pool->set[pool->place[i + 1]];
    return pool->has_home ? &pool->home : NULL;
}

/* A thread that cannot be started is not an error: the others do its work. */
static void start_workers(hel_pool *pool, uint32_t wanted)
{
    if (pool->started >= wanted)
        return;
    if (pool->backoff) {
        pool->backoff--;
        return;
    }
    while (pool->started < wanted && !pool->backoff) {
        if (hel_thread_start(&pool->threads[pool->started], serve, pool,
                             cpus_of(pool, pool->started)) == 0)
            pool->started++;
        else
            pool->backoff = BACKOFF;
    }
}

/* After a fork: the workers are the parent's, and lock and conditions may remember them. */
static void forget_workers(hel_pool *pool)
{
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->done, NULL);
    atomic_store(&pool->sleepers, 0);
    pool->started = 0;
    pool->backoff = 0;
}

static void open_loop(hel_pool *pool, uint32_t limit)
{
    atomic_store(&pool->limit, limit);
    const uint64_t number = LOOP(atomic_load(&pool->state)) + 1;
    atomic_store(&pool->state, number * ONE_LOOP + OPEN);
    if (atomic_load(&pool->sleepers) == 0)
        return;
    pthread_mutex_lock(&pool->lock);
    if (limit == 1)
        pthread_cond_signal(&pool->wake);
    else
        pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
}

static int is_quiet(hel_pool *pool)
{
    return ACTIVE(atomic_load(&pool->state)) == 0;
}

static void close_loop(hel_pool *pool)
{
    atomic_fetch_and(&pool->state, ~OPEN);
    if (pool->spin) {
        const uint64_t end = now_ns() + SPIN_NS;
        do {
            if (is_quiet(pool))
                return;
            pause_briefly();
        } while (now_ns() < end);
    }
    pthread_mutex_lock(&pool->lock);
    atomic_store(&pool->waiting, 1);
    while (!is_quiet(pool))
        pthread_cond_wait(&pool->done, &pool->lock);
    atomic_store(&pool->waiting, 0);
    pthread_mutex_unlock(&pool->lock);
}

static hel_status run_alone(size_t count, hel_work_fn fn, void *arg)
{
    for (size_t i = 0; i < count; i++)
        HEL_TRY(fn(arg, i, 0));
    return HEL_OK;
}

hel_status hel_parallel(hel_engine *engine, size_t count, hel_work_fn fn, void *arg)
{
    const uint32_t threads = hel_engine_threads(engine);
    const uint32_t wanted = (uint32_t)(threads < count ? threads : count);
    if (wanted <= 1 || atomic_exchange(&engine->pool.busy, 1))
        return run_alone(count, fn, arg);
    hel_pool *pool = &engine->pool;
    const pid_t process = getpid();
    if (pool->started && pool->process != process)
        forget_workers(pool);
    pool->process = process;
    start_workers(pool, wanted - 1);
    pool->fn = fn;
    pool->arg = arg;
    pool->count = count;
    atomic_store(&pool->next, 0);
    atomic_store(&pool->failed, 0);
    open_loop(pool, wanted - 1);
    take_items(pool, 0);
    close_loop(pool);
    const hel_status status = (hel_status)atomic_load(&pool->failed);
    atomic_store(&pool->busy, 0);
    return status;
}

hel_status hel_pool_place(hel_engine *engine, const hel_cpus *set, uint32_t sets,
                          const uint32_t *place)
{
    hel_pool *pool = &engine->pool;
    hel_cpus *own;
    uint32_t *places;
    HEL_TRY(hel_malloc(engine, &own, sets, sizeof *own));
    hel_status status = hel_malloc(engine, &places, engine->threads, sizeof *places);
    if (status != HEL_OK) {
        hel_free(own);
        return status;
    }
    memcpy(own, set, sets * sizeof *own);
    memcpy(places, place, engine->threads * sizeof *places);
    hel_free(pool->set);
    hel_free(pool->place);
    pool->set = own;
    pool->sets = sets;
    pool->place = places;
    if (pool->process == getpid())
        for (uint32_t i = 0; i < pool->started; i++) {
            const hel_cpus *cpus = cpus_of(pool, i);
            if (cpus)
                (void)pthread_setaffinity_np(pool->threads[i], sizeof *cpus,
                                             (const cpu_set_t *)(const void *)cpus);
        }
    return HEL_OK;
}

int hel_pool_placed(const hel_engine *engine)
{
    return engine->pool.set != NULL;
}

void hel_pool_init(hel_pool *pool, pthread_t *threads, int spin)
{
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->done, NULL);
    pool->threads = threads;
    pool->spin = spin;
    pool->has_home = hel_cpus_of_thread(&pool->home);
}

void hel_pool_end(hel_pool *pool)
{
    if (pool->started && pool->process != getpid())
        forget_workers(pool);
    atomic_store(&pool->stop, 1);
    pthread_mutex_lock(&pool->lock);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (uint32_t i = 0; i < pool->started; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    hel_free(pool->set);
    hel_free(pool->place);
}
