/* Parallel loops: every index once, errors come back, scratch is not shared. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "host/base/affinity.h"
#include "host/base/mem.h"
#include "host/base/pool.h"
#include "tests/base/test_dir.h"

struct job {
    atomic_uint *hits;  /* per index */
    atomic_int busy[8]; /* per worker */
    uint32_t threads;
    size_t fail_at; /* index; SIZE_MAX = none */
    atomic_size_t calls;
};

static hel_status work(void *arg, size_t index, uint32_t worker)
{
    struct job *job = arg;
    if (worker >= job->threads || atomic_exchange(&job->busy[worker], 1) != 0)
        return HEL_E_INTERNAL;
    atomic_fetch_add(&job->hits[index], 1);
    atomic_fetch_add(&job->calls, 1);
    atomic_store(&job->busy[worker], 0);
    return index == job->fail_at ? HEL_E_INPUT : HEL_OK;
}

static hel_engine *engine_of(uint32_t threads)
{
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    hel_engine *engine;
    config.threads = threads;
    cr_assert(hel_engine_create(&engine, &config) == HEL_OK);
    cr_assert(hel_engine_threads(engine) == threads);
    return engine;
}

Test(pool, every_index_once)
{
    static const size_t counts[] = {0, 1, 2, 7, 8, 9, 100, 100000};
    for (uint32_t threads = 1; threads <= 8; threads++) {
        hel_engine *engine = engine_of(threads);
        for (size_t i = 0; i < 8; i++) {
            struct job job = {.threads = threads, .fail_at = SIZE_MAX};
            job.hits = calloc(counts[i] + 1, sizeof *job.hits);
            cr_assert(hel_parallel(engine, counts[i], work, &job) == HEL_OK);
            for (size_t j = 0; j < counts[i]; j++)
                cr_assert(job.hits[j] == 1, "%u threads: index %zu of %zu came %u times", threads,
                          j, counts[i], job.hits[j]);
            cr_assert(job.hits[counts[i]] == 0);
            free(job.hits);
        }
        hel_engine_free(engine);
    }
    cr_assert(hel_mem_in_use() == 0);
}

Test(pool, errors_come_back_and_stop_the_loop)
{
    static const size_t places[] = {0, 1, 500, 99999};
    for (uint32_t threads = 1; threads <= 8; threads++) {
        hel_engine *engine = engine_of(threads);
        for (size_t i = 0; i < 4; i++) {
            struct job job = {.threads = threads, .fail_at = places[i]};
            job.hits = calloc(100000, sizeof *job.hits);
            cr_assert(hel_parallel(engine, 100000, work, &job) == HEL_E_INPUT);
            /* indices are handed out in order: all before the failed one were done */
            for (size_t j = 0; j <= places[i]; j++)
                cr_assert(job.hits[j] == 1);
            if (threads == 1)
                cr_assert(job.calls == places[i] + 1);
            free(job.hits);
        }
        hel_engine_free(engine);
    }
}

Test(pool, without_an_engine_and_without_memory)
{
    struct job job = {.threads = 4, .fail_at = SIZE_MAX};
    job.hits = calloc(10, sizeof *job.hits);
    cr_assert(hel_parallel(NULL, 10, work, &job) == HEL_OK && job.calls == 10);
    hel_engine *engine = engine_of(4);
    hel_mem_fail_nth(1); /* a loop needs no memory */
    cr_assert(hel_parallel(engine, 10, work, &job) == HEL_OK && job.calls == 20);
    hel_mem_fail_nth(0);
    hel_engine_free(engine);
    free(job.hits);
}

/* Short loops one after another, with pauses that let workers fall asleep: none is lost, none sees
 * another's data. */
struct tick {
    uint64_t number;
    uint64_t seen[64];
};

static hel_status write_number(void *arg, size_t index, uint32_t worker)
{
    struct tick *t = arg;
    (void)worker;
    t->seen[index] = t->number;
    return HEL_OK;
}

Test(pool, many_short_loops, .timeout = 120)
{
    for (uint32_t threads = 2; threads <= 5; threads++) {
        hel_engine *engine = engine_of(threads);
        for (uint64_t i = 1; i <= 20000; i++) {
            struct tick t = {.number = i};
            size_t count = i % 64 + 1;
            cr_assert(hel_parallel(engine, count, write_number, &t) == HEL_OK);
            for (size_t j = 0; j < 64; j++)
                cr_assert(t.seen[j] == (j < count ? i : 0), "loop %zu, index %zu", (size_t)i, j);
            if (i % 1000 == 0)
                usleep(2000);
        }
        hel_engine_free(engine);
    }
}

/* Every thread takes part, asleep or awake before: each item waits for all the others. */
struct meeting {
    uint32_t expected;
    atomic_uint arrived;
};

static hel_status meet(void *arg, size_t index, uint32_t worker)
{
    struct meeting *m = arg;
    (void)index;
    (void)worker;
    atomic_fetch_add(&m->arrived, 1);
    for (int ms = 0; atomic_load(&m->arrived) < m->expected; ms++) {
        if (ms > 20000)
            return HEL_E_INTERNAL;
        usleep(1000);
    }
    return HEL_OK;
}

Test(pool, all_threads_take_part, .timeout = 120)
{
    for (uint32_t threads = 2; threads <= 4; threads++) {
        hel_engine *engine = engine_of(threads);
        for (int i = 0; i < 50; i++) {
            struct meeting m = {.expected = threads};
            cr_assert(hel_parallel(engine, threads, meet, &m) == HEL_OK, "%u threads, loop %d",
                      threads, i);
            if (i % 2)
                usleep(3000);
        }
        hel_engine_free(engine);
    }
}

/* Loops inside loops run in the thread that asks. */
struct outer {
    hel_engine *engine;
    atomic_uint sum;
};

struct inner {
    pthread_t owner;
    uint32_t sum;
};

static hel_status add_index(void *arg, size_t index, uint32_t worker)
{
    struct inner *in = arg;
    if (worker != 0 || !pthread_equal(in->owner, pthread_self()))
        return HEL_E_INTERNAL;
    in->sum += (uint32_t)index;
    return HEL_OK;
}

static hel_status nest(void *arg, size_t index, uint32_t worker)
{
    struct outer *out = arg;
    struct inner in = {.owner = pthread_self()};
    (void)worker;
    HEL_TRY(hel_parallel(out->engine, index + 1, add_index, &in));
    atomic_fetch_add(&out->sum, in.sum);
    return HEL_OK;
}

Test(pool, nested_loops)
{
    struct outer out = {.engine = engine_of(4)};
    cr_assert(hel_parallel(out.engine, 100, nest, &out) == HEL_OK);
    cr_assert(out.sum == 166650, "%u", out.sum); /* sum of i (i + 1) / 2 over i < 100 */
    hel_engine_free(out.engine);
}

/* A child of fork() has none of the workers: its loops start new ones, and the end does not wait
 * for those of the parent. */
Test(pool, after_a_fork)
{
    for (int idle = 0; idle <= 1; idle++) {
        hel_engine *engine = engine_of(4);
        struct job job = {.threads = 4, .fail_at = SIZE_MAX};
        int status;
        job.hits = calloc(1000, sizeof *job.hits);
        cr_assert(hel_parallel(engine, 1000, work, &job) == HEL_OK);
        usleep(50000); /* the workers sleep */
        const pid_t child = fork();
        cr_assert(child >= 0);
        if (child == 0) {
            alarm(20);
            if (!idle && (hel_parallel(engine, 1000, work, &job) != HEL_OK || job.calls != 2000))
                _exit(1);
            hel_engine_free(engine);
            _exit(0);
        }
        cr_assert(waitpid(child, &status, 0) == child);
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "child: status %x", status);
        cr_assert(hel_parallel(engine, 1000, work, &job) == HEL_OK);
        cr_assert(job.calls == 2000);
        hel_engine_free(engine);
        free(job.hits);
    }
}

/* Threads on processors of their own: what each worker may use, by its thread. */
struct residents {
    struct meeting meeting;
    pthread_t caller;
    atomic_uint on[2], caller_free, other;
    uint32_t cpu[2]; /* that the sets hold */
};

static hel_status reside(void *arg, size_t index, uint32_t worker)
{
    struct residents *r = arg;
    hel_cpus now;
    if (!hel_cpus_of_thread(&now))
        return HEL_E_INTERNAL;
    if (pthread_equal(r->caller, pthread_self()))
        atomic_fetch_add(&r->caller_free, hel_cpus_count(&now) > 1);
    else if (hel_cpus_count(&now) == 1 && hel_cpus_has(&now, r->cpu[0]))
        atomic_fetch_add(&r->on[0], 1);
    else if (hel_cpus_count(&now) == 1 && hel_cpus_has(&now, r->cpu[1]))
        atomic_fetch_add(&r->on[1], 1);
    else
        atomic_fetch_add(&r->other, 1);
    return meet(&r->meeting, index, worker);
}

static void who_is_where(hel_engine *engine, struct residents *r)
{
    const uint32_t threads = hel_engine_threads(engine);
    r->meeting = (struct meeting){.expected = threads};
    r->caller = pthread_self();
    r->on[0] = r->on[1] = r->caller_free = r->other = 0;
    cr_assert(hel_parallel(engine, threads, reside, r) == HEL_OK);
}

Test(pool, threads_have_their_places, .timeout = 120)
{
    static const uint32_t place[6] = {1, 0, 1, 1, 7, 2}; /* 0: the caller; 7: none */
    hel_cpus mine, set[3] = {{{0}}, {{0}}, {{0}}};
    struct residents r = {0};
    uint32_t found = 0;
    cr_assert(hel_cpus_of_thread(&mine));
    for (uint32_t cpu = 0; cpu < HEL_CPUS_MOST && found < 2; cpu++)
        if (hel_cpus_has(&mine, cpu)) {
            hel_cpus_add(&set[found], cpu);
            r.cpu[found++] = cpu;
        }
    if (found < 2)
        cr_skip_test("one processor");
    hel_cpus_add(&set[2], HEL_CPUS_MOST - 1); /* cannot be had: its thread runs anywhere */
    for (int started = 0; started <= 1; started++) {
        hel_engine *engine = engine_of(6);
        if (started) {
            who_is_where(engine, &r);
            cr_expect(r.on[0] + r.on[1] == 0 && r.other == 5 && r.caller_free == 1);
        }
        cr_expect_not(hel_pool_placed(engine));
        cr_assert(hel_pool_place(engine, set, 3, place) == HEL_OK);
        cr_expect(hel_pool_placed(engine));
        for (int i = 0; i < 3; i++) {
            who_is_where(engine, &r);
            cr_expect(r.on[0] == 1 && r.on[1] == 2 && r.other == 2 && r.caller_free == 1,
                      "%u and %u bound, %u not, caller %u", r.on[0], r.on[1], r.other,
                      r.caller_free);
        }
        /* and again, elsewhere */
        cr_assert(hel_pool_place(engine, set + 1, 1, (const uint32_t[]){0, 0, 0, 0, 0, 0}) ==
                  HEL_OK);
        who_is_where(engine, &r);
        cr_expect(r.on[0] == 0 && r.on[1] == 5 && r.other == 0 && r.caller_free == 1);
        hel_engine_free(engine);
    }
    cr_assert(hel_mem_in_use() == 0);
}

Test(pool, places_without_memory)
{
    hel_cpus set = {{1}};
    hel_engine *engine = engine_of(2);
    for (uint64_t nth = 1; nth <= 2; nth++) {
        hel_mem_fail_nth(nth);
        cr_expect(hel_pool_place(engine, &set, 1, (const uint32_t[]){0, 0}) == HEL_E_MEMORY);
        hel_mem_fail_nth(0);
        cr_expect_not(hel_pool_placed(engine));
    }
    hel_engine_free(engine);
    cr_assert(hel_mem_in_use() == 0);
}

static void *do_nothing(void *arg)
{
    return arg;
}

/* Where no thread can be started the caller does all. */
Test(pool, without_threads)
{
    struct rlimit limit, none;
    struct job job = {.threads = 1, .fail_at = SIZE_MAX};
    pthread_t thread;
    cr_assert(getrlimit(RLIMIT_NPROC, &limit) == 0);
    none = limit;
    none.rlim_cur = 0;
    if (setrlimit(RLIMIT_NPROC, &none) != 0 || (getuid() == 0 && setuid(65534) != 0))
        cr_skip_test("cannot limit threads here");
    prctl(PR_SET_DUMPABLE, 1); /* the leak checker traces its own process in the end */
    if (pthread_create(&thread, NULL, do_nothing, NULL) == 0) {
        pthread_join(thread, NULL);
        cr_skip_test("the limit of threads has no effect here");
    }
    hel_engine *engine = engine_of(4);
    job.hits = calloc(1000, sizeof *job.hits);
    for (int i = 0; i < 1000; i++)
        cr_assert(hel_parallel(engine, 1000, work, &job) == HEL_OK);
    cr_assert(job.calls == 1000000);
    hel_engine_free(engine);
    free(job.hits);
    cr_assert(setrlimit(RLIMIT_NPROC, &limit) == 0);
}
