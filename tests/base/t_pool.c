/* Parallel loops: every index once, errors come back, scratch is not shared. */
#include <stdatomic.h>

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
    struct job job = {.threads = 1, .fail_at = SIZE_MAX};
    job.hits = calloc(10, sizeof *job.hits);
    cr_assert(hel_parallel(NULL, 10, work, &job) == HEL_OK && job.calls == 10);
    hel_engine *engine = engine_of(4);
    hel_mem_fail_nth(1);
    cr_assert(hel_parallel(engine, 10, work, &job) == HEL_E_MEMORY && job.calls == 10);
    hel_engine_free(engine);
    free(job.hits);
}
